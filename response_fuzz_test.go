package instagram

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram/internal/wire"
)

func FuzzCheckResponse(f *testing.F) {
	const token = "canaryTokenOfTheFuzzing"
	for _, c := range wireCases(f, "graph_error", "oauth_token_error", "debug_token", "token_response", "success") {
		h := c.response().Header
		f.Add(c.response().StatusCode, h.Get("Content-Encoding"), h.Get("Www-Authenticate"), []byte(c.Response.Body))
	}
	f.Add(401, "gzip", `OAuth "Facebook Platform" "invalid_token" "`+token+`"`, []byte(`{"error":{"message":"`+token+`","code":190}}`))
	f.Fuzz(func(t *testing.T, status int, encoding, challenge string, raw []byte) {
		if status < 0 || status > 999 {
			status = 500
		}
		if bytes.Contains([]byte(token), raw) || len(raw) > 1<<16 {
			raw = append(raw, token...)
		}
		req := &http.Request{Method: http.MethodGet, Header: http.Header{"Authorization": {"Bearer " + token}}, URL: &url.URL{Host: "graph.instagram.com", Path: "/me"}}
		resp := answer(status, http.Header{"Content-Encoding": {encoding}, "Www-Authenticate": {challenge}}, string(raw))
		resp.Request = req
		err := CheckResponse(resp)
		if status >= 300 || status < 200 {
			require.Error(t, err)
		}
		assert.Equal(t, string(raw), readAll(t, resp.Body))
		if err == nil {
			return
		}
		classOf(t, err)
		assert.NotEmpty(t, ErrorAdvice(err).Text)
		for _, printed := range everyPrint(t, err) {
			assert.NotContains(t, printed, token)
			assert.Less(t, len(printed), 1<<18)
		}
		assert.NotContains(t, err.Error(), "\n")
	})
}

func FuzzErrorFromCallback(f *testing.F) {
	for _, c := range wireCases(f, "callback_query") {
		u, err := url.Parse(c.CallbackURL)
		require.NoError(f, err)
		f.Add(u.RawQuery)
	}
	f.Add("error_code=1349126&error_message=App+Not+Setup&state=canaryStateOfTheFuzzing")
	f.Fuzz(func(t *testing.T, query string) {
		values, _ := url.ParseQuery(query)
		values.Add("state", "canaryStateOfTheFuzzing")
		e := errorFromCallback(values)
		if e == nil {
			return
		}
		classOf(t, e)
		for _, printed := range everyPrint(t, e) {
			assert.NotContains(t, printed, "canaryStateOfTheFuzzing")
		}
	})
}

func TestClassifyingAllocatesLittle(t *testing.T) {
	resp := answer(400, usageHeaderSets()["one account"], "")
	text := []byte(deadToken)
	assert.Less(t, testing.AllocsPerRun(100, func() {
		e := newError("refresh", resp, text, "secret1", "secret2")
		_ = errors.Is(e, ErrTokenInvalid)
	}), 15.0)
}

func BenchmarkClassify(b *testing.B) {
	text := []byte(deadToken)
	resp := answer(400, usageHeaderSets()["one account"], "")
	b.Run("newError", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			e := newError("refresh", resp, text, "IGAAsecret0123456789", "another")
			if !errors.Is(e, ErrTokenInvalid) {
				b.Fatal(e)
			}
		}
	})
	b.Run("CheckResponse", func(b *testing.B) {
		b.ReportAllocs()
		h := resp.Header
		for b.Loop() {
			resp := answer(400, h, deadToken)
			if !errors.Is(CheckResponse(resp), ErrTokenInvalid) {
				b.Fatal("not classified")
			}
		}
	})
	b.Run("success", func(b *testing.B) {
		b.ReportAllocs()
		r := strings.NewReader(`{"id":"17841405793187219"}`)
		resp := answer(200, nil, "")
		for b.Loop() {
			r.Seek(0, io.SeekStart)
			resp.Body = io.NopCloser(r)
			if CheckResponse(resp) != nil {
				b.Fatal("no success")
			}
		}
	})
	b.Run("reading alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			wire.FindError(wire.Parse(text), false)
		}
	})
	b.Run("encoding-json into a struct", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var v struct {
				Error struct {
					Message, Type string
					Code          int
					Subcode       int    `json:"error_subcode"`
					TraceID       string `json:"fbtrace_id"`
				}
			}
			if json.Unmarshal(text, &v) != nil || v.Error.Code != 190 {
				b.Fatal(v)
			}
		}
	})
	b.Run("encoding-json into a map", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var v map[string]any
			if json.Unmarshal(text, &v) != nil {
				b.Fatal(v)
			}
		}
	})
}

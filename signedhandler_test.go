package instagram_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

func TestSignedRequestHandlerAttacks(t *testing.T) {
	t.Parallel()
	form := func(values ...string) func(*instagramtest.Callback) {
		return func(cb *instagramtest.Callback) { cb.Body = []byte(url.Values{"signed_request": values}.Encode()) }
	}
	old := func(change func(signed string) string) func(*instagramtest.Callback) {
		return func(cb *instagramtest.Callback) {
			values, err := url.ParseQuery(string(cb.Body))
			if err != nil {
				panic(err)
			}
			form(change(values.Get("signed_request")))(cb)
		}
	}
	for name, c := range map[string]struct {
		opts   []instagramtest.CallbackOption
		alter  func(*instagramtest.Callback)
		status int
	}{
		"forged":                         {opts: []instagramtest.CallbackOption{instagramtest.SignedWith("guess")}, status: http.StatusForbidden},
		"signed with the empty secret":   {opts: []instagramtest.CallbackOption{instagramtest.SignedWith("")}, status: http.StatusForbidden},
		"signed with a secret not given": {opts: []instagramtest.CallbackOption{instagramtest.SignedWith(instagramtest.DefaultMetaAppSecret)}, status: http.StatusForbidden},
		"algorithm none":                 {opts: []instagramtest.CallbackOption{instagramtest.Claim("algorithm", "none")}, status: http.StatusForbidden},
		"no algorithm":                   {opts: []instagramtest.CallbackOption{instagramtest.Claim("algorithm", nil)}, status: http.StatusForbidden},
		"stale":                          {opts: []instagramtest.CallbackOption{instagramtest.IssuedAt(time.Now().Add(-25 * time.Hour))}, status: http.StatusForbidden},
		"from the future":                {opts: []instagramtest.CallbackOption{instagramtest.IssuedAt(time.Now().Add(time.Hour))}, status: http.StatusForbidden},
		"ended":                          {opts: []instagramtest.CallbackOption{instagramtest.IssuedAt(time.Now().Add(-2 * time.Hour))}, status: http.StatusForbidden},
		"not dated":                      {opts: []instagramtest.CallbackOption{instagramtest.Claim("issued_at", nil)}, status: http.StatusForbidden},
		"about nobody":                   {opts: []instagramtest.CallbackOption{instagramtest.Claim("user_id", nil)}, status: http.StatusForbidden},
		"about user 0":                   {opts: []instagramtest.CallbackOption{instagramtest.Claim("user_id", 0)}, status: http.StatusForbidden},
		"about a path":                   {opts: []instagramtest.CallbackOption{instagramtest.Claim("user_id", "person:1")}, status: http.StatusForbidden},
		"truncated":                      {alter: old(func(s string) string { return s[:len(s)-4] }), status: http.StatusForbidden},
		"the payload encoded anew":       {alter: old(func(s string) string { return s + "=" }), status: http.StatusForbidden},
		"the signature of another":       {alter: old(func(s string) string { return signed(`{}`)[:43] + s[43:] }), status: http.StatusForbidden},
		"oversized":                      {alter: form(strings.Repeat("a", 20_000)), status: http.StatusRequestEntityTooLarge},
		"longer than Meta's":             {alter: form(strings.Repeat("a", 9_000)), status: http.StatusForbidden},
		"twice":                          {alter: form("a.b", "c.d"), status: http.StatusForbidden},
		"empty":                          {alter: form(""), status: http.StatusForbidden},
		"missing":                        {alter: form(), status: http.StatusForbidden},
		"in the URL": {alter: func(cb *instagramtest.Callback) {
			cb.URL += "?" + string(cb.Body)
			cb.Body = nil
		}, status: http.StatusForbidden},
		"a form that cannot be read": {alter: func(cb *instagramtest.Callback) { cb.Body = []byte("signed_request=%zz") }, status: http.StatusBadRequest},
		"as JSON":                    {alter: func(cb *instagramtest.Callback) { cb.Header.Set("Content-Type", "application/json") }, status: http.StatusBadRequest},
		"by GET":                     {alter: func(cb *instagramtest.Callback) { cb.Method = http.MethodGet }, status: http.StatusMethodNotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			meta := instagramtest.New()
			store := newCallbackStore()
			token := instagram.Token{AccountID: instagramtest.DefaultAccountID, AppScopedID: instagramtest.DefaultAppScopedID}
			key := store.put(t, igAppID, token, time.Now().Add(-48*time.Hour))
			var log bytes.Buffer
			client := newClient(t, instagramConfig(), meta, instagram.WithTokenStore(store),
				instagram.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
			called := 0
			deletion, err := client.DataDeletionHandler("https://example.com/status", func(context.Context, instagram.DataDeletion) error {
				called++
				return nil
			})
			require.NoError(t, err)
			deauthorize := client.DeauthorizeHandler(func(context.Context, instagram.Deauthorization) error {
				called++
				return nil
			})
			for _, h := range []http.Handler{deauthorize, deletion} {
				cb, err := meta.SignedCallback(deauthorizeURL, instagramtest.DefaultAccountID, c.opts...)
				require.NoError(t, err)
				if c.alter != nil {
					c.alter(&cb)
				}
				reply, err := cb.Send(t.Context(), instagramtest.To(h))
				require.NoError(t, err)
				assert.Equal(t, c.status, reply.Status)
				assert.Equal(t, http.StatusText(c.status)+"\n", string(reply.Body))
				assert.Equal(t, "nosniff", reply.Header.Get("X-Content-Type-Options"))
			}
			assert.Zero(t, called)
			assert.Equal(t, map[instagram.TokenKey]instagram.RecordState{key: instagram.Alive}, store.states())
			assert.NotContains(t, log.String(), callbackSecret)
		})
	}
}

func TestSignedRequestSlowBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, instagramConfig(), instagramtest.New())
		c := serve(t, client.DeauthorizeHandler(nil))()
		start := time.Now()
		_, err := fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nsigned_request=")
		require.NoError(t, err)
		answer, err := io.ReadAll(c)
		require.NoError(t, err)
		assert.Contains(t, string(answer), "408 Request Timeout")
		assert.Equal(t, 10*time.Second, time.Since(start))
	})
}

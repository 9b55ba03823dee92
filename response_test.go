package instagram

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const deadToken = `{"error":{"message":"Error validating access token: Session has expired on Friday, 18-Aug","type":"OAuthException","code":190,"error_subcode":463,"fbtrace_id":"A1"}}`

// body counts what is read of it, and whether it was closed.
type body struct {
	io.Reader
	read, reads int
	closed      bool
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.read += n
	b.reads++
	return n, err
}

func (b *body) Close() error {
	b.closed = true
	return nil
}

func TestSuccessIsOnlyLookedAt(t *testing.T) {
	t.Parallel()
	large := `{"data":[` + strings.Repeat(`{"id":"1"},`, 1<<17) + `{}]}`
	for name, tt := range map[string]struct {
		status int
		body   string
		most   int // bytes that may have been read
	}{
		"an object":                  {200, `{"id":"17841405793187219"}`, 512},
		"a large object":             {200, large, 512},
		"created":                    {201, `{"id":"1"}`, 512},
		"nothing":                    {200, ``, 0},
		"a batch with errors":        {200, `[{"code":400,"body":"{\"error\":{\"code\":190}}"}]`, 512},
		"a token that is not valid":  {200, `{"data":{"is_valid":false,"error":{"code":190,"message":"x"}}}`, 512},
		"an error far behind":        {200, `{"data":"` + strings.Repeat("x", 600) + `","error":{"message":"x","code":1}}`, 512},
		"true":                       {200, `true`, 512},
		"a picture":                  {200, "\x89PNG" + strings.Repeat("x", 1<<20), 512},
		"a form":                     {200, `access_token=x&expires=1`, 512},
		"something with a word more": {200, `{"error":null,"id":"1"}`, 512},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &body{Reader: strings.NewReader(tt.body)}
			resp := answer(tt.status, nil, "")
			resp.Body = b
			require.NoError(t, CheckResponse(resp))
			assert.LessOrEqual(t, b.read, tt.most)
			require.NoError(t, CheckResponse(resp), "asked again")
			assert.LessOrEqual(t, b.read, tt.most)
			assert.Equal(t, tt.body, readAll(t, resp.Body))
			require.NoError(t, resp.Body.Close())
			assert.True(t, b.closed)
		})
	}
}

func TestSuccessWithoutABodyIsNotTouched(t *testing.T) {
	t.Parallel()
	resp := answer(http.StatusNoContent, nil, "")
	require.NoError(t, CheckResponse(resp))
	_, wrapped := resp.Body.(*putBack)
	assert.False(t, wrapped)

	resp = &http.Response{StatusCode: 200}
	require.NoError(t, CheckResponse(resp))
	assert.Nil(t, resp.Body)

	require.Error(t, CheckResponse(&http.Response{StatusCode: 500}), "a status of error needs no body")
}

func TestErrorInsideASuccess(t *testing.T) {
	t.Parallel()
	for _, text := range []string{deadToken, "\xef\xbb\xbf \n" + deadToken, `{"id":"1",` + deadToken[1:]} {
		for _, kind := range []string{"application/json", "text/javascript; charset=UTF-8", "text/html", ""} {
			resp := answer(200, http.Header{"Content-Type": {kind}}, text)
			err := CheckResponse(resp)
			require.ErrorIs(t, err, ErrTokenInvalid)
			e, ok := errors.AsType[*Error](err)
			require.True(t, ok)
			assert.Equal(t, 200, e.HTTPStatus)
			assert.Equal(t, 463, e.Subcode)
			assert.Equal(t, text, readAll(t, resp.Body))
		}
	}
	long := `{"error":{"message":"` + strings.Repeat("x", 3000) + `","code":190}}`
	err := CheckResponse(answer(200, nil, long))
	require.ErrorIs(t, err, ErrTokenInvalid, "a message longer than what is looked at")
}

func TestErrorBodyIsReadOnceAndPutBack(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"short": deadToken, "empty": "", "page": "<html>" + strings.Repeat("x", 1000),
		"longer than what is read": `{"error":{"code":190,"message":"` + strings.Repeat("y", 200<<10) + `"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &body{Reader: strings.NewReader(text)}
			resp := answer(400, nil, "")
			resp.Body = b
			first := CheckResponse(resp)
			require.Error(t, first)
			assert.LessOrEqual(t, b.read, 64<<10)
			reads := b.reads
			assert.Same(t, first, CheckResponse(resp), "asked again, the answer is there")
			assert.Equal(t, reads, b.reads)
			assert.Equal(t, text, readAll(t, resp.Body))
			require.NoError(t, resp.Body.Close())
			assert.True(t, b.closed)
		})
	}
}

func TestErrorBodyThatBreaks(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	for name, r := range map[string]io.Reader{
		"byte by byte":      iotest.OneByteReader(strings.NewReader(deadToken)),
		"end with the data": iotest.DataErrReader(strings.NewReader(deadToken)),
		"broken at the end": io.MultiReader(strings.NewReader(deadToken), iotest.ErrReader(broken)),
	} {
		resp := answer(500, nil, "")
		resp.Body = &body{Reader: r}
		require.ErrorIs(t, CheckResponse(resp), ErrTokenInvalid, name)
		got, err := io.ReadAll(resp.Body)
		assert.Equal(t, deadToken, string(got), name) //nolint:testifylint // byte for byte
		if name == "broken at the end" {
			require.ErrorIs(t, err, broken, "the caller sees it too")
		} else {
			require.NoError(t, err, name)
		}
	}
	resp := answer(200, nil, "")
	resp.Body = &body{Reader: io.MultiReader(strings.NewReader(`{"id":`), iotest.ErrReader(broken))}
	require.NoError(t, CheckResponse(resp), "a success that breaks is the reader's to notice")
	_, err := io.ReadAll(resp.Body)
	require.ErrorIs(t, err, broken)

	resp = answer(500, nil, "")
	resp.Body = &body{Reader: stuckReader{}}
	require.ErrorIs(t, CheckResponse(resp), ErrTransient, "a reader that gives nothing does not hang it")
}

type stuckReader struct{}

func (stuckReader) Read([]byte) (int, error) { return 0, nil }

func TestEncodedErrorBodies(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := io.WriteString(w, deadToken)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	wide := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(deadToken)) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	for _, status := range []int{400, 200} {
		for name, tt := range map[string]struct {
			body   string
			header http.Header
		}{
			"gzip":           {packed.String(), http.Header{"Content-Encoding": {"gzip"}}},
			"gzip, no label": {packed.String(), nil},
			"label, no gzip": {deadToken, http.Header{"Content-Encoding": {"gzip"}}},
			"UTF-16":         {string(wide), nil},
			"BOM":            {"\xef\xbb\xbf" + deadToken, nil},
		} {
			resp := answer(status, tt.header, tt.body)
			require.ErrorIs(t, CheckResponse(resp), ErrTokenInvalid, "%s under %d", name, status)
			assert.Equal(t, tt.body, readAll(t, resp.Body), "put back as it came")
		}
	}
	e := newError("", answer(400, nil, ""), []byte("{\"error\":{\"message\":\"bad \xff byte\",\"code\":100}}"))
	assert.Equal(t, "bad \uFFFD byte", e.Message)
}

func TestErrorHoldsWhatTheAnswerSaid(t *testing.T) {
	t.Parallel()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://graph.facebook.com/v26.0/178/media", http.NoBody)
	require.NoError(t, err)
	resp := answer(400, http.Header{
		"X-Fb-Trace-Id": {"Header1"}, "X-Fb-Request-Id": {"Request1"}, "Facebook-Api-Version": {"v25.0"},
		"X-App-Usage":      {`{"call_count":7}`},
		"Www-Authenticate": {`OAuth "Facebook Platform" "invalid_request" "other words"`},
		"Retry-After":      {"9"},
	}, `{"error":{"message":"Invalid parameter","type":"OAuthException","code":100,"error_data":{"blame_field_specs":[["name"]],"big":17841405793187219},"error_subcode":2388046,"is_transient":false,"error_user_title":"Titel","error_user_msg":"Satz","fbtrace_id":"Body1"}}`)
	resp.Request = req
	e, ok := errors.AsType[*Error](CheckResponse(resp))
	require.True(t, ok)
	assert.Equal(t, &Error{
		Op: "POST /v26.0/178/media", Host: "graph.facebook.com", HTTPStatus: 400, Code: 100, Subcode: 2388046, Type: "OAuthException",
		Message: "Invalid parameter", UserTitle: "Titel", UserMessage: "Satz", TraceID: "Body1", RequestID: "Request1", Version: "v25.0",
		Challenge: "invalid_request", NotTransient: true, Data: json.RawMessage(`{"blame_field_specs":[["name"]],"big":17841405793187219}`),
		Usage: ParseUsage(resp.Header), RetryAfter: 9 * time.Second,
	}, e)
	assert.Equal(t, "POST /v26.0/178/media: platform answered HTTP 400 code 100/2388046: Invalid parameter (trace Body1)", e.Error())

	known := responseInfo(resp, new(usageMemo))
	told := ResponseInfo{Version: "of another answer"}
	known.tell(&told)
	assert.Equal(t, ResponseInfo{TraceID: "Header1", RequestID: "Request1", Version: "v25.0", Status: 400, Usage: ParseUsage(resp.Header)}, told)
}

func TestErrorTextIsOneLine(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]*Error{
		"platform answered": {},
		"platform answered HTTP 502, no JSON: \"Sorry\"":         {HTTPStatus: 502, Excerpt: "Sorry"},
		"exchange: platform answered HTTP 400: invalid_grant":    {Op: "exchange", HTTPStatus: 400, Type: "invalid_grant"},
		"platform answered HTTP 400: Invalid platform app":       {HTTPStatus: 400, Code: 400, Message: "Invalid platform app"},
		"platform answered code 0/463: x":                        {Subcode: 463, Message: "x"},
		"platform answered HTTP 400 code 190: a b  ERROR forged": {HTTPStatus: 400, Code: 190, Message: "a\nb\r\nERROR forged"},
	} {
		assert.Equal(t, want, e.Error())
	}
}

func TestErrorDataStaysJSON(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		`{"a":1}`:                             `{"a":1}`,
		`"{\"blame\":[[\"x\"]]}"`:             `"{\"blame\":[[\"x\"]]}"`,
		`null`:                                ``,
		`[1,2]`:                               `[1,2]`,
		`"` + strings.Repeat("x", 5000) + `"`: ``,
		`{"cut":`:                             ``,
		`{"t":"canary-0123456789"}`:           `{"t":"[redacted]"}`,
		`{"t":"\u0063anary-0123456789"}`:      `{"t":"[redacted]"}`,
		`{"id":17841405793187219,"t":"\u0063anary-0123456789"}`: `{"id":17841405793187219,"t":"[redacted]"}`,
		`{"t":98765432101234567}`:                               `"[redacted]"`,
	} {
		e := newError("x", answer(400, nil, ""), []byte(`{"error":{"code":100,"message":"x","error_data":`+data+`}}`), "canary-0123456789", "98765432101234567")
		assert.Equal(t, want, string(e.Data), data)
		_, err := json.Marshal(e)
		require.NoError(t, err, data)
	}
}

func TestBatchPart(t *testing.T) {
	t.Parallel()
	require.NoError(t, CheckBatchPart(200, http.Header{"Content-Type": {"text/javascript; charset=UTF-8"}}, []byte(`{"id":"1"}`)))
	require.NoError(t, CheckBatchPart(200, nil, nil))
	h := http.Header{"x-app-usage": {`{"call_count":100}`}, "WWW-Authenticate": {`OAuth "Facebook Platform" "invalid_token" "x"`}}
	err := CheckBatchPart(400, h, []byte(deadToken))
	require.ErrorIs(t, err, ErrTokenInvalid)
	e, ok := errors.AsType[*Error](err)
	require.True(t, ok)
	assert.InDelta(t, 100, e.Usage.Max(), 0)
	assert.Equal(t, "invalid_token", e.Challenge)
	require.ErrorIs(t, CheckBatchPart(200, nil, []byte(deadToken)), ErrTokenInvalid)
	require.ErrorIs(t, CheckBatchPart(500, nil, nil), ErrTransient)
}

func TestErrorOfAnInspectedToken(t *testing.T) {
	t.Parallel()
	e := newInnerError("inspect", []byte(`{"code":190,"message":"You cannot access the app till you log in to www.facebook.com and follow the instructions given.","subcode":459}`))
	require.NotNil(t, e)
	require.ErrorIs(t, e, ErrTokenInvalid)
	assert.Equal(t, 459, e.Subcode)
	assert.Equal(t, ActionUserMustAct, ErrorAdvice(e).Action)
	e = newInnerError("inspect", []byte(`{"code":190,"message":"Malformed access token canaryToken"}`), "canaryToken")
	assert.Equal(t, "Malformed access token [redacted]", e.Message)
	assert.Nil(t, newInnerError("inspect", []byte(`{}`)))
	assert.Nil(t, newInnerError("inspect", nil))
	for id, c := range wireCases(t, "debug_token") {
		if len(c.Expect.Error) == 0 {
			continue
		}
		require.ErrorIs(t, CheckResponse(c.response()), ErrTokenInvalid, id)
	}
}

func TestBucketOfAThrottledCall(t *testing.T) {
	t.Parallel()
	usage := func(name, value string) Usage { return ParseUsage(http.Header{name: {value}}) }
	for want, e := range map[Bucket]*Error{
		{}:                     {Code: 190},
		{Family: "app"}:        {Code: 4},
		{"instagram", "1784"}:  {Code: 80002, Usage: usage("X-Business-Use-Case-Usage", `{"1784":[{"type":"instagram","call_count":100}]}`)},
		{Family: "instagram"}:  {Code: 80002, Usage: usage("X-App-Usage", `{"call_count":100}`)},
		{"pages", "99"}:        {Code: 32, Usage: usage("X-Business-Use-Case-Usage", `{"99":[{"type":"pages","call_count":100}]}`)},
		{Family: "page"}:       {Code: 32, Usage: usage("X-Page-Usage", `{"call_count":100}`)},
		{"messenger", "1"}:     {HTTPStatus: 429, Usage: usage("X-Business-Use-Case-Usage", `{"1":[{"type":"messenger","call_count":100}]}`)},
		{Family: "publishing"}: {Code: 9, Subcode: 2207042},
		{Family: "hashtags"}:   {Code: 18},
	} {
		assert.Equal(t, want, e.Bucket(), "%v", e)
	}
	assert.Zero(t, (&Error{HTTPStatus: 429, Usage: usage("X-App-Usage", `{"call_count":50}`)}).Bucket())
}

// canaries are what a request carried. All of them are echoed in all places of
// the answer in which the platform could.
func TestNoCanaryIsPrinted(t *testing.T) {
	t.Parallel()
	const (
		token, query, secret = "canaryTokenInTheHeader", "canary/Token+In=The&Query", "canarySecretInTheForm"
		code, proof, told    = "canaryCodeInTheForm", "canaryProofInTheQuery", "canarySecretThatIsTold"
	)
	canaries := []string{token, query, secret, code, proof, told}
	form := url.Values{"client_secret": {secret}, "code": {code}, "grant_type": {"authorization_code"}}
	target := "https://graph.facebook.com/v26.0/me/" + told + "?" + url.Values{"access_token": {query}, "appsecret_proof": {proof}}.Encode()

	echo := strings.Join(append(canaries, url.QueryEscape(query), base64.StdEncoding.EncodeToString([]byte(token)), "EAA"+strings.Repeat("x1", 30)), " ")
	inJSON, err := json.Marshal(echo)
	require.NoError(t, err)
	q := string(inJSON)
	bodies := []string{
		`{"error":{"message":` + q + `,"type":` + q + `,"code":190,"error_user_title":` + q + `,"error_user_msg":` + q + `,"error_data":{"x":` + q + `},"fbtrace_id":` + q + `}}`,
		`{"error":{"message":` + strings.ReplaceAll(q, "c", `\u0063`) + `,"error_data":` + strings.ReplaceAll(q, "c", `\u0063`) + `,"code":4}}`,
		`{"error_type":` + q + `,"code":400,"error_message":` + q + `}`,
		`{"error":` + q + `,"error_description":` + q + `}`,
		"<html><p>" + echo + "</p>",
		echo,
		`{"` + strings.Join(canaries[:1], "") + `":1}`,
		``,
	}
	for _, status := range []int{200, 302, 400, 429, 500} {
		for _, text := range bodies {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(form.Encode()))
			require.NoError(t, err)
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.Header.Set("Authorization", "Bearer "+token)
			resp := answer(status, http.Header{
				"X-Fb-Trace-Id": {echo}, "X-Fb-Request-Id": {echo}, "Facebook-Api-Version": {echo}, "Location": {"https://" + token + ".example/?x=" + url.QueryEscape(echo)},
				"Www-Authenticate":          {`OAuth "Facebook Platform" "` + token + `" "` + echo + `"`},
				"X-Business-Use-Case-Usage": {`{"` + token + `":[{"type":"` + code + `","call_count":5,"ads_api_access_tier":` + q + `}]}`},
			}, text)
			resp.Request = req
			e := checkResponse("", resp, told)
			if status == 200 && e == nil {
				continue
			}
			require.NotNil(t, e)
			for _, printed := range everyPrint(t, e) {
				for _, c := range append(canaries, "EAAx1x1", base64.StdEncoding.EncodeToString([]byte(token))) {
					assert.NotContains(t, printed, c, "HTTP %d, %s", status, text)
				}
			}
		}
	}
	e := errorFromCallback(url.Values{"error": {"access_denied"}, "error_description": {"no " + code + " " + told + "EAA"}, "code": {code}, "state": {told}})
	for _, printed := range everyPrint(t, e) {
		assert.NotContains(t, printed, code)
		assert.NotContains(t, printed, told)
	}
}

func TestSecretsInTheRequestAreFound(t *testing.T) {
	t.Parallel()
	post := func(kind, body string) *http.Request {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://graph.facebook.com/me", strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", kind)
		return req
	}
	basic := post("", "")
	basic.SetBasicAuth("123456", "canary")
	upload := post("", "")
	upload.Header["authorization"] = []string{"OAuth canary"}
	redirected := post("", "")
	redirected.Response = &http.Response{Request: post("application/x-www-form-urlencoded", "code=canary")}
	user := post("", "")
	user.URL.User = url.UserPassword("x", "canary")
	for name, req := range map[string]*http.Request{
		"a form":             post("application/x-www-form-urlencoded; charset=utf-8", "a=b&client_secret=canary"),
		"a form half broken": post("application/x-www-form-urlencoded", "a=%zz&client_secret=canary"),
		"JSON":               post("application/json", `{"access_token":"canary","x":[1]}`),
		"basic":              basic,
		"another scheme":     upload,
		"before a redirect":  redirected,
		"in the URL":         user,
	} {
		resp := answer(400, nil, `{"error":{"message":"not canary","code":100}}`)
		resp.Request = req
		e, ok := errors.AsType[*Error](CheckResponse(resp))
		require.True(t, ok)
		assert.Equal(t, "not [redacted]", e.Message, name)
	}
	broken := post("application/json", "")
	broken.GetBody = func() (io.ReadCloser, error) { return nil, io.ErrUnexpectedEOF }
	assert.Empty(t, bodySecrets(broken))
}

func TestBlottingOutDoesNotChangeTheClass(t *testing.T) {
	t.Parallel()
	e := newError("x", answer(400, nil, ""), []byte(`{"error":{"message":"Invalid appsecret_proof provided in the API argument","code":100}}`), "appsecret")
	assert.NotContains(t, e.Message, "appsecret")
	require.ErrorIs(t, e, ErrAppConfig)
	assert.Contains(t, ErrorAdvice(e).Text, "HMAC")
}

func TestResponsesMadeByHand(t *testing.T) {
	t.Parallel()
	resp := &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(deadToken))}
	require.ErrorIs(t, CheckResponse(resp), ErrTokenInvalid, "a length of 0 is not known here")
	require.Error(t, CheckResponse(&http.Response{}))
}

func TestHostileAnswersCostLittle(t *testing.T) { // not parallel: it counts allocations
	for _, piece := range []string{`{"error":`, `"error":{},`, `[{`, `\u0041`, "<script>", "<", "access_token=", "\xff", `{"1":[{"call_count":1}],`, "state=abc"} {
		for _, begin := range []string{"", `{"error":{"message":"`, `{"error":{"code":1,"error_data":{"a":"`, "\x1f\x8b"} {
			text := []byte(begin + strings.Repeat(piece, 64<<10/len(piece)))
			h := http.Header{"X-Business-Use-Case-Usage": {string(text[:min(len(text), 16<<10)])}}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			e := newError("x", answer(500, h, ""), text, "some secret", "another/secret")
			runtime.ReadMemStats(&after)
			assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(24*len(text)), "%q %q", begin, piece)
			assert.LessOrEqual(t, len(e.Error()), 8<<10)
		}
	}
}

// everyPrint returns err as fmt, slog and encoding/json print it.
func everyPrint(tb testing.TB, err error) []string {
	tb.Helper()
	var all []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		all = append(all, fmt.Sprintf(verb, err), fmt.Sprintf(verb, fmt.Errorf("wrapped: %w", err)))
	}
	if e, ok := errors.AsType[*Error](err); ok {
		all = append(all, fmt.Sprintf("%+v", *e), fmt.Sprintf("%#v", *e), string(e.Data))
		written, failed := json.Marshal(e)
		require.NoError(tb, failed)
		all = append(all, string(written), fmt.Sprintf("%+v", ErrorAdvice(e)))
		for entry := range e.Usage.All() {
			all = append(all, fmt.Sprintf("%+v", entry))
		}
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Error("failed", "error", err)
	slog.New(slog.NewJSONHandler(&log, nil)).Error("failed", "error", err)
	return append(all, log.String())
}

// TestHeadersOfHandMadeMaps: a transport that is no net/http's may name them as
// HTTP/2 does, all or some.
func TestHeadersOfHandMadeMaps(t *testing.T) {
	t.Parallel()
	want := ResponseInfo{TraceID: "T", Version: "v26.0", Status: 200, Usage: ParseUsage(http.Header{"X-App-Usage": {`{"call_count":7}`}})}
	for _, header := range []http.Header{
		{"X-App-Usage": {`{"call_count":7}`}, "Facebook-Api-Version": {"v26.0"}, "X-Fb-Trace-Id": {"T"}},
		{"x-app-usage": {`{"call_count":7}`}, "facebook-api-version": {"v26.0"}, "x-fb-trace-id": {"T"}},
		{"x-app-usage": {`{"call_count":7}`}, "Facebook-Api-Version": {"v26.0"}, "x-fb-trace-id": {"T"}},
	} {
		known := responseInfo(&http.Response{StatusCode: 200, Header: header}, new(usageMemo))
		var told ResponseInfo
		known.tell(&told)
		assert.Equal(t, want, told, header)
	}
}

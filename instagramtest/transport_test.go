package instagramtest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// watched is a request body that knows whether it was closed.
type watched struct {
	io.Reader
	closed bool
}

func (w *watched) Close() error {
	w.closed = true
	return nil
}

func get(ctx context.Context, t *testing.T, p *Platform, to string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, to, nil)
	require.NoError(t, err)
	return p.Transport().RoundTrip(req)
}

func TestTransportIsARoundTripper(t *testing.T) {
	t.Parallel()
	p := New()
	body := &watched{Reader: strings.NewReader("client_id=1")}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://API.instagram.com:443/oauth/access_token", body)
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	before := req.Clone(t.Context())

	res, err := p.Transport().RoundTrip(req)
	require.NoError(t, err)
	assert.True(t, body.closed)
	assert.Equal(t, before.Header, req.Header)
	assert.Equal(t, before.URL, req.URL)
	assert.Same(t, req, res.Request)
	assert.Equal(t, "400 Bad Request", res.Status)
	assert.Equal(t, 2, res.ProtoMajor)
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	assert.EqualValues(t, len(text), res.ContentLength)
	require.NoError(t, res.Body.Close())
	_, err = res.Body.Read(make([]byte, 1))
	require.ErrorIs(t, err, http.ErrBodyReadAfterClose)
}

func TestTransportRefuses(t *testing.T) {
	t.Parallel()
	p := New()
	for _, to := range []string{
		"https://graph.instagram.com.evil/me", "https://graph.instagram.com@evil/me", "https://graph.threads.net/me",
		"https://graph.instagram.com:8443/me", "https://graph.instagram.com./me",
	} {
		_, err := get(t.Context(), t, p, to)
		dns, ok := errors.AsType[*net.DNSError](err)
		require.True(t, ok, "%s: %v", to, err)
		assert.True(t, dns.IsNotFound)
	}
	_, err := get(t.Context(), t, p, "http://graph.instagram.com/me")
	require.ErrorIs(t, err, syscall.ECONNREFUSED)

	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	body := &watched{Reader: strings.NewReader("x")}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://graph.instagram.com/me", body)
	require.NoError(t, err)
	_, err = p.Transport().RoundTrip(req)
	require.EqualError(t, err, "enough")
	assert.True(t, body.closed)
	assert.Empty(t, p.Requests("", ""))
}

// outcome is what a client sees of a scripted answer.
type outcome struct {
	t    *testing.T
	p    *Platform
	res  *http.Response
	err  error
	took time.Duration
}

func TestScripts(t *testing.T) {
	t.Parallel()
	const address = "https://graph.instagram.com/v26.0/me"
	cases := map[string]struct {
		answer Answer
		check  func(o outcome)
	}{
		"a Graph error": {Failing(190, 463), func(o outcome) {
			require.NoError(o.t, o.err)
			assert.Equal(o.t, 400, o.res.StatusCode)
		}},
		"a proxy's page": {Answer{Status: 502, Body: "<html>Bad gateway"}, func(o outcome) {
			require.NoError(o.t, o.err)
			assert.Equal(o.t, 502, o.res.StatusCode)
			assert.Equal(o.t, "text/html; charset=utf-8", o.res.Header.Get("Content-Type"))
		}},
		"an empty answer": {Answer{Status: 204}, func(o outcome) {
			require.NoError(o.t, o.err)
			assert.EqualValues(o.t, 0, o.res.ContentLength)
		}},
		"a header over the platform's": {Answer{Header: http.Header{"retry-after": {"7"}}}, func(o outcome) {
			require.NoError(o.t, o.err)
			assert.Equal(o.t, 200, o.res.StatusCode, "the platform answers itself")
			assert.Equal(o.t, "7", o.res.Header.Get("Retry-After"))
		}},
		"a redirect away": {Answer{Redirect: "https://evil.example/"}, func(o outcome) {
			require.NoError(o.t, o.err)
			assert.Equal(o.t, 302, o.res.StatusCode)
			assert.Equal(o.t, "https://evil.example/", o.res.Header.Get("Location"))
		}},
		"a delay": {Answer{Delay: time.Minute}, func(o outcome) {
			require.NoError(o.t, o.err)
			assert.Equal(o.t, 200, o.res.StatusCode)
			assert.Equal(o.t, time.Minute, o.took)
		}},
		"a delay beyond the deadline": {Answer{Delay: time.Hour + time.Second}, func(o outcome) {
			require.ErrorIs(o.t, o.err, context.DeadlineExceeded)
			assert.Equal(o.t, time.Hour, o.took)
			assert.EqualValues(o.t, 0, o.p.Served())
		}},
		"no answer ever": {Answer{Hang: true}, func(o outcome) {
			require.ErrorIs(o.t, o.err, context.DeadlineExceeded)
			assert.Equal(o.t, time.Hour, o.took)
			assert.EqualValues(o.t, 0, o.p.Served())
		}},
		"a refused connection": {Answer{Refuse: true}, func(o outcome) {
			require.ErrorIs(o.t, o.err, syscall.ECONNREFUSED)
			assert.EqualValues(o.t, 0, o.p.Served())
			assert.Equal(o.t, 0, o.p.Requests("GET", "/me")[0].Status)
		}},
		"a lost answer": {Answer{Lose: true}, func(o outcome) {
			require.ErrorIs(o.t, o.err, syscall.ECONNRESET)
			assert.EqualValues(o.t, 1, o.p.Served(), "the call had its effect")
			assert.Equal(o.t, 0, o.p.Requests("GET", "/me")[0].Status)
		}},
		"a lost answer of another kind": {Answer{Lose: true, Late: time.Second, Err: io.ErrUnexpectedEOF}, func(o outcome) {
			require.ErrorIs(o.t, o.err, io.ErrUnexpectedEOF)
			assert.Equal(o.t, time.Second, o.took)
		}},
		"an effect, then silence": {Answer{Lose: true, Hang: true}, func(o outcome) {
			require.ErrorIs(o.t, o.err, context.DeadlineExceeded)
			assert.Equal(o.t, time.Hour, o.took)
			assert.EqualValues(o.t, 1, o.p.Served())
		}},
		"a body that breaks off": {Answer{CutAfter: 5}, func(o outcome) {
			require.NoError(o.t, o.err)
			text, err := io.ReadAll(o.res.Body)
			require.ErrorIs(o.t, err, io.ErrUnexpectedEOF)
			assertText(o.t, `{"id"`, string(text))
			assert.Greater(o.t, o.res.ContentLength, int64(5))
		}},
		"a body that never begins": {Answer{CutAfter: -1}, func(o outcome) {
			require.NoError(o.t, o.err)
			text, err := io.ReadAll(o.res.Body)
			require.ErrorIs(o.t, err, io.ErrUnexpectedEOF)
			assert.Empty(o.t, text)
		}},
		"a body that stalls": {Answer{CutAfter: 5, Stall: true}, func(o outcome) {
			require.NoError(o.t, o.err)
			_, err := io.ReadAll(o.res.Body)
			require.ErrorIs(o.t, err, context.DeadlineExceeded)
		}},
		"a body without end": {Answer{Endless: true}, func(o outcome) {
			require.NoError(o.t, o.err)
			assert.EqualValues(o.t, -1, o.res.ContentLength)
			n, err := io.CopyN(io.Discard, o.res.Body, 10<<20)
			require.NoError(o.t, err)
			assert.EqualValues(o.t, 10<<20, n)
			require.NoError(o.t, o.res.Body.Close())
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := New()
				token := issue(t, p, TokenSpec{Kind: LongLived})
				route := p.On("GET", "/me").Once(c.answer)
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				start := time.Now()
				res, err := get(ctx, t, p, address+"?access_token="+token)
				c.check(outcome{t, p, res, err, time.Since(start)})
				assert.Equal(t, 0, route.Left())

				res, err = get(t.Context(), t, p, address+"?access_token="+token)
				require.NoError(t, err)
				assert.Equal(t, 200, res.StatusCode, "a script ends")
			})
		})
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	p := New()
	status := func(to string) int {
		res, err := get(t.Context(), t, p, to)
		require.NoError(t, err)
		return res.StatusCode
	}
	p.On("", "graph.facebook.com/me").Times(2, Answer{Status: 501}).Once(Answer{Status: 502})
	media := p.On("GET", "/*/media").Always(Answer{Status: 503})
	p.On("POST", "").Always(Answer{Status: 504})
	asked := p.On("GET", "rupload.facebook.com").Func(func(r Request) Answer {
		return Answer{Status: 200, Header: http.Header{"X-Asked": {r.Path}}}
	})
	assert.Equal(t, []int{400, 501, 501, 502, 400}, []int{
		status(igGraph + "/me"), status(fbGraph + "/me"), status(fbGraph + "/me"), status(fbGraph + "/me"), status(fbGraph + "/me"),
	})
	assert.Equal(t, 503, status(igGraph+"/v26.0/17/media"))
	assert.Equal(t, 400, status(igGraph+"/17/x/media"))
	assert.Equal(t, 200, status("https://rupload.facebook.com/a/b"))
	assert.Equal(t, -1, media.Left())
	assert.Equal(t, "GET /*/media", media.String())
	media.Off()
	assert.Equal(t, 400, status(igGraph+"/17/media"))
	p.Reset()
	assert.Equal(t, 0, asked.Left())
	assert.Equal(t, 400, status("https://rupload.facebook.com/a/b"))
}

func TestRequests(t *testing.T) {
	t.Parallel()
	p := New()
	token := issue(t, p, TokenSpec{})
	send(t, p, "GET", igGraph+"/v26.0/me", "fields", "id", "access_token", token)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, igGraph+"/me/media", strings.NewReader(`{"image_url":"https://x.example/a.jpg","n":7}`))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	require.Equal(t, 200, do(t, p, req).status)

	all := p.Requests("", "")
	require.Len(t, all, 2)
	assert.Equal(t, all[:1], p.Requests("get", "/me"))
	assert.Equal(t, all[1:], p.Requests("POST", "/*/media"))
	assert.Empty(t, p.Requests("", "graph.facebook.com/me"))
	assert.Equal(t, "v26.0", all[0].Version)
	assert.Equal(t, "id", all[0].Param("fields"))
	assert.Equal(t, token, all[0].Token())
	assert.Empty(t, all[1].Version)
	assert.Equal(t, "7", all[1].Param("n"))
	assert.Equal(t, token, all[1].Token())
	assert.Equal(t, 200, all[1].Status)
	assert.Contains(t, string(all[1].Body), "image_url")
	p.ForgetRequests()
	assert.Empty(t, p.Requests("", ""))
}

package instagram_test

// This file answers: does an odd request, an odd program or an odd transport do
// harm?

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

const graphMe = "https://graph.instagram.com/v26.0/me"

// newRequest returns one to a whole URL.
func newRequest(t *testing.T, method, to string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, to, body)
	require.NoError(t, err)
	return req
}

// ledger is a limiter that lets everything through and keeps count.
type ledger struct {
	acquired, done atomic.Int32
	last           atomic.Pointer[instagram.Outcome]
	ask            atomic.Pointer[instagram.Call]
	refuse         atomic.Bool
}

func (l *ledger) Acquire(_ context.Context, c instagram.Call) (instagram.Permit, error) {
	l.ask.Store(&c)
	if l.refuse.Load() {
		return instagram.Permit{}, &instagram.RateLimitError{RetryAfter: time.Hour}
	}
	l.acquired.Add(1)
	return instagram.Permit{Call: c}, nil
}

func (l *ledger) Done(_ instagram.Permit, o instagram.Outcome) {
	l.done.Add(1)
	l.last.Store(&o)
}

// answering is a transport that gives one answer to everything.
func answering(status int, body string) transportFunc {
	return func(req *http.Request) (*http.Response, error) {
		if req.Body != nil {
			_, _ = io.Copy(io.Discard, req.Body)
			_ = req.Body.Close()
		}
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: -1, Request: req}, nil
	}
}

// signedBy returns a signed client over a transport.
func signedBy(t *testing.T, base http.RoundTripper, opts ...instagram.Option) *http.Client {
	t.Helper()
	client, err := instagram.New(instagramConfig(), append([]instagram.Option{instagram.WithTransport(base)}, opts...)...)
	require.NoError(t, err)
	return client.HTTPClient(instagram.StaticToken(token()))
}

// brokenAfterTheHeader is a body that ends with an error, which net/http passes on.
type brokenAfterTheHeader struct{}

func (brokenAfterTheHeader) Read([]byte) (int, error) {
	return 0, errors.New("the file cannot be read")
}

// TestBodiesAndWhatTheyProve: a connection that breaks before the answer proves
// nothing was done only where a part of the body was still missing.
func TestBodiesAndWhatTheyProve(t *testing.T) {
	t.Parallel()
	again := func(r func() io.Reader) func() (io.ReadCloser, error) {
		return func() (io.ReadCloser, error) { return io.NopCloser(r()), nil }
	}
	text := func(s string) func() io.Reader {
		return func() io.Reader { return io.MultiReader(strings.NewReader(s)) }
	}
	for name, test := range map[string]struct {
		body     func() io.Reader // nil: none at all
		length   int64
		requests int
		unclear  bool
	}{
		"no body":                              {nil, 0, 1, true},
		"an empty one":                         {text(""), 0, 1, true},
		"an empty one of unknown length":       {text(""), -1, 1, true},
		"one of unknown length":                {text("creation_id=1"), -1, 1, true},
		"one of a length that is known":        {text("creation_id=1"), 13, 1, true},
		"one that cannot be read is none sent": {func() io.Reader { return brokenAfterTheHeader{} }, 13, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newFaultServer(t, false, nil, resets())
			defer server.close()
			account := harmClient(t, instagram.Endpoint{Graph: server.URL}, server.transport, instagram.WithLimiter(unhurried{}))
			req := newRequest(t, http.MethodPost, server.URL+"/v26.0/1/media_publish?creation_id=1", http.NoBody)
			if test.body != nil {
				req.GetBody = again(test.body)
				req.Body, _ = req.GetBody()
				req.ContentLength = test.length
			}
			resp, err := account.HTTPClient().Do(req)
			if err == nil {
				resp.Body.Close()
			}
			require.Error(t, err)
			assert.Equal(t, test.unclear, errors.Is(err, instagram.ErrOutcomeUnknown), err)
			assert.Equal(t, test.requests, int(server.requests.Load()))
		})
	}
}

func TestAProxyThatCannotBeReachedHasSentNothing(t *testing.T) {
	t.Parallel()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, gone.Close())
	for _, scheme := range []string{"http", "socks5"} {
		base := &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: scheme, Host: gone.Addr().String()})}
		l := &ledger{}
		signed := signedBy(t, base, instagram.WithLimiter(l), instagram.WithRetryPolicy(instagram.RetryPolicy{BaseDelay: time.Millisecond}))
		resp, err := signed.Do(newRequest(t, http.MethodPost, "https://graph.instagram.com/v26.0/1/media_publish?creation_id=1", http.NoBody))
		if err == nil {
			resp.Body.Close()
		}
		require.Error(t, err)
		require.NotErrorIs(t, err, instagram.ErrOutcomeUnknown, scheme)
		assert.EqualValues(t, 4, l.acquired.Load(), "and it is tried again")
		assert.EqualValues(t, 4, l.done.Load())
	}
}

// TestALongErrorIsReturnedWhole: the wait for another attempt is too long, so the
// refusal is the answer, from its beginning.
func TestALongErrorIsReturnedWhole(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		long := `{"error":{"code":4,"message":"` + strings.Repeat("x", 100<<10) + `"}}`
		signed := signedBy(t, answering(403, long))
		resp, err := signed.Get(graphMe)
		require.NoError(t, err)
		defer resp.Body.Close()
		start := make([]byte, 60<<10)
		_, err = io.ReadFull(resp.Body, start)
		require.NoError(t, err)
		assert.Equal(t, long[:len(start)], string(start))
	})
}

func TestARequestWithoutURL(t *testing.T) {
	t.Parallel()
	for _, traced := range []bool{false, true} {
		var opts []instagram.Option
		if traced {
			opts = append(opts, instagram.WithTracer(&attempts{}))
		}
		body := &watchedBody{ReadCloser: io.NopCloser(strings.NewReader("x")), w: &watched{}}
		resp, err := signedBy(t, answering(200, "{}"), opts...).Transport.RoundTrip((&http.Request{Method: "POST", Body: body}).WithContext(t.Context()))
		if resp != nil {
			resp.Body.Close()
		}
		require.ErrorContains(t, err, "no URL")
		assert.True(t, body.closed.Load())
	}
}

// TestOddRequests are those that code written for any http.Client may make.
func TestOddRequests(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*http.Request)
		check  func(*assert.Assertions, *http.Request)
	}{
		"no header map": {
			func(r *http.Request) { r.Header = nil },
			func(is *assert.Assertions, r *http.Request) {
				is.Equal([]string{"Bearer IGAAtest"}, r.Header["Authorization"])
			},
		},
		"no method": {
			func(r *http.Request) { r.Method = "" },
			func(is *assert.Assertions, r *http.Request) { is.Empty(r.Method) },
		},
		"a nil body": {
			func(r *http.Request) { r.Body = nil },
			func(is *assert.Assertions, r *http.Request) { is.Nil(r.Body) },
		},
		"the host once more, in capitals": {
			func(r *http.Request) { r.Host = "GRAPH.instagram.com" },
			func(is *assert.Assertions, r *http.Request) { is.Equal("GRAPH.instagram.com", r.Host) },
		},
		"Close": {
			func(r *http.Request) { r.Close = true },
			func(is *assert.Assertions, r *http.Request) { is.True(r.Close) },
		},
		"a fragment": {
			func(r *http.Request) { r.URL.Fragment = "x" },
			func(is *assert.Assertions, r *http.Request) { is.Equal("x", r.URL.Fragment) },
		},
		"HEAD":    {func(r *http.Request) { r.Method = http.MethodHead }, func(*assert.Assertions, *http.Request) {}},
		"OPTIONS": {func(r *http.Request) { r.Method = http.MethodOptions }, func(*assert.Assertions, *http.Request) {}},
		"a header of a megabyte": {
			func(r *http.Request) { r.Header.Set("X-Long", strings.Repeat("x", 1<<20)) },
			func(is *assert.Assertions, r *http.Request) { is.Len(r.Header.Get("X-Long"), 1<<20) },
		},
		"an Authorization of the caller's, in small letters": {
			func(r *http.Request) { r.Header["authorization"] = []string{"Bearer other"} },
			func(is *assert.Assertions, r *http.Request) {
				is.Equal([]string{"Bearer IGAAtest"}, r.Header["Authorization"])
				is.NotContains(r.Header, "authorization", "there must be one only")
			},
		},
		"keys of idempotency": {
			func(r *http.Request) {
				r.Header["idempotency-key"], r.Header["X-Idempotency-Key"] = []string{"x"}, []string{"x"}
			},
			func(is *assert.Assertions, r *http.Request) {
				is.NotContains(r.Header, "idempotency-key")
				is.NotContains(r.Header, "X-Idempotency-Key")
			},
		},
		"credentials in the query": {
			func(r *http.Request) { r.URL.RawQuery = "access_token=x&fields=id&appsecret_proof=y&appsecret_time=1" },
			func(is *assert.Assertions, r *http.Request) { is.Equal("fields=id", r.URL.RawQuery) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &ledger{}
			signed := signedBy(t, transportFunc(func(r *http.Request) (*http.Response, error) {
				test.check(assert.New(t), r)
				return answering(200, `{}`)(r)
			}), instagram.WithLimiter(l))
			req := newRequest(t, http.MethodGet, graphMe, http.NoBody)
			test.change(req)
			before := req.Clone(t.Context())
			resp, err := signed.Do(req)
			require.NoError(t, err)
			resp.Body.Close()
			assert.NotContains(t, resp.Request.Header, "Authorization", "the answer names the caller's request, which has no token")
			assert.Equal(t, before.Header, req.Header)
			assert.Equal(t, before.URL, req.URL)
			assert.Equal(t, l.acquired.Load(), l.done.Load())
		})
	}
}

// TestUnderAClientThatFollowsRedirects: the layers are used under an http.Client
// of the caller's, which follows redirects, and still no token leaves the host.
func TestUnderAClientThatFollowsRedirects(t *testing.T) {
	t.Parallel()
	for _, to := range []string{"https://evil.example/x", "http://graph.instagram.com/v26.0/me", "https://graph.instagram.com:8443/v26.0/me", "//evil.example/x"} {
		for _, status := range []int{301, 302, 307, 308} {
			var sent []string
			base := transportFunc(func(r *http.Request) (*http.Response, error) {
				sent = append(sent, r.URL.String())
				resp, err := answering(status, "")(r)
				resp.Header.Set("Location", to)
				return resp, err
			})
			own := &http.Client{Transport: signedBy(t, base).Transport}
			req := newRequest(t, http.MethodPost, graphMe, strings.NewReader("a=b"))
			resp, err := own.Do(req)
			if err == nil {
				resp.Body.Close()
			}
			var foreign *instagram.ForeignHostError
			require.ErrorAs(t, err, &foreign, to)
			assert.Equal(t, []string{graphMe}, sent)
		}
	}
}

func TestEachAttemptIsSignedAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var bearers, proofs, wanted []string
		base := transportFunc(func(r *http.Request) (*http.Response, error) {
			bearers = append(bearers, r.Header.Get("Authorization"))
			proofs = append(proofs, r.URL.Query()["appsecret_proof"]...)
			return answering([]int{503, 503, 200}[len(bearers)-1], `{}`)(r)
		})
		client, err := instagram.New(facebookConfig(), instagram.WithTransport(base))
		require.NoError(t, err)
		n := 0
		source := sourceFunc(func(context.Context) (*instagram.Token, error) {
			n++ // a token that is renewed all the time
			return &instagram.Token{AccessToken: instagram.NewSecret(fmt.Sprint("EAA", len(bearers))), Login: instagram.FacebookLogin, Kind: instagram.LongLived, AccountID: "1"}, nil
		})
		resp, err := client.HTTPClient(source).Get("https://graph.facebook.com/v26.0/me")
		require.NoError(t, err)
		resp.Body.Close()
		for i := range 3 {
			wanted = append(wanted, instagram.AppSecretProof(facebookConfig().AppSecret, instagram.NewSecret(fmt.Sprint("EAA", i))))
		}
		assert.Equal(t, []string{"Bearer EAA0", "Bearer EAA1", "Bearer EAA2"}, bearers)
		assert.Equal(t, wanted, proofs, "and each has its own proof, once")
		assert.Equal(t, 4, n, "asked for once an attempt, and once for the account")
	})
}

type sourceFunc func(context.Context) (*instagram.Token, error)

func (f sourceFunc) Token(ctx context.Context) (*instagram.Token, error) { return f(ctx) }

// TestPermitsAreGivenBack whatever happens to a call, each exactly once.
func TestPermitsAreGivenBack(t *testing.T) {
	t.Parallel()
	failing := sourceFunc(func(context.Context) (*instagram.Token, error) { return nil, errors.New("no token") })
	good := instagram.StaticToken(token())
	for name, test := range map[string]struct {
		base http.RoundTripper
		src  instagram.TokenSource
		to   string
		sent bool
	}{
		"an answer":                 {answering(200, `{}`), good, graphMe, true},
		"an error":                  {answering(400, `{"error":{"code":100}}`), good, graphMe, true},
		"faults":                    {answering(500, ``), good, graphMe, true},
		"a source without a token":  {answering(200, `{}`), failing, graphMe, false},
		"a foreign host":            {answering(200, `{}`), good, "https://evil.example/", false},
		"a transport that panics":   {transportFunc(func(*http.Request) (*http.Response, error) { panic("a mistake") }), good, graphMe, true},
		"a context that ends in it": {transportFunc(func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() }), good, graphMe, true},
		"a request that never leaves": {transportFunc(func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
		}), good, graphMe, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := &ledger{}
				client, err := instagram.New(instagramConfig(), instagram.WithTransport(test.base), instagram.WithLimiter(l))
				require.NoError(t, err)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				req, err := http.NewRequestWithContext(ctx, http.MethodGet, test.to, http.NoBody)
				require.NoError(t, err)
				func() {
					defer func() { _ = recover() }()
					resp, err := client.HTTPClient(test.src).Do(req)
					if err == nil {
						resp.Body.Close()
					}
				}()
				assert.Positive(t, l.acquired.Load())
				assert.Equal(t, l.acquired.Load(), l.done.Load())
				assert.Equal(t, test.sent, l.last.Load().Sent)
			})
		})
	}
}

// TestADefaultTransportOfAnotherKind is not parallel: it is the program's.
func TestADefaultTransportOfAnotherKind(t *testing.T) {
	before := http.DefaultTransport
	defer func() { http.DefaultTransport = before }()
	http.DefaultTransport = answering(200, `{"id":"1"}`)
	client, err := instagram.New(instagramConfig())
	require.NoError(t, err)
	var out struct{ ID instagram.ID }
	require.NoError(t, client.With(instagram.StaticToken(token())).Get(t.Context(), "me", nil, &out))
	assert.Equal(t, instagram.ID("1"), out.ID, "what the program put there is used")
	require.NoError(t, client.Close(t.Context()))
}

func TestIdleConnectionsCanBeClosed(t *testing.T) {
	t.Parallel()
	var open atomic.Int32
	closed := make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{}`) }))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		switch s {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed:
			close(closed)
		case http.StateActive, http.StateIdle, http.StateHijacked:
		}
	}
	server.StartTLS()
	defer server.Close()
	base := server.Client().Transport
	account := harmClient(t, instagram.Endpoint{Graph: server.URL}, base)
	for range 3 {
		require.NoError(t, account.Get(t.Context(), "me", nil, nil))
	}
	assert.EqualValues(t, 1, open.Load(), "it is used again")
	account.HTTPClient().CloseIdleConnections()
	<-closed // or the test hangs
	signedBy(t, answering(200, `{}`)).CloseIdleConnections()
}

// TestAnswersThatAreLeftAlone: a caller that closes an answer early, or reads it
// bit by bit, or asks for something else than JSON.
func TestAnswersThatAreLeftAlone(t *testing.T) {
	t.Parallel()
	const long = 1 << 20
	mux := http.NewServeMux()
	mux.HandleFunc("/v26.0/long", func(w http.ResponseWriter, _ *http.Request) {
		for range long / 1024 {
			_, _ = io.WriteString(w, strings.Repeat("x", 1024))
		}
	})
	mux.HandleFunc("/v26.0/stream", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "line 00\n")
		_ = http.NewResponseController(w).Flush()
		_, _ = io.Copy(w, r.Body) // the next line is sent when the caller has read the first
	})
	server := httptest.NewUnstartedServer(mux)
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close() // waits for every connection that is in use
	signed := harmClient(t, instagram.Endpoint{Graph: server.URL}, server.Client().Transport, instagram.WithLimiter(unhurried{})).HTTPClient()

	for range 3 {
		resp, err := signed.Do(newRequest(t, http.MethodGet, server.URL+"/v26.0/long", http.NoBody))
		require.NoError(t, err)
		_, err = io.ReadFull(resp.Body, make([]byte, 10))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		_, err = resp.Body.Read(make([]byte, long))
		for err == nil { // what had been looked at already
			_, err = resp.Body.Read(make([]byte, long))
		}
		require.Error(t, err)
	}
	resp, err := signed.Do(newRequest(t, http.MethodGet, server.URL+"/v26.0/long", http.NoBody))
	require.NoError(t, err)
	n, err := io.Copy(io.Discard, resp.Body)
	require.NoError(t, err)
	assert.EqualValues(t, long, n)
	require.NoError(t, resp.Body.Close())

	reader, writer := io.Pipe()
	resp, err = signed.Do(newRequest(t, http.MethodPost, server.URL+"/v26.0/stream", reader))
	require.NoError(t, err, "an answer that begins is not waited for to its end")
	line := make([]byte, 8)
	_, err = io.ReadFull(resp.Body, line)
	require.NoError(t, err)
	assert.Equal(t, "line 00\n", string(line))
	go func() { _, _ = io.WriteString(writer, "line 01\n"); _ = writer.Close() }()
	rest, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.Equal(t, "line 01\n", string(rest))
	require.NoError(t, resp.Body.Close())
}

// TestOneClientForMany is for the race detector: many goroutines, some of which
// leave, answers of every kind, and one source whose token changes.
func TestOneClientForMany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New(instagramtest.LongLivedToken("IGAAtest", 48*time.Hour), instagramtest.WithAccountLimit(4000, time.Hour))
		seen := &attempts{}
		client := newClient(t, instagramConfig(), meta, instagram.WithTracer(seen), instagram.WithRetryPolicy(instagram.RetryPolicy{MaxWait: -1}))
		account := client.With(instagram.StaticToken(token()))
		for _, a := range []instagramtest.Answer{{Status: 503}, {Lose: true}, {Refuse: true}, {Status: 429}, instagramtest.Failing(2, 0), {CutAfter: 3}} {
			meta.On("GET", "/me").Times(5, a)
		}
		var all sync.WaitGroup
		for n := range 200 {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n)*time.Second)
				defer cancel()
				var out map[string]any
				_ = account.Get(ctx, "me", nil, &out, []instagram.CallOption{instagram.Background(), instagram.Interactive()}[n%2])
				resp, err := account.HTTPClient().Do(newRequest(t, http.MethodGet, graphMe, http.NoBody).WithContext(ctx))
				if err == nil {
					resp.Body.Close()
				}
			})
		}
		all.Wait()
		seen.mu.Lock()
		defer seen.mu.Unlock()
		assert.Len(t, seen.ends, 400)
	})
}

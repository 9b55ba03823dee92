package instagram_test

// This file answers: what becomes of a call when nothing happens, or the clock
// does something else than go on?

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

// trickle is a body that gives a byte now and then.
type trickle struct {
	rest  string
	pause time.Duration
}

func (b *trickle) Read(p []byte) (int, error) {
	if b.rest == "" {
		return 0, io.EOF
	}
	time.Sleep(b.pause)
	n := copy(p[:1], b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (*trickle) Close() error { return nil }

// TestFaultsOfTime are those in which nothing happens, on the fake clock.
func TestFaultsOfTime(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answer instagramtest.Answer
		fault
		took time.Duration // of a read, at least
	}{
		"a body that falls silent before its first byte": {answer: instagramtest.Answer{CutAfter: -1, Stall: true}, fault: lost(nil), took: 30 * time.Second},
		"a body that falls silent in the middle":         {answer: instagramtest.Answer{CutAfter: 5, Stall: true}, fault: lost(nil), took: 30 * time.Second},
		"an error that falls silent":                     {answer: instagramtest.Answer{Error: new(instagramtest.KnownError(2, 0)), CutAfter: 5, Stall: true}, fault: lost(nil), took: 30 * time.Second},
		"a body without end":                             {answer: instagramtest.Answer{Status: 200, Body: "[", Endless: true}, fault: settled(nil, errAnswer)},
		"a name that cannot be resolved just now":        {answer: instagramtest.Answer{Refuse: true, Err: &net.DNSError{IsTemporary: true}}, fault: unprocessed(nil)},
		"a name that does not exist":                     {answer: instagramtest.Answer{Refuse: true, Err: &net.DNSError{IsNotFound: true}}, fault: settled(nil, errSome)},
		"no way to the host":                             {answer: instagramtest.Answer{Refuse: true}, fault: unprocessed(nil)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				meta := newMeta()
				bodies := &watched{base: meta.Transport()}
				client, err := instagram.New(instagramConfig(), instagram.WithTransport(bodies))
				require.NoError(t, err)
				account := client.With(instagram.StaticToken(token()))
				var out map[string]any
				meta.On("GET", "/me").Once(test.answer)
				began := time.Now()
				checkTold(t, test.read, account.Get(t.Context(), "me", nil, &out))
				assert.Len(t, meta.Requests("GET", "/me"), test.reads)
				assert.GreaterOrEqual(t, time.Since(began), test.took)

				meta.On("POST", "").Once(test.answer)
				checkTold(t, test.write, account.Post(t.Context(), instagramtest.DefaultAccountID+"/media", url.Values{"image_url": {"https://example.com/a.jpg"}}, &out))
				assert.Len(t, meta.Requests("POST", ""), test.writes)
				assert.Equal(t, bodies.opened.Load(), bodies.closed.Load(), "bodies")
			})
		})
	}
}

func TestABodyThatGoesOnMayBeSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := transportFunc(func(req *http.Request) (*http.Response, error) {
			return &http.Response{
				StatusCode: 200, Header: http.Header{}, ContentLength: -1, Request: req,
				Body: &trickle{rest: "0123456789", pause: 29 * time.Second},
			}, nil
		})
		client, err := instagram.New(instagramConfig(), instagram.WithTransport(slow))
		require.NoError(t, err)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://graph.instagram.com/v26.0/me", http.NoBody)
		require.NoError(t, err)
		began := time.Now()
		resp, err := client.HTTPClient(instagram.StaticToken(token())).Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		assert.Equal(t, "0123456789", string(body))
		assert.Equal(t, 290*time.Second, time.Since(began))
	})
}

// TestASilentBodyEndsForItsReader is the same through a plain http.Client,
// which reads by itself.
func TestASilentBodyEndsForItsReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meta := newMeta()
		meta.On("GET", "/me").Once(instagramtest.Answer{Status: 200, Body: "[1, 2, 3]", Stall: true})
		signed := newClient(t, instagramConfig(), meta).HTTPClient(instagram.StaticToken(token()))
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://graph.instagram.com/v26.0/me", http.NoBody)
		require.NoError(t, err)
		resp, err := signed.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		began := time.Now()
		body, err := io.ReadAll(resp.Body)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, "[1, 2, 3]", string(body))
		assert.Equal(t, 30*time.Second, time.Since(began))
	})
}

// TestTheClientsOwnTransport has the timeouts that http.DefaultTransport lacks: a
// server that takes the request and never answers, and an HTTP/2 connection that
// is dead without a word. The line is a pipe, so that the clock is the bubble's.
func TestTheClientsOwnTransport(t *testing.T) {
	lender := httptest.NewTLSServer(nil) // of a certificate
	defer lender.Close()
	base, ok := http.DefaultTransport.(*http.Transport)
	require.True(t, ok)
	defer func() { http.DefaultTransport = base }()
	for name, protocol := range map[string]string{"HTTP/1.1": "http/1.1", "HTTP/2": "h2", "HTTP/1.1, a header that drips": "drip"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var dialed atomic.Int32
				dead := base.Clone()
				dead.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
				dead.ForceAttemptHTTP2 = protocol == "h2"
				dead.DialContext = func(context.Context, string, string) (net.Conn, error) {
					dialed.Add(1)
					here, there := net.Pipe()
					go func() { // says hello, and then nothing
						defer there.Close()
						c := tls.Server(there, &tls.Config{Certificates: lender.TLS.Certificates, NextProtos: []string{strings.Replace(protocol, "drip", "http/1.1", 1)}, SessionTicketsDisabled: true})
						if c.Handshake() == nil {
							if protocol == "h2" {
								go (&exchange{Conn: c}).frame(frameSettings, 0, 0, "") // a pipe holds nothing: both sides write first
							}
							if protocol == "drip" {
								_, _ = c.Read(make([]byte, 1)) // the request: an answer before it is none
								go func() {
									for _, b := range []byte(goodAnswer) {
										if _, err := c.Write([]byte{b}); err != nil {
											return
										}
										time.Sleep(20 * time.Second)
									}
								}()
							}
							_, _ = io.Copy(io.Discard, c)
						}
					}()
					return here, nil
				}
				http.DefaultTransport = dead // the client takes a copy
				client, err := instagram.New(instagramConfig(), instagram.WithLimiter(unhurried{}))
				require.NoError(t, err)
				began := time.Now()
				err = client.With(instagram.StaticToken(token())).Post(t.Context(), "1/media_publish", url.Values{"creation_id": {"1"}}, nil)
				require.ErrorIs(t, err, instagram.ErrOutcomeUnknown)
				assert.Equal(t, 30*time.Second, time.Since(began), "neither for ever, nor twice")
				assert.EqualValues(t, 1, dialed.Load())
				require.NoError(t, client.Close(t.Context()))
				time.Sleep(time.Minute) // the server's end of the line notices
			})
		})
	}
}

// TestClockJumps: the computer's clock is set back and forth, and the platform's
// is another; waits are what they were meant to be.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const year = 365 * 24 * time.Hour
		jump := time.Duration(0)
		meta := newMeta()
		client := newClient(t, instagramConfig(), meta)
		instagram.SetClock(client, func() time.Time { return time.Now().Round(0).Add(jump) })
		account := client.With(instagram.StaticToken(token()))
		platforms := time.Now().Add(10 * year) // by its own clock
		for n, at := range []time.Duration{0, -year, 20 * year, time.Second, -50 * year, 0} {
			jump = at
			for _, a := range []instagramtest.Answer{
				{Status: 503, Header: http.Header{"Retry-After": {platforms.Add(7 * time.Second).Format(http.TimeFormat)}, "Date": {platforms.Format(http.TimeFormat)}}},
				{Status: 503, Header: http.Header{"Retry-After": {time.Now().Add(15 * time.Second).UTC().Format(http.TimeFormat)}, "Date": {"nonsense"}}}, // the second: 7 s later
				{Error: new(instagramtest.KnownError(4, 0)), Header: http.Header{"Retry-After": {"9"}}},
			} {
				meta.On("GET", "/me").Once(a)
				began := time.Now()
				require.NoError(t, account.Get(t.Context(), "me", nil, nil))
				assert.InDelta(t, 8*time.Second, time.Since(began), float64(2*time.Second), "jump %d, %v", n, a.Header)
			}
		}
	})
}

// TestAHandshakeThatIsNeverAnswered ends by the base transport's own time limit,
// and has sent nothing of the request.
func TestAHandshakeThatIsNeverAnswered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var dialed atomic.Int32
		silent := &http.Transport{TLSHandshakeTimeout: 10 * time.Second, DialContext: func(context.Context, string, string) (net.Conn, error) {
			dialed.Add(1)
			here, there := net.Pipe()
			go func() { _, _ = io.Copy(io.Discard, there) }()
			return here, nil
		}}
		client, err := instagram.New(instagramConfig(), instagram.WithTransport(silent))
		require.NoError(t, err)
		account := client.With(instagram.StaticToken(token()))
		began := time.Now()
		err = account.Post(t.Context(), "1/media_publish", url.Values{"creation_id": {"1"}}, nil)
		require.Error(t, err)
		require.NotErrorIs(t, err, instagram.ErrOutcomeUnknown)
		assert.EqualValues(t, 4, dialed.Load())
		assert.InDelta(t, 40*time.Second, time.Since(began), float64(4*time.Second))
	})
}

package instagram_test

// This file answers: is a write ever done twice, given up without need, or
// lost without a word?

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/internal/harm"
)

// unhurried lets every call go at once, unlike [instagram.NoLimit] also after a
// refusal: over sockets no test waits for a minute.
type unhurried struct{}

func (unhurried) Acquire(_ context.Context, c instagram.Call) (instagram.Permit, error) {
	return instagram.Permit{Call: c}, nil
}
func (unhurried) Done(instagram.Permit, instagram.Outcome) {}

const harmAttempts = 4

// slowBody gives a part of itself, and the rest when the server has gone.
type slowBody struct {
	parts  []string
	wait   <-chan struct{} // closed when the server has gone
	closed chan struct{}   // … when the transport has given up: the connection may have gone with another write
	close  func()
}

func newSlowBody(wait <-chan struct{}, parts ...string) *slowBody {
	b := &slowBody{parts: parts, wait: wait, closed: make(chan struct{})}
	b.close = sync.OnceFunc(func() { close(b.closed) })
	return b
}

func (b *slowBody) Read(p []byte) (int, error) {
	switch len(b.parts) {
	case 0:
		return 0, io.EOF
	case 1:
		select {
		case <-b.wait:
		case <-b.closed:
			return 0, io.ErrClosedPipe
		}
	}
	n := copy(p, b.parts[0])
	if b.parts[0] = b.parts[0][n:]; b.parts[0] == "" {
		b.parts = b.parts[1:]
	}
	return n, nil
}

func (b *slowBody) Close() error {
	b.close()
	return nil
}

// publish makes one write, in the middle of whose body the connection can break.
func publish(ctx context.Context, account *instagram.Account, server *harm.Server, base, write string) error {
	if harm.Plan(write, 1) != harm.ResetInBody {
		return account.Post(ctx, write+"/media_publish", url.Values{"creation_id": {write}}, nil)
	}
	const first, second = "creation_id=", "17889455560051444"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/"+instagram.DefaultVersion+"/"+write+"/media_publish",
		newSlowBody(server.Reset(write), first, second))
	if err != nil {
		return err
	}
	req.ContentLength = int64(len(first + second))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(first + second)), nil }
	resp, err := account.HTTPClient().Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return instagram.CheckResponse(resp)
}

// judge says what a caller was told against what has happened.
func judge(t *testing.T, server *harm.Server, write string, err error) {
	t.Helper()
	what := fmt.Sprintf("write %s, %s, told: %v", write, harm.Plan(write, 1), err)
	done, attempts := server.Done(write), server.Attempts(write)
	assert.LessOrEqual(t, done, 1, "done twice: %s", what)
	switch {
	case err == nil:
		assert.Equal(t, 1, done, "not done: %s", what)
	case errors.Is(err, instagram.ErrOutcomeUnknown):
	case harm.Plan(write, 1) == harm.ResetInBody && errors.Is(err, instagram.ErrTransient):
		// through a plain http.Client a 5xx is an answer, and its reader knows that it was a write
	default:
		assert.Zero(t, done, "done, and not told that it may be: %s", what)
		assert.GreaterOrEqual(t, attempts, harmAttempts, "given up: %s", what)
	}
}

func harmWrites(t *testing.T, account *instagram.Account, server *harm.Server, base string, workers int) {
	t.Helper()
	for range 320 { // earns what retries may cost
		require.NoError(t, account.Get(t.Context(), "me", nil, nil))
	}
	writes := make(chan string)
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for write := range writes {
				judge(t, server, write, publish(t.Context(), account, server, base, write))
			}
		})
	}
	for n := range 9 * len(harm.All()) {
		writes <- strconv.Itoa(n)
	}
	close(writes)
	all.Wait()
}

func harmClient(t *testing.T, endpoint instagram.Endpoint, transport http.RoundTripper, opts ...instagram.Option) *instagram.Account {
	t.Helper()
	cfg := instagramConfig()
	cfg.Endpoint = endpoint
	client, err := instagram.New(cfg, append([]instagram.Option{
		instagram.WithTransport(transport),
		instagram.WithRetryPolicy(instagram.RetryPolicy{MaxAttempts: harmAttempts, BaseDelay: time.Millisecond, MaxWait: -1}),
	}, opts...)...)
	require.NoError(t, err)
	return client.With(instagram.StaticToken(token()))
}

// harmTransport is one to the server that gives up on silence early.
func harmTransport(t *testing.T, server *httptest.Server) *http.Transport {
	t.Helper()
	transport, ok := server.Client().Transport.(*http.Transport)
	require.True(t, ok)
	transport = transport.Clone()
	transport.ResponseHeaderTimeout = 150 * time.Millisecond
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

func TestWritesAreDoneOnceOverSockets(t *testing.T) {
	t.Parallel()
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := harm.New(harm.Plan)
			listening := server.Start(http2)
			t.Cleanup(listening.Close)
			account := harmClient(t, instagram.Endpoint{Graph: listening.URL}, harmTransport(t, listening), instagram.WithLimiter(unhurried{}))
			harmWrites(t, account, server, listening.URL, 2)
		})
	}
}

func TestWritesAreDoneOnceInProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := harm.New(harm.Plan)
		harmWrites(t, harmClient(t, instagram.Endpoint{}, server.Within(30*time.Second)), server, "https://graph.instagram.com", 4)
	})
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestCancelledWritesSendNothingMore(t *testing.T) {
	t.Parallel()
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := harm.New(func(string, int) harm.Fault { return harm.Silence })
			listening := server.Start(http2)
			t.Cleanup(listening.Close)
			transport, ok := listening.Client().Transport.(*http.Transport)
			require.True(t, ok)
			account := harmClient(t, instagram.Endpoint{Graph: listening.URL}, transport, instagram.WithLimiter(unhurried{}))
			var all sync.WaitGroup
			for n := range 8 {
				all.Go(func() {
					ctx, cancel := context.WithCancel(t.Context())
					go func() {
						for server.Attempts(strconv.Itoa(n)) == 0 {
							time.Sleep(time.Millisecond)
						}
						cancel()
					}()
					err := account.Post(ctx, strconv.Itoa(n)+"/media_publish", nil, nil) // returns, or the test hangs
					assert.ErrorIs(t, err, context.Canceled)
				})
			}
			all.Wait()
			sent := server.Arrived()
			assert.Equal(t, 8, sent)
			require.NoError(t, account.Get(t.Context(), "me", nil, nil)) // whatever was under way has arrived by now
			assert.Equal(t, sent, server.Arrived())
		})
	}
}

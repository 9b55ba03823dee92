package instagram_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

// pipeListener is a listener without sockets, so that a real server runs under
// the fake clock.
type pipeListener struct {
	connections chan net.Conn
	closed      chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.connections:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { close(l.closed); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// serve runs a server for the handler, and returns a new connection to it.
func serve(t *testing.T, h http.Handler) func() net.Conn {
	t.Helper()
	l := &pipeListener{make(chan net.Conn), make(chan struct{})}
	server := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return func() net.Conn {
		ours, theirs := net.Pipe()
		l.connections <- theirs
		t.Cleanup(func() { _ = ours.Close() })
		return ours
	}
}

func TestWebhookSlowBodies(t *testing.T) {
	t.Parallel()
	const signature = "X-Hub-Signature-256: sha256=0000000000000000000000000000000000000000000000000000000000000000\r\n"
	for name, c := range map[string]struct {
		header  string
		length  int
		drip    time.Duration
		seconds float64
		status  string
	}{
		"a body that never comes":                        {signature, 4_000_000, 0, 10, "408 Request Timeout"},
		"a small body that never comes":                  {signature, 1000, 0, 10, "408 Request Timeout"},
		"a body of drops, for ever":                      {signature, 4_000_000, time.Second, 10, "408 Request Timeout"},
		"a small body of drops, for ever":                {signature, 100_000, time.Second, 10, "408 Request Timeout"},
		"a stranger's body that never comes":             {"", 1000, 0, 0, "403 Forbidden"},
		"a stranger's body of drops, for ever":           {"", 100_000, time.Second, 0, "403 Forbidden"},
		"a body that claims to be too large, and is not": {signature, 5_000_000, time.Second, 0, "413 Request Entity Too Large"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := newClient(t, instagramConfig(), instagramtest.New())
				var got eventLog
				conn := serve(t, closing(t, client.WebhookHandler(instagram.NewSecret("v"), got.handle)))()
				start := time.Now()
				sent := make(chan struct{})
				go func() {
					defer close(sent)
					_, err := fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%s\r\n{", c.length, c.header)
					for c.drip > 0 && err == nil {
						time.Sleep(c.drip)
						_, err = io.WriteString(conn, " ")
					}
				}()
				answer, err := io.ReadAll(conn) // to the end of the connection
				require.NoError(t, err)
				assert.Contains(t, string(answer), c.status)
				assert.Contains(t, string(answer), "Connection: close")
				assert.InDelta(t, c.seconds, time.Since(start).Seconds(), 1.1)
				assert.Empty(t, got.events)
				require.NoError(t, conn.Close())
				<-sent
			})
		})
	}
}

func TestWebhookKeepsConnections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, instagramConfig(), instagramtest.New())
		var got eventLog
		conn := serve(t, closing(t, client.WebhookHandler(instagram.NewSecret("v"), got.handle)))()
		answers := bufio.NewReader(conn)
		for i := range 3 {
			body := fmt.Appendf(nil, `{"object":"instagram","entry":[{"id":"1","time":1,"changes":[{"field":"comments","value":{"id":"%d"}}]}]}`, i)
			_, err := fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nX-Hub-Signature-256: %s\r\n\r\n%s", len(body), instagramtest.SignWebhook(callbackSecret, body), body)
			require.NoError(t, err)
			answer, err := http.ReadResponse(answers, nil)
			require.NoError(t, err)
			assert.Equal(t, http.StatusOK, answer.StatusCode)
			assert.False(t, answer.Close)
			time.Sleep(time.Minute) // longer than a body may take
		}
		synctest.Wait()
		assert.Len(t, got.events, 3)
	})
}

func TestWebhookReadsNothingFromStrangers(t *testing.T) {
	t.Parallel()
	client := newClient(t, instagramConfig(), instagramtest.New())
	h := closing(t, client.WebhookHandler(instagram.NewSecret("v"), new(eventLog).handle))
	for name, c := range map[string]struct {
		header http.Header
		length int64
		status int
	}{
		"no signature":               {http.Header{}, 10, http.StatusForbidden},
		"a length beyond the limits": {http.Header{"X-Hub-Signature-256": {"sha256=" + strings.Repeat("0", 64)}}, 5 << 20, http.StatusRequestEntityTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodPost, hook, unread{t})
			r.Header, r.ContentLength = c.header, c.length
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			assert.Equal(t, c.status, w.Code)
		})
	}
}

// unread is a body that must not be read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

func TestWebhookBodies(t *testing.T) {
	t.Parallel()
	client := newClient(t, instagramConfig(), instagramtest.New())
	body := typicalDelivery()
	post := func(h http.Handler, body io.Reader, length int64) int {
		r := httptest.NewRequest(http.MethodPost, hook, body)
		r.ContentLength = length
		r.Header.Set("X-Hub-Signature-256", instagramtest.SignWebhook(callbackSecret, typicalDelivery()))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	h := closing(t, client.WebhookHandler(instagram.NewSecret("v"), func(context.Context, instagram.Event) error { return nil },
		instagram.WithWebhookLimits(instagram.WebhookLimits{BodyBytes: 2048})))
	assert.Equal(t, http.StatusOK, post(h, bytes.NewReader(body), -1), "of unknown length")
	assert.Equal(t, http.StatusOK, post(h, bytes.NewReader(body), 2048), "exactly as large as allowed")
	assert.Equal(t, http.StatusOK, post(h, iotest.OneByteReader(bytes.NewReader(body)), -1), "byte by byte")
	assert.Equal(t, http.StatusRequestEntityTooLarge, post(h, io.MultiReader(bytes.NewReader(body), strings.NewReader(" ")), -1), "a byte more")
	assert.Equal(t, http.StatusBadRequest, post(h, io.MultiReader(bytes.NewReader(body[:9]), iotest.ErrReader(io.ErrUnexpectedEOF)), -1), "the connection breaks")
}

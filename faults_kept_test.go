package instagram_test

// This file answers: what becomes of a call on a line that was good before, that
// is not trusted, or that is asked whether it wants the body?

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
)

// faultAccount calls a fault server.
func faultAccount(t *testing.T, server *faultServer) *instagram.Account {
	t.Helper()
	return harmClient(t, instagram.Endpoint{Graph: server.URL}, server.transport, instagram.WithLimiter(unhurried{}))
}

// TestAKeptConnectionThatBreaks as it is used again: net/http repeats a read by
// itself then. It would repeat a write that has an Idempotency-Key.
func TestAKeptConnectionThatBreaks(t *testing.T) {
	t.Parallel()
	for method, test := range map[string]struct {
		unclear        bool
		reached, later int32 // requests on the connection that breaks, and on a new one
	}{
		http.MethodGet:    {false, 1, 1},
		http.MethodDelete: {false, 1, 1},
		http.MethodPost:   {true, 1, 0},
	} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			var reached atomic.Int32
			server := newFaultServer(t, false, nil, func(x *exchange) {
				x.say(goodAnswer)
				if req, err := http.ReadRequest(bufio.NewReader(x.Conn)); err == nil {
					_, _ = io.Copy(io.Discard, req.Body)
					reached.Add(1)
				}
				resetConn(x.Conn)
			})
			defer server.close()
			account := faultAccount(t, server)
			require.NoError(t, account.Get(t.Context(), "me", nil, nil))
			req := newRequest(t, method, server.URL+"/v26.0/1", strings.NewReader("caption=x"))
			req.Header.Set("Idempotency-Key", "x")
			resp, err := account.HTTPClient().Do(req)
			if err == nil {
				resp.Body.Close()
			}
			assert.Equal(t, test.unclear, errors.Is(err, instagram.ErrOutcomeUnknown), err)
			assert.Equal(t, test.unclear, err != nil)
			assert.Equal(t, test.reached, reached.Load())
			assert.Equal(t, test.later, server.requests.Load()-1)
		})
	}
}

func TestACertificateThatIsNotTrusted(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		server := newFaultServer(t, http2, nil, says(goodAnswer))
		server.transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		account := faultAccount(t, server)
		err := account.Post(t.Context(), "1/media", url.Values{"image_url": {"https://example.com/a.jpg"}}, nil)
		require.Error(t, err)
		require.NotErrorIs(t, err, instagram.ErrOutcomeUnknown)
		server.close()
		assert.EqualValues(t, 1, server.conns.Load(), "the next attempt would end alike")
		assert.Zero(t, server.requests.Load())
	}
}

// TestABodyThatIsAskedFor: with Expect: 100-continue the body stays here until the
// server wants it, and a break before that proves that nothing was done.
func TestABodyThatIsAskedFor(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		early   func(*exchange) // instead of 100 Continue, for the first request
		arrived int32           // heads of requests
		status  int
		err     error
	}{
		"and wanted": {func(x *exchange) { x.say("HTTP/1.1 100 Continue\r\n\r\n") }, 1, 200, nil},
		"and refused": {func(x *exchange) {
			x.say("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n")
			_ = x.Close()
		}, 1, 417, nil},
		"and the line is reset": {func(x *exchange) { resetConn(x.Conn) }, 2, 200, nil},
		"and reset after 100 Continue": {func(x *exchange) {
			x.say("HTTP/1.1 100 Continue\r\n\r\n")
			_, _ = x.Read(make([]byte, 1))
			resetConn(x.Conn)
		}, 1, 0, instagram.ErrOutcomeUnknown},
		"and a proxy limits the rate":    {func(x *exchange) { x.say("HTTP/1.1 429 x\r\nContent-Length: 0\r\n\r\n"); _ = x.Close() }, 2, 200, nil},
		"and the platform has a problem": {func(x *exchange) { x.say("HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n"); _ = x.Close() }, 1, 503, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var heads atomic.Int32
			server := newFaultServer(t, false, nil, says(goodAnswer))
			defer server.close()
			server.expects = func(x *exchange) {
				if heads.Add(1) == 1 {
					test.early(x)
					return
				}
				x.say("HTTP/1.1 100 Continue\r\n\r\n")
			}
			server.transport.ExpectContinueTimeout = time.Minute
			req := newRequest(t, http.MethodPost, server.URL+"/v26.0/1/media_publish", strings.NewReader("creation_id=1"))
			req.Header.Set("Expect", "100-continue")
			resp, err := faultAccount(t, server).HTTPClient().Do(req)
			assert.Equal(t, test.arrived, heads.Load())
			if test.err != nil {
				require.ErrorIs(t, err, test.err)
				return
			}
			require.NoError(t, err)
			defer resp.Body.Close()
			assert.Equal(t, test.status, resp.StatusCode)
		})
	}
}

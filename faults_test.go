package instagram_test

// This file answers: what becomes of a call when the line, TLS or HTTP goes
// wrong, and is anything left behind?

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
)

// What a call may end with beside an error of the package's own.
var (
	errSome   = errors.New("any error that does not leave the outcome open")
	errAnswer = errors.New("an *AnswerError")
)

// fault is what goes wrong with the first request, how many requests arrive in
// all, and what the caller is told: nil is success, by the second request.
type fault struct {
	connected func(net.Conn) bool
	first     func(*exchange)
	reads     int
	read      error
	writes    int
	write     error
}

const jsonHead = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

func gzipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return b.String()
}

// lost is the outcome of most faults: a read is sent again, a write is not.
func lost(first func(*exchange)) fault {
	return fault{first: first, reads: 2, writes: 1, write: instagram.ErrOutcomeUnknown}
}

// unprocessed is that of a request which has certainly not been carried out.
func unprocessed(first func(*exchange)) fault { return fault{first: first, reads: 2, writes: 2} }

// settled is that of an answer that is final, for reads and writes alike.
func settled(first func(*exchange), told error) fault {
	return fault{first: first, reads: 1, read: told, writes: 1, write: told}
}

func faults1() map[string]fault {
	compressed := gzipped(`{"id":"1"}`)
	return map[string]fault{
		"the connection is reset before the answer":          lost(resets()),
		"the connection is closed before the answer":         lost(breaksOff()),
		"a reset in the status line":                         lost(resets("HTTP/1.1 20")),
		"a reset in the header":                              lost(resets(jsonHead)),
		"a close in the header":                              lost(breaksOff(jsonHead, "X-App-Usage: {\"call")),
		"a reset in the body":                                lost(resets(jsonHead, "Content-Length: 10\r\n\r\n{\"id\"")),
		"a close in the body":                                lost(breaksOff(jsonHead, "Content-Length: 10\r\n\r\n{\"id\"")),
		"a close before the body":                            lost(breaksOff(jsonHead, "Content-Length: 10\r\n\r\n")),
		"a stated length that is too long":                   lost(breaksOff(jsonHead, "Content-Length: 9999\r\n\r\n{\"id\":\"1\"}")),
		"a close between chunks":                             lost(breaksOff(jsonHead, "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"id\"\r\n")),
		"a chunk of no size":                                 lost(breaksOff(jsonHead, "Transfer-Encoding: chunked\r\n\r\nzz\r\n{\"id\"\r\n")),
		"gzip that breaks off":                               lost(breaksOff(jsonHead, "Content-Encoding: gzip\r\nContent-Length: 30\r\n\r\n", compressed[:20])),
		"gzip that ends early with a length that fits":       lost(says(jsonHead, "Content-Encoding: gzip\r\nContent-Length: 20\r\n\r\n", compressed[:20])),
		"gzip that is none":                                  lost(says(jsonHead, "Content-Encoding: gzip\r\nContent-Length: 10\r\n\r\n0123456789")),
		"two lengths":                                        lost(breaksOff(jsonHead, "Content-Length: 10\r\nContent-Length: 11\r\n\r\n{\"id\":\"1\"}")),
		"a length that is no number":                         lost(breaksOff(jsonHead, "Content-Length: ten\r\n\r\n{\"id\":\"1\"}")),
		"a negative length":                                  lost(breaksOff(jsonHead, "Content-Length: -1\r\n\r\n{\"id\":\"1\"}")),
		"something that is not HTTP":                         lost(breaksOff("220 smtp.example.com ESMTP\r\n")),
		"a header line without a colon":                      lost(breaksOff("HTTP/1.1 200 OK\r\nnonsense\r\n\r\n")),
		"a header of 100 KB":                                 lost(breaksOff(jsonHead, "X-Junk: ", strings.Repeat("x", 100<<10), "\r\n\r\n")),
		"JSON that breaks off with a length that fits":       {first: says(jsonHead, "Content-Length: 8\r\n\r\n{\"id\":\"1"), reads: 2, writes: 1, write: instagram.ErrOutcomeUnknown},
		"an error that breaks off before its code":           lost(breaksOff("HTTP/1.1 400 Bad Request\r\nContent-Length: 90\r\n\r\n{\"error\":{\"mess")),
		"an error that breaks off after its code":            settled(breaksOff("HTTP/1.1 400 Bad Request\r\nContent-Length: 90\r\n\r\n{\"error\":{\"code\":10,\"mess"), instagram.ErrPermission),
		"an empty 500":                                       lost(says("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")),
		"a 502 with a page":                                  lost(says("HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>")),
		"a 503 with a negative Retry-After":                  lost(says("HTTP/1.1 503 x\r\nRetry-After: -5\r\nContent-Length: 0\r\n\r\n")),
		"a 503 with Retry-After 1e9, which says nothing":     lost(says("HTTP/1.1 503 x\r\nRetry-After: 1e9\r\nContent-Length: 0\r\n\r\n")),
		"a 503 with a Retry-After in the past":               lost(says("HTTP/1.1 503 x\r\nRetry-After: Mon, 02 Jan 2006 15:04:05 GMT\r\nContent-Length: 0\r\n\r\n")),
		"a 503 with an empty Retry-After":                    lost(says("HTTP/1.1 503 x\r\nRetry-After:\r\nContent-Length: 0\r\n\r\n")),
		"a 503 with two, of which one is nonsense":           lost(says("HTTP/1.1 503 x\r\nRetry-After: soon\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n")),
		"a 503 with Retry-After of 20 digits":                {first: says("HTTP/1.1 503 x\r\nRetry-After: 99999999999999999999\r\nContent-Length: 0\r\n\r\n"), reads: 1, read: instagram.ErrTransient, writes: 1, write: instagram.ErrOutcomeUnknown},
		"a bare 429":                                         unprocessed(says("HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n")),
		"a page with status 200":                             settled(says("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>"), errAnswer),
		"an empty 200":                                       settled(says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), errAnswer),
		"a 204":                                              settled(says("HTTP/1.1 204 No Content\r\n\r\n"), errAnswer),
		"a redirect to itself":                               settled(says("HTTP/1.1 302 Found\r\nLocation: /v26.0/me\r\nContent-Length: 0\r\n\r\n"), errSome),
		"a redirect to another host":                         settled(says("HTTP/1.1 307 Temporary Redirect\r\nLocation: https://evil.example/\r\nContent-Length: 0\r\n\r\n"), errSome),
		"junk behind the body":                               settled(breaksOff(goodAnswer, "junk"), nil),
		"junk behind the JSON":                               settled(says(jsonHead, "Content-Length: 14\r\n\r\n{\"id\":\"1\"}junk"), nil),
		"an answer that ends with its connection":            settled(breaksOff("HTTP/1.0 200 OK\r\n\r\n{\"id\":\"1\"}"), nil),
		"100 Continue and 103 Early Hints before the answer": settled(says("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n", goodAnswer), nil),
		"an HTTP/1.1 answer of chunks":                       settled(says(jsonHead, "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"id\"\r\n5\r\n:\"1\"}\r\n0\r\n\r\n"), nil),
		"a 413 before the connection closes":                 settled(breaksOff("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"), errSome),
		"a 101 that nobody asked for":                        settled(says("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"), errSome),
		"a passing error with status 200":                    lost(says(jsonHead, "Content-Length: 20\r\n\r\n{\"error\":{\"code\":2}}")),
		"a final error with status 200":                      settled(says(jsonHead, "Content-Length: 21\r\n\r\n{\"error\":{\"code\":10}}"), instagram.ErrPermission),
		"a 417":                                              settled(says("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n"), errSome),

		"a reset in the TLS handshake":    {connected: func(c net.Conn) bool { resetConn(c); return true }, first: says(goodAnswer), reads: 1, writes: 1},
		"a close in the TLS handshake":    {connected: func(net.Conn) bool { return true }, first: says(goodAnswer), reads: 1, writes: 1},
		"a server that speaks plain HTTP": {connected: func(c net.Conn) bool { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n"); return true }, first: says(goodAnswer), reads: 1, writes: 1},
		"TLS records that are nonsense":   {connected: func(c net.Conn) bool { _, _ = io.WriteString(c, "\x16\x03\x01\xff\xff nonsense"); return true }, first: says(goodAnswer), reads: 1, writes: 1},
	}
}

func faults2() map[string]fault {
	const internal, refused = 0x2, 0x7
	return map[string]fault{
		"REFUSED_STREAM": unprocessed(func(x *exchange) { x.frame(frameReset, 0, x.stream, number(refused)) }),
		"GOAWAY below the stream": unprocessed(func(x *exchange) {
			x.frame(frameGoAway, 0, 0, number(0)+number(0))
		}),
		"GOAWAY above the stream, then a close": lost(func(x *exchange) {
			x.frame(frameGoAway, 0, 0, number(x.stream)+number(0))
			_ = x.Close()
		}),
		"GOAWAY above the stream, then the answer": settled(func(x *exchange) {
			x.frame(frameGoAway, 0, 0, number(x.stream)+number(0))
			x.status(200)
			x.data(`{"id":"1"}`, flagEnd)
		}, nil),
		"a stream that is reset before the answer": lost(func(x *exchange) { x.frame(frameReset, 0, x.stream, number(internal)) }),
		"a stream that is reset in the body": lost(func(x *exchange) {
			x.status(200)
			x.data(`{"id"`, 0)
			x.frame(frameReset, 0, x.stream, number(internal))
		}),
		"a connection that is reset in the body": lost(func(x *exchange) {
			x.status(200)
			x.data(`{"id"`, 0)
			resetConn(x.Conn)
		}),
		"a connection that is closed before the answer": lost(breaksOff()),
		"an empty 500": lost(func(x *exchange) {
			x.status(500)
			x.data("", flagEnd)
		}),
		"a header that cannot be decoded":         lost(func(x *exchange) { x.frame(frameHeaders, flagEndHeaders, x.stream, "\xff\xff\xff\xff\xff\xff") }),
		"bytes that are no frames":                lost(breaksOff("HTTP/1.1 400 Bad Request\r\n\r\n")),
		"a frame that is too long":                lost(func(x *exchange) { x.frame(frameData, 0, x.stream, strings.Repeat("x", 2<<20)) }),
		"a body without an end, and then a close": lost(func(x *exchange) { x.status(200); x.data(`{"id":"1"}`, 0); _ = x.Close() }),
		"JSON that breaks off with a proper end":  lost(func(x *exchange) { x.status(200); x.data(`{"id":"1`, flagEnd) }),
		"an answer in many small frames": settled(func(x *exchange) {
			x.status(200)
			for _, c := range `{"id":"1"}` {
				x.data(string(c), 0)
			}
			x.data("", flagEnd)
		}, nil),
	}
}

// watched counts the bodies that are handed out and closed.
type watched struct {
	base           http.RoundTripper
	opened, closed atomic.Int32
}

func (w *watched) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := w.base.RoundTrip(req)
	if err == nil && resp.Body != nil {
		w.opened.Add(1)
		resp.Body = &watchedBody{ReadCloser: resp.Body, w: w}
	}
	return resp, err
}

type watchedBody struct {
	io.ReadCloser
	w      *watched
	closed atomic.Bool
}

func (b *watchedBody) Close() error {
	if b.closed.CompareAndSwap(false, true) {
		b.w.closed.Add(1)
	}
	return b.ReadCloser.Close()
}

func checkTold(t *testing.T, want, err error) {
	t.Helper()
	switch want {
	case nil:
		require.NoError(t, err)
	case errAnswer: //nolint:errorlint // the kind of expectation
		var answer *instagram.AnswerError
		require.ErrorAs(t, err, &answer)
		require.NotErrorIs(t, err, instagram.ErrOutcomeUnknown)
	case errSome:
		require.Error(t, err)
		require.NotErrorIs(t, err, instagram.ErrOutcomeUnknown)
	default:
		require.ErrorIs(t, err, want)
	}
}

// TestFaultsOfTheLine is not parallel: it counts goroutines.
func TestFaultsOfTheLine(t *testing.T) {
	before := runtime.NumGoroutine()
	for version, cases := range map[string]map[string]fault{"HTTP/1.1": faults1(), "HTTP/2": faults2()} {
		for name, test := range cases {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				t.Run(version+"/"+method+"/"+name, func(t *testing.T) {
					server := newFaultServer(t, version == "HTTP/2", test.connected, test.first)
					defer server.close() // hangs when a connection is left behind
					bodies := &watched{base: server.transport}
					account := harmClient(t, instagram.Endpoint{Graph: server.URL}, bodies, instagram.WithLimiter(unhurried{}),
						instagram.WithRetryPolicy(instagram.RetryPolicy{BaseDelay: time.Millisecond}))
					var out struct{ ID instagram.ID }
					requests, told := test.reads, test.read
					var err error
					if method == http.MethodGet {
						err = account.Get(t.Context(), "me", nil, &out)
					} else {
						requests, told = test.writes, test.write
						err = account.Post(t.Context(), "1/media", url.Values{"image_url": {"https://example.com/a.jpg"}}, &out)
					}
					checkTold(t, told, err)
					if err == nil {
						assert.Equal(t, instagram.ID("1"), out.ID)
					} else {
						assert.NotContains(t, err.Error(), "IGAAtest")
					}
					assert.Equal(t, requests, int(server.requests.Load()), "requests")
					assert.Equal(t, bodies.opened.Load(), bodies.closed.Load(), "bodies")
				})
			}
		}
	}
	for n := 0; runtime.NumGoroutine() > before && n < 500; n++ { // those that end by themselves
		time.Sleep(10 * time.Millisecond)
	}
	assert.LessOrEqual(t, runtime.NumGoroutine(), before, "goroutines are left behind")
}

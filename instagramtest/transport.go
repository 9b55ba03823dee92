// How does a program reach the platform without a socket?

package instagramtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// Transport returns a round tripper that serves Meta's true host names over
// https in process: www.instagram.com, api.instagram.com, graph.instagram.com,
// www.facebook.com, graph.facebook.com and rupload.facebook.com. Any other host
// fails as in a network whose DNS does not know it, and plain http as a refused
// connection. It ends with the request's context, starts no goroutine, and never
// changes the request.
func (p *Platform) Transport() http.RoundTripper { return transport{p} }

type transport struct{ p *Platform }

func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	var body []byte
	if req.Body != nil && req.Body != http.NoBody {
		var err error
		body, err = io.ReadAll(io.LimitReader(req.Body, maxBody))
		if err = errors.Join(err, req.Body.Close()); err != nil {
			return nil, fmt.Errorf("instagramtest: reading the request body: %w", err)
		}
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if req.URL == nil {
		return nil, errors.New("instagramtest: nil request URL")
	}
	host := strings.ToLower(req.URL.Hostname())
	if !servedHost(host) || (req.URL.Port() != "" && req.URL.Port() != "443") {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
	}
	if req.URL.Scheme != "https" {
		return nil, refused()
	}
	c := newCall(req.Method, host, req.URL, req.URL.Path, req.Header.Clone(), body)
	c.base = "https://" + host
	r, act, err := t.p.serve(ctx, c)
	if err != nil {
		return nil, err
	}
	return r.response(req, act), nil
}

// response turns a reply into what a client sees, with the body as the script
// lets it arrive.
func (r *reply) response(req *http.Request, act Answer) *http.Response {
	res := &http.Response{
		Status:     strconv.Itoa(r.status) + " " + http.StatusText(r.status),
		StatusCode: r.status,
		Proto:      "HTTP/2.0",
		ProtoMajor: 2,
		Header:     r.header,
		Body:       newBody(req.Context(), r.body, act),
		Request:    req,
	}
	switch {
	case act.unmeasured():
		res.ContentLength = -1
		res.Header.Del("Content-Length")
	case req.Method == http.MethodHead:
		res.Body = http.NoBody
		res.ContentLength = int64(len(r.body))
	default:
		res.ContentLength = int64(len(r.body))
	}
	return res
}

// lineBody is a body that arrives as well or badly as the script says.
type lineBody struct {
	mu     sync.Mutex
	rest   []byte
	after  func() error // what happens when rest is used up
	refill []byte       // instead of after: the same again, for ever
	closed chan struct{}
	once   sync.Once
}

func newBody(ctx context.Context, full []byte, act Answer) io.ReadCloser {
	b := &lineBody{rest: full, after: func() error { return io.EOF }, closed: make(chan struct{})}
	if act.CutAfter != 0 {
		b.rest = full[:min(max(act.CutAfter, 0), len(full))]
		b.after = func() error { return io.ErrUnexpectedEOF }
	}
	if act.Stall {
		b.after = func() error {
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-b.closed:
				return http.ErrBodyReadAfterClose
			}
		}
	}
	if act.Endless {
		b.refill = []byte(strings.Repeat(" \n", 2048))
	}
	return b
}

func (b *lineBody) Read(to []byte) (int, error) {
	select {
	case <-b.closed:
		return 0, http.ErrBodyReadAfterClose
	default:
	}
	b.mu.Lock()
	if len(b.rest) == 0 {
		b.rest = b.refill
	}
	n := copy(to, b.rest)
	b.rest = b.rest[n:]
	done := len(b.rest) == 0 && b.refill == nil
	b.mu.Unlock()
	if n == 0 && done {
		return 0, b.after() // may wait, so without the lock
	}
	return n, nil
}

func (b *lineBody) Close() error {
	b.once.Do(func() { close(b.closed) })
	return nil
}

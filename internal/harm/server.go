// Package harm is a platform that fails writes on purpose, over sockets and in
// process, and knows what it has done: tests and benchmarks ask it whether
// something was done twice.
package harm

// This file answers: what goes wrong with a write, and was it carried out?

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Fault is what goes wrong with one attempt.
type Fault uint8

// Faults. Those that begin with Done carry the write out first.
const (
	None            Fault = iota // carried out, and said so
	ResetBeforeBody              // the connection is reset when nothing of the body was read
	ResetInBody                  // … when a part of it was
	ResetAfterBody               // … when all of it was
	DoneReset                    // … before the answer
	DoneCut                      // … in the middle of the answer
	DoneStream                   // on HTTP/2 only the stream ends
	Failed                       // HTTP 500 with code 2
	DoneFailed                   // the same, and it was carried out
	Unavailable                  // HTTP 503 with a page
	Throttled                    // HTTP 400 with code 4
	TooMany                      // a bare HTTP 429
	NotReady                     // code 9007
	Silence                      // no answer ever
	DoneSilence                  // the same, and it was carried out
	faults                       // how many there are
)

// All returns every fault.
func All() []Fault {
	all := make([]Fault, faults)
	for i := range all {
		all[i] = Fault(i) // #nosec G115 -- few
	}
	return all
}

// String names the fault.
func (f Fault) String() string {
	return [...]string{
		"none", "reset before the body", "reset in the body", "reset after the body", "done, then reset", "done, then cut off", "done, then the stream ends",
		"500", "done, then 500", "503", "throttled", "429", "not ready", "silence", "done, then silence",
	}[f]
}

// Done reports whether the write is carried out.
func (f Fault) Done() bool {
	switch f {
	case None, DoneReset, DoneCut, DoneStream, DoneFailed, DoneSilence:
		return true
	default:
		return false
	}
}

// Unclear reports whether a caller who meets the fault cannot know whether the
// write was carried out, unless it was told of more than that an attempt failed.
func (f Fault) Unclear() bool {
	switch f {
	case None, ResetBeforeBody, Throttled, TooMany, NotReady:
		return false
	default:
		return true
	}
}

// Plan fails the first attempt of every write, which are named by numbers, in
// another way, and the second one of every third.
func Plan(write string, attempt int) Fault {
	n, err := strconv.Atoi(write)
	switch {
	case err != nil:
	case attempt == 1:
		return Fault(n % int(faults)) // #nosec G115 -- few
	case attempt == 2 && n%3 == 0:
		return Fault(n / int(faults) % int(faults)) // #nosec G115 -- few
	}
	return None
}

// Server is the platform. A write is a POST to …/{write}/media_publish; whatever
// else is asked succeeds.
type Server struct {
	plan func(write string, attempt int) Fault

	mu       sync.Mutex
	attempts map[string]int
	done     map[string]int
	resets   map[string]chan struct{}
}

// New returns a server that fails the attempts of a write, counted from 1, as the plan says.
func New(plan func(write string, attempt int) Fault) *Server {
	return &Server{plan: plan, attempts: map[string]int{}, done: map[string]int{}, resets: map[string]chan struct{}{}}
}

// Attempts returns how often a write has arrived, and Done how often it was carried out.
func (s *Server) Attempts(write string) int { return s.read(s.attempts, write) }

// Done returns how often a write was carried out.
func (s *Server) Done(write string) int { return s.read(s.done, write) }

// Arrived returns how many attempts there were of all writes.
func (s *Server) Arrived() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, attempts := range s.attempts {
		n += attempts
	}
	return n
}

func (s *Server) read(from map[string]int, write string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return from[write]
}

func (s *Server) arrive(write string) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attempts[write]++
	return s.plan(write, s.attempts[write])
}

func (s *Server) carryOut(write string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done[write]++
}

// Reset returns a channel that is closed when the first attempt of a write has
// been reset in its body, for a body that waits for that.
func (s *Server) Reset(write string) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.resets[write] == nil {
		s.resets[write] = make(chan struct{})
	}
	return s.resets[write]
}

func (s *Server) tellReset(write string) {
	c := s.Reset(write)
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-c:
	default:
		close(c)
	}
}

func writeOf(r *http.Request) (string, bool) {
	path, ok := strings.CutSuffix(r.URL.Path, "/media_publish")
	return path[strings.LastIndexByte(path, '/')+1:], ok && r.Method == http.MethodPost
}

// answer returns what is said after a fault that has an answer.
func (f Fault) answer() (status int, contentType, body string) {
	const asJSON = "application/json"
	switch f {
	case Failed, DoneFailed:
		return 500, asJSON, `{"error":{"message":"An unexpected error has occurred.","type":"OAuthException","is_transient":true,"code":2}}`
	case Unavailable:
		return 503, "text/html", "<html>unavailable</html>"
	case Throttled:
		return 400, asJSON, `{"error":{"message":"(#4) Application request limit reached","type":"OAuthException","code":4}}`
	case TooMany:
		return 429, "text/plain", ""
	case NotReady:
		return 400, asJSON, `{"error":{"message":"Media ID is not available","type":"OAuthException","code":9007,"error_subcode":2207027}}`
	default:
		return 200, asJSON, `{"id":"17895695668004550"}`
	}
}

type connKey struct{}

// Start serves on loopback with TLS, over HTTP/2 or HTTP/1.1.
func (s *Server) Start(http2 bool) *httptest.Server {
	server := httptest.NewUnstartedServer(s)
	server.EnableHTTP2 = http2
	server.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, connKey{}, c)
	}
	server.StartTLS()
	return server
}

// reset ends the connection of a request as a crash does.
func reset(r *http.Request) {
	c, ok := r.Context().Value(connKey{}).(*tls.Conn)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := c.NetConn().(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
		_ = tcp.Close()
	}
	panic(http.ErrAbortHandler)
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	write, ok := writeOf(r)
	if !ok {
		_, _ = io.WriteString(w, `{"id":"17841405793187218"}`)
		return
	}
	fault := s.arrive(write)
	if fault == ResetBeforeBody {
		reset(r)
	}
	if fault == ResetInBody {
		_, _ = io.ReadFull(r.Body, make([]byte, 8))
		defer s.tellReset(write)
		reset(r)
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return // not all of it came: nothing is done
	}
	if fault.Done() {
		s.carryOut(write)
	}
	switch fault {
	case ResetAfterBody, DoneReset:
		reset(r)
	case DoneStream:
		panic(http.ErrAbortHandler)
	case Silence, DoneSilence:
		<-r.Context().Done()
		return
	default:
	}
	status, contentType, body := fault.answer()
	w.Header().Set("Content-Type", contentType)
	if fault == DoneCut {
		w.Header().Set("Content-Length", "26")
		_, _ = io.WriteString(w, body[:9]) // #nosec G705 -- a constant
		_ = http.NewResponseController(w).Flush()
		reset(r)
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // #nosec G705 -- a constant
}

// RoundTrip does the same in process.
func (s *Server) RoundTrip(req *http.Request) (*http.Response, error) {
	body := req.Body
	if body == nil {
		body = http.NoBody
	}
	defer body.Close() //nolint:errcheck // read only
	if err := context.Cause(req.Context()); err != nil {
		return nil, err // as net/http does
	}
	write, ok := writeOf(req)
	fault := None
	if ok {
		fault = s.arrive(write)
	}
	lost := &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	if fault == ResetBeforeBody {
		return nil, lost
	}
	if fault == ResetInBody {
		_, _ = io.ReadFull(body, make([]byte, 8))
		s.tellReset(write)
		return nil, lost
	}
	if _, err := io.Copy(io.Discard, body); err != nil {
		return nil, err
	}
	if ok && fault.Done() {
		s.carryOut(write)
	}
	switch fault {
	case ResetAfterBody, DoneReset, DoneStream:
		return nil, lost
	case Silence, DoneSilence:
		<-req.Context().Done()
		return nil, context.Cause(req.Context())
	default:
	}
	status, contentType, text := fault.answer()
	var answer io.Reader = strings.NewReader(text)
	if fault == DoneCut {
		answer = io.MultiReader(strings.NewReader(text[:9]), broken{})
	}
	return &http.Response{
		StatusCode: status, Proto: "HTTP/2.0", ProtoMajor: 2, Header: http.Header{"Content-Type": {contentType}},
		Body: io.NopCloser(answer), ContentLength: int64(len(text)), Request: req,
	}, nil
}

// Within returns the server in process to a client that gives up when there is
// no answer after d, as net/http does.
func (s *Server) Within(d time.Duration) http.RoundTripper { return impatient{s, d} }

type impatient struct {
	server *Server
	most   time.Duration
}

func (i impatient) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeoutCause(req.Context(), i.most, errors.New("timeout awaiting response headers"))
	resp, err := i.server.RoundTrip(req.WithContext(ctx))
	if err != nil {
		cancel()
	}
	context.AfterFunc(req.Context(), cancel)
	return resp, err
}

type broken struct{}

func (broken) Read([]byte) (int, error) {
	return 0, errors.New("connection reset by peer")
}

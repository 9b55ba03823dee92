// How does a browser or another process reach the platform?

package instagramtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Server is a listener in front of a platform, made by [Platform.Listen].
type Server struct {
	// URL is the address that each host's name follows as first path element,
	// such as "http://127.0.0.1:41234".
	URL string

	http    *http.Server
	running sync.WaitGroup // the accept loop and every handler
	once    sync.Once
	err     error
}

// Listen serves the platform over plain HTTP at a TCP address such as
// "127.0.0.1:0", until [Server.Close]. Each of Meta's hosts is the first element
// of the path: URL + "/graph.instagram.com/v26.0/me". The front page lists them.
func (p *Platform) Listen(addr string) (*Server, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("instagramtest: %w", err)
	}
	s := &Server{URL: "http://" + l.Addr().String()}
	s.http = &http.Server{ReadHeaderTimeout: 30 * time.Second}
	s.http.Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		s.running.Add(1)
		defer s.running.Done()
		p.ServeHTTP(w, req)
	})
	s.running.Go(func() { _ = s.http.Serve(l) }) // ends with ErrServerClosed, by Close
	return s, nil
}

// Close stops listening, drops open connections, and returns when nothing is
// left running. Closing again does nothing.
func (s *Server) Close() error {
	s.once.Do(func() {
		s.err = s.http.Close()
		s.running.Wait()
	})
	return s.err
}

// ServeHTTP serves the platform to whatever listener the caller has, with the
// host's name as first path element; a request whose Host header is one of Meta's
// names needs no such element.
func (p *Platform) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	host, path := hostOf(req)
	if host == "" {
		p.frontPage(w, req)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	if err != nil {
		http.Error(w, "cannot read the request", http.StatusBadRequest)
		return
	}
	c := newCall(req.Method, host, req.URL, path, req.Header.Clone(), body)
	c.base = "http://" + req.Host
	if req.TLS != nil {
		c.base = "https://" + req.Host
	}
	if path != req.URL.Path {
		c.base += "/" + host
	}
	r, act, err := p.serve(req.Context(), c)
	if err != nil {
		panic(http.ErrAbortHandler) // the way to drop a connection without an answer
	}
	r.write(w, req, act)
}

// hostOf tells which of Meta's hosts a request is for, and the path there.
func hostOf(req *http.Request) (host, path string) {
	if name, _, err := net.SplitHostPort(req.Host); err == nil && servedHost(name) {
		return name, req.URL.Path
	}
	if servedHost(req.Host) {
		return req.Host, req.URL.Path
	}
	first, rest, _ := strings.Cut(strings.TrimPrefix(req.URL.Path, "/"), "/")
	if servedHost(first) {
		return first, "/" + rest
	}
	return "", ""
}

// write sends a reply as well or badly as the script says.
func (r *reply) write(w http.ResponseWriter, req *http.Request, act Answer) {
	maps.Copy(w.Header(), r.header)
	if act.unmeasured() {
		w.Header().Del("Content-Length")
	}
	w.WriteHeader(r.status)
	if req.Method == http.MethodHead {
		return
	}
	body := newBody(req.Context(), r.body, act)
	if _, err := io.Copy(flushing{w}, body); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// flushing sends every piece at once, so that a cut or stalled body shows.
type flushing struct{ w http.ResponseWriter }

func (f flushing) Write(b []byte) (int, error) {
	n, err := f.w.Write(b)
	if err == nil {
		err = http.NewResponseController(f.w).Flush()
	}
	return n, err //nolint:wrapcheck // as the connection gave it
}

func (p *Platform) frontPage(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if req.URL.Path != "/" {
		w.WriteHeader(http.StatusNotFound)
	}
	p.mu.Lock()
	view := p.frontView()
	p.mu.Unlock()
	var out bytes.Buffer
	if err := p.pages().front.Execute(&out, view); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = out.WriteTo(w)
}

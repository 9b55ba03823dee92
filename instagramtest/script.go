// What if the next answer should be another one? Scripts for routes.

package instagramtest

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"path"
	"strings"
	"syscall"
	"time"
)

// Answer is what a scripted route does with a request. As long as Status, Body,
// Error and Redirect are unset the platform serves the request itself, and the
// other fields say what happens on the way; with one of them set, the platform
// does not see the request, unless Instead is set.
type Answer struct {
	Status   int         // HTTP status; 0: 200, or that of Error, or 302 for Redirect
	Header   http.Header // set on the answer, over the platform's own
	Body     string
	Error    *GraphError // the Graph envelope as body; see [Failing]
	Redirect string      // Location; to another host, for clients that must not follow
	Instead  bool        // the platform serves the request all the same, and this is sent instead of its answer

	Delay  time.Duration // before the request is processed
	Late   time.Duration // after it was processed, before the answer is sent
	Hang   bool          // no answer ever comes; the request's context ends the wait
	Lose   bool          // the request is processed, and the connection dies before the answer
	Refuse bool          // the connection fails before anything is sent
	Err    error         // what Lose and Refuse fail with; nil: connection reset, connection refused

	CutAfter int  // the body breaks off after so many bytes; negative: before the first; 0: it does not
	Stall    bool // after the body, or its cut, nothing more comes, and no end either
	Endless  bool // the body never ends
}

// Failing is the answer with a Graph error as [KnownError] has it.
func Failing(code, subcode int) Answer { return Answer{Error: new(KnownError(code, subcode))} }

// scripted reports whether the answer replaces the platform's.
func (a Answer) scripted() bool {
	return a.Status != 0 || a.Body != "" || a.Error != nil || a.Redirect != ""
}

// unmeasured reports whether the body cannot state its length.
func (a Answer) unmeasured() bool { return a.Endless || (a.Stall && a.CutAfter == 0) }

func (a Answer) reply(trace string) *reply {
	r := &reply{body: []byte(a.Body), header: http.Header{}}
	switch {
	case a.Error != nil:
		r = a.Error.reply(trace)
	case a.Redirect != "":
		r.status = http.StatusFound
		r.header.Set("Location", a.Redirect)
	case strings.HasPrefix(strings.TrimSpace(a.Body), "<"):
		r.contentType = "text/html; charset=utf-8"
	default:
	}
	r.status = cmp.Or(a.Status, r.status, http.StatusOK)
	return r
}

// before does what happens until the request reaches the platform.
func (a Answer) before(ctx context.Context) error {
	if a.Refuse {
		return cmp.Or(a.Err, refused())
	}
	if a.Hang && !a.Lose {
		return hang(ctx)
	}
	return wait(ctx, a.Delay)
}

// after does what happens between processing and the answer.
func (a Answer) after(ctx context.Context) error {
	if err := wait(ctx, a.Late); err != nil {
		return err
	}
	switch {
	case a.Lose && a.Hang:
		return hang(ctx)
	case a.Lose:
		return cmp.Or(a.Err, error(&net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}))
	default:
		return nil
	}
}

func refused() error { return &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED} }

func hang(ctx context.Context) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

// wait is the only way the fake waits.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Route scripts the answers of one route. Its methods add to the end of the
// script and return the route, so that they chain; when the script is used up
// the platform answers itself again. It is safe for concurrent use.
type Route struct {
	p            *Platform
	method, path string
	steps        []step
}

type step struct {
	left int // negative: for ever
	make func(Request) Answer
}

// On returns a script for the requests of a route. The method may be "" for all.
// The path is one without a version, such as "/me"; a * stands for one element,
// such as in "/*/media_publish"; "" stands for all paths. A path that starts with
// a host, such as "graph.facebook.com/me", counts on that host only. Routes are
// tried in the order of their making, and one with an empty script is passed over.
func (p *Platform) On(method, path string) *Route {
	r := &Route{p: p, method: method, path: path}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.routes = append(p.routes, r)
	return r
}

// Once answers the next request so.
func (r *Route) Once(a Answer) *Route { return r.Times(1, a) }

// Times answers the next n requests so.
func (r *Route) Times(n int, a Answer) *Route {
	return r.add(step{max(n, 0), func(Request) Answer { return a }})
}

// Always answers every further request so.
func (r *Route) Always(a Answer) *Route { return r.Func(func(Request) Answer { return a }) }

// Func asks f how to answer each further request. It is called without locks,
// from the requests' goroutines; the zero [Answer] lets the platform answer.
func (r *Route) Func(f func(Request) Answer) *Route { return r.add(step{-1, f}) }

func (r *Route) add(s step) *Route {
	r.p.mu.Lock()
	defer r.p.mu.Unlock()
	r.steps = append(r.steps, s)
	return r
}

// Off drops what is left of the script.
func (r *Route) Off() {
	r.p.mu.Lock()
	defer r.p.mu.Unlock()
	r.steps = nil
}

// Left counts the answers that the script still has; -1 means without end.
func (r *Route) Left() int {
	r.p.mu.Lock()
	defer r.p.mu.Unlock()
	n := 0
	for _, s := range r.steps {
		if s.left < 0 {
			return -1
		}
		n += s.left
	}
	return n
}

// Reset drops every script.
func (p *Platform) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.routes {
		r.steps = nil
	}
	p.routes = nil
}

// match finds the script for a call.
func (p *Platform) match(c *call) *Route {
	for _, r := range p.routes {
		if r.live() && (r.method == "" || strings.EqualFold(r.method, c.method)) && matches(r.path, c.host, c.path) {
			return r
		}
	}
	return nil
}

func (r *Route) live() bool {
	for len(r.steps) > 0 && r.steps[0].left == 0 {
		r.steps = r.steps[1:]
	}
	return len(r.steps) > 0
}

// next takes the script's next answer.
func (p *Platform) next(r *Route, c *call) Answer {
	p.mu.Lock()
	if !r.live() { // another request was faster
		p.mu.Unlock()
		return Answer{}
	}
	if r.steps[0].left > 0 {
		r.steps[0].left--
	}
	f := r.steps[0].make
	p.mu.Unlock()
	return f(c.public())
}

// matches reports whether a route's path stands for a request's.
func matches(pattern, host, to string) bool {
	if pattern == "" {
		return true
	}
	if !strings.HasPrefix(pattern, "/") {
		at, rest, _ := strings.Cut(pattern, "/")
		if at != host {
			return false
		}
		if rest == "" {
			return true
		}
		pattern = "/" + rest
	}
	if pattern == to {
		return true
	}
	ok, err := path.Match(pattern, to)
	return err == nil && ok
}

// String names the route.
func (r *Route) String() string {
	return fmt.Sprintf("%s %s", cmp.Or(r.method, "*"), cmp.Or(r.path, "*"))
}

package instagram

// This file answers: where does a call begin and end, and who is told?

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"
)

// tracer is the outermost layer: it makes the call and tells the [Tracer] of
// its beginning and end.
type tracer struct {
	c    *Client
	src  TokenSource // nil for token endpoints
	next http.RoundTripper
	none callOptions // of calls without options
}

func (c *Client) tracing(src TokenSource, next http.RoundTripper) http.RoundTripper {
	return &tracer{c: c, src: src, next: next}
}

func (t *tracer) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL == nil {
		closeBody(req)
		return nil, errors.New("the request has no URL")
	}
	c := t.c
	own, call := begin(req, &t.none)
	var began time.Time
	if c.traces {
		began = c.now()
	}
	if t.src != nil {
		call.account = accountOf(call.Context, t.src)
	}
	if c.traces {
		call.Context = c.traceStart(call.Context, call)
	}
	if call.opts.made != nil {
		*call.opts.made = call
	}
	resp, err := t.next.RoundTrip(own)
	if resp != nil {
		resp.Request = req // as the caller made it, and without the token
	}
	if call.opts.capture != nil {
		call.info.tell(call.opts.capture)
	}
	if c.traces {
		c.traceEnd(call.Context, call, began, err)
	}
	return resp, err
}

// CloseIdleConnections is what [http.Client.CloseIdleConnections] looks for.
func (t *tracer) CloseIdleConnections() {
	if base, ok := t.c.base.(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

func (c *Client) traceStart(ctx context.Context, call *call) (inner context.Context) {
	inner = ctx
	defer c.guardHook()
	return c.opts.tracer.CallStart(ctx, CallStart{
		Method: call.asked.Method, Route: routeOf(call.asked.URL.Path), Login: c.cfg.Login, AccountID: call.account, Priority: call.opts.priority,
	})
}

func (c *Client) traceEnd(ctx context.Context, call *call, began time.Time, err error) {
	defer c.guardHook()
	end := CallEnd{
		Attempts: call.attempts, Duration: c.now().Sub(began), Waited: call.waited + call.paused,
		Status: call.info.status, Err: err,
	}
	if call.fault != nil {
		end.Err = call.fault
	}
	c.opts.tracer.CallEnd(ctx, end)
}

func (c *Client) traceWait(ctx context.Context, w Wait) {
	defer c.guardHook()
	c.opts.tracer.Wait(ctx, w)
}

// guardHook keeps a panic in the caller's hook from ending the program.
func (c *Client) guardHook() {
	if p := recover(); p != nil {
		c.logger.Error("instagram: a hook panicked", slog.String("type", fmt.Sprintf("%T", p)))
	}
}

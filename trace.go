package instagram

// This file answers: where does a call begin and end, and who is told?

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// tracing is the outermost layer: it makes the call and tells the tracer of
// its beginning and end.
func (c *Client) tracing(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		own, call := begin(req)
		var began time.Time
		if c.traces {
			began = c.now()
			call.Context = c.traceStart(call.Context, call)
		}
		if call.opts.made != nil {
			*call.opts.made = call
		}
		resp, err := next.RoundTrip(own)
		if resp != nil {
			resp.Request = req // as the caller made it, and without the token
		}
		if call.opts.capture != nil {
			*call.opts.capture = call.info
		}
		if c.traces {
			c.traceEnd(call.Context, call, began, err)
		}
		return resp, err
	})
}

func (c *Client) traceStart(ctx context.Context, call *call) (inner context.Context) {
	inner = ctx
	defer c.guardHook()
	return c.opts.tracer.CallStart(ctx, CallStart{
		Method: call.asked.Method, Route: routeOf(call.asked.URL.Path), Login: c.cfg.Login, Priority: call.opts.priority,
	})
}

func (c *Client) traceEnd(ctx context.Context, call *call, began time.Time, err error) {
	defer c.guardHook()
	end := CallEnd{
		Attempts: call.attempts, Duration: c.now().Sub(began), Waited: call.waited,
		Status: call.info.Status, Err: err,
	}
	if call.fault != nil {
		end.Err = call.fault
	}
	c.opts.tracer.CallEnd(ctx, end)
}

// guardHook keeps a panic in the caller's hook from ending the program.
func (c *Client) guardHook() {
	if p := recover(); p != nil {
		c.logger.Error("instagram: a hook panicked", slog.String("type", fmt.Sprintf("%T", p)))
	}
}

// versionNotices remembers which substitutions of versions were told.
type versionNotices struct {
	last atomic.Pointer[string] // the one told of last
	told sync.Map
}

// notice tells the logger once when another version answers than was asked for.
func (c *Client) noticeVersion(asked, served string) {
	if served == "" || asked == served || asked == Unversioned {
		return
	}
	if last := c.versions.last.Load(); last != nil && *last == served {
		return
	}
	c.versions.last.Store(new(served))
	if _, told := c.versions.told.LoadOrStore(served, true); !told {
		c.logger.Warn("instagram: another Graph API version answers than was asked for",
			slog.String("asked", asked), slog.String("served", served))
	}
}

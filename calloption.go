package instagram

// This file answers: what can be asked for a single call?

import (
	"context"
	"net/http"
)

// CallOption changes one call.
type CallOption func(*callOptions)

type callOptions struct {
	priority   Priority
	repeatable bool
	once       bool     // never sent again, whatever happens
	whole      int      // the answer is read before it is returned, up to so many bytes
	secrets    []string // values in the form that no error may show
	made       **call   // is told of the call
	capture    *ResponseInfo
	cost       int // calls that the request counts as; 0: 1
	// outcome tells the limiter more than the answer's status and headers do
	outcome func(*http.Response, Outcome) Outcome
}

// Background marks work that can wait: it stops a few percent before the
// quota's end, so that other work always finds room.
func Background() CallOption { return func(o *callOptions) { o.priority = PriorityBackground } }

// Interactive marks work that a person waits for: it is first in line.
func Interactive() CallOption { return func(o *callOptions) { o.priority = PriorityInteractive } }

// Repeatable says that a write may take effect twice without harm, so that it
// is sent again where a read would be.
func Repeatable() CallOption { return func(o *callOptions) { o.repeatable = true } }

// CaptureResponse fills info when the call's last answer has come. One info
// belongs to one call at a time.
func CaptureResponse(info *ResponseInfo) CallOption {
	return func(o *callOptions) { o.capture = info }
}

type callOptionsKey struct{}

// WithCallOptions returns a context whose calls have the options, on top of
// those that ctx has already. It is the one way for options to travel through
// a plain [net/http.Client].
func WithCallOptions(ctx context.Context, opts ...CallOption) context.Context {
	var o callOptions
	if known := callOptionsOf(ctx); known != nil {
		o = *known
	}
	for _, opt := range opts {
		if opt != nil {
			opt(&o)
		}
	}
	return context.WithValue(ctx, callOptionsKey{}, &o)
}

// callOptionsOf returns the options that travel in ctx, nil when there are none.
func callOptionsOf(ctx context.Context) *callOptions {
	o, _ := ctx.Value(callOptionsKey{}).(*callOptions)
	return o
}

package instagram

// This file answers: what do the layers know of the call that passes through
// them?

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"
)

// call is the context of one call on its way through the layers, and what they
// have found out about it. One goroutine at a time works on a call.
type call struct {
	context.Context //nolint:containedctx // it is the request's context, with the call's own fields beside it

	opts      callOptions
	asked     *http.Request // as the caller made it; never changed
	started   time.Time
	attempts  int
	waited    time.Duration // for quota, all attempts together
	parked    int           // attempts that had to wait for quota
	refetched bool          // the source was asked for another token

	// of the attempt under way
	token *Token
	sent  bool         // handed to the base transport
	body  *countedBody // nil when there is none
	lost  loss
	info  ResponseInfo
	fault *Error // what the platform said; nil: success, or no answer
}

// begin returns a request of its own for a call, so that no layer ever writes
// into the caller's.
func begin(req *http.Request, now time.Time) (*http.Request, *call) {
	c := &call{Context: req.Context(), opts: callOptionsOf(req.Context()), asked: req, started: now}
	return c.request(req.Body), c //nolint:contextcheck // the call is the context
}

// request returns a fresh copy of what was asked, for one attempt.
func (c *call) request(body requestBody) *http.Request {
	req := c.asked.WithContext(c)
	if body != nil && body != http.NoBody {
		c.body = &countedBody{requestBody: body}
		req.Body = c.body
	}
	return req
}

// callOf returns the call that a layer's request belongs to.
func callOf(req *http.Request) *call {
	c, ok := req.Context().(*call)
	if !ok {
		c, _ = req.Context().Value(callKey{}).(*call)
	}
	return c
}

type callKey struct{}

// Value finds the call itself below contexts that were put on top of it.
func (c *call) Value(key any) any {
	if _, ok := key.(callKey); ok {
		return c
	}
	return c.Context.Value(key)
}

// isWrite reports whether the call may change something at the platform.
func (c *call) isWrite() bool {
	switch c.asked.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodDelete:
		return false
	}
	return true
}

// failure returns what the last answer means to the caller: nil, or the platform's
// error, as a [*RateLimitError] when it refused the call for its quota, and
// matching [ErrOutcomeUnknown] when a write may have taken effect all the same.
func (c *call) failure(op string) error {
	if c.fault == nil {
		return nil
	}
	c.fault.Op = op
	switch {
	case errors.Is(c.fault, ErrThrottled):
		return &RateLimitError{RetryAfter: c.fault.RetryAfter, Bucket: c.fault.Bucket(), Err: c.fault}
	case (c.isWrite() && !c.opts.repeatable || c.opts.once) && errors.Is(c.fault, ErrTransient) && !c.fault.certainlyRefused():
		return fmt.Errorf("%w: %w", c.fault, ErrOutcomeUnknown)
	}
	return c.fault
}

// unsent reports whether an attempt without an answer can have had no effect:
// nothing left, or no byte of the body.
func (c *call) unsent() bool {
	return c.lost.unsent || c.body != nil && !c.body.touched.Load()
}

// secrets returns what the platform may echo and no error may show.
func (c *call) secrets() []string {
	secrets := c.opts.secrets
	if c.token != nil {
		secrets = append(secrets, c.token.AccessToken.Reveal())
	}
	return secrets
}

type requestBody = interface {
	Read(p []byte) (int, error)
	Close() error
}

// countedBody knows whether anything was read of it: a request of whose body
// no byte was read has not been carried out.
type countedBody struct {
	requestBody
	touched atomic.Bool // the transport reads in a goroutine of its own
}

func (b *countedBody) Read(p []byte) (int, error) {
	b.touched.Store(true)
	return b.requestBody.Read(p)
}

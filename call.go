package instagram

// This file answers: what do the layers know of the call that passes through
// them?

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// call is the context of one call on its way through the layers, and what they
// have found out about it. One goroutine at a time works on a call.
type call struct {
	context.Context //nolint:containedctx // it is the request's context, with the call's own fields beside it

	opts      *callOptions  // never changed
	asked     *http.Request // as the caller made it; never changed
	account   string        // whose quota it counts against; "" when that is not known
	attempts  int
	waited    time.Duration // for quota, all attempts together
	paused    time.Duration // between attempts, all together
	parked    int32         // attempts that had to wait for quota
	refetched bool          // the source was asked for another token
	clouded   bool          // an attempt before this one may have taken effect

	attempt // the one under way

	// What the first attempt needs, in one piece of memory: most have no second.
	firstRequest http.Request
	firstAnswer  putBack
}

// attempt is what is known of one sending of a call's request.
type attempt struct {
	token *Token
	sent  bool        // handed to the base transport
	cut   bool        // the answer ends in the middle: a success, or an error before it has said which
	lost  loss        // why there was no answer
	body  *bodyLedger // nil when the request has none
	info  headerInfo  // of the answer
	fault *Error      // what the platform said; nil: success, or no answer
}

// begin returns a request of its own for a call, so that no layer ever writes
// into the caller's. None are the options of a call without any.
func begin(req *http.Request, none *callOptions) (*http.Request, *call) {
	c := &call{Context: req.Context(), asked: req}
	if c.opts = callOptionsOf(req.Context()); c.opts == nil {
		c.opts = none
	}
	return c.request(req.Body), c //nolint:contextcheck // the call is the context
}

// request returns a fresh copy of what was asked, for one attempt.
func (c *call) request(body requestBody) *http.Request {
	req := &c.firstRequest
	if c.attempts == 0 {
		*req = *c.asked.WithContext(c)
	} else {
		req = c.asked.WithContext(c)
	}
	if body == nil || body == http.NoBody {
		return req
	}
	c.body = &bodyLedger{}
	req.Body = c.body.count(body)
	if again := req.GetBody; again != nil { // net/http may send a body of its own making
		ledger := c.body
		req.GetBody = func() (io.ReadCloser, error) {
			body, err := again()
			if err != nil {
				return nil, err
			}
			return ledger.count(body), nil
		}
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
// matching [ErrOutcomeUnknown] when the call may have taken effect all the same.
func (c *call) failure(op string) error {
	if c.fault == nil {
		return nil
	}
	c.fault.Op = op
	switch {
	case c.clouded && c.asked.Method == http.MethodDelete && c.fault.Code == 100 && c.fault.Subcode == 33: // there is none (any more)
		return fmt.Errorf("%w: %w", c.fault, ErrOutcomeUnknown)
	case errors.Is(c.fault, ErrThrottled):
		return &RateLimitError{RetryAfter: c.fault.RetryAfter, Bucket: c.fault.Bucket(), Err: c.fault}
	case (c.isWrite() && !c.opts.repeatable || c.opts.once) && (c.cut || errors.Is(c.fault, ErrTransient)) && !c.fault.certainlyRefused():
		return fmt.Errorf("%w: %w", c.fault, ErrOutcomeUnknown)
	}
	return c.fault
}

// putBack makes the body of an answer one that gives back what was read of it.
func (c *call) putBack(resp *http.Response, idle *idleBodies) {
	b := &c.firstAnswer
	if c.attempts > 1 {
		b = new(putBack)
	}
	b.begin(resp.Body, idle)
	resp.Body = b
}

// unsent reports whether an attempt without an answer can have had no effect:
// nothing left, or no byte of the body, of which then none will leave.
func (c *call) unsent() bool {
	return c.lost.unsent || c.body != nil && c.body.seal()
}

// secrets returns what the platform may echo and no error may show.
func (c *call) secrets() []string {
	secrets := slices.Clip(c.opts.secrets)
	if c.token != nil {
		secrets = append(secrets, c.token.AccessToken.Reveal())
	}
	return secrets
}

type requestBody = interface {
	Read(p []byte) (int, error)
	Close() error
}

// bodyLedger knows whether a byte of a request's body was handed over, or its
// end, where it is empty: a request of which neither was has not been carried
// out. It counts for all bodies that were read for the same attempt, in
// whichever goroutine the transport reads them.
type bodyLedger struct {
	mu      sync.Mutex
	touched bool
	sealed  bool // nothing is handed over any more
}

// seal reports whether nothing was handed over, and sees to it that nothing
// will be: a transport may go on reading after it has given up.
func (l *bodyLedger) seal() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sealed = true
	return !l.touched
}

// count returns the body so that the ledger knows of it.
func (l *bodyLedger) count(body requestBody) requestBody {
	return &countedBody{requestBody: body, ledger: l}
}

type countedBody struct {
	requestBody
	ledger *bodyLedger
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.requestBody.Read(p)
	b.ledger.mu.Lock()
	defer b.ledger.mu.Unlock()
	if b.ledger.sealed {
		return 0, errGivenUp
	}
	b.ledger.touched = b.ledger.touched || n > 0 || errors.Is(err, io.EOF)
	return n, err
}

var errGivenUp = errors.New("the request has been given up")

package instagram

// This file answers: when does a call get its permit, and what does the
// limiter learn from the answer?

import (
	"context"
	"errors"
	"net/http"
	"time"
)

func (c *Client) limiting(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		call := callOf(req)
		var permit Permit
		if err := c.acquire(req.Context(), call, &permit); err != nil {
			closeBody(req)
			return nil, err
		}
		outcome := Outcome{Sent: true, Err: errPanicked}
		defer func() { c.opts.limiter.Done(permit, outcome) }()
		resp, err := next.RoundTrip(req)
		call.conclude(&outcome, resp, err)
		return resp, err
	})
}

// conclude writes down what the limiter is told of the attempt.
func (c *call) conclude(o *Outcome, resp *http.Response, err error) {
	o.Sent, o.Status, o.Err = c.sent, c.info.status, err
	if c.info.usage != nil {
		o.Usage = *c.info.usage
	}
	if c.fault != nil {
		o.Err = c.fault
	} else if c.opts.outcome != nil && resp != nil {
		*o = c.opts.outcome(resp, *o)
	}
}

// errPanicked is what the limiter is told when a transport of the caller's
// panics: its permit would be missing for good.
var errPanicked = errors.New("the transport panicked")

// acquire waits for the permit.
func (c *Client) acquire(ctx context.Context, call *call, permit *Permit) (err error) {
	ask := Call{
		Login: c.cfg.Login, AppID: c.cfg.AppID, AccountID: call.account,
		Priority: call.opts.priority, Cost: call.opts.cost, MaxWait: c.maxWait(call),
	}
	if c.traces {
		err = c.acquireTraced(ctx, call, permit, ask)
	} else {
		*permit, err = c.opts.limiter.Acquire(ctx, ask)
	}
	if permit.Waited > 0 {
		call.waited += permit.Waited
		call.parked++
	}
	return err
}

// acquireTraced tells the tracer of the wait: when it begins, or afterwards of a
// limiter that does not say so.
func (c *Client) acquireTraced(ctx context.Context, call *call, permit *Permit, ask Call) (err error) {
	var began time.Time // of the wait
	ask.OnWait = func(w Wait) {
		began = c.now()
		c.traceWait(ctx, w)
	}
	*permit, err = c.opts.limiter.Acquire(ctx, ask)
	switch {
	case err != nil && !began.IsZero():
		call.waited += c.now().Sub(began)
	case permit.Waited > 0 && began.IsZero():
		c.traceWait(ctx, Wait{For: permit.Waited, Reason: permit.Reason, Bucket: permit.Bucket})
	}
	return err
}

// accountOf names the account whose quota a call counts against; "" when that
// is not known before the call.
func accountOf(ctx context.Context, src TokenSource) string {
	if named, ok := src.(interface{ accountID() string }); ok {
		return named.accountID()
	}
	tok, err := src.Token(ctx)
	if err != nil {
		return "" // the authorizer reports it
	}
	if tok.AccountID == "" {
		return tok.AppScopedID
	}
	return tok.AccountID
}

// maxWait is what is left of the policy's longest wait.
func (c *Client) maxWait(call *call) time.Duration {
	if c.opts.retry.MaxWait < 0 {
		return -1
	}
	return max(0, c.opts.retry.MaxWait-call.waited)
}

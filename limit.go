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
		permit, err := c.acquire(req.Context(), call)
		if err != nil {
			closeBody(req)
			return nil, err
		}
		outcome := Outcome{Sent: true, Err: errPanicked}
		defer func() { c.opts.limiter.Done(permit, outcome) }()
		resp, err := next.RoundTrip(req)
		outcome = Outcome{Sent: call.sent, Status: call.info.status, Err: err}
		if usage := call.info.usage; usage != nil {
			outcome.Usage = *usage
		}
		if call.fault != nil {
			outcome.Err = call.fault
		} else if call.opts.outcome != nil && resp != nil {
			outcome = call.opts.outcome(resp, outcome)
		}
		return resp, err
	})
}

// errPanicked is what the limiter is told when a transport of the caller's
// panics: its permit would be missing for good.
var errPanicked = errors.New("the transport panicked")

// acquire waits for the permit, and tells the tracer of the wait: when it
// begins, or afterwards of a limiter that does not say so.
func (c *Client) acquire(ctx context.Context, call *call) (Permit, error) {
	ask := Call{
		Login: c.cfg.Login, AppID: c.cfg.AppID, AccountID: call.account,
		Priority: call.opts.priority, Cost: call.opts.cost, MaxWait: c.maxWait(call),
	}
	if !c.traces {
		permit, err := c.opts.limiter.Acquire(ctx, ask)
		call.park(permit.Waited)
		return permit, err
	}
	var began time.Time // of the wait
	ask.OnWait = func(w Wait) {
		began = c.now()
		c.traceWait(ctx, w)
	}
	permit, err := c.opts.limiter.Acquire(ctx, ask)
	switch {
	case err != nil && !began.IsZero():
		call.waited += c.now().Sub(began)
	case permit.Waited > 0 && began.IsZero():
		c.traceWait(ctx, Wait{For: permit.Waited, Reason: permit.Reason, Bucket: permit.Bucket})
	}
	call.park(permit.Waited)
	return permit, err
}

// park counts a wait for quota.
func (c *call) park(waited time.Duration) {
	if waited > 0 {
		c.waited += waited
		c.parked++
	}
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

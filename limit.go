package instagram

// This file answers: when does a call get its permit, and what does the
// limiter learn from the answer?

import (
	"context"
	"net/http"
	"time"
)

func (c *Client) limiting(src TokenSource, next http.RoundTripper) http.RoundTripper {
	named, _ := src.(interface{ accountID() string })
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		call := callOf(req)
		account := ""
		if named != nil {
			account = named.accountID()
		} else {
			account = accountOf(req.Context(), src)
		}
		permit, err := c.opts.limiter.Acquire(req.Context(), Call{
			Login: c.cfg.Login, AppID: c.cfg.AppID, AccountID: account,
			Priority: call.opts.priority, Cost: call.opts.cost, MaxWait: c.maxWait(call),
		})
		if err != nil {
			closeBody(req)
			return nil, err
		}
		if permit.Waited > 0 {
			call.waited += permit.Waited
			call.parked++
		}
		resp, err := next.RoundTrip(req)
		outcome := Outcome{Sent: call.sent, Status: call.info.Status, Usage: call.info.Usage, Err: err}
		if call.fault != nil {
			outcome.Err = call.fault
		} else if call.opts.outcome != nil && resp != nil {
			outcome = call.opts.outcome(resp, outcome)
		}
		c.opts.limiter.Done(permit, outcome)
		return resp, err
	})
}

// accountOf names the account whose quota a call counts against; "" when that
// is not known before the call.
func accountOf(ctx context.Context, src TokenSource) string {
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

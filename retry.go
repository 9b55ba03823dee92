package instagram

// This file answers: what may be sent again, when, and why not?

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/seed-922467ee/instagram/internal/backoff"
)

// RetryPolicy says how often and how long a request is tried. The zero value
// is the default policy.
type RetryPolicy struct {
	// MaxAttempts is how often a request is sent at most; refusals after a wait
	// for quota do not count, for there the limiter decides. 0: 4; 1: no second
	// attempt, whatever the reason.
	MaxAttempts int
	// BaseDelay is the upper bound of the first pause; it doubles with each attempt. 0: 500 ms.
	BaseDelay time.Duration
	// MaxDelay bounds a pause. 0: 20 s.
	MaxDelay time.Duration
	// MaxWait is the longest wait for quota before a [*RateLimitError], all
	// attempts together. The pauses between attempts may be as long in all, or
	// MaxDelay where that is longer. 0: 30 s; negative: as long as the context lives.
	MaxWait time.Duration
}

func (p RetryPolicy) withDefaults() RetryPolicy {
	if p.MaxAttempts == 0 {
		p.MaxAttempts = 4
	}
	if p.BaseDelay == 0 {
		p.BaseDelay = 500 * time.Millisecond
	}
	if p.MaxDelay == 0 {
		p.MaxDelay = 20 * time.Second
	}
	if p.MaxWait == 0 {
		p.MaxWait = 30 * time.Second
	}
	return p
}

// retrier sends a request again where that can help and cannot harm.
type retrier struct {
	c    *Client
	src  TokenSource // nil for token endpoints
	next http.RoundTripper
}

func (c *Client) retrying(src TokenSource, next http.RoundTripper) http.RoundTripper {
	return &retrier{c: c, src: src, next: next}
}

func (r *retrier) RoundTrip(req *http.Request) (*http.Response, error) {
	call := callOf(req)
	r.c.budget.Earn()
	var last *http.Response // refused for its quota, kept in case the wait for the next attempt is too long
	var lastKnown attempt
	for {
		call.attempts++
		var began time.Time
		if r.c.traces {
			began = r.c.now()
		}
		resp, err := r.next.RoundTrip(req)
		if last != nil && !call.sent {
			if limited, ok := errors.AsType[*RateLimitError](err); ok {
				call.attempt = lastKnown
				call.fault.RetryAfter = limited.RetryAfter
				return last, nil
			}
		}
		v := r.verdict(req.Context(), call, err)
		if r.c.traces {
			r.trace(req.Context(), call, began, err, v)
		}
		if !v.again {
			return resp, v.finalError(call, err)
		}
		if err := backoff.Wait(req.Context(), v.pause); err != nil {
			closeAnswer(resp)
			return nil, err
		}
		call.paused += v.pause
		closeAnswer(resp)
		body, err := rewind(call.asked)
		if err != nil {
			return nil, err
		}
		call.clouded = call.clouded || call.sent && !call.unsent() && (call.fault == nil || errors.Is(call.fault, ErrTransient))
		last, lastKnown = resp, call.attempt
		call.attempt = attempt{}
		req = call.request(body) //nolint:contextcheck // the call is the context
	}
}

// verdict is the decision about one attempt.
type verdict struct {
	again   bool
	pause   time.Duration
	reason  string
	unclear bool // the request may have taken effect
}

func (r *retrier) verdict(ctx context.Context, call *call, err error) verdict {
	v := r.judge(ctx, call, err)
	switch {
	case !v.again:
		return v
	case call.opts.once:
		v.again, v.reason = false, v.reason+", but the call must not be repeated"
	case r.c.opts.retry.MaxAttempts == 1:
		v.again, v.reason = false, v.reason+", but the policy allows no second attempt"
	case context.Cause(ctx) != nil:
		v.again, v.reason = false, "the context has ended"
	case call.asked.Body != nil && call.asked.Body != http.NoBody && call.asked.GetBody == nil:
		v.again, v.reason = false, v.reason+", but the body cannot be sent a second time"
	case !backoff.Fits(ctx, v.pause):
		v.again, v.reason = false, v.reason+", but the deadline comes first"
	}
	return v
}

// judge says whether another attempt could help and would do no harm; verdict
// adds what stands against it.
func (r *retrier) judge(ctx context.Context, call *call, err error) verdict {
	unclear := call.isWrite() && call.sent && !call.opts.repeatable
	switch {
	case err != nil && !call.sent:
		return verdict{reason: "not sent"}
	case err != nil:
		return r.judgeLost(call, unclear)
	case call.fault != nil && errors.Is(call.fault, ErrThrottled):
		return r.judgeThrottled(call)
	case call.cut:
		return r.afterFault(call, "the answer ends in the middle", unclear)
	case call.fault == nil:
		return verdict{reason: "answered"}
	case errors.Is(call.fault, ErrTokenInvalid):
		return verdict{again: r.otherToken(ctx, call), reason: "token refused"}
	case !errors.Is(call.fault, ErrTransient):
		return verdict{reason: "refused"}
	}
	unclear = unclear && !call.fault.certainlyRefused()
	return r.afterFault(call, "passing fault", unclear)
}

// judgeLost judges an attempt to which no answer came.
func (r *retrier) judgeLost(call *call, unclear bool) verdict {
	switch {
	case call.lost.certain:
		return verdict{reason: "the host cannot be reached"}
	case call.unsent():
		return r.afterFault(call, "not sent", false)
	}
	return r.afterFault(call, "no answer", unclear)
}

// afterFault grants another attempt after a passing fault, within the limits
// of the policy and of the budget that all calls share.
func (r *retrier) afterFault(call *call, reason string, unclear bool) verdict {
	policy := r.c.opts.retry
	v := verdict{reason: reason, unclear: unclear, pause: backoff.Pause(policy.BaseDelay, policy.MaxDelay, call.attempts-1)}
	if call.fault != nil && call.fault.RetryAfter > 0 {
		v.pause = call.fault.RetryAfter
	}
	switch {
	case unclear:
		v.reason += ", and it may have taken effect"
	case call.attempts >= policy.MaxAttempts:
		v.reason += ", and all attempts are used up"
	case policy.MaxWait >= 0 && call.paused+v.pause > max(policy.MaxWait, policy.MaxDelay):
		v.reason += ", and the pauses would be longer than the policy allows"
	case !r.c.budget.Spend(r.c.now()):
		v.reason += ", and the budget for retries is used up"
	default:
		v.again = true
	}
	return v
}

// judgeThrottled lets the limiter decide when to go on: it has learnt of the
// refusal, and the next attempt waits for its permit. Attempts that the limiter
// made wait do not count; without a limiter a refused call is not sent again,
// for each further one makes the block longer.
func (r *retrier) judgeThrottled(call *call) verdict {
	_, unpaced := r.c.opts.limiter.(noLimit)
	switch call.fault.Bucket().Family {
	case quotaPublishing, quotaHashtags:
		return verdict{reason: "throttled by a quota that is not one of calls, and lasts for hours"}
	}
	if r.src == nil || unpaced || call.attempts-int(call.parked) >= r.c.opts.retry.MaxAttempts {
		return verdict{reason: "throttled"}
	}
	return verdict{again: true, reason: "throttled"}
}

// otherToken reports whether the source has another token than the one that
// was refused. It is asked once for each call.
func (r *retrier) otherToken(ctx context.Context, call *call) bool {
	if r.src == nil || call.refetched || call.token == nil {
		return false
	}
	call.refetched = true
	if s, ok := r.src.(interface{ distrust(tok *Token) }); ok {
		s.distrust(call.token)
	}
	tok, err := r.src.Token(ctx)
	return err == nil && !tok.AccessToken.Equal(call.token.AccessToken)
}

// finalError adds to the error of the last attempt that its outcome is open.
func (v verdict) finalError(call *call, err error) error {
	if err != nil && (v.unclear || call.opts.once && call.sent && !call.unsent()) {
		return fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
	}
	return err
}

func (r *retrier) trace(ctx context.Context, call *call, began time.Time, err error, v verdict) {
	defer r.c.guardHook()
	var info ResponseInfo
	call.info.tell(&info)
	a := Attempt{
		Number: call.attempts, Duration: r.c.now().Sub(began), Status: info.Status, Err: err,
		TraceID: info.TraceID, RequestID: info.RequestID, Version: info.Version, Usage: info.Usage,
		Retry: v.again, Reason: v.reason,
	}
	if call.fault != nil {
		a.Err = call.fault
	}
	r.c.opts.tracer.Attempt(ctx, a)
	if v.again && v.pause > 0 {
		r.c.traceWait(ctx, Wait{For: v.pause, Reason: v.reason})
	}
}

// closeAnswer gives a connection back. An answer that is sent for again is an
// error, which classify has read to its end or to 64 KiB: what is in memory stays
// readable, and more is not worth the wait.
func closeAnswer(resp *http.Response) {
	if resp != nil && resp.Body != nil {
		_ = resp.Body.Close()
	}
}

// rewind returns the body for another attempt.
func rewind(asked *http.Request) (io.ReadCloser, error) {
	if asked.Body == nil || asked.Body == http.NoBody {
		return asked.Body, nil
	}
	body, err := asked.GetBody()
	if err != nil {
		return nil, fmt.Errorf("the body cannot be read again: %w", err)
	}
	return body, nil
}

// certainlyRefused reports whether a passing fault says that nothing was done.
func (e *Error) certainlyRefused() bool {
	return e.Code == 9007 // the container is not ready to be published
}

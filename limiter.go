package instagram

// This file answers: how is a call paced so that the quota is used to its end
// and not beyond?

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/seed-922467ee/instagram/internal/pacing"
)

// LimiterOptions set up a limiter. The zero value is right for Meta's platform.
type LimiterOptions struct {
	// AppWindow is the length of the rolling window in which the platform
	// counts an app's calls. 0: one hour. Source: "Rate limits", read 2026-09.
	AppWindow time.Duration
	// AccountWindow is the same for an account's calls. 0: 24 hours, as for
	// business use cases. Source: "Rate limits", read 2026-09.
	AccountWindow time.Duration
	// BackgroundReserve is the part of each quota that calls of
	// [PriorityBackground] leave to the others. 0: 0.05; negative: none.
	BackgroundReserve float64
	// MaxAccounts bounds how many accounts are remembered, at some 200 bytes
	// each while they are idle. Beyond it those are forgotten of whose quota
	// the least is used. 0: one million.
	MaxAccounts int
}

func (o LimiterOptions) withDefaults() LimiterOptions {
	if o.AppWindow <= 0 {
		o.AppWindow = time.Hour
	}
	if o.AccountWindow <= 0 {
		o.AccountWindow = 24 * time.Hour
	}
	switch {
	case o.BackgroundReserve == 0:
		o.BackgroundReserve = 0.05
	case o.BackgroundReserve < 0:
		o.BackgroundReserve = 0
	}
	if o.MaxAccounts <= 0 {
		o.MaxAccounts = 1_000_000
	}
	return o
}

// NewLimiter returns a limiter that learns the platform's quotas from usage
// headers, from refusals and from its own count of calls, one quota for each
// app and one for each account of it.
//
// Calls go at full speed while there is room. Near the end of a quota fewer
// are in flight at a time, and when it is used up, calls wait until earlier
// ones leave the rolling window. After a refusal nothing is sent until the
// stated wait is over, or for a minute and longer where none is stated; then a
// single call finds out whether it helped. An app's quota is shared fairly by
// its accounts; an account's calls go in the order in which they came.
//
// The limiter may be shared by clients. It is safe for concurrent use, starts
// no goroutine of its own, and needs no closing.
func NewLimiter(opts LimiterOptions) Limiter {
	opts = opts.withDefaults()
	l := &limiter{began: time.Now().Add(-time.Second)} // an instant of 0 would mean "never"
	l.pacer = pacing.New(pacing.Config{
		App:         pacing.Params{Window: opts.AppWindow, MaxSlots: 2048, FewSlots: 2048, Background: opts.BackgroundReserve},
		Account:     pacing.Params{Window: opts.AccountWindow, MaxSlots: 512, FewSlots: 8, Background: opts.BackgroundReserve},
		MaxAccounts: opts.MaxAccounts,
		Ready:       func(w *pacing.Waiter) { w.Data.(chan struct{}) <- struct{}{} },
		Arm:         l.arm,
	})
	return l
}

type limiter struct {
	pacer *pacing.Pacer
	began time.Time
}

// now returns the time since the limiter was made, by the monotonic clock.
func (l *limiter) now() time.Duration { return time.Since(l.began) }

// arm sees to it that a line is looked at again. It is called with the line locked.
func (l *limiter) arm(line *pacing.Line, at time.Duration) {
	d := max(at-l.now(), 0)
	if t, ok := line.Timer.(*time.Timer); ok {
		t.Reset(d)
		return
	}
	line.Timer = time.AfterFunc(d, func() { l.pacer.Wake(l.now(), line) })
}

// Acquire implements [Limiter].
func (l *limiter) Acquire(ctx context.Context, c Call) (Permit, error) {
	if err := context.Cause(ctx); err != nil {
		return Permit{}, err
	}
	now := l.now()
	call := l.Asked(c)
	t, stop := l.pacer.Try(now, call)
	if stop.Reason == pacing.Free {
		return permit(c, t), nil
	}
	return l.wait(ctx, c, call, now, stop)
}

// wait waits until the call may go, or returns at once when that is too long.
func (l *limiter) wait(ctx context.Context, c Call, call pacing.Call, began time.Duration, stop pacing.Stop) (Permit, error) {
	limit := l.Latest(ctx, c, began)
	if limit != 0 && (stop.Until > limit || limit <= began) {
		return Permit{}, l.refusal(c, stop)
	}
	ready := make(chan struct{}, 1)
	w := &pacing.Waiter{Call: call, Limit: limit, Data: ready}
	if !l.pacer.Enqueue(began, w) {
		if c.OnWait != nil {
			c.OnWait(Wait{For: max(0, stop.Until-began), Reason: stop.Reason.String(), Bucket: bucketOf(c, stop)})
		}
		if err := l.sleep(ctx, w, ready, limit); err != nil {
			return Permit{}, err
		}
	}
	t, last := l.pacer.Settle(l.now(), w)
	if last.Reason != pacing.Free {
		return Permit{}, l.refusal(c, last)
	}
	p := permit(c, t)
	p.Waited = l.now() - began
	p.Bucket, p.Reason = bucketOf(c, stop), stop.Reason.String()
	return p, nil
}

// sleep returns nil when the waiter is ready to be settled.
func (l *limiter) sleep(ctx context.Context, w *pacing.Waiter, ready <-chan struct{}, limit time.Duration) error {
	var late <-chan time.Time
	if limit != 0 {
		timer := time.NewTimer(limit - l.now())
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		if !l.pacer.Cancel(l.now(), w) { // let go at the same moment
			<-ready
			l.giveBack(w)
		}
		return context.Cause(ctx)
	case <-late:
		if !l.pacer.GiveUp(l.now(), w) {
			<-ready
		}
		return nil
	}
}

// giveBack returns a ticket that is not wanted any more.
func (l *limiter) giveBack(w *pacing.Waiter) {
	now := l.now()
	if t, stop := l.pacer.Settle(now, w); stop.Reason == pacing.Free {
		l.pacer.Done(now, t, pacing.Outcome{Cost: w.Call.Cost, AppUsage: -1, AccountUsage: -1})
	}
}

func (l *limiter) refusal(c Call, stop pacing.Stop) error {
	after := time.Second // others are in flight, and it is theirs to tell
	if stop.Until != 0 {
		after = max(stop.Until-l.now(), time.Millisecond)
	}
	return &RateLimitError{RetryAfter: after, Bucket: bucketOf(c, stop)}
}

func permit(c Call, t pacing.Ticket) Permit {
	account, seq := t.Pack()
	return Permit{Call: c, Seq: seq, Node: account}
}

// bucketOf names the quota that stopped a call. Without a header to say so, an
// account's is taken for that of the Instagram business use case.
func bucketOf(c Call, stop pacing.Stop) Bucket {
	if stop.App {
		return Bucket{Family: familyApp, ID: c.AppID}
	}
	return Bucket{Family: "instagram", ID: c.AccountID}
}

func pacingPriority(p Priority) pacing.Priority {
	switch p {
	case PriorityInteractive:
		return pacing.Interactive
	case PriorityBackground:
		return pacing.Background
	case PriorityNormal:
	}
	return pacing.Normal
}

// Done implements [Limiter].
func (l *limiter) Done(p Permit, o Outcome) {
	account, ok := p.Node.(*pacing.Account)
	if !ok {
		return // not one of ours
	}
	l.pacer.Done(l.now(), pacing.Unpack(account, p.Seq), paced(p.Call, &o))
}

// paced says what an outcome means for the buckets.
func paced(c Call, o *Outcome) pacing.Outcome {
	out := pacing.Outcome{
		Cost: uint32(max(1, min(c.Cost, 1<<16))), Sent: o.Sent, AppUsage: -1, AccountUsage: -1, // #nosec G115 -- bounded
	}
	for i := range o.Usage.n {
		e := o.Usage.at(i)
		usage, hint := &out.AccountUsage, &out.AccountHint
		if e.Bucket.Family == familyApp {
			usage, hint = &out.AppUsage, &out.AppHint
		}
		*usage = max(*usage, e.Percent)
		if e.Percent >= 100 { // waits are stated at low percentages too, where nothing is refused
			*hint = max(*hint, e.RegainAccess)
		}
	}
	if o.Err == nil {
		out.Counted = o.Status < http.StatusBadRequest
		return out
	}
	if !errors.Is(o.Err, ErrThrottled) {
		out.Counted = o.Status != 0 && o.Status < http.StatusInternalServerError && !o.Usage.IsZero()
		return out
	}
	refusedIn(&out, c, o)
	return out
}

// refusedIn says which bucket refused a call.
func refusedIn(out *pacing.Outcome, c Call, o *Outcome) {
	quota, after, bare := "", time.Duration(0), o.Status == http.StatusTooManyRequests
	if e, ok := errors.AsType[*Error](o.Err); ok {
		if r := e.rule(); r != nil {
			quota = r.quota
		}
		after = e.RetryAfter
		bare = quota == "" && e.graphCode() == 0
	}
	if quota == "" && !bare { // the fullest one, then
		if peak := o.Usage.Peak(); peak.Percent >= 100 {
			quota = peak.Bucket.Family
		} else if c.AccountID == "" {
			quota = familyApp
		}
	}
	switch {
	case quota == quotaPublishing || quota == quotaHashtags:
		out.Counted = true // a quota of certain actions: the call itself went through
	case bare:
		out.RefusedRate, out.RateHint = true, after
	case quota == familyApp:
		out.RefusedApp, out.AppHint = true, max(out.AppHint, after)
	default:
		out.RefusedAccount, out.AccountHint = true, max(out.AccountHint, after)
	}
}

// Package backoff waits: for a time or until a context ends, whichever comes
// first, and never longer than its caller lives.
package backoff

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// Wait returns nil after d, or the cause at once when ctx ends.
func Wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Fits reports whether a wait of d would end before the deadline of ctx.
func Fits(ctx context.Context, d time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > d
}

// Pause returns a random time between zero and base doubled n times, at most
// limit: exponential backoff with full jitter.
func Pause(base, limit time.Duration, n int) time.Duration {
	d := limit
	if n < 30 && base<<n > 0 && base<<n < limit {
		d = base << n
	}
	if d <= 0 {
		return 0
	}
	return rand.N(d + 1) //nolint:gosec // jitter, not a secret
}

// Budget bounds retries to a share of all requests, so that an outage is not
// multiplied: a tenth of them, and three a second on top. The zero Budget is
// ready; it is safe for concurrent use and takes no lock.
type Budget struct {
	earned atomic.Int64 // in tenths of a retry
	refill atomic.Int64 // Unix nanoseconds of the last refill by time
}

const (
	retryCost    = 10  // tenths
	perSecond    = 30  // tenths
	mostInSaving = 300 // tenths: ten seconds of refill
)

// Earn counts one request.
func (b *Budget) Earn() {
	if b.earned.Load() < mostInSaving {
		b.earned.Add(1)
	}
}

// Spend reports whether there is room for a retry, and takes it.
func (b *Budget) Spend(now time.Time) bool {
	b.fill(now)
	for {
		have := b.earned.Load()
		if have < retryCost {
			return false
		}
		if b.earned.CompareAndSwap(have, have-retryCost) {
			return true
		}
	}
}

func (b *Budget) fill(now time.Time) {
	last := b.refill.Load()
	if last == 0 {
		if b.refill.CompareAndSwap(0, now.UnixNano()) {
			b.earned.Add(perSecond)
		}
		return
	}
	elapsed := now.UnixNano() - last
	if elapsed < 0 { // the clock was set back
		b.refill.CompareAndSwap(last, now.UnixNano())
		return
	}
	elapsed = min(elapsed, int64(time.Second)*mostInSaving/perSecond) // or set forward, by decades
	tenths := elapsed * perSecond / int64(time.Second)
	if tenths == 0 || !b.refill.CompareAndSwap(last, now.UnixNano()) {
		return
	}
	if room := mostInSaving - b.earned.Load(); room > 0 {
		b.earned.Add(min(tenths, room))
	}
}

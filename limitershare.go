package instagram

// This file answers: what do limiters in other modules of this repository take
// over from this one? They find these methods by an interface of their own; no
// other program needs them.

import (
	"context"
	"time"

	"github.com/seed-922467ee/instagram/internal/pacing"
)

// Config returns what the limiter's options mean.
func (l *limiter) Config() pacing.Config { return l.pacer.Config() }

// Asked returns what a call asks of its buckets.
func (l *limiter) Asked(c Call) pacing.Call {
	return pacing.Call{
		App: pacing.AppKey{Login: uint8(c.Login), ID: c.AppID}, Account: c.AccountID,
		Priority: pacingPriority(c.Priority), Cost: uint32(max(1, min(c.Cost, 1<<16))), // #nosec G115 -- bounded
	}
}

// longestWait keeps sums of times from wrapping.
const longestWait = 100 * 365 * 24 * time.Hour

// Latest returns until when a call that came at began is willing to wait; 0: for ever.
func (l *limiter) Latest(ctx context.Context, c Call, began time.Duration) time.Duration {
	limit := time.Duration(0)
	if c.MaxWait >= 0 {
		limit = began + min(c.MaxWait, longestWait)
	}
	if deadline, ok := ctx.Deadline(); ok {
		if at := began + min(time.Until(deadline), longestWait); limit == 0 || at < limit {
			limit = max(at, 1)
		}
	}
	return limit
}

// Paced says what an outcome means for the buckets.
func (l *limiter) Paced(c Call, o *Outcome) pacing.Outcome { return paced(c, o) }

// BucketOf names the quota that stopped a call.
func (l *limiter) BucketOf(c Call, s pacing.Stop) Bucket { return bucketOf(c, s) }

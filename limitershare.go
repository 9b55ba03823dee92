package instagram

// This file answers: what do limiters in other modules of this repository take
// over from this one? They find these methods by an interface of their own; no
// other program needs them.

import "github.com/seed-922467ee/instagram/internal/pacing"

// Config returns what the limiter's options mean.
func (l *limiter) Config() pacing.Config { return l.pacer.Config() }

// Asked returns what a call asks of its buckets.
func (l *limiter) Asked(c Call) pacing.Call {
	return pacing.Call{
		App: pacing.AppKey{Login: uint8(c.Login), ID: c.AppID}, Account: c.AccountID,
		Priority: pacingPriority(c.Priority), Cost: uint32(max(1, min(c.Cost, 1<<16))), // #nosec G115 -- bounded
	}
}

// Paced says what an outcome means for the buckets.
func (l *limiter) Paced(c Call, o *Outcome) pacing.Outcome { return paced(c, o) }

// BucketOf names the quota that stopped a call.
func (l *limiter) BucketOf(c Call, s pacing.Stop) Bucket { return bucketOf(c, s) }

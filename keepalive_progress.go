package instagram

// This file answers: how far is the work?

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// Progress is how far one run of [Client.KeepAlive] is. Numbers count from its beginning.
type Progress struct {
	Refreshed  int64 // tokens renewed
	Failed     int64 // attempts that failed and are repeated
	Throttled  int64 // attempts that the platform refused for its quota
	Marked     int64 // accounts that need their person
	Superseded int64 // tokens that were dropped, because a login or another process was faster
	Skipped    int64 // records that cannot be used

	InFlight int     // records this process holds now
	Due      int     // records still due, those of other processes among them; -1: the store cannot tell
	Rate     float64 // tokens renewed in a second, since the last report
	Stopped  string  // why renewing has stopped; "" when it has not
	Elapsed  time.Duration
	// RoundTrips counts the calls of the store that took or saved records.
	RoundTrips int64
	Final      bool // the last report of the run
}

type counters struct {
	began                                                     time.Time
	refreshed, failed, throttled, marked, superseded, skipped atomic.Int64
	claims, commits                                           atomic.Int64
}

// tellProgress reports now and then, and once more when the work has ended.
func (k *keeper) tellProgress(ctx context.Context, ended <-chan struct{}) {
	if k.cfg.OnProgress == nil {
		return
	}
	var last Progress
	tick := time.NewTicker(k.cfg.ProgressEvery)
	defer tick.Stop()
	for final := false; !final; {
		select {
		case <-tick.C:
		case <-ended:
			final = true
		}
		p := k.progress(ctx)
		if d := (p.Elapsed - last.Elapsed).Seconds(); d > 0 { // both were read before the store was asked to count
			p.Rate = float64(p.Refreshed-last.Refreshed) / d
		}
		last, p.Final = p, final
		k.report(p)
	}
}

func (k *keeper) report(p Progress) {
	defer k.c.guardHook()
	k.cfg.OnProgress(p)
}

func (k *keeper) progress(ctx context.Context) Progress {
	n := &k.count
	p := Progress{
		Refreshed: n.refreshed.Load(), Failed: n.failed.Load(), Throttled: n.throttled.Load(), Marked: n.marked.Load(),
		Superseded: n.superseded.Load(), Skipped: n.skipped.Load(),
		InFlight: int(k.active.Load()), Due: -1, Stopped: k.c.breaker.why(),
		Elapsed: k.c.now().Sub(n.began), RoundTrips: n.claims.Load() + n.commits.Load(),
	}
	if counter, ok := k.c.opts.tokenStore.(TokenCounter); ok {
		ctx, cancel := context.WithTimeout(ctx, storeTimeout)
		defer cancel()
		if counts, err := counter.CountTokens(ctx, k.c.cfg.AppID); err == nil {
			p.Due = counts.Due
		}
	}
	return p
}

func jitterUpTo(d time.Duration) time.Duration {
	return rand.N(d + 1) //nolint:gosec // jitter, not a secret
}

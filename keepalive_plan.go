package instagram

// This file answers: what would be done, and when?

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// Planned is what keeping alive does with a record next.
type Planned struct {
	Key      TokenKey
	Username string
	Status   TokenStatus
	State    RecordState
	Step     PlanStep
	At       time.Time // when; zero: never. A time in the past means at once
	Reason   string    // why a living record was not renewed so far, or why one is not alive
	Fails    int
}

// Plan walks through all records of the app and says what [Client.KeepAlive]
// would do with each, and when: a dry run. It changes nothing and asks nobody
// but the store, which must be a [TokenLister]; another one gives
// [errors.ErrUnsupported]. Records come in the store's own order. An error ends the walk.
func (c *Client) Plan(ctx context.Context) iter.Seq2[Planned, error] {
	return func(yield func(Planned, error) bool) {
		lister, ok := c.opts.tokenStore.(TokenLister)
		if !ok {
			yield(Planned{}, fmt.Errorf("instagram: plan: %T cannot list tokens: %w", c.opts.tokenStore, errors.ErrUnsupported))
			return
		}
		const page = 500
		var after TokenKey
		for {
			records, err := lister.ListTokens(ctx, after, page)
			if err != nil {
				yield(Planned{}, fmt.Errorf("instagram: plan: %w", storeError(err)))
				return
			}
			for _, r := range records {
				after = r.Key
				if r.Key.AppID == c.cfg.AppID && !yield(r.planned(c.now()), nil) {
					return
				}
			}
			if len(records) < page {
				return
			}
		}
	}
}

func (r *Record) planned(now time.Time) Planned {
	p := Planned{Key: r.Key, Status: r.Status(now), State: r.State, Reason: r.why(), Fails: r.Fails}
	if r.Token != nil {
		p.Username = r.Token.Username
	}
	p.Step, p.At = r.plan(now)
	return p
}

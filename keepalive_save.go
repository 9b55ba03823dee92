package instagram

// This file answers: how do renewed tokens get into the store, many at once,
// and who is told when they are there?

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// saveAfter is how long saving waits for a further record to save with it,
	// when somebody waits or no work is under way.
	saveAfter = 20 * time.Millisecond
	// saveAtLast is how long it waits for further ones while work is under way.
	saveAtLast = 250 * time.Millisecond
	// savesAtOnce is how many batches are on their way to the store at most.
	savesAtOnce = 4
)

// saveAll gathers what the workers have done and writes it in batches, until
// there is nothing more to come. It returns an error when tokens were lost.
func (k *keeper) saveAll(ctx context.Context) error {
	var batch []*job
	var oldest time.Time
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	slots := make(chan struct{}, savesAtOnce)
	var flights sync.WaitGroup
	var lost atomic.Int64
	flush := func() {
		if len(batch) == 0 {
			return
		}
		timer.Stop()
		jobs := batch
		batch = nil
		slots <- struct{}{}
		flights.Go(func() {
			lost.Add(int64(k.saveBatch(ctx, jobs)))
			<-slots
		})
	}
	for {
		select {
		case j, ok := <-k.saves:
			if !ok {
				flush()
				flights.Wait()
				if n := lost.Load(); n > 0 {
					return fmt.Errorf("%d renewed tokens could not be saved before the end", n)
				}
				return nil
			}
			if len(batch) == 0 {
				oldest = k.c.now()
			}
			batch = append(batch, j)
			wait := saveAtLast - k.c.now().Sub(oldest)
			if j.done != nil || k.working.Load() <= 1 { // the worker of this one may not have counted itself out
				wait = min(wait, saveAfter)
			}
			if len(batch) >= k.cfg.Batch || wait <= 0 {
				flush()
				continue
			}
			timer.Reset(wait)
		case <-timer.C:
			flush()
		}
	}
}

// saveBatch writes and gives back, and returns how many tokens were lost.
func (k *keeper) saveBatch(ctx context.Context, jobs []*job) (lost int) {
	var leases, drops []*Lease
	var saved []*job
	for _, j := range jobs {
		if j.drop {
			drops = append(drops, j.lease)
			continue
		}
		leases, saved = append(leases, j.lease), append(saved, j)
	}
	if len(drops) > 0 {
		k.c.release(ctx, k.store, drops...)
	}
	var results []error
	var err error
	if len(leases) > 0 {
		k.count.commits.Add(1)
		results, err = k.c.commit(ctx, k.store, leases)
	}
	for i, j := range saved {
		result := err
		if err == nil {
			result = results[i]
		}
		if result != nil && j.outcome.finding == foundAlive && j.outcome.token != nil && err != nil {
			lost++
		}
		k.saved(ctx, j, result)
	}
	for _, j := range jobs {
		if j.settled != nil {
			close(j.settled)
		}
	}
	if k.active.Add(-int64(len(jobs))) == 0 {
		signal(k.quiet)
	}
	return lost
}

// saved is told what became of a record.
func (k *keeper) saved(ctx context.Context, j *job, err error) {
	r := j.lease.Record
	switch {
	case err == nil:
		k.c.forgetHolder(ctx, r)
		k.c.tell(ctx, j.after...)
	case errors.Is(err, ErrTokenSuperseded):
		k.count.superseded.Add(1) // a login was faster, or another worker, whose token is as good
	case ctx.Err() == nil:
		k.count.skipped.Add(1)
		k.c.tell(ctx, TokenEvent{ID: "skipped-" + r.Key.String(), Key: r.Key, Kind: EventSkipped, Reason: "the store refuses the record", Err: err})
		k.c.release(ctx, k.store, j.lease)
		short, cancel := context.WithTimeout(ctx, storeTimeout)
		_, _ = k.store.LeaseToken(short, r.Key, MinRefreshAge)
		cancel()
	}
	if j.done != nil {
		j.done <- err
	}
}

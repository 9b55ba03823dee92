package storetest

// This file answers: do leases hold when many workers want the same records?

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seed-922467ee/instagram"
)

func oneWorkerEach(e *tokenEnv) {
	const records, workers = 60, 6
	for i := range records {
		due(e, fmt.Sprint("account", i), time.Duration(i)*time.Second)
	}
	var mu sync.Mutex
	held := make(map[instagram.TokenKey]int)
	together(workers, func(w int) {
		store := leaserOf(e.door(w))
		for empty := 0; empty < 3 && !e.Failed(); {
			leases, err := store.LeaseDue(e.ctx, e.app, 7, long)
			if err != nil {
				e.Errorf("lease: %v", err)
				return
			}
			if len(leases) == 0 {
				empty++
			}
			mu.Lock()
			for _, lease := range leases {
				if held[lease.Record.Key]++; held[lease.Record.Key] == 2 {
					e.Errorf("two workers hold %q", lease.Record.Key)
				}
			}
			mu.Unlock()
		}
	})
	if rest := leaseDue(e, records, long); len(held)+len(rest) != records { // a store may pass over what another worker is just taking
		e.Errorf("%d of %d records were leased", len(held)+len(rest), records)
	}
}

func oneWorkerOne(e *tokenEnv) {
	for round := range 5 {
		r := due(e, fmt.Sprint("account", round), 0)
		var mu sync.Mutex
		var got []*instagram.Lease
		together(8, func(w int) {
			lease, err := leaserOf(e.door(w)).LeaseToken(e.ctx, r.Key, long)
			switch {
			case err == nil:
				mu.Lock()
				got = append(got, lease)
				mu.Unlock()
			case !errors.Is(err, instagram.ErrTokenLeased):
				e.Errorf("lease: %v", err)
			}
		})
		if len(got) != 1 {
			e.Fatalf("%d of 8 workers hold %q, want 1", len(got), r.Key)
		}
	}
}

// leaseHammer lets workers with leases too short for their work meet logins
// and deletions, and checks what must hold all the same: fences grow, of two
// commits under one revision one succeeds, and what was committed last is there.
func leaseHammer(e *tokenEnv) {
	const records, workers, rounds = 4, 6, 25
	type life struct {
		k        instagram.TokenKey
		revision instagram.Revision
	}
	var mu sync.Mutex
	fences := make(map[life]map[int64]bool)
	commits := make(map[life]int)
	for i := range records {
		due(e, fmt.Sprint("account", i), 0)
	}
	together(workers, func(w int) {
		store := e.door(w)
		for round := range rounds {
			k := key(e.app, fmt.Sprint("account", (w+round)%records))
			switch {
			case w == 0 && round%5 == 4: // a deletion, and a login
				if err := store.DeleteToken(e.ctx, k); err != nil {
					e.Errorf("delete: %v", err)
				}
				r := e.record(k.AccountID, "new life")
				r.DueAt = time.Now().Add(-time.Hour)
				if _, err := store.SaveToken(e.ctx, r, 0); err != nil && !errors.Is(err, instagram.ErrTokenSuperseded) {
					e.Errorf("save: %v", err)
				}
			default:
				leases, err := leaserOf(store).LeaseDue(e.ctx, e.app, 2, max(e.short/50, time.Millisecond))
				if err != nil {
					e.Errorf("lease: %v", err)
					return
				}
				for _, lease := range leases {
					l := life{lease.Record.Key, lease.Record.Revision}
					mu.Lock()
					if fences[l] == nil {
						fences[l] = make(map[int64]bool)
					}
					if fences[l][lease.Fence] {
						e.Errorf("the fence %d of %q was given twice", lease.Fence, l.k)
					}
					fences[l][lease.Fence] = true
					mu.Unlock()
					lease.Record.Token.ObtainedAt = lease.Record.Token.ObtainedAt.Add(time.Nanosecond) // and due at once again
				}
				if round%3 == 0 {
					e.wait(e.short / 25)
				}
				results, err := leaserOf(store).CommitLeases(e.ctx, leases)
				if err != nil {
					e.Errorf("commit: %v", err)
					return
				}
				mu.Lock()
				for i, lease := range leases {
					switch {
					case results[i] == nil:
						commits[life{lease.Record.Key, lease.Record.Revision}]++
					case !errors.Is(results[i], instagram.ErrTokenSuperseded):
						e.Errorf("commit: %v", results[i])
					}
				}
				mu.Unlock()
			}
		}
	})
	for l, n := range commits {
		if n > 1 {
			e.Errorf("%d commits of %q came from one revision", n, l.k)
		}
	}
	for i := range records { // and all can be worked on
		k := key(e.app, fmt.Sprint("account", i))
		if _, err := e.store.LoadToken(e.ctx, k); errors.Is(err, instagram.ErrTokenNotFound) {
			continue
		}
		e.eventually("the record can be leased again", func() bool {
			lease, err := e.leaser().LeaseToken(e.ctx, k, long)
			if err == nil {
				committed(e, renewed(lease, "last"))
			}
			return err == nil
		})
	}
}

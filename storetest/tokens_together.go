package storetest

// This file answers: does a store keep order when many write at once?

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/seed-922467ee/instagram"
)

// together runs work n times at once, and waits for all.
func together(n int, work func(worker int)) {
	var group sync.WaitGroup
	start := make(chan struct{})
	for worker := range n {
		group.Go(func() {
			<-start
			work(worker)
		})
	}
	close(start)
	group.Wait()
}

func oneFirstSave(e *tokenEnv) {
	for round := range 5 {
		account := fmt.Sprint("account", round)
		revisions := make([]instagram.Revision, 8)
		together(len(revisions), func(w int) {
			rev, err := e.door(w).SaveToken(e.ctx, e.record(account, fmt.Sprint("token ", w)), 0)
			switch {
			case err == nil:
				revisions[w] = rev
			case !errors.Is(err, instagram.ErrTokenSuperseded):
				e.Errorf("concurrent first save: %v", err)
			}
		})
		winners := 0
		for w, rev := range revisions {
			if rev != 0 {
				winners++
				same(e, e.record(account, fmt.Sprint("token ", w)), load(e, key(e.app, account)), rev)
			}
		}
		if winners != 1 {
			e.Fatalf("%d of %d concurrent first saves won, want 1", winners, len(revisions))
		}
	}
}

func noLostUpdates(e *tokenEnv) {
	const workers, each = 8, 12
	k := key(e.app, "account")
	save(e, e.record("account", "x"), 0)
	together(workers, func(w int) {
		store := e.door(w)
		for done, tries := 0, 0; done < each && !e.Failed(); tries++ {
			if tries > 1000*workers*each { // of all writers one gets on, each time
				e.Error("no writer gets on")
			}
			r, err := store.LoadToken(e.ctx, k)
			if err != nil {
				e.Errorf("load: %v", err)
				return
			}
			r.Fails++
			switch _, err := store.SaveToken(e.ctx, r, r.Revision); {
			case err == nil:
				done++
			case !errors.Is(err, instagram.ErrTokenSuperseded):
				e.Errorf("save: %v", err)
				return
			}
		}
	})
	if got := load(e, k).Fails; got != workers*each && !e.Failed() {
		e.Errorf("%d saves succeeded, but only %d are to be seen", workers*each, got)
	}
}

func wholeRecords(e *tokenEnv) {
	const writers, each = 4, 20
	k := key(e.app, "account")
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for i := range 3 {
		readers.Go(func() {
			for {
				r, err := e.door(i).LoadToken(e.ctx, k)
				if err != nil && !errors.Is(err, instagram.ErrTokenNotFound) {
					e.Errorf("load: %v", err)
				}
				if err == nil && (r.Token.AccessToken.Reveal() != r.Token.Username || r.Token.PageToken.Reveal() != r.Token.Username || r.Reason != r.Token.Username) {
					e.Errorf("a record of two halves: %+v", r)
				}
				select {
				case <-stop:
					return
				default: // a pause, for in a bubble nobody's time passes while somebody is busy
					e.wait(e.short / 1000)
				}
			}
		})
	}
	together(writers, func(w int) {
		store := e.door(w)
		for i := range each {
			var from instagram.Revision
			if old, err := store.LoadToken(e.ctx, k); err == nil {
				from = old.Revision
			}
			text := fmt.Sprintf("%d-%d-%s", w, i, strings.Repeat("x", 100*w))
			r := e.record("account", text)
			r.Token.Username, r.Token.PageToken, r.Reason = text, instagram.NewSecret(text), text
			if _, err := store.SaveToken(e.ctx, r, from); err != nil && !errors.Is(err, instagram.ErrTokenSuperseded) {
				e.Errorf("save: %v", err)
			}
			if i%5 == 4 {
				if err := store.DeleteToken(e.ctx, k); err != nil {
					e.Errorf("delete: %v", err)
				}
			}
		}
	})
	close(stop)
	readers.Wait()
}

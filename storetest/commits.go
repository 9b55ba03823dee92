package storetest

// This file answers: is what a worker has won written, and never over what is newer?

import (
	"errors"
	"time"

	"github.com/seed-922467ee/instagram"
)

func commitWrites(e *tokenEnv) {
	r := due(e, "account", 0)
	lease := renewed(leaseFirst(e, long), "new")
	want := *lease.Record
	committed(e, lease)
	got := mustLoad(e, e.peer, r.Key)
	same(e, &want, got, got.Revision)
	if got := leaseDue(e, 10, long); len(got) != 0 {
		e.Fatalf("leased %q, which was renewed", accounts(got))
	}
	next := leaseOne(e, r.Key, long) // the lease is over
	if next.Fence <= lease.Fence {
		e.Errorf("the fence went from %d to %d", lease.Fence, next.Fence)
	}
	e.is(commit(e, lease)[0], instagram.ErrTokenSuperseded, "commit the first lease again")
	e.ok(e.leaser().ReleaseLeases(e.ctx, []*instagram.Lease{lease}), "release the first lease")
	_, err := e.leaser().LeaseToken(e.ctx, r.Key, long)
	e.is(err, instagram.ErrTokenLeased, "lease what the second lease holds")

	next.Record.State, next.Record.Reason = instagram.NeedsLogin, "190/460" // a verdict is committed as well as a token
	next.Record.DueAt = time.Time{}
	committed(e, next)
	if got := load(e, r.Key); got.State != instagram.NeedsLogin || !got.DueAt.IsZero() {
		e.Errorf("after the verdict the record is %+v", got)
	}
}

func commitNeverWorse(e *tokenEnv) {
	for name, change := range map[string]func(*instagram.Token){
		"an older token":            func(t *instagram.Token) { t.ObtainedAt = t.ObtainedAt.Add(-time.Nanosecond) },
		"a token of an older grant": func(t *instagram.Token) { t.GrantedAt = t.GrantedAt.Add(-time.Nanosecond) },
		"a short-lived token":       func(t *instagram.Token) { t.Kind = instagram.ShortLived },
	} {
		r := due(e, name, 0)
		lease := renewed(leaseOne(e, r.Key, long), "worse")
		lease.Record.Token.ObtainedAt = r.Token.ObtainedAt
		change(lease.Record.Token)
		e.is(commit(e, lease)[0], instagram.ErrTokenSuperseded, "commit %s", name)
		same(e, r, load(e, r.Key), r.Revision)
	}
}

func commitMixed(e *tokenEnv) {
	names := []string{"good1", "lost", "empty", "worse", "deleted", "changed", "good2"}
	leases := make(map[string]*instagram.Lease, len(names))
	for _, name := range names {
		d := long
		if name == "lost" {
			d = e.short
		}
		leases[name] = renewed(leaseOne(e, due(e, name, 0).Key, d), "new "+name)
	}
	var second *instagram.Lease
	e.eventually("the short lease is over", func() bool {
		var err error
		second, err = e.leaser().LeaseToken(e.ctx, key(e.app, "lost"), long)
		return err == nil
	})
	leases["empty"].Record.Token.AccessToken = instagram.Secret{}
	leases["worse"].Record.Token.Kind = instagram.ShortLived
	e.ok(e.store.DeleteToken(e.ctx, key(e.app, "deleted")), "delete")
	changed := load(e, key(e.app, "changed"))
	save(e, changed, changed.Revision)

	batch := make([]*instagram.Lease, len(names))
	for i, name := range names {
		batch[i] = leases[name]
	}
	for i, err := range commit(e, batch...) {
		switch name := names[i]; name {
		case "good1", "good2":
			e.ok(err, "commit %s", name)
			if got := load(e, key(e.app, name)).Token.AccessToken.Reveal(); got != "new "+name {
				e.Errorf("%s has the token %q", name, got)
			}
		case "empty":
			if err == nil {
				e.Error("an empty token was committed")
			}
		default:
			e.is(err, instagram.ErrTokenSuperseded, "commit %s", name)
		}
	}
	for _, name := range []string{"lost", "empty", "worse", "changed"} {
		if got := load(e, key(e.app, name)).Token.AccessToken.Reveal(); got != "token of "+name {
			e.Errorf("%s has the token %q, want the old one", name, got)
		}
	}
	_, err := e.store.LoadToken(e.ctx, key(e.app, "deleted"))
	e.is(err, instagram.ErrTokenNotFound, "load of the deleted one")
	committed(e, renewed(second, "newest"))
	if results := commit(e); len(results) != 0 {
		e.Errorf("an empty batch has %d results", len(results))
	}
}

func releaseLeaves(e *tokenEnv) {
	r := due(e, "due", 0)
	notDue := e.record("not due", "x")
	notDue.DueAt = time.Now().Add(48 * time.Hour).Truncate(time.Millisecond)
	notDue.Revision = save(e, notDue, 0)
	first := leaseDue(e, 10, long)
	first = append(first, leaseOne(e, notDue.Key, long))
	renewed(first[0], "never committed")
	e.ok(e.leaser().ReleaseLeases(e.ctx, first), "release")
	e.ok(e.leaser().ReleaseLeases(e.ctx, first), "release again")
	e.ok(e.leaser().ReleaseLeases(e.ctx, nil), "release nothing")
	same(e, r, load(e, r.Key), r.Revision)
	same(e, notDue, load(e, notDue.Key), notDue.Revision)
	second, err := leaserOf(e.peer).LeaseDue(e.ctx, e.app, 10, long)
	e.ok(err, "lease what is due")
	if accounts(second) != "due" {
		e.Fatalf("after the release leased %q, want what is due", accounts(second))
	}
	if second[0].Fence <= first[0].Fence {
		e.Errorf("the fence went from %d to %d", first[0].Fence, second[0].Fence)
	}
	e.ok(e.leaser().ReleaseLeases(e.ctx, first), "release of the first worker, who holds nothing")
	_, err = e.leaser().LeaseToken(e.ctx, r.Key, long)
	e.is(err, instagram.ErrTokenLeased, "lease what the second worker holds")
	e.is(commit(e, renewed(first[0], "late"))[0], instagram.ErrTokenSuperseded, "commit of the first worker")
	committed(e, renewed(second[0], "new"))
}

func leaseRunsOut(e *tokenEnv) {
	r := due(e, "account", 0)
	lease := leaseFirst(e, e.short)
	lastFence := lease.Fence
	for _, how := range []string{"by LeaseDue", "by LeaseToken"} {
		late := lease
		e.eventually("the lease is over and taken "+how, func() bool {
			if how == "by LeaseDue" {
				if got := leaseDue(e, 1, e.short); len(got) == 1 {
					lease = got[0]
					return true
				}
				return false
			}
			var err error
			if lease, err = e.leaser().LeaseToken(e.ctx, r.Key, long); err != nil {
				e.is(err, instagram.ErrTokenLeased, "lease a held record")
			}
			return err == nil
		})
		same(e, r, lease.Record, r.Revision)
		if lease.Fence <= lastFence {
			e.Fatalf("the fence went from %d to %d", lastFence, lease.Fence)
		}
		lastFence = lease.Fence
		e.is(commit(e, renewed(late, "late"))[0], instagram.ErrTokenSuperseded, "commit of the late worker")
		same(e, r, load(e, r.Key), r.Revision)
		e.ok(e.leaser().ReleaseLeases(e.ctx, []*instagram.Lease{late}), "release of the late worker")
	}
	_, err := e.leaser().LeaseToken(e.ctx, r.Key, long)
	e.is(err, instagram.ErrTokenLeased, "lease what the last worker holds")
	committed(e, renewed(lease, "new"))
}

func leaseOutlived(e *tokenEnv) {
	r := due(e, "account", 0)
	lease := leaseFirst(e, e.short)
	e.wait(3 * e.short)
	committed(e, renewed(lease, "late, but good"))
	if got := load(e, r.Key).Token.AccessToken.Reveal(); got != "late, but good" {
		e.Errorf("the token is %q", got)
	}
	if got := leaseDue(e, 1, long); len(got) != 0 {
		e.Errorf("leased %q, which was renewed", accounts(got))
	}
}

func leaseAfterCrash(e *tokenEnv) {
	r := due(e, "account", 0)
	crashed := renewed(leaseFirst(e, e.short), "lost with the process")
	var second *instagram.Lease
	e.eventually("another worker gets the record", func() bool {
		got, err := leaserOf(e.peer).LeaseDue(e.ctx, e.app, 1, long)
		e.ok(err, "lease what is due")
		if len(got) == 1 {
			second = got[0]
		}
		return len(got) == 1
	})
	same(e, r, second.Record, r.Revision) // the old token, which is still good
	results, err := leaserOf(e.peer).CommitLeases(e.ctx, []*instagram.Lease{renewed(second, "new")})
	e.ok(errors.Join(append(results, err)...), "commit of the second worker")
	e.is(commit(e, crashed)[0], instagram.ErrTokenSuperseded, "commit of the worker that was dead")
	if got := load(e, r.Key).Token.AccessToken.Reveal(); got != "new" {
		e.Errorf("the token is %q", got)
	}
}

func loginDuringLease(e *tokenEnv) {
	r := due(e, "account", 0)
	lease := leaseFirst(e, long)
	login := e.record("account", "of the new login")
	login.Token.GrantedAt = epoch().Add(time.Hour)
	login.Token.ObtainedAt = epoch().Add(time.Hour)
	rev, err := e.peer.SaveToken(e.ctx, login, r.Revision)
	e.ok(err, "save the login")
	renewed(lease, "of the old login")
	lease.Record.Token.ObtainedAt = epoch().Add(2 * time.Hour) // later than the login, and still of the grant before
	e.is(commit(e, lease)[0], instagram.ErrTokenSuperseded, "commit of the refresh")
	same(e, login, load(e, r.Key), rev)
	e.ok(e.leaser().ReleaseLeases(e.ctx, []*instagram.Lease{lease}), "release of the refresh")
	next := leaseOne(e, r.Key, long) // the login has ended the lease
	if next.Fence <= lease.Fence {
		e.Errorf("the fence went from %d to %d", lease.Fence, next.Fence)
	}
	committed(e, renewed(next, "new"))
}

func deletionDuringLease(e *tokenEnv) {
	due(e, "account", 0)
	due(e, "other", time.Second)
	leases := leaseDue(e, 2, long)
	k := key(e.app, "account")
	e.ok(e.peer.DeleteToken(e.ctx, k), "delete")
	for _, lease := range leases {
		renewed(lease, "new")
	}
	results := commit(e, leases...)
	for i, lease := range leases {
		if lease.Record.Key == k {
			e.is(results[i], instagram.ErrTokenSuperseded, "commit of the deleted record")
		} else {
			e.ok(results[i], "commit of the other")
		}
	}
	_, err := e.store.LoadToken(e.ctx, k)
	e.is(err, instagram.ErrTokenNotFound, "load of the deleted record")
	_, err = e.leaser().LeaseToken(e.ctx, k, long)
	e.is(err, instagram.ErrTokenNotFound, "lease of the deleted record")
	e.ok(e.leaser().ReleaseLeases(e.ctx, leases), "release")
	_, err = e.store.LoadToken(e.ctx, k)
	e.is(err, instagram.ErrTokenNotFound, "load of the deleted record after the release")
	if got := leaseDue(e, 10, long); len(got) != 0 {
		e.Errorf("leased %q, which was deleted or renewed", accounts(got))
	}
}

func leaseOfAnotherLife(e *tokenEnv) {
	due(e, "account", 0)
	k := key(e.app, "account")
	old := renewed(leaseFirst(e, long), "of the old life")
	e.ok(e.store.DeleteToken(e.ctx, k), "delete")
	is := due(e, "account", 0)
	e.is(commit(e, old)[0], instagram.ErrTokenSuperseded, "commit of the old lease")
	same(e, is, load(e, k), is.Revision)
	lease := leaseOne(e, k, long) // its fence may be the old one's
	e.is(commit(e, old)[0], instagram.ErrTokenSuperseded, "commit of the old lease")
	e.ok(e.leaser().ReleaseLeases(e.ctx, []*instagram.Lease{old}), "release of the old lease")
	_, err := e.leaser().LeaseToken(e.ctx, k, long)
	e.is(err, instagram.ErrTokenLeased, "lease what the new lease holds")
	committed(e, renewed(lease, "of the new life"))
}

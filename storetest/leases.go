package storetest

// This file answers: does a store give each record to one worker at a time,
// and take nothing from a worker that is late?

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/seed-922467ee/instagram"
)

func leaseParts() []part[instagram.TokenStore] {
	return []part[instagram.TokenStore]{
		{"only living records of the app that are due are leased", leasesWhatIsDue},
		{"the longest due comes first", leasesInOrder},
		{"a leased record is given to nobody else", leaseExcludes},
		{"one record can be leased, due or not", leasesOne},
		{"a lease does not change the record", leaseChangesNothing},
		{"leases are copies", leaseCopies},
		{"a commit writes, and ends the lease", commitWrites},
		{"a commit never replaces a better token", commitNeverWorse},
		{"one batch has many outcomes", commitMixed},
		{"a release leaves the record as it was", releaseLeaves},
		{"a lease runs out, and the late worker changes nothing", leaseRunsOut},
		{"a lease that ran out, but that nobody took, is good", leaseOutlived},
		{"a worker that dies between the answer and the save loses nothing", leaseAfterCrash},
		{"a login during a lease is not undone", loginDuringLease},
		{"a deletion during a lease is not undone", deletionDuringLease},
		{"an old lease has no power over a record made anew", leaseOfAnotherLife},
		{"bad leases are refused", badLeases},
		{"a cancelled context takes and commits nothing", cancelledLeases},
		{"of many workers one gets each record", oneWorkerEach},
		{"of many workers one gets the one record", oneWorkerOne},
		{"workers, logins and deletions at once leave order", leaseHammer},
	}
}

func (e *env[S]) leaser() instagram.TokenLeaser {
	e.Helper()
	return leaserOf(e.store)
}

func leaserOf(store any) instagram.TokenLeaser { return store.(instagram.TokenLeaser) }

// long is a lease that outlives the test.
const long = time.Hour

// due saves a record that is due, d ago.
func due(e *tokenEnv, account string, d time.Duration) *instagram.Record {
	e.Helper()
	r := e.record(account, "token of "+account)
	r.DueAt = time.Now().Add(-time.Hour - d).Truncate(time.Millisecond) // an hour: the store's clock may differ from ours
	r.Revision = save(e, r, 0)
	return r
}

func leaseDue(e *tokenEnv, n int, d time.Duration) []*instagram.Lease {
	e.Helper()
	leases, err := e.leaser().LeaseDue(e.ctx, e.app, n, d)
	e.ok(err, "lease what is due")
	return leases
}

// leaseFirst leases the record that is longest due.
func leaseFirst(e *tokenEnv, d time.Duration) *instagram.Lease {
	e.Helper()
	leases := leaseDue(e, 1, d)
	if len(leases) != 1 {
		e.Fatalf("leased %d records, want the one that is due", len(leases))
	}
	return leases[0]
}

func leaseOne(e *tokenEnv, k instagram.TokenKey, d time.Duration) *instagram.Lease {
	e.Helper()
	lease, err := e.leaser().LeaseToken(e.ctx, k, d)
	e.ok(err, "lease %q", k)
	return lease
}

// renewed makes the lease's record one that was renewed, and is due again in a month.
func renewed(lease *instagram.Lease, secret string) *instagram.Lease {
	r := lease.Record
	r.Token.AccessToken = instagram.NewSecret(secret)
	r.Token.ObtainedAt = r.Token.ObtainedAt.Add(time.Minute)
	r.DueAt = time.Now().Add(30 * 24 * time.Hour).Truncate(time.Millisecond)
	r.Fails = 0
	return lease
}

// commit returns the outcome for each lease.
func commit(e *tokenEnv, leases ...*instagram.Lease) []error {
	e.Helper()
	results, err := e.leaser().CommitLeases(e.ctx, leases)
	e.ok(err, "commit %d leases", len(leases))
	if len(results) != len(leases) {
		e.Fatalf("commit of %d leases has %d results", len(leases), len(results))
	}
	return results
}

func committed(e *tokenEnv, lease *instagram.Lease) {
	e.Helper()
	e.ok(commit(e, lease)[0], "commit the lease of %q", lease.Record.Key)
	if r := load(e, lease.Record.Key); r.Revision == lease.Record.Revision {
		e.Fatalf("commit of %q: the revision is still %d", r.Key, r.Revision)
	}
}

func accounts(leases []*instagram.Lease) string {
	var names []string
	for _, lease := range leases {
		names = append(names, lease.Record.Key.AccountID)
	}
	return strings.Join(names, " ")
}

func leasesWhatIsDue(e *tokenEnv) {
	if got := leaseDue(e, 10, long); len(got) != 0 {
		e.Fatalf("an empty store leased %s", accounts(got))
	}
	for _, state := range []instagram.RecordState{instagram.NeedsLogin, instagram.WaitingForPerson, instagram.Deauthorized} {
		r := due(e, fmt.Sprint("in state ", state), time.Minute)
		r.State = state
		save(e, r, r.Revision)
	}
	later := e.record("due later", "x")
	later.DueAt = time.Now().Add(48 * time.Hour)
	save(e, later, 0)
	save(e, e.record("never due", "x"), 0)
	other := e.record("of another app", "x")
	other.Key.AppID, other.DueAt = e.app+"x", time.Now().Add(-48*time.Hour)
	save(e, other, 0)
	if got := leaseDue(e, 10, long); len(got) != 0 {
		e.Fatalf("leased %s, which is not due", accounts(got))
	}

	want := due(e, "due", time.Minute)
	got := leaseDue(e, 10, long)
	if accounts(got) != "due" {
		e.Fatalf("leased %q, want the one that is due", accounts(got))
	}
	same(e, want, got[0].Record, want.Revision)
	if got[0].Fence <= 0 {
		e.Errorf("the fence is %d, want one above zero", got[0].Fence)
	}
	if got[0].Until.IsZero() {
		e.Error("the lease has no end")
	}

	moved := load(e, later.Key) // what was due later can become due now, and the other way round
	moved.DueAt = time.Now().Add(-2 * time.Hour)
	save(e, moved, moved.Revision)
	if got := leaseDue(e, 10, long); accounts(got) != "due later" {
		e.Fatalf("leased %q, want the one that became due", accounts(got))
	}
	due(e, "postponed", 0)
	moved = load(e, key(e.app, "postponed"))
	moved.DueAt = time.Now().Add(48 * time.Hour)
	save(e, moved, moved.Revision)
	due(e, "deleted", 0)
	e.ok(e.store.DeleteToken(e.ctx, key(e.app, "deleted")), "delete")
	if got := leaseDue(e, 10, long); len(got) != 0 {
		e.Fatalf("leased %q, which is not due any more", accounts(got))
	}
}

func leasesInOrder(e *tokenEnv) {
	for _, i := range []int{3, 1, 5, 2, 4} {
		due(e, strconv.Itoa(i), -time.Duration(i)*time.Second)
	}
	for _, n := range []int{0, -1} {
		if got := leaseDue(e, n, long); len(got) != 0 {
			e.Fatalf("asked for %d, leased %q", n, accounts(got))
		}
	}
	for _, c := range []struct {
		n    int
		want string
	}{{1, "1"}, {2, "2 3"}, {10, "4 5"}, {10, ""}} {
		if got := leaseDue(e, c.n, long); accounts(got) != c.want {
			e.Fatalf("asked for %d, leased %q, want %q", c.n, accounts(got), c.want)
		}
	}
}

func leaseExcludes(e *tokenEnv) {
	r := due(e, "account", 0)
	leaseDue(e, 1, long)
	for _, store := range []instagram.TokenStore{e.store, e.peer} {
		got, err := leaserOf(store).LeaseDue(e.ctx, e.app, 10, long)
		e.ok(err, "lease what is due")
		if len(got) != 0 {
			e.Fatalf("leased %q to a second worker", accounts(got))
		}
		_, err = leaserOf(store).LeaseToken(e.ctx, r.Key, long)
		e.is(err, instagram.ErrTokenLeased, "lease of a second worker")
	}
	_, err := e.leaser().LeaseToken(e.ctx, key(e.app, "unknown"), long)
	e.is(err, instagram.ErrTokenNotFound, "lease of what was never saved")
}

func leasesOne(e *tokenEnv) {
	notDue := e.record("not due", "x")
	notDue.DueAt = time.Now().Add(time.Hour).Truncate(time.Millisecond)
	dead := e.record("dead", "x")
	dead.State = instagram.NeedsLogin
	for _, r := range []*instagram.Record{notDue, dead, e.record("never due", "x")} {
		rev := save(e, r, 0)
		lease := leaseOne(e, r.Key, long)
		same(e, r, lease.Record, rev)
		_, err := leaserOf(e.peer).LeaseToken(e.ctx, r.Key, long)
		e.is(err, instagram.ErrTokenLeased, "lease %q again", r.Key)
		committed(e, renewed(lease, "new"))
	}
	due(e, "due", 0)
	leaseOne(e, key(e.app, "due"), long)
	if got := leaseDue(e, 10, long); len(got) != 0 {
		e.Fatalf("leased %q, which is held", accounts(got))
	}
}

func leaseChangesNothing(e *tokenEnv) {
	r := due(e, "account", 0)
	for range 3 {
		lease := leaseOne(e, r.Key, long)
		same(e, r, lease.Record, r.Revision)
		same(e, r, load(e, r.Key), r.Revision)
		same(e, r, mustLoad(e, e.peer, r.Key), r.Revision)
		e.ok(e.leaser().ReleaseLeases(e.ctx, []*instagram.Lease{lease}), "release")
		same(e, r, load(e, r.Key), r.Revision)
	}
}

func mustLoad(e *tokenEnv, store instagram.TokenStore, k instagram.TokenKey) *instagram.Record {
	e.Helper()
	r, err := store.LoadToken(e.ctx, k)
	e.ok(err, "load %q", k)
	return r
}

func leaseCopies(e *tokenEnv) {
	r := due(e, "account", 0)
	lease := leaseFirst(e, long)
	lease.Record.Token.AccessToken, lease.Record.State = instagram.NewSecret("spoilt"), instagram.Deauthorized
	same(e, r, load(e, r.Key), r.Revision)
	e.ok(e.leaser().ReleaseLeases(e.ctx, []*instagram.Lease{lease}), "release")
	same(e, r, load(e, r.Key), r.Revision)

	lease = renewed(leaseFirst(e, long), "new")
	committed(e, lease)
	lease.Record.Token.AccessToken = instagram.NewSecret("spoilt")
	if got := load(e, r.Key).Token.AccessToken.Reveal(); got != "new" {
		e.Errorf("the store's token has become %q", got)
	}
}

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

func badLeases(e *tokenEnv) {
	r := due(e, "account", 0)
	for _, d := range []time.Duration{0, -time.Second} {
		if _, err := e.leaser().LeaseDue(e.ctx, e.app, 1, d); err == nil {
			e.Errorf("a lease of %v was given", d)
		}
		if _, err := e.leaser().LeaseToken(e.ctx, r.Key, d); err == nil {
			e.Errorf("a lease of %v was given", d)
		}
	}
	lease := leaseFirst(e, long)
	forged := *lease
	forged.Fence++
	e.is(commit(e, renewed(&forged, "forged"))[0], instagram.ErrTokenSuperseded, "commit under a fence that was never given")
	same(e, r, load(e, r.Key), r.Revision)
	unknown := &instagram.Lease{Record: e.record("unknown", "x"), Fence: 1}
	e.is(commit(e, unknown)[0], instagram.ErrTokenSuperseded, "commit of a record that was never saved")
	_, err := e.store.LoadToken(e.ctx, unknown.Record.Key)
	e.is(err, instagram.ErrTokenNotFound, "load of a record that was never saved")
}

func cancelledLeases(e *tokenEnv) {
	r := due(e, "account", 0)
	ctx := e.cancelled()
	_, err := e.leaser().LeaseDue(ctx, e.app, 1, long)
	e.is(err, ctx.Err(), "lease what is due with a cancelled context")
	_, err = e.leaser().LeaseToken(ctx, r.Key, long)
	e.is(err, ctx.Err(), "lease with a cancelled context")
	leases := leaseDue(e, 1, long) // nobody holds it
	if len(leases) != 1 {
		e.Fatal("a cancelled context has taken the lease")
	}
	renewed(leases[0], "new")
	_, err = e.leaser().CommitLeases(ctx, leases)
	e.is(err, ctx.Err(), "commit with a cancelled context")
	same(e, r, load(e, r.Key), r.Revision)
	e.is(e.leaser().ReleaseLeases(ctx, leases), ctx.Err(), "release with a cancelled context")
	committed(e, leases[0])
}

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

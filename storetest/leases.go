package storetest

// This file answers: does a store give each record to one worker at a time?

import (
	"fmt"
	"strconv"
	"strings"
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

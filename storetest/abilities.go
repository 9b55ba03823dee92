package storetest

// This file answers: does a store find, list and count what it has?

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-922467ee/instagram"
)

func findParts() []part[instagram.TokenStore] {
	return []part[instagram.TokenStore]{
		{"records are found by the app-scoped ID", findsByPerson},
		{"odd app-scoped IDs do not meet", findsOdd},
	}
}

func listParts() []part[instagram.TokenStore] {
	return []part[instagram.TokenStore]{
		{"a walk meets every record once", listsPages},
		{"a walk goes on while records come and go", listsWhileChanging},
	}
}

func countParts() []part[instagram.TokenStore] {
	return []part[instagram.TokenStore]{{"records are counted by state", countsByState}}
}

func find(e *tokenEnv, app, person string) string {
	e.Helper()
	keys, err := e.store.(instagram.TokenFinder).FindTokens(e.ctx, app, person)
	e.ok(err, "find %q", person)
	var found []string
	for _, k := range keys {
		if k.AppID != app {
			e.Errorf("found %q, which is another app's", k)
		}
		found = append(found, k.AccountID)
	}
	slices.Sort(found)
	return strings.Join(found, " ")
}

func findsByPerson(e *tokenEnv) {
	of := func(r *instagram.Record, person string) *instagram.Record {
		r.Token.AppScopedID = person
		return r
	}
	save(e, of(e.record("a", "x"), "90010177253934219"), 0)
	rev := save(e, of(e.record("b", "x"), "90010177253934219"), 0)
	save(e, of(e.record("c", "x"), "90010177253934218"), 0) // equal as float64
	save(e, e.record("of nobody", "x"), 0)
	dead := of(e.record("dead", "x"), "90010177253934219")
	dead.State = instagram.Deauthorized
	save(e, dead, 0)
	person := of(e.record("", "x"), "90010177253934219")
	person.Key = instagram.PersonKey(e.app, "90010177253934219")
	save(e, person, 0)
	other := of(e.record("other app", "x"), "90010177253934219")
	other.Key.AppID += "x"
	save(e, other, 0)

	for _, c := range []struct{ app, person, want string }{
		{e.app, "90010177253934219", "a b dead person:90010177253934219"},
		{e.app, "90010177253934218", "c"},
		{e.app + "x", "90010177253934219", "other app"},
		{e.app, "9001017725393421", ""},
		{e.app, "", ""},
		{e.app + "y", "90010177253934219", ""},
	} {
		if got := find(e, c.app, c.person); got != c.want {
			e.Errorf("found %q for %q, want %q", got, c.person, c.want)
		}
	}

	moved := of(e.record("b", "x"), "90010177253934218")
	save(e, moved, rev)
	e.ok(e.store.DeleteToken(e.ctx, key(e.app, "dead")), "delete")
	if got, want := find(e, e.app, "90010177253934219"), "a person:90010177253934219"; got != want {
		e.Errorf("found %q after the changes, want %q", got, want)
	}
	if got, want := find(e, e.app, "90010177253934218"), "b c"; got != want {
		e.Errorf("found %q after the changes, want %q", got, want)
	}
}

func findsOdd(e *tokenEnv) {
	for i, id := range oddIDs() {
		r := e.record(fmt.Sprint("account", i), "x")
		r.Token.AppScopedID = id
		save(e, r, 0)
	}
	for i, id := range oddIDs() {
		if got, want := find(e, e.app, id), fmt.Sprint("account", i); got != want {
			e.Errorf("found %q for %q, want %q", got, id, want)
		}
	}
}

// walk lists all records of the part's apps, n at a time, and calls between after each page with its last key.
func walk(e *tokenEnv, n int, between func(last instagram.TokenKey)) map[instagram.TokenKey]*instagram.Record {
	e.Helper()
	seen := make(map[instagram.TokenKey]*instagram.Record)
	var after instagram.TokenKey
	for {
		records, err := e.store.(instagram.TokenLister).ListTokens(e.ctx, after, n)
		e.ok(err, "list %d records after %q", n, after)
		if len(records) > n {
			e.Fatalf("asked for %d records, got %d", n, len(records))
		}
		for _, r := range records {
			if r.Key == after {
				e.Fatalf("the page after %q begins with it again", after)
			}
			after = r.Key
			if !strings.HasPrefix(r.Key.AppID, e.app) {
				continue // another part's
			}
			if seen[r.Key] != nil {
				e.Errorf("the walk met %q twice", r.Key)
			}
			seen[r.Key] = r
		}
		if len(records) < n {
			return seen
		}
		between(after)
	}
}

func listsPages(e *tokenEnv) {
	if records, err := e.store.(instagram.TokenLister).ListTokens(e.ctx, instagram.TokenKey{}, 0); err != nil || len(records) != 0 {
		e.Errorf("a page of no records has %d, and the error %v", len(records), err)
	}
	want := make(map[instagram.TokenKey]*instagram.Record)
	for i, id := range oddIDs() {
		r := e.record(id, "x")
		if i%3 == 0 {
			r.Key.AppID += "x"
		}
		r.State = instagram.RecordState(i % 4)
		r.Revision = save(e, r, 0)
		want[r.Key] = r
	}
	for _, n := range []int{1, 7, 1000} {
		got := walk(e, n, func(instagram.TokenKey) {})
		for k, r := range want {
			if got[k] == nil {
				e.Errorf("a walk by %d did not meet %q", n, k)
				continue
			}
			same(e, r, got[k], r.Revision)
		}
		if len(got) > len(want) {
			e.Errorf("a walk by %d met %d records, want %d", n, len(got), len(want))
		}
	}
	_, err := e.store.(instagram.TokenLister).ListTokens(e.cancelled(), instagram.TokenKey{}, 1)
	e.is(err, e.cancelled().Err(), "list with a cancelled context")
}

func listsWhileChanging(e *tokenEnv) {
	const records = 40
	name := func(i int) string { return fmt.Sprintf("account%03d", i) }
	for i := range records {
		save(e, e.record(name(i), "x"), 0)
	}
	gone := make(map[instagram.TokenKey]bool)
	pages := 0
	got := walk(e, 3, func(last instagram.TokenKey) {
		if last.AppID != e.app || pages == records {
			return
		}
		pages++
		for _, k := range []instagram.TokenKey{last, key(e.app, name(pages*7%records))} { // the last one met, and one that may be met
			gone[k] = true
			e.ok(e.store.DeleteToken(e.ctx, k), "delete")
		}
		save(e, e.record(name(pages*11%records)+fmt.Sprint(" new ", pages), "x"), 0)
	})
	if pages < records/4 {
		e.Errorf("the walk by three had only %d pages for %d records", pages, records)
	}
	for i := range records {
		if k := key(e.app, name(i)); got[k] == nil && !gone[k] {
			e.Errorf("the walk did not meet %q, which was there all the while", k)
		}
	}
}

func countsByState(e *tokenEnv) {
	check := func(when string, due int, alive, needsLogin, waiting, deauthorized int) {
		e.Helper()
		for _, store := range []instagram.TokenStore{e.store, e.peer} {
			got, err := store.(instagram.TokenCounter).CountTokens(e.ctx, e.app)
			e.ok(err, "count")
			is := []int{got.ByState[instagram.Alive], got.ByState[instagram.NeedsLogin], got.ByState[instagram.WaitingForPerson], got.ByState[instagram.Deauthorized]}
			if want := []int{alive, needsLogin, waiting, deauthorized}; !slices.Equal(is, want) || got.Due != due {
				e.Fatalf("%s: counted %v by state, and %d due, want %v and %d", when, is, got.Due, want, due)
			}
		}
	}
	check("an empty store", 0, 0, 0, 0, 0)
	for i := range 10 {
		r := e.record(fmt.Sprint("account", i), "x")
		r.DueAt = time.Now().Add(time.Duration(i-5) * time.Hour).Add(-time.Minute)
		r.State = instagram.RecordState(i % 4)
		save(e, r, 0)
	}
	save(e, e.record("never due", "x"), 0)
	other := e.record("of another app", "x")
	other.Key.AppID += "x"
	save(e, other, 0)
	check("eleven records", 2, 4, 3, 2, 2) // living: 0, 4, 8 and the one that is never due; due of those: 0 and 4

	if s, ok := e.store.(instagram.TokenLeaser); ok && supported(e.T, "lease", func() error {
		_, err := s.LeaseDue(e.ctx, e.app, 1, long)
		return err
	}) {
		check("with one leased", 2, 4, 3, 2, 2)
	}
	dead := load(e, key(e.app, "account0"))
	dead.State = instagram.NeedsLogin
	save(e, dead, dead.Revision)
	check("with one that has died", 1, 3, 4, 2, 2)
	e.ok(e.store.DeleteToken(e.ctx, key(e.app, "account4")), "delete")
	check("with one deleted", 0, 2, 4, 2, 2)
	_, err := e.store.(instagram.TokenCounter).CountTokens(e.cancelled(), e.app)
	e.is(err, e.cancelled().Err(), "count with a cancelled context")
}

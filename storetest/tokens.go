package storetest

// This file answers: does a store keep tokens, and never make things worse?

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seed-922467ee/instagram"
)

type tokenEnv = env[instagram.TokenStore]

// Tokens tests a store of tokens. open returns a store; it may be the same
// each time, for each part uses an app ID of its own, and looks away from what
// others left. What the store can do beyond [instagram.TokenStore] is tested too:
// [instagram.TokenLeaser], [instagram.TokenFinder], [instagram.TokenLister] and
// [instagram.TokenCounter]. A decorator that answers [errors.ErrUnsupported] there
// is taken at its word.
func Tokens(t *testing.T, open func(t *testing.T) instagram.TokenStore, options ...Option) {
	t.Helper()
	parts := tokenParts()
	probe := open(t)
	if s, ok := probe.(instagram.TokenLeaser); ok && supported(t, "lease", func() error {
		_, err := s.LeaseDue(t.Context(), freshID("probe"), 1, time.Second)
		return err
	}) {
		parts = append(parts, leaseParts()...)
	}
	if s, ok := probe.(instagram.TokenFinder); ok && supported(t, "find", func() error {
		_, err := s.FindTokens(t.Context(), freshID("probe"), "1")
		return err
	}) {
		parts = append(parts, findParts()...)
	}
	if s, ok := probe.(instagram.TokenLister); ok && supported(t, "list", func() error {
		_, err := s.ListTokens(t.Context(), instagram.TokenKey{}, 1)
		return err
	}) {
		parts = append(parts, listParts()...)
	}
	if s, ok := probe.(instagram.TokenCounter); ok && supported(t, "count", func() error {
		_, err := s.CountTokens(t.Context(), freshID("probe"))
		return err
	}) {
		parts = append(parts, countParts()...)
	}
	run(t, open, options, parts)
}

func tokenParts() []part[instagram.TokenStore] {
	return []part[instagram.TokenStore]{
		{"an unknown key is not found and may be deleted", unknownKey},
		{"a record comes back as it was", roundTrip},
		{"a large token comes back byte for byte", largeToken},
		{"odd IDs do not meet", oddKeys},
		{"a record without token or key is refused", refusesEmpty},
		{"a save from another revision changes nothing", lostUpdate},
		{"a save never replaces a better token", neverWorse},
		{"a deleted record stays deleted", staysDeleted},
		{"a record made anew has a revision never seen", newRevision},
		{"what was given and what is returned are copies", copies},
		{"a cancelled context changes nothing", cancelledTokens},
		{"of many first saves one wins", oneFirstSave},
		{"no update is lost among concurrent writers", noLostUpdates},
		{"readers see whole records while others write and delete", wholeRecords},
	}
}

// epoch is when things happen in the suite: long past and to the nanosecond,
// for a store must not judge tokens by its own clock.
func epoch() time.Time { return time.Date(2026, 3, 4, 5, 6, 7, 891234567, time.UTC) }

func token(secret string) *instagram.Token {
	return &instagram.Token{
		AccessToken: instagram.NewSecret(secret), Kind: instagram.LongLived, AccountID: "17841405793187218",
		GrantedAt: epoch(), ObtainedAt: epoch(), ExpiresAt: epoch().Add(60 * 24 * time.Hour),
	}
}

func (e *env[S]) record(account, secret string) *instagram.Record {
	return &instagram.Record{Key: key(e.app, account), Token: token(secret)}
}

func save(e *tokenEnv, r *instagram.Record, from instagram.Revision) instagram.Revision {
	e.Helper()
	rev, err := e.store.SaveToken(e.ctx, r, from)
	e.ok(err, "save %q", r.Key)
	if rev == 0 {
		e.Fatalf("save %q: the new revision is 0, which means that there is no record", r.Key)
	}
	if rev == from {
		e.Fatalf("save %q: the revision is still %d", r.Key, rev)
	}
	return rev
}

func load(e *tokenEnv, k instagram.TokenKey) *instagram.Record {
	e.Helper()
	r, err := e.store.LoadToken(e.ctx, k)
	e.ok(err, "load %q", k)
	if r == nil || r.Token == nil {
		e.Fatalf("load %q: no record and no error", k)
	}
	return r
}

// same fails when got is not the record want, at the revision rev.
func same(e *tokenEnv, want, got *instagram.Record, rev instagram.Revision) {
	e.Helper()
	w, g := *want, *got
	wt, gt := *w.Token, *g.Token
	if g.Revision != rev {
		e.Errorf("%q has revision %d, want %d", want.Key, g.Revision, rev)
	}
	if wt.AccessToken.Reveal() != gt.AccessToken.Reveal() {
		e.Errorf("%q: the access token has changed: %d bytes, want %d", want.Key, len(gt.AccessToken.Reveal()), len(wt.AccessToken.Reveal()))
	}
	if wt.PageToken.Reveal() != gt.PageToken.Reveal() {
		e.Errorf("%q: the page token has changed: %d bytes, want %d", want.Key, len(gt.PageToken.Reveal()), len(wt.PageToken.Reveal()))
	}
	for _, at := range []struct {
		name      string
		want, got *time.Time
	}{
		{"GrantedAt", &wt.GrantedAt, &gt.GrantedAt},
		{"ObtainedAt", &wt.ObtainedAt, &gt.ObtainedAt},
		{"ExpiresAt", &wt.ExpiresAt, &gt.ExpiresAt},
		{"DataAccessExpiresAt", &wt.DataAccessExpiresAt, &gt.DataAccessExpiresAt},
		{"DueAt", &w.DueAt, &g.DueAt},
	} {
		if !at.want.Equal(*at.got) || at.want.IsZero() != at.got.IsZero() {
			e.Errorf("%q: %s is %v, want %v", want.Key, at.name, *at.got, *at.want)
		}
		*at.want, *at.got = time.Time{}, time.Time{}
	}
	if (wt.Scopes == nil) != (gt.Scopes == nil) {
		e.Errorf("%q: Scopes is %#v, want %#v: nil is not known, empty is none", want.Key, gt.Scopes, wt.Scopes)
	}
	for _, t := range []*instagram.Token{&wt, &gt} {
		t.AccessToken, t.PageToken = instagram.Secret{}, instagram.Secret{}
	}
	w.Token, g.Token, w.Revision, g.Revision = nil, nil, 0, 0
	if !reflect.DeepEqual(w, g) {
		e.Errorf("the record is %+v, want %+v", g, w)
	}
	if !reflect.DeepEqual(wt, gt) {
		e.Errorf("%q: the token is %+v, want %+v", want.Key, gt, wt)
	}
}

func unknownKey(e *tokenEnv) {
	for _, account := range append(oddIDs(), "") {
		_, err := e.store.LoadToken(e.ctx, key(e.app, account))
		e.is(err, instagram.ErrTokenNotFound, "load %q, which was never saved", account)
		e.ok(e.store.DeleteToken(e.ctx, key(e.app, account)), "delete %q, which was never saved", account)
	}
}

func roundTrip(e *tokenEnv) {
	at := epoch()
	full := instagram.Record{
		Key: key(e.app, "full"), State: instagram.WaitingForPerson, Reason: "190/459 – „checkpoint“", Fails: 7,
		DueAt: at.Add(time.Hour).Truncate(time.Millisecond), Revision: 4711, // which the store is to ignore
		Token: &instagram.Token{
			AccessToken: instagram.NewSecret("EAA\"'\\<>&%_$ \t\u2028|ü"), Login: instagram.FacebookLogin, Kind: instagram.PageToken,
			AccountID: "17841405793187218", AppScopedID: "90010177253934219", Username: "näme", PageID: "110", PageToken: instagram.NewSecret("EAApage"),
			Scopes: []instagram.Scope{instagram.ScopeBasic, "one_of_tomorrow"}, GrantedAt: at, ObtainedAt: at.Add(1), ExpiresAt: at.Add(2),
			Permanent: true, DataAccessExpiresAt: at.Add(3),
		},
	}
	bare := instagram.Record{Key: key(e.app, "bare"), Token: &instagram.Token{AccessToken: instagram.NewSecret("x")}}
	none := instagram.Record{Key: instagram.PersonKey(e.app, "1"), Token: &instagram.Token{AccessToken: instagram.NewSecret("x"), Scopes: []instagram.Scope{}}}
	future, past := *e.record("future", "x"), *e.record("past", "x") // from machines whose clocks are wrong by years
	for i, t := range []*time.Time{&future.Token.GrantedAt, &future.Token.ObtainedAt, &future.Token.ExpiresAt, &past.Token.GrantedAt, &past.Token.ObtainedAt, &past.Token.ExpiresAt} {
		*t = t.AddDate([]int{40, -40}[i/3], 0, 0)
	}
	for _, r := range []instagram.Record{full, bare, none, future, past} {
		rev := save(e, &r, 0)
		same(e, &r, load(e, r.Key), rev)
	}
	rev := load(e, bare.Key).Revision
	for state := instagram.Alive; state <= instagram.Deauthorized; state++ {
		bare.State, bare.Fails, bare.Reason = state, bare.Fails+1, fmt.Sprint("reason ", state)
		rev = save(e, &bare, rev)
		same(e, &bare, load(e, bare.Key), rev)
	}
	full.Token.AccountID = bare.Key.AccountID // everything changes at once …
	full.Key = bare.Key
	rev = save(e, &full, rev)
	same(e, &full, load(e, full.Key), rev)
	bare.Token.GrantedAt = at.Add(time.Hour) // … and is gone with the next login
	rev = save(e, &bare, rev)
	same(e, &bare, load(e, bare.Key), rev)
}

func largeToken(e *tokenEnv) {
	r := e.record("large", strings.Repeat("0123456789abcdeF", 4<<10))
	r.Token.PageToken = instagram.NewSecret(strings.Repeat("fedcba9876543210", 1<<10))
	rev := save(e, r, 0)
	same(e, r, load(e, r.Key), rev)
}

func oddKeys(e *tokenEnv) {
	var records []*instagram.Record
	for i, id := range oddIDs() {
		records = append(records, e.record(id, fmt.Sprint("token of account ", i)))
		other := e.record("account", fmt.Sprint("token of app ", i))
		other.Key.AppID = (e.app + id)[:min(256, len(e.app+id))]
		if len(e.app+id) <= 256 {
			records = append(records, other)
		}
	}
	// Pairs that meet when both IDs are merely written one behind the other.
	for _, k := range []instagram.TokenKey{key(e.app+"x", "y"), key(e.app, "xy"), key(e.app+"/x", "y"), key(e.app, "x/y"), key(e.app+":x", "y"), key(e.app, "x:y")} {
		r := e.record("", "token of "+k.String())
		r.Key = k
		records = append(records, r)
	}
	revisions := make([]instagram.Revision, len(records))
	for i, r := range records {
		revisions[i] = save(e, r, 0)
	}
	for i, r := range records {
		same(e, r, load(e, r.Key), revisions[i])
	}
	for i, r := range records {
		e.ok(e.store.DeleteToken(e.ctx, r.Key), "delete %q", r.Key)
		_, err := e.store.LoadToken(e.ctx, r.Key)
		e.is(err, instagram.ErrTokenNotFound, "load %q after its deletion", r.Key)
		if i+1 < len(records) {
			same(e, records[i+1], load(e, records[i+1].Key), revisions[i+1])
		}
	}
}

func refusesEmpty(e *tokenEnv) {
	good := e.record("account", "good")
	rev := save(e, good, 0)
	noToken, emptyToken, redacted := e.record("account", ""), e.record("account", ""), e.record("account", "[redacted]")
	noToken.Token = nil
	noApp, noAccount, nul, notText, tooLong := e.record("account", "x"), e.record("", "x"), e.record("a\x00b", "x"), e.record("a\xffb", "x"), e.record(strings.Repeat("x", 257), "x")
	noApp.Key.AppID = ""
	for name, r := range map[string]*instagram.Record{
		"nil": nil, "no token": noToken, "an empty token": emptyToken, "a redacted token": redacted, "no app ID": noApp,
		"no account ID": noAccount, "a zero byte in the ID": nul, "an ID that is not UTF-8": notText, "an ID of 257 bytes": tooLong,
	} {
		for _, from := range []instagram.Revision{0, rev} {
			if _, err := e.store.SaveToken(e.ctx, r, from); err == nil {
				e.Errorf("a record with %s was saved", name)
			} else if strings.Contains(err.Error(), "good") {
				e.Errorf("the error about %s prints the token", name)
			}
		}
	}
	same(e, good, load(e, good.Key), rev)
}

func lostUpdate(e *tokenEnv) {
	_, err := e.store.SaveToken(e.ctx, e.record("account", "x"), 4711)
	e.is(err, instagram.ErrTokenSuperseded, "save over a revision that never was")
	_, err = e.store.LoadToken(e.ctx, key(e.app, "account"))
	e.is(err, instagram.ErrTokenNotFound, "load after a refused save")

	first := save(e, e.record("account", "first"), 0)
	second := save(e, e.record("account", "second"), first)
	want := load(e, key(e.app, "account"))
	for name, from := range map[string]instagram.Revision{"none": 0, "the one before": first, "the next": second + 1, "a negative one": -second} {
		_, err := e.store.SaveToken(e.ctx, e.record("account", "third"), from)
		e.is(err, instagram.ErrTokenSuperseded, "save from revision %s", name)
	}
	same(e, want, load(e, want.Key), second)
	if third := save(e, e.record("account", "third"), second); third == first {
		e.Errorf("revision %d came twice", third)
	}
}

func neverWorse(e *tokenEnv) {
	type change func(*instagram.Token)
	at := func(granted, obtained time.Duration) change {
		return func(t *instagram.Token) {
			t.GrantedAt, t.ObtainedAt = epoch().Add(granted), epoch().Add(obtained)
		}
	}
	shortLived := func(granted time.Duration) change {
		return func(t *instagram.Token) {
			t.Kind, t.GrantedAt, t.ObtainedAt = instagram.ShortLived, epoch().Add(granted), epoch().Add(time.Hour)
		}
	}
	for i, c := range []struct {
		name   string
		change change
		saved  bool
	}{
		{"the same token, with another state", func(*instagram.Token) {}, true},
		{"a newer token of the same grant", at(0, time.Nanosecond), true},
		{"an older token of the same grant", at(0, -time.Nanosecond), false},
		{"a newer token of an older grant", at(-time.Nanosecond, time.Hour), false},
		{"a token of a newer grant", at(time.Second, time.Second), true},
		{"a token of a newer grant, obtained by a slow clock", at(time.Second, -time.Minute), true},
		{"a short-lived token of the same grant", shortLived(0), false},
		{"a short-lived token of a newer grant", shortLived(time.Second), true},
		{"a token whose grant is not known", func(t *instagram.Token) { t.GrantedAt = time.Time{} }, true},
		{"a token whose age is not known", func(t *instagram.Token) { t.GrantedAt, t.ObtainedAt = time.Time{}, time.Time{} }, true},
	} {
		account := fmt.Sprint("account", i)
		old := e.record(account, "old")
		rev := save(e, old, 0)
		is := e.record(account, "new")
		is.State, is.Fails = instagram.NeedsLogin, 1
		c.change(is.Token)
		next, err := e.store.SaveToken(e.ctx, is, rev)
		if c.saved {
			e.ok(err, "save %s", c.name)
			same(e, is, load(e, is.Key), next)
			continue
		}
		e.is(err, instagram.ErrTokenSuperseded, "save %s", c.name)
		same(e, old, load(e, old.Key), rev)
	}
}

func staysDeleted(e *tokenEnv) {
	r := e.record("account", "x")
	rev := save(e, r, 0)
	rev = save(e, r, rev)
	e.ok(e.store.DeleteToken(e.ctx, r.Key), "delete")
	_, err := e.store.LoadToken(e.ctx, r.Key)
	e.is(err, instagram.ErrTokenNotFound, "load after deletion")
	_, err = e.store.SaveToken(e.ctx, r, rev)
	e.is(err, instagram.ErrTokenSuperseded, "save of one who loaded before the deletion")
	_, err = e.store.LoadToken(e.ctx, r.Key)
	e.is(err, instagram.ErrTokenNotFound, "load after a refused save")
	e.ok(e.store.DeleteToken(e.ctx, r.Key), "delete again")
}

func newRevision(e *tokenEnv) {
	seen := make(map[instagram.Revision]bool)
	r := e.record("account", "x")
	for round := range 5 {
		var rev instagram.Revision
		for range 4 {
			rev = save(e, r, rev)
			if seen[rev] {
				e.Fatalf("round %d: revision %d came twice, so a writer from before the deletion could overwrite what came after", round, rev)
			}
			seen[rev] = true
		}
		e.ok(e.store.DeleteToken(e.ctx, r.Key), "delete")
	}
	save(e, r, 0)
	for rev := range seen {
		_, err := e.store.SaveToken(e.ctx, r, rev)
		e.is(err, instagram.ErrTokenSuperseded, "save from a revision of before the deletion")
	}
}

func copies(e *tokenEnv) {
	spoil := func(r *instagram.Record) {
		r.Key.AccountID, r.State, r.Token.Username = "spoilt", instagram.Deauthorized, "spoilt"
		r.Token.Scopes[0] = "spoilt"
		r.Token.AccessToken = instagram.NewSecret("spoilt")
	}
	k := key(e.app, "account")
	r := e.record("account", "x")
	r.Token.Scopes = []instagram.Scope{"a", "b"}
	want := e.record("account", "x")
	want.Token.Scopes = []instagram.Scope{"a", "b"}

	rev := save(e, r, 0)
	if r.Key != k || r.Token.AccessToken.Reveal() != "x" || r.Revision != 0 {
		e.Errorf("the store has changed the caller's record: %+v", r)
	}
	spoil(r)
	loaded := load(e, k)
	same(e, want, loaded, rev)
	spoil(loaded)
	same(e, want, load(e, k), rev)
}

func cancelledTokens(e *tokenEnv) {
	r := e.record("account", "x")
	rev := save(e, r, 0)
	ctx := e.cancelled()
	_, err := e.store.LoadToken(ctx, r.Key)
	e.is(err, ctx.Err(), "load with a cancelled context")
	_, err = e.store.SaveToken(ctx, e.record("account", "y"), rev)
	e.is(err, ctx.Err(), "save with a cancelled context")
	_, err = e.store.SaveToken(ctx, e.record("other", "y"), 0)
	e.is(err, ctx.Err(), "first save with a cancelled context")
	e.is(e.store.DeleteToken(ctx, r.Key), ctx.Err(), "delete with a cancelled context")
	same(e, r, load(e, r.Key), rev)
	_, err = e.store.LoadToken(e.ctx, key(e.app, "other"))
	e.is(err, instagram.ErrTokenNotFound, "load of what was never saved")
}

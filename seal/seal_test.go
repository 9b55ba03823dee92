package seal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/filestore"
	"github.com/seed-922467ee/instagram/seal"
	"github.com/seed-922467ee/instagram/storetest"
)

const (
	canary     = "IGAAcanaryDoNotPrint"
	pageCanary = "EAAcanaryOfThePage"
)

func key(tb testing.TB, n byte) seal.Key {
	tb.Helper()
	b := bytes.Repeat([]byte{n}, seal.KeySize)
	b[0]++
	k, err := seal.KeyFromBytes(b)
	require.NoError(tb, err)
	return k
}

// ring returns a ring of the keys with the numbers ns; the first seals.
func ring(tb testing.TB, ns ...byte) *seal.KeyRing {
	tb.Helper()
	var keys []seal.Key
	for _, n := range ns {
		keys = append(keys, key(tb, n))
	}
	r, err := seal.NewKeyRing(keys...)
	require.NoError(tb, err)
	return r
}

func accountKey(i int) instagram.TokenKey {
	return instagram.TokenKey{AppID: "1234567890123456", AccountID: fmt.Sprintf("178414057931%05d", i)}
}

func record(i int) *instagram.Record {
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	return &instagram.Record{
		Key: accountKey(i), DueAt: time.Now().Add(time.Duration(i)*time.Second - time.Hour).Truncate(time.Millisecond),
		Token: &instagram.Token{
			AccessToken: instagram.NewSecret(fmt.Sprint(canary, i)), PageToken: instagram.NewSecret(fmt.Sprint(pageCanary, i)), Kind: instagram.LongLived,
			AccountID: accountKey(i).AccountID, AppScopedID: "9001", GrantedAt: at, ObtainedAt: at, ExpiresAt: at.Add(60 * 24 * time.Hour),
		},
	}
}

func save(tb testing.TB, store instagram.TokenStore, records ...*instagram.Record) {
	tb.Helper()
	for _, r := range records {
		_, err := store.SaveToken(tb.Context(), r, 0)
		require.NoError(tb, err)
	}
}

// change changes what the store inside has.
func change(tb testing.TB, inner instagram.TokenStore, k instagram.TokenKey, how func(*instagram.Record)) {
	tb.Helper()
	r, err := inner.LoadToken(tb.Context(), k)
	require.NoError(tb, err)
	how(r)
	_, err = inner.SaveToken(tb.Context(), r, r.Revision)
	require.NoError(tb, err)
}

// unreadable collects what is reported.
type unreadable struct {
	mu   sync.Mutex
	errs map[instagram.TokenKey]error
	n    int
}

func (u *unreadable) add(k instagram.TokenKey, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.errs == nil {
		u.errs = make(map[instagram.TokenKey]error)
	}
	u.errs[k] = err
	u.n++
}

func TestSealedStores(t *testing.T) {
	t.Parallel()
	keys := ring(t, 1, 2)
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		storetest.Tokens(t, func(*testing.T) instagram.TokenStore { return seal.Tokens(instagram.NewMemoryStore(), keys) }, storetest.InBubble())
	})
	t.Run("memory, real time", func(t *testing.T) {
		t.Parallel()
		storetest.Tokens(t, func(*testing.T) instagram.TokenStore { return seal.Tokens(instagram.NewMemoryStore(), keys) })
	})
	t.Run("a store that can do no more than it must", func(t *testing.T) {
		t.Parallel()
		storetest.Tokens(t, func(*testing.T) instagram.TokenStore { return seal.Tokens(plain{instagram.NewMemoryStore()}, keys) }, storetest.InBubble())
	})
	t.Run("files", func(t *testing.T) {
		t.Parallel()
		storetest.Tokens(t, func(t *testing.T) instagram.TokenStore {
			t.Helper()
			store, err := filestore.Open(t.TempDir() + "/store")
			if errors.Is(err, errors.ErrUnsupported) {
				t.Skip(err)
			}
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, store.Close()) })
			return seal.Tokens(store, keys)
		})
	})
}

// plain hides all but what every store can do.
type plain struct{ instagram.TokenStore }

func TestPlainStoreIsUnsupported(t *testing.T) {
	t.Parallel()
	store := seal.Tokens(plain{instagram.NewMemoryStore()}, ring(t, 1))
	leaser := store.(instagram.TokenLeaser)
	_, err := leaser.LeaseDue(t.Context(), "1", 1, time.Minute)
	require.ErrorIs(t, err, errors.ErrUnsupported)
	_, err = leaser.LeaseToken(t.Context(), accountKey(1), time.Minute)
	require.ErrorIs(t, err, errors.ErrUnsupported)
	_, err = leaser.CommitLeases(t.Context(), nil)
	require.ErrorIs(t, err, errors.ErrUnsupported)
	require.ErrorIs(t, leaser.ReleaseLeases(t.Context(), nil), errors.ErrUnsupported)
	_, err = store.(instagram.TokenFinder).FindTokens(t.Context(), "1", "1")
	require.ErrorIs(t, err, errors.ErrUnsupported)
	_, err = store.(instagram.TokenLister).ListTokens(t.Context(), instagram.TokenKey{}, 1)
	require.ErrorIs(t, err, errors.ErrUnsupported)
	_, err = store.(instagram.TokenCounter).CountTokens(t.Context(), "1")
	require.ErrorIs(t, err, errors.ErrUnsupported)
	_, err = seal.Reseal(t.Context(), store, nil)
	require.ErrorIs(t, err, errors.ErrUnsupported)
	_, err = seal.KeysInUse(t.Context(), store)
	require.ErrorIs(t, err, errors.ErrUnsupported)
}

// TestNothingIsStoredInClear searches all that a program leaves on the disk.
func TestNothingIsStoredInClear(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	inner, err := filestore.Open(dir + "/store")
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	require.NoError(t, err)
	defer func() { assert.NoError(t, inner.Close()) }()
	store := seal.Tokens(inner, ring(t, 1))
	for i := range 10 {
		save(t, store, record(i))
	}
	leases, err := store.(instagram.TokenLeaser).LeaseDue(t.Context(), accountKey(0).AppID, 5, time.Minute)
	require.NoError(t, err)
	require.Len(t, leases, 5)
	for _, lease := range leases[1:] {
		lease.Record.Token.AccessToken = instagram.NewSecret(canary + "new")
	}
	_, err = store.(instagram.TokenLeaser).CommitLeases(t.Context(), leases[2:])
	require.NoError(t, err)

	found := 0
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		assert.NotContains(t, string(data), "canary", path)
		if strings.HasSuffix(path, ".token") {
			found++
			assert.Contains(t, string(data), "178414057931", "all but the tokens is in clear")
		}
		return err
	}))
	assert.Equal(t, 10, found)
}

func TestSealedTokenBelongsToItsRecord(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(one, two *instagram.Record){
		"another account's": func(one, two *instagram.Record) { one.Token.AccessToken = two.Token.AccessToken },
		"another page's":    func(one, two *instagram.Record) { one.Token.PageToken = two.Token.PageToken },
		"the page's":        func(one, _ *instagram.Record) { one.Token.AccessToken = one.Token.PageToken },
		"of another login":  func(one, _ *instagram.Record) { one.Token.Login = instagram.FacebookLogin },
		"of another kind":   func(one, _ *instagram.Record) { one.Token.Kind = instagram.SystemUser },
		"cut":               func(one, _ *instagram.Record) { one.Token.AccessToken = cut(one.Token.AccessToken, 4) },
		"cut to the mark":   func(one, _ *instagram.Record) { one.Token.AccessToken = instagram.NewSecret("igsealed1.") },
		"longer": func(one, _ *instagram.Record) {
			one.Token.AccessToken = instagram.NewSecret(one.Token.AccessToken.Reveal() + "AAAA")
		},
		"not base64": func(one, _ *instagram.Record) {
			one.Token.AccessToken = instagram.NewSecret(one.Token.AccessToken.Reveal() + "!")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inner := instagram.NewMemoryStore()
			store := seal.Tokens(inner, ring(t, 1))
			save(t, store, record(1), record(2))
			two, err := inner.LoadToken(t.Context(), accountKey(2))
			require.NoError(t, err)
			change(t, inner, accountKey(1), func(one *instagram.Record) { spoil(one, two) })
			_, err = store.LoadToken(t.Context(), accountKey(1))
			requireOpenError(t, err, seal.ErrDamaged)
			_, err = store.LoadToken(t.Context(), accountKey(2))
			require.NoError(t, err)
		})
	}
	t.Run("another app's row", func(t *testing.T) {
		t.Parallel()
		inner := instagram.NewMemoryStore()
		store := seal.Tokens(inner, ring(t, 1))
		save(t, store, record(1))
		r, err := inner.LoadToken(t.Context(), accountKey(1))
		require.NoError(t, err)
		r.Key.AppID = "999"
		save(t, inner, r)
		_, err = store.LoadToken(t.Context(), r.Key)
		requireOpenError(t, err, seal.ErrDamaged)
	})
}

func cut(s instagram.Secret, n int) instagram.Secret {
	return instagram.NewSecret(s.Reveal()[:len(s.Reveal())-n])
}

func requireOpenError(tb testing.TB, err, reason error) {
	tb.Helper()
	var open *seal.OpenError
	require.ErrorAs(tb, err, &open)
	require.ErrorIs(tb, err, reason)
	require.NotContains(tb, fmt.Sprintf("%v %+v %#v", err, err, open), "canary")
	require.NotEmpty(tb, open.Field)
	require.NotEmpty(tb, open.Key.AccountID)
}

func TestMissingKey(t *testing.T) {
	t.Parallel()
	inner := instagram.NewMemoryStore()
	save(t, seal.Tokens(inner, ring(t, 1)), record(1))
	store := seal.Tokens(inner, ring(t, 2, 3))
	_, err := store.LoadToken(t.Context(), accountKey(1))
	var missing *seal.KeyError
	require.ErrorAs(t, err, &missing)
	assert.Equal(t, key(t, 1).ID(), missing.KeyID)
	assert.Equal(t, []seal.KeyID{key(t, 2).ID(), key(t, 3).ID()}, missing.Known)
	assert.Contains(t, err.Error(), key(t, 1).ID().String())
	requireOpenError(t, err, missing)

	_, err = store.(instagram.TokenLeaser).LeaseToken(t.Context(), accountKey(1), time.Hour)
	require.ErrorAs(t, err, &missing)
	got, err := seal.Tokens(inner, ring(t, 2, 1)).LoadToken(t.Context(), accountKey(1)) // nothing was lost
	require.NoError(t, err)
	assert.Equal(t, canary+"1", got.Token.AccessToken.Reveal())
	_, err = seal.Tokens(inner, ring(t, 1)).(instagram.TokenLeaser).LeaseToken(t.Context(), accountKey(1), time.Hour)
	require.NoError(t, err, "and no lease is left behind")
}

func TestUnsealedRecords(t *testing.T) {
	t.Parallel()
	inner := instagram.NewMemoryStore()
	save(t, inner, record(1))
	strict := seal.Tokens(inner, ring(t, 1))
	_, err := strict.LoadToken(t.Context(), accountKey(1))
	requireOpenError(t, err, seal.ErrUnsealed)
	assert.Contains(t, err.Error(), "AdoptUnsealed")

	adopting := seal.Tokens(inner, ring(t, 1), seal.AdoptUnsealed())
	got, err := adopting.LoadToken(t.Context(), accountKey(1))
	require.NoError(t, err)
	assert.Equal(t, canary+"1", got.Token.AccessToken.Reveal())
	_, err = adopting.SaveToken(t.Context(), got, got.Revision)
	require.NoError(t, err)
	got, err = strict.LoadToken(t.Context(), accountKey(1))
	require.NoError(t, err, "saving has sealed it")
	assert.Equal(t, pageCanary+"1", got.Token.PageToken.Reveal())

	change(t, inner, accountKey(1), func(r *instagram.Record) { r.Token.AccessToken = instagram.NewSecret("igsealed2.AAAA") })
	_, err = adopting.LoadToken(t.Context(), accountKey(1))
	require.ErrorContains(t, err, "newer version")
}

func TestSealedTwice(t *testing.T) {
	t.Parallel()
	inner := instagram.NewMemoryStore()
	once := seal.Tokens(inner, ring(t, 1))
	_, err := seal.Tokens(once, ring(t, 2)).SaveToken(t.Context(), record(1), 0)
	require.ErrorContains(t, err, "sealed already")
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	for name, store := range map[string]instagram.TokenStore{
		"no store":   seal.Tokens(nil, ring(t, 1)),
		"no keys":    seal.Tokens(instagram.NewMemoryStore(), nil),
		"a nil ring": seal.Tokens(instagram.NewMemoryStore(), (*seal.KeyRing)(nil)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := store.SaveToken(t.Context(), record(1), 0)
			require.Error(t, err, "nothing is ever stored in clear")
			_, err = store.LoadToken(t.Context(), accountKey(1))
			require.Error(t, err)
		})
	}
	store := seal.Tokens(instagram.NewMemoryStore(), ring(t, 1))
	results, err := store.(instagram.TokenLeaser).CommitLeases(t.Context(), []*instagram.Lease{nil, {}})
	require.NoError(t, err)
	require.Error(t, results[0])
	require.Error(t, results[1])
	_, err = seal.Reseal(t.Context(), instagram.NewMemoryStore(), nil)
	require.Error(t, err)
	_, err = seal.KeysInUse(t.Context(), instagram.NewMemoryStore())
	require.Error(t, err)
}

func TestPoisonDoesNotBlockTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner := instagram.NewMemoryStore()
		save(t, seal.Tokens(inner, ring(t, 9)), record(0), record(1), record(2)) // the longest due, of a key that is missing
		var reported unreadable
		store := seal.Tokens(inner, ring(t, 1), seal.OnUnreadable(reported.add))
		for i := 3; i < 9; i++ {
			save(t, store, record(i))
		}
		change(t, inner, accountKey(3), func(r *instagram.Record) { r.Token.AccessToken = cut(r.Token.AccessToken, 4) })

		leaser := store.(instagram.TokenLeaser)
		leases, err := leaser.LeaseDue(t.Context(), accountKey(0).AppID, 3, time.Minute)
		require.NoError(t, err)
		require.Len(t, leases, 3, "others take their place")
		for i, lease := range leases {
			assert.Equal(t, accountKey(4+i), lease.Record.Key)
			assert.Equal(t, fmt.Sprint(canary, 4+i), lease.Record.Token.AccessToken.Reveal())
		}
		require.Len(t, reported.errs, 4)
		requireOpenError(t, reported.errs[accountKey(3)], seal.ErrDamaged)
		var missing *seal.KeyError
		require.ErrorAs(t, reported.errs[accountKey(0)], &missing)

		rest, err := leaser.LeaseDue(t.Context(), accountKey(0).AppID, 100, time.Minute)
		require.NoError(t, err)
		assert.Len(t, rest, 2)
		assert.Equal(t, 4, reported.n, "they are put off, and not met again each time")

		time.Sleep(61 * time.Minute)
		_, err = leaser.LeaseDue(t.Context(), accountKey(0).AppID, 100, time.Minute)
		require.NoError(t, err)
		assert.Equal(t, 7, reported.n, "those whose key is missing come again after an hour")
		time.Sleep(24 * time.Hour)
		_, err = leaser.LeaseDue(t.Context(), accountKey(0).AppID, 100, time.Minute)
		require.NoError(t, err)
		assert.Equal(t, 11, reported.n, "the damaged one after a day")

		// With the key they are as they were.
		time.Sleep(24 * time.Hour)
		leases, err = seal.Tokens(inner, ring(t, 1, 9)).(instagram.TokenLeaser).LeaseDue(t.Context(), accountKey(0).AppID, 100, time.Minute)
		require.NoError(t, err)
		assert.Len(t, leases, 8)
	})
}

func TestNothingCanBeOpened(t *testing.T) {
	t.Parallel()
	inner := instagram.NewMemoryStore()
	save(t, seal.Tokens(inner, ring(t, 9)), record(0), record(1), record(2), record(3))
	var reported unreadable
	store := seal.Tokens(inner, ring(t, 1), seal.OnUnreadable(reported.add))
	_, err := store.(instagram.TokenLeaser).LeaseDue(t.Context(), accountKey(0).AppID, 3, time.Minute)
	var missing *seal.KeyError
	require.ErrorAs(t, err, &missing)
	assert.Contains(t, err.Error(), "none of 4")
	leases, err := store.(instagram.TokenLeaser).LeaseDue(t.Context(), accountKey(0).AppID, 3, time.Minute)
	require.NoError(t, err)
	assert.Empty(t, leases)
	records, err := store.(instagram.TokenLister).ListTokens(t.Context(), instagram.TokenKey{}, 2)
	require.NoError(t, err)
	assert.Empty(t, records)
}

// TestListGoesOnBehindPoison checks that a page is short only at the end.
func TestListGoesOnBehindPoison(t *testing.T) {
	t.Parallel()
	inner := instagram.NewMemoryStore()
	var reported unreadable
	store := seal.Tokens(inner, ring(t, 1), seal.OnUnreadable(reported.add))
	for i := range 20 {
		if i%3 == 0 {
			save(t, seal.Tokens(inner, ring(t, 9)), record(i))
		} else {
			save(t, store, record(i))
		}
	}
	var after instagram.TokenKey
	met := 0
	for {
		page, err := store.(instagram.TokenLister).ListTokens(t.Context(), after, 4)
		require.NoError(t, err)
		met += len(page)
		if len(page) < 4 {
			break
		}
		after = page[3].Key
	}
	assert.Equal(t, 13, met)
	assert.Len(t, reported.errs, 7)
}

// brokenSealer is a key management service that is not to be reached.
type brokenSealer struct{ err error }

func (b brokenSealer) Encrypt(_, _ []byte) ([]byte, error) { return nil, b.err }
func (b brokenSealer) Decrypt(_, _ []byte) ([]byte, error) { return nil, b.err }

func TestForeignSealerFails(t *testing.T) {
	t.Parallel()
	away := errors.New("the key service is away")
	inner := instagram.NewMemoryStore()
	save(t, seal.Tokens(inner, ring(t, 1)), record(1))
	store := seal.Tokens(inner, brokenSealer{away}, seal.OnUnreadable(func(instagram.TokenKey, error) {}))
	_, err := store.LoadToken(t.Context(), accountKey(1))
	requireOpenError(t, err, away)
	_, err = store.SaveToken(t.Context(), record(2), 0)
	requireOpenError(t, err, away)
	_, err = store.(instagram.TokenLeaser).LeaseDue(t.Context(), accountKey(1).AppID, 1, time.Minute)
	requireOpenError(t, err, away)
	lease, err := inner.LeaseToken(t.Context(), accountKey(1), time.Hour)
	require.NoError(t, err)
	results, err := store.(instagram.TokenLeaser).CommitLeases(t.Context(), []*instagram.Lease{{Record: record(1), Fence: lease.Fence}})
	require.NoError(t, err)
	requireOpenError(t, results[0], away)
}

// TestSealedFormStays opens what an earlier version of this package has sealed:
// stores hold it for years.
func TestSealedFormStays(t *testing.T) {
	t.Parallel()
	inner := instagram.NewMemoryStore()
	r := record(1)
	r.Token.AccessToken = instagram.NewSecret(goldenAccess)
	r.Token.PageToken = instagram.NewSecret(goldenPage)
	save(t, inner, r)
	got, err := seal.Tokens(inner, ring(t, 1)).LoadToken(t.Context(), accountKey(1))
	require.NoError(t, err)
	assert.Equal(t, canary+"1", got.Token.AccessToken.Reveal())
	assert.Equal(t, pageCanary+"1", got.Token.PageToken.Reveal())
}

func TestContextReachesTheStoreInside(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := seal.Tokens(instagram.NewMemoryStore(), ring(t, 1)).LoadToken(ctx, accountKey(1))
	require.ErrorIs(t, err, context.Canceled)
}

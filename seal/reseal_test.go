package seal_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/seal"
)

func TestResealTurnsEverything(t *testing.T) {
	t.Parallel()
	for name, wrap := range map[string]func(*instagram.MemoryStore) instagram.TokenStore{
		"under leases":                          func(s *instagram.MemoryStore) instagram.TokenStore { return s },
		"without leases":                        func(s *instagram.MemoryStore) instagram.TokenStore { return onlyLists{s, s} },
		"behind a decorator that has no leases": func(s *instagram.MemoryStore) instagram.TokenStore { return unsupportedLeases{s} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inner := wrap(instagram.NewMemoryStore())
			const n = 250
			dueAt := make([]time.Time, n)
			for i := range n {
				r := record(i)
				dueAt[i] = r.DueAt
				if i%2 == 0 {
					r.Token.PageToken = instagram.Secret{}
				}
				r.State = instagram.RecordState(i % 4)
				save(t, seal.Tokens(inner, ring(t, 1)), r)
			}
			turned := seal.Tokens(inner, ring(t, 2, 1))
			calls := 0
			done, err := seal.Reseal(t.Context(), turned, func(p seal.Progress) { calls++; assert.LessOrEqual(t, p.Resealed, n) })
			require.NoError(t, err)
			assert.Equal(t, seal.Progress{Seen: n, Resealed: n}, done)
			assert.Equal(t, 3, calls)
			inUse, err := seal.KeysInUse(t.Context(), turned)
			require.NoError(t, err)
			assert.Equal(t, map[seal.KeyID]int{key(t, 2).ID(): n}, inUse)

			done, err = seal.Reseal(t.Context(), turned, nil)
			require.NoError(t, err)
			assert.Equal(t, seal.Progress{Seen: n, Current: n}, done, "a second time there is nothing to do")
			for i := range n { // without the old key
				r, err := seal.Tokens(inner, ring(t, 2)).LoadToken(t.Context(), accountKey(i))
				require.NoError(t, err)
				assert.Equal(t, fmt.Sprint(canary, i), r.Token.AccessToken.Reveal())
				assert.Equal(t, i%2 == 0, r.Token.PageToken.IsZero())
				assert.Equal(t, instagram.RecordState(i%4), r.State)
				assert.True(t, dueAt[i].Equal(r.DueAt), "it is due when it was")
			}

			back, err := seal.Reseal(t.Context(), seal.Tokens(inner, ring(t, 1, 2)), nil)
			require.NoError(t, err)
			assert.Equal(t, n, back.Resealed, "and it can be taken back")
		})
	}
}

// onlyLists can list, and no more.
type onlyLists struct {
	instagram.TokenStore
	instagram.TokenLister
}

// unsupportedLeases is a decorator over a store without leases.
type unsupportedLeases struct{ *instagram.MemoryStore }

func (unsupportedLeases) LeaseToken(context.Context, instagram.TokenKey, time.Duration) (*instagram.Lease, error) {
	return nil, errors.ErrUnsupported
}

func TestResealIsRestartable(t *testing.T) {
	t.Parallel()
	inner := instagram.NewMemoryStore()
	const n = 250
	for i := range n {
		save(t, seal.Tokens(inner, ring(t, 1)), record(i))
	}
	turned := seal.Tokens(inner, ring(t, 2, 1))
	ctx, cancel := context.WithCancel(t.Context())
	done, err := seal.Reseal(ctx, turned, func(seal.Progress) { cancel() })
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, 100, done.Resealed)
	for i := range n {
		_, err := turned.LoadToken(t.Context(), accountKey(i))
		require.NoError(t, err, "in the midst of it everything can be opened")
	}
	done, err = seal.Reseal(t.Context(), turned, nil)
	require.NoError(t, err)
	assert.Equal(t, seal.Progress{Seen: n, Current: 100, Resealed: 150}, done)
}

func TestResealAdoptsAndReports(t *testing.T) {
	t.Parallel()
	inner := instagram.NewMemoryStore()
	save(t, inner, record(0), record(1))
	save(t, seal.Tokens(inner, ring(t, 9)), record(2))
	save(t, seal.Tokens(inner, ring(t, 1)), record(3))
	var reported unreadable
	done, err := seal.Reseal(t.Context(), seal.Tokens(inner, ring(t, 1), seal.OnUnreadable(reported.add)), nil)
	requireOpenError(t, err, seal.ErrUnsealed)
	assert.Equal(t, seal.Progress{Seen: 4, Current: 1, Unreadable: 3}, done)

	adopting := seal.Tokens(inner, ring(t, 1), seal.AdoptUnsealed(), seal.OnUnreadable(reported.add))
	inUse, err := seal.KeysInUse(t.Context(), adopting)
	require.NoError(t, err)
	assert.Equal(t, map[seal.KeyID]int{{}: 2, key(t, 9).ID(): 1, key(t, 1).ID(): 1}, inUse)
	done, err = seal.Reseal(t.Context(), adopting, nil)
	var missing *seal.KeyError
	require.ErrorAs(t, err, &missing)
	assert.Equal(t, seal.Progress{Seen: 4, Current: 1, Resealed: 2, Unreadable: 1}, done)
	for i := range 2 {
		_, err := seal.Tokens(inner, ring(t, 1)).LoadToken(t.Context(), accountKey(i))
		require.NoError(t, err)
	}
	assert.Len(t, reported.errs, 3)
	_, err = inner.LeaseToken(t.Context(), accountKey(2), time.Minute)
	require.NoError(t, err, "no lease is left on what cannot be opened")
}

// TestResealWaitsForWorkers checks that a worker's new token is not lost to the
// sealing of the old one.
func TestResealWaitsForWorkers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner := instagram.NewMemoryStore()
		old := seal.Tokens(inner, ring(t, 1, 2)) // a process that has not been told yet
		for i := range 3 {
			save(t, old, record(i))
		}
		leases, err := old.(instagram.TokenLeaser).LeaseDue(t.Context(), accountKey(0).AppID, 2, time.Minute)
		require.NoError(t, err)
		time.AfterFunc(20*time.Second, func() { // one worker is slow, the other one dead
			leases[0].Record.Token.AccessToken = instagram.NewSecret(canary + "new")
			results, err := old.(instagram.TokenLeaser).CommitLeases(context.Background(), leases[:1])
			assert.NoError(t, errors.Join(append(results, err)...))
		})
		turned := seal.Tokens(inner, ring(t, 2, 1))
		most := 0
		done, err := seal.Reseal(t.Context(), turned, func(p seal.Progress) { most = max(most, p.Waiting) })
		require.NoError(t, err)
		assert.Equal(t, seal.Progress{Seen: 3, Resealed: 3}, done)
		assert.Equal(t, 2, most)
		inUse, err := seal.KeysInUse(t.Context(), turned)
		require.NoError(t, err)
		assert.Equal(t, map[seal.KeyID]int{key(t, 2).ID(): 3}, inUse)
		r, err := turned.LoadToken(t.Context(), leases[0].Record.Key)
		require.NoError(t, err)
		assert.Equal(t, canary+"new", r.Token.AccessToken.Reveal())
	})
}

func TestResealGivesUpOnWhatIsNeverFree(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner := instagram.NewMemoryStore()
		save(t, seal.Tokens(inner, ring(t, 1)), record(0))
		_, err := inner.LeaseToken(t.Context(), accountKey(0), 24*time.Hour)
		require.NoError(t, err)
		done, err := seal.Reseal(t.Context(), seal.Tokens(inner, ring(t, 2, 1)), nil)
		require.ErrorIs(t, err, instagram.ErrTokenLeased)
		assert.Equal(t, 1, done.Waiting)
	})
}

// TestResealWhileTheFleetRuns lets workers renew, and people log in and go, all
// the while: nothing that was acknowledged is lost.
func TestResealWhileTheFleetRuns(t *testing.T) {
	t.Parallel()
	const n, workers = 60, 4
	inner := instagram.NewMemoryStore()
	for i := range n {
		save(t, seal.Tokens(inner, ring(t, 1)), record(i))
	}
	fleet := seal.Tokens(inner, ring(t, 2, 1))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex
	acknowledged := make(map[instagram.TokenKey]int)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for ctx.Err() == nil {
				leases, err := fleet.(instagram.TokenLeaser).LeaseDue(ctx, accountKey(0).AppID, 5, time.Minute)
				if err != nil {
					return
				}
				for _, lease := range leases {
					lease.Record.Fails++
					lease.Record.DueAt = time.Now() // due again at once, behind the others
					lease.Record.Token.AccessToken = instagram.NewSecret(fmt.Sprint(canary, "renewed ", lease.Record.Fails))
				}
				results, err := fleet.(instagram.TokenLeaser).CommitLeases(t.Context(), leases)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				for i, lease := range leases {
					if assert.NoError(t, results[i], "a worker's result was thrown away") {
						acknowledged[lease.Record.Key] = max(acknowledged[lease.Record.Key], lease.Record.Fails)
					}
				}
				mu.Unlock()
			}
		})
	}
	busy := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(acknowledged) < n
	}
	for pass := 0; pass < 5 || busy(); pass++ {
		keys := ring(t, byte(1+pass%2), byte(2-pass%2)) // to and fro
		_, err := seal.Reseal(t.Context(), seal.Tokens(inner, keys), nil)
		if err != nil {
			require.ErrorIs(t, err, instagram.ErrTokenLeased)
		}
	}
	cancel()
	group.Wait()
	for k, fails := range acknowledged {
		r, err := fleet.LoadToken(t.Context(), k)
		require.NoError(t, err)
		assert.Equal(t, fails, r.Fails)
		assert.Equal(t, fmt.Sprint(canary, "renewed ", fails), r.Token.AccessToken.Reveal())
	}
}

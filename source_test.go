package instagram_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

// watchedStore counts what is asked of a store, and fails when it is told to.
type watchedStore struct {
	*instagram.MemoryStore

	loads, leases, commits atomic.Int64
	down                   atomic.Bool // everything fails
	readOnly               atomic.Bool // writes fail
}

var errStoreDown = errors.New("store is down")

func watch() *watchedStore { return &watchedStore{MemoryStore: instagram.NewMemoryStore()} }

func (s *watchedStore) LoadToken(ctx context.Context, k instagram.TokenKey) (*instagram.Record, error) {
	s.loads.Add(1)
	if s.down.Load() {
		return nil, errStoreDown
	}
	return s.MemoryStore.LoadToken(ctx, k)
}

func (s *watchedStore) LeaseDue(ctx context.Context, app string, n int, d time.Duration) ([]*instagram.Lease, error) {
	s.leases.Add(1)
	if s.down.Load() {
		return nil, errStoreDown
	}
	return s.MemoryStore.LeaseDue(ctx, app, n, d)
}

func (s *watchedStore) LeaseToken(ctx context.Context, k instagram.TokenKey, d time.Duration) (*instagram.Lease, error) {
	if s.down.Load() {
		return nil, errStoreDown
	}
	return s.MemoryStore.LeaseToken(ctx, k, d)
}

func (s *watchedStore) CommitLeases(ctx context.Context, leases []*instagram.Lease) ([]error, error) {
	s.commits.Add(1)
	if s.down.Load() || s.readOnly.Load() {
		return nil, errStoreDown
	}
	return s.MemoryStore.CommitLeases(ctx, leases)
}

func TestTokenSourceAnswersFromMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), watch()
		client := g.client(t, store)
		connect(t, store, accountN(1), 2*day)
		src := client.TokenSource(accountN(1))
		first, err := src.Token(t.Context())
		require.NoError(t, err)
		for range 100 {
			tok, err := src.Token(t.Context())
			require.NoError(t, err)
			assert.Same(t, first, tok)
			tok, err = client.TokenSource(accountN(1)).Token(t.Context())
			require.NoError(t, err)
			assert.Same(t, first, tok)
		}
		assert.EqualValues(t, 1, store.loads.Load())

		time.Sleep(5 * time.Minute)
		tok, err := src.Token(t.Context())
		require.NoError(t, err)
		assert.Same(t, first, tok, "the same token is the same value")
		assert.EqualValues(t, 2, store.loads.Load())
		assert.Zero(t, g.calls.Load())

		old, err := client.OAuth2TokenSource(t.Context(), accountN(1)).Token()
		require.NoError(t, err)
		assert.Equal(t, first.AccessToken.Reveal(), old.AccessToken)
		assert.Equal(t, first.ExpiresAt, old.Expiry)
	})
}

func TestTokenSourceRenewsAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), watch()
		g.delay = 150 * time.Millisecond
		client := g.client(t, store)
		connect(t, store, accountN(1), 55*day)
		src := client.TokenSource(accountN(1))
		began := time.Now()
		old, err := src.Token(t.Context())
		require.NoError(t, err)
		assert.Equal(t, began, time.Now(), "nobody waits while the old one lives")
		time.Sleep(time.Second)
		fresh, err := src.Token(t.Context())
		require.NoError(t, err)
		assert.True(t, fresh.ExpiresAt.After(old.ExpiresAt))
		assert.EqualValues(t, 1, g.refreshes.Load())
		require.NoError(t, client.Close(t.Context()))
	})
}

func TestTenThousandAskForOneDueToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), watch()
		g.delay = 150 * time.Millisecond
		client := g.client(t, store)
		connect(t, store, accountN(1), 55*day)
		var all sync.WaitGroup
		for i := range 10_000 {
			all.Go(func() {
				src := client.TokenSource(accountN(1))
				for range 3 {
					_, err := src.Token(t.Context())
					assert.NoError(t, err)
					time.Sleep(time.Duration(i%100) * 10 * time.Millisecond)
				}
			})
		}
		all.Wait()
		assert.EqualValues(t, 1, g.refreshes.Load())
		assert.LessOrEqual(t, store.loads.Load(), int64(10))
	})
}

func TestTenThousandRefreshOneToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), watch()
		g.delay = 150 * time.Millisecond
		clients := make([]*instagram.Client, 8) // as many processes on one store
		for i := range clients {
			clients[i] = g.client(t, store)
		}
		old := connect(t, store, accountN(1), 55*day)
		var all sync.WaitGroup
		for i := range 10_000 {
			all.Go(func() {
				ctx := t.Context()
				if i%7 == 0 { // some leave early
					left, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
					defer cancel()
					_, err := clients[i%8].Refresh(left, accountN(1))
					assert.ErrorIs(t, err, context.DeadlineExceeded)
					return
				}
				time.Sleep(time.Duration(i%5) * 100 * time.Millisecond) // and some come late
				tok, err := clients[i%8].Refresh(ctx, accountN(1))
				if assert.NoError(t, err) {
					assert.True(t, tok.ExpiresAt.After(old.Token.ExpiresAt))
				}
			})
		}
		all.Wait()
		assert.EqualValues(t, 1, g.refreshes.Load())
	})
}

func TestManyProcessesRenewOnceOnDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), watch()
		g.delay = 150 * time.Millisecond
		connect(t, store, accountN(1), 55*day)
		var all sync.WaitGroup
		for range 32 {
			client := g.client(t, store)
			all.Go(func() {
				for range 20 {
					_, err := client.TokenSource(accountN(1)).Token(t.Context())
					assert.NoError(t, err)
					time.Sleep(20 * time.Millisecond)
				}
				assert.NoError(t, client.Close(t.Context()))
			})
		}
		all.Wait()
		assert.EqualValues(t, 1, g.refreshes.Load())
	})
}

func TestTokenSourceWithoutAToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), watch()
		client := g.client(t, store)
		ctx := t.Context()

		_, err := client.TokenSource(accountN(1)).Token(ctx)
		require.ErrorIs(t, err, instagram.ErrTokenNotFound)
		connect(t, store, accountN(1), 2*day)
		time.Sleep(time.Second)
		_, err = client.TokenSource(accountN(1)).Token(ctx)
		require.NoError(t, err)

		connect(t, store, accountN(2), 61*day)
		_, err = client.TokenSource(accountN(2)).Token(ctx)
		require.ErrorIs(t, err, instagram.ErrTokenExpired)
		_, err = client.Refresh(ctx, accountN(2))
		require.ErrorIs(t, err, instagram.ErrTokenExpired)

		for i, state := range []instagram.RecordState{instagram.NeedsLogin, instagram.WaitingForPerson, instagram.Deauthorized} {
			r := connect(t, store, accountN(3+i), 2*day)
			r.State, r.Reason = state, "190/460"
			_, err := store.SaveToken(ctx, r, r.Revision)
			require.NoError(t, err)
			_, err = client.TokenSource(accountN(3 + i)).Token(ctx)
			var stateErr *instagram.TokenStateError
			require.ErrorAs(t, err, &stateErr)
			require.ErrorIs(t, err, instagram.ErrTokenInvalid)
			assert.Equal(t, state, stateErr.State)
			assert.Contains(t, err.Error(), "190/460")
			if state != instagram.WaitingForPerson { // which may have acted
				_, err = client.Refresh(ctx, accountN(3+i))
				require.ErrorAs(t, err, &stateErr)
			}
		}
		assert.Zero(t, g.calls.Load(), "nothing is sent for them")

		_, err = client.Refresh(ctx, accountN(1))
		require.NoError(t, err)
		_, err = client.Refresh(ctx, accountN(1))
		require.NoError(t, err, "those who asked meanwhile get the new one")
		time.Sleep(2 * time.Minute)
		_, err = client.Refresh(ctx, accountN(1))
		require.ErrorIs(t, err, instagram.ErrTokenTooYoung)
		_, err = client.Refresh(ctx, "404")
		require.ErrorIs(t, err, instagram.ErrTokenNotFound)
		assert.EqualValues(t, 1, g.calls.Load())
	})
}

func TestTokenSourceNoticesOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), watch()
		here, there := g.client(t, store), g.client(t, store)
		connect(t, store, accountN(1), 20*day)
		src := here.TokenSource(accountN(1))
		_, err := src.Token(t.Context())
		require.NoError(t, err)

		fresh, err := there.Refresh(t.Context(), accountN(1))
		require.NoError(t, err)
		time.Sleep(5 * time.Minute)
		tok, err := src.Token(t.Context())
		require.NoError(t, err)
		assert.True(t, tok.AccessToken.Equal(fresh.AccessToken))

		r := stored(t, store, accountN(1))
		r.State = instagram.Deauthorized
		_, err = store.SaveToken(t.Context(), r, r.Revision)
		require.NoError(t, err)
		time.Sleep(5 * time.Minute)
		_, err = src.Token(t.Context())
		require.ErrorIs(t, err, instagram.ErrTokenInvalid)
	})
}

func TestTokenSourceForgetsTheLeastAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), watch()
		client := g.client(t, store, instagram.WithTokenCache(10, time.Hour))
		sources := make([]instagram.TokenSource, 100)
		for i := range sources {
			connect(t, store, accountN(i), 2*day)
			sources[i] = client.TokenSource(accountN(i))
		}
		for range 3 {
			for i, src := range sources {
				tok, err := src.Token(t.Context())
				require.NoError(t, err)
				assert.Equal(t, accountN(i), tok.AccountID)
				_, err = sources[0].Token(t.Context()) // asked for all the time
				require.NoError(t, err)
			}
		}
		loads := store.loads.Load()
		assert.InDelta(t, 300, loads, 15, "ten of a hundred are kept, among them the busiest")
		_, err := sources[0].Token(t.Context())
		require.NoError(t, err)
		assert.Equal(t, loads, store.loads.Load())
	})
}

func TestTokenSourceOutlivesTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), watch()
		client := g.client(t, store)
		connect(t, store, accountN(1), 2*day)
		src := client.TokenSource(accountN(1))
		tok, err := src.Token(t.Context())
		require.NoError(t, err)
		store.down.Store(true)
		for range 10 {
			time.Sleep(time.Hour)
			again, err := src.Token(t.Context())
			require.NoError(t, err)
			assert.Same(t, tok, again)
		}
		_, err = client.TokenSource(accountN(2)).Token(t.Context())
		require.ErrorIs(t, err, errStoreDown)
	})
}

func TestFailedRenewalGivesTheLivingToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store, tracer := newGraph(), watch(), &events{}
		client := g.client(t, store, instagram.WithTracer(tracer))
		r := connect(t, store, accountN(1), 54*day)
		g.answers(func(string, string) *graphFault { return graphOops })
		src := client.TokenSource(accountN(1))
		for range 100 {
			tok, err := src.Token(t.Context())
			require.NoError(t, err)
			assert.True(t, tok.AccessToken.Equal(r.Token.AccessToken))
			time.Sleep(time.Minute)
		}
		assert.Less(t, g.calls.Load(), int64(40), "by the ladder, and not with every question")
		assert.Len(t, tracer.of(instagram.EventRefreshDelayed), 1)
		tok, err := client.Refresh(t.Context(), accountN(1))
		require.ErrorIs(t, err, instagram.ErrTransient)
		assert.True(t, tok.AccessToken.Equal(r.Token.AccessToken), "beside the error")
		assert.Positive(t, stored(t, store, accountN(1)).Fails)

		g.answers(nil)
		time.Sleep(12 * time.Hour)
		_, err = src.Token(t.Context())
		require.NoError(t, err)
		time.Sleep(time.Minute)
		tok, err = src.Token(t.Context())
		require.NoError(t, err)
		assert.False(t, tok.AccessToken.Equal(r.Token.AccessToken))
		assert.Zero(t, stored(t, store, accountN(1)).Fails)
		require.NoError(t, client.Close(t.Context()))
	})
}

func TestRenewedTokenIsSavedBeforeItIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store, tracer := newGraph(), watch(), &events{}
		client := g.client(t, store, instagram.WithTracer(tracer))
		old := connect(t, store, accountN(1), 50*day)
		store.readOnly.Store(true)
		src := client.TokenSource(accountN(1))
		for range 60 {
			tok, err := src.Token(t.Context())
			require.NoError(t, err)
			require.True(t, tok.AccessToken.Equal(old.Token.AccessToken), "not before the store has it")
			time.Sleep(10 * time.Second)
		}
		require.EqualValues(t, 1, g.refreshes.Load())
		assert.NotEmpty(t, tracer.of(instagram.EventUnsaved))
		store.readOnly.Store(false)
		time.Sleep(time.Minute)
		tok, err := src.Token(t.Context())
		require.NoError(t, err)
		assert.False(t, tok.AccessToken.Equal(old.Token.AccessToken))
		assert.True(t, stored(t, store, accountN(1)).Token.AccessToken.Equal(tok.AccessToken))
		assert.EqualValues(t, 1, g.refreshes.Load(), "it was kept all the while")
		require.NoError(t, client.Close(t.Context()))
	})
}

func TestLoginDuringRefreshWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New()
		store := watch()
		client := newClient(t, instagramConfig(), meta, instagram.WithTokenStore(store))
		old := signIn(t, client, meta)
		time.Sleep(30 * day)
		meta.On("GET", "/refresh_access_token").Once(instagramtest.Answer{Late: time.Second})
		var all sync.WaitGroup
		all.Go(func() {
			tok, err := client.Refresh(t.Context(), old.Token.AccountID)
			if assert.NoError(t, err) {
				assert.True(t, tok.GrantedAt.After(old.Token.GrantedAt), "who asked gets the login's")
			}
		})
		time.Sleep(500 * time.Millisecond)
		login := signIn(t, client, meta)
		all.Wait()
		assert.True(t, stored(t, store, old.Token.AccountID).Token.AccessToken.Equal(login.Token.AccessToken))
	})
}

func TestCallOptionsStayWithTheirCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), watch()
		client := g.client(t, store)
		connect(t, store, accountN(1), 55*day)
		g.delay = time.Second
		var info instagram.ResponseInfo
		require.NoError(t, client.Account(accountN(1)).Get(t.Context(), "me", nil, nil, instagram.CaptureResponse(&info)))
		info.Status = 0
		time.Sleep(time.Minute)
		assert.Zero(t, info.Status, "the renewal in the background does not write into it")
		require.NoError(t, client.Close(t.Context()))
	})
}

func TestErrorsOfSourcesHoldNoToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), watch()
		client := g.client(t, store)
		r := connect(t, store, accountN(1), 50*day)
		for _, fault := range []*graphFault{graphDown, graphOops, graphVague, graphWrong, graphTooMany, {status: 400, code: 190, message: "bad " + r.Token.AccessToken.Reveal()}} {
			g.answers(func(string, string) *graphFault { return fault })
			_, err := client.Refresh(t.Context(), accountN(1))
			require.Error(t, err)
			assert.NotContains(t, err.Error(), "IGAA")
			assert.NotContains(t, stored(t, store, accountN(1)).Reason, "IGAA")
			assert.True(t, strings.HasPrefix(err.Error(), "instagram: refresh: account "), err)
			assert.Equal(t, 1, strings.Count(err.Error(), "instagram:"), err)
		}
	})
}

var _ http.RoundTripper = (*graph)(nil)

package instagram_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

func spilledIn(t *testing.T, spill instagram.TokenStore, account string) *instagram.Record {
	t.Helper()
	r, err := spill.LoadToken(t.Context(), instagram.TokenKey{AppID: instagramConfig().AppID, AccountID: account})
	if err != nil {
		require.ErrorIs(t, err, instagram.ErrTokenNotFound)
		return nil
	}
	return r
}

// TestSpillOutlivesTheProcess is the one case that can lose a token: Meta has
// renewed it and ended the old one, and the store is down until the process dies.
func TestSpillOutlivesTheProcess(t *testing.T) {
	for name, work := range map[string]func(t *testing.T, c *instagram.Client, id string){
		"renewed by KeepAlive": func(t *testing.T, c *instagram.Client, _ string) {
			t.Helper()
			go func() {
				assert.ErrorContains(t, c.KeepAlive(t.Context(), instagram.KeepAliveConfig{}), "could not be saved")
			}()
		},
		"renewed on demand": func(t *testing.T, c *instagram.Client, id string) {
			t.Helper()
			_, err := c.TokenSource(id).Token(t.Context())
			require.NoError(t, err)
		},
	} {
		for how, mend := range map[string]func(t *testing.T, c *instagram.Client, id string){
			"and brought home by KeepAlive": func(t *testing.T, c *instagram.Client, _ string) {
				t.Helper()
				once(t, c, instagram.KeepAliveConfig{OnNeedsLogin: func(context.Context, instagram.LoginNeeded) error { t.Error("nobody needs to log in"); return nil }})
			},
			"and brought home by who asks": func(t *testing.T, c *instagram.Client, id string) {
				t.Helper()
				require.NoError(t, c.Account(id).Get(t.Context(), "me", nil, nil), "the old one is refused, and the new one is in the spill")
				time.Sleep(time.Second)
			},
		} {
			t.Run(name+" "+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					meta := instagramtest.New(instagramtest.WithQuirks(instagramtest.Quirks{RefreshKillsOld: true}))
					store, spill := watch(), instagram.NewMemoryStore()
					process := func() *instagram.Client {
						return newClient(t, instagramConfig(), meta, instagram.WithTokenStore(store), instagram.WithSpill(spill))
					}
					first := process()
					old := signIn(t, first, meta).Token
					time.Sleep(55 * day)
					store.readOnly.Store(true)
					work(t, first, old.AccountID)
					time.Sleep(2 * time.Minute)
					require.NotNil(t, spilledIn(t, spill, old.AccountID))
					assert.True(t, stored(t, store, old.AccountID).Token.AccessToken.Equal(old.AccessToken))
					gone, cancel := context.WithCancel(t.Context())
					cancel()
					_ = first.Close(gone) // it dies
					time.Sleep(2 * time.Minute)
					store.readOnly.Store(false)
					time.Sleep(2 * time.Minute)

					mend(t, process(), old.AccountID)
					r := stored(t, store, old.AccountID)
					assert.Equal(t, instagram.Alive, r.State)
					assert.True(t, r.Token.ExpiresAt.After(time.Now().Add(59*day)))
					assert.Nil(t, spilledIn(t, spill, old.AccountID))
					require.NoError(t, process().Account(old.AccountID).Get(t.Context(), "me", nil, nil))
				})
			})
		}
	}
}

// TestSpillMakesNothingWorse has tokens in the spill that must not come home.
func TestSpillMakesNothingWorse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store, spill := newGraph(), watch(), instagram.NewMemoryStore()
		client := g.client(t, store, instagram.WithSpill(spill))
		at := time.Now().Truncate(time.Second)
		put := func(i int, change func(main, spilled *instagram.Record)) {
			r := connect(t, store, accountN(i), 10*day)
			s := connect(t, instagram.NewMemoryStore(), accountN(i), 10*day)
			s.Token.AccessToken, s.Token.ObtainedAt, s.Token.ExpiresAt = instagram.NewSecret(graphToken(accountN(i), 7, at)), at.Add(-day), at.Add(59*day)
			change(r, s)
			if r.Token != nil {
				_, err := store.SaveToken(t.Context(), r, r.Revision)
				require.NoError(t, err)
			}
			_, err := spill.SaveToken(t.Context(), s, 0)
			require.NoError(t, err)
		}
		put(1, func(_, _ *instagram.Record) {})
		put(2, func(r, _ *instagram.Record) {
			r.Token.GrantedAt, r.Token.ObtainedAt = at.Add(-time.Hour), at.Add(-time.Hour)
		}) // a later login
		put(3, func(r, _ *instagram.Record) { r.Token.ObtainedAt = at.Add(-time.Hour) }) // renewed again
		put(4, func(r, _ *instagram.Record) { r.State = instagram.Deauthorized })
		put(5, func(r, _ *instagram.Record) { r.State, r.Reason = instagram.NeedsLogin, "190" })
		put(6, func(r, s *instagram.Record) {
			r.Fails = 3
			s.Token.AccessToken, s.Token.ObtainedAt = r.Token.AccessToken, r.Token.ObtainedAt
		})
		put(7, func(r, _ *instagram.Record) {
			require.NoError(t, store.DeleteToken(t.Context(), r.Key))
			r.Token = nil
		})
		put(8, func(_, s *instagram.Record) { s.Key.AppID = "another app" })
		once(t, client, instagram.KeepAliveConfig{})

		for i := 1; i <= 6; i++ {
			r := stored(t, store, accountN(i))
			home := r.Token.AccessToken.Equal(instagram.NewSecret(graphToken(accountN(i), 7, at)))
			assert.Equal(t, i == 1 || i == 5, home, "account %d", i)
			assert.Equal(t, i == 4, r.State == instagram.Deauthorized, "account %d", i)
			assert.Nil(t, spilledIn(t, spill, accountN(i)), "account %d", i)
		}
		assert.Equal(t, instagram.Alive, stored(t, store, accountN(5)).State)
		assert.Equal(t, 3, stored(t, store, accountN(6)).Fails, "what is here already is not written again")
		assert.EqualValues(t, 1, g.looks.Load(), "the one that was held to be dead is looked at")
		_, err := store.LoadToken(t.Context(), instagram.TokenKey{AppID: instagramConfig().AppID, AccountID: accountN(7)})
		require.ErrorIs(t, err, instagram.ErrTokenNotFound)
		assert.Nil(t, spilledIn(t, spill, accountN(7)))
		rest, err := spill.ListTokens(t.Context(), instagram.TokenKey{}, 10)
		require.NoError(t, err)
		assert.Len(t, rest, 1, "another app's stays")
	})
}

// TestSpillIsEmptiedWhenTheStoreIsBack also has a spill that fails.
func TestSpillIsEmptiedWhenTheStoreIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store, spill := newGraph(), watch(), watch()
		client := g.client(t, store, instagram.WithSpill(spill))
		var full atomic.Int64
		for i := range 300 {
			connect(t, store, accountN(i), 50*day)
		}
		store.readOnly.Store(true)
		stop := keepAlive(t, client, instagram.KeepAliveConfig{})
		time.Sleep(time.Minute)
		counts, err := spill.CountTokens(t.Context(), instagramConfig().AppID)
		require.NoError(t, err)
		full.Store(int64(counts.ByState[instagram.Alive]))
		assert.Equal(t, g.refreshes.Load(), full.Load(), "each token that the store did not take")
		assert.Positive(t, full.Load())
		store.readOnly.Store(false)
		time.Sleep(time.Hour)
		stop()
		counts, err = spill.CountTokens(t.Context(), instagramConfig().AppID)
		require.NoError(t, err)
		assert.Empty(t, counts.ByState[instagram.Alive])

		connect(t, store, accountN(1000), 50*day)
		store.readOnly.Store(true)
		spill.down.Store(true)
		stop = keepAlive(t, client, instagram.KeepAliveConfig{})
		time.Sleep(time.Minute)
		store.readOnly.Store(false)
		time.Sleep(time.Hour)
		stop()
		assert.True(t, stored(t, store, accountN(1000)).DueAt.After(time.Now()), "without it all is as ever")
	})
}

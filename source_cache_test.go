package instagram_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
)

// slowStore gives one answer late: what it read before others wrote.
type slowStore struct {
	*watchedStore

	late atomic.Bool
}

func (s *slowStore) LoadToken(ctx context.Context, k instagram.TokenKey) (*instagram.Record, error) {
	late := s.late.Swap(false)
	r, err := s.watchedStore.LoadToken(ctx, k)
	if late {
		time.Sleep(time.Second)
	}
	return r, err
}

func TestLateAnswersAreNotRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), &slowStore{watchedStore: watch()}
		client := g.client(t, store)
		old := connect(t, store, accountN(1), 20*day).Token
		src := client.TokenSource(accountN(1))
		store.late.Store(true)
		var asked sync.WaitGroup
		asked.Go(func() {
			tok, err := src.Token(t.Context())
			if assert.NoError(t, err) {
				assert.True(t, tok.AccessToken.Equal(old.AccessToken))
			}
		})
		time.Sleep(time.Second / 2)
		fresh, err := client.Refresh(t.Context(), accountN(1))
		require.NoError(t, err)
		asked.Wait()
		tok, err := src.Token(t.Context())
		require.NoError(t, err)
		assert.True(t, tok.AccessToken.Equal(fresh.AccessToken), "what was read before the renewal is not what is there")
	})
}

func TestSourcesFollowTheirAccountsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), &slowStore{watchedStore: watch()}
		client := g.client(t, store, instagram.WithTokenCache(1, time.Hour))
		connect(t, store, accountN(1), 20*day)
		connect(t, store, accountN(2), 20*day)
		one, two := client.TokenSource(accountN(1)), client.TokenSource(accountN(2))
		for range 2 { // the second time the source has found its place
			_, err := one.Token(t.Context())
			require.NoError(t, err)
		}
		time.Sleep(time.Hour)
		store.late.Store(true)
		var asked sync.WaitGroup
		asked.Go(func() {
			_, err := one.Token(t.Context())
			assert.NoError(t, err)
		})
		time.Sleep(time.Second / 2)
		_, err := two.Token(t.Context()) // takes the one place while the other's token is on its way
		require.NoError(t, err)
		asked.Wait()
		fresh, err := client.Refresh(t.Context(), accountN(1))
		require.NoError(t, err)
		tok, err := one.Token(t.Context())
		require.NoError(t, err)
		assert.True(t, tok.AccessToken.Equal(fresh.AccessToken), "nobody tells a place that was given away")
	})
}

func TestNothingIsRememberedBeyondItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), watch()
		client := g.client(t, store)
		g.answers(func(string, string) *graphFault { return graphDown })
		connect(t, store, accountN(1), 60*day-2*time.Minute)
		src := client.TokenSource(accountN(1))
		_, err := src.Token(t.Context())
		require.NoError(t, err)
		store.down.Store(true) // and the store's silence makes it no younger
		time.Sleep(time.Minute)
		_, err = src.Token(t.Context())
		require.NoError(t, err)
		time.Sleep(time.Minute)
		_, err = src.Token(t.Context())
		require.Error(t, err)
		store.down.Store(false)
		_, err = src.Token(t.Context())
		require.ErrorIs(t, err, instagram.ErrTokenExpired)
		require.NoError(t, client.Close(t.Context()))
	})
}

// TestCallsThatAreRefusedAskForNoMore has a token that lives, and calls that
// are refused as if it did not.
func TestCallsThatAreRefusedAskForNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), watch()
		client := g.client(t, store)
		connect(t, store, accountN(1), 2*day)
		g.answers(func(path, _ string) *graphFault {
			if strings.HasSuffix(path, "/media") {
				return graphVague
			}
			return nil
		})
		stop := keepAlive(t, client, instagram.KeepAliveConfig{})
		account := client.Account(accountN(1))
		for range 360 {
			require.ErrorIs(t, account.Get(t.Context(), accountN(1)+"/media", nil, nil), instagram.ErrTokenInvalid)
			time.Sleep(10 * time.Second)
		}
		stop()
		assert.Positive(t, g.looks.Load(), "it is looked into")
		assert.LessOrEqual(t, g.looks.Load(), int64(2), "once an hour")
		assert.Equal(t, instagram.Alive, stored(t, store, accountN(1)).State)
		require.NoError(t, client.Close(t.Context()))
	})
}

// TestNobodyInsistsWhenTheAppIsRefused has a wrong secret, and many who ask for
// tokens that are due.
func TestNobodyInsistsWhenTheAppIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), watch()
		client := g.client(t, store)
		const accounts = 200
		for i := range accounts {
			connect(t, store, accountN(i), 50*day)
		}
		g.answers(func(string, string) *graphFault { return graphWrong })
		for range 60 {
			for i := range accounts {
				_, err := client.TokenSource(accountN(i)).Token(t.Context())
				require.NoError(t, err)
				time.Sleep(time.Minute / accounts)
			}
		}
		assert.LessOrEqual(t, g.calls.Load(), int64(80), "one a minute")
		require.NoError(t, client.Close(t.Context()))
	})
}

func TestWhatIsNotRenewedIsFreeAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), watch()
		client := g.client(t, store)
		r := connect(t, store, accountN(1), time.Hour)
		_, err := client.Refresh(t.Context(), accountN(1))
		require.ErrorIs(t, err, instagram.ErrTokenTooYoung)
		_, err = store.LeaseToken(t.Context(), r.Key, time.Minute)
		require.NoError(t, err)
	})
}

package instagram_test

import (
	"context"
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

package instagram_test

// This file answers: what does a source give when its token is refused?

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

func TestTokenKeptInMemoryWhenTheOldOneDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New(instagramtest.WithQuirks(instagramtest.Quirks{RefreshKillsOld: true}))
		store := watch()
		client := newClient(t, instagramConfig(), meta, instagram.WithTokenStore(store))
		result := signIn(t, client, meta)
		time.Sleep(55 * day)
		store.readOnly.Store(true)
		account := client.Account(result.Token.AccountID)
		_ = account.Get(t.Context(), "me", nil, nil) // renewed behind it
		time.Sleep(time.Second)
		require.NoError(t, account.Get(t.Context(), "me", nil, nil), "the old one is refused, and the new one is in hand")
		store.readOnly.Store(false)
		time.Sleep(time.Minute)
		assert.False(t, stored(t, store, result.Token.AccountID).Token.AccessToken.Equal(result.Token.AccessToken))
		require.NoError(t, client.Close(t.Context()))
	})
}

// TestRefusedWhileAnotherProcessRenews asks between the platform's answer to
// another process and its saving, when the store still has the dead token.
func TestRefusedWhileAnotherProcessRenews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New(instagramtest.WithQuirks(instagramtest.Quirks{RefreshKillsOld: true}))
		store := watch()
		here := newClient(t, instagramConfig(), meta, instagram.WithTokenStore(store))
		there := newClient(t, instagramConfig(), meta, instagram.WithTokenStore(store))
		old := signIn(t, here, meta).Token
		time.Sleep(20 * day)
		account := here.Account(old.AccountID)
		require.NoError(t, account.Get(t.Context(), "me", nil, nil))
		store.readOnly.Store(true)
		go func() { _, _ = there.Refresh(t.Context(), old.AccountID) }()
		time.Sleep(time.Second)
		require.ErrorIs(t, account.Get(t.Context(), "me", nil, nil), instagram.ErrTokenInvalid)
		store.readOnly.Store(false)
		for stored(t, store, old.AccountID).Token.AccessToken.Equal(old.AccessToken) {
			_ = account.Get(t.Context(), "me", nil, nil)
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(time.Second)
		require.NoError(t, account.Get(t.Context(), "me", nil, nil), "the store has the new one")
		require.NoError(t, errors.Join(here.Close(t.Context()), there.Close(t.Context())))
	})
}

func TestRefusedTokenIsReplacedByTheStores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New(instagramtest.WithQuirks(instagramtest.Quirks{RefreshKillsOld: true}))
		store := watch()
		here := newClient(t, instagramConfig(), meta, instagram.WithTokenStore(store))
		there := newClient(t, instagramConfig(), meta, instagram.WithTokenStore(store))
		id := signIn(t, here, meta).Token.AccountID
		time.Sleep(20 * day)
		account := here.Account(id)
		require.NoError(t, account.Get(t.Context(), "me", nil, nil))
		_, err := there.Refresh(t.Context(), id)
		require.NoError(t, err)
		require.NoError(t, account.Get(t.Context(), "me", nil, nil), "the 190 is answered with the other process's token")

		require.NoError(t, meta.ChangePassword(id))
		err = account.Get(t.Context(), "me", nil, nil)
		require.ErrorIs(t, err, instagram.ErrTokenInvalid)
		time.Sleep(time.Second)
		r := stored(t, store, id)
		assert.Equal(t, instagram.Alive, r.State, "a call does not mark anybody")
		assert.Contains(t, r.Reason, "suspect")
		assert.False(t, r.DueAt.After(time.Now()), "but has the token looked into")

		asked := &logins{}
		once(t, there, instagram.KeepAliveConfig{OnNeedsLogin: asked.needed})
		told := asked.all()
		require.Len(t, told, 1)
		assert.Equal(t, "190/460", told[0].Reason)
		assert.Equal(t, instagram.NeedsLogin, stored(t, store, id).State)

		signIn(t, here, meta)
		require.NoError(t, account.Get(t.Context(), "me", nil, nil), "a login mends it, and is noticed at once")
		require.NoError(t, here.Close(t.Context()))
	})
}

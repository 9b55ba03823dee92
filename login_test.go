package instagram_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

func TestSignInWithInstagram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New()
		client := newClient(t, instagramConfig(), meta)

		result := signIn(t, client, meta)
		assert.Equal(t, instagram.LongLived, result.Token.Kind)
		assert.Equal(t, instagramtest.DefaultAccountID, result.Token.AccountID)
		assert.Equal(t, instagramtest.DefaultAppScopedID, result.Token.AppScopedID)
		assert.Equal(t, instagramConfig().Scopes, result.Token.Scopes)
		assert.Empty(t, result.MissingScopes)
		assert.Len(t, result.Accounts, 1)
		assert.InDelta(t, 60*24, time.Until(result.Token.ExpiresAt).Hours(), 24)

		_, err := client.RefreshToken(t.Context(), result.Token)
		require.ErrorIs(t, err, instagram.ErrTokenTooYoung)
		time.Sleep(40 * 24 * time.Hour)
		fresh, err := client.RefreshToken(t.Context(), result.Token)
		require.NoError(t, err)
		assert.True(t, fresh.ExpiresAt.After(result.Token.ExpiresAt))
		assert.Equal(t, result.Token.AccountID, fresh.AccountID)

		var me struct {
			UserID   instagram.ID `json:"user_id"`
			Username string       `json:"username"`
		}
		require.NoError(t, client.With(instagram.StaticToken(fresh)).Get(t.Context(), "me", nil, &me))
	})
}

func TestSignInWithFacebook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New()
		client := newClient(t, facebookConfig(), meta)

		result := signIn(t, client, meta)
		assert.Equal(t, instagram.LongLived, result.Token.Kind)
		assert.Empty(t, result.Token.AccountID)
		assert.Equal(t, instagramtest.DefaultPersonID, result.Token.AppScopedID)
		require.Len(t, result.Accounts, 2)
		assert.Equal(t, instagramtest.DefaultAccountID, result.Accounts[0].AccountID)
		assert.Equal(t, instagramtest.DefaultPageID, result.Accounts[0].PageID)
		assert.False(t, result.Accounts[0].PageToken.IsZero())
		assert.False(t, result.Token.DataAccessExpiresAt.IsZero())
	})
}

package tinkseal_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/seal"
	"github.com/seed-922467ee/instagram/storetest"
)

// A primitive of Tink is a Sealer.
var _ seal.Sealer = tink.AEAD(nil)

func primitive(tb testing.TB, handle *keyset.Handle) tink.AEAD {
	tb.Helper()
	p, err := aead.New(handle)
	require.NoError(tb, err)
	return p
}

func newHandle(tb testing.TB) *keyset.Handle {
	tb.Helper()
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	require.NoError(tb, err)
	return handle
}

func TestStoreSealedByTink(t *testing.T) {
	t.Parallel()
	keys := primitive(t, newHandle(t))
	storetest.Tokens(t, func(*testing.T) instagram.TokenStore { return seal.Tokens(instagram.NewMemoryStore(), keys) }, storetest.InBubble())
}

func record(account string) *instagram.Record {
	return &instagram.Record{
		Key:   instagram.TokenKey{AppID: "1234567890123456", AccountID: account},
		Token: &instagram.Token{AccessToken: instagram.NewSecret("IGAA" + account), Kind: instagram.LongLived},
	}
}

func TestTokensCannotBeSwapped(t *testing.T) {
	t.Parallel()
	inner := instagram.NewMemoryStore()
	store := seal.Tokens(inner, primitive(t, newHandle(t)))
	for _, account := range []string{"1", "2"} {
		_, err := store.SaveToken(t.Context(), record(account), 0)
		require.NoError(t, err)
	}
	one, err := inner.LoadToken(t.Context(), record("1").Key)
	require.NoError(t, err)
	two, err := inner.LoadToken(t.Context(), record("2").Key)
	require.NoError(t, err)
	one.Token.AccessToken = two.Token.AccessToken
	_, err = inner.SaveToken(t.Context(), one, one.Revision)
	require.NoError(t, err)

	_, err = store.LoadToken(t.Context(), one.Key)
	var open *seal.OpenError
	require.ErrorAs(t, err, &open)
	assert.Equal(t, one.Key, open.Key)
	assert.NotContains(t, err.Error(), "IGAA")
}

func TestKeysetIsTurned(t *testing.T) {
	t.Parallel()
	manager := keyset.NewManagerFromHandle(newHandle(t))
	before, err := manager.Handle()
	require.NoError(t, err)
	inner := instagram.NewMemoryStore()
	for i := range 5 {
		_, err := seal.Tokens(inner, primitive(t, before)).SaveToken(t.Context(), record(strconv.Itoa(i)), 0)
		require.NoError(t, err)
	}
	old := before.KeysetInfo().GetPrimaryKeyId()
	id, err := manager.Add(aead.AES256GCMKeyTemplate())
	require.NoError(t, err)
	require.NoError(t, manager.SetPrimary(id))
	both, err := manager.Handle()
	require.NoError(t, err)
	done, err := seal.Reseal(t.Context(), seal.Tokens(inner, primitive(t, both)), nil)
	require.NoError(t, err)
	assert.Equal(t, seal.Progress{Seen: 5, Resealed: 5}, done)

	require.NoError(t, manager.Delete(old))
	after, err := manager.Handle()
	require.NoError(t, err)
	for i := range 5 {
		r, err := seal.Tokens(inner, primitive(t, after)).LoadToken(t.Context(), record(strconv.Itoa(i)).Key)
		require.NoError(t, err)
		assert.Equal(t, fmt.Sprint("IGAA", i), r.Token.AccessToken.Reveal())
	}
}

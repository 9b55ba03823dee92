package redisstore

// This file answers: does sealing keep every token out of Redis?

import (
	"crypto/rand"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/seal"
	"github.com/seed-922467ee/instagram/storetest"
)

func newKeys(t *testing.T) *seal.KeyRing {
	t.Helper()
	keys, err := seal.NewKeyRing(seal.NewKey())
	require.NoError(t, err)
	return keys
}

func TestSealedConformance(t *testing.T) {
	t.Parallel()
	prefix, keys := freshPrefix(t), newKeys(t)
	open := func(t *testing.T) instagram.TokenStore {
		t.Helper()
		return seal.Tokens(open(t, prefix), keys)
	}
	storetest.Tokens(t, open, storetest.WithPeer(func(t *testing.T, _ instagram.TokenStore) instagram.TokenStore {
		t.Helper()
		return open(t)
	}))
}

// TestNothingInClear searches all that Redis has, as values and as the dumps
// that snapshots are made of, for tokens. A store that is not sealed shows that
// the search finds them.
func TestNothingInClear(t *testing.T) {
	s := open(t, freshPrefix(t))
	sealed := plant(t, seal.Tokens(s, newKeys(t)), "sealed")
	all := everything(t, s)
	for _, secret := range sealed {
		assert.NotContains(t, all, secret)
	}
	plain := plant(t, s, "clear")
	assert.Contains(t, everything(t, s), plain[len(plain)-1], "the search finds nothing at all")
}

// plant saves and refreshes tokens, and returns what must not be found.
func plant(t *testing.T, store instagram.TokenStore, app string) (secrets []string) {
	t.Helper()
	ctx := t.Context()
	secret := func() instagram.Secret {
		text := "IGAA" + rand.Text()
		secrets = append(secrets, text)
		return instagram.NewSecret(text)
	}
	for i := range 20 {
		r := record(strconv.Itoa(i))
		r.Key.AppID = app
		r.Token.AccessToken, r.Token.PageToken = secret(), secret()
		_, err := store.SaveToken(ctx, r, 0)
		require.NoError(t, err)
	}
	leaser, ok := store.(instagram.TokenLeaser)
	require.True(t, ok)
	leases, err := leaser.LeaseDue(ctx, app, 10, time.Minute)
	require.NoError(t, err)
	require.Len(t, leases, 10)
	for _, l := range leases {
		l.Record.Token.AccessToken = secret()
	}
	results, err := leaser.CommitLeases(ctx, leases)
	require.NoError(t, err)
	for _, err := range results {
		require.NoError(t, err)
	}
	return secrets
}

func everything(t *testing.T, s *Store) string {
	t.Helper()
	ctx := t.Context()
	var all strings.Builder
	keys := s.rdb.Scan(ctx, 0, s.prefix+"*", 1000).Iterator()
	for keys.Next(ctx) {
		all.WriteString(keys.Val())
		dump, err := s.rdb.Dump(ctx, keys.Val()).Result()
		require.NoError(t, err)
		all.WriteString(dump)
		if strings.Contains(keys.Val(), "}:token:") {
			values, err := s.rdb.HGetAll(ctx, keys.Val()).Result()
			require.NoError(t, err)
			for _, value := range values {
				all.WriteString(value)
			}
		}
	}
	require.NoError(t, keys.Err())
	return all.String()
}

package redisstore

// This file answers: what happens when Redis throws records away, as it does
// with another maxmemory-policy than the one that is asked for?

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
)

func TestEvictedRecords(t *testing.T) {
	s := open(t, freshPrefix(t))
	ctx := t.Context()
	for _, account := range []string{"1", "2", "3", "4"} {
		_, err := s.SaveToken(ctx, record(account), 0)
		require.NoError(t, err)
	}
	held, err := s.LeaseToken(ctx, record("4").Key, time.Minute)
	require.NoError(t, err)
	require.NoError(t, s.rdb.Del(ctx, s.token(record("2").Key), s.token(record("4").Key)).Err())

	_, err = s.LoadToken(ctx, record("2").Key)
	require.ErrorIs(t, err, instagram.ErrTokenNotFound)
	leases, err := s.LeaseDue(ctx, "app", 10, time.Minute)
	require.NoError(t, err)
	assert.Len(t, leases, 2, "the others go on")
	_, err = s.LeaseToken(ctx, record("2").Key, time.Minute)
	require.ErrorIs(t, err, instagram.ErrTokenNotFound)
	listed, err := s.ListTokens(ctx, instagram.TokenKey{}, 10)
	require.NoError(t, err)
	assert.Len(t, listed, 2)
	results, err := s.CommitLeases(ctx, []*instagram.Lease{held})
	require.NoError(t, err)
	require.ErrorIs(t, results[0], instagram.ErrTokenSuperseded, "a refresh does not bring back what may have been deleted")
	require.NoError(t, s.ReleaseLeases(ctx, append(leases, held)))

	for _, account := range []string{"2", "4"} { // the person logs in again
		_, err = s.SaveToken(ctx, record(account), 0)
		require.NoError(t, err)
	}
	leases, err = s.LeaseDue(ctx, "app", 10, time.Minute)
	require.NoError(t, err)
	assert.Len(t, leases, 4)
}

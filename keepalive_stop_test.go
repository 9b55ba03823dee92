package instagram_test

// This file answers: what becomes of leases that are on their way when
// KeepAlive ends?

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
)

// lateAnswers is a store that has leased before it answers.
type lateAnswers struct{ *watchedStore }

func (s lateAnswers) LeaseDue(ctx context.Context, app string, n int, d time.Duration) ([]*instagram.Lease, error) {
	leases, err := s.watchedStore.LeaseDue(ctx, app, n, d)
	select {
	case <-time.After(time.Second):
		return leases, err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func TestLeasesOnTheirWayAreGivenBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), watch()
		client := g.client(t, lateAnswers{store})
		for i := range 10 {
			connect(t, store, accountN(i), 50*day)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		_ = client.KeepAlive(ctx, instagram.KeepAliveConfig{})
		leases, err := store.LeaseDue(t.Context(), instagramConfig().AppID, 100, time.Minute)
		require.NoError(t, err)
		assert.Len(t, leases, 10)
		require.NoError(t, client.Close(t.Context()))
	})
}

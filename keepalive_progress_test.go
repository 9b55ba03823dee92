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
)

// hesitant is a store that takes its time to count, once.
type hesitant struct {
	*instagram.MemoryStore

	asked atomic.Int64
}

func (s *hesitant) CountTokens(ctx context.Context, appID string) (instagram.TokenCounts, error) {
	time.Sleep(time.Millisecond)
	if s.asked.Add(1) == 1 {
		time.Sleep(1500 * time.Millisecond)
	}
	return s.MemoryStore.CountTokens(ctx, appID)
}

func TestRateOfAStoreThatCountsSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), &hesitant{MemoryStore: instagram.NewMemoryStore()}
		g.delay = 100 * time.Millisecond
		client := g.client(t, store)
		for i := range 500 {
			connect(t, store, accountN(i), 55*day)
		}
		var rates []float64
		once(t, client, instagram.KeepAliveConfig{
			Parallel: 10, ProgressEvery: time.Second, // 100 in a second, ten at a time
			OnProgress: func(p instagram.Progress) {
				if !p.Final { // that one is about a moment
					rates = append(rates, p.Rate)
				}
			},
		})
		require.Greater(t, len(rates), 3)
		for _, rate := range rates {
			assert.LessOrEqual(t, rate, 110.0, "%v", rates)
		}
		assert.Greater(t, rates[1], 90.0, "%v", rates)
	})
}

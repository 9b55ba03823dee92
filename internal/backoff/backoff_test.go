package backoff

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		require.NoError(t, Wait(t.Context(), time.Hour))
		assert.Equal(t, time.Hour, time.Since(began))

		enough := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Minute, func() { cancel(enough) })
		began = time.Now()
		require.ErrorIs(t, Wait(ctx, time.Hour), enough)
		assert.Equal(t, time.Minute, time.Since(began))
		require.ErrorIs(t, Wait(ctx, 0), enough, "no wait, but the context has ended")
		require.NoError(t, Wait(t.Context(), -time.Second))
	})
}

func TestFits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		assert.True(t, Fits(t.Context(), 1000*time.Hour), "no deadline")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		assert.True(t, Fits(ctx, 59*time.Second))
		assert.False(t, Fits(ctx, time.Minute))
	})
}

func TestPauseIsBoundedAndSpread(t *testing.T) {
	t.Parallel()
	for n, bound := range map[int]time.Duration{
		0: time.Second, 1: 2 * time.Second, 3: 8 * time.Second, 10: 20 * time.Second, 29: 20 * time.Second, 30: 20 * time.Second, 1000: 20 * time.Second,
	} {
		var longest time.Duration
		for range 1000 {
			d := Pause(time.Second, 20*time.Second, n)
			require.GreaterOrEqual(t, d, time.Duration(0))
			require.LessOrEqual(t, d, bound)
			longest = max(longest, d)
		}
		assert.Greater(t, longest, bound/2, "full jitter of attempt %d", n)
	}
	assert.Zero(t, Pause(0, 0, 3))
}

func TestBudget(t *testing.T) {
	t.Parallel()
	var b Budget
	now := time.Unix(1e9, 0)
	spent := func(tries int) (n int) {
		for range tries {
			if b.Spend(now) {
				n++
			}
		}
		return n
	}
	assert.Equal(t, 3, spent(100), "three to begin with")
	now = now.Add(time.Second)
	assert.Equal(t, 3, spent(100), "three a second")
	for range 200 {
		b.Earn()
	}
	assert.Equal(t, 20, spent(100), "a tenth of the requests")
	now = now.Add(time.Hour)
	assert.Equal(t, 30, spent(100), "nothing is saved up for an outage")
	now = now.Add(-time.Hour)
	assert.Zero(t, spent(100), "a clock that goes back earns nothing")
}

func TestBudgetIsShared(t *testing.T) {
	t.Parallel()
	var b Budget
	for range 300 {
		b.Earn()
	}
	var spent atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				if b.Spend(time.Unix(1e9, 0)) {
					spent.Add(1)
				}
			}
		})
	}
	all.Wait()
	assert.LessOrEqual(t, spent.Load(), int64(33))
	assert.GreaterOrEqual(t, spent.Load(), int64(30))
}

func TestBudgetWhenTheClockIsSet(t *testing.T) {
	t.Parallel()
	for name, jump := range map[string]time.Duration{
		"back by a day": -24 * time.Hour, "forward by a day": 24 * time.Hour, "forward by half a century": 50 * 365 * 24 * time.Hour,
	} {
		var b Budget
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		for b.Spend(now) {
		}
		now = now.Add(jump)
		for range 100 { // what a jump brings is bounded
			if !b.Spend(now) {
				break
			}
		}
		assert.False(t, b.Spend(now), name)
		assert.True(t, b.Spend(now.Add(2*time.Second)), name+": goes on from there")
	}
}

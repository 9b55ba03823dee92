package flight_test

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

	"github.com/seed-922467ee/instagram/internal/flight"
)

func TestOneFlightForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g flight.Group[string, int]
		var runs atomic.Int64
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() {
				v, err := g.Do(t.Context(), "a", func(context.Context) (int, error) {
					time.Sleep(time.Second)
					return int(runs.Add(1)), nil
				})
				assert.NoError(t, err)
				assert.Equal(t, 1, v)
			})
		}
		all.Wait()
		assert.EqualValues(t, 1, runs.Load())

		v, err := g.Do(t.Context(), "a", func(context.Context) (int, error) { return int(runs.Add(1)), nil })
		require.NoError(t, err)
		assert.Equal(t, 2, v, "who comes after the landing starts anew")
	})
}

func TestLeavingSpoilsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g flight.Group[string, string]
		type key struct{}
		first, leave := context.WithCancelCause(context.WithValue(t.Context(), key{}, "first"))
		gone := errors.New("gone home")
		work := func(ctx context.Context) (string, error) {
			time.Sleep(time.Second)
			return ctx.Value(key{}).(string), ctx.Err()
		}
		var all sync.WaitGroup
		all.Go(func() {
			_, err := g.Do(first, "a", work)
			assert.ErrorIs(t, err, gone)
		})
		synctest.Wait()
		all.Go(func() {
			v, err := g.Do(t.Context(), "a", work)
			assert.NoError(t, err)
			assert.Equal(t, "first", v)
		})
		synctest.Wait()
		leave(gone)
		all.Wait()
	})
}

func TestCloseWaits(t *testing.T) {
	for name, want := range map[string]struct {
		patience time.Duration
		err      error
		waited   time.Duration
	}{
		"for what runs":                  {time.Hour, nil, time.Minute},
		"and ends it when time runs out": {time.Second, context.DeadlineExceeded, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var g flight.Group[int, int]
				assert.True(t, g.Go(t.Context(), 1, func(ctx context.Context) (int, error) {
					select {
					case <-time.After(time.Minute):
					case <-ctx.Done():
					}
					return 0, context.Cause(ctx)
				}))
				assert.False(t, g.Go(t.Context(), 1, nil))
				ctx, cancel := context.WithTimeout(t.Context(), want.patience)
				defer cancel()
				began := time.Now()
				require.ErrorIs(t, g.Close(ctx), want.err)
				assert.Equal(t, want.waited, time.Since(began))
				_, err := g.Do(t.Context(), 2, nil)
				require.ErrorIs(t, err, flight.ErrClosed)
				require.NoError(t, g.Close(t.Context()))
			})
		})
	}
}

func TestPanicIsAnError(t *testing.T) {
	t.Parallel()
	var g flight.Group[int, int]
	_, err := g.Do(t.Context(), 1, func(context.Context) (int, error) { panic("IGAAsecret") })
	require.ErrorContains(t, err, "panic: string")
	assert.NotContains(t, err.Error(), "IGAA")
}

package instagram

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func throttledBy(code int, after time.Duration) Outcome {
	return Outcome{Sent: true, Status: 400, Err: &Error{Code: code, HTTPStatus: 400, RetryAfter: after}}
}

func served(entries ...UsageEntry) Outcome {
	o := Outcome{Sent: true, Status: 200}
	for _, e := range entries {
		o.Usage.append(e)
	}
	return o
}

func TestLimiterStopsWhileMetaStatesAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(LimiterOptions{})
		c := Call{AppID: "app", AccountID: "1", MaxWait: -1}
		p, err := l.Acquire(t.Context(), c)
		require.NoError(t, err)
		l.Done(p, throttledBy(4, 5*time.Minute))

		began := time.Now()
		p, err = l.Acquire(t.Context(), c)
		require.NoError(t, err)
		assert.Equal(t, 5*time.Minute, time.Since(began))
		assert.Equal(t, 5*time.Minute, p.Waited)
		assert.Equal(t, Bucket{Family: "app", ID: "app"}, p.Bucket)
		assert.Equal(t, "blocked by the platform", p.Reason)
	})
}

func TestLimiterLetsOneProbeThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(LimiterOptions{})
		c := Call{AppID: "app", AccountID: "1", MaxWait: -1}
		p, err := l.Acquire(t.Context(), c)
		require.NoError(t, err)
		l.Done(p, throttledBy(80002, time.Minute))

		var mu sync.Mutex
		var got []Permit
		for range 5 {
			go func() {
				p, err := l.Acquire(t.Context(), c)
				mu.Lock()
				defer mu.Unlock()
				if assert.NoError(t, err) {
					got = append(got, p)
				}
			}()
		}
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		require.Len(t, got, 1, "one call finds out whether the wait helped")
		l.Done(got[0], served(UsageEntry{Bucket: Bucket{Family: "instagram"}, Percent: 1}))
		synctest.Wait()
		assert.Greater(t, len(got), 1, "then the rest follows")
		for i := 1; i < len(got); i++ {
			l.Done(got[i], served(UsageEntry{Bucket: Bucket{Family: "instagram"}, Percent: 1}))
			synctest.Wait()
		}
		assert.Len(t, got, 5)
	})
}

func TestLimiterDoesNotBeginAWaitThatIsTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(LimiterOptions{})
		c := Call{AppID: "app", AccountID: "1", MaxWait: 30 * time.Second}
		p, err := l.Acquire(t.Context(), c)
		require.NoError(t, err)
		l.Done(p, throttledBy(80002, 10*time.Minute))

		began := time.Now()
		_, err = l.Acquire(t.Context(), c)
		var limited *RateLimitError
		require.ErrorAs(t, err, &limited)
		assert.Equal(t, 10*time.Minute, limited.RetryAfter)
		assert.Equal(t, Bucket{Family: "instagram", ID: "1"}, limited.Bucket)
		require.ErrorIs(t, err, ErrThrottled)

		c.MaxWait = -1
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err = l.Acquire(ctx, c)
		require.ErrorAs(t, err, &limited)
		assert.Zero(t, time.Since(began), "neither waited")

		_, err = l.Acquire(t.Context(), Call{AppID: "app", AccountID: "2"})
		require.NoError(t, err, "another account is not held back")
	})
}

package redisstore

// This file answers: does the limiter decide as the core's, for all processes
// together?

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
)

// process returns a limiter with a connection of its own, as a process has it,
// on the clock of the bubble it is called in.
func process(t *testing.T, prefix string, limits instagram.LimiterOptions) *limiter {
	t.Helper()
	l := newLimiter(bubbled(t), limits, WithKeyPrefix(prefix))
	l.clock = time.Now
	t.Cleanup(func() { settle(l) })
	return l
}

// settle returns when a limiter has nothing more to tell Redis.
func settle(l *limiter) {
	busy := func() bool {
		for _, a := range l.apps {
			a.mu.Lock()
			defer a.mu.Unlock()
			if a.telling || a.trying || a.pumping {
				return true
			}
		}
		return false
	}
	for busy() {
		time.Sleep(time.Millisecond)
	}
}

// bubbled returns a client that keeps its connections however far the clock jumps.
func bubbled(t *testing.T) *redis.Client {
	t.Helper()
	opts := options(t)
	opts.ConnMaxIdleTime = -1
	rdb := redis.NewClient(opts)
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// bubble runs a test on a fake clock.
func bubble(t *testing.T, f func(t *testing.T, prefix string)) {
	t.Helper()
	prefix := freshPrefix(t)
	synctest.Test(t, func(t *testing.T) { f(t, prefix) })
}

func TestAcquireAndDone(t *testing.T) {
	bubble(t, func(t *testing.T, prefix string) {
		l := process(t, prefix, instagram.LimiterOptions{})
		p, err := l.Acquire(context.Background(), instagram.Call{AppID: "app", AccountID: "1"})
		require.NoError(t, err)
		require.IsType(t, &ticket{}, p.Node)
		l.Done(p, instagram.Outcome{Sent: true, Status: 400, Err: &instagram.RateLimitError{RetryAfter: time.Minute}})
		_, err = l.Acquire(context.Background(), instagram.Call{AppID: "app", AccountID: "1"})
		var limited *instagram.RateLimitError
		require.ErrorAs(t, err, &limited)
		assert.Equal(t, time.Minute, limited.RetryAfter)
	})
}

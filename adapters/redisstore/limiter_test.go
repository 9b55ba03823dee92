package redisstore

// This file answers: does the limiter decide as the core's, for all processes
// together?

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
)

// process returns a limiter with a connection of its own, as a process has it,
// on the clock of the bubble it is called in.
func process(t *testing.T, prefix string) *limiter {
	t.Helper()
	l, _ := wiredProcess(t, prefix)
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

// call is one that waits as long as it must.
func call(account string) instagram.Call {
	return instagram.Call{AppID: "app", AccountID: account, MaxWait: -1}
}

// acquire gets a permit from Redis.
func acquire(t *testing.T, l *limiter, c instagram.Call) instagram.Permit {
	t.Helper()
	p, err := l.Acquire(t.Context(), c)
	require.NoError(t, err)
	require.IsType(t, &ticket{}, p.Node, "Redis decides")
	return p
}

// refusedBy is a refusal with a stated wait, for an app's quota (code 4) or an account's (80002).
func refusedBy(code int, after time.Duration) instagram.Outcome {
	return instagram.Outcome{Sent: true, Status: 400, Err: &instagram.Error{Code: code, HTTPStatus: 400, RetryAfter: after}}
}

func served(percent int) instagram.Outcome {
	return instagram.Outcome{Sent: true, Status: 200, Usage: appUsage(percent)}
}

// use makes n calls, one after the other, of a quota of 100.
func use(t *testing.T, l *limiter, c instagram.Call, n int) {
	t.Helper()
	for i := range n {
		l.Done(acquire(t, l, c), served(i+1))
		settle(l)
	}
}

// queue counts who was let go, in order.
type queue struct {
	mu  sync.Mutex
	got []instagram.Permit
	as  []string
}

// join makes a call wait in its own goroutine, and returns when it waits or has gone.
func (q *queue) join(t *testing.T, l *limiter, as string, c instagram.Call) {
	t.Helper()
	go func() {
		p, err := l.Acquire(context.Background(), c)
		q.mu.Lock()
		defer q.mu.Unlock()
		if assert.NoError(t, err) {
			q.got, q.as = append(q.got, p), append(q.as, as)
		}
	}()
	time.Sleep(time.Microsecond)
}

func (q *queue) names() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.as)
}

// finish says of all who were let go that they were served, until n were.
func (q *queue) finish(t *testing.T, n int, by ...*limiter) {
	t.Helper()
	for i := range n {
		for range 10_000 {
			if len(q.names()) > i {
				break
			}
			time.Sleep(time.Second)
		}
		require.Greater(t, len(q.names()), i)
		q.mu.Lock()
		p := q.got[i]
		q.mu.Unlock()
		by[i%len(by)].Done(p, served(1))
	}
}

func TestAStatedWaitHoldsAllProcesses(t *testing.T) {
	prefix := freshPrefix(t)
	synctest.Test(t, func(t *testing.T) {
		a, b := process(t, prefix), process(t, prefix)
		a.Done(acquire(t, a, call("1")), refusedBy(4, 5*time.Minute))

		began := time.Now()
		hurry := call("2")
		hurry.MaxWait = 30 * time.Second
		_, err := b.Acquire(t.Context(), hurry)
		var limited *instagram.RateLimitError
		require.ErrorAs(t, err, &limited)
		assert.Equal(t, 5*time.Minute, limited.RetryAfter.Round(time.Second))
		assert.Equal(t, instagram.Bucket{Family: "app", ID: "app"}, limited.Bucket)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err = b.Acquire(ctx, call("2"))
		require.ErrorAs(t, err, &limited)
		hurry.MaxWait = 0
		_, err = b.Acquire(t.Context(), hurry)
		require.ErrorAs(t, err, &limited)
		assert.Zero(t, time.Since(began), "none of them waited")

		patient, waits := call("2"), []instagram.Wait(nil)
		patient.OnWait = func(w instagram.Wait) {
			assert.Zero(t, time.Since(began))
			w.For = w.For.Round(time.Second)
			waits = append(waits, w)
		}
		p := acquire(t, b, patient)
		assert.Equal(t, []instagram.Wait{{For: 5 * time.Minute, Reason: p.Reason, Bucket: p.Bucket}}, waits)
		assert.Equal(t, 5*time.Minute, time.Since(began).Round(time.Second))
		assert.Equal(t, 5*time.Minute, p.Waited.Round(time.Second))
		assert.Equal(t, instagram.Bucket{Family: "app", ID: "app"}, p.Bucket)
		assert.Equal(t, "blocked by the platform", p.Reason)
		b.Done(p, served(1))
	})
}

func TestAnAccountsWaitHoldsOnlyIt(t *testing.T) {
	prefix := freshPrefix(t)
	synctest.Test(t, func(t *testing.T) {
		a, b := process(t, prefix), process(t, prefix)
		a.Done(acquire(t, a, call("1")), refusedBy(80002, time.Hour))
		var q queue
		q.join(t, b, "held", call("1"))
		hurry := call("1")
		hurry.MaxWait = time.Minute
		_, err := b.Acquire(t.Context(), hurry)
		var limited *instagram.RateLimitError
		require.ErrorAs(t, err, &limited)
		assert.Equal(t, instagram.Bucket{Family: "instagram", ID: "1"}, limited.Bucket)

		began := time.Now()
		other := call("2")
		other.MaxWait = 0
		b.Done(acquire(t, b, other), served(1))
		other.AppID = "another app"
		other.AccountID = "1"
		b.Done(acquire(t, b, other), served(1))
		other = call("1")
		other.MaxWait, other.Login = 0, instagram.FacebookLogin
		b.Done(acquire(t, b, other), served(1))
		assert.Zero(t, time.Since(began))
		assert.Empty(t, q.names())
		q.finish(t, 1, b)
		assert.Equal(t, time.Hour, time.Since(began).Round(time.Minute))
	})
}

func TestOneProbeInTheFleet(t *testing.T) {
	prefix := freshPrefix(t)
	synctest.Test(t, func(t *testing.T) {
		fleet := []*limiter{
			process(t, prefix), process(t, prefix), process(t, prefix),
		}
		fleet[0].Done(acquire(t, fleet[0], call("1")), refusedBy(4, time.Minute))
		var q queue
		for i := range 12 {
			q.join(t, fleet[i%3], "", call("1"))
		}
		time.Sleep(time.Minute + 5*time.Second)
		require.Len(t, q.names(), 1, "one call finds out whether the wait helped")
		fleet[0].Done(q.got[0], refusedBy(4, time.Minute))
		time.Sleep(50 * time.Second)
		require.Len(t, q.names(), 1, "it did not")
		for len(q.names()) < 2 {
			time.Sleep(time.Second)
		}
		time.Sleep(20 * time.Second)
		require.Len(t, q.names(), 2)
		fleet[0].Done(q.got[1], served(1))
		began := time.Now()
		time.Sleep(2 * time.Second)
		require.Greater(t, len(q.names()), 2, "then the rest follows")
		q.got, q.as = q.got[2:], q.as[2:]
		q.finish(t, 10, fleet...)
		assert.Less(t, time.Since(began), time.Minute)
	})
}

// TestAProbeThatDied shows that another process looks when the one that looked was killed.
func TestAProbeThatDied(t *testing.T) {
	prefix := freshPrefix(t)
	synctest.Test(t, func(t *testing.T) {
		a, b := process(t, prefix), process(t, prefix)
		a.Done(acquire(t, a, call("1")), refusedBy(4, time.Minute))
		acquire(t, a, call("1")) // and is never heard of again
		began := time.Now()
		b.Done(acquire(t, b, call("1")), served(1))
		assert.InDelta(t, 30, time.Since(began).Seconds(), 2)
	})
}

// TestFlightsOfAKilledProcess shows that the calls in flight of a process that
// was killed do not hold the others back for good.
func TestFlightsOfAKilledProcess(t *testing.T) {
	prefix := freshPrefix(t)
	synctest.Test(t, func(t *testing.T) {
		a, b := process(t, prefix), process(t, prefix)
		use(t, b, call("1"), 90)
		hurry := call("1")
		hurry.MaxWait = 0
		flying := 0
		for ; flying < 20; flying++ {
			if _, err := a.Acquire(t.Context(), hurry); err != nil {
				break
			}
		}
		assert.Positive(t, flying)
		assert.LessOrEqual(t, flying, 5, "only as many fly as a part of the room left")
		_, err := b.Acquire(t.Context(), hurry)
		require.ErrorIs(t, err, instagram.ErrThrottled, "b sees what a has in flight")

		began := time.Now() // a is killed
		b.Done(acquire(t, b, call("1")), served(91+flying))
		assert.LessOrEqual(t, time.Since(began), 10*time.Minute+time.Second)
		assert.GreaterOrEqual(t, time.Since(began), 30*time.Second)
	})
}

func TestWhoGoesFirst(t *testing.T) {
	prefix := freshPrefix(t)
	synctest.Test(t, func(t *testing.T) {
		l := process(t, prefix)
		l.Done(acquire(t, l, call("1")), refusedBy(80002, time.Minute))
		l.Done(acquire(t, l, call("2")), refusedBy(4, 2*time.Minute))
		var q queue
		for _, as := range []string{"background", "normal 1", "normal 2", "interactive", "normal 3"} {
			c := call("1")
			switch as {
			case "background":
				c.Priority = instagram.PriorityBackground
			case "interactive":
				c.Priority = instagram.PriorityInteractive
			}
			q.join(t, l, as, c)
		}
		q.finish(t, 5, l)
		assert.Equal(t, []string{"interactive", "normal 1", "normal 2", "normal 3", "background"}, q.names())
	})
}

func TestAccountsTakeTurns(t *testing.T) {
	prefix := freshPrefix(t)
	synctest.Test(t, func(t *testing.T) {
		l := process(t, prefix)
		l.Done(acquire(t, l, call("0")), refusedBy(4, time.Minute))
		var q queue
		dear := call("dear")
		dear.Cost = 3
		for range 4 {
			q.join(t, l, "hot", call("hot"))
		}
		for range 2 {
			q.join(t, l, "dear", dear)
		}
		for range 2 {
			q.join(t, l, "cold", call("cold"))
		}
		q.finish(t, 8, l)
		assert.Equal(t, []string{"hot", "dear", "cold", "hot", "cold", "hot", "hot", "dear"}, q.names())
	})
}

func TestBackgroundLeavesAPart(t *testing.T) {
	prefix := freshPrefix(t)
	synctest.Test(t, func(t *testing.T) {
		a, b := process(t, prefix), process(t, prefix)
		use(t, a, call("1"), 96)
		c := call("1")
		c.MaxWait, c.Priority = 0, instagram.PriorityBackground
		_, err := b.Acquire(t.Context(), c)
		require.ErrorIs(t, err, instagram.ErrThrottled)
		c.Priority = instagram.PriorityInteractive
		b.Done(acquire(t, b, c), served(97))
	})
}

func TestCostCountsForAllProcesses(t *testing.T) {
	prefix := freshPrefix(t)
	synctest.Test(t, func(t *testing.T) {
		a, b := process(t, prefix), process(t, prefix)
		use(t, a, call("1"), 10)
		c := call("1")
		c.Cost = 90
		b.Done(acquire(t, b, c), served(100))
		settle(b)
		assert.Equal(t, 100, total(t, a))
		c = call("1")
		c.MaxWait, c.Priority = 0, instagram.PriorityBackground
		_, err := a.Acquire(t.Context(), c)
		require.ErrorIs(t, err, instagram.ErrThrottled, "that was all of it")
	})
}

func TestCancelledWaitEndsAtOnce(t *testing.T) {
	prefix := freshPrefix(t)
	synctest.Test(t, func(t *testing.T) {
		l := process(t, prefix)
		l.Done(acquire(t, l, call("1")), refusedBy(4, time.Hour))
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("shutdown")
		time.AfterFunc(time.Minute, func() { cancel(why) })
		began := time.Now()
		_, err := l.Acquire(ctx, call("1"))
		require.ErrorIs(t, err, why)
		assert.Equal(t, time.Minute, time.Since(began))
		_, err = l.Acquire(ctx, call("1"))
		require.ErrorIs(t, err, why)

		var q queue
		q.join(t, l, "next", call("1"))
		q.finish(t, 1, l)
		assert.Equal(t, time.Hour, time.Since(began).Round(time.Minute), "nothing is kept for who has left")
	})
}

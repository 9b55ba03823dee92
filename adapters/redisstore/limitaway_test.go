package redisstore

// This file answers: what does the limiter do while Redis is away, slow or new?

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/internal/pacing"
)

// wire is what connects a client with Redis.
type wire struct {
	down atomic.Bool
	lose atomic.Int64 // the answer to so many-th script from now is lost
	slow atomic.Int64 // scripts are under way for so long
}

var errDown = errors.New("the wire is cut")

func (w *wire) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if w.down.Load() {
		return nil, errDown
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	return &wiredConn{Conn: conn, wire: w}, err
}

type wiredConn struct {
	net.Conn

	wire *wire
	lost atomic.Bool // what Redis answers
}

func (c *wiredConn) Write(b []byte) (int, error) {
	if c.wire.down.Load() {
		return 0, errDown
	}
	if bytes.Contains(b, []byte("evalsha")) { // new connections are not slow: go-redis makes them with a mutex held
		c.lost.Store(c.wire.lose.Add(-1) == 0)
		time.Sleep(time.Duration(c.wire.slow.Load()))
	}
	return c.Conn.Write(b)
}

func (c *wiredConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.lost.Load() {
		_ = c.Close()
		return 0, errDown
	}
	return n, err
}

// wired returns a client and its wire.
func wired(t *testing.T) (*redis.Client, *wire) {
	t.Helper()
	w := &wire{}
	opts := options(t)
	opts.ConnMaxIdleTime = -1 // the clock may jump
	opts.Dialer = w.dial
	rdb := redis.NewClient(opts)
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb, w
}

// wiredProcess is like process, with a wire that can be cut.
func wiredProcess(t *testing.T, prefix string) (*limiter, *wire) {
	t.Helper()
	rdb, w := wired(t)
	l := newLimiter(rdb, instagram.LimiterOptions{}, WithKeyPrefix(prefix))
	l.clock = time.Now
	t.Cleanup(func() {
		settle(l)
		time.Sleep(time.Minute) // go-redis tries for some seconds what it was asked for
	})
	return l, w
}

// TestTicketsOfTheCancelledGoBack cancels calls while Redis is asked for them.
func TestTicketsOfTheCancelledGoBack(t *testing.T) {
	prefix := freshPrefix(t)
	synctest.Test(t, func(t *testing.T) {
		a, w := wiredProcess(t, prefix)
		b := process(t, prefix)
		w.slow.Store(int64(100 * time.Millisecond))
		for range 50 {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			_, err := a.Acquire(ctx, call("1"))
			require.ErrorIs(t, err, context.DeadlineExceeded)
			cancel()
		}
		time.Sleep(time.Minute)
		settle(a)
		hurry := call("1")
		hurry.MaxWait = 0
		p := acquire(t, b, hurry)
		assert.Equal(t, int64(51), p.Node.(*ticket).app)
		b.Done(p, served(1))
		settle(b)
		assert.Equal(t, 1, total(t, b), "none of the others counts, or is in flight")
	})
}

// total returns how many calls Redis holds in the window of an app's quota, and those in flight once more.
func total(t *testing.T, l *limiter) int {
	t.Helper()
	show := `local g = cmsgpack.unpack(redis.call('GET', KEYS[1])) return g.total + (g.fly0 or 0) + (g.fly1 or 0)`
	got, err := l.store.rdb.Eval(t.Context(), show, l.keys(l.alone.Asked(call("1")).App)[:1]).Int()
	require.NoError(t, err)
	return got
}

func TestRedisIsAwayFromTheStart(t *testing.T) {
	prefix := freshPrefix(t)
	synctest.Test(t, func(t *testing.T) {
		l, w := wiredProcess(t, prefix)
		w.down.Store(true)
		began := time.Now()
		p, err := l.Acquire(t.Context(), call("1"))
		require.NoError(t, err)
		assert.LessOrEqual(t, time.Since(began), patience)
		l.Done(p, refusedBy(4, 10*time.Minute))
		hurry := call("1")
		hurry.MaxWait = time.Second
		_, err = l.Acquire(t.Context(), hurry)
		var limited *instagram.RateLimitError
		require.ErrorAs(t, err, &limited, "away is not without limit")
		assert.InDelta(t, 10*time.Minute, limited.RetryAfter, float64(time.Second))
	})
}

// TestRedisIsAwayInBetween shows that what was learned together holds alone,
// and what was learned alone together.
func TestRedisIsAwayInBetween(t *testing.T) {
	prefix := freshPrefix(t)
	synctest.Test(t, func(t *testing.T) {
		a, wa := wiredProcess(t, prefix)
		b, wb := wiredProcess(t, prefix)
		use(t, a, call("1"), 3)
		a.Done(acquire(t, a, call("1")), refusedBy(4, 10*time.Minute))
		wa.down.Store(true)
		hurry := call("1")
		hurry.MaxWait = time.Second
		var limited *instagram.RateLimitError
		_, err := a.Acquire(t.Context(), hurry)
		require.ErrorAs(t, err, &limited)
		assert.InDelta(t, 10*time.Minute, limited.RetryAfter, float64(2*time.Second), "a knows it from before")

		began := time.Now()
		p, err := a.Acquire(t.Context(), call("1"))
		require.NoError(t, err)
		assert.IsType(t, &pacing.Account{}, p.Node, "it decides alone")
		assert.InDelta(t, 10*time.Minute, time.Since(began), float64(5*time.Second))
		assert.Equal(t, time.Since(began), p.Waited)
		a.Done(p, refusedBy(4, 20*time.Minute))

		wa.down.Store(false)
		time.Sleep(2 * time.Second)
		_, _ = a.Acquire(t.Context(), hurry) // it is time to look again
		time.Sleep(2 * time.Second)
		settle(a)
		_, err = b.Acquire(t.Context(), hurry)
		require.ErrorAs(t, err, &limited)
		assert.InDelta(t, 20*time.Minute, limited.RetryAfter, float64(10*time.Second), "b hears of what a met alone")
		wb.down.Store(true)
		_, err = b.Acquire(t.Context(), hurry)
		require.NoError(t, err, "b is alone now, and has not met a refusal itself")
	})
}

// TestWaitersFollow shows that calls in line go on alone when Redis goes, and
// together when it comes back.
func TestWaitersFollow(t *testing.T) {
	prefix := freshPrefix(t)
	synctest.Test(t, func(t *testing.T) {
		l, w := wiredProcess(t, prefix)
		other := process(t, prefix)
		use(t, other, call("1"), 1)
		other.Done(acquire(t, other, call("1")), refusedBy(4, 10*time.Minute))
		began := time.Now()
		var q queue
		for range 3 {
			q.join(t, l, "", call("1"))
		}
		time.Sleep(time.Minute)
		require.Empty(t, q.names())
		w.down.Store(true)
		time.Sleep(15 * time.Minute)
		require.Len(t, q.names(), 3, "alone, it knows of no reason to wait")
		for i := range 3 {
			l.Done(q.got[i], refusedBy(4, time.Hour))
		}
		q.got, q.as = nil, nil
		var waits atomic.Int32
		for range 3 {
			c := call("1")
			c.OnWait = func(instagram.Wait) { waits.Add(1) }
			q.join(t, l, "", c)
		}
		time.Sleep(10 * time.Minute)
		require.Empty(t, q.names())
		w.down.Store(false)
		time.Sleep(5 * time.Second)
		require.Empty(t, q.names(), "and tells the others")
		q.finish(t, 3, l)
		assert.IsType(t, &ticket{}, q.got[0].Node)
		assert.EqualValues(t, 3, waits.Load(), "each wait is told once, wherever it goes on")
		assert.InDelta(t, 76, time.Since(began).Minutes(), 1, "an hour from when it was said")
		p := acquire(t, other, call("1"))
		assert.Equal(t, int64(9), p.Node.(*ticket).app, "they count in Redis: 2 of the other, 3 alone, 3 together")
		other.Done(p, served(1))
	})
}

func TestRedisThatDoesNotAnswer(t *testing.T) {
	prefix := freshPrefix(t)
	synctest.Test(t, func(t *testing.T) {
		l, w := wiredProcess(t, prefix)
		w.slow.Store(int64(time.Minute))
		began := time.Now()
		p, err := l.Acquire(t.Context(), call("1"))
		require.NoError(t, err)
		assert.Equal(t, patience, time.Since(began))
		l.Done(p, served(1))
		p, err = l.Acquire(t.Context(), call("1"))
		require.NoError(t, err)
		l.Done(p, served(1))
		assert.Equal(t, patience, time.Since(began), "the next call does not try again")
	})
}

// TestALostAnswerCountsNothingTwice loses the answers to what Redis is told.
func TestALostAnswerCountsNothingTwice(t *testing.T) {
	prefix := freshPrefix(t)
	synctest.Test(t, func(t *testing.T) {
		l, w := wiredProcess(t, prefix)
		use(t, l, call("1"), 2)
		w.down.Store(true)
		for _, lost := range []int64{2, 2, 2, 0} { // the first script asks whether Redis is back, the second tells it
			p, err := l.Acquire(t.Context(), call("1"))
			require.NoError(t, err)
			w.lose.Store(lost)
			w.down.Store(false)
			l.Done(p, served(3))
			time.Sleep(2 * time.Second)
		}
		use(t, l, call("1"), 3)
		settle(l)
		assert.Equal(t, 9, total(t, process(t, prefix)))
	})
}

// TestOneTellsAtATime has Redis so slow that it is held to be away, and looked
// for, while it is still being told something.
func TestOneTellsAtATime(t *testing.T) {
	prefix := freshPrefix(t)
	synctest.Test(t, func(t *testing.T) {
		l, w := wiredProcess(t, prefix)
		use(t, l, call("1"), 1)
		w.slow.Store(int64(2 * time.Second))
		asked, told := l.alone.Asked(call("1")), 1
		alone := func(n int) { // calls that went without asking Redis
			for range n {
				o := served(2)
				l.app(asked.App).tell(t.Context(), news{call: asked, outcome: l.alone.Paced(call("1"), &o)})
				told++
			}
		}
		began := time.Now()
		alone(1)
		go func() {
			_, err := l.Acquire(t.Context(), call("1"))
			assert.NoError(t, err)
		}()
		time.Sleep(600*time.Millisecond - time.Since(began))
		alone(400)
		time.Sleep(1600*time.Millisecond - time.Since(began))
		alone(1)
		time.Sleep(5 * time.Second)
		w.slow.Store(0)
		time.Sleep(15 * time.Second)
		settle(l)
		assert.Equal(t, told, total(t, l))
	})
}

// TestRedisForgotTheScripts shows that a restarted Redis is told them anew.
func TestRedisForgotTheScripts(t *testing.T) {
	prefix := freshPrefix(t)
	synctest.Test(t, func(t *testing.T) {
		l := process(t, prefix)
		for range 3 {
			require.NoError(t, l.store.rdb.ScriptFlush(t.Context()).Err())
			use(t, l, call("1"), 1)
		}
	})
}

// TestRedisForgotTheQuotas shows that marks of before do no harm.
func TestRedisForgotTheQuotas(t *testing.T) {
	prefix := freshPrefix(t)
	synctest.Test(t, func(t *testing.T) {
		l := process(t, prefix)
		use(t, l, call("1"), 5)
		p := acquire(t, l, call("1"))
		keys := accountKeys(l.keys(l.alone.Asked(p.Call).App), "1")
		require.NoError(t, l.store.rdb.Del(t.Context(), keys...).Err())
		l.Done(p, served(6))
		settle(l)
		use(t, l, call("1"), 5)
		assert.Equal(t, 5, total(t, l))
	})
}

package instagram

// This file answers: when does the limiter let a call go, and what does it say
// when it does not?

import (
	"context"
	"errors"
	"math"
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

// bare429 is what a proxy says, which knows nothing of Graph errors.
func bare429(after time.Duration) Outcome {
	return Outcome{Sent: true, Status: 429, Err: &Error{HTTPStatus: 429, RetryAfter: after}}
}

func served(entries ...UsageEntry) Outcome {
	o := Outcome{Sent: true, Status: 200}
	for _, e := range entries {
		o.Usage.append(e)
	}
	return o
}

// used is the entry of a usage header.
func used(family string, percent float64) UsageEntry {
	return UsageEntry{Bucket: Bucket{Family: family}, Percent: percent}
}

func callOfAccount(account string) Call { return Call{AppID: "app", AccountID: account, MaxWait: -1} }

// once sends one call that ends as told.
func once(t *testing.T, l Limiter, c Call, o Outcome) Permit {
	t.Helper()
	p, err := l.Acquire(t.Context(), c)
	require.NoError(t, err)
	l.Done(p, o)
	return p
}

// refusedFor returns how long a call that cannot wait is told to stay away; 0: it may go.
func refusedFor(t *testing.T, l Limiter, c Call) (time.Duration, Bucket) {
	t.Helper()
	c.MaxWait = 0
	began := time.Now()
	p, err := l.Acquire(t.Context(), c)
	require.Zero(t, time.Since(began), "it cannot wait")
	if err == nil {
		l.Done(p, Outcome{})
		return 0, Bucket{}
	}
	var limited *RateLimitError
	require.ErrorAs(t, err, &limited)
	require.ErrorIs(t, err, ErrThrottled)
	require.NoError(t, limited.Err, "the platform has not said it")
	return limited.RetryAfter, limited.Bucket
}

// queue is calls that wait, and the order in which they were let go.
type queue struct {
	t  *testing.T
	l  Limiter
	mu sync.Mutex

	order   []string
	permits []Permit
	errs    map[string]error
}

// enter puts a call in line, behind those that are there.
func (q *queue) enter(ctx context.Context, name string, c Call) {
	q.t.Helper()
	go func() {
		p, err := q.l.Acquire(ctx, c)
		q.mu.Lock()
		defer q.mu.Unlock()
		if err != nil {
			q.errs[name] = err
			return
		}
		q.order, q.permits = append(q.order, name), append(q.permits, p)
	}()
	synctest.Wait()
}

// drain answers every call that is let go, one by one, until no more are.
func (q *queue) drain(o Outcome) []string {
	for n := 0; ; n++ {
		synctest.Wait()
		q.mu.Lock()
		if n == len(q.permits) {
			defer q.mu.Unlock()
			return q.order
		}
		p := q.permits[n]
		q.mu.Unlock()
		q.l.Done(p, o)
	}
}

func newQueue(t *testing.T, l Limiter) *queue {
	t.Helper()
	return &queue{t: t, l: l, errs: map[string]error{}}
}

func TestLimiterStopsWhileMetaStatesAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(LimiterOptions{})
		c := callOfAccount("1")
		once(t, l, c, throttledBy(4, 5*time.Minute))

		var told []Wait
		c.OnWait = func(w Wait) {
			told = append(told, w)
			assert.Len(t, told, 1)
		}
		began := time.Now()
		go func() {
			time.Sleep(time.Second)
			synctest.Wait()
			assert.Len(t, told, 1, "told when the wait begins, not when it ends")
		}()
		p, err := l.Acquire(t.Context(), c)
		require.NoError(t, err)
		assert.Equal(t, 5*time.Minute, time.Since(began))
		assert.Equal(t, 5*time.Minute, p.Waited)
		app := Bucket{Family: "app", ID: "app"}
		assert.Equal(t, app, p.Bucket)
		assert.Equal(t, "blocked by the platform", p.Reason)
		assert.Equal(t, []Wait{{For: 5 * time.Minute, Reason: "blocked by the platform", Bucket: app}}, told)

		l.Done(p, served())
		p = once(t, l, c, served())
		assert.Zero(t, p.Waited)
		assert.Zero(t, p.Bucket)
		assert.Empty(t, p.Reason)
	})
}

// TestRefusalsWithoutAWait says how long nothing is sent when the platform does
// not say so.
func TestRefusalsWithoutAWait(t *testing.T) {
	for name, test := range map[string]struct {
		refused Outcome
		waits   []time.Duration // before the 1st, 2nd … call after a refusal, each of which is refused too
	}{
		"an app's quota":         {throttledBy(4, 0), []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute}},
		"an account's quota":     {throttledBy(80002, 0), []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute}},
		"a bare 429":             {bare429(0), []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 30 * time.Second, 30 * time.Second}},
		"a bare 429 with a wait": {bare429(3 * time.Second), []time.Duration{3 * time.Second, 3 * time.Second, 3 * time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, c := NewLimiter(LimiterOptions{}), callOfAccount("1")
				once(t, l, c, test.refused)
				for i, want := range test.waits {
					assert.Equal(t, want, once(t, l, c, test.refused).Waited, "wait %d", i)
				}
				once(t, l, c, served())
				assert.LessOrEqual(t, once(t, l, c, served()).Waited, time.Second, "it helped at last")
			})
		})
	}
}

// TestAProbeThatShowsNothing is followed by another at once.
func TestAProbeThatShowsNothing(t *testing.T) {
	t.Parallel()
	for name, probe := range map[string]Outcome{
		"a fault":    {Sent: true, Status: 503, Err: &Error{HTTPStatus: 503}},
		"no answer":  {Sent: true, Err: errors.New("reset")},
		"never sent": {Err: errors.New("no token")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for _, refused := range []Outcome{throttledBy(4, time.Minute), throttledBy(80002, time.Minute), bare429(time.Minute)} {
					l, c := NewLimiter(LimiterOptions{}), callOfAccount("1")
					once(t, l, c, refused)
					assert.Equal(t, time.Minute, once(t, l, c, probe).Waited)
					for range 3 {
						assert.Zero(t, once(t, l, c, probe).Waited)
					}
					assert.Zero(t, once(t, l, c, served()).Waited)
				}
			})
		})
	}
}

func TestWhomARefusalStops(t *testing.T) {
	t.Parallel()
	all := map[string]Call{
		"itself":                    {AppID: "app", AccountID: "1"},
		"another account":           {AppID: "app", AccountID: "2"},
		"a call without an account": {AppID: "app"},
		"another app":               {AppID: "app2", AccountID: "1"},
		"the other login product":   {Login: FacebookLogin, AppID: "app", AccountID: "1"},
	}
	ofApp, ofAccount := Bucket{Family: "app", ID: "app"}, Bucket{Family: "instagram", ID: "1"}
	publishing := &Error{Code: 9, Subcode: 2207042, HTTPStatus: 400}
	for name, test := range map[string]struct {
		refused Outcome
		stops   map[string]Bucket
	}{
		"code 4":                      {throttledBy(4, time.Hour), map[string]Bucket{"itself": ofApp, "another account": ofApp, "a call without an account": ofApp}},
		"code 80002":                  {throttledBy(80002, time.Hour), map[string]Bucket{"itself": ofAccount}},
		"a bare 429":                  {bare429(time.Hour), map[string]Bucket{"itself": ofApp, "another account": ofApp, "a call without an account": ofApp}},
		"the quota of posts":          {Outcome{Sent: true, Status: 400, Err: publishing}, nil},
		"an error of another kind":    {Outcome{Sent: true, Status: 400, Err: &Error{Code: 100, HTTPStatus: 400}}, nil},
		"no answer":                   {Outcome{Sent: true, Err: errors.New("reset")}, nil},
		"a wait beside 19 percent":    {served(UsageEntry{Bucket: ofAccount, Percent: 19, RegainAccess: time.Hour}), nil},
		"an app at 100, with a wait":  {served(UsageEntry{Bucket: ofApp, Percent: 100, RegainAccess: time.Hour}), map[string]Bucket{"itself": ofApp, "another account": ofApp, "a call without an account": ofApp}},
		"an account at 100, the same": {served(UsageEntry{Bucket: ofAccount, Percent: 100, RegainAccess: time.Hour}), map[string]Bucket{"itself": ofAccount}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := NewLimiter(LimiterOptions{})
				once(t, l, all["itself"], test.refused)
				for who, c := range all {
					after, bucket := refusedFor(t, l, c)
					want, stopped := test.stops[who]
					assert.Equal(t, stopped, after > 0, who)
					assert.Equal(t, want, bucket, who)
					if stopped {
						assert.InDelta(t, time.Hour, after, float64(2*time.Second), who)
					}
				}
			})
		})
	}
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

// TestWaitsOfAnyLength: a limit of centuries is one, and sums of it do not wrap.
func TestWaitsOfAnyLength(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, c := NewLimiter(LimiterOptions{}), callOfAccount("1")
		for _, longest := range []time.Duration{math.MaxInt64, math.MaxInt64 - 1, -1, math.MinInt64} {
			once(t, l, c, throttledBy(80002, time.Minute))
			c.MaxWait = longest
			assert.Equal(t, time.Minute, once(t, l, c, served()).Waited, longest)
		}
		once(t, l, c, throttledBy(80002, time.Minute))
		ctx, cancel := context.WithDeadline(t.Context(), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC))
		defer cancel()
		p, err := l.Acquire(ctx, c)
		require.NoError(t, err)
		assert.Equal(t, time.Minute, p.Waited)
		l.Done(p, served())
	})
}

// TestAWaitOfUnknownLengthEndsInTime: nobody can say when a probe is answered.
func TestAWaitOfUnknownLengthEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, c := NewLimiter(LimiterOptions{}), callOfAccount("1")
		once(t, l, c, throttledBy(80002, time.Minute))
		probe, err := l.Acquire(t.Context(), c)
		require.NoError(t, err)

		c.MaxWait = 5 * time.Second
		began := time.Now()
		_, err = l.Acquire(t.Context(), c)
		var limited *RateLimitError
		require.ErrorAs(t, err, &limited)
		assert.Equal(t, 5*time.Second, time.Since(began))
		assert.Positive(t, limited.RetryAfter)

		c.MaxWait = -1
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err = l.Acquire(ctx, c)
		require.Error(t, err)
		assert.Equal(t, 10*time.Second, time.Since(began), "the deadline bounds it too")

		l.Done(probe, served())
		assert.Zero(t, once(t, l, c, served()).Waited, "those who gave up are not waited for")
	})
}

func TestCancellationOfAWaitLosesNoPermit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, c := NewLimiter(LimiterOptions{}), callOfAccount("1")
		enough := errors.New("enough")
		dead, cancelDead := context.WithCancelCause(t.Context())
		cancelDead(enough)
		_, err := l.Acquire(dead, c)
		require.ErrorIs(t, err, enough, "no permit for who has gone, though there is room")

		for round := range 40 {
			once(t, l, c, throttledBy([]int{4, 80002}[round%2], time.Minute))
			q := newQueue(t, l)
			ctx, cancel := context.WithCancelCause(t.Context())
			q.enter(ctx, "leaves", c)
			q.enter(t.Context(), "stays", c)
			go func() { // now before, now at the moment when it is let go
				time.Sleep([]time.Duration{time.Second, time.Minute}[round/2%2])
				cancel(enough)
			}()
			time.Sleep(2 * time.Second)
			if round/2%2 == 0 {
				q.mu.Lock()
				assert.ErrorIs(t, q.errs["leaves"], enough, "at once, and with the cause")
				q.mu.Unlock()
			}
			time.Sleep(time.Minute)
			assert.Contains(t, q.drain(served()), "stays")
			assert.Zero(t, once(t, l, c, served()).Waited, "round %d: nothing is left in flight", round)
		}
	})
}

// TestCancellationAtTheMomentOfLeave: the call has its permit and is gone, and
// what it leaves is the probe that everyone waits for.
func TestCancellationAtTheMomentOfLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, gone := NewLimiter(LimiterOptions{}), 0
		for range 30 { // each of which may see either first
			c := callOfAccount("1")
			once(t, l, c, throttledBy(80002, time.Minute))
			ctx, cancel := context.WithCancel(t.Context())
			c.OnWait = func(Wait) { // as if the caller's goroutine came late
				time.Sleep(time.Minute + time.Second)
				cancel()
			}
			p, err := l.Acquire(ctx, c)
			if err == nil {
				l.Done(p, served())
			} else {
				gone++
			}
			assert.Zero(t, once(t, l, callOfAccount("1"), served()).Waited)
			cancel()
		}
		assert.Positive(t, gone)
	})
}

func TestForeignPermitsAreIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(LimiterOptions{})
		for range 100 {
			l.Done(Permit{}, throttledBy(4, time.Hour))
			l.Done(Permit{Call: callOfAccount("1"), Seq: 7, Node: "another limiter's"}, throttledBy(4, time.Hour))
		}
		after, _ := refusedFor(t, l, callOfAccount("1"))
		assert.Zero(t, after)
	})
}

func TestCallsThatWereNotSentUseNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, c := NewLimiter(LimiterOptions{}), callOfAccount("1")
		m := &meter{limit: 100, window: 24 * time.Hour}
		for range 50 {
			once(t, l, c, m.answer("instagram", 1))
		}
		for range 1000 {
			once(t, l, c, Outcome{Sent: false})
		}
		for range 50 {
			assert.Zero(t, once(t, l, c, m.answer("instagram", 1)).Waited)
		}
		assert.Zero(t, m.refused)
		once(t, l, c, m.answer("instagram", 1)) // 100 percent may be 100.9, and one call looks
		after, _ := refusedFor(t, l, c)
		assert.Positive(t, after, "and those that were sent have used it up")
	})
}

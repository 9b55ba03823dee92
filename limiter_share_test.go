package instagram

// This file answers: how does the limiter share a quota among those who want
// it, and how does it follow a quota that changes?

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// meter is a rolling quota of a platform's. Refused calls count, as Meta's do.
type meter struct {
	mu     sync.Mutex
	limit  int
	window time.Duration
	silent bool // it says nothing: no percentages, no waits
	cpu    bool // call_count stays at half: what binds is the time of the CPU

	calls           []time.Time
	served, refused int
}

func (m *meter) setLimit(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.limit = n
}

// answer counts a call and says what the answer to it would.
func (m *meter) answer(family string, cost int) Outcome {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for len(m.calls) > 0 && !m.calls[0].After(now.Add(-m.window)) {
		m.calls = m.calls[1:]
	}
	refuse := len(m.calls) >= m.limit
	for range cost {
		m.calls = append(m.calls, now)
	}
	e := used(family, float64(len(m.calls)*100/m.limit))
	if m.cpu {
		e.CallCount, e.CPUTime, e.Measure = e.Percent/2, e.Percent, "total_cputime"
	}
	if m.silent {
		e = UsageEntry{}
	} else if refuse {
		frees := m.calls[len(m.calls)-m.limit].Add(m.window)
		e.RegainAccess = frees.Sub(now).Truncate(time.Minute) + time.Minute
	}
	o := Outcome{Sent: true, Status: 200}
	if e != (UsageEntry{}) {
		o.Usage.append(e)
	}
	if !refuse {
		m.served++
		return o
	}
	m.refused++
	code := 80002
	if family == "app" {
		code = 4
	}
	o.Status = 400
	refusal := &Error{Code: code, HTTPStatus: 400, Usage: o.Usage}
	refusal.RetryAfter = refusal.regain()
	o.Err = refusal
	return o
}

// eat uses a call up that a foreign program makes.
func (m *meter) eat() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls = append(m.calls, time.Now())
}

// work makes calls without end, as many at a time as there are workers, until ctx ends.
func work(ctx context.Context, all *sync.WaitGroup, workers int, l Limiter, c Call, m *meter, family string) {
	for range workers {
		all.Go(func() {
			for {
				p, err := l.Acquire(ctx, c)
				if err != nil {
					return
				}
				time.Sleep(150 * time.Millisecond)
				l.Done(p, m.answer(family, max(1, c.Cost)))
			}
		})
	}
}

func TestCallsOfAnAccountGoInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, code := range []int{80002, 4} { // in the account's line, and in the app's
			l, c := NewLimiter(LimiterOptions{}), callOfAccount("1")
			once(t, l, c, throttledBy(code, time.Minute))
			q := newQueue(t, l)
			var want []string
			for n := range 12 {
				want = append(want, strconv.Itoa(n))
				q.enter(t.Context(), want[n], c)
			}
			time.Sleep(2 * time.Minute)
			assert.Equal(t, want, q.drain(served()), code)
		}
	})
}

func TestPrioritiesInLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, code := range []int{80002, 4} {
			l, c := NewLimiter(LimiterOptions{BackgroundReserve: -1}), callOfAccount("1")
			once(t, l, c, throttledBy(code, time.Minute))
			q := newQueue(t, l)
			for _, p := range []Priority{PriorityBackground, PriorityNormal, PriorityInteractive} {
				c.Priority = p
				q.enter(t.Context(), p.String()+" 1", c)
				q.enter(t.Context(), p.String()+" 2", c)
			}
			time.Sleep(2 * time.Minute)
			assert.Equal(t, []string{
				"interactive 1", "interactive 2", "normal 1", "normal 2", "background 1", "background 2",
			}, q.drain(served()), code)
		}
	})
}

func TestBackgroundWorkLeavesTheRestOfAQuota(t *testing.T) {
	for name, test := range map[string]struct {
		reserve          float64
		background, most int // calls of the background, and of a person's after them
	}{
		"five percent, unless told": {0, 95, 100},
		"a fifth":                   {0.2, 80, 100},
		"none":                      {-1, 100, 100},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for _, family := range []string{"app", "instagram"} {
					l := NewLimiter(LimiterOptions{BackgroundReserve: test.reserve})
					m := &meter{limit: 100, window: 24 * time.Hour}
					if family == "app" {
						m.window = time.Hour
					}
					fill := func(p Priority) (after time.Duration) {
						for {
							c := callOfAccount("1")
							c.Priority, c.MaxWait = p, 0
							permit, err := l.Acquire(t.Context(), c)
							if limited, ok := errors.AsType[*RateLimitError](err); ok {
								return limited.RetryAfter
							}
							require.NoError(t, err)
							l.Done(permit, m.answer(family, 1))
						}
					}
					assert.Positive(t, fill(PriorityBackground))
					assert.InDelta(t, test.background, m.served, 2, family)
					fill(PriorityInteractive)
					assert.Equal(t, test.most, m.served, family)
					fill(PriorityNormal)
					assert.Equal(t, test.most, m.served)
					assert.LessOrEqual(t, m.refused, 1, "the one that looks whether 100 percent is the end")
				}
			})
		})
	}
}

// TestAnAppsQuotaGoesRoundItsAccounts: those who wait take turns by account, not
// by who came first.
func TestAnAppsQuotaGoesRoundItsAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(LimiterOptions{})
		once(t, l, callOfAccount("hot"), throttledBy(4, time.Minute))
		q := newQueue(t, l)
		for n := range 8 {
			q.enter(t.Context(), fmt.Sprint("hot ", n), callOfAccount("hot"))
		}
		for _, cold := range []string{"a", "b", "c"} {
			q.enter(t.Context(), cold, callOfAccount(cold))
		}
		time.Sleep(2 * time.Minute)
		assert.Equal(t, []string{
			"hot 0", "a", "b", "c", "hot 1", "hot 2", "hot 3", "hot 4", "hot 5", "hot 6", "hot 7",
		}, q.drain(served()))
	})
}

// TestACallThatCountsForManyTakesManyTurns: a batch of fifty is fifty calls.
func TestACallThatCountsForManyTakesManyTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(LimiterOptions{})
		once(t, l, callOfAccount("single"), throttledBy(4, time.Minute))
		q := newQueue(t, l)
		batch := callOfAccount("batches")
		batch.Cost = 4
		q.enter(t.Context(), "batch 0", batch)
		q.enter(t.Context(), "batch 1", batch)
		for n := range 9 {
			q.enter(t.Context(), strconv.Itoa(n), callOfAccount("single"))
		}
		time.Sleep(2 * time.Minute)
		assert.Equal(t, []string{"batch 0", "0", "1", "2", "3", "batch 1", "4", "5", "6", "7", "8"}, q.drain(served()),
			"four calls of the others between two that count as four")
	})
}

func TestACallThatCountsForManyUsesUpAsMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, m := NewLimiter(LimiterOptions{}), &meter{limit: 100, window: 24 * time.Hour}
		batch := callOfAccount("batches")
		batch.Cost = 10
		for n := range 10 {
			assert.Zero(t, once(t, l, batch, m.answer("instagram", 10)).Waited, n)
		}
		assert.Zero(t, m.refused)
		once(t, l, callOfAccount("batches"), m.answer("instagram", 1)) // looks whether 100 percent is the end
		after, bucket := refusedFor(t, l, callOfAccount("batches"))
		assert.Positive(t, after)
		assert.Equal(t, Bucket{Family: "instagram", ID: "batches"}, bucket)
		assert.Equal(t, 1, m.refused)
	})
}

// TestAHotAccountDoesNotSlowTheOthers: forty accounts that call now and then,
// beside one that wants all there is.
func TestAHotAccountDoesNotSlowTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(LimiterOptions{})
		m := &meter{limit: 2000, window: time.Hour}
		ctx, cancel := context.WithCancel(t.Context())
		var all, cold sync.WaitGroup
		time.AfterFunc(30*time.Minute, func() { work(ctx, &all, 32, l, callOfAccount("hot"), m, "app") })
		const calls, pause = 30, 5 * time.Minute
		for n := range 40 {
			cold.Go(func() {
				var waited time.Duration
				time.Sleep(time.Duration(n) * pause / 40)
				for range calls {
					p, err := l.Acquire(ctx, callOfAccount(strconv.Itoa(n)))
					if !assert.NoError(t, err) {
						return
					}
					waited += p.Waited
					time.Sleep(150 * time.Millisecond)
					l.Done(p, m.answer("app", 1))
					time.Sleep(pause)
				}
				assert.LessOrEqual(t, waited, calls*pause/20, "account %d: a twentieth of its time", n)
			})
		}
		cold.Wait()
		cancel()
		all.Wait()
		t.Logf("%d served, %d refused", m.served, m.refused)
		assert.Greater(t, m.served, 2000*2, "and what they leave is used: two hours of it")
		assert.LessOrEqual(t, m.refused, m.served/50)
	})
}

// TestQuotas lets eight workers want more than there is, for some windows.
func TestQuotas(t *testing.T) {
	t.Parallel()
	type test struct {
		family   string
		window   time.Duration
		limiters int
		silent   bool
		cpu      bool
		then     int     // the limit after three windows; it is 400 before
		foreign  int     // calls that another program makes in a window
		least    float64 // of what there is, is served
		refused  float64 // of the calls, at most
	}
	for name, q := range map[string]test{
		"an app's":                       {family: "app", window: time.Hour, least: 0.97, refused: 0.01},
		"an account's":                   {family: "instagram", window: 24 * time.Hour, least: 0.97, refused: 0.01},
		"one of CPU time":                {family: "app", window: time.Hour, cpu: true, least: 0.97, refused: 0.01},
		"one that no header tells of":    {family: "app", window: time.Hour, silent: true, least: 0.8, refused: 0.02},
		"one that is halved":             {family: "app", window: time.Hour, then: 200, least: 0.9, refused: 0.03},
		"one that is doubled":            {family: "app", window: time.Hour, then: 800, least: 0.9, refused: 0.01},
		"two processes on one":           {family: "app", window: time.Hour, limiters: 2, least: 0.85, refused: 0.05},
		"one that a foreigner eats, too": {family: "app", window: time.Hour, foreign: 130, least: 0.85, refused: 0.05},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const before, after = 3, 3 // windows
				m := &meter{limit: 400, window: q.window, silent: q.silent, cpu: q.cpu}
				ctx, cancel := context.WithCancel(t.Context())
				var all sync.WaitGroup
				for range max(1, q.limiters) {
					work(ctx, &all, 8/max(1, q.limiters), NewLimiter(LimiterOptions{}), callOfAccount("1"), m, q.family)
				}
				if q.foreign > 0 {
					all.Go(func() {
						for ctx.Err() == nil {
							m.eat()
							time.Sleep(q.window / time.Duration(q.foreign))
						}
					})
				}
				time.Sleep(before*q.window - time.Minute)
				there := m.limit * before
				if q.then != 0 {
					m.setLimit(q.then)
				}
				there += m.limit*after - q.foreign*(before+after)
				time.Sleep(after * q.window)
				cancel()
				all.Wait()
				t.Logf("%d of %d served, %d refused", m.served, there, m.refused)
				assert.GreaterOrEqual(t, float64(m.served), q.least*float64(there))
				assert.LessOrEqual(t, float64(m.refused), q.refused*float64(m.served))
			})
		})
	}
}

// TestMemoryIsBounded counts what a hundred thousand accounts leave behind. It is
// not parallel.
func TestMemoryIsBounded(t *testing.T) {
	heap := func() int {
		runtime.GC()
		runtime.GC()
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return int(s.HeapAlloc)
	}
	grown := func(l Limiter) int {
		before := heap()
		for n := range 100_000 {
			once(t, l, callOfAccount(strconv.Itoa(n)), served(used("instagram", 1)))
		}
		after := heap()
		runtime.KeepAlive(l)
		return after - before
	}
	all := grown(NewLimiter(LimiterOptions{}))
	few := grown(NewLimiter(LimiterOptions{MaxAccounts: 1000}))
	t.Logf("%d bytes for each account; %d in all where 1000 are remembered", all/100_000, few)
	assert.Less(t, few, all/20)

	l := NewLimiter(LimiterOptions{MaxAccounts: 1000})
	once(t, l, callOfAccount("blocked"), throttledBy(80002, 24*time.Hour))
	for n := range 20_000 {
		once(t, l, callOfAccount(strconv.Itoa(n)), served(used("instagram", 1)))
	}
	_, err := l.Acquire(t.Context(), Call{AppID: "app", AccountID: "blocked"})
	require.ErrorIs(t, err, ErrThrottled, "what is forgotten is that of which the least is known")
}

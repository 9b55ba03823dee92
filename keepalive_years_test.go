package instagram_test

// Two years of a fleet's life: what custody is for, played through with
// everything that goes wrong in two years.

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
)

// mortalStore is one process's way to the store, which ends when the process is killed.
type mortalStore struct {
	*instagram.MemoryStore

	dead atomic.Bool
}

func (s *mortalStore) LeaseDue(ctx context.Context, app string, n int, d time.Duration) ([]*instagram.Lease, error) {
	if s.dead.Load() {
		return nil, errStoreDown
	}
	return s.MemoryStore.LeaseDue(ctx, app, n, d)
}

func (s *mortalStore) CommitLeases(ctx context.Context, leases []*instagram.Lease) ([]error, error) {
	if s.dead.Load() {
		return nil, errStoreDown
	}
	return s.MemoryStore.CommitLeases(ctx, leases)
}

func (s *mortalStore) ReleaseLeases(ctx context.Context, leases []*instagram.Lease) error {
	if s.dead.Load() {
		return errStoreDown
	}
	return s.MemoryStore.ReleaseLeases(ctx, leases)
}

// years is the story.
type years struct {
	*testing.T

	g      *graph
	store  *instagram.MemoryStore
	tracer *yearsTracer
	began  time.Time
	rand   *rand.Rand

	weather atomic.Pointer[string] // what Meta is up to; "" for nothing
	revoked map[string]time.Time
	waiting map[string]time.Time
	healed  map[string]time.Time // those that waited

	processes        []*process
	killed, replaced int
	mu               sync.Mutex
	told             map[string]int
	met              map[string]int // calls that met each weather
}

type process struct {
	store  *mortalStore
	cancel context.CancelFunc
	done   chan error
}

type yearsTracer struct {
	instagram.NopTracer

	counts sync.Map // TokenEventKind → *atomic.Int64
}

func (e *yearsTracer) TokenEvent(_ context.Context, ev instagram.TokenEvent) {
	n, _ := e.counts.LoadOrStore(ev.Kind, new(atomic.Int64))
	n.(*atomic.Int64).Add(1)
}

func (e *yearsTracer) of(kind instagram.TokenEventKind) int64 {
	if n, ok := e.counts.Load(kind); ok {
		return n.(*atomic.Int64).Load()
	}
	return 0
}

func (y *years) start() {
	p := &process{store: &mortalStore{MemoryStore: y.store}, done: make(chan error, 1)}
	client := y.g.client(y.T, p.store, instagram.WithTracer(y.tracer))
	ctx, cancel := context.WithCancel(y.Context())
	p.cancel = cancel
	go func() {
		p.done <- client.KeepAlive(ctx, instagram.KeepAliveConfig{Poll: 15 * time.Minute, OnNeedsLogin: func(_ context.Context, e instagram.LoginNeeded) error {
			y.mu.Lock()
			defer y.mu.Unlock()
			if e.State == instagram.NeedsLogin {
				y.told[e.Key.AccountID]++
			}
			return nil
		}})
	}()
	y.processes = append(y.processes, p)
}

// stop ends the oldest process: politely, or by pulling the plug.
func (y *years) stop(kill bool) {
	p := y.processes[0]
	y.processes = y.processes[1:]
	if kill {
		y.killed++
	} else {
		y.replaced++
	}
	p.store.dead.Store(kill)
	p.cancel()
	err := <-p.done
	if !kill {
		assert.NoError(y, err)
	}
}

// fault is what Meta answers beside the truth.
func (y *years) fault(path, _ string) *graphFault {
	weather := *y.weather.Load()
	if weather != "" {
		y.mu.Lock()
		y.met[weather]++
		y.mu.Unlock()
	}
	switch weather {
	case "outage":
		return graphDown
	case "wrong app":
		return graphWrong
	case "throttled":
		return graphTooMany
	case "vague":
		return graphVague
	}
	switch n := rand.IntN(1000); { // on an ordinary day
	case n < 5:
		return graphOops
	case n < 8 && strings.HasSuffix(path, "/refresh_access_token"):
		return graphVague // a lie that /me does not confirm
	}
	return nil
}

// is sets what Meta is up to, for a while.
func (y *years) is(weather string, d time.Duration) {
	y.weather.Store(&weather)
	time.Sleep(d)
	y.weather.Store(new(string))
}

func TestTwoYears(t *testing.T) {
	accounts := 2_000
	if testing.Short() {
		accounts = 200
	}
	if n, err := strconv.Atoi(os.Getenv("INSTAGRAM_YEARS_ACCOUNTS")); err == nil {
		accounts = n // the gate plays it with 100000, which takes a minute or two
	}
	atWall := time.Now()
	synctest.Test(t, func(t *testing.T) { twoYears(t, accounts) })
	t.Logf("%d accounts took %v", accounts, time.Since(atWall).Round(time.Second))
}

func twoYears(t *testing.T, accounts int) {
	t.Helper()
	y := &years{
		T: t, g: newGraph(), store: instagram.NewMemoryStore(), tracer: &yearsTracer{}, began: time.Now(), rand: rand.New(rand.NewPCG(1, 2)),
		revoked: map[string]time.Time{}, waiting: map[string]time.Time{}, healed: map[string]time.Time{}, told: map[string]int{}, met: map[string]int{},
	}
	y.weather.Store(new(string))
	y.g.delay = 100 * time.Millisecond
	y.g.answers(y.fault)
	interval := make([]time.Duration, accounts)
	for i := range accounts { // all connected on one day
		r := connect(t, y.store, accountN(i), time.Duration(i)*day/time.Duration(accounts))
		interval[i] = r.DueAt.Sub(r.Token.ObtainedAt)
	}
	for range 3 {
		y.start()
	}
	const total = 730
	for d := range total {
		dayBegan := time.Now()
		y.day(d, accounts)
		time.Sleep(time.Until(dayBegan.Add(day).Truncate(time.Second)))
		for time.Since(y.began) < time.Duration(d+1)*day {
			time.Sleep(time.Until(y.began.Add(time.Duration(d+1) * day)))
		}
	}
	for len(y.processes) > 0 {
		y.stop(false)
	}
	y.check(accounts, interval)
}

// day plays what happens on a day.
func (y *years) day(d, accounts int) {
	for range max(1, accounts/7_000) { // some one in ten thousand a day, one in ten in two years
		if y.rand.IntN(7_000) < accounts {
			y.revoke(accountN(y.rand.IntN(accounts)))
		}
	}
	if d%9 == 4 { // checkpoints, of five days each
		account := accountN(y.rand.IntN(accounts))
		if y.revoked[account].IsZero() && y.waiting[account].IsZero() {
			y.waiting[account] = time.Now()
			y.g.kill(account, 459)
		}
	}
	for account, since := range y.waiting {
		if time.Since(since) >= 5*day {
			delete(y.waiting, account)
			y.healed[account] = time.Now()
			y.g.heal(account)
		}
	}
	switch {
	case d == 100:
		y.is("outage", day)
	case d == 200:
		y.is("outage", 10*day)
	case d == 300, d == 301, d == 302:
		y.is("throttled", 6*time.Hour)
	case d == 400:
		y.is("wrong app", time.Hour)
	case d == 450:
		y.is("vague", 2*time.Hour)
	case d == 500: // nobody is at work for three days
		for len(y.processes) > 0 {
			y.stop(false)
		}
		time.Sleep(3 * day)
		for range 3 {
			y.start()
		}
	case d%30 == 15: // a new version
		y.start()
		y.stop(false)
	case d%30 == 29: // a machine dies
		y.stop(true)
		y.start()
	}
}

func (y *years) revoke(account string) {
	if !y.revoked[account].IsZero() || !y.waiting[account].IsZero() {
		return
	}
	y.revoked[account] = time.Now()
	y.g.kill(account, []int{458, 460, 467}[y.rand.IntN(3)])
}

func (y *years) check(accounts int, interval []time.Duration) {
	now := time.Now()
	least, living, late := 0.0, 0, 0
	for i := range accounts {
		account := accountN(i)
		r := stored(y, y.store, account)
		since, revoked := y.revoked[account]
		if !revoked {
			living++
			least += float64(int(now.Sub(y.began) / interval[i]))
			if y.waiting[account].IsZero() && now.Sub(y.healed[account]) > 3*day { // it is looked at once a day
				require.Equal(y, instagram.Alive, r.State, "account %d: %s", i, r.Reason)
			}
			require.True(y, r.Token.ExpiresAt.After(now), "account %d has expired: %s", i, r.Reason)
			continue
		}
		least += float64(int(since.Sub(y.began) / interval[i]))
		if told := y.told[account]; told > 1 || told == 0 && now.Sub(since) > 51*day { // it is not due before
			late++
			y.Logf("account %d, revoked on day %v: told %d times, %s %q", i, since.Sub(y.began)/day, y.told[account], r.State, r.Reason)
		}
	}
	falsely := 0
	for account := range y.told {
		if y.revoked[account].IsZero() {
			falsely++
		}
	}
	refreshed := float64(y.g.refreshes.Load())
	y.Logf("%d accounts, %d revoked, %d living at the end: %.0f refreshes (least %.0f: %+.1f %%), %.2f a year for an account; %d refused, %d looks, %d calls",
		accounts, len(y.revoked), living, refreshed, least, 100*(refreshed-least)/least, refreshed/float64(accounts)/2,
		y.g.refused.Load(), y.g.looks.Load(), y.g.calls.Load())
	var kinds []string
	y.tracer.counts.Range(func(kind, n any) bool {
		kinds = append(kinds, fmt.Sprintf("%s %d", kind, n.(*atomic.Int64).Load()))
		return true
	})
	y.Logf("events: %s", strings.Join(kinds, ", "))
	assert.Zero(y, y.tracer.of(instagram.EventExpired), "no token expires that could have been refreshed")
	assert.Zero(y, falsely, "no living account is marked dead")
	assert.Zero(y, late, "every revoked account is reported, once")
	assert.InDelta(y, least, refreshed, least/10)

	// And the years were hard ones.
	assert.GreaterOrEqual(y, y.killed, 20)
	assert.GreaterOrEqual(y, y.replaced, 20)
	if accounts < 50_000 { // of a small fleet nothing may be due in a bad hour
		return
	}
	for _, weather := range []string{"outage", "throttled", "wrong app", "vague"} {
		assert.Positive(y, y.met[weather], weather)
	}
	assert.Greater(y, len(y.revoked), accounts/20)
	assert.Positive(y, y.tracer.of(instagram.EventRevived), "who had only to wait lives again")
	opened := y.tracer.of(instagram.EventBreakerOpen)
	assert.GreaterOrEqual(y, opened, int64(3), "renewing stopped for the long outage, the wrong secret and the vague refusals")
	assert.Equal(y, opened, y.tracer.of(instagram.EventBreakerClosed))
}

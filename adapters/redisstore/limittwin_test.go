package redisstore

// This file answers: are the scripts the same governor as the core's?

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/internal/pacing"
)

// twins are the core's pacer and the scripts, to which the same is told.
type twins struct {
	t     *testing.T
	now   time.Duration
	pacer *pacing.Pacer
	redis *app
	rng   *rand.Rand

	fly  []twinCall
	log  []time.Duration // calls that the platform counts, oldest first
	last string
	met  map[pacing.Reason]int
}

type twinCall struct {
	call   pacing.Call
	ticket pacing.Ticket
	marks  *ticket
	back   time.Duration
}

// hard is what makes a platform hard to learn.
type hard struct {
	limit   int
	account bool // the quota is an account's
	foreign float64
	bare    bool // refusals have no headers
	hints   bool
	proxy   bool // refuses some calls
	quiet   bool // there are no headers
	penalty bool
	shrinks bool
	shorter bool // the window is shorter than documented

	meets []pacing.Reason // what the calls are stopped by, among others
}

func TestScriptsAreTheCoresGovernor(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]hard{
		"an app's small quota":            {limit: 60, meets: []pacing.Reason{pacing.Full, pacing.Reserved, pacing.Unsure}},
		"with stated waits":               {limit: 200, hints: true, meets: []pacing.Reason{pacing.Blocked, pacing.Probing}},
		"an app's larger quota":           {limit: 400, hints: true},
		"an account's quota":              {limit: 150, account: true, hints: true},
		"refusals without headers":        {limit: 120, bare: true},
		"refused calls count":             {limit: 120, penalty: true},
		"others use a third":              {limit: 150, foreign: 1. / 3, hints: true},
		"others use most of an account's": {limit: 100, foreign: 0.7, account: true},
		"no headers at all":               {limit: 100, quiet: true, bare: true},
		"a proxy refuses":                 {limit: 1000, proxy: true, meets: []pacing.Reason{pacing.Rate}},
		"the quota shrinks":               {limit: 300, shrinks: true, hints: true},
		"the window is a quarter":         {limit: 100, shorter: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newTwins(t)
			x.play(h, 600)
			for _, reason := range append(h.meets, pacing.Free) {
				assert.Positive(t, x.met[reason], "%q was not met: %v", reason, x.met)
			}
		})
	}
}

func newTwins(t *testing.T) *twins {
	t.Helper()
	// With these windows a slot is a whole number of microseconds.
	l := newLimiter(client(t), instagram.LimiterOptions{AppWindow: 200 * time.Millisecond << 14, AccountWindow: 5 * time.Second << 14}, WithKeyPrefix(freshPrefix(t)))
	x := &twins{t: t, now: 100 * time.Hour, rng: rand.New(rand.NewPCG(1, 3)), met: map[pacing.Reason]int{}}
	cfg := l.alone.Config()
	cfg.Ready, cfg.Arm = func(*pacing.Waiter) {}, func(*pacing.Line, time.Duration) {}
	x.pacer = pacing.New(cfg)
	l.clock = func() time.Time { return time.UnixMicro(x.now.Microseconds()) }
	x.redis = l.app(pacing.AppKey{ID: "app"})
	return x
}

func (x *twins) play(h hard, calls int) {
	window := 200 * time.Millisecond << 14
	if h.account {
		window = 5 * time.Second << 14
	}
	stuck, began := 0, x.now
	for calls > 0 {
		x.now = x.now.Truncate(time.Millisecond) + time.Duration(x.rng.IntN(100))*time.Millisecond
		if x.rng.Float64() < h.foreign*float64(h.limit)*0.05/window.Seconds() {
			x.log = append(x.log, x.now)
		}
		for len(x.fly) > 0 && (x.fly[0].back <= x.now || len(x.fly) > 40) {
			limit, span := h.limit, window
			if h.shrinks && x.now > began+window/2 {
				limit /= 2
			}
			if h.shorter {
				span /= 4
			}
			x.land(h, limit, span)
			calls--
		}
		if at := x.ask(h); at > 0 {
			if stuck++; stuck > 3 && len(x.fly) == 0 {
				x.now = max(x.now, at-time.Duration(x.rng.IntN(3000))*time.Millisecond)
				stuck = 0
			}
		}
	}
}

// ask asks both for the same, and returns when to ask again.
func (x *twins) ask(h hard) time.Duration {
	c := pacing.Call{App: pacing.AppKey{ID: "app"}, Account: "1", Priority: pacing.Priority(x.rng.IntN(3)), Cost: 1}
	if !h.account { // an account's refusal by the app leaves a trace in the core's account, which must not show here
		c.Account = strconv.Itoa(1 + min(x.rng.IntN(6), 2))
	}
	if x.rng.IntN(10) == 0 {
		c.Cost = 1 + x.rng.Uint32N(4)
	}
	want, stop := x.pacer.Try(x.now, c)
	numbers, err := x.redis.l.takeStep.Run(x.t.Context(), x.redis.l.store.rdb, accountKeys(x.redis.l.keys(x.redis.key), c.Account),
		append(x.redis.l.args(4), uint8(c.Priority), c.Cost, 0, 0)...).Int64Slice()
	require.NoError(x.t, err)
	at := fmt.Sprintf("%v: %+v: %+v and %v after %s", x.now, c, stop, numbers, x.last)
	require.Equal(x.t, int64(stop.Reason), numbers[0], at)
	x.met[stop.Reason]++
	if stop.Reason == pacing.Free {
		x.fly = append(x.fly, twinCall{c, want, asTicket(numbers), x.now + time.Duration(50+x.rng.IntN(200))*time.Millisecond})
		return 0
	}
	require.Equal(x.t, stop.App, numbers[2] == 1, at)
	if stop.Until == 0 {
		require.Equal(x.t, int64(-1), numbers[1], at)
	} else {
		require.InDelta(x.t, max(0, (stop.Until-x.now).Microseconds()), numbers[1], 1000, at)
	}
	return stop.Until
}

// land lets the platform answer the oldest call in flight, and tells both.
func (x *twins) land(h hard, limit int, window time.Duration) {
	c := x.fly[0]
	x.fly = x.fly[1:]
	for len(x.log) > 0 && x.log[0] <= x.now-window {
		x.log = x.log[1:]
	}
	o := pacing.Outcome{Cost: c.call.Cost, Sent: true, AppUsage: -1, AccountUsage: -1}
	usage, hint, refused := &o.AppUsage, &o.AppHint, &o.RefusedApp
	if h.account {
		usage, hint, refused = &o.AccountUsage, &o.AccountHint, &o.RefusedAccount
	}
	switch {
	case x.rng.IntN(50) == 0:
		o.Sent = false
	case h.proxy && x.rng.IntN(40) == 0:
		o.RefusedRate, o.RateHint = true, time.Duration(x.rng.IntN(2))*time.Second
	case len(x.log) >= limit:
		*refused = true
		if h.hints && x.rng.IntN(3) > 0 {
			*hint = (x.log[len(x.log)-limit] + window - x.now + time.Minute - 1).Truncate(time.Minute)
		}
	default:
		o.Counted = x.rng.IntN(30) > 0
	}
	if o.Counted || h.penalty && *refused {
		for range c.call.Cost {
			x.log = append(x.log, x.now)
		}
	}
	if hidden := h.quiet || h.bare && *refused; o.Sent && !hidden && x.rng.IntN(20) > 0 {
		*usage = float64(100 * len(x.log) / limit)
	}
	x.last = fmt.Sprintf("%+v", o)
	x.pacer.Done(x.now, c.ticket, o)
	require.NoError(x.t, x.redis.report(x.t.Context(), batch{news: []news{{call: c.call, ticket: c.marks, outcome: o, met: math.MaxInt64 / 2}}}))
}

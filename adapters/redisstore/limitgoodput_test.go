package redisstore

// This file answers: how much of a quota do two processes use that share it
// through Redis?

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/internal/pacing/simulate"
)

const roundTrip = 150 * time.Millisecond

// platform counts the calls of a rolling window, and tells percentages.
type platform struct {
	limit   int
	window  time.Duration
	account bool          // the quota is an account's, not the app's
	penalty bool          // refused calls count
	bare    bool          // refusals have no headers
	halved  time.Duration // after so long the quota is halved; 0: never
	foreign float64       // part of the quota that another program wants

	mu      sync.Mutex
	rng     *rand.Rand
	began   time.Time
	log     []time.Time // oldest first
	refused int
}

// way takes as long as a call travels.
func (p *platform) way() {
	p.mu.Lock()
	d := time.Duration(float64(roundTrip) / 2 * (0.8 + 0.4*p.rng.Float64()))
	p.mu.Unlock()
	time.Sleep(d)
}

// call makes a call, and returns what became of it.
func (p *platform) call() instagram.Outcome {
	p.way()
	o := p.answer()
	p.way()
	return o
}

func (p *platform) answer() instagram.Outcome {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	limit := p.expire(now)
	o := instagram.Outcome{Sent: true, Status: 200}
	if len(p.log) >= limit {
		if at := now.Sub(p.began) - p.halved; p.halved == 0 || at < 0 || at > 2*roundTrip { // those in flight when it shrinks are free
			p.refused++
		}
		o.Status, o.Err = 400, &instagram.Error{Code: 4, HTTPStatus: 400}
		if p.account {
			o.Err = &instagram.Error{Code: 80002, HTTPStatus: 400}
		}
	}
	if o.Err == nil || p.penalty {
		p.log = append(p.log, now)
	}
	percent := 100 * len(p.log) / limit
	switch {
	case o.Err != nil && p.bare:
	case p.account:
		wait := time.Duration(0)
		if over := len(p.log) - limit; over >= 0 {
			wait = p.log[over].Add(p.window).Sub(now)
		}
		o.Usage = instagram.ParseUsage(map[string][]string{"X-Business-Use-Case-Usage": {fmt.Sprintf(
			`{"1":[{"type":"instagram","call_count":%d,"estimated_time_to_regain_access":%d}]}`, percent, (wait+time.Minute-1)/time.Minute)}})
	default:
		o.Usage = appUsage(percent)
	}
	return o
}

// expire forgets what has left the window, and returns the limit.
func (p *platform) expire(now time.Time) int {
	if p.began.IsZero() {
		p.began = now
	}
	for len(p.log) > 0 && !p.log[0].Add(p.window).After(now) {
		p.log = p.log[1:]
	}
	if p.halved > 0 && now.Sub(p.began) >= p.halved {
		return p.limit / 2
	}
	return p.limit
}

// others are another program's calls, refused like any others, until ctx ends.
func (p *platform) others(ctx context.Context) {
	for {
		p.mu.Lock()
		d := time.Duration(p.rng.ExpFloat64() * float64(p.window) / (p.foreign * float64(p.limit)))
		p.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-time.After(d):
		}
		p.mu.Lock()
		if now := time.Now(); len(p.log) < p.expire(now) {
			p.log = append(p.log, now)
		}
		p.mu.Unlock()
	}
}

// appUsage is what an app's header says.
func appUsage(percent int) instagram.Usage {
	return instagram.ParseUsage(map[string][]string{"X-App-Usage": {fmt.Sprintf(`{"call_count":%d}`, percent)}})
}

// TestGoodput runs two processes of 16 workers that always have work, and
// compares with an oracle that knows limit and log. The worst of several seeds
// counts: INSTAGRAM_GOODPUT_SEEDS says how many, and with it set an app's quota
// of 20,000 an hour and an account's of 4,800 a day are played too.
func TestGoodput(t *testing.T) {
	type quota struct {
		limit  int
		window time.Duration
	}
	quotas, seeds := []quota{{200, time.Hour}, {2000, time.Hour}}, 1
	if text := os.Getenv("INSTAGRAM_GOODPUT_SEEDS"); text != "" {
		n, err := strconv.Atoi(text)
		require.NoError(t, err)
		quotas, seeds = append(quotas, quota{20_000, time.Hour}, quota{4800, 24 * time.Hour}), n
	}
	for name, test := range map[string]struct {
		change func(*platform, *simulate.Scenario)
		small  bool // played with the smallest quota only, unless all is asked for
		ratio  float64
		refuse float64
	}{
		"plain":                          {change: func(*platform, *simulate.Scenario) {}, ratio: 1.02, refuse: 1},
		"refused calls count":            {small: true, change: func(p *platform, _ *simulate.Scenario) { p.penalty = true }, ratio: 1.02, refuse: 1},
		"refusals without headers":       {small: true, change: func(p *platform, _ *simulate.Scenario) { p.bare = true }, ratio: 1.02, refuse: 1},
		"a start with 90 percent used":   {small: true, change: startUsed, ratio: 1.02, refuse: 1},
		"the quota is halved on the way": {small: true, change: halve, ratio: 1.02, refuse: 1},
		"another program takes a third": {small: true, change: func(p *platform, s *simulate.Scenario) {
			p.foreign, s.Foreign = 1./3, 1./3
		}, ratio: 1.15, refuse: 5},
	} {
		for _, quota := range quotas {
			if test.small && quota.limit > 200 && seeds == 1 {
				continue
			}
			t.Run(fmt.Sprintf("%s, %d in %v", name, quota.limit, quota.window), func(t *testing.T) {
				for seed := range uint64(seeds) { // #nosec G115 -- few
					p := &platform{limit: quota.limit, window: quota.window, account: quota.window > time.Hour, rng: rand.New(rand.NewPCG(seed, 1))}
					s := simulate.Scenario{
						Limit: p.limit, Window: p.window, Account: p.account, Calls: p.limit * 5 / 2, Workers: 32,
						RTT: roundTrip, Jitter: 0.2, Seed: seed,
					}
					if seeds == 1 && p.limit > 200 {
						s.Calls = p.limit * 3 / 2 // a Redis that writes everything to the disk is slow
					}
					test.change(p, &s)
					took, failed := share(t, p, s.Calls)
					ratio, refused := float64(took)/float64(simulate.Ideal(s).Took), 100*float64(p.refused)/float64(s.Calls)
					t.Logf("%.4f of the ideal time, %.3f %% refused", ratio, refused)
					assert.Zero(t, failed)
					assert.LessOrEqual(t, ratio, test.ratio)
					assert.LessOrEqual(t, refused, test.refuse)
				}
			})
		}
	}
}

func startUsed(p *platform, s *simulate.Scenario) {
	s.StartUsed, s.StartSpread = 0.9, p.window
	n := p.limit * 9 / 10
	bubble := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // when its clock starts
	for i := range n {
		p.log = append(p.log, bubble.Add(-p.window*time.Duration(n-i)/time.Duration(n)))
	}
}

func halve(p *platform, s *simulate.Scenario) {
	p.halved = p.window * 3 / 2
	s.ChangeAt, s.Change = p.halved, 0.5
}

// share makes calls from two processes, and returns how long it took and how
// many got no permit.
func share(t *testing.T, p *platform, calls int) (took time.Duration, failed int64) {
	t.Helper()
	prefix := freshPrefix(t)
	synctest.Test(t, func(t *testing.T) {
		var left, none atomic.Int64
		left.Store(int64(calls))
		began := time.Now()
		var workers, rest sync.WaitGroup
		ctx, stop := context.WithCancel(t.Context())
		if p.foreign > 0 {
			rest.Go(func() { p.others(ctx) })
		}
		for range 2 {
			l := process(t, prefix)
			for range 16 {
				workers.Go(func() {
					for left.Add(-1) >= 0 {
						for work(l, p, &none) {
						}
					}
				})
			}
		}
		workers.Wait()
		took, failed = time.Since(began), none.Load()
		stop()
		rest.Wait()
	})
	return took, failed
}

// work makes a call, and reports whether it was refused and has to be made again.
func work(l instagram.Limiter, p *platform, none *atomic.Int64) bool {
	permit, err := l.Acquire(context.Background(), instagram.Call{AppID: "app", AccountID: "1", MaxWait: -1})
	if err != nil {
		none.Add(1)
		return false
	}
	o := p.call()
	l.Done(permit, o)
	return o.Err != nil
}

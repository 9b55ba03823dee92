package redisstore

// This file answers: how much of a quota do two processes use that share it
// through Redis?

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/internal/pacing/simulate"
)

const roundTrip = 150 * time.Millisecond

// platform counts the calls of a rolling window, and tells percentages.
type platform struct {
	limit   int
	window  time.Duration
	penalty bool // refused calls count
	bare    bool // refusals have no headers

	mu      sync.Mutex
	rng     *rand.Rand
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
	for len(p.log) > 0 && !p.log[0].Add(p.window).After(now) {
		p.log = p.log[1:]
	}
	o := instagram.Outcome{Sent: true, Status: 200}
	if len(p.log) >= p.limit {
		p.refused++
		o.Status, o.Err = 400, &instagram.Error{Code: 4, HTTPStatus: 400}
	}
	if o.Err == nil || p.penalty {
		p.log = append(p.log, now)
	}
	if o.Err == nil || !p.bare {
		o.Usage = appUsage(100 * len(p.log) / p.limit)
	}
	return o
}

// appUsage is what an app's header says.
func appUsage(percent int) instagram.Usage {
	return instagram.ParseUsage(map[string][]string{"X-App-Usage": {fmt.Sprintf(`{"call_count":%d}`, percent)}})
}

// TestGoodput runs two processes of 16 workers that always have work, and
// compares with an oracle that knows limit and log.
func TestGoodput(t *testing.T) {
	t.Parallel()
	quotas := []int{200, 2000}
	if os.Getenv("INSTAGRAM_GOODPUT") == "all" {
		quotas = append(quotas, 20_000)
	}
	tests := map[string]func(*platform){
		"plain":                    func(*platform) {},
		"refused calls count":      func(p *platform) { p.penalty = true },
		"refusals without headers": func(p *platform) { p.bare = true },
	}
	for name, change := range tests {
		for _, limit := range quotas {
			t.Run(fmt.Sprintf("%s, %d an hour", name, limit), func(t *testing.T) {
				for seed := range uint64(2) {
					p := &platform{limit: limit, window: time.Hour, rng: rand.New(rand.NewPCG(seed, 1))}
					change(p)
					calls := limit * 5 / 2
					took, failed := share(t, p, calls)
					ideal := simulate.Ideal(simulate.Scenario{
						Limit: limit, Window: time.Hour, Calls: calls, Workers: 32, RTT: roundTrip, Jitter: 0.2, Seed: seed,
					})
					ratio, refused := float64(took)/float64(ideal.Took), float64(p.refused)/float64(calls)
					t.Logf("%.4f of the ideal time, %.3f %% refused", ratio, 100*refused)
					assert.Zero(t, failed)
					assert.LessOrEqual(t, ratio, 1.02)
					assert.LessOrEqual(t, refused, 0.01)
				}
			})
		}
	}
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
		var workers sync.WaitGroup
		for range 2 {
			l := process(t, prefix, instagram.LimiterOptions{})
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

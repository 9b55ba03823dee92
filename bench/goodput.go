package main

// This file answers: how much of a quota does each client turn into answers,
// and how often is it refused?

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-922467ee/instagram"
)

// result is what became of a scenario.
type result struct {
	took    time.Duration
	done    int // calls of the workers
	failed  int // calls that ended in an error, and were made again
	refused int
	others  int     // a person's calls
	prompt  int     // those of them that were answered at once
	cold    float64 // the time of the cold account that suffered most, by its time alone
}

// run is one client in one scenario. It lives in a bubble of its own clock.
type run struct {
	s       scenario
	p       *platform
	left    atomic.Int64
	result  result
	mu      sync.Mutex
	rng     *rand.Rand
	end     context.Context //nolint:containedctx // of the run
	clients []client
}

// client makes one call for one of the accounts, in a role.
type client func(ctx context.Context, role role, n int) error

type role uint8

const (
	worker role = iota
	person
	cold
)

// contender makes the client of a process.
type contender func(s scenario, p *platform) client

// play runs a scenario on a fake clock; longest ends it.
func play(t *testing.T, s scenario, seed uint64, longest time.Duration, c contender) (r result) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		ctx, stop := context.WithTimeout(context.Background(), longest)
		defer stop()
		x := &run{s: s, p: newPlatform(s, seed, stop), rng: rand.New(rand.NewPCG(seed, 2)), end: ctx}
		x.left.Store(int64(s.calls()))
		for range max(1, s.processes) {
			x.clients = append(x.clients, c(s, x.p))
		}
		x.all()
		x.result.refused = x.p.refused
		r = x.result
	})
	return r
}

func (x *run) all() {
	began := time.Now()
	var jobs, rest sync.WaitGroup
	done, stop := context.WithCancel(x.end)
	for _, c := range x.clients {
		for range workers {
			jobs.Go(func() { x.work(c) })
		}
	}
	perWindow := float64(x.s.limit)
	if x.s.foreign {
		rest.Go(func() { x.atRandom(done, perWindow/3, x.p.consume) })
	}
	if x.s.person {
		rest.Go(func() { x.atRandom(done, perWindow/50, func() { rest.Go(func() { x.ask(done) }) }) })
	}
	if x.s.crowd {
		for n := range colds {
			rest.Go(func() { x.coldAccount(began, n) })
		}
	}
	if x.s.halved {
		rest.Go(func() {
			if sleep(done, x.s.window*3/2) == nil {
				x.p.halve()
			}
		})
	}
	jobs.Wait()
	x.result.took = time.Since(began)
	stop()
	rest.Wait()
}

// work makes calls until all are made.
func (x *run) work(c client) {
	for x.left.Add(-1) >= 0 {
		if !x.insist(c, worker, 0) {
			return
		}
		x.mu.Lock()
		x.result.done++
		x.mu.Unlock()
	}
}

// insist makes a call until it succeeds; false: the run is over.
func (x *run) insist(c client, r role, n int) bool {
	for {
		err := c(x.end, r, n)
		if x.end.Err() != nil {
			return false
		}
		if err == nil {
			return true
		}
		x.mu.Lock()
		x.result.failed++
		x.mu.Unlock()
		if sleep(x.end, pause) != nil {
			return false
		}
	}
}

// gap returns the time to the next of events of which there are n in a window.
func (x *run) gap(n float64) time.Duration {
	x.mu.Lock()
	defer x.mu.Unlock()
	return time.Duration(x.rng.ExpFloat64() * float64(x.s.window) / n)
}

// atRandom does something at random moments, n times in a window.
func (x *run) atRandom(ctx context.Context, n float64, f func()) {
	for sleep(ctx, x.gap(n)) == nil {
		f()
	}
}

// ask makes one call of a person's.
func (x *run) ask(ctx context.Context) {
	began := time.Now()
	err := x.clients[0](ctx, person, 0)
	x.mu.Lock()
	defer x.mu.Unlock()
	if ctx.Err() != nil {
		return // the run is over
	}
	x.result.others++
	if err == nil && time.Since(began) <= atOnce {
		x.result.prompt++
	}
}

// coldAccount makes an account's calls, each when it is due and the one before
// it is done, for about as long as the hot account has work.
func (x *run) coldAccount(began time.Time, n int) {
	const windows = worth / (1 - coldly)
	perWindow := coldly * float64(x.s.limit) / colds
	due := make([]time.Duration, int(windows*perWindow))
	x.mu.Lock()
	for i := range due {
		due[i] = time.Duration(x.rng.Float64() * windows * float64(x.s.window))
	}
	x.mu.Unlock()
	slices.Sort(due)
	for _, at := range due {
		if sleep(x.end, at-time.Since(began)) != nil || !x.insist(x.clients[0], cold, n) {
			return
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.result.cold = max(x.result.cold, float64(time.Since(began))/float64(due[len(due)-1]+roundTrip))
	x.result.others++
}

const graph = "https://graph.instagram.com/v26.0/"

// through makes calls through an http.Client.
func through(c *http.Client) client {
	return func(ctx context.Context, _ role, _ int) error {
		return send(ctx, c, http.MethodGet, graph+"me", http.NoBody)
	}
}

// send makes one request and reads its answer.
func send(ctx context.Context, c *http.Client, method, url string, body io.Reader) error {
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return err
	}
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // read only
	if err := instagram.CheckResponse(resp); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// ideal is the oracle; cold accounts get their calls when they want them.
func ideal(_ scenario, p *platform) client {
	best := through(&http.Client{Transport: newOracle(p)})
	return func(ctx context.Context, r role, n int) error {
		if r == cold {
			p.consume()
			return nil
		}
		return best(ctx, r, n)
	}
}

// theirs is one of the others, for which all calls are alike.
func theirs(p peer) contender {
	return func(_ scenario, at *platform) client { return through(p.client(at)) }
}

// us makes calls through this library, with the priorities that the roles have.
func us(s scenario, p *platform) client {
	c := newClient(p, instagram.WithLimiter(instagram.NewLimiter(instagram.LimiterOptions{})))
	hot := oursFor(c, accountID)
	crowd := make([]*instagram.Account, colds)
	for i := range crowd {
		crowd[i] = oursFor(c, fmt.Sprint(17841405793188000+i))
	}
	return func(ctx context.Context, r role, n int) error {
		switch {
		case r == person:
			return hot.Get(ctx, "me", nil, nil, instagram.Interactive())
		case r == cold:
			return crowd[n].Get(ctx, "me", nil, nil)
		case s.person:
			return hot.Get(ctx, "me", nil, nil, instagram.Background())
		}
		return hot.Get(ctx, "me", nil, nil)
	}
}

// score is a result by the ideal's, or the medians of some.
type score struct {
	ratio   float64 // infinite: the client did not finish
	done    float64 // percent of the calls
	refused float64 // percent of the calls
	failed  float64
	others  float64 // as in bound; 0: there are none
}

func (r result) score(s scenario, ideal result) score {
	calls := float64(s.calls())
	c := score{
		ratio: math.Inf(1), done: 100 * float64(r.done) / calls,
		refused: 100 * float64(r.refused) / calls, failed: float64(r.failed),
	}
	if r.done == s.calls() {
		c.ratio = float64(r.took) / float64(ideal.took)
	}
	switch {
	case s.person && r.others > 0:
		c.others = 100 * float64(r.prompt) / float64(r.others)
	case s.crowd && r.others < colds:
		c.others = math.Inf(1)
	case s.crowd:
		c.others = r.cold
	}
	return c
}

func medians(all []score) score {
	of := func(f func(score) float64) float64 {
		x := make([]float64, len(all))
		for i := range all {
			x[i] = f(all[i])
		}
		return median(x)
	}
	return score{
		ratio:   of(func(s score) float64 { return s.ratio }),
		done:    of(func(s score) float64 { return s.done }),
		refused: of(func(s score) float64 { return s.refused }),
		failed:  of(func(s score) float64 { return s.failed }),
		others:  of(func(s score) float64 { return s.others }),
	}
}

// match scores contenders in a scenario, side by side with the ideal.
func match(t *testing.T, s scenario, runs int, contenders ...contender) []score {
	t.Helper()
	ideals := map[uint64]result{}
	scores := make([]score, len(contenders))
	for i, c := range contenders {
		var all []score
		for seed := range uint64(runs) {
			best, ok := ideals[seed]
			if !ok {
				best = play(t, s, seed, 1000*s.window, ideal)
				ideals[seed] = best
			}
			all = append(all, play(t, s, seed, patient*best.took, c).score(s, best))
		}
		scores[i] = medians(all)
	}
	return scores
}

package main

// This file answers: how much of a quota does each client turn into answers,
// and how often is it refused?

import (
	"context"
	"fmt"
	"io"
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

// scenario is a quota and what is special about it.
type scenario struct {
	name      string
	limit     int
	window    time.Duration
	account   bool // the quota is an account's, not the app's
	penalty   bool
	bare      bool
	startUsed float64
	halved    bool // after one and a half windows
	processes int  // that know nothing of each other; 0: 1
	foreign   bool // another program takes a third
	person    bool // a person's calls among those of background jobs
	crowd     bool // one hot account and forty cold ones
}

const (
	workers = 32 // of each process, always with work to do
	worth   = 3.5
	pause   = time.Minute // after a failed call its worker waits so long, and makes it again
	patient = 2.0         // a run ends after so many times the ideal's time
)

func scenarios() []scenario {
	return []scenario{
		{name: "plain"},
		{name: "refused calls count", penalty: true},
		{name: "refusals without headers", bare: true},
		{name: "restart with 90 % used", startUsed: 0.9},
		{name: "quota halved on the way", halved: true},
		{name: "two processes that share nothing", processes: 2},
		{name: "another program takes a third", foreign: true},
		{name: "a person among background jobs", person: true},
		{name: "one hot account, forty cold ones", crowd: true},
	}
}

type quota struct {
	limit  int
	window time.Duration
}

func (q quota) of(s scenario) scenario {
	s.limit, s.window, s.account = q.limit, q.window, q.window > time.Hour
	return s
}

func quotas() []quota {
	return []quota{{200, time.Hour}, {2000, time.Hour}, {20_000, time.Hour}, {4800, 24 * time.Hour}}
}

// result is what became of a scenario.
type result struct {
	took    time.Duration
	done    int // calls of the workers
	failed  int // calls that ended in an error, and were made again
	refused int
	others  int // a person's calls, or the cold accounts'
	prompt  int // those of them that were answered within ten seconds
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

// play runs a scenario on a fake clock; longest ends it.
func play(t *testing.T, s scenario, seed uint64, longest time.Duration, make func(*platform) client) (r result) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		ctx, stop := context.WithTimeout(context.Background(), longest)
		defer stop()
		x := &run{s: s, p: newPlatform(s, seed), rng: rand.New(rand.NewPCG(seed, 2)), end: ctx} // #nosec G404 -- a simulation
		calls := int(worth * float64(s.limit))
		x.left.Store(int64(calls))
		for range max(1, s.processes) {
			x.clients = append(x.clients, make(x.p))
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
		rest.Go(func() { x.now(done, perWindow/3, func() { x.p.consume() }) })
	}
	if x.s.person {
		rest.Go(func() { x.now(done, perWindow/50, func() { rest.Go(func() { x.other(done, person, 0) }) }) })
	}
	if x.s.crowd {
		for n := range 40 {
			rest.Go(func() { x.now(done, perWindow/5/40, func() { rest.Go(func() { x.other(done, cold, n) }) }) })
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
		for {
			err := c(x.end, worker, 0)
			if x.end.Err() != nil {
				return
			}
			x.mu.Lock()
			if err == nil {
				x.result.done++
				x.mu.Unlock()
				break
			}
			x.result.failed++
			x.mu.Unlock()
			if sleep(x.end, pause) != nil {
				return
			}
		}
	}
}

// now does something at random moments, n times in a window.
func (x *run) now(ctx context.Context, n float64, f func()) {
	for {
		x.mu.Lock()
		d := time.Duration(x.rng.ExpFloat64() * float64(x.s.window) / n)
		x.mu.Unlock()
		if sleep(ctx, d) != nil {
			return
		}
		f()
	}
}

// other makes one call of somebody who is not a worker.
func (x *run) other(ctx context.Context, r role, n int) {
	began := time.Now()
	err := x.clients[0](ctx, r, n)
	x.mu.Lock()
	defer x.mu.Unlock()
	if ctx.Err() != nil {
		return // the run is over
	}
	x.result.others++
	if err == nil && time.Since(began) < 10*time.Second {
		x.result.prompt++
	}
}

// through makes calls through an http.Client.
func through(c *http.Client) client {
	return func(ctx context.Context, _ role, _ int) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://graph.instagram.com/v26.0/me", http.NoBody)
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
}

// oursIn makes calls through this library, with the priorities that the roles have.
func oursIn(s scenario) func(p *platform) client {
	return func(p *platform) client {
		c := newClient(p)
		hot := oursFor(c, accountID)
		crowd := make([]*instagram.Account, 40)
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
}

// median of several seeds.
func (s scenario) median(t *testing.T, runs int, longest time.Duration, make func(*platform) client) result {
	t.Helper()
	var all [20]result
	for i := range runs {
		all[i] = play(t, s, uint64(i)+1, longest, make) // #nosec G115 -- few
	}
	slices.SortFunc(all[:runs], func(a, b result) int { return int(a.took - b.took) })
	return all[runs/2]
}

// goodput prints the table.
func goodput(t *testing.T, out io.Writer, runs int, all bool) {
	t.Helper()
	fmt.Fprintf(out, "\n## Goodput\n\n%d workers that always have work, %.1f windows' worth of calls, %v round trip, median of %d.\n\n",
		workers, worth, roundTrip, runs)
	fmt.Fprintln(out, "| scenario | quota | client | time ÷ ideal | refused % | failed | others answered in 10 s |")
	fmt.Fprintln(out, "| --- | --- | --- | --- | --- | --- | --- |")
	for _, kind := range scenarios() {
		for _, q := range quotas() {
			s := q.of(kind)
			if s.crowd && s.account {
				continue // an account's quota is not shared
			}
			ideal := s.median(t, runs, 1000*time.Hour, func(p *platform) client { return through(&http.Client{Transport: newOracle(p)}) })
			for _, peer := range peers() {
				if peer.name == "x/oauth2" || peer.name != "instagram" && !all && q.limit != 2000 {
					continue // signs only: as net/http; or not asked for
				}
				make, seeds := oursIn(s), runs
				if peer.name != "instagram" {
					make, seeds = func(p *platform) client { return through(peer.client(p)) }, 1
				}
				row(out, s, peer.name, ideal, s.median(t, seeds, time.Duration(patient*float64(ideal.took)), make))
			}
		}
	}
}

func row(out io.Writer, s scenario, name string, ideal, r result) {
	calls := int(worth * float64(s.limit))
	ratio := fmt.Sprintf("%.3f", float64(r.took)/float64(ideal.took))
	if r.done < calls {
		ratio = fmt.Sprintf("> %.0f (%.1f %% done)", patient, 100*float64(r.done)/float64(calls))
	}
	others := ""
	if r.others > 0 {
		others = fmt.Sprintf("%.1f %%", 100*float64(r.prompt)/float64(r.others))
	}
	fmt.Fprintf(out, "| %s | %d per %.0f h | %s | %s | %.2f | %d | %s |\n",
		s.name, s.limit, s.window.Hours(), name, ratio, 100*float64(r.refused)/float64(calls), r.failed, others)
}

package instagram

// This file answers: how are all tokens of an app kept alive, by any number of
// processes together?

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-922467ee/instagram/internal/backoff"
	"github.com/seed-922467ee/instagram/internal/flight"
)

// KeepAliveConfig says how [Client.KeepAlive] works. The zero value is right
// for most programs that have nothing to do when an account must log in again.
type KeepAliveConfig struct {
	// OnNeedsLogin is told of each account that only a person can bring back.
	// The account is marked once it has returned nil; when it returns an error,
	// or the process dies before that, it is told again, with the same ID. It is
	// called from several goroutines. nil: accounts are marked, and tracer and
	// logger are told.
	OnNeedsLogin func(ctx context.Context, e LoginNeeded) error
	// OnProgress is told how far the work is, from one goroutine, and once more
	// at the end. nil: nobody is.
	OnProgress func(Progress)
	// ProgressEvery is the time between two calls of OnProgress. 0: 10 s.
	ProgressEvery time.Duration

	// Once ends the work when nothing is due any more, for programs that are
	// run by a timer. It also ends when renewing has stopped because it fails for
	// many accounts alike, with [ErrStopped]. Default: work goes on until the
	// context ends.
	Once bool

	// Parallel is how many tokens are renewed at the same time. 0: 32.
	Parallel int
	// PerSecond is how many tokens this process renews in a second at most. 0:
	// as many as Parallel and the time of the answers allow; 32 at 150 ms are
	// some 200 a second.
	PerSecond float64
	// Batch is how many records are taken from the store at once, and saved at
	// once at most. 0: 200, or Parallel if that is more.
	Batch int
	// Lease is how long a record is this process's own. When the process dies,
	// others go on with its records after that time. 0: 60 s.
	Lease time.Duration
	// Timeout bounds one attempt, with its retries: at most a third of Lease. 0: a
	// third of Lease, 20 s at most.
	Timeout time.Duration
	// Poll is how long to wait, a fifth more or less, when nothing is due. 0: 30 s.
	Poll time.Duration
}

// ErrStopped means that renewing has stopped because it fails for many accounts
// alike, or because the platform refuses the app itself. No account was marked
// for it.
var ErrStopped = errors.New("renewing has stopped, because it fails for all accounts alike")

func (cfg KeepAliveConfig) withDefaults() (KeepAliveConfig, error) {
	setDefault(&cfg.ProgressEvery, 10*time.Second)
	setDefault(&cfg.Parallel, 32)
	setDefault(&cfg.Batch, max(200, cfg.Parallel))
	setDefault(&cfg.Lease, leaseTime)
	setDefault(&cfg.Timeout, min(attemptTimeout, cfg.Lease/3))
	setDefault(&cfg.Poll, 30*time.Second)
	var errs []error
	if cfg.Parallel < 0 || cfg.Batch < 0 || cfg.PerSecond < 0 || cfg.ProgressEvery < 0 || cfg.Poll < 0 || cfg.Lease < 0 || cfg.Timeout < 0 {
		errs = append(errs, errors.New("numbers and times must not be negative"))
	}
	if cfg.Timeout*3 > cfg.Lease {
		errs = append(errs, fmt.Errorf("timeout: %v is more than a third of the lease of %v, which others wait for", cfg.Timeout, cfg.Lease))
	}
	return cfg, errors.Join(errs...)
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// KeepAlive renews the tokens of all accounts in the store, each in its time,
// whether anybody uses it or not. Run it in any number of processes on one
// store: each token is renewed by one of them. It returns nil when ctx ends or
// the client is closed, after attempts under way have finished, tokens are
// saved, and what it holds is given back.
//
// A token is renewed at a point between half and five sixths of its life that
// is its account's own. What fails is tried again after 1 and 5 minutes, half an
// hour, 2, 6 and then every 12 hours, until the token's end. Only the platform's
// word on this very token marks an account ([NeedsLogin], [WaitingForPerson]),
// and a word that may mean something else is confirmed by another call. When many
// accounts fail alike the fault is the app's or Meta's: renewing stops, one
// account a minute is tried, and nobody is marked.
//
// The store must be able to lease ([TokenLeaser]); another one gives
// [errors.ErrUnsupported]. It remembers nothing of the accounts in memory, so
// their number does not matter.
func (c *Client) KeepAlive(ctx context.Context, cfg KeepAliveConfig) error {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return fmt.Errorf("instagram: keep alive: %w", err)
	}
	store, ok := c.opts.tokenStore.(TokenLeaser)
	if !ok {
		return fmt.Errorf("instagram: keep alive: %T cannot lease tokens: %w", c.opts.tokenStore, errors.ErrUnsupported)
	}
	if !c.work.begin() {
		return fmt.Errorf("instagram: keep alive: %w", flight.ErrClosed)
	}
	defer c.work.end()
	ctx, stop := until(ctx, c.work.closing)
	defer stop()
	if err := newKeeper(c, cfg, store).run(ctx); err != nil {
		return fmt.Errorf("instagram: keep alive: %w", err)
	}
	return nil
}

// keeper is one run of KeepAlive: a loop that takes records from the store,
// workers that renew them, and a loop that saves them.
type keeper struct {
	c     *Client
	cfg   KeepAliveConfig
	store TokenLeaser
	pace  pace
	count counters

	queue   chan *job     // taken, and to be worked on
	decided chan *job     // found dead, and to be marked
	saves   chan *job     // to be saved or given back
	hungry  chan struct{} // the queue has room for a batch
	quiet   chan struct{} // nothing is under way

	working atomic.Int64 // jobs in the queue or with a worker
	active  atomic.Int64 // jobs that are neither saved nor given back
	dry     atomic.Bool  // the store had fewer than were asked for
	paused  atomic.Int64 // until when, because the platform asked for it; nanoseconds since 1970

	throttles atomic.Int64 // pauses in a row for which the platform gave no time

	holdings holdings

	lookedAround time.Time // when records were looked for that wait for a person
	behind       TokenKey  // how far that walk is; zero: not under way
}

// job is a record on its way through a keeper.
type job struct {
	lease   *Lease
	until   time.Time // by our clock, when the lease may be somebody else's
	probe   bool      // tried although renewing has stopped
	outcome outcome
	drop    bool          // give the record back as it was
	after   []TokenEvent  // told once it is saved
	done    chan error    // gets the outcome of the saving; nil: nobody waits
	settled chan struct{} // closed when the job is no longer active; nil: nobody waits
}

func newKeeper(c *Client, cfg KeepAliveConfig, store TokenLeaser) *keeper {
	k := &keeper{
		c: c, cfg: cfg, store: store,
		queue:   make(chan *job, 2*cfg.Batch+1),
		decided: make(chan *job, maxHeld),
		saves:   make(chan *job, cfg.Batch),
		hungry:  make(chan struct{}, 1),
		quiet:   make(chan struct{}, 1),
	}
	k.holdings.held = make(map[*job]*time.Timer)
	k.pace.perSecond = cfg.PerSecond
	k.count.began = c.now()
	return k
}

// onceFaults is how often a run that ends by itself asks a store that fails.
const onceFaults = 5

// claimGrace is how long an answer of the store is waited for after the end: what
// it has leased is not given back by those who do not know of it.
const claimGrace = 5 * time.Second

// saveGrace is how long saving is tried on after the end.
const saveGrace = 30 * time.Second

func (k *keeper) run(ctx context.Context) error {
	hard, abandon := until(context.WithoutCancel(ctx), k.c.work.killing)
	defer abandon()
	var workers, saver, teller sync.WaitGroup
	for range k.cfg.Parallel {
		workers.Go(func() { k.work(ctx, hard) })
	}
	var unsaved error
	saver.Go(func() { unsaved = k.saveAll(hard) })
	ended := make(chan struct{})
	teller.Go(func() { k.tellProgress(hard, ended) })

	err := k.claimAll(ctx)
	close(k.queue)
	workers.Wait()
	k.dropHeld()
	close(k.saves)
	grace := time.AfterFunc(saveGrace, abandon)
	saver.Wait()
	grace.Stop()
	close(ended)
	teller.Wait()
	return errors.Join(err, unsaved)
}

// claimAll takes what is due from the store, as fast as the workers need it.
func (k *keeper) claimAll(ctx context.Context) error {
	faults, home, homeAt := 0, k.c.opts.spill == nil, time.Time{}
	for ctx.Err() == nil {
		if now := k.c.now(); !home && !now.Before(homeAt) {
			home, homeAt = k.c.bringAllHome(ctx), now.Add(k.cfg.Poll)
		}
		if cause := k.c.breaker.why(); cause != causeNothing {
			if k.cfg.Once {
				return fmt.Errorf("%w: %s", ErrStopped, cause)
			}
			k.tryOne(ctx)
			continue
		}
		if wait := time.Duration(k.paused.Load() - k.c.now().UnixNano()); wait > 0 {
			_ = backoff.Wait(ctx, wait)
			continue
		}
		if len(k.queue) > k.cfg.Batch {
			select {
			case <-k.hungry:
			case <-ctx.Done():
			}
			continue
		}
		n, err := k.claim(ctx, k.cfg.Batch)
		switch {
		case errors.Is(err, errors.ErrUnsupported):
			return err
		case err != nil && k.cfg.Once && faults >= onceFaults:
			return storeError(err)
		case err != nil && ctx.Err() == nil:
			k.c.logger.Error("instagram: the store gives no due tokens", errAttr(err))
			_ = backoff.Wait(ctx, time.Second+backoff.Pause(time.Second, k.cfg.Poll, faults))
			faults++
			continue
		}
		faults = 0
		if n == k.cfg.Batch {
			continue
		}
		k.settle(k.working.Load() == 0)
		if k.cfg.Once {
			if n == 0 && k.active.Load() == 0 {
				return nil
			}
			k.awaitQuiet(ctx)
			continue
		}
		k.lookAround(ctx)
		_ = backoff.Wait(ctx, k.cfg.Poll-k.cfg.Poll/5+jitterUpTo(2*k.cfg.Poll/5))
	}
	return nil
}

// claim takes up to n due records, and returns how many there were.
func (k *keeper) claim(ctx context.Context, n int) (int, error) {
	k.dry.Store(false)
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(claimGrace, cancel) })
	defer stop()
	asked := k.c.now()
	leases, err := k.store.LeaseDue(asking, k.c.cfg.AppID, n, k.cfg.Lease)
	if err != nil {
		return 0, err
	}
	k.count.claims.Add(1)
	for _, l := range leases {
		k.push(&job{lease: l, until: asked.Add(k.cfg.Lease)})
	}
	k.dry.Store(len(leases) < n)
	return len(leases), nil
}

func (k *keeper) push(j *job) {
	k.working.Add(1)
	k.active.Add(1)
	k.queue <- j
}

// awaitQuiet waits until nothing is under way.
func (k *keeper) awaitQuiet(ctx context.Context) {
	for k.active.Load() > 0 && ctx.Err() == nil {
		select {
		case <-k.quiet:
		case <-ctx.Done():
		}
	}
}

// tryOne tries one account while renewing has stopped, when it is time for it.
func (k *keeper) tryOne(ctx context.Context) {
	k.settle(true)
	if ok, wait := k.c.breaker.mayProbe(k.c.now()); !ok {
		_ = backoff.Wait(ctx, wait)
		return
	}
	asked := k.c.now()
	leases, err := k.store.LeaseDue(ctx, k.c.cfg.AppID, 1, k.cfg.Lease)
	if err != nil || len(leases) == 0 {
		return
	}
	k.count.claims.Add(1)
	j := &job{lease: leases[0], until: asked.Add(k.cfg.Lease), probe: true, settled: make(chan struct{})}
	k.push(j)
	select {
	case <-j.settled:
	case <-ctx.Done():
	}
}

// work is a worker: it goes on until the queue is closed and empty.
func (k *keeper) work(ctx, hard context.Context) {
	for {
		select {
		case j := <-k.decided:
			k.mark(ctx, hard, j)
			continue
		default:
		}
		select {
		case j := <-k.decided:
			k.mark(ctx, hard, j)
		case j, ok := <-k.queue:
			if !ok {
				return
			}
			if len(k.queue) <= k.cfg.Batch {
				signal(k.hungry)
			}
			k.handle(ctx, hard, j)
			if k.working.Add(-1) == 0 && k.dry.Load() {
				k.settle(true)
			}
		}
	}
}

// handle does what a job calls for, unless it is no time for it.
func (k *keeper) handle(ctx, hard context.Context, j *job) {
	if !j.probe && k.c.breaker.stopped() || k.pace.wait(ctx, k.c.now) != nil {
		k.giveBack(j)
		return
	}
	now := k.c.now()
	if now.Add(k.cfg.Timeout).After(j.until) || now.UnixNano() < k.paused.Load() {
		k.giveBack(j)
		return
	}
	k.do(hard, j)
}

// giveBack lets others have the record, as it was.
func (k *keeper) giveBack(j *job) {
	j.drop = true
	k.saves <- j
}

func (k *keeper) save(j *job) { k.saves <- j }

// saveAndWait saves the record now rather than later.
func (k *keeper) saveAndWait(j *job) error {
	j.done = make(chan error, 1)
	k.saves <- j
	return <-j.done
}

// pauseFor stops the taking of records, because the platform asked for it.
func (k *keeper) pauseFor(d time.Duration) {
	end := k.c.now().Add(d).UnixNano()
	for {
		old := k.paused.Load()
		if old >= end || k.paused.CompareAndSwap(old, end) {
			return
		}
	}
}

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// pace lets a number of calls through in a second, evenly.
type pace struct {
	perSecond float64 // 0: any number

	mu   sync.Mutex
	next time.Time
}

func (p *pace) wait(ctx context.Context, now func() time.Time) error {
	if p.perSecond <= 0 {
		return context.Cause(ctx)
	}
	gap := time.Duration(float64(time.Second) / p.perSecond)
	p.mu.Lock()
	at := now()
	p.next = later(p.next, at.Add(-gap)).Add(gap)
	d := p.next.Sub(at)
	p.mu.Unlock()
	return backoff.Wait(ctx, d)
}

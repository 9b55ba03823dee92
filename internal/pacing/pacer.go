package pacing

// This file answers: which buckets does a call need, and who holds them?

import (
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Config sets up a [Pacer]. Everything must be set.
type Config struct {
	App         Params
	Account     Params
	MaxAccounts int // idle accounts are forgotten beyond this
	// Ready is called when a waiter has been let go or turned away. Arm is
	// called when a line wants [Pacer.Wake] to be called at a time. Both are
	// called with locks held and must return at once.
	Ready func(*Waiter)
	Arm   func(l *Line, at time.Duration)
}

// AppKey names an app: one budget of calls that all its accounts share.
type AppKey struct {
	Login uint8
	ID    string
}

const shards = 128

// Pacer paces the calls of many accounts of a few apps. It is safe for
// concurrent use, never waits and never looks at a clock.
//
// Locks are taken in the order shard, app; neither is held while waiting.
type Pacer struct {
	cfg    Config
	seed   maphash.Seed
	mu     sync.Mutex // for adding apps
	apps   atomic.Pointer[[]*App]
	shards [shards]shard
}

type shard struct {
	mu       sync.Mutex
	accounts map[uint64]*Account
	_        [48]byte // keeps neighbours off this cache line
}

// Account is what a pacer knows of an account.
type Account struct {
	gov   Governor
	line  *Line // who waits for the account's own bucket; nil: nobody
	app   *App
	hash  uint64
	spent float32 // calls counted against the app, fading over its window
	faded uint32  // when spent was right, in steps
}

// New returns a pacer.
func New(cfg Config) *Pacer {
	p := &Pacer{cfg: cfg, seed: maphash.MakeSeed()}
	p.apps.Store(&[]*App{})
	for i := range p.shards {
		p.shards[i].accounts = map[uint64]*Account{}
	}
	return p
}

// Config returns what the pacer was set up with.
func (p *Pacer) Config() Config { return p.cfg }

func (p *Pacer) app(k AppKey) *App {
	for _, a := range *p.apps.Load() {
		if a.Key == k {
			return a
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	old := *p.apps.Load()
	for _, a := range old {
		if a.Key == k {
			return a
		}
	}
	a := newApp(k)
	list := append(slices.Clip(slices.Clone(old)), a)
	p.apps.Store(&list)
	return a
}

func (p *Pacer) hash(app *App, account string) uint64 {
	return maphash.String(p.seed, account) ^ app.salt
}

func (p *Pacer) shard(h uint64) *shard { return &p.shards[h>>57] }

// Call is a call that wants to go.
type Call struct {
	App      AppKey
	Account  string // "": one that stands for all calls without an account
	Priority Priority
	Cost     uint32 // at least 1
}

// Ticket is the leave to send a call.
type Ticket struct {
	account *Account
	own     Mark
	app     Mark // appCalm when the app's bucket had room for all
}

// Pack returns what a ticket consists of, for a caller that keeps plain values.
func (t Ticket) Pack() (*Account, uint64) { return t.account, uint64(t.own)<<32 | uint64(t.app) }

// Unpack returns the ticket that was packed.
func Unpack(a *Account, seq uint64) Ticket {
	return Ticket{account: a, own: Mark(seq >> 32), app: Mark(seq)} // #nosec G115 -- the halves
}

// Try lets a call go if it can go now. Otherwise it says why not, and when to
// ask again; 0: that depends on other calls.
func (p *Pacer) Try(now time.Duration, c Call) (Ticket, Stop) {
	app := p.app(c.App)
	h := p.hash(app, c.Account)
	sh := p.shard(h)
	sh.mu.Lock()
	a := p.account(sh, h, app, now)
	t, stop := p.tryLocked(now, a, c)
	sh.mu.Unlock()
	return t, stop
}

// Stop is what keeps a call from going.
type Stop struct {
	Reason Reason
	Until  time.Duration // 0: not known
	App    bool          // the app's bucket, rather than the account's
}

func (p *Pacer) tryLocked(now time.Duration, a *Account, c Call) (t Ticket, s Stop) {
	ask := Ask{Priority: c.Priority, Cost: c.Cost}
	if a.line != nil && a.line.ahead(c.Priority) > 0 {
		s.Reason = Turn
		s.Until = a.gov.Next(&p.cfg.Account, now, ask, a.line.ahead(c.Priority))
		return t, s
	}
	m, r := a.gov.Take(&p.cfg.Account, now, ask)
	if r != Free {
		return t, Stop{Reason: r, Until: a.gov.Next(&p.cfg.Account, now, ask, 0)}
	}
	t = Ticket{account: a, own: m}
	if t.app, s = a.app.try(p, now, a, ask); s.Reason != Free {
		a.gov.Report(&p.cfg.Account, now, Report{Mark: m, Cost: c.Cost, Usage: -1})
	}
	return t, s
}

// account returns the state of an account, made if need be. The shard is locked.
func (p *Pacer) account(sh *shard, h uint64, app *App, now time.Duration) *Account {
	a := sh.accounts[h]
	if a == nil {
		if len(sh.accounts) > 0 {
			p.evict(sh, now, len(sh.accounts) >= max(1, p.cfg.MaxAccounts/shards))
		}
		a = &Account{app: app, hash: h}
		sh.accounts[h] = a
	}
	return a
}

// evict looks at a few accounts of a shard, and forgets those of which there
// is nothing to remember; when full, also the one that matters least.
func (p *Pacer) evict(sh *shard, now time.Duration, full bool) {
	var worst uint64
	found, least, looked := false, 2.0, 0
	for h, a := range sh.accounts { // Go starts at a random one
		if looked++; looked > 4 {
			break
		}
		if a.line != nil || !a.gov.idle(&p.cfg.Account, now) {
			continue
		}
		use := a.gov.use()
		if now >= a.gov.wear().blocked && a.gov.led.total() == 0 {
			delete(sh.accounts, h)
			found, full = false, false
			continue
		}
		if now < a.gov.wear().blocked {
			use++
		}
		if use < least {
			worst, least, found = h, use, true
		}
	}
	if full && found {
		delete(sh.accounts, worst)
	}
}

// idle reports whether no call is in flight.
func (g *Governor) idle(p *Params, now time.Duration) bool {
	g.roll(p, now)
	return g.fly[0]+g.fly[1] == 0
}

// use returns which part of the window is known to be used.
func (g *Governor) use() float64 {
	if !g.is(flagK) {
		return 0
	}
	return min(1, max(0, float64(g.led.total())/max(g.k, 1)))
}

// Outcome is what became of a call that was let go.
type Outcome struct {
	Cost    uint32
	Sent    bool
	Counted bool
	// RefusedApp, RefusedAccount say which bucket refused the call.
	RefusedApp, RefusedAccount bool
	// RefusedRate: something in front of the platform refused it.
	RefusedRate            bool
	AppUsage, AccountUsage float64 // percent; negative: not stated
	AppHint, AccountHint   time.Duration
	RateHint               time.Duration
}

// Done takes in what became of a call. Every ticket is handed in once.
func (p *Pacer) Done(now time.Duration, t Ticket, o Outcome) {
	a := t.account
	if a == nil {
		return
	}
	own := Report{
		Mark: t.own, Cost: o.Cost, Sent: o.Sent && !o.RefusedRate, Counted: o.Counted,
		Refused: o.RefusedAccount, Usage: o.AccountUsage, Hint: o.AccountHint,
	}
	sh := p.shard(a.hash)
	sh.mu.Lock()
	a.gov.Report(&p.cfg.Account, now, own)
	if a.line != nil {
		p.pumpAccount(now, a)
	}
	sh.mu.Unlock()
	a.app.done(p, now, t.app, o)
}

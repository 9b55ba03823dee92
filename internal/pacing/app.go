// Package pacing decides when a call may be sent, from what usage headers,
// refusals and a ledger of own calls show. It knows no HTTP and no clock: the
// time is passed in.
package pacing

// This file answers: how is an app's budget shared by its accounts?

import (
	"hash/maphash"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// appCalm marks a call that was counted in a stripe, without the app's lock.
const appCalm Mark = 1 << 31

const stripes = 16

// App is the bucket that all accounts of an app share.
type App struct {
	Key  AppKey
	salt uint64

	// While much room is left, callers of different accounts do not meet: each
	// counts in a stripe of its own, and the stripes are summed up now and then.
	calm    atomic.Bool
	lastU   atomic.Uint32 // percentage last read, as float32 bits
	lastAt  atomic.Int64  // when
	stripes [stripes]stripe

	mu    sync.Mutex
	gov   Governor
	rate  *rate // nil until a proxy refused a call
	line  Line
	light float64       // calls of accounts that use little, fading
	faded time.Duration // when light was right
}

type stripe struct {
	sent, done atomic.Uint32
	_          [56]byte
}

func newApp(k AppKey) *App {
	a := &App{Key: k, salt: maphash.String(maphash.MakeSeed(), k.ID)}
	a.lastU.Store(math.MaxUint32)
	a.line.app = a
	return a
}

// How an app's budget is shared.
const (
	heavyShare = 0.05 // of the limit: an account that used more leaves room for those that did not
	lightFades = 4    // of the window: how long a call of a light account is remembered
	fadeSlots  = 16   // fading is counted in steps of so many slots
	maxReserve = 0.5  // of the limit, kept from heavy accounts at most
	shortSteps = 64   // moments of a window that are looked at
	calmRoom   = 2048 // calls of room from which on callers need not meet
	calmSpan   = time.Second
)

func (a *App) try(p *Pacer, now time.Duration, acct *Account, ask Ask) (Mark, Stop) {
	if a.calm.Load() {
		return a.count(acct, ask.Cost), Stop{}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := a.line.ahead(ask.Priority); n > 0 {
		ask.Keep = a.keep(p, now, acct)
		return 0, Stop{Reason: Turn, Until: a.next(p, now, ask, n), App: true}
	}
	return a.take(p, now, acct, ask)
}

// count counts a call in a stripe.
func (a *App) count(acct *Account, cost uint32) Mark {
	n := acct.hash % stripes
	a.stripes[n].sent.Add(cost)
	return appCalm | Mark(n)
}

// gather moves what the stripes counted into the bucket. The app is locked.
func (a *App) gather(p *Pacer, now time.Duration) {
	var sent, done uint32
	for i := range a.stripes {
		sent += a.stripes[i].sent.Swap(0)
		done += a.stripes[i].done.Swap(0)
	}
	a.gov.gather(&p.cfg.App, now, sent, done)
}

// take lets a call go if there is room; the app is locked.
func (a *App) take(p *Pacer, now time.Duration, acct *Account, ask Ask) (Mark, Stop) {
	if a.rate != nil {
		if at := a.rate.next(now); at > now {
			return 0, Stop{Reason: Rate, Until: at, App: true}
		}
	}
	ask.Keep = a.keep(p, now, acct)
	m, r := a.gov.Take(&p.cfg.App, now, ask)
	if r != Free {
		return 0, Stop{Reason: r, Until: a.next(p, now, ask, 0), App: true}
	}
	if a.rate != nil {
		a.rate.take(now)
	}
	a.spend(p, now, acct, ask.Cost)
	return m, Stop{}
}

func (a *App) next(p *Pacer, now time.Duration, ask Ask, ahead int) time.Duration {
	t := a.gov.Next(&p.cfg.App, now, ask, ahead)
	if a.rate != nil {
		t = max(t, a.rate.next(now))
	}
	return t
}

// fade lets an account's spent calls fade, and reports whether it uses much.
func (a *App) fade(p *Pacer, now time.Duration, acct *Account) bool {
	if s := p.cfg.App.slot(now) / fadeSlots; s != acct.faded {
		acct.spent *= float32(math.Exp(-float64(s-acct.faded) * fadeSlots / slotsPerWindow))
		acct.faded = s
	}
	heavy := a.gov.is(flagK) && float64(acct.spent) > max(4, heavyShare*a.gov.l)
	if heavy && !acct.gov.heavy { // its calls so far do not show what others want
		a.fadeLight(p, now)
		a.light = max(0, a.light-float64(acct.spent))
	}
	acct.gov.heavy = heavy
	return heavy
}

// spend counts a call for its account.
func (a *App) spend(p *Pacer, now time.Duration, acct *Account, cost uint32) {
	heavy := a.fade(p, now, acct)
	acct.spent += float32(cost)
	if heavy {
		return
	}
	a.fadeLight(p, now)
	a.light += float64(cost)
}

func (a *App) fadeLight(p *Pacer, now time.Duration) {
	if dt := now - a.faded; dt > p.cfg.App.Window/slotsPerWindow*fadeSlots {
		a.light *= math.Exp(-float64(dt) * lightFades / float64(p.cfg.App.Window))
		a.faded = now
	}
}

// keep returns how many calls an account must leave to others: one that used
// much of the window leaves what those that used little will want, at their
// present rate, until the window frees.
func (a *App) keep(p *Pacer, now time.Duration, acct *Account) float64 {
	if !a.fade(p, now, acct) {
		return 0
	}
	a.fadeLight(p, now)
	if a.light < 1.0/lightFades {
		return 0
	}
	w := float64(p.cfg.App.Window)
	age := min(float64(now-a.gov.began), w/lightFades)
	return min(a.gov.shortfall(&p.cfg.App, now, a.light/max(age, float64(time.Second))), maxReserve*a.gov.l)
}

// shortfall returns how many calls will be missing at the worst moment within a
// window, for callers who want so many in a nanosecond, if nothing is left now:
// those that they want until then, and some more by chance, less those that
// leave the window until then.
func (g *Governor) shortfall(p *Params, now time.Duration, rate float64) (worst float64) {
	free, looked := 0.0, time.Duration(-1)
	for e := range g.led.slices() {
		if in := g.leaves(p, e.at) - now; in > looked {
			want := rate * float64(in)
			worst = max(worst, want-free+2*math.Sqrt(want))
			looked = in + p.Window/shortSteps
		}
		free += float64(e.n)
	}
	return worst
}

// done takes in what became of a call.
func (a *App) done(p *Pacer, now time.Duration, m Mark, o Outcome) {
	calm := m&appCalm != 0
	if calm && a.quiet(now, o) {
		a.stripes[m&(stripes-1)].done.Add(o.Cost)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if calm || a.calm.Load() {
		a.gather(p, now)
	}
	if calm {
		m = a.gov.meanMark()
	}
	a.lastU.Store(math.Float32bits(float32(o.AppUsage)))
	a.lastAt.Store(int64(now))
	a.gov.Report(&p.cfg.App, now, Report{
		Mark: m, Cost: o.Cost, Sent: o.Sent && !o.RefusedRate, Counted: o.Counted,
		Refused: o.RefusedApp, Usage: o.AppUsage, Hint: o.AppHint,
	})
	if o.RefusedRate || a.rate != nil {
		a.rated(now, a.gov.sentAt(m), o)
	}
	if a.line.waiting > 0 {
		a.pump(p, now)
	}
	a.calm.Store(a.line.waiting == 0 && a.rate == nil && a.gov.calm(now))
}

// quiet reports whether an outcome changes nothing, so that counting it is enough.
func (a *App) quiet(now time.Duration, o Outcome) bool {
	return a.calm.Load() && o.Counted && o.Sent && !o.RefusedApp && !o.RefusedRate && o.AppHint == 0 &&
		math.Float32bits(float32(o.AppUsage)) == a.lastU.Load() &&
		int64(now)-a.lastAt.Load() < int64(calmSpan)
}

func (a *App) rated(now time.Duration, mark uint32, o Outcome) {
	switch {
	case o.RefusedRate:
		if a.rate == nil {
			a.rate = &rate{}
		}
		a.rate.refused(now, mark, a.gov.sent, o.RateHint)
	case o.Counted:
		a.rate.passed(now, mark)
		if a.rate.over(now) {
			a.rate = nil
		}
	default:
		a.rate.missed(mark)
	}
}

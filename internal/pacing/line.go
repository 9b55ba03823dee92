package pacing

// This file answers: who waits, and whose turn is it?

import "time"

// Waiter is a call that waits. Fill in the exported fields of the first part
// and hand it to [Pacer.Enqueue]; it belongs to the pacer until Ready is
// called or [Pacer.Cancel] returns true.
type Waiter struct {
	Call  Call
	Limit time.Duration // latest time at which it still wants to go; 0: any
	Data  any           // the host's own

	state      waiterState
	ticket     Ticket
	stop       Stop
	prev, next *Waiter
	in         *fifo
}

type waiterState uint8

const (
	atNone    waiterState = iota
	atAccount             // in its account's line
	atApp                 // in the app's line; its account's bucket is taken
	gone                  // let go
	refused               // turned away; its account's bucket is still taken
)

// Line is where calls wait for one bucket.
type Line struct {
	Timer any // the host's own

	account *Account // nil for an app's line
	app     *App
	fifos   [priorities]fifo // an account's line
	rings   [priorities]flows
	count   [priorities]int
	waiting int
	armed   time.Duration // when Wake is due
	told    time.Duration // those who cannot wait until then have been turned away
}

// ahead returns how many waiters a new one of this priority goes behind.
func (l *Line) ahead(pr Priority) (n int) {
	for i := range pr + 1 {
		n += l.count[i]
	}
	return n
}

// fifo is a queue of waiters that lets go of those in the middle.
type fifo struct{ head, tail *Waiter }

func (f *fifo) push(w *Waiter) {
	w.in, w.prev, w.next = f, f.tail, nil
	if f.tail == nil {
		f.head = w
	} else {
		f.tail.next = w
	}
	f.tail = w
}

func (f *fifo) remove(w *Waiter) {
	if w.prev == nil {
		f.head = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		f.tail = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.in, w.prev, w.next = nil, nil, nil
}

// flow is the waiters of one account in an app's line.
type flow struct {
	fifo    fifo
	account *Account
	deficit uint32 // calls it may still send before the next flow's turn
	next    *flow
}

// flows takes turns: deficit round robin with a quantum of one call.
type flows struct {
	head, tail *flow
	by         map[*Account]*flow
}

func (r *flows) push(w *Waiter, a *Account) {
	f := r.by[a]
	if f == nil {
		if r.by == nil {
			r.by = map[*Account]*flow{}
		}
		f = &flow{account: a}
		r.by[a] = f
		r.back(f)
	}
	f.fifo.push(w)
}

func (r *flows) back(f *flow) {
	f.next = nil
	if r.tail == nil {
		r.head = f
	} else {
		r.tail.next = f
	}
	r.tail = f
}

// pop takes the flow whose turn it is; flows that everyone left are dropped.
func (r *flows) pop() *flow {
	for r.head != nil {
		f := r.head
		if r.head = f.next; r.head == nil {
			r.tail = nil
		}
		f.next = nil
		if f.fifo.head != nil {
			return f
		}
		delete(r.by, f.account)
	}
	return nil
}

func (r *flows) front(f *flow) {
	f.next = r.head
	r.head = f
	if r.tail == nil {
		r.tail = f
	}
}

// Enqueue lets the call of w go, or puts it in line. It returns true when the
// call may go at once.
func (p *Pacer) Enqueue(now time.Duration, w *Waiter) bool {
	app := p.app(w.Call.App)
	h := p.hash(app, w.Call.Account)
	sh := p.shard(h)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	a := p.account(sh, h, app, now)
	w.ticket.account = a
	ask := Ask{Priority: w.Call.Priority, Cost: w.Call.Cost}
	if a.line == nil || a.line.ahead(ask.Priority) == 0 {
		m, r := a.gov.Take(&p.cfg.Account, now, ask)
		if r == Free {
			w.ticket.own = m
			return p.atApp(now, w)
		}
	}
	if a.line == nil {
		a.line = &Line{account: a, app: app}
	}
	a.line.fifos[ask.Priority].push(w)
	a.line.count[ask.Priority]++
	a.line.waiting++
	w.state = atAccount
	p.pumpAccount(now, a)
	app.mu.Lock() // if it went on to the app's line, another goroutine may be letting it go
	defer app.mu.Unlock()
	return w.state == gone
}

// atApp lets a call go that its account's bucket let go, or puts it in the
// app's line. The shard is locked.
func (p *Pacer) atApp(now time.Duration, w *Waiter) bool {
	a := w.ticket.account
	app := a.app
	ask := Ask{Priority: w.Call.Priority, Cost: w.Call.Cost}
	if app.calm.Load() {
		w.ticket.app = app.count(a, ask.Cost)
		w.state = gone
		return true
	}
	app.mu.Lock()
	defer app.mu.Unlock()
	if app.line.ahead(ask.Priority) == 0 {
		if m, s := app.take(p, now, a, ask); s.Reason == Free {
			w.ticket.app = m
			w.state = gone
			return true
		}
	}
	app.line.rings[ask.Priority].push(w, a)
	app.line.count[ask.Priority]++
	app.line.waiting++
	w.state = atApp
	app.pump(p, now)
	return w.state == gone
}

// pumpAccount lets waiting calls of an account go on to the app's line. The shard is locked.
func (p *Pacer) pumpAccount(now time.Duration, a *Account) {
	l := a.line
	for pr := range priorities {
		for w := l.fifos[pr].head; w != nil; w = l.fifos[pr].head {
			ask := Ask{Priority: pr, Cost: w.Call.Cost}
			m, r := a.gov.Take(&p.cfg.Account, now, ask)
			if r != Free {
				p.hold(now, l, Stop{Reason: r, Until: a.gov.Next(&p.cfg.Account, now, ask, 0)})
				return
			}
			l.drop(w)
			w.ticket.own = m
			if p.atApp(now, w) {
				p.cfg.Ready(w)
			}
		}
	}
	a.line = nil
}

// hold makes a line wait, and turns those away who cannot wait that long.
func (p *Pacer) hold(now time.Duration, l *Line, s Stop) {
	at := s.Until
	if at == 0 {
		at = now + leakAfter // an answer will wake the line before; leaked permits need this
	}
	at = max(at, now+time.Millisecond) // whatever was computed, never at once again
	if at != l.armed {
		l.armed = at
		p.cfg.Arm(l, at)
	}
	if s.Until <= l.told {
		return
	}
	l.told = s.Until
	for pr := range priorities {
		if l.account != nil {
			p.turnAway(l, &l.fifos[pr], s)
			continue
		}
		for f := l.rings[pr].head; f != nil; f = f.next {
			p.turnAway(l, &f.fifo, s)
		}
	}
}

func (p *Pacer) turnAway(l *Line, f *fifo, s Stop) {
	for w := f.head; w != nil; {
		next := w.next
		if w.Limit != 0 && w.Limit < s.Until {
			taken := w.state == atApp
			l.drop(w)
			w.stop = s
			w.state = gone
			if taken {
				w.state = refused
			}
			p.cfg.Ready(w)
		}
		w = next
	}
}

// drop takes a waiter out of its line.
func (l *Line) drop(w *Waiter) {
	w.in.remove(w)
	l.count[w.Call.Priority]--
	l.waiting--
	w.state = gone
}

// Settle returns what became of a waiter for which Ready was called: a ticket,
// or what stopped it.
func (p *Pacer) Settle(now time.Duration, w *Waiter) (Ticket, Stop) {
	if w.state == refused {
		p.giveBack(now, w)
	}
	return w.ticket, w.stop
}

// Cancel takes a waiter out of line. It returns false when Ready has been or
// is being called for it.
func (p *Pacer) Cancel(now time.Duration, w *Waiter) bool {
	a := w.ticket.account
	sh := p.shard(a.hash)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	app := a.app
	app.mu.Lock()
	was := w.state // changes with the shard or the app locked
	if was == atApp {
		app.line.drop(w)
	}
	app.mu.Unlock()
	switch was {
	case atAccount: // which the app's lock has no part in
		a.line.drop(w)
		p.pumpAccount(now, a)
		return true
	case atApp:
		p.giveBackLocked(now, w)
		return true
	case atNone, gone, refused:
	}
	return false
}

// GiveUp takes a waiter out of line whose time is over, so that it can be
// settled: with a ticket after all, or with what stops it now. It returns false
// when Ready has been or is being called for it.
func (p *Pacer) GiveUp(now time.Duration, w *Waiter) bool {
	if !p.Cancel(now, w) {
		return false
	}
	w.ticket, w.stop = p.Try(now, w.Call)
	return true
}

func (p *Pacer) giveBack(now time.Duration, w *Waiter) {
	sh := p.shard(w.ticket.account.hash)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	p.giveBackLocked(now, w)
}

// giveBackLocked returns the place in its account's bucket that a waiter held in the app's line.
func (p *Pacer) giveBackLocked(now time.Duration, w *Waiter) {
	a := w.ticket.account
	a.gov.Report(&p.cfg.Account, now, Report{Mark: w.ticket.own, Cost: w.Call.Cost, Usage: -1})
	w.ticket = Ticket{account: a}
	if a.line != nil {
		p.pumpAccount(now, a)
	}
}

// Wake looks at a line again. The host calls it at the time for which it was armed.
func (p *Pacer) Wake(now time.Duration, l *Line) {
	if a := l.account; a != nil {
		sh := p.shard(a.hash)
		sh.mu.Lock()
		defer sh.mu.Unlock()
		if a.line == l {
			l.armed = 0
			p.pumpAccount(now, a)
		}
		return
	}
	l.app.mu.Lock()
	defer l.app.mu.Unlock()
	l.armed = 0
	if l.waiting > 0 {
		l.app.pump(p, now)
	}
}

// pump lets waiting calls go, in turn by account. The app is locked.
func (a *App) pump(p *Pacer, now time.Duration) {
	for pr := range priorities {
		r := &a.line.rings[pr]
		for skipped := 0; skipped <= len(r.by); {
			f := r.pop()
			if f == nil {
				break
			}
			w := f.fifo.head
			if f.deficit < w.Call.Cost {
				f.deficit++
				if f.deficit < w.Call.Cost {
					r.back(f)
					continue
				}
			}
			m, s := a.take(p, now, f.account, Ask{Priority: pr, Cost: w.Call.Cost})
			switch {
			case s.Reason == Free:
				skipped = 0
				f.deficit -= w.Call.Cost
				a.line.drop(w)
				r.back(f) // an empty one is dropped at its next turn
				w.ticket.app = m
				p.cfg.Ready(w)
			case s.Reason == Reserved && pr != Background:
				skipped++ // this account used its part; the next may go
				r.back(f)
				p.hold(now, &a.line, Stop{Reason: s.Reason, App: true})
			default:
				r.front(f)
				p.hold(now, &a.line, s)
				return
			}
		}
	}
}

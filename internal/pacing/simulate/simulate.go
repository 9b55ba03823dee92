// Package simulate plays hours of paced calls in milliseconds: a platform with
// a rolling quota, workers that always have work, other programs that eat the
// same quota, and the pacer of package pacing or an oracle that knows
// everything. It is for tests and benchmarks.
package simulate

// This file answers: how long do the calls of a scenario take, and how many
// are refused?

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/seed-922467ee/instagram/internal/pacing"
)

// Hints says when the platform states how long to wait.
type Hints uint8

// Moments at which a wait is stated.
const (
	HintsOnRefusal Hints = iota
	HintsWhenFull        // also with the call that used the quota up
	NoHints
)

// Scenario is what to play.
type Scenario struct {
	Limit   int
	Window  time.Duration
	Calls   int // to be made by all processes together
	Workers int // of each process
	Procs   int // processes that know nothing of each other; 0: 1
	RTT     time.Duration
	Jitter  float64 // part of RTT by which it varies, each way
	Account bool    // the quota is an account's, not the app's

	Rounding     Rounding
	Hints        Hints
	HintRounding Rounding
	Penalty      bool          // refused calls count
	BareRefusals bool          // refusals carry no header
	NoHeaders    bool          // nothing carries a header
	HeaderFrom   float64       // percentage from which on there are headers
	Lag          time.Duration // age of what headers say
	Grain        time.Duration // the window moves in steps of this
	CostSpread   float64       // calls cost 1 ± this

	StartUsed   float64       // part of the quota used before the start …
	StartSpread time.Duration // … evenly over this time before it
	ChangeAt    time.Duration // when the limit is multiplied by Change
	Change      float64

	Foreign         float64 // part of the quota that other programs want in each window
	ForeignStubborn bool    // theirs are served even when the quota is used up

	Background bool // the workers' calls give way
	// Interactive calls in each window, at random moments, by a further account.
	Interactive float64

	Seed  uint64
	Trace func(line string) // told of every answer; nil: nobody
}

// Result is what came of it.
type Result struct {
	Took    time.Duration // until the last call was answered
	Sent    int           // calls sent, refused ones included
	Refused int           // but for those in flight when the limit changed
	Served  int

	Interactive, AtOnce int // interactive calls, and those that neither waited nor were refused
}

type kind uint8

const (
	evStart kind = iota
	evArrive
	evAnswer
	evWake
	evForeign
	evInteractive
	evChange
	evPoll // the oracle looks again
)

type event struct {
	at   time.Duration
	seq  uint64
	kind kind
	proc *proc
	line *pacing.Line
	call *call
}

type call struct {
	ticket   pacing.Ticket
	sentAt   time.Duration
	began    time.Duration
	a        answer
	prio     pacing.Priority
	waiter   pacing.Waiter
	free     bool // in flight when the limit changed
	account  string
	refusals int
	worker   bool
}

// events is a heap by time.
type events []event

func (e events) less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].seq < e[j].seq
}

func (e *events) push(x event) {
	h := append(*e, x)
	for i := len(h) - 1; i > 0 && h.less(i, (i-1)/2); i = (i - 1) / 2 {
		h[i], h[(i-1)/2] = h[(i-1)/2], h[i]
	}
	*e = h
}

func (e *events) pop() event {
	h := *e
	x, n := h[0], len(h)-1
	h[0] = h[n]
	h[n] = event{}
	h = h[:n]
	for i := 0; ; {
		c := 2*i + 1
		if c >= n {
			break
		}
		if c+1 < n && h.less(c+1, c) {
			c++
		}
		if !h.less(c, i) {
			break
		}
		h[i], h[c] = h[c], h[i]
		i = c
	}
	*e = h
	return x
}

type world struct {
	sc     *Scenario
	srv    *server
	now    time.Duration
	seq    uint64
	ev     events
	rng    *rand.Rand
	procs  []*proc
	res    Result
	left   int // calls not yet served
	oracle bool
	flying int           // calls on their way
	polled time.Duration // when the oracle looks again
}

type proc struct {
	pacer *pacing.Pacer
	ready []*pacing.Waiter
	todo  int // calls not yet begun
	idle  int // the oracle's workers
	armed map[*pacing.Line]time.Duration
}

// start is the instant at which a scenario begins, late enough for a window before it.
const start = 30 * time.Hour

// Paced plays a scenario with the pacer.
func Paced(sc Scenario) Result { return play(sc, false) }

// Ideal plays a scenario with an oracle that knows the limit and the log.
func Ideal(sc Scenario) Result { return play(sc, true) }

func play(sc Scenario, oracle bool) Result {
	if sc.Procs == 0 {
		sc.Procs = 1
	}
	w := &world{sc: &sc, oracle: oracle, left: sc.Calls, rng: rand.New(rand.NewPCG(sc.Seed, 7))} // #nosec G404 -- a simulation
	if oracle {
		sc.Penalty = false // it is never refused but by a hair
	}
	w.srv = &server{sc: &sc, limit: float64(sc.Limit), rng: rand.New(rand.NewPCG(sc.Seed, 11))} // #nosec G404 -- a simulation
	w.srv.fill()
	for i := range sc.Procs {
		p := &proc{todo: sc.Calls / sc.Procs, armed: map[*pacing.Line]time.Duration{}}
		if i == 0 {
			p.todo += sc.Calls % sc.Procs
		}
		if oracle && i > 0 {
			w.procs[0].todo += p.todo
			w.procs[0].idle += sc.Workers
			continue
		}
		p.idle = sc.Workers
		p.pacer = w.newPacer(p)
		w.procs = append(w.procs, p)
	}
	for _, p := range w.procs {
		if oracle {
			w.at(0, event{kind: evPoll, proc: p})
			continue
		}
		prio := pacing.Normal
		if sc.Background {
			prio = pacing.Background
		}
		for range sc.Workers {
			w.at(0, event{kind: evStart, proc: p, call: &call{prio: prio, account: "1", worker: true}})
		}
	}
	if sc.Foreign > 0 {
		w.at(w.gap(sc.Foreign*float64(sc.Limit)), event{kind: evForeign})
	}
	if sc.Interactive > 0 && !oracle {
		w.at(w.gap(sc.Interactive), event{kind: evInteractive, proc: w.procs[0]})
	}
	if sc.Change > 0 {
		w.at(sc.ChangeAt, event{kind: evChange})
	}
	for w.left > 0 && len(w.ev) > 0 {
		e := w.ev.pop()
		w.now = e.at
		w.step(e)
	}
	return w.res
}

// gap returns the time to the next of events of which there are n in a window.
func (w *world) gap(n float64) time.Duration {
	return time.Duration(w.rng.ExpFloat64() * float64(w.sc.Window) / n)
}

func (w *world) at(t time.Duration, e event) {
	e.at, e.seq = t, w.seq
	w.seq++
	w.ev.push(e)
}

// way returns how long a call travels in one direction.
func (w *world) way() time.Duration {
	d := float64(w.sc.RTT) / 2
	return time.Duration(d * (1 + w.sc.Jitter*(2*w.rng.Float64()-1)))
}

func (w *world) newPacer(p *proc) *pacing.Pacer {
	return pacing.New(pacing.Config{
		App:         pacing.Params{Window: time.Hour, MaxSlots: 2048, FewSlots: 2048, Background: 0.05},
		Account:     pacing.Params{Window: 24 * time.Hour, MaxSlots: 512, FewSlots: 8, Background: 0.05},
		MaxAccounts: 1000,
		Ready:       func(x *pacing.Waiter) { p.ready = append(p.ready, x) },
		Arm: func(l *pacing.Line, at time.Duration) {
			at = max(at-start, w.now)
			p.armed[l] = at
			w.at(at, event{kind: evWake, proc: p, line: l})
		},
	})
}

func (w *world) step(e event) {
	switch e.kind {
	case evStart:
		w.begin(e.proc, e.call)
	case evArrive:
		e.call.a = w.srv.call(w.now, false)
		w.flying--
		w.at(w.now+w.way(), event{kind: evAnswer, proc: e.proc, call: e.call})
	case evAnswer:
		w.answered(e.proc, e.call)
	case evWake:
		if e.proc.armed[e.line] == e.at {
			e.proc.pacer.Wake(w.now+start, e.line)
			w.drain(e.proc)
		}
	case evForeign:
		w.srv.call(w.now, true)
		w.at(w.now+w.gap(w.sc.Foreign*float64(w.sc.Limit)), event{kind: evForeign})
	case evInteractive:
		w.res.Interactive++
		w.send(e.proc, &call{prio: pacing.Interactive, account: "2", began: w.now})
		w.at(w.now+w.gap(w.sc.Interactive), event{kind: evInteractive, proc: e.proc})
	case evChange:
		w.srv.limit *= w.sc.Change
		for i := range w.ev {
			if c := w.ev[i].call; c != nil && (w.ev[i].kind == evArrive || w.ev[i].kind == evAnswer) {
				c.free = true
			}
		}
	case evPoll:
	}
	if w.oracle {
		w.poll(w.procs[0])
	}
}

// begin starts a worker's next call.
func (w *world) begin(p *proc, c *call) {
	if p.todo == 0 {
		return
	}
	p.todo--
	c.refusals = 0
	c.began = w.now
	w.send(p, c)
}

// send asks the pacer, and sends or waits.
func (w *world) send(p *proc, c *call) {
	c.waiter = pacing.Waiter{Data: c, Call: pacing.Call{
		App: pacing.AppKey{ID: "app"}, Account: c.account, Priority: c.prio, Cost: 1,
	}}
	t, stop := p.pacer.Try(w.now+start, c.waiter.Call)
	if stop.Reason == pacing.Free {
		w.fly(p, c, t)
		return
	}
	if p.pacer.Enqueue(w.now+start, &c.waiter) {
		t, _ := p.pacer.Settle(w.now+start, &c.waiter)
		w.fly(p, c, t)
	}
	w.drain(p)
}

// drain sends the calls that the pacer let go.
func (w *world) drain(p *proc) {
	for len(p.ready) > 0 {
		x := p.ready[0]
		p.ready = p.ready[1:]
		t, _ := p.pacer.Settle(w.now+start, x)
		w.fly(p, x.Data.(*call), t)
	}
}

func (w *world) fly(p *proc, c *call, t pacing.Ticket) {
	c.ticket, c.sentAt, c.free = t, w.now, false
	w.res.Sent++
	w.flying++
	w.at(w.now+w.way(), event{kind: evArrive, proc: p, call: c})
}

func (w *world) answered(p *proc, c *call) {
	if !w.oracle {
		o := pacing.Outcome{Cost: 1, Sent: true, Counted: !c.a.refused, AppUsage: -1, AccountUsage: -1}
		if w.sc.Account {
			o.RefusedAccount, o.AccountUsage, o.AccountHint = c.a.refused, c.a.usage, c.a.hint
		} else {
			o.RefusedApp, o.AppUsage, o.AppHint = c.a.refused, c.a.usage, c.a.hint
		}
		p.pacer.Done(w.now+start, c.ticket, o)
		if w.sc.Trace != nil {
			w.sc.Trace(fmt.Sprintf("%11.3f refused=%v usage=%.0f hint=%v used=%.0f | %s",
				w.now.Seconds(), c.a.refused, c.a.usage, c.a.hint, w.srv.used, p.pacer.Describe(c.ticket)))
		}
		w.drain(p)
	}
	if c.a.refused {
		c.refusals++
		if !c.free {
			w.res.Refused++
		}
		if w.oracle {
			p.idle++
			p.todo++
			return
		}
		w.send(p, c)
		return
	}
	if !c.worker && !w.oracle {
		if c.refusals == 0 && c.sentAt == c.began {
			w.res.AtOnce++
		}
		return
	}
	w.res.Served++
	w.left--
	w.res.Took = w.now
	if w.oracle {
		p.idle++
		return
	}
	w.begin(p, c)
}

// poll sends what fits: the oracle.
func (w *world) poll(p *proc) {
	for p.idle > 0 && p.todo > 0 {
		w.srv.expire(w.now)
		arrive := w.now + w.sc.RTT/2
		used := w.srv.used
		var next time.Duration
		for i := w.srv.head; i < len(w.srv.log); i++ {
			next = w.srv.log[i].at + w.sc.Window
			if next > arrive && used+float64(w.flying) < w.srv.limit {
				break
			}
			if next > arrive {
				if at := max(w.now+time.Millisecond, next-w.sc.RTT/2); w.polled <= w.now || at < w.polled {
					w.polled = at
					w.at(at, event{kind: evPoll, proc: p})
				}
				return
			}
			used -= w.srv.log[i].cost
		}
		if used+float64(w.flying) >= w.srv.limit {
			return // the next answer or expiry tells
		}
		p.idle--
		p.todo--
		w.fly(p, &call{worker: true}, pacing.Ticket{})
	}
}

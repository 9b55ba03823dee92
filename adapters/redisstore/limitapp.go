package redisstore

// This file answers: what does a process do for the calls of one app while
// they wait, and while Redis is away?

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/seed-922467ee/instagram/internal/pacing"
)

const (
	mostNews  = 1024 // outcomes kept for Redis while it is away
	newsBatch = 64   // told in one step
	lookAgain = time.Second
)

// app is what a process keeps of an app. Quotas of different apps may be on
// different servers of a cluster, and so one may be away and another not.
type app struct {
	l   *limiter
	key pacing.AppKey

	kick chan struct{} // wakes the pump

	mu      sync.Mutex
	line    line
	pumping bool

	news    []news // to be told, oldest first
	sent    batch  // before them: under way to Redis, or its answer was lost
	telling bool
	turn    chan struct{} // held by who tells: two would pass each other

	away      bool
	tryAt     time.Duration // when to look again whether Redis is back
	trying    bool
	alone     map[int]context.CancelCauseFunc // those who wait while it is away
	strangers int                             // how many there were ever
}

func newApp(l *limiter, k pacing.AppKey) *app {
	return &app{l: l, key: k, kick: make(chan struct{}, 1), turn: make(chan struct{}, 1), alone: map[int]context.CancelCauseFunc{}}
}

// ahead returns how many waiters a call goes behind, or errAway.
func (a *app) ahead(r *request) (ours, others int, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.away {
		return 0, 0, errAway
	}
	ours, others = a.line.ahead(r.call, a.l.now())
	r.asked = a.line.stirs
	return ours, others, nil
}

// enqueue puts a waiter in line.
func (a *app) enqueue(ctx context.Context, w *waiter) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.away {
		return errAway
	}
	first := a.line.waiting == 0
	f := a.line.push(w)
	if now := a.l.now(); w.stop.Reason != pacing.Turn && w.asked == a.line.stirs && (first || f.waiters[0] == w) {
		a.line.hold(f, w, w.stop, now) // it has just asked
	}
	if !a.pumping {
		a.pumping = true
		go a.pump(context.WithoutCancel(ctx))
	}
	a.wake()
	return nil
}

// wake makes the pump look again. The app is locked.
func (a *app) wake() {
	select {
	case a.kick <- struct{}{}:
	default:
	}
}

// wait returns what becomes of a waiter; an error is the context's.
func (a *app) wait(ctx context.Context, w *waiter) (verdict, error) {
	var late <-chan time.Time
	if w.limit != 0 {
		timer := time.NewTimer(w.limit - a.l.now())
		defer timer.Stop()
		late = timer.C
	}
	select {
	case v := <-w.ready:
		return v, nil
	case <-ctx.Done():
		if !a.leave(w) { // its turn came at the same moment
			if v := <-w.ready; v.ticket != nil {
				a.giveBack(ctx, w.call, v.ticket)
			}
		}
		return verdict{}, context.Cause(ctx)
	case <-late:
		if !a.leave(w) {
			return <-w.ready, nil
		}
		return verdict{stop: w.stop}, nil
	}
}

// leave takes a waiter out of line, and reports whether it was there.
func (a *app) leave(w *waiter) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	defer a.wake()
	a.line.held[w.call.Priority] = 0 // the next may want less
	return a.line.remove(w)
}

// giveBack returns a ticket that nobody wants any more.
func (a *app) giveBack(ctx context.Context, c pacing.Call, t *ticket) {
	a.tell(ctx, news{call: c, ticket: t, outcome: pacing.Outcome{Cost: c.Cost, AppUsage: -1, AccountUsage: -1}})
}

// pump asks Redis for those who wait, one after the other, while there are any.
func (a *app) pump(ctx context.Context) {
	for {
		a.mu.Lock()
		if a.line.waiting == 0 {
			a.pumping = false
			a.line.held = [priorities]time.Duration{}
			a.mu.Unlock()
			return
		}
		w, f, at := a.line.next(a.l.now())
		asked := a.line.stirs
		a.mu.Unlock()
		if w == nil {
			a.rest(at)
			continue
		}
		t, stop, err := a.take(ctx, w.call, 0, 0)
		if err != nil {
			continue // Redis is away, and everyone has left the line
		}
		a.mu.Lock()
		switch {
		case w.gone:
			if t != nil {
				go a.giveBack(ctx, w.call, t)
			}
		case t != nil:
			a.line.granted(f, w, t)
		case asked == a.line.stirs: // otherwise the answer may be older than what others have told
			a.line.hold(f, w, stop, a.l.now())
		}
		a.mu.Unlock()
	}
}

func (a *app) rest(until time.Duration) {
	timer := time.NewTimer(until - a.l.now())
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-a.kick:
	}
}

// tell sees to it that Redis learns what became of a call. The channel is
// closed when it has, or when it is away.
func (a *app) tell(ctx context.Context, n news) <-chan struct{} {
	told := make(chan struct{})
	n.told, n.met = told, a.l.now()
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.news) >= mostNews {
		a.news[0].forget()
		a.news = append(a.news[:0], a.news[1:]...)
	}
	a.news = append(a.news, n)
	if a.away {
		a.news[len(a.news)-1].forget()
		a.tryLocked(ctx)
	} else {
		a.tellLocked(ctx)
	}
	return told
}

func (n *news) forget() {
	if n.told != nil {
		close(n.told)
		n.told = nil
	}
}

// tellLocked begins to tell Redis what is known.
func (a *app) tellLocked(ctx context.Context) {
	if a.telling || len(a.news) == 0 {
		return
	}
	a.telling = true
	ctx = context.WithoutCancel(ctx)
	go func() {
		err := a.tellAll(ctx)
		if err != nil {
			a.lost(err)
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.telling = false
		if err == nil {
			a.tellLocked(ctx) // what came just now
		}
	}()
}

// tellAll tells Redis what is known, until there is no more.
func (a *app) tellAll(ctx context.Context) error {
	a.turn <- struct{}{}
	defer func() { <-a.turn }()
	for {
		a.mu.Lock()
		if n := min(len(a.news), newsBatch); n > 0 && len(a.sent.news) == 0 {
			a.sent = batch{number: a.sent.number + 1, news: a.news[:n:n]}
			a.news = slices.Clone(a.news[n:])
		}
		b := a.sent
		a.mu.Unlock()
		if len(b.news) == 0 {
			return nil
		}
		if err := a.report(ctx, b); err != nil {
			return err
		}
		a.mu.Lock()
		a.sent.news = nil
		a.stirLocked(b.news)
		a.mu.Unlock()
	}
}

// stirLocked lets those ask again for whom an answer may have changed something.
func (a *app) stirLocked(told []news) {
	accounts := map[string]bool{}
	for i := range told {
		told[i].forget()
		accounts[told[i].call.Account] = true
	}
	if a.line.waiting > 0 {
		a.line.stir(accounts)
		a.wake()
	}
}

// lost notes that Redis is away: who waits goes on alone.
func (a *app) lost(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.away {
		return
	}
	slog.Default().Warn("redisstore: the limiter decides alone, Redis is away", slog.String("app", a.key.ID), slog.Any("error", err))
	a.away, a.tryAt = true, a.l.now()+lookAgain
	for _, untold := range [][]news{a.sent.news, a.news} {
		for i := range untold {
			untold[i].forget()
		}
	}
	for p := range priorities {
		for len(a.line.flows[p]) > 0 {
			a.line.end(a.line.flows[p][0].waiters[0], verdict{away: true})
		}
	}
	a.wake()
}

// untilBack returns a context that ends with errBack when Redis is back.
func (a *app) untilBack(ctx context.Context) (context.Context, func()) {
	waiting, cancel := context.WithCancelCause(ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.away {
		cancel(errBack)
	}
	n := a.strangers
	a.strangers++
	a.alone[n] = cancel
	a.tryLocked(ctx)
	return waiting, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.alone, n)
		cancel(nil)
	}
}

// tryLocked looks whether Redis is back, if it is time, and again and again
// while somebody waits.
func (a *app) tryLocked(ctx context.Context) {
	if !a.away || a.trying || a.l.now() < a.tryAt && len(a.alone) == 0 {
		return
	}
	a.trying = true
	go a.try(context.WithoutCancel(ctx))
}

func (a *app) try(ctx context.Context) {
	for {
		a.mu.Lock()
		pause := a.tryAt - a.l.now()
		a.mu.Unlock()
		if pause > 0 {
			timer := time.NewTimer(pause)
			<-timer.C
		}
		err := a.report(ctx, batch{}) // whether it takes what it is told
		if err == nil {
			err = a.tellAll(ctx) // before anyone asks: it may have been a refusal
		}
		a.mu.Lock()
		a.tryAt = a.l.now() + lookAgain
		if err == nil {
			slog.Default().Info("redisstore: the limiter's Redis is back", slog.String("app", a.key.ID))
			a.away = false
			for _, cancel := range a.alone {
				cancel(errBack)
			}
			a.tellLocked(ctx)
		}
		if err == nil || len(a.alone) == 0 {
			a.trying = false
			a.mu.Unlock()
			return
		}
		a.mu.Unlock()
	}
}

package redisstore

// This file answers: who of this process waits, and whose turn is it?

import (
	"slices"
	"time"

	"github.com/seed-922467ee/instagram/internal/pacing"
)

const priorities = pacing.Background + 1

// How often Redis is asked when only answers to other calls, which another
// process may get, will tell.
const (
	firstLook = 20 * time.Millisecond
	longLook  = time.Second
)

// longHold is how often Redis is asked when it is known how long a wait takes
// at most: calls of other processes may turn out not to count, or their quota to grow.
const longHold = 30 * time.Second

// waiter is a call in line.
type waiter struct {
	*request

	ready chan verdict // gets one
	stop  pacing.Stop  // what it was last told
	gone  bool         // it is in line no more
}

// verdict is what becomes of a waiter: a ticket, or what stops it, or Redis is away.
type verdict struct {
	ticket *ticket
	stop   pacing.Stop
	away   bool
}

// line is where an app's calls wait. For each priority, accounts take turns of
// one call. It is not safe for concurrent use.
type line struct {
	flows   [priorities][]*flow
	held    [priorities]time.Duration // none of the priority, or lower ones, may ask before
	waiting int
	look    time.Duration // next pause where it is not known how long
	stirs   uint64        // how often an answer may have changed something
}

// flow is the waiters of one account.
type flow struct {
	account string
	waiters []*waiter
	held    time.Duration // may not ask before
	byApp   bool          // because others' part of the app's quota is kept
	debt    uint32        // turns to pass over: its last call cost more than one
}

// ahead returns how many waiters a call goes behind: of its own account, and
// others that wait for the app's quota.
func (l *line) ahead(c pacing.Call, now time.Duration) (ours, others int) {
	for p := range c.Priority + 1 {
		for _, f := range l.flows[p] {
			switch {
			case f.account == c.Account:
				ours += len(f.waiters)
			case f.held <= now:
				others += len(f.waiters)
			}
		}
	}
	return ours, others
}

// push puts a waiter behind those of its account that came before it.
func (l *line) push(w *waiter) *flow {
	p := w.call.Priority
	i := slices.IndexFunc(l.flows[p], func(f *flow) bool { return f.account == w.call.Account })
	if i < 0 {
		i = len(l.flows[p])
		l.flows[p] = append(l.flows[p], &flow{account: w.call.Account})
	}
	f := l.flows[p][i]
	at := len(f.waiters)
	for at > 0 && f.waiters[at-1].began > w.began {
		at--
	}
	f.waiters = slices.Insert(f.waiters, at, w)
	l.waiting++
	return f
}

// remove takes a waiter out of line, and reports whether it was there.
func (l *line) remove(w *waiter) bool {
	if w.gone {
		return false
	}
	w.gone = true
	l.waiting--
	p := w.call.Priority
	for i, f := range l.flows[p] {
		if f.account == w.call.Account {
			f.waiters = slices.DeleteFunc(f.waiters, func(x *waiter) bool { return x == w })
			if len(f.waiters) == 0 {
				l.flows[p] = slices.Delete(l.flows[p], i, i+1)
			}
			break
		}
	}
	return true
}

// end ends the wait of one that is still in line.
func (l *line) end(w *waiter, v verdict) {
	if l.remove(w) {
		w.ready <- v
	}
}

// next returns whose turn it is, or else when it will be somebody's.
func (l *line) next(now time.Duration) (*waiter, *flow, time.Duration) {
	soonest := now + longLook
	for p := range priorities {
		if l.held[p] > now {
			return nil, nil, min(soonest, l.held[p])
		}
		for passed := 0; passed < len(l.flows[p]); {
			f := l.flows[p][0]
			if f.held <= now && f.debt == 0 {
				return f.waiters[0], f, 0
			}
			if f.held > now {
				soonest = min(soonest, f.held)
				passed++
			} else {
				f.debt--
				passed = 0
			}
			l.back(f, p)
		}
	}
	return nil, nil, soonest
}

// back puts an account behind the others.
func (l *line) back(f *flow, p pacing.Priority) {
	l.flows[p] = append(slices.Delete(l.flows[p], 0, 1), f)
}

// granted notes that the first of an account got its ticket.
func (l *line) granted(f *flow, w *waiter, t *ticket) {
	f.debt = w.call.Cost - 1
	l.back(f, w.call.Priority)
	l.end(w, verdict{ticket: t})
	l.look = 0
}

// hold makes those wait that what stopped a call stops too, and turns those
// away who cannot wait that long.
func (l *line) hold(f *flow, w *waiter, s pacing.Stop, now time.Duration) {
	w.stop = s
	until := s.Until
	if until == 0 {
		l.look = min(max(firstLook, 2*l.look), longLook)
		until = now + l.look
	}
	if s.Reason != pacing.Blocked && s.Reason != pacing.Rate {
		until = min(until, now+longHold)
	}
	p := w.call.Priority
	if f.byApp = s.App; !s.App || s.Reason == pacing.Reserved && p != pacing.Background {
		f.held = until // the next account may go
		l.turnAway(f, s)
		return
	}
	l.held[p] = until
	for ; p < priorities; p++ {
		for _, f := range slices.Clone(l.flows[p]) {
			l.turnAway(f, s)
		}
	}
}

func (l *line) turnAway(f *flow, s pacing.Stop) {
	for _, w := range slices.Clone(f.waiters) {
		w.stop = s
		if w.limit != 0 && w.limit < s.Until {
			l.end(w, verdict{stop: s})
		}
	}
}

// stir lets those ask again who wait for the app's quota, or for one of these accounts'.
func (l *line) stir(accounts map[string]bool) {
	l.held, l.look = [priorities]time.Duration{}, 0
	l.stirs++
	for p := range priorities {
		for _, f := range l.flows[p] {
			if f.byApp || accounts[f.account] {
				f.held = 0
			}
		}
	}
}

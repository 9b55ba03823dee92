package instagram

// This file answers: is it the accounts that fail, or the app, or Meta?

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Where the breaker opens.
const (
	breakerWindow   = 5 * time.Minute
	breakerAccounts = 50  // distinct accounts that must be known before shares count
	breakerKeeps    = 256 // of which the last outcome is remembered
	probeEvery      = time.Minute
	// Doubtful deaths in a row, without a success between them, that cannot be
	// the accounts' own; for fleets too small for shares.
	breakerStreak = 10
	// After that time, in which nobody was marked, an account that is tried may
	// be marked, if all that can be asked speaks against it and for others.
	massBelievedAfter = 24 * time.Hour
)

// Why the breaker is open.
const (
	causeConfig  = "the platform refuses the app itself"
	causeMass    = "many accounts are refused at once"
	causeOutage  = "the platform does not answer"
	causeNothing = ""
)

// breaker stops the renewing of tokens when it fails for many accounts alike:
// the fault is then the app's or Meta's, and no account is marked for it. All
// renewals of a client report to it.
type breaker struct {
	mu     sync.Mutex
	recent []sample // the last outcome of each of the last accounts, a ring
	next   int
	at     map[string]int // where in recent an account is
	streak map[string]struct{}

	cause  string // of its being open; "": closed
	opened time.Time
	probe  time.Time // when the next account may be tried
}

type sample struct {
	account string
	when    time.Time
	finding finding
}

// finding is what an attempt to renew a token says.
type finding uint8

const (
	foundAlive     finding = iota // renewed, or seen to live
	foundFault                    // network, 5xx, an odd answer: nothing is known
	foundThrottled                // the app is to slow down
	foundAppFault                 // the app itself is refused: wrong secret, app disabled
	foundRefused                  // renewing is refused, and the token is not said to be dead
	foundDead                     // the token is dead
	foundWaiting                  // the person has to act at Instagram or Facebook
)

// permanent reports whether the account would be lost if the finding were its own.
func (f finding) permanent() bool { return f == foundDead || f == foundWaiting || f == foundRefused }

// change is what a report did to the breaker.
type change uint8

const (
	unchanged change = iota
	hasOpened
	hasClosed
)

// stopped reports whether renewing has stopped.
func (b *breaker) stopped() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.cause != causeNothing
}

// why returns the cause of the stop, "" when there is none.
func (b *breaker) why() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.cause
}

// longMass reports whether renewing has been stopped for so long, because many
// accounts are refused, that they may be dead indeed.
func (b *breaker) longMass(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.cause == causeMass && now.Sub(b.opened) >= massBelievedAfter
}

// mayProbe reports whether one account may be tried although renewing has
// stopped, and if not, how long to wait.
func (b *breaker) mayProbe(now time.Time) (bool, time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now.Before(b.probe) {
		return false, b.probe.Sub(now)
	}
	b.probe = now.Add(jitter(probeEvery))
	return true, 0
}

// report notes the outcome of an attempt that began at a time. Doubtful is a
// death that does not say whose fault it is.
func (b *breaker) report(account string, f finding, doubtful bool, began, now time.Time) change {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cause != causeNothing {
		if f == foundAlive && began.After(b.opened) { // not one that was under way when it opened
			b.resetLocked()
			return hasClosed
		}
		return unchanged
	}
	if f == foundThrottled {
		return unchanged
	}
	b.noteLocked(sample{account: account, when: now, finding: f})
	switch {
	case f == foundAlive || f.permanent() && !doubtful:
		clear(b.streak)
	case f.permanent():
		if b.streak == nil {
			b.streak = make(map[string]struct{}, breakerStreak)
		}
		b.streak[account] = struct{}{}
	}
	if b.cause = b.verdictLocked(f, now); b.cause == causeNothing {
		return unchanged
	}
	b.opened, b.probe = now, now.Add(jitter(probeEvery))
	return hasOpened
}

func (b *breaker) resetLocked() {
	b.cause = causeNothing
	b.recent, b.next = b.recent[:0], 0
	clear(b.at)
	clear(b.streak)
}

func (b *breaker) noteLocked(a sample) {
	if b.at == nil {
		b.at = make(map[string]int, breakerKeeps)
	}
	if i, ok := b.at[a.account]; ok {
		b.recent[i] = a
		return
	}
	if len(b.recent) < breakerKeeps {
		b.at[a.account] = len(b.recent)
		b.recent = append(b.recent, a)
		return
	}
	delete(b.at, b.recent[b.next].account)
	b.recent[b.next] = a
	b.at[a.account] = b.next
	b.next = (b.next + 1) % breakerKeeps
}

// verdictLocked returns why the breaker should open after a finding.
func (b *breaker) verdictLocked(f finding, now time.Time) string {
	switch {
	case f == foundAlive:
		return causeNothing
	case f == foundAppFault:
		return causeConfig
	case len(b.streak) >= breakerStreak:
		return causeMass
	}
	known, lost, faults := b.sharesLocked(now)
	switch {
	case known < breakerAccounts:
		return causeNothing
	case lost*5 > known:
		return causeMass
	case faults*10 >= known*9:
		return causeOutage
	}
	return causeNothing
}

// sharesLocked counts the distinct accounts of the window.
func (b *breaker) sharesLocked(now time.Time) (known, lost, faults int) {
	for _, a := range b.recent {
		if now.Sub(a.when) > breakerWindow {
			continue
		}
		known++
		if a.finding.permanent() {
			lost++
		}
		if a.finding == foundFault {
			faults++
		}
	}
	return known, lost, faults
}

// witness returns the account that was last seen alive, other than one; "" when
// none is remembered.
func (b *breaker) witness(other string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var last sample
	for _, a := range b.recent {
		if a.finding == foundAlive && a.account != other && a.when.After(last.when) {
			last = a
		}
	}
	return last.account
}

// suspicious reports whether so many of the few accounts known are lost that a
// further one should rather be looked at again later; enough reports whether
// enough accounts are known for the breaker itself to decide.
func (b *breaker) suspicious(doubtful bool, now time.Time) (suspicious, enough bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	known, lost, _ := b.sharesLocked(now)
	tolerated := 9 // what says itself whose fault it is
	if doubtful {
		tolerated = 2
	}
	return lost > tolerated && lost*5 > known, known >= breakerAccounts
}

// jitter returns d, a tenth more or less.
func jitter(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5+1) //nolint:gosec // jitter, not a secret
}

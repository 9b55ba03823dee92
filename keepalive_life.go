package instagram

// This file answers: what does a record call for at a moment, and when is it
// looked at next?

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Status returns where the record's token stands at a time. It is a function
// of the record and the clock alone:
//
//	            24 h          1/2 … 5/6 of its life          9/10          end
//	login ───────┼──────────────────┼─────────────────────────┼─────────────┤
//	  too young  │      fresh       │           due           │   urgent    │ expired
//	             │                  └─ renewed: a new life ───┘             │
//	             └ (Instagram Login)                                        └ new login
//
//	at any time: invalidated (withdrawn: Reason says why; new login)
//	             awaits person (checkpoint, Page role: Reason says which)
//	             data access ended (Facebook Login: 90 days after the last login)
//	without end: never expires (Page and system-user tokens, and where Meta says so)
//	unknown:     Meta did not say when it ends; renewed as soon as that is allowed
//
// What the record says of its State goes before what its token's dates say,
// except that a token past its end is expired whatever else is the matter with it,
// unless it was withdrawn before. A record of Facebook Login's account holds the
// Page's token; the one that ends is the person's, under [PersonKey].
func (r *Record) Status(now time.Time) TokenStatus {
	switch {
	case r.Token == nil:
		return Unknown
	case r.State == NeedsLogin && r.Reason == reasonExpired:
		return Expired
	case r.State == NeedsLogin, r.State == Deauthorized:
		return Invalidated
	case r.State == WaitingForPerson && !r.Token.expired(now):
		return AwaitsPerson
	}
	return r.Token.Status(now)
}

// reasonExpired is the Reason of a record whose token ended before it was renewed.
const reasonExpired = "expired"

// Thresholds of what is told ahead.
const (
	delayedBelow  = 7 * 24 * time.Hour  // of life left when a renewal fails
	criticalBelow = 3 * 24 * time.Hour  // likewise
	accessNotice  = 14 * 24 * time.Hour // before Facebook's access to data ends
)

// PlanStep is what the keeping alive of tokens does with a record.
type PlanStep string

// The steps.
const (
	// StepNone: nothing, before a person or another program does something.
	StepNone PlanStep = "nothing"
	// StepExchange: a short-lived token is made long-lived.
	StepExchange PlanStep = "exchange"
	// StepRefresh: a token is renewed, on Facebook Login by another exchange, and
	// its Page tokens with it.
	StepRefresh PlanStep = "refresh"
	// StepLook: the platform is asked whether the token lives and how long it has access to data.
	StepLook PlanStep = "look"
	// StepExpire: the token is past its end by our clock. It is tried once more,
	// for clocks can be wrong, and marked when the platform says so too.
	StepExpire PlanStep = "mark expired"
)

// plan returns what is done with the record next, and when. The zero time is "never".
func (r *Record) plan(now time.Time) (PlanStep, time.Time) {
	t := r.Token
	if t == nil || r.State == NeedsLogin || r.State == Deauthorized || r.DueAt.IsZero() {
		return StepNone, time.Time{}
	}
	n := parseNote(r.Reason)
	at := r.DueAt
	if r.State == Alive && !n.suspect && t.tooYoung(later(at, now)) {
		at = t.ObtainedAt.Add(MinRefreshAge + refreshGrace)
	}
	then := later(at, now) // what is decided is decided at the moment of the doing
	switch {
	case t.expired(then):
		return StepExpire, at
	case r.State == WaitingForPerson:
		return StepLook, at
	case t.endless(), n.suspect, n.pages && then.Before(t.dueAt()):
		return StepLook, at
	case t.accessNotice(then) && then.Before(t.dueAt()) && !t.ExpiresAt.IsZero():
		return StepLook, at
	case t.Kind == ShortLived:
		return StepExchange, at
	}
	return StepRefresh, at
}

// accessNotice reports whether it is time to say that Facebook's access to data ends.
func (t *Token) accessNotice(now time.Time) bool {
	return !t.DataAccessExpiresAt.IsZero() && !now.Before(t.DataAccessExpiresAt.Add(-accessNotice))
}

// reschedule sets when a living record is looked at next, after all went well.
func (r *Record) reschedule(now time.Time) {
	t := r.Token
	if t.refersToPerson() {
		r.DueAt = time.Time{}
		return
	}
	r.DueAt = t.dueAt()
	if t.Kind == ShortLived {
		r.DueAt = now
	}
	if end := t.DataAccessExpiresAt; !end.IsZero() {
		switch n := parseNote(r.Reason); n.access {
		case accessFine:
			r.DueAt = sooner(r.DueAt, later(end.Add(-accessNotice), now))
		case accessEnding:
			r.DueAt = sooner(r.DueAt, later(end, now))
		case accessEnded:
		}
	}
}

// soonest is how long a token is left alone that was just renewed: a day, or
// half of what is left of a shorter life.
func soonest(t *Token, now time.Time) time.Duration {
	left := t.ExpiresAt.Sub(now)
	switch {
	case t.Kind == ShortLived:
		return 0
	case t.ExpiresAt.IsZero() || left > 2*MinRefreshAge:
		return MinRefreshAge
	}
	return max(left/2, time.Minute)
}

// firstDue returns when a token that a login won is looked at first. An
// account of Facebook Login is renewed with the person who granted it.
func (t *Token) firstDue(now time.Time) time.Time {
	r := Record{Token: t}
	switch {
	case t.refersToPerson():
		return time.Time{}
	case t.Kind == ShortLived:
		return now
	}
	r.DueAt = t.dueAt()
	if end := t.DataAccessExpiresAt; !end.IsZero() {
		r.DueAt = sooner(r.DueAt, end.Add(-accessNotice))
	}
	return r.DueAt
}

// refersToPerson reports whether the token is an account's of Facebook Login,
// which is kept beside the person's and renewed with it.
func (t *Token) refersToPerson() bool {
	return t.Login == FacebookLogin && t.AccountID != "" && t.AppScopedID != ""
}

// renewed puts the successor in the token's place, or the token itself when it
// was found to be alive. It returns what is to be told of Facebook's second clock.
func (r *Record) renewed(t *Token, now time.Time) []TokenEventKind {
	n := note{access: parseNote(r.Reason).access}
	if r.State != Alive || !sameMoment(t.DataAccessExpiresAt, r.Token.DataAccessExpiresAt) {
		n.access = accessFine
	}
	var told []TokenEventKind
	if n.access == accessFine && t.accessNotice(now) {
		n.access, told = accessEnding, []TokenEventKind{EventDataAccessEnding}
	}
	successor := !t.ObtainedAt.Equal(r.Token.ObtainedAt)
	r.Token, r.State, r.Fails, r.Reason = t, Alive, 0, n.String()
	r.reschedule(now)
	if successor && !r.DueAt.IsZero() { // an odd answer makes no loop
		r.DueAt = later(r.DueAt, now.Add(soonest(t, now)))
	}
	return told
}

func sameMoment(a, b time.Time) bool { return a.Sub(b).Abs() < time.Second }

// ladder is how long to wait after the first, second … failure.
func ladder(fails int) time.Duration {
	steps := [...]time.Duration{
		time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	}
	return steps[min(max(fails, 1), len(steps))-1]
}

// failed notes a failed attempt and sets the next one, by the ladder.
func (r *Record) failed(why string, now time.Time) {
	r.Fails++
	r.noteWhy(why)
	r.retryIn(ladder(r.Fails), now)
	if t := r.Token; t.waitsADay() && t.ObtainedAt.IsZero() && r.Fails == 1 && (t.ExpiresAt.IsZero() || t.ExpiresAt.Sub(now) > 2*MinRefreshAge) {
		r.DueAt = now.Add(MinRefreshAge + refreshGrace) // its age is not known: it may have been too young
	}
}

// retryIn sets the next attempt, with jitter, and before the token's end.
func (r *Record) retryIn(d time.Duration, now time.Time) {
	d = d/2 + rand.N(d/2+1) //nolint:gosec // jitter, not a secret
	r.DueAt = now.Add(r.beforeEnd(d, now))
}

// putOff sets the next attempt without having failed. The jitter is on top:
// what is asked to wait for is waited for.
func (r *Record) putOff(d time.Duration, now time.Time) {
	d += rand.N(d/8 + time.Second) //nolint:gosec // jitter, not a secret
	r.DueAt = now.Add(r.beforeEnd(d, now))
}

// beforeEnd shortens a wait so that several more fit in before the token's end.
func (r *Record) beforeEnd(d time.Duration, now time.Time) time.Duration {
	left := r.Token.ExpiresAt.Sub(now)
	if r.Token.ExpiresAt.IsZero() || left <= 0 {
		return d
	}
	return min(d, max(left/4, time.Minute))
}

func (r *Record) noteWhy(why string) {
	n := parseNote(r.Reason)
	n.why = why
	r.Reason = n.String()
}

// warnings returns what is to be told of a record that was not renewed: each
// stage once in the life of a token. It notes in the record what was told.
func (r *Record) warnings(now time.Time) []TokenEventKind {
	t := r.Token
	if r.State != Alive || t.ExpiresAt.IsZero() || t.Kind == ShortLived {
		return nil
	}
	n := parseNote(r.Reason)
	left := t.ExpiresAt.Sub(now)
	var told []TokenEventKind
	switch {
	case left < criticalBelow && n.renewal < renewalCritical:
		n.renewal, told = renewalCritical, append(told, EventRefreshCritical)
	case left >= criticalBelow && left < delayedBelow && n.renewal < renewalDelayed:
		n.renewal, told = renewalDelayed, append(told, EventRefreshDelayed)
	}
	r.Reason = n.String()
	return told
}

// note is what a living record's Reason says, in words, so that a person can
// read it and each warning is given once by all processes together:
// "refresh_delayed, data_access_ending: 190/467".
type note struct {
	suspect  bool // a call was refused: ask whether the token lives
	heldBack bool // found dead while many were: to be found so once more
	pages    bool // the Page tokens are still to be renewed
	renewal  renewalStage
	access   accessStage
	why      string // of the last failure
}

type (
	renewalStage uint8
	accessStage  uint8
)

const (
	renewalFine renewalStage = iota
	renewalDelayed
	renewalCritical
)

const (
	accessFine accessStage = iota
	accessEnding
	accessEnded
)

// Words of a note.
const (
	wordSuspect  = "suspect"
	wordHeldBack = "held_back"
	wordPages    = "pages_pending"
)

func parseNote(reason string) (n note) {
	words, why, _ := strings.Cut(reason, ": ")
	list := strings.Split(words, ", ")
	for i, word := range list {
		switch TokenEventKind(word) {
		case wordSuspect:
			n.suspect = true
		case wordHeldBack:
			n.heldBack = true
		case wordPages:
			n.pages = true
		case EventRefreshDelayed:
			n.renewal = renewalDelayed
		case EventRefreshCritical:
			n.renewal = renewalCritical
		case EventDataAccessEnding:
			n.access = accessEnding
		case EventDataAccessEnded:
			n.access = accessEnded
		default:
			if i == 0 {
				return note{why: strings.TrimPrefix(reason, "failing: ")}
			}
		}
	}
	n.why = why
	return n
}

func (n note) String() string {
	var words []string
	add := func(yes bool, word string) {
		if yes {
			words = append(words, word)
		}
	}
	add(n.suspect, wordSuspect)
	add(n.heldBack, wordHeldBack)
	add(n.pages, wordPages)
	add(n.renewal == renewalDelayed, string(EventRefreshDelayed))
	add(n.renewal == renewalCritical, string(EventRefreshCritical))
	add(n.access == accessEnding, string(EventDataAccessEnding))
	add(n.access == accessEnded, string(EventDataAccessEnded))
	if len(words) == 0 && n.why != "" {
		words = append(words, "failing")
	}
	s := strings.Join(words, ", ")
	if n.why != "" {
		s += ": " + n.why
	}
	return s
}

func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func later(times ...time.Time) time.Time { return slices.MaxFunc(times, time.Time.Compare) }

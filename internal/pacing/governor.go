package pacing

// This file answers: may one more call go to a bucket now, and if not, when?

import "time"

// Priority says which part of a bucket a call may use.
type Priority uint8

// In the order in which waiting calls are served.
const (
	Interactive Priority = iota // not held back while there is room
	Normal                      // may use the window to its end
	Background                  // stops a few percent before the end
	priorities
)

// Reason says why a call waits.
type Reason uint8

// The reasons.
const (
	Free     Reason = iota // it does not
	Blocked                // the platform refused, or stated a wait that is not over
	Probing                // the wait is over, and one call finds out whether it helped
	Full                   // the window is used up
	Reserved               // what is left is kept for others: interactive calls, or accounts that used less
	Unsure                 // enough calls are in flight for what is known of the room left
	Rate                   // a proxy limits calls per second
	Turn                   // others are ahead in line
)

// String returns a few words for logs and traces.
func (r Reason) String() string {
	switch r {
	case Blocked:
		return "blocked by the platform"
	case Probing:
		return "waiting for a probe"
	case Full:
		return "quota used up"
	case Reserved:
		return "rest of the quota is reserved"
	case Unsure:
		return "enough calls in flight"
	case Rate:
		return "calls per second limited"
	case Turn:
		return "waiting in line"
	case Free:
	}
	return ""
}

// Params are what all buckets of one kind have in common.
type Params struct {
	Window     time.Duration // length of the rolling window
	MaxSlots   uint32        // most slices of time a ledger keeps; bounds its memory to 8 bytes each
	FewSlots   uint32        // the same while less than a quarter of the quota is used
	Background float64       // part of the quota kept from background calls, such as 0.05
}

// slotsPerWindow is the finest resolution of a ledger: 0.2 s of an hour, 5 s of a day.
const slotsPerWindow = 1 << 14

func (p *Params) slotLen() time.Duration { return max(p.Window/slotsPerWindow, 1) }

// slot returns the number of the slot of a time.
func (p *Params) slot(now time.Duration) uint32 {
	return uint32(now / p.slotLen()) // #nosec G115 -- 2^32 slots of an hour are 29 years
}

// slots returns how many slots d is long, rounded up.
func (p *Params) slots(d time.Duration) uint32 {
	return uint32((d + p.slotLen() - 1) / p.slotLen()) // #nosec G115 -- d is a few windows at most
}

// How carefully a bucket is used. The simulation in package simulate chose the figures.
const (
	startFlight  = 4                // calls in flight before anything is known
	flightShare  = 4                // of the room left, in flight: a quarter, because others may do the same
	exploreShare = 400              // of the limit, in flight when the end is near but not known
	minBlock     = 60 * time.Second // after a refusal without a stated wait; doubles
	maxBackoff   = time.Hour        // of such waits
	lookShare    = 0.01             // of our calls may be spent on looking whether others have left
	etaSlack     = 2 * time.Minute  // a stated wait is in whole minutes; the ledger knows better within these
	probePatient = 30 * time.Second // after which a probe that has no answer yet is not waited for
	leakAfter    = 5 * time.Minute  // a permit is forgotten after one to two of these
	wayMargin    = time.Second      // a call is counted by the platform at most this much later than by us
	staleAfter   = 30 * time.Second // without an answer a used bucket is entered by one call
	ghostMargin  = 4                // calls of others that should have left before we look again
	minGhostWait = 2 * time.Second
)

const (
	flagK       uint16 = 1 << iota // k is known
	flagCapped                     // k was found by a refusal
	flagRead                       // there was a usage header
	flagProbing                    // blocked; the next call is a probe
	flagAnchor
	flagQuiet  // the last answer had no usage header
	flagLag    // a call was refused while the header showed room: it tells of the past
	flagWindow // the window is as long as we think: a stated wait, or the end of one, agreed
	flagTrust  // calls are refused as soon as the header says 100
)

// Governor paces the calls of one bucket: it learns how many calls of ours fit
// into the rolling window from usage percentages, from refusals and from its
// own count. The zero value knows nothing and is ready to use; it is not safe
// for concurrent use. Times are since any fixed instant and never go back;
// calls are counted in units of the platform's.
//
// All of it is a few numbers and a list of (slice of time, calls): a shared
// store can keep the numbers in one hash and the list in another, hold both
// under one hash tag, and run Take and Report as one script each.
type Governor struct {
	led ledger

	k float64 // how many of our own calls the window holds at most, for now
	l float64 // the bucket's limit, as far as our calls have shown: a lower bound

	began time.Duration // first call
	heard time.Duration // last answer

	worn *wear // nil: the bucket was never near its end

	anchor, last point     // where a slope began, and the last header
	most         float32   // an upper bound of the limit; 0: none
	fly          [2]uint32 // calls in flight, by even and odd epochs
	sent         uint32    // calls ever sent; wraps
	readSent     uint32    // sent, when the last header was read
	good         uint32    // successes before k was known
	climbed      uint32    // calls answered, when the percentage began to climb
	climbAt      uint32    // … the slot
	climbU       uint16    // … the percentage
	epoch        uint16
	flags        uint16
	heavy        bool // of an account's: it uses much of the app's budget; guarded by the app's lock, and here because there is room
}

// point pairs a percentage with our own calls in the window at that moment:
// those answered, which it counts, and those sent, which is the most it can count.
type point struct {
	lo, hi, u float32
	at        uint32 // slot
}

// Ask is a call that wants to go.
type Ask struct {
	Priority Priority
	Cost     uint32  // calls it counts as; at least 1
	Keep     float64 // calls of room that it must leave to others
}

// Mark is what has to be kept of a call in flight: how many calls were sent up
// to it, and the epoch.
type Mark uint32

const (
	markBits = 23
	markMask = 1<<markBits - 1
)

func markOf(sent uint32, epoch uint16) Mark {
	return Mark(sent&markMask | uint32(epoch&0xff)<<markBits)
}

// sentAt returns how many calls were sent up to the one with the mark.
func (g *Governor) sentAt(m Mark) uint32 { return g.sent - (g.sent-uint32(m))&markMask }

// landed takes n calls with the mark out of those in flight, unless they were forgotten.
func (g *Governor) landed(m Mark, n uint32) {
	e := uint16(m >> markBits & 0xff)
	if (g.epoch-e)&0xff > 1 {
		return
	}
	f := &g.fly[e&1]
	*f -= min(*f, n)
}

func (g *Governor) is(f uint16) bool { return g.flags&f != 0 }

func (g *Governor) inFlight() float64 { return float64(g.fly[0] + g.fly[1]) }

// roll lets time pass.
func (g *Governor) roll(p *Params, now time.Duration) {
	s := p.slot(now)
	if gone := g.span() + 1 + p.slots(wayMargin); s > gone && g.led.expire(s-gone) > 0 {
		g.flags &^= flagAnchor // a slope ends where calls leave the window: when they do is not exactly known
	}
	if w := g.worn; w != nil {
		h := g.halfOf(s)
		switch h - w.half {
		case 0:
		case 1:
			w.refs = [3]uint16{0, w.refs[0], w.refs[1]}
		case 2:
			w.refs = [3]uint16{0, 0, w.refs[0]}
		default:
			w.refs = [3]uint16{}
		}
		w.half = h
	}
	e := uint16(now / leakAfter) // #nosec G115 -- compared by difference only
	switch e - g.epoch {
	case 0:
	case 1:
		g.fly[e&1] = 0
		g.epoch = e
	default:
		g.fly = [2]uint32{}
		g.epoch = e
	}
}

// span returns how many slots the window is long.
func (g *Governor) span() uint32 {
	if learnt := g.wear().learnt; learnt != 0 {
		return learnt
	}
	return slotsPerWindow
}

// leaves returns when the calls of a slice that ended with slot s have left the
// platform's window for sure.
func (g *Governor) leaves(p *Params, s uint32) time.Duration {
	return time.Duration(s+g.span()+1+p.slots(wayMargin)) * p.slotLen()
}

// limbo returns how many calls may have left the platform's window already
// though the ledger still holds them.
func (g *Governor) limbo(now uint32) float64 {
	if now < g.span() {
		return 0
	}
	return float64(g.led.begun(now - g.span()))
}

// sure returns how many calls of the window are known to have been let
// through, when the clock shows slot now. Refused calls are not among them,
// though the platform may count them: it is the lower figure that does no harm.
func (g *Governor) sure(now uint32) float64 {
	return max(0, float64(g.led.total())-g.limbo(now)-g.inFlight()-g.refusals())
}

// refusals returns how many calls were refused in the last one to one and a half windows.
func (g *Governor) refusals() float64 {
	refs := &g.wear().refs
	return float64(refs[0]) + float64(refs[1]) + float64(refs[2])
}

// room returns how many calls more the window holds.
func (g *Governor) room() float64 { return g.k - float64(g.led.total()) }

// age returns how long ago the first call was.
func (g *Governor) age(now time.Duration) time.Duration {
	if g.began == 0 {
		return 0
	}
	return now - g.began
}

// seen bounds the room by what the last header showed: calls that have left the
// ledger since may have left the platform's window before.
func (g *Governor) seen(room float64) float64 {
	if !g.is(flagRead) || g.is(flagQuiet) || g.is(flagLag) {
		return room
	}
	return min(room, (101-float64(g.last.u))/100*g.l-float64(g.sent-g.readSent))
}

// explore returns how many calls may be in flight at a time where the end of
// the window is near but not known.
func (g *Governor) explore() float64 {
	if g.is(flagCapped) || g.refusals() > 0 {
		return 1
	}
	e := max(1, g.l/exploreShare)
	if g.is(flagQuiet) { // no headers: successes are all we have to go by
		e += float64(g.good)
	}
	return e
}

// others reports whether a good part of the bucket is used by someone else.
func (g *Governor) others() bool { return !g.is(flagRead) || g.k < 0.9*g.limit() }

// limit returns the bucket's limit where it must not be taken for too low.
func (g *Governor) limit() float64 { return max(g.l, float64(g.most)) }

// atMost lowers what is known of the limit.
func (g *Governor) atMost(limit float64) {
	limit = max(limit, 1)
	g.l = min(g.l, limit)
	if g.most == 0 || limit < float64(g.most) {
		g.most = float32(limit)
	}
}

// atLeast raises it.
func (g *Governor) atLeast(limit float64) {
	g.l = max(g.l, limit)
	if g.most != 0 {
		g.most = max(g.most, float32(g.l))
	}
}

// unsure reports whether it pays to look before our own calls leave: others use
// the bucket too, or the window may be shorter than documented.
func (g *Governor) unsure(p *Params, now time.Duration) bool {
	if g.others() {
		return true
	}
	if g.is(flagWindow) || g.wear().learnt != 0 {
		return false
	}
	s, ok := g.led.slotOfNth(1)
	return ok && g.leaves(p, s)-now > maxBackoff
}

// keep returns how many calls of room the call must leave.
func (g *Governor) keep(p *Params, a Ask) float64 {
	if a.Priority == Background {
		limit := max(g.l, g.k)
		if g.is(flagLag) {
			limit = g.k
		}
		return a.Keep + p.Background*limit
	}
	return a.Keep
}

// Take asks for leave to send a call, and counts it when the answer is Free.
func (g *Governor) Take(p *Params, now time.Duration, a Ask) (Mark, Reason) {
	g.roll(p, now)
	r := g.decide(p, now, a)
	if r != Free {
		return 0, r
	}
	if g.is(flagProbing) {
		g.wearing(p.slot(now)).probeAt = now
	}
	if g.began == 0 {
		g.began = now
	}
	g.led.add(p.slot(now), a.Cost, g.slices(p))
	g.sent += a.Cost
	g.fly[g.epoch&1] += a.Cost
	return markOf(g.sent, g.epoch), Free
}

// slices returns how long the ledger may grow: short while little of the quota is used.
func (g *Governor) slices(p *Params) uint32 {
	if !g.is(flagK) || float64(g.led.total()) < g.k/4 {
		return p.FewSlots
	}
	return p.MaxSlots
}

func (g *Governor) decide(p *Params, now time.Duration, a Ask) Reason {
	if now < g.wear().blocked {
		return Blocked
	}
	fly, cost := g.inFlight(), float64(a.Cost)
	if g.is(flagProbing) {
		if g.wear().probeAt != 0 && now-g.wear().probeAt < probePatient {
			return Probing
		}
		return Free
	}
	if !g.is(flagK) {
		if a.Priority == Interactive || fly < startFlight+2*float64(g.good)+16*g.age(now).Seconds() {
			return Free
		}
		return Unsure
	}
	keep := g.keep(p, a)
	room := g.room() - keep
	if fly > 0 && g.last.u >= 50 && now-g.heard > staleAfter && a.Priority != Interactive {
		return Unsure // much may have changed; one call finds out
	}
	if room >= cost {
		if a.Priority == Interactive || fly < max(g.explore(), (g.seen(room)+fly)/flightShare) {
			return Free
		}
		return Unsure
	}
	if keep > 0 && g.room() >= cost {
		return Reserved
	}
	if keep == 0 && !g.is(flagCapped) && !(g.is(flagTrust) && g.last.u >= 100) {
		if a.Priority == Interactive || fly < g.explore() {
			return Free
		}
		return Unsure
	}
	if fly == 0 && keep == 0 && g.readSent == g.sent && g.last.u <= 99 &&
		(!g.is(flagLag) || now-g.wear().fullAt > p.Window/4) {
		return Free // the last answer says so, and nothing was sent since
	}
	if fly == 0 && now >= g.wear().retry && g.unsure(p, now) {
		return Free // calls may have left the window that we do not know of
	}
	return Full
}

// Next returns when a call that was told to wait should ask again, with ahead
// other calls before it; 0: when an answer arrives, or when leaked permits age out.
func (g *Governor) Next(p *Params, now time.Duration, a Ask, ahead int) time.Duration {
	g.roll(p, now)
	if now < g.wear().blocked {
		return g.wear().blocked
	}
	if g.is(flagProbing) {
		return 0
	}
	if !g.is(flagK) || g.decide(p, now, a) == Unsure {
		return 0
	}
	need := float64(a.Cost) + float64(ahead) - (g.room() - g.keep(p, a))
	if need <= 0 {
		return 0
	}
	var t time.Duration
	if s, ok := g.led.slotOfNth(uint32(need)); ok {
		t = g.leaves(p, s)
	} else {
		t = now + p.Window
	}
	if g.wear().retry > now && g.unsure(p, now) {
		t = min(t, g.wear().retry)
	}
	return t
}

// calm reports whether so much room is left that callers need not be counted one by one.
func (g *Governor) calm(now time.Duration) bool {
	if now < g.wear().blocked || g.is(flagProbing) {
		return false
	}
	if !g.is(flagK) {
		return g.good >= calmRoom
	}
	return g.last.u < 50 && g.room() > calmRoom
}

// gather counts calls that were let go without asking.
func (g *Governor) gather(p *Params, now time.Duration, sent, done uint32) {
	g.roll(p, now)
	if sent > 0 {
		g.led.add(p.slot(now), sent, g.slices(p))
		g.sent += sent
		g.fly[g.epoch&1] += sent
	}
	for _, i := range [2]uint16{g.epoch + 1, g.epoch} { // the older ones first
		d := min(done, g.fly[i&1])
		g.fly[i&1] -= d
		done -= d
	}
	if g.good < 1<<20 {
		g.good += sent
	}
}

// meanMark stands for the mark of a call that was let go without asking:
// that of a call in the middle of those in flight.
func (g *Governor) meanMark() Mark {
	return markOf(g.sent-(g.fly[0]+g.fly[1])/2, g.epoch)
}

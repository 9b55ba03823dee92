package pacing

// This file answers: what does an answer teach about the room in a bucket?

import (
	"iter"
	"time"
)

// Report is what became of a call.
type Report struct {
	Mark Mark
	Cost uint32
	// Sent is false for a call that never left; it is taken back.
	Sent bool
	// Counted is true when the platform answered in a way that shows that the call was let through.
	Counted bool
	// Refused is true when the platform refused the call because this bucket is full.
	Refused bool
	// Usage is the percentage that the answer states; negative: none.
	Usage float64
	// Hint is the wait that the answer states; 0: none.
	Hint time.Duration
}

// Report takes in what became of a call that Take let go.
func (g *Governor) Report(p *Params, now time.Duration, r Report) {
	g.roll(p, now)
	mark := g.sentAt(r.Mark)
	g.landed(r.Mark, r.Cost)
	switch {
	case !r.Sent:
		g.led.takeBack(p.slot(now), r.Cost)
		if g.worn != nil && g.worn.probeAt != 0 && g.sinceBlock(mark) {
			g.worn.probeAt = 0
		}
	case r.Refused:
		g.refused(p, now, mark, r)
		g.heard = now
	default:
		g.answered(p, now, mark, r)
		g.heard = now
	}
}

// sinceBlock reports whether the call with this mark was sent after the last block began.
func (g *Governor) sinceBlock(mark uint32) bool { return after(mark, g.wear().block) }

func (g *Governor) answered(p *Params, now time.Duration, mark uint32, r Report) {
	s := p.slot(now)
	probe := g.is(flagProbing) && g.sinceBlock(mark)
	if probe {
		g.wearing(s).probeAt = 0
	}
	if r.Counted {
		if probe {
			if g.wear().strikes > 1 && g.room() >= 1 {
				g.flags |= flagWindow
			}
			g.flags &^= flagProbing
			g.wearing(s).strikes = 0
		}
		if g.good < 1<<20 {
			g.good++
		}
		if g.worn != nil {
			g.worn.since++
		}
		if g.last.u >= 100 && g.wear().over < 100 && !probe && now-g.heard < 5*time.Second && after(mark, g.wear().hundred) {
			g.wearing(s).over++
			g.flags &^= flagTrust
		}
		// What was let through fits, whatever the header says.
		if sure := g.sure(s); g.is(flagK) && sure > g.k {
			g.k = sure
			if !g.is(flagLag) {
				g.flags &^= flagCapped
			}
		}
	}
	if r.Usage >= 0 {
		g.flags &^= flagQuiet
		g.read(p, now, mark, r.Usage)
	} else {
		g.flags |= flagQuiet
	}
	if r.Hint > 0 {
		g.shut(p, now, now+r.Hint, now+r.Hint, true)
	}
	if g.is(flagTrust) && r.Usage >= 100 && g.inFlight() == 0 {
		g.k = min(g.k, g.sure(s))
		g.flags |= flagCapped
	}
	if g.is(flagK) && g.room() < 1 && (g.last.u >= 100 || !g.is(flagRead)) {
		g.full(p, now)
	}
}

// full notes that the bucket is full, and when to look whether others' calls
// have left it. How fast they do shows in how many calls of ours fitted since
// it was full before.
func (g *Governor) full(p *Params, now time.Duration) {
	w := g.wearing(p.slot(now))
	if dt := (now - w.fullAt).Seconds(); w.fullAt != 0 && w.since > 0 && dt > 1 {
		w.freed = float32(float64(w.since) / dt)
	}
	w.fullAt, w.since = now, 0
	rate := float64(w.freed)
	if rate == 0 {
		rate = max(g.l-g.k, 1) / p.Window.Seconds() // as if they were spread evenly
	}
	wait := time.Duration(ghostMargin / rate * float64(time.Second))
	w.retry = now + min(max(minGhostWait, wait), p.Window/16)
	if w.freed == 0 && !g.others() && g.unsure(p, now) {
		w.retry = g.guess(p, now)
	}
}

// guess returns when our first call would leave the next longer window that is common.
func (g *Governor) guess(p *Params, now time.Duration) time.Duration {
	if s, ok := g.led.slotOfNth(1); ok {
		for d := range commonWindows() {
			if at := time.Duration(s+1)*p.slotLen() + d + wayMargin; at > now {
				return at
			}
		}
	}
	return now + maxBackoff
}

func (g *Governor) refused(p *Params, now time.Duration, mark uint32, r Report) {
	w := g.wearing(p.slot(now))
	straggler := w.block != 0 && !g.sinceBlock(mark)
	if !straggler && w.strikes < 16 {
		w.strikes++
	}
	if w.strikes >= 2 && w.learnt != 0 && g.room() > g.k/10 {
		w.learnt = 0 // it was not shorter after all
	}
	w.refs[0] = addUpTo(w.refs[0], r.Cost)
	sure := g.sure(p.slot(now)) // of the calls that fit
	if r.Usage > 101 {          // others, or a smaller quota: fewer would have fit
		sure = max(0, min(sure, sure+(100-r.Usage)/100*max(g.l, sure)))
	}
	if g.is(flagAnchor) { // it is full now, and what was sent since a header is known
		for _, from := range [...]point{g.anchor, g.last} {
			if n := float64(g.led.total()) - float64(from.lo); n > 0 && from.u <= 98 {
				g.atMost(100 * n / (99 - float64(from.u)))
			}
		}
	}
	if !straggler {
		switch {
		case !g.is(flagRead) || now-g.heard > 5*time.Second:
		case g.last.u < 90:
			g.flags |= flagLag
		case g.last.u >= 95:
			g.flags &^= flagLag
		}
		if w.over == 0 && g.last.u >= 100 && g.is(flagRead) {
			g.flags |= flagTrust
		}
		if w.since == 0 {
			w.freed /= 2
		}
		if doubt := 1.1 * max(g.l, g.k); (w.strikes >= 2 || g.age(now) > p.Window) && float64(g.most) > doubt {
			g.most = float32(doubt) // a look for others was in vain
		}
		g.full(p, now)
	}
	g.drop(point{float32(sure), float32(sure), float32(max(100, r.Usage)), p.slot(now)})
	g.readSent = g.sent
	if !g.is(flagK) || sure < g.k {
		g.k = sure
	}
	if !g.is(flagRead) || g.is(flagWindow) || p.Window <= maxBackoff {
		g.atLeast(g.k)
	}
	g.flags |= flagK | flagCapped
	g.good = 0
	least := r.Hint
	if least == 0 {
		least = minBlock
	}
	g.shut(p, now, now+least, now+max(least, g.backoff(p, r.Hint > 0)), r.Hint > 0)
}

// backoff returns the wait after refusals in a row. It grows until looking
// again costs one in a hundred of our calls.
func (g *Governor) backoff(p *Params, stated bool) time.Duration {
	n := max(g.wear().strikes, 1) - 1
	if stated {
		if n == 0 {
			return 0 // the first time it is believed, also when it is short
		}
		n *= 2 // then somebody else was faster
	}
	most := time.Duration(float64(p.Window) / (lookShare * max(1, float64(g.led.total()))))
	return min(minBlock<<min(n, 16), max(minBlock, min(most, maxBackoff)))
}

// shut blocks the bucket: at least until one time, at most until another
// unless our own calls explain that it is full.
func (g *Governor) shut(p *Params, now, least, most time.Duration, stated bool) {
	until := most
	if s, ok := g.led.slotOfNth(uint32(max(1, float64(g.led.total())-g.k+1))); ok {
		own := g.leaves(p, s) // when there will be room again for what we know
		agrees := stated && !g.others() && own-least <= etaSlack && least-own <= etaSlack
		if agrees {
			g.flags |= flagWindow
		}
		switch {
		case agrees:
			until = max(least, own)
		case stated || g.others():
			until = max(least, min(most, own))
		case g.unsure(p, now):
			until = max(least, min(g.guess(p, now), own))
		default:
			until = max(least, own)
		}
	}
	g.flags |= flagProbing
	w := g.wearing(p.slot(now))
	w.blocked = max(w.blocked, until)
	w.block = g.sent
	w.probeAt = 0
}

// drop begins a new slope.
func (g *Governor) drop(at point) {
	g.anchor, g.last = at, at
	g.flags |= flagAnchor
}

// read takes in a percentage.
//
// Percentages are whole, and rounded in a way we do not know: the true usage
// is within one of them. They may lag, so what was let through or refused
// counts for more; and others may use the bucket, so it is the rise of the
// percentage with our own calls that shows the limit, and its height that
// shows the room left.
func (g *Governor) read(p *Params, now time.Duration, mark uint32, u float64) {
	if g.is(flagRead) && u < float64(g.last.u) && !after(mark, g.readSent) {
		return // handled before the one read last, though answered later
	}
	all := float64(g.led.total())
	s := p.slot(now)
	switch {
	case u >= 100 && g.last.u < 100:
		g.wearing(s).hundred = g.sent
	case u < 100 && g.worn != nil:
		g.worn.over = 0
	}
	at := point{float32(g.sure(s)), float32(all), float32(u), s}
	g.readSent = g.sent
	g.climb(p, at)
	if g.is(flagAnchor) {
		g.slope(p, at)
	} else {
		if !g.is(flagRead) {
			g.atLeast(100 * float64(at.lo) / (u + 1))
		}
		g.drop(at)
	}
	g.flags |= flagRead
	if g.is(flagLag) && g.is(flagCapped) {
		return
	}
	if g.shorter(p, s, u) {
		all = float64(g.led.total())
	}
	lo := all - g.limbo(s) - g.inFlight() + (99-u)/100*g.l // when it counts none of those in flight
	hi := all + (101-u)/100*g.l                            // when it counts them all
	slack := 0.0
	if g.is(flagCapped) {
		slack = 0.015*g.l + 1
	}
	if !g.is(flagK) || lo > g.k+slack || hi < g.k-slack {
		g.k = lo
		g.flags = g.flags&^flagCapped | flagK
	}
}

// shorter looks whether the percentage shows that most of our calls have left
// the window, although it is not over by what is documented, and then takes it
// for shorter: the longest that explains it.
func (g *Governor) shorter(p *Params, now uint32, u float64) bool {
	own := float64(g.led.total()) - g.limbo(now) - g.inFlight()
	left := (u + 1) / 100 * g.limit()
	factor := 1.6 // a quota that has grown looks the same
	switch {
	case g.is(flagWindow):
		factor = 3
	case g.wear().learnt != 0: // it was a first guess
		factor = 1.15
	}
	if own < 8 || own < factor*left {
		return false
	}
	s, ok := g.led.slotOfNth(uint32(own - left)) // the newest call that is gone
	if !ok || now < s+p.slots(minWindow) {
		return false
	}
	age := now - s
	span := age
	for d := range commonWindows() {
		if c := p.slots(d); c <= age+age/50 && age < c+c/5 {
			span = c
		}
	}
	if span >= g.span() {
		return false
	}
	g.wearing(now).learnt = span
	g.flags &^= flagWindow
	g.led.expire(now - min(now, span+1+p.slots(wayMargin)))
	g.flags &^= flagAnchor
	return true
}

const minWindow = 20 * time.Second

// commonWindows yields lengths that quotas have, shortest first.
func commonWindows() iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		for _, minutes := range [...]int{5, 15, 60, 2 * 60, 4 * 60, 8 * 60, 12 * 60, 24 * 60} {
			if !yield(time.Duration(minutes) * time.Minute) {
				return
			}
		}
	}
}

// slopeTime is how long a slope may be when others' calls leave the window.
const slopeTime = 30 * time.Second

const (
	climbLeast = 20   // percent
	climbSlack = 1.05 // for calls in flight
)

// slope corrects the limit by how much the percentage rose with our own calls.
func (g *Governor) slope(p *Params, at point) {
	du := float64(at.u - g.last.u)
	expect := 100 * float64(at.hi-g.last.lo) / max(g.l, 1) // at most
	switch {
	case expect >= 0 && du < -2, // others' calls left, the window was reset, or the quota grew
		du > 5+3*max(expect, 0), // others called, the quota shrank, or the header lags
		at.hi < g.anchor.lo, at.u < g.anchor.u:
		g.drop(at)
	default:
		g.bound(p, at)
		g.last = at
		if g.anchor.u > 2 && (at.u > g.anchor.u+30 || at.at-g.anchor.at > p.slots(slopeTime)) {
			g.anchor = at
		}
	}
}

// climb bounds the limit by how steeply the percentage climbs while a used-up
// window fills anew: then calls leave it at uncertain times, and no slope can be
// taken, but they can only make it look flatter than it is. Thus a quota that
// was cut is not taken for one that others use.
func (g *Governor) climb(p *Params, at point) {
	answered := g.sent - g.fly[0] - g.fly[1]
	if !g.is(flagRead) || at.u < float32(g.climbU) || at.at-g.climbAt > p.slots(slopeTime) {
		g.climbed, g.climbAt, g.climbU = answered, at.at, uint16(min(at.u, 1<<15))
		return
	}
	if du := float64(at.u) - float64(g.climbU); du >= climbLeast {
		g.atMost(climbSlack * 100 * float64(answered-g.climbed) / du)
	}
}

func addUpTo(a uint16, n uint32) uint16 {
	return uint16(min(uint32(a)+n, 1<<16-1)) // #nosec G115 -- bounded
}

func (g *Governor) bound(p *Params, at point) {
	du := float64(at.u - g.anchor.u)
	// Others' calls that leave the window hide the rise of ours: unless there
	// were none to begin with, only a short stretch shows the limit.
	calm := g.anchor.u <= 2 || at.at-g.anchor.at <= p.slots(slopeTime)
	if calm {
		g.atLeast(100 * float64(at.lo-g.anchor.hi) / (du + 1))
	}
	if du >= 3 {
		g.atMost(100 * float64(at.hi-g.anchor.lo) / (du - 1))
	}
}

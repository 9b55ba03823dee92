package pacing

// This file answers: how many calls a second does a proxy in front of the
// platform let through?

import (
	"math"
	"time"
)

// rate learns a limit per second or minute from refusals that say nothing
// more. It starts low and doubles each second; from the second refusal on it
// stays under the rate that went through, and feels its way up along a cubic
// curve: quickly back to near that rate, slowly past it, quickly far above it.
type rate struct {
	until   time.Duration // no call before this
	strikes uint8         // refusals in a row
	probing bool
	probeAt time.Duration

	peak  float64       // calls per second that went through when one was refused; 0: start
	since time.Duration // when the curve began
	due   time.Duration // next call, by the curve
	mark  uint32        // calls up to this one were sent before the last refusal

	seen   float64 // calls per second that went through lately
	seenAt time.Duration
	cycle  float64       // calls that went through since begun
	begun  time.Duration // when calls went through again after the refusal before last
}

const (
	rateStart    = 2.0 // calls per second
	rateBeta     = 0.7 // of the peak, after a refusal
	ratePlateau  = 20 * time.Second
	rateMinBlock = time.Second
	rateMaxBlock = 30 * time.Second
	rateForget   = 10 * time.Minute // without refusals, and the rate is not held back any more
)

// perSecond returns the present rate.
func (r *rate) perSecond(now time.Duration) float64 {
	t := (now - r.since).Seconds()
	if r.peak == 0 {
		return rateStart * math.Exp2(min(t, 30))
	}
	x := t/ratePlateau.Seconds() - 1
	return r.peak * (1 + (1-rateBeta)*x*x*x)
}

// next returns when a call may be sent; at most now: at once.
func (r *rate) next(now time.Duration) time.Duration {
	if now < r.until {
		return r.until
	}
	if r.probing {
		if r.probeAt != 0 && now-r.probeAt < probePatient {
			return r.probeAt + probePatient
		}
		return now
	}
	return r.due
}

func (r *rate) take(now time.Duration) {
	if r.probing {
		r.probeAt = now
		return
	}
	r.due = max(r.due, now) + time.Duration(float64(time.Second)/r.perSecond(now))
}

func (r *rate) fade(now time.Duration) {
	r.seen *= math.Exp(-(now - r.seenAt).Seconds())
	r.seenAt = now
}

// passed takes in that a call went through.
func (r *rate) passed(now time.Duration, mark uint32) {
	r.fade(now)
	r.seen++
	r.cycle++
	if !r.probing || !after(mark, r.mark) {
		return
	}
	if r.strikes >= 3 { // a long window: what counts is the average
		r.peak = max(r.cycle/max(1, (now-r.begun).Seconds()), 0.01)
	}
	r.probing, r.strikes, r.probeAt = false, 0, 0
	r.since, r.due = now, now
	r.cycle, r.begun = 0, now
}

// missed takes in that a call has shown nothing, neither sent nor refused for
// its rate: if it was the probe, the next one is.
func (r *rate) missed(mark uint32) {
	if r.probing && after(mark, r.mark) {
		r.probeAt = 0
	}
}

// refused takes in that a call did not; sent is how many were sent up to now.
func (r *rate) refused(now time.Duration, mark, sent uint32, hint time.Duration) {
	if r.mark != 0 && !after(mark, r.mark) {
		r.until = max(r.until, now+hint)
		return // sent before the last refusal was known
	}
	r.mark = sent
	r.fade(now)
	if !r.probing && r.begun != 0 {
		r.peak = max(r.seen, 0.5)
	}
	if r.strikes < 16 {
		r.strikes++
	}
	r.probing, r.probeAt = true, 0
	wait := min(rateMaxBlock, rateMinBlock<<(r.strikes-1))
	if hint > 0 {
		wait = hint
	}
	r.until = max(r.until, now+wait)
}

// over reports whether the limit can be forgotten.
func (r *rate) over(now time.Duration) bool {
	return !r.probing && now-r.since > rateForget
}

// after reports whether a comes after b, for counters that wrap.
func after(a, b uint32) bool { return int32(a-b) > 0 } // #nosec G115 -- wraps on purpose

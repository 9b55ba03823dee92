package simulate

// This file answers: how does the platform count, refuse, and tell?

import (
	"math"
	"math/rand/v2"
	"time"
)

// Rounding says how the platform makes a whole number of a percentage or of minutes.
type Rounding uint8

// Ways of rounding.
const (
	Down Rounding = iota
	Nearest
	Up
)

func (r Rounding) of(x float64) float64 {
	switch r {
	case Up:
		return math.Ceil(x - 1e-9)
	case Nearest:
		return math.Floor(x + 0.5)
	case Down:
	}
	return math.Floor(x + 1e-9)
}

type counted struct {
	at   time.Duration
	cost float64
}

// server is a rolling log of calls.
type server struct {
	sc     *Scenario
	limit  float64
	log    []counted // oldest first, from head on
	head   int
	used   float64
	usages []reading // for headers that lag
	shown  int
	rng    *rand.Rand
}

type reading struct {
	at time.Duration
	u  float64
}

func (s *server) expire(now time.Duration) {
	if g := s.sc.Grain; g > 0 { // the platform forgets in steps
		now = now / g * g
	}
	for s.head < len(s.log) && s.log[s.head].at <= now-s.sc.Window {
		s.used -= s.log[s.head].cost
		s.head++
	}
	if s.head > 1<<16 {
		s.log = append(s.log[:0], s.log[s.head:]...)
		s.head = 0
	}
}

func (s *server) count(now time.Duration, cost float64) {
	s.log = append(s.log, counted{now, cost})
	s.used += cost
}

func (s *server) full() bool { return s.used > s.limit-1+1e-9 && s.used+1e-9 >= s.limit }

// frees returns when there is room again, as far as is known now.
func (s *server) frees(now time.Duration) time.Duration {
	used := s.used
	for i := s.head; i < len(s.log); i++ {
		used -= s.log[i].cost
		if used < s.limit-1e-9 {
			return s.log[i].at + s.sc.Window
		}
	}
	return now
}

// answer is what the platform says.
type answer struct {
	refused bool
	usage   float64 // negative: no header
	hint    time.Duration
}

// call handles a call that arrives.
func (s *server) call(now time.Duration, foreign bool) (a answer) {
	s.expire(now)
	cost := 1.0
	if c := s.sc.CostSpread; c > 0 && !foreign {
		cost = 1 - c + 2*c*s.rng.Float64()
	}
	full := s.full()
	switch {
	case !full, foreign && s.sc.ForeignStubborn:
		s.count(now, cost)
	default:
		a.refused = true
		if s.sc.Penalty {
			s.count(now, 1)
		}
	}
	if foreign {
		return a
	}
	a.usage = s.usage(now)
	if s.sc.Account && s.full() && (a.refused && s.sc.Hints != NoHints || s.sc.Hints == HintsWhenFull) { // an app's header states none
		a.hint = time.Duration(s.sc.HintRounding.of((s.frees(now) - now).Minutes())) * time.Minute
	}
	if a.refused && s.sc.BareRefusals {
		a.usage, a.hint = -1, 0
	}
	return a
}

// usage returns what the header says; negative: there is none.
func (s *server) usage(now time.Duration) float64 {
	if s.sc.NoHeaders {
		return -1
	}
	u := s.sc.Rounding.of(100 * s.used / s.limit)
	if s.sc.Lag > 0 {
		s.usages = append(s.usages, reading{now, u})
		for s.shown+1 < len(s.usages) && s.usages[s.shown+1].at <= now-s.sc.Lag {
			s.shown++
		}
		if u = s.usages[s.shown].u; s.usages[s.shown].at > now-s.sc.Lag {
			u = 0
		}
	}
	if u < s.sc.HeaderFrom {
		return -1
	}
	return u
}

// fill makes the server remember calls of before the start.
func (s *server) fill() {
	n := int(s.sc.StartUsed * s.limit)
	for i := range n {
		at := -s.sc.StartSpread * time.Duration(n-i) / time.Duration(n)
		s.count(at, 1)
	}
}

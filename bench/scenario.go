package main

// This file answers: which quotas and circumstances are played, and what is
// asked of this library in each?

import "time"

// scenario is a quota and what is special about it.
type scenario struct {
	name      string
	limit     int
	window    time.Duration
	account   bool // the quota is an account's, not the app's
	penalty   bool // refused calls count
	bare      bool // refusals carry no headers
	startUsed float64
	halved    bool // after one and a half windows
	processes int  // 0: one
	foreign   bool // another program takes a third, whatever is left
	person    bool // a person's calls among those of background jobs
	crowd     bool // one hot account and forty cold ones
}

const (
	workers = 32 // of each process, always with work to do
	worth   = 3.5
	pause   = time.Minute // after a failed call its worker waits so long, and makes it again
	patient = 2           // a run ends after so many times the ideal's time
	bounded = 20          // … or so many times the calls that there are to make
	colds   = 40          // accounts
	coldly  = 0.2         // part of the quota that they want together
	atOnce  = roundTrip * 6 / 5
)

// calls is how many the workers have to make.
func (s scenario) calls() int { return int(worth * float64(s.limit)) }

func scenarios() []scenario {
	return []scenario{
		{name: "plain"},
		{name: "refused calls count", penalty: true},
		{name: "refusals without headers", bare: true},
		{name: "restart with 90 % used", startUsed: 0.9},
		{name: "quota halved on the way", halved: true},
		{name: "two processes that share nothing", processes: 2},
		{name: "another program takes a third", foreign: true},
		{name: "a person among background jobs", person: true},
		{name: "one hot account, forty cold ones", crowd: true},
	}
}

type quota struct {
	limit  int
	window time.Duration
}

func quotas() []quota {
	return []quota{{200, time.Hour}, {2000, time.Hour}, {20_000, time.Hour}, {4800, 24 * time.Hour}}
}

// with returns the scenario with a quota, false where the two do not go together.
func (s scenario) with(q quota) (scenario, bool) {
	s.limit, s.window, s.account = q.limit, q.window, q.window > time.Hour
	return s, !s.crowd || !s.account // an account's quota is not shared
}

// bound is what is asked of this library.
type bound struct {
	ratio   float64 // of the ideal's time
	refused float64 // percent of the calls
	others  float64 // a person's calls that go at once, in percent; or a cold account's time by its time alone
}

func (s scenario) bound() bound {
	b := bound{ratio: 1.02, refused: 1}
	switch {
	case (s.foreign || s.processes > 1) && s.limit == 200:
		b = bound{ratio: 1.15, refused: 5}
	case s.foreign, s.processes > 1:
		b = bound{ratio: 1.05, refused: 2}
	case s.person:
		b.others = 99
	case s.crowd: // of which the cold accounts' time is asked; what is kept for them costs the hot one
		b.others, b.ratio = 1.05, 1.05
		if s.limit == 200 {
			b.ratio = 1.5
		}
	}
	return b
}

package simulate

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func median(x []float64) float64 { slices.Sort(x); return x[len(x)/2] }

var mods = []struct {
	name string
	f    func(*Scenario)
}{
	{"plain", func(*Scenario) {}},
	{"penalty", func(s *Scenario) { s.Penalty = true }},
	{"bare", func(s *Scenario) { s.BareRefusals = true }},
	{"restart burst", func(s *Scenario) { s.StartUsed = .9; s.StartSpread = 30 * time.Second }},
	{"restart spread", func(s *Scenario) { s.StartUsed = .9; s.StartSpread = s.Window }},
	{"halved", func(s *Scenario) { s.ChangeAt = s.Window + s.Window/2; s.Change = .5 }},
	{"halved early", func(s *Scenario) { s.ChangeAt = 500 * time.Millisecond; s.Change = .5 }},
	{"two procs", func(s *Scenario) { s.Procs = 2 }},
	{"foreign polite", func(s *Scenario) { s.Foreign = 1. / 3 }},
	{"short window", func(s *Scenario) { s.Account = true; s.Window /= 3 }},
	{"account", func(s *Scenario) { s.Account = true }},
	{"account penalty", func(s *Scenario) { s.Account = true; s.Penalty = true }},
	{"account halved", func(s *Scenario) { s.Account = true; s.ChangeAt = s.Window + s.Window/2; s.Change = .5 }},
	{"account two", func(s *Scenario) { s.Account = true; s.Procs = 2 }},
	{"account bare", func(s *Scenario) { s.Account = true; s.BareRefusals = true }},
	{"account restart", func(s *Scenario) { s.Account = true; s.StartUsed = .9; s.StartSpread = s.Window }},
	{"account stubborn", func(s *Scenario) { s.Account = true; s.Foreign = 1. / 3; s.ForeignStubborn = true }},
	{"account restart burst", func(s *Scenario) { s.Account = true; s.StartUsed = .9; s.StartSpread = 30 * time.Second }},
	{"tiny window", func(s *Scenario) { s.Window /= 20 }},
	{"long window", func(s *Scenario) { s.Window *= 4 }},
	{"short no hints", func(s *Scenario) { s.Account = true; s.Window /= 3; s.Hints = NoHints }},
	{"nearest", func(s *Scenario) { s.Rounding = Nearest; s.HintRounding = Nearest }},
	{"up", func(s *Scenario) { s.Rounding = Up; s.HintRounding = Up }},
	{"hint down", func(s *Scenario) { s.HintRounding = Down }},
	{"hint when full", func(s *Scenario) { s.Hints = HintsWhenFull }},
	{"no hints", func(s *Scenario) { s.Hints = NoHints }},
	{"no hints penalty", func(s *Scenario) { s.Hints = NoHints; s.Penalty = true }},
	{"bare penalty", func(s *Scenario) { s.BareRefusals = true; s.Penalty = true }},
	{"no headers", func(s *Scenario) { s.NoHeaders = true; s.Hints = NoHints }},
	{"lag 60", func(s *Scenario) { s.Lag = 60 * time.Second }},
	{"lag 5", func(s *Scenario) { s.Lag = 5 * time.Second }},
	{"from 40", func(s *Scenario) { s.HeaderFrom = 40 }},
	{"grain", func(s *Scenario) { s.Grain = s.Window / 60 }},
	{"cost", func(s *Scenario) { s.CostSpread = .5 }},
	{"double", func(s *Scenario) { s.ChangeAt = s.Window / 2; s.Change = 2 }},
	{"slow", func(s *Scenario) { s.RTT = 2 * time.Second }},
	{"jitter", func(s *Scenario) { s.Jitter = .8 }},
	{"few", func(s *Scenario) { s.Workers = 3 }},
	{"many", func(s *Scenario) { s.Workers = 300 }},
	{"four procs", func(s *Scenario) { s.Procs = 4 }},
	{"two procs no hints", func(s *Scenario) { s.Procs = 2; s.Hints = NoHints }},
	{"two procs penalty", func(s *Scenario) { s.Procs = 2; s.Penalty = true }},
	{"two procs bare", func(s *Scenario) { s.Procs = 2; s.BareRefusals = true }},
	{"restart burst no hints", func(s *Scenario) { s.StartUsed = .9; s.StartSpread = 30 * time.Second; s.Hints = NoHints }},
	{"restart spread no hints", func(s *Scenario) { s.StartUsed = .9; s.StartSpread = s.Window; s.Hints = NoHints }},
	{"foreign stubborn nh", func(s *Scenario) { s.Foreign = 1. / 3; s.ForeignStubborn = true; s.Hints = NoHints }},
	{"foreign stubborn pen", func(s *Scenario) { s.Foreign = 1. / 3; s.ForeignStubborn = true; s.Penalty = true }},
	{"foreign stubborn", func(s *Scenario) { s.Foreign = 1. / 3; s.ForeignStubborn = true }},
}

func TestExplore(t *testing.T) {
	if os.Getenv("EXPLORE") == "" {
		t.Skip()
	}
	type q struct {
		limit int
		w     time.Duration
		acct  bool
	}
	for _, m := range mods {
		if f := os.Getenv("EXPLORE"); f != "all" && !slices.Contains(strings.Split(f, ","), m.name) {
			continue
		}
		for _, q := range []q{{200, time.Hour, false}, {2000, time.Hour, false}, {20000, time.Hour, false}, {4800, 24 * time.Hour, true}} {
			for _, mult := range []float64{3, 3.5} {
				var ratio, ref []float64
				for seed := range 6 {
					sc := Scenario{Limit: q.limit, Window: q.w, Account: q.acct, Calls: int(float64(q.limit) * mult), Workers: 32, RTT: 150 * time.Millisecond, Jitter: .2, Seed: uint64(seed), HintRounding: Up}
					m.f(&sc)
					id := Ideal(sc)
					r := Paced(sc)
					ratio = append(ratio, float64(r.Took)/float64(id.Took))
					ref = append(ref, 100*float64(r.Refused)/float64(sc.Calls))
					if os.Getenv("V") != "" {
						fmt.Println(id, r)
					}
				}
				fmt.Printf("%-24s %6d x%.1f  %.4f  %.3f%%\n", m.name, q.limit, mult, median(ratio), median(ref))
			}
		}
	}
}

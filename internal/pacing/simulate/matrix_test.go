package simulate

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"
)

func median(x []float64) float64 { slices.Sort(x); return x[len(x)/2] }

func TestExplore(t *testing.T) {
	if os.Getenv("EXPLORE") == "" {
		t.Skip()
	}
	type q struct {
		limit int
		w     time.Duration
		acct  bool
	}
	mods := []struct {
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
		{"foreign stubborn", func(s *Scenario) { s.Foreign = 1. / 3; s.ForeignStubborn = true }},
	}
	for _, m := range mods {
		if f := os.Getenv("EXPLORE"); f != "all" && f != m.name {
			continue
		}
		for _, q := range []q{{200, time.Hour, false}, {2000, time.Hour, false}, {20000, time.Hour, false}, {4800, 24 * time.Hour, true}} {
			for _, mult := range []float64{3, 3.5} {
				var ratio, ref []float64
				for seed := range 3 {
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
				fmt.Printf("%-18s %6d x%.1f  %.4f  %.3f%%\n", m.name, q.limit, mult, median(ratio), median(ref))
			}
		}
	}
}

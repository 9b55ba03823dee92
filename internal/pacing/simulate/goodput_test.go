package simulate

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestGoodput runs 32 workers through several windows of quotas that they do not
// know, and compares with an oracle that does: how much longer it takes, and
// how many calls are refused. Medians of six seeds; time is simulated.
func TestGoodput(t *testing.T) {
	t.Parallel()
	quotas := []Scenario{
		{Limit: 200, Window: time.Hour},
		{Limit: 2000, Window: time.Hour},
		{Limit: 20000, Window: time.Hour},
		{Limit: 4800, Window: 24 * time.Hour, Account: true},
	}
	type bound struct{ ratio, refused float64 }
	one, shared, small := bound{1.02, 1}, bound{1.05, 2}, bound{1.15, 5}
	tests := map[string]struct {
		change func(*Scenario)
		within bound
	}{
		"one process":                        {func(*Scenario) {}, one},
		"a penalty for calls while blocked":  {func(s *Scenario) { s.Penalty = true }, one},
		"refusals without a header":          {func(s *Scenario) { s.BareRefusals = true }, one},
		"a restart with 90 percent used":     {func(s *Scenario) { s.StartUsed, s.StartSpread = .9, s.Window }, one},
		"the quota is halved on the way":     {func(s *Scenario) { s.ChangeAt, s.Change = s.Window+s.Window/2, .5 }, one},
		"two processes with no shared state": {func(s *Scenario) { s.Procs = 2 }, shared},
		"another program takes a third":      {func(s *Scenario) { s.Foreign = 1. / 3 }, shared},
	}
	for name, test := range tests {
		for _, quota := range quotas {
			t.Run(fmt.Sprintf("%s, %d in %v", name, quota.Limit, quota.Window), func(t *testing.T) {
				t.Parallel()
				within := test.within
				if within == shared && quota.Limit == 200 {
					within = small
				}
				ratio, refused := medians(quota, test.change)
				t.Logf("%.4f of the ideal time, %.3f %% refused", ratio, refused)
				assert.LessOrEqual(t, ratio, within.ratio)
				assert.LessOrEqual(t, refused, within.refused)
			})
		}
	}
}

// TestLaggingHeadersStarveNobody keeps the trap that the first design of a
// governor fell into: it believed headers that came a minute late, and slowed
// itself down to nothing.
func TestLaggingHeadersStarveNobody(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{200, 2000, 20000} {
		ratio, _ := medians(Scenario{Limit: limit, Window: time.Hour}, func(s *Scenario) { s.Lag = time.Minute })
		assert.LessOrEqual(t, ratio, 1.1, "%d an hour", limit)
	}
}

func medians(quota Scenario, change func(*Scenario)) (ratio, refusedPercent float64) {
	var ratios, refused []float64
	for seed := range uint64(6) {
		s := quota
		s.Calls, s.Workers, s.RTT, s.Jitter, s.Seed, s.HintRounding = quota.Limit*7/2, 32, 150*time.Millisecond, .2, seed, Up
		change(&s)
		ideal, paced := Ideal(s), Paced(s)
		ratios = append(ratios, float64(paced.Took)/float64(ideal.Took))
		refused = append(refused, 100*float64(paced.Refused)/float64(s.Calls))
	}
	return median(ratios), median(refused)
}

func median(x []float64) float64 {
	slices.Sort(x)
	return (x[len(x)/2-1] + x[len(x)/2]) / 2
}

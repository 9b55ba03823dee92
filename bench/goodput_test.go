package main

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestGoodput holds this library to what is asked of it, in every scenario of
// the table. Time is simulated. Package simulate plays the larger quotas too.
func TestGoodput(t *testing.T) {
	t.Parallel()
	for _, kind := range scenarios() {
		for _, q := range quotas() {
			s, ok := kind.with(q)
			if !ok || q.limit > 5000 || s.account && s.name != "plain" { // takes too long for a test
				continue
			}
			t.Run(fmt.Sprintf("%s, %d in %v", s.name, s.limit, s.window), func(t *testing.T) {
				t.Parallel()
				score, want := match(t, s, max(1, 400/s.limit), us)[0], s.bound()
				t.Log(score.cell(s))
				assert.InDelta(t, 100, score.done, 0)
				assert.Zero(t, score.failed)
				assert.LessOrEqual(t, score.ratio, want.ratio, "time by the ideal's")
				assert.LessOrEqual(t, score.refused, want.refused, "percent refused")
				switch {
				case s.person:
					assert.GreaterOrEqual(t, score.others, want.others, "percent of a person's calls at once")
				case s.crowd:
					assert.LessOrEqual(t, score.others, want.others, "a cold account's time by its time alone")
				}
			})
		}
	}
}

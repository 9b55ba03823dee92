package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestCostTables sees to it that each table has its rows. What a call may cost
// in allocations is held by a test of package instagram; how long it takes is
// for a quiet machine to tell.
func TestCostTables(t *testing.T) {
	var out strings.Builder
	cost(&out, 1, 10)
	parallel(&out, 1, time.Millisecond)
	accounts(&out, 1, 10, 1, 1000)
	for _, p := range peers() {
		assert.Contains(t, out.String(), "\n| "+p.name+" | ")
	}
	assert.Contains(t, out.String(), "\n| instagram, usage headers | ")
	assert.Contains(t, out.String(), "\n| 1000 | ")
	assert.NotContains(t, out.String(), "NaN")
}

func TestMedian(t *testing.T) {
	t.Parallel()
	assert.InDelta(t, 2, median([]float64{3, 1, 2}), 0)
	assert.InDelta(t, 2.5, median([]float64{4, 1, 3, 2}), 0)
}

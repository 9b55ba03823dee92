package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestHarm holds this library to doing none, beside another that does some.
func TestHarm(t *testing.T) {
	t.Parallel()
	all := peers()
	require.Equal(t, "instagram", all[0].name)
	ours := harmOf(t, all[0], 9)
	assert.Zero(t, ours.twice, "done twice")
	assert.Zero(t, ours.givenUp, "given up without need")
	assert.Zero(t, ours.belied, "reported as done, and not done")
	assert.NotZero(t, ours.unclear)
	assert.Equal(t, ours.unclear, ours.told, "unclear, and reported as that")
	assert.Zero(t, ours.slowest, "from a cancellation to the return")
	assert.Zero(t, ours.after, "requests after a cancellation")

	require.Equal(t, "go-retryablehttp", all[3].name)
	theirs := harmOf(t, all[3], 9)
	assert.Equal(t, ours.writes, theirs.writes)
	assert.NotZero(t, theirs.twice, "the faults do not tempt anybody")
}

package ordered_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram/internal/ordered"
)

// TestSetAgainstSlice does the same to a set and to a sorted slice.
func TestSetAgainstSlice(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	set := ordered.New(cmp.Compare[int])
	var want []int
	for step := range 60_000 {
		v := random.IntN(9_000)
		i, there := slices.BinarySearch(want, v)
		grow := step < 30_000 // then shrink, down to nothing nearly
		if random.IntN(10) < 7 == grow {
			require.Equal(t, !there, set.Insert(v))
			if !there {
				want = slices.Insert(want, i, v)
			}
		} else {
			require.Equal(t, there, set.Delete(v))
			if there {
				want = slices.Delete(want, i, i+1)
			}
		}
		require.Equal(t, len(want), set.Len())
		require.Equal(t, i, set.Rank(v))
		if step%500 == 0 {
			require.Equal(t, want, append([]int{}, slices.Collect(set.All())...))
			require.Equal(t, append([]int{}, want[i:]...), append([]int{}, slices.Collect(set.From(v))...))
		}
	}
}

func TestEmptySet(t *testing.T) {
	t.Parallel()
	set := ordered.New(cmp.Compare[int])
	assert.Zero(t, set.Len())
	assert.Zero(t, set.Rank(1))
	assert.False(t, set.Delete(1))
	assert.Empty(t, slices.Collect(set.From(1)))
	assert.True(t, set.Insert(1))
	assert.True(t, set.Delete(1))
	assert.Empty(t, slices.Collect(set.All()))
}

func BenchmarkInsertDeleteInAMillion(b *testing.B) {
	set := ordered.New(cmp.Compare[int])
	for i := range 1_000_000 {
		set.Insert(i * 2)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		v := (i*7919)%2_000_000 | 1
		set.Insert(v)
		set.Delete(v)
		i++
	}
}

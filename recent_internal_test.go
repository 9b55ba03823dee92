package instagram

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestRecentForgetsTheOldest(t *testing.T) {
	t.Parallel()
	r := newRecent[string](3)
	for _, key := range []string{"a", "b", "c"} {
		assert.Equal(t, unseen, r.begin(key))
		assert.Equal(t, open, r.begin(key))
		r.settle(key)
		assert.Equal(t, settled, r.begin(key))
	}
	assert.Equal(t, unseen, r.begin("d"))
	assert.Equal(t, unseen, r.begin("a"), "the oldest made room")
	assert.Equal(t, settled, r.begin("c"))
	assert.Len(t, r.known, 3)

	r.forget("c")
	assert.Equal(t, unseen, r.begin("c"), "it may be tried again")
	assert.Equal(t, open, r.begin("c"))
	for _, key := range []string{"e", "f"} {
		assert.Equal(t, unseen, r.begin(key))
	}
	assert.Equal(t, open, r.begin("c"), "its old place in the ring does not count")
	assert.LessOrEqual(t, len(r.known), 3)
	r.settle("unknown")
	assert.Equal(t, unseen, r.begin("unknown"))
}

func TestRecentTellsWhenAKeyIsNoLongerOpen(t *testing.T) {
	t.Parallel()
	isClosed := func(c <-chan struct{}) bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	}
	for name, end := range map[string]func(*recent[int]){
		"settled":   func(r *recent[int]) { r.settle(1) },
		"forgotten": func(r *recent[int]) { r.forget(1) },
		"pushed out": func(r *recent[int]) {
			for key := 2; key < 5; key++ {
				r.begin(key)
			}
		},
	} {
		r := newRecent[int](3)
		assert.True(t, isClosed(r.ended(1)), name)
		r.begin(1)
		first, second := r.ended(1), r.ended(1)
		assert.False(t, isClosed(first), name)
		end(r)
		assert.True(t, isClosed(first), name)
		assert.True(t, isClosed(second), name)
		assert.True(t, isClosed(r.ended(1)), name)
		r.settle(1)
		r.forget(1)
	}
}

func TestRecentThatRemembersNothing(t *testing.T) {
	t.Parallel()
	for _, r := range []*recent[int]{newRecent[int](0), newRecent[int](-1), {}} {
		for range 3 {
			assert.Equal(t, unseen, r.begin(1))
			r.settle(1)
			r.forget(1)
		}
	}
}

package instagram

import (
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMemoryStoreForgetsStates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := NewMemoryStore()
		for round := range 10 { // ten thousand logins begun in a hundred minutes, and none finished
			for i := range 1000 {
				require.NoError(t, store.PutState(t.Context(), fmt.Sprintf("state %d of round %d", i, round), 10*time.Minute))
			}
			assert.Len(t, store.states.ends, 1000)
			time.Sleep(10 * time.Minute)
		}
		require.NoError(t, store.PutState(t.Context(), "last", 10*time.Minute))
		assert.Len(t, store.states.ends, 1)
		assert.Equal(t, 1, store.states.order.Len())
		require.NoError(t, store.TakeState(t.Context(), "last"))
		assert.Empty(t, store.states.ends)
		assert.Zero(t, store.states.order.Len())
	})
}

func TestMemoryStoreKeepsNotTooManyStates(t *testing.T) {
	t.Parallel()
	store := NewMemoryStore()
	store.states.limit = 3
	for i := range 5 {
		require.NoError(t, store.PutState(t.Context(), strconv.Itoa(i), time.Hour+time.Duration(i)))
		require.NoError(t, store.PutState(t.Context(), strconv.Itoa(i), time.Hour+time.Duration(i)), "again")
	}
	for i := range 5 {
		err := store.TakeState(t.Context(), strconv.Itoa(i))
		assert.Equal(t, i < 2, err != nil, "those that end first are dropped")
	}
	require.Error(t, store.PutState(t.Context(), string(make([]byte, maxStateID+1)), time.Hour))
	require.Error(t, store.PutState(t.Context(), "", time.Hour))
}

package instagram

// This file answers: how are open login states remembered in memory, and not too many of them?

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/seed-922467ee/instagram/internal/ordered"
)

const (
	// maxOpenStates bounds the memory that people, or an attacker, can fill by
	// beginning logins: some 200 MB.
	maxOpenStates = 1 << 20
	maxStateID    = 1 << 10
)

// memoryStates holds login states until they are taken or their time is over.
type memoryStates struct {
	limit int // how many

	mu    sync.Mutex
	ends  map[string]int64 // by ID: nanoseconds since 1970
	order *ordered.Set[memoryState]
}

type memoryState struct {
	end int64
	id  string
}

// PutState implements [StateStore]. States whose time is over are dropped, and
// beyond a million open ones those that would end next.
func (s *MemoryStore) PutState(ctx context.Context, id string, ttl time.Duration) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case id == "" || len(id) > maxStateID:
		return fmt.Errorf("a state ID has 1 to %d bytes, not %d", maxStateID, len(id))
	case ttl <= 0:
		return errors.New("a state lasts longer than zero")
	}
	now := time.Now()
	st := &s.states
	st.mu.Lock()
	defer st.mu.Unlock()
	st.forgetLocked(id)
	st.dropLocked(now.UnixNano(), st.limit-1)
	end := now.Add(ttl).UnixNano()
	id = strings.Clone(id) // it may be a piece of a long URL
	st.ends[id] = end
	st.order.Insert(memoryState{end, id})
	return nil
}

// TakeState implements [StateStore].
func (s *MemoryStore) TakeState(ctx context.Context, id string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	now := time.Now()
	st := &s.states
	st.mu.Lock()
	defer st.mu.Unlock()
	end, ok := st.ends[id]
	st.forgetLocked(id)
	if !ok || now.UnixNano() >= end {
		return ErrStateUsed
	}
	return nil
}

func (st *memoryStates) forgetLocked(id string) {
	if end, ok := st.ends[id]; ok {
		st.order.Delete(memoryState{end, id})
		delete(st.ends, id)
	}
}

// dropLocked drops the states that ended by now, and the next to end until no more than limit are left.
func (st *memoryStates) dropLocked(now int64, limit int) {
	var dropped []memoryState
	for state := range st.order.All() {
		if state.end > now && st.order.Len()-len(dropped) <= limit {
			break
		}
		dropped = append(dropped, state)
	}
	for _, state := range dropped {
		st.forgetLocked(state.id)
	}
}

func compareStateEnds(a, b memoryState) int {
	return cmp.Or(cmp.Compare(a.end, b.end), strings.Compare(a.id, b.id))
}

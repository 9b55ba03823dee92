package storetest

// This file answers: is each login state used only once?

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-922467ee/instagram"
)

type stateEnv = env[instagram.StateStore]

// States tests a store of login states. open returns a store; it may be the
// same each time.
func States(t *testing.T, open func(t *testing.T) instagram.StateStore, options ...Option) {
	t.Helper()
	run(t, open, options, []part[instagram.StateStore]{
		{"a state is taken once", stateOnce},
		{"states do not meet", stateOdd},
		{"a state put twice is taken once", statePutTwice},
		{"a state whose time is over is not taken", stateExpires},
		{"a state without time or ID is not taken", stateBad},
		{"a cancelled context puts and takes nothing", stateCancelled},
		{"of a hundred takers one wins", stateOneTaker},
	})
}

func put(e *stateEnv, id string, ttl time.Duration) {
	e.Helper()
	e.ok(e.store.PutState(e.ctx, id, ttl), "put %q", id)
}

func stateOnce(e *stateEnv) {
	id := freshID("state")
	e.is(e.store.TakeState(e.ctx, id), instagram.ErrStateUsed, "take what was never put")
	put(e, id, long)
	e.ok(e.peer.TakeState(e.ctx, id), "take")
	for _, store := range []instagram.StateStore{e.store, e.peer} {
		e.is(store.TakeState(e.ctx, id), instagram.ErrStateUsed, "take again")
	}
}

func stateOdd(e *stateEnv) {
	var ids []string
	for _, id := range append(oddIDs(), strings.Repeat("y", 512)) {
		ids = append(ids, e.app+id)
	}
	for i, id := range ids {
		put(e, id, long)
		if i+1 < len(ids) {
			e.is(e.store.TakeState(e.ctx, ids[i+1]), instagram.ErrStateUsed, "take %q, which was not put yet", ids[i+1])
		}
	}
	for _, id := range ids {
		e.ok(e.store.TakeState(e.ctx, id), "take %q", id)
		e.is(e.store.TakeState(e.ctx, id), instagram.ErrStateUsed, "take %q again", id)
	}
}

func statePutTwice(e *stateEnv) {
	id := freshID("state")
	for range 2 {
		if err := e.store.PutState(e.ctx, id, long); err != nil {
			e.Logf("the store refuses to put a state twice, which is fine: %v", err)
		}
	}
	e.ok(e.store.TakeState(e.ctx, id), "take")
	e.is(e.store.TakeState(e.ctx, id), instagram.ErrStateUsed, "take again")
}

func stateExpires(e *stateEnv) {
	id, other := freshID("state"), freshID("state")
	put(e, id, e.short)
	put(e, other, long)
	e.wait(3 * e.short)
	put(e, freshID("state"), long) // the moment at which a store may tidy up
	e.is(e.store.TakeState(e.ctx, id), instagram.ErrStateUsed, "take what has expired")
	e.ok(e.store.TakeState(e.ctx, other), "take what has not expired")
	put(e, id, long)
	e.ok(e.store.TakeState(e.ctx, id), "take what expired, and was put again")
}

func stateBad(e *stateEnv) {
	for _, ttl := range []time.Duration{0, -time.Second} {
		id := freshID("state")
		if e.store.PutState(e.ctx, id, ttl) == nil {
			e.Errorf("a state that lasts %v was put", ttl)
		}
		e.is(e.store.TakeState(e.ctx, id), instagram.ErrStateUsed, "take what lasts %v", ttl)
	}
	e.is(e.store.TakeState(e.ctx, ""), instagram.ErrStateUsed, "take the empty ID")
}

func stateCancelled(e *stateEnv) {
	ctx, id := e.cancelled(), freshID("state")
	e.is(e.store.PutState(ctx, id, long), ctx.Err(), "put with a cancelled context")
	e.is(e.store.TakeState(e.ctx, id), instagram.ErrStateUsed, "take what was not put")
	put(e, id, long)
	e.is(e.store.TakeState(ctx, id), ctx.Err(), "take with a cancelled context")
	e.ok(e.store.TakeState(e.ctx, id), "take")
}

func stateOneTaker(e *stateEnv) {
	for range 3 {
		id := freshID("state")
		put(e, id, long)
		var winners atomic.Int32
		together(100, func(w int) {
			switch err := e.door(w).TakeState(e.ctx, id); {
			case err == nil:
				winners.Add(1)
			case !errors.Is(err, instagram.ErrStateUsed):
				e.Errorf("take: %v", err)
			}
		})
		if n := winners.Load(); n != 1 {
			e.Fatalf("%d of 100 takers won, want 1", n)
		}
	}
}

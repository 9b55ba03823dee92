package instagram

// This file answers: what happens when the same callback comes twice, or a
// hundred times at once?

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	// maxLoginFlights bounds how many answered callbacks are remembered.
	maxLoginFlights = 10_000
	// loginTimeout bounds the steps of a sign-in after the callback.
	loginTimeout = 2 * time.Minute
)

// loginFlights answers each login attempt once: the first callback does the
// work, and all that follow while the state is good get its result.
type loginFlights struct {
	mu    sync.Mutex
	byID  map[string]*loginFlight
	order []*loginFlight // oldest first
	busy  sync.WaitGroup
}

type loginFlight struct {
	id     string
	at     time.Time
	done   chan struct{}
	result *LoginResult
	err    error
}

func (f *loginFlights) init() { f.byID = map[string]*loginFlight{} }

// do runs work for the id, once. Work goes on when its caller leaves: the code
// is being spent, and what it brings must not be lost. What failed before the
// code was spent is forgotten, and may be tried again.
func (f *loginFlights) do(ctx context.Context, id string, now time.Time,
	work func(context.Context) (r *LoginResult, spent bool, err error),
) (*LoginResult, error) {
	f.mu.Lock()
	flight, running := f.byID[id]
	if !running {
		f.forgetLocked(now)
		flight = &loginFlight{id: id, at: now, done: make(chan struct{})}
		f.byID[id] = flight
		f.order = append(f.order, flight)
		f.busy.Go(func() { f.run(context.WithoutCancel(ctx), flight, work) })
	}
	f.mu.Unlock()
	select {
	case <-flight.done:
		return flight.answer()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (f *loginFlights) run(ctx context.Context, flight *loginFlight, work func(context.Context) (*LoginResult, bool, error)) {
	ctx, cancel := context.WithTimeout(ctx, loginTimeout)
	defer cancel()
	spent := true // should it panic
	defer func() {
		if p := recover(); p != nil { // of code that the program gave: a store, a transport
			flight.err = fmt.Errorf("instagram: finish login: panic: %T", p) // what it says may hold a secret
		}
		if !spent {
			f.mu.Lock()
			delete(f.byID, flight.id)
			f.mu.Unlock()
		}
		close(flight.done)
	}()
	flight.result, spent, flight.err = work(ctx)
}

// wait returns when no sign-in is under way, or the cause of ctx's end.
func (f *loginFlights) wait(ctx context.Context) error {
	idle := make(chan struct{})
	go func() {
		f.busy.Wait()
		close(idle)
	}()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// answer returns the flight's result; each caller gets a copy of its own.
func (f *loginFlight) answer() (*LoginResult, error) {
	if f.result == nil {
		return nil, f.err
	}
	r := *f.result
	return &r, f.err
}

// forgetLocked drops what is too old to be asked for, and the oldest when
// there are too many.
func (f *loginFlights) forgetLocked(now time.Time) {
	n := 0
	for _, flight := range f.order {
		if now.Sub(flight.at) <= stateLifetime+stateSkew && len(f.order)-n < maxLoginFlights {
			break
		}
		if f.byID[flight.id] == flight {
			delete(f.byID, flight.id)
		}
		n++
	}
	f.order = slices.Delete(f.order, 0, n)
}

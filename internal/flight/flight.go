// Package flight does one thing at a time for each key, for all who ask for
// it meanwhile. Who leaves early spoils nothing for the others.
package flight

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// ErrClosed is what a group answers that was closed.
var ErrClosed = errors.New("the client is closed")

// Group runs at most one call for each key at a time. The zero Group is ready;
// it is safe for concurrent use and must not be copied.
//
// A flight answers those who came before it landed. Whoever comes later starts
// another, so work begins with the question whether there is still something
// to do.
type Group[K comparable, V any] struct {
	mu      sync.Mutex
	calls   map[K]*call[V]
	busy    int
	idle    chan struct{} // closed when the last call of a closed group ends
	closed  bool
	cancels map[*call[V]]context.CancelCauseFunc
}

type call[V any] struct {
	done  chan struct{}
	value V
	err   error
}

// Do returns what work returns, which runs in a goroutine of its own, unless it
// runs for the key already. The context of work has the values of the first
// caller's and ends only with the group. When ctx ends Do returns its cause at
// once, and work goes on.
func (g *Group[K, V]) Do(ctx context.Context, key K, work func(context.Context) (V, error)) (V, error) {
	c, _ := g.join(ctx, key, work)
	select {
	case <-c.done:
		return c.value, c.err
	case <-ctx.Done():
		var none V
		return none, context.Cause(ctx)
	}
}

// Go starts work unless it runs for the key already, and waits for nothing. It
// reports whether it has started it.
func (g *Group[K, V]) Go(ctx context.Context, key K, work func(context.Context) (V, error)) bool {
	_, started := g.join(ctx, key, work)
	return started
}

func (g *Group[K, V]) join(ctx context.Context, key K, work func(context.Context) (V, error)) (c *call[V], started bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c, ok := g.calls[key]; ok {
		return c, false
	}
	c = &call[V]{done: make(chan struct{})}
	if g.closed {
		c.err = ErrClosed
		close(c.done)
		return c, false
	}
	if g.calls == nil {
		g.calls = make(map[K]*call[V])
		g.cancels = make(map[*call[V]]context.CancelCauseFunc)
	}
	inner, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	g.calls[key], g.cancels[c] = c, cancel
	g.busy++
	go g.run(inner, key, c, work)
	return c, true
}

func (g *Group[K, V]) run(ctx context.Context, key K, c *call[V], work func(context.Context) (V, error)) {
	defer func() {
		if p := recover(); p != nil { // of code that the caller of the program gave: a store, a transport
			c.err = fmt.Errorf("panic: %T", p) // what it says may hold a secret
		}
		g.land(key, c)
	}()
	c.value, c.err = work(ctx)
}

func (g *Group[K, V]) land(key K, c *call[V]) {
	g.mu.Lock()
	cancel := g.cancels[c]
	delete(g.calls, key)
	delete(g.cancels, c)
	if g.busy--; g.busy == 0 && g.idle != nil {
		close(g.idle)
	}
	g.mu.Unlock()
	close(c.done)
	cancel(nil)
}

// Close lets no more calls begin, and waits for those that run. When ctx ends
// it ends theirs too, waits for them to notice, and returns the cause.
func (g *Group[K, V]) Close(ctx context.Context) error {
	g.mu.Lock()
	g.closed = true
	if g.busy == 0 {
		g.mu.Unlock()
		return nil
	}
	if g.idle == nil {
		g.idle = make(chan struct{})
	}
	idle := g.idle
	g.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	for _, cancel := range g.cancels {
		cancel(ErrClosed)
	}
	g.mu.Unlock()
	<-idle
	return context.Cause(ctx)
}

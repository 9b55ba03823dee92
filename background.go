package instagram

// This file answers: what goes on behind the calls of a client, and how does
// it end?

import (
	"context"
	"sync"
)

// background counts the work that goes on while nobody waits for it.
type background struct {
	mu      sync.Mutex
	busy    int
	closed  bool
	idle    chan struct{} // closed when the last work ends after closing
	closing chan struct{} // closed when no new work is to begin
	killing chan struct{} // closed when the time for what is under way is over
	killed  bool
}

func (b *background) init() {
	b.idle, b.closing, b.killing = make(chan struct{}), make(chan struct{}), make(chan struct{})
}

// begin counts a piece of work in, unless the client is closing.
func (b *background) begin() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.busy++
	return true
}

// end counts it out.
func (b *background) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.busy--; b.busy == 0 && b.closed {
		close(b.idle)
	}
}

// close lets no more work begin, and waits until all has ended or ctx has.
func (b *background) close(ctx context.Context) error {
	b.mu.Lock()
	if !b.closed {
		b.closed = true
		close(b.closing)
		if b.busy == 0 {
			close(b.idle)
		}
	}
	b.mu.Unlock()
	select {
	case <-b.idle:
		return nil
	case <-ctx.Done():
	}
	b.mu.Lock()
	if !b.killed {
		b.killed = true
		close(b.killing)
	}
	b.mu.Unlock()
	<-b.idle
	return context.Cause(ctx)
}

// until returns a context that ends with ctx or when the channel is closed.
func until(ctx context.Context, ch <-chan struct{}) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-ch:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

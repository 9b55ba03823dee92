package instagram

// This file answers: how long may an answer's body keep its reader waiting?

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"time"
)

// maxIdle is the longest wait for the next byte of a body, and for the whole of
// the beginning that this package looks at before it returns an answer. net/http
// bounds the wait for the header only: a server that falls silent in the middle
// would hold its reader for ever. A body that goes on may be as slow as it likes.
const maxIdle = 30 * time.Second

// idleBodies ends reads that wait too long. Its timers are used again, so that a
// read costs no allocation. On nil nobody waits for a read.
type idleBodies struct{ free sync.Pool }

// bodyTimer closes a body when its time is over, which ends the read.
type bodyTimer struct {
	timer *time.Timer
	mu    sync.Mutex
	body  io.Closer // nil: nobody reads
	late  bool
}

func (t *bodyTimer) fire() {
	t.mu.Lock()
	body := t.body
	t.late = body != nil
	t.mu.Unlock()
	if body != nil {
		_ = body.Close()
	}
}

// begin is called before something is read from body.
func (i *idleBodies) begin(body io.Closer) *bodyTimer {
	if i == nil {
		return nil
	}
	if t, ok := i.free.Get().(*bodyTimer); ok { // it is stopped
		t.body = body
		t.timer.Reset(maxIdle)
		return t
	}
	t := &bodyTimer{body: body}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.timer = time.AfterFunc(maxIdle, t.fire)
	return t
}

// end is called with what the reading ended with, and returns what it means.
func (i *idleBodies) end(t *bodyTimer, err error) error {
	if t == nil {
		return err
	}
	if t.timer.Stop() {
		t.body = nil
		i.free.Put(t)
		return err
	}
	t.mu.Lock() // it has fired, and is not used again
	defer t.mu.Unlock()
	t.body = nil
	if t.late && err != nil && !errors.Is(err, io.EOF) {
		return &idleError{}
	}
	return err
}

// idleError says that a body fell silent. It is a timeout to those who ask.
type idleError struct{}

func (*idleError) Error() string { return "the answer has not gone on for " + maxIdle.String() }
func (*idleError) Timeout() bool { return true }

// Temporary belongs to net.Error.
func (*idleError) Temporary() bool { return true }

func (*idleError) Is(target error) bool {
	return target == os.ErrDeadlineExceeded || target == context.DeadlineExceeded
}

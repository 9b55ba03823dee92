package instagram

// This file answers: how long may an answer's body keep its reader waiting?

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"
)

// maxIdle is the longest wait for the next byte of a body. net/http bounds the
// wait for the header only: a server that falls silent in the middle would hold
// its reader for ever. A slow body that goes on may take as long as it likes.
const maxIdle = 30 * time.Second

// idleBodies ends reads that wait too long. Timers are used again, so that a
// read costs no allocation.
type idleBodies struct{ free sync.Pool }

// bodyTimer closes a body when its time is over.
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
		_ = body.Close() // which ends the read
	}
}

// read reads from body, and closes it when nothing comes for too long.
func (i *idleBodies) read(body io.ReadCloser, p []byte) (int, error) {
	t, ok := i.free.Get().(*bodyTimer)
	if ok {
		t.body = body // the timer is stopped
		t.timer.Reset(maxIdle)
	} else {
		t = &bodyTimer{body: body}
		t.mu.Lock()
		t.timer = time.AfterFunc(maxIdle, t.fire)
		t.mu.Unlock()
	}
	n, err := body.Read(p)
	if t.timer.Stop() {
		t.body = nil
		i.free.Put(t)
		return n, err
	}
	t.mu.Lock() // it has fired, and is not used again
	defer t.mu.Unlock()
	t.body = nil
	if t.late && err != nil && !errors.Is(err, io.EOF) {
		err = &idleError{}
	}
	return n, err
}

// idleError says that a body fell silent. It is a timeout to those who ask.
type idleError struct{}

func (*idleError) Error() string { return "no byte of the answer has come for " + maxIdle.String() }
func (*idleError) Timeout() bool { return true }

// Temporary belongs to net.Error.
func (*idleError) Temporary() bool { return true }

func (*idleError) Is(target error) bool { return target == os.ErrDeadlineExceeded }

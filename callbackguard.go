package instagram

// This file answers: how do the handlers of Meta's callbacks guard themselves
// against whoever sends too much, too slowly or never the end, and against the
// program's own functions?

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"time"
)

var (
	errBodyTooLarge = errors.New("the body is larger than allowed")
	errBodyTooSlow  = errors.New("the body took too long to arrive")
	errBodyCut      = errors.New("the body ended early")
)

// firstRead bounds what is set aside for a body before it has come, whatever
// length it claims to have.
const firstRead = 64 << 10

// readBody reads a request's body of at most limit bytes, within the time
// given. Where the connection knows no deadlines, a body that stops for good
// holds the call until the connection ends; servers of net/http know them.
func readBody(w http.ResponseWriter, r *http.Request, limit int64, patience time.Duration) ([]byte, error) {
	switch {
	case r.Body == nil: // of a request that no server made
		return nil, nil
	case r.ContentLength > limit:
		leaveBody(w)
		return nil, errBodyTooLarge
	}
	until := time.Now().Add(patience)
	setDeadline := readDeadline(w)
	limited := setDeadline != nil && setDeadline(until) == nil
	buf := make([]byte, 0, max(512, min(r.ContentLength+1, firstRead)))
	for {
		n, err := r.Body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case int64(len(buf)) > limit:
			leaveBody(w)
			return nil, errBodyTooLarge
		case errors.Is(err, io.EOF):
			if limited {
				_ = setDeadline(time.Time{}) // it must not cut off the wait for the answer
			}
			return buf, nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil, errBodyTooSlow
		case err != nil:
			return nil, errBodyCut
		case !limited && time.Now().After(until):
			return nil, errBodyTooSlow
		case r.Context().Err() != nil:
			return nil, context.Cause(r.Context())
		case len(buf) == cap(buf):
			buf = append(buf, 0)[:len(buf)]
		}
	}
}

// leaveBody sees to it that nothing more of the body is read. Without it a
// server of net/http, to save the connection, reads what is left of a small
// body after the handler has returned, however long that takes.
func leaveBody(w http.ResponseWriter) {
	w.Header().Set("Connection", "close")
	if setDeadline := readDeadline(w); setDeadline != nil {
		_ = setDeadline(time.Now())
	}
}

// readDeadline is what [http.ResponseController] does to set one, without its
// error for writers that know none, which costs more than reading the body.
func readDeadline(w http.ResponseWriter) func(time.Time) error {
	for {
		switch t := w.(type) {
		case interface{ SetReadDeadline(time.Time) error }:
			return t.SetReadDeadline
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return nil
		}
	}
}

// refuse answers a callback that is not believed or cannot be taken, with
// nothing of the inside. Whoever wants to know reads the log.
func refuse(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	switch {
	case errors.Is(err, errBodyTooLarge):
		status = http.StatusRequestEntityTooLarge
	case errors.Is(err, errBodyTooSlow):
		w.Header().Set("Connection", "close")
		status = http.StatusRequestTimeout
	case errors.Is(err, ErrSignature):
		status = http.StatusForbidden
	}
	answerPlainly(w, status)
}

// answerPlainly writes the status and its name.
func answerPlainly(w http.ResponseWriter, status int) {
	noStore(w)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	http.Error(w, http.StatusText(status), status)
}

// allowOnly answers a request with another method than those.
func allowOnly(w http.ResponseWriter, methods string) {
	w.Header().Set("Allow", methods)
	answerPlainly(w, http.StatusMethodNotAllowed)
}

// ErrHandlerPanic means that a function of the program's own panicked while it
// handled a callback. The panic's value may hold anything, so it is not kept.
var ErrHandlerPanic = errors.New("the function that handles the callback panicked")

// panicked logs a panic of the caller's function, with where it was and without
// its value, and returns it as an error.
func panicked(ctx context.Context, logger *slog.Logger, p any) error {
	err := fmt.Errorf("%w (%T)", ErrHandlerPanic, p)
	logger.ErrorContext(ctx, "instagram: panic in a callback's function",
		slog.String("type", fmt.Sprintf("%T", p)), slog.String("stack", string(debug.Stack())))
	return err
}

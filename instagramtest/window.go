// How many calls were there in the last hour? A rolling window in bounded memory.

package instagramtest

import "time"

// grains is how finely a window is divided: a call leaves at most one grain late.
const grains = 3600

// window counts calls of the last span. Memory grows with the grains in use, not
// with the calls.
type window struct {
	span, grain time.Duration
	used        int
	slots       []slot // oldest first, from head on
	head        int
}

type slot struct {
	at int64 // in grains since 1970
	n  int
}

func newWindow(span time.Duration) *window {
	return &window{span: span, grain: max(span/grains, 1)}
}

// add counts n calls at a time, which never goes back.
func (w *window) add(now time.Time, n int) {
	at := now.UnixNano() / int64(w.grain)
	w.used += n
	if last := len(w.slots) - 1; last >= w.head && w.slots[last].at >= at {
		w.slots[last].n += n
		return
	}
	w.slots = append(w.slots, slot{at, n})
}

// leaves is when the calls of a slot are out of the window.
func (w *window) leaves(s slot) time.Time {
	return time.Unix(0, (s.at+1)*int64(w.grain)).Add(w.span)
}

// advance drops what is out of the window by now.
func (w *window) advance(now time.Time) {
	for w.head < len(w.slots) && !w.leaves(w.slots[w.head]).After(now) {
		w.used -= w.slots[w.head].n
		w.head++
	}
	if w.head > len(w.slots)/2 {
		w.slots = append(w.slots[:0], w.slots[w.head:]...)
		w.head = 0
	}
}

// below is how long it takes until fewer than limit calls are in the window, if
// no more are made.
func (w *window) below(limit int, now time.Time) time.Duration {
	left := w.used
	for _, s := range w.slots[w.head:] {
		if left < limit {
			break
		}
		left -= s.n
		if left < limit {
			return w.leaves(s).Sub(now)
		}
	}
	return 0
}

package pacing

// This file answers: which of our own calls does the rolling window still hold,
// and when do they leave it?

import "iter"

// slot is how many calls were sent in one slice of time.
type slot struct {
	at uint32 // the end of the slice
	n  uint32
}

// ledger counts our own calls of one window, by slices of time. Slices without
// calls take no room: most accounts call in bursts and need the newest only.
type ledger struct {
	last slot
	old  *ring // slots before last; nil until there are any
}

// ring holds slots, oldest first. len(buf) is a power of two.
type ring struct {
	buf     []slot
	head, n uint32
	total   uint32 // calls in all slots
	shift   uint8  // slices are 2^shift slots long at most
}

func (r *ring) at(i uint32) *slot {
	return &r.buf[(r.head+i)%uint32(len(r.buf))] // #nosec G115 -- bounded by the limit of slots
}

// total returns how many calls there are.
func (l *ledger) total() uint32 {
	if l.old == nil {
		return l.last.n
	}
	return l.old.total + l.last.n
}

// width returns how many slots a slice may be long.
func (l *ledger) width() uint32 {
	if l.old == nil {
		return 1
	}
	return 1 << l.old.shift
}

// add counts n calls at slot s. The ledger never holds more than about limit
// slices: they are made longer when there are more, and calls leave with the
// end of their slice.
func (l *ledger) add(s, n uint32, limit uint32) {
	if l.old != nil {
		s |= l.width() - 1
	}
	switch {
	case l.last.n == 0:
		l.last = slot{s, n}
	case s <= l.last.at: // also when time stood still
		l.last.n += n
	default:
		if l.old == nil {
			l.old = &ring{buf: make([]slot, 2)}
		}
		l.old.push(l.last, limit)
		l.last = slot{s | (l.width() - 1), n}
	}
}

func (r *ring) push(s slot, limit uint32) {
	r.total += s.n
	for r.n >= limit && r.shift < 31 {
		r.shift++
		r.join()
	}
	if r.n > 0 && r.at(r.n-1).at >= s.at { // the slices have become longer
		r.at(r.n - 1).n += s.n
		return
	}
	if size := uint32(len(r.buf)); r.n == size { // #nosec G115 -- at most twice the limit
		buf := make([]slot, 2*size)
		for i := range r.n {
			buf[i] = *r.at(i)
		}
		r.buf, r.head = buf, 0
	}
	*r.at(r.n) = s
	r.n++
}

// join puts slots together that are in the same slice.
func (r *ring) join() {
	mask := uint32(1)<<r.shift - 1
	n := uint32(0)
	for i := range r.n {
		e := *r.at(i)
		e.at |= mask
		if n > 0 && r.at(n-1).at == e.at {
			r.at(n - 1).n += e.n
			continue
		}
		*r.at(n) = e
		n++
	}
	r.n = n
}

// expire forgets the calls of slices that ended at edge or before, and returns
// how many there were.
func (l *ledger) expire(edge uint32) (left uint32) {
	for l.old != nil && l.old.n > 0 && l.old.at(0).at <= edge {
		n := l.old.at(0).n
		left += n
		l.old.total -= n
		l.old.head = (l.old.head + 1) % uint32(len(l.old.buf)) // #nosec G115 -- bounded by the limit of slots
		l.old.n--
	}
	if l.last.n > 0 && l.last.at <= edge {
		left += l.last.n
		l.last = slot{}
		l.old = nil
	}
	return left
}

// begun returns how many calls are in slices that began at edge or before.
func (l *ledger) begun(edge uint32) (n uint32) {
	edge += l.width() - 1
	if l.old != nil {
		for i := range l.old.n {
			e := l.old.at(i)
			if e.at > edge {
				return n
			}
			n += e.n
		}
	}
	if l.last.n > 0 && l.last.at <= edge {
		n += l.last.n
	}
	return n
}

// slices yields the slices, oldest first.
func (l *ledger) slices() iter.Seq[slot] {
	return func(yield func(slot) bool) {
		if l.old != nil {
			for i := range l.old.n {
				if !yield(*l.old.at(i)) {
					return
				}
			}
		}
		if l.last.n > 0 {
			yield(l.last)
		}
	}
}

// takeBack uncounts n calls of slot s or thereabouts, which were never sent.
func (l *ledger) takeBack(s, n uint32) {
	n = min(n, l.total())
	take := func(e *slot) (d uint32) {
		d = min(n, e.n)
		e.n -= d
		n -= d
		return d
	}
	if l.last.at <= s|(l.width()-1) {
		take(&l.last)
	}
	if l.old != nil {
		for i := l.old.n; i > 0 && n > 0; i-- {
			l.old.total -= take(l.old.at(i - 1))
		}
	}
	take(&l.last)
}

// slotOfNth returns the end of the slice with which the n-th oldest call
// leaves, false when there are fewer calls. n counts from 1.
func (l *ledger) slotOfNth(n uint32) (uint32, bool) {
	n = max(n, 1)
	if n > l.total() {
		return 0, false
	}
	if l.old != nil {
		for i := range l.old.n {
			e := l.old.at(i)
			if e.n >= n {
				return e.at, true
			}
			n -= e.n
		}
	}
	return l.last.at, true
}

package pacing

// This file answers: which of our own calls does the rolling window still hold,
// and when do they leave it?

import "time"

// slotsPerWindow is the resolution of a ledger: 1.8 s of an hour, 42 s of a day.
const slotsPerWindow = 2048

// slot is how many calls were sent in one slice of time.
type slot struct {
	at uint32 // time divided by the slot's length
	n  uint32
}

// ledger counts our own calls of one window. Slices of time without calls take
// no room: most accounts call in bursts and need the newest slot only.
type ledger struct {
	last  slot
	old   *ring // slots before last; nil until there are any
	total uint32
}

// ring holds slots, oldest first. len(buf) is a power of two.
type ring struct {
	buf     []slot
	head, n uint32
}

func (r *ring) at(i uint32) *slot { return &r.buf[(r.head+i)&uint32(len(r.buf)-1)] }

func slotOf(now, window time.Duration) uint32 {
	return uint32(now / (window / slotsPerWindow)) // #nosec G115 -- 2^32 slots of an hour are two centuries
}

// leaves returns when the calls of a slot have left the platform's window for
// sure: the slot's end, a window, and one slot for the way to the platform.
func leaves(s uint32, window time.Duration) time.Duration {
	return time.Duration(s+slotsPerWindow+2) * (window / slotsPerWindow)
}

// add counts n calls at slot s. The ledger never holds more than about limit
// slots: neighbours are joined when there are more, and leave with the later one.
func (l *ledger) add(s, n uint32, limit uint32) {
	l.total += n
	if l.last.n == 0 {
		l.last = slot{s, n}
		return
	}
	if s <= l.last.at { // also when time stood still
		l.last.n += n
		return
	}
	if l.old == nil {
		l.old = &ring{buf: make([]slot, 4)}
	}
	l.old.push(l.last, limit)
	l.last = slot{s, n}
}

func (r *ring) push(s slot, limit uint32) {
	if r.n >= limit {
		r.join()
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

// join halves the number of slots.
func (r *ring) join() {
	half := r.n / 2
	for i := range half {
		a, b := *r.at(2 * i), *r.at(2*i + 1)
		*r.at(i) = slot{b.at, a.n + b.n}
	}
	if r.n%2 == 1 {
		*r.at(half) = *r.at(r.n - 1)
		half++
	}
	r.n = half
}

// expire forgets the calls that have left the window when the clock shows slot
// now, and returns how many.
func (l *ledger) expire(now uint32) (left uint32) {
	if l.total == 0 || now < slotsPerWindow+2 {
		return 0
	}
	edge := now - slotsPerWindow - 2 // the newest slot that has left
	for l.old != nil && l.old.n > 0 && l.old.at(0).at <= edge {
		left += l.old.at(0).n
		l.old.head++
		l.old.n--
	}
	if l.last.n > 0 && l.last.at <= edge {
		left += l.last.n
		l.last = slot{}
		l.old = nil
	}
	l.total -= left
	return left
}

// takeBack uncounts n calls of slot s, which were never sent.
func (l *ledger) takeBack(s, n uint32) {
	if n = min(n, l.total); n == 0 {
		return
	}
	l.total -= n
	if l.old != nil && s < l.last.at {
		for i := l.old.n; i > 0 && n > 0; i-- {
			if e := l.old.at(i - 1); e.at <= s || i == 1 {
				d := min(n, e.n)
				e.n -= d
				n -= d
			}
		}
	}
	d := min(n, l.last.n)
	l.last.n -= d
	n -= d
	for i := uint32(0); l.old != nil && i < l.old.n && n > 0; i++ {
		d := min(n, l.old.at(i).n)
		l.old.at(i).n -= d
		n -= d
	}
}

// slotOfNth returns the slot with which the n-th oldest call leaves, false when
// there are fewer calls. n counts from 1.
func (l *ledger) slotOfNth(n uint32) (uint32, bool) {
	if n == 0 {
		n = 1
	}
	if n > l.total {
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

// limbo returns how many calls may have left the platform's window already
// when the clock shows slot now, though the ledger still holds them.
func (l *ledger) limbo(now uint32) (n uint32) {
	if l.old != nil {
		for i := range l.old.n {
			e := l.old.at(i)
			if now-e.at < slotsPerWindow {
				return n
			}
			n += e.n
		}
	}
	if l.last.n > 0 && now-l.last.at >= slotsPerWindow {
		n += l.last.n
	}
	return n
}

package instagram

// This file answers: has this come before?

import "sync"

// recent remembers keys, the newest ones up to a number. It is safe for
// concurrent use, and the zero value remembers nothing.
type recent[K comparable] struct {
	max int

	mu      sync.Mutex
	known   map[K]recentEntry
	waiting map[K]chan struct{} // of open keys that somebody waits for
	order   []recentSlot[K]     // a ring once it is full
	next    int                 // where the ring goes on
	serial  uint64
}

type recentEntry struct {
	serial  uint64
	settled bool
}

type recentSlot[K comparable] struct {
	key    K
	serial uint64
}

// seen is what is known of a key.
type seen uint8

const (
	unseen  seen = iota // and from now on open
	open                // somebody is at it
	settled             // done
)

func newRecent[K comparable](n int) *recent[K] {
	return &recent[K]{max: n, known: map[K]recentEntry{}, waiting: map[K]chan struct{}{}}
}

// begin tells what is known of a key, and makes an unseen one open.
func (r *recent[K]) begin(key K) seen {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e, ok := r.known[key]; ok {
		if e.settled {
			return settled
		}
		return open
	}
	if r.max <= 0 {
		return unseen
	}
	r.serial++
	slot := recentSlot[K]{key, r.serial}
	if len(r.order) < r.max {
		r.order = append(r.order, slot)
	} else {
		oldest := r.order[r.next]
		if r.known[oldest.key].serial == oldest.serial { // else it was forgotten, and perhaps came anew
			r.dropLocked(oldest.key)
		}
		r.order[r.next] = slot
		r.next = (r.next + 1) % r.max
	}
	r.known[key] = recentEntry{serial: r.serial}
	return unseen
}

// settle says that what the key stands for is done.
func (r *recent[K]) settle(key K) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e, ok := r.known[key]; ok {
		r.known[key] = recentEntry{serial: e.serial, settled: true}
		r.wakeLocked(key)
	}
}

// forget makes the key unseen: it may be tried again.
func (r *recent[K]) forget(key K) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dropLocked(key)
}

func (r *recent[K]) dropLocked(key K) {
	delete(r.known, key)
	r.wakeLocked(key)
}

func (r *recent[K]) wakeLocked(key K) {
	if ended, ok := r.waiting[key]; ok {
		close(ended)
		delete(r.waiting, key)
	}
}

// ended returns a channel that is closed when the key is no longer open.
func (r *recent[K]) ended(key K) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	ended, ok := r.waiting[key]
	if !ok {
		ended = make(chan struct{})
		if e, known := r.known[key]; known && !e.settled {
			r.waiting[key] = ended
		} else {
			close(ended)
		}
	}
	return ended
}

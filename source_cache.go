package instagram

// This file answers: how are opened tokens remembered, not too many and not
// too long, and found without a lock?

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	defaultCached   = 10_000
	defaultCacheTTL = 5 * time.Minute
)

// WithTokenCache sets how many accounts' tokens are kept in memory at once, and
// for how long before the store is asked again. Zero values: 10,000 accounts,
// some 10 MB, and 5 minutes. Beyond the number, those go that were not asked
// for lately. A longer time saves reads of the store, and makes it longer until
// a token is noticed that another process has renewed or marked.
func WithTokenCache(accounts int, lifetime time.Duration) Option {
	return func(o *options) { o.cached, o.cacheTTL = accounts, lifetime }
}

// tokenCache remembers tokens by account ID. Whoever has found an entry keeps
// it, and asks it without a lock.
type tokenCache struct {
	limit   int
	ttl     time.Duration
	entries sync.Map // string → *cacheEntry

	mu   sync.Mutex
	ring []*cacheEntry // of all entries, for the clock's hand
	hand int
}

// cacheEntry is the place of one account's token.
type cacheEntry struct {
	id    string
	value atomic.Pointer[cached]
	used  atomic.Bool           // since the hand passed
	last  atomic.Pointer[Token] // the last one known, also when it is stale
	doubt atomic.Pointer[doubt]
	// suspected is the token that was last looked into, because a call was refused
	suspected atomic.Pointer[doubt]

	mu      sync.Mutex // guards writes of value, and all below
	changes int        // how often the store was known to have changed
	gone    bool       // evicted: it is no longer the account's place
}

// cached is an answer and how long it is good. It is never changed.
type cached struct {
	token *Token
	err   error
	until time.Time // by the wall clock: a suspended machine has aged
}

// doubt is a token that the platform refused in a call.
type doubt struct {
	token *Token
	at    time.Time
}

func newTokenCache(limit int, ttl time.Duration) *tokenCache {
	if limit <= 0 {
		limit = defaultCached
	}
	if ttl <= 0 {
		ttl = defaultCacheTTL
	}
	return &tokenCache{limit: limit, ttl: ttl}
}

// fresh returns the entry's answer, nil when it has none that is good.
func (e *cacheEntry) fresh(now time.Time) *cached {
	v := e.value.Load()
	if v == nil || !now.Before(v.until) {
		return nil
	}
	if !e.used.Load() { // rather than to write into shared memory each time
		e.used.Store(true)
	}
	return v
}

// put remembers what the store said, unless it has changed since.
func (e *cacheEntry) put(v *cached, changes int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.gone || e.changes != changes {
		return
	}
	if v.token != nil {
		e.last.Store(v.token)
	}
	e.used.Store(true)
	e.value.Store(v)
}

// seen returns what put wants to know of the moment before the store was asked.
func (e *cacheEntry) seen() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.changes
}

// drop forgets the answer.
func (e *cacheEntry) drop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.changes++
	e.value.Store(nil)
}

// evict makes the entry empty for good.
func (e *cacheEntry) evict() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.gone = true
	e.value.Store(nil)
	e.last.Store(nil)
	e.doubt.Store(nil)
	e.suspected.Store(nil)
}

// doubted notes that tok was refused, and reports whether that is news.
func (e *cacheEntry) doubted(tok *Token, now time.Time) bool {
	return news(&e.doubt, tok, now, distrustFor)
}

// news notes a doubt, and reports whether it is another one than the last, or
// that is some time ago.
func news(last *atomic.Pointer[doubt], tok *Token, now time.Time, within time.Duration) bool {
	old := last.Load()
	if old != nil && now.Sub(old.at) < within && old.token.AccessToken.Equal(tok.AccessToken) {
		return false
	}
	return last.CompareAndSwap(old, &doubt{token: tok, at: now})
}

// doubts reports whether tok was refused lately.
func (e *cacheEntry) doubts(tok *Token) bool {
	d := e.doubt.Load()
	return d != nil && d.token.AccessToken.Equal(tok.AccessToken)
}

// refused reports whether tok was refused just now.
func (e *cacheEntry) refused(tok *Token, now time.Time) bool {
	d := e.doubt.Load()
	return d != nil && now.Sub(d.at) < distrustFor && d.token.AccessToken.Equal(tok.AccessToken)
}

// entry returns the account's entry, nil when there is none.
func (c *tokenCache) entry(id string) *cacheEntry {
	if e, ok := c.entries.Load(id); ok {
		return e.(*cacheEntry)
	}
	return nil
}

// enter returns the account's entry, and makes room for it where there is none.
func (c *tokenCache) enter(id string) *cacheEntry {
	if e := c.entry(id); e != nil {
		return e
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entry(id); e != nil {
		return e
	}
	e := &cacheEntry{id: id}
	if len(c.ring) < c.limit {
		c.ring = append(c.ring, e)
	} else {
		c.evictLocked(e)
	}
	c.entries.Store(id, e)
	return e
}

// evictLocked puts e in the place of an entry that was not asked for since the
// hand passed it. Sources that still hold that one find it empty, and look for
// the account's new entry.
func (c *tokenCache) evictLocked(e *cacheEntry) {
	for {
		old := c.ring[c.hand]
		if !old.used.Swap(false) {
			c.entries.Delete(old.id)
			old.evict()
			c.ring[c.hand] = e
			c.hand = (c.hand + 1) % len(c.ring)
			return
		}
		c.hand = (c.hand + 1) % len(c.ring)
	}
}

// forget drops an account's answer, because the store has another by now.
func (c *tokenCache) forget(id string) {
	if e := c.entry(id); e != nil {
		e.drop()
	}
}

package instagram

import "time"

// SetClock gives a client another clock.
func SetClock(c *Client, now func() time.Time) { c.now = now }

// DueAt is when a login's token is looked at first, for tests that store tokens themselves.
func DueAt(t *Token) time.Time { return t.firstDue(time.Now()) }

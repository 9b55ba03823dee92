package instagram

import "time"

// DueAt is when a login's token is looked at first, for tests that store tokens themselves.
func DueAt(t *Token) time.Time { return t.firstDue(time.Now()) }

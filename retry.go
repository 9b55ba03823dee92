package instagram

// This file answers: what may be sent again, when, and why not?

import "time"

// RetryPolicy says how often and how long a request is tried. The zero value
// is the default policy.
type RetryPolicy struct {
	// MaxAttempts is how often a request is sent at most. 0: 4; 1: no second attempt.
	MaxAttempts int
	// BaseDelay is the upper bound of the first pause; it doubles with each attempt. 0: 500 ms.
	BaseDelay time.Duration
	// MaxDelay bounds a pause. 0: 20 s.
	MaxDelay time.Duration
	// MaxWait is the longest wait for quota before a [*RateLimitError]. 0: 30 s;
	// negative: as long as the context lives.
	MaxWait time.Duration
}

func (p RetryPolicy) withDefaults() RetryPolicy {
	if p.MaxAttempts == 0 {
		p.MaxAttempts = 4
	}
	if p.BaseDelay == 0 {
		p.BaseDelay = 500 * time.Millisecond
	}
	if p.MaxDelay == 0 {
		p.MaxDelay = 20 * time.Second
	}
	if p.MaxWait == 0 {
		p.MaxWait = 30 * time.Second
	}
	return p
}

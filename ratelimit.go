package instagram

// This file answers: how much of a quota is used, and who may call now?

import (
	"context"
	"fmt"
	"time"
)

// Bucket names a quota of the platform's.
type Bucket struct {
	// Family is the quota's kind: "app", "page", "ad-account", or the type of a
	// business use case, such as "instagram".
	Family string
	// ID is what the quota counts for: an app ID, an account ID. "" when the platform does not say.
	ID string
}

// String returns family and ID, such as "instagram/17841405793187218".
func (b Bucket) String() string {
	if b.ID == "" {
		return b.Family
	}
	return b.Family + "/" + b.ID
}

// RateLimitError says that a call was refused for its quota, by the platform
// or, when Err is nil, by this client's own limiter before anything was sent.
// It matches [ErrThrottled].
type RateLimitError struct {
	// RetryAfter is how long to wait before the call can succeed, as far as it is known; 0: not known.
	RetryAfter time.Duration
	Bucket     Bucket
	Err        error // what the platform said, usually an *Error; nil: the limiter refused
}

// Error returns what was refused and when to come back.
func (e *RateLimitError) Error() string {
	s := "throttled"
	if e.Bucket != (Bucket{}) {
		s += " (" + e.Bucket.String() + ")"
	}
	if e.RetryAfter > 0 {
		s += fmt.Sprintf(": come back in %v", e.RetryAfter.Round(time.Second))
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Is reports whether target is [ErrThrottled].
func (e *RateLimitError) Is(target error) bool { return target == ErrThrottled }

// Unwrap returns Err.
func (e *RateLimitError) Unwrap() error { return e.Err }

// Priority says whose call goes first when a quota runs short.
type Priority uint8

const (
	// PriorityNormal is paced, and may use the quota to its end.
	PriorityNormal Priority = iota
	// PriorityInteractive goes first in line: a person is waiting.
	PriorityInteractive
	// PriorityBackground is paced, and stops a few percent before the quota's end.
	PriorityBackground
)

// String returns "normal", "interactive" or "background".
func (p Priority) String() string {
	switch p {
	case PriorityInteractive:
		return "interactive"
	case PriorityBackground:
		return "background"
	case PriorityNormal:
	}
	return "normal"
}

// Call is what a [Limiter] is told of a request that wants to be sent.
type Call struct {
	Login     Login
	AppID     string
	AccountID string // "" for calls that belong to no account
	Priority  Priority
	Cost      int // calls it counts as; 0 means 1
	// MaxWait is the longest that the call is willing to wait. 0: not at all; negative: as long as its context lives.
	MaxWait time.Duration
	// OnWait is called at once when the call begins to wait, with why and how
	// long as far as that is known. It returns quickly. nil: nobody asks.
	OnWait func(Wait)
}

// Permit is the leave to send one request; a limiter keeps in it what it needs
// to recognise the request when it is done. It is a plain value.
type Permit struct {
	Call Call
	// Waited is how long Acquire took, as the limiter counts it.
	Waited time.Duration
	// Bucket is the quota that the call waited for, and Reason says in a few
	// words why; zero when it did not wait.
	Bucket Bucket
	Reason string

	Seq  uint64 // the limiter's own
	Node any    // the limiter's own
}

// Outcome is what became of a permitted request.
type Outcome struct {
	// Sent is false when the request provably never left.
	Sent   bool
	Status int   // HTTP status; 0: no answer
	Usage  Usage // zero when the answer had no usage headers
	// Err is nil for success; it matches [ErrThrottled] when the platform refused the call for its quota.
	Err error
}

// Limiter decides when a request may be sent. Implementations are safe for
// concurrent use and bounded in memory.
type Limiter interface {
	// Acquire returns when the call may be sent. It returns a
	// [*RateLimitError] at once when the wait would outlast c.MaxWait or the
	// context's deadline, and the context's error when that ends first.
	Acquire(ctx context.Context, c Call) (Permit, error)
	// Done is called exactly once for each granted permit, also after cancellation.
	Done(p Permit, o Outcome)
}

// NoLimit returns a limiter that lets everything through, for programs whose
// calls are paced elsewhere.
func NoLimit() Limiter { return noLimit{} }

type noLimit struct{}

func (noLimit) Acquire(_ context.Context, c Call) (Permit, error) { return Permit{Call: c}, nil }
func (noLimit) Done(Permit, Outcome)                              {}

package instagram

// This file answers: what can a program see of what happens inside?

import (
	"context"
	"time"
)

// Tracer is told what a [Client] does, as plain data that holds nothing
// secret. Methods are called from many goroutines and must return quickly; a
// panic in one is recovered and logged. Embed [NopTracer] to implement only
// some of the methods and to stay compatible when methods are added. The
// examples show a progress line and metrics.
type Tracer interface {
	// CallStart is told of a request before its first attempt. The context it
	// returns is that of the request from then on; returning ctx is fine.
	CallStart(ctx context.Context, c CallStart) context.Context
	// Attempt is told of each attempt when it has ended.
	Attempt(ctx context.Context, a Attempt)
	// Wait is told when a call begins to wait.
	Wait(ctx context.Context, w Wait)
	// CallEnd is told when the request has its final answer.
	CallEnd(ctx context.Context, c CallEnd)
	// TokenEvent is told what happens to stored tokens.
	TokenEvent(ctx context.Context, e TokenEvent)
}

// CallStart describes a request.
type CallStart struct {
	Method    string
	Route     string // path without version, with IDs replaced: "/{id}/media"
	Login     Login
	AccountID string // whose quota the call counts against; "" when that is not known before
	Priority  Priority
}

// Attempt describes one sending of a request.
type Attempt struct {
	Number    int // 1 for the first
	Duration  time.Duration
	Status    int // HTTP status; 0: no answer
	Err       error
	TraceID   string
	RequestID string
	Version   string // Graph API version that served the call, "" when not told
	Usage     Usage
	// Retry says whether there will be another attempt, and Reason why or why not.
	Retry  bool
	Reason string
}

// Wait describes a wait that begins.
type Wait struct {
	For    time.Duration // as far as it is known; 0: it depends on other calls
	Reason string        // why, in a few words: "quota used up", "passing fault" …
	Bucket Bucket        // the quota that is waited for; zero for a pause between attempts
}

// CallEnd describes how a request ended.
type CallEnd struct {
	Attempts int           // requests begun; the last may have ended before it was sent
	Duration time.Duration // all in all
	Waited   time.Duration // for quota and between attempts, all together
	Status   int           // HTTP status of the last answer; 0: none
	Err      error         // nil: success
}

// TokenEvent describes something that happened to a stored token.
type TokenEvent struct {
	// ID is the same when the same event is told again after a crash.
	ID   string
	Key  TokenKey
	Kind TokenEventKind
	// Reason is the platform's, such as "190/460", or the cause of a delay.
	Reason string
	// ExpiresAt is when the token ends; zero: not known, never, or no token's event.
	ExpiresAt time.Time
	Err       error
}

// TokenEventKind says what happened to a token. Warnings are given once in
// the life of a token, by all processes together.
type TokenEventKind string

// The events of single tokens.
const (
	// EventRefreshed: it was renewed, and its successor is saved.
	EventRefreshed TokenEventKind = "refreshed"
	// EventRefreshDelayed: an attempt to renew it failed, and less than 7 days are left.
	EventRefreshDelayed TokenEventKind = "refresh_delayed"
	// EventRefreshCritical: an attempt to renew it failed, and less than 3 days are left.
	EventRefreshCritical TokenEventKind = "refresh_critical"
	// EventExpired: it ended before it was renewed; the platform says so too.
	EventExpired TokenEventKind = "expired"
	// EventNeedsLogin: it is proven dead, or waits for the person; Reason says why.
	EventNeedsLogin TokenEventKind = "needs_login"
	// EventRevived: it waited for the person, and lives again.
	EventRevived TokenEventKind = "revived"
	// EventDataAccessEnding: Facebook's access to data ends within 14 days.
	EventDataAccessEnding TokenEventKind = "data_access_ending"
	// EventDataAccessEnded: Facebook's access to data has ended; the token itself lives.
	EventDataAccessEnded TokenEventKind = "data_access_ended"
	// EventSkipped: its record cannot be read or used, and is left alone for a day.
	EventSkipped TokenEventKind = "skipped"
	// EventUnsaved: it was renewed, and the store does not take its successor for
	// now. The successor is kept in memory, and saving it is tried on.
	EventUnsaved TokenEventKind = "unsaved"
)

// The events of the whole app; their Key has no account.
const (
	// EventConfigError: the platform refuses the app itself. A developer must act.
	EventConfigError TokenEventKind = "config_error"
	// EventBreakerOpen: renewing has stopped, because it fails for many accounts
	// alike; one account a minute is tried. Nobody is marked meanwhile.
	EventBreakerOpen TokenEventKind = "breaker_open"
	// EventBreakerClosed: renewing goes on.
	EventBreakerClosed TokenEventKind = "breaker_closed"
)

// NopTracer ignores everything.
type NopTracer struct{}

// CallStart returns ctx.
func (NopTracer) CallStart(ctx context.Context, _ CallStart) context.Context { return ctx }

// Attempt does nothing.
func (NopTracer) Attempt(context.Context, Attempt) {}

// Wait does nothing.
func (NopTracer) Wait(context.Context, Wait) {}

// CallEnd does nothing.
func (NopTracer) CallEnd(context.Context, CallEnd) {}

// TokenEvent does nothing.
func (NopTracer) TokenEvent(context.Context, TokenEvent) {}

var _ Tracer = NopTracer{}

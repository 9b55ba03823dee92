package instagram

// This file answers: what did the platform say, and which decision does it call for?

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The sentinels are the classes of failure that lead to different decisions.
// Every error that the platform's answer caused matches at most one of the
// first eleven with [errors.Is]; see [ErrorAdvice] for what to do.
var (
	// ErrThrottled: a call budget is used up; the same call works later.
	ErrThrottled = errors.New("throttled")
	// ErrTokenInvalid: the token is dead, malformed or not usable here; the person must log in again.
	ErrTokenInvalid = errors.New("token invalid")
	// ErrPermission: the token is good, but consent, role, capability or feature is lacking.
	ErrPermission = errors.New("permission missing")
	// ErrTransient: a passing fault, or something not ready yet; the same call works soon.
	ErrTransient = errors.New("passing fault")
	// ErrInvalidRequest: the call itself is wrong and stays wrong.
	ErrInvalidRequest = errors.New("invalid request")
	// ErrRedirectURIMismatch: the redirect URI is not registered, or differs between dialog and exchange.
	ErrRedirectURIMismatch = errors.New("redirect URI mismatch")
	// ErrCodeInvalid: the authorization code was used, is too old or unknown; the login must start anew.
	ErrCodeInvalid = errors.New("authorization code used, expired or unknown")
	// ErrAppConfig: app ID, app secret, mode, product or tester set-up is wrong; a developer must act.
	ErrAppConfig = errors.New("app configuration wrong")
	// ErrUserDenied: the person said no in the login window.
	ErrUserDenied = errors.New("the person denied access")
	// ErrBlocked: account or app is restricted, or the action is held to be spam; a person must act at Meta.
	ErrBlocked = errors.New("blocked by the platform")

	// ErrStateMismatch: the callback does not belong to a login that this browser began here.
	ErrStateMismatch = errors.New("login state does not match")
	// ErrOutcomeUnknown: the request may or may not have taken effect; look before it is sent again.
	ErrOutcomeUnknown = errors.New("outcome unknown")
	// ErrTokenExpired: the token is past its end; nothing was sent.
	ErrTokenExpired = errors.New("token expired")
	// ErrTokenTooYoung: the token is younger than [MinRefreshAge]; nothing was sent.
	ErrTokenTooYoung = errors.New("token too young to refresh")
)

// Error is what the platform answered to one request. It never holds a token,
// a secret or a URL.
type Error struct {
	Op         string // what was being done: "exchange", "GET /me"
	Host       string // which host answered
	HTTPStatus int    // 0 when it came with a redirect to the callback
	Code       int    // Graph code; 0 when there is none. api.instagram.com repeats the HTTP status here
	Subcode    int
	Type       string // OAuthException and the like: Meta's text, not to be decided upon
	Message    string // Meta's text for developers, with secrets blotted out
	// UserTitle and UserMessage are Meta's texts for the person, "" when there are none.
	UserTitle, UserMessage string
	TraceID                string          // fbtrace_id, or the trace header: what Meta's support asks for
	RequestID              string          // x-fb-request-id
	Transient              bool            // Meta's own is_transient
	Data                   json.RawMessage // error_data as it came, at most 4 KiB; nil when there is none
	Usage                  Usage           // what the usage headers of the answer said
	RetryAfter             time.Duration   // how long the answer asks to wait; 0: it does not say
}

// Error returns operation, status, codes, message and trace ID in one line.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Op != "" {
		b.WriteString(e.Op + ": ")
	}
	b.WriteString("platform answered")
	if e.HTTPStatus != 0 {
		fmt.Fprintf(&b, " HTTP %d", e.HTTPStatus)
	}
	if e.Code != 0 {
		fmt.Fprintf(&b, " code %d", e.Code)
	}
	if e.Subcode != 0 {
		fmt.Fprintf(&b, "/%d", e.Subcode)
	}
	if e.Message != "" {
		fmt.Fprintf(&b, ": %s", e.Message)
	}
	if e.TraceID != "" {
		fmt.Fprintf(&b, " (trace %s)", e.TraceID)
	}
	return b.String()
}

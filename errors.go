package instagram

// This file answers: what did the platform say, and which decision does it call for?

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
)

// The sentinels are the classes of failure that lead to different decisions.
// Every error that the platform's answer caused matches at most one of the
// first ten with [errors.Is]; see [ErrorAdvice] for what to do.
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

// Error is what the platform answered to one request: with an error status,
// with an error inside of a success, inside of one part of a batch, or on the
// redirect to the callback. It never holds a token, a secret or a URL of the
// request: what looks like one is blotted out of all texts.
//
// It matches one of [ErrThrottled], [ErrTokenInvalid], [ErrPermission],
// [ErrTransient], [ErrInvalidRequest], [ErrRedirectURIMismatch],
// [ErrCodeInvalid], [ErrAppConfig], [ErrUserDenied] and [ErrBlocked] with
// [errors.Is], or none of them when nothing safe can be said.
type Error struct {
	Op         string // what was being done: "exchange", "GET /me"
	Host       string // which host answered
	HTTPStatus int    // 0 when it came with a redirect to the callback
	Code       int    // Graph code; 0 when there is none. api.instagram.com repeats the HTTP status here
	Subcode    int
	Type       string // OAuthException and the like: Meta's text, not to be decided upon
	Reason     string // error_reason of a refusal on the redirect: "user_denied"
	Message    string // Meta's text for developers
	// UserTitle and UserMessage are Meta's texts for the person, in the
	// person's language; "" when there are none.
	UserTitle, UserMessage string
	TraceID                string // fbtrace_id, or the trace header: what Meta's support asks for
	RequestID              string // x-fb-request-id
	Version                string // Graph API version that served the call, "" when not told
	Challenge              string // name of the error in WWW-Authenticate: "invalid_token"
	// Transient is Meta's own is_transient, and NotTransient says that it is
	// there and false. Meta says false of a container that is not ready yet,
	// and true of a used-up quota: ask errors.Is or [ErrorAdvice] instead.
	Transient, NotTransient bool
	// Data is error_data as it came: any JSON, often a string that holds JSON.
	// nil when there is none, or when it is longer than 4 KiB.
	Data json.RawMessage
	// Excerpt is how an answer began that was no JSON, without its mark-up.
	Excerpt    string
	Usage      Usage         // what the usage headers of the answer said
	RetryAfter time.Duration // how long the answer asks to wait, at most 30 days; 0: it does not say

	codeIsStatus bool  // Code is the HTTP status, and no Graph code
	decided      *rule // by the texts as they came, where a secret was blotted out of them
}

// Error returns operation, status, codes, message and trace ID in one line.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Op != "" {
		b.WriteString(e.Op)
		b.WriteString(": ")
	}
	b.WriteString("platform answered")
	if e.HTTPStatus != 0 {
		b.WriteString(" HTTP ")
		b.WriteString(strconv.Itoa(e.HTTPStatus))
	}
	if code := e.graphCode(); code != 0 || e.Subcode != 0 {
		b.WriteString(" code ")
		b.WriteString(strconv.Itoa(code))
	}
	if e.Subcode != 0 {
		b.WriteString("/")
		b.WriteString(strconv.Itoa(e.Subcode))
	}
	switch {
	case e.Message != "":
		b.WriteString(": ")
		writeLine(&b, e.Message)
	case e.Type != "":
		b.WriteString(": ")
		writeLine(&b, e.Type)
	case e.Excerpt != "":
		b.WriteString(", no JSON: ")
		b.WriteString(strconv.Quote(e.Excerpt))
	}
	if e.TraceID != "" {
		b.WriteString(" (trace ")
		writeLine(&b, e.TraceID)
		b.WriteString(")")
	}
	return b.String()
}

// writeLine writes s with line breaks and other control characters as blanks:
// what the platform says must not begin a line in somebody's log.
func writeLine(b *strings.Builder, s string) {
	for _, r := range s {
		if r < ' ' || r == 0x7f || r == '\u0085' || r == '\u2028' || r == '\u2029' {
			r = ' '
		}
		b.WriteRune(r)
	}
}

// Is reports whether target is the sentinel of the error's class. It is
// decided by subcode, code, is_transient, message and HTTP status, in this
// order; the package documentation has the table.
func (e *Error) Is(target error) bool {
	sentinel := e.class().sentinel()
	return sentinel != nil && target == sentinel
}

// graphCode returns the Graph code, 0 when there is none. Where the code field
// is missing it may stand at the beginning of the message: "(#2200) …".
func (e *Error) graphCode() int {
	if e.codeIsStatus || e.Code >= 400 && e.Code == e.HTTPStatus {
		return 0
	}
	if e.Code != 0 || !strings.HasPrefix(e.Message, "(#") {
		return e.Code
	}
	digits, _, _ := strings.Cut(e.Message[2:], ")")
	n, err := strconv.ParseInt(digits, 10, 32)
	if err != nil {
		return 0
	}
	return int(n)
}

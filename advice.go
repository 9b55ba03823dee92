package instagram

// This file answers: what is to be done about an error?

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
)

//go:generate go test -run ^TestAdviceDoc$ -update .

// Action is what an error calls for. It prints as words.
type Action string

// The actions.
const (
	// ActionRetry: send the same call again, after a short pause.
	ActionRetry Action = "retry"
	// ActionWait: a quota is used up; come back after [Advice.RetryAfter].
	ActionWait Action = "wait"
	// ActionLogin: the person has to pass the login window again.
	ActionLogin Action = "login"
	// ActionGrantScopes: the person, or Meta's review, has to grant a permission.
	ActionGrantScopes Action = "grant scopes"
	// ActionFixApp: a developer has to correct the app's set-up at Meta, or this program's configuration.
	ActionFixApp Action = "fix app"
	// ActionFixRequest: the call itself is wrong and stays wrong.
	ActionFixRequest Action = "fix request"
	// ActionUserMustAct: a person has to do something at Instagram or Facebook first.
	ActionUserMustAct Action = "user must act"
	// ActionCheckOutcome: the call may have taken effect; look before it is sent again.
	ActionCheckOutcome Action = "check outcome"
	// ActionUnknown: nothing safe can be said.
	ActionUnknown Action = "unknown"
)

// Advice is what can be done about an error. The zero value is the advice on no error.
type Advice struct {
	Action Action
	// Retryable: the same call works later, with the same token.
	Retryable bool
	// NeedsLogin: no further call with this credential can work until the person has passed the login window again.
	NeedsLogin bool
	RetryAfter time.Duration // how long to wait before the next attempt; 0: not known, or no need
	Scopes     []Scope       // the permissions that are lacking, where the error names them
	Text       string        // what one would tell a colleague
}

// ErrorAdvice returns what to do about an error: one of the platform's, of
// this package, of the network or of a context, wrapped and joined as it may
// be. Of several joined errors the one counts that asks for most. What is not
// known gives [ActionUnknown], and nil the zero Advice.
func ErrorAdvice(err error) Advice {
	if err == nil {
		return Advice{}
	}
	var best Advice
	consider := func(a Advice) {
		if a.Action != "" && a.rank() > best.rank() {
			best = a
		}
	}
	known := false // an error that says more than the sentinel it matches
	walk(err, func(err error) {
		switch e := err.(type) { //nolint:errorlint // walk has unwrapped it
		case *Error:
			known = true
			consider(e.advice())
		case *RateLimitError:
			consider(e.advice())
		case *CallbackError:
			a := Advice{Action: ActionLogin, NeedsLogin: true, Text: "The callback is not used: " + e.Error() + ". Begin the login anew."}
			known = true
			consider(a)
		case *AnswerError:
			known = true
			consider(Advice{Action: ActionUnknown, Text: "The answer said success and was not what was expected: " + e.Problem + ". Something may have answered in Meta's place (a proxy, a network's login page), Meta has changed the form, or the type given for the answer does not fit it. Before a write is repeated, look whether it took effect."})
		case *WrongAccountError:
			known = true
			consider(Advice{Action: ActionUserMustAct, Text: "The person logged in with another account than the one asked for. Let them switch accounts at Instagram or Facebook, and begin again."})
		case *ForeignHostError:
			known = true
			consider(Advice{Action: ActionFixRequest, Text: "The call would have taken a token to a host that is not its login product's, so nothing was sent. Give paths rather than URLs, and go through pages by their cursors."})
		}
	})
	for i := range ownAdvice {
		own := &ownAdvice[i]
		if known && own.class != classUnknown {
			continue
		}
		if errors.Is(err, own.err) {
			consider(own.advice)
		}
	}
	if best.Action == "" && !known {
		consider(networkAdvice(err))
	}
	if best.Action == "" {
		best = Advice{Action: ActionUnknown, Text: "Nothing safe can be said: the error is no answer of Meta's. Before a write is repeated, look whether it took effect."}
	}
	if _, ok := errors.AsType[*IncompleteLoginError](err); ok && !best.NeedsLogin {
		best.Text += " The login's code is spent and what it won is not lost: go on with Client.ResumeLogin and the result that came with the error."
	}
	return best
}

// rank orders advice by how much it asks for.
func (a Advice) rank() int {
	for i, action := range [...]Action{
		ActionUnknown, ActionRetry, ActionWait, ActionFixRequest, ActionGrantScopes,
		ActionFixApp, ActionUserMustAct, ActionLogin, ActionCheckOutcome,
	} {
		if a.Action == action {
			return i + 1
		}
	}
	return 0
}

func walk(err error, visit func(error)) {
	if err == nil {
		return
	}
	visit(err)
	switch e := err.(type) { //nolint:errorlint // this is the unwrapping
	case interface{ Unwrap() error }:
		walk(e.Unwrap(), visit)
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			walk(inner, visit)
		}
	}
}

// advice returns what the class calls for.
func (c class) advice() Advice {
	switch c {
	case classThrottled:
		return Advice{Action: ActionWait, Retryable: true, RetryAfter: time.Minute, Text: "A call budget is used up. Send nothing more against it until the wait is over: each further call makes the wait longer."}
	case classTokenInvalid:
		return Advice{Action: ActionLogin, NeedsLogin: true, Text: "The token is dead, malformed or not usable here, and no retry helps. Ask the person to log in again."}
	case classPermission:
		return Advice{Action: ActionGrantScopes, Text: "The token is good, but a permission, role or feature is lacking. Compare the token's Scopes with what the call needs, and look whether the app's review covers it."}
	case classTransient:
		return Advice{Action: ActionRetry, Retryable: true, Text: "A passing fault. Send the same call again after a short pause; before a write, look whether it took effect."}
	case classInvalidRequest:
		return Advice{Action: ActionFixRequest, Text: "The call itself is wrong and stays wrong. The message says what; correct the call, and do not repeat it as it is."}
	case classRedirectURIMismatch:
		return Advice{Action: ActionFixApp, Text: tellRedirect}
	case classCodeInvalid:
		return Advice{Action: ActionLogin, NeedsLogin: true, Text: tellWrongCode}
	case classAppConfig:
		return Advice{Action: ActionFixApp, Text: "App ID, app secret, app mode, product or tester set-up is wrong. Compare the configuration with the App Dashboard; nobody has to log in again for it."}
	case classUserDenied:
		return Advice{Action: ActionUserMustAct, Text: "The person said no in the login window. Show what the permission is for, and let them begin again when they want to."}
	case classBlocked:
		return Advice{Action: ActionUserMustAct, Text: "Meta has restricted the account or the app. Stop, and look into the account at Instagram or into the App Dashboard; repeating the call makes it longer."}
	case classUnknown:
	}
	return Advice{Action: ActionUnknown, Text: "Nothing safe can be said. Keep the trace ID for Meta's support, and do not repeat a write before looking whether it took effect."}
}

// advice returns what the row says, and for the rest what its class says.
func (r *rule) advice() Advice {
	a := r.is.advice()
	if r.do != "" {
		a.Action = r.do
	}
	if r.tell != "" {
		a.Text = r.tell
	}
	if r.after != 0 {
		a.RetryAfter = r.after
	}
	a.Retryable = a.Retryable && !r.once
	return a
}

func (e *Error) advice() Advice {
	r := e.rule()
	if r == nil {
		r = new(rule)
	}
	a := r.advice()
	if e.RetryAfter > 0 && (a.Retryable || r.is == classThrottled) {
		a.RetryAfter = e.RetryAfter
	}
	if r.is == classPermission || a.Action == ActionGrantScopes {
		a.Scopes = scopesIn(e.Message)
	}
	return a
}

func (e *RateLimitError) advice() Advice {
	a := classThrottled.advice()
	if inner, ok := errors.AsType[*Error](e.Err); ok {
		a = inner.advice()
	}
	if e.RetryAfter > 0 {
		a.RetryAfter = max(e.RetryAfter, 0)
	}
	if e.Err == nil {
		a.Text = "This client's own limiter refused the call, because its quota is used up and the wait is longer than the call may wait. Nothing was sent."
	}
	return a
}

// scopesIn returns the permissions that a message names.
func scopesIn(message string) []Scope {
	var found []Scope
	for word := range strings.FieldsFuncSeq(message, func(r rune) bool { return (r < 'a' || r > 'z') && r != '_' }) {
		if s := Scope(word); isScopeName(word) && !slices.Contains(found, s) {
			found = append(found, s)
		}
	}
	return found
}

// isScopeName reports whether a word of a message is the name of a permission,
// also of one that this package knows nothing else about.
func isScopeName(word string) bool {
	for _, prefix := range [...]string{
		"instagram_business_basic", "instagram_business_content_", "instagram_business_manage_", "instagram_basic", "instagram_content_publish",
		"instagram_manage_", "instagram_shopping_", "instagram_branded_", "instagram_creator_", "instagram_graph_user_",
		"pages_manage_", "pages_read_", "pages_show_", "pages_messaging", "pages_utility_",
		"business_management", "catalog_management", "ads_management", "ads_read", "read_insights", "manage_pages", "publish_pages",
		"publish_video", "leads_retrieval", "whatsapp_business_", "threads_basic", "threads_content_", "threads_manage_", "threads_read_",
	} {
		if strings.HasPrefix(word, prefix) && !strings.HasSuffix(word, "_") {
			return true
		}
	}
	return false
}

// ownAdvice is the advice on errors that no answer of the platform's caused.
//
//nolint:gochecknoglobals // a table, never written
var ownAdvice = []struct {
	err    error
	class  class // not [classUnknown] when the error is the sentinel of one
	advice Advice
}{
	{err: ErrOutcomeUnknown, advice: Advice{Action: ActionCheckOutcome, Text: "The request may or may not have taken effect. Look first: ask for the container's status_code, or for the newest media or messages; a code that was sent is spent, so begin the login anew."}},
	{err: ErrTokenExpired, advice: Advice{Action: ActionLogin, NeedsLogin: true, Text: "The token is past its end, and nothing was sent. An expired token cannot be refreshed: the person has to log in again."}},
	{err: ErrTokenNotFound, advice: Advice{Action: ActionLogin, NeedsLogin: true, Text: "No token is stored for this account: it never logged in here, its token was deleted, or the ID is not the professional account's. Begin a login."}},
	{err: ErrStateMismatch, advice: Advice{Action: ActionLogin, NeedsLogin: true, Text: "The callback does not belong to a login that this browser began here: the login took longer than ten minutes, it was opened in another browser or in an app's built-in one, cookies are off, or somebody forged the callback. Begin the login anew, and do not use its code."}},
	{err: ErrStateUsed, advice: Advice{Action: ActionLogin, NeedsLogin: true, Text: "This login was finished or given up before: a double click, the back button, a reload. Begin the login anew where the first one did not succeed."}},
	{err: ErrTokenTooYoung, advice: Advice{Action: ActionWait, Retryable: true, Text: "The token is younger than a day, and Meta refuses to refresh such. It has 59 days left: refresh it later. Nothing was sent."}},
	{err: ErrTokenLeased, advice: Advice{Action: ActionRetry, Retryable: true, RetryAfter: time.Second, Text: "Another worker is renewing this token at the moment. Load it again shortly."}},
	{err: ErrTokenSuperseded, advice: Advice{Action: ActionRetry, Retryable: true, Text: "The store has a newer or better token than the one to be saved, and keeps it. Load it and go on with that."}},
	{err: ErrThrottled, class: classThrottled, advice: classThrottled.advice()},
	{err: ErrTokenInvalid, class: classTokenInvalid, advice: classTokenInvalid.advice()},
	{err: ErrPermission, class: classPermission, advice: classPermission.advice()},
	{err: ErrTransient, class: classTransient, advice: classTransient.advice()},
	{err: ErrInvalidRequest, class: classInvalidRequest, advice: classInvalidRequest.advice()},
	{err: ErrRedirectURIMismatch, class: classRedirectURIMismatch, advice: classRedirectURIMismatch.advice()},
	{err: ErrCodeInvalid, class: classCodeInvalid, advice: classCodeInvalid.advice()},
	{err: ErrAppConfig, class: classAppConfig, advice: classAppConfig.advice()},
	{err: ErrUserDenied, class: classUserDenied, advice: classUserDenied.advice()},
	{err: ErrBlocked, class: classBlocked, advice: classBlocked.advice()},
}

// networkAdvice is the advice on what happened on the way to the platform;
// the zero value when it is nothing of the kind.
func networkAdvice(err error) Advice {
	switch {
	case errors.Is(err, context.Canceled):
		return Advice{Action: ActionUnknown, Text: "The caller gave up: its context was cancelled. That says nothing about the platform."}
	case isCertificateError(err):
		return Advice{Action: ActionFixApp, Text: "The server's certificate was not accepted. Usual causes: a proxy that opens TLS, missing root certificates in the container, a wrong clock, a wrong endpoint. Do not switch the check off: tokens would go to whoever answers."}
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok && e.IsNotFound {
		return Advice{Action: ActionFixApp, Text: "The host name was not found. Look at the network and its resolver, and at the endpoint of the configuration."}
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return Advice{Action: ActionRetry, Retryable: true, Text: "Time ran out before an answer came. The same call may work with more time; before a write, look whether it took effect."}
	case isBroken(err):
		return Advice{Action: ActionRetry, Retryable: true, Text: "The network failed on the way to the platform. Send the same call again after a short pause; before a write, look whether it took effect."}
	}
	return Advice{}
}

// isBroken reports whether a connection failed. A [url.Error] alone is no sign
// of it: net/http wraps everything in one, also a wrong scheme.
func isBroken(err error) bool {
	broken := errors.Is(err, io.ErrUnexpectedEOF)
	walk(err, func(err error) {
		if e, ok := err.(*url.Error); ok { //nolint:errorlint // walk has unwrapped it
			text := e.Err.Error()
			broken = broken || errors.Is(e.Err, io.EOF) || strings.HasPrefix(text, "http2:") ||
				strings.Contains(text, "server closed idle connection") || strings.Contains(text, "transport connection broken")
			return
		}
		_, isNet := err.(net.Error) //nolint:errorlint // likewise
		broken = broken || isNet
	})
	return broken
}

func isCertificateError(err error) bool {
	_, verification := errors.AsType[*tls.CertificateVerificationError](err)
	_, authority := errors.AsType[x509.UnknownAuthorityError](err)
	_, host := errors.AsType[x509.HostnameError](err)
	_, invalid := errors.AsType[x509.CertificateInvalidError](err)
	_, record := errors.AsType[tls.RecordHeaderError](err)
	_, roots := errors.AsType[x509.SystemRootsError](err)
	return verification || authority || host || invalid || record || roots
}

package instagram

// This file answers: what came back from the login window?

import (
	"crypto/subtle"
	"fmt"
	"net/url"
	"strings"
)

// CallbackProblem says what is wrong with a callback that is no answer to a
// login begun here.
type CallbackProblem uint8

const (
	// StateMissing: there is no state, or more than one.
	StateMissing CallbackProblem = iota + 1
	// StateForged: the state was not made by this app for this product and redirect URI, or was altered.
	StateForged
	// StateExpired: more than ten minutes have passed since the login began.
	StateExpired
	// StateSpent: the callback came before, and its answer is no longer here.
	StateSpent
	// BindingMissing: the browser brought no cookie. It may be an in-app
	// browser, or another browser than the one in which the login began.
	BindingMissing
	// BindingMismatch: the login was begun in another browser.
	BindingMismatch
	// CodeMissing: neither a code nor a refusal came.
	CodeMissing
	// CodeAndError: both a code and a refusal came.
	CodeAndError
	// ParameterRepeated: a parameter came more than once.
	ParameterRepeated
	// QueryMalformed: the query could not be read.
	QueryMalformed
)

// String returns the problem in one sentence for the developer.
func (p CallbackProblem) String() string {
	switch p {
	case StateMissing:
		return "the callback has no state, or several: it did not come from a login window opened here"
	case StateForged:
		return "the state was not made here for this app, product and redirect URI, or was altered on the way"
	case StateExpired:
		return "the login took longer than ten minutes: let the person begin again"
	case StateSpent:
		return "this callback was answered before, by another process or too long ago: let the person begin again"
	case BindingMissing:
		return "the browser brought no login cookie: it is another browser than the one that began, or an in-app browser that keeps none"
	case BindingMismatch:
		return "the login was begun in another browser: somebody may have sent the person a link"
	case CodeMissing:
		return "the callback has neither a code nor a refusal"
	case CodeAndError:
		return "the callback has both a code and a refusal"
	case ParameterRepeated:
		return "the callback has a parameter more than once"
	case QueryMalformed:
		return "the callback's query cannot be read"
	}
	return "the callback is wrong"
}

// CallbackError says that a callback is not the answer to a login begun here.
// It matches [ErrStateMismatch] when the state or the browser is wrong, and
// [ErrInvalidRequest] for the other problems.
type CallbackError struct {
	Problem CallbackProblem
}

// Error returns the problem.
func (e *CallbackError) Error() string { return e.Problem.String() }

// Is reports whether target is the sentinel of the problem.
func (e *CallbackError) Is(target error) bool {
	if e.Problem < CodeMissing {
		return target == ErrStateMismatch
	}
	return target == ErrInvalidRequest
}

var errEmptyState = fmt.Errorf("instagram: parse callback: the expected state is empty: keep the state that was given to AuthCodeURL with the person's session and pass it here: %w",
	&CallbackError{Problem: BindingMissing})

// ParseCallback returns the authorization code of a callback. It compares the
// callback's state with the one expected, in constant time and before anything
// else, strips what Meta appends to codes in pasted URLs ("#_", "#_=_"), and
// turns a refusal into an [*Error] that matches [ErrUserDenied] or says what is
// wrong with the app. Everything else is a [*CallbackError]. An empty state, as
// of a session that was lost, is refused with [BindingMissing]: there is no
// login without one.
func ParseCallback(query url.Values, state string) (code string, err error) {
	if state == "" {
		return "", errEmptyState
	}
	got := query["state"]
	if len(got) != 1 {
		return "", &CallbackError{Problem: StateMissing}
	}
	if subtle.ConstantTimeCompare([]byte(trimFragment(got[0])), []byte(state)) != 1 {
		return "", &CallbackError{Problem: StateForged}
	}
	return codeOf(query)
}

// codeOf reads a callback whose state has been verified.
func codeOf(query url.Values) (code string, err error) {
	for name, values := range query {
		if len(values) > 1 && isCallbackParameter(name) {
			return "", &CallbackError{Problem: ParameterRepeated}
		}
	}
	refusal := errorFromCallback(query)
	code = trimFragment(query.Get("code"))
	switch {
	case refusal != nil && code != "":
		return "", &CallbackError{Problem: CodeAndError}
	case refusal != nil:
		refusal.Op = "login"
		return "", refusal
	case code == "":
		return "", &CallbackError{Problem: CodeMissing}
	}
	return code, nil
}

func isCallbackParameter(name string) bool {
	switch name {
	case "code", "state", "error", "error_reason", "error_description", "error_code", "error_message":
		return true
	}
	return false
}

// trimFragment strips the fragment that Instagram (#_) and Facebook (#_=_) put
// behind the redirect. It reaches a server only in URLs that somebody pasted.
// A bare _ at the end belongs to the code.
func trimFragment(s string) string {
	return strings.TrimSuffix(strings.TrimSuffix(s, "#_=_"), "#_")
}

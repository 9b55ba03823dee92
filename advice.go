package instagram

// This file answers: what is to be done about an error?

import "time"

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

// ErrorAdvice returns what to do about an error.
func ErrorAdvice(err error) Advice { return Advice{} }

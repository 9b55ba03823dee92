package instagram

// This file answers: what does a failed renewal prove?

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
)

// judge returns what the outcome of a renewal says of the token. Only what the
// platform itself said about this token is held against it.
func judge(err error) finding {
	e, said := errors.AsType[*Error](err)
	switch {
	case err == nil:
		return foundAlive
	case errors.Is(err, ErrThrottled):
		return foundThrottled
	case errors.Is(err, ErrAppConfig), said && e.Code == 200 && errors.Is(err, ErrBlocked): // "API access blocked."
		return foundAppFault
	case !said:
		if errors.Is(err, ErrInvalidRequest) {
			return foundRefused // this package itself: the record is not one of this client's
		}
		return foundFault
	case errors.Is(err, ErrTokenInvalid):
		return e.death()
	case errors.Is(err, ErrPermission), errors.Is(err, ErrBlocked), errors.Is(err, ErrInvalidRequest):
		return foundRefused
	}
	return foundFault
}

// death tells apart what a new login mends, what the person has to mend first,
// and what says nothing against the token itself.
func (e *Error) death() finding {
	switch e.Subcode {
	case 459, 464, 490, 492: // checkpoint, unconfirmed, checkpoint, Page role
		return foundWaiting
	}
	switch ErrorAdvice(e).Action {
	case ActionUserMustAct:
		return foundWaiting
	case ActionGrantScopes, ActionFixRequest, ActionFixApp:
		return foundRefused
	}
	return foundDead
}

// doubtful reports whether a death does not say clearly that it is this
// person's: it is confirmed by another call before it is believed.
func doubtful(err error, ended bool) bool {
	e, said := errors.AsType[*Error](err)
	if !said {
		return true
	}
	switch e.Subcode {
	case 458, 459, 460, 464, 490, 492: // app removed, checkpoint, password, unconfirmed, checkpoint, Page role
		return false
	case 463: // past its end: clear when our dates say so too
		return !ended
	}
	return true
}

// reasonOf returns what to write down of a failure: the platform's codes, or
// one word. It never holds a text of the platform's.
func reasonOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		code := e.graphCode()
		switch {
		case e.Subcode != 0:
			return fmt.Sprintf("%d/%d", code, e.Subcode)
		case code != 0:
			return strconv.Itoa(code)
		}
		return "HTTP " + strconv.Itoa(e.HTTPStatus)
	}
	if _, ok := errors.AsType[*AnswerError](err); ok {
		return "odd answer"
	}
	var timeout net.Error
	switch {
	case errors.Is(err, ErrThrottled):
		return "throttled"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.Is(err, ErrTokenExpired):
		return reasonExpired
	case errors.Is(err, ErrInvalidRequest):
		return "not usable here"
	}
	return "no answer"
}

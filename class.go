package instagram

// This file answers: which class does an error of the platform's belong to?

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// class is a kind of failure that calls for a decision of its own.
type class uint8

const (
	classUnknown class = iota
	classThrottled
	classTokenInvalid
	classPermission
	classTransient
	classInvalidRequest
	classRedirectURIMismatch
	classCodeInvalid
	classAppConfig
	classUserDenied
	classBlocked
)

// sentinel returns the error that the class matches; nil for [classUnknown].
func (c class) sentinel() error {
	switch c {
	case classThrottled:
		return ErrThrottled
	case classTokenInvalid:
		return ErrTokenInvalid
	case classPermission:
		return ErrPermission
	case classTransient:
		return ErrTransient
	case classInvalidRequest:
		return ErrInvalidRequest
	case classRedirectURIMismatch:
		return ErrRedirectURIMismatch
	case classCodeInvalid:
		return ErrCodeInvalid
	case classAppConfig:
		return ErrAppConfig
	case classUserDenied:
		return ErrUserDenied
	case classBlocked:
		return ErrBlocked
	case classUnknown:
	}
	return nil
}

// rule is a row of the table: when everything that it names is there, the
// error is of its class. Of all rows that match, the first decides.
type rule struct {
	code, codeTo       int    // one code, or a range; 0: whatever the code
	subcode, subcodeTo int    // likewise
	text               string // "a|b&c": the message, normalised, has a, or both b and c, in it
	name               string // "a|b": type, error_reason or challenge is one of these
	op                 string // the operation or the path has this in it
	transient          int    // 1: is_transient is true; -1: it is false
	status, statusTo   int    // one HTTP status, or a range; 0: whatever the status
	said               bool   // the answer was an error of Meta's, not only a status

	is     class
	do     Action        // "": what the class says
	tell   string        // likewise
	after  time.Duration // how long to wait where the answer does not say
	once   bool          // of a class that is retried otherwise: a retry does not help
	quota  string        // which [Bucket.Family] a throttled call counts against
	source string
}

// rule returns the row that decides, nil when there is none.
func (e *Error) rule() *rule {
	if e.decided != nil {
		return e.decided
	}
	code, status := e.graphCode(), e.HTTPStatus
	if e.codeIsStatus {
		status = e.Code
	}
	var text string
	for i := range rules {
		r := &rules[i]
		if !spans(code, r.code, r.codeTo) || !spans(e.Subcode, r.subcode, r.subcodeTo) ||
			!spans(status, r.status, r.statusTo) ||
			r.transient > 0 && !e.Transient || r.transient < 0 && !e.NotTransient ||
			r.said && !e.said() ||
			r.op != "" && !strings.Contains(e.Op, r.op) ||
			r.name != "" && !e.named(r.name) {
			continue
		}
		if r.text != "" {
			if text == "" {
				text = normalise(e.Message)
			}
			if !containsAny(text, r.text) {
				continue
			}
		}
		return r
	}
	return nil
}

func (e *Error) class() class {
	if r := e.rule(); r != nil {
		return r.is
	}
	return classUnknown
}

// said reports whether the platform itself said something, rather than a
// server on the way.
func (e *Error) said() bool {
	return e.Code != 0 || e.Subcode != 0 || e.Type != "" || e.Message != "" || e.Reason != ""
}

func (e *Error) named(names string) bool {
	for name := range strings.SplitSeq(names, "|") {
		if strings.EqualFold(e.Type, name) || strings.EqualFold(e.Reason, name) || strings.EqualFold(e.Challenge, name) {
			return true
		}
	}
	return false
}

// spans reports whether n is from, or lies between from and to where there are
// both; from 0 stands for every n.
func spans(n, from, to int) bool {
	return from == 0 || n == from || to != 0 && n >= from && n <= to
}

func containsAny(text, fragments string) bool {
	for either := range strings.SplitSeq(fragments, "|") {
		a, b, _ := strings.Cut(either, "&")
		if strings.Contains(text, a) && strings.Contains(text, b) {
			return true
		}
	}
	return false
}

// normalise makes messages comparable: lower case, runs of white space as one
// blank, typographic apostrophes as plain ones. One message of Meta's is known
// to have thirteen blanks in a row, and some have line breaks.
func normalise(s string) string {
	b := make([]byte, 0, len(s))
	blank := true
	for i := 0; i < len(s); {
		c, size := s[i], 1
		if c >= utf8.RuneSelf {
			var r rune
			r, size = utf8.DecodeRuneInString(s[i:])
			switch {
			case unicode.IsSpace(r):
				c = ' '
			case r == '\u2019' || r == '\u2018':
				c = '\''
			default:
				b = append(b, s[i:i+size]...)
				blank = false
			}
		}
		i += size
		switch {
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c == '\n' || c == '\t' || c == '\r' || c == '\v' || c == '\f':
			c = ' '
		}
		if c < utf8.RuneSelf && (c != ' ' || !blank) {
			b = append(b, c)
			blank = c == ' '
		}
	}
	return string(b)
}

package redact

import (
	"errors"
	"net"
	"net/url"
	"slices"
)

// Err returns err without secrets in any text that it or an error inside of it
// prints. It is err itself when there are none. Otherwise the errors that
// hold one are replaced, a [url.Error] by one with a redacted URL, and
// everything that programs decide upon stays: errors.Is with any target,
// Timeout, and errors.As for the errors that were clean.
func Err(err error, secrets ...string) error {
	if err == nil {
		return nil
	}
	if c := clean(err, inURLs(err, slices.Clip(secrets))); c != nil {
		return c
	}
	return err
}

// inURLs adds the secrets in the URLs of all url.Errors to those known: an
// error that wraps one has its text as a part of its own.
func inURLs(err error, secrets []string) []string {
	if e, ok := err.(*url.Error); ok { //nolint:errorlint // each error of the tree is looked at by itself
		if u, err := url.Parse(e.URL); err == nil {
			secrets = InQuery(u, secrets)
		}
	}
	for _, inner := range unwrap(err) {
		secrets = inURLs(inner, secrets)
	}
	return secrets
}

// InQuery appends the values of all secret parameters of u.
func InQuery(u *url.URL, secrets []string) []string {
	if u == nil {
		return secrets
	}
	if password, ok := u.User.Password(); ok {
		secrets = append(secrets, password)
	}
	if u.RawQuery == "" {
		return secrets
	}
	return InValues(u.Query(), secrets)
}

// InValues appends the values of all secret parameters.
func InValues(values url.Values, secrets []string) []string {
	for name, list := range values {
		if IsSecretName(name) {
			secrets = append(secrets, list...)
		}
	}
	return secrets
}

func unwrap(err error) []error {
	switch e := err.(type) { //nolint:errorlint // one step
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			return []error{inner}
		}
	case interface{ Unwrap() []error }:
		return e.Unwrap()
	}
	return nil
}

// clean returns what stands for err, and nil when err itself may stay.
func clean(err error, secrets []string) error {
	inner, changed := unwrap(err), false
	for i, e := range inner {
		if c := clean(e, secrets); c != nil {
			if !changed {
				inner, changed = slices.Clone(inner), true
			}
			inner[i] = c
		}
	}
	if e, ok := err.(*url.Error); ok { //nolint:errorlint // each error of the tree is looked at by itself
		text := URLString(e.URL, secrets...)
		if text == e.URL && !changed {
			return nil
		}
		c := &url.Error{Op: Text(e.Op, secrets...), URL: text, Err: e.Err}
		if len(inner) > 0 {
			c.Err = inner[0]
		}
		return c
	}
	before := err.Error()
	text := Text(before, secrets...)
	if text == before && !changed {
		return nil
	}
	r := &replacedError{text: text, inner: inner, is: func(target error) bool { return errors.Is(err, target) }}
	if e, ok := err.(net.Error); ok { //nolint:errorlint // likewise
		return &replacedNetError{r, e.Timeout()}
	}
	return r
}

// replacedError stands for an error whose text held a secret. The error itself is
// out of reach, also for fmt: only its Is is kept, in a function.
type replacedError struct {
	text  string
	inner []error
	is    func(error) bool
}

func (e *replacedError) Error() string        { return e.text }
func (e *replacedError) Is(target error) bool { return e.is(target) }
func (e *replacedError) Unwrap() []error      { return e.inner }

type replacedNetError struct {
	*replacedError
	timeout bool
}

func (e *replacedNetError) Timeout() bool { return e.timeout }

// Temporary belongs to [net.Error].
func (e *replacedNetError) Temporary() bool { return e.timeout }

package instagram

// This file answers: how is a value kept that must never be printed?

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"

	"github.com/seed-922467ee/instagram/internal/redact"
)

// redacted is what every print of a [Secret] shows.
const redacted = "[redacted]"

var errRedacted = errors.New(`this secret was redacted when it was written: use MarshalToken to write tokens, Reveal to write app secrets`)

// Secret holds an app secret, an access token or another value that gives
// power to whoever reads it. It prints as "[redacted]" through fmt, slog,
// encoding/json and encoding/xml, also from an unexported field of another
// struct. The zero value is the empty secret. Secrets are compared with
// [Secret.Equal]; == does not compile, on purpose.
type Secret struct {
	_ [0]func() // not comparable with ==, which would compare pointers
	p *string   // behind a pointer: fmt calls no methods on unexported fields, and prints only the address
}

// NewSecret returns value as a [Secret].
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{p: &value}
}

// Reveal returns the value. Each call of it is a place where a secret can
// leave the program: keep them few.
func (s Secret) Reveal() string {
	if s.p == nil {
		return ""
	}
	return *s.p
}

// Equal reports whether both secrets hold the same value, in a time that does
// not depend on where they differ.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

// IsZero reports whether the secret is empty.
func (s Secret) IsZero() bool { return s.p == nil }

// String returns "[redacted]".
func (s Secret) String() string { return redacted }

// GoString returns "[redacted]".
func (s Secret) GoString() string { return redacted }

// Format writes "[redacted]" for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns "[redacted]".
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]"; encoding/json and encoding/xml use it.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText reads a secret, from a configuration file for example. It
// refuses "[redacted]": that is what a print of a secret looks like, and a
// program that reads it back has lost the value.
func (s *Secret) UnmarshalText(text []byte) error {
	if string(text) == redacted {
		return errRedacted
	}
	*s = NewSecret(string(text))
	return nil
}

// errAttr is an error for the log. A program's own functions and stores may have
// made its text.
func errAttr(err error) slog.Attr { return slog.Any("error", redact.Err(err)) }

// storeError says that an error is a store's, and takes out of its text what
// must not be printed: the store's own code may have put there what it was given.
// It is nil when err is.
func storeError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("store: %w", redact.Err(err))
}

package seal

// This file answers: where does a key come from?

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"strings"

	"github.com/seed-922467ee/instagram"
)

// KeySize is the length of a key in bytes.
const KeySize = 32

// Key is a secret of 32 bytes, from which a [KeyRing] derives the keys that it
// seals with. The zero value is no key. It prints as its ID.
type Key struct {
	// bytes is a function, because fmt calls no methods on unexported fields:
	// %s prints what a pointer to an array points to, and of a function the address.
	bytes func() []byte
	id    KeyID
}

// NewKey returns a random key. Keep what [Key.Reveal] returns: what it has
// sealed is lost without it.
func NewKey() Key {
	var b [KeySize]byte
	_, _ = rand.Read(b[:]) // never fails
	k, err := KeyFromBytes(b[:])
	if err != nil {
		panic("seal: the system's random numbers are not random")
	}
	return k
}

// KeyFromBytes returns a key of 32 random bytes, which it copies. They must be
// random: what people can remember goes through [KeyFromPassword].
func KeyFromBytes(b []byte) (Key, error) {
	if len(b) != KeySize {
		return Key{}, fmt.Errorf("seal: a key has %d bytes, not %d: make one with openssl rand -base64 32", KeySize, len(b))
	}
	if bytes.Count(b, b[:1]) == len(b) {
		return Key{}, errors.New("seal: a key of one byte over and over is no key")
	}
	own := bytes.Clone(b)
	k := Key{bytes: func() []byte { return own }}
	id, err := k.derive("instagram/seal/1 key id", len(k.id))
	if err != nil {
		return Key{}, err
	}
	k.id = KeyID(id)
	return k, nil
}

// KeyFromText returns a key from 32 bytes in base64, as by "openssl rand
// -base64 32", or in hexadecimal digits. Space around them is ignored.
func KeyFromText(text instagram.Secret) (Key, error) {
	s := strings.TrimSpace(text.Reveal())
	if len(s) == hex.EncodedLen(KeySize) {
		if b, err := hex.DecodeString(s); err == nil {
			return KeyFromBytes(b)
		}
	}
	encoding := base64.RawStdEncoding
	if strings.ContainsAny(s, "-_") {
		encoding = base64.RawURLEncoding
	}
	b, err := encoding.DecodeString(strings.TrimRight(s, "="))
	if err != nil {
		return Key{}, fmt.Errorf("seal: %d characters that are neither base64 nor hexadecimal digits are no key: make one with openssl rand -base64 32", len(s)) // err would quote one
	}
	return KeyFromBytes(b)
}

// KeyFromFile returns the key in a file, as [KeyFromText] reads it. Of a file
// that others than its owner can read, it returns a [*FileError].
func KeyFromFile(path string) (Key, error) {
	const most = 1 << 10
	info, err := os.Stat(path)
	if err != nil {
		return Key{}, fmt.Errorf("seal: %w", err)
	}
	if !info.Mode().IsRegular() {
		return Key{}, &FileError{path, "it is no file"}
	}
	f, err := os.Open(path) //nolint:gosec // the path is the caller's configuration
	if err != nil {
		return Key{}, fmt.Errorf("seal: %w", err)
	}
	defer f.Close() //nolint:errcheck // nothing was written
	if info, err = f.Stat(); err != nil {
		return Key{}, fmt.Errorf("seal: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 { // Windows has no such modes
		return Key{}, &FileError{path, fmt.Sprintf("it has mode %04o, and others than its owner can use the key; chmod 600 it", info.Mode().Perm())}
	}
	data, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return Key{}, fmt.Errorf("seal: %w", err)
	}
	k, err := KeyFromText(instagram.NewSecret(string(data)))
	if err != nil {
		return Key{}, &FileError{path, err.Error()}
	}
	return k, nil
}

// FileError says why a file is not used as a key.
type FileError struct {
	Path   string
	Reason string
}

// Error names the file and the reason, and nothing of what it holds.
func (e *FileError) Error() string { return fmt.Sprintf("seal: key file %s: %s", e.Path, e.Reason) }

// KeyFromEnv returns the key in an environment variable, as [KeyFromText]
// reads it. Child processes inherit it, and some tools show it: a file is better.
func KeyFromEnv(name string) (Key, error) {
	text, ok := os.LookupEnv(name)
	if !ok || text == "" {
		return Key{}, fmt.Errorf("seal: the environment variable %s is not set: make a key with openssl rand -base64 32", name)
	}
	k, err := KeyFromText(instagram.NewSecret(text))
	if err != nil {
		return Key{}, fmt.Errorf("seal: the environment variable %s: %w", name, err)
	}
	return k, nil
}

// MinIterations is the least that [KeyFromPassword] takes, and its default.
// Source: OWASP Password Storage Cheat Sheet for PBKDF2-HMAC-SHA256, 2023.
const MinIterations = 600_000

// KeyFromPassword returns a key that is computed from a password, with PBKDF2
// and SHA-256: on purpose it takes a good part of a second. The salt is 16
// random bytes or more, made once and kept; it is not secret. Iterations below
// [MinIterations] are refused, 0 is MinIterations. Passwords can be guessed,
// keys cannot: prefer a key.
func KeyFromPassword(password instagram.Secret, salt []byte, iterations int) (Key, error) {
	const shortest = 12
	if iterations == 0 {
		iterations = MinIterations
	}
	switch {
	case len(password.Reveal()) < shortest:
		return Key{}, fmt.Errorf("seal: a password of fewer than %d bytes is guessed too soon", shortest)
	case len(salt) < 16:
		return Key{}, fmt.Errorf("seal: a salt has 16 bytes or more, not %d", len(salt))
	case iterations < MinIterations:
		return Key{}, fmt.Errorf("seal: %d iterations are fewer than %d", iterations, MinIterations)
	}
	b, err := pbkdf2.Key(sha256.New, password.Reveal(), salt, iterations, KeySize)
	if err != nil {
		return Key{}, fmt.Errorf("seal: %w", err)
	}
	return KeyFromBytes(b)
}

// ID returns the key's name, which is also in what it has sealed.
func (k Key) ID() KeyID { return k.id }

// Reveal returns the key as [KeyFromText] reads it: base64.
func (k Key) Reveal() string {
	if k.bytes == nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(k.bytes())
}

// String returns "key" and the ID.
func (k Key) String() string { return "key " + k.id.String() }

// GoString returns what String returns.
func (k Key) GoString() string { return k.String() }

// Format writes what String returns, for every verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// LogValue returns what String returns.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText returns what String returns; use [Key.Reveal] to write a key down.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Package seal encrypts tokens at rest. It wraps any store of tokens, so that
// neither the store nor who can read its files, rows or backups learns a token:
//
//	key, err := seal.KeyFromFile("/etc/myapp/seal.key") // made by: openssl rand -base64 32
//	keys, err := seal.NewKeyRing(key)
//	store := seal.Tokens(inner, keys)
//
// Of a record only the two tokens are sealed. All else stays in clear, so that
// the store can tell what is due, whose it is, and which token is newer. What
// is sealed is bound to its app, its account, and the kind of token: whoever
// can write to the store cannot make one account act with another's token.
//
// Keys change while everything runs:
//
//  1. add the new key behind the old one, everywhere: NewKeyRing(old, new);
//  2. put it first, everywhere: NewKeyRing(new, old). What is saved from now on is sealed with it;
//  3. let [Reseal] go through the rest;
//  4. when [KeysInUse] does not show the old key any more, take it away: NewKeyRing(new).
//
// Until the fourth step each can be taken back.
package seal

// This file answers: how is a store wrapped, so that it keeps tokens sealed?

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/seed-922467ee/instagram"
)

// Sealer encrypts and authenticates. Its methods have the shape of Tink's AEAD,
// so that one of Tink's, with a key in a key management service perhaps, can take the
// place of a [*KeyRing]. Implementations are safe for concurrent use.
type Sealer interface {
	// Encrypt returns plaintext sealed. What it returns can be opened only with
	// the same associatedData, which is not part of it.
	Encrypt(plaintext, associatedData []byte) ([]byte, error)
	// Decrypt returns what was sealed, or an error when anything has changed.
	Decrypt(ciphertext, associatedData []byte) ([]byte, error)
}

// sealedMark begins what stands in a record in a token's place: the mark with
// the version of the form, and the Sealer's bytes as base64. Meta's tokens
// begin with IG or EA.
const (
	sealedMark    = "igsealed"
	sealedVersion = "1."
)

// tokens is a store that keeps tokens sealed in another.
type tokens struct {
	inner  instagram.TokenStore
	sealer Sealer
	adopt  bool
	report func(instagram.TokenKey, error)
}

// Option changes how a store is wrapped.
type Option func(*tokens)

// AdoptUnsealed lets records be read that the store holds in clear, from the
// time before it was wrapped. They are sealed when they are next saved, or by
// [Reseal]. Leave it off otherwise: with it, whoever can write to the store
// can put tokens of his own there.
func AdoptUnsealed() Option { return func(s *tokens) { s.adopt = true } }

// OnUnreadable sets what is called with the error of a record that cannot be
// opened when the store leases what is due or walks through everything; the
// others go on. Default: [slog.Default] logs it.
func OnUnreadable(report func(instagram.TokenKey, error)) Option {
	return func(s *tokens) {
		if report != nil {
			s.report = report
		}
	}
}

// Tokens returns a store that seals tokens with keys, a [*KeyRing] or another
// [Sealer], and keeps them in store. It can do what store can do, and else
// answers [errors.ErrUnsupported]. A record that cannot be opened gives an
// [*OpenError], and stays as it is. Without a store or without keys every call fails.
func Tokens(store instagram.TokenStore, keys Sealer, options ...Option) instagram.TokenStore {
	s := &tokens{inner: store, sealer: keys, report: func(k instagram.TokenKey, err error) {
		slog.Default().Error("instagram: a stored token cannot be opened", slog.String("account", k.String()), slog.Any("error", err))
	}}
	if ring, ok := keys.(*KeyRing); ok { // a key of their own, whatever else the ring is used for
		s.sealer = ring.For("instagram tokens")
	}
	if store == nil || keys == nil {
		s.inner, s.sealer = nothing{}, nothing{}
	}
	for _, option := range options {
		option(s)
	}
	return s
}

// LoadToken implements [instagram.TokenStore].
func (s *tokens) LoadToken(ctx context.Context, k instagram.TokenKey) (*instagram.Record, error) {
	r, err := s.inner.LoadToken(ctx, k)
	if err != nil {
		return nil, err
	}
	return s.open(r)
}

// SaveToken implements [instagram.TokenStore].
func (s *tokens) SaveToken(ctx context.Context, r *instagram.Record, from instagram.Revision) (instagram.Revision, error) {
	sealed, err := s.seal(r)
	if err != nil {
		return 0, err
	}
	return s.inner.SaveToken(ctx, sealed, from)
}

// DeleteToken implements [instagram.TokenStore].
func (s *tokens) DeleteToken(ctx context.Context, k instagram.TokenKey) error {
	return s.inner.DeleteToken(ctx, k)
}

// seal returns a copy of r with its tokens sealed.
func (s *tokens) seal(r *instagram.Record) (*instagram.Record, error) {
	if err := instagram.CheckSave(nil, r); err != nil { // the inner store would take a sealed nothing for a token
		return nil, err
	}
	is, t := *r, *r.Token
	is.Token = &t
	for _, f := range fields(&t) {
		if f.secret.IsZero() {
			continue
		}
		if strings.HasPrefix(f.secret.Reveal(), sealedMark) {
			return nil, &OpenError{r.Key, f.name, errors.New("what was to be sealed is sealed already: a store is wrapped twice, or was read past its wrapping")}
		}
		ciphertext, err := s.sealer.Encrypt([]byte(f.secret.Reveal()), bindTo(f.name, &is))
		if err != nil {
			return nil, &OpenError{r.Key, f.name, err}
		}
		*f.secret = instagram.NewSecret(sealedMark + sealedVersion + base64.RawURLEncoding.EncodeToString(ciphertext))
	}
	return &is, nil
}

// open puts the tokens in clear into r, which is the inner store's copy.
func (s *tokens) open(r *instagram.Record) (*instagram.Record, error) {
	t := *r.Token
	for _, f := range fields(&t) {
		if f.secret.IsZero() {
			continue
		}
		ciphertext, err := cipherOf(*f.secret)
		if errors.Is(err, ErrUnsealed) && s.adopt {
			continue
		}
		var plaintext []byte
		if err == nil {
			plaintext, err = s.sealer.Decrypt(ciphertext, bindTo(f.name, r))
		}
		if err != nil {
			return nil, &OpenError{r.Key, f.name, err}
		}
		*f.secret = instagram.NewSecret(string(plaintext))
	}
	is := *r
	is.Token = &t
	return &is, nil
}

// field is one of a record's secrets.
type field struct {
	name   string
	secret *instagram.Secret
}

func fields(t *instagram.Token) [2]field {
	return [...]field{{"access token", &t.AccessToken}, {"page token", &t.PageToken}}
}

// cipherOf returns the Sealer's bytes in a sealed token, or [ErrUnsealed].
func cipherOf(secret instagram.Secret) ([]byte, error) {
	text, sealed := strings.CutPrefix(secret.Reveal(), sealedMark)
	if !sealed {
		return nil, ErrUnsealed
	}
	text, known := strings.CutPrefix(text, sealedVersion)
	if !known {
		return nil, errors.New("it was sealed by a newer version of this program")
	}
	ciphertext, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, ErrDamaged
	}
	return ciphertext, nil
}

// bindTo returns what a sealed token is bound to: it opens in no other field,
// record, app or kind of token. Each part has its length before it, so that no
// two lists of parts have one form.
func bindTo(field string, r *instagram.Record) []byte {
	// Numbers, because what String returns may be worded better one day.
	product := strconv.Itoa(int(r.Token.Login)) + "/" + strconv.Itoa(int(r.Token.Kind))
	data := make([]byte, 0, 128)
	for _, part := range [...]string{"instagram token", sealedVersion, field, r.Key.AppID, r.Key.AccountID, product} {
		data = binary.AppendUvarint(data, uint64(len(part)))
		data = append(data, part...)
	}
	return data
}

// Why a record cannot be opened, inside an [*OpenError]. See also [*KeyError].
var (
	// ErrDamaged means that what is sealed was changed, or was taken from another record.
	ErrDamaged = errors.New("what is sealed was changed, or belongs to another account")
	// ErrUnsealed means that the store has the token in clear; see [AdoptUnsealed].
	ErrUnsealed = errors.New("it is stored in clear: use AdoptUnsealed while old records are taken over")
)

// OpenError says which record could not be opened, or sealed, and why. The
// record is still in the store. It holds no secret, but the text of a foreign
// [Sealer]'s error.
type OpenError struct {
	Key   instagram.TokenKey
	Field string // "access token" or "page token"
	Err   error  // ErrDamaged, ErrUnsealed, *KeyError, or the Sealer's
}

// Error names the account, the field and the reason.
func (e *OpenError) Error() string {
	return fmt.Sprintf("seal: %s of %s: %v", e.Field, e.Key, e.Err)
}

// Unwrap returns the reason.
func (e *OpenError) Unwrap() error { return e.Err }

// nothing is in the place of a store or of keys that are nil.
type nothing struct{}

var errNothing = errors.New("seal: there is no store or there are no keys")

func (nothing) Encrypt(_, _ []byte) ([]byte, error) { return nil, errNothing }
func (nothing) Decrypt(_, _ []byte) ([]byte, error) { return nil, errNothing }

func (nothing) LoadToken(context.Context, instagram.TokenKey) (*instagram.Record, error) {
	return nil, errNothing
}

func (nothing) SaveToken(context.Context, *instagram.Record, instagram.Revision) (instagram.Revision, error) {
	return 0, errNothing
}

func (nothing) DeleteToken(context.Context, instagram.TokenKey) error { return errNothing }

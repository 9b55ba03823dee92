package instagram

// This file answers: how does a deletion's status page know a request that
// nobody has stored?

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// ErrDeletionUnknown means that an address is not one that this app gave to a
// person who asked for deletion.
var ErrDeletionUnknown = errors.New("no such deletion request")

// deletionSeals makes and opens what stands behind a deletion's confirmation
// code and address. Both follow from the request alone and from keys that are
// derived from the app's secrets: nobody can guess them, all processes of an
// app make the same, and nothing has to be stored.
type deletionSeals struct {
	appID string
	keys  []deletionKey // the first seals, all open
}

type deletionKey struct {
	mac  []byte
	aead cipher.AEAD
}

func newDeletionSeals(c *Client) *deletionSeals {
	s := &deletionSeals{appID: c.cfg.AppID}
	for _, secret := range c.callbackSecrets() {
		s.keys = append(s.keys, newDeletionKey(secret))
	}
	return s
}

func newDeletionKey(secret Secret) deletionKey {
	derive := func(purpose string) []byte {
		key, err := hkdf.Key(sha256.New, []byte(secret.Reveal()), nil, "instagram data deletion "+purpose, 32)
		if err != nil {
			panic("instagram: " + err.Error()) // only for lengths no hash can give
		}
		return key
	}
	block, err := aes.NewCipher(derive("seal"))
	if err != nil {
		panic("instagram: " + err.Error()) // only for key lengths AES does not have
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic("instagram: " + err.Error()) // only for a block size AES does not have
	}
	return deletionKey{mac: derive("code"), aead: aead}
}

// request returns the deletion that a person asked for at a time.
func (s *deletionSeals) request(appScopedID string, at time.Time) DataDeletion {
	return s.keys[0].request(s.appID, appScopedID, at)
}

// request makes the confirmation code: 128 bits in lower-case letters and
// digits, for Meta wants it alphanumeric and people may have to spell it.
func (k deletionKey) request(appID, appScopedID string, at time.Time) DataDeletion {
	code := k.sum("code", appID, deletionText(appScopedID, at))[:16]
	return DataDeletion{Code: base32Text(code), AppScopedID: appScopedID, At: at}
}

func (k deletionKey) sum(purpose, appID string, text []byte) []byte {
	h := hmac.New(sha256.New, k.mac)
	_, _ = fmt.Fprintf(h, "%s %s ", purpose, appID) // a hash never fails
	_, _ = h.Write(text)
	return h.Sum(nil)
}

func deletionText(appScopedID string, at time.Time) []byte {
	var seconds int64
	if !at.IsZero() {
		seconds = at.Unix()
	}
	return append(binary.BigEndian.AppendUint64(nil, uint64(seconds)), appScopedID...)
}

// seal returns the request as it stands in the address. The nonce is a MAC of
// the request, so that the same request gives the same address; two that are
// not the same share one with the odds of two people sharing a 96-bit number.
func (s *deletionSeals) seal(d DataDeletion) string {
	k := s.keys[0]
	text := deletionText(d.AppScopedID, d.At)
	nonce := k.sum("nonce", s.appID, text)[:k.aead.NonceSize()]
	return base32Text(k.aead.Seal(nonce, nonce, text, []byte(s.appID)))
}

// open returns the request that is in an address.
func (s *deletionSeals) open(sealed string) (*DataDeletion, error) {
	const longest = 256
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(sealed))
	if err != nil || len(sealed) > longest {
		return nil, ErrDeletionUnknown
	}
	for _, k := range s.keys {
		n := k.aead.NonceSize()
		if len(raw) < n {
			break
		}
		text, err := k.aead.Open(nil, raw[:n], raw[n:], []byte(s.appID))
		if err != nil || len(text) < 8 {
			continue
		}
		var at time.Time
		if seconds := int64(binary.BigEndian.Uint64(text)); seconds != 0 { //nolint:gosec // bits, not a number
			at = time.Unix(seconds, 0)
		}
		d := k.request(s.appID, string(text[8:]), at)
		return &d, nil
	}
	return nil, ErrDeletionUnknown
}

func base32Text(b []byte) string {
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b))
}

// ParseDeletionStatus returns the request that a person asks about who opened
// the address that [Client.DataDeletionHandler] gave them, from the address's
// query. It is for pages of the program's own. Whatever this app did not give
// out is [ErrDeletionUnknown].
func (c *Client) ParseDeletionStatus(query url.Values) (*DataDeletion, error) {
	d, err := newDeletionSeals(c).open(query.Get("id"))
	if err != nil {
		return nil, fmt.Errorf("instagram: deletion status: %w", err)
	}
	return d, nil
}

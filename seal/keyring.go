package seal

// This file answers: which key seals, which key opens, and how is that seen
// from what was sealed?

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
)

// KeyID names a key in what it has sealed. It is computed from the key, and
// does not give it away.
type KeyID [4]byte

// String returns eight hexadecimal digits.
func (id KeyID) String() string { return hex.EncodeToString(id[:]) }

// KeyError says that something was sealed with a key that the ring does not
// have: a key was taken away too early, or the ring is another program's.
// Nothing is lost; with the key it opens.
type KeyError struct {
	KeyID KeyID
	Known []KeyID // the ring's, the one that seals first
}

// Error names the missing key and those that are there.
func (e *KeyError) Error() string {
	return fmt.Sprintf("it is sealed with key %s, and the ring has %v", e.KeyID, e.Known)
}

// KeyRing is a [Sealer] with one or more keys: AES-256 in Galois/Counter Mode
// with random nonces. The first key seals, all open. It is safe for concurrent
// use, and prints without its keys.
//
// A key seals four thousand million things before nonces could repeat. For
// tokens that is for ever; what is sealed for every request wants a key of its
// own from [KeyRing.For].
type KeyRing struct {
	keys    []Key
	general *sealer
}

// NewKeyRing returns a ring of keys, the first of which seals. No key, and one
// key twice, is an error.
func NewKeyRing(keys ...Key) (*KeyRing, error) {
	if len(keys) == 0 {
		return nil, errors.New("seal: a key ring without keys")
	}
	for i, k := range keys {
		switch {
		case k.bytes == nil:
			return nil, fmt.Errorf("seal: key %d of the ring is empty", i+1)
		case slices.ContainsFunc(keys[:i], func(other Key) bool { return other.ID() == k.ID() }):
			return nil, fmt.Errorf("seal: key %s is in the ring twice", k.ID())
		}
	}
	r := &KeyRing{keys: slices.Clone(keys)}
	var err error
	r.general, err = newSealer(r.keys, "general")
	return r, err
}

// For returns a [Sealer] with keys of its own, derived from the ring's for a
// purpose. What it seals cannot be opened for another purpose.
func (r *KeyRing) For(purpose string) Sealer {
	if r == nil || r.general == nil {
		return nothing{}
	}
	s, err := newSealer(r.keys, "for "+purpose)
	if err != nil {
		return nothing{} // cannot be: the same keys have made the general one
	}
	return s
}

// Encrypt implements [Sealer].
func (r *KeyRing) Encrypt(plaintext, associatedData []byte) ([]byte, error) {
	if r == nil || r.general == nil {
		return nil, errNothing
	}
	return r.general.Encrypt(plaintext, associatedData)
}

// Decrypt implements [Sealer]. It gives a [*KeyError] or [ErrDamaged].
func (r *KeyRing) Decrypt(ciphertext, associatedData []byte) ([]byte, error) {
	if r == nil || r.general == nil {
		return nil, errNothing
	}
	return r.general.Decrypt(ciphertext, associatedData)
}

// IDs returns the names of the ring's keys, the one that seals first.
func (r *KeyRing) IDs() []KeyID {
	if r == nil {
		return nil
	}
	return idsOf(r.keys)
}

func idsOf(keys []Key) []KeyID {
	ids := make([]KeyID, len(keys))
	for i, k := range keys {
		ids[i] = k.ID()
	}
	return ids
}

// String returns the names of the keys.
func (r *KeyRing) String() string { return fmt.Sprintf("key ring %v", r.IDs()) }

// GoString returns what String returns.
func (r *KeyRing) GoString() string { return r.String() }

// LogValue returns what String returns.
func (r *KeyRing) LogValue() slog.Value { return slog.StringValue(r.String()) }

// What a sealer returns is one byte with the version of the form, the ID of the
// key, a nonce, the ciphertext and its tag.
const (
	cipherVersion = 1
	headerSize    = 1 + len(KeyID{})
)

// sealer is the ring for one purpose.
type sealer struct {
	ids  []KeyID                    // the first one seals
	aead func(id KeyID) cipher.AEAD // nil for a key that is not there; a function for the reason that Key has
}

func newSealer(keys []Key, purpose string) (*sealer, error) {
	aeads := make(map[KeyID]cipher.AEAD, len(keys))
	for _, k := range keys {
		derived, err := k.derive("instagram/seal/1 "+purpose, 32)
		if err != nil {
			return nil, err
		}
		block, err := aes.NewCipher(derived)
		if err != nil {
			return nil, fmt.Errorf("seal: %w", err)
		}
		if aeads[k.ID()], err = cipher.NewGCMWithRandomNonce(block); err != nil {
			return nil, fmt.Errorf("seal: %w", err)
		}
	}
	return &sealer{ids: idsOf(keys), aead: func(id KeyID) cipher.AEAD { return aeads[id] }}, nil
}

func (s *sealer) Encrypt(plaintext, associatedData []byte) ([]byte, error) {
	id := s.ids[0]
	aead := s.aead(id)
	out := make([]byte, 0, headerSize+len(plaintext)+aead.Overhead())
	out = append(append(out, cipherVersion), id[:]...)
	return aead.Seal(out, nil, plaintext, withHeader(out, associatedData)), nil //nolint:gosec // no nonce is given, because the cipher makes a random one
}

func (s *sealer) Decrypt(ciphertext, associatedData []byte) ([]byte, error) {
	id, ok := keyOf(ciphertext)
	if !ok {
		return nil, ErrDamaged
	}
	aead := s.aead(id)
	if aead == nil {
		return nil, &KeyError{KeyID: id, Known: slices.Clone(s.ids)}
	}
	header := ciphertext[:headerSize]
	plaintext, err := aead.Open(nil, nil, ciphertext[headerSize:], withHeader(header, associatedData))
	if err != nil {
		return nil, ErrDamaged // package cipher says no more
	}
	return plaintext, nil
}

// Current reports whether ciphertext was sealed with the key that seals now.
func (s *sealer) Current(ciphertext []byte) bool {
	id, ok := keyOf(ciphertext)
	return ok && id == s.ids[0]
}

// withHeader makes the header part of what is authenticated.
func withHeader(header, associatedData []byte) []byte {
	data := make([]byte, 0, len(header)+len(associatedData))
	return append(append(data, header...), associatedData...)
}

// keyOf returns the ID of the key that ciphertext was sealed with.
func keyOf(ciphertext []byte) (id KeyID, ok bool) {
	if len(ciphertext) < headerSize || ciphertext[0] != cipherVersion {
		return KeyID{}, false
	}
	return KeyID(ciphertext[1:headerSize]), true
}

func (k Key) derive(purpose string, size int) ([]byte, error) {
	derived, err := hkdf.Key(sha256.New, k.bytes(), nil, purpose, size)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return derived, nil
}

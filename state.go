package instagram

// This file answers: how does a login state prove that it is ours, fresh, and
// of this browser?

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

const (
	// stateLifetime is how long a person has from the button to the callback.
	stateLifetime = 10 * time.Minute
	// stateSkew is how far the clocks of two servers may be apart.
	stateSkew = time.Minute
	// stateVersion is the first byte of every state.
	stateVersion = 1
	// maxState bounds what is decoded at all.
	maxState = 4096
)

// loginState is what a state carries through Meta's windows and back. It is
// sealed, so neither Meta nor the browser can read or change it.
type loginState struct {
	ID         []byte  `json:"i"` // 16 random bytes, which name this attempt
	IssuedAt   int64   `json:"t"` // Unix seconds
	Binding    []byte  `json:"b"` // SHA-256 of what the browser keeps
	ReturnPath string  `json:"r,omitempty"`
	Data       []byte  `json:"d,omitempty"`
	AccountID  string  `json:"a,omitempty"` // the account that must come back, when reconnecting
	Scopes     []Scope `json:"s,omitempty"` // asked for, when they differ from the configuration's
	Verifier   string  `json:"p,omitempty"` // PKCE code verifier
}

// id returns the attempt's name for maps and the [StateStore].
func (s *loginState) id() string { return hex.EncodeToString(s.ID) }

// stateSealer makes and opens states. Its keys are derived from the app's
// secrets, so all processes of an app share them with nothing to configure.
type stateSealer struct {
	keys    []stateKey // the first seals, all open
	context []byte     // product, client ID and redirect URI: authenticated, not sent
}

type stateKey struct {
	id   [4]byte
	aead cipher.AEAD
}

func newStateSealer(cfg Config) *stateSealer {
	s := &stateSealer{}
	for _, part := range []string{cfg.Login.String(), cfg.AppID, cfg.RedirectURL} {
		s.context = binary.BigEndian.AppendUint32(s.context, uint32(len(part))) //nolint:gosec // a URL is shorter than 4 GiB
		s.context = append(s.context, part...)
	}
	for _, secret := range append([]Secret{cfg.AppSecret}, cfg.CallbackSecrets...) {
		s.keys = append(s.keys, newStateKey(secret))
	}
	return s
}

func newStateKey(secret Secret) stateKey {
	derive := func(purpose string, n int) []byte {
		key, err := hkdf.Key(sha256.New, []byte(secret.Reveal()), nil, "instagram login "+purpose, n)
		if err != nil {
			panic("instagram: " + err.Error()) // only for lengths no hash can give
		}
		return key
	}
	block, err := aes.NewCipher(derive("state", 32))
	if err != nil {
		panic("instagram: " + err.Error()) // only for key lengths AES does not have
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("instagram: " + err.Error()) // only for a block size AES does not have
	}
	k := stateKey{aead: aead}
	copy(k.id[:], derive("key id", 4))
	return k
}

// seal returns the state as it travels: version, key ID and ciphertext in base64url.
func (s *stateSealer) seal(st *loginState) (string, error) {
	plain, err := json.Marshal(st)
	if err != nil {
		return "", fmt.Errorf("login state: %w", err)
	}
	k := s.keys[0]
	out := append([]byte{stateVersion}, k.id[:]...)
	out = k.aead.Seal(out, nil, plain, s.context) //nolint:gosec // this AEAD makes its own random nonce
	return base64.RawURLEncoding.EncodeToString(out), nil
}

// open returns what a state carries; a *CallbackError when it is not one of
// ours, was altered, belongs to another app or product, or is too old.
func (s *stateSealer) open(sealed string, now time.Time) (*loginState, error) {
	if sealed == "" {
		return nil, &CallbackError{Problem: StateMissing}
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	if err != nil || len(sealed) > maxState || len(raw) < 5 || raw[0] != stateVersion {
		return nil, &CallbackError{Problem: StateForged}
	}
	st, err := s.decrypt([4]byte(raw[1:5]), raw[5:])
	if err != nil {
		return nil, &CallbackError{Problem: StateForged}
	}
	if age := now.Sub(time.Unix(st.IssuedAt, 0)); age > stateLifetime || age < -stateSkew {
		return nil, &CallbackError{Problem: StateExpired}
	}
	return st, nil
}

func (s *stateSealer) decrypt(keyID [4]byte, sealed []byte) (*loginState, error) {
	for _, k := range s.keys {
		if subtle.ConstantTimeCompare(k.id[:], keyID[:]) != 1 {
			continue
		}
		plain, err := k.aead.Open(nil, nil, sealed, s.context)
		if err != nil {
			continue // two secrets may share a key ID
		}
		var st loginState
		if err := json.Unmarshal(plain, &st); err != nil {
			return nil, fmt.Errorf("login state: %w", err)
		}
		return &st, nil
	}
	return nil, errors.New("login state: no key opens it")
}

// checkBinding compares what the browser kept with what the state says.
func (s *loginState) checkBinding(binding string) error {
	if binding == "" {
		return &CallbackError{Problem: BindingMissing}
	}
	sum := sha256.Sum256([]byte(binding))
	if subtle.ConstantTimeCompare(sum[:], s.Binding) != 1 {
		return &CallbackError{Problem: BindingMismatch}
	}
	return nil
}

// randomText returns n random bytes in base64url.
func randomText(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(b)
}

// newLoginState returns the state of an attempt that begins now.
func newLoginState(a *authCode, binding string, now time.Time) *loginState {
	id := make([]byte, 16)
	_, _ = rand.Read(id)
	sum := sha256.Sum256([]byte(binding))
	return &loginState{
		ID: id, IssuedAt: now.Unix(), Binding: sum[:],
		ReturnPath: a.returnPath, Data: a.data, AccountID: a.accountID, Verifier: a.verifier,
	}
}

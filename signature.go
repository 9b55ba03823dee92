package instagram

// This file answers: does what came in prove that it comes from Meta, and if
// not, what is wrong with it?

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"hash"
	"sync"
)

// ErrSignature means that a callback does not prove that Meta sent it, just
// now, for this app. Nothing in it may be believed. See [SignatureError].
var ErrSignature = errors.New("the callback is not proven to come from Meta")

// SignatureProblem says what is wrong with the proof that a callback brings.
type SignatureProblem uint8

const (
	// SignatureMissing means that there is no signature at all.
	SignatureMissing SignatureProblem = iota + 1
	// SignatureWeak means that only a SHA-1 signature came, which proves too little.
	SignatureWeak
	// SignatureRepeated means that there is more than one signature or signed request.
	SignatureRepeated
	// SignatureMalformed means that the signature, or the request around it,
	// does not have the form that Meta documents.
	SignatureMalformed
	// SignatureTooLong means that it is longer than any that Meta makes.
	SignatureTooLong
	// SignatureWrong means that none of the app's secrets made it.
	SignatureWrong
	// SignatureNoSecret means that there is no secret to check it with.
	SignatureNoSecret
	// SignatureAlgorithmUnsupported means that the signature is good, but the payload names another
	// algorithm than HMAC-SHA256, or none.
	SignatureAlgorithmUnsupported
	// SignaturePayloadMalformed means that the signature is good, but what it covers
	// cannot be read.
	SignaturePayloadMalformed
	// SignatureUndated means that the signature is good, but nothing says from when.
	SignatureUndated
	// SignatureStale means that the signature is good, but was made too long ago.
	SignatureStale
	// SignatureFromFuture means that the signature is good, but was made later than now:
	// check the server's clock.
	SignatureFromFuture
)

// String returns the problem in one sentence for the developer.
func (p SignatureProblem) String() string {
	switch p {
	case SignatureMissing:
		return "there is no signature"
	case SignatureWeak:
		return "there is only a SHA-1 signature, and no X-Hub-Signature-256"
	case SignatureRepeated:
		return "there is more than one signature"
	case SignatureMalformed:
		return "the signature does not have the form that Meta documents"
	case SignatureTooLong:
		return "the signed request is longer than any that Meta makes"
	case SignatureWrong:
		return "no configured secret made this signature: somebody else sent it, or Meta signs with a secret that is missing in Config.CallbackSecrets (Instagram app secret, Meta app secret, the previous one)"
	case SignatureNoSecret:
		return "there is no secret to check the signature with"
	case SignatureAlgorithmUnsupported:
		return "the signed payload does not name HMAC-SHA256 as its algorithm"
	case SignaturePayloadMalformed:
		return "the signed payload cannot be read"
	case SignatureUndated:
		return "the signed payload does not say when it was issued"
	case SignatureStale:
		return "the signed request was issued too long ago"
	case SignatureFromFuture:
		return "the signed request was issued later than now: check the server's clock"
	}
	return "the signature is wrong"
}

// SignatureError says why a callback is not believed. It matches
// [ErrSignature], and holds nothing of what came in.
type SignatureError struct {
	Problem SignatureProblem
}

// Error returns the problem.
func (e *SignatureError) Error() string { return e.Problem.String() }

// Is reports whether target is [ErrSignature].
func (e *SignatureError) Is(target error) bool { return target == ErrSignature }

// verifier checks signatures against a number of secrets.
type verifier []*sync.Pool // of hash.Hash, one for each secret: making one costs as much as hashing a kilobyte

func newVerifier(secrets []Secret) verifier {
	var v verifier
	for _, s := range secrets {
		if s.IsZero() { // anybody can sign with the empty secret
			continue
		}
		v = append(v, &sync.Pool{New: func() any { return hmac.New(sha256.New, []byte(s.Reveal())) }})
	}
	return v
}

// verify checks an HMAC-SHA256 of a message against every secret. It takes the
// same time whichever secret made it, and whether one did.
func (v verifier) verify(message, mac []byte) *SignatureError {
	if len(v) == 0 {
		return &SignatureError{Problem: SignatureNoSecret}
	}
	equal := 0
	var sum [sha256.Size]byte
	for _, pool := range v {
		h := pool.Get().(hash.Hash) //nolint:forcetypeassert // it is what New makes
		h.Reset()
		_, _ = h.Write(message) // a hash never fails
		equal |= subtle.ConstantTimeCompare(h.Sum(sum[:0]), mac)
		pool.Put(h)
	}
	if equal != 1 {
		return &SignatureError{Problem: SignatureWrong}
	}
	return nil
}

// callbackSecrets returns every secret that Meta may sign with.
func (c *Client) callbackSecrets() []Secret {
	return append([]Secret{c.cfg.AppSecret}, c.cfg.CallbackSecrets...)
}

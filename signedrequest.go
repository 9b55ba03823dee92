package instagram

// This file answers: what does a signed_request say, and is it Meta's?

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/seed-922467ee/instagram/internal/wire"
)

const (
	// DefaultSignedRequestAge is how old a signed request may be, where nothing else is
	// said. Meta does not document how long it tries to deliver one. A day lets
	// a late one in, and a copy that somebody kept does no harm in that time:
	// what is done for a request is done once, and never to a later login.
	DefaultSignedRequestAge = 24 * time.Hour

	// signedRequestSkew is how far Meta's clock may be ahead.
	signedRequestSkew = 5 * time.Minute
	// maxSignedRequest bounds what is decoded at all. Real ones have some
	// hundred bytes, with a token inside a thousand.
	maxSignedRequest = 8 << 10
	// maxUserID bounds the digits of an ID. Real ones have 17.
	maxUserID = 32
)

// SignedRequest is what Meta signs when it calls an app's deauthorize or
// data-deletion URL. It prints without its payload.
//
// Source: "Data Deletion Request Callback", read 2026; "Signed Request" of
// Facebook Login.
type SignedRequest struct {
	// UserID is the app-scoped ID of the person, in exact digits; the same as
	// [Token.AppScopedID], and never the account ID of paths and webhooks.
	// Empty: nobody has logged in.
	UserID string
	// IssuedAt is when Meta signed it. Zero: it does not say.
	IssuedAt time.Time
	// Expires is when it, or a token inside it, ends. Zero: it does not say.
	Expires time.Time
	// Payload is all that was signed, as JSON. It may hold a token or a code.
	Payload json.RawMessage `json:"-"`
}

// String returns the user ID and the time, and nothing of the payload.
func (r SignedRequest) String() string {
	return fmt.Sprintf("signed request for %s of %s", r.UserID, r.IssuedAt.UTC().Format(time.RFC3339))
}

// GoString returns what [SignedRequest.String] returns.
func (r SignedRequest) GoString() string { return r.String() }

// ParseSignedRequest verifies a signed_request, which is
// base64url(signature).base64url(JSON), and returns what it says. The
// signature is an HMAC-SHA256 of the encoded payload, made with the app secret
// of the login product; which one that is, reports disagree about, so give both
// and the previous one. All are tried, in constant time.
//
// Everything wrong is a [*SignatureError]. The age is not looked at: see
// [SignedRequest.CheckAge], or [Client.ParseSignedRequest], which does both.
func ParseSignedRequest(signed string, secrets ...Secret) (*SignedRequest, error) {
	r, err := parseSignedRequest(signed, newVerifier(secrets))
	if err != nil {
		return nil, fmt.Errorf("instagram: signed request: %w", err)
	}
	return r, nil
}

// SignedRequestOption changes how signed requests are judged.
type SignedRequestOption func(*signedRequestRules)

type signedRequestRules struct {
	maxAge time.Duration // negative: any
}

// MaxSignedRequestAge sets how old a signed request may be. 0 is [DefaultSignedRequestAge]; a
// negative age accepts requests of any age and without a date, so that a copy
// that somebody kept stays good for ever.
func MaxSignedRequestAge(d time.Duration) SignedRequestOption {
	return func(r *signedRequestRules) { r.maxAge = d }
}

func newSignedRequestRules(opts []SignedRequestOption) signedRequestRules {
	var r signedRequestRules
	for _, opt := range opts {
		if opt != nil {
			opt(&r)
		}
	}
	if r.maxAge == 0 {
		r.maxAge = DefaultSignedRequestAge
	}
	return r
}

// ParseSignedRequest is the function [ParseSignedRequest] with the client's
// AppSecret and CallbackSecrets. It also refuses requests older than
// [DefaultSignedRequestAge]; see [MaxSignedRequestAge].
func (c *Client) ParseSignedRequest(signed string, opts ...SignedRequestOption) (*SignedRequest, error) {
	r, err := ParseSignedRequest(signed, c.callbackSecrets()...)
	if err != nil {
		return nil, err
	}
	if rules := newSignedRequestRules(opts); rules.maxAge > 0 {
		if err := r.CheckAge(c.now(), rules.maxAge); err != nil {
			return nil, fmt.Errorf("instagram: signed request: %w", err)
		}
	}
	return r, nil
}

// CheckAge returns a [*SignatureError] when the request does not say when it
// was issued, was issued more than maxAge before now, or more than five
// minutes after. An end that the request states counts too; one that lies
// before its own beginning is that of a token inside it, and does not.
func (r *SignedRequest) CheckAge(now time.Time, maxAge time.Duration) error {
	age := now.Sub(r.IssuedAt)
	switch {
	case r.IssuedAt.IsZero():
		return &SignatureError{Problem: SignatureUndated}
	case age < -signedRequestSkew:
		return &SignatureError{Problem: SignatureFromFuture}
	case age > maxAge, r.Expires.After(r.IssuedAt) && now.After(r.Expires.Add(signedRequestSkew)):
		return &SignatureError{Problem: SignatureStale}
	}
	return nil
}

func parseSignedRequest(signed string, v verifier) (*SignedRequest, error) {
	if signed == "" {
		return nil, &SignatureError{Problem: SignatureMissing}
	}
	if len(signed) > maxSignedRequest {
		return nil, &SignatureError{Problem: SignatureTooLong}
	}
	encodedMAC, encoded, ok := strings.Cut(signed, ".")
	if !ok || strings.Contains(encoded, ".") {
		return nil, &SignatureError{Problem: SignatureMalformed}
	}
	mac, err := decodeBase64URL(encodedMAC)
	if err != nil {
		return nil, err
	}
	if err := v.verify([]byte(encoded), mac); err != nil {
		return nil, err
	}
	payload, err := decodeBase64URL(encoded) // only now: before, it is anybody's
	if err != nil {
		return nil, err
	}
	return readSignedPayload(payload)
}

// decodeBase64URL decodes with or without padding. It refuses the other
// spellings that encoding/base64 takes for the same bytes: line breaks, and
// bits that are left over.
func decodeBase64URL(s string) ([]byte, error) {
	trimmed := strings.TrimRight(s, "=")
	out, err := base64.RawURLEncoding.Strict().DecodeString(trimmed)
	padding := len(s) - len(trimmed)
	if err != nil || len(out) == 0 || strings.ContainsAny(s, "\r\n") || padding > 0 && len(s)%4 != 0 {
		return nil, &SignatureError{Problem: SignatureMalformed}
	}
	return out, nil
}

// readSignedPayload reads what a good signature covers.
func readSignedPayload(payload []byte) (*SignedRequest, error) {
	v := wire.Parse(payload)
	if !v.IsObject() || !json.Valid(payload) {
		return nil, &SignatureError{Problem: SignaturePayloadMalformed}
	}
	if !strings.EqualFold(v.Get("algorithm").Text(), "HMAC-SHA256") {
		return nil, &SignatureError{Problem: SignatureAlgorithmUnsupported}
	}
	user := v.Get("user_id")
	r := &SignedRequest{UserID: user.ID(), Payload: bytes.Clone(payload)}
	if len(r.UserID) > maxUserID || strings.Trim(user.Text(), "0123456789") != "" {
		return nil, &SignatureError{Problem: SignaturePayloadMalformed}
	}
	r.IssuedAt = callbackTime(v.Get("issued_at"))
	r.Expires = callbackTime(v.Get("expires"))
	return r, nil
}

// callbackTime reads an instant, which callbacks have in seconds or in
// milliseconds, as a number or as a string. Zero: there is none, or it is absurd.
func callbackTime(v wire.Value) time.Time {
	const (
		firstMilli = 100_000_000_000     // the year 1973 in milliseconds, and 5138 in seconds
		lastMilli  = 253_402_300_799_000 // the end of the year 9999
	)
	n, ok := v.Int()
	switch {
	case !ok || n <= 0 || n > lastMilli:
		return time.Time{}
	case n < firstMilli:
		return time.Unix(n, 0)
	}
	return time.UnixMilli(n)
}

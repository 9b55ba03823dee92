package instagram

// This file answers: how does a call prove that it comes from a server that
// knows the app secret?

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"
)

// ProofForm is a documented form of appsecret_proof. It is sent to
// graph.facebook.com only: graph.instagram.com is reported to reject it.
type ProofForm uint8

const (
	// ProofPlain is the HMAC of the token; it is good for as long as the token.
	// Source: "Install apps and generate tokens", read 2026-09.
	ProofPlain ProofForm = iota
	// ProofTimed is the HMAC of token and time, sent with appsecret_time; it is
	// good for five minutes. Source: "Login security", 2024-10-16.
	ProofTimed
	// ProofNone sends no proof. Calls then fail when "Require App Secret" is on in the app's settings.
	ProofNone
)

// AppSecretProof returns the plain form of appsecret_proof for a token, for
// requests that a program builds itself. The proof is as good as the secret
// for calls with this one token: keep it out of logs.
func AppSecretProof(secret, accessToken Secret) string {
	return hexHMAC(secret, accessToken.Reveal())
}

// timedProof returns the timed form and the seconds that go with it.
func timedProof(secret, accessToken Secret, now time.Time) (proof, seconds string) {
	seconds = strconv.FormatInt(now.Unix(), 10)
	return hexHMAC(secret, accessToken.Reveal()+"|"+seconds), seconds
}

func hexHMAC(secret Secret, message string) string {
	mac := hmac.New(sha256.New, []byte(secret.Reveal()))
	mac.Write([]byte(message))
	return hex.EncodeToString(mac.Sum(nil))
}

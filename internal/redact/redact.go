// Package redact takes secrets out of text, URLs and errors before they leave
// the program. It knows two kinds: values that it is told, in every form in
// which they may be written, and what looks like a token of Meta's or stands
// beside the name of a secret.
package redact

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
)

// Mark stands where a secret stood.
const Mark = "[redacted]"

// minSecret is the length from which a value that is told is blotted out. A
// shorter one would take half of the text with it, and is no secret of Meta's.
const minSecret = 4

// Text returns s without the secrets given, and without what looks like a
// secret. Text that has none is returned as it is, without an allocation.
func Text(s string, secrets ...string) string {
	for _, secret := range secrets {
		s = known(s, secret)
	}
	return scan(s)
}

// known blots out one value in the forms in which servers and libraries write
// it: as it is, escaped for a URL once or twice, for JSON, in base64.
func known(s, secret string) string {
	if len(secret) < minSecret || s == "" || strings.Contains(Mark, secret) {
		return s // of the mark itself nothing is blotted out, or it would grow with each pass
	}
	s = strings.ReplaceAll(s, secret, Mark)
	if needsEscape(secret) {
		once := url.QueryEscape(secret)
		for _, form := range [...]string{
			once, url.PathEscape(secret), url.QueryEscape(once),
			strings.ReplaceAll(once, "+", "%20"), lowerEscapes(once),
			jsonInner(secret), strings.ReplaceAll(jsonInner(secret), "/", `\/`), strings.ReplaceAll(secret, "/", `\/`),
		} {
			s = replace(s, form)
		}
	}
	return inBase64(s, secret)
}

// inBase64 blots out every word that is base64 of something that begins with
// the secret.
func inBase64(s, secret string) string {
	var plain [192]byte // as much of the secret as is compared; on the stack
	n := copy(plain[:], secret) / 3 * 3
	if n == 0 || longestRun(s) < base64.RawStdEncoding.EncodedLen(n) {
		return s
	}
	for _, encoding := range [...]*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		var coded [256]byte
		encoding.Encode(coded[:], plain[:n])
		word := coded[:encoding.EncodedLen(n)]
		for from := 0; ; {
			i := index(s[from:], word)
			if i < 0 {
				break
			}
			i += from
			end := i
			for end < len(s) && isBase64(s[end]) {
				end++
			}
			s = s[:i] + Mark + s[end:]
			from = i + len(Mark)
		}
	}
	return s
}

// index is strings.Index without a copy of the word.
func index(s string, word []byte) int {
	for i := 0; i+len(word) <= len(s); i++ {
		if s[i] == word[0] && s[i:i+len(word)] == string(word) {
			return i
		}
	}
	return -1
}

func isBase64(c byte) bool { return isWord(c) || c == '+' || c == '/' || c == '=' }

// longestRun returns the length of the longest piece of s that could be base64.
func longestRun(s string) int {
	longest, run := 0, 0
	for i := range len(s) {
		if run++; !isBase64(s[i]) {
			run = 0
		}
		longest = max(longest, run)
	}
	return longest
}

func replace(s, form string) string {
	if len(form) > len(s) {
		return s
	}
	return strings.ReplaceAll(s, form, Mark)
}

// needsEscape reports whether a value may be written in another form than its own.
func needsEscape(s string) bool {
	for i := range len(s) {
		if !isWord(s[i]) && s[i] != '.' {
			return true
		}
	}
	return false
}

func jsonInner(s string) string {
	b, err := json.Marshal(s)
	if err != nil || len(b) < 2 {
		return s
	}
	return string(b[1 : len(b)-1])
}

// lowerEscapes turns %7C into %7c.
func lowerEscapes(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			for j := i + 1; j <= i+2; j++ {
				if b[j] >= 'A' && b[j] <= 'F' {
					b[j] += 'a' - 'A'
				}
			}
		}
	}
	return string(b)
}

// IsSecretName reports whether the value of a parameter, a field or a header
// of this name must not be shown.
func IsSecretName(name string) bool {
	return secretName(name) != notSecret
}

type nameKind uint8

const (
	notSecret nameKind = iota
	always             // every value is secret
	long               // in running text only a long value is: "code=190" is none
)

func secretName(name string) nameKind {
	if len(name) < len("code") || len(name) > 32 {
		return notSecret
	}
	var buf [32]byte
	lower := buf[:0]
	for i := range len(name) {
		c := name[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c == '-' {
			c = '_'
		}
		lower = append(lower, c)
	}
	switch string(lower) {
	case "appsecret_proof", "signed_request", "code_verifier", "password", "accesstoken", "clientsecret", "appsecret",
		"authorization", "cookie", "set_cookie", "proxy_authorization", "hub.verify_token", "session_key":
		return always
	case "code", "state", "nonce", "token", "secret":
		return long
	}
	if name := string(lower); strings.HasSuffix(name, "_token") || strings.HasSuffix(name, "_secret") {
		return always // access_token, fb_exchange_token, input_token, client_secret …
	}
	return notSecret
}

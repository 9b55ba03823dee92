package redact

// This file answers: what in a text looks like a secret?

import "strings"

const (
	// minToken is how long a word that begins like a token is taken for one.
	// Names such as IGApiException are shorter, tokens are longer than 100.
	minToken = 20
	// minLong is how long the value of code= or state= is taken for a secret.
	minLong = 12
	// maxLook is how much of such a value is looked at.
	maxLook = 256
)

// scan returns s without what looks like a secret. One pass over the words;
// nothing is allocated before the first hit.
func scan(s string) string {
	var b strings.Builder
	done := 0 // what of s is in b
	for i := 0; i < len(s); {
		if !isWord(s[i]) {
			i++
			continue
		}
		end := i + 1
		for end < len(s) && isWord(s[end]) {
			end++
		}
		from, to := secretAt(s, i, end)
		if from < to {
			b.WriteString(s[done:from])
			b.WriteString(Mark)
			done = to
			end = to
		}
		i = end
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

// secretAt returns where the secret stands that the word s[i:end] is or names;
// nothing when there is none.
func secretAt(s string, i, end int) (from, to int) {
	word := s[i:end]
	if escaped := i > 0 && s[i-1] == '\\' && (word[0] == 'n' || word[0] == 't' || word[0] == 'r'); escaped && len(word) > 1 {
		word, i = word[1:], i+1 // \naccess_token=… in text that was escaped
	}
	if isDigits(word) && end < len(s) && (s[end] == '|' || hasFold(s[end:], "%7c") || hasFold(s[end:], `\u007c`)) {
		return appToken(s, i, end)
	}
	if len(word) >= minToken && isToken(s, word, end) {
		return i, tokenEnd(s, end)
	}
	if hasFold(word, "bearer") && len(word) == 6 || hasFold(word, "oauth") && len(word) == 5 {
		from = end
		for from < len(s) && s[from] == ' ' {
			from++
		}
		if to = valueEnd(s, from); from > end && to-from >= minLong && strings.IndexByte(s[from:to], ' ') < 0 && isOpaque(s[from:to]) {
			return from, to
		}
		return 0, 0
	}
	kind := secretName(word)
	if kind == notSecret {
		return 0, 0
	}
	if i > 0 && (s[i-1] == '?' || s[i-1] == '&') {
		kind = always // in a URL, where code= is a code
	}
	return valueOf(s, end, kind)
}

// isToken reports whether a word begins like one of Meta's tokens and codes:
// EAA… (Facebook), IG.. (Instagram), TH.. (Threads), AQ… (codes), or is a JSON
// web token.
func isToken(s, word string, end int) bool {
	switch {
	case strings.HasPrefix(word, "EAA"):
		return true
	case strings.HasPrefix(word, "IG"), strings.HasPrefix(word, "TH"):
		return isUpper(word[2]) && isUpper(word[3]) && isOpaque(word)
	case strings.HasPrefix(word, "AQ"):
		return len(word) >= 60
	case strings.HasPrefix(word, "eyJ"):
		return end < len(s) && s[end] == '.'
	}
	return false
}

// tokenEnd goes on over dots and padding behind the first word of a token.
func tokenEnd(s string, end int) int {
	for end < len(s) && (isWord(s[end]) || (s[end] == '.' || s[end] == '|' || s[end] == '%') && end+1 < len(s) && isWord(s[end+1])) {
		end++
	}
	return end
}

// appToken returns where a token of the form digits|letters stands.
func appToken(s string, i, end int) (from, to int) {
	rest := end + len("|")
	switch s[end] {
	case '%':
		rest = end + len("%7C")
	case '\\':
		rest = end + len(`\u007c`)
	}
	to = rest
	for to < len(s) && isWord(s[to]) {
		to++
	}
	if end-i >= 5 && to-rest >= 16 {
		return i, to
	}
	return 0, 0
}

// valueOf returns where the value of a named secret stands, when the name at
// s[:end] is followed by one: name=value, name: value, "name":"value",
// \"name\":\"value\", name%3Dvalue.
func valueOf(s string, end int, kind nameKind) (from, to int) {
	i := skipQuote(s, end)
	quoted := i > end
	for i < len(s) && (s[i] == ' ' || s[i] == '\t') {
		i++
	}
	switch {
	case i < len(s) && s[i] == '=':
		i++
	case i < len(s) && s[i] == ':':
		i++
		if !quoted && i < len(s) && s[i] == ' ' {
			kind = long // "invalid access_token: must not be empty" is a sentence
		}
	case hasFold(s[i:], "%3d"), hasFold(s[i:], "%3a"):
		i += 3
	case hasFold(s[i:], `\u003d`):
		i += 6
	default:
		return 0, 0
	}
	for i < len(s) && (s[i] == ' ' || s[i] == '\t' || s[i] == '[') { // also ["value"] of a printed map
		if strings.HasPrefix(s[i:], Mark) {
			return 0, 0
		}
		i++
	}
	open := i
	i = skipQuote(s, i)
	if head := s[i:min(len(s), i+maxLook)]; kind == long && !isOpaque(head[:valueEnd(head, 0)]) {
		return 0, 0 // seen from its first bytes, so that a text of such names is read once, and not once for each
	}
	to = valueEnd(s, i)
	if i == open+1 { // a plain quotation mark: up to its like
		to = quoteEnd(s, i)
	}
	for _, scheme := range [...]string{"bearer ", "oauth ", "basic "} {
		if hasFold(s[i:], scheme) {
			i += len(scheme)
			to = max(to, valueEnd(s, i))
		}
	}
	if to == i || strings.HasPrefix(s[i:], Mark) || kind == long && to-i < minLong {
		return 0, 0
	}
	return i, to
}

// skipQuote steps over one quotation mark, escaped as often as it may be.
func skipQuote(s string, i int) int {
	j := i
	for j < len(s) && s[j] == '\\' {
		j++
	}
	if j < len(s) && (s[j] == '"' || s[j] == '\'') {
		return j + 1
	}
	if hasFold(s[i:], "%22") {
		return i + 3
	}
	return i
}

func quoteEnd(s string, i int) int {
	for mark := s[i-1]; i < len(s) && s[i] != mark; i++ {
		if s[i] == '\\' {
			i++
		}
	}
	return min(i, len(s))
}

func valueEnd(s string, i int) int {
	for ; i < len(s); i++ {
		switch s[i] {
		case ' ', '\t', '\r', '\n', '&', '"', '\'', '<', '>', ';', ',', ')', ']', '}', '\\':
			return i
		case '%':
			if hasFold(s[i:], "%26") || hasFold(s[i:], "%22") {
				return i
			}
		}
	}
	return i
}

// isOpaque reports whether a value is no plain word.
func isOpaque(s string) bool {
	var lower, upper bool // beyond the first letter, which may begin a sentence
	for i := range len(s) {
		c := s[i]
		if c >= '0' && c <= '9' {
			return true
		}
		lower = lower || c >= 'a' && c <= 'z'
		upper = upper || i > 0 && isUpper(c)
	}
	return lower && upper
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || isUpper(c) || c >= '0' && c <= '9' || c == '_' || c == '-'
}

func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func hasFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

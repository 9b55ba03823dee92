// Package wire reads what Meta's servers send: many JSON shapes in, one Go
// shape out. Nothing here trusts its input, and nothing fails a call because
// of a key or a type that it did not expect.
package wire

import (
	"iter"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Value is one JSON value in the text in which it came; the zero Value is an
// absent one. It is read in place: only [Value.Text] of a string with escapes
// allocates. A value that is cut off in the middle gives what stands before
// the cut.
type Value struct{ raw string }

// Parse returns the first JSON value in data, after a byte order mark and
// white space. What follows it is ignored. Data that is no JSON gives the zero
// Value. The data is copied once, so that it may be changed afterwards.
func Parse(data []byte) Value {
	return ParseString(string(data))
}

// ParseString is [Parse] for a string, which is not copied.
func ParseString(data string) Value {
	data = strings.TrimPrefix(data, "\xef\xbb\xbf")
	i := skipSpace(data, 0)
	end, _ := skipValue(data, i)
	return Value{data[i:end]}
}

// Complete reports whether the value stands there to its end.
func (v Value) Complete() bool {
	_, ok := skipValue(v.raw, 0)
	return ok
}

// Exists reports whether there is a value; null is none.
func (v Value) Exists() bool { return len(v.raw) > 0 && v.raw[0] != 'n' }

// Raw returns a copy of the bytes of the value.
func (v Value) Raw() []byte { return []byte(v.raw) }

// RawString returns the value as it came.
func (v Value) RawString() string { return v.raw }

// IsObject reports whether the value is a JSON object.
func (v Value) IsObject() bool { return v.starts('{') }

// IsArray reports whether the value is a JSON array.
func (v Value) IsArray() bool { return v.starts('[') }

// IsString reports whether the value is a JSON string.
func (v Value) IsString() bool { return v.starts('"') }

// IsNumber reports whether the value is a JSON number.
func (v Value) IsNumber() bool {
	return len(v.raw) > 0 && (v.raw[0] == '-' || v.raw[0] >= '0' && v.raw[0] <= '9')
}

func (v Value) starts(c byte) bool { return len(v.raw) > 0 && v.raw[0] == c }

// Get follows the names from object to object. Names are matched exactly,
// and where an object has one twice, the last counts. What is not there gives
// the zero Value.
func (v Value) Get(names ...string) Value {
	for _, name := range names {
		var found Value
		for key, member := range v.Members() {
			if key.is(name) {
				found = member
			}
		}
		v = found
	}
	return v
}

// Members yields the names and values of an object, in their order on the
// wire; of anything else it yields nothing.
func (v Value) Members() iter.Seq2[Value, Value] {
	return func(yield func(Value, Value) bool) {
		for i := v.first('{'); ; {
			key, member, next, ok := v.member(i)
			if !ok || !yield(key, member) {
				return
			}
			i = next
		}
	}
}

// Elems yields the elements of an array; of anything else it yields nothing.
func (v Value) Elems() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		for i := v.first('['); ; {
			elem, next, ok := v.elem(i)
			if !ok || !yield(elem) {
				return
			}
			i = next
		}
	}
}

// first returns where the first member or element of a container stands that
// opens with c; of anything else it returns the end.
func (v Value) first(c byte) int {
	if !v.starts(c) {
		return len(v.raw)
	}
	return skipSpace(v.raw, 1)
}

// member returns the name and the value that stand at i, and where the next pair stands.
func (v Value) member(i int) (key, member Value, next int, ok bool) {
	s := v.raw
	if i >= len(s) || s[i] != '"' {
		return Value{}, Value{}, 0, false
	}
	end, complete := skipString(s, i)
	if !complete {
		return Value{}, Value{}, 0, false
	}
	key = Value{s[i:end]}
	if i = skipSpace(s, end); i >= len(s) || s[i] != ':' {
		return Value{}, Value{}, 0, false
	}
	member, next, ok = v.elem(skipSpace(s, i+1))
	return key, member, next, ok
}

// elem returns the value that stands at i, and where the next one stands.
func (v Value) elem(i int) (elem Value, next int, ok bool) {
	end, complete := skipValue(v.raw, i)
	if isCut(v.raw, i, end, complete) {
		return Value{}, 0, false
	}
	return Value{v.raw[i:end]}, skipComma(v.raw, end), true
}

// Text returns a string decoded, a number in the digits it was written with,
// and "" for everything else. The text is always valid UTF-8: what cannot be
// decoded becomes U+FFFD.
func (v Value) Text() string {
	switch {
	case v.IsNumber():
		return v.raw
	case !v.IsString():
		return ""
	}
	if inner := v.inner(); strings.IndexByte(inner, '\\') >= 0 {
		return unescape(inner)
	}
	return strings.ToValidUTF8(v.inner(), "\uFFFD")
}

// inner returns what stands between the quotes of a string, also of one that
// is cut off.
func (v Value) inner() string {
	if end, ok := skipString(v.raw, 0); ok {
		return v.raw[1 : end-1]
	}
	return v.raw[1:]
}

// unescape decodes the inside of a JSON string. Unlike encoding/json it takes
// raw line breaks, unknown escapes, and a string that is cut off inside one.
func unescape(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			r, size := utf8.DecodeRuneInString(s[i:])
			b.WriteRune(r)
			i += size
			continue
		}
		if i+1 == len(s) {
			break
		}
		i += 2
		switch c := s[i-1]; c {
		case 'b':
			b.WriteByte('\b')
		case 'f':
			b.WriteByte('\f')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case 'u':
			r, size := unescapeRune(s[i:])
			b.WriteRune(r)
			i += size
		default: // a quote, a backslash, a slash, and what should not be escaped
			i-- // the byte may be the first of several of one character
			r, size := utf8.DecodeRuneInString(s[i:])
			b.WriteRune(r)
			i += size
		}
	}
	return b.String()
}

// unescapeRune decodes the four digits after \u, and a second such escape
// where both are one character.
func unescapeRune(s string) (r rune, size int) {
	r, ok := hexRune(s)
	if !ok {
		return utf8.RuneError, 0 // what stands there is not lost, only not decoded
	}
	if !utf16.IsSurrogate(r) {
		return r, 4
	}
	if strings.HasPrefix(s[4:], `\u`) {
		if low, ok := hexRune(s[6:]); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, 10
			}
		}
	}
	return utf8.RuneError, 4
}

func hexRune(s string) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(s[:4], 16, 16)
	return rune(n), err == nil
}

// ID returns an identifier in its exact digits, whether the wire has it as a
// number or as a string; "" when it is neither, or is 0, or is a number such as
// 1.7841405793188E+16, whose last digits somebody has lost on the way.
func (v Value) ID() string {
	s := v.Text()
	if s == "0" || v.IsNumber() && strings.Trim(s, "0123456789") != "" {
		return ""
	}
	return s
}

// Int returns a whole number, which the wire may write as 7, "7", 7.0 or 7e0.
// A fraction is cut off. It reports false for anything else, and for numbers
// outside of int64.
func (v Value) Int() (int64, bool) {
	digits := v.number()
	if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
		return n, true
	}
	f, ok := v.Float()
	if !ok || f < math.MinInt64 || f >= math.MaxInt64 {
		return 0, false
	}
	return int64(f), true
}

// Float returns a number, which the wire may write as a string too.
func (v Value) Float() (float64, bool) {
	digits := v.number()
	if len(digits) == 0 || len(digits) > 64 {
		return 0, false
	}
	f, err := strconv.ParseFloat(digits, 64)
	return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
}

func (v Value) number() string {
	digits := v.raw
	if v.IsString() {
		digits = strings.TrimSpace(v.inner())
	}
	if !(Value{digits}).IsNumber() {
		return ""
	}
	for i := range len(digits) {
		if c := digits[i]; (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E' {
			return "" // strconv would read 0x10 and 1_000 too
		}
	}
	return digits
}

// Bool returns a truth value, which the wire may write as a string, as 1 or as
// 0 too; ok is false for anything else.
func (v Value) Bool() (value, ok bool) {
	switch v.raw {
	case `true`, `"true"`, `1`, `"1"`:
		return true, true
	case `false`, `"false"`, `0`, `"0"`:
		return false, true
	}
	return false, false
}

func (v Value) is(name string) bool { return v.IsString() && v.name() == name }

// name returns the text of a member's name, without a copy where it has no escapes.
func (v Value) name() string {
	if inner := v.inner(); strings.IndexByte(inner, '\\') < 0 {
		return inner
	}
	return v.Text()
}

// isCut reports whether the member of a container that stands at s[i:end] must
// not be read: there is none, or the body was cut off inside it. Of a container
// the part before the cut is still good; of 190 cut to 19 it is not.
func isCut(s string, i, end int, complete bool) bool {
	return end <= i || !isContainer(s[i]) && (!complete || end == len(s) && s[i] != '"')
}

func isContainer(c byte) bool { return c == '{' || c == '[' }

func skipSpace(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\n' || s[i] == '\t' || s[i] == '\r') {
		i++
	}
	return i
}

func skipComma(s string, i int) int {
	i = skipSpace(s, i)
	if i < len(s) && s[i] == ',' {
		i = skipSpace(s, i+1)
	}
	return i
}

// skipValue returns where the value that starts at i ends, and whether it was
// there to its end. What cannot start a value ends where it starts.
func skipValue(s string, i int) (end int, complete bool) {
	if i >= len(s) {
		return len(s), false
	}
	switch c := s[i]; {
	case c == '"':
		return skipString(s, i)
	case isContainer(c):
		return skipContainer(s, i)
	case c == '-' || c >= '0' && c <= '9' || c == 't' || c == 'f' || c == 'n':
		for i < len(s) && isScalar(s[i]) {
			i++
		}
		return i, true
	}
	return i, false
}

func skipString(s string, i int) (end int, complete bool) {
	for i++; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1, true
		}
	}
	return len(s), false
}

// skipContainer counts brackets rather than calling itself: a body of a
// million brackets must not grow the stack.
func skipContainer(s string, i int) (end int, complete bool) {
	for depth := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			end, ok := skipString(s, i)
			if !ok {
				return end, false
			}
			i = end - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1, true
			}
		}
	}
	return len(s), false
}

func isScalar(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.' || c == 'E'
}

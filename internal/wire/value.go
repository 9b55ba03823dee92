// Package wire reads what Meta's servers send: many JSON shapes in, one Go
// shape out. Nothing here trusts its input, and nothing fails a call because
// of a key or a type that it did not expect.
package wire

import (
	"bytes"
	"encoding/json"
	"iter"
	"math"
	"strconv"
)

// Value is one JSON value in the bytes in which it came; the zero Value is an
// absent one. It is read in place: only [Value.Text] allocates. A value that
// is cut off in the middle gives what stands before the cut.
type Value struct{ raw []byte }

// Parse returns the first JSON value in data, after a byte order mark and
// white space. What follows it is ignored. Data that is no JSON gives the zero
// Value.
func Parse(data []byte) Value {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
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

// Raw returns the bytes of the value, which the caller must not change.
func (v Value) Raw() []byte { return v.raw }

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
		if !v.IsObject() {
			return
		}
		b := v.raw
		for i := skipSpace(b, 1); i < len(b) && b[i] == '"'; {
			end, ok := skipValue(b, i)
			if !ok {
				return
			}
			key := Value{b[i:end]}
			i = skipSpace(b, end)
			if i >= len(b) || b[i] != ':' {
				return
			}
			i = skipSpace(b, i+1)
			end, ok = skipValue(b, i)
			if isCut(b, i, end, ok) {
				return
			}
			if !yield(key, Value{b[i:end]}) {
				return
			}
			i = skipComma(b, end)
		}
	}
}

// Elems yields the elements of an array; of anything else it yields nothing.
func (v Value) Elems() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if !v.IsArray() {
			return
		}
		b := v.raw
		for i := skipSpace(b, 1); i < len(b) && b[i] != ']'; {
			end, ok := skipValue(b, i)
			if isCut(b, i, end, ok) {
				return
			}
			if !yield(Value{b[i:end]}) {
				return
			}
			i = skipComma(b, end)
		}
	}
}

// Text returns a string decoded, a number in the digits it was written with,
// and "" for everything else.
func (v Value) Text() string {
	switch {
	case v.IsNumber():
		return string(v.raw)
	case !v.IsString():
		return ""
	case bytes.IndexByte(v.raw, '\\') < 0:
		return string(bytes.Trim(v.raw, `"`))
	}
	var s string
	if json.Unmarshal(v.raw, &s) != nil {
		return string(v.raw[1 : len(v.raw)-1])
	}
	return s
}

// ID returns an identifier in its exact digits, whether the wire has it as a
// number or as a string; "" when it is neither, or is 0.
func (v Value) ID() string {
	if s := v.Text(); s != "0" {
		return s
	}
	return ""
}

// Int returns a whole number, which the wire may write as 7, "7", 7.0 or 7e0.
// A fraction is cut off. It reports false for anything else, and for numbers
// outside of int64.
func (v Value) Int() (int64, bool) {
	digits := v.number()
	if n, err := strconv.ParseInt(string(digits), 10, 64); err == nil {
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
	f, err := strconv.ParseFloat(string(digits), 64)
	return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
}

func (v Value) number() []byte {
	digits := v.raw
	if v.IsString() && len(digits) >= 2 {
		digits = bytes.TrimSpace(digits[1 : len(digits)-1])
	}
	if !(Value{digits}).IsNumber() {
		return nil
	}
	return digits
}

// Bool returns a truth value, which the wire may write as a string too; ok is
// false for anything else.
func (v Value) Bool() (value, ok bool) {
	switch string(v.raw) {
	case `true`, `"true"`:
		return true, true
	case `false`, `"false"`:
		return false, true
	}
	return false, false
}

func (v Value) is(name string) bool {
	if len(v.raw) < 2 {
		return false
	}
	inner := v.raw[1 : len(v.raw)-1]
	return string(inner) == name || bytes.IndexByte(inner, '\\') >= 0 && v.Text() == name
}

// isCut reports whether the member of a container that stands at b[i:end] must
// not be read: there is none, or the body was cut off inside it. Of a container
// the part before the cut is still good; of 190 cut to 19 it is not.
func isCut(b []byte, i, end int, complete bool) bool {
	return end == i || !isContainer(b[i]) && (!complete || end == len(b) && b[i] != '"')
}

func isContainer(c byte) bool { return c == '{' || c == '[' }

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

func skipComma(b []byte, i int) int {
	i = skipSpace(b, i)
	if i < len(b) && b[i] == ',' {
		i = skipSpace(b, i+1)
	}
	return i
}

// skipValue returns where the value that starts at i ends, and whether it was
// there to its end. What cannot start a value ends where it starts.
func skipValue(b []byte, i int) (end int, complete bool) {
	if i >= len(b) {
		return len(b), false
	}
	switch c := b[i]; {
	case c == '"':
		return skipString(b, i)
	case isContainer(c):
		return skipContainer(b, i)
	case c == '-' || c >= '0' && c <= '9' || c == 't' || c == 'f' || c == 'n':
		for i < len(b) && isScalar(b[i]) {
			i++
		}
		return i, true
	}
	return i, false
}

func skipString(b []byte, i int) (end int, complete bool) {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1, true
		}
	}
	return len(b), false
}

// skipContainer counts brackets rather than calling itself: a body of a
// million brackets must not grow the stack.
func skipContainer(b []byte, i int) (end int, complete bool) {
	for depth := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			end, ok := skipString(b, i)
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
	return len(b), false
}

func isScalar(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.' || c == 'E'
}

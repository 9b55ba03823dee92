package wire

// This file answers: how is a large document read without looking at its
// bytes again for each level of nesting?

import (
	"bytes"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Cursor walks through a JSON document from front to back and looks at each
// byte once, where a [Value] looks at it once for each level above. It is for
// documents that are read as a whole:
//
//	c := wire.NewCursor(body)
//	for key := range c.Members {
//		switch string(key) {
//		case "id":
//			id = c.Value().ID()
//		case "list":
//			for range c.Elems {
//				…
//			}
//		} // what was not taken is passed over
//	}
//	if !c.Done() {
//		…
//	}
//
// A loop that is left early ends the walk: everything after it finds nothing.
// Like a Value it is no judge of JSON: it checks what it needs to find its way.
type Cursor struct {
	b       []byte
	at      int
	stopped bool
}

// NewCursor returns a cursor before the first value in data, after a byte
// order mark. The data must not change while the cursor or what it returned is used.
func NewCursor(data []byte) *Cursor {
	return &Cursor{b: bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))}
}

// Done reports whether the walk has come to the end of a document that was
// there to its end, with nothing but white space behind it.
func (c *Cursor) Done() bool { return !c.stopped && c.peek() == 0 && c.at == len(c.b) }

// Pos returns where the next value begins, for [Cursor.Since].
func (c *Cursor) Pos() int {
	c.peek()
	return c.at
}

// Since returns the bytes from a position to here.
func (c *Cursor) Since(pos int) []byte { return c.b[pos:c.at:c.at] }

// Raw takes the next value and returns its bytes, which must not be changed.
func (c *Cursor) Raw() []byte {
	start := c.Pos()
	c.skip()
	if c.stopped {
		return nil
	}
	return c.Since(start)
}

// Value takes the next value; the zero Value where it is cut off.
func (c *Cursor) Value() Value { return Parse(c.Raw()) }

// Text takes the next value and returns what [Value.Text] does.
func (c *Cursor) Text() string {
	raw := c.Raw()
	if len(raw) == 0 || raw[0] != '"' {
		return Parse(raw).Text()
	}
	return decodeText(raw[1 : len(raw)-1])
}

// ID takes the next value and returns what [Value.ID] does.
func (c *Cursor) ID() string {
	if s := c.Text(); s != "0" {
		return s
	}
	return ""
}

// IsObject reports whether the next value is an object.
func (c *Cursor) IsObject() bool { return c.peek() == '{' }

// IsArray reports whether the next value is an array.
func (c *Cursor) IsArray() bool { return c.peek() == '[' }

// Members yields the names in the object that comes next, each when its value
// comes next. Anything else than an object is passed over.
func (c *Cursor) Members(yield func(name []byte) bool) {
	for more := c.open('{', '}'); more; {
		name := c.name()
		if c.stopped {
			return
		}
		start := c.Pos()
		if !yield(name) {
			c.stopped = true
		}
		more = c.next(start, '}')
	}
}

// Elems calls yield for each element of the array that comes next, when that
// element comes next. Anything else than an array is passed over.
func (c *Cursor) Elems(yield func() bool) {
	for more := c.open('[', ']'); more; {
		start := c.Pos()
		if !yield() {
			c.stopped = true
		}
		more = c.next(start, ']')
	}
}

// open goes into a container, and reports whether there is something in it.
// What is no such container it passes over.
func (c *Cursor) open(bracket, closing byte) bool {
	if c.stopped || c.peek() != bracket {
		c.skip()
		return false
	}
	c.at++
	if c.peek() == closing {
		c.at++
		return false
	}
	return true
}

// next passes over the value at start if it was not taken, goes behind the
// comma, and reports whether the container has more. A comma too many does no harm.
func (c *Cursor) next(start int, closing byte) bool {
	if c.at == start {
		c.skip()
	}
	if c.stopped {
		return false
	}
	b := c.peek()
	if b == ',' {
		c.at++
		if b = c.peek(); b != closing {
			return true
		}
	}
	if b != closing {
		c.stopped = true
		return false
	}
	c.at++
	return false
}

// name takes a member's name and the colon behind it.
func (c *Cursor) name() []byte {
	start := c.at
	if c.peek() != '"' || !c.skipString() {
		c.stopped = true
		return nil
	}
	name := c.b[start+1 : c.at-1]
	if c.peek() != ':' {
		c.stopped = true
		return nil
	}
	c.at++
	if bytes.IndexByte(name, '\\') >= 0 {
		return []byte(decodeText(name))
	}
	return name
}

// peek returns the next byte that is no white space; 0 at the end.
func (c *Cursor) peek() byte {
	if c.at < len(c.b) && c.b[c.at] > ' ' {
		return c.b[c.at]
	}
	return c.peekFar()
}

func (c *Cursor) peekFar() byte {
	for ; c.at < len(c.b); c.at++ {
		switch b := c.b[c.at]; b {
		case ' ', '\n', '\t', '\r':
		default:
			return b
		}
	}
	return 0
}

// skip passes over the next value. Brackets are counted rather than followed:
// a body of a million brackets must not grow the stack.
func (c *Cursor) skip() {
	if c.stopped {
		return
	}
	c.peek()
	start := c.at
	for depth := 0; c.at < len(c.b); {
		switch b := c.b[c.at]; b {
		case '"':
			if !c.skipString() {
				c.stopped = true
				return
			}
		case '{', '[':
			depth++
			c.at++
		case '}', ']':
			if depth == 0 {
				c.stopped = c.stopped || c.at == start
				return
			}
			depth--
			c.at++
		case ' ', '\n', '\t', '\r', ',', ':':
			if depth == 0 { // only behind a scalar: others have returned
				c.stopped = c.stopped || c.at == start
				return
			}
			c.at++
			continue
		default:
			c.at++
			continue // a scalar ends at what follows it
		}
		if depth == 0 {
			return
		}
	}
	c.stopped = true // cut off inside; a document that is one bare scalar is of no use here
}

// skipString passes over the string that begins here. It searches for the
// quote, and not byte by byte, because texts and URLs are most of a document.
func (c *Cursor) skipString() bool {
	for at := c.at + 1; at < len(c.b); {
		quote := bytes.IndexByte(c.b[at:], '"')
		if quote < 0 {
			break
		}
		at += quote + 1
		backslashes := 0
		for i := at - 2; i > c.at && c.b[i] == '\\'; i-- {
			backslashes++
		}
		if backslashes%2 == 0 {
			c.at = at
			return true
		}
	}
	return false
}

// decodeText decodes the inside of a JSON string. It copies what stands
// between escapes as a whole: texts are long, and escapes few.
func decodeText(s []byte) string {
	escape := bytes.IndexByte(s, '\\')
	if escape < 0 && utf8.Valid(s) {
		return string(s)
	}
	var out strings.Builder
	out.Grow(len(s))
	for ; escape >= 0 && escape+1 < len(s); escape = bytes.IndexByte(s, '\\') {
		out.Write(s[:escape])
		switch b := s[escape+1]; b {
		case 'u':
			r, size := escapedRune(s[escape:])
			out.WriteRune(r)
			s = s[escape+size:]
			continue
		case 'b':
			out.WriteByte('\b')
		case 'f':
			out.WriteByte('\f')
		case 'n':
			out.WriteByte('\n')
		case 'r':
			out.WriteByte('\r')
		case 't':
			out.WriteByte('\t')
		default: // a quote, a backslash, a slash, and what should not be escaped
			out.WriteByte(b)
		}
		s = s[escape+2:]
	}
	out.Write(s)
	return strings.ToValidUTF8(out.String(), "\uFFFD")
}

// escapedRune decodes \uXXXX, and a second one where both are one character.
// What is no such escape is U+FFFD, and only its \u is taken.
func escapedRune(s []byte) (r rune, size int) {
	r = hexDigits(s)
	switch {
	case r < 0:
		return utf8.RuneError, 2
	case !utf16.IsSurrogate(r):
		return r, 6
	}
	if len(s) > 7 && s[6] == '\\' && s[7] == 'u' {
		if pair := utf16.DecodeRune(r, hexDigits(s[6:])); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return utf8.RuneError, 6
}

// hexDigits reads the four digits of \uXXXX; -1 when there are none.
func hexDigits(s []byte) rune {
	if len(s) < 6 {
		return -1
	}
	var r rune
	for _, b := range s[2:6] {
		switch {
		case b >= '0' && b <= '9':
			b -= '0'
		case b >= 'a' && b <= 'f':
			b -= 'a' - 10
		case b >= 'A' && b <= 'F':
			b -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(b)
	}
	return r
}

// How does Meta write JSON? With its own escapes and, here, in a fixed key order.

package instagramtest

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// object is a JSON object that keeps its key order.
type object []member

type member struct {
	key   string
	value any
}

// lexeme is written as it stands: a number whose digits matter.
type lexeme string

// with appends a member.
func (o object) with(key string, value any) object { return append(o, member{key, value}) }

// style is how one of Meta's servers writes JSON.
type style struct {
	spaced  bool // ", " and ": ", as api.instagram.com does; slashes stay bare
	slashes bool // \/, as Graph hosts do
}

func graphStyle() style { return style{slashes: true} }

func oauthStyle() style { return style{spaced: true} }

// text writes v in this style.
func (s style) text(v any) []byte { return s.append(make([]byte, 0, 256), v) }

// pretty spreads a text over lines, as Graph hosts do for browsers.
func pretty(text []byte) []byte {
	var out bytes.Buffer
	if err := json.Indent(&out, text, "", "   "); err != nil {
		return text
	}
	return out.Bytes()
}

func (s style) append(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case string:
		return s.quote(b, v)
	case lexeme:
		return append(b, v...)
	case bool:
		return strconv.AppendBool(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case object:
		b = append(b, '{')
		for i, m := range v {
			b = s.comma(b, i)
			b = s.quote(b, m.key)
			b = append(b, ':')
			if s.spaced {
				b = append(b, ' ')
			}
			b = s.append(b, m.value)
		}
		return append(b, '}')
	case []object:
		return appendList(b, s, v)
	case []string:
		return appendList(b, s, v)
	case []any:
		return appendList(b, s, v)
	default: // what a user of the fake put in
		text, err := json.Marshal(v)
		if err != nil {
			return append(b, "null"...)
		}
		return append(b, text...)
	}
}

func appendList[T any](b []byte, s style, list []T) []byte {
	b = append(b, '[')
	for i, v := range list {
		b = s.comma(b, i)
		b = s.append(b, v)
	}
	return append(b, ']')
}

func (s style) comma(b []byte, i int) []byte {
	switch {
	case i == 0:
		return b
	case s.spaced:
		return append(b, ", "...)
	default:
		return append(b, ',')
	}
}

func (s style) quote(b []byte, text string) []byte {
	const hex = "0123456789abcdef"
	escape := func(b []byte, r rune) []byte { // r fits sixteen bits
		return append(b, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
	}
	b = append(b, '"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '/' && s.slashes:
			b = append(b, '\\', '/')
		case r == '\n':
			b = append(b, '\\', 'n')
		case r < 0x20:
			b = escape(b, r)
		case r < utf8.RuneSelf:
			b = append(b, byte(r))
		case r > 0xffff:
			r -= 0x10000
			b = escape(b, 0xd800+r>>10)
			b = escape(b, 0xdc00+r&0x3ff)
		default:
			b = escape(b, r)
		}
	}
	return append(b, '"')
}

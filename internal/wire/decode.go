package wire

// This file answers: which text is in these bytes?

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxErrorBody is how much of an error body is read, compressed or not.
const MaxErrorBody = 64 << 10

// Decode returns the text of a body: inflated when it is gzip, labelled or
// not, or labelled deflate; as UTF-8 when it is UTF-16; without what some
// servers put before JSON. What cannot be inflated to its end gives what came
// before that. The result is at most [MaxErrorBody] long.
func Decode(body []byte, contentEncoding string) string {
	if len(body) > MaxErrorBody {
		body = body[:MaxErrorBody]
	}
	switch encoding := strings.ToLower(strings.TrimSpace(contentEncoding)); {
	case len(body) >= 2 && body[0] == 0x1f && body[1] == 0x8b:
		if r, err := gzip.NewReader(bytes.NewReader(body)); err == nil {
			body = inflate(r)
		}
	case encoding == "deflate" && len(body) > 0 && body[0] != '{':
		var r io.Reader = flate.NewReader(bytes.NewReader(body))
		if z, err := zlib.NewReader(bytes.NewReader(body)); err == nil {
			r = z
		}
		body = inflate(r)
	}
	if order := utf16Order(body); order != nil {
		return fromUTF16(body, order)
	}
	s := string(body)
	if strings.HasPrefix(s, "for") || strings.HasPrefix(s, "while") || strings.HasPrefix(s, ")]}") {
		if i := strings.IndexByte(s, '{'); i > 0 && i < 16 { // for (;;);{"error":…
			return s[i:]
		}
	}
	return s
}

func inflate(r io.Reader) []byte {
	b, _ := io.ReadAll(io.LimitReader(r, MaxErrorBody)) // a cut-off body is read up to the cut
	return b
}

func utf16Order(b []byte) binary.ByteOrder {
	if len(b) < 2 {
		return nil
	}
	switch {
	case b[0] == 0xff && b[1] == 0xfe, b[0] != 0 && b[1] == 0:
		return binary.LittleEndian
	case b[0] == 0xfe && b[1] == 0xff, b[0] == 0 && b[1] != 0:
		return binary.BigEndian
	}
	return nil
}

func fromUTF16(b []byte, order binary.ByteOrder) string {
	units := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		units = append(units, order.Uint16(b))
	}
	return strings.TrimPrefix(string(utf16.Decode(units)), "\uFEFF")
}

// Excerpt returns the beginning of what a page says, without its mark-up, in
// one line of at most n bytes.
func Excerpt(page string, n int) string {
	const look = 8 << 10
	if len(page) > look {
		page = page[:look]
	}
	var b strings.Builder
	for page != "" && b.Len() < n {
		text, rest, found := strings.Cut(page, "<")
		for word := range strings.FieldsSeq(text) {
			if b.Len() > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(clean(word))
			if b.Len() >= n {
				break
			}
		}
		if !found {
			break
		}
		page = afterTag(rest)
	}
	return Cut(b.String(), n)
}

// afterTag returns what follows a tag, or an element whose content is no text.
func afterTag(rest string) string {
	for _, e := range [...]struct{ begin, end string }{
		{"!--", "-->"}, {"script", "</script"}, {"SCRIPT", "</SCRIPT"}, {"style", "</style"}, {"STYLE", "</STYLE"},
	} {
		if !strings.HasPrefix(rest, e.begin) {
			continue
		}
		i := strings.Index(rest, e.end)
		if i < 0 {
			return ""
		}
		rest = rest[i+len(e.end)-1:]
		break
	}
	_, rest, _ = strings.Cut(rest, ">")
	return rest
}

// clean drops control characters and what is no UTF-8.
func clean(word string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return -1
		}
		return r
	}, word)
}

// Cut returns the first n bytes of s at most, cut between characters.
func Cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

package wire_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"io"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram/internal/wire"
)

const plain = `{"error":{"message":"weg – 無効","code":190}}`

func compress(tb testing.TB, body string, open func(io.Writer) io.WriteCloser) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := open(&b)
	_, err := io.WriteString(w, body)
	require.NoError(tb, err)
	require.NoError(tb, w.Close())
	return b.Bytes()
}

func toGzip(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }

func inUTF16(order binary.ByteOrder, mark bool, s string) []byte {
	units := utf16.Encode([]rune(s))
	if mark {
		units = append([]uint16{0xfeff}, units...)
	}
	b := make([]byte, 2*len(units))
	for i, u := range units {
		order.PutUint16(b[2*i:], u)
	}
	return b
}

func TestDecode(t *testing.T) {
	t.Parallel()
	gz := compress(t, plain, toGzip)
	for name, tt := range map[string]struct {
		body     []byte
		encoding string
	}{
		"plain":                         {[]byte(plain), ""},
		"gzip":                          {gz, "gzip"},
		"gzip, not labelled":            {gz, ""},
		"gzip, labelled as another":     {gz, "identity"},
		"labelled gzip, but plain":      {[]byte(plain), "gzip"},
		"labelled deflate, but plain":   {[]byte(plain), "deflate"},
		"zlib":                          {compress(t, plain, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }), "Deflate"},
		"deflate":                       {compress(t, plain, func(w io.Writer) io.WriteCloser { f, _ := flate.NewWriter(w, 9); return f }), "deflate"},
		"UTF-16 little":                 {inUTF16(binary.LittleEndian, true, plain), ""},
		"UTF-16 big":                    {inUTF16(binary.BigEndian, true, plain), ""},
		"UTF-16 little, without a mark": {inUTF16(binary.LittleEndian, false, plain), ""},
		"UTF-16 big, without a mark":    {inUTF16(binary.BigEndian, false, plain), ""},
		"behind for (;;);":              {[]byte("for (;;);" + plain), ""},
		"behind )]}'":                   {[]byte(")]}',\n" + plain), ""},
	} {
		assert.Equal(t, plain, wire.Decode(tt.body, tt.encoding), name) //nolint:testifylint // byte for byte
	}
	assert.Equal(t, "foreign words", wire.Decode([]byte("foreign words"), ""))
	assert.Empty(t, wire.Decode(nil, ""))
	assert.Contains(t, wire.Decode(gz[:len(gz)-9], "gzip"), `"message":"weg`, "what came before the cut")
	assert.NotPanics(t, func() { wire.Decode(gz[:12], "gzip") })

	bomb := compress(t, strings.Repeat("{", 8<<20), toGzip)
	assert.Len(t, wire.Decode(bomb, "gzip"), wire.MaxErrorBody)
	assert.Len(t, wire.Decode(bytes.Repeat([]byte("x"), 1<<20), ""), wire.MaxErrorBody)
}

func TestExcerpt(t *testing.T) {
	t.Parallel()
	for page, want := range map[string]string{
		`<html><head><title>Facebook | Error</title><style>#a { b: c }</style><script>var x = "<b>";</script></head><!-- <p>no</p> --><body><h1 id="sorry">Sorry,   something
 went wrong.</h1>`: "Facebook | Error Sorry, something went wrong.",
		"Too Many Requests\r\n":     "Too Many Requests",
		"":                          "",
		"<":                         "",
		"<script>endless":           "",
		"a<!-- endless":             "a",
		"\x00\x01bin\xff\xfe\x1b[m": "bin[m",
	} {
		assert.Equal(t, want, wire.Excerpt(page, 100))
	}
	long := wire.Excerpt(strings.Repeat("日本 ", 10000), 100)
	assert.LessOrEqual(t, len(long), 100)
	assert.True(t, utf8.ValidString(long))
	assert.Empty(t, wire.Excerpt(strings.Repeat("<script></script>", 1000)+"x", 0))
}

func TestChallenge(t *testing.T) {
	t.Parallel()
	for header, want := range map[string][2]string{
		`OAuth "Facebook Platform" "invalid_token" "Invalid OAuth access token."`:    {"invalid_token", "Invalid OAuth access token."},
		`OAuth "Facebook Platform" "invalid_request" "Only "code" is allowed"`:       {"invalid_request", `Only "code" is allowed`},
		`OAuth "Facebook Platform" "insufficient_scope"`:                             {"insufficient_scope", ""},
		`OAuth "Facebook Platform" "unfinished`:                                      {"", ""},
		`Bearer realm="x", error="invalid_token", error_description="It is expired"`: {"invalid_token", "It is expired"},
		`Basic realm="proxy"`: {"", ""},
		``:                    {"", ""},
	} {
		name, text := wire.Challenge(header)
		assert.Equal(t, want, [2]string{name, text}, header)
	}
}

func TestFindErrorTakesNoSuccessForAnError(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		``, `null`, `true`, `7`, `"text"`, `[]`, `{}`, `{"id":"1"}`, `{"success":true}`, `{"data":[]}`,
		`{"data":{"is_valid":false,"error":{"code":190,"message":"x"}}}`, `[{"code":400,"body":"{\"error\":{\"code\":190}}"}]`,
		`{"error":null}`, `{"error":{}}`, `{"error":""}`, `{"error":false}`, `{"error":{"details":"x"}}`,
		`{"status_code":"ERROR","status":"Error: Media upload has failed with error code 2207026","id":"1"}`,
		`{"code":"AQBx"}`, `{"error_message":"none"}`, `{"meta":{"code":200},"data":[]}`, `{"errors":[{"message":"one of many"}],"data":[]}`,
		`{"name":"error","message":"hi","type":"x"}`, `{"debug_info":"x"}`, `{"error_code":0}`,
	} {
		assert.Equal(t, wire.NoForm, wire.FindError(wire.ParseString(body), true).Form, body)
	}
	for body, form := range map[string]wire.Form{
		plain:                                       wire.GraphForm,
		`{"id":"1","error":{"message":"x"}}`:        wire.GraphForm,
		`{"error_type":"x","error_message":"y"}`:    wire.FlatForm,
		`{"code":400,"error_message":"y"}`:          wire.FlatForm,
		`{"error":"invalid_grant"}`:                 wire.OAuthForm,
		`{"meta":{"error_type":"x","code":400}}`:    wire.LegacyForm,
		`{"debug_info":{"type":"x","message":"y"}}`: wire.UploadForm,
		`{"\u0065rror":"a name that is escaped"}`:   wire.OAuthForm,
	} {
		assert.Equal(t, form, wire.FindError(wire.ParseString(body), true).Form, body)
	}
}

func FuzzErrorBody(f *testing.F) {
	for _, s := range []string{
		plain, `{"error_type":"OAuthException","code":400,"error_message":"x"}`, `{"error":"invalid_grant","error_description":"x"}`,
		`{"meta":{"error_type":"x","code":400,"error_message":"y"}}`, `{"debug_info":{"retriable":true,"type":"x","message":"y"}}`,
		`[{"error":{"code":1}}]`, `"{\"error\":{\"code\":1}}"`, `for (;;);{"error":{"code":1}}`, "<html><script>x</script>y",
	} {
		f.Add([]byte(s), "")
		f.Add(compress(f, s, toGzip), "gzip")
		f.Add(inUTF16(binary.LittleEndian, true, s), "")
	}
	f.Fuzz(func(t *testing.T, body []byte, encoding string) {
		text := wire.Decode(body, encoding)
		assert.LessOrEqual(t, len(text), 3*wire.MaxErrorBody/2)
		v := wire.ParseString(text)
		e := wire.FindError(v, false)
		assert.True(t, utf8.ValidString(e.Message+e.Type+e.UserTitle+e.UserMessage+e.TraceID))
		assert.False(t, e.Transient && e.NotTransient)
		if strict := wire.FindError(v, true); strict.Form != wire.NoForm {
			assert.Equal(t, strict, e, "what is an error to the strict is one to the lenient")
		}
		assert.LessOrEqual(t, len(wire.Excerpt(text, 200)), 200)
	})
}

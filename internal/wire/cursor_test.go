package wire

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCursorWalksFrontToBack(t *testing.T) {
	t.Parallel()
	c := NewCursor([]byte("\xef\xbb\xbf" + ` {"a":[1,"x\"]",{"deep":[[]]},null], "id" : 17841405793187641 , "s":"\u00e4\/\ud83d\ude00\n", "o":{"k":"v"}, "z":true } `))
	var elems, keys []string
	var id, text, inner string
	for key := range c.Members {
		keys = append(keys, string(key))
		switch string(key) {
		case "a":
			for range c.Elems {
				elems = append(elems, string(c.Raw()))
			}
		case "id":
			id = c.ID()
		case "s":
			text = c.Text()
		case "o":
			start := c.Pos()
			for range c.Members {
				inner = c.Text()
			}
			elems = append(elems, string(c.Since(start)))
		}
	}
	assert.True(t, c.Done())
	assert.Equal(t, []string{"a", "id", "s", "o", "z"}, keys)
	assert.Equal(t, []string{"1", `"x\"]"`, `{"deep":[[]]}`, "null", `{"k":"v"}`}, elems)
	assert.Equal(t, "17841405793187641", id)
	assert.Equal(t, "ä/😀\n", text)
	assert.Equal(t, "v", inner)
}

func TestCursorStopsAtWhatIsNoJSON(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing":                        ``,
		"white space":                    " \n",
		"cut inside a string":            `{"a":"b`,
		"cut inside a container":         `{"a":[1,2`,
		"cut inside a number":            `{"a":12`,
		"cut behind a name":              `{"a"`,
		"no comma":                       `{"a":1 "b":2}`,
		"brackets that do not match":     `{"a":[1}`,
		"a closing bracket too many":     `{"a":1}]`,
		"something behind the end":       `{"a":1}{"b":2}`,
		"a name that is no string":       `{1:2}`,
		"no value":                       `{"a":}`,
		"a quote that is only escaped":   `{"a":"b\"}`,
		"a thousand brackets, none shut": strings.Repeat("[", 1000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := NewCursor([]byte(text))
			for range c.Members {
				c.Raw()
			}
			assert.False(t, c.Done())
		})
	}
}

func TestCursorLoopLeftEarlyEndsTheWalk(t *testing.T) {
	t.Parallel()
	c := NewCursor([]byte(`{"a":1,"b":2}`))
	n := 0
	for range c.Members {
		n++
		break
	}
	for range c.Members {
		n++
	}
	assert.Equal(t, 1, n)
	assert.False(t, c.Done())
	assert.Empty(t, c.Raw())
}

// walk builds what encoding/json would, from a cursor.
func walk(c *Cursor) any {
	switch {
	case c.IsObject():
		m := map[string]any{}
		for key := range c.Members {
			name := string(key)
			m[name] = walk(c)
		}
		return m
	case c.IsArray():
		list := []any{}
		for range c.Elems {
			list = append(list, walk(c))
		}
		return list
	case c.peek() == '"':
		return c.Text()
	}
	return json.RawMessage(c.Raw())
}

func plain(t require.TestingT, v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, member := range v {
			v[key] = plain(t, member)
		}
	case []any:
		for i, elem := range v {
			v[i] = plain(t, elem)
		}
	case json.RawMessage:
		var out any
		d := json.NewDecoder(strings.NewReader(string(v)))
		d.UseNumber()
		require.NoError(t, d.Decode(&out))
		return out
	}
	return v
}

// FuzzCursor: it never panics, and of an object that is valid JSON it sees
// what encoding/json sees.
func FuzzCursor(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":[1,-2.5e3,"x\"]",{"b":null}],"c":true}`, `{"\u00e4":"\ud83d\ude00\ud83d \\","":" "}`,
		`{"a":1,"a":2}`, `{"a":"b\"}`, `[{"a":[[[]]]}]`, "{\"a\":\"\xff\"}", `{"a":1}x`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := NewCursor(data)
		if !c.IsObject() && !c.IsArray() {
			c.Raw()
			return
		}
		got := walk(c)
		if !json.Valid(data) || !utf8.Valid(data) { // of bytes that are no text, only U+FFFD is left, in whatever number
			return
		}
		require.True(t, c.Done(), "%q", data)
		var want any
		d := json.NewDecoder(strings.NewReader(string(data)))
		d.UseNumber()
		if d.Decode(&want) != nil {
			return
		}
		require.Equal(t, want, plain(t, got), "%q", data)
	})
}

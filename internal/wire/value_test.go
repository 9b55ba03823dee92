package wire_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram/internal/wire"
)

func TestValueText(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`"plain"`:                        "plain",
		`""`:                             "",
		`"a\/b\"c\\d\n\t\r\b\f"`:         "a/b\"c\\d\n\t\r\b\f",
		`"\u0069\u00e9\u65e5"`:           "ié日",
		`"\ud83d\ude42!"`:                "🙂!",
		`"\ud83d!"`:                      "\uFFFD!",
		`"\ud83d\u0041"`:                 "\uFFFDA",
		`"\u12"`:                         "\uFFFD12",
		`"\x\é"`:                         "xé",
		"\"two\nlines\"":                 "two\nlines",
		"\"\xff\xfe\"":                   "\uFFFD",
		`"cut off`:                       "cut off",
		`"cut off \`:                     "cut off ",
		`"cut off \u00`:                  "cut off \uFFFD00",
		`"`:                              "",
		`17841405793187219`:              "17841405793187219",
		`-1.5e3`:                         "-1.5e3",
		`true`:                           "",
		`null`:                           "",
		`{}`:                             "",
		``:                               "",
		"\xef\xbb\xbf \t\r\n \"spaced\"": "spaced",
	} {
		got := wire.ParseString(raw).Text()
		assert.Equal(t, want, got, "%q", raw)
		assert.Equal(t, got, wire.Parse([]byte(raw)).Text())
	}
}

func TestValueNumbers(t *testing.T) {
	t.Parallel()
	type number struct {
		n  int64
		ok bool
	}
	for raw, want := range map[string]number{
		`7`: {7, true}, `"7"`: {7, true}, `" 7 "`: {7, true}, `7.0`: {7, true}, `7.9`: {7, true}, `"7e2"`: {700, true}, `-7`: {-7, true},
		`9223372036854775807`: {math.MaxInt64, true}, `-9223372036854775808`: {math.MinInt64, true},
		`9223372036854775808`: {}, `1e19`: {}, `1e999`: {}, `""`: {}, `"x"`: {}, `"0x10"`: {}, `"1_000"`: {}, `"NaN"`: {}, `"Infinity"`: {},
		`null`: {}, `true`: {}, `[7]`: {}, ``: {}, `-`: {}, `"7 8"`: {},
	} {
		n, ok := wire.ParseString(raw).Int()
		assert.Equal(t, want, number{n, ok}, "%q", raw)
	}
	f, ok := wire.ParseString(`"9.67"`).Float()
	assert.True(t, ok)
	assert.InDelta(t, 9.67, f, 0)
	_, ok = wire.ParseString(strings.Repeat("9", 100)).Float()
	assert.False(t, ok)
}

func TestValueBool(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string][2]bool{
		`true`: {true, true}, `"true"`: {true, true}, `1`: {true, true}, `"1"`: {true, true},
		`false`: {false, true}, `"false"`: {false, true}, `0`: {false, true}, `"0"`: {false, true},
		`null`: {}, `"yes"`: {}, `[]`: {}, ``: {},
	} {
		value, ok := wire.ParseString(raw).Bool()
		assert.Equal(t, want, [2]bool{value, ok}, "%q", raw)
	}
}

func TestValueID(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`17841405793187219`: "17841405793187219", `"17841405793187219"`: "17841405793187219",
		`0`: "", `"0"`: "", `null`: "", `{}`: "",
		`1.7841405793188E+16`: "", `-1`: "", `17841405793187219.0`: "", `"me_1.5"`: "me_1.5",
	} {
		assert.Equal(t, want, wire.ParseString(raw).ID(), raw)
	}
}

func TestValueContainers(t *testing.T) {
	t.Parallel()
	v := wire.ParseString(`{"a":{"b":[1,"two",{"c":3},[],null]},"a\u0062":5,"a":{"b":[9]},"e":{}} trailing`)
	assert.True(t, v.IsObject())
	assert.True(t, v.Complete())
	assert.Equal(t, "[9]", v.Get("a", "b").RawString(), "of a name that is there twice, the last counts")
	assert.Equal(t, "5", v.Get("ab").Text(), "an escaped name is a name")
	assert.False(t, v.Get("a", "x", "y").Exists())
	assert.False(t, v.Get("missing").Exists())
	var names []string
	for key, member := range v.Members() {
		names = append(names, key.Text()+"="+member.RawString())
	}
	assert.Equal(t, []string{`a={"b":[1,"two",{"c":3},[],null]}`, "ab=5", `a={"b":[9]}`, "e={}"}, names)
	var elems []string
	for elem := range wire.ParseString(`[1, "two" ,{"c":3},[],null]`).Elems() {
		elems = append(elems, elem.RawString())
	}
	assert.Equal(t, []string{"1", `"two"`, `{"c":3}`, "[]", "null"}, elems)
	for range v.Members() {
		break // a loop may end early
	}
	for range wire.ParseString(`7`).Elems() {
		t.Error("a number has no elements")
	}
	raw := v.Get("e").Raw()
	raw[0] = 'x'
	assert.Equal(t, "{}", v.Get("e").RawString(), "Raw is a copy")
}

func TestValueCutOff(t *testing.T) {
	t.Parallel()
	const whole = `{"error":{"code":190,"error_subcode":463,"message":"gone","list":[1,23]}}`
	for n := range whole {
		v := wire.ParseString(whole[:n])
		assert.False(t, v.Complete() && v.IsObject(), "%q", whole[:n])
		code, ok := v.Get("error", "code").Int()
		assert.True(t, !ok || code == 190, "%q: a number that is cut off is no number", whole[:n])
		if m := v.Get("error", "message"); m.Exists() {
			assert.Equal(t, "gone", m.Text(), "%q", whole[:n])
		}
	}
	assert.True(t, wire.ParseString(whole).Complete())
}

func TestValueDoesNotAllocate(t *testing.T) {
	const body = `{"error":{"message":"Application request limit reached","code":4,"error_subcode":2207051}}`
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		v := wire.ParseString(body).Get("error")
		_, _ = v.Get("code").Int()
		_ = v.Get("message").Text()
	}))
}

func TestDeepNestingIsNoRecursion(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 1<<20)
	v := wire.ParseString(deep)
	assert.True(t, v.IsArray())
	assert.False(t, v.Complete())
	assert.True(t, wire.ParseString(deep+strings.Repeat("]", 1<<20)).Complete())
}

func FuzzValue(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,"x",null,true,{"b":-1.5e3}],"\u0061":"\ud83d\ude42\/"}`, `{"a":1,"a":2}`, `[[[`, `{"a`, `"\`, `"\u12`, "\xef\xbb\xbf{}",
		`{"access_token":"IGAA","user_id":17841405793187219,"permissions":"a,b"}`, `{"a":nul`, `{:}`, `{"a" "b"}`, `[,]`, `{"a":1,,"b":2}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v := wire.ParseString(s)
		assert.Contains(t, s, v.RawString())
		checkValue(t, v, 0)

		var want map[string]json.RawMessage
		if !v.IsObject() || json.Unmarshal([]byte(v.RawString()), &want) != nil || !utf8.ValidString(s) {
			return
		}
		got := map[string]string{} // on valid JSON, what encoding/json sees
		for key, member := range v.Members() {
			got[key.Text()] = member.RawString()
		}
		require.Len(t, got, len(want))
		for key, raw := range want {
			assert.Equal(t, string(raw), got[key])
			var text string
			if json.Unmarshal(raw, &text) == nil && raw[0] == '"' {
				assert.Equal(t, text, wire.ParseString(got[key]).Text())
			}
		}
	})
}

func checkValue(t *testing.T, v wire.Value, depth int) {
	t.Helper()
	assert.True(t, utf8.ValidString(v.Text()))
	assert.LessOrEqual(t, len(v.Text()), 3*len(v.RawString()))
	if id := v.ID(); v.IsNumber() && id != "" {
		assert.Equal(t, v.RawString(), id, "an ID keeps its digits")
	}
	_, _ = v.Int()
	_, _ = v.Float()
	_, _ = v.Bool()
	if depth > 3 {
		return
	}
	for key, member := range v.Members() {
		assert.True(t, key.IsString())
		checkValue(t, member, depth+1)
	}
	for elem := range v.Elems() {
		checkValue(t, elem, depth+1)
	}
}

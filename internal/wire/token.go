package wire

import (
	"bytes"
	"net/url"
	"strings"
	"unicode"
)

// Token is the answer of a token endpoint, in any of its shapes: flat or
// wrapped in data, with numbers as strings and strings as numbers, and
// form-encoded as before Graph API v2.3.
type Token struct {
	AccessToken string
	Type        string
	UserID      string // exact digits; "" when absent
	ExpiresIn   int64  // seconds
	HasExpiry   bool   // an absent expires_in is not 0
	Permissions []string
	IDToken     string
}

// DecodeToken reads a token answer; ok is false when it has no access token.
// What it was got for is spent, so no shape is given up on.
func DecodeToken(body []byte) (t Token, ok bool) {
	v := Parse(body)
	if !v.IsObject() && !v.IsArray() {
		v = ParseString(Decode(body, "")) // in UTF-16, or behind what must not be scripted
	}
	if v.IsString() { // JSON inside of JSON
		v = ParseString(v.Text())
	}
	if v = Unwrap(v); !v.IsObject() {
		return decodeForm(body)
	}
	for key, member := range v.Members() {
		switch {
		case key.is("access_token"):
			if member.IsString() {
				t.AccessToken = strings.TrimSpace(member.Text())
			}
		case key.is("token_type"):
			t.Type = member.Text()
		case key.is("user_id"):
			t.UserID = member.ID()
		case key.is("expires_in"), key.is("expires"):
			t.ExpiresIn, t.HasExpiry = member.Int()
		case key.is("permissions"), key.is("granted_scopes"):
			t.Permissions = member.Names()
			if t.Permissions == nil && member.IsArray() && member.first('[') == len(member.raw)-1 {
				t.Permissions = []string{} // none granted, which is not "not told"
			}
		case key.is("id_token"):
			t.IDToken = member.Text()
		}
	}
	return t, t.AccessToken != ""
}

func decodeForm(body []byte) (t Token, ok bool) {
	if !bytes.HasPrefix(bytes.TrimSpace(body), []byte("access_token=")) {
		return Token{}, false
	}
	form, err := url.ParseQuery(string(bytes.TrimSpace(body)))
	if err != nil {
		return Token{}, false
	}
	expires := form.Get("expires_in") + form.Get("expires")
	t = Token{AccessToken: form.Get("access_token"), Type: form.Get("token_type")}
	t.ExpiresIn, t.HasExpiry = Parse([]byte(expires)).Int()
	return t, t.AccessToken != ""
}

// Unwrap returns what a {"data":…} or {"data":[…]} envelope holds, or a bare
// list: the first object where it is a list, and v itself where there is none.
func Unwrap(v Value) Value {
	data := v.Get("data")
	if v.IsArray() {
		data = v
	}
	if data.IsObject() {
		return data
	}
	for elem := range data.Elems() {
		if elem.IsObject() {
			return elem
		}
	}
	return v
}

// Names returns a list of names, which the wire writes as an array or as one
// string with commas or blanks between them.
func (v Value) Names() []string {
	if v.IsString() {
		return strings.FieldsFunc(v.Text(), func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
	}
	var names []string
	for e := range v.Elems() {
		if name := e.Text(); name != "" {
			names = append(names, name)
		}
	}
	return names
}

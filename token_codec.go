package instagram

// This file answers: how is a token written down, and read back, without
// losing or printing any of it?

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// tokenFormat is the version of the written form. It grows when an older
	// program would misread what a newer one writes, not for a further field.
	tokenFormat = 1

	// MaxTokenSize is the most bytes that a token or a record takes in its
	// written form; a longer one is neither written nor read. Meta's tokens
	// have a few hundred, sealing adds a third.
	MaxTokenSize = 256 << 10
)

// TokenFormatError says why a token could not be written down or read back.
// It holds nothing of the token.
type TokenFormatError struct {
	Reason string
}

// Error returns the reason.
func (e *TokenFormatError) Error() string { return "instagram: stored token: " + e.Reason }

// writtenToken is the JSON form. Field names are settled: stores hold years of them.
type writtenToken struct {
	Version             int       `json:"v"`
	AccessToken         string    `json:"access_token"`
	Login               string    `json:"login"`
	Kind                string    `json:"kind"`
	AccountID           string    `json:"account_id,omitempty"`
	AppScopedID         string    `json:"app_scoped_id,omitempty"`
	Username            string    `json:"username,omitempty"`
	PageID              string    `json:"page_id,omitempty"`
	PageToken           string    `json:"page_token,omitempty"`
	Scopes              []Scope   `json:"scopes,omitzero"` // [] is "none granted", absent is "not known"
	GrantedAt           time.Time `json:"granted_at,omitzero"`
	ObtainedAt          time.Time `json:"obtained_at,omitzero"`
	ExpiresAt           time.Time `json:"expires_at,omitzero"`
	Permanent           bool      `json:"permanent,omitempty"`
	DataAccessExpiresAt time.Time `json:"data_access_expires_at,omitzero"`
}

type writtenRecord struct {
	Version   int             `json:"v"`
	AppID     string          `json:"app_id"`
	AccountID string          `json:"account_id"`
	State     string          `json:"state"`
	Reason    string          `json:"reason,omitempty"`
	Fails     int             `json:"fails,omitempty"`
	DueAt     time.Time       `json:"due_at,omitzero"`
	Revision  Revision        `json:"revision,string"` // a string: 2⁶² does not survive every JSON reader
	Token     json.RawMessage `json:"token"`
}

// MarshalToken returns the token as JSON with its secrets in clear. It is the
// one function that does: it is for stores, and what it returns belongs into
// nothing else. [UnmarshalToken] reads it back: every field, times to the
// nanosecond in UTC. A token that would not come back as it was, one that is
// empty or redacted for example, gives a [*TokenFormatError].
func MarshalToken(t *Token) ([]byte, error) {
	w, err := writeToken(t)
	if err != nil {
		return nil, err
	}
	return marshalBounded(w, t.further)
}

// UnmarshalToken reads what [MarshalToken] wrote. Fields that it does not know,
// which a newer program may have added, go with the token, and are written
// again: while a fleet changes its version, the older programs take nothing from
// the newer. Everything else gives a [*TokenFormatError].
func UnmarshalToken(data []byte) (*Token, error) {
	var w writtenToken
	further, err := unmarshalBounded(data, &w)
	if err != nil {
		return nil, err
	}
	t, err := readToken(&w)
	if err != nil {
		return nil, err
	}
	t.further = further
	return t, nil
}

// MarshalRecord returns the whole record as JSON with its secrets in clear,
// for stores that keep it in one piece. See [MarshalToken].
func MarshalRecord(r *Record) ([]byte, error) {
	if r == nil || r.Token == nil {
		return nil, &TokenFormatError{"there is no token"}
	}
	t, err := MarshalToken(r.Token)
	if err != nil {
		return nil, err
	}
	state, err := writeName(r.State, stateNames())
	if err != nil {
		return nil, err
	}
	if err := checkText("key or reason", r.Key.AppID, r.Key.AccountID, r.Reason); err != nil {
		return nil, err
	}
	w := writtenRecord{
		Version: tokenFormat, AppID: r.Key.AppID, AccountID: r.Key.AccountID, State: state, Reason: r.Reason,
		Fails: r.Fails, DueAt: r.DueAt, Revision: r.Revision, Token: t,
	}
	if err := writeTimes(&w.DueAt); err != nil {
		return nil, err
	}
	return marshalBounded(&w, r.further)
}

// UnmarshalRecord reads what [MarshalRecord] wrote. See [UnmarshalToken].
func UnmarshalRecord(data []byte) (*Record, error) {
	var w writtenRecord
	further, err := unmarshalBounded(data, &w)
	if err != nil {
		return nil, err
	}
	if err := checkFormat(w.Version); err != nil {
		return nil, err
	}
	if w.Token == nil {
		return nil, &TokenFormatError{"there is no token"}
	}
	t, err := UnmarshalToken(w.Token)
	if err != nil {
		return nil, err
	}
	state, err := readName[RecordState](w.State, stateNames())
	if err != nil {
		return nil, err
	}
	return &Record{
		Key: TokenKey{AppID: w.AppID, AccountID: w.AccountID}, Token: t, State: state, Reason: w.Reason,
		Fails: w.Fails, DueAt: w.DueAt.UTC(), Revision: w.Revision, further: further,
	}, nil
}

func writeToken(t *Token) (*writtenToken, error) {
	switch {
	case t == nil || t.AccessToken.IsZero():
		return nil, &TokenFormatError{"there is no token"}
	case t.AccessToken.Reveal() == redacted || t.PageToken.Reveal() == redacted:
		return nil, &TokenFormatError{"it is redacted: its value was lost before"}
	}
	login, err := writeName(t.Login, loginNames())
	if err != nil {
		return nil, err
	}
	kind, err := writeName(t.Kind, kindNames())
	if err != nil {
		return nil, err
	}
	w := &writtenToken{
		Version: tokenFormat, AccessToken: t.AccessToken.Reveal(), Login: login, Kind: kind,
		AccountID: t.AccountID, AppScopedID: t.AppScopedID, Username: t.Username,
		PageID: t.PageID, PageToken: t.PageToken.Reveal(), Scopes: t.Scopes,
		GrantedAt: t.GrantedAt, ObtainedAt: t.ObtainedAt, ExpiresAt: t.ExpiresAt, Permanent: t.Permanent,
		DataAccessExpiresAt: t.DataAccessExpiresAt,
	}
	if err := checkText("field", w.AccessToken, w.AccountID, w.AppScopedID, w.Username, w.PageID, w.PageToken); err != nil {
		return nil, err
	}
	for _, scope := range t.Scopes {
		if err := checkText("scope", string(scope)); err != nil {
			return nil, err
		}
	}
	return w, writeTimes(&w.GrantedAt, &w.ObtainedAt, &w.ExpiresAt, &w.DataAccessExpiresAt)
}

func readToken(w *writtenToken) (*Token, error) {
	if err := checkFormat(w.Version); err != nil {
		return nil, err
	}
	switch {
	case w.AccessToken == "":
		return nil, &TokenFormatError{"there is no token"}
	case w.AccessToken == redacted || w.PageToken == redacted:
		return nil, &TokenFormatError{"it is redacted: json.Marshal wrote it instead of MarshalToken, and its value is lost"}
	}
	login, err := readName[Login](w.Login, loginNames())
	if err != nil {
		return nil, err
	}
	kind, err := readName[TokenKind](w.Kind, kindNames())
	if err != nil {
		return nil, err
	}
	return &Token{
		AccessToken: NewSecret(w.AccessToken), Login: login, Kind: kind,
		AccountID: w.AccountID, AppScopedID: w.AppScopedID, Username: w.Username,
		PageID: w.PageID, PageToken: NewSecret(w.PageToken), Scopes: w.Scopes,
		GrantedAt: w.GrantedAt.UTC(), ObtainedAt: w.ObtainedAt.UTC(), ExpiresAt: w.ExpiresAt.UTC(), Permanent: w.Permanent,
		DataAccessExpiresAt: w.DataAccessExpiresAt.UTC(),
	}, nil
}

// Names of what is a number in memory; a number on disk would change its
// meaning with the next constant in the middle. Each stands at its own index.
func loginNames() []string { return []string{"instagram", "facebook"} }
func kindNames() []string  { return []string{"short_lived", "long_lived", "page", "system_user"} }
func stateNames() []string {
	return []string{"alive", "needs_login", "waiting_for_person", "deauthorized"}
}

func writeName[T ~uint8](v T, names []string) (string, error) {
	if int(v) >= len(names) {
		return "", &TokenFormatError{fmt.Sprintf("%T(%d) has no name", v, uint8(v))}
	}
	return names[v], nil
}

func readName[T ~uint8](name string, names []string) (T, error) {
	i := slices.Index(names, name)
	if i < 0 {
		return 0, &TokenFormatError{fmt.Sprintf("its %T is none of %q", T(0), names)} // name itself may be anything
	}
	return T(i), nil
}

// checkText refuses what JSON would silently replace by U+FFFD.
func checkText(what string, values ...string) error {
	for _, v := range values {
		if !utf8.ValidString(v) {
			return &TokenFormatError{"a " + what + " is not UTF-8"}
		}
	}
	return nil
}

// writeTimes makes times what they will be when they are read back.
func writeTimes(times ...*time.Time) error {
	for _, t := range times {
		*t = t.Round(0).UTC() // without the monotonic clock, which no other process has
		if y := t.Year(); y < 0 || y > 9999 {
			return &TokenFormatError{"a time is out of range"}
		}
	}
	return nil
}

func checkFormat(version int) error {
	switch {
	case version == 0:
		return &TokenFormatError{"it has no format version: MarshalToken did not write it"}
	case version != tokenFormat:
		return &TokenFormatError{fmt.Sprintf("it has format version %d, this program reads %d", version, tokenFormat)}
	}
	return nil
}

// marshalBounded writes v, and behind its fields those that unmarshalBounded did not know.
func marshalBounded(v any, further Secret) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, &TokenFormatError{"it cannot be written as JSON"}
	}
	data := bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
	if !further.IsZero() {
		data = append(append(data[:len(data)-1], further.Reveal()...), '}')
	}
	if len(data) > MaxTokenSize {
		return nil, &TokenFormatError{fmt.Sprintf("it takes %d bytes, more than %d", len(data), MaxTokenSize)}
	}
	return data, nil
}

// unmarshalBounded returns the fields that into does not have. It keeps the
// errors of encoding/json to itself, for they quote pieces of what they could not read.
func unmarshalBounded(data []byte, into any) (further Secret, err error) {
	if len(data) > MaxTokenSize {
		return Secret{}, &TokenFormatError{fmt.Sprintf("it takes %d bytes, more than %d", len(data), MaxTokenSize)}
	}
	if !utf8.Valid(data) {
		return Secret{}, &TokenFormatError{"it is not UTF-8"}
	}
	strict := json.NewDecoder(bytes.NewReader(data))
	strict.DisallowUnknownFields()
	if strict.Decode(into) == nil && strict.InputOffset() == int64(len(data)) {
		return Secret{}, nil // as nearly always
	}
	reflect.ValueOf(into).Elem().SetZero() // what was read so far
	if err := unmarshalError(json.Unmarshal(data, into), len(data)); err != nil {
		return Secret{}, err
	}
	return furtherFields(data, into), nil
}

// furtherFields returns those fields of a JSON object that into, a pointer to
// a struct, does not have, in the form that marshalBounded adds.
func furtherFields(data []byte, into any) Secret {
	var all map[string]json.RawMessage
	_ = json.Unmarshal(data, &all) // it was read before
	for field := range reflect.TypeOf(into).Elem().Fields() {
		known, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		maps.DeleteFunc(all, func(name string, _ json.RawMessage) bool { return strings.EqualFold(name, known) }) // as encoding/json compares
	}
	var further strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		quoted, _ := json.Marshal(name) // a string always can be
		further.WriteString("," + string(quoted) + ":" + string(all[name]))
	}
	return NewSecret(further.String())
}

func unmarshalError(err error, size int) error {
	if mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return &TokenFormatError{fmt.Sprintf("field %q has another type", mismatch.Field)}
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return &TokenFormatError{fmt.Sprintf("it is broken after %d of %d bytes", syntax.Offset, size)}
	}
	if err != nil {
		return &TokenFormatError{"it is not the JSON that MarshalToken writes"}
	}
	return nil
}

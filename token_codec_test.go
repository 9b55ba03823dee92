package instagram_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
)

const canary = "IGAAcanaryDoNotPrint"

func fullToken() *instagram.Token {
	at := time.Date(2026, 11, 3, 4, 5, 6, 789012345, time.FixedZone("CET", 3600))
	return &instagram.Token{
		AccessToken: instagram.NewSecret(canary + "<&>\u2028\"\\"), Login: instagram.FacebookLogin, Kind: instagram.PageToken,
		AccountID: "17841405793187218", AppScopedID: "90010177253934219", Username: "näme", PageID: "110",
		PageToken: instagram.NewSecret(canary + "Page"), Scopes: []instagram.Scope{"instagram_basic", "a_new_one"},
		GrantedAt: at, ObtainedAt: at.Add(time.Nanosecond), ExpiresAt: at.Add(60 * 24 * time.Hour), Permanent: true,
		DataAccessExpiresAt: at.Add(90 * 24 * time.Hour),
	}
}

func requireSameToken(tb testing.TB, want, got *instagram.Token) {
	tb.Helper()
	require.Equal(tb, want.AccessToken.Reveal(), got.AccessToken.Reveal())
	require.Equal(tb, want.PageToken.Reveal(), got.PageToken.Reveal())
	w, g := *want, *got
	for _, t := range []*instagram.Token{&w, &g} {
		t.AccessToken, t.PageToken = instagram.Secret{}, instagram.Secret{}
		for _, at := range []*time.Time{&t.GrantedAt, &t.ObtainedAt, &t.ExpiresAt, &t.DataAccessExpiresAt} {
			*at = at.Round(0).UTC()
		}
	}
	require.Equal(tb, w, g)
}

func TestTokenComesBackAsItWas(t *testing.T) {
	t.Parallel()
	noneGranted := fullToken()
	noneGranted.Scopes = []instagram.Scope{}
	tests := map[string]*instagram.Token{
		"every field":          fullToken(),
		"the token alone":      {AccessToken: instagram.NewSecret("x")},
		"no permissions":       noneGranted,
		"64 KiB":               {AccessToken: instagram.NewSecret(strings.Repeat("x", 64<<10)), PageToken: instagram.NewSecret(strings.Repeat("y", 64<<10))},
		"long-lived":           {AccessToken: instagram.NewSecret("x"), Kind: instagram.LongLived},
		"system user":          {AccessToken: instagram.NewSecret("x"), Kind: instagram.SystemUser},
		"control characters":   {AccessToken: instagram.NewSecret("a\x00\x1f\u007f\n"), Username: "\t"},
		"the year one, nearly": {AccessToken: instagram.NewSecret("x"), ExpiresAt: time.Time{}.Add(1)},
	}
	for name, tok := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := instagram.MarshalToken(tok)
			require.NoError(t, err)
			got, err := instagram.UnmarshalToken(data)
			require.NoError(t, err)
			requireSameToken(t, tok, got)
			again, err := instagram.MarshalToken(got)
			require.NoError(t, err)
			assert.Equal(t, string(data), string(again), "one token has one form")
		})
	}
}

func TestTokenIsNotWritten(t *testing.T) {
	t.Parallel()
	broken := func(change func(*instagram.Token)) *instagram.Token {
		tok := fullToken()
		change(tok)
		return tok
	}
	redacted := fullToken()
	plain, err := json.Marshal(redacted)
	require.NoError(t, err)
	assert.NotContains(t, string(plain), canary, "json.Marshal redacts")

	tests := map[string]*instagram.Token{
		"nil":                        nil,
		"empty":                      {},
		"redacted":                   broken(func(t *instagram.Token) { t.AccessToken = instagram.NewSecret("[redacted]") }),
		"redacted page token":        broken(func(t *instagram.Token) { t.PageToken = instagram.NewSecret("[redacted]") }),
		"unknown kind":               broken(func(t *instagram.Token) { t.Kind = 200 }),
		"unknown login":              broken(func(t *instagram.Token) { t.Login = 200 }),
		"a token that is no text":    broken(func(t *instagram.Token) { t.AccessToken = instagram.NewSecret(canary + "\xff") }),
		"a name that is no text":     broken(func(t *instagram.Token) { t.Username = canary + "\xff" }),
		"a scope that is no text":    broken(func(t *instagram.Token) { t.Scopes[0] = canary + "\xff" }),
		"too long":                   broken(func(t *instagram.Token) { t.AccessToken = instagram.NewSecret(canary + strings.Repeat("x", 256<<10)) }),
		"a time beyond the calendar": broken(func(t *instagram.Token) { t.ExpiresAt = time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC) }),
	}
	for name, tok := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := instagram.MarshalToken(tok)
			requireFormatError(t, err)
			_, err = instagram.MarshalRecord(&instagram.Record{Key: instagram.TokenKey{AppID: "1", AccountID: "2"}, Token: tok})
			requireFormatError(t, err)
		})
	}
}

func requireFormatError(tb testing.TB, err error) {
	tb.Helper()
	var format *instagram.TokenFormatError
	require.ErrorAs(tb, err, &format)
	for _, printed := range []string{err.Error(), fmt.Sprintf("%+v %#v", err, err)} {
		require.NotContains(tb, printed, "canary")
	}
}

func TestForeignBytesAreNoToken(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"nothing":                ``,
		"null":                   `null`,
		"no object":              `"` + canary + `"`,
		"Meta's own answer":      `{"access_token":"` + canary + `","expires_in":5183944}`,
		"json.Marshal's":         `{"v":1,"access_token":"[redacted]","login":"instagram","kind":"long_lived"}`,
		"redacted page token":    `{"v":1,"access_token":"a","page_token":"[redacted]","login":"instagram","kind":"long_lived"}`,
		"no token":               `{"v":1,"login":"instagram","kind":"long_lived"}`,
		"a later version":        `{"v":2,"access_token":"` + canary + `","login":"instagram","kind":"long_lived"}`,
		"an unknown kind":        `{"v":1,"access_token":"a","login":"instagram","kind":"` + canary + `"}`,
		"an unknown login":       `{"v":1,"access_token":"a","login":"` + canary + `","kind":"page"}`,
		"a number for an ID":     `{"v":1,"access_token":"` + canary + `","login":"instagram","kind":"page","account_id":17841405793187218}`,
		"a time that is none":    `{"v":1,"access_token":"a","login":"instagram","kind":"page","expires_at":"` + canary + `"}`,
		"cut off":                `{"v":1,"access_token":"` + canary,
		"something behind":       `{"v":1,"access_token":"a","login":"instagram","kind":"page"}` + canary,
		"not UTF-8":              `{"v":1,"access_token":"` + canary + "\xff" + `","login":"instagram","kind":"page"}`,
		"longer than is allowed": `{"v":1,"access_token":"` + strings.Repeat("x", 256<<10) + `","login":"instagram","kind":"page"}`,
	}
	for name, data := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := instagram.UnmarshalToken([]byte(data))
			requireFormatError(t, err)
			_, err = instagram.UnmarshalRecord([]byte(data))
			requireFormatError(t, err)
			_, err = instagram.UnmarshalRecord([]byte(`{"v":1,"app_id":"1","account_id":"2","state":"alive","revision":"1","token":` + data + `}`))
			requireFormatError(t, err)
		})
	}
}

// TestFieldsOfTheFutureAreKept lets an older program renew what a newer one has
// written: what it does not know stays as it is, and is not printed.
func TestFieldsOfTheFutureAreKept(t *testing.T) {
	t.Parallel()
	const further = `,"Mood":{"x":[1,2.50]},"other \"secret":"` + canary + `"}`
	tok, err := instagram.MarshalToken(fullToken())
	require.NoError(t, err)
	newer := string(tok[:len(tok)-1]) + further
	r, err := instagram.UnmarshalRecord([]byte(`{"v":1,"app_id":"1","account_id":"2","state":"alive","fails":2,"revision":"1","token":` + newer + further))
	require.NoError(t, err)
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v %+v", r, *r, r.Token, *r.Token), canary)
	printed, err := json.Marshal(r)
	require.NoError(t, err)
	assert.NotContains(t, string(printed), canary)

	store := instagram.NewMemoryStore() // copies them as well
	r.Token.AccessToken, r.Fails = instagram.NewSecret("renewed"), 0
	_, err = store.SaveToken(t.Context(), r, 0)
	require.NoError(t, err)
	r, err = store.LoadToken(t.Context(), r.Key)
	require.NoError(t, err)
	written, err := instagram.MarshalRecord(r)
	require.NoError(t, err)
	assert.Equal(t, 2, strings.Count(string(written), further))
	assert.NotContains(t, string(written), "fails")
	again, err := instagram.UnmarshalRecord(written)
	require.NoError(t, err)
	require.Equal(t, r, again)

	plain, err := instagram.UnmarshalToken([]byte(`{"V":1,"ACCESS_TOKEN":"a","login":"instagram","kind":"page"}`))
	require.NoError(t, err, "encoding/json does not tell a from A in names")
	written, err = instagram.MarshalToken(plain)
	require.NoError(t, err)
	assert.JSONEq(t, `{"v":1,"access_token":"a","login":"instagram","kind":"page"}`, string(written))
}

func TestFieldsOfTheFutureAreNoHindrance(t *testing.T) {
	t.Parallel()
	tok, err := instagram.UnmarshalToken([]byte(`{"v":1,"access_token":"a","login":"instagram","kind":"long_lived","account_id":"17841405793187218","mood":{"x":[1]}}`))
	require.NoError(t, err)
	assert.Equal(t, "17841405793187218", tok.AccountID)
	assert.Equal(t, instagram.LongLived, tok.Kind)
	assert.Nil(t, tok.Scopes, "absent is not known")
}

func TestRecordComesBackAsItWas(t *testing.T) {
	t.Parallel()
	for state := instagram.Alive; state <= instagram.Deauthorized; state++ {
		rec := &instagram.Record{
			Key: instagram.PersonKey("1234567890123456", "99/ü"), Token: fullToken(), State: state, Reason: "190/460", Fails: 3,
			DueAt: time.Date(2026, 11, 3, 4, 5, 6, 7, time.UTC), Revision: 1<<62 + 1,
		}
		data, err := instagram.MarshalRecord(rec)
		require.NoError(t, err)
		got, err := instagram.UnmarshalRecord(data)
		require.NoError(t, err)
		requireSameToken(t, rec.Token, got.Token)
		got.Token = rec.Token
		assert.Equal(t, rec, got)
	}
	_, err := instagram.MarshalRecord(&instagram.Record{Token: fullToken(), State: 77})
	requireFormatError(t, err)
	_, err = instagram.MarshalRecord(&instagram.Record{Token: fullToken(), Reason: "\xff"})
	requireFormatError(t, err)
	_, err = instagram.MarshalRecord(nil)
	requireFormatError(t, err)
}

func FuzzTokenRoundTrip(f *testing.F) {
	f.Add("IGAAtest", "17841405793187218", "90010177253934219", "name", "", uint8(0), uint8(1), int64(1_700_000_000), int64(12345))
	f.Add("EAA<>&\u2028", "9007199254740993", "1", "\x00", "page", uint8(1), uint8(2), int64(-1), int64(999_999_999))
	f.Add("[redacted]", "\xff", "", "", "", uint8(9), uint8(9), int64(1)<<62, int64(0))
	f.Fuzz(func(t *testing.T, secret, account, scoped, name, page string, login, kind uint8, seconds, nanos int64) {
		tok := &instagram.Token{
			AccessToken: instagram.NewSecret(secret), PageToken: instagram.NewSecret(page),
			AccountID: account, AppScopedID: scoped, Username: name, Scopes: []instagram.Scope{instagram.Scope(name)},
			Login: instagram.Login(login), Kind: instagram.TokenKind(kind), ExpiresAt: time.Unix(seconds, nanos),
		}
		data, err := instagram.MarshalToken(tok)
		if err != nil {
			requireFormatErrorWithout(t, err, secret)
			return
		}
		got, err := instagram.UnmarshalToken(data)
		require.NoError(t, err)
		requireSameToken(t, tok, got)
		require.Equal(t, account, got.AccountID, "an ID keeps its digits")
	})
}

func FuzzUnmarshalToken(f *testing.F) {
	data, err := instagram.MarshalToken(fullToken())
	require.NoError(f, err)
	f.Add(data)
	f.Add([]byte(`{"v":1,"access_token":"a","login":"instagram","kind":"long_lived","scopes":[],"new":1}`))
	f.Add([]byte(`{"V":1,"ACCESS_TOKEN":"a","access_token":"b","login":"facebook","kind":"page"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		tok, err := instagram.UnmarshalToken(data)
		if err != nil {
			requireFormatErrorWithout(t, err, string(data))
			return
		}
		written, err := instagram.MarshalToken(tok)
		if err != nil { // read, but too long or with a time too far to be written again
			requireFormatErrorWithout(t, err, tok.AccessToken.Reveal())
			return
		}
		again, err := instagram.UnmarshalToken(written)
		require.NoError(t, err)
		requireSameToken(t, tok, again)
	})
}

func requireFormatErrorWithout(tb testing.TB, err error, secret string) {
	tb.Helper()
	var format *instagram.TokenFormatError
	require.ErrorAs(tb, err, &format)
	if len(secret) > 40 && !strings.Contains(secret, "redacted") {
		require.NotContains(tb, err.Error(), secret)
	}
}

func BenchmarkMarshalToken(b *testing.B) {
	tok := fullToken()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := instagram.MarshalToken(tok); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnmarshalToken(b *testing.B) {
	data, err := instagram.MarshalToken(fullToken())
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := instagram.UnmarshalToken(data); err != nil {
			b.Fatal(err)
		}
	}
}

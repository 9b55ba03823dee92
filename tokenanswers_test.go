package instagram

import (
	"encoding/binary"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// answeringAll returns a client whose every request gets the body with status 200.
func answeringAll(t *testing.T, cfg Config, body string) *Client {
	t.Helper()
	client, err := New(cfg, WithTransport(roundTripper(func(req *http.Request) (*http.Response, error) {
		resp := answer(http.StatusOK, nil, body)
		resp.Request = req
		return resp, nil
	})))
	require.NoError(t, err)
	return client
}

// TestTokenAnswersInOddShapes: the code is spent when the answer comes, so the
// token is found in whatever shape it stands, and nothing else is made up.
func TestTokenAnswersInOddShapes(t *testing.T) {
	t.Parallel()
	var wide []byte
	for _, unit := range utf16.Encode([]rune("\uFEFF" + `{"access_token":"IGAAx"}`)) {
		wide = binary.LittleEndian.AppendUint16(wide, unit)
	}
	type want struct {
		id      string
		scopes  []Scope
		expires time.Duration // of the long-lived exchange; 0: not known
	}
	tests := map[string]struct {
		body string
		want want
	}{
		"ID beyond 2^53":                       {`{"access_token":"IGAAx","user_id":17841405793187641}`, want{id: "17841405793187641"}},
		"ID beyond 2^64":                       {`{"user_id":99999999999999999999999,"access_token":"IGAAx"}`, want{id: "99999999999999999999999"}},
		"ID that went through a float":         {`{"access_token":"IGAAx","user_id":1.7841405793188E+16}`, want{}},
		"ID with a fraction":                   {`{"access_token":"IGAAx","user_id":17841405793187641.0}`, want{}},
		"ID that is null":                      {`{"access_token":"IGAAx","user_id":null,"permissions":null}`, want{}},
		"ID that is 0":                         {`{"access_token":"IGAAx","user_id":0}`, want{}},
		"list in data":                         {`{"data":[{"user_id":"7","access_token":"IGAAx"}]}`, want{id: "7"}},
		"list in data that begins with null":   {`{"data":[null,{"access_token":"IGAAx"}]}`, want{}},
		"object in data":                       {`{"data":{"access_token":"IGAAx","user_id":7}}`, want{id: "7"}},
		"data that is null":                    {`{"data":null,"access_token":"IGAAx"}`, want{}},
		"data that is empty":                   {`{"data":[],"access_token":"IGAAx"}`, want{}},
		"bare list":                            {`[{"access_token":"IGAAx","user_id":7}]`, want{id: "7"}},
		"permissions as a list":                {`{"access_token":"IGAAx","permissions":["a","b"]}`, want{scopes: []Scope{"a", "b"}}},
		"permissions as a string":              {`{"access_token":"IGAAx","permissions":"a, b,,c"}`, want{scopes: []Scope{"a", "b", "c"}}},
		"permissions with holes":               {`{"access_token":"IGAAx","permissions":["a",null,"",{},"b"]}`, want{scopes: []Scope{"a", "b"}}},
		"no permissions":                       {`{"access_token":"IGAAx","permissions":[ ]}`, want{scopes: []Scope{}}},
		"no permissions, as a string":          {`{"access_token":"IGAAx","permissions":""}`, want{scopes: []Scope{}}},
		"permissions nobody can read":          {`{"access_token":"IGAAx","permissions":[{"x":1}]}`, want{}},
		"expires_in":                           {`{"access_token":"IGAAx","token_type":"bearer","expires_in":5183944}`, want{expires: 5183944 * time.Second}},
		"expires_in as a string":               {`{"access_token":"IGAAx","expires_in":" 5183944 "}`, want{expires: 5183944 * time.Second}},
		"expires_in with a fraction":           {`{"access_token":"IGAAx","expires_in":5183944.7}`, want{expires: 5183944 * time.Second}},
		"expires_in of 0":                      {`{"access_token":"IGAAx","expires_in":0}`, want{}},
		"expires_in below 0":                   {`{"access_token":"IGAAx","expires_in":-1}`, want{}},
		"expires_in beyond all":                {`{"access_token":"IGAAx","expires_in":1e400}`, want{}},
		"expires_in beyond a century":          {`{"access_token":"IGAAx","expires_in":9999999999999}`, want{}},
		"expires_in that is no number":         {`{"access_token":"IGAAx","expires_in":"never"}`, want{}},
		"expires_in that is an object":         {`{"access_token":"IGAAx","expires_in":{"x":1}}`, want{}},
		"token twice, the last counts":         {`{"access_token":"old","access_token":"IGAAx"}`, want{}},
		"token with blanks":                    {`{"access_token":" IGAAx\n"}`, want{}},
		"token with escapes":                   {`{"access_token":"\u0049GAAx"}`, want{}},
		"another token further down":           {`{"extra":{"access_token":"evil"},"access_token":"IGAAx"}`, want{}},
		"an error that is null":                {`{"error":null,"access_token":"IGAAx"}`, want{}},
		"cut off behind the token":             {`{"access_token":"IGAAx","user_id":178414057`, want{}},
		"byte order mark":                      {"\xef\xbb\xbf {\"access_token\":\"IGAAx\"}", want{}},
		"UTF-16":                               {string(wide), want{}},
		"what must not be scripted":            {`for (;;);{"access_token":"IGAAx"}`, want{}},
		"JSON inside of JSON":                  {`"{\"access_token\":\"IGAAx\"}"`, want{}},
		"form":                                 {"access_token=IGAAx&expires_in=5183944\n", want{expires: 5183944 * time.Second}},
		"form, in the words of 2011":           {"access_token=IGAAx&expires=5183944", want{expires: 5183944 * time.Second}},
		"something behind the end of the JSON": {`{"access_token":"IGAAx"}<!-- -->`, want{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := answeringAll(t, stateConfig(), tt.body)
				short, err := client.Exchange(t.Context(), "AQB")
				require.NoError(t, err)
				assert.Equal(t, "IGAAx", short.AccessToken.Reveal())
				assert.Equal(t, tt.want.id, short.AppScopedID)
				assert.Equal(t, tt.want.scopes, short.Scopes)
				assert.Empty(t, short.AccountID)
				if name == "cut off behind the token" {
					return // of a call that can be repeated, a whole answer is wanted
				}
				long, err := client.ExchangeLongLived(t.Context(), &Token{AccessToken: NewSecret("old")})
				require.NoError(t, err)
				if tt.want.expires == 0 {
					assert.Zero(t, long.ExpiresAt)
					assert.Equal(t, Unknown, long.Status(time.Now()), "not known, and neither dead nor without end")
				} else {
					assert.Equal(t, tt.want.expires, time.Until(long.ExpiresAt))
				}
			})
		})
	}
}

func TestTokenAnswersWithoutAToken(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"nothing": "", "null": "null", "object": "{}", "list": `{"data":[]}`, "page": "<html>Sorry, something went wrong</html>",
		"empty token": `{"access_token":"","user_id":1}`, "token of blanks": `{"access_token":" "}`, "token that is null": `{"access_token":null}`,
		"token that is a number": `{"access_token":123}`, "token that is an object": `{"access_token":{"value":"x"}}`,
		"token further down": `{"extra":{"access_token":"x"}}`, "another name": `{"accessToken":"x"}`, "token that is cut off": `{"access_token":"IGAA`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := answeringAll(t, stateConfig(), body)
				_, err := client.Exchange(t.Context(), "AQB")
				require.ErrorIs(t, err, ErrOutcomeUnknown, "the code is spent")
				assert.Equal(t, ActionCheckOutcome, ErrorAdvice(err).Action)
				_, err = client.ExchangeLongLived(t.Context(), &Token{AccessToken: NewSecret("old")})
				require.Error(t, err)
				require.NotErrorIs(t, err, ErrOutcomeUnknown, "the old token is still good")
				assert.False(t, ErrorAdvice(err).NeedsLogin, "nothing is proven")
			})
		})
	}
}

func TestInspectionsInOddShapes(t *testing.T) {
	t.Parallel()
	cfg := stateConfig()
	cfg.Login, cfg.Scopes = FacebookLogin, []Scope{ScopeBasic, ScopePagesShowList, ScopePagesReadEngagement}
	at := func(seconds int64) time.Time { return time.Unix(seconds, 0) }
	for name, tt := range map[string]struct {
		body string
		want TokenInfo
	}{
		"numbers for strings": {
			`{"data":{"app_id":138483919580948,"user_id":1207059,"is_valid":true,"expires_at":1352419328,"scopes":["email"]}}`,
			TokenInfo{Valid: true, AppID: "138483919580948", UserID: "1207059", ExpiresAt: at(1352419328), Scopes: []Scope{ScopeEmail}},
		},
		"strings for numbers": {
			`{"data":{"is_valid":"true","app_id":"1","user_id":"17841405793187641","expires_at":"1352419328","data_access_expires_at":"1352419329","scopes":"email, public_profile"}}`,
			TokenInfo{Valid: true, AppID: "1", UserID: "17841405793187641", ExpiresAt: at(1352419328), DataAccessExpiresAt: at(1352419329), Scopes: []Scope{ScopeEmail, ScopePublicProfile}},
		},
		"no end":                    {`{"data":{"is_valid":true,"expires_at":0,"data_access_expires_at":0}}`, TokenInfo{Valid: true, NeverExpires: true}},
		"end not told":              {`{"data":{"is_valid":true}}`, TokenInfo{Valid: true}},
		"end below 0":               {`{"data":{"is_valid":true,"expires_at":-1}}`, TokenInfo{Valid: true}},
		"end beyond all":            {`{"data":{"is_valid":true,"expires_at":99999999999999999999}}`, TokenInfo{Valid: true}},
		"dead, and its end 0":       {`{"data":{"is_valid":false,"expires_at":0}}`, TokenInfo{}},
		"list in data":              {`{"data":[{"is_valid":true,"type":"PAGE","profile_id":104}]}`, TokenInfo{Valid: true, Type: "PAGE", ProfileID: "104"}},
		"without the envelope":      {`{"is_valid":true,"type":"SYSTEM_USER"}`, TokenInfo{Valid: true, Type: "SYSTEM_USER"}},
		"permissions of some Pages": {`{"data":{"is_valid":true,"granular_scopes":[{"scope":"pages_show_list","target_ids":[104,"105"]},{"scope":"email"}]}}`, TokenInfo{Valid: true, GranularScopes: []GranularScope{{ScopePagesShowList, []string{"104", "105"}}, {Scope: ScopeEmail}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := answeringAll(t, cfg, tt.body).InspectToken(t.Context(), &Token{AccessToken: NewSecret("x"), Login: FacebookLogin})
			require.NoError(t, err)
			tt.want.Source = FromDebugToken
			assert.Equal(t, &tt.want, got)
		})
	}
	for _, body := range []string{``, `{}`, `null`, `{"data":{}}`, `{"data":[]}`, `<html>Sorry</html>`, `{"data":{"is_valid":"perhaps"}}`} {
		_, err := answeringAll(t, cfg, body).InspectToken(t.Context(), &Token{AccessToken: NewSecret("x"), Login: FacebookLogin})
		require.Error(t, err, "%q says nothing of a token", body)
		assert.False(t, ErrorAdvice(err).NeedsLogin)
	}
}

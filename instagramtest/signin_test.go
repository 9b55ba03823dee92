package instagramtest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const callback = "https://app.example/callback"

// browserURL is the address that a sign-in begins at.
func browserURL(login Login, scope string, extra ...string) string {
	u, q := "https://www.instagram.com/oauth/authorize", url.Values{"client_id": {DefaultInstagramAppID}}
	if login == FacebookLogin {
		u, q = "https://www.facebook.com/v26.0/dialog/oauth", url.Values{"client_id": {DefaultMetaAppID}}
	}
	q.Set("redirect_uri", callback)
	q.Set("response_type", "code")
	q.Set("scope", scope)
	q.Set("state", "s t&e")
	for i := 0; i < len(extra); i += 2 {
		if q.Set(extra[i], extra[i+1]); extra[i+1] == "" {
			q.Del(extra[i])
		}
	}
	return u + "?" + q.Encode()
}

// got is an answer as a test looks at it.
type got struct {
	status int
	header http.Header
	text   string
	json   map[string]any
}

// send makes one request through the in-process door. params travel in the query
// of a GET or DELETE and as a form otherwise.
func send(t *testing.T, p *Platform, method, to string, params ...string) got {
	t.Helper()
	q := url.Values{}
	for i := 0; i < len(params); i += 2 {
		q.Add(params[i], params[i+1])
	}
	var req *http.Request
	var err error
	if method == http.MethodPost {
		req, err = http.NewRequestWithContext(t.Context(), method, to, strings.NewReader(q.Encode()))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	} else {
		if len(q) > 0 {
			to += "?" + q.Encode()
		}
		req, err = http.NewRequestWithContext(t.Context(), method, to, nil)
		require.NoError(t, err)
	}
	return do(t, p, req)
}

func do(t *testing.T, p *Platform, req *http.Request) got {
	t.Helper()
	res, err := p.Transport().RoundTrip(req)
	require.NoError(t, err)
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	out := got{status: res.StatusCode, header: res.Header, text: string(text)}
	_ = json.Unmarshal(text, &out.json)
	return out
}

// assertText compares bytes: the form of an answer is part of what is faked.
func assertText(t *testing.T, want, have string) {
	t.Helper()
	assert.Equal(t, want, have)
}

// field walks into a JSON answer.
func (g got) field(t *testing.T, path ...string) any {
	t.Helper()
	var v any = g.json
	for _, name := range path {
		m, ok := v.(map[string]any)
		require.True(t, ok, "no %q in %s", name, g.text)
		v = m[name]
	}
	return v
}

func (g got) token(t *testing.T) string {
	t.Helper()
	require.Equal(t, http.StatusOK, g.status, g.text)
	s, ok := g.field(t, "access_token").(string)
	require.True(t, ok, g.text)
	return s
}

// codeFrom is the code of a callback URL.
func codeFrom(t *testing.T, callbackURL string) string {
	t.Helper()
	u, err := url.Parse(callbackURL)
	require.NoError(t, err)
	require.NotEmpty(t, u.Query().Get("code"), callbackURL)
	return u.Query().Get("code")
}

// redeem trades a code on either product.
func redeem(t *testing.T, p *Platform, login Login, code string) got {
	t.Helper()
	params := []string{"grant_type", "authorization_code", "redirect_uri", callback, "code", code}
	if login == FacebookLogin {
		params = append(params, "client_id", DefaultMetaAppID, "client_secret", DefaultMetaAppSecret)
		return send(t, p, "POST", "https://graph.facebook.com/v26.0/oauth/access_token", params...)
	}
	params = append(params, "client_id", DefaultInstagramAppID, "client_secret", DefaultInstagramAppSecret)
	return send(t, p, "POST", "https://api.instagram.com/oauth/access_token", params...)
}

func TestInstagramSignIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := New()
		back, err := p.Consent(browserURL(InstagramLogin, "instagram_business_basic,instagram_business_content_publish"))
		require.NoError(t, err)
		assert.Regexp(t, `^https://app\.example/callback\?code=AQ[\w-]+&state=s\+t%26e#_$`, back)

		short := redeem(t, p, InstagramLogin, codeFrom(t, back))
		assert.Regexp(t, `^\{"access_token": "IGAA\w+ZDZD", "user_id": `+DefaultAppScopedID+`, "permissions": \["instagram_business_basic", "instagram_business_content_publish"\]\}$`, short.text)

		long := send(t, p, "GET", "https://graph.instagram.com/access_token", "grant_type", "ig_exchange_token",
			"client_secret", DefaultInstagramAppSecret, "access_token", short.token(t))
		assert.Regexp(t, `^\{"access_token":"IGAA\w+ZDZD","token_type":"bearer","expires_in":5184000\}$`, long.text)

		me := send(t, p, "GET", "https://graph.instagram.com/v26.0/me", "fields", "user_id,username,account_type", "access_token", long.token(t))
		assertText(t, `{"user_id":"`+DefaultAccountID+`","username":"`+DefaultUsername+`","account_type":"BUSINESS","id":"`+DefaultAppScopedID+`"}`, me.text)
		assert.Equal(t, "v26.0", me.header.Get("Facebook-Api-Version"))

		time.Sleep(24 * time.Hour)
		fresh := send(t, p, "GET", "https://graph.instagram.com/refresh_access_token", "grant_type", "ig_refresh_token", "access_token", long.token(t))
		assert.NotEqual(t, long.token(t), fresh.token(t))
		assert.Len(t, p.Requests("GET", "/refresh_access_token"), 1)
		assert.Len(t, p.Requests("", ""), 4, "the clicks of Consent are not recorded")
	})
}

func TestFacebookSignIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := New()
		back, err := p.Consent(
			browserURL(FacebookLogin, "instagram_basic,pages_show_list,email", "response_type", "code,granted_scopes"), Decline("email"))
		require.NoError(t, err)
		assert.Regexp(t, `^https://app\.example/callback\?code=AQ[\w-]+&granted_scopes=instagram_basic%2Cpages_show_list%2Cpublic_profile&denied_scopes=email&state=s\+t%26e#_=_$`, back)

		short := redeem(t, p, FacebookLogin, codeFrom(t, back))
		assert.Regexp(t, `^\{"access_token":"EAA\w+ZDZD","token_type":"bearer","expires_in":5400\}$`, short.text)

		long := send(t, p, "GET", "https://graph.facebook.com/v26.0/oauth/access_token", "grant_type", "fb_exchange_token",
			"client_id", DefaultMetaAppID, "client_secret", DefaultMetaAppSecret, "fb_exchange_token", short.token(t))
		assert.EqualValues(t, 5184000, long.field(t, "expires_in"))

		me := send(t, p, "GET", "https://graph.facebook.com/v26.0/me", "access_token", long.token(t))
		assertText(t, `{"name":"Ada Seed","id":"`+DefaultPersonID+`"}`, me.text)

		pages := send(t, p, "GET", "https://graph.facebook.com/v26.0/me/accounts", "access_token", long.token(t),
			"fields", "id,name,access_token,tasks,instagram_business_account{id,username}")
		require.Len(t, pages.field(t, "data"), 3)
		first := pages.field(t, "data").([]any)[0].(map[string]any)
		assert.Equal(t, map[string]any{"id": DefaultAccountID, "username": DefaultUsername}, first["instagram_business_account"])

		seen, ok := p.Token(first["access_token"].(string))
		require.True(t, ok)
		assert.Equal(t, PageToken, seen.Kind)
		assert.True(t, seen.ExpiresAt.IsZero(), "a Page token from a long-lived token never expires")
	})
}

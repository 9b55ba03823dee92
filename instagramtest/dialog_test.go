package instagramtest

import (
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// query is the query of a callback URL.
func query(t *testing.T, raw string) url.Values {
	t.Helper()
	u, err := url.Parse(raw)
	require.NoError(t, err)
	return u.Query()
}

// A misconfigured dialog shows a page and never redirects.
func TestDialogProblems(t *testing.T) {
	t.Parallel()
	const ig, fb = "instagram_business_basic", "instagram_basic"
	cases := map[string]struct {
		url  string
		want string
	}{
		"the Meta app ID on Instagram":      {browserURL(InstagramLogin, ig, "client_id", DefaultMetaAppID), "Invalid platform app"},
		"no app":                            {browserURL(InstagramLogin, ig, "client_id", ""), "Invalid platform app"},
		"an unregistered redirect URI":      {browserURL(InstagramLogin, ig, "redirect_uri", callback+"/"), "Invalid redirect_uri"},
		"a redirect URI that is none":       {browserURL(InstagramLogin, ig, "redirect_uri", "app.example"), "Invalid redirect_uri"},
		"the token response type":           {browserURL(InstagramLogin, ig, "response_type", "token"), `Only response type "code" and "token" is allowed`},
		"no scope":                          {browserURL(InstagramLogin, ""), "Invalid scope: []"},
		"a dead scope":                      {browserURL(InstagramLogin, ig+" business_basic"), "Invalid scope: [business_basic]"},
		"a scope of the other product":      {browserURL(InstagramLogin, ig+",instagram_basic"), "Invalid scope: [instagram_basic]"},
		"the Instagram app ID on Facebook":  {browserURL(FacebookLogin, fb, "client_id", DefaultInstagramAppID), "Invalid App ID: The provided app ID does not look like a valid app ID."},
		"unregistered on Facebook":          {browserURL(FacebookLogin, fb, "redirect_uri", callback+"?a=1"), "This redirect failed because the redirect URI is not whitelisted in the app's Client OAuth Settings. Make sure Client and Web OAuth Login are on and add all your app domains as Valid OAuth Redirect URIs."},
		"an unknown response type":          {browserURL(FacebookLogin, fb, "response_type", "id"), "Invalid response_type: id"},
		"config_id on plain Facebook Login": {browserURL(FacebookLogin, "", "config_id", "1"), "Invalid parameter: config_id"},
		"another path":                      {"https://www.facebook.com/v26.0/dialog/share", "This page isn't available."},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := DefaultApp()
			a.RedirectURIs = []string{callback}
			_, err := New(WithApp(a)).Consent(c.url)
			var shown *DialogError
			require.ErrorAs(t, err, &shown)
			assert.Equal(t, c.want, shown.Message)
			assert.Contains(t, err.Error(), c.want)
		})
	}
	_, err := New().Consent(browserURL(FacebookLogin, "instagram_telepathy"))
	require.ErrorContains(t, err, "Invalid Scopes: instagram_telepathy.")
	_, err = New().Consent(browserURL(FacebookLogin, fb), AsPerson("nobody"))
	require.ErrorContains(t, err, `Nobody is known as "nobody"`)
	_, err = New(WithPerson(Person{})).Consent(browserURL(InstagramLogin, ig))
	require.ErrorContains(t, err, "Nobody is known")
}

func TestDeny(t *testing.T) {
	t.Parallel()
	p := New()
	back, err := p.Consent(browserURL(InstagramLogin, "instagram_business_basic"), Deny())
	require.NoError(t, err)
	assert.Equal(t, callback+"?error=access_denied&error_reason=user_denied&error_description=The+user+denied+your+request&state=s+t%26e#_", back)
	back, err = p.Consent(browserURL(FacebookLogin, "instagram_basic", "state", "", "redirect_uri", callback+"?keep=1"), Deny())
	require.NoError(t, err)
	assert.Equal(t, callback+"?keep=1&error=access_denied&error_code=200&error_description=Permissions+error&error_reason=user_denied#_=_", back)
}

func TestDevelopmentMode(t *testing.T) {
	t.Parallel()
	a := DefaultApp()
	a.Development, a.Roles = true, []string{DefaultUsername}
	p := New(WithApp(a))
	_, err := p.Consent(browserURL(InstagramLogin, "instagram_business_basic"))
	require.NoError(t, err)
	_, err = p.Consent(browserURL(InstagramLogin, "instagram_business_basic"), AsPerson(SecondAccountID))
	require.ErrorContains(t, err, "Insufficient developer role")
	back, err := p.Consent(browserURL(FacebookLogin, "instagram_basic"))
	require.NoError(t, err)
	q := query(t, back)
	assert.Equal(t, "1349126", q.Get("error_code"))
	assert.Contains(t, q.Get("error_message"), "App not set up")
	assert.False(t, q.Has("error"))
	assert.Equal(t, "s t&e", q.Get("state"))
}

func TestDecline(t *testing.T) {
	t.Parallel()
	p := New()
	back, err := p.Consent(browserURL(InstagramLogin, "instagram_business_basic instagram_business_manage_comments"), Decline("instagram_business_manage_comments"))
	require.NoError(t, err)
	short := redeem(t, p, InstagramLogin, codeFrom(t, back))
	assert.Equal(t, []any{"instagram_business_basic"}, short.field(t, "permissions"))

	// Facebook does not ask again for what was declined, unless told to.
	ask := func(extra ...string) string {
		back, err := p.Consent(browserURL(FacebookLogin, "instagram_basic,pages_show_list", append(extra, "response_type", "code granted_scopes")...))
		require.NoError(t, err)
		return query(t, back).Get("denied_scopes")
	}
	_, err = p.Consent(browserURL(FacebookLogin, "instagram_basic,pages_show_list"), Decline("pages_show_list"))
	require.NoError(t, err)
	assert.Equal(t, "pages_show_list", ask())
	assert.Empty(t, ask("auth_type", "rerequest"))
	assert.Empty(t, ask(), "a granted scope stays granted")
}

func TestOnlyPages(t *testing.T) {
	t.Parallel()
	p := New()
	back, err := p.Consent(browserURL(FacebookLogin, "instagram_basic,pages_show_list"), OnlyPages(SecondPageID))
	require.NoError(t, err)
	token := redeem(t, p, FacebookLogin, codeFrom(t, back)).token(t)
	pages := send(t, p, "GET", fbGraph+"/me/accounts", "fields", "id", "access_token", token)
	assert.Regexp(t, `^\{"data":\[\{"id":"`+SecondPageID+`"\}\],"paging":\{"cursors":`, pages.text)
	assert.EqualValues(t, 100, send(t, p, "GET", fbGraph+"/"+DefaultAccountID, "access_token", token).field(t, "error", "code"))
	seen := send(t, p, "GET", fbGraph+"/debug_token", "input_token", token, "access_token", DefaultMetaAppID+"|"+DefaultMetaAppSecret)
	assert.Contains(t, seen.text, `{"scope":"instagram_basic","target_ids":["`+SecondAccountID+`"]},{"scope":"pages_show_list","target_ids":["`+SecondPageID+`"]}`)
}

func TestLoginForBusiness(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := DefaultApp()
		a.Configurations = []Configuration{
			{ID: "77", Scopes: []string{"instagram_basic", "pages_show_list"}},
			{ID: "78", Scopes: []string{"instagram_basic"}, SystemUser: true},
		}
		p := New(WithApp(a))
		back, err := p.Consent(browserURL(FacebookLogin, "", "config_id", "77", "response_type", "code,granted_scopes"), Decline("pages_show_list"))
		require.NoError(t, err)
		assert.Empty(t, query(t, back).Get("denied_scopes"), "all or nothing")

		back, err = p.Consent(browserURL(FacebookLogin, "", "config_id", "78", "override_default_response_type", "true"))
		require.NoError(t, err)
		token := redeem(t, p, FacebookLogin, codeFrom(t, back))
		assert.Nil(t, token.field(t, "expires_in"), "never expires")
		who := send(t, p, "GET", fbGraph+"/me", "fields", "name,client_business_id", "access_token", token.token(t))
		assert.NotEmpty(t, who.field(t, "client_business_id"))
		assert.NotEqual(t, DefaultPersonID, who.field(t, "id"))
		seen := send(t, p, "GET", fbGraph+"/debug_token", "input_token", token.token(t), "access_token", DefaultMetaAppID+"|"+DefaultMetaAppSecret)
		assert.Equal(t, "SYSTEM_USER", seen.field(t, "data", "type"))
		assert.EqualValues(t, 0, seen.field(t, "data", "expires_at"))

		short := send(t, p, "GET", fbGraph+"/oauth/access_token", "grant_type", "fb_exchange_token", "client_id", DefaultMetaAppID,
			"client_secret", DefaultMetaAppSecret, "set_token_expires_in_60_days", "true", "fb_exchange_token", token.token(t))
		assert.EqualValues(t, 5184000, short.field(t, "expires_in"))
		time.Sleep(100 * 24 * time.Hour)
		assert.Equal(t, 200, send(t, p, "GET", fbGraph+"/me", "access_token", token.token(t)).status, "the old one lives on, and nobody's ninety days end it")
		assert.Equal(t, 400, send(t, p, "GET", fbGraph+"/me", "access_token", short.token(t)).status)
	})
}

func TestImplicitGrant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := New()
		back, err := p.Consent(browserURL(FacebookLogin, "instagram_basic", "response_type", "token,granted_scopes"))
		require.NoError(t, err)
		assert.Regexp(t, `^https://app\.example/callback#access_token=EAA\w+&data_access_expiration_time=954460800&expires_in=5400&granted_scopes=[^&]*&denied_scopes=&state=`, back)
	})
}

func TestPKCE(t *testing.T) {
	t.Parallel()
	p := New()
	const verifier = "abcdefghijklmnopqrstuvwxyz-0123456789._~ABCDEFG"
	sum := sha256.Sum256([]byte(verifier))
	s256 := base64.RawURLEncoding.EncodeToString(sum[:])
	try := func(challenge, method string, extra ...string) got {
		back, err := p.Consent(browserURL(FacebookLogin, "openid,instagram_basic", "nonce", "n0nce",
			"code_challenge", challenge, "code_challenge_method", method))
		require.NoError(t, err)
		return send(t, p, "POST", fbGraph+"/oauth/access_token", append([]string{
			"client_id", DefaultMetaAppID, "redirect_uri", callback, "code", codeFrom(t, back),
		}, extra...)...)
	}
	answer := try(s256, "S256", "code_verifier", verifier)
	require.Equal(t, 200, answer.status, "a verifier stands in for the secret: %s", answer.text)
	assert.Regexp(t, `^eyJ[\w-]+\.[\w-]+\.[\w-]+$`, answer.field(t, "id_token"))
	assert.Equal(t, 200, try(verifier, "plain", "code_verifier", verifier, "client_secret", DefaultMetaAppSecret).status)
	assert.EqualValues(t, 100, try(s256, "S256", "code_verifier", "another").field(t, "error", "code"))
	assert.EqualValues(t, 100, try(s256, "S256", "client_secret", DefaultMetaAppSecret).field(t, "error", "code"))
	assert.EqualValues(t, 100, try("", "", "code_verifier", verifier).field(t, "error", "code"))
	assert.EqualValues(t, 1, try("", "").field(t, "error", "code"))
}

// A page for somebody else, and for more people than a page can show.
func TestPeopleInTheDialog(t *testing.T) {
	t.Parallel()
	p := New()
	many := p.AddAccounts(100)
	s := listen(t, p)
	dialog := s.URL + "/www.instagram.com/oauth/authorize?client_id=" + DefaultInstagramAppID + "&redirect_uri=" + callback + "&response_type=code&scope=instagram_business_basic"
	_, page, _ := fetch(t, "GET", dialog, nil)
	assert.Contains(t, page, "@"+DefaultUsername)
	assert.Contains(t, page, "@"+many[0].Username)
	assert.NotContains(t, page, "@"+many[99].Username)
	_, page, _ = fetch(t, "GET", dialog+"&person="+many[99].ID, nil)
	assert.Contains(t, page, "<strong>@"+many[99].Username)
	back, err := p.Consent("https://www.instagram.com"+dialog[len(s.URL+"/www.instagram.com"):], AsPerson(DefaultPersonID))
	require.NoError(t, err)
	assert.NotEmpty(t, codeFrom(t, back), "a person stands for the first account of theirs")
}

package instagramtest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const appToken = DefaultMetaAppID + "|" + DefaultMetaAppSecret

func refresh(t *testing.T, p *Platform, token string) got {
	t.Helper()
	return send(t, p, "GET", igGraph+"/refresh_access_token", "grant_type", "ig_refresh_token", "access_token", token)
}

// fault is the code and subcode of a Graph error; 0, 0 is a success.
func (g got) fault() [2]int {
	e, _ := g.json["error"].(map[string]any)
	code, _ := e["code"].(float64)
	subcode, _ := e["error_subcode"].(float64)
	return [2]int{int(code), int(subcode)}
}

func TestShapes(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		shapes              Shapes
		short, long, me, fb string // regular expressions; "" is not looked at
	}{
		"as documented": {
			shapes: Shapes{Wrapped: true, UserIDString: true, Permissions: PermissionsString, MeWrapped: true, AccountTypeTitle: true},
			short:  `^\{"data": \[\{"access_token": "\w+", "user_id": "27485387947815641", "permissions": "instagram_business_basic"\}\]\}$`,
			me:     `^\{"data":\[\{"user_id":"17841405793187641","account_type":"Business","id":"27485387947815641"\}\]\}$`,
		},
		"numbers and nothing else": {
			shapes: Shapes{UserIDProfessional: true, Permissions: PermissionsAbsent, MeUserIDNumber: true, ExpiresIn: ExpiresAbsent},
			short:  `^\{"access_token": "\w+", "user_id": 17841405793187641\}$`,
			long:   `^\{"access_token":"\w+","token_type":"bearer"\}$`,
			me:     `^\{"user_id":17841405793187641,`,
			fb:     `^\{"access_token":"\w+","token_type":"bearer"\}$`,
		},
		"expires_in as a string":  {shapes: Shapes{ExpiresIn: ExpiresString}, long: `"expires_in":"5184000"\}$`, fb: `"expires_in":"5400"\}$`},
		"expires_in with a point": {shapes: Shapes{ExpiresIn: ExpiresFloat}, long: `"expires_in":5184000\.0\}$`, fb: `"expires_in":5400\.0\}$`},
		"expires":                 {shapes: Shapes{ExpiresIn: ExpiresLegacy}, fb: `"expires":"5400"\}$`},
		"a form":                  {shapes: Shapes{FormEncoded: true}, fb: `^access_token=\w+&token_type=bearer&expires=5400$`},
		"over several lines":      {shapes: Shapes{Pretty: true, JavaScript: true}, me: "^\\{\n   \"user_id\": \"17841405793187641\",\n"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t, WithShapes(c.shapes))
				short := redeem(t, s.Platform, InstagramLogin, s.code(InstagramLogin))
				assert.Regexp(t, c.short, short.text)
				long := send(t, s.Platform, "GET", igGraph+"/access_token", "grant_type", "ig_exchange_token", "client_secret", DefaultInstagramAppSecret,
					"access_token", issue(t, s.Platform, TokenSpec{}))
				assert.Regexp(t, c.long, long.text)
				assert.Regexp(t, c.me, send(t, s.Platform, "GET", igGraph+"/me", "fields", "user_id,account_type", "access_token", s.ig).text)
				assert.Regexp(t, c.fb, redeem(t, s.Platform, FacebookLogin, s.code(FacebookLogin)).text)
			})
		})
	}
}

func TestRefreshQuirks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, WithShapes(Shapes{RefreshPermissions: true}))
		next := refresh(t, s.Platform, s.ig)
		assert.NotEqual(t, s.ig, next.token(t))
		assert.Contains(t, next.field(t, "permissions"), "instagram_business_basic,")
		assert.Equal(t, 200, me(t, s.Platform, s.ig).status, "the old one lives on")
		assert.Equal(t, [2]int{100, 0}, refresh(t, s.Platform, next.token(t)).fault(), "a refreshed token is young again")

		s = newScene(t, WithQuirks(Quirks{RefreshKillsOld: true, EarlyRefresh: true}))
		next = refresh(t, s.Platform, s.ig)
		assert.Equal(t, [2]int{190, 467}, me(t, s.Platform, s.ig).fault())
		assert.Equal(t, 200, refresh(t, s.Platform, next.token(t)).status)

		s = newScene(t, WithQuirks(Quirks{RefreshKeepsString: true}))
		assert.Equal(t, s.ig, refresh(t, s.Platform, s.ig).token(t))
		time.Sleep(59 * 24 * time.Hour)
		assert.Equal(t, 200, me(t, s.Platform, s.ig).status)

		require.NoError(t, s.RevokeScope(DefaultAccountID, "instagram_business_basic"))
		assert.Equal(t, [2]int{10, 0}, refresh(t, s.Platform, s.ig).fault())
		time.Sleep(24 * time.Hour)
		assert.Equal(t, [2]int{190, 463}, refresh(t, s.Platform, s.ig).fault(), "expired for ever")
		assert.Equal(t, [2]int{100, 0}, refresh(t, s.Platform, issue(t, s.Platform, TokenSpec{})).fault(), "short-lived tokens cannot be refreshed")
	})
}

// The option in its shortest form: a long-lived token of a given age.
func TestLongLivedToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := New(LongLivedToken("IGAAyoung", 23*time.Hour), LongLivedToken("IGAAold", 59*24*time.Hour))
		assert.Equal(t, [2]int{100, 0}, refresh(t, p, "IGAAyoung").fault())
		assert.Equal(t, 200, refresh(t, p, "IGAAold").status)
		time.Sleep(24 * time.Hour)
		assert.Equal(t, 200, refresh(t, p, "IGAAyoung").status)
		assert.Equal(t, [2]int{190, 463}, me(t, p, "IGAAold").fault())
		have, ok := p.Token("IGAAold")
		require.True(t, ok)
		assert.Equal(t, DefaultAccountID, have.AccountID)
		_, ok = p.Token("IGAAnobody")
		assert.False(t, ok)
	})
}

func TestExchangeLongLivedRefusals(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	short := issue(t, s.Platform, TokenSpec{})
	exchange := func(token, secret string, extra ...string) got {
		return send(t, s.Platform, "GET", igGraph+"/access_token", append([]string{"grant_type", "ig_exchange_token", "client_secret", secret, "access_token", token}, extra...)...)
	}
	assert.Equal(t, 200, exchange(short, DefaultInstagramAppSecret, "client_id", DefaultInstagramAppID).status)
	wrong := exchange(short, DefaultMetaAppSecret)
	assert.Equal(t, [2]int{100, 0}, wrong.fault())
	assert.Equal(t, "Error validating client secret.", wrong.field(t, "error", "message"))
	assert.Contains(t, exchange(s.ig, DefaultInstagramAppSecret).text, "Session key invalid")
	assert.Equal(t, [2]int{104, 0}, exchange("", DefaultInstagramAppSecret).fault())
	assert.Contains(t, exchange(s.user, DefaultInstagramAppSecret).text, "Cannot parse access token")
	assert.Equal(t, [2]int{100, 0}, exchange(short, DefaultInstagramAppSecret, "appsecret_proof", "x").fault())
	posted := send(t, s.Platform, "POST", igGraph+"/access_token", "grant_type", "ig_exchange_token", "client_secret", DefaultInstagramAppSecret, "access_token", short)
	assert.Contains(t, posted.text, "Unsupported request - method type: post")
}

// The body of a code exchange may be a form of either kind, and is never JSON.
func TestExchangeBodies(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	fields := map[string]string{
		"client_id": DefaultInstagramAppID, "client_secret": DefaultInstagramAppSecret,
		"grant_type": "authorization_code", "redirect_uri": callback, "code": s.code(InstagramLogin),
	}
	post := func(kind, body string) got {
		req, err := http.NewRequestWithContext(t.Context(), "POST", "https://api.instagram.com/oauth/access_token", strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", kind)
		return do(t, s.Platform, req)
	}
	assertText(t, `{"error_type": "OAuthException", "code": 400, "error_message": "Missing required field client_id"}`,
		post("application/json", `{"client_id":"`+DefaultInstagramAppID+`"}`).text)
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, value := range fields {
		require.NoError(t, w.WriteField(name, value))
	}
	require.NoError(t, w.Close())
	assert.Equal(t, 200, post(w.FormDataContentType(), body.String()).status)
	assert.Equal(t, 405, send(t, s.Platform, "GET", "https://api.instagram.com/oauth/access_token").status)
	assert.Equal(t, 404, send(t, s.Platform, "GET", "https://api.instagram.com/v1/users/self").status)
	metaPair := send(t, s.Platform, "POST", "https://api.instagram.com/oauth/access_token", "client_id", DefaultMetaAppID,
		"client_secret", DefaultMetaAppSecret, "grant_type", "authorization_code", "redirect_uri", callback, "code", "x")
	assert.Equal(t, "Invalid platform app", metaPair.field(t, "error_message"))
}

func TestFacebookExchange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		try := func(params ...string) got {
			return send(t, s.Platform, "GET", fbGraph+"/oauth/access_token", append([]string{"client_id", DefaultMetaAppID, "client_secret", DefaultMetaAppSecret}, params...)...)
		}
		app := try("grant_type", "client_credentials")
		assert.Regexp(t, `^\{"access_token":"`+DefaultMetaAppID+`\|[\w-]{27}","token_type":"bearer"\}$`, app.text)
		assert.Equal(t, true, send(t, s.Platform, "GET", fbGraph+"/debug_token", "input_token", s.user, "access_token", app.token(t)).field(t, "data", "is_valid"))

		sdk := issue(t, s.Platform, TokenSpec{Login: FacebookLogin})
		long := try("grant_type", "fb_exchange_token", "fb_exchange_token", sdk)
		assert.EqualValues(t, 5184000, long.field(t, "expires_in"))
		assert.Equal(t, 200, try("grant_type", "fb_exchange_token", "fb_exchange_token", long.token(t)).status, "again while it is valid")
		assert.Equal(t, [2]int{100, 0}, try("grant_type", "fb_exchange_token", "fb_exchange_token", s.page).fault())
		assert.Contains(t, try("grant_type", "fb_exchange_token", "fb_exchange_token", s.ig).text, "Cannot parse access token")

		back := send(t, s.Platform, "GET", fbGraph+"/oauth/client_code", "client_id", DefaultMetaAppID, "client_secret", DefaultMetaAppSecret,
			"redirect_uri", callback, "access_token", long.token(t))
		assert.Equal(t, 200, try("redirect_uri", callback, "code", back.field(t, "code").(string)).status)

		gone := send(t, s.Platform, "GET", fbGraph+"/oauth/revoke", "client_id", DefaultMetaAppID, "client_secret", DefaultMetaAppSecret,
			"revoke_token", long.token(t), "access_token", s.user)
		assertText(t, `{"success":"true"}`, gone.text)
		assert.Equal(t, [2]int{190, 467}, send(t, s.Platform, "GET", fbGraph+"/me", "access_token", long.token(t)).fault())

		assert.Equal(t, [2]int{1, 0}, send(t, s.Platform, "GET", fbGraph+"/oauth/access_token", "client_id", DefaultMetaAppID).fault())
		assert.Equal(t, [2]int{101, 0}, send(t, s.Platform, "GET", fbGraph+"/oauth/access_token").fault())
		assert.Equal(t, [2]int{100, 0}, try("grant_type", "password").fault())
		assert.Equal(t, [2]int{1, 0}, try().fault())
		assert.Equal(t, [2]int{100, 0}, try("code", "AQnever", "redirect_uri", callback).fault())
		code := s.code(FacebookLogin)
		assert.Equal(t, [2]int{191, 0}, try("code", code).fault())
		time.Sleep(time.Hour)
		assert.Equal(t, [2]int{100, 36007}, try("code", code, "redirect_uri", callback).fault())
	})
}

// A Page token of a short-lived user token ends with it, others never by time.
func TestPageTokenLife(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		page := func(user string) string {
			one := send(t, s.Platform, "GET", fbGraph+"/"+DefaultPageID, "fields", "access_token,instagram_business_account", "access_token", user)
			assert.Equal(t, DefaultAccountID, one.field(t, "instagram_business_account", "id"))
			return one.token(t)
		}
		short, long := page(issue(t, s.Platform, TokenSpec{Login: FacebookLogin})), page(s.user)
		assert.Equal(t, long, page(s.user), "always the same one")
		time.Sleep(2 * time.Hour)
		account := fbGraph + "/" + DefaultAccountID
		assert.Equal(t, [2]int{190, 463}, send(t, s.Platform, "GET", account, "access_token", short).fault())
		time.Sleep(365 * 24 * time.Hour)
		assert.Equal(t, 200, send(t, s.Platform, "GET", account, "fields", "username,followers_count", "access_token", long).status)
		assert.Equal(t, DefaultPageID, send(t, s.Platform, "GET", fbGraph+"/me", "access_token", long).field(t, "id"))
		assert.Equal(t, [2]int{100, 33}, send(t, s.Platform, "GET", fbGraph+"/"+SecondAccountID, "access_token", long).fault(), "not its own account")

		require.NoError(t, s.ChangePassword(DefaultPersonID))
		assert.Equal(t, [2]int{190, 460}, send(t, s.Platform, "GET", account, "access_token", long).fault())
	})
}

func TestDataAccessEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		user := s.user
		for range 2 { // exchanging keeps the token young, not the consent
			time.Sleep(45 * 24 * time.Hour)
			user = send(t, s.Platform, "GET", fbGraph+"/oauth/access_token", "grant_type", "fb_exchange_token", "client_id", DefaultMetaAppID,
				"client_secret", DefaultMetaAppSecret, "fb_exchange_token", user).token(t)
		}
		assert.Equal(t, [2]int{190, 493}, send(t, s.Platform, "GET", fbGraph+"/me", "access_token", user).fault())
		s.code(FacebookLogin)
		assert.Equal(t, 200, send(t, s.Platform, "GET", fbGraph+"/me", "access_token", user).status, "the person passed the dialog again")
	})
}

func TestDebugToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		s.AddApp(App{Name: "Stranger", MetaAppID: "600", MetaAppSecret: "s"})
		look := func(input, caller string) got {
			return send(t, s.Platform, "GET", fbGraph+"/debug_token", "input_token", input, "access_token", caller)
		}
		page := look(s.page, appToken)
		assert.Equal(t, "PAGE", page.field(t, "data", "type"))
		assert.Equal(t, DefaultPageID, page.field(t, "data", "profile_id"))
		assert.EqualValues(t, 0, page.field(t, "data", "expires_at"))
		assert.EqualValues(t, time.Now().Unix(), page.field(t, "data", "issued_at"))
		assert.Equal(t, true, look(s.user, s.user).field(t, "data", "is_valid"), "a user token of the app may ask too")
		assert.Equal(t, "APP", look(appToken, appToken).field(t, "data", "type"))
		assert.Equal(t, false, look("1|2", appToken).field(t, "data", "is_valid"))

		foreign := issue(t, s.Platform, TokenSpec{Login: FacebookLogin, AppID: "600"})
		seen := look(foreign, appToken)
		assert.Equal(t, "600", seen.field(t, "data", "app_id"))
		assert.NotEqual(t, DefaultPersonID, seen.field(t, "data", "user_id"), "every app knows a person under another ID")
		assert.Equal(t, s.ScopedID("600", DefaultPersonID), seen.field(t, "data", "user_id"))
		assert.Equal(t, [2]int{190, 0}, send(t, s.Platform, "GET", fbGraph+"/oauth/access_token", "grant_type", "fb_exchange_token",
			"client_id", DefaultMetaAppID, "client_secret", DefaultMetaAppSecret, "fb_exchange_token", foreign).fault())

		for token, want := range map[string]string{"EAAnobody": "Invalid OAuth access token.", s.ig: "Invalid OAuth access token - Cannot parse access token"} {
			dead := look(token, appToken)
			assert.Equal(t, 200, dead.status)
			assertText(t, `{"data":{"error":{"code":190,"message":"`+want+`"},"is_valid":false,"scopes":[]}}`, dead.text)
		}
		require.NoError(t, s.Checkpoint(DefaultPersonID))
		blocked := look(s.user, appToken)
		want := normal(t, fixtures(t)["dt-459-subcode-key"].Response.Body).(map[string]any)["error"]
		assert.Equal(t, want, blocked.field(t, "data", "error"))
		assert.Equal(t, false, blocked.field(t, "data", "is_valid"))
		require.NoError(t, s.RestoreAccount(DefaultPersonID))
		assert.Equal(t, true, look(s.user, appToken).field(t, "data", "is_valid"))

		assert.Equal(t, [2]int{190, 0}, look(s.user, DefaultMetaAppID+"|wrong").fault())
		assert.Equal(t, [2]int{104, 0}, look(s.user, "").fault())
		assert.Equal(t, [2]int{100, 0}, look("", appToken).fault())

		// On Instagram's host the call is undocumented.
		const igApp = DefaultInstagramAppID + "|" + DefaultInstagramAppSecret
		assert.Equal(t, 403, send(t, s.Platform, "GET", igGraph+"/debug_token", "input_token", s.ig, "access_token", s.ig).status)
		assert.Equal(t, DefaultAppScopedID, send(t, s.Platform, "GET", igGraph+"/debug_token", "input_token", s.ig, "access_token", igApp).field(t, "data", "user_id"))
		quirky := New(WithQuirks(Quirks{RefuseInspection: true, HideForeignTokens: true}), WithShapes(Shapes{DebugNumbers: true}))
		assert.Equal(t, 403, send(t, quirky, "GET", igGraph+"/debug_token", "input_token", s.ig, "access_token", igApp).status)
		mine := issue(t, quirky, TokenSpec{Login: FacebookLogin})
		assert.Contains(t, send(t, quirky, "GET", fbGraph+"/debug_token", "input_token", mine, "access_token", appToken).text, `"user_id":`+DefaultPersonID)
		quirky.AddApp(App{MetaAppID: "600", MetaAppSecret: "s"})
		assert.Contains(t, send(t, quirky, "GET", fbGraph+"/debug_token", "input_token", mine, "access_token", "600|s").text, "did not match the Viewing App")
	})
}

func TestProof(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		sign := func(message, secret string) string {
			mac := hmac.New(sha256.New, []byte(secret))
			mac.Write([]byte(message))
			return hex.EncodeToString(mac.Sum(nil))
		}
		me := func(params ...string) got {
			return send(t, s.Platform, "GET", fbGraph+"/me", append([]string{"access_token", s.user}, params...)...)
		}
		assert.Equal(t, 200, me().status)
		require.NoError(t, s.RequireProof(DefaultMetaAppID, true))
		missing := me()
		assertText(t, "API calls from the server require an appsecret_proof argument", missing.field(t, "error", "message").(string))
		assert.Equal(t, "GraphMethodException", missing.field(t, "error", "type"))
		plain := sign(s.user, DefaultMetaAppSecret)
		assert.Equal(t, 200, me("appsecret_proof", plain).status)
		assert.Equal(t, "Invalid appsecret_proof provided in the API argument", me("appsecret_proof", sign(s.page, DefaultMetaAppSecret)).field(t, "error", "message"))
		assert.Equal(t, 400, me("appsecret_proof", sign(s.user, DefaultInstagramAppSecret)).status)
		assert.Equal(t, 400, me("appsecret_proof", strings.ToUpper(plain)).status)

		at := strconv.FormatInt(time.Now().Unix(), 10)
		timed := sign(s.user+"|"+at, DefaultMetaAppSecret)
		assert.Equal(t, 200, me("appsecret_proof", timed, "appsecret_time", at).status)
		assert.Equal(t, 400, me("appsecret_proof", timed).status)
		assert.Equal(t, 400, me("appsecret_proof", timed, "appsecret_time", at+".0").status)
		time.Sleep(5*time.Minute + time.Second)
		assert.Equal(t, 400, me("appsecret_proof", timed, "appsecret_time", at).status)

		ig := func(p *Platform) got {
			return send(t, p, "GET", igGraph+"/me", "access_token", issue(t, p, TokenSpec{}), "appsecret_proof", "x")
		}
		assert.Equal(t, [2]int{100, 0}, ig(s.Platform).fault())
		assert.Equal(t, 200, ig(New(WithQuirks(Quirks{IgnoreProof: true}))).status)
	})
}

func TestControls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		require.NoError(t, s.Age(s.ig, 57*24*time.Hour))
		assert.Equal(t, 200, me(t, s.Platform, s.ig).status)
		require.NoError(t, s.Age(s.ig, 24*time.Hour))
		assert.Equal(t, [2]int{190, 463}, me(t, s.Platform, s.ig).fault())
		s = newScene(t)
		require.NoError(t, s.Checkpoint(DefaultUsername))
		assert.Equal(t, [2]int{190, 459}, me(t, s.Platform, s.ig).fault())
		require.NoError(t, s.RestoreAccount(DefaultUsername))
		assert.Equal(t, 200, me(t, s.Platform, s.ig).status)
		require.NoError(t, s.Revoke(DefaultAccountID))
		gone := me(t, s.Platform, s.ig)
		assert.Equal(t, [2]int{190, 458}, gone.fault())
		assert.Equal(t, "Error validating access token: The user has not authorized application "+DefaultInstagramAppID+".", gone.field(t, "error", "message"))
		assert.Equal(t, 458, s.Tokens(DefaultAppScopedID)[0].Dead)
		assert.Equal(t, 200, send(t, s.Platform, "GET", fbGraph+"/me", "access_token", s.user).status, "the other product is another consent")
		require.NoError(t, s.LoseRole(DefaultPersonID, DefaultPageID))
		assert.NotContains(t, send(t, s.Platform, "GET", fbGraph+"/me/accounts", "access_token", s.user).text, DefaultPageID)
		require.NoError(t, s.RegainRole(DefaultPersonID, DefaultPageID))
		assert.Contains(t, send(t, s.Platform, "GET", fbGraph+"/me/accounts", "access_token", s.page).text, `"error"`)
		require.NoError(t, s.DisableApp(DefaultInstagramAppID))
		_, err := s.Consent(browserURL(InstagramLogin, "instagram_business_basic"))
		require.ErrorContains(t, err, "Invalid platform app")
		_, err = s.Consent(browserURL(FacebookLogin, "instagram_basic"))
		require.ErrorContains(t, err, "not accessible")
		assert.Equal(t, [2]int{200, 0}, redeem(t, s.Platform, FacebookLogin, "x").fault())
		require.NoError(t, s.EnableApp(DefaultInstagramAppID))
		assert.Equal(t, 200, send(t, s.Platform, "GET", fbGraph+"/me", "access_token", s.user).status, "a blocked app kills no token")

		for _, err := range []error{
			s.Expire("x"), s.Age("x", 1), s.Kill("x", 0), s.Revoke("x"), s.RevokeScope("x", "y"), s.ChangePassword("x"), s.Checkpoint("x"),
			s.Unconfirm("x"), s.Restrict("x"), s.RestoreAccount("x"), s.LoseRole("x", "y"), s.LoseRole(DefaultPersonID, "y"),
			s.RegainRole("x", "y"), s.DisableApp("x"), s.EnableApp("x"), s.RotateSecret("x", "y"), s.RequireProof("x", true),
		} {
			require.ErrorContains(t, err, "instagramtest: ")
		}
		assert.Empty(t, s.ScopedID("", "x")+s.ScopedID("x", DefaultAccountID))
		assert.Equal(t, DefaultAppScopedID, s.ScopedID("", DefaultAccountID))
		assert.Empty(t, s.Tokens("x"))
	})
}

func TestIssueTokenRefuses(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	for _, spec := range []TokenSpec{
		{Value: s.ig},
		{AppID: "x"},
		{Account: "x"},
		{Kind: PageToken},
		{Login: FacebookLogin, Person: "x"},
		{Login: FacebookLogin, Kind: PageToken, Page: "x"},
	} {
		_, err := s.IssueToken(spec)
		require.ErrorContains(t, err, "instagramtest: ", "%+v", spec)
	}
	_, err := New(WithPerson(Person{})).IssueToken(TokenSpec{})
	require.Error(t, err)
	tok, err := s.IssueToken(TokenSpec{Lifetime: -1, Scopes: []string{"instagram_business_basic"}})
	require.NoError(t, err)
	assert.True(t, tok.ExpiresAt.IsZero())
	assert.Equal(t, []string{"instagram_business_basic"}, tok.Scopes)
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	s := newScene(t, WithShapes(Shapes{RevokeTrue: true}))
	back, err := s.Consent(browserURL(FacebookLogin, "instagram_basic,pages_messaging"), Decline("pages_messaging"))
	require.NoError(t, err)
	user := redeem(t, s.Platform, FacebookLogin, codeFrom(t, back)).token(t)
	list := send(t, s.Platform, "GET", fbGraph+"/me/permissions", "access_token", user)
	assert.Contains(t, list.text, `{"permission":"instagram_basic","status":"granted"}`)
	assert.Contains(t, list.text, `{"permission":"pages_messaging","status":"declined"}`)
	assertText(t, "true", send(t, s.Platform, "DELETE", fbGraph+"/me/permissions/instagram_basic", "access_token", user).text)
	assert.Equal(t, [2]int{10, 0}, send(t, s.Platform, "GET", fbGraph+"/"+DefaultAccountID, "access_token", user).fault())
	assertText(t, "true", send(t, s.Platform, "DELETE", fbGraph+"/"+DefaultPersonID+"/permissions", "access_token", appToken).text)
	assert.Equal(t, [2]int{190, 458}, send(t, s.Platform, "GET", fbGraph+"/me", "access_token", user).fault())
	assert.Equal(t, [2]int{190, 458}, send(t, s.Platform, "GET", fbGraph+"/me", "access_token", s.page).fault())
	s.code(FacebookLogin)
	assert.Equal(t, [2]int{190, 458}, send(t, s.Platform, "GET", fbGraph+"/me", "access_token", user).fault(), "a new consent revives no old token")

	s = newScene(t)
	assert.Contains(t, send(t, s.Platform, "GET", igGraph+"/me/permissions", "access_token", s.ig).text, "instagram_business_basic")
	assertText(t, `{"success":true}`, send(t, s.Platform, "DELETE", igGraph+"/me/permissions", "access_token", s.ig).text)
	assert.Equal(t, [2]int{190, 458}, me(t, s.Platform, s.ig).fault())
	s = newScene(t, WithQuirks(Quirks{RefuseRevocation: true, RefuseVersions: true}))
	assert.Contains(t, send(t, s.Platform, "DELETE", igGraph+"/me/permissions", "access_token", s.ig).text, "Unsupported request - method type: delete")
	assert.Equal(t, [2]int{100, 0}, me(t, s.Platform, s.ig).fault(), "the version prefix is refused")
	assert.Equal(t, 200, send(t, s.Platform, "GET", igGraph+"/me", "access_token", s.ig).status)
}

package instagram_test

import (
	"maps"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

func TestAuthCodeURL(t *testing.T) {
	t.Parallel()
	flb := facebookConfig()
	flb.ConfigID, flb.Scopes = "777", nil
	unversioned := facebookConfig()
	unversioned.Version = instagram.Unversioned
	tests := map[string]struct {
		config instagram.Config
		opts   []instagram.AuthCodeOption
		base   string
		params url.Values // beside client_id, redirect_uri, response_type, state and scope
		scope  string
	}{
		"instagram": {
			config: instagramConfig(), base: "https://www.instagram.com/oauth/authorize",
			scope: "instagram_business_basic,instagram_business_content_publish",
		},
		"instagram with its options": {
			config: instagramConfig(), base: "https://www.instagram.com/oauth/authorize",
			opts:   []instagram.AuthCodeOption{instagram.ForceReauth(), instagram.EnableFacebookLogin(false), instagram.AskScopes(instagram.ScopeBusinessBasic), nil},
			params: url.Values{"force_reauth": {"true"}, "enable_fb_login": {"false"}}, scope: "instagram_business_basic",
		},
		"facebook": {
			config: facebookConfig(), base: "https://www.facebook.com/v26.0/dialog/oauth",
			scope: "instagram_basic,instagram_content_publish,pages_show_list,pages_read_engagement",
		},
		"facebook, unversioned": {
			config: unversioned, base: "https://www.facebook.com/dialog/oauth",
			scope: "instagram_basic,instagram_content_publish,pages_show_list,pages_read_engagement",
		},
		"facebook with its options": {
			config: facebookConfig(), base: "https://www.facebook.com/v26.0/dialog/oauth",
			opts: []instagram.AuthCodeOption{
				instagram.Rerequest(), instagram.ReturnGrantedScopes(), instagram.Display("page"), instagram.Nonce("n"),
				instagram.Extras(`{"setup":{"channel":"IG_API_ONBOARDING"}}`), instagram.AskScopes(instagram.ScopeBasic),
				instagram.CodeChallenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
			},
			params: url.Values{
				"auth_type": {"rerequest"}, "display": {"page"}, "nonce": {"n"}, "response_type": {"code,granted_scopes"},
				"extras":         {`{"setup":{"channel":"IG_API_ONBOARDING"}}`},
				"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"}, // RFC 7636, appendix B
			},
			scope: "instagram_basic",
		},
		"further permissions": {
			config: instagramConfig(), base: "https://www.instagram.com/oauth/authorize",
			opts:  []instagram.AuthCodeOption{instagram.AddScopes(instagram.ScopeBusinessManageComments, instagram.ScopeBusinessBasic)},
			scope: "instagram_business_basic,instagram_business_content_publish,instagram_business_manage_comments",
		},
		"further permissions, facebook": {
			config: facebookConfig(), base: "https://www.facebook.com/v26.0/dialog/oauth",
			opts:   []instagram.AuthCodeOption{instagram.AddScopes(instagram.ScopeManageComments)},
			params: url.Values{"auth_type": {"rerequest"}},
			scope:  "instagram_basic,instagram_content_publish,pages_show_list,pages_read_engagement,instagram_manage_comments",
		},
		"facebook login for business": {
			config: flb, base: "https://www.facebook.com/v26.0/dialog/oauth",
			opts:   []instagram.AuthCodeOption{instagram.OverrideResponseType()},
			params: url.Values{"config_id": {"777"}, "override_default_response_type": {"true"}},
		},
		"another configuration": {
			config: flb, base: "https://www.facebook.com/v26.0/dialog/oauth",
			opts: []instagram.AuthCodeOption{instagram.LoginConfig("888")}, params: url.Values{"config_id": {"888"}},
		},
		"options of the other product are left out": {
			config: instagramConfig(), base: "https://www.instagram.com/oauth/authorize",
			opts:  []instagram.AuthCodeOption{instagram.Rerequest(), instagram.PKCE()},
			scope: "instagram_business_basic,instagram_business_content_publish",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, test.config, instagramtest.New())
			u, err := url.Parse(client.AuthCodeURL("a state/&?", test.opts...))
			require.NoError(t, err)
			want := url.Values{
				"client_id": {test.config.AppID}, "redirect_uri": {callback},
				"response_type": {"code"}, "state": {"a state/&?"},
			}
			if test.scope != "" {
				want.Set("scope", test.scope)
			}
			maps.Copy(want, test.params)
			assert.Equal(t, want, u.Query())
			u.RawQuery = ""
			assert.Equal(t, test.base, u.String())
		})
	}
}

func TestBeginLoginReportsWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	client := newClient(t, instagramConfig(), instagramtest.New())
	for name, opts := range map[string][]instagram.AuthCodeOption{
		"an option of the other product": {instagram.Rerequest()},
		"PKCE where it is not known":     {instagram.PKCE()},
		"too much data":                  {instagram.LoginData(make([]byte, 257))},
		"another site":                   {instagram.ReturnPath("https://evil.example")},
		"a dead scope":                   {instagram.AskScopes("business_basic")},
		"no scopes":                      {instagram.AskScopes()},
	} {
		_, err := client.BeginLogin(opts...)
		require.Error(t, err, name)
	}
}

func TestPKCE(t *testing.T) {
	t.Parallel()
	cfg := facebookConfig()
	cfg.Scopes = append(cfg.Scopes, instagram.ScopeOpenID)
	meta := instagramtest.New()
	client := newClient(t, cfg, meta)

	attempt, err := client.BeginLogin(instagram.PKCE(), instagram.Nonce("n"))
	require.NoError(t, err)
	_, err = client.FinishLogin(t.Context(), consent(t, meta, attempt.URL), attempt.Binding)
	require.NoError(t, err)
	assert.Len(t, meta.Requests("POST", "/oauth/access_token")[0].Form.Get("code_verifier"), 43)

	code := consent(t, meta, client.AuthCodeURL("s", instagram.CodeChallenge("verifier-verifier-verifier-verifier-verifier"))).Get("code")
	_, err = client.Exchange(t.Context(), code, instagram.CodeVerifier("another"))
	require.Error(t, err)
	_, err = client.Exchange(t.Context(), code, instagram.CodeVerifier("verifier-verifier-verifier-verifier-verifier"))
	require.NoError(t, err)
}

func TestWithoutRedirectURI(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	client := newClient(t, facebookConfig(), meta)
	meta.On("POST", "/oauth/access_token").Once(instagramtest.Answer{Body: `{"access_token":"EAAx","token_type":"bearer"}`})
	_, err := client.Exchange(t.Context(), "AQB", instagram.WithoutRedirectURI(), nil)
	require.NoError(t, err)
	assert.False(t, meta.Requests("", "")[0].Form.Has("redirect_uri"))
}

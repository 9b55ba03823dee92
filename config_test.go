package instagram_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
)

func TestNewComplainsOfEverythingAtOnce(t *testing.T) {
	t.Parallel()
	_, err := instagram.New(instagram.Config{AppID: "my app", RedirectURL: "/callback", Version: "26", ConfigID: "1"})
	require.Error(t, err)
	for _, part := range []string{"app ID:", "app secret:", "redirect URL:", "version:", "config ID:", "scopes:"} {
		assert.Contains(t, err.Error(), part)
	}
}

func TestNewChecksTheConfiguration(t *testing.T) {
	t.Parallel()
	type change func(*instagram.Config)
	secret := func(s string) change { return func(c *instagram.Config) { c.AppSecret = instagram.NewSecret(s) } }
	redirect := func(u string) change { return func(c *instagram.Config) { c.RedirectURL = u } }
	scopes := func(s ...instagram.Scope) change { return func(c *instagram.Config) { c.Scopes = s } }
	basic := instagram.ScopeBusinessBasic
	tests := map[string]struct {
		facebook bool
		change   change
		want     string // "": accepted
	}{
		"as it should be":                   {change: func(*instagram.Config) {}},
		"as it should be, facebook":         {facebook: true, change: func(*instagram.Config) {}},
		"no app ID":                         {change: func(c *instagram.Config) { c.AppID = "" }, want: "app ID: is empty"},
		"app ID with letters":               {change: func(c *instagram.Config) { c.AppID = "12a" }, want: "Instagram app ID"},
		"app ID with letters, facebook":     {facebook: true, change: func(c *instagram.Config) { c.AppID = "12a" }, want: "Meta app ID"},
		"no secret":                         {change: secret(""), want: "is empty"},
		"secret with a line end":            {change: secret("0f1e2d3c4b5a69788796a5b4c3d2e1f0\n"), want: "white space"},
		"secret is an app token":            {change: secret("123|0f1e2d3c4b5a69788796a5b4c3d2e1f0"), want: "not an app token"},
		"secret is a placeholder":           {change: secret("<app-secret>"), want: "placeholder"},
		"secret is an access token":         {change: secret("IGAAePsNlKWIWIUMZ4uMd1UCxQzJzJn10D64alRwzp2Vua"), want: "access token"},
		"a wrong callback secret":           {change: func(c *instagram.Config) { c.CallbackSecrets = make([]instagram.Secret, 1) }, want: "callback secret 0"},
		"redirect URL is relative":          {change: redirect("/callback"), want: "must be absolute"},
		"redirect URL without a host":       {change: redirect("https:callback"), want: "must be absolute"},
		"redirect URL is http":              {change: redirect("http://example.com/callback"), want: "must be https"},
		"redirect URL is http on localhost": {change: redirect("http://localhost:8080/callback"), want: "even on localhost"},
		"localhost with facebook":           {facebook: true, change: redirect("http://localhost:8080/callback")},
		"localhost at a test endpoint": {change: func(c *instagram.Config) {
			c.RedirectURL, c.Endpoint.Graph = "http://127.0.0.1:1/cb", "http://127.0.0.1:2"
		}},
		"redirect URL with a fragment":       {change: redirect("https://example.com/callback#x"), want: "fragment"},
		"redirect URL with an empty one":     {change: redirect("https://example.com/callback#"), want: "fragment"},
		"redirect URL with a password":       {change: redirect("https://a:b@example.com/callback"), want: "password"},
		"redirect URL with a query":          {change: redirect("https://example.com/callback?x=1")},
		"no scopes":                          {change: scopes(), want: "none given"},
		"no scopes but a configuration":      {facebook: true, change: func(c *instagram.Config) { c.Scopes, c.ConfigID = nil, "123" }},
		"configuration of the other product": {change: func(c *instagram.Config) { c.ConfigID = "123" }, want: "config ID"},
		"scope of the other product":         {change: scopes(basic, instagram.ScopeContentPublish), want: `belongs to the facebook login product, this client uses the instagram one: ask for "instagram_business_content_publish"`},
		"scope that only the other one has":  {change: scopes(basic, instagram.ScopePagesShowList), want: "leave it out, or change Config.Login"},
		"scope of instagram at facebook":     {facebook: true, change: scopes(basic), want: `belongs to the instagram login product, this client uses the facebook one: ask for "instagram_basic"`},
		"dead scope":                         {change: scopes(basic, "business_content_publish"), want: `ask for "instagram_business_content_publish"`},
		"dead scope of Basic Display":        {change: scopes(basic, "user_media"), want: "no longer accepted"},
		"basic scope missing":                {change: scopes(instagram.ScopeBusinessManageComments), want: "is missing"},
		"scopes in one string":               {change: scopes("instagram_business_basic,instagram_business_manage_comments"), want: "not one permission name"},
		"scope that is not known yet":        {change: scopes(basic, "something_new")},
		"version without its v":              {change: func(c *instagram.Config) { c.Version = "26.0" }, want: "no Graph API version"},
		"version of the future":              {change: func(c *instagram.Config) { c.Version = "v31.0" }},
		"unversioned":                        {change: func(c *instagram.Config) { c.Version = instagram.Unversioned }},
		"endpoint over http":                 {change: func(c *instagram.Config) { c.Endpoint.Graph = "http://graph.example.com" }, want: "must be https"},
		"endpoint with a user":               {change: func(c *instagram.Config) { c.Endpoint.Token = "https://a@api.example.com" }, want: "no user"},
		"a product that does not exist":      {change: func(c *instagram.Config) { c.Login = 7 }, want: "no product 7"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := instagramConfig()
			if test.facebook {
				cfg = facebookConfig()
			}
			test.change(&cfg)
			_, err := instagram.New(cfg)
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.want)
			if s := cfg.AppSecret.Reveal(); s != "" {
				assert.NotContains(t, err.Error(), s)
			}
		})
	}
}

func TestNewCopiesTheConfiguration(t *testing.T) {
	t.Parallel()
	cfg := instagramConfig()
	client, err := instagram.New(cfg)
	require.NoError(t, err)
	before := client.AuthCodeURL("state")
	cfg.Scopes[1] = "changed"
	assert.Equal(t, before, client.AuthCodeURL("state"))
}

func TestNewWarnsOfVersionsAndDependencies(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*instagram.Config)
		want   string
	}{
		"a dead version":      {func(c *instagram.Config) { c.Version = "v20.0" }, "past its end"},
		"an older one":        {func(c *instagram.Config) { c.Version = "v9.0" }, "past its end"},
		"the newest one":      {func(*instagram.Config) {}, ""},
		"a missing companion": {func(c *instagram.Config) { c.Scopes = []instagram.Scope{instagram.ScopeContentPublish} }, "pages_read_engagement"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			cfg := facebookConfig()
			test.change(&cfg)
			_, err := instagram.New(cfg, instagram.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
			require.NoError(t, err)
			if test.want == "" {
				assert.Empty(t, log.String())
				return
			}
			assert.Contains(t, log.String(), test.want)
		})
	}
}

func TestConfigPrintsNoSecret(t *testing.T) {
	t.Parallel()
	cfg := instagramConfig()
	cfg.CallbackSecrets = []instagram.Secret{instagram.NewSecret("callback-canary")}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		printed := fmt.Sprintf(verb, cfg)
		assert.NotContains(t, printed, cfg.AppSecret.Reveal(), verb)
		assert.NotContains(t, printed, "callback-canary", verb)
	}
}

package instagram_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

const callback = "https://example.com/callback"

// instagramConfig is a right configuration for the fake's default app.
func instagramConfig() instagram.Config {
	return instagram.Config{
		AppID:       instagramtest.DefaultInstagramAppID,
		AppSecret:   instagram.NewSecret(instagramtest.DefaultInstagramAppSecret),
		RedirectURL: callback,
		Scopes:      []instagram.Scope{instagram.ScopeBusinessBasic, instagram.ScopeBusinessContentPublish},
	}
}

// facebookConfig is the same app's on the other product.
func facebookConfig() instagram.Config {
	return instagram.Config{
		Login:       instagram.FacebookLogin,
		AppID:       instagramtest.DefaultMetaAppID,
		AppSecret:   instagram.NewSecret(instagramtest.DefaultMetaAppSecret),
		RedirectURL: callback,
		Scopes: []instagram.Scope{
			instagram.ScopeBasic, instagram.ScopeContentPublish,
			instagram.ScopePagesShowList, instagram.ScopePagesReadEngagement,
		},
	}
}

// newClient returns a client whose requests go to the fake, under Meta's own names.
func newClient(t *testing.T, cfg instagram.Config, meta *instagramtest.Platform, opts ...instagram.Option) *instagram.Client {
	t.Helper()
	client, err := instagram.New(cfg, append([]instagram.Option{instagram.WithTransport(meta.Transport())}, opts...)...)
	require.NoError(t, err)
	return client
}

// consent opens a login window and returns the query of the callback.
func consent(t *testing.T, meta *instagramtest.Platform, authURL string, opts ...instagramtest.ConsentOption) url.Values {
	t.Helper()
	back, err := meta.Consent(authURL, opts...)
	require.NoError(t, err)
	u, err := url.Parse(back)
	require.NoError(t, err)
	return u.Query()
}

// signIn runs a whole login.
func signIn(t *testing.T, client *instagram.Client, meta *instagramtest.Platform, opts ...instagramtest.ConsentOption) *instagram.LoginResult {
	t.Helper()
	attempt, err := client.BeginLogin()
	require.NoError(t, err)
	result, err := client.FinishLogin(t.Context(), consent(t, meta, attempt.URL, opts...), attempt.Binding)
	require.NoError(t, err)
	return result
}

package instagram_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

// codeFor returns a fresh authorization code.
func codeFor(t *testing.T, client *instagram.Client, meta *instagramtest.Platform) string {
	t.Helper()
	return consent(t, meta, client.AuthCodeURL("s3")).Get("code")
}

func TestExchangeReadsEveryShape(t *testing.T) {
	t.Parallel()
	for name, shapes := range map[string]instagramtest.Shapes{
		"flat, as live answers are":    {},
		"wrapped, as documented":       {Wrapped: true, UserIDString: true, Permissions: instagramtest.PermissionsString},
		"wrapped with a number":        {Wrapped: true},
		"without permissions":          {Permissions: instagramtest.PermissionsAbsent},
		"pretty-printed as javascript": {Pretty: true, JavaScript: true},
		"expires_in as a string":       {ExpiresIn: instagramtest.ExpiresString},
		"profile wrapped":              {MeWrapped: true, MeUserIDNumber: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				meta := instagramtest.New(instagramtest.WithShapes(shapes))
				client := newClient(t, instagramConfig(), meta)
				short, err := client.Exchange(t.Context(), codeFor(t, client, meta))
				require.NoError(t, err)
				assert.Equal(t, instagram.ShortLived, short.Kind)
				assert.Empty(t, short.AccountID, "the ID of this answer is not documented to be the account's")
				assert.Equal(t, instagramtest.DefaultAppScopedID, short.AppScopedID, "to the last digit")
				assert.Equal(t, time.Now().Add(time.Hour), short.ExpiresAt)
				if shapes.Permissions == instagramtest.PermissionsAbsent {
					assert.Nil(t, short.Scopes)
				} else {
					assert.Equal(t, instagramConfig().Scopes, short.Scopes)
				}
				result, err := client.ResumeLogin(t.Context(), &instagram.LoginResult{Token: short})
				require.NoError(t, err)
				assert.Equal(t, instagramtest.DefaultAccountID, result.Token.AccountID, "to the last digit")
				assert.InDelta(t, 60, time.Until(result.Token.ExpiresAt).Hours()/24, 1)
			})
		})
	}
}

func TestExchangeOfFacebookReadsEveryShape(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		shapes  instagramtest.Shapes
		unknown bool
	}{
		"as documented":            {},
		"without expires_in":       {instagramtest.Shapes{ExpiresIn: instagramtest.ExpiresAbsent}, true},
		"form-encoded, as of old":  {shapes: instagramtest.Shapes{FormEncoded: true}},
		"debug_token with numbers": {shapes: instagramtest.Shapes{DebugNumbers: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				meta := instagramtest.New(instagramtest.WithShapes(test.shapes))
				client := newClient(t, facebookConfig(), meta)
				short, err := client.Exchange(t.Context(), codeFor(t, client, meta))
				require.NoError(t, err)
				assert.Equal(t, test.unknown, short.ExpiresAt.IsZero())
				assert.NotEqual(t, instagram.Expired, short.Status(time.Now()), "an absent expires_in is not 0")
				result, err := client.ResumeLogin(t.Context(), &instagram.LoginResult{Token: short})
				require.NoError(t, err)
				assert.Equal(t, instagramtest.DefaultPersonID, result.Token.AppScopedID)
				assert.InDelta(t, 60, time.Until(result.Token.ExpiresAt).Hours()/24, 1, "debug_token knows the end")
			})
		})
	}
}

func TestExchangeRefused(t *testing.T) {
	t.Parallel()
	instagramOnly, facebookOnly := instagramConfig(), facebookConfig()
	tests := map[string]struct {
		config instagram.Config
		change func(*instagram.Config)
		code   string // "": a good one
		is     error
	}{
		"a code that nobody issued":           {config: instagramOnly, code: "AQBx", is: instagram.ErrCodeInvalid},
		"no code":                             {config: instagramOnly, code: " ", is: instagram.ErrCodeInvalid},
		"another redirect URI":                {config: instagramOnly, change: func(c *instagram.Config) { c.RedirectURL += "/" }, is: instagram.ErrRedirectURIMismatch},
		"another redirect URI, facebook":      {config: facebookOnly, change: func(c *instagram.Config) { c.RedirectURL += "/" }, is: instagram.ErrRedirectURIMismatch},
		"the Meta pair on Instagram":          {config: instagramOnly, change: metaPair, is: instagram.ErrAppConfig},
		"a wrong secret":                      {config: instagramOnly, change: wrongSecret, is: instagram.ErrAppConfig},
		"a wrong secret, facebook (code 1)":   {config: facebookOnly, change: wrongSecret, is: instagram.ErrAppConfig},
		"a code that nobody issued, facebook": {config: facebookOnly, code: "AQBx", is: instagram.ErrCodeInvalid},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				meta := instagramtest.New()
				code := test.code
				if code == "" {
					code = codeFor(t, newClient(t, test.config, meta), meta)
				}
				cfg := test.config
				if test.change != nil {
					test.change(&cfg)
				}
				_, err := newClient(t, cfg, meta).Exchange(t.Context(), code)
				require.ErrorIs(t, err, test.is)
				assert.LessOrEqual(t, len(meta.Requests("", "/oauth/access_token")), 1, "a code is sent once")
			})
		})
	}
}

func metaPair(c *instagram.Config) {
	c.AppID, c.AppSecret = instagramtest.DefaultMetaAppID, instagram.NewSecret(instagramtest.DefaultMetaAppSecret)
}

func wrongSecret(c *instagram.Config) {
	c.AppSecret = instagram.NewSecret(strings.Repeat("0", 32))
}

func TestExchangeIsNeverRepeated(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answer  instagramtest.Answer
		unclear bool
	}{
		"the answer is lost":           {instagramtest.Answer{Lose: true}, true},
		"a bad gateway":                {instagramtest.Answer{Status: 502, Body: "<html></html>"}, true},
		"an empty 500":                 {instagramtest.Answer{Status: 500}, true},
		"a success without a token":    {instagramtest.Answer{Body: `{"data":[]}`}, true},
		"null":                         {instagramtest.Answer{Body: `null`}, true},
		"an empty token":               {instagramtest.Answer{Body: `{"access_token":""}`}, true},
		"a page":                       {instagramtest.Answer{Body: `<html>hello</html>`}, true},
		"cut off inside the token":     {instagramtest.Answer{Body: `{"access_token":"IGAAxyz","user_id":1}`, CutAfter: 20}, true},
		"a throttle":                   {instagramtest.Failing(4, 0), false},
		"a passing fault inside a 400": {instagramtest.Failing(2, 0), true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				meta := instagramtest.New()
				client := newClient(t, instagramConfig(), meta)
				code := codeFor(t, client, meta)
				meta.On("POST", "/oauth/access_token").Always(test.answer)
				_, err := client.Exchange(t.Context(), code)
				require.Error(t, err)
				if test.unclear {
					require.ErrorIs(t, err, instagram.ErrOutcomeUnknown)
				} else {
					require.NotErrorIs(t, err, instagram.ErrOutcomeUnknown)
				}
				assert.Len(t, meta.Requests("POST", "/oauth/access_token"), 1)
			})
		})
	}
}

func TestExchangeKeepsATokenWhoseAnswerBreaksOff(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	client := newClient(t, instagramConfig(), meta)
	meta.On("POST", "/oauth/access_token").Once(instagramtest.Answer{Body: `{"access_token":"IGAAxyz","user_id":178414057931876`, CutAfter: 45})
	tok, err := client.Exchange(t.Context(), "AQB")
	require.NoError(t, err)
	assert.Equal(t, "IGAAxyz", tok.AccessToken.Reveal())
	assert.Empty(t, tok.AppScopedID, "half an ID is no ID")
}

func TestRefreshTokenRules(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New(instagramtest.LongLivedToken("IGAAtest", 23*time.Hour))
		client := newClient(t, instagramConfig(), meta)
		tok := &instagram.Token{
			AccessToken: instagram.NewSecret("IGAAtest"), Kind: instagram.LongLived,
			ObtainedAt: time.Now().Add(-23 * time.Hour), ExpiresAt: time.Now().Add(59 * 24 * time.Hour),
			Scopes: []instagram.Scope{instagram.ScopeBusinessBasic}, AccountID: instagramtest.DefaultAccountID,
		}
		_, err := client.RefreshToken(t.Context(), tok)
		require.ErrorIs(t, err, instagram.ErrTokenTooYoung)
		assert.Empty(t, meta.Requests("GET", "/refresh_access_token"))

		time.Sleep(2 * time.Hour)
		fresh, err := client.RefreshToken(t.Context(), tok)
		require.NoError(t, err)
		assert.Equal(t, tok.AccountID, fresh.AccountID)
		assert.Equal(t, tok.Scopes, fresh.Scopes, "an answer without permissions keeps them")
		assert.Equal(t, time.Now(), fresh.ObtainedAt)

		time.Sleep(61 * 24 * time.Hour)
		_, err = client.RefreshToken(t.Context(), fresh)
		require.ErrorIs(t, err, instagram.ErrTokenExpired)
		assert.Len(t, meta.Requests("GET", "/refresh_access_token"), 1, "nothing is sent for an expired token")

		fresh.ExpiresAt = time.Time{} // what if our books are wrong? Then Meta decides.
		_, err = client.RefreshToken(t.Context(), fresh)
		require.ErrorIs(t, err, instagram.ErrTokenInvalid)
	})
}

func TestRefreshSurvivesPassingFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New(instagramtest.LongLivedToken("IGAAtest", 48*time.Hour))
		meta.On("GET", "/refresh_access_token").Times(2, instagramtest.Answer{Status: 503})
		client := newClient(t, instagramConfig(), meta)
		_, err := client.RefreshToken(t.Context(), &instagram.Token{AccessToken: instagram.NewSecret("IGAAtest"), Kind: instagram.LongLived})
		require.NoError(t, err)
		assert.Len(t, meta.Requests("GET", "/refresh_access_token"), 3)
	})
}

func TestTokensOfTheOtherProductAreNotSent(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	client := newClient(t, instagramConfig(), meta)
	foreign := &instagram.Token{AccessToken: instagram.NewSecret("EAAx"), Login: instagram.FacebookLogin, Kind: instagram.LongLived}
	_, err := client.RefreshToken(t.Context(), foreign)
	require.ErrorIs(t, err, instagram.ErrInvalidRequest)
	_, err = client.ExchangeLongLived(t.Context(), foreign)
	require.ErrorIs(t, err, instagram.ErrInvalidRequest)
	_, err = client.InspectToken(t.Context(), foreign)
	require.ErrorIs(t, err, instagram.ErrInvalidRequest)
	require.ErrorIs(t, client.RevokeToken(t.Context(), foreign), instagram.ErrInvalidRequest)
	require.ErrorIs(t, client.With(instagram.StaticToken(foreign)).Get(t.Context(), "me", nil, nil), instagram.ErrInvalidRequest)
	assert.Empty(t, meta.Requests("", ""))
}

func TestTokenCallsWithoutAToken(t *testing.T) {
	t.Parallel()
	client := newClient(t, instagramConfig(), instagramtest.New())
	for _, tok := range []*instagram.Token{nil, {}} {
		_, err := client.RefreshToken(t.Context(), tok)
		require.ErrorIs(t, err, instagram.ErrInvalidRequest)
		_, err = client.ExchangeLongLived(t.Context(), tok)
		require.ErrorIs(t, err, instagram.ErrInvalidRequest)
		_, err = client.InspectToken(t.Context(), tok)
		require.ErrorIs(t, err, instagram.ErrInvalidRequest)
		require.ErrorIs(t, client.RevokeToken(t.Context(), tok), instagram.ErrInvalidRequest)
		require.ErrorIs(t, client.With(instagram.StaticToken(tok)).Get(t.Context(), "me", nil, nil), instagram.ErrTokenNotFound)
	}
	_, err := client.AdoptToken(t.Context(), instagram.Secret{})
	require.ErrorIs(t, err, instagram.ErrInvalidRequest)
	_, err = client.ResumeLogin(t.Context(), nil)
	require.ErrorIs(t, err, instagram.ErrInvalidRequest)
}

func TestAdoptToken(t *testing.T) {
	t.Parallel()
	foreignApp := instagramtest.App{InstagramAppID: "222", InstagramAppSecret: strings.Repeat("2", 32), MetaAppID: "333", MetaAppSecret: strings.Repeat("3", 32)}
	tests := map[string]struct {
		config instagram.Config
		spec   instagramtest.TokenSpec
		is     error
		kind   instagram.TokenKind
		status instagram.TokenStatus
	}{
		"short-lived, of a mobile SDK":             {config: instagramConfig(), kind: instagram.LongLived, status: instagram.TooYoung},
		"of the dashboard, two days old":           {config: instagramConfig(), spec: instagramtest.TokenSpec{Kind: instagramtest.LongLived, Age: 48 * time.Hour}, kind: instagram.LongLived, status: instagram.TooYoung},
		"of the dashboard, an hour old":            {config: instagramConfig(), spec: instagramtest.TokenSpec{Kind: instagramtest.LongLived, Age: time.Hour}, kind: instagram.LongLived, status: instagram.Unknown},
		"expired":                                  {config: instagramConfig(), spec: instagramtest.TokenSpec{Age: 2 * time.Hour}, is: instagram.ErrTokenInvalid},
		"of another app":                           {config: instagramConfig(), spec: instagramtest.TokenSpec{AppID: "222"}, is: instagram.ErrAppConfig},
		"facebook: short-lived, of an SDK":         {config: facebookConfig(), spec: instagramtest.TokenSpec{Login: instagramtest.FacebookLogin}, kind: instagram.LongLived, status: instagram.Fresh},
		"facebook: long-lived":                     {config: facebookConfig(), spec: instagramtest.TokenSpec{Login: instagramtest.FacebookLogin, Kind: instagramtest.LongLived}, kind: instagram.LongLived, status: instagram.Fresh},
		"facebook: system user, without end":       {config: facebookConfig(), spec: instagramtest.TokenSpec{Login: instagramtest.FacebookLogin, Kind: instagramtest.SystemUser}, kind: instagram.SystemUser, status: instagram.NeverExpires},
		"facebook: of another app":                 {config: facebookConfig(), spec: instagramtest.TokenSpec{Login: instagramtest.FacebookLogin, AppID: "333"}, is: instagram.ErrAppConfig},
		"facebook: expired":                        {config: facebookConfig(), spec: instagramtest.TokenSpec{Login: instagramtest.FacebookLogin, Age: 3 * time.Hour}, is: instagram.ErrTokenInvalid},
		"facebook: the token of the other product": {config: facebookConfig(), is: instagram.ErrTokenInvalid},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				meta := instagramtest.New(instagramtest.WithApp(instagramtest.DefaultApp()), instagramtest.WithApp(foreignApp))
				issued, err := meta.IssueToken(test.spec)
				require.NoError(t, err)
				store := instagram.NewMemoryStore()
				client := newClient(t, test.config, meta, instagram.WithTokenStore(store))
				tok, err := client.AdoptToken(t.Context(), instagram.NewSecret(issued.Value))
				if test.is != nil {
					require.ErrorIs(t, err, test.is)
					return
				}
				require.NoError(t, err)
				assert.Equal(t, test.kind, tok.Kind)
				assert.Equal(t, test.status, tok.Status(time.Now()))
				record, err := store.LoadToken(t.Context(), tok.Key(test.config.AppID))
				require.NoError(t, err)
				assert.True(t, record.Token.AccessToken.Equal(tok.AccessToken))
			})
		})
	}
}

func TestInspectToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New()
		for name, cfg := range map[string]instagram.Config{"instagram": instagramConfig(), "facebook": facebookConfig()} {
			client := newClient(t, cfg, meta)
			tok := signIn(t, client, meta).Token
			info, err := client.InspectToken(t.Context(), tok)
			require.NoError(t, err, name)
			assert.True(t, info.Valid, name)
			assert.Equal(t, tok.AppScopedID, info.UserID, name)
			if cfg.Login == instagram.FacebookLogin {
				assert.Equal(t, instagram.FromDebugToken, info.Source)
				assert.Equal(t, cfg.AppID, info.AppID)
				assert.NotEmpty(t, info.Scopes)
				require.NoError(t, meta.Revoke(instagramtest.DefaultPersonID))
			} else {
				assert.Equal(t, instagram.FromProfile, info.Source)
				assert.Empty(t, info.AppID, "Instagram does not say whose it is, and nothing is made up")
				require.NoError(t, meta.Revoke(instagramtest.DefaultAccountID))
			}
			info, err = client.InspectToken(t.Context(), tok)
			require.NoError(t, err, name)
			assert.False(t, info.Valid, name)
			require.ErrorIs(t, info.Err, instagram.ErrTokenInvalid, name)
		}
	})
}

func TestRevokeToken(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		config instagram.Config
		shapes instagramtest.Shapes
		answer *instagramtest.Answer
		is     error
	}{
		"facebook":                              {config: facebookConfig()},
		"facebook, the bare word true":          {config: facebookConfig(), shapes: instagramtest.Shapes{RevokeTrue: true}},
		"instagram, undocumented but confirmed": {config: instagramConfig()},
		"instagram, refused":                    {config: instagramConfig(), answer: new(instagramtest.Failing(100, 0)), is: instagram.ErrOutcomeUnknown},
		"instagram, no confirmation":            {config: instagramConfig(), answer: &instagramtest.Answer{Body: `{"success":false}`}, is: instagram.ErrOutcomeUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			meta := instagramtest.New(instagramtest.WithShapes(test.shapes))
			client := newClient(t, test.config, meta)
			tok := signIn(t, client, meta).Token
			if test.answer != nil {
				meta.On(http.MethodDelete, "/me/permissions").Always(*test.answer)
			}
			err := client.RevokeToken(t.Context(), tok)
			if test.is != nil {
				require.ErrorIs(t, err, test.is)
				return
			}
			require.NoError(t, err)
			info, err := client.InspectToken(t.Context(), tok)
			require.NoError(t, err)
			assert.False(t, info.Valid)
		})
	}
}

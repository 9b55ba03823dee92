package instagram_test

import (
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

func loginQuery(t *testing.T, client *instagram.Client, opts []instagram.AuthCodeOption) url.Values {
	t.Helper()
	u, err := url.Parse(client.AuthCodeURL("state", opts...))
	require.NoError(t, err)
	return u.Query()
}

func TestPermissionsOfFacebookLogin(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	client := newClient(t, facebookConfig(), meta)
	result := signIn(t, client, meta, instagramtest.Decline("instagram_content_publish"), instagramtest.OnlyPages(instagramtest.DefaultPageID))
	p, err := client.Permissions(t.Context(), result.Token)
	require.NoError(t, err)
	assert.True(t, p.Known)
	assert.Equal(t, []string{"debug_token", "me/permissions"}, p.Sources)
	assert.Contains(t, p.Granted, instagram.ScopeBasic)
	assert.Equal(t, []instagram.Scope{instagram.ScopeContentPublish}, p.Declined)
	assert.Empty(t, p.Expired)

	assert.True(t, p.Allows(instagram.ScopeBasic, ""))
	assert.True(t, p.Allows(instagram.ScopeBasic, instagramtest.DefaultAccountID))
	assert.False(t, p.Allows(instagram.ScopeBasic, instagramtest.SecondAccountID))
	assert.True(t, p.Allows(instagram.ScopePagesShowList, instagramtest.DefaultPageID))
	assert.False(t, p.Allows(instagram.ScopePagesShowList, instagramtest.SecondPageID))
	assert.False(t, p.Allows(instagram.ScopeContentPublish, ""))
	assert.True(t, p.Allows(instagram.ScopePublicProfile, "anything"))

	assert.Equal(t, []instagram.Scope{instagram.ScopeContentPublish}, p.Missing(instagram.ScopeContentPublish))
	assert.Equal(t, []instagram.Scope{instagram.ScopeManageComments, instagram.ScopeContentPublish},
		p.Missing(instagram.ScopeManageComments, instagram.ScopeContentPublish, instagram.ScopeBasic))
	assert.Nil(t, p.Missing(instagram.ScopeBasic))
	assert.Nil(t, p.AskAgain(instagram.ScopeBasic))

	query := loginQuery(t, client, p.AskAgain(instagram.ScopeContentPublish))
	assert.Equal(t, "rerequest", query.Get("auth_type"))
	assert.Contains(t, query.Get("scope"), "instagram_content_publish")
	attempt, err := client.BeginLogin(p.AskAgain(instagram.ScopeContentPublish)...)
	require.NoError(t, err)
	again, err := client.FinishLogin(t.Context(), consent(t, meta, attempt.URL), attempt.Binding)
	require.NoError(t, err)
	assert.Contains(t, again.Token.Scopes, instagram.ScopeContentPublish, "the window asked again for what was declined")
}

// A permission that needs others is missing together with them.
func TestMissingPermissionsBringTheirNeeds(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	client := newClient(t, facebookConfig(), meta)
	tok, err := person(t, meta, []string{"public_profile"}).Token(t.Context())
	require.NoError(t, err)
	p, err := client.Permissions(t.Context(), tok)
	require.NoError(t, err)
	assert.Equal(t, []instagram.Scope{
		instagram.ScopeContentPublish, instagram.ScopeBasic, instagram.ScopePagesReadEngagement, instagram.ScopePagesShowList,
	}, p.Missing(instagram.ScopeContentPublish))
}

func TestPermissionsOfAConfiguration(t *testing.T) {
	t.Parallel()
	app := instagramtest.DefaultApp()
	app.Configurations = []instagramtest.Configuration{{ID: "77", Scopes: []string{"instagram_basic", "pages_show_list"}}}
	meta := instagramtest.New(instagramtest.WithApp(app))
	cfg := facebookConfig()
	cfg.ConfigID, cfg.Scopes = "77", nil
	client := newClient(t, cfg, meta)
	result := signIn(t, client, meta)
	p, err := client.Permissions(t.Context(), result.Token)
	require.NoError(t, err)
	query := loginQuery(t, client, p.AskAgain(instagram.ScopeContentPublish))
	assert.Equal(t, "77", query.Get("config_id"))
	assert.Equal(t, "rerequest", query.Get("auth_type"))
	assert.Empty(t, query.Get("scope"), "the configuration says what is asked for")
}

func TestPermissionsOfInstagramLogin(t *testing.T) {
	t.Parallel()
	refuse := instagramtest.WithQuirks(instagramtest.Quirks{RefuseRevocation: true})
	tests := map[string]struct {
		opts    []instagramtest.Option
		forget  bool // the token's own permissions are not known
		known   bool
		sources []string
		missing []instagram.Scope
	}{
		"what came with the token, and the list":          {known: true, sources: []string{"token", "me/permissions"}, missing: []instagram.Scope{instagram.ScopeBusinessManageComments}},
		"the token alone, where the list is refused":      {opts: []instagramtest.Option{refuse}, known: true, sources: []string{"token"}, missing: []instagram.Scope{instagram.ScopeBusinessManageComments}},
		"the list alone, for a token of the dashboard":    {forget: true, known: true, sources: []string{"me/permissions"}, missing: []instagram.Scope{instagram.ScopeBusinessManageComments}},
		"nothing, which is not the same as no permission": {opts: []instagramtest.Option{refuse}, forget: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			meta := instagramtest.New(tt.opts...)
			client := newClient(t, instagramConfig(), meta)
			tok := *signIn(t, client, meta).Token
			if tt.forget {
				tok.Scopes = nil
			}
			p, err := client.Permissions(t.Context(), &tok)
			require.NoError(t, err)
			assert.Equal(t, tt.known, p.Known)
			assert.Equal(t, tt.sources, p.Sources)
			assert.Equal(t, tt.missing, p.Missing(instagram.ScopeBusinessManageComments))
			options := p.AskAgain(instagram.ScopeBusinessManageComments)
			if !tt.known {
				assert.Nil(t, options)
				return
			}
			query := loginQuery(t, client, options)
			for _, s := range []string{"instagram_business_basic", "instagram_business_manage_comments", "instagram_business_content_publish"} {
				assert.Contains(t, query.Get("scope"), s, "a login on Instagram replaces what was granted")
			}
			_, err = client.BeginLogin(options...)
			require.NoError(t, err)
		})
	}
}

func TestPermissionsThatChangedSinceTheLogin(t *testing.T) {
	t.Parallel()
	for _, cfg := range []instagram.Config{instagramConfig(), facebookConfig()} {
		meta := instagramtest.New()
		client := newClient(t, cfg, meta)
		tok := signIn(t, client, meta).Token
		publish, who := instagram.ScopeBusinessContentPublish, instagramtest.DefaultAccountID
		if cfg.Login == instagram.FacebookLogin {
			publish, who = instagram.ScopeContentPublish, instagramtest.DefaultPersonID
		}
		require.NoError(t, meta.RevokeScope(who, string(publish)))
		p, err := client.Permissions(t.Context(), tok)
		require.NoError(t, err)
		assert.Equal(t, []instagram.Scope{publish}, p.Missing(publish), "%v", cfg.Login)
		assert.Equal(t, []instagram.Scope{publish}, p.Declined)

		require.NoError(t, meta.Revoke(who))
		_, err = client.Permissions(t.Context(), tok)
		require.ErrorIs(t, err, instagram.ErrTokenInvalid)
	}
}

func TestPermissionsAreReadTolerantly(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	client := newClient(t, facebookConfig(), meta)
	tok, err := person(t, meta, nil).Token(t.Context())
	require.NoError(t, err)
	list := meta.On("GET", "/me/permissions")
	list.Once(instagramtest.Answer{Body: `{"data":[{"permission":"instagram_basic","status":"Expired"},{"permission":"email","status":"whatever"},{},7]}`})
	p, err := client.Permissions(t.Context(), tok)
	require.NoError(t, err)
	assert.Equal(t, []instagram.Scope{instagram.ScopeBasic}, p.Expired)
	assert.Equal(t, []instagram.Scope{instagram.ScopeEmail}, p.Declined)
	for _, odd := range []instagramtest.Answer{{Body: `{}`}, {Body: `[]`}, instagramtest.Failing(10, 0), instagramtest.Failing(100, 0)} {
		list.Once(odd)
		p, err = client.Permissions(t.Context(), tok)
		require.NoError(t, err, "the list is worth having, and not needed")
		assert.Equal(t, []string{"debug_token"}, p.Sources)
	}
	page := *tok
	page.Kind = instagram.PageToken
	_, err = client.Permissions(t.Context(), &page)
	require.NoError(t, err)
	_, err = client.Permissions(t.Context(), nil)
	require.ErrorIs(t, err, instagram.ErrInvalidRequest)
	_, err = client.Permissions(t.Context(), &instagram.Token{AccessToken: instagram.NewSecret("IGAA")})
	require.ErrorIs(t, err, instagram.ErrInvalidRequest)
}

func TestReview(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	tests := map[string]struct {
		cfg      instagram.Config
		clicks   []instagramtest.ConsentOption
		after    time.Duration
		change   func(*testing.T, *instagramtest.Platform)
		used     []instagram.Scope
		status   instagram.TokenStatus
		missing  []instagram.Scope
		unneeded []instagram.Scope
		topics   []string
		first    instagram.Urgency
		text     string
	}{
		"all in order": {cfg: instagramConfig(), after: 2 * day, status: instagram.Fresh},
		"granted and not used": {
			cfg: instagramConfig(), after: 2 * day, used: []instagram.Scope{instagram.ScopeBusinessBasic}, status: instagram.Fresh,
			unneeded: []instagram.Scope{instagram.ScopeBusinessContentPublish}, topics: []string{"permissions"}, text: "Granted and not used",
		},
		"used and not granted": {
			cfg: instagramConfig(), after: 2 * day, used: []instagram.Scope{instagram.ScopeBusinessManageInsights, instagram.ScopeBusinessContentPublish},
			status: instagram.Fresh, missing: []instagram.Scope{instagram.ScopeBusinessManageInsights},
			topics: []string{"permissions"}, first: instagram.UrgencyBroken, text: "Used and not granted: instagram_business_manage_insights",
		},
		"the last days of a token": {
			cfg: instagramConfig(), after: 58 * day, status: instagram.Urgent, topics: []string{"token"}, first: instagram.UrgencySoon, text: "It ends on",
		},
		"a dead token": {
			cfg: instagramConfig(), after: 2 * day, change: func(t *testing.T, p *instagramtest.Platform) {
				t.Helper()
				require.NoError(t, p.ChangePassword(instagramtest.DefaultAccountID))
			},
			status: instagram.Unknown, topics: []string{"token"}, first: instagram.UrgencyBroken, text: "changed the",
		},
		"the last days of data access": {
			cfg: facebookConfig(), after: 80 * day, status: instagram.Expired,
			topics: []string{"token"}, first: instagram.UrgencyBroken,
		},
		"some Pages only, and a declined permission": {
			cfg: facebookConfig(), after: day,
			clicks: []instagramtest.ConsentOption{instagramtest.OnlyPages(instagramtest.DefaultPageID), instagramtest.Decline("instagram_content_publish")},
			status: instagram.Fresh, missing: []instagram.Scope{instagram.ScopeContentPublish},
			topics: []string{"permissions", "permissions", "permissions", "permissions"}, first: instagram.UrgencyBroken, text: "AskAgain",
		},
		"an old version": {
			cfg: func() instagram.Config { c := instagramConfig(); c.Version = "v19.0"; return c }(), after: 2 * day, status: instagram.Fresh,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				meta := instagramtest.New()
				client := newClient(t, tt.cfg, meta)
				tok := signIn(t, client, meta, tt.clicks...).Token
				time.Sleep(tt.after)
				if tt.change != nil {
					tt.change(t, meta)
				}
				r, err := client.Review(t.Context(), tok, tt.used...)
				require.NoError(t, err)
				assert.Equal(t, tt.status, r.Status, r.Findings)
				assert.Equal(t, tt.missing, r.Missing)
				assert.Equal(t, tt.unneeded, r.Unneeded)
				var topics []string
				for _, f := range r.Findings {
					topics = append(topics, f.Topic)
					assert.Contains(t, f.String(), f.Text)
				}
				assert.Equal(t, tt.topics, topics, r.Findings)
				if len(r.Findings) > 0 {
					assert.Equal(t, tt.first, r.Findings[0].Urgency, "the most urgent comes first")
					assert.Contains(t, r.Findings[0].Text, tt.text)
				}
			})
		})
	}
}

// Data access ends on a clock of its own, which only the person can wind up.
func TestReviewOfDataAccess(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New()
		client := newClient(t, facebookConfig(), meta)
		tok := signIn(t, client, meta).Token
		time.Sleep(55 * day)
		tok, err := client.RefreshToken(t.Context(), tok)
		require.NoError(t, err)
		time.Sleep(25 * day)
		r, err := client.Review(t.Context(), tok)
		require.NoError(t, err)
		require.NotEmpty(t, r.Findings)
		assert.Equal(t, "data access", r.Findings[0].Topic)
		assert.Equal(t, instagram.UrgencySoon, r.Findings[0].Urgency)
		assert.Equal(t, r.DataAccessExpiresAt, r.Findings[0].Until)
	})
}

// A version's end is known from the changelog.
func TestReviewOfTheVersion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)))
		for version, want := range map[string]string{
			"v26.0": "", "v25.0": "", "v21.0": "near its end", "v19.0": "past its end", instagram.Unversioned: "App Dashboard",
		} {
			meta := instagramtest.New()
			cfg := instagramConfig()
			cfg.Version = version
			client := newClient(t, cfg, meta)
			r, err := client.Review(t.Context(), signIn(t, client, meta).Token)
			require.NoError(t, err)
			assert.Equal(t, version, r.Version.Name)
			if want == "" {
				assert.Empty(t, r.Findings, version)
				continue
			}
			require.Len(t, r.Findings, 1, version)
			assert.Equal(t, "version", r.Findings[0].Topic)
			assert.Contains(t, r.Findings[0].Text, want)
			assert.Equal(t, r.Version.EndsAt, r.Findings[0].Until)
		}
	})
}

package instagram_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

// fbScopes is what the token of a test was granted; nil means everything.
func person(t *testing.T, meta *instagramtest.Platform, scopes []string) instagram.TokenSource {
	t.Helper()
	issued, err := meta.IssueToken(instagramtest.TokenSpec{Login: instagramtest.FacebookLogin, Kind: instagramtest.LongLived, Scopes: scopes})
	require.NoError(t, err)
	return instagram.StaticToken(&instagram.Token{
		AccessToken: instagram.NewSecret(issued.Value), Login: instagram.FacebookLogin, Kind: instagram.LongLived,
	})
}

func accountIDs(tokens []*instagram.Token) []string {
	ids := []string{}
	for _, t := range tokens {
		ids = append(ids, t.AccountID)
	}
	return ids
}

func reasons(gaps []instagram.Gap) []instagram.GapReason {
	why := []instagram.GapReason{}
	for _, g := range gaps {
		why = append(why, g.Reason)
	}
	return why
}

func TestDiscoverAccounts(t *testing.T) {
	t.Parallel()
	account := func(id string) *instagramtest.Account { return &instagramtest.Account{ID: id, Username: "name" + id} }
	page := func(id string, a *instagramtest.Account, tasks ...string) instagramtest.Page {
		return instagramtest.Page{ID: id, Name: "Page " + id, Account: a, Tasks: tasks}
	}
	basics := []string{"instagram_basic", "instagram_content_publish", "pages_show_list", "pages_read_engagement", "public_profile"}
	tests := map[string]struct {
		person   instagramtest.Person
		scopes   []string // nil: all
		opts     []instagram.DiscoverOption
		script   func(*instagramtest.Platform)
		accounts []string
		gaps     []instagram.GapReason
		text     string // in the first gap
	}{
		"Pages with and without an account": {
			person:   instagramtest.Person{Pages: []instagramtest.Page{page("1", account("11")), page("2", nil), page("3", account("13"))}},
			accounts: []string{"11", "13"}, gaps: []instagram.GapReason{instagram.GapNoAccount}, text: "Link an Instagram professional account",
		},
		"an account behind two Pages": {
			person:   instagramtest.Person{Pages: []instagramtest.Page{page("1", account("11")), page("2", account("11"))}},
			accounts: []string{"11"},
		},
		"a personal account": {
			person: instagramtest.Person{Pages: []instagramtest.Page{page("1", &instagramtest.Account{ID: "11", Type: "PERSONAL"})}},
			gaps:   []instagram.GapReason{instagram.GapNotProfessional}, text: "business or creator",
		},
		"no permission to see accounts": {
			person: instagramtest.Person{Pages: []instagramtest.Page{page("1", account("11"))}}, scopes: []string{"pages_show_list"},
			gaps: []instagram.GapReason{instagram.GapScopeMissing, instagram.GapScopeMissing}, text: "instagram_basic",
		},
		"no Pages at all": {
			person: instagramtest.Person{Accounts: []instagramtest.Account{*account("11")}},
			gaps:   []instagram.GapReason{instagram.GapNoPages}, text: "chose no Page",
		},
		"no permission to see Pages": {
			person: instagramtest.Person{Pages: []instagramtest.Page{page("1", account("11"))}}, scopes: []string{"instagram_basic"},
			gaps: []instagram.GapReason{instagram.GapScopeMissing, instagram.GapNoPages}, text: "business_management",
		},
		"no task to publish": {
			person:   instagramtest.Person{Pages: []instagramtest.Page{page("1", account("11"), "ANALYZE", "MODERATE")}},
			accounts: []string{"11"}, gaps: []instagram.GapReason{instagram.GapTaskMissing}, text: "full control",
		},
		"a task of the new Pages": {
			person:   instagramtest.Person{Pages: []instagramtest.Page{page("1", account("11"), "PROFILE_PLUS_CREATE_CONTENT")}},
			accounts: []string{"11"},
		},
		"only through a business": {
			person: instagramtest.Person{Businesses: []instagramtest.Business{
				{ID: "91", Name: "Agency", Owned: []instagramtest.Page{page("1", account("11"))}, Client: []instagramtest.Page{page("2", account("12")), page("3", nil)}},
				{ID: "92", Name: "Empty"},
			}},
			accounts: []string{"11", "12"}, gaps: []instagram.GapReason{instagram.GapNoAccount, instagram.GapNoPages},
		},
		"through a business, without a task": {
			person: instagramtest.Person{Businesses: []instagramtest.Business{
				{ID: "91", Client: []instagramtest.Page{{ID: "1", Account: account("11"), Tasks: instagramtest.NoTasks()}}},
			}},
			accounts: []string{"11"}, gaps: []instagram.GapReason{instagram.GapTaskMissing},
		},
		"through a business, without the permission for it": {
			person: instagramtest.Person{Businesses: []instagramtest.Business{{ID: "91", Owned: []instagramtest.Page{page("1", account("11"))}}}},
			scopes: basics, gaps: []instagram.GapReason{instagram.GapScopeMissing, instagram.GapNoPages}, text: "only through a business",
		},
		"businesses are not looked at when there are accounts": {
			person: instagramtest.Person{
				Pages:      []instagramtest.Page{page("1", account("11"))},
				Businesses: []instagramtest.Business{{ID: "91", Owned: []instagramtest.Page{page("2", account("12"))}}},
			},
			accounts: []string{"11"},
		},
		"but are when they are asked for": {
			person: instagramtest.Person{
				Pages:      []instagramtest.Page{page("1", account("11"))},
				Businesses: []instagramtest.Business{{ID: "91", Owned: []instagramtest.Page{page("2", account("12"))}}},
			},
			opts: []instagram.DiscoverOption{instagram.ThroughBusinesses()}, accounts: []string{"11", "12"},
		},
		"a business that Meta refuses": {
			person: instagramtest.Person{Businesses: []instagramtest.Business{{ID: "91", Owned: []instagramtest.Page{page("1", account("11"))}}}},
			script: func(p *instagramtest.Platform) { p.On("GET", "/91/owned_pages").Always(instagramtest.Failing(200, 0)) },
			// the Page is found all the same: the person has a task on it
			accounts: []string{"11"}, gaps: []instagram.GapReason{instagram.GapRefused},
		},
		"businesses that Meta refuses": {
			person: instagramtest.Person{Pages: []instagramtest.Page{page("1", nil)}},
			script: func(p *instagramtest.Platform) { p.On("GET", "/me/businesses").Always(instagramtest.Failing(10, 0)) },
			gaps:   []instagram.GapReason{instagram.GapNoAccount, instagram.GapRefused},
		},
		"a field that Meta refuses": {
			person:   instagramtest.Person{Pages: []instagramtest.Page{page("1", account("11"))}},
			script:   func(p *instagramtest.Platform) { p.On("GET", "/me/accounts").Once(instagramtest.Failing(100, 0)) },
			accounts: []string{"11"},
		},
		"an inspection that fails": {
			person:   instagramtest.Person{Pages: []instagramtest.Page{page("1", account("11"))}},
			script:   func(p *instagramtest.Platform) { p.On("GET", "/debug_token").Always(instagramtest.Failing(1, 0)) },
			accounts: []string{"11"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			meta := instagramtest.New(instagramtest.WithPerson(tt.person))
			if tt.script != nil {
				tt.script(meta)
			}
			client := newClient(t, facebookConfig(), meta, instagram.WithRetryPolicy(instagram.RetryPolicy{MaxAttempts: 1}))
			found, err := client.DiscoverAccounts(t.Context(), person(t, meta, tt.scopes), tt.opts...)
			require.NoError(t, err)
			assert.ElementsMatch(t, append([]string{}, tt.accounts...), accountIDs(found.Accounts))
			assert.ElementsMatch(t, append([]instagram.GapReason{}, tt.gaps...), reasons(found.Gaps))
			for _, gap := range found.Gaps {
				assert.NotEmpty(t, gap.Text, gap.Reason)
				assert.Contains(t, gap.String(), gap.Text)
			}
			if tt.text != "" {
				assert.Contains(t, found.Gaps[0].Text, tt.text)
			}
			for _, tok := range found.Accounts {
				assert.Equal(t, instagram.FacebookLogin, tok.Login)
				assert.NotEmpty(t, tok.PageID)
				assert.NotEmpty(t, tok.Username)
			}
		})
	}
}

func TestDiscoverAccountsThatWereNotTicked(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		clicks []instagramtest.ConsentOption
		want   []string
		gap    instagram.GapReason // of the second Page
		scopes []instagram.Scope
	}{
		"a Page that was not ticked is not shown": {
			clicks: []instagramtest.ConsentOption{instagramtest.OnlyPages(instagramtest.DefaultPageID)},
			want:   []string{instagramtest.DefaultAccountID},
		},
		"an account that was not ticked may be missing or not linked": {
			clicks: []instagramtest.ConsentOption{instagramtest.OnlyAccounts(instagramtest.DefaultAccountID)},
			want:   []string{instagramtest.DefaultAccountID}, gap: instagram.GapNoAccount, scopes: []instagram.Scope{instagram.ScopeBasic},
		},
		"a permission that was declined": {
			clicks: []instagramtest.ConsentOption{instagramtest.Decline("instagram_basic")},
			want:   []string{}, gap: instagram.GapScopeMissing, scopes: []instagram.Scope{instagram.ScopeBasic},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			meta := instagramtest.New()
			client := newClient(t, facebookConfig(), meta)
			result := signIn(t, client, meta, tt.clicks...)
			assert.Equal(t, tt.want, accountIDs(result.Accounts), "a sign-in finds them the same way")
			gaps := map[string]instagram.Gap{}
			for _, g := range result.Gaps {
				gaps[g.PageID] = g
			}
			assert.Equal(t, tt.gap, gaps[instagramtest.SecondPageID].Reason)
			assert.Equal(t, tt.scopes, gaps[instagramtest.SecondPageID].Scopes)

			found, err := client.DiscoverAccounts(t.Context(), instagram.StaticToken(result.Token))
			require.NoError(t, err)
			assert.Equal(t, tt.want, accountIDs(found.Accounts))
			assert.Equal(t, result.Gaps, found.Gaps)
		})
	}
}

// A Page of a business that was not ticked shows up there without its account.
func TestDiscoverBusinessPageThatWasNotTicked(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New(instagramtest.WithPerson(instagramtest.Person{
		Pages:      []instagramtest.Page{{ID: "1"}},
		Businesses: []instagramtest.Business{{ID: "91", Owned: []instagramtest.Page{{ID: "2", Account: &instagramtest.Account{ID: "12"}}}}},
	}))
	cfg := facebookConfig()
	cfg.Scopes = append(cfg.Scopes, instagram.ScopeBusinessManagement)
	result := signIn(t, newClient(t, cfg, meta), meta, instagramtest.OnlyPages("1"))
	assert.Empty(t, result.Accounts)
	require.Len(t, result.Gaps, 2)
	assert.Equal(t, instagram.GapNotGranted, result.Gaps[1].Reason)
	assert.Equal(t, "2", result.Gaps[1].PageID)
	assert.Equal(t, "91", result.Gaps[1].BusinessID)
	assert.Equal(t, []instagram.Scope{instagram.ScopePagesShowList}, result.Gaps[1].Scopes)
}

func TestDiscoverFindsManyPagesToTheEnd(t *testing.T) {
	t.Parallel()
	many := instagramtest.Person{Pages: make([]instagramtest.Page, 250)}
	for i := range many.Pages {
		many.Pages[i].Account = &instagramtest.Account{}
	}
	meta := instagramtest.New(instagramtest.WithPerson(many))
	client := newClient(t, facebookConfig(), meta)
	found, err := client.DiscoverAccounts(t.Context(), person(t, meta, nil))
	require.NoError(t, err)
	assert.Len(t, found.Accounts, 250)
	assert.Len(t, found.Pages, 250)
	assert.Empty(t, found.Gaps)
	assert.Len(t, meta.Requests("GET", "/me/accounts"), 3)
}

func TestDiscoverOnInstagramIsTheAccountItself(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New(instagramtest.LongLivedToken("IGAAtest", 0))
	client := newClient(t, instagramConfig(), meta)
	found, err := client.DiscoverAccounts(t.Context(), instagram.StaticToken(&instagram.Token{AccessToken: instagram.NewSecret("IGAAtest")}))
	require.NoError(t, err)
	assert.Equal(t, []string{instagramtest.DefaultAccountID}, accountIDs(found.Accounts))
	assert.Empty(t, found.Gaps)
}

func TestDiscoverDoesNotTakeAFaultForAnAnswer(t *testing.T) {
	t.Parallel()
	once := instagram.WithRetryPolicy(instagram.RetryPolicy{MaxAttempts: 1})
	for name, tt := range map[string]struct {
		route  string
		answer instagramtest.Answer
		want   error
	}{
		"a fault of the list":        {"/me/accounts", instagramtest.Failing(2, 0), instagram.ErrTransient},
		"a throttle":                 {"/me/accounts", instagramtest.Failing(4, 0), instagram.ErrThrottled},
		"a dead token":               {"/me/accounts", instagramtest.Failing(190, 460), instagram.ErrTokenInvalid},
		"a token that is not valid":  {"/debug_token", instagramtest.Answer{Body: `{"data":{"is_valid":false,"error":{"code":190,"subcode":460,"message":"x"}}}`}, instagram.ErrTokenInvalid},
		"a fault of the businesses":  {"/me/businesses", instagramtest.Failing(2, 0), instagram.ErrTransient},
		"a fault of the assignments": {"/me/assigned_pages", instagramtest.Failing(2, 0), instagram.ErrTransient},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			meta := instagramtest.New(instagramtest.WithPerson(instagramtest.Person{Businesses: []instagramtest.Business{{ID: "91"}}}))
			meta.On("GET", tt.route).Always(tt.answer)
			_, err := newClient(t, facebookConfig(), meta, once).DiscoverAccounts(t.Context(), person(t, meta, nil))
			require.ErrorIs(t, err, tt.want)
		})
	}
	meta := instagramtest.New()
	client := newClient(t, facebookConfig(), meta)
	_, err := client.DiscoverAccounts(t.Context(), instagram.StaticToken(nil))
	require.ErrorIs(t, err, instagram.ErrTokenNotFound)
	_, err = client.DiscoverAccounts(t.Context(), instagram.StaticToken(&instagram.Token{AccessToken: instagram.NewSecret("IGAA")}))
	require.ErrorIs(t, err, instagram.ErrInvalidRequest, "a token of the other product")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = client.DiscoverAccounts(ctx, person(t, meta, nil))
	require.ErrorIs(t, err, context.Canceled)
}

package instagramtest

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// agency is a person with a Page of their own and four through businesses.
func agency() Person {
	account := func(id string) *Account { return &Account{ID: id} }
	return Person{
		ID:    "1016",
		Pages: []Page{{ID: "1", Account: account("11")}},
		Businesses: []Business{
			{ID: "91", Name: "Agency", Owned: []Page{{ID: "2", Account: account("12")}}, Client: []Page{{ID: "3", Account: account("13"), Tasks: NoTasks()}, {ID: "4"}}},
			{Client: []Page{{}}},
		},
	}
}

func ids(t *testing.T, g got) []string {
	t.Helper()
	require.Equal(t, 200, g.status, g.text)
	list := []string{}
	for _, one := range g.field(t, "data").([]any) {
		list = append(list, one.(map[string]any)["id"].(string))
	}
	return list
}

func TestBusinessesHavePagesOfTheirOwn(t *testing.T) {
	t.Parallel()
	p := New()
	h := p.AddPerson(agency())
	token := issue(t, p, TokenSpec{Login: FacebookLogin, Kind: LongLived, Person: h.ID})
	get := func(path, fields string) got {
		return send(t, p, "GET", fbGraph+path, "fields", fields, "limit", "1", "access_token", token)
	}
	list := func(path string) []string {
		return ids(t, send(t, p, "GET", fbGraph+path, "fields", "id,name", "access_token", token))
	}
	assert.Equal(t, []string{"1"}, list("/me/accounts"), "those of a business are not among a person's own")
	assert.Equal(t, []string{"1", "2", "4", h.Businesses[1].Client[0].ID}, list("/me/assigned_pages"), "on which there is a task")
	assert.Equal(t, []string{"91", h.Businesses[1].ID}, list("/me/businesses"))
	assert.Equal(t, "Business "+h.Businesses[1].ID, h.Businesses[1].Name)
	assert.Equal(t, []string{"2"}, list("/91/owned_pages"))
	assert.Equal(t, []string{"3", "4"}, list("/91/client_pages"))

	first := get("/91/client_pages", "id,access_token,tasks,instagram_business_account{id}")
	assert.JSONEq(t, `[{"id":"3","tasks":[],"instagram_business_account":{"id":"13"}}]`, string(mustJSON(t, first.field(t, "data"))))
	next, err := url.Parse(first.field(t, "paging", "next").(string))
	require.NoError(t, err)
	assert.Equal(t, "/v26.0/91/client_pages", next.Path)
	assert.Equal(t, []string{"4"}, ids(t, send(t, p, "GET", next.String())))

	assert.Equal(t, [2]int{2500, 0}, get("/91/shops", "id").fault())
	assert.Equal(t, [2]int{100, 33}, get("/92/owned_pages", "id").fault())
	assert.Equal(t, [2]int{100, 33}, send(t, p, "DELETE", fbGraph+"/91/owned_pages", "access_token", token).fault())
	bare := issue(t, p, TokenSpec{Login: FacebookLogin, Kind: LongLived, Person: h.ID, Scopes: []string{"pages_show_list"}})
	for _, path := range []string{"/me/businesses", "/91/owned_pages"} {
		refused := send(t, p, "GET", fbGraph+path, "access_token", bare)
		assert.Equal(t, [2]int{100, 0}, refused.fault())
		assert.Contains(t, refused.text, "Missing Permission")
	}
}

func TestGrantsForSomePagesAndAccounts(t *testing.T) {
	t.Parallel()
	const asked = "instagram_basic,pages_show_list,pages_read_engagement,business_management"
	tests := map[string]struct {
		clicks  []ConsentOption
		reached []string // accounts that the token sees
		targets map[string][]any
	}{
		"everything": {reached: []string{"11", "12", "13"}},
		"one Page": {
			clicks: []ConsentOption{OnlyPages("1")}, reached: []string{"11"},
			targets: map[string][]any{"pages_show_list": {"1"}, "instagram_basic": {"11"}},
		},
		"one account": {
			clicks: []ConsentOption{OnlyAccounts("12")}, reached: []string{"12"},
			targets: map[string][]any{"instagram_basic": {"12"}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := New(WithPerson(agency()))
			back, err := p.Consent(browserURL(FacebookLogin, asked), tt.clicks...)
			require.NoError(t, err)
			u, err := url.Parse(back)
			require.NoError(t, err)
			made := send(t, p, "GET", fbGraph+"/oauth/access_token", "client_id", DefaultMetaAppID, "client_secret", DefaultMetaAppSecret,
				"redirect_uri", callback, "code", u.Query().Get("code"))
			token := made.field(t, "access_token").(string)
			reached := []string{}
			for _, id := range []string{"11", "12", "13"} {
				if send(t, p, "GET", fbGraph+"/"+id, "fields", "username", "access_token", token).status == 200 {
					reached = append(reached, id)
				}
			}
			assert.Equal(t, tt.reached, reached)
			info := send(t, p, "GET", fbGraph+"/debug_token", "input_token", token, "access_token", DefaultMetaAppID+"|"+DefaultMetaAppSecret)
			for _, one := range info.field(t, "data", "granular_scopes").([]any) {
				g := one.(map[string]any)
				if want := tt.targets[g["scope"].(string)]; want != nil {
					assert.Equal(t, want, g["target_ids"], g["scope"])
				}
			}
			owned := send(t, p, "GET", fbGraph+"/91/owned_pages", "fields", "id,name,access_token,instagram_business_account", "access_token", token)
			if name == "one Page" {
				assert.JSONEq(t, `{"name":"Page 2","id":"2"}`, string(mustJSON(t, owned.field(t, "data").([]any)[0])))
			}
		})
	}
}

func TestPersonalAccounts(t *testing.T) {
	t.Parallel()
	p := New(WithPerson(Person{Pages: []Page{{ID: "1", Account: &Account{ID: "11", Type: "PERSONAL"}}}}))
	token := issue(t, p, TokenSpec{Login: FacebookLogin, Kind: LongLived})
	g := send(t, p, "GET", fbGraph+"/1", "fields", "instagram_business_account{id},connected_instagram_account{id}", "access_token", token)
	assertText(t, `{"connected_instagram_account":{"id":"11"},"id":"1"}`, g.text)
}

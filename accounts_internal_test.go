package instagram

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram/instagramtest"
)

// An account that was found through a business is still granted although
// me/accounts never shows its Page.
func TestStillGrantedThroughABusiness(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New(instagramtest.WithPerson(instagramtest.Person{
		Pages:      []instagramtest.Page{{ID: "1", Account: &instagramtest.Account{ID: "11"}}},
		Businesses: []instagramtest.Business{{ID: "91", Owned: []instagramtest.Page{{ID: "2", Account: &instagramtest.Account{ID: "12"}}}}},
	}))
	issued, err := meta.IssueToken(instagramtest.TokenSpec{Login: instagramtest.FacebookLogin, Kind: instagramtest.LongLived})
	require.NoError(t, err)
	client, err := New(Config{
		Login: FacebookLogin, AppID: instagramtest.DefaultMetaAppID, AppSecret: NewSecret(instagramtest.DefaultMetaAppSecret),
		RedirectURL: "https://example.com/callback", Scopes: []Scope{ScopeBasic},
	}, WithTransport(meta.Transport()))
	require.NoError(t, err)
	person := &Token{AccessToken: NewSecret(issued.Value), Login: FacebookLogin, Scopes: []Scope{ScopeBasic, ScopeBusinessManagement}}
	for name, tt := range map[string]struct {
		keys   []TokenKey
		scopes []Scope
		want   int
	}{
		"all of them are the person's own":           {keys: []TokenKey{{AccountID: "11"}}, scopes: person.Scopes, want: 1},
		"one is a business's":                        {keys: []TokenKey{{AccountID: "11"}, {AccountID: "12"}}, scopes: person.Scopes, want: 2},
		"without the permission to look at business": {keys: []TokenKey{{AccountID: "12"}}, scopes: []Scope{ScopeBasic}, want: 1},
	} {
		tok := *person
		tok.Scopes = tt.scopes
		found, err := client.stillGranted(t.Context(), &tok, tt.keys)
		require.NoError(t, err, name)
		assert.Len(t, found, tt.want, name)
	}
	meta.On("GET", "/me/accounts").Always(instagramtest.Failing(190, 460))
	_, err = client.stillGranted(t.Context(), person, []TokenKey{{AccountID: "11"}})
	require.ErrorIs(t, err, ErrTokenInvalid)
}

func TestSubcodesInTexts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]int{
		"Error: Media upload has failed with error code 2207026": {352, 2207026},
		"2207001":                  {-1, 2207001},
		"2207082 or so":            {-1, 2207082},
		"Finished: 12 of 34":       {0, 0},
		"":                         {0, 0},
		"code 99999999999999999":   {0, 0},
		"Error 9999999, see 22070": {0, 9999999},
	} {
		assert.Equal(t, want[1], subcodeIn(text), text)
		assert.Equal(t, want[0], codeOfSubcode(want[1]), text)
	}
	require.NoError(t, (&ContainerError{}).Unwrap())
	assert.Equal(t, "container 1 is ERROR: 2207001", containerState{code: ContainerFailed, text: "2207001"}.failure("1").Error())
}

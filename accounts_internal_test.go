package instagram

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram/instagramtest"
	"github.com/seed-922467ee/instagram/internal/wire"
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

// FuzzAccountAnswers reads whatever a server may send as each of the answers
// about accounts. IDs keep their digits in every place they may stand in.
func FuzzAccountAnswers(f *testing.F) {
	for _, c := range wireCases(f, "success", "graph_error") {
		f.Add([]byte(c.Response.Body), "17841405793187219")
	}
	for _, body := range []string{
		`{"status_code":"ERROR","status":"Error: 2207026","video_status":{"uploading_phase":{"bytes_transferred":-1}}}`,
		`[null,{"code":200,"headers":[{"name":"X-App-Usage","value":"{}"}],"body":"{\"id\":1}"},{"code":"x","body":{}},7]`,
		`{"data":[{"quota_usage":1e99,"config":{"quota_duration":-1}}]}`,
	} {
		f.Add([]byte(body), "1")
	}
	f.Fuzz(func(t *testing.T, body []byte, id string) {
		for _, login := range []Login{InstagramLogin, FacebookLogin} {
			p := readProfile(login, body)
			for name, raw := range p.Fields() {
				if len(raw) == 0 && name != "" {
					t.Fatalf("field %q is empty", name)
				}
			}
		}
		if l := readPublishingLimit(body); l != nil && l.Window < 0 {
			t.Fatalf("a window of %v", l.Window)
		}
		_ = readContainer(wire.Parse(body)).failure("1").Error()
		resp := &http.Response{
			StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(body)), Header: http.Header{},
			Request: httptest.NewRequest(http.MethodPost, "https://graph.facebook.com/", nil),
		}
		if parts, err := readParts(resp); err == nil {
			var out Outcome
			tellParts(parts, http.Header{}, &out)
			for _, a := range parts {
				var result BatchResult
				(&part{call: &BatchCall{}, result: &result, op: "GET /x", wire: wirePart{Method: http.MethodPost}}).take(a, nil)
				if a == nil && result.Err == nil {
					t.Fatal("a part without an answer is a success")
				}
			}
		}
		if isWireID(id) {
			for _, form := range []string{`{"id":` + id + `}`, `{"data":[{"id":"` + id + `"}]}`} {
				if got := readProfile(FacebookLogin, []byte(form)).AccountID; got != id {
					t.Fatalf("ID %s became %s", id, got)
				}
			}
		}
	})
}

// The token is nowhere in a ticket, and nowhere in what is said of a failure.
func TestNoSecretInWhatIsPrintedOfAccounts(t *testing.T) {
	t.Parallel()
	const canary = "EAAcanarycanarycanarycanarycanary"
	client, err := New(stateConfig(), WithTransport(roundTripper(func(req *http.Request) (*http.Response, error) {
		return nil, &url.Error{Op: "Post", URL: req.URL.String() + "?access_token=" + canary, Err: io.ErrUnexpectedEOF}
	})), WithRetryPolicy(RetryPolicy{MaxAttempts: 1}))
	require.NoError(t, err)
	account := client.With(StaticToken(&Token{AccessToken: NewSecret(canary), Login: client.cfg.Login, AccountID: "1"}))
	ctx := t.Context()
	var said []error
	_, err = account.Publish(ctx, Post{Media: []PostMedia{{ImageURL: "https://example.com/a.jpg"}}})
	said = append(said, err)
	_, err = account.Profile(ctx)
	said = append(said, err)
	_, err = account.PublishingLimit(ctx)
	said = append(said, err)
	_, err = client.Permissions(ctx, &Token{AccessToken: NewSecret(canary), Login: client.cfg.Login})
	said = append(said, err)
	_, err = client.Review(ctx, &Token{AccessToken: NewSecret(canary), Login: client.cfg.Login})
	said = append(said, err)
	for _, err := range All[any](ctx, account, "me/media?access_token="+canary, nil) {
		said = append(said, err)
	}
	for i, err := range said {
		require.Error(t, err, i)
		assert.NotContains(t, err.Error(), canary, i)
	}
}

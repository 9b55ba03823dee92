package instagram

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// answering returns a client of the product that a recorded answer belongs to,
// whose every request gets that answer.
func answering(t *testing.T, c wireCase) *Client {
	t.Helper()
	cfg := stateConfig()
	if c.Request.Host == "graph.facebook.com" {
		cfg.Login, cfg.Scopes = FacebookLogin, []Scope{ScopeBasic, ScopePagesShowList, ScopePagesReadEngagement}
	}
	client, err := New(cfg, WithTransport(roundTripper(func(req *http.Request) (*http.Response, error) {
		resp := c.response()
		if c.Response.Status == 0 && c.Kind != "oauth_token_error" {
			resp.StatusCode = http.StatusOK
		}
		resp.Request = req
		return resp, nil
	})))
	require.NoError(t, err)
	return client
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func TestRecordedTokenAnswers(t *testing.T) {
	t.Parallel()
	for id, c := range wireCases(t, "token_response") {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := answering(t, c)
				old := &Token{AccessToken: NewSecret("old"), Login: client.cfg.Login, Kind: LongLived}
				var tok *Token
				var err error
				switch c.Request.Path {
				case "/access_token":
					tok, err = client.ExchangeLongLived(t.Context(), old)
				case "/refresh_access_token":
					tok, err = client.RefreshToken(t.Context(), old)
				default:
					tok, err = client.Exchange(t.Context(), "AQB")
				}
				require.NoError(t, err)
				assert.Equal(t, value(c.Expect.AccessToken), tok.AccessToken.Reveal())
				assert.Equal(t, value(c.Expect.UserID), tok.AppScopedID)
				assert.Equal(t, c.Expect.Permissions, append([]Scope{}, tok.Scopes...))
				switch {
				case c.Expect.ExpiresIn != nil:
					assert.Equal(t, time.Duration(*c.Expect.ExpiresIn)*time.Second, time.Until(tok.ExpiresAt))
				case tok.Login == InstagramLogin:
					assert.Equal(t, ShortLivedLifetime, time.Until(tok.ExpiresAt), "documented, not sent")
				default:
					assert.Zero(t, tok.ExpiresAt)
				}
			})
		})
	}
}

func TestRecordedCallbacks(t *testing.T) {
	t.Parallel()
	for id, c := range wireCases(t, "callback_query") {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			u, err := url.Parse(c.CallbackURL)
			require.NoError(t, err)
			query := u.Query()
			assert.Equal(t, value(c.Expect.State), query.Get("state"))
			if c.Expect.State == nil { // without a state nothing is believed
				_, err := ParseCallback(query, "s3")
				require.ErrorIs(t, err, ErrStateMismatch)
				query.Set("state", "s3")
			}
			code, err := ParseCallback(query, query.Get("state"))
			if c.Expect.Class != "" {
				require.Error(t, err)
				assert.Equal(t, c.Expect.Class, classOf(t, err))
				return
			}
			require.NoError(t, err)
			var want string
			require.NoError(t, json.Unmarshal(c.Expect.Code, &want))
			assert.Equal(t, want, code)
			pasted, err := ParseCallback(url.Values{"code": {want + "#_"}, "state": {"s3"}}, "s3")
			require.NoError(t, err)
			assert.Equal(t, want, pasted)
		})
	}
}

func TestRecordedTokenErrors(t *testing.T) {
	t.Parallel()
	for id, c := range wireCases(t, "oauth_token_error") {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := answering(t, c)
				old := &Token{AccessToken: NewSecret("old"), Login: client.cfg.Login, Kind: LongLived}
				var err error
				switch c.Request.Path {
				case "/access_token":
					_, err = client.ExchangeLongLived(t.Context(), old)
				case "/refresh_access_token":
					_, err = client.RefreshToken(t.Context(), old)
				case "/debug_token":
					_, err = client.InspectToken(t.Context(), old)
				default:
					_, err = client.Exchange(t.Context(), "AQB")
				}
				require.Error(t, err)
				assert.Contains(t, append(c.Expect.ClassAlternatives, c.Expect.Class), classOf(t, err))
			})
		})
	}
}

func TestRecordedInspections(t *testing.T) {
	t.Parallel()
	unix := func(seconds *int64) time.Time {
		if value(seconds) == 0 {
			return time.Time{}
		}
		return time.Unix(*seconds, 0)
	}
	for id, c := range wireCases(t, "debug_token") {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			client := answering(t, c)
			info, err := client.InspectToken(t.Context(), &Token{AccessToken: NewSecret("x"), Login: FacebookLogin})
			require.NoError(t, err)
			want := c.Expect
			assert.Equal(t, want.Valid, info.Valid)
			assert.Equal(t, value(want.AppID), info.AppID)
			assert.Equal(t, value(want.UserID), info.UserID)
			assert.Equal(t, value(want.ProfileID), info.ProfileID)
			assert.Equal(t, value(want.Type), info.Type)
			assert.Equal(t, unix(want.ExpiresAt), info.ExpiresAt)
			assert.Equal(t, want.NeverExpires, info.NeverExpires)
			assert.Equal(t, unix(want.DataAccessExpiresAt), info.DataAccessExpiresAt)
			assert.Equal(t, want.Scopes, append([]Scope{}, info.Scopes...))
			if want.IssuedAt != nil {
				assert.Equal(t, unix(want.IssuedAt), info.IssuedAt)
			}
			if want.GranularScopes != nil {
				assert.Len(t, info.GranularScopes, 2)
				assert.Nil(t, info.GranularScopes[0].TargetIDs, "granted for everything")
			}
			if want.Error != nil {
				require.NotNil(t, info.Err)
				assert.Equal(t, 190, info.Err.Code)
				assert.Equal(t, 459, info.Err.Subcode)
				assert.ErrorIs(t, info.Err, ErrTokenInvalid)
			}
		})
	}
}

func TestRecordedSuccesses(t *testing.T) {
	t.Parallel()
	cases := wireCases(t, "success")
	account := func(id string) (*Account, wireExpect) {
		client := answering(t, cases[id])
		return client.With(StaticToken(&Token{AccessToken: NewSecret("x"), Login: client.cfg.Login})), cases[id].Expect
	}

	me, want := account("ok-ig-me")
	profile, err := me.Profile(t.Context())
	require.NoError(t, err)
	assert.Equal(t, value(want.UserID), profile.AccountID)
	assert.Equal(t, value(want.ID), profile.AppScopedID)
	assert.Equal(t, value(want.Username), profile.Username)
	assert.Equal(t, BusinessAccount, profile.Type)
	assert.Equal(t, int64(12), *profile.FollowersCount)
	assert.Nil(t, profile.MediaCount, "what did not come is not zero")

	remove, _ := account("ok-delete-success")
	require.NoError(t, remove.c.RevokeToken(t.Context(), &Token{AccessToken: NewSecret("x"), Login: FacebookLogin}))

	limit, _ := account("ok-publishing-limit")
	quota, err := limit.c.With(StaticToken(&Token{AccessToken: NewSecret("x"), Login: FacebookLogin, AccountID: "1"})).PublishingLimit(t.Context())
	require.NoError(t, err)
	assert.Equal(t, &PublishingLimit{Used: 2, Total: 25, Window: 24 * time.Hour}, quota)

	pages, want := account("ok-page-token-list") // its Page has no linked account
	found, err := pages.c.DiscoverAccounts(t.Context(), StaticToken(&Token{AccessToken: NewSecret("x"), Login: FacebookLogin}))
	require.NoError(t, err)
	assert.Empty(t, found.Accounts)
	require.Len(t, found.Pages, 1)
	assert.Equal(t, "2980459985095807", found.Pages[0].ID)
	assert.Contains(t, found.Pages[0].Tasks, "CREATE_CONTENT")
	assert.Equal(t, GapNoAccount, found.Gaps[0].Reason)
	assert.Equal(t, value(want.AccessToken), found.Pages[0].token.Reveal())
	for page, err := range Pages[map[string]any](t.Context(), pages, "me/accounts", nil) {
		require.NoError(t, err)
		assert.Len(t, page.Items, 1)
		assert.Equal(t, "after", page.After)
		assert.False(t, page.More, "cursors without a next link are those of the last page")
	}
}

func FuzzTokenAnswer(f *testing.F) {
	for _, c := range wireCases(f, "token_response", "oauth_token_error", "graph_error") {
		f.Add([]byte(c.Response.Body), "17841405793187219")
	}
	f.Fuzz(func(t *testing.T, body []byte, id string) {
		tok, err := exchangeAnswer(t, body)
		if err == nil && tok.AccessToken.IsZero() {
			t.Fatal("an answer without a token is a success")
		}
		if isWireID(id) { // digits survive in every place they may stand in
			for _, form := range []string{`{"access_token":"x","user_id":` + id + `}`, `{"data":[{"user_id":"` + id + `","access_token":"x"}]}`} {
				tok, err := exchangeAnswer(t, []byte(form))
				if err != nil || tok.AppScopedID != id {
					t.Fatalf("ID %s became %v (%v)", id, tok, err)
				}
			}
		}
	})
}

// isWireID reports whether s is what the wire writes for an ID.
func isWireID(s string) bool {
	if s == "" || s[0] == '0' || len(s) > 40 {
		return false
	}
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func exchangeAnswer(tb testing.TB, body []byte) (*Token, error) {
	tb.Helper()
	client, err := New(stateConfig(), WithTransport(roundTripper(func(req *http.Request) (*http.Response, error) {
		resp := answer(http.StatusOK, nil, string(body))
		resp.Request = req
		return resp, nil
	})))
	require.NoError(tb, err)
	return client.Exchange(tb.Context(), "AQB")
}

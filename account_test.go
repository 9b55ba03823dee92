package instagram_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

// bothAccounts returns an account of each product, signed in.
func bothAccounts(t *testing.T, meta *instagramtest.Platform) map[string]*instagram.Account {
	t.Helper()
	accounts := map[string]*instagram.Account{}
	for name, cfg := range map[string]instagram.Config{"instagram": instagramConfig(), "facebook": facebookConfig()} {
		client := newClient(t, cfg, meta)
		accounts[name] = client.With(instagram.StaticToken(signIn(t, client, meta).Accounts[0]))
	}
	meta.ForgetRequests()
	return accounts
}

func TestCallsAreSigned(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	for name, account := range bothAccounts(t, meta) {
		var media struct{ ID instagram.ID }
		params := struct {
			ImageURL string `url:"image_url"`
			Caption  string `url:"caption,omitempty"`
		}{"https://example.com/a.jpg", "hello & welcome"}
		require.NoError(t, account.Post(t.Context(), instagramtest.DefaultAccountID+"/media", params, &media), name)
		assert.NotEmpty(t, media.ID)
		var status map[string]any
		require.NoError(t, account.Get(t.Context(), string(media.ID)+"?fields=status_code", url.Values{"locale": {"en_US"}}, &status), name)
		assert.Equal(t, "FINISHED", status["status_code"])
	}
	for _, r := range meta.Requests("", "") {
		assert.Equal(t, "Bearer "+r.Token(), r.Header.Get("Authorization"))
		assert.Empty(t, r.Param("access_token"), "a token in a URL is logged somewhere")
		assert.Equal(t, instagram.DefaultVersion, r.Version)
		proof := r.Query.Get("appsecret_proof")
		if r.Host == "graph.instagram.com" {
			assert.Empty(t, proof)
			continue
		}
		mac := hmac.New(sha256.New, []byte(instagramtest.DefaultMetaAppSecret))
		mac.Write([]byte(r.Token()))
		assert.Equal(t, hex.EncodeToString(mac.Sum(nil)), proof)
	}
	assert.Len(t, meta.Requests("POST", ""), 2)
	assert.Equal(t, "hello & welcome", meta.Requests("POST", "")[0].Form.Get("caption"))
	assert.Equal(t, "en_US", meta.Requests("GET", "")[0].Query.Get("locale"))
}

func TestProofForms(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for form, want := range map[instagram.ProofForm]struct{ proof, timed bool }{
			instagram.ProofPlain: {true, false}, instagram.ProofTimed: {true, true}, instagram.ProofNone: {false, false},
		} {
			meta := instagramtest.New()
			client := newClient(t, facebookConfig(), meta, instagram.WithProofForm(form))
			tok := signIn(t, client, meta).Token
			meta.ForgetRequests()
			account := client.With(instagram.StaticToken(tok))
			require.NoError(t, account.Get(t.Context(), "me", nil, nil))
			time.Sleep(6 * time.Minute) // a timed proof is good for five
			require.NoError(t, account.Get(t.Context(), "me", nil, nil))
			for _, r := range meta.Requests("GET", "/me") {
				assert.Equal(t, want.proof, r.Query.Has("appsecret_proof"))
				assert.Equal(t, want.timed, r.Query.Has("appsecret_time"))
			}
		}
	})
}

func TestStaticTokenOfNothing(t *testing.T) {
	t.Parallel()
	for want, token := range map[string]*instagram.Token{"StaticToken was given nil": nil, "without AccessToken": {}} {
		_, err := instagram.StaticToken(token).Token(t.Context())
		require.ErrorIs(t, err, instagram.ErrTokenNotFound)
		require.ErrorContains(t, err, want)
	}
	client := newClient(t, instagramConfig(), instagramtest.New())
	require.ErrorIs(t, client.With(nil).Get(t.Context(), "me", nil, nil), instagram.ErrTokenNotFound)
	_, err := client.With(nil).Profile(t.Context())
	require.ErrorIs(t, err, instagram.ErrTokenNotFound)
	_, err = client.DiscoverAccounts(t.Context(), nil)
	require.ErrorIs(t, err, instagram.ErrTokenNotFound)
}

func TestPathsThatAreRefused(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	client := newClient(t, instagramConfig(), meta)
	account := client.With(instagram.StaticToken(&instagram.Token{AccessToken: instagram.NewSecret("IGAAcanary"), Kind: instagram.LongLived}))
	for _, path := range []string{
		"", "/", "?fields=id", "..", "me/../../x", "me/./x", "mailto:x",
		"https://evil.example/v26.0/me", "//evil.example/me", "http://graph.instagram.com/v26.0/me",
		"https://graph.instagram.com@evil.example/me", "https://graph.instagram.com.evil.example/me",
		"https://graph.instagram.com:8443/me", "https://graph.facebook.com/v26.0/me", "https://user@graph.instagram.com/me",
		"https:graph.instagram.com/me", "https://ｇraph.instagram.com/me", "https://graph.instagram.com./me", "me\x00", "me\r\nHost: evil",
	} {
		err := account.Get(t.Context(), path, nil, nil)
		require.ErrorIs(t, err, instagram.ErrInvalidRequest, "%q", path)
		assert.NotContains(t, err.Error(), "canary")
	}
	assert.Empty(t, meta.Requests("", ""))
}

// The client puts the version in front; an unversioned one leaves it to the caller.
func TestAPathWithAVersion(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	cfg := instagramConfig()
	client := newClient(t, cfg, meta)
	token := instagram.StaticToken(signIn(t, client, meta).Token)
	meta.ForgetRequests()
	for _, path := range []string{"v26.0/me", "/v26.0/me", "v19.0"} {
		err := client.With(token).Get(t.Context(), path, nil, nil)
		require.ErrorIs(t, err, instagram.ErrInvalidRequest, path)
		require.ErrorContains(t, err, "leave the version out")
	}
	assert.Empty(t, meta.Requests("", ""))
	require.NoError(t, client.With(token).Get(t.Context(), "https://graph.instagram.com/v26.0/me", nil, nil))
	cfg.Version = instagram.Unversioned
	require.NoError(t, newClient(t, cfg, meta).With(token).Get(t.Context(), "v26.0/me", nil, nil))
}

func TestAnAnswerThatHasNoPlaceToGo(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	client := newClient(t, instagramConfig(), meta)
	account := client.With(instagram.StaticToken(signIn(t, client, meta).Token))
	meta.ForgetRequests()
	type me struct {
		Username string `json:"username"`
	}
	for name, out := range map[string]any{"a struct": me{}, "a nil pointer": (*me)(nil), "a map": map[string]any{}, "a string": ""} {
		for method, send := range map[string]func(context.Context, string, any, any, ...instagram.CallOption) error{
			"get": account.Get, "post": account.Post, "delete": account.Delete,
		} {
			err := send(t.Context(), "me", nil, out)
			require.ErrorIs(t, err, instagram.ErrInvalidRequest, "%s %s", method, name)
			require.ErrorContains(t, err, "pass a pointer")
		}
	}
	assert.Empty(t, meta.Requests("", ""))
	require.NoError(t, account.Get(t.Context(), "me", nil, nil))
	require.NoError(t, account.Get(t.Context(), "me", nil, new(any)))
}

func TestTheNextPageOfAList(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	account := bothAccounts(t, meta)["facebook"]
	var page struct {
		Data   []json.RawMessage
		Paging struct{ Next string }
	}
	require.NoError(t, account.Get(t.Context(), "me/accounts", url.Values{"limit": {"1"}}, &page))
	require.Contains(t, page.Paging.Next, "access_token=", "Meta puts the token into the link")
	meta.ForgetRequests()
	require.NoError(t, account.Get(t.Context(), page.Paging.Next, nil, &page))
	assert.False(t, meta.Requests("", "")[0].Query.Has("access_token"), "and here it is taken out again")
}

func TestHTTPClientSendsOnlyToThePlatform(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	client := newClient(t, instagramConfig(), meta)
	signed := client.HTTPClient(instagram.StaticToken(&instagram.Token{AccessToken: instagram.NewSecret("IGAAcanary"), Kind: instagram.LongLived}))
	for name, change := range map[string]func(*http.Request){
		"another host":            func(r *http.Request) { r.URL.Host = "evil.example" },
		"another port":            func(r *http.Request) { r.URL.Host += ":8443" },
		"without TLS":             func(r *http.Request) { r.URL.Scheme = "http" },
		"the other product":       func(r *http.Request) { r.URL.Host = "graph.facebook.com" },
		"another Host header":     func(r *http.Request) { r.Host = "evil.example" },
		"a host that begins well": func(r *http.Request) { r.URL.Host = "graph.instagram.com.evil.example" },
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://graph.instagram.com/v26.0/me", http.NoBody)
		require.NoError(t, err)
		change(req)
		resp, err := signed.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		var foreign *instagram.ForeignHostError
		require.ErrorAs(t, err, &foreign, name)
		assert.NotContains(t, err.Error(), "canary")
	}
	assert.Empty(t, meta.Requests("", ""))
}

func TestTheCallersRequestIsNotChanged(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	client := newClient(t, facebookConfig(), meta)
	signed := client.HTTPClient(instagram.StaticToken(signIn(t, client, meta).Token))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://graph.facebook.com/v26.0/me?fields=id", http.NoBody)
	require.NoError(t, err)
	req.Header.Set("Idempotency-Key", "x")
	before := req.Clone(t.Context())
	meta.ForgetRequests()
	resp, err := signed.Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, before.URL.String(), req.URL.String())
	assert.Equal(t, before.Header, req.Header)
	assert.Empty(t, meta.Requests("", "")[0].Header.Get("Idempotency-Key"), "net/http repeats a POST that has one")
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	account := bothAccounts(t, meta)["instagram"]
	for _, to := range []string{"https://evil.example/x?token=y", "https://graph.instagram.com/v26.0/me", "http://graph.instagram.com/v26.0/me"} {
		meta.ForgetRequests()
		meta.On("GET", "/me").Once(instagramtest.Answer{Redirect: to})
		err := account.Get(t.Context(), "me", nil, nil)
		var answered *instagram.Error
		require.ErrorAs(t, err, &answered)
		assert.Equal(t, http.StatusFound, answered.HTTPStatus)
		assert.NotContains(t, err.Error(), "token=y")
		assert.Len(t, meta.Requests("", ""), 1)
	}
}

func TestAnswersThatDoNotFit(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	account := bothAccounts(t, meta)["instagram"]
	for body, part := range map[string]string{
		`{"id":["canary"]}`:   `field "id" is a array`,
		`{"id":"canary`:       "not JSON",
		`<html>canary</html>`: "not JSON",
		``:                    "not JSON",
	} {
		route := meta.On("GET", "/me").Always(instagramtest.Answer{Status: 200, Body: body})
		var out struct {
			ID string `json:"id"`
		}
		err := account.Get(t.Context(), "me", nil, &out)
		require.ErrorContains(t, err, part)
		assert.NotContains(t, err.Error(), "canary")
		route.Off()
	}
	var numbers map[string]any
	meta.On("GET", "/me").Once(instagramtest.Answer{Body: `{"user_id":17841405793187219}`})
	require.NoError(t, account.Get(t.Context(), "me", nil, &numbers))
	assert.Equal(t, json.Number("17841405793187219"), numbers["user_id"])
}

func TestParams(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	account := bothAccounts(t, meta)["instagram"]
	require.ErrorIs(t, account.Get(t.Context(), "me", 42, nil), instagram.ErrInvalidRequest)
	meta.ForgetRequests()
	for _, params := range []any{
		url.Values{"fields": {"id"}},
		map[string]string{"fields": "id"},
		struct {
			Fields string `url:"fields"`
		}{"id"},
		&struct {
			Fields []string `url:"fields,comma"`
		}{[]string{"id"}},
	} {
		require.NoError(t, account.Get(t.Context(), "me", params, nil))
	}
	for _, r := range meta.Requests("GET", "/me") {
		assert.Equal(t, "id", r.Query.Get("fields"))
	}
}

func TestCaptureResponse(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	account := bothAccounts(t, meta)["instagram"]
	var info instagram.ResponseInfo
	require.NoError(t, account.Get(t.Context(), "me", nil, nil, instagram.CaptureResponse(&info)))
	assert.Equal(t, 200, info.Status)
	assert.NotEmpty(t, info.TraceID)
	assert.NotEmpty(t, info.RequestID)
	assert.Equal(t, instagram.DefaultVersion, info.Version)
}

// TestAPlainMockServer does what many users will do: one httptest server for
// everything, through Config.Endpoint.
func TestAPlainMockServer(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	answer := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }
	}
	mux.HandleFunc("POST /oauth/access_token", answer(`{"access_token":"IGAAshort","user_id":1}`))
	mux.HandleFunc("GET /access_token", answer(`{"access_token":"IGAAlong","token_type":"bearer","expires_in":5183944}`))
	mux.HandleFunc("GET /v26.0/me", answer(`{"user_id":"17841405793187641","id":"2","username":"x"}`))
	server := httptest.NewServer(mux)
	defer server.Close()

	cfg := instagramConfig()
	cfg.RedirectURL = "http://localhost:1234/callback"
	cfg.Endpoint = instagram.Endpoint{Authorize: server.URL, Token: server.URL, Graph: server.URL}
	client, err := instagram.New(cfg)
	require.NoError(t, err)
	attempt, err := client.BeginLogin()
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(attempt.URL, server.URL+"/oauth/authorize?"))
	result, err := client.FinishLogin(t.Context(), url.Values{"code": {"AQB"}, "state": {attempt.State}}, attempt.Binding)
	require.NoError(t, err)
	assert.Equal(t, "IGAAlong", result.Token.AccessToken.Reveal())
	assert.Equal(t, "17841405793187641", result.Token.AccountID)
	require.NoError(t, client.Close(t.Context()))
}

func TestAnotherVersionIsNoticedOnce(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	cfg := instagramConfig()
	cfg.Version = "v22.0"
	meta := newMeta()
	meta.On("GET", "/me").Always(instagramtest.Answer{Header: http.Header{"Facebook-Api-Version": {"v24.0"}}})
	account := newClient(t, cfg, meta, instagram.WithLogger(slog.New(slog.NewTextHandler(&log, nil)))).With(instagram.StaticToken(token()))
	var info instagram.ResponseInfo
	for range 3 {
		require.NoError(t, account.Get(t.Context(), "me", nil, nil, instagram.CaptureResponse(&info)))
	}
	assert.Equal(t, "v24.0", info.Version)
	assert.Equal(t, 1, strings.Count(log.String(), "another Graph API version"), log.String())
}

package instagram_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

// browser is what a person's browser keeps: cookies, by name.
type browser map[string]*http.Cookie

// visit sends a request with the browser's cookies and keeps those of the answer.
func (b browser) visit(h http.Handler, method, target string) *http.Response {
	req := httptest.NewRequest(method, target, http.NoBody)
	for _, c := range b {
		req.AddCookie(c)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	resp := w.Result()
	for _, c := range resp.Cookies() {
		if c.MaxAge < 0 {
			delete(b, c.Name)
		} else {
			b[c.Name] = c
		}
	}
	return resp
}

// callbackTarget lets the fake's person consent, and returns path and query of the callback.
func callbackTarget(t *testing.T, meta *instagramtest.Platform, authURL string, opts ...instagramtest.ConsentOption) string {
	t.Helper()
	return "/callback?" + consent(t, meta, authURL, opts...).Encode()
}

func TestLoginWithTwoHandlers(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	client := newClient(t, instagramConfig(), meta)
	login := client.LoginHandler(func(r *http.Request) ([]instagram.AuthCodeOption, error) {
		return []instagram.AuthCodeOption{instagram.ReturnPath(r.FormValue("next"))}, nil
	})
	callbackHandler := client.CallbackHandler(nil)
	b := browser{}

	begun := b.visit(login, "GET", "https://example.com/login?next=/accounts")
	require.Equal(t, http.StatusFound, begun.StatusCode)
	assert.Equal(t, "no-store", begun.Header.Get("Cache-Control"))
	assert.Equal(t, "no-referrer", begun.Header.Get("Referrer-Policy"))
	require.Len(t, b, 1)
	for _, c := range b {
		assert.True(t, strings.HasPrefix(c.Name, "__Host-ig_"))
		assert.True(t, c.Secure && c.HttpOnly)
		assert.Equal(t, http.SameSiteLaxMode, c.SameSite)
		assert.Equal(t, "/", c.Path)
		assert.Empty(t, c.Domain)
		assert.Equal(t, 600, c.MaxAge)
	}
	target := callbackTarget(t, meta, begun.Header.Get("Location"))

	assert.Equal(t, http.StatusMethodNotAllowed, b.visit(callbackHandler, "HEAD", target).StatusCode, "a link preview does not spend the code")
	for range 2 { // the second is a double click
		done := b.visit(callbackHandler, "GET", target)
		assert.Equal(t, http.StatusSeeOther, done.StatusCode)
		assert.Equal(t, "/accounts", done.Header.Get("Location"))
		assert.Equal(t, "no-referrer", done.Header.Get("Referrer-Policy"))
	}
	assert.Len(t, meta.Requests("POST", "/oauth/access_token"), 1)

	stranger := browser{}.visit(callbackHandler, "GET", target)
	assert.Equal(t, http.StatusBadRequest, stranger.StatusCode, "an in-app browser without the cookie")
}

func TestCallbackHandlerTellsErrors(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	var log bytes.Buffer
	client := newClient(t, instagramConfig(), meta, instagram.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	b := browser{}
	var got error
	handler := client.CallbackHandler(func(w http.ResponseWriter, _ *http.Request, result *instagram.LoginResult, err error) {
		assert.Nil(t, result)
		got = err
		instagram.WriteLoginError(w, err)
	})
	begin := func() string { return b.visit(client.LoginHandler(nil), "GET", "/login").Header.Get("Location") }

	denied := b.visit(handler, "GET", callbackTarget(t, meta, begin(), instagramtest.Deny()))
	require.ErrorIs(t, got, instagram.ErrUserDenied)
	assert.Equal(t, http.StatusForbidden, denied.StatusCode)

	malformed := b.visit(handler, "GET", "/callback?code=%zz&state=x")
	require.ErrorIs(t, got, instagram.ErrInvalidRequest)
	assert.Equal(t, http.StatusBadRequest, malformed.StatusCode)
	assert.Contains(t, log.String(), "query cannot be read")
	assert.NotContains(t, log.String(), "zz")

	used := callbackTarget(t, meta, begin())
	query, err := url.ParseQuery(strings.TrimPrefix(used, "/callback?"))
	require.NoError(t, err)
	_, err = client.Exchange(t.Context(), query.Get("code"))
	require.NoError(t, err)
	b.visit(handler, "GET", used)
	require.ErrorIs(t, got, instagram.ErrCodeInvalid)
	assert.Contains(t, log.String(), "login not finished")
	assert.NotContains(t, log.String(), query.Get("code"))
}

func TestLoginHandlerSaysNothingOfTheInside(t *testing.T) {
	t.Parallel()
	client := newClient(t, instagramConfig(), instagramtest.New())
	for name, perRequest := range map[string]func(*http.Request) ([]instagram.AuthCodeOption, error){
		"the caller's function fails": func(*http.Request) ([]instagram.AuthCodeOption, error) {
			return nil, errors.New("database canary is down")
		},
		"an open redirect": func(*http.Request) ([]instagram.AuthCodeOption, error) {
			return []instagram.AuthCodeOption{instagram.ReturnPath("//canary.example")}, nil
		},
		"an option of the other product": func(*http.Request) ([]instagram.AuthCodeOption, error) {
			return []instagram.AuthCodeOption{instagram.Extras("canary")}, nil
		},
	} {
		w := httptest.NewRecorder()
		client.LoginHandler(perRequest).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/login", http.NoBody))
		assert.GreaterOrEqual(t, w.Code, 400, name)
		assert.NotContains(t, w.Body.String(), "canary", name)
		assert.Empty(t, w.Result().Cookies(), name)
	}
}

func TestAbandonedAttemptsDoNotPileUp(t *testing.T) {
	t.Parallel()
	client := newClient(t, instagramConfig(), instagramtest.New())
	b := browser{}
	for range 20 {
		b.visit(client.LoginHandler(nil), "GET", "/login")
	}
	assert.LessOrEqual(t, len(b), 5)
}

func TestCookiesOnLoopback(t *testing.T) {
	t.Parallel()
	cfg := facebookConfig()
	cfg.RedirectURL = "http://localhost:8080/callback"
	b := browser{}
	b.visit(newClient(t, cfg, instagramtest.New()).LoginHandler(nil), "GET", "/login")
	for name, c := range b {
		assert.True(t, strings.HasPrefix(name, "ig_login_"))
		assert.False(t, c.Secure)
	}
}

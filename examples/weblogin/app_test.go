package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram/instagramtest"
)

// person is a browser without a screen.
type person struct {
	t    *testing.T
	http *http.Client
	site string
	meta *instagramtest.Platform
	log  *bytes.Buffer
}

func newPerson(t *testing.T, login string) *person {
	t.Helper()
	var log bytes.Buffer
	ready, stopped := make(chan *setup, 1), make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	env := func(name string) string {
		if name == "INSTAGRAM_LOGIN" {
			return login
		}
		return ""
	}
	go func() {
		stopped <- run(ctx, "127.0.0.1:0", t.TempDir(), env, slog.New(slog.NewTextHandler(&log, nil)), func(s *setup) { ready <- s })
	}()
	s := <-ready
	p := &person{t: t, site: s.publicURL, meta: s.fake, log: &log}
	t.Cleanup(func() { stop(); assert.NoError(t, <-stopped) })
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	p.http = &http.Client{Jar: jar}
	return p
}

func (p *person) post(path string, form url.Values) (*http.Response, string) {
	p.t.Helper()
	resp, err := p.http.PostForm(p.site+path, form)
	require.NoError(p.t, err)
	_, page := p.read(resp)
	return resp, page
}

// connect opens the login window and says yes.
func (p *person) connect(who string) string {
	p.t.Helper()
	window, _ := p.post("/connect", nil)
	require.Equal(p.t, http.StatusOK, window.StatusCode)
	form := url.Values{"decision": {"allow"}, "person": {who}, "scope": {
		"instagram_business_basic", "instagram_business_content_publish",
		"instagram_basic", "instagram_content_publish", "pages_show_list", "pages_read_engagement",
	}}
	resp, err := p.http.PostForm(window.Request.URL.String(), form)
	require.NoError(p.t, err)
	_, page := p.read(resp)
	return page
}

func (p *person) do(req *http.Request) (status int, page string) {
	p.t.Helper()
	resp, err := p.http.Do(req)
	require.NoError(p.t, err)
	return p.read(resp)
}

func (p *person) read(resp *http.Response) (status int, page string) {
	p.t.Helper()
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(p.t, err)
	return resp.StatusCode, string(text)
}

func TestConnectPublishDisconnect(t *testing.T) {
	t.Parallel()
	p := newPerson(t, "")
	assert.Contains(t, p.connect(instagramtest.DefaultAccountID), instagramtest.DefaultAccountID)
	account := "/accounts/" + instagramtest.DefaultAccountID

	_, page := p.post(account+"/publish", url.Values{"form": {"1"}, "image_url": {"https://example.com/a.jpg"}, "caption": {"<b>hi</b>"}})
	assert.Contains(t, page, "Published.")
	_, page = p.post(account+"/disconnect", nil)
	assert.Contains(t, page, "Its token is deleted")
	assert.NotContains(t, page, instagramtest.DefaultAccountID)
}

func TestOthersAccountsAreNotThere(t *testing.T) {
	t.Parallel()
	p := newPerson(t, "")
	p.connect(instagramtest.DefaultAccountID)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	stranger := &person{t: t, site: p.site, http: &http.Client{Jar: jar}}
	for _, path := range []string{"/publish", "/disconnect"} {
		resp, _ := stranger.post("/accounts/"+instagramtest.DefaultAccountID+path, nil)
		assert.Equal(t, http.StatusNotFound, resp.StatusCode)
	}
}

func TestASessionIDFromBeforeALoginIsWorthNothingAfterIt(t *testing.T) {
	t.Parallel()
	p := newPerson(t, "")
	at, err := url.Parse(p.site)
	require.NoError(t, err)
	p.http.Jar.SetCookies(at, []*http.Cookie{{Name: "session", Value: "planted", Path: "/"}})
	p.connect(instagramtest.DefaultAccountID)
	first := p.http.Jar.Cookies(at)
	p.connect(instagramtest.DefaultAccountID)
	for _, cookie := range first {
		if cookie.Name != "session" {
			continue
		}
		assert.NotEqual(t, "planted", cookie.Value)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.site, http.NoBody)
		require.NoError(t, err)
		req.AddCookie(cookie)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		page, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		require.NoError(t, err)
		assert.NotContains(t, string(page), instagramtest.DefaultAccountID)
	}
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	p := newPerson(t, "")
	for _, path := range []string{"/connect", "/accounts/1/publish", "/accounts/1/disconnect"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.site+path, strings.NewReader(""))
		require.NoError(t, err)
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		req.Header.Set("Origin", "https://evil.example")
		status, page := p.do(req)
		assert.Equal(t, http.StatusForbidden, status, path)
		assert.Contains(t, page, "came from another site")
	}
}

func TestPagesLoadNothingAndRunNothing(t *testing.T) {
	t.Parallel()
	p := newPerson(t, "facebook")
	page := p.connect(instagramtest.DefaultPersonID)
	assert.Contains(t, page, instagramtest.SecondAccountID)
	assert.NotContains(t, page, "<script")
	assert.NotContains(t, page, "style=")
	resp, err := p.http.Get(p.site)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Contains(t, resp.Header.Get("Content-Security-Policy"), "default-src 'none'")
	assert.Equal(t, "nosniff", resp.Header.Get("X-Content-Type-Options"))
	assert.Equal(t, "no-referrer", resp.Header.Get("Referrer-Policy"))
	assert.NotRegexp(t, `(IGAA|EAA)[A-Za-z0-9]{8}`, page+p.log.String())
}

package instagramtest

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func listen(t *testing.T, p *Platform) *Server {
	t.Helper()
	s, err := p.Listen("127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

func fetch(t *testing.T, method, to string, form url.Values) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, to, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(text), res.Header
}

// A person signs in with a browser that runs no script.
func TestBrowserSignIn(t *testing.T) {
	t.Parallel()
	p := New()
	s := listen(t, p)
	dialog := s.URL + "/www.facebook.com/v26.0/dialog/oauth?" + url.Values{
		"client_id": {DefaultMetaAppID}, "redirect_uri": {callback}, "state": {"xyz"},
		"scope": {"instagram_basic,pages_show_list,email"}, "response_type": {"code"},
	}.Encode()
	status, page, header := fetch(t, "GET", dialog, nil)
	require.Equal(t, 200, status)
	assert.Contains(t, page, "Seed App asks for access to your account")
	assert.NotContains(t, page, "<script")
	assert.NotContains(t, page, "action=", "the form posts to where it came from, behind either door")
	assert.Contains(t, header.Get("Content-Security-Policy"), "default-src 'none'")
	boxes := regexp.MustCompile(`name="(scope|page)" value="(\w+)"( checked)?`).FindAllStringSubmatch(page, -1)
	form := url.Values{"decision": {"allow"}, "person": {DefaultPersonID}, "choose_pages": {"1"}}
	for _, box := range boxes {
		if box[2] != "email" && box[2] != SecondPageID {
			form.Add(box[1], box[2])
		}
	}
	assert.Equal(t, []string{"instagram_basic", "pages_show_list"}, form["scope"])
	assert.Equal(t, []string{DefaultPageID, BarePageID}, form["page"])
	status, _, header = fetch(t, "POST", dialog, form)
	assert.Equal(t, http.StatusFound, status)
	code := codeFrom(t, header.Get("Location"))

	_, text, _ := fetch(t, "POST", s.URL+"/graph.facebook.com/oauth/access_token", url.Values{
		"client_id": {DefaultMetaAppID}, "client_secret": {DefaultMetaAppSecret}, "redirect_uri": {callback}, "code": {code},
	})
	token := regexp.MustCompile(`EAA\w+`).FindString(text)
	_, text, _ = fetch(t, "GET", s.URL+"/graph.facebook.com/v26.0/me/accounts?limit=1&fields=name&access_token="+token, nil)
	assert.Contains(t, text, `"name":"Seed & Bloom"`)
	next := regexp.MustCompile(`"next":"([^"]+)"`).FindStringSubmatch(text)
	require.NotNil(t, next, text)
	to := strings.ReplaceAll(next[1], `\/`, `/`)
	assert.True(t, strings.HasPrefix(to, s.URL+"/graph.facebook.com/v26.0/"), to)
	_, text, _ = fetch(t, "GET", to, nil)
	assert.Contains(t, text, `"name":"Seed Friends"`, "the Page that was not ticked is passed over")
	assert.NotContains(t, text, `"next"`)
}

func TestListener(t *testing.T) {
	t.Parallel()
	p := New()
	s := listen(t, p)
	status, page, _ := fetch(t, "GET", s.URL, nil)
	assert.Equal(t, 200, status)
	assert.Contains(t, page, DefaultInstagramAppID)
	status, _, _ = fetch(t, "GET", s.URL+"/graph.threads.net/me", nil)
	assert.Equal(t, 404, status)

	back, err := p.Consent(s.URL+"/www.instagram.com/oauth/authorize?"+url.Values{
		"client_id": {DefaultInstagramAppID}, "redirect_uri": {"http://localhost:1/cb"}, "response_type": {"code"}, "scope": {"instagram_business_basic"},
	}.Encode(), AsPerson(SecondAccountID))
	require.NoError(t, err)
	assert.Regexp(t, `^http://localhost:1/cb\?code=[\w-]+#_$`, back)
	_, err = p.Consent("https://example.com/oauth/authorize")
	require.ErrorContains(t, err, "not one of the platform's addresses")

	token := issue(t, p, TokenSpec{})
	me := s.URL + "/graph.instagram.com/me?access_token=" + token
	p.On("GET", "/me").Once(Answer{Lose: true}).Once(Answer{CutAfter: 4}).Once(Answer{Hang: true}).Once(Answer{Stall: true}).Once(Answer{Endless: true})
	req, err := http.NewRequestWithContext(t.Context(), "POST", me, nil) // a POST: net/http repeats GETs by itself
	require.NoError(t, err)
	p.On("POST", "/me").Once(Answer{Lose: true})
	_, err = new(http.Transport).RoundTrip(req)
	require.ErrorIs(t, err, io.EOF)
	assert.EqualValues(t, 1, p.Served(), "the call had its effect")
	p.Reset()

	p.On("GET", "/me").Once(Answer{CutAfter: 4})
	res, err := http.Get(me)
	require.NoError(t, err)
	text, err := io.ReadAll(res.Body)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assertText(t, `{"id`, string(text))

	for _, a := range []Answer{{Hang: true}, {Stall: true}, {Endless: true}} {
		p.On("GET", "/me").Once(a)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		req, err := http.NewRequestWithContext(ctx, "GET", me, nil)
		require.NoError(t, err)
		if res, err = http.DefaultTransport.RoundTrip(req); err == nil {
			_, err = io.Copy(io.Discard, res.Body)
		}
		require.ErrorIs(t, err, context.DeadlineExceeded)
		cancel()
	}
	require.NoError(t, s.Close())
	require.NoError(t, s.Close(), "closing again does nothing")
	_, err = p.Listen("nowhere:port")
	require.Error(t, err)
}

// A listener of the caller's own may carry Meta's names itself.
func TestServeHTTP(t *testing.T) {
	t.Parallel()
	p := New()
	for _, host := range []string{"graph.facebook.com", "graph.facebook.com:8443"} {
		w := httptest.NewRecorder()
		req := httptest.NewRequestWithContext(t.Context(), "GET", "https://"+host+"/v26.0/me", nil)
		p.ServeHTTP(w, req)
		assert.Equal(t, 400, w.Code)
		assert.Contains(t, w.Body.String(), `"code":2500`)
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "HEAD", "/graph.facebook.com/me", nil))
	assert.Empty(t, w.Body.String())
}

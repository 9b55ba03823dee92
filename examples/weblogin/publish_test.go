package main

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram/instagramtest"
)

const account = "/accounts/" + instagramtest.DefaultAccountID

func photo(form, caption string) url.Values {
	return url.Values{"form": {form}, "image_url": {"https://example.com/a.jpg"}, "caption": {caption}}
}

func (p *person) published() int { return len(p.meta.Published(instagramtest.DefaultAccountID)) }

func TestAFormIsPublishedOnceHoweverOftenItIsSent(t *testing.T) {
	t.Parallel()
	p := newPerson(t, "")
	p.connect(instagramtest.DefaultAccountID)
	var clicks sync.WaitGroup
	for range 8 {
		clicks.Go(func() {
			resp, err := p.http.PostForm(p.site+account+"/publish", photo("one", "hello"))
			if assert.NoError(t, err) {
				assert.NoError(t, resp.Body.Close())
			}
		})
	}
	clicks.Wait()
	assert.Equal(t, 1, p.published())
	_, page := p.post(account+"/publish", photo("one", "another text, after the back button"))
	assert.Contains(t, page, "Published, once.")
	assert.Equal(t, 1, p.published())
	_, page = p.post(account+"/publish", photo("two", "hello"))
	assert.Contains(t, page, "Published.")
	assert.Equal(t, 2, p.published(), "the same words from a new form are a new post")
}

func TestAPostComesToItsEndWhenTheBrowserIsClosed(t *testing.T) {
	t.Parallel()
	p := newPerson(t, "")
	p.connect(instagramtest.DefaultAccountID)
	ctx, hangUp := context.WithCancel(t.Context())
	p.meta.On("POST", "/*/media").Func(func(instagramtest.Request) instagramtest.Answer {
		hangUp()
		return instagramtest.Answer{}
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.site+account+"/publish", strings.NewReader(photo("one", "x").Encode()))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := p.http.Do(req)
	if err == nil {
		resp.Body.Close()
	}
	require.ErrorIs(t, err, context.Canceled)
	_, page := p.post(account+"/publish", photo("one", "x"))
	assert.Contains(t, page, "Published, once.")
	assert.Equal(t, 1, p.published())
}

func TestAPostThatStoppedGoesOn(t *testing.T) {
	t.Parallel()
	p := newPerson(t, "")
	p.connect(instagramtest.DefaultAccountID)
	p.meta.On("POST", "/*/media_publish").Once(instagramtest.Failing(10, 0))
	_, page := p.post(account+"/publish", photo("one", "x"))
	assert.Contains(t, page, "A post is not finished")
	assert.Contains(t, page, `name="form" value="one"`)
	assert.Zero(t, p.published())
	_, page = p.post(account+"/publish", photo("two", "another one in between"))
	assert.Contains(t, page, "Published.")
	assert.Contains(t, page, "A post is not finished")
	_, page = p.post(account+"/publish", url.Values{"form": {"one"}})
	assert.Contains(t, page, "Published.")
	assert.NotContains(t, page, "not finished")
	assert.Equal(t, 2, p.published())
	assert.Len(t, p.meta.Requests("POST", "/*/media"), 2, "with the container that was there")
}

func TestWhatCannotBePublishedIsExplainedAndKept(t *testing.T) {
	t.Parallel()
	p := newPerson(t, "")
	p.connect(instagramtest.DefaultAccountID)
	wrong := photo("one", "my <long> text")
	wrong.Set("image_url", "http://10.0.0.1/a.jpg")
	_, page := p.post(account+"/publish", wrong)
	assert.Contains(t, page, "The photo’s address must be https.")
	assert.Contains(t, page, "my &lt;long&gt; text", "what was written is not lost")
	assert.Contains(t, page, `value="http://10.0.0.1/a.jpg"`)
	_, page = p.post(account+"/publish", url.Values{"form": {"two"}})
	assert.Contains(t, page, "Please give the address of a photo.")
	_, page = p.post(account+"/publish", photo("one", "my text"))
	assert.Contains(t, page, "Published.")
	assert.NotContains(t, page, "my text")
	assert.Equal(t, 1, p.published())
}

func TestOddRequestsGetHelpfulPages(t *testing.T) {
	t.Parallel()
	p := newPerson(t, "")
	p.connect(instagramtest.DefaultAccountID)
	for name, tt := range map[string]struct {
		method, path, body string
		status             int
		text               string
	}{
		"an address that is not there": {http.MethodGet, "/nowhere", "", http.StatusNotFound, "nothing here"},
		"an unknown account":           {http.MethodPost, "/accounts/1/publish", "form=1", http.StatusNotFound, "nothing here"},
		"an account that is a path":    {http.MethodPost, "/accounts/..%2f..%2fetc/disconnect", "", http.StatusNotFound, "nothing here"},
		"an account of markup":         {http.MethodPost, "/accounts/%3Cscript%3E/publish", "form=1", http.StatusNotFound, "nothing here"},
		"a form that is opened":        {http.MethodGet, "/connect", "", http.StatusNotFound, "nothing here"},
		"a form without its ID":        {http.MethodPost, account + "/publish", "image_url=https://example.com/a.jpg", http.StatusBadRequest, "not complete"},
		"a form with a long ID":        {http.MethodPost, account + "/publish", "form=" + strings.Repeat("x", 65), http.StatusBadRequest, "not complete"},
		"a form that cannot be read":   {http.MethodPost, account + "/publish", "form=%zz", http.StatusBadRequest, "cannot be read"},
		"a huge form":                  {http.MethodPost, account + "/publish", "form=1&caption=" + strings.Repeat("x", 1<<20), http.StatusRequestEntityTooLarge, "too much"},
		"a huge form to connect":       {http.MethodPost, "/connect", "account=" + strings.Repeat("x", 1<<20), http.StatusRequestEntityTooLarge, "too much"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), tt.method, p.site+tt.path, strings.NewReader(tt.body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		status, page := p.do(req)
		assert.Equal(t, tt.status, status, name)
		assert.Contains(t, page, tt.text, name)
		assert.Contains(t, page, `href="/"`, "%s: the way back", name)
		assert.NotContains(t, page, "<script>", name)
	}
	assert.Zero(t, p.published())
}

func TestDisconnectingTheLastAccountForgetsThePerson(t *testing.T) {
	t.Parallel()
	p := newPerson(t, "facebook")
	p.connect(instagramtest.DefaultPersonID)
	alive := func() (n int) {
		for _, tok := range p.meta.Tokens(instagramtest.DefaultPersonID) {
			if tok.Dead == 0 {
				n++
			}
		}
		return n
	}
	require.NotZero(t, alive())
	p.post(account+"/disconnect", nil)
	assert.NotZero(t, alive(), "the person's token serves the other account")
	_, page := p.post("/accounts/"+instagramtest.SecondAccountID+"/disconnect", nil)
	assert.Contains(t, page, "Its token is deleted")
	assert.Zero(t, alive(), "and is given up with the last one")
}

func TestNoAccountIsExplained(t *testing.T) {
	t.Parallel()
	p := newPerson(t, "facebook")
	who := p.meta.AddPerson(instagramtest.Person{Name: "Ada", Pages: []instagramtest.Page{{Name: "Seedlings"}}})
	page := p.connect(who.ID)
	assert.Contains(t, page, "No professional account was found.")
	assert.Contains(t, page, "Seedlings")
	assert.Contains(t, page, "no linked account")
}

func TestACardOfADeadTokenOffersOnlyWhatHelps(t *testing.T) {
	t.Parallel()
	p := newPerson(t, "")
	p.connect(instagramtest.DefaultAccountID)
	_, err := p.meta.SendDeauthorize(t.Context(), p.site+"/meta/deauthorize", instagramtest.DefaultAccountID)
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.site, http.NoBody)
	require.NoError(t, err)
	_, page := p.do(req)
	assert.Contains(t, page, "Removed at Instagram")
	assert.Contains(t, page, "Reconnect")
	assert.NotContains(t, page, "Good until")
	assert.NotContains(t, page, "Publish a photo")
}

func TestCookiesOfAnHTTPSSite(t *testing.T) {
	t.Parallel()
	s := newSessions("https://connect.example.com")
	w := recorder{header: http.Header{}}
	s.renew(w, &http.Request{Header: http.Header{}})
	cookie, err := http.ParseSetCookie(w.header.Get("Set-Cookie"))
	require.NoError(t, err)
	assert.Equal(t, "__Host-session", cookie.Name)
	assert.True(t, cookie.Secure)
	assert.True(t, cookie.HttpOnly)
	assert.Equal(t, http.SameSiteLaxMode, cookie.SameSite)
	assert.Equal(t, "/", cookie.Path)
	assert.Empty(t, cookie.Domain)
}

type recorder struct {
	http.ResponseWriter

	header http.Header
}

func (r recorder) Header() http.Header { return r.header }

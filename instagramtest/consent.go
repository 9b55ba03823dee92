// How does a test click through a dialog without a browser?

package instagramtest

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// ConsentOption says how the person answers in [Platform.Consent]. Without one
// they are the first person, tick everything and click Allow.
type ConsentOption func(*click)

type click struct {
	deny    bool
	decline []string
	who     string
	pages   []string

	accounts []string
}

// Deny clicks Cancel.
func Deny() ConsentOption { return func(k *click) { k.deny = true } }

// Decline unticks scopes. On Facebook Login for Business nothing can be unticked.
func Decline(scopes ...string) ConsentOption {
	return func(k *click) { k.decline = append(k.decline, scopes...) }
}

// AsPerson has somebody else sit before the browser: on Instagram Login an
// account's ID or user name, on Facebook Login a person's ID.
func AsPerson(id string) ConsentOption { return func(k *click) { k.who = id } }

// OnlyPages ticks only these Pages, by ID; Facebook Login alone.
func OnlyPages(ids ...string) ConsentOption {
	return func(k *click) { k.pages = append([]string{}, ids...) }
}

// DialogError is a dialog that shows an error page instead of a question, and
// never redirects: a misconfigured app, an unregistered redirect URI.
type DialogError struct {
	Status  int
	Message string // as on the page
}

func (e *DialogError) Error() string {
	return fmt.Sprintf("instagramtest: the dialog shows an error page (HTTP %d): %s", e.Status, e.Message)
}

// Consent opens an authorization URL, of the true hosts or of a listener, as a
// browser would, answers the dialog, and returns the callback URL that the
// browser is sent to, with code or error, state and fragment. A dialog that shows
// an error page gives a [*DialogError]. The clicks are not among
// [Platform.Requests].
func (p *Platform) Consent(authURL string, opts ...ConsentOption) (callbackURL string, err error) {
	var k click
	for _, opt := range opts {
		opt(&k)
	}
	u, err := url.Parse(authURL)
	if err != nil {
		return "", fmt.Errorf("instagramtest: %w", err)
	}
	host, path := hostOf(&http.Request{Host: u.Host, URL: u})
	if host == "" {
		return "", fmt.Errorf("instagramtest: %q is not one of the platform's addresses", u.Host)
	}
	open := func(method string, form url.Values) (*reply, error) {
		header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
		c := newCall(method, host, u, path, header, []byte(form.Encode()))
		c.hidden = true
		r, _, err := p.serve(context.Background(), c)
		return r, err
	}
	r, err := open(http.MethodGet, nil)
	if err == nil && r.status == http.StatusOK {
		r, err = open(http.MethodPost, p.fillIn(host, u, k))
	}
	if err != nil {
		return "", err
	}
	if to := r.header.Get("Location"); to != "" {
		return to, nil
	}
	return "", &DialogError{Status: r.status, Message: r.problem}
}

// fillIn is the form as the person leaves it.
func (p *Platform) fillIn(host string, u *url.URL, k click) url.Values {
	form := url.Values{"decision": {"allow"}}
	if k.deny {
		form.Set("decision", "deny")
	}
	if k.who != "" {
		form.Set("person", k.who)
	}
	for _, s := range strings.FieldsFunc(u.Query().Get("scope"), separator) {
		if !slices.Contains(k.decline, s) {
			form.Add("scope", s)
		}
	}
	if k.pages != nil && host == hostFacebook {
		form.Set("choose_pages", "1")
		form["page"] = k.pages
	}
	if k.accounts != nil && host == hostFacebook {
		form.Set("choose_accounts", "1")
		form["account"] = k.accounts
	}
	return form
}

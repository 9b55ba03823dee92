// How do Instagram Login's codes and tokens become tokens?

package instagramtest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// minRefreshAge is how old a long-lived token must be before it can be refreshed.
// Source: "Business Login for Instagram", refresh step.
const minRefreshAge = 24 * time.Hour

// serveInstagramOAuth answers api.instagram.com: code to short-lived token, and
// the older address of the dialog.
func (p *Platform) serveInstagramOAuth(c *call) *reply {
	switch strings.TrimSuffix(c.path, "/") {
	case "/oauth/authorize":
		return p.serveDialog(c)
	case "/oauth/access_token":
	default:
		return &reply{status: http.StatusNotFound, contentType: "text/html; charset=utf-8", body: []byte("<!DOCTYPE html><title>Page not found</title>")}
	}
	if c.method != http.MethodPost {
		return &reply{status: http.StatusMethodNotAllowed, header: http.Header{"Allow": {"POST"}}, contentType: "text/html; charset=utf-8"}
	}
	for _, name := range []string{"client_id", "client_secret", "grant_type", "redirect_uri"} {
		if c.form.Get(name) == "" { // the body is the only place it looks at
			return oauthError("Missing required field " + name)
		}
	}
	a := p.instagramApps[c.form.Get("client_id")]
	switch {
	case a == nil || a.disabled:
		return oauthError("Invalid platform app")
	case c.form.Get("client_secret") != a.InstagramAppSecret:
		return oauthError("Invalid Client Secret")
	case c.form.Get("grant_type") != "authorization_code":
		return oauthError("Invalid grant_type")
	case c.form.Get("code") == "":
		return oauthError("You must provide a code")
	default:
	}
	d := p.codes[c.form.Get("code")]
	if d == nil || d.used || d.login != InstagramLogin || d.app != a || !c.now.Before(d.expires) {
		return oauthError("Matching code was not found or was already used.")
	}
	if d.redirect != c.form.Get("redirect_uri") { // the code survives this
		return oauthError("Error validating verification code. Please make sure your redirect_uri is identical to the one you used in the OAuth dialog request")
	}
	if !a.admits(d.account.ID, d.account.AppScopedID, d.account.Username) {
		return oauthError("Insufficient developer role")
	}
	d.used = true
	t := &token{
		login: InstagramLogin, kind: ShortLived, app: a, account: d.account, grant: p.grantOf(&d.account.standing, a, InstagramLogin),
		scopes: d.scopes, issued: c.now, expires: c.now.Add(p.lifetimes.short(InstagramLogin)),
	}
	p.keep(t)
	return p.instagramCodeAnswer(t)
}

// instagramCodeAnswer writes the answer in the shape chosen.
func (p *Platform) instagramCodeAnswer(t *token) *reply {
	id := p.scopedID(t.app, t.account.AppScopedID)
	if p.shapes.UserIDProfessional {
		id = t.account.ID
	}
	out := object{{"access_token", t.value}}
	if p.shapes.UserIDString {
		out = out.with("user_id", id)
	} else {
		out = out.with("user_id", lexeme(id))
	}
	switch p.shapes.Permissions {
	case PermissionsString:
		out = out.with("permissions", strings.Join(t.scopes, ","))
	case PermissionsArray:
		out = out.with("permissions", slices.Clone(t.scopes))
	case PermissionsAbsent:
	}
	if p.shapes.Wrapped {
		out = object{{"data", []object{out}}}
	}
	return &reply{status: http.StatusOK, contentType: "application/json; charset=utf-8", body: oauthStyle().text(out)}
}

// instagramLongLived is graph.instagram.com/access_token: a short-lived token for
// one that lives sixty days. Source: "Business Login for Instagram".
func (p *Platform) instagramLongLived(c *call) (*reply, *GraphError) {
	if g := c.query.Get("grant_type"); g != "ig_exchange_token" {
		return nil, unsupported(c)
	}
	t, err := p.queryToken(c)
	if err != nil {
		return nil, err
	}
	switch {
	case c.query.Get("client_secret") != t.app.InstagramAppSecret:
		return nil, graphError(100, "IGApiException", "Error validating client secret.")
	case t.kind != ShortLived: // such as one generated in the App Dashboard
		return nil, graphError(452, "OAuthException", "Session key invalid. This could be because the session key has an incorrect format, or because the user has revoked this session")
	case !t.app.admits(t.account.ID, t.account.AppScopedID, t.account.Username):
		return nil, unsupported(c)
	default:
	}
	long := &token{
		login: InstagramLogin, kind: LongLived, app: t.app, account: t.account, grant: t.grant,
		scopes: t.scopes, issued: c.now, expires: c.now.Add(p.lifetimes.LongLived),
	}
	p.keep(long)
	return p.tokenAnswer(c, long, nil), nil
}

// instagramRefresh is graph.instagram.com/refresh_access_token: sixty more days.
func (p *Platform) instagramRefresh(c *call) (*reply, *GraphError) {
	if c.query.Get("grant_type") != "ig_refresh_token" {
		return nil, unsupported(c)
	}
	t, err := p.queryToken(c)
	if err != nil {
		return nil, err
	}
	switch {
	case t.kind != LongLived:
		return nil, unsupported(c)
	case !t.allows("instagram_business_basic"):
		return nil, known(10, 0)
	case c.now.Sub(t.issued) < minRefreshAge && !p.quirks.EarlyRefresh:
		return nil, unsupported(c)
	default:
	}
	long := t
	if p.quirks.RefreshKeepsString {
		t.issued, t.expires = c.now, c.now.Add(p.lifetimes.LongLived)
	} else {
		long = &token{
			login: InstagramLogin, kind: LongLived, app: t.app, account: t.account, grant: t.grant,
			scopes: t.scopes, issued: c.now, expires: c.now.Add(p.lifetimes.LongLived),
		}
		if p.quirks.RefreshKillsOld {
			t.dead = 467
		}
		p.keep(long)
	}
	var extra object
	if p.shapes.RefreshPermissions {
		extra = object{{"permissions", strings.Join(long.granted(), ",")}}
	}
	return p.tokenAnswer(c, long, extra), nil
}

// queryToken finds the token of Instagram's token endpoints, which read the query
// only: a header is not documented to work there.
func (p *Platform) queryToken(c *call) (*token, *GraphError) {
	value := c.query.Get("access_token")
	if value == "" {
		return nil, known(104, 0)
	}
	t, err := p.valid(value, InstagramLogin, c.now)
	if err != nil {
		return nil, err
	}
	if c.has("appsecret_proof") && !p.quirks.IgnoreProof {
		return nil, graphError(100, "IGApiException", "Invalid appsecret_proof provided in the API argument")
	}
	c.app, c.account = t.app, t.account
	return t, nil
}

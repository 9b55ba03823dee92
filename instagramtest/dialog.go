// What may be asked of a person, and what goes back to the app? Both login
// dialogs up to their redirects.

package instagramtest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// code is an authorization code: one hour, once, for one app and redirect URI.
type code struct {
	value           string
	login           Login
	app             *app
	account         *account // Instagram Login
	person          *person  // Facebook Login
	scopes          []string
	redirect        string
	expires         time.Time
	used            bool
	challenge       string // PKCE
	challengeMethod string
	nonce           string // OpenID Connect
	systemUser      bool
}

// dialog is a valid request to ask somebody something.
type dialog struct {
	login     Login
	app       *app
	redirect  string
	query     url.Values
	scopes    []string // asked for
	config    *Configuration
	rerequest bool
	wants     map[string]bool // words of response_type
	account   *account
	person    *person
}

// problem is a misconfiguration: shown as a page, never redirected.
type problem struct {
	title, text string
}

func instagramProblem(text string) *problem {
	return &problem{"Sorry, this page isn't available.", text}
}

// serveDialog answers www.instagram.com, www.facebook.com and the dialog's old
// address on api.instagram.com.
func (p *Platform) serveDialog(c *call) *reply {
	path := strings.TrimSuffix(c.path, "/")
	login := InstagramLogin
	if c.host == hostFacebook {
		login = FacebookLogin
	}
	switch {
	case login == InstagramLogin && path == "/oauth/authorize":
	case login == FacebookLogin && path == "/dialog/oauth":
	case login == FacebookLogin && path == "/connect/login_success.html": // where desktop apps send people
		return p.showProblem(c, http.StatusOK, &problem{"Success", "Success"})
	default:
		return p.showProblem(c, http.StatusNotFound, &problem{"Page not found", "This page isn't available."})
	}
	d, wrong := p.parseDialog(c, login)
	if wrong != nil {
		if c.host == hostInstagramAPI {
			return oauthError(wrong.text)
		}
		return p.showProblem(c, http.StatusBadRequest, wrong)
	}
	switch c.method {
	case http.MethodGet:
		return p.showConsent(d)
	case http.MethodPost:
		return p.decide(c, d)
	default:
		return p.showProblem(c, http.StatusMethodNotAllowed, &problem{"Page not found", "This page isn't available."})
	}
}

// parseDialog checks everything that a person should not be asked about in vain.
func (p *Platform) parseDialog(c *call, login Login) (*dialog, *problem) {
	d := &dialog{login: login, query: c.query, redirect: c.query.Get("redirect_uri"), wants: map[string]bool{}}
	for _, word := range strings.FieldsFunc(c.query.Get("response_type"), separator) {
		d.wants[word] = true
	}
	d.scopes = unique(strings.FieldsFunc(c.query.Get("scope"), separator))
	var wrong *problem
	if login == InstagramLogin {
		wrong = p.parseInstagram(d)
	} else {
		wrong = p.parseFacebook(d)
	}
	if wrong != nil {
		return nil, wrong
	}
	who := c.form.Get("person")
	if who == "" {
		who = c.query.Get("person") // the dialog's own links
	}
	return d, p.seat(d, who)
}

func separator(r rune) bool { return r == ',' || r == ' ' || r == '+' }

func unique(list []string) []string { return union(nil, list) }

// seat finds who sits before the browser: whoever was named, else the first.
func (p *Platform) seat(d *dialog, who string) *problem {
	switch {
	case d.login == FacebookLogin && who == "":
		d.person = p.people[0]
	case d.login == FacebookLogin:
		d.person = p.persons[who]
	case who == "" && len(p.shown) > 0:
		d.account = p.shown[0]
	case who == "":
	default:
		d.account = p.account(who)
		if h := p.persons[who]; d.account == nil && h != nil && len(h.accounts) > 0 {
			d.account = h.accounts[0]
		}
	}
	if d.account == nil && d.person == nil {
		return &problem{"Nobody here", "Nobody is known as " + strconv.Quote(who)}
	}
	return nil
}

// parseInstagram checks the request of "Business Login for Instagram". Extras
// such as force_reauth and enable_fb_login are accepted and change nothing.
func (p *Platform) parseInstagram(d *dialog) *problem {
	d.app = p.instagramApps[d.query.Get("client_id")]
	switch {
	case d.app == nil || d.app.disabled:
		return instagramProblem("Invalid platform app")
	case !d.wants["code"] || len(d.wants) != 1:
		return instagramProblem(`Only response type "code" and "token" is allowed`)
	case !absoluteURI(d.redirect) || !d.app.registered(d.redirect):
		return instagramProblem("Invalid redirect_uri")
	default:
	}
	var unknown []string
	for _, s := range d.scopes {
		if !knownScope(InstagramLogin, s) {
			unknown = append(unknown, s)
		}
	}
	if len(unknown) > 0 || len(d.scopes) == 0 {
		return instagramProblem("Invalid scope: [" + strings.Join(unknown, ", ") + "]")
	}
	return nil
}

// parseFacebook checks the request of "Manually Build a Login Flow" and
// "Facebook Login for Business". display and extras are accepted and change nothing.
func (p *Platform) parseFacebook(d *dialog) *problem {
	d.app = p.metaApps[d.query.Get("client_id")]
	switch {
	case d.app == nil:
		return &problem{"Error", "Invalid App ID: The provided app ID does not look like a valid app ID."}
	case d.app.disabled:
		return &problem{"App not active", "This app is not accessible right now and the app developer is aware of the issue."}
	case !absoluteURI(d.redirect) || !d.app.registered(d.redirect):
		return &problem{"URL Blocked", "This redirect failed because the redirect URI is not whitelisted in the app's Client OAuth Settings. Make sure Client and Web OAuth Login are on and add all your app domains as Valid OAuth Redirect URIs."}
	default:
	}
	for word := range d.wants {
		if word != "code" && word != "token" && word != "granted_scopes" && word != "graph_domain" {
			return &problem{"Error", "Invalid response_type: " + word}
		}
	}
	d.rerequest = slices.Contains(strings.FieldsFunc(d.query.Get("auth_type"), separator), "rerequest")
	if id := d.query.Get("config_id"); id != "" {
		at := slices.IndexFunc(d.app.Configurations, func(k Configuration) bool { return k.ID == id })
		if at < 0 {
			return &problem{"Error", "Invalid parameter: config_id"}
		}
		d.config = &d.app.Configurations[at]
		d.scopes = union(d.config.Scopes, d.scopes)
	}
	for _, s := range d.scopes {
		if !knownScope(FacebookLogin, s) {
			return &problem{"Error", "Invalid Scopes: " + s + ". This message is only shown to developers. Users of your app will ignore these permissions if present. Please read the documentation for valid permissions at: https://developers.facebook.com/docs/facebook-login/permissions"}
		}
	}
	d.scopes = union([]string{"public_profile"}, d.scopes) // granted without a question
	return nil
}

// registered compares byte by byte, as Strict Mode does.
func (a *app) registered(uri string) bool {
	return len(a.RedirectURIs) == 0 || slices.Contains(a.RedirectURIs, uri)
}

// consent is the grant that the person before the browser may have given already.
func (p *Platform) consent(d *dialog) *grant {
	if d.account != nil {
		return p.grantOf(&d.account.standing, d.app, d.login)
	}
	return p.grantOf(&d.person.standing, d.app, d.login)
}

// asks lists the scopes that the dialog asks the person about. Facebook asks
// neither for what it has nor, without auth_type=rerequest, for what was declined.
func (d *dialog) asks(g *grant) []string {
	if d.login == InstagramLogin || d.config != nil {
		return d.scopes
	}
	var out []string
	for _, s := range d.scopes {
		if slices.Contains(g.scopes, s) || s == "public_profile" || (slices.Contains(g.declined, s) && !d.rerequest) {
			continue
		}
		out = append(out, s)
	}
	return out
}

// decide is what happens when the person clicks.
func (p *Platform) decide(c *call, d *dialog) *reply {
	if wrong := p.roleMissing(d); wrong != nil {
		if d.login == InstagramLogin {
			return p.showProblem(c, http.StatusBadRequest, instagramProblem("Insufficient developer role"))
		}
		return d.redirectTo(wrong, nil)
	}
	if c.form.Get("decision") != "allow" {
		return d.redirectTo(d.denied(), nil)
	}
	g := p.consent(d)
	ticked := c.form["scope"]
	if d.config != nil { // all or nothing
		ticked = d.scopes
	}
	d.record(g, ticked, c.now)
	if d.login == FacebookLogin && c.form.Has("choose_pages") {
		g.pages = map[string]bool{}
		for _, id := range c.form["page"] {
			g.pages[id] = true
		}
	}
	if d.login == FacebookLogin && c.form.Has("choose_accounts") {
		g.accounts = map[string]bool{}
		for _, id := range c.form["account"] {
			g.accounts[id] = true
		}
	}
	return p.granted(d, g, c.now)
}

// roleMissing is the redirect of an app in development mode for people without
// a role on it (observed).
func (p *Platform) roleMissing(d *dialog) []string {
	ids := []string{}
	if d.account != nil {
		ids = append(ids, d.account.ID, d.account.AppScopedID, d.account.Username)
	}
	if d.person != nil {
		ids = append(ids, d.person.id)
	}
	if d.app.admits(ids...) {
		return nil
	}
	return []string{"error_code", "1349126", "error_message", "App not set up: This app is still in development mode, and you don't have access to it. Switch to a registered test user or ask an app admin for permissions."}
}

// denied is the redirect after "Cancel"; the products word it differently.
func (d *dialog) denied() []string {
	if d.login == InstagramLogin {
		return []string{"error", "access_denied", "error_reason", "user_denied", "error_description", "The user denied your request"}
	}
	return []string{"error", "access_denied", "error_code", "200", "error_description", "Permissions error", "error_reason", "user_denied"}
}

// record writes the person's answer down.
func (d *dialog) record(g *grant, ticked []string, now time.Time) {
	g.revoked, g.consented = false, now
	if d.login == InstagramLogin { // each login replaces the last
		g.scopes = slices.DeleteFunc(slices.Clone(d.scopes), func(s string) bool { return !slices.Contains(ticked, s) })
		return
	}
	for _, s := range append(d.asks(g), "public_profile") {
		switch {
		case s == "public_profile" || slices.Contains(ticked, s):
			g.scopes = union(g.scopes, []string{s})
			g.declined = slices.DeleteFunc(g.declined, func(have string) bool { return have == s })
		case !slices.Contains(g.declined, s):
			g.declined = append(g.declined, s)
		}
	}
}

// granted makes the code, or for the implicit grant the token, and the redirect.
func (p *Platform) granted(d *dialog, g *grant, now time.Time) *reply {
	k := &code{
		login: d.login, app: d.app, account: d.account, person: d.person, scopes: slices.Clone(g.scopes),
		redirect: d.redirect, expires: now.Add(p.lifetimes.Code),
		challenge: d.query.Get("code_challenge"), challengeMethod: d.query.Get("code_challenge_method"),
		nonce: d.query.Get("nonce"), systemUser: d.config != nil && d.config.SystemUser,
	}
	if d.login == InstagramLogin {
		k.challenge = "" // PKCE is not documented for this product
		return d.redirectTo([]string{"code", p.keepCode(k)}, nil)
	}
	var params, fragment []string
	if d.wants["token"] {
		t := p.facebookUserToken(d.app, d.person, k.scopes, ShortLived, now)
		p.keep(t)
		fragment = []string{
			"access_token", t.value,
			"data_access_expiration_time", strconv.FormatInt(p.dataAccess(t), 10),
			"expires_in", strconv.FormatInt(int64(t.expires.Sub(now)/time.Second), 10),
		}
	}
	if d.wants["code"] || !d.wants["token"] {
		params = []string{"code", p.keepCode(k)}
	}
	if d.wants["granted_scopes"] {
		var denied []string
		for _, s := range d.scopes {
			if !slices.Contains(g.scopes, s) {
				denied = append(denied, s)
			}
		}
		params = append(params, "granted_scopes", strings.Join(g.scopes, ","), "denied_scopes", strings.Join(denied, ","))
	}
	if fragment != nil { // anything with a token travels in the fragment
		return d.redirectTo(nil, append(fragment, params...))
	}
	return d.redirectTo(params, nil)
}

// keepCode gives a code its string, and forgets those that ended long ago.
func (p *Platform) keepCode(k *code) string {
	for len(p.codeQueue) > 0 && p.now().Sub(p.codeQueue[0].expires) > time.Hour {
		delete(p.codes, p.codeQueue[0].value)
		p.codeQueue = p.codeQueue[1:]
	}
	k.value = p.random.code()
	p.codes[k.value] = k
	p.codeQueue = append(p.codeQueue, k)
	return k.value
}

// redirectTo sends the browser back to the app: name, value, name, value …, then
// the state as it came, then the product's odd fragment.
func (d *dialog) redirectTo(params, fragment []string) *reply {
	inFragment := fragment != nil
	if inFragment {
		params = fragment
	}
	if d.query.Has("state") {
		params = append(params, "state", d.query.Get("state"))
	}
	var b strings.Builder
	for i := 0; i+1 < len(params); i += 2 {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(params[i] + "=" + url.QueryEscape(params[i+1]))
	}
	to := d.redirect
	switch {
	case inFragment:
		to += "#" + b.String()
	case strings.Contains(to, "?"):
		to += "&" + b.String()
	default:
		to += "?" + b.String()
	}
	switch {
	case inFragment:
	case d.login == InstagramLogin:
		to += "#_"
	default:
		to += "#_=_"
	}
	return &reply{status: http.StatusFound, header: http.Header{"Location": {to}}, contentType: "text/html; charset=utf-8"}
}

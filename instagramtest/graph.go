// Who is asked on the Graph hosts, and may they be? Paths, tokens, proofs.

package instagramtest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// serveGraph answers graph.instagram.com and graph.facebook.com.
func (p *Platform) serveGraph(c *call, login Login) *reply {
	if versionNumber(c.version) > newestVersion {
		return unknownPath(c, c.path).reply(c.trace)
	}
	path := strings.Split(strings.Trim(c.path, "/"), "/")
	if r := p.tokenEndpoint(c, login, path); r != nil {
		return r
	}
	if login == InstagramLogin && p.quirks.RefuseVersions && c.version != "" {
		return unsupported(c).reply(c.trace)
	}
	if path[0] == "" { // in the older type of envelope, as observed
		return &reply{status: http.StatusInternalServerError, body: graphStyle().text(object{
			{"error", object{{"type", "Exception"}, {"message", "No node specified"}}},
		})}
	}
	if err := p.authenticate(c, login, path); err != nil {
		return err.reply(c.trace)
	}
	if err := checkPath(c, path); err != nil {
		return err.reply(c.trace)
	}
	var r *reply
	var err *GraphError
	if login == InstagramLogin {
		r, err = p.instagramNode(c, path)
	} else {
		r, err = p.facebookNode(c, path)
	}
	if err != nil {
		return err.reply(c.trace)
	}
	return r
}

// checkPath refuses edges that no node here has, and what stands behind an edge.
func checkPath(c *call, path []string) *GraphError {
	if len(path) == 1 {
		return nil
	}
	deepest := 2
	switch path[1] {
	case "media", "media_publish", "content_publishing_limit", "stories", "subscribed_apps",
		"accounts", "assigned_pages", "businesses", "owned_pages", "client_pages":
	case "permissions":
		deepest = 3
	default:
		deepest = 1
	}
	if len(path) > deepest {
		return unknownPath(c, "/"+strings.Join(path[deepest:], "/"))
	}
	return nil
}

// tokenEndpoint answers the paths that make or examine tokens; nil: it is none.
func (p *Platform) tokenEndpoint(c *call, login Login, path []string) *reply {
	var r *reply
	var err *GraphError
	switch at := strings.Join(path, "/"); {
	case login == InstagramLogin && (at == "access_token" || at == "refresh_access_token"):
		switch {
		case c.version != "" || c.method != http.MethodGet:
			err = unsupported(c) // unversioned and GET are the documented form
		case at == "access_token":
			r, err = p.instagramLongLived(c)
		default:
			r, err = p.instagramRefresh(c)
		}
	case at == "debug_token":
		r, err = p.debugToken(c, login)
	case login == FacebookLogin && at == "oauth/access_token":
		r, err = p.facebookAccessToken(c)
	case login == FacebookLogin && at == "oauth/revoke":
		r, err = p.facebookRevoke(c)
	case login == FacebookLogin && at == "oauth/client_code":
		r, err = p.facebookClientCode(c)
	default:
		return nil
	}
	if err != nil {
		return err.reply(c.trace)
	}
	return r
}

// authenticate finds the token of an API call and everything that speaks
// against it.
func (p *Platform) authenticate(c *call, login Login, path []string) *GraphError {
	value := headerToken(c.header)
	if value == "" {
		value = c.param("access_token")
	}
	if value == "" {
		if login == FacebookLogin && path[0] == "me" {
			return known(2500, 0)
		}
		return known(104, 0)
	}
	if strings.Contains(value, "|") {
		a, err := p.appOf(value, login)
		if err != nil {
			return err
		}
		c.app = a
		return nil
	}
	t, err := p.valid(value, login, c.now)
	if err != nil {
		return err
	}
	c.token, c.app, c.account = t, t.app, t.account
	return p.checkProof(c, login, value)
}

// headerToken reads Authorization: Bearer, or OAuth as the upload host has it.
func headerToken(h http.Header) string {
	scheme, value, _ := strings.Cut(h.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") || strings.EqualFold(scheme, "OAuth") {
		return strings.TrimSpace(value)
	}
	return ""
}

// valid finds a token that works on a product's Graph host now.
func (p *Platform) valid(value string, login Login, now time.Time) (*token, *GraphError) {
	t := p.tokens[value]
	switch {
	case t == nil && login == InstagramLogin && !strings.HasPrefix(value, "EAA"):
		return nil, graphError(190, "IGApiException", "Invalid OAuth 2.0 Access Token")
	case t == nil && login == FacebookLogin && !strings.HasPrefix(value, "IG"):
		return nil, known(190, 0)
	case t == nil || t.login != login:
		return nil, graphError(190, "OAuthException", "Invalid OAuth access token - Cannot parse access token")
	default:
	}
	if err := p.trouble(t, now); err != nil {
		return nil, err
	}
	return t, nil
}

// appOf reads an app token, id|secret.
func (p *Platform) appOf(value string, login Login) (*app, *GraphError) {
	id, secret, _ := strings.Cut(value, "|")
	a := p.metaApps[id]
	if login == InstagramLogin {
		a = p.instagramApps[id]
	}
	switch {
	case a == nil:
		return nil, graphError(190, "OAuthException", "Error validating application. Invalid application ID.")
	case a.disabled:
		return nil, apiBlocked()
	case secret != a.secret(login) && value != a.opaqueToken():
		return nil, graphError(190, "OAuthException", "Invalid OAuth access token signature.")
	default:
		return a, nil
	}
}

func (a *app) secret(login Login) string {
	if login == InstagramLogin {
		return a.InstagramAppSecret
	}
	return a.MetaAppSecret
}

// need is the error for a token that lacks a scope.
func (c *call) need(scope string) *GraphError {
	if c.token == nil || !c.token.allows(scope) {
		return known(10, 0)
	}
	return nil
}

// instagramNode answers /me, /{account} and what belongs to the account.
func (p *Platform) instagramNode(c *call, path []string) (*reply, *GraphError) {
	t := c.token
	if t == nil { // app tokens can only examine tokens here
		return nil, graphError(190, "IGApiException", "Invalid OAuth 2.0 Access Token")
	}
	id, edge := path[0], path[1:]
	if err := p.gate(c); err != nil {
		return nil, err
	}
	mine := id == "me" || id == t.account.ID
	switch {
	case len(edge) > 0 && edge[0] == "permissions" && mine:
		if p.quirks.RefuseRevocation {
			return nil, unsupported(c)
		}
		return p.permissions(c, t.grant, edge[1:])
	case id == p.scopedID(t.app, t.account.AppScopedID): // the wrong one of the two IDs
		return nil, unsupported(c)
	}
	if err := c.need("instagram_business_basic"); err != nil {
		return nil, err
	}
	if !mine {
		return p.contentNode(c, t.account, path)
	}
	if len(edge) > 0 {
		return p.accountEdge(c, t.account, edge[0])
	}
	if c.method != http.MethodGet {
		return nil, unsupported(c)
	}
	return p.instagramMe(c, t)
}

// facebookNode answers /me, /{person}, /{page}, /{account} and what belongs to them.
func (p *Platform) facebookNode(c *call, path []string) (*reply, *GraphError) {
	if c.token == nil {
		if err := p.gate(c); err != nil {
			return nil, err
		}
		return p.asApp(c, path)
	}
	t, id, edge := c.token, path[0], path[1:]
	if t.kind == LongLived || t.kind == ShortLived {
		if !c.now.Before(t.grant.consented.Add(p.lifetimes.DataAccess)) {
			return nil, known(190, 493)
		}
	}
	linked := t.person.linked[id]
	if n, ok := p.nodes[id]; ok && linked == nil {
		linked = t.person.linked[n.owner().ID]
	}
	if linked != nil && p.sees(t, linked) && t.reaches(linked.account) {
		c.account = linked.account
	}
	if err := p.gate(c); err != nil {
		return nil, err
	}
	at, isPage := t.person.index[id]
	switch {
	case c.account != nil:
		return p.facebookAccount(c, path)
	case t.kind == PageToken && (id == "me" || id == t.page.ID):
		return p.pageNode(c, t.page, edge)
	case t.kind != PageToken && (id == "me" || id == p.personID(t)):
		return p.personNode(c, edge)
	case isPage && p.sees(t, t.person.pages[at]):
		return p.pageNode(c, t.person.pages[at], edge)
	default:
		if r, err, ok := p.businessNode(c, path); ok {
			return r, err
		}
		return nil, missingObject(c, id)
	}
}

// sees reports whether a token reaches a Page: chosen in the dialog, role kept,
// and for a Page token no other than its own.
func (p *Platform) sees(t *token, pg *page) bool {
	if pg.lost || (t.kind == PageToken && t.page != pg) {
		return false
	}
	return t.grant.pages == nil || t.grant.pages[pg.ID]
}

// facebookAccount answers /{account} on graph.facebook.com and what belongs to
// the account.
func (p *Platform) facebookAccount(c *call, path []string) (*reply, *GraphError) {
	if err := c.need("instagram_basic"); err != nil {
		return nil, err
	}
	switch {
	case path[0] != c.account.ID:
		return p.contentNode(c, c.account, path)
	case len(path) > 1:
		return p.accountEdge(c, c.account, path[1])
	case c.method != http.MethodGet:
		return nil, missingObject(c, c.account.ID)
	default:
		return p.accountFields(c)
	}
}

// asApp answers the few paths that an app token opens on graph.facebook.com.
func (p *Platform) asApp(c *call, path []string) (*reply, *GraphError) {
	if path[0] == "me" {
		return nil, known(2500, 0)
	}
	if len(path) > 1 && path[1] == "permissions" {
		for _, h := range p.personsKnown(c.app, path[0]) {
			return p.permissions(c, p.grantOf(&h.standing, c.app, FacebookLogin), path[2:])
		}
	}
	return nil, missingObject(c, path[0])
}

// personsKnown finds the person that an app knows under an ID.
func (p *Platform) personsKnown(a *app, id string) []*person {
	if a == p.apps[0] {
		if h, ok := p.persons[id]; ok {
			return []*person{h}
		}
		return nil
	}
	at := slices.IndexFunc(p.people, func(h *person) bool { return p.scopedID(a, h.id) == id })
	if at < 0 {
		return nil
	}
	return p.people[at : at+1]
}

// Whose token is this, and is it alive? debug_token.

package instagramtest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// debugToken answers both hosts. On graph.facebook.com the caller is an app token
// or a user token of an app; on graph.instagram.com, where the call is
// undocumented, an app token only (observed: 403 for everyone else).
func (p *Platform) debugToken(c *call, login Login) (*reply, *GraphError) {
	if c.method != http.MethodGet {
		return nil, unsupported(c)
	}
	caller := headerToken(c.header)
	if caller == "" {
		caller = c.param("access_token")
	}
	if login == InstagramLogin && (p.quirks.RefuseInspection || !isAppToken(caller)) {
		e := known(10, 0)
		e.Status = http.StatusForbidden
		return nil, e
	}
	if caller == "" {
		return nil, known(104, 0)
	}
	viewer, err := p.viewer(c, caller, login)
	if err != nil {
		return nil, err
	}
	c.app = viewer
	if !isAppToken(caller) {
		if err := p.checkProof(c, login, caller); err != nil {
			return nil, err
		}
	}
	input := c.param("input_token")
	if input == "" {
		return nil, graphError(100, "OAuthException", "(#100) The parameter input_token is required.")
	}
	return answer(object{{"data", p.inspect(viewer, input, login, c.now)}}), nil
}

// viewer is the app that asks.
func (p *Platform) viewer(c *call, caller string, login Login) (*app, *GraphError) {
	if isAppToken(caller) {
		return p.appOf(caller, login)
	}
	t, err := p.valid(caller, login, c.now)
	if err != nil {
		return nil, err
	}
	return t.app, nil
}

// inspect is what debug_token knows of a token. A dead one is described under
// HTTP 200 with is_valid false and an error whose key is subcode.
func (p *Platform) inspect(viewer *app, input string, login Login, now time.Time) object {
	invalid := func(o object, e *GraphError) object {
		message := e.Message
		if e.Subcode == 459 { // here without the words that calls put before it, as observed
			message = strings.TrimPrefix(message, "Error validating access token: ")
		}
		inner := object{{"code", e.Code}, {"message", message}}
		if e.Subcode != 0 {
			inner = inner.with("subcode", e.Subcode)
		}
		return o.with("error", inner)
	}
	if isAppToken(input) {
		a, err := p.appOf(input, login)
		if err != nil {
			return invalid(nil, err).with("is_valid", false).with("scopes", []string{})
		}
		return object{{"app_id", p.debugID(a.id(login))}, {"type", "APP"}, {"application", a.Name}, {"is_valid", true}, {"scopes", []string{}}}
	}
	t := p.tokens[input]
	if t == nil || t.login != login {
		_, err := p.valid(input, login, now)
		return invalid(nil, err).with("is_valid", false).with("scopes", []string{})
	}
	if t.app != viewer && p.quirks.HideForeignTokens {
		return invalid(nil, graphError(100, "", "(#100) The App_id in the input_token did not match the Viewing App")).
			with("is_valid", false).with("scopes", []string{})
	}
	trouble := p.trouble(t, now)
	o := object{{"app_id", p.debugID(t.appID())}, {"type", t.debugType()}, {"application", t.app.Name}}
	if login == FacebookLogin {
		o = o.with("data_access_expires_at", p.dataAccess(t))
	}
	if trouble != nil {
		o = invalid(o, trouble)
	}
	o = o.with("expires_at", unixOrZero(t.expires)).with("is_valid", trouble == nil).
		with("issued_at", t.issued.Unix()).with("scopes", t.granted())
	if login == FacebookLogin {
		o = o.with("granular_scopes", t.granular())
	}
	if t.page != nil {
		o = o.with("profile_id", t.page.ID)
	}
	return o.with("user_id", p.debugID(p.subject(t)))
}

// subject is the ID of whoever the token stands for, as the app knows them.
func (p *Platform) subject(t *token) string {
	if t.account != nil {
		return p.scopedID(t.app, t.account.AppScopedID)
	}
	return p.personID(t)
}

func (p *Platform) debugID(id string) any {
	if p.shapes.DebugNumbers {
		return lexeme(id)
	}
	return id
}

func (a *app) id(login Login) string {
	if login == InstagramLogin {
		return a.InstagramAppID
	}
	return a.MetaAppID
}

func (t *token) debugType() string {
	switch t.kind {
	case PageToken:
		return "PAGE"
	case SystemUser:
		return "SYSTEM_USER"
	default:
		return "USER"
	}
}

// dataAccess is when the second clock of Facebook Login runs out; 0 for system
// users, who are nobody to be active.
func (p *Platform) dataAccess(t *token) int64 {
	if t.kind == SystemUser {
		return 0
	}
	return t.grant.consented.Add(p.lifetimes.DataAccess).Unix()
}

func unixOrZero(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// granular lists each scope, with the Pages or accounts it is limited to when
// the person chose some.
func (t *token) granular() []object {
	out := []object{}
	for _, scope := range t.granted() {
		o := object{{"scope", scope}}
		if t.grant.pages != nil || t.grant.accounts != nil {
			if ids := t.targets(scope); ids != nil {
				o = o.with("target_ids", ids)
			}
		}
		out = append(out, o)
	}
	return out
}

func (t *token) targets(scope string) []string {
	var ids []string
	for _, pg := range t.person.pages {
		switch {
		case t.grant.pages != nil && !t.grant.pages[pg.ID]:
		case strings.HasPrefix(scope, "pages_"):
			ids = append(ids, pg.ID)
		case strings.HasPrefix(scope, "instagram_") && pg.account != nil && t.reaches(pg.account) && !slices.Contains(ids, pg.account.ID):
			ids = append(ids, pg.account.ID)
		}
	}
	return ids
}

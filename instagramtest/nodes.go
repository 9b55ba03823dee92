// Who is it? /me of both products, professional accounts, people and Pages.

package instagramtest

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// instagramMe is /me on graph.instagram.com: id is app-scoped, user_id is the
// professional account ID. Source: "Get Started", Instagram API with Instagram Login.
func (p *Platform) instagramMe(c *call, t *token) (*reply, *GraphError) {
	a := t.account
	fields := parseFields(c.param("fields"))
	if len(fields) == 0 {
		fields = names("id")
	}
	out, err := pick(fields, "IGUser", func(f field) (any, bool) {
		switch f.name {
		case "id":
			return p.scopedID(t.app, a.AppScopedID), true
		case "user_id":
			if p.shapes.MeUserIDNumber {
				return lexeme(a.ID), true
			}
			return a.ID, true
		case "account_type":
			if p.shapes.AccountTypeTitle {
				return accountTypeTitle(a.Type), true
			}
			return a.Type, true
		default:
			return a.common(f.name)
		}
	})
	if err != nil {
		return nil, err
	}
	if p.shapes.MeWrapped {
		return answer(object{{"data", []object{out}}}), nil
	}
	return answer(out), nil
}

func accountTypeTitle(t string) string {
	switch t {
	case "BUSINESS":
		return "Business"
	case "MEDIA_CREATOR":
		return "Media_Creator"
	default:
		return t
	}
}

// common are the fields that both hosts know of an account.
func (a *account) common(name string) (any, bool) {
	switch name {
	case "username":
		return a.Username, true
	case "name":
		return orAbsent(a.Name), true
	case "profile_picture_url":
		return orAbsent(a.ProfilePictureURL), true
	case "followers_count":
		return a.FollowersCount, true
	case "follows_count":
		return a.FollowsCount, true
	case "media_count":
		return a.published(), true
	default:
		return nil, false
	}
}

func orAbsent(s string) any {
	if s == "" {
		return absent{}
	}
	return s
}

// accountFields is /{account} on graph.facebook.com, where id is the
// professional account ID.
func (p *Platform) accountFields(c *call) (*reply, *GraphError) {
	fields := parseFields(c.param("fields"))
	if len(fields) == 0 {
		fields = names("id")
	}
	out, err := pick(fields, "IGUser", c.account.field)
	if err != nil {
		return nil, err
	}
	return answer(out), nil
}

func (a *account) field(f field) (any, bool) {
	switch f.name {
	case "id":
		return a.ID, true
	case "biography", "website", "ig_id":
		return absent{}, true
	default:
		return a.common(f.name)
	}
}

// personID is the ID of whoever a user or system-user token stands for.
func (p *Platform) personID(t *token) string {
	if t.kind == SystemUser {
		return p.systemID(t, "system user")
	}
	return p.scopedID(t.app, t.person.id)
}

// systemID makes up the IDs around a system user, the same ones each time.
func (p *Platform) systemID(t *token, role string) string {
	return p.scopedID(&app{App: App{MetaAppID: t.app.MetaAppID}}, role+" of "+t.person.id)
}

// personNode answers /me and /{person} on graph.facebook.com.
func (p *Platform) personNode(c *call, edge []string) (*reply, *GraphError) {
	t := c.token
	switch {
	case len(edge) > 0 && edge[0] == "permissions":
		return p.permissions(c, t.grant, edge[1:])
	case len(edge) > 0 && (edge[0] == "accounts" || edge[0] == "assigned_pages"):
		return p.accountsEdge(c, edge[0])
	case len(edge) > 0 && edge[0] == "businesses":
		return p.businessesEdge(c)
	case len(edge) > 0:
		return nil, unknownPath(c, "/"+edge[0])
	case c.method != http.MethodGet:
		return nil, missingObject(c, p.personID(t))
	default:
	}
	fields := parseFields(c.param("fields"))
	if len(fields) == 0 {
		fields = names("name", "id")
	}
	out, err := pick(fields, "User", func(f field) (any, bool) {
		switch f.name {
		case "id":
			return p.personID(t), true
		case "name":
			if t.kind == SystemUser {
				return "System user of " + t.person.name, true
			}
			return t.person.name, true
		case "client_business_id":
			if t.kind != SystemUser {
				return absent{}, true
			}
			return p.systemID(t, "business"), true
		case "accounts":
			list, _, _ := p.pageList(c, f.inner, p.visible(c.token, "accounts"))
			return object{{"data", list}}, true
		case "first_name":
			first, _, _ := strings.Cut(t.person.name, " ")
			return first, true
		case "email", "last_name", "picture":
			return absent{}, true
		default:
			return nil, false
		}
	})
	if err != nil {
		return nil, err
	}
	return answer(out), nil
}

// pageNode answers /{page}, and /me of a Page token.
func (p *Platform) pageNode(c *call, pg *page, edge []string) (*reply, *GraphError) {
	switch {
	case len(edge) > 0 && edge[0] == "subscribed_apps":
		return p.subscribedApps(c)
	case len(edge) > 0:
		return nil, unknownPath(c, "/"+edge[0])
	case c.method != http.MethodGet:
		return nil, missingObject(c, pg.ID)
	default:
	}
	fields := parseFields(c.param("fields"))
	if len(fields) == 0 {
		fields = names("name", "id")
	}
	out, err := pick(fields, "Page", func(f field) (any, bool) { return p.pageField(c, pg, f) })
	if err != nil {
		return nil, err
	}
	return answer(out), nil
}

func (p *Platform) pageField(c *call, pg *page, f field) (any, bool) {
	switch f.name {
	case "id":
		return pg.ID, true
	case "name":
		return pg.Name, true
	case "access_token":
		if len(pg.Tasks) == 0 || !p.sees(c.token, pg) {
			return absent{}, true
		}
		return p.pageToken(c, pg), true
	case "category":
		return pg.Category, true
	case "category_list":
		return []object{{{"id", "2200"}, {"name", pg.Category}}}, true
	case "tasks":
		return slices.Clone(pg.Tasks), true
	case "instagram_business_account", "connected_instagram_account":
		switch {
		case pg.account == nil || !p.sees(c.token, pg) || c.need("instagram_basic") != nil || !c.token.reaches(pg.account),
			f.name == "instagram_business_account" && pg.account.Type == "PERSONAL":
			return absent{}, true
		default:
		}
		fields := f.inner
		if len(fields) == 0 {
			fields = names("id")
		}
		out, wrong := pick(fields, "IGUser", pg.account.field)
		return out, wrong == nil
	default:
		return nil, false
	}
}

// pageToken is the Page token that a user token gets for a Page: always the same
// one, without end when the user token is long-lived. Source: "Get Long-Lived
// Tokens".
func (p *Platform) pageToken(c *call, pg *page) string {
	from := c.token
	if from.kind == PageToken {
		return from.value
	}
	if have := from.children[pg.ID]; have != nil && p.trouble(have, c.now) == nil {
		return have.value
	}
	t := &token{
		login: FacebookLogin, kind: PageToken, app: from.app, person: from.person, page: pg,
		grant: from.grant, scopes: from.scopes, issued: c.now,
	}
	if from.kind == ShortLived {
		t.expires = from.expires
	}
	p.keep(t)
	if from.children == nil {
		from.children = map[string]*token{}
	}
	from.children[pg.ID] = t
	return t.value
}

// Page list sizes: Graph's usual default, and its usual most.
const (
	defaultLimit = 25
	maxLimit     = 100
)

// accountsEdge lists the Pages of a person. Without pages_show_list the list is
// empty, which is no error.
func (p *Platform) accountsEdge(c *call, edge string) (*reply, *GraphError) {
	if c.method != http.MethodGet {
		return nil, missingObject(c, p.personID(c.token))
	}
	return p.pagesOf(c, p.personID(c.token), edge, p.visible(c.token, edge))
}

// visible are the Pages that an edge of a person's shows to a token.
func (p *Platform) visible(t *token, edge string) []*page {
	if !t.allows("pages_show_list") {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(t.person.pages), func(pg *page) bool { return !pg.listed(edge) || !p.sees(t, pg) })
}

// pagesOf answers an edge that lists Pages, with cursors, and with a next link
// that carries the access token, as Meta's does.
func (p *Platform) pagesOf(c *call, node, edge string, pages []*page) (*reply, *GraphError) {
	fields := parseFields(c.param("fields"))
	list, more, err := p.pageList(c, fields, pages)
	if err != nil {
		return nil, err
	}
	out := object{{"data", list}}
	if len(list) == 0 {
		return answer(out), nil
	}
	cursors := object{{"before", cursor(list[0])}, {"after", cursor(list[len(list)-1])}}
	paging := object{{"cursors", cursors}}
	if more {
		q := url.Values{"access_token": {c.token.value}, "limit": {strconv.Itoa(c.limit())}, "after": {cursor(list[len(list)-1])}}
		if c.has("fields") {
			q.Set("fields", c.param("fields"))
		}
		paging = paging.with("next", c.base+"/"+servedVersion(c.version)+"/"+node+"/"+edge+"?"+q.Encode())
	}
	return answer(out.with("paging", paging)), nil
}

func (c *call) limit() int {
	if n, err := strconv.Atoi(c.param("limit")); err == nil && n > 0 {
		return min(n, maxLimit)
	}
	return defaultLimit
}

// cursor is opaque to clients: the ID that a list goes on after.
func cursor(o object) string {
	for _, m := range o {
		if id, ok := m.value.(string); ok && m.key == "id" {
			return base64.RawURLEncoding.EncodeToString([]byte(id))
		}
	}
	return ""
}

// pageList is one page of a list of Pages, and whether there are more.
func (p *Platform) pageList(c *call, fields []field, pages []*page) ([]object, bool, *GraphError) {
	list := []object{}
	if len(fields) == 0 {
		fields = names("access_token", "category", "category_list", "name", "id", "tasks")
	}
	start := 0
	if after := c.param("after"); after != "" {
		id, err := base64.RawURLEncoding.DecodeString(after)
		at := slices.IndexFunc(pages, func(pg *page) bool { return pg.ID == string(id) })
		if err != nil || at < 0 {
			return nil, false, graphError(100, "OAuthException", "(#100) Invalid cursor")
		}
		start = at + 1
	}
	for _, pg := range pages[start:] {
		if len(list) == c.limit() {
			return list, true, nil
		}
		one, err := pick(fields, "Page", func(f field) (any, bool) { return p.pageField(c, pg, f) })
		if err != nil {
			return nil, false, err
		}
		list = append(list, one)
	}
	return list, false, nil
}

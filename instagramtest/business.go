// Which Pages does a person have only through a business? Business portfolios,
// and grants for some Pages and accounts only.

package instagramtest

import (
	"net/http"
	"slices"
	"strings"
)

// Business is a business portfolio that a person works for. Its Pages are not
// in the person's me/accounts: they are found at /{business}/owned_pages and
// /{business}/client_pages, which need business_management (observed; Meta
// documents the edges, and is silent on when me/accounts leaves a Page out).
type Business struct {
	ID   string // empty: one is made up
	Name string // empty: "Business <ID>"
	// Owned and Client are its own Pages and those of its clients. One on which
	// the person has a task is in me/assigned_pages too; for one on which the
	// person has none ([NoTasks]) Meta gives out no Page token.
	Owned, Client []Page
}

// NoTasks is the list of tasks of somebody who can do nothing with a Page.
func NoTasks() []string { return []string{} }

// business is a portfolio as one person sees it.
type business struct {
	id, name      string
	owned, client []*page
}

// addBusinesses registers a person's businesses, and their Pages as Pages of
// the person's that no list of the person's own shows.
func (p *Platform) addBusinesses(h *Person, n *person) {
	h.Businesses = slices.Clone(h.Businesses)
	for i := range h.Businesses {
		b := &h.Businesses[i]
		if b.ID == "" {
			b.ID = p.madeUp(290_100_000_000_000)
		}
		if b.Name == "" {
			b.Name = "Business " + b.ID
		}
		in := &business{id: b.ID, name: b.Name}
		b.Owned, b.Client = slices.Clone(b.Owned), slices.Clone(b.Client)
		for j := range b.Owned {
			in.owned = append(in.owned, p.addPage(n, &b.Owned[j]))
		}
		for j := range b.Client {
			in.client = append(in.client, p.addPage(n, &b.Client[j]))
		}
		for _, pg := range slices.Concat(in.owned, in.client) {
			pg.business = in
		}
		n.businesses = append(n.businesses, in)
	}
}

// listed reports whether an edge of a person's shows a Page.
func (pg *page) listed(edge string) bool {
	return pg.business == nil || edge == "assigned_pages" && len(pg.Tasks) > 0
}

// businessesEdge answers /{person}/businesses.
func (p *Platform) businessesEdge(c *call) (*reply, *GraphError) {
	if err := c.needBusinesses(); err != nil {
		return nil, err
	}
	list := []object{}
	for _, b := range c.token.person.businesses {
		list = append(list, object{{"id", b.id}, {"name", b.name}})
	}
	return answer(object{{"data", list}}), nil
}

// needBusinesses is the error for a token that may not look into businesses.
func (c *call) needBusinesses() *GraphError {
	if c.method != http.MethodGet {
		return missingObject(c, strings.Trim(c.path, "/"))
	}
	if !c.token.allows("business_management") {
		return graphError(100, "OAuthException", "(#100) Missing Permission")
	}
	return nil
}

// businessNode answers /{business}/owned_pages and /{business}/client_pages;
// false: the ID is no business of the person's.
func (p *Platform) businessNode(c *call, path []string) (*reply, *GraphError, bool) {
	at := slices.IndexFunc(c.token.person.businesses, func(b *business) bool { return b.id == path[0] })
	if at < 0 || len(path) != 2 {
		return nil, nil, false
	}
	b, pages := c.token.person.businesses[at], []*page(nil)
	switch path[1] {
	case "owned_pages":
		pages = b.owned
	case "client_pages":
		pages = b.client
	default:
		return nil, unknownPath(c, "/"+path[1]), true
	}
	if err := c.needBusinesses(); err != nil {
		return nil, err, true
	}
	r, err := p.pagesOf(c, b.id, path[1], pages)
	return r, err, true
}

// OnlyAccounts ticks only these professional accounts, by ID: the permissions
// whose names begin with instagram_ then count for them alone. Facebook Login
// alone, which asks for Pages and accounts separately.
func OnlyAccounts(ids ...string) ConsentOption {
	return func(k *click) { k.accounts = append([]string{}, ids...) }
}

// reaches reports whether a token was granted an account.
func (t *token) reaches(a *account) bool {
	return t.grant.accounts == nil || t.grant.accounts[a.ID]
}

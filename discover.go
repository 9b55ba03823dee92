package instagram

// This file answers: which professional accounts does a person's token reach,
// and why not the others?

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/seed-922467ee/instagram/internal/wire"
)

// Discovery is what was found behind a person's token.
type Discovery struct {
	// Accounts has one token for each professional account, as
	// [LoginResult].Accounts has. It signs with the person's token; the Page's own
	// is kept beside it.
	Accounts []*Token
	// Pages are all Pages that were seen, linked to an account or not, in the
	// order in which they were found. Facebook Login only.
	Pages []FoundPage
	// Gaps say why a Page or business gave no account, or one of limited use, and
	// what would mend it.
	Gaps []Gap
}

// accounts returns what was found; nil when nothing was.
func (d *Discovery) accounts() []*Token {
	if d == nil {
		return nil
	}
	return d.Accounts
}

// FoundPage is a Facebook Page that a person's token reaches.
type FoundPage struct {
	ID, Name string
	// AccountID and Username are those of the linked professional account; ""
	// when there is none, or none that the token may see.
	AccountID, Username string
	// Tasks are what the person may do with the Page, in Meta's words, such as
	// CREATE_CONTENT. nil: Meta did not say.
	Tasks []string
	// Edge is where the Page was found, such as "me/accounts".
	Edge string
	// BusinessID and BusinessName are those of the business that has it; "" when
	// there is none, or businesses were not looked at.
	BusinessID, BusinessName string

	connectedID string // an account that is linked in the Page's settings, professional or not
	token       Secret
}

// DiscoverOption changes how accounts are looked for.
type DiscoverOption func(*discovery)

// ThroughBusinesses looks into the person's businesses also when the person's
// own Pages brought an account.
func ThroughBusinesses() DiscoverOption { return func(d *discovery) { d.throughBusinesses = true } }

// DiscoverAccounts finds the professional accounts that a person's token
// reaches. A sign-in has done it already ([LoginResult].Accounts); this is for a
// token that was taken in otherwise, or when the person has changed something.
//
// On Facebook Login they are the accounts linked to the person's Pages: those of
// me/accounts, to the end of the list. When these bring no account, the Pages of
// me/assigned_pages and of the person's businesses are looked at too, which
// needs [ScopeBusinessManagement]. Every Page and business that gives no usable
// account is a [Gap]; an account whose Page lacks something, a Page token or the
// task to publish, is found and has a Gap as well. On Instagram Login the token is
// the one account's own.
//
// An error means that the search is not complete: a fault that passes, or a dead
// token. What Meta refuses for want of a permission is a Gap.
// Sources: "Access tokens" (me/accounts), the Page and Business references; that
// Pages of a business may be missing in me/accounts was observed.
func (c *Client) DiscoverAccounts(ctx context.Context, person TokenSource, opts ...DiscoverOption) (*Discovery, error) {
	const op = "instagram: discover accounts: %w"
	person = given(person)
	tok, err := person.Token(ctx)
	if err == nil {
		err = c.ownToken(tok)
	}
	if err != nil {
		return nil, fmt.Errorf(op, err)
	}
	var asked discovery
	for _, opt := range opts {
		if opt != nil {
			opt(&asked)
		}
	}
	var info *TokenInfo
	if c.cfg.Login == FacebookLogin { // what was granted explains gaps, and is not needed to find accounts
		if info, err = c.debugToken(ctx, tok); err == nil && !info.Valid {
			return nil, fmt.Errorf(op, info.invalid())
		}
	}
	found, err := c.discover(ctx, tok, info, asked.throughBusinesses)
	if err != nil {
		return nil, fmt.Errorf(op, err)
	}
	return found, nil
}

// discovery is a search under way.
type discovery struct {
	Discovery

	c                 *Client
	person            *Token
	account           *Account   // calls with the person's token
	info              *TokenInfo // nil: not known
	throughBusinesses bool
	few               bool // Meta refused the full list of fields
}

// discover is the one way in which accounts are found. Info is what debug_token
// says of the person's token, nil when that is not known.
func (c *Client) discover(ctx context.Context, person *Token, info *TokenInfo, throughBusinesses bool) (*Discovery, error) {
	d := &discovery{c: c, person: person, account: c.With(StaticToken(person)), info: info, throughBusinesses: throughBusinesses}
	if c.cfg.Login == InstagramLogin {
		return d.own(ctx)
	}
	if err := d.list(ctx, FoundPage{Edge: "me/accounts"}); err != nil {
		return nil, err
	}
	if throughBusinesses || len(d.Accounts) == 0 {
		if err := d.businesses(ctx); err != nil {
			return nil, err
		}
	}
	if len(d.Pages) == 0 {
		d.gap(FoundPage{}, GapNoPages)
	}
	return &d.Discovery, nil
}

// own returns the account of an Instagram token.
func (d *discovery) own(ctx context.Context) (*Discovery, error) {
	r := &LoginResult{Token: d.person}
	if r.Token.AccountID == "" {
		if err := d.c.askProfile(ctx, r); err != nil {
			return nil, err
		}
	}
	return &Discovery{Accounts: []*Token{r.Token}}, nil
}

// pageFields are what is asked of each Page.
const (
	pageFields    = "id,name,access_token,tasks,instagram_business_account{id,username},connected_instagram_account{id}"
	fewPageFields = "id,name,access_token,instagram_business_account{id,username}"
)

// list reads an edge of Pages to its end. Of each Page it notes what origin says.
func (d *discovery) list(ctx context.Context, origin FoundPage) error {
	err := d.read(ctx, origin)
	if !d.few && (errors.Is(err, ErrPermission) || errors.Is(err, ErrInvalidRequest)) {
		d.few = true // one of the fields may be what is refused
		err = d.read(ctx, origin)
	}
	return err
}

func (d *discovery) read(ctx context.Context, origin FoundPage) error {
	params := url.Values{"fields": {d.fields()}, "limit": {"100"}}
	for raw, err := range All[json.RawMessage](ctx, d.account, origin.Edge, params) {
		if err != nil {
			return err
		}
		page := readFoundPage(origin, wire.Parse(raw))
		at := slices.IndexFunc(d.Pages, func(p FoundPage) bool { return p.ID == page.ID })
		switch {
		case page.ID == "":
			continue
		case at >= 0:
			if have := &d.Pages[at]; have.BusinessID == "" {
				have.BusinessID, have.BusinessName = page.BusinessID, page.BusinessName
			}
			continue
		}
		if page.BusinessID != "" && (page.AccountID == "" || page.token.IsZero()) {
			if err := d.ask(ctx, &page); err != nil {
				return err
			}
		}
		d.Pages = append(d.Pages, page)
		d.take(page)
	}
	return nil
}

func (d *discovery) fields() string {
	if d.few {
		return fewPageFields
	}
	return pageFields
}

func readFoundPage(origin FoundPage, v wire.Value) FoundPage {
	p := origin
	p.ID, p.Name = v.Get("id").ID(), v.Get("name").Text()
	p.AccountID = v.Get("instagram_business_account", "id").ID()
	p.Username = v.Get("instagram_business_account", "username").Text()
	p.connectedID = v.Get("connected_instagram_account", "id").ID()
	p.token = NewSecret(v.Get("access_token").Text())
	if tasks := v.Get("tasks"); tasks.IsArray() {
		p.Tasks = append([]string{}, tasks.Names()...)
	}
	return p
}

// ask asks a Page itself for what the list of a business leaves out.
func (d *discovery) ask(ctx context.Context, p *FoundPage) error {
	var body json.RawMessage
	err := d.account.call(ctx, http.MethodGet, p.ID, url.Values{"fields": {d.fields()}}, &body)
	switch {
	case passes(err):
		return err
	case err == nil:
		listed := *p
		*p = readFoundPage(listed, wire.Parse(body))
		p.Name = cmp.Or(p.Name, listed.Name)
		if p.token.IsZero() {
			p.token = listed.token
		}
	}
	return nil
}

// passes reports whether an error says nothing of what is asked for: the same
// question may be answered later, or with another token.
func passes(err error) bool {
	return err != nil && !errors.Is(err, ErrPermission) && !errors.Is(err, ErrInvalidRequest)
}

// businesses looks at the Pages that the person has through businesses.
func (d *discovery) businesses(ctx context.Context) error {
	if d.lacks(ScopeBusinessManagement) {
		d.gap(FoundPage{Edge: "me/businesses"}, GapScopeMissing, ScopeBusinessManagement)
		return nil
	}
	if err := d.list(ctx, FoundPage{Edge: "me/assigned_pages"}); passes(err) {
		return err // refused: the edge is not for this kind of token, and the others tell more
	}
	type business struct {
		ID   ID     `json:"id"`
		Name string `json:"name"`
	}
	for b, err := range All[business](ctx, d.account, "me/businesses", url.Values{"fields": {"id,name"}, "limit": {"100"}}) {
		if passes(err) {
			return err
		}
		if err != nil {
			d.refused(FoundPage{Edge: "me/businesses"}, err)
			return nil
		}
		if err := d.business(ctx, FoundPage{BusinessID: string(b.ID), BusinessName: b.Name}); err != nil {
			return err
		}
	}
	return nil
}

func (d *discovery) business(ctx context.Context, b FoundPage) error {
	for _, edge := range []string{"owned_pages", "client_pages"} {
		b.Edge = b.BusinessID + "/" + edge
		err := d.list(ctx, b)
		if passes(err) {
			return err
		}
		if err != nil {
			d.refused(b, err)
			return nil
		}
	}
	if !slices.ContainsFunc(d.Pages, func(p FoundPage) bool { return p.BusinessID == b.BusinessID }) {
		d.gap(b, GapNoPages)
	}
	return nil
}

// lacks reports whether a permission is known not to be granted.
func (d *discovery) lacks(s Scope) bool {
	return d.granted() != nil && !slices.Contains(d.granted(), s)
}

func (d *discovery) granted() []Scope {
	if d.info != nil && d.info.Scopes != nil {
		return d.info.Scopes
	}
	return d.person.Scopes
}

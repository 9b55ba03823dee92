// Who exists on the platform? Apps, people, professional accounts and Pages.

package instagramtest

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
)

// The identities that exist when [New] gets no other.
const (
	// DefaultInstagramAppID is the Instagram app ID of the default app, the
	// client_id of Instagram Login.
	DefaultInstagramAppID = "1098765432109876"
	// DefaultInstagramAppSecret is the Instagram app secret of the default app.
	DefaultInstagramAppSecret = "0f1e2d3c4b5a69788796a5b4c3d2e1f0" //nolint:gosec // the fake's own, opens nothing
	// DefaultMetaAppID is the Meta app ID of the same app, the client_id of
	// Facebook Login. On Instagram's hosts it is an "Invalid platform app".
	DefaultMetaAppID = "507482975712615"
	// DefaultMetaAppSecret is the Meta app secret of the default app.
	DefaultMetaAppSecret = "a1b2c3d4e5f60718293a4b5c6d7e8f90"

	// DefaultAccountID is the professional account ID of the default account:
	// the one in API paths and webhooks. It does not survive a float64.
	DefaultAccountID = "17841405793187641"
	// DefaultAppScopedID is what /me calls "id" for the default account: the one
	// in deauthorize and data-deletion requests, of no use in API paths.
	DefaultAppScopedID = "27485387947815641"
	// DefaultUsername is the user name of the default account.
	DefaultUsername = "seed_and_bloom"

	// DefaultPersonID is the app-scoped ID of the default person on Facebook.
	DefaultPersonID = "10158462711234567"
	// DefaultPageID is the default person's first Page, linked to the default account.
	DefaultPageID = "298045998509580"
	// SecondPageID is the default person's second Page, linked to [SecondAccountID].
	SecondPageID = "298045998509581"
	// BarePageID is the default person's third Page, linked to no account.
	BarePageID = "298045998509582"
	// SecondAccountID is the professional account behind the default person's second Page.
	SecondAccountID = "17841405793187642"
)

// App is a developer's app with its two pairs of ID and secret. Instagram Login
// uses the Instagram pair, Facebook Login the Meta pair; Meta shows them on
// different pages of the App Dashboard, and either is refused where the other
// belongs.
type App struct {
	Name               string // shown in dialogs; empty: "Test app"
	InstagramAppID     string // empty: the app has no Instagram Login
	InstagramAppSecret string
	MetaAppID          string // empty: the app has no Facebook Login
	MetaAppSecret      string
	// RedirectURIs are the registered redirect URIs, compared byte by byte.
	// Empty: any absolute URI is accepted.
	RedirectURIs []string
	// RequireProof is the dashboard's "Require App Secret": calls on
	// graph.facebook.com without appsecret_proof fail with code 100.
	RequireProof bool
	// Configurations are those of Facebook Login for Business; empty: config_id
	// is refused, as plain Facebook Login does.
	Configurations []Configuration
	// Development closes the app to everyone whose ID is not in Roles.
	Development bool
	// Roles are person or account IDs with a role on the app (Instagram testers
	// included). It counts only while Development is true.
	Roles []string
}

// Configuration is one of Facebook Login for Business: it replaces the scope
// parameter, and all of its scopes are granted or none.
type Configuration struct {
	ID     string
	Scopes []string
	// SystemUser makes the dialog lead to a business integration system user
	// token, which never expires by default, instead of a user token.
	SystemUser bool
}

// Person is a human being: somebody on Facebook, who may own Instagram accounts
// and have a task on Pages.
type Person struct {
	ID         string // app-scoped user ID on Facebook; empty: one is made up
	Name       string // empty: "Person <ID>"
	Accounts   []Account
	Pages      []Page
	Businesses []Business
}

// Account is a professional Instagram account.
type Account struct {
	ID                string // professional account ID, 17841…; empty: one is made up
	AppScopedID       string // /me "id" for the platform's first app; empty: one is made up
	Username          string // empty: "account_<ID>"
	Name              string
	Type              string // "BUSINESS" or "MEDIA_CREATOR"; empty: "BUSINESS"; "PERSONAL": linked to a Page, and of no use
	ProfilePictureURL string
	FollowersCount    int
	FollowsCount      int
}

// Page is a Facebook Page that a person has tasks on.
type Page struct {
	ID       string   // empty: one is made up
	Name     string   // empty: "Page <ID>"
	Category string   // empty: "Brand"
	Tasks    []string // nil: all six; the person can do with the Page only what these allow
	Account  *Account // the linked professional account; nil: none
}

// DefaultApp returns the app that exists when [New] gets no [WithApp]: both
// login products, any redirect URI, no proof required.
func DefaultApp() App {
	return App{
		Name:               "Seed App",
		InstagramAppID:     DefaultInstagramAppID,
		InstagramAppSecret: DefaultInstagramAppSecret,
		MetaAppID:          DefaultMetaAppID,
		MetaAppSecret:      DefaultMetaAppSecret,
	}
}

// DefaultPerson returns the person who exists when [New] gets no [WithPerson]:
// owner of one professional account, with tasks on three Pages, of which two are
// linked to professional accounts.
func DefaultPerson() Person {
	first := Account{
		ID: DefaultAccountID, AppScopedID: DefaultAppScopedID, Username: DefaultUsername,
		Name: "Seed & Bloom", Type: "BUSINESS", FollowersCount: 1204, FollowsCount: 87,
		ProfilePictureURL: "https://scontent.cdninstagram.com/v/seed.jpg",
	}
	second := Account{
		ID: SecondAccountID, AppScopedID: "27485387947815642", Username: "seed_studio",
		Name: "Seed Studio", Type: "MEDIA_CREATOR", FollowersCount: 310, FollowsCount: 12,
	}
	return Person{
		ID: DefaultPersonID, Name: "Ada Seed", Accounts: []Account{first},
		Pages: []Page{
			{ID: DefaultPageID, Name: "Seed & Bloom", Category: "Florist", Account: &first},
			{ID: SecondPageID, Name: "Seed Studio", Category: "Photographer", Account: &second},
			{ID: BarePageID, Name: "Seed Friends", Category: "Community"},
		},
	}
}

// standing is what Meta thinks of somebody at the moment.
type standing struct {
	checkpointed bool // must pass a security check at Meta: 190/459
	unconfirmed  bool // has not confirmed the account: 190/464
	grants       []*grant
}

type app struct {
	App

	disabled bool
	names    map[string]bool // Roles as a set
}

type account struct {
	Account
	standing

	restricted bool // publishing is refused: 25/2207050
	content    *content
}

type person struct {
	standing

	id, name   string
	accounts   []*account
	pages      []*page
	businesses []*business
	index      map[string]int   // page ID → place in pages
	linked     map[string]*page // professional account ID → first Page linked to it
}

type page struct {
	Page

	account  *account
	holder   *person
	business *business // through which alone the person has it; nil: directly
	lost     bool      // the person lost the role: 190/492
}

// AddApp registers one more app. Tokens of an app other than the caller's are
// what debug_token calls foreign.
func (p *Platform) AddApp(a App) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.addApp(a)
}

func (p *Platform) addApp(a App) {
	if a.Name == "" {
		a.Name = "Test app"
	}
	n := &app{App: a, names: make(map[string]bool, len(a.Roles))}
	for _, id := range a.Roles {
		n.names[id] = true
	}
	p.apps = append(p.apps, n)
	if a.InstagramAppID != "" {
		p.instagramApps[a.InstagramAppID] = n
	}
	if a.MetaAppID != "" {
		p.metaApps[a.MetaAppID] = n
	}
}

// AddPerson registers one more person with accounts and Pages, and returns the
// person with every made-up ID filled in.
func (p *Platform) AddPerson(h Person) Person {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.addPerson(h)
}

func (p *Platform) addPerson(h Person) Person {
	if h.ID == "" {
		h.ID = p.madeUp(10_160_000_000_000_000)
	}
	if h.Name == "" {
		h.Name = "Person " + h.ID
	}
	n := &person{id: h.ID, name: h.Name, index: make(map[string]int, len(h.Pages)), linked: map[string]*page{}}
	h.Accounts, h.Pages = slices.Clone(h.Accounts), slices.Clone(h.Pages)
	for i := range h.Accounts {
		a := p.addAccount(h.Accounts[i])
		h.Accounts[i] = a.Account
		n.accounts = append(n.accounts, a)
	}
	for i := range h.Pages {
		p.addPage(n, &h.Pages[i])
	}
	p.addBusinesses(&h, n)
	p.persons[h.ID] = n
	p.people = append(p.people, n)
	return h
}

// addPage registers a Page of a person's, and fills in what is made up.
func (p *Platform) addPage(n *person, pg *Page) *page {
	if pg.ID == "" {
		pg.ID = p.madeUp(298_100_000_000_000)
	}
	if pg.Name == "" {
		pg.Name = "Page " + pg.ID
	}
	if pg.Category == "" {
		pg.Category = "Brand"
	}
	if pg.Tasks == nil {
		pg.Tasks = []string{"ANALYZE", "ADVERTISE", "MESSAGING", "MODERATE", "CREATE_CONTENT", "MANAGE"}
	}
	in := &page{Page: *pg, holder: n}
	if pg.Account != nil {
		in.account = p.addAccount(*pg.Account)
		pg.Account = new(in.account.Account)
		if n.linked[in.account.ID] == nil {
			n.linked[in.account.ID] = in
		}
	}
	n.index[pg.ID] = len(n.pages)
	n.pages = append(n.pages, in)
	return in
}

// AddAccounts registers n professional accounts without Pages and returns them.
// A hundred thousand take a fraction of a second.
func (p *Platform) AddAccounts(n int) []Account {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]Account, n)
	for i := range out {
		out[i] = p.addAccount(Account{}).Account
	}
	return out
}

// addAccount registers a, or finds the account that has its ID already.
func (p *Platform) addAccount(a Account) *account {
	if have, ok := p.accounts[a.ID]; ok {
		return have
	}
	if a.ID == "" {
		a.ID = p.madeUp(17_841_410_000_000_000)
	}
	if a.AppScopedID == "" {
		a.AppScopedID = p.madeUp(25_410_000_000_000_000)
	}
	if a.Username == "" {
		a.Username = "account_" + a.ID
	}
	if a.Type == "" {
		a.Type = "BUSINESS"
	}
	n := &account{Account: a}
	p.accounts[a.ID] = n
	p.scoped[a.AppScopedID] = n
	p.names[a.Username] = n
	if len(p.shown) < maxShown {
		p.shown = append(p.shown, n)
	}
	return n
}

func (p *Platform) madeUp(base int64) string {
	p.serial++
	return strconv.FormatInt(base+p.serial, 10)
}

// scopedID is the ID under which an app knows somebody: the registered one for
// the platform's first app, another for every other app.
func (p *Platform) scopedID(a *app, id string) string {
	if a == p.apps[0] {
		return id
	}
	sum := sha256.Sum256([]byte(a.InstagramAppID + "/" + a.MetaAppID + "/" + id))
	return strconv.FormatUint(20_000_000_000_000_000+binary.BigEndian.Uint64(sum[:])%10_000_000_000_000_000, 10)
}

// account finds a professional account by its ID, its app-scoped ID or its user name.
func (p *Platform) account(who string) *account {
	if a, ok := p.accounts[who]; ok {
		return a
	}
	if a, ok := p.scoped[who]; ok {
		return a
	}
	return p.names[who]
}

// everybody returns the standings that an ID or user name stands for.
func (p *Platform) everybody(who string) ([]*standing, error) {
	var found []*standing
	if a := p.account(who); a != nil {
		found = append(found, &a.standing)
	}
	if h, ok := p.persons[who]; ok {
		found = append(found, &h.standing)
	}
	if found == nil {
		return nil, fmt.Errorf("instagramtest: nobody is known as %q", who)
	}
	return found, nil
}

// admits reports whether the app is open to somebody known under any of the IDs.
func (a *app) admits(ids ...string) bool {
	return !a.Development || slices.ContainsFunc(ids, func(id string) bool { return a.names[id] })
}

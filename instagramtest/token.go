// What is a token here, and when does it stop working?

package instagramtest

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Login is one of Meta's two login products.
type Login string

// The two products. Their tokens are not interchangeable.
const (
	InstagramLogin Login = "instagram" // Business Login for Instagram
	FacebookLogin  Login = "facebook"  // Facebook Login, and for Business
)

// Kind is what sort of token a token is.
type Kind string

// The kinds of token.
const (
	ShortLived Kind = "short-lived" // straight from a code, or from a mobile or JavaScript SDK
	LongLived  Kind = "long-lived"  // sixty days
	PageToken  Kind = "page"        // acts as a Page; from a long-lived user token it never expires
	SystemUser Kind = "system-user" // of a business, not of a person
)

// Token is what the platform knows about a token.
type Token struct {
	Value     string
	Login     Login
	Kind      Kind
	AppID     string // the Instagram app ID or the Meta app ID, by Login
	AccountID string // professional account ID; Instagram tokens only
	PersonID  string // Facebook tokens only
	PageID    string // Page tokens only
	Scopes    []string
	IssuedAt  time.Time
	ExpiresAt time.Time // zero: never
	Dead      int       // subcode of the 190 that kills it; 0: alive, though perhaps expired
}

// TokenSpec describes a token to issue. Its zero value is a short-lived token of
// the platform's first app, with every scope, issued now: on Instagram Login for
// the first account.
type TokenSpec struct {
	Value     string        // the string; empty: one is made up
	Login     Login         // empty: [InstagramLogin]
	Kind      Kind          // empty: [ShortLived]
	AppID     string        // either ID of a registered app; empty: the first app
	Account   string        // ID or user name; empty: the first account. Instagram tokens
	Person    string        // ID; empty: the first person. Facebook tokens
	Page      string        // ID; empty: the person's first Page. Page tokens
	Scopes    []string      // nil: every scope of the product
	Age       time.Duration // how long ago it was issued
	Lifetime  time.Duration // 0: as its kind lives; negative: never expires
	KeepGrant bool          // true: the person's consent stays as it is, even if it lacks Scopes
}

type token struct {
	value    string
	login    Login
	kind     Kind
	app      *app
	account  *account
	person   *person
	page     *page
	grant    *grant
	scopes   []string
	issued   time.Time
	expires  time.Time         // zero: never
	dead     int               // subcode; 0: alive
	children map[string]*token // Page tokens got with this user token, by Page ID
}

// deadKept bounds how many dead or expired tokens of one consent are remembered
// well enough to say why they died; older ones become unknown strings.
const deadKept = 8

// IssueToken makes a token that no dialog was needed for: one left over from
// earlier, generated in the App Dashboard (long-lived at once), obtained by a
// mobile SDK, or belonging to another app. It fails when the spec names somebody
// unknown or a string already in use.
func (p *Platform) IssueToken(spec TokenSpec) (Token, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t, err := p.issue(spec)
	if err != nil {
		return Token{}, err
	}
	return t.public(), nil
}

func (p *Platform) issue(spec TokenSpec) (*token, error) {
	if spec.Login == "" {
		spec.Login = InstagramLogin
	}
	if spec.Kind == "" {
		spec.Kind = ShortLived
	}
	if spec.Scopes == nil {
		spec.Scopes = everyScope(spec.Login)
	}
	if _, taken := p.tokens[spec.Value]; taken {
		return nil, errors.New("instagramtest: the token string is already in use")
	}
	t := &token{value: spec.Value, login: spec.Login, kind: spec.Kind, app: p.apps[0]}
	if spec.AppID != "" {
		if t.app = p.instagramApps[spec.AppID]; t.app == nil {
			t.app = p.metaApps[spec.AppID]
		}
		if t.app == nil {
			return nil, fmt.Errorf("instagramtest: no app %q", spec.AppID)
		}
	}
	if err := p.fillOwner(t, spec); err != nil {
		return nil, err
	}
	t.issued = p.now().Add(-spec.Age)
	switch {
	case spec.Lifetime > 0:
		t.expires = t.issued.Add(spec.Lifetime)
	case spec.Lifetime == 0 && t.kind == ShortLived:
		t.expires = t.issued.Add(p.lifetimes.short(t.login))
	case spec.Lifetime == 0 && t.kind == LongLived:
		t.expires = t.issued.Add(p.lifetimes.LongLived)
	default:
	}
	t.scopes = slices.Clone(spec.Scopes)
	t.grant = p.grantOf(t.owner(), t.app, t.login)
	if !spec.KeepGrant || t.grant.consented.IsZero() {
		t.grant.revoked = false
		if t.issued.After(t.grant.consented) {
			t.grant.consented = t.issued
		}
		t.grant.scopes = union(t.grant.scopes, t.scopes)
	}
	p.keep(t)
	return t, nil
}

// fillOwner finds the account, person and Page that a spec names.
func (p *Platform) fillOwner(t *token, spec TokenSpec) error {
	if t.login == InstagramLogin {
		if t.kind == PageToken || t.kind == SystemUser {
			return fmt.Errorf("instagramtest: Instagram Login has no %s token", t.kind)
		}
		switch {
		case spec.Account != "":
			t.account = p.account(spec.Account)
		case len(p.shown) > 0:
			t.account = p.shown[0]
		default:
		}
		if t.account == nil {
			return fmt.Errorf("instagramtest: no account %q", spec.Account)
		}
		return nil
	}
	t.person = p.people[0]
	if spec.Person != "" {
		if t.person = p.persons[spec.Person]; t.person == nil {
			return fmt.Errorf("instagramtest: no person %q", spec.Person)
		}
	}
	if t.kind == PageToken {
		for _, pg := range t.person.pages {
			if spec.Page == "" || spec.Page == pg.ID {
				t.page = pg
				return nil
			}
		}
		return fmt.Errorf("instagramtest: person %s has no Page %q", t.person.id, spec.Page)
	}
	return nil
}

// keep gives a token its string and its place, and forgets the oldest dead ones
// of the same consent.
func (p *Platform) keep(t *token) {
	if t.value == "" && t.login == InstagramLogin {
		t.value = p.random.instagramToken()
	}
	if t.value == "" {
		t.value = p.random.facebookToken()
	}
	p.tokens[t.value] = t
	g := t.grant
	g.tokens = append(g.tokens, t)
	if len(g.tokens) < max(g.sweepAt, 2*deadKept) {
		return
	}
	now, spare := p.now(), len(g.tokens)-deadKept
	g.tokens = slices.DeleteFunc(g.tokens, func(old *token) bool {
		if spare <= 0 || (old.dead == 0 && !old.expired(now)) {
			return false
		}
		spare--
		delete(p.tokens, old.value)
		return true
	})
	g.sweepAt = 2 * len(g.tokens)
}

// owner is whose consent the token rests on.
func (t *token) owner() *standing {
	if t.account != nil {
		return &t.account.standing
	}
	return &t.person.standing
}

func (t *token) expired(now time.Time) bool { return !t.expires.IsZero() && !now.Before(t.expires) }

// allows reports whether the token carries a scope that is still granted.
func (t *token) allows(scope string) bool {
	return slices.Contains(t.scopes, scope) && slices.Contains(t.grant.scopes, scope)
}

// granted lists the token's scopes that are still granted.
func (t *token) granted() []string {
	return slices.DeleteFunc(slices.Clone(t.scopes), func(s string) bool { return !slices.Contains(t.grant.scopes, s) })
}

func (t *token) appID() string {
	if t.login == InstagramLogin {
		return t.app.InstagramAppID
	}
	return t.app.MetaAppID
}

// trouble says why the token does not work at the moment, or nil.
func (p *Platform) trouble(t *token, now time.Time) *GraphError {
	who := t.owner()
	switch {
	case t.app.disabled:
		return apiBlocked()
	case t.dead == 463:
		return expiredError(minTime(t.expires, now), now)
	case t.dead == 458:
		e := known(190, 458)
		e.Message = "Error validating access token: The user has not authorized application " + t.appID() + "."
		return e
	case t.dead != 0:
		return known(190, t.dead)
	case t.expired(now):
		return expiredError(t.expires, now)
	case who.checkpointed:
		return known(190, 459)
	case who.unconfirmed:
		return known(190, 464)
	case t.page != nil && t.page.lost:
		return known(190, 492)
	default:
		return nil
	}
}

// apiBlocked is the answer to every call of an app that Meta shut out.
func apiBlocked() *GraphError { return graphError(200, "OAuthException", "API access blocked.") }

func (t *token) public() Token {
	out := Token{
		Value: t.value, Login: t.login, Kind: t.kind, AppID: t.appID(), Scopes: t.granted(),
		IssuedAt: t.issued, ExpiresAt: t.expires, Dead: t.dead,
	}
	if t.account != nil {
		out.AccountID = t.account.ID
	}
	if t.person != nil {
		out.PersonID = t.person.id
	}
	if t.page != nil {
		out.PageID = t.page.ID
	}
	return out
}

func union(have, more []string) []string {
	out := slices.Clone(have)
	for _, s := range more {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func minTime(a, b time.Time) time.Time {
	if a.IsZero() || a.After(b) {
		return b
	}
	return a
}

// What do people and Meta do to tokens, accounts, Pages and apps meanwhile?

package instagramtest

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Token tells what the platform knows about a token string; false: nothing.
func (p *Platform) Token(value string) (Token, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.tokens[value]
	if t == nil {
		return Token{}, false
	}
	return t.public(), true
}

// Tokens lists somebody's tokens for all apps, oldest first, dead ones among
// them. Who is an account's ID, app-scoped ID or user name, or a person's ID.
func (p *Platform) Tokens(who string) []Token {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []Token
	found, err := p.everybody(who)
	if err != nil {
		return nil
	}
	for _, s := range found {
		for _, g := range s.grants {
			for _, t := range g.tokens {
				out = append(out, t.public())
			}
		}
	}
	return out
}

// ScopedID tells the ID under which an app knows an account or a person: the one
// in token answers, deauthorize requests and data-deletion requests. The app is
// named by either of its IDs; empty: the first. It is empty when either is unknown.
func (p *Platform) ScopedID(appID, who string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.appNamed(appID)
	if a == nil {
		return ""
	}
	if acct := p.account(who); acct != nil {
		return p.scopedID(a, acct.AppScopedID)
	}
	if h := p.persons[who]; h != nil {
		return p.scopedID(a, h.id)
	}
	return ""
}

func (p *Platform) appNamed(id string) *app {
	if id == "" {
		return p.apps[0]
	}
	if a := p.instagramApps[id]; a != nil {
		return a
	}
	return p.metaApps[id]
}

// onToken changes one token under the lock.
func (p *Platform) onToken(value string, change func(*token)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.tokens[value]
	if t == nil {
		return errors.New("instagramtest: no such token")
	}
	change(t)
	return nil
}

// onEverybody changes whoever an ID or user name stands for.
func (p *Platform) onEverybody(who string, change func(*standing)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	found, err := p.everybody(who)
	for _, s := range found {
		change(s)
	}
	return err
}

// Expire ends a token's life now, before its time: 190/463. Like the other
// controls it fails only when what it is to change does not exist.
func (p *Platform) Expire(value string) error {
	return p.onToken(value, func(t *token) { t.expires = p.now() })
}

// Age makes a token older by d: it was issued and it expires so much earlier.
func (p *Platform) Age(value string, d time.Duration) error {
	return p.onToken(value, func(t *token) {
		t.issued = t.issued.Add(-d)
		if !t.expires.IsZero() {
			t.expires = t.expires.Add(-d)
		}
	})
}

// Kill makes a token answer 190 with a subcode of "Error Handling", such as 460
// (password changed), 464 (unconfirmed) or 467 (invalid); 0 brings it back.
func (p *Platform) Kill(value string, subcode int) error {
	return p.onToken(value, func(t *token) { t.dead = subcode })
}

// Revoke does what "remove app" in somebody's settings does, for all apps: their
// consents end and every token that rests on one is dead: 190/458. Who is an
// account's ID, app-scoped ID or user name, or a person's ID, here as below.
func (p *Platform) Revoke(who string) error {
	return p.onEverybody(who, func(s *standing) {
		for _, g := range s.grants {
			g.revoke(458)
		}
	})
}

// RevokeScope takes one permission back; tokens live on without it.
func (p *Platform) RevokeScope(who, scope string) error {
	return p.onEverybody(who, func(s *standing) {
		for _, g := range s.grants {
			g.drop(scope)
		}
	})
}

// ChangePassword kills every token of somebody, and their Page tokens: 190/460.
func (p *Platform) ChangePassword(who string) error {
	return p.onEverybody(who, func(s *standing) {
		for _, g := range s.grants {
			g.kill(460)
		}
	})
}

// Checkpoint makes somebody's tokens fail until they pass a security check at
// Meta, which is [Platform.RestoreAccount]: 190/459.
func (p *Platform) Checkpoint(who string) error {
	return p.onEverybody(who, func(s *standing) { s.checkpointed = true })
}

// Unconfirm makes somebody's tokens fail until they confirm their account, which
// is [Platform.RestoreAccount]: 190/464.
func (p *Platform) Unconfirm(who string) error {
	return p.onEverybody(who, func(s *standing) { s.unconfirmed = true })
}

// Restrict lets an account be read but not publish, until
// [Platform.RestoreAccount]: 25/2207050.
func (p *Platform) Restrict(account string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.account(account)
	if a == nil {
		return fmt.Errorf("instagramtest: no account %q", account)
	}
	a.restricted = true
	return nil
}

// RestoreAccount ends [Platform.Checkpoint], [Platform.Unconfirm] and
// [Platform.Restrict]. Tokens that only waited for it work again.
func (p *Platform) RestoreAccount(who string) error {
	if err := p.onEverybody(who, func(s *standing) { s.checkpointed, s.unconfirmed = false, false }); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if a := p.account(who); a != nil {
		a.restricted = false
	}
	return nil
}

// LoseRole takes a person's role on a Page away: its Page tokens fail with
// 190/492, and it is no longer among the person's Pages.
func (p *Platform) LoseRole(person, page string) error { return p.onRole(person, page, true) }

// RegainRole gives it back, and Page tokens work again.
func (p *Platform) RegainRole(person, page string) error { return p.onRole(person, page, false) }

func (p *Platform) onRole(person, page string, lost bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.persons[person]
	if h == nil {
		return fmt.Errorf("instagramtest: no person %q", person)
	}
	at, ok := h.index[page]
	if !ok {
		return fmt.Errorf("instagramtest: person %s has no Page %q", person, page)
	}
	h.pages[at].lost = lost
	return nil
}

// DisableApp shuts an app out, by either of its IDs: calls fail with code 200
// "API access blocked.", dialogs and code exchange as for an unknown app. Its
// tokens are not dead: [Platform.EnableApp] brings everything back.
func (p *Platform) DisableApp(id string) error {
	return p.onApp(id, func(a *app) { a.disabled = true })
}

// EnableApp ends [Platform.DisableApp].
func (p *Platform) EnableApp(id string) error {
	return p.onApp(id, func(a *app) { a.disabled = false })
}

// RotateSecret replaces the secret that belongs to an ID: the Instagram app
// secret for an Instagram app ID, the Meta app secret for a Meta app ID. The old
// secret is refused at once; tokens of people live on.
func (p *Platform) RotateSecret(id, secret string) error {
	return p.onApp(id, func(a *app) {
		if id == a.InstagramAppID {
			a.InstagramAppSecret = secret
		}
		if id == a.MetaAppID {
			a.MetaAppSecret = secret
		}
	})
}

// RequireProof switches an app's "Require App Secret" on or off.
func (p *Platform) RequireProof(id string, required bool) error {
	return p.onApp(id, func(a *app) { a.RequireProof = required })
}

func (p *Platform) onApp(id string, change func(*app)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.appNamed(id)
	if a == nil {
		return fmt.Errorf("instagramtest: no app %q", id)
	}
	change(a)
	return nil
}

// SetUsage has f add headers to every answer of the Graph hosts, such as
// X-App-Usage. It replaces the last one; nil ends it. It is called without locks.
// The limits of [WithAppLimit] and [WithAccountLimit] need no help from it.
func (p *Platform) SetUsage(f func(Request) http.Header) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.usage = f
}

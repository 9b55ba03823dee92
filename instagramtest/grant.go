// What did somebody consent to, and what ends it?

package instagramtest

import (
	"slices"
	"time"
)

// grant is somebody's consent to one app on one product.
type grant struct {
	app       *app
	login     Login
	scopes    []string        // granted
	declined  []string        // asked for and refused: Facebook does not ask again
	pages     map[string]bool // Pages chosen; nil: all
	accounts  map[string]bool // professional accounts chosen; nil: those of the Pages
	consented time.Time
	revoked   bool
	tokens    []*token
	sweepAt   int // how many tokens there may be before dead ones are forgotten
}

// grantOf finds somebody's consent to an app on a product, or makes an empty one.
func (p *Platform) grantOf(who *standing, a *app, login Login) *grant {
	for _, g := range who.grants {
		if g.app == a && g.login == login {
			return g
		}
	}
	g := &grant{app: a, login: login}
	who.grants = append(who.grants, g)
	return g
}

// revoke ends a consent with everything that rests on it.
func (g *grant) revoke(subcode int) {
	g.revoked, g.scopes, g.declined, g.pages, g.accounts = true, nil, nil, nil, nil
	g.kill(subcode)
}

func (g *grant) kill(subcode int) {
	for _, t := range g.tokens {
		if t.dead == 0 {
			t.dead = subcode
		}
	}
}

// drop takes one scope back.
func (g *grant) drop(scope string) {
	g.scopes = slices.DeleteFunc(slices.Clone(g.scopes), func(s string) bool { return s == scope })
	if !slices.Contains(g.declined, scope) {
		g.declined = append(g.declined, scope)
	}
}

package instagram

// This file answers: what did the person grant, for what, and how is the rest
// asked for?

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/seed-922467ee/instagram/internal/wire"
)

// Permissions is what a person granted, as far as the platform tells.
type Permissions struct {
	// Known reports whether anything is known of what was granted. On Instagram
	// Login it is false for a token that came without its permissions, such as
	// the dashboard's; Granted is then empty, which does not mean "nothing".
	Known bool
	// Granted are the permissions that work now.
	Granted []Scope
	// Declined were asked for and refused. Facebook's login window asks for them
	// again only with [Rerequest].
	Declined []Scope
	// Expired were granted once, and ended because they were not used for 90 days.
	Expired []Scope
	// Limited are granted permissions that count for some Pages or accounts only.
	// One that is not among them counts for all.
	Limited []GranularScope
	// Sources are where this comes from, such as "debug_token", "me/permissions"
	// and "token" (what the token itself carries since the login).
	Sources []string

	login      Login
	configured bool // by a configuration of Facebook Login for Business
}

// Permissions asks what the person granted to the app.
//
// On Facebook Login debug_token tells what works and for which Pages, and
// me/permissions what was declined or has expired; a Page or system user token
// has no such list, and does without. On Instagram Login the permissions that came
// with the token are what is known; me/permissions is asked too, which Meta does
// not document and may refuse without harm. A dead token gives [ErrTokenInvalid].
// Sources: "Permissions" guides of Facebook Login, read 2026-03.
func (c *Client) Permissions(ctx context.Context, tok *Token) (*Permissions, error) {
	p, err := c.permissions(ctx, tok, nil)
	if err != nil {
		return nil, fmt.Errorf("instagram: permissions: %w", err)
	}
	return p, nil
}

// permissions asks debug_token unless info says what it answered.
func (c *Client) permissions(ctx context.Context, tok *Token, info *TokenInfo) (*Permissions, error) {
	if tok == nil || tok.AccessToken.IsZero() {
		return nil, fmt.Errorf("%w: %w", errNoToken, ErrInvalidRequest)
	}
	if err := c.ownToken(tok); err != nil {
		return nil, err
	}
	p := &Permissions{login: c.cfg.Login, configured: c.cfg.ConfigID != ""}
	if c.cfg.Login == FacebookLogin {
		if info == nil {
			var err error
			if info, err = c.debugToken(ctx, tok); err != nil {
				return nil, err
			}
		}
		if !info.Valid {
			return nil, info.invalid()
		}
		p.base("debug_token", info.Scopes)
		for _, g := range info.GranularScopes {
			if g.TargetIDs != nil {
				p.Limited = append(p.Limited, g)
			}
		}
	} else if tok.Scopes != nil {
		p.base("token", tok.Scopes)
	}
	return p, c.askPermissions(ctx, tok, p)
}

func (p *Permissions) base(source string, granted []Scope) {
	p.Known, p.Granted, p.Sources = true, slices.Clone(granted), append(p.Sources, source)
}

// askPermissions adds what the list of the person's permissions says. The list
// is worth having and not needed: only what concerns the token itself is an error.
func (c *Client) askPermissions(ctx context.Context, tok *Token, p *Permissions) error {
	const edge = "me/permissions"
	if tok.Kind == PageToken || tok.Kind == SystemUser {
		return nil
	}
	var body json.RawMessage
	err := c.With(StaticToken(tok)).call(ctx, http.MethodGet, edge, nil, &body)
	list := wire.Parse(body).Get("data")
	switch {
	case errors.Is(err, ErrTokenInvalid), context.Cause(ctx) != nil:
		return err
	case err != nil && p.Known, err == nil && !list.IsArray():
		return nil
	case err != nil && c.cfg.Login == InstagramLogin && (errors.Is(err, ErrInvalidRequest) || errors.Is(err, ErrPermission)):
		return nil // undocumented there: a refusal says nothing
	case err != nil:
		return err
	}
	var granted []Scope
	for entry := range list.Elems() {
		name := Scope(entry.Get("permission").Text())
		switch status := strings.ToLower(entry.Get("status").Text()); {
		case name == "":
		case status == "granted":
			granted = append(granted, name)
		case status == "expired":
			p.Expired = append(p.Expired, name)
		default: // declined, and whatever else is not granted
			p.Declined = append(p.Declined, name)
		}
	}
	if !p.Known || c.cfg.Login == InstagramLogin && len(granted) > 0 { // the list is newer than the token's own
		p.base(edge, granted)
		return nil
	}
	p.Sources = append(p.Sources, edge)
	return nil
}

// Allows reports whether a permission is granted for a Page or account. With an
// empty targetID it asks whether it is granted at all.
func (p *Permissions) Allows(s Scope, targetID string) bool {
	if !slices.Contains(p.Granted, s) {
		return false
	}
	targets := limitOf(p.Limited, s)
	return targetID == "" || targets == nil || slices.Contains(targets, targetID)
}

// Missing returns those of the permissions, and of those that they need, which
// are not granted; nil when nothing is missing or nothing is known.
func (p *Permissions) Missing(needed ...Scope) []Scope {
	if !p.Known {
		return nil
	}
	return missingScopes(withNeeds(needed), p.Granted)
}

// AskAgain returns the options with which [Client.BeginLogin] or
// [Client.AuthCodeURL] asks for what is missing, nil when nothing is. The login
// then asks for everything needed, for a login on Instagram replaces what was
// granted before; Facebook's window is told to ask again for what was declined.
// With a configuration of Facebook Login for Business the configuration says
// what is asked for, and has to hold what is missing.
func (p *Permissions) AskAgain(needed ...Scope) []AuthCodeOption {
	if len(p.Missing(needed...)) == 0 {
		return nil
	}
	all := withNeeds(needed)
	for _, s := range p.Granted {
		if product, known := s.login(); known && product == p.login && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	switch {
	case p.login == InstagramLogin:
		if !slices.Contains(all, ScopeBusinessBasic) {
			all = append(all, ScopeBusinessBasic)
		}
		return []AuthCodeOption{AskScopes(all...)}
	case p.configured:
		return []AuthCodeOption{Rerequest()}
	}
	return []AuthCodeOption{AskScopes(all...), Rerequest()}
}

// withNeeds returns the permissions followed by all that they need.
func withNeeds(scopes []Scope) []Scope {
	var all []Scope
	for _, s := range scopes {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	for i := 0; i < len(all); i++ {
		for _, s := range all[i].Needs() {
			if !slices.Contains(all, s) {
				all = append(all, s)
			}
		}
	}
	return all
}

// limitOf returns what a permission is limited to, nil when it is not.
func limitOf(granular []GranularScope, s Scope) []string {
	for _, g := range granular {
		if g.Scope == s {
			return g.TargetIDs
		}
	}
	return nil
}

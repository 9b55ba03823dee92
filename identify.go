package instagram

// This file answers: whose token is it, and which accounts does it reach?

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"github.com/seed-922467ee/instagram/internal/wire"
)

// askProfile learns the IDs of an Instagram Login token from /me: user_id is
// the account ID of paths and webhooks, id the app-scoped one. The user_id of
// the code exchange is not documented to be either.
func (c *Client) askProfile(ctx context.Context, r *LoginResult) error {
	var body json.RawMessage
	fields := url.Values{"fields": {"id,user_id,username"}}
	if err := c.With(StaticToken(r.Token)).Get(ctx, "me", fields, &body); err != nil {
		return err
	}
	me := wire.Unwrap(wire.Parse(body))
	t := r.Token.clone()
	if t.AccountID = me.Get("user_id").ID(); t.AccountID == "" {
		return &AnswerError{Op: "GET /me", Host: c.hosts.graph.Host, HTTPStatus: 200, Problem: "no user_id in the answer"}
	}
	if id := me.Get("id").ID(); id != "" {
		t.AppScopedID = id
	}
	t.Username = me.Get("username").Text()
	r.Token = t
	return nil
}

// errForeignToken says that a token was issued for another app.
var errForeignToken = errors.New("the token was issued for another app")

// learn fills in what debug_token knows of a Facebook Login token, and
// refuses a token that is dead or another app's.
func (c *Client) learn(ctx context.Context, r *LoginResult) error {
	info, err := c.debugToken(ctx, r.Token)
	switch {
	case err != nil:
		return err
	case info.AppID != "" && info.AppID != c.cfg.AppID:
		return fmt.Errorf("%w (app ID %s): %w", errForeignToken, info.AppID, ErrAppConfig)
	case !info.Valid:
		return info.invalid()
	}
	t := r.Token.clone()
	if info.UserID != "" {
		t.AppScopedID = info.UserID
	}
	if len(info.Scopes) > 0 {
		t.Scopes = info.Scopes
	}
	if t.ObtainedAt.IsZero() {
		t.ObtainedAt = info.IssuedAt
	}
	if !info.ExpiresAt.IsZero() {
		t.ExpiresAt = info.ExpiresAt
	}
	if info.NeverExpires {
		t.ExpiresAt, t.Permanent = info.ExpiresAt, true
	}
	t.DataAccessExpiresAt = info.DataAccessExpiresAt
	t.Kind = info.kind(t.Kind)
	r.Token = t
	return nil
}

// maxPages bounds how many pages of a list are read: a server that always
// names a next one must not hold the caller for ever.
const maxPages = 1000

// grantedAccounts returns a token for each professional account that a
// person's token reaches. On Facebook Login those are the accounts linked to
// the person's Pages; calls are signed with the person's token, and the Page's
// own is kept beside it.
func (c *Client) grantedAccounts(ctx context.Context, person *Token) ([]*Token, error) {
	if c.cfg.Login == InstagramLogin {
		return []*Token{person}, nil
	}
	account := c.With(StaticToken(person))
	params := url.Values{"fields": {"id,access_token,instagram_business_account{id,username}"}, "limit": {strconv.Itoa(100)}}
	var tokens []*Token
	for range maxPages {
		var body json.RawMessage
		if err := account.Get(ctx, "me/accounts", params, &body); err != nil {
			return nil, err
		}
		answer := wire.Parse(body)
		for page := range answer.Get("data").Elems() {
			if t := accountToken(person, page); t != nil && !slices.ContainsFunc(tokens, t.sameAccount) {
				tokens = append(tokens, t)
			}
		}
		after := answer.Get("paging", "cursors", "after").Text()
		if !answer.Get("paging", "next").Exists() || after == "" || after == params.Get("after") {
			break
		}
		params.Set("after", after) // rebuilt from the cursor: the next URL carries the token
	}
	return tokens, nil
}

// accountToken returns the token for the account that is linked to a Page, or
// nil when there is none.
func accountToken(person *Token, page wire.Value) *Token {
	id := page.Get("instagram_business_account", "id").ID()
	if id == "" {
		return nil
	}
	t := person.clone()
	t.AccountID = id
	t.Username = page.Get("instagram_business_account", "username").Text()
	t.PageID = page.Get("id").ID()
	t.PageToken = NewSecret(page.Get("access_token").Text())
	return t
}

func (t *Token) sameAccount(other *Token) bool { return t.AccountID == other.AccountID }

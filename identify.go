package instagram

// This file answers: whose token is it?

import (
	"context"
	"errors"
	"fmt"
)

// askProfile learns the IDs of an Instagram Login token from /me: user_id is
// the account ID of paths and webhooks, id the app-scoped one. The user_id of
// the code exchange is not documented to be either.
func (c *Client) askProfile(ctx context.Context, r *LoginResult) error {
	me, err := c.With(StaticToken(r.Token)).profile(ctx, []ProfileField{FieldUsername})
	if err != nil {
		return err
	}
	t := r.Token.clone()
	t.AccountID, t.Username = me.AccountID, me.Username
	if me.AppScopedID != "" {
		t.AppScopedID = me.AppScopedID
	}
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
	r.Token, r.info = t, info
	return nil
}

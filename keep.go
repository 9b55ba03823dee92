package instagram

// This file answers: how does what a login won get into the store?

import (
	"context"
	"errors"
	"time"
)

// saveAttempts bounds how often a save is begun anew because somebody else
// wrote in between.
const saveAttempts = 5

// saveLogin stores what a login won: on Instagram Login the account's token,
// on Facebook Login the person's once, and for each account a record that
// refers to the person.
func (c *Client) saveLogin(ctx context.Context, person *Token, accounts []*Token) error {
	if c.cfg.Login == FacebookLogin {
		if err := c.saveToken(ctx, person); err != nil {
			return err
		}
	}
	for _, t := range accounts {
		if err := c.saveToken(ctx, t.stored()); err != nil {
			return err
		}
	}
	return nil
}

// stored returns the form in which an account's token is kept. On Facebook
// Login that is the Page's token, which has no end, beside the ID of the
// person, whose token signs the calls and is kept once.
func (t *Token) stored() *Token {
	if t.PageToken.IsZero() {
		return t
	}
	s := t.clone()
	s.AccessToken, s.PageToken = t.PageToken, Secret{}
	if t.Kind != ShortLived { // source: "Get long-lived access tokens", Page tokens
		s.ExpiresAt, s.Permanent = time.Time{}, true
	}
	s.Kind = PageToken
	return s
}

// saveToken writes a token that a login won, over whatever is there of an
// earlier one.
func (c *Client) saveToken(ctx context.Context, t *Token) error {
	key := t.Key(c.cfg.AppID)
	var err error
	for range saveAttempts {
		var from Revision
		old, loadErr := c.opts.tokenStore.LoadToken(ctx, key)
		switch {
		case loadErr == nil:
			from = old.Revision
		case !errors.Is(loadErr, ErrTokenNotFound):
			return storeError(loadErr)
		}
		if old != nil && old.Token.GrantedAt.After(t.GrantedAt) {
			return nil // a later login was faster
		}
		_, err = c.opts.tokenStore.SaveToken(ctx, &Record{Key: key, Token: t, DueAt: t.firstDue(c.now())}, from)
		if !errors.Is(err, ErrTokenSuperseded) {
			break
		}
	}
	if err != nil {
		return storeError(err)
	}
	c.tokens.forget(key.AccountID)
	return nil
}

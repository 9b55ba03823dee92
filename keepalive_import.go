package instagram

// This file answers: how do tokens come in that another system has obtained,
// without harm to those that are here?

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ImportToken stores a long-lived token that another system obtained, with
// what that system knows of it. Nothing is sent; [Client.AdoptToken] is for
// tokens of which nothing is known, or that are not to be believed.
//
// AccessToken and AccountID are needed, on Facebook Login AppScopedID too, and
// no AccountID for the person's own token. A zero Login is that of the client.
// Everything else is taken as known when it is set: give ObtainedAt and ExpiresAt
// where they are known, and leave out what is guessed. A token whose end is
// known is renewed as late as any other; one of which no date is known is tried
// at once, and the platform's answer dates it. Being refused does it no harm: it
// may be younger than [MinRefreshAge].
//
// A living token that is here already stays, and the error is
// [ErrTokenSuperseded], unless the other was obtained later for certain. One that
// has ended gives [ErrTokenExpired].
func (c *Client) ImportToken(ctx context.Context, t *Token) error {
	if err := c.importToken(ctx, t); err != nil {
		return fmt.Errorf("instagram: import token: %w", err)
	}
	return nil
}

func (c *Client) importToken(ctx context.Context, t *Token) error {
	now := c.now()
	if err := c.checkImport(t, now); err != nil {
		return err
	}
	t = t.clone()
	t.Login = c.cfg.Login
	if t.Kind == ShortLived && (t.ExpiresAt.Sub(now) > MinRefreshAge || t.ExpiresAt.IsZero()) {
		t.Kind = LongLived
	}
	if t.refersToPerson() && t.Kind != PageToken { // the person's token is kept once, and renewed for all accounts
		person := t.clone()
		person.AccountID, person.Username, person.PageID, person.PageToken = "", "", "", Secret{}
		if err := c.keepImport(ctx, person, now); err != nil && !errors.Is(err, ErrTokenSuperseded) {
			return err
		}
	}
	return c.keepImport(ctx, t, now)
}

func (c *Client) keepImport(ctx context.Context, t *Token, now time.Time) error {
	r := &Record{Key: t.Key(c.cfg.AppID), Token: t.stored(), DueAt: t.firstDue(now)}
	for range saveAttempts {
		from, err := c.roomForImport(ctx, r, now)
		if err != nil {
			return err
		}
		_, err = c.opts.tokenStore.SaveToken(ctx, r, from)
		if err == nil {
			c.tokens.forget(r.Key.AccountID)
			return nil
		}
		if !errors.Is(err, ErrTokenSuperseded) {
			return storeError(err)
		}
	}
	return ErrTokenSuperseded
}

func (c *Client) checkImport(t *Token, now time.Time) error {
	switch {
	case t == nil || t.AccessToken.IsZero():
		return fmt.Errorf("%w: %w", errNoToken, ErrInvalidRequest)
	case t.Login != c.cfg.Login && t.Login != InstagramLogin:
		return c.ownToken(t)
	case t.AccountID == "" && (c.cfg.Login == InstagramLogin || t.AppScopedID == ""):
		return fmt.Errorf("whose it is must be known: set AccountID, or use AdoptToken, or ResumeLogin after a login by hand, which ask the platform: %w", ErrInvalidRequest)
	case c.cfg.Login == FacebookLogin && t.AppScopedID == "":
		return fmt.Errorf("the person must be known: set AppScopedID, or use AdoptToken, or ResumeLogin after a login by hand, which ask the platform: %w", ErrInvalidRequest)
	case strings.TrimSpace(t.AccessToken.Reveal()) != t.AccessToken.Reveal():
		return fmt.Errorf("the token has a blank at its beginning or end: %w", ErrInvalidRequest)
	case t.expired(now):
		return ErrTokenExpired
	}
	return nil
}

// roomForImport returns the revision that an import may replace.
func (c *Client) roomForImport(ctx context.Context, r *Record, now time.Time) (Revision, error) {
	old, err := c.opts.tokenStore.LoadToken(ctx, r.Key)
	switch {
	case errors.Is(err, ErrTokenNotFound):
		return 0, nil
	case err != nil:
		return 0, storeError(err)
	case old.Token == nil:
		return old.Revision, nil
	case old.Token.AccessToken.Equal(r.Token.AccessToken):
		return 0, fmt.Errorf("%w: it is here already", ErrTokenSuperseded)
	}
	alive := old.State == Alive && !old.Token.expired(now)
	laterForCertain := !old.Token.ObtainedAt.IsZero() && r.Token.ObtainedAt.After(old.Token.ObtainedAt)
	if alive && !laterForCertain || old.State == Deauthorized && !laterForCertain {
		return 0, fmt.Errorf("%w: the account has a token that lives or a later word of the person's", ErrTokenSuperseded)
	}
	return old.Revision, nil
}

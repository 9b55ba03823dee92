package instagram

// This file answers: how are the Pages' tokens of a person of Facebook Login
// renewed with the person's own?

import (
	"context"
	"errors"
	"log/slog"
	"slices"
)

// renewPages fetches the tokens of the Pages that a person has granted, and
// saves those that have changed. A Page token has no end; what it lives by is
// the person's grant and role, so a failure here is no reason to hurry. It
// returns the accounts whose Page was not among them.
func (c *Client) renewPages(ctx context.Context, person *Token) (missing []TokenKey, err error) {
	keys := c.accountsOf(ctx, person.AppScopedID)
	if len(keys) == 0 {
		return nil, nil
	}
	granted, err := c.stillGranted(ctx, person, keys)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, key := range keys {
		i := slices.IndexFunc(granted, func(t *Token) bool { return t.AccountID == key.AccountID })
		if i < 0 {
			missing = append(missing, key)
			continue
		}
		if err := c.savePage(ctx, key, granted[i]); err != nil {
			errs = append(errs, err)
		}
	}
	return missing, errors.Join(errs...)
}

// stillGranted returns the accounts that the person's token reaches. It looks
// into businesses when one is missing that may have been found there.
func (c *Client) stillGranted(ctx context.Context, person *Token, keys []TokenKey) ([]*Token, error) {
	found, err := c.discover(ctx, person, nil, false)
	if err != nil || !slices.Contains(person.Scopes, ScopeBusinessManagement) {
		return found.accounts(), err
	}
	for _, key := range keys {
		if !slices.ContainsFunc(found.Accounts, func(t *Token) bool { return t.AccountID == key.AccountID }) {
			found, err = c.discover(ctx, person, nil, true)
			break
		}
	}
	return found.accounts(), err
}

// savePage puts an account's new Page token in the place of the old one.
func (c *Client) savePage(ctx context.Context, key TokenKey, fresh *Token) error {
	for range saveAttempts {
		r, err := c.opts.tokenStore.LoadToken(ctx, key)
		if errors.Is(err, ErrTokenNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		is := fresh.stored()
		is.GrantedAt, is.further = r.Token.GrantedAt, r.Token.further
		if r.State == Deauthorized || r.State == Alive && r.Token.AccessToken.Equal(is.AccessToken) && r.Token.Username == is.Username {
			return nil
		}
		_, err = c.opts.tokenStore.SaveToken(ctx, &Record{Key: key, Token: is, DueAt: is.firstDue(c.now()), further: r.further}, r.Revision)
		if !errors.Is(err, ErrTokenSuperseded) {
			c.tokens.forget(key.AccountID)
			return err
		}
	}
	return ErrTokenSuperseded
}

// renewPagesQuietly is renewPages where nobody waits for it: what fails is
// noted for [Client.KeepAlive].
func (c *Client) renewPagesQuietly(ctx context.Context, r *Record) (missing []TokenKey) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	missing, err := c.renewPages(ctx, r.Token)
	if err != nil {
		c.logger.Warn("instagram: the Page tokens of a person were not renewed; those that there are stay in use",
			slog.String("account", r.Key.AccountID), errAttr(err))
	}
	return missing
}

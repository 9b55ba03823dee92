package instagram

// This file answers: where is a renewed token kept while the store does not take it?

import (
	"context"
	"errors"
	"log/slog"
)

// WithSpill sets a second store, for the one moment in which a token can be
// lost: it is renewed, its predecessor may be dead, and the store does not
// answer. The new one is kept in spill until the store has it, also when the
// process ends before that. [Client.KeepAlive] brings home what is there when it
// begins, and who asks for a token whose predecessor is refused gets it from
// there.
//
// A directory of the machine is right, sealed as the store is:
// seal.Tokens(files, keys). Processes may share it, and it should survive them.
// Default: in memory, as long as the process lives.
func WithSpill(spill TokenStore) Option { return func(o *options) { o.spill = spill } }

// spillOver keeps the tokens of leases that the store does not take.
func (c *Client) spillOver(ctx context.Context, leases []*Lease) {
	if c.opts.spill == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	for _, l := range leases {
		if err := c.spillOne(ctx, l.Record); err != nil && !errors.Is(err, ErrTokenSuperseded) {
			c.logger.Error("instagram: neither the store nor its spill takes a token",
				slog.String("account", l.Record.Key.AccountID), errAttr(err))
		}
	}
}

func (c *Client) spillOne(ctx context.Context, r *Record) error {
	var from Revision
	switch old, err := c.opts.spill.LoadToken(ctx, r.Key); {
	case err == nil:
		from = old.Revision
	case !errors.Is(err, ErrTokenNotFound):
		return err
	}
	_, err := c.opts.spill.SaveToken(ctx, r, from)
	return err
}

// spilled returns what the spill has for a key, nil for nothing.
func (c *Client) spilled(ctx context.Context, key TokenKey) *Record {
	if c.opts.spill == nil {
		return nil
	}
	r, err := c.opts.spill.LoadToken(ctx, key)
	if err != nil || r.Token == nil {
		return nil
	}
	return r
}

// spare returns a successor of the key's token that the store does not have, nil for none.
func (c *Client) spare(ctx context.Context, key TokenKey) *Token {
	if t := c.unsaved.get(key); t != nil {
		return t
	}
	if r := c.spilled(ctx, key); r != nil && !r.Token.expired(c.now()) {
		return r.Token
	}
	return nil
}

// unspill forgets what the store has taken after all.
func (c *Client) unspill(ctx context.Context, leases []*Lease) {
	for _, l := range leases {
		if r := c.spilled(ctx, l.Record.Key); r != nil && r.Token.AccessToken.Equal(l.Record.Token.AccessToken) {
			_ = c.opts.spill.DeleteToken(ctx, l.Record.Key) // if it stays, it is found to be no better than the store's
		}
	}
}

// bringAllHome saves in the store what is in the spill and is better. It
// reports whether nothing is left.
func (c *Client) bringAllHome(ctx context.Context) bool {
	lister, ok := c.opts.spill.(TokenLister)
	if !ok {
		return true
	}
	const page = 500
	var after TokenKey
	for home := true; ; {
		records, err := lister.ListTokens(ctx, after, page)
		if err != nil {
			c.logger.Error("instagram: the spill cannot be read", errAttr(err))
			return errors.Is(err, errors.ErrUnsupported)
		}
		for _, r := range records {
			after = r.Key
			home = (r.Key.AppID != c.cfg.AppID || c.bringHome(ctx, r)) && home
		}
		if len(records) < page {
			return home
		}
	}
}

// bringHome saves a spilled token in the store, unless what is there is newer
// or the person has had the last word. It reports whether that is settled.
func (c *Client) bringHome(ctx context.Context, spilled *Record) bool {
	if spilled == nil {
		return true
	}
	store := c.leaser()
	lease, err := store.LeaseToken(ctx, spilled.Key, leaseTime)
	switch {
	case errors.Is(err, ErrTokenNotFound): // deleted meanwhile
		return c.opts.spill.DeleteToken(ctx, spilled.Key) == nil
	case err != nil:
		return false
	}
	r := lease.Record
	if r.Token != nil && (r.State == Deauthorized || CheckSave(r, spilled) != nil || !spilled.Token.ObtainedAt.After(r.Token.ObtainedAt)) {
		c.release(ctx, store, lease)
		return c.opts.spill.DeleteToken(ctx, spilled.Key) == nil
	}
	n := note{suspect: r.State != Alive} // its predecessor was found dead: whether that was all is asked
	r.Token, r.State, r.Fails, r.Reason = spilled.Token, Alive, 0, n.String()
	r.reschedule(c.now())
	if n.suspect {
		r.DueAt = c.now()
	}
	results, err := commitOnce(ctx, store, []*Lease{lease})
	if err != nil || results[0] != nil {
		c.release(ctx, store, lease)
		return false
	}
	c.forgetHolder(ctx, r)
	return c.opts.spill.DeleteToken(ctx, spilled.Key) == nil
}

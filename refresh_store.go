package instagram

// This file answers: how does a renewed token get into the store, also when
// the store fails, and when it cannot lease?

import (
	"context"
	"errors"
	"time"

	"github.com/seed-922467ee/instagram/internal/backoff"
)

// leaser returns the store as one that can lease. One that cannot gives every
// record to everybody: the revisions of its records keep order, and what is
// done twice is harmless.
func (c *Client) leaser() TokenLeaser {
	if l, ok := c.opts.tokenStore.(TokenLeaser); ok {
		return leaserOrPlain{l, plainLeaser{c.opts.tokenStore}}
	}
	return plainLeaser{c.opts.tokenStore}
}

// leaserOrPlain is a store that may turn out to be unable to lease: a
// decorator over one that cannot.
type leaserOrPlain struct {
	TokenLeaser
	plain plainLeaser
}

func (s leaserOrPlain) LeaseToken(ctx context.Context, k TokenKey, d time.Duration) (*Lease, error) {
	l, err := s.TokenLeaser.LeaseToken(ctx, k, d)
	if errors.Is(err, errors.ErrUnsupported) {
		return s.plain.LeaseToken(ctx, k, d)
	}
	return l, err
}

func (s leaserOrPlain) CommitLeases(ctx context.Context, leases []*Lease) ([]error, error) {
	results, err := s.TokenLeaser.CommitLeases(ctx, leases)
	if errors.Is(err, errors.ErrUnsupported) {
		return s.plain.CommitLeases(ctx, leases)
	}
	return results, err
}

type plainLeaser struct{ store TokenStore }

func (s plainLeaser) LeaseDue(context.Context, string, int, time.Duration) ([]*Lease, error) {
	return nil, errors.ErrUnsupported
}

func (s plainLeaser) LeaseToken(ctx context.Context, k TokenKey, d time.Duration) (*Lease, error) {
	r, err := s.store.LoadToken(ctx, k)
	if err != nil {
		return nil, err
	}
	return &Lease{Record: r, Until: time.Now().Add(d)}, nil
}

func (s plainLeaser) CommitLeases(ctx context.Context, leases []*Lease) ([]error, error) {
	results := make([]error, len(leases))
	for i, l := range leases {
		if results[i] = CheckSave(nil, l.Record); results[i] != nil {
			continue
		}
		_, results[i] = s.store.SaveToken(ctx, l.Record, l.Record.Revision)
		if results[i] != nil && !errors.Is(results[i], ErrTokenSuperseded) {
			return nil, results[i]
		}
	}
	return results, nil
}

func (s plainLeaser) ReleaseLeases(context.Context, []*Lease) error { return nil }

// release gives a lease back. Where that fails, it ends by itself.
func (c *Client) release(ctx context.Context, store TokenLeaser, leases ...*Lease) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	_ = store.ReleaseLeases(ctx, leases)
}

// commitOne saves a renewed token on demand. A store that does not take it is
// asked again, for a minute while the caller waits, and then in the background;
// the token is kept in memory meanwhile, for the old one may be dead.
func (c *Client) commitOne(ctx context.Context, store TokenLeaser, lease *Lease) error {
	key := lease.Record.Key
	c.unsaved.put(key, lease.Record.Token)
	short, cancel := context.WithTimeout(ctx, leaseTime)
	defer cancel()
	results, err := c.commit(short, store, []*Lease{lease})
	if err == nil {
		c.unsaved.drop(key)
		return results[0]
	}
	if ctx.Err() != nil || !c.work.begin() { // the client is closing
		return err
	}
	go func() {
		defer c.work.end()
		defer c.unsaved.drop(key)
		ctx, cancel := until(context.WithoutCancel(ctx), c.work.killing)
		defer cancel()
		if _, err := c.commit(ctx, store, []*Lease{lease}); err == nil {
			c.forgetHolder(ctx, lease.Record)
		}
	}()
	return err
}

// commit writes leases until the store has taken them or ctx ends. Of each it
// returns what [TokenLeaser].CommitLeases says.
func (c *Client) commit(ctx context.Context, store TokenLeaser, leases []*Lease) ([]error, error) {
	for n := 0; ; n++ {
		results, err := commitOnce(ctx, store, leases)
		if err == nil {
			if n > 0 {
				c.resolve(ctx, leases, results)
				c.unspill(ctx, leases)
			}
			return results, nil
		}
		if n == 0 {
			c.spillOver(ctx, leases)
			c.tell(ctx, leases[0].Record.event(EventUnsaved, err))
		}
		const first, longest = 100 * time.Millisecond, 5 * time.Second
		if backoff.Wait(ctx, first+backoff.Pause(first, longest, n)) != nil {
			return nil, err
		}
	}
}

var errStoreOdd = errors.New("the store returned another number of results than there were leases")

func commitOnce(ctx context.Context, store TokenLeaser, leases []*Lease) ([]error, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	results, err := store.CommitLeases(ctx, leases)
	if err == nil && len(results) != len(leases) {
		err = errStoreOdd
	}
	return results, err
}

// resolve looks whether what is refused as superseded was saved after all, by
// an earlier attempt whose answer was lost.
func (c *Client) resolve(ctx context.Context, leases []*Lease, results []error) {
	for i, l := range leases {
		if !errors.Is(results[i], ErrTokenSuperseded) {
			continue
		}
		r, err := c.opts.tokenStore.LoadToken(ctx, l.Record.Key)
		if err == nil && r.State == l.Record.State && r.Reason == l.Record.Reason && r.Fails == l.Record.Fails &&
			r.Token.AccessToken.Equal(l.Record.Token.AccessToken) && sameMoment(r.Token.ObtainedAt, l.Record.Token.ObtainedAt) {
			results[i] = nil
		}
	}
}

// forgetHolder drops what memory knows of a record that has changed. The
// accounts of a person are looked up again within minutes.
func (c *Client) forgetHolder(ctx context.Context, r *Record) {
	if _, person := r.Key.Person(); !person {
		c.tokens.forget(r.Key.AccountID)
		return
	}
	for _, key := range c.accountsOf(ctx, r.Token.AppScopedID) {
		c.tokens.forget(key.AccountID)
	}
}

// accountsOf returns the keys of the accounts that a person has granted; none
// when the store cannot find them.
func (c *Client) accountsOf(ctx context.Context, appScopedID string) []TokenKey {
	finder, ok := c.opts.tokenStore.(TokenFinder)
	if !ok || appScopedID == "" {
		return nil
	}
	keys, err := finder.FindTokens(ctx, c.cfg.AppID, appScopedID)
	if err != nil {
		return nil
	}
	accounts := keys[:0]
	for _, k := range keys {
		if _, person := k.Person(); !person {
			accounts = append(accounts, k)
		}
	}
	return accounts
}

package seal

// This file answers: how is everything sealed with the newest key while
// everybody goes on working?

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-922467ee/instagram"
)

// Progress says how far [Reseal] has come. The numbers are of records.
type Progress struct {
	Seen       int // met on the way
	Current    int // sealed with the newest key already
	Resealed   int // sealed anew
	Waiting    int // a worker has them just now: they are tried again
	Unreadable int // cannot be opened, and stay as they are
}

// current is what a [Sealer] can do that knows what its newest key has sealed.
// Without it everything is sealed anew each time.
type current interface {
	Current(ciphertext []byte) bool
}

const (
	resealPage  = 100
	resealLease = time.Minute
	// resealTries is how often a record is tried that workers hold; with pauses
	// from one to sixteen seconds, longer than a lease lasts.
	resealTries = 8
)

// Reseal goes through all records of a store made by [Tokens], and seals anew
// what the newest key has not sealed, also what is in clear with
// [AdoptUnsealed]. Everybody may go on working: a record is taken under a lease,
// or, where the store has none, saved only if nobody changed it. It may be ended
// and begun again at any time, also with another key first.
//
// progress, which may be nil, is called now and then. The error says what is
// left to do: records that cannot be opened, or that workers never let go. A
// store that cannot list gives [errors.ErrUnsupported].
func Reseal(ctx context.Context, store instagram.TokenStore, progress func(Progress)) (Progress, error) {
	s, ok := store.(*tokens)
	if !ok {
		return Progress{}, errors.New("seal: Reseal wants a store that Tokens returned")
	}
	lister, ok := s.inner.(instagram.TokenLister)
	if !ok {
		return Progress{}, fmt.Errorf("seal: the store cannot list its records: %w", errors.ErrUnsupported)
	}
	if progress == nil {
		progress = func(Progress) {}
	}
	run := &resealing{tokens: s}
	var after instagram.TokenKey
	for {
		records, err := lister.ListTokens(ctx, after, resealPage)
		if err != nil {
			return run.Progress, err
		}
		for _, r := range records {
			after = r.Key
			run.Seen++
			if err := run.record(ctx, r); err != nil {
				return run.Progress, err
			}
		}
		progress(run.Progress)
		if len(records) < resealPage {
			break
		}
	}
	for try := 0; len(run.waiting) > 0 && try < resealTries; try++ {
		if err := wait(ctx, min(16*time.Second, time.Second<<try)); err != nil {
			return run.Progress, err
		}
		if err := run.again(ctx); err != nil {
			return run.Progress, err
		}
		progress(run.Progress)
	}
	return run.Progress, run.rest()
}

type resealing struct {
	Progress
	*tokens
	waiting []instagram.TokenKey
	first   error // of those that cannot be opened
}

func (p *resealing) rest() error {
	switch {
	case p.first != nil:
		return fmt.Errorf("seal: %d records cannot be opened, and stay as they are: %w", p.Unreadable, p.first)
	case len(p.waiting) > 0:
		return fmt.Errorf("seal: workers do not let go of %d records: %w", len(p.waiting), instagram.ErrTokenLeased)
	}
	return nil
}

// again tries those that were held before.
func (p *resealing) again(ctx context.Context) error {
	held := p.waiting
	p.waiting, p.Waiting = nil, 0
	for _, k := range held {
		r, err := p.inner.LoadToken(ctx, k)
		if errors.Is(err, instagram.ErrTokenNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if err := p.record(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// record seals r anew, if need be. It returns only what ends everything.
func (p *resealing) record(ctx context.Context, r *instagram.Record) error {
	if p.isCurrent(r) {
		p.Current++
		return nil
	}
	switch err := p.anew(ctx, r); {
	case err == nil:
		p.Resealed++
	case errors.Is(err, instagram.ErrTokenNotFound):
		// deleted meanwhile
	case errors.Is(err, instagram.ErrTokenLeased), errors.Is(err, instagram.ErrTokenSuperseded):
		p.waiting = append(p.waiting, r.Key)
		p.Waiting = len(p.waiting)
	case isOpenError(err):
		p.Unreadable++
		p.first = cmpError(p.first, err)
		p.report(r.Key, err)
	default:
		return err
	}
	return nil
}

func isOpenError(err error) bool {
	_, ok := errors.AsType[*OpenError](err)
	return ok
}

// isCurrent reports whether the newest key has sealed all of r.
func (p *resealing) isCurrent(r *instagram.Record) bool {
	knows, ok := p.sealer.(current)
	for _, f := range fields(r.Token) {
		if f.secret.IsZero() {
			continue
		}
		ciphertext, err := cipherOf(*f.secret)
		if err != nil || !ok || !knows.Current(ciphertext) {
			return false
		}
	}
	return true
}

// anew seals one record. A save would end the lease of a worker that has just
// fetched a new token, and the token would be lost: where there are leases, it takes one.
func (p *resealing) anew(ctx context.Context, r *instagram.Record) error {
	leaser, ok := p.inner.(instagram.TokenLeaser)
	if ok {
		lease, err := leaser.LeaseToken(ctx, r.Key, resealLease)
		if err == nil {
			return p.underLease(ctx, leaser, lease)
		}
		if !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	is, err := p.turn(r)
	if err != nil {
		return err
	}
	_, err = p.inner.SaveToken(ctx, is, r.Revision)
	return err
}

func (p *resealing) underLease(ctx context.Context, leaser instagram.TokenLeaser, lease *instagram.Lease) error {
	is, err := p.turn(lease.Record) // which may be newer than what was listed
	if err != nil {
		return errors.Join(err, leaser.ReleaseLeases(context.WithoutCancel(ctx), []*instagram.Lease{lease}))
	}
	results, err := leaser.CommitLeases(ctx, []*instagram.Lease{{Record: is, Fence: lease.Fence, Until: lease.Until}})
	return errors.Join(append(results, err)...)
}

// turn opens a record and seals it with the newest key.
func (p *resealing) turn(r *instagram.Record) (*instagram.Record, error) {
	is, err := p.open(r)
	if err != nil {
		return nil, err
	}
	return p.seal(is)
}

// KeysInUse returns how many records each key has sealed, of a store made by
// [Tokens] with a [*KeyRing]. The zero ID counts what is in clear, or was sealed
// by something else. It opens nothing, and so needs no old keys.
func KeysInUse(ctx context.Context, store instagram.TokenStore) (map[KeyID]int, error) {
	s, ok := store.(*tokens)
	if !ok {
		return nil, errors.New("seal: KeysInUse wants a store that Tokens returned")
	}
	lister, ok := s.inner.(instagram.TokenLister)
	if !ok {
		return nil, fmt.Errorf("seal: the store cannot list its records: %w", errors.ErrUnsupported)
	}
	inUse := make(map[KeyID]int)
	var after instagram.TokenKey
	for {
		records, err := lister.ListTokens(ctx, after, resealPage)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			after = r.Key
			of := make(map[KeyID]bool)
			for _, f := range fields(r.Token) {
				if !f.secret.IsZero() {
					ciphertext, _ := cipherOf(*f.secret) // nil has the zero ID
					id, _ := keyOf(ciphertext)
					of[id] = true
				}
			}
			for id := range of {
				inUse[id]++
			}
		}
		if len(records) < resealPage {
			return inUse, nil
		}
	}
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

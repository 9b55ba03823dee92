package seal

// This file answers: how does a wrapped store do what the one inside can, when
// some records cannot be opened?

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-922467ee/instagram"
)

var (
	_ instagram.TokenStore   = (*tokens)(nil)
	_ instagram.TokenLeaser  = (*tokens)(nil)
	_ instagram.TokenFinder  = (*tokens)(nil)
	_ instagram.TokenLister  = (*tokens)(nil)
	_ instagram.TokenCounter = (*tokens)(nil)
)

const (
	// A due record that cannot be opened is put off, so that it does not stand
	// before the others each time: for a day when it is damaged, for an hour
	// when the fault is likely ours, such as a key that is missing.
	putOffDamaged = 24 * time.Hour
	putOffOther   = time.Hour
)

// LeaseDue implements [instagram.TokenLeaser]. Records that cannot be opened
// are put off and reported, and others taken in their place. Only when none at all
// can be opened, it fails.
func (s *tokens) LeaseDue(ctx context.Context, appID string, n int, d time.Duration) ([]*instagram.Lease, error) {
	inner, ok := s.inner.(instagram.TokenLeaser)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	const rounds = 4
	var opened []*instagram.Lease
	var first error
	unreadable := 0
	for range rounds {
		asked := n - len(opened)
		leases, err := inner.LeaseDue(ctx, appID, asked, d)
		if err != nil {
			_ = inner.ReleaseLeases(context.WithoutCancel(ctx), opened)
			return nil, err
		}
		bad := make([]*instagram.Lease, 0, len(leases))
		for _, lease := range leases {
			r, err := s.open(lease.Record)
			if err != nil {
				bad = append(bad, putOff(lease, err))
				s.report(lease.Record.Key, err)
				first = cmpError(first, err)
				continue
			}
			lease.Record = r
			opened = append(opened, lease)
		}
		unreadable += len(bad)
		if len(bad) == 0 {
			break
		}
		if _, err := inner.CommitLeases(ctx, bad); err != nil { // then they come again when their lease is over
			break
		}
		if len(leases) < asked {
			break
		}
	}
	if len(opened) == 0 && unreadable > 0 {
		return nil, fmt.Errorf("seal: none of %d records that are due can be opened: %w", unreadable, first)
	}
	return opened, nil
}

// putOff makes the lease one that leaves the sealed record as it is, but for its time.
func putOff(lease *instagram.Lease, err error) *instagram.Lease {
	wait := putOffOther
	if errors.Is(err, ErrDamaged) {
		wait = putOffDamaged
	}
	r := *lease.Record
	r.DueAt = time.Now().Add(wait)
	return &instagram.Lease{Record: &r, Fence: lease.Fence, Until: lease.Until}
}

func cmpError(first, next error) error {
	if first != nil {
		return first
	}
	return next
}

// LeaseToken implements [instagram.TokenLeaser].
func (s *tokens) LeaseToken(ctx context.Context, k instagram.TokenKey, d time.Duration) (*instagram.Lease, error) {
	inner, ok := s.inner.(instagram.TokenLeaser)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	lease, err := inner.LeaseToken(ctx, k, d)
	if err != nil {
		return nil, err
	}
	r, err := s.open(lease.Record)
	if err != nil {
		_ = inner.ReleaseLeases(context.WithoutCancel(ctx), []*instagram.Lease{lease})
		return nil, err
	}
	lease.Record = r
	return lease, nil
}

// CommitLeases implements [instagram.TokenLeaser]. A record that cannot be
// sealed has the reason as its result, and the others are committed.
func (s *tokens) CommitLeases(ctx context.Context, leases []*instagram.Lease) ([]error, error) {
	inner, ok := s.inner.(instagram.TokenLeaser)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	results := make([]error, len(leases))
	sealed := make([]*instagram.Lease, 0, len(leases))
	places := make([]int, 0, len(leases))
	for i, lease := range leases {
		if lease == nil {
			results[i] = errors.New("seal: a lease that is nil is not committed")
			continue
		}
		r, err := s.seal(lease.Record)
		if err != nil {
			results[i] = err
			continue
		}
		sealed = append(sealed, &instagram.Lease{Record: r, Fence: lease.Fence, Until: lease.Until})
		places = append(places, i)
	}
	of, err := inner.CommitLeases(ctx, sealed)
	for j, result := range of {
		results[places[j]] = result
	}
	return results, err
}

// ReleaseLeases implements [instagram.TokenLeaser].
func (s *tokens) ReleaseLeases(ctx context.Context, leases []*instagram.Lease) error {
	inner, ok := s.inner.(instagram.TokenLeaser)
	if !ok {
		return errors.ErrUnsupported
	}
	return inner.ReleaseLeases(ctx, leases)
}

// FindTokens implements [instagram.TokenFinder].
func (s *tokens) FindTokens(ctx context.Context, appID, appScopedID string) ([]instagram.TokenKey, error) {
	inner, ok := s.inner.(instagram.TokenFinder)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return inner.FindTokens(ctx, appID, appScopedID)
}

// ListTokens implements [instagram.TokenLister]. Records that cannot be opened
// are passed over and reported.
func (s *tokens) ListTokens(ctx context.Context, after instagram.TokenKey, n int) ([]*instagram.Record, error) {
	inner, ok := s.inner.(instagram.TokenLister)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	var opened []*instagram.Record
	for {
		asked := n - len(opened)
		records, err := inner.ListTokens(ctx, after, asked)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			after = r.Key
			is, err := s.open(r)
			if err != nil {
				s.report(r.Key, err)
				continue
			}
			opened = append(opened, is)
		}
		if len(records) < asked || len(opened) >= n {
			return opened, nil
		}
	}
}

// CountTokens implements [instagram.TokenCounter].
func (s *tokens) CountTokens(ctx context.Context, appID string) (instagram.TokenCounts, error) {
	inner, ok := s.inner.(instagram.TokenCounter)
	if !ok {
		return instagram.TokenCounts{}, errors.ErrUnsupported
	}
	return inner.CountTokens(ctx, appID)
}

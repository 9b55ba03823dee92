package filestore

// This file answers: how does one worker of all processes get a record for a while?

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/internal/index"
)

// LeaseDue implements [instagram.TokenLeaser].
func (s *Store) LeaseDue(ctx context.Context, appID string, n int, d time.Duration) ([]*instagram.Lease, error) {
	if err := checkLease(ctx, d); err != nil {
		return nil, err
	}
	if n < 1 {
		return nil, nil
	}
	if err := s.refresh(ctx, false); err != nil {
		return nil, err
	}
	var leases []*instagram.Lease
	for len(leases) < n {
		keys := s.reserve(appID, n-len(leases), d)
		if len(keys) == 0 {
			break
		}
		for i, k := range keys {
			lease, err := s.lease(ctx, k, d, true)
			switch {
			case err == nil:
				leases = append(leases, lease)
			case errors.Is(err, instagram.ErrTokenNotFound), errors.Is(err, instagram.ErrTokenLeased), errors.Is(err, errPassedOver):
				// another process was faster, or it cannot be read: the index knows now
			default:
				s.forgetReserved(keys[i:])
				_ = s.ReleaseLeases(context.WithoutCancel(ctx), leases)
				return nil, err
			}
		}
	}
	return leases, nil
}

// reserve returns keys that the index takes for due, and gives them to no other
// goroutine until their files have been looked at.
func (s *Store) reserve(appID string, n int, d time.Duration) []index.Key {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := s.index.Due(appID, index.Nanos(now), n)
	for _, k := range keys {
		s.setUntilLocked(k, index.Nanos(now.Add(d)))
	}
	return keys
}

func (s *Store) forgetReserved(keys []index.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range keys {
		s.setUntilLocked(k, 0) // if somebody holds it, who looks will see
	}
}

func (s *Store) setUntilLocked(k index.Key, until int64) {
	entries := s.shards[placeOf(instagram.TokenKey(k)).shard].entries
	if was, ok := entries[instagram.TokenKey(k)]; ok {
		is := was
		is.Until = until
		entries[instagram.TokenKey(k)] = is
		s.index.Replace(k, &was, &is)
	}
}

var errPassedOver = errors.New("the record is passed over")

// lease takes one record, if its files agree. With onlyDue it must be alive and due.
func (s *Store) lease(ctx context.Context, key index.Key, d time.Duration, onlyDue bool) (*instagram.Lease, error) {
	k := instagram.TokenKey(key)
	p := placeOf(k)
	h, err := s.lock(ctx, s.shards[p.shard])
	if err != nil {
		return nil, err
	}
	defer h.unlock()
	f, err := read(h.dir, p)
	if err != nil {
		if errors.Is(err, instagram.ErrTokenNotFound) {
			h.learn(k, nil)
			return nil, err
		}
		if unreadable(err) && onlyDue {
			h.passOver(k, err)
			return nil, errPassedOver
		}
		return nil, err
	}
	h.learn(k, f)
	now := time.Now().Round(0)
	if now.UnixNano() < f.until || onlyDue && f.entry().Due > index.Nanos(now) {
		return nil, instagram.ErrTokenLeased
	}
	f.fence, f.until, f.leased = nextFence(f.fence), index.Nanos(now.Add(d)), true
	if err := h.writeLease(p, f); err != nil {
		h.lookAgain()
		return nil, err
	}
	h.learn(k, f)
	return &instagram.Lease{Record: f.record, Fence: f.fence, Until: now.Add(d)}, nil
}

// writeLease writes the lease without waiting for the disk: after a loss of
// power there are no workers that could hold it.
func (h *held) writeLease(p place, f *stored) error {
	return replaceFile(h.dir, p.name+leaseSuffix, writeLease(f.fence, f.until, f.record.Revision), false, h.store.step)
}

// unreadable reports whether a file is at fault, and not the disk.
func unreadable(err error) bool {
	_, corrupt := errors.AsType[*CorruptError](err)
	_, permission := errors.AsType[*PermissionError](err)
	return corrupt || permission
}

// LeaseToken implements [instagram.TokenLeaser].
func (s *Store) LeaseToken(ctx context.Context, k instagram.TokenKey, d time.Duration) (*instagram.Lease, error) {
	if err := checkLease(ctx, d); err != nil {
		return nil, err
	}
	return s.lease(ctx, index.Key(k), d, false)
}

// CommitLeases implements [instagram.TokenLeaser]. A failure of the store is
// also the result of the leases that it hit.
func (s *Store) CommitLeases(ctx context.Context, leases []*instagram.Lease) ([]error, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	results := make([]error, len(leases))
	err := each(len(leases), func(i int) error {
		var failure error
		results[i], failure = s.commit(ctx, leases[i])
		return failure
	})
	return results, err
}

// commit returns the lease's result, and the same as failure when it is the store's fault.
func (s *Store) commit(ctx context.Context, lease *instagram.Lease) (result, failure error) {
	if lease == nil {
		return errors.New("a lease that is nil is not committed"), nil
	}
	if err := instagram.CheckSave(nil, lease.Record); err != nil {
		return err, nil
	}
	p := placeOf(lease.Record.Key)
	h, err := s.lock(ctx, s.shards[p.shard])
	if err != nil {
		return err, err
	}
	defer h.unlock()
	old, err := read(h.dir, p)
	switch {
	case errors.Is(err, instagram.ErrTokenNotFound):
		return instagram.ErrTokenSuperseded, nil
	case unreadable(err):
		return fmt.Errorf("%w: %w", instagram.ErrTokenSuperseded, err), nil
	case err != nil:
		return err, err
	case !old.heldUnder(lease):
		return instagram.ErrTokenSuperseded, nil
	}
	switch _, err := h.save(p, old, lease.Record); {
	case err == nil:
		return nil, nil
	case errors.Is(err, instagram.ErrTokenSuperseded), isFormat(err):
		return err, nil
	default:
		return err, err
	}
}

func isFormat(err error) bool {
	_, ok := errors.AsType[*instagram.TokenFormatError](err)
	return ok
}

// ReleaseLeases implements [instagram.TokenLeaser].
func (s *Store) ReleaseLeases(ctx context.Context, leases []*instagram.Lease) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return each(len(leases), func(i int) error {
		if leases[i] == nil || leases[i].Record == nil {
			return nil
		}
		return s.release(ctx, leases[i])
	})
}

func (s *Store) release(ctx context.Context, lease *instagram.Lease) error {
	p := placeOf(lease.Record.Key)
	h, err := s.lock(ctx, s.shards[p.shard])
	if err != nil {
		return err
	}
	defer h.unlock()
	f, err := read(h.dir, p)
	switch {
	case errors.Is(err, instagram.ErrTokenNotFound), unreadable(err):
		return nil
	case err != nil:
		return err
	case !f.heldUnder(lease) || f.until == 0:
		return nil
	}
	f.until = 0
	if err := h.announce(true); err != nil {
		return err
	}
	if err := h.writeLease(p, f); err != nil {
		h.lookAgain()
		return err
	}
	h.learn(lease.Record.Key, f)
	return nil
}

func checkLease(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if d <= 0 {
		return errors.New("filestore: a lease lasts longer than zero")
	}
	return nil
}

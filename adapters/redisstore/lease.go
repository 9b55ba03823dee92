package redisstore

// This file answers: how do many processes share the records that are due?

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/seed-922467ee/instagram"
)

var errLeaseTime = errors.New("the time of a lease must be positive")

// LeaseDue implements [instagram.TokenLeaser]. A record that cannot be read is
// passed over and not looked at again for a day; see [OnUnreadable].
func (s *Store) LeaseDue(ctx context.Context, appID string, n int, d time.Duration) ([]*instagram.Lease, error) {
	if d <= 0 {
		return nil, failed(ctx, "lease due tokens", appID, errLeaseTime)
	}
	if n < 1 {
		return nil, ctx.Err()
	}
	for {
		answer, err := s.run(ctx, s.leaseDue, appID, n, micros(d)).Slice()
		if err != nil {
			return nil, failed(ctx, "lease due tokens", appID, err)
		}
		leases, err := s.readable(ctx, appID, answer)
		if err != nil {
			return nil, failed(ctx, "lease due tokens", appID, err)
		}
		if len(leases) > 0 || len(answer) == 0 {
			return leases, nil
		}
	}
}

// readable returns the leases of records that can be read, and sets the others aside.
func (s *Store) readable(ctx context.Context, appID string, answer []any) ([]*instagram.Lease, error) {
	var leases, aside []*instagram.Lease
	for _, item := range answer {
		found, err := parseLease(appID, item)
		switch {
		case err != nil:
			return nil, err
		case found.corrupt != nil:
			s.report(found.corrupt)
			aside = append(aside, found.lease())
		default:
			leases = append(leases, found.lease())
		}
	}
	if err := s.endAll(ctx, aside, 24*time.Hour); err != nil {
		s.report(failed(ctx, "set aside", appID, err)) // they come back when their lease ends
	}
	return leases, nil
}

// LeaseToken implements [instagram.TokenLeaser].
func (s *Store) LeaseToken(ctx context.Context, k instagram.TokenKey, d time.Duration) (*instagram.Lease, error) {
	if d <= 0 {
		return nil, failed(ctx, "lease token", k.String(), errLeaseTime)
	}
	answer, err := s.run(ctx, s.leaseToken, k.AppID, k.AccountID, micros(d)).Result()
	switch {
	case err != nil:
	case answer == int64(0):
		err = instagram.ErrTokenNotFound
	case answer == int64(1):
		err = instagram.ErrTokenLeased
	default:
		var found *stored
		list, _ := answer.([]any)
		if len(list) != 1 {
			err = fmt.Errorf("a script answered with a %T", answer)
			break
		}
		if found, err = parseLease(k.AppID, list[0]); err == nil {
			if err = found.corrupt; err == nil {
				return found.lease(), nil
			}
		}
	}
	return nil, failed(ctx, "lease token", k.String(), err)
}

// parseLease reads what lease in common.lua returns: the account and the [fields].
func parseLease(appID string, answer any) (*stored, error) {
	values, _ := answer.([]any)
	if len(values) == 0 {
		return nil, fmt.Errorf("a script answered with a %T", answer)
	}
	account, _ := values[0].(string)
	found := parse(instagram.TokenKey{AppID: appID, AccountID: account}, values[1:])
	if found == nil {
		return nil, errors.New("a script answered with half a record")
	}
	return found, nil
}

// CommitLeases implements [instagram.TokenLeaser]: one round trip to read, and
// one for each app to write, whatever the number of leases.
func (s *Store) CommitLeases(ctx context.Context, leases []*instagram.Lease) ([]error, error) {
	results := make([]error, len(leases))
	var keys []instagram.TokenKey
	for _, l := range leases {
		if l != nil && l.Record != nil {
			keys = append(keys, l.Record.Key)
		}
	}
	found, err := s.loadAll(ctx, keys)
	if err != nil {
		return nil, failed(ctx, "commit leases", strconv.Itoa(len(leases)), err)
	}
	type batch struct {
		args []any
		at   []int // where in results the outcome of each change belongs
	}
	batches := make(map[string]*batch, 1)
	for i, l := range leases {
		args, err := check(found, l)
		if err != nil {
			results[i] = err
			continue
		}
		k := l.Record.Key
		delete(found, k) // the same lease again finds itself superseded
		b := batches[k.AppID]
		if b == nil {
			b = &batch{args: []any{mark()}}
			batches[k.AppID] = b
		}
		b.args, b.at = append(b.args, args...), append(b.at, i)
	}
	for appID, b := range batches {
		written, err := s.run(ctx, s.put, appID, b.args...).Int64Slice()
		if err != nil {
			return nil, failed(ctx, "commit leases", strconv.Itoa(len(leases)), err)
		}
		for j, i := range b.at {
			if written[j] == 0 {
				results[i] = instagram.ErrTokenSuperseded
			}
		}
	}
	return results, nil
}

// check returns what committing the lease changes, provided that the record is
// still as found has it; the script that writes sees to that.
func check(found map[instagram.TokenKey]*stored, l *instagram.Lease) ([]any, error) {
	if l == nil {
		return nil, instagram.CheckSave(nil, nil)
	}
	if err := instagram.CheckSave(nil, l.Record); err != nil {
		return nil, err
	}
	old := found[l.Record.Key]
	if old == nil || old.record.Revision != l.Record.Revision || old.fence != l.Fence {
		return nil, instagram.ErrTokenSuperseded
	}
	if err := instagram.CheckSave(old.record, l.Record); err != nil {
		return nil, err
	}
	return change(l.Record, old.record.Revision, old.record.Revision.Next(), strconv.FormatInt(l.Fence, 10))
}

// ReleaseLeases implements [instagram.TokenLeaser].
func (s *Store) ReleaseLeases(ctx context.Context, leases []*instagram.Lease) error {
	return failed(ctx, "release leases", strconv.Itoa(len(leases)), s.endAll(ctx, leases, 0))
}

// endAll makes leases that are not lost last for d from now; 0 ends them.
func (s *Store) endAll(ctx context.Context, leases []*instagram.Lease, d time.Duration) error {
	last := ""
	if d > 0 {
		last = strconv.FormatInt(micros(d), 10)
	}
	batches := make(map[string][]any, 1)
	for _, l := range leases {
		if l == nil || l.Record == nil {
			continue
		}
		k := l.Record.Key
		if batches[k.AppID] == nil {
			batches[k.AppID] = []any{last}
		}
		batches[k.AppID] = append(batches[k.AppID], k.AccountID, int64(l.Record.Revision), l.Fence)
	}
	for appID, args := range batches {
		if err := s.run(ctx, s.endLeases, appID, args...).Err(); err != nil {
			return err
		}
	}
	return ctx.Err()
}

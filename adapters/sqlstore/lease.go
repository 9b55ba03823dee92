package sqlstore

// This file answers: how do many processes share the records that are due?

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/seed-922467ee/instagram"
)

const (
	leaseDueSQL = `with due as (
			select {row} from {tokens}
			where app_id = $1 and wake_at <= {now} order by wake_at limit $2 {skip locked}
		)
		update {tokens} set fence = fence + 1, leased_until = {now} + $3 {us}
		where ({row}) in (select {row} from due)
		returning ` + columns

	leaseTokenSQL = `update {tokens} set fence = fence + 1, leased_until = {now} + $3 {us}
		where app_id = $1 and account_id = $2 and (leased_until is null or leased_until <= {now})
		returning ` + columns

	// A row that cannot be read is nobody's for a day, rather than in every batch.
	setAsideSQL = `update {tokens} set leased_until = {now} + $3 {us}
		where app_id = $1 and account_id = $2 and fence = $4`
)

// LeaseDue implements [instagram.TokenLeaser]. A row that cannot be read is
// passed over and not looked at again for a day; see [OnUnreadable].
//
// The longest due come first, and a record whose holder vanished counts as due
// since its lease ended.
func (s *Store) LeaseDue(ctx context.Context, appID string, n int, d time.Duration) ([]*instagram.Lease, error) {
	if d <= 0 {
		return nil, failed(ctx, "lease due tokens", appID, errLeaseTime)
	}
	if n < 1 || !storable(appID) {
		return nil, ctx.Err()
	}
	for {
		rows, err := s.writingQuery(ctx, leaseDueSQL, appID, n, micros(d))
		if err != nil {
			return nil, failed(ctx, "lease due tokens", appID, err)
		}
		leases := s.readable(ctx, rows)
		if len(leases) > 0 || len(rows) == 0 {
			return leases, nil
		}
	}
}

// readable returns the leases of rows that can be read, the longest due first,
// and sets the others aside.
func (s *Store) readable(ctx context.Context, rows []*row) []*instagram.Lease {
	// The database returns what it changed in any order.
	slices.SortStableFunc(rows, func(a, b *row) int {
		return cmp.Or(a.record.DueAt.Compare(b.record.DueAt), cmp.Compare(a.record.Key.AccountID, b.record.Key.AccountID))
	})
	var leases []*instagram.Lease
	for _, r := range rows {
		if r.corrupt == nil {
			leases = append(leases, r.lease())
			continue
		}
		s.report(r.corrupt)
		k := r.record.Key
		if _, err := s.exec(ctx, setAsideSQL, k.AppID, k.AccountID, micros(24*time.Hour), r.fence); err != nil {
			s.report(failed(ctx, "set aside", k.String(), err)) // it comes back when its lease ends
		}
	}
	return leases
}

// LeaseToken implements [instagram.TokenLeaser].
func (s *Store) LeaseToken(ctx context.Context, k instagram.TokenKey, d time.Duration) (*instagram.Lease, error) {
	if d <= 0 {
		return nil, failed(ctx, "lease token", k.String(), errLeaseTime)
	}
	if !storable(k.AppID) || !storable(k.AccountID) {
		return nil, failed(ctx, "lease token", k.String(), instagram.ErrTokenNotFound)
	}
	rows, err := s.writingQuery(ctx, leaseTokenSQL, k.AppID, k.AccountID, micros(d))
	switch {
	case err != nil:
		return nil, failed(ctx, "lease token", k.String(), err)
	case len(rows) == 0:
		if _, err := s.load(ctx, k); err != nil {
			return nil, failed(ctx, "lease token", k.String(), err)
		}
		return nil, failed(ctx, "lease token", k.String(), instagram.ErrTokenLeased)
	case rows[0].corrupt != nil:
		return nil, failed(ctx, "lease token", k.String(), rows[0].corrupt)
	}
	return rows[0].lease(), nil
}

var errLeaseTime = errors.New("the time of a lease must be positive")

func (r *row) lease() *instagram.Lease {
	return &instagram.Lease{Record: r.record, Fence: r.fence, Until: r.until.Time}
}

// micros returns d in microseconds, rounded up: no lease is shorter than asked for.
func micros(d time.Duration) int64 {
	return int64((d + time.Microsecond - 1) / time.Microsecond)
}

func (s *Store) writingQuery(ctx context.Context, statement string, args ...any) ([]*row, error) {
	done, err := s.write(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	return s.query(ctx, statement, args...)
}

// CommitLeases implements [instagram.TokenLeaser]: on PostgreSQL two
// statements, whatever the number of leases, on SQLite one transaction.
func (s *Store) CommitLeases(ctx context.Context, leases []*instagram.Lease) ([]error, error) {
	results := make([]error, len(leases))
	stored, err := s.loadAll(ctx, leases)
	if err != nil {
		return nil, failed(ctx, "commit leases", strconv.Itoa(len(leases)), err)
	}
	var batch []change
	var at []int // where in results the outcome of each change belongs
	for i, l := range leases {
		c, err := s.check(stored, l)
		if err != nil {
			results[i] = err
			continue
		}
		delete(stored, c.key) // the same lease again finds itself superseded
		batch, at = append(batch, c), append(at, i)
	}
	written, err := s.changeAll(ctx, commitOneSQL, commitAllSQL, batch)
	if err != nil {
		return nil, failed(ctx, "commit leases", strconv.Itoa(len(leases)), err)
	}
	for j, c := range batch {
		if !written[c.key] {
			results[at[j]] = instagram.ErrTokenSuperseded
		}
	}
	return results, nil
}

// check returns what committing the lease changes, provided that the row is
// still as stored has it; the statement that writes sees to that.
func (s *Store) check(stored map[instagram.TokenKey]*row, l *instagram.Lease) (change, error) {
	if l == nil {
		return change{}, instagram.CheckSave(nil, nil)
	}
	if err := instagram.CheckSave(nil, l.Record); err != nil {
		return change{}, err
	}
	old := stored[l.Record.Key]
	if old == nil || old.record.Revision != l.Record.Revision || old.fence != l.Fence {
		return change{}, instagram.ErrTokenSuperseded
	}
	if err := instagram.CheckSave(old.record, l.Record); err != nil {
		return change{}, err
	}
	values, err := s.values(l.Record, l.Record.Revision.Next())
	return change{key: l.Record.Key, values: append(values, int64(l.Record.Revision), l.Fence)}, err
}

// ReleaseLeases implements [instagram.TokenLeaser].
func (s *Store) ReleaseLeases(ctx context.Context, leases []*instagram.Lease) error {
	var batch []change
	for _, l := range leases {
		if l == nil || l.Record == nil || !storable(l.Record.Key.AppID) || !storable(l.Record.Key.AccountID) {
			continue
		}
		k := l.Record.Key
		batch = append(batch, change{key: k, values: []any{k.AppID, k.AccountID, int64(l.Record.Revision), l.Fence}})
	}
	_, err := s.changeAll(ctx, releaseOneSQL, releaseAllSQL, batch)
	return failed(ctx, "release leases", strconv.Itoa(len(leases)), err)
}

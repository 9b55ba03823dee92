package sqlstore

// This file answers: how are tokens loaded, saved, deleted, found, listed and counted?

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-922467ee/instagram"
)

const (
	loadSQL = `select ` + columns + ` from {tokens} where app_id = $1 and account_id = $2`

	insertSQL = `insert into {tokens} (app_id, account_id, revision, state, reason, fails, due_at,
		login, kind, app_scoped_id, granted_at, obtained_at, expires_at, token)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
		on conflict (app_id, account_id) do nothing`

	updateSQL = `update {tokens} set revision = $3, state = $4, reason = $5, fails = $6, due_at = $7,
		login = $8, kind = $9, app_scoped_id = $10, granted_at = $11, obtained_at = $12, expires_at = $13, token = $14,
		leased_until = null
		where app_id = $1 and account_id = $2 and revision = $15`

	deleteSQL = `delete from {tokens} where app_id = $1 and account_id = $2`

	findSQL = `select app_id, account_id from {tokens}
		where app_id = $1 and app_scoped_id = $2 and app_scoped_id <> '' order by account_id`

	listSQL = `select ` + columns + ` from {tokens}
		where (app_id, account_id) > ($1, $2) order by app_id, account_id limit $3`

	countSQL = `select state, count(*), count(*) filter (where state = 0 and due_at <= {now})
		from {tokens} where app_id = $1 group by state`
)

// LoadToken implements [instagram.TokenStore]. A row that cannot be read gives a [*CorruptError].
func (s *Store) LoadToken(ctx context.Context, k instagram.TokenKey) (*instagram.Record, error) {
	r, err := s.load(ctx, k)
	switch {
	case err != nil:
		return nil, failed(ctx, "load token", k.String(), err)
	case r.corrupt != nil:
		return nil, failed(ctx, "load token", k.String(), r.corrupt)
	}
	return r.record, nil
}

// SaveToken implements [instagram.TokenStore]. A nil error means that the
// database has confirmed the write, and that it outlives what the database outlives.
//
// It reads, applies [instagram.CheckSave], and writes under the condition that
// the row still has the revision it read, so that check and write are one step.
func (s *Store) SaveToken(ctx context.Context, r *instagram.Record, from instagram.Revision) (instagram.Revision, error) {
	if err := instagram.CheckSave(nil, r); err != nil {
		return 0, fmt.Errorf("sqlstore: save token: %w", err)
	}
	revision := from.Next()
	written, err := s.save(ctx, r, from, revision)
	if err == nil && !written {
		err = instagram.ErrTokenSuperseded
	}
	if err != nil {
		return 0, failed(ctx, "save token", r.Key.String(), err)
	}
	return revision, nil
}

func (s *Store) save(ctx context.Context, r *instagram.Record, from, to instagram.Revision) (written bool, err error) {
	values, err := s.values(r, to)
	if err != nil {
		return false, err
	}
	if from == 0 {
		n, err := s.exec(ctx, insertSQL, values...)
		return n == 1, err
	}
	old, err := s.load(ctx, r.Key)
	switch {
	case errors.Is(err, instagram.ErrTokenNotFound):
		return false, nil
	case err != nil:
		return false, err
	case old.record.Revision != from:
		return false, nil
	}
	if err := instagram.CheckSave(old.record, r); err != nil {
		return false, err
	}
	n, err := s.exec(ctx, updateSQL, append(values, int64(from))...)
	return n == 1, err
}

// DeleteToken implements [instagram.TokenStore].
func (s *Store) DeleteToken(ctx context.Context, k instagram.TokenKey) error {
	if !storable(k.AppID) || !storable(k.AccountID) {
		return ctx.Err()
	}
	_, err := s.exec(ctx, deleteSQL, k.AppID, k.AccountID)
	return failed(ctx, "delete token", k.String(), err)
}

// FindTokens implements [instagram.TokenFinder].
func (s *Store) FindTokens(ctx context.Context, appID, appScopedID string) ([]instagram.TokenKey, error) {
	if !storable(appID) {
		return nil, ctx.Err()
	}
	rows, err := s.db.QueryContext(ctx, s.sql(findSQL), appID, clean(appScopedID))
	if err != nil {
		return nil, failed(ctx, "find tokens", appID, err)
	}
	defer func() { _ = rows.Close() }()
	var keys []instagram.TokenKey
	for rows.Next() {
		var k instagram.TokenKey
		if err := rows.Scan(&k.AppID, &k.AccountID); err != nil {
			return nil, failed(ctx, "find tokens", appID, err)
		}
		keys = append(keys, k)
	}
	return keys, failed(ctx, "find tokens", appID, rows.Err())
}

// ListTokens implements [instagram.TokenLister], in the order of the keys'
// bytes. Rows that cannot be read are passed over; see [OnUnreadable].
func (s *Store) ListTokens(ctx context.Context, after instagram.TokenKey, n int) ([]*instagram.Record, error) {
	var records []*instagram.Record
	for len(records) < n {
		wanted := n - len(records)
		rows, err := s.query(ctx, listSQL, after.AppID, after.AccountID, wanted)
		if err != nil {
			return nil, failed(ctx, "list tokens after", after.String(), err)
		}
		for _, r := range rows {
			after = r.record.Key
			if r.corrupt != nil {
				s.report(r.corrupt)
				continue
			}
			records = append(records, r.record)
		}
		if len(rows) < wanted {
			break
		}
	}
	return records, ctx.Err()
}

// CountTokens implements [instagram.TokenCounter]. It reads an index and not
// the rows; of a million, that takes half a second.
func (s *Store) CountTokens(ctx context.Context, appID string) (instagram.TokenCounts, error) {
	counts := instagram.TokenCounts{ByState: map[instagram.RecordState]int{}}
	if !storable(appID) {
		return counts, ctx.Err()
	}
	rows, err := s.db.QueryContext(ctx, s.sql(countSQL), appID)
	if err != nil {
		return counts, failed(ctx, "count tokens", appID, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var state instagram.RecordState
		var n, due int
		if err := rows.Scan(&state, &n, &due); err != nil {
			return counts, failed(ctx, "count tokens", appID, err)
		}
		counts.ByState[state] = n
		counts.Due += due
	}
	return counts, failed(ctx, "count tokens", appID, rows.Err())
}

func (s *Store) load(ctx context.Context, k instagram.TokenKey) (*row, error) {
	if !storable(k.AppID) || !storable(k.AccountID) {
		return nil, instagram.ErrTokenNotFound
	}
	rows, err := s.query(ctx, loadSQL, k.AppID, k.AccountID)
	switch {
	case err != nil:
		return nil, err
	case len(rows) == 0:
		return nil, instagram.ErrTokenNotFound
	}
	return rows[0], nil
}

// query runs a statement that answers with rows.
func (s *Store) query(ctx context.Context, statement string, args ...any) (found []*row, err error) {
	rows, err := s.db.QueryContext(ctx, s.sql(statement), args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return nil, err
		}
		found = append(found, r)
	}
	return found, rows.Err()
}

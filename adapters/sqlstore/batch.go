package sqlstore

// This file answers: how are hundreds of rows changed at the price of one?

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/seed-922467ee/instagram"
)

// change is what one row of a batch is to become, if it is still as expected.
type change struct {
	key    instagram.TokenKey
	values []any // the first two are the key
}

// A batch has two statements: "one" for SQLite, whose parameters are the values
// of one change, and "all" for PostgreSQL, whose parameters are arrays with a
// value for each change.
const (
	commitOneSQL = updateSQL + ` and fence = $16`

	commitAllSQL = `update {tokens} t set revision = u.to_revision, state = u.state, reason = u.reason, fails = u.fails,
		due_at = u.due_at, login = u.login, kind = u.kind, app_scoped_id = u.app_scoped_id,
		granted_at = u.granted_at, obtained_at = u.obtained_at, expires_at = u.expires_at, token = u.token,
		leased_until = null
		from unnest($1::text[], $2::text[], $3::bigint[], $4::smallint[], $5::text[], $6::bigint[], $7::timestamptz[],
			$8::text[], $9::text[], $10::text[], $11::timestamptz[], $12::timestamptz[], $13::timestamptz[], $14::bytea[],
			$15::bigint[], $16::bigint[])
		as u (app_id, account_id, to_revision, state, reason, fails, due_at,
			login, kind, app_scoped_id, granted_at, obtained_at, expires_at, token,
			from_revision, fence)
		where t.app_id = u.app_id and t.account_id = u.account_id and t.revision = u.from_revision and t.fence = u.fence
		returning t.app_id, t.account_id`

	releaseOneSQL = `update {tokens} set leased_until = null
		where app_id = $1 and account_id = $2 and revision = $3 and fence = $4`

	releaseAllSQL = `update {tokens} t set leased_until = null
		from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) as u (app_id, account_id, revision, fence)
		where t.app_id = u.app_id and t.account_id = u.account_id and t.revision = u.revision and t.fence = u.fence
		returning t.app_id, t.account_id`

	loadEachSQL = `select ` + columns + ` from {tokens}
		where (app_id, account_id) in (select value ->> 0, value ->> 1 from json_each($1))`

	loadAllSQL = `select ` + columns + ` from {tokens}
		where (app_id, account_id) in (select * from unnest($1::text[], $2::text[]))`
)

// changeAll makes all changes or, with an error, none. It returns the keys of
// the rows that were as expected.
func (s *Store) changeAll(ctx context.Context, one, all string, batch []change) (map[instagram.TokenKey]bool, error) {
	changed := make(map[instagram.TokenKey]bool, len(batch))
	switch {
	case len(batch) == 0:
		return changed, ctx.Err()
	case s.dia == sqlite:
		return changed, s.changeEach(ctx, one, batch, changed)
	}
	arrays, err := transpose(batch)
	if err != nil {
		return nil, err
	}
	rows, err := s.db.QueryContext(ctx, s.sql(all), arrays...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var k instagram.TokenKey
		if err := rows.Scan(&k.AppID, &k.AccountID); err != nil {
			return nil, err
		}
		changed[k] = true
	}
	return changed, rows.Err()
}

// changeEach makes the changes in one transaction, which waits for the disk once.
func (s *Store) changeEach(ctx context.Context, statement string, batch []change, changed map[instagram.TokenKey]bool) error {
	done, err := s.write(ctx)
	if err != nil {
		return err
	}
	defer done()
	tx, err := s.db.BeginTx(ctx, nil) // its first statement writes, and so takes the writer's place at once
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	each, err := tx.PrepareContext(ctx, s.sql(statement))
	if err != nil {
		return err
	}
	defer func() { _ = each.Close() }()
	for _, c := range batch {
		res, err := each.ExecContext(ctx, c.values...)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return err
		}
		if n == 1 {
			changed[c.key] = true
		}
	}
	return tx.Commit()
}

// loadAll returns the stored rows of all leases by their keys.
func (s *Store) loadAll(ctx context.Context, leases []*instagram.Lease) (map[instagram.TokenKey]*row, error) {
	stored := make(map[instagram.TokenKey]*row, len(leases))
	var keys []change
	var pairs [][2]string
	for _, l := range leases {
		if l != nil && l.Record != nil && storable(l.Record.Key.AppID) && storable(l.Record.Key.AccountID) {
			k := l.Record.Key
			keys = append(keys, change{key: k, values: []any{k.AppID, k.AccountID}})
			pairs = append(pairs, [2]string{k.AppID, k.AccountID})
		}
	}
	if len(keys) == 0 {
		return stored, ctx.Err()
	}
	statement := loadAllSQL
	args, err := transpose(keys)
	if s.dia == sqlite {
		statement = loadEachSQL
		var text []byte
		text, err = json.Marshal(pairs)
		args = []any{string(text)}
	}
	if err != nil {
		return nil, err
	}
	rows, err := s.query(ctx, statement, args...)
	for _, r := range rows {
		stored[r.record.Key] = r
	}
	return stored, err
}

// transpose makes of changes, each a row of values, PostgreSQL arrays, each a
// column of values. They are written as text, which every driver passes on.
func transpose(batch []change) ([]any, error) {
	arrays := make([]any, len(batch[0].values))
	for column := range arrays {
		var b []byte
		var err error
		for i, c := range batch {
			b = append(b, "{,"[min(i, 1)])
			if b, err = appendElement(b, c.values[column]); err != nil {
				return nil, err
			}
		}
		arrays[column] = string(append(b, '}'))
	}
	return arrays, nil
}

func appendElement(b []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case nil:
		return append(b, "null"...), nil
	case int64:
		return strconv.AppendInt(b, v, 10), nil
	case time.Time:
		return v.AppendFormat(b, `"2006-01-02T15:04:05.999999Z07:00"`), nil
	case []byte: // \x and hex digits, the backslash doubled as in every array
		b = append(b, `"\\x`...)
		return append(hex.AppendEncode(b, v), '"'), nil
	case string:
		b = append(b, '"')
		for i := range len(v) {
			if v[i] == '"' || v[i] == '\\' {
				b = append(b, '\\')
			}
			b = append(b, v[i])
		}
		return append(b, '"'), nil
	}
	return nil, fmt.Errorf("a %T is no element of an array", value)
}

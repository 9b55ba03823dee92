package sqlstore

// This file answers: how do the tables come to be, and become what a newer
// version of this package needs?

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"hash/fnv"
)

// migrations holds, for each dialect, one file for each version of the tables.
// A file that was released does not change any more; what follows is a new one.
//
//go:embed schema
var migrations embed.FS

// migrate brings the tables to the newest version, under a lock that makes
// other processes wait. When there is nothing to do it locks nothing, so that
// a role without the right to create tables may open the store.
func (s *Store) migrate(ctx context.Context) error {
	files, err := migrations.ReadDir("schema/" + string(s.dia))
	if err != nil {
		return err
	}
	version, err := s.version(ctx, s.db)
	switch {
	case err != nil:
		return err
	case version == len(files):
		return nil
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return s.locked(ctx, conn, func(tx querier) error {
		version, err := s.version(ctx, tx) // again: another process may have been first
		if err != nil {
			return err
		}
		if version > len(files) {
			return fmt.Errorf("%w: its tables have version %d, this program knows %d: deploy a newer program", ErrSetup, version, len(files))
		}
		for _, file := range files[version:] {
			text, err := migrations.ReadFile("schema/" + string(s.dia) + "/" + file.Name())
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, s.sql(string(text))); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, s.sql(`update {schema} set version = $1`), len(files))
		return err
	})
}

// querier is a database, one of its connections, or a transaction.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// version returns the version of the tables; 0: there are none.
func (s *Store) version(ctx context.Context, q querier) (version int, err error) {
	exists := `select count(*) from sqlite_master where type = 'table' and name = '{schema}'`
	if s.dia == postgres { // the first schema of the search path that has it, as every other statement
		exists = `select case when to_regclass('{schema}') is null then 0 else 1 end`
	}
	var n int
	if err := q.QueryRowContext(ctx, s.sql(exists)).Scan(&n); err != nil || n == 0 {
		return 0, err
	}
	err = q.QueryRowContext(ctx, s.sql(`select version from {schema}`)).Scan(&version)
	return version, err
}

// locked runs do in a transaction that no other process has at the same time,
// and in which the table of the version exists.
func (s *Store) locked(ctx context.Context, conn *sql.Conn, do func(tx querier) error) (err error) {
	begin := `begin immediate` // takes SQLite's one place for a writer
	if s.dia == postgres {     // must see what the last holder of the lock wrote
		begin = `begin isolation level read committed`
	}
	if _, err := conn.ExecContext(ctx, begin); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_, _ = conn.ExecContext(context.WithoutCancel(ctx), `rollback`)
		}
	}()
	if s.dia == postgres {
		h := fnv.New64a()
		_, _ = h.Write([]byte(s.sql("{schema}")))
		if _, err := conn.ExecContext(ctx, `select pg_advisory_xact_lock($1)`, int64(h.Sum64())); err != nil { //nolint:gosec // any 64 bits will do
			return err
		}
	}
	if _, err := conn.ExecContext(ctx, s.sql(`create table if not exists {schema} (version integer not null)`)); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, s.sql(`insert into {schema} select 0 where not exists (select 1 from {schema})`)); err != nil {
		return err
	}
	if err := do(conn); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, `commit`)
	return err
}

package sqlstore

// This file answers: in what do SQLite and PostgreSQL differ?

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
)

type dialect string

const (
	sqlite   dialect = "sqlite"
	postgres dialect = "postgres"
)

// words returns what the placeholders in this package's statements stand for:
// {tokens}, {states} and {schema} are tables, {now} is the database's clock,
// {us} makes a number of microseconds an interval to add to it, {skip locked}
// passes over rows that another transaction holds, {row} names a row inside one
// statement: SQLite finds it so without the index of the key, which among a
// million rows costs a page of the disk for each. $1 is a parameter.
func (d dialect) words(prefix string) *strings.Replacer {
	pairs := []string{"{tokens}", prefix + "tokens", "{states}", prefix + "states", "{schema}", prefix + "schema"}
	if d == sqlite { // ?1 rather than $1, which some drivers take for a name
		return strings.NewReplacer(append(pairs,
			"{now}", "cast(unixepoch('subsec') * 1000000 as integer)", "{us}", "", "{skip locked}", "", "{row}", "rowid", "$", "?")...)
	}
	return strings.NewReplacer(append(pairs,
		"{now}", "now()", "{us}", "* interval '1 microsecond'", "{skip locked}", "for update skip locked", "{row}", "app_id, account_id")...)
}

// time returns t as a column keeps it, to the microsecond; zero is null, and a
// time outside the years 1 to 9999 becomes the nearest inside.
func (d dialect) time(t time.Time) any {
	first, last := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	switch {
	case t.IsZero():
		return nil
	case t.Before(first):
		t = first
	case t.After(last):
		t = last
	}
	if d == sqlite {
		return t.UnixMicro()
	}
	return t.Truncate(time.Microsecond).UTC()
}

// instant reads what [dialect.time] wrote.
type instant struct{ time.Time }

// Scan implements [sql.Scanner].
func (i *instant) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		i.Time = time.Time{}
	case int64:
		i.Time = time.UnixMicro(v).UTC()
	case time.Time:
		i.Time = v.UTC()
	default:
		return fmt.Errorf("a %T is no time", src)
	}
	return nil
}

// detect asks the database what it is. SQLite knows no version(), and says so
// without writing to any log; PostgreSQL would log a question it does not know.
func detect(ctx context.Context, db *sql.DB) (dialect, error) {
	var version string
	err := db.QueryRowContext(ctx, `select version()`).Scan(&version)
	if err == nil {
		if strings.HasPrefix(version, "PostgreSQL ") {
			return postgres, nil
		}
		return "", fmt.Errorf("%w: it is %q, neither SQLite nor PostgreSQL", ErrSetup, version)
	}
	if db.QueryRowContext(ctx, `select sqlite_version()`).Scan(&version) == nil {
		return sqlite, nil
	}
	return "", err
}

// check says what about the database or the way it was opened would lose
// tokens or fail under load.
func (d dialect) check(ctx context.Context, db *sql.DB, lossy bool) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if d == postgres {
		return checkPostgres(ctx, conn, lossy)
	}
	return checkSQLite(ctx, conn, lossy)
}

func checkPostgres(ctx context.Context, conn *sql.Conn, lossy bool) error {
	var version int
	var isolation, synchronous string
	err := conn.QueryRowContext(ctx, `select current_setting('server_version_num')::int,
		current_setting('default_transaction_isolation'), current_setting('synchronous_commit')`).
		Scan(&version, &isolation, &synchronous)
	switch {
	case err != nil:
		return err
	case version < 120000:
		return fmt.Errorf("%w: PostgreSQL is older than 12, which brought generated columns", ErrSetup)
	case isolation != "read committed":
		return fmt.Errorf("%w: default_transaction_isolation is %q: under it workers fail who want the same rows; open it with read committed",
			ErrSetup, isolation)
	case synchronous == "off" && !lossy:
		return fmt.Errorf("%w: synchronous_commit is off: a crash of the server loses tokens; turn it on, or pass AllowLossOnPowerCut", ErrSetup)
	}
	return nil
}

func checkSQLite(ctx context.Context, conn *sql.Conn, lossy bool) error {
	var clock sql.NullFloat64
	if err := conn.QueryRowContext(ctx, `select unixepoch('subsec')`).Scan(&clock); err != nil || !clock.Valid {
		return fmt.Errorf("%w: SQLite is older than 3.42, whose clock has no milliseconds", ErrSetup)
	}
	var journal string
	var busyTimeout, synchronous int
	for pragma, value := range map[string]any{"journal_mode": &journal, "busy_timeout": &busyTimeout, "synchronous": &synchronous} {
		if err := conn.QueryRowContext(ctx, "pragma "+pragma).Scan(value); err != nil {
			return err
		}
	}
	switch {
	case journal == "memory":
		return fmt.Errorf("%w: it is in memory only: open a file, or use instagram.NewMemoryStore", ErrSetup)
	case journal != "wal":
		return fmt.Errorf("%w: its journal mode is %q: open it with _pragma=journal_mode(WAL)", ErrSetup, journal)
	case busyTimeout == 0:
		return fmt.Errorf("%w: writers do not wait for each other: open it with _pragma=busy_timeout(10000)", ErrSetup)
	case synchronous < 2 && !lossy:
		return fmt.Errorf("%w: a power cut loses tokens: open it with _pragma=synchronous(FULL), or pass AllowLossOnPowerCut", ErrSetup)
	}
	return nil
}

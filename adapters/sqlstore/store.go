package sqlstore

// This file answers: how does a caller's database become a store?

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"strings"

	"github.com/seed-922467ee/instagram"
)

// ErrSetup means that the database cannot keep tokens as it is: it is of another kind or
// too old, was opened without what [Open] asks for, or has tables of a newer
// version of this package. The text says what to change.
var ErrSetup = errors.New("the database is not set up for a token store")

// CorruptError says that a row's token is not what this package has written.
// Saving under the row's revision, or DeleteToken, removes it, so that the
// account can log in anew. Other rows are not touched by it.
type CorruptError struct {
	Key instagram.TokenKey
	Err error // what is wrong, without what the row holds
}

// Error names the row and says what is wrong with it.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("sqlstore: row %q: %v", e.Key.String(), e.Err)
}

// Unwrap returns Err.
func (e *CorruptError) Unwrap() error { return e.Err }

// Store keeps tokens and login states in the tables of a database. It is safe
// for concurrent use by any number of goroutines and processes.
type Store struct {
	db  *sql.DB
	dia dialect
	// sql puts this store's table names and the words of its dialect into a statement.
	sql func(statement string) string
	// report is called with each [*CorruptError] that is passed over.
	report func(error)
	// writing holds a place for each statement that may write at once; nil: any
	// number. SQLite has one writer, and queueing here is fairer than its retries.
	writing chan struct{}
}

var (
	_ instagram.TokenStore   = (*Store)(nil)
	_ instagram.TokenLeaser  = (*Store)(nil)
	_ instagram.TokenFinder  = (*Store)(nil)
	_ instagram.TokenLister  = (*Store)(nil)
	_ instagram.TokenCounter = (*Store)(nil)
	_ instagram.StateStore   = (*Store)(nil)
)

// Option changes how [Open] sets up a store.
type Option func(*options)

type options struct {
	prefix     string
	lossy      bool
	report     func(error)
	complaints []error
}

// WithTablePrefix sets what the names of all tables and indexes begin with, so
// that several stores share a database. It has up to 32 lower-case letters,
// digits and underscores, and does not begin with a digit. Without this option
// it is "instagram_".
func WithTablePrefix(prefix string) Option {
	return func(o *options) {
		if !regexp.MustCompile(`^[a-z_][a-z0-9_]{0,31}$`).MatchString(prefix) {
			o.complaints = append(o.complaints, fmt.Errorf("table prefix %q: up to 32 of a-z, 0-9 and _, no digit first", prefix))
		}
		o.prefix = prefix
	}
}

// AllowLossOnPowerCut lets [Open] take a database that confirms a write before
// it is on the disk (SQLite: synchronous below FULL; PostgreSQL:
// synchronous_commit = off). Writes are faster then, and the last ones, tokens
// just refreshed or just logged in, may be gone after a power cut.
func AllowLossOnPowerCut() Option {
	return func(o *options) { o.lossy = true }
}

// OnUnreadable sets what is called with the [*CorruptError] of a row that is
// passed over, each time LeaseDue or ListTokens meets it; for LeaseDue that is
// once a day. It must not call the store. Default: [slog.Default] logs it.
func OnUnreadable(report func(error)) Option {
	return func(o *options) {
		if report != nil {
			o.report = report
		}
	}
}

// Open returns the store in db, which stays the caller's to close. It finds
// out whether db is SQLite or PostgreSQL, checks what the package comment asks
// for, and creates or upgrades the tables; any number of processes may do so
// at once. A role that may not create tables can open a store whose tables
// another role has made. Errors about the database's state match [ErrSetup].
func Open(ctx context.Context, db *sql.DB, opts ...Option) (*Store, error) {
	o := options{prefix: "instagram_", report: func(err error) { slog.Default().Error("sqlstore: a row is passed over", slog.Any("error", err)) }}
	for _, opt := range opts {
		opt(&o)
	}
	if db == nil {
		o.complaints = append(o.complaints, errors.New("no database was given"))
	}
	if err := errors.Join(o.complaints...); err != nil {
		return nil, fmt.Errorf("sqlstore: open: %w", err)
	}
	dia, err := detect(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("sqlstore: open: %w", err)
	}
	s := &Store{db: db, dia: dia, sql: dia.words(o.prefix).Replace, report: o.report}
	if dia == sqlite {
		s.writing = make(chan struct{}, 1)
	}
	if err := dia.check(ctx, db, o.lossy); err != nil {
		return nil, fmt.Errorf("sqlstore: open: %w", err)
	}
	if err := s.migrate(ctx); err != nil {
		return nil, fmt.Errorf("sqlstore: open: create or upgrade tables: %w", err)
	}
	return s, nil
}

// exec runs one statement that writes and returns how many rows it touched.
func (s *Store) exec(ctx context.Context, statement string, args ...any) (int64, error) {
	done, err := s.write(ctx)
	if err != nil {
		return 0, err
	}
	defer done()
	res, err := s.db.ExecContext(ctx, s.sql(statement), args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// write waits for its turn to write; done ends the turn.
func (s *Store) write(ctx context.Context) (done func(), err error) {
	if s.writing == nil {
		return func() {}, ctx.Err()
	}
	select {
	case s.writing <- struct{}{}:
		return func() { <-s.writing }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// failed says what was being done when the database failed. Drivers answer a
// context that ended with errors of their own now and then; the context's come first.
func failed(ctx context.Context, op, what string, err error) error {
	if err == nil {
		return nil
	}
	if over := ctx.Err(); over != nil {
		for _, e := range []error{context.Cause(ctx), over} {
			if !errors.Is(err, e) {
				err = fmt.Errorf("%w: %w", e, err)
			}
		}
	}
	if what != "" {
		op += " " + strconv.Quote(what)
	}
	return fmt.Errorf("sqlstore: %s: %w", op, err)
}

// storable reports whether a row with this ID can exist. PostgreSQL fails when
// asked for others.
func storable(id string) bool {
	return id != "" && !strings.Contains(id, "\x00") && strings.ToValidUTF8(id, "") == id
}

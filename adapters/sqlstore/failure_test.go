package sqlstore

// This file answers: what happens when rows are corrupt, calls are cancelled,
// and how often is the database asked?

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
)

const canary = "IGAAcanarycanary"

func TestCorruptRows(t *testing.T) {
	for name, home := range homes() {
		t.Run(name, func(t *testing.T) {
			h := home(t)
			var reported []error
			s, err := Open(t.Context(), h.db(t), WithTablePrefix(h.prefix), OnUnreadable(func(err error) { reported = append(reported, err) }))
			require.NoError(t, err)
			ctx := t.Context()
			var revs [3]instagram.Revision
			for i := range revs {
				revs[i], err = s.SaveToken(ctx, record(strconv.Itoa(i), canary), 0)
				require.NoError(t, err)
			}
			bad := record("1", canary)
			_, err = s.exec(ctx, `update {tokens} set token = $3 where app_id = $1 and account_id = $2`,
				"app", "1", []byte(`{"access_token":"`+canary+`"`))
			require.NoError(t, err)

			_, err = s.LoadToken(ctx, bad.Key)
			require.ErrorAs(t, err, new(*CorruptError))
			assert.NotContains(t, err.Error(), canary)
			leases, err := s.LeaseDue(ctx, "app", 10, time.Minute)
			require.NoError(t, err)
			assert.Len(t, leases, 2, "a corrupt row does not hold up the others")
			require.NoError(t, s.ReleaseLeases(ctx, leases))
			listed, err := s.ListTokens(ctx, instagram.TokenKey{}, 2)
			require.NoError(t, err)
			assert.Len(t, listed, 2)
			require.Len(t, reported, 2)
			for _, err := range reported {
				corrupt, ok := errors.AsType[*CorruptError](err)
				require.True(t, ok)
				assert.Equal(t, bad.Key, corrupt.Key)
				assert.NotContains(t, err.Error(), canary)
			}
			r, err := s.load(ctx, bad.Key)
			require.NoError(t, err)
			assert.Greater(t, time.Until(r.until.Time), 23*time.Hour, "it is set aside for a day")

			_, err = s.SaveToken(ctx, bad, revs[1])
			require.NoError(t, err, "a new login heals it")
			leases, err = s.LeaseDue(ctx, "app", 10, time.Minute)
			require.NoError(t, err)
			assert.Len(t, leases, 3)
		})
	}
}

// tripCounter counts the statements that pgx sends.
type tripCounter struct{ n atomic.Int64 }

func (c *tripCounter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	c.n.Add(1)
	return ctx
}

func (c *tripCounter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (c *tripCounter) TracePrepareStart(ctx context.Context, _ *pgx.Conn, _ pgx.TracePrepareStartData) context.Context {
	c.n.Add(1)
	return ctx
}

func (c *tripCounter) TracePrepareEnd(context.Context, *pgx.Conn, pgx.TracePrepareEndData) {}

func TestRoundTripsOfABatch(t *testing.T) {
	h := postgresHome(t)
	cfg, err := pgx.ParseConfig(h.dsn)
	require.NoError(t, err)
	trips := &tripCounter{}
	cfg.Tracer = trips
	db := stdlib.OpenDB(*cfg)
	defer func() { _ = db.Close() }()
	s, err := Open(t.Context(), db, WithTablePrefix(h.prefix))
	require.NoError(t, err)
	for i := range 200 {
		_, err := s.SaveToken(t.Context(), record(strconv.Itoa(i), canary), 0)
		require.NoError(t, err)
	}
	trips.n.Store(0)
	leases, err := s.LeaseDue(t.Context(), "app", 200, time.Minute)
	require.NoError(t, err)
	require.Len(t, leases, 200)
	results, err := s.CommitLeases(t.Context(), leases)
	require.NoError(t, err)
	for _, err := range results {
		require.NoError(t, err)
	}
	t.Logf("%d round trips for 200 refreshes, preparing included", trips.n.Load())
	assert.LessOrEqual(t, trips.n.Load(), int64(10))
}

// TestWaitEndsWithTheContext holds the place of SQLite's one writer, and a row
// of PostgreSQL, and sees who waits how long.
func TestWaitEndsWithTheContext(t *testing.T) {
	for name, home := range homes() {
		t.Run(name, func(t *testing.T) {
			h := home(t)
			s, other := h.open(t), h.db(t)
			r := record("1", canary)
			rev, err := s.SaveToken(t.Context(), r, 0)
			require.NoError(t, err)
			tx, err := other.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			defer func() { _ = tx.Rollback() }()
			_, err = tx.Exec(s.sql(`update {tokens} set reason = 'held'`))
			require.NoError(t, err)

			ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, errors.New("shutdown"))
			defer cancel()
			start := time.Now()
			_, err = s.SaveToken(ctx, r, rev)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.ErrorIs(t, err, context.Cause(ctx))
			assert.NotContains(t, err.Error(), canary)
			assert.Less(t, time.Since(start), 5*time.Second)
			require.NoError(t, tx.Rollback())
			// Whether the save that was given up has come through is open, as after
			// a lost answer: PostgreSQL may hear of the lock's end before the context's.
			require.EventuallyWithT(t, func(c *assert.CollectT) {
				now, err := s.LoadToken(t.Context(), r.Key)
				require.NoError(c, err)
				_, err = s.SaveToken(t.Context(), r, now.Revision)
				require.NoError(c, err)
			}, 10*time.Second, 10*time.Millisecond)
		})
	}
}

func TestErrorsKeepSecrets(t *testing.T) {
	for name, home := range homes() {
		t.Run(name, func(t *testing.T) {
			s := home(t).open(t)
			r := record("1", canary)
			_, err := s.SaveToken(t.Context(), r, 0)
			require.NoError(t, err)
			leases, err := s.LeaseDue(t.Context(), "app", 1, time.Minute)
			require.NoError(t, err)
			// What an operator may do: a table that refuses rows, then none at all.
			for _, statement := range []string{
				`alter table {tokens} rename column token to gone`,
				`drop table {tokens}`,
			} {
				_, err = s.db.Exec(s.sql(statement))
				require.NoError(t, err)
				_, saveErr := s.SaveToken(t.Context(), r, 0)
				_, commitErr := s.CommitLeases(t.Context(), leases)
				_, leaseErr := s.LeaseDue(t.Context(), "app", 1, time.Minute)
				_, loadErr := s.LoadToken(t.Context(), r.Key)
				for _, err := range []error{saveErr, commitErr, leaseErr, loadErr} {
					require.Error(t, err)
					assert.NotContains(t, err.Error(), "canary")
					require.NotErrorIs(t, err, sql.ErrNoRows)
					require.NotErrorIs(t, err, instagram.ErrTokenNotFound, "a broken store is not an empty one")
				}
			}
		})
	}
}

package sqlstore

// This file answers: on which databases do the tests run?

import (
	"crypto/rand"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"
)

const postgresEnv = "INSTAGRAM_TEST_POSTGRES"

// home is a database of its own for one test, which any number of stores may open.
type home struct {
	driver, dsn, prefix string
}

func (h home) db(tb testing.TB) *sql.DB {
	tb.Helper()
	db, err := sql.Open(h.driver, h.dsn)
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = db.Close() })
	return db
}

func (h home) open(tb testing.TB) *Store {
	tb.Helper()
	s, err := Open(tb.Context(), h.db(tb), WithTablePrefix(h.prefix))
	require.NoError(tb, err)
	return s
}

const durable = "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"

func sqliteHome(tb testing.TB) home {
	tb.Helper()
	return home{driver: "sqlite", dsn: "file:" + filepath.Join(tb.TempDir(), "tokens.db") + durable, prefix: "instagram_"}
}

func postgresHome(tb testing.TB) home {
	tb.Helper()
	dsn := os.Getenv(postgresEnv)
	if dsn == "" {
		tb.Skip(postgresEnv + ` is not set: env=$(adapters/services.sh) && eval "$env"`)
	}
	h := home{driver: "pgx", dsn: dsn, prefix: "t_" + strings.ToLower(rand.Text()[:12]) + "_"}
	tb.Cleanup(func() {
		db, err := sql.Open(h.driver, h.dsn)
		require.NoError(tb, err)
		defer func() { _ = db.Close() }()
		for _, table := range []string{"tokens", "states", "schema"} {
			_, err := db.Exec("drop table if exists " + h.prefix + table)
			require.NoError(tb, err)
		}
	})
	return h
}

// homes are the databases that every test of this package is run on.
func homes() map[string]func(tb testing.TB) home {
	return map[string]func(tb testing.TB) home{"SQLite": sqliteHome, "PostgreSQL": postgresHome}
}

package sqlstore

// This file answers: does Open make the tables once, and say what is wrong with a database?

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
)

func TestOpenAtOnce(t *testing.T) {
	for name, home := range homes() {
		t.Run(name, func(t *testing.T) {
			h := home(t)
			const n = 16
			errs := make([]error, n)
			var wg sync.WaitGroup
			for i := range n {
				db := h.db(t) // a pool of its own, as another process has
				wg.Go(func() { _, errs[i] = Open(t.Context(), db, WithTablePrefix(h.prefix)) })
			}
			wg.Wait()
			for _, err := range errs {
				require.NoError(t, err)
			}
			s := h.open(t)
			version, err := s.version(t.Context(), s.db)
			require.NoError(t, err)
			assert.Equal(t, 1, version)
		})
	}
}

func TestOpenOverNewerTables(t *testing.T) {
	for name, home := range homes() {
		t.Run(name, func(t *testing.T) {
			h := home(t)
			s := h.open(t)
			_, err := s.db.Exec(s.sql(`update {schema} set version = 99`))
			require.NoError(t, err)
			_, err = Open(t.Context(), s.db, WithTablePrefix(h.prefix))
			require.ErrorIs(t, err, ErrSetup)
			assert.ErrorContains(t, err, "version 99")
		})
	}
}

func TestOpenAfterHalfAMigration(t *testing.T) {
	for name, home := range homes() {
		t.Run(name, func(t *testing.T) {
			h := home(t)
			db := h.db(t)
			// A table in the way makes the migration fail in the middle.
			_, err := db.Exec(`create table ` + h.prefix + `states (id int)`)
			require.NoError(t, err)
			_, err = Open(t.Context(), db, WithTablePrefix(h.prefix))
			require.Error(t, err)
			_, err = db.Exec(`drop table ` + h.prefix + `states`)
			require.NoError(t, err)
			_, err = Open(t.Context(), db, WithTablePrefix(h.prefix))
			require.NoError(t, err, "nothing of the first attempt is left")
		})
	}
}

func TestStoresShareADatabase(t *testing.T) {
	for name, home := range homes() {
		t.Run(name, func(t *testing.T) {
			h := home(t)
			one := h.open(t)
			h2 := h
			h2.prefix += "two_"
			two := h2.open(t)
			t.Cleanup(func() {
				for _, table := range []string{"{tokens}", "{states}", "{schema}"} {
					_, err := h2.db(t).Exec(two.sql("drop table " + table))
					require.NoError(t, err)
				}
			})
			r := record("1", "one")
			_, err := one.SaveToken(t.Context(), r, 0)
			require.NoError(t, err)
			_, err = two.LoadToken(t.Context(), r.Key)
			require.ErrorIs(t, err, instagram.ErrTokenNotFound)
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	fast := strings.Replace(durable, "FULL", "NORMAL", 1)
	tests := map[string]struct {
		pragmas string
		opts    []Option
		setup   bool
		says    string
	}{
		"a journal that blocks readers":   {"?_pragma=busy_timeout(1000)", nil, true, "_pragma=journal_mode(WAL)"},
		"writers that do not wait":        {"?_pragma=journal_mode(WAL)", nil, true, "_pragma=busy_timeout(10000)"},
		"writes that are not on the disk": {fast, nil, true, "_pragma=synchronous(FULL)"},
		"a database in memory":            {durable + "&mode=memory", nil, true, "instagram.NewMemoryStore"},
		"a prefix that is no name":        {durable, []Option{WithTablePrefix(`a"; drop table x; --`)}, false, "table prefix"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "tokens.db")+tc.pragmas)
			require.NoError(t, err)
			defer func() { _ = db.Close() }()
			_, err = Open(t.Context(), db, tc.opts...)
			require.ErrorContains(t, err, tc.says)
			assert.Equal(t, tc.setup, errors.Is(err, ErrSetup))
		})
	}
	_, err := Open(t.Context(), nil)
	require.ErrorContains(t, err, "no database")

	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "tokens.db")+fast)
	require.NoError(t, err)
	defer func() { _ = db.Close() }()
	_, err = Open(t.Context(), db, AllowLossOnPowerCut())
	require.NoError(t, err)
}

func TestOpenRefusesPostgres(t *testing.T) {
	for setting, says := range map[string]string{
		"synchronous_commit=off":                          "AllowLossOnPowerCut",
		"default_transaction_isolation=serializable":      "read committed",
		"default_transaction_isolation=repeatable%20read": "read committed",
	} {
		t.Run(setting, func(t *testing.T) {
			h := postgresHome(t)
			h.dsn += "&" + setting
			_, err := Open(t.Context(), h.db(t), WithTablePrefix(h.prefix))
			require.ErrorIs(t, err, ErrSetup)
			assert.ErrorContains(t, err, says)
		})
	}
	h := postgresHome(t)
	h.dsn += "&synchronous_commit=off"
	_, err := Open(t.Context(), h.db(t), WithTablePrefix(h.prefix), AllowLossOnPowerCut())
	require.NoError(t, err)
}

func TestOpenWithoutServer(t *testing.T) {
	db, err := sql.Open("pgx", "postgres://someone:hunter2@127.0.0.1:1/none?sslmode=disable&connect_timeout=2")
	require.NoError(t, err)
	defer func() { _ = db.Close() }()
	_, err = Open(t.Context(), db)
	require.Error(t, err)
	require.NotErrorIs(t, err, ErrSetup)
	assert.NotContains(t, err.Error(), "hunter2")
}

// TestRoleWithoutRights shows that the tables can be made by one role and used by another.
func TestRoleWithoutRights(t *testing.T) {
	h := postgresHome(t)
	owner := h.open(t)
	role := h.prefix + "worker"
	ctx := t.Context()
	for _, statement := range []string{
		`create role ` + role + ` login`,
		`grant select, insert, update, delete on {tokens}, {states} to ` + role,
		`grant select on {schema} to ` + role,
		`revoke create on schema public from public`,
	} {
		_, err := owner.db.ExecContext(ctx, owner.sql(statement))
		require.NoError(t, err)
	}
	t.Cleanup(func() {
		_, err := h.db(t).Exec(`drop owned by ` + role + `; drop role ` + role)
		require.NoError(t, err)
	})
	asWorker := h
	asWorker.dsn = strings.Replace(h.dsn, "postgres://postgres@", "postgres://"+role+"@", 1)
	require.NotEqual(t, h.dsn, asWorker.dsn, "the test's database has another user")
	worker := asWorker.open(t)
	_, err := worker.SaveToken(ctx, record("1", "secret"), 0)
	require.NoError(t, err)
	leases, err := worker.LeaseDue(ctx, "app", 1, time.Minute)
	require.NoError(t, err)
	assert.Len(t, leases, 1)
}

// TestOnePlaceInThePool shows that no call needs two connections at once.
func TestOnePlaceInThePool(t *testing.T) {
	for name, home := range homes() {
		t.Run(name, func(t *testing.T) {
			h := home(t)
			db := h.db(t)
			db.SetMaxOpenConns(1)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			s, err := Open(ctx, db, WithTablePrefix(h.prefix))
			require.NoError(t, err)
			_, err = s.SaveToken(ctx, record("1", "one"), 0)
			require.NoError(t, err)
			leases, err := s.LeaseDue(ctx, "app", 10, time.Minute)
			require.NoError(t, err)
			results, err := s.CommitLeases(ctx, leases)
			require.NoError(t, err)
			assert.Equal(t, []error{nil}, results)
			_, err = s.CountTokens(ctx, "app")
			require.NoError(t, err)
			require.NoError(t, s.PutState(ctx, "state", time.Minute))
			require.NoError(t, s.TakeState(ctx, "state"))
		})
	}
}

// record returns a record of the app "app" that is due.
func record(account, secret string) *instagram.Record {
	t := longLived(account)
	t.AccessToken = instagram.NewSecret(secret)
	return &instagram.Record{Key: instagram.TokenKey{AppID: "app", AccountID: account}, Token: t, DueAt: time.Now().Add(-time.Hour)}
}

package sqlstore

// This file answers: does sealing keep every token out of the database, and what does it cost?

import (
	"bytes"
	"crypto/rand"
	"database/sql"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/seal"
	"github.com/seed-922467ee/instagram/storetest"
)

func newKeys(tb testing.TB) *seal.KeyRing {
	tb.Helper()
	keys, err := seal.NewKeyRing(seal.NewKey())
	require.NoError(tb, err)
	return keys
}

func TestSealedConformance(t *testing.T) {
	t.Parallel()
	for name, home := range homes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, keys := home(t), newKeys(t)
			open := func(t *testing.T) instagram.TokenStore {
				t.Helper()
				return seal.Tokens(h.open(t), keys)
			}
			storetest.Tokens(t, open, storetest.WithPeer(func(t *testing.T, _ instagram.TokenStore) instagram.TokenStore {
				t.Helper()
				return open(t)
			}))
		})
	}
}

// TestNothingInClear searches all that a database has for tokens. A store that
// is not sealed shows that the search finds them.
func TestNothingInClear(t *testing.T) {
	for name, home := range homes() {
		t.Run(name, func(t *testing.T) {
			h := home(t)
			s := h.open(t)
			sealed := plant(t, seal.Tokens(s, newKeys(t)), "sealed")
			for _, where := range everything(t, h, s) {
				for _, secret := range sealed {
					assert.NotContains(t, string(where), secret)
				}
			}
			for _, secret := range plant(t, s, "clear") {
				all := bytes.Join(everything(t, h, s), nil)
				assert.Contains(t, string(all), secret, "the search finds nothing at all")
			}
		})
	}
}

// plant saves, refreshes and deletes tokens, and returns what must not be found.
func plant(t *testing.T, store instagram.TokenStore, app string) (secrets []string) {
	t.Helper()
	ctx := t.Context()
	secret := func() instagram.Secret {
		text := "IGAA" + rand.Text()
		secrets = append(secrets, text)
		return instagram.NewSecret(text)
	}
	for i := range 20 {
		r := record(strconv.Itoa(i), "")
		r.Key.AppID = app
		r.Token.AccessToken, r.Token.PageToken = secret(), secret()
		rev, err := store.SaveToken(ctx, r, 0)
		require.NoError(t, err)
		r.Token.AccessToken = secret()
		_, err = store.SaveToken(ctx, r, rev)
		require.NoError(t, err)
	}
	leaser, ok := store.(instagram.TokenLeaser)
	require.True(t, ok)
	leases, err := leaser.LeaseDue(ctx, app, 10, time.Minute)
	require.NoError(t, err)
	require.Len(t, leases, 10)
	for _, l := range leases {
		l.Record.Token.AccessToken = secret()
	}
	results, err := leaser.CommitLeases(ctx, leases)
	require.NoError(t, err)
	for _, err := range results {
		require.NoError(t, err)
	}
	if app == "sealed" {
		for i := range 5 {
			require.NoError(t, store.DeleteToken(ctx, instagram.TokenKey{AppID: app, AccountID: strconv.Itoa(i)}))
		}
		return secrets
	}
	return secrets[len(secrets)-10:] // which are surely there: others were overwritten
}

// everything returns all values in PostgreSQL's tables, or the bytes of SQLite's files.
func everything(t *testing.T, h home, s *Store) [][]byte {
	t.Helper()
	var all [][]byte
	if s.dia == sqlite {
		path, _, _ := strings.Cut(strings.TrimPrefix(h.dsn, "file:"), "?")
		files, err := filepath.Glob(path + "*")
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(files), 2, "the database and its log")
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			all = append(all, text)
		}
		return all
	}
	for _, table := range []string{"{tokens}", "{states}", "{schema}"} {
		rows, err := s.db.Query(s.sql(`select * from ` + table))
		require.NoError(t, err)
		columns, err := rows.Columns()
		require.NoError(t, err)
		for rows.Next() {
			values, into := make([]sql.RawBytes, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			require.NoError(t, rows.Scan(into...))
			for _, value := range values {
				all = append(all, bytes.Clone(value))
			}
		}
		require.NoError(t, rows.Err())
	}
	return all
}

// BenchmarkSealing saves by turns with and without sealing, and reports what
// sealing adds to a save in percent.
func BenchmarkSealing(b *testing.B) {
	s := sqliteHome(b).open(b)
	stores := []instagram.TokenStore{s, seal.Tokens(s, newKeys(b))}
	var took [2][]time.Duration
	var revs [2]instagram.Revision
	for b.Loop() {
		for i, store := range stores {
			r := record(strconv.Itoa(i), "IGAA"+strings.Repeat("x7Bq", 45))
			start := time.Now()
			rev, err := store.SaveToken(b.Context(), r, revs[i])
			took[i] = append(took[i], time.Since(start))
			require.NoError(b, err)
			revs[i] = rev
		}
	}
	plain, sealed := median(took[0]), median(took[1])
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(plain.Microseconds()), "µs/save")
	b.ReportMetric(100*float64(sealed-plain)/float64(plain), "%-by-sealing")
}

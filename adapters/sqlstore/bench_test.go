package sqlstore

// This file answers: what do a lease and a save cost, and what a million records?

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
)

const benchApp = "1234567890"

// sizes are the numbers of records that the benchmarks compare: few, so that
// they are quick; INSTAGRAM_BENCH_RECORDS=10000,1000000 makes them true.
func sizes(b *testing.B) []int {
	b.Helper()
	text := os.Getenv("INSTAGRAM_BENCH_RECORDS")
	if text == "" {
		text = "1000,10000"
	}
	var sizes []int
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(part)
		require.NoError(b, err, "INSTAGRAM_BENCH_RECORDS is a list of numbers such as 10000,1000000")
		sizes = append(sizes, n)
	}
	return sizes
}

func longLived(account string) *instagram.Token {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	return &instagram.Token{
		AccessToken: instagram.NewSecret("IGAA" + strings.Repeat("x7Bq", 45)), Kind: instagram.LongLived,
		AccountID: account, AppScopedID: "9" + account, Username: "someone",
		Scopes:    []instagram.Scope{"instagram_business_basic", "instagram_business_content_publish"},
		GrantedAt: at, ObtainedAt: at, ExpiresAt: at.Add(60 * 24 * time.Hour),
	}
}

// fill makes n living records that have been due for up to a day.
func fill(b *testing.B, s *Store, n int) {
	b.Helper()
	ctx := b.Context()
	token, err := instagram.MarshalToken(longLived("17841400000000000"))
	require.NoError(b, err)
	insert := `insert into {tokens} (app_id, account_id, revision, state, reason, fails, due_at, login, kind, app_scoped_id, token) `
	if s.dia == postgres {
		insert += `select $1, (17841400000000000 + i)::text, 1, 0, '', 0, now() - (i * 7919 % 86400) * interval '1 second', 'instagram', 'long-lived', i::text, $3
			from generate_series(1, $2::bigint) i`
	} else {
		insert += `select $1, 17841400000000000 + value, 1, 0, '', 0, {now} - (value * 7919 % 86400) * 1000000, 'instagram', 'long-lived', value, $3
			from (with recursive n(value) as (select 1 union all select value + 1 from n where value < $2) select value from n)`
	}
	_, err = s.db.ExecContext(ctx, s.sql(insert), benchApp, n, token)
	require.NoError(b, err)
	_, err = s.db.ExecContext(ctx, s.sql(`analyze {tokens}`))
	require.NoError(b, err)
}

// BenchmarkLeaseDue takes 500 due records of few and of many. The last size's
// median over the first's is reported as "ratio".
func BenchmarkLeaseDue(b *testing.B) {
	for name, open := range homes() {
		b.Run(name, func(b *testing.B) {
			var stores []*Store
			for _, n := range sizes(b) {
				s := open(b).open(b)
				fill(b, s, n)
				stores = append(stores, s)
			}
			took := make([][]time.Duration, len(stores))
			for b.Loop() {
				for i, s := range stores { // by turns: a noisy moment hits all alike
					start := time.Now()
					leases, err := s.LeaseDue(b.Context(), benchApp, 500, time.Hour)
					took[i] = append(took[i], time.Since(start))
					require.NoError(b, err)
					require.Len(b, leases, 500)
					require.NoError(b, s.ReleaseLeases(b.Context(), leases))
				}
			}
			b.ReportMetric(0, "ns/op") // of all sizes together it says nothing
			for i, n := range sizes(b) {
				b.ReportMetric(float64(median(took[i]))/1e6, "ms/500-of-"+strconv.Itoa(n))
			}
			b.ReportMetric(float64(median(took[len(took)-1]))/float64(median(took[0])), "ratio")
		})
	}
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

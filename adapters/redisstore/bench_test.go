package redisstore

// This file answers: what does a lease cost, and what do a million records?

import (
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
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
	now := time.Now()
	for batch := range slices.Chunk(make([]struct{}, n), 1000) {
		n -= len(batch)
		args := []any{s.names(benchApp), mark()}
		for i := range len(batch) {
			account := strconv.Itoa(17841400000000000 + n + i)
			r := &instagram.Record{
				Key: instagram.TokenKey{AppID: benchApp, AccountID: account}, Token: longLived(account),
				DueAt: now.Add(-time.Duration((n+i)*7919%86400) * time.Second),
			}
			part, err := change(r, 0, 1, "")
			require.NoError(b, err)
			args = append(args, part...)
		}
		require.NoError(b, s.put.Run(ctx, s.rdb, s.sets(benchApp), args...).Err())
	}
	require.NoError(b, s.rdb.ZAdd(ctx, s.apps(), redis.Z{Member: benchApp}).Err())
}

// BenchmarkLeaseDue takes 500 due records of few and of many. The last size's
// median over the first's is reported as "ratio", and what a record takes in
// Redis's memory as "bytes/record".
func BenchmarkLeaseDue(b *testing.B) {
	var stores []*Store
	var bytes float64
	for _, n := range sizes(b) {
		s := open(b, freshPrefix(b))
		before := usedMemory(b, s.rdb)
		fill(b, s, n)
		bytes = float64(usedMemory(b, s.rdb)-before) / float64(n)
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
	b.ReportMetric(bytes, "bytes/record")
}

// BenchmarkLimiter acquires and is done, beside bare commands in the same run:
// PING, which Redis only answers, and SET, which it writes down as the limiter's
// scripts do. Medians, in microseconds; "ratio" is both steps over two SETs.
func BenchmarkLimiter(b *testing.B) {
	l := newLimiter(client(b), instagram.LimiterOptions{}, WithKeyPrefix(freshPrefix(b)))
	ctx, key := b.Context(), freshPrefix(b)+"bare"
	var p instagram.Permit
	told := func() {
		n := news{call: l.alone.Asked(p.Call), ticket: p.Node.(*ticket), outcome: l.alone.Paced(p.Call, &instagram.Outcome{Sent: true, Status: 200, Usage: appUsage(1)})}
		<-l.app(n.call.App).tell(ctx, n)
	}
	var err error
	steps := []struct {
		name string
		do   func()
	}{
		{"acquire", func() { p, err = l.Acquire(ctx, call("1")) }},
		{"done", told},
		{"ping", func() { err = l.store.rdb.Ping(ctx).Err() }},
		{"set", func() { err = l.store.rdb.Set(ctx, key, "bare", time.Minute).Err() }},
	}
	took := make([][]time.Duration, len(steps))
	for b.Loop() {
		for i, step := range steps { // by turns: a noisy moment hits all alike
			start := time.Now()
			step.do()
			took[i] = append(took[i], time.Since(start))
			require.NoError(b, err)
		}
	}
	b.ReportMetric(0, "ns/op") // of all steps together it says nothing
	var medians []float64
	for i, step := range steps {
		medians = append(medians, float64(median(took[i])))
		b.ReportMetric(medians[i]/1e3, "µs/"+step.name)
	}
	b.ReportMetric((medians[0]+medians[1])/(2*medians[3]), "ratio")
}

func usedMemory(b *testing.B, rdb redis.UniversalClient) int {
	b.Helper()
	info, err := rdb.Info(context.Background(), "memory").Result()
	require.NoError(b, err)
	for line := range strings.Lines(info) {
		if text, ok := strings.CutPrefix(line, "used_memory:"); ok {
			n, err := strconv.Atoi(strings.TrimSpace(text))
			require.NoError(b, err)
			return n
		}
	}
	b.Fatal("Redis does not say how much memory it uses")
	return 0
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

package sqlstore

// This file answers: how fast can a fleet of due accounts be renewed, as far
// as the store decides it?

import (
	"context"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
)

const (
	sweepAnswer   = 150 * time.Millisecond // what the platform takes for one refresh
	sweepInFlight = 1024
	sweepLease    = time.Minute
)

// BenchmarkSweep renews 100,000 due accounts (INSTAGRAM_BENCH_SWEEP changes
// that) with 1,024 calls in flight that take 150 ms each, which is 6,827 a
// second at best. "each" commits every account by itself, "batch" 200 at a time.
func BenchmarkSweep(b *testing.B) {
	n := 100_000
	if text := os.Getenv("INSTAGRAM_BENCH_SWEEP"); text != "" {
		var err error
		n, err = strconv.Atoi(text)
		require.NoError(b, err, "INSTAGRAM_BENCH_SWEEP is a number of accounts")
	}
	for name, home := range homes() {
		for commits, size := range map[string]int{"each": 1, "batch": 200} {
			b.Run(name+"/"+commits, func(b *testing.B) {
				s := home(b).open(b)
				s.db.SetMaxOpenConns(16)
				fill(b, s, n)
				b.ResetTimer()
				start := time.Now()
				renewed, err := bareLoop(b.Context(), s, size)
				require.NoError(b, err)
				require.Equal(b, n, renewed)
				b.ReportMetric(float64(n)/time.Since(start).Seconds(), "accounts/s")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// bareLoop claims, calls and commits until nothing is due, with nothing around
// it: what any refresher may be compared with.
func bareLoop(ctx context.Context, s instagram.TokenLeaser, commitSize int) (renewed int, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	claimed := make(chan *instagram.Lease, sweepInFlight/2)
	answered := make(chan *instagram.Lease, 4*commitSize)

	var calls, commits sync.WaitGroup
	go func() {
		defer close(claimed)
		for {
			leases, err := s.LeaseDue(ctx, benchApp, 500, sweepLease)
			if err != nil {
				cancel(err)
			}
			if len(leases) == 0 {
				return
			}
			for _, l := range leases {
				claimed <- l
			}
		}
	}()
	for range sweepInFlight {
		calls.Go(func() {
			for l := range claimed {
				time.Sleep(sweepAnswer)
				l.Record.Token.ObtainedAt = l.Record.Token.ObtainedAt.Add(time.Hour)
				l.Record.DueAt = time.Now().Add(30 * 24 * time.Hour)
				answered <- l
			}
		})
	}
	go func() { calls.Wait(); close(answered) }()

	var mu sync.Mutex
	for range 8 {
		commits.Go(func() {
			for batch := range batches(answered, commitSize, 20*time.Millisecond) {
				results, err := s.CommitLeases(ctx, batch)
				if err != nil {
					cancel(err)
				}
				mu.Lock()
				for _, err := range results {
					if err == nil {
						renewed++
					}
				}
				mu.Unlock()
			}
		})
	}
	commits.Wait()
	return renewed, context.Cause(ctx)
}

// batches yields what comes in pieces of up to n, none of which waits longer than patience.
func batches(in <-chan *instagram.Lease, n int, patience time.Duration) func(yield func([]*instagram.Lease) bool) {
	return func(yield func([]*instagram.Lease) bool) {
		for first := range in {
			batch := []*instagram.Lease{first}
			timer := time.NewTimer(patience)
		fill:
			for len(batch) < n {
				select {
				case l, ok := <-in:
					if !ok {
						break fill
					}
					batch = append(batch, l)
				case <-timer.C:
					break fill
				}
			}
			timer.Stop()
			if !yield(batch) {
				return
			}
		}
	}
}

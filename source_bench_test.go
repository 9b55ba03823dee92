package instagram_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/seed-922467ee/instagram"
)

// BenchmarkTokenSource asks for a token that is fresh and in memory, by turns
// with x/oauth2's own cache, at one account and at a million that the program
// knows. It reports the median of what ours takes in theirs.
func BenchmarkTokenSource(b *testing.B) {
	for _, n := range []int{1, 1_000_000} {
		g, store := newGraph(), instagram.NewMemoryStore()
		client := g.client(b, store, instagram.WithTokenCache(n, 24*time.Hour))
		ours := make([]instagram.TokenSource, n)
		theirs := make([]oauth2.TokenSource, n)
		for i := range n {
			r := connect(b, store, accountN(i), 2*day)
			ours[i] = client.TokenSource(accountN(i))
			theirs[i] = oauth2.ReuseTokenSource(r.Token.OAuth2(), nil)
			for range 2 { // the second time the source has found its place
				if _, err := ours[i].Token(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		}
		order := rand.New(rand.NewPCG(1, 2)).Perm(n)
		for _, workers := range []int{1, 8} {
			b.Run(fmt.Sprintf("accounts=%d/goroutines=%d", n, workers), func(b *testing.B) {
				ctx := b.Context()
				const calls = 200_000
				ask := func(token func(i int) error) time.Duration {
					began := time.Now()
					var all sync.WaitGroup
					for w := range workers {
						all.Go(func() {
							for i := range calls / workers {
								if err := token(order[(w*calls/workers+i)%n]); err != nil {
									b.Error(err)
								}
							}
						})
					}
					all.Wait()
					return time.Since(began)
				}
				var ratios, times []float64
				for b.Loop() {
					for range 6 {
						reference := ask(func(i int) error { _, err := theirs[i].Token(); return err })
						took := ask(func(i int) error { _, err := ours[i].Token(ctx); return err })
						ratios = append(ratios, float64(took)/float64(reference))
						times = append(times, float64(took)/calls)
					}
				}
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(median(times), "ns/token")
				b.ReportMetric(median(ratios), "×-x/oauth2")
			})
		}
	}
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// BenchmarkTokenSourceByName makes a source for each call, as one may who has
// only an account's ID.
func BenchmarkTokenSourceByName(b *testing.B) {
	store := instagram.NewMemoryStore()
	client := newGraph().client(b, store)
	connect(b, store, accountN(1), 2*day)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.TokenSource(accountN(1)).Token(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

package instagram_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/seed-922467ee/instagram"
)

// BenchmarkTokenSource asks for a token that is fresh and in memory, next to
// x/oauth2's own cache, at one account and at a million that the program knows.
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
		b.Run(fmt.Sprintf("accounts=%d/x-oauth2", n), func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if _, err := theirs[order[i]].Token(); err != nil {
					b.Fatal(err)
				}
				if i++; i == n {
					i = 0
				}
			}
		})
		b.Run(fmt.Sprintf("accounts=%d/instagram", n), func(b *testing.B) {
			b.ReportAllocs()
			ctx := b.Context()
			i := 0
			for b.Loop() {
				if _, err := ours[order[i]].Token(ctx); err != nil {
					b.Fatal(err)
				}
				if i++; i == n {
					i = 0
				}
			}
		})
		b.Run(fmt.Sprintf("accounts=%d/instagram-by-name", n), func(b *testing.B) {
			b.ReportAllocs()
			ctx := b.Context()
			names := make([]string, min(n, 10_000))
			for i := range names {
				names[i] = accountN(order[i])
			}
			i := 0
			for b.Loop() {
				if _, err := client.TokenSource(names[i]).Token(ctx); err != nil {
					b.Fatal(err)
				}
				if i++; i == len(names) {
					i = 0
				}
			}
		})
		b.Run(fmt.Sprintf("accounts=%d/parallel/x-oauth2", n), func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for i := rand.IntN(n); pb.Next(); i = (i + 1) % n {
					_, _ = theirs[order[i]].Token()
				}
			})
		})
		b.Run(fmt.Sprintf("accounts=%d/parallel/instagram", n), func(b *testing.B) {
			ctx := b.Context()
			b.RunParallel(func(pb *testing.PB) {
				for i := rand.IntN(n); pb.Next(); i = (i + 1) % n {
					_, _ = ours[order[i]].Token(ctx)
				}
			})
		})
	}
}

//go:build unix

package filestore_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/filestore"
)

func record(i int) *instagram.Record {
	now := time.Now()
	return &instagram.Record{
		Key: instagram.TokenKey{AppID: "1234567890123456", AccountID: strconv.Itoa(17841405793000000 + i)}, DueAt: now.Add(time.Duration(i-50_000) * time.Second),
		Token: &instagram.Token{
			AccessToken: instagram.NewSecret("IGAA" + strings.Repeat("x", 180)), Kind: instagram.LongLived, AccountID: strconv.Itoa(17841405793000000 + i),
			AppScopedID: strconv.Itoa(90010177000000 + i), Scopes: []instagram.Scope{instagram.ScopeBusinessBasic, instagram.ScopeBusinessContentPublish},
			GrantedAt: now, ObtainedAt: now, ExpiresAt: now.Add(60 * 24 * time.Hour),
		},
	}
}

func BenchmarkSaveToken(b *testing.B) {
	for _, goroutines := range []int{1, 8} {
		b.Run(fmt.Sprint(goroutines, " writers"), func(b *testing.B) {
			store := open(b, b.TempDir()+"/store")
			var next atomic.Int64
			b.ReportAllocs()
			b.SetParallelism(max(1, goroutines/2))
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := store.SaveToken(b.Context(), record(int(next.Add(1))), 0); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

// BenchmarkAmongMany measures calls among 20,000 records, and the opening itself.
func BenchmarkAmongMany(b *testing.B) {
	const n = 20_000
	dir := b.TempDir() + "/store"
	store := open(b, dir)
	filestore.Fill(b, store, n, record)
	b.Run("LoadToken", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			if _, err := store.LoadToken(b.Context(), record(i*7919%n).Key); err != nil {
				b.Fatal(err)
			}
			i++
		}
	})
	b.Run("LeaseDue 100 and release", func(b *testing.B) {
		for b.Loop() {
			leases, err := store.LeaseDue(b.Context(), record(0).Key.AppID, 100, time.Minute)
			if err != nil || len(leases) != 100 {
				b.Fatal(len(leases), err)
			}
			require.NoError(b, store.ReleaseLeases(b.Context(), leases))
		}
	})
	b.Run("LeaseDue 100 and commit", func(b *testing.B) {
		for b.Loop() {
			leases, err := store.LeaseDue(b.Context(), record(0).Key.AppID, 100, time.Minute)
			if err != nil || len(leases) != 100 {
				b.Fatal(len(leases), err)
			}
			if _, err := store.CommitLeases(b.Context(), leases); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Open", func(b *testing.B) {
		for b.Loop() {
			again, err := filestore.Open(dir)
			require.NoError(b, err)
			require.NoError(b, again.Close())
		}
	})
}

package instagram_test

import (
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/storetest"
)

func TestMemoryStore(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]storetest.Option{"real time": nil, "bubble": {storetest.InBubble()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Tokens(t, func(*testing.T) instagram.TokenStore { return instagram.NewMemoryStore() }, options...)
			storetest.States(t, func(*testing.T) instagram.StateStore { return instagram.NewMemoryStore() }, options...)
		})
	}
}

func TestMemoryStoreInSharedUse(t *testing.T) {
	t.Parallel()
	store := instagram.NewMemoryStore() // one for all parts, as a database would be
	storetest.Tokens(t, func(*testing.T) instagram.TokenStore { return store })
	storetest.States(t, func(*testing.T) instagram.StateStore { return store })
}

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkMemoryStore measures the calls whose cost could grow with the number of records.
func BenchmarkMemoryStore(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		fill := sync.OnceValue(func() *instagram.MemoryStore { return filledStore(b, n) })
		b.Run(fmt.Sprint("LoadToken/", n), func(b *testing.B) {
			store := fill()
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if _, err := store.LoadToken(b.Context(), benchKey(i%n)); err != nil {
					b.Fatal(err)
				}
				i += 7919
			}
		})
		b.Run(fmt.Sprint("LeaseDue100/", n), func(b *testing.B) {
			store := fill()
			b.ReportAllocs()
			for b.Loop() {
				leases, err := store.LeaseDue(b.Context(), "1", 100, time.Minute)
				if err != nil || len(leases) != 100 {
					b.Fatal(len(leases), err)
				}
				if err := store.ReleaseLeases(b.Context(), leases); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func benchKey(i int) instagram.TokenKey {
	return instagram.TokenKey{AppID: "1", AccountID: fmt.Sprintf("1784140579%07d", i)}
}

// filledStore has n records, of which one in ten is due.
func filledStore(tb testing.TB, n int) *instagram.MemoryStore {
	tb.Helper()
	before := heapInUse()
	store := instagram.NewMemoryStore()
	now := time.Now()
	for i := range n {
		k := benchKey(i)
		due := now.Add(time.Duration(i*7919%n-n/10) * time.Second)
		r := &instagram.Record{Key: k, DueAt: due, Token: &instagram.Token{
			AccessToken: instagram.NewSecret(fmt.Sprintf("IGAA%0180d", i)), Kind: instagram.LongLived, AccountID: k.AccountID,
			AppScopedID: strconv.Itoa(i), ObtainedAt: now, GrantedAt: now, ExpiresAt: now.Add(60 * 24 * time.Hour),
		}}
		_, err := store.SaveToken(tb.Context(), r, 0)
		require.NoError(tb, err)
	}
	tb.Logf("%d records take %d bytes each", n, (heapInUse()-before)/uint64(n))
	return store
}

package instagram_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

// keepAlive runs a keeper until the test ends it.
func keepAlive(t *testing.T, client *instagram.Client, cfg instagram.KeepAliveConfig) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- client.KeepAlive(ctx, cfg) }()
	return func() {
		cancel()
		assert.NoError(t, <-done)
	}
}

// once runs a keeper until nothing is due.
func once(t *testing.T, client *instagram.Client, cfg instagram.KeepAliveConfig) {
	t.Helper()
	cfg.Once = true
	require.NoError(t, client.KeepAlive(t.Context(), cfg))
}

func TestKeepAliveRenewsWhatIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store, tracer := newGraph(), instagram.NewMemoryStore(), &events{}
		client := g.client(t, store, instagram.WithTracer(tracer))
		for i := range 100 {
			connect(t, store, accountN(i), time.Duration(i)*day/2) // half of them are 25 days old or more
		}
		once(t, client, instagram.KeepAliveConfig{})
		refreshed := len(tracer.of(instagram.EventRefreshed))
		assert.EqualValues(t, refreshed, g.refreshes.Load())
		assert.Positive(t, refreshed)
		for i := range 100 {
			r := stored(t, store, accountN(i))
			assert.True(t, r.DueAt.After(time.Now()), "account %d", i)
			assert.Equal(t, instagram.Alive, r.State)
		}
		once(t, client, instagram.KeepAliveConfig{})
		assert.EqualValues(t, refreshed, g.refreshes.Load(), "nothing is due any more")
	})
}

func TestKeepAliveLetsATokenLiveForYears(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store, tracer := newGraph(), instagram.NewMemoryStore(), &events{}
		client := g.client(t, store, instagram.WithTracer(tracer))
		connect(t, store, accountN(1), 0)
		stop := keepAlive(t, client, instagram.KeepAliveConfig{Poll: time.Hour})
		for range 24 {
			time.Sleep(30 * day)
			tok, err := client.TokenSource(accountN(1)).Token(t.Context())
			require.NoError(t, err)
			assert.True(t, tok.ExpiresAt.After(time.Now()))
		}
		stop()
		assert.InDelta(t, 720.0/40, g.refreshes.Load(), 6.5)
		assert.Zero(t, g.refused.Load())
	})
}

func TestKeepAliveMarksTheRevokedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store, tracer := newGraph(), instagram.NewMemoryStore(), &events{}
		client := g.client(t, store, instagram.WithTracer(tracer))
		connect(t, store, accountN(1), 55*day)
		connect(t, store, accountN(2), 55*day)
		g.kill(accountN(1), 458)
		asked := &logins{failing: 1}
		stop := keepAlive(t, client, instagram.KeepAliveConfig{OnNeedsLogin: asked.needed})
		time.Sleep(time.Hour)
		stop()
		told := asked.all()
		require.Len(t, told, 2, "once again after its error")
		assert.Equal(t, told[0].ID, told[1].ID)
		assert.Equal(t, "190/458", told[0].Reason)
		assert.Equal(t, []string{accountN(1)}, told[0].AccountIDs)
		attempt, err := client.BeginLogin(told[0].Options...)
		require.NoError(t, err)
		assert.NotEmpty(t, attempt.URL)
		r := stored(t, store, accountN(1))
		assert.Equal(t, instagram.NeedsLogin, r.State)
		assert.Equal(t, "190/458", r.Reason)
		assert.Equal(t, instagram.Invalidated, r.Status(time.Now()))
		assert.Equal(t, instagram.Alive, stored(t, store, accountN(2)).State)
		require.Len(t, tracer.of(instagram.EventNeedsLogin), 1)
		assert.Equal(t, told[0].ID, tracer.of(instagram.EventNeedsLogin)[0].ID)
		assert.EqualValues(t, 2, g.refused.Load())
	})
}

func TestKeepAliveKeepsThePipeFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), watch()
		g.delay = 150 * time.Millisecond
		client := g.client(t, store)
		const accounts, parallel = 10_240, 1_024
		for i := range accounts {
			connect(t, store, accountN(i), 55*day)
		}
		began := time.Now()
		once(t, client, instagram.KeepAliveConfig{Parallel: parallel})
		assert.EqualValues(t, accounts, g.refreshes.Load())
		assert.EqualValues(t, parallel, g.peak)
		least := accounts / parallel * g.delay
		assert.Less(t, time.Since(began), least+least/5)
	})
}

func TestKeepAliveSavesInBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), watch()
		client := g.client(t, store)
		const accounts = 5_000
		for i := range accounts {
			connect(t, store, accountN(i), 55*day)
		}
		g.answers(func(_, account string) *graphFault { // answers that take their time, each its own
			time.Sleep(time.Duration(100+(account[len(account)-1]-'0')*10) * time.Millisecond)
			return nil
		})
		var last instagram.Progress
		once(t, client, instagram.KeepAliveConfig{OnProgress: func(p instagram.Progress) { last = p }, ProgressEvery: time.Second})
		assert.True(t, last.Final)
		assert.EqualValues(t, accounts, last.Refreshed)
		assert.Zero(t, last.Due)
		assert.Zero(t, last.InFlight)
		trips := store.leases.Load() + store.commits.Load() + store.loads.Load()
		assert.Less(t, float64(trips)/accounts, 0.05)
		assert.LessOrEqual(t, last.RoundTrips, trips)
	})
}

func TestKeepAliveHasACeiling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), watch()
		client := g.client(t, store)
		for i := range 1_000 {
			connect(t, store, accountN(i), 55*day)
		}
		began := time.Now()
		once(t, client, instagram.KeepAliveConfig{PerSecond: 50})
		assert.EqualValues(t, 1_000, g.refreshes.Load())
		assert.InDelta(t, 20, time.Since(began).Seconds(), 1)
	})
}

func TestManyKeepersShareTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store, tracer := newGraph(), watch(), &events{}
		g.delay = 150 * time.Millisecond
		const accounts = 3_000
		for i := range accounts {
			connect(t, store, accountN(i), 55*day)
		}
		var stops []func()
		for range 8 {
			client := g.client(t, store, instagram.WithTracer(tracer))
			stops = append(stops, keepAlive(t, client, instagram.KeepAliveConfig{}))
		}
		time.Sleep(time.Hour)
		for _, stop := range stops {
			stop()
		}
		assert.EqualValues(t, accounts, g.refreshes.Load())
		assert.Len(t, tracer.of(instagram.EventRefreshed), accounts)
	})
}

func TestKeepAliveStopsGracefully(t *testing.T) {
	for name, stop := range map[string]func(cancel func(), c *instagram.Client) error{
		"when its context ends":     func(cancel func(), _ *instagram.Client) error { cancel(); return nil },
		"when the client is closed": func(_ func(), c *instagram.Client) error { return c.Close(context.Background()) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, store := newGraph(), watch()
				g.delay = time.Second
				client := g.client(t, store)
				for i := range 1_000 {
					connect(t, store, accountN(i), 55*day)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				done := make(chan error, 1)
				go func() { done <- client.KeepAlive(ctx, instagram.KeepAliveConfig{}) }()
				time.Sleep(2500 * time.Millisecond)
				require.NoError(t, stop(cancel, client))
				require.NoError(t, <-done)
				assert.EqualValues(t, 96, g.refreshes.Load(), "what is under way is finished")
				renewed := 0
				for i := range 1_000 {
					if stored(t, store, accountN(i)).DueAt.After(time.Now()) {
						renewed++
					}
				}
				assert.Equal(t, 96, renewed, "and saved")
				leases, err := store.LeaseDue(context.Background(), instagramConfig().AppID, 1_000, time.Minute)
				require.NoError(t, err)
				assert.Len(t, leases, 1_000-96, "the others are given back at once")
			})
		})
	}
}

func TestKeepAliveAfterACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), watch()
		client := g.client(t, store)
		old := connect(t, store, accountN(1), 55*day)
		// A process takes the record, gets Meta's answer and dies before it has saved it.
		leases, err := store.LeaseDue(t.Context(), instagramConfig().AppID, 10, time.Minute)
		require.NoError(t, err)
		require.Len(t, leases, 1)
		_, err = client.RefreshToken(t.Context(), old.Token)
		require.NoError(t, err)

		stop := keepAlive(t, client, instagram.KeepAliveConfig{})
		time.Sleep(2 * time.Minute)
		stop()
		assert.EqualValues(t, 2, g.refreshes.Load(), "one call more, and no harm")
		assert.True(t, stored(t, store, accountN(1)).DueAt.After(time.Now()))
	})
}

func TestKeepAliveWhileTheStoreIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store, tracer := newGraph(), watch(), &events{}
		g.delay = 100 * time.Millisecond
		client := g.client(t, store, instagram.WithTracer(tracer))
		const accounts = 2_000
		for i := range accounts {
			connect(t, store, accountN(i), 50*day)
		}
		stop := keepAlive(t, client, instagram.KeepAliveConfig{})
		time.Sleep(time.Second)
		store.readOnly.Store(true)
		time.Sleep(time.Hour)
		renewed := g.refreshes.Load()
		assert.Less(t, renewed, int64(accounts), "nothing is renewed that cannot be saved, beyond what is on its way")
		assert.NotEmpty(t, tracer.of(instagram.EventUnsaved))
		store.readOnly.Store(false)
		time.Sleep(time.Hour)
		stop()
		for i := range accounts {
			assert.Zero(t, stored(t, store, accountN(i)).Fails)
			assert.True(t, stored(t, store, accountN(i)).DueAt.After(time.Now()))
		}
		assert.Less(t, g.refreshes.Load(), int64(accounts+450), "what was on its way is not renewed again by this process; leases that ran out may be")
	})
}

func TestKeepAliveTriesAgainByTheLadder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store, tracer := newGraph(), watch(), &events{}
		client := g.client(t, store, instagram.WithTracer(tracer), instagram.WithRetryPolicy(instagram.RetryPolicy{MaxAttempts: 1}))
		connect(t, store, accountN(1), 49*day) // 11 days are left
		began := time.Now()
		var mu sync.Mutex
		var at []time.Duration
		g.answers(func(path, _ string) *graphFault {
			mu.Lock()
			defer mu.Unlock()
			if strings.HasSuffix(path, "/refresh_access_token") {
				at = append(at, time.Since(began))
			}
			return graphOops
		})
		stop := keepAlive(t, client, instagram.KeepAliveConfig{Poll: 20 * time.Second})
		time.Sleep(10 * day)
		steps := []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 6 * time.Hour}
		mu.Lock()
		tried := slices.Clone(at)
		mu.Unlock()
		for i := 1; i < len(tried); i++ {
			most := 12 * time.Hour
			if i <= len(steps) {
				most = steps[i-1]
			}
			gap := tried[i] - tried[i-1]
			assert.LessOrEqual(t, gap, most+25*time.Second, "attempt %d", i)
			assert.GreaterOrEqual(t, gap, most/2-time.Second, "attempt %d", i)
		}
		assert.Len(t, tracer.of(instagram.EventRefreshDelayed), 1)
		assert.Len(t, tracer.of(instagram.EventRefreshCritical), 1)
		r := stored(t, store, accountN(1))
		assert.Equal(t, instagram.Alive, r.State, "a fault marks nobody")
		assert.Contains(t, r.Reason, "HTTP 503")

		time.Sleep(2 * day)
		assert.Equal(t, instagram.Alive, stored(t, store, accountN(1)).State, "not even past its end")
		assert.Empty(t, tracer.of(instagram.EventExpired))
		g.answers(nil)
		time.Sleep(13 * time.Hour)
		stop()
		r = stored(t, store, accountN(1))
		assert.Equal(t, instagram.NeedsLogin, r.State)
		assert.Equal(t, instagram.Expired, r.Status(time.Now()))
		assert.Len(t, tracer.of(instagram.EventExpired), 1)
	})
}

func TestKeepAliveRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	g := newGraph()
	client := g.client(t, struct{ instagram.TokenStore }{instagram.NewMemoryStore()})
	require.ErrorIs(t, client.KeepAlive(t.Context(), instagram.KeepAliveConfig{}), errors.ErrUnsupported)
	client = g.client(t, instagram.NewMemoryStore())
	require.ErrorContains(t, client.KeepAlive(t.Context(), instagram.KeepAliveConfig{Parallel: -1}), "negative")
	require.ErrorContains(t, client.KeepAlive(t.Context(), instagram.KeepAliveConfig{Timeout: time.Minute}), "third of the lease")
	require.NoError(t, client.Close(t.Context()))
	require.ErrorContains(t, client.KeepAlive(t.Context(), instagram.KeepAliveConfig{}), "closed")
}

func TestRefreshWithAStoreThatCannotLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), watch()
		g.delay = 100 * time.Millisecond
		client := g.client(t, struct{ instagram.TokenStore }{store})
		connect(t, store, accountN(1), 55*day)
		var all sync.WaitGroup
		for range 1_000 {
			all.Go(func() {
				_, err := client.Refresh(t.Context(), accountN(1))
				assert.NoError(t, err)
			})
		}
		all.Wait()
		assert.EqualValues(t, 1, g.refreshes.Load())
		assert.True(t, stored(t, store, accountN(1)).DueAt.After(time.Now()))
	})
}

func TestKeepAliveMakesShortLivedTokensLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		meta, store := instagramtest.New(), watch()
		client := newClient(t, instagramConfig(), meta, instagram.WithTokenStore(store))
		issued, err := meta.IssueToken(instagramtest.TokenSpec{})
		require.NoError(t, err)
		tok := &instagram.Token{
			AccessToken: instagram.NewSecret(issued.Value), AccountID: instagramtest.DefaultAccountID,
			ObtainedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour),
		}
		_, err = store.SaveToken(t.Context(), &instagram.Record{Key: tok.Key(instagramConfig().AppID), Token: tok, DueAt: instagram.DueAt(tok)}, 0)
		require.NoError(t, err)
		once(t, client, instagram.KeepAliveConfig{})
		r := stored(t, store, instagramtest.DefaultAccountID)
		assert.Equal(t, instagram.LongLived, r.Token.Kind)
		assert.InDelta(t, 60*24, time.Until(r.Token.ExpiresAt).Hours(), 2)
		assert.True(t, r.DueAt.After(time.Now().Add(29*day)))
	})
}

// forgetful is a store whose answers get lost after it has written.
type forgetful struct {
	*watchedStore

	lose atomic.Int64
}

func (s *forgetful) CommitLeases(ctx context.Context, leases []*instagram.Lease) ([]error, error) {
	results, err := s.watchedStore.CommitLeases(ctx, leases)
	if s.lose.Add(-1) >= 0 {
		return nil, errStoreDown
	}
	return results, err
}

func TestLostAnswersOfTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store, tracer := newGraph(), &forgetful{watchedStore: watch()}, &events{}
		client := g.client(t, store, instagram.WithTracer(tracer))
		store.lose.Store(2)
		for i := range 50 {
			connect(t, store, accountN(i), 55*day)
		}
		var last instagram.Progress
		once(t, client, instagram.KeepAliveConfig{OnProgress: func(p instagram.Progress) { last = p }})
		assert.EqualValues(t, 50, last.Refreshed)
		assert.Zero(t, last.Superseded, "what was written is recognised")
		assert.Len(t, tracer.of(instagram.EventRefreshed), 50)
	})
}

func TestOnceEndsWhenTheStoreFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), watch()
		store.down.Store(true)
		client := g.client(t, store)
		require.ErrorIs(t, client.KeepAlive(t.Context(), instagram.KeepAliveConfig{Once: true}), errStoreDown)
	})
}

func TestPanicsOfHooksEndNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), watch()
		client := g.client(t, store)
		for i := range 10 {
			connect(t, store, accountN(i), 55*day)
		}
		g.kill(accountN(0), 458)
		stop := keepAlive(t, client, instagram.KeepAliveConfig{
			OnNeedsLogin:  func(context.Context, instagram.LoginNeeded) error { panic("oops") },
			OnProgress:    func(instagram.Progress) { panic("oops") },
			ProgressEvery: time.Second,
		})
		time.Sleep(time.Minute)
		stop()
		assert.EqualValues(t, 9, g.refreshes.Load())
		assert.Equal(t, instagram.Alive, stored(t, store, accountN(0)).State, "not before somebody was told")
	})
}

// BenchmarkKeepAlive renews a due token: answer in memory, store in memory.
func BenchmarkKeepAlive(b *testing.B) {
	g, store := newGraph(), instagram.NewMemoryStore()
	client := g.client(b, store)
	for i := range b.N {
		connect(b, store, accountN(i), 55*day)
	}
	b.ReportAllocs()
	b.ResetTimer()
	require.NoError(b, client.KeepAlive(b.Context(), instagram.KeepAliveConfig{Once: true}))
	b.StopTimer()
	assert.EqualValues(b, b.N, g.refreshes.Load())
}

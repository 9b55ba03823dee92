package instagram_test

// When a token is tried, tried again and given up: what must not be too early,
// too late, or for all at once.

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
)

// TestNobodyIsTriedInTheFirstDay has records that are due, and tokens that are
// too young to be renewed.
func TestNobodyIsTriedInTheFirstDay(t *testing.T) {
	for _, life := range []time.Duration{25 * time.Hour, 30 * time.Hour, 47 * time.Hour, 60 * day} {
		tok := &instagram.Token{Kind: instagram.LongLived, AccountID: "1", ObtainedAt: obtained(), ExpiresAt: obtained().Add(life)}
		assert.GreaterOrEqual(t, instagram.DueAt(tok).Sub(obtained()), instagram.MinRefreshAge+time.Minute, "a life of %v", life)
	}
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), watch()
		client := g.client(t, store)
		for i := range 50 {
			r := connect(t, store, accountN(i), 2*time.Hour)
			r.DueAt = time.Now() // as another program may have written it
			_, err := store.SaveToken(t.Context(), r, r.Revision)
			require.NoError(t, err)
		}
		stop := keepAlive(t, client, instagram.KeepAliveConfig{})
		_, err := client.TokenSource(accountN(1)).Token(t.Context())
		require.NoError(t, err)
		time.Sleep(21 * time.Hour)
		assert.Zero(t, g.calls.Load())
		time.Sleep(2 * time.Hour)
		stop()
		assert.EqualValues(t, 50, g.refreshes.Load(), "and then each at once, for it is due")
		assert.Zero(t, g.refused.Load())
		require.NoError(t, client.Close(t.Context()))
	})
}

// TestWhatFailsTogetherIsTriedApart looks at when accounts are tried again that
// have failed, or were throttled, in one moment.
func TestWhatFailsTogetherIsTriedApart(t *testing.T) {
	for name, c := range map[string]struct {
		fault    *graphFault
		earliest time.Duration
	}{
		"failed":    {graphOops, 0},
		"throttled": {&graphFault{status: 403, code: 80002, message: "Too many calls"}, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, store := newGraph(), watch()
				client := g.client(t, store, instagram.WithRetryPolicy(instagram.RetryPolicy{MaxAttempts: 1}))
				const accounts = 30 // too few for the breaker
				for i := range accounts {
					connect(t, store, accountN(i), 50*day)
				}
				g.answers(func(string, string) *graphFault { return c.fault })
				began := time.Now()
				stop := keepAlive(t, client, instagram.KeepAliveConfig{})
				time.Sleep(time.Second)
				stop()
				moments := map[time.Duration]bool{}
				for i := range accounts {
					d := stored(t, store, accountN(i)).DueAt.Sub(began)
					moments[d.Truncate(100*time.Millisecond)] = true
					assert.GreaterOrEqual(t, d, c.earliest, "what is asked to wait for is waited for")
				}
				assert.Greater(t, len(moments), 10)
			})
		})
	}
}

// TestKeepersDoNotAskInStep starts processes in one moment.
func TestKeepersDoNotAskInStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &whenAsked{MemoryStore: instagram.NewMemoryStore(), began: time.Now()}
		var stops []func()
		for range 8 {
			stops = append(stops, keepAlive(t, newGraph().client(t, store), instagram.KeepAliveConfig{Poll: time.Minute}))
		}
		time.Sleep(10 * time.Minute)
		for _, stop := range stops {
			stop()
		}
		store.mu.Lock()
		defer store.mu.Unlock()
		assert.Greater(t, len(store.moments), 50)
		assert.InDelta(t, 88, store.asked, 16, "a minute, a fifth more or less")
	})
}

type whenAsked struct {
	*instagram.MemoryStore

	began   time.Time
	mu      sync.Mutex
	asked   int
	moments map[time.Duration]bool
}

func (s *whenAsked) LeaseDue(ctx context.Context, app string, n int, d time.Duration) ([]*instagram.Lease, error) {
	s.mu.Lock()
	if s.moments == nil {
		s.moments = map[time.Duration]bool{}
	}
	s.asked++
	s.moments[time.Since(s.began).Truncate(10*time.Millisecond)] = true
	s.mu.Unlock()
	return s.MemoryStore.LeaseDue(ctx, app, n, d)
}

// TestPastItsEndOnlyThePlatformsWordCounts has a token that is past its end by
// our dates, and every kind of answer that proves nothing.
func TestPastItsEndOnlyThePlatformsWordCounts(t *testing.T) {
	for name, fault := range map[string]*graphFault{
		"no connection": graphDown, "503": graphOops, "a throttle": graphTooMany, "the app is wrong": graphWrong,
		"an odd answer": {status: 200, message: `{"ok":true}`}, "an unknown code": {status: 400, code: 4711, message: "what"},
		"temporarily unavailable": {status: 400, code: 2, message: "Service temporarily unavailable"}, "unknown": {status: 400, code: 1, message: "An unknown error occurred"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, store, tracer := newGraph(), watch(), &events{}
				client := g.client(t, store, instagram.WithTracer(tracer))
				connect(t, store, accountN(1), 61*day)
				g.answers(func(string, string) *graphFault { return fault })
				stop := keepAlive(t, client, instagram.KeepAliveConfig{OnNeedsLogin: func(context.Context, instagram.LoginNeeded) error {
					t.Error("nobody needs to log in, as far as is known")
					return nil
				}})
				time.Sleep(3 * day)
				stop()
				assert.Equal(t, instagram.Alive, stored(t, store, accountN(1)).State)
				assert.Empty(t, tracer.of(instagram.EventExpired))
				assert.Positive(t, g.calls.Load())
			})
		})
	}
}

// TestCodesThatProveNothing renews with answers that Meta documents as passing.
func TestCodesThatProveNothing(t *testing.T) {
	for _, fault := range []*graphFault{
		{status: 400, code: 1, message: "An unknown error occurred"},
		{status: 500, code: 2, message: "Service temporarily unavailable"},
		{status: 503, code: 190, subcode: 0, message: "<html>"},
		{status: 502, message: "<html>Bad gateway</html>"},
	} {
		synctest.Test(t, func(t *testing.T) {
			g, store := newGraph(), watch()
			client := g.client(t, store)
			connect(t, store, accountN(1), 50*day)
			g.answers(func(path, _ string) *graphFault {
				if strings.HasSuffix(path, "/refresh_access_token") {
					return fault
				}
				return nil
			})
			stop := keepAlive(t, client, instagram.KeepAliveConfig{})
			time.Sleep(5 * day)
			stop()
			assert.Equal(t, instagram.Alive, stored(t, store, accountN(1)).State, "%+v", fault)
			tok, err := client.TokenSource(accountN(1)).Token(t.Context())
			require.NoError(t, err)
			assert.NotNil(t, tok)
			require.NoError(t, client.Close(t.Context()))
		})
	}
}

// TestDataAccessIsWatchedWithoutAnEnd has a token of Facebook Login that never
// ends: only its access to data does.
func TestDataAccessIsWatchedWithoutAnEnd(t *testing.T) {
	t.Parallel()
	ends := time.Now().Add(90 * day)
	tok := &instagram.Token{Login: instagram.FacebookLogin, Kind: instagram.LongLived, AppScopedID: "1", ObtainedAt: time.Now(), Permanent: true}
	assert.True(t, instagram.DueAt(tok).IsZero())
	tok.DataAccessExpiresAt = ends
	assert.Equal(t, ends.Add(-14*day), instagram.DueAt(tok))
}

// TestNothingIsRenewedBehindItsLease has processes so slow that what they have
// taken is others' before they come to it.
func TestNothingIsRenewedBehindItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), watch()
		const accounts = 300
		for i := range accounts {
			connect(t, store, accountN(i), 50*day)
		}
		var stops []func()
		for range 3 {
			stops = append(stops, keepAlive(t, g.client(t, store), instagram.KeepAliveConfig{PerSecond: 1}))
		}
		time.Sleep(30 * time.Minute)
		for _, stop := range stops {
			stop()
		}
		assert.EqualValues(t, accounts, g.refreshes.Load())
	})
}

// TestTriesFitInBeforeTheEnd has Meta down for days, and back an hour before
// tokens end: waiting is no longer than half a day by then, and that is too long.
func TestTriesFitInBeforeTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), watch()
		client := g.client(t, store, instagram.WithRetryPolicy(instagram.RetryPolicy{MaxAttempts: 1}))
		const accounts = 20
		for i := range accounts {
			connect(t, store, accountN(i), 50*day)
		}
		g.answers(func(string, string) *graphFault { return graphDown })
		stop := keepAlive(t, client, instagram.KeepAliveConfig{})
		time.Sleep(10*day - time.Hour)
		g.answers(nil)
		time.Sleep(time.Hour)
		stop()
		assert.EqualValues(t, accounts, g.refreshes.Load())
	})
}

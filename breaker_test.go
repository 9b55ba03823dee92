package instagram_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
)

// TestMassFailureMarksNobody lets every account fail in a way that would mark
// a single one, for an hour.
func TestMassFailureMarksNobody(t *testing.T) {
	for name, c := range map[string]struct {
		fault  *graphFault
		cause  string
		config bool // a developer is told
	}{
		"dead, says Meta":                  {&graphFault{status: 400, code: 190, subcode: 460}, "many accounts", true},
		"dead, says Meta without a reason": {graphVague, "many accounts", true},
		"a checkpoint for everybody":       {&graphFault{status: 400, code: 190, subcode: 459}, "many accounts", true},
		"permissions are gone":             {&graphFault{status: 403, code: 10}, "many accounts", true},
		"wrong app secret":                 {graphWrong, "the app itself", true},
		"the app is blocked":               {&graphFault{status: 400, code: 200, message: "API access blocked."}, "the app itself", true},
		"no connection":                    {graphDown, "does not answer", false},
		"503":                              {graphOops, "does not answer", false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, store, tracer := newGraph(), watch(), &events{}
				g.delay = 150 * time.Millisecond
				client := g.client(t, store, instagram.WithTracer(tracer), instagram.WithRetryPolicy(instagram.RetryPolicy{MaxAttempts: 1}))
				const accounts = 2_000
				for i := range accounts {
					connect(t, store, accountN(i), 50*day)
				}
				g.answers(func(string, string) *graphFault { return c.fault })
				stop := keepAlive(t, client, instagram.KeepAliveConfig{OnNeedsLogin: func(context.Context, instagram.LoginNeeded) error {
					t.Error("nobody needs to log in")
					return nil
				}})
				time.Sleep(time.Minute)
				before := g.calls.Load()
				assert.Less(t, before, int64(260), "the first that fail, and those under way")
				time.Sleep(time.Hour)
				assert.Less(t, g.calls.Load()-before, int64(250), "one account a minute, asked a few times where its word is vague")
				time.Sleep(30 * time.Hour) // not even then
				opened := tracer.of(instagram.EventBreakerOpen)
				require.Len(t, opened, 1)
				assert.Contains(t, opened[0].Reason, c.cause)
				assert.Equal(t, instagram.TokenKey{AppID: instagramConfig().AppID}, opened[0].Key)
				assert.Equal(t, c.config, len(tracer.of(instagram.EventConfigError)) == 1)
				_, err := client.TokenSource(accountN(7)).Token(t.Context())
				require.NoError(t, err, "tokens that live are given out")

				g.answers(nil)
				time.Sleep(time.Hour)
				assert.Len(t, tracer.of(instagram.EventBreakerClosed), 1)
				assert.GreaterOrEqual(t, g.refreshes.Load(), int64(accounts-200))
				time.Sleep(13 * time.Hour)
				stop()
				assert.EqualValues(t, accounts, g.refreshes.Load())
				for i := range accounts {
					assert.Equal(t, instagram.Alive, stored(t, store, accountN(i)).State)
				}
			})
		})
	}
}

// TestSlowMassFailureMarksNobody is the same with few accounts a minute, where
// no share can be computed: a vague death is not believed ten times in a row.
func TestSlowMassFailureMarksNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store, tracer := newGraph(), watch(), &events{}
		client := g.client(t, store, instagram.WithTracer(tracer))
		for i := range 40 {
			connect(t, store, accountN(i), 50*day)
		}
		g.answers(func(string, string) *graphFault { return graphVague })
		stop := keepAlive(t, client, instagram.KeepAliveConfig{OnNeedsLogin: func(context.Context, instagram.LoginNeeded) error {
			t.Error("nobody needs to log in")
			return nil
		}})
		time.Sleep(6 * time.Hour)
		assert.Len(t, tracer.of(instagram.EventBreakerOpen), 1)
		g.answers(nil)
		time.Sleep(24 * time.Hour)
		stop()
		assert.EqualValues(t, 40, g.refreshes.Load())
	})
}

// TestManyRevocationsAreReported has fewer revocations than make a mass
// failure, and small fleets of which all are revoked.
func TestManyRevocationsAreReported(t *testing.T) {
	for name, c := range map[string]struct{ accounts, revoked int }{
		"one of one":            {1, 1},
		"two of two":            {2, 2},
		"a handful, all":        {9, 9},
		"twenty, all":           {20, 20},
		"thirty of two hundred": {200, 30},
		"one in ten":            {1_000, 100},
		"most of a large fleet": {500, 300},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, store := newGraph(), watch()
				g.delay = 100 * time.Millisecond
				client := g.client(t, store)
				for i := range c.accounts {
					connect(t, store, accountN(i), 50*day)
					if i*c.revoked%c.accounts < c.revoked {
						g.kill(accountN(i), 458)
					}
				}
				told := map[string]int{}
				stop := keepAlive(t, client, instagram.KeepAliveConfig{OnNeedsLogin: func(_ context.Context, e instagram.LoginNeeded) error {
					g.mu.Lock()
					defer g.mu.Unlock()
					told[e.Key.AccountID]++
					return nil
				}})
				time.Sleep(3 * day)
				stop()
				assert.Len(t, told, c.revoked)
				for account, n := range told {
					assert.Equal(t, 1, n, account)
				}
				assert.EqualValues(t, c.accounts-c.revoked, g.refreshes.Load())
				if c.revoked*5 < c.accounts {
					assert.LessOrEqual(t, g.refused.Load(), int64(2*c.revoked))
				}
			})
		})
	}
}

// TestOneOddAccountDoesNotStopTheOthers has an account that is refused as if
// the app were wrong.
func TestOneOddAccountDoesNotStopTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store, tracer := newGraph(), watch(), &events{}
		client := g.client(t, store, instagram.WithTracer(tracer))
		for i := range 300 {
			connect(t, store, accountN(i), 50*day)
		}
		g.answers(func(_, account string) *graphFault {
			if account == accountN(5) {
				return graphWrong
			}
			time.Sleep(time.Second) // most of the others come after it, and show that renewing works
			return nil
		})
		stop := keepAlive(t, client, instagram.KeepAliveConfig{})
		time.Sleep(2 * time.Hour)
		stop()
		assert.EqualValues(t, 299, g.refreshes.Load())
		assert.Equal(t, instagram.Alive, stored(t, store, accountN(5)).State)
		assert.NotEmpty(t, tracer.of(instagram.EventBreakerClosed))
	})
}

func TestOnceEndsWhenRenewingHasStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), watch()
		client := g.client(t, store)
		for i := range 300 {
			connect(t, store, accountN(i), 50*day)
		}
		g.answers(func(string, string) *graphFault { return graphWrong })
		err := client.KeepAlive(t.Context(), instagram.KeepAliveConfig{Once: true})
		require.ErrorIs(t, err, instagram.ErrStopped)
		require.ErrorContains(t, err, "app itself")
		leases, err := store.LeaseDue(t.Context(), instagramConfig().AppID, 300, time.Minute)
		require.NoError(t, err)
		assert.Greater(t, len(leases), 200, "what it held is given back")
	})
}

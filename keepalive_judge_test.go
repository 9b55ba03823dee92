package instagram_test

// What a refusal proves, and what goes before a refresh that is under way.

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
)

func TestThrottlesAreNoFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), watch()
		client := g.client(t, store)
		for i := range 500 {
			connect(t, store, accountN(i), 50*day)
		}
		g.answers(func(string, string) *graphFault {
			return &graphFault{status: 403, code: 4, message: "Application request limit reached", header: http.Header{
				"X-App-Usage": {`{"call_count":110,"total_time":10,"total_cputime":10}`}, "Retry-After": {"1800"},
			}}
		})
		stop := keepAlive(t, client, instagram.KeepAliveConfig{})
		time.Sleep(20 * time.Minute)
		assert.LessOrEqual(t, g.calls.Load(), int64(32), "nothing is sent while the app is blocked")
		assert.Less(t, store.leases.Load(), int64(10), "and nothing is taken that is only given back")
		g.answers(nil)
		time.Sleep(2 * time.Hour)
		stop()
		assert.EqualValues(t, 500, g.refreshes.Load())
		for i := range 500 {
			assert.Zero(t, stored(t, store, accountN(i)).Fails)
		}
	})
}

func TestLoginDuringKeepAliveWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store, tracer := newGraph(), watch(), &events{}
		client := g.client(t, store, instagram.WithTracer(tracer))
		connect(t, store, accountN(1), 55*day)
		connect(t, store, accountN(2), 55*day)
		g.kill(accountN(2), 458)
		login := func(account string) *instagram.Token {
			r := stored(t, store, account)
			at := time.Now()
			r.Token.AccessToken = instagram.NewSecret(graphToken(account, 100, at))
			r.Token.GrantedAt, r.Token.ObtainedAt, r.Token.ExpiresAt = at, at, at.Add(60*day)
			r.DueAt = instagram.DueAt(r.Token)
			_, err := store.SaveToken(t.Context(), r, r.Revision)
			require.NoError(t, err)
			return r.Token
		}
		tokens := map[string]*instagram.Token{}
		g.answers(func(_, account string) *graphFault {
			if tokens[account] == nil {
				tokens[account] = login(account) // while the refresh is under way
			}
			return nil
		})
		var last instagram.Progress
		once(t, client, instagram.KeepAliveConfig{
			Parallel:     1,
			OnProgress:   func(p instagram.Progress) { last = p },
			OnNeedsLogin: func(context.Context, instagram.LoginNeeded) error { t.Error("nobody needs to log in"); return nil },
		})
		for account, want := range tokens {
			r := stored(t, store, account)
			assert.True(t, r.Token.AccessToken.Equal(want.AccessToken))
			assert.Equal(t, instagram.Alive, r.State)
		}
		assert.EqualValues(t, 1, last.Superseded)
		assert.Zero(t, last.Marked)
		assert.Empty(t, tracer.of(instagram.EventRefreshed))
	})
}

func TestDeletionDuringKeepAliveStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), watch()
		client := g.client(t, store)
		r := connect(t, store, accountN(1), 55*day)
		g.answers(func(string, string) *graphFault {
			require.NoError(t, store.DeleteToken(t.Context(), r.Key))
			return nil
		})
		once(t, client, instagram.KeepAliveConfig{})
		_, err := store.LoadToken(t.Context(), r.Key)
		require.ErrorIs(t, err, instagram.ErrTokenNotFound)
	})
}

func TestPoisonIsSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store, tracer := newGraph(), watch(), &events{}
		client := g.client(t, store, instagram.WithTracer(tracer))
		r := connect(t, store, accountN(1), 55*day)
		r.Token.Login = instagram.FacebookLogin
		_, err := store.SaveToken(t.Context(), r, r.Revision)
		require.NoError(t, err)
		for i := range 300 {
			connect(t, store, accountN(2+i), 50*day)
		}
		once(t, client, instagram.KeepAliveConfig{})
		assert.EqualValues(t, 300, g.refreshes.Load())
		assert.Len(t, tracer.of(instagram.EventSkipped), 1)
		assert.InDelta(t, 24, time.Until(stored(t, store, accountN(1)).DueAt).Hours(), 4)
		assert.Equal(t, instagram.Alive, stored(t, store, accountN(1)).State)
	})
}

func TestConfirmationOfVagueRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		refresh, look *graphFault
		state         instagram.RecordState
		looks         int
	}{
		"a refusal without a subcode, and the token lives":       {graphVague, nil, instagram.Alive, 1},
		"a refusal without a subcode, confirmed":                 {graphVague, graphVague, instagram.NeedsLogin, 1},
		"a refusal without a subcode, and no second answer":      {graphVague, graphOops, instagram.Alive, 0},
		"a refusal without a subcode, and a throttle":            {graphVague, graphTooMany, instagram.Alive, 0},
		"an end that our dates do not know, and the token lives": {&graphFault{status: 400, code: 190, subcode: 463}, nil, instagram.Alive, 1},
		"the person changed the password":                        {&graphFault{status: 400, code: 190, subcode: 460}, nil, instagram.NeedsLogin, 0},
		"a checkpoint":                                           {&graphFault{status: 400, code: 190, subcode: 459}, nil, instagram.WaitingForPerson, 0},
		"a vague refusal that turns out to be a checkpoint":      {graphVague, &graphFault{status: 400, code: 190, subcode: 459}, instagram.WaitingForPerson, 1},
		"a missing permission":                                   {&graphFault{status: 403, code: 10}, nil, instagram.Alive, 0},
		"a blocked account":                                      {&graphFault{status: 400, code: 25, subcode: 2207050}, nil, instagram.Alive, 0},
		"no answer":                                              {graphDown, nil, instagram.Alive, 0},
		"an HTML page":                                           {graphOops, nil, instagram.Alive, 0},
		"a success without a token":                              {&graphFault{status: 200, message: `{"ok":true}`}, nil, instagram.Alive, 0},
		"an unknown code":                                        {&graphFault{status: 400, code: 4711, message: "what"}, nil, instagram.Alive, 0},
		"a throttle":                                             {graphTooMany, nil, instagram.Alive, 0},
		"the app is unknown, under the code of a dead token":     {graphWrong, nil, instagram.Alive, 0},
		"the app is blocked":                                     {&graphFault{status: 400, code: 200, message: "API access blocked."}, nil, instagram.Alive, 0},
		"too young for Meta, although our dates say otherwise":   {&graphFault{status: 400, code: 100, message: "Unsupported request - method type: get"}, nil, instagram.Alive, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, store := newGraph(), watch()
				client := g.client(t, store)
				connect(t, store, accountN(1), 45*day)
				refresh := c.refresh
				g.answers(func(path, _ string) *graphFault {
					if strings.HasSuffix(path, "/refresh_access_token") {
						return refresh
					}
					if c.look != nil {
						g.looks.Add(1)
					}
					return c.look
				})
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				require.NoError(t, client.KeepAlive(ctx, instagram.KeepAliveConfig{}))
				r := stored(t, store, accountN(1))
				assert.Equal(t, c.state, r.State, r.Reason)
				if c.looks > 0 {
					assert.EqualValues(t, c.looks, g.looks.Load())
				}
				if c.state != instagram.Alive {
					return
				}
				g.answers(nil)
				ctx, cancel = context.WithTimeout(t.Context(), 13*time.Hour)
				defer cancel()
				require.NoError(t, client.KeepAlive(ctx, instagram.KeepAliveConfig{}))
				assert.EqualValues(t, 1, g.refreshes.Load(), "and it is renewed when that is over")
				assert.Zero(t, stored(t, store, accountN(1)).Fails)
			})
		})
	}
}

func TestWaitingAccountsAreLookedAtAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store, tracer := newGraph(), watch(), &events{}
		client := g.client(t, store, instagram.WithTracer(tracer))
		connect(t, store, accountN(1), 40*day)
		g.kill(accountN(1), 459)
		told := 0
		stop := keepAlive(t, client, instagram.KeepAliveConfig{OnNeedsLogin: func(_ context.Context, e instagram.LoginNeeded) error {
			told++
			assert.Equal(t, instagram.WaitingForPerson, e.State)
			return nil
		}})
		time.Sleep(5 * day)
		r := stored(t, store, accountN(1))
		assert.Equal(t, instagram.WaitingForPerson, r.State)
		assert.Equal(t, instagram.AwaitsPerson, r.Status(time.Now()))
		assert.LessOrEqual(t, g.calls.Load(), int64(8), "once a day")
		g.heal(accountN(1))
		time.Sleep(3 * day)
		stop()
		r = stored(t, store, accountN(1))
		assert.Equal(t, instagram.Alive, r.State)
		assert.Len(t, tracer.of(instagram.EventRevived), 1)
		assert.True(t, r.Token.ExpiresAt.After(time.Now().Add(50*day)), "and is renewed at once")
		assert.Equal(t, 1, told)
	})
}

func TestClockWrongByMonths(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), watch()
		client := g.client(t, store)
		r := connect(t, store, accountN(1), 30*day)
		r.Token.ExpiresAt = time.Now().Add(-day) // what a wrong clock has written down
		r.DueAt = time.Now()
		_, err := store.SaveToken(t.Context(), r, r.Revision)
		require.NoError(t, err)
		once(t, client, instagram.KeepAliveConfig{})
		r = stored(t, store, accountN(1))
		assert.Equal(t, instagram.Alive, r.State, "it is tried, and the platform is believed")
		assert.True(t, r.Token.ExpiresAt.After(time.Now()))
	})
}

func TestPlanSaysWhatWouldBeDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), watch()
		client := g.client(t, store)
		connect(t, store, accountN(1), 2*day)
		connect(t, store, accountN(2), 55*day)
		connect(t, store, accountN(3), 61*day)
		r := connect(t, store, accountN(4), 2*day)
		r.State, r.Reason = instagram.NeedsLogin, "190/458"
		_, err := store.SaveToken(t.Context(), r, r.Revision)
		require.NoError(t, err)
		plan := map[string]instagram.Planned{}
		for p, err := range client.Plan(t.Context()) {
			require.NoError(t, err)
			plan[p.Key.AccountID] = p
		}
		assert.Len(t, plan, 4)
		assert.Equal(t, instagram.StepRefresh, plan[accountN(1)].Step)
		assert.Equal(t, instagram.Fresh, plan[accountN(1)].Status)
		assert.Greater(t, time.Until(plan[accountN(1)].At), 27*day)
		assert.Equal(t, instagram.StepRefresh, plan[accountN(2)].Step)
		assert.False(t, plan[accountN(2)].At.After(time.Now()))
		assert.Equal(t, instagram.StepExpire, plan[accountN(3)].Step)
		assert.Equal(t, instagram.StepNone, plan[accountN(4)].Step)
		assert.Equal(t, "190/458", plan[accountN(4)].Reason)
		assert.Zero(t, g.calls.Load())
	})
}

func TestImportedTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), watch()
		client := g.client(t, store)
		now := time.Now().Truncate(time.Second)
		bring := func(account string, age time.Duration, change func(*instagram.Token)) error {
			tok := &instagram.Token{AccessToken: instagram.NewSecret(graphToken(account, 0, now.Add(-age))), AccountID: account}
			if change != nil {
				change(tok)
			}
			return client.ImportToken(t.Context(), tok)
		}
		require.NoError(t, bring(accountN(1), 30*day, nil), "nothing is known but the account")
		require.NoError(t, bring(accountN(2), time.Hour, nil), "nothing is known, and it is too young")
		require.NoError(t, bring(accountN(3), 10*day, func(tok *instagram.Token) {
			tok.ObtainedAt, tok.ExpiresAt = now.Add(-10*day), now.Add(50*day)
		}))
		require.ErrorIs(t, bring(accountN(4), 70*day, func(tok *instagram.Token) { tok.ExpiresAt = now.Add(-10 * day) }), instagram.ErrTokenExpired)
		require.ErrorIs(t, bring("", 0, nil), instagram.ErrInvalidRequest)
		assert.Zero(t, g.calls.Load(), "nothing is sent")

		stop := keepAlive(t, client, instagram.KeepAliveConfig{})
		time.Sleep(time.Hour)
		r := stored(t, store, accountN(1))
		assert.InDelta(t, 60*24, time.Until(r.Token.ExpiresAt).Hours(), 2, "its end is known now")
		r = stored(t, store, accountN(2))
		assert.Equal(t, instagram.Alive, r.State, "being refused did it no harm")
		assert.EqualValues(t, 1, g.refused.Load(), "and it is left alone for a day, for it may have been too young")
		assert.True(t, r.Token.ExpiresAt.IsZero())
		assert.Equal(t, instagram.Unknown, r.Status(time.Now()))
		time.Sleep(2 * day)
		stop()
		assert.InDelta(t, 59*24, time.Until(stored(t, store, accountN(2)).Token.ExpiresAt).Hours(), 48)
		assert.EqualValues(t, 2, g.refreshes.Load())
		assert.Equal(t, now.Add(50*day), stored(t, store, accountN(3)).Token.ExpiresAt.Local())

		require.ErrorIs(t, bring(accountN(3), 40*day, nil), instagram.ErrTokenSuperseded, "the one that lives stays")
	})
}

package instagram_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

func TestSignInWithInstagram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New()
		client := newClient(t, instagramConfig(), meta)

		result := signIn(t, client, meta)
		assert.Equal(t, instagram.LongLived, result.Token.Kind)
		assert.Equal(t, instagramtest.DefaultAccountID, result.Token.AccountID)
		assert.Equal(t, instagramtest.DefaultAppScopedID, result.Token.AppScopedID)
		assert.Equal(t, instagramConfig().Scopes, result.Token.Scopes)
		assert.Empty(t, result.MissingScopes)
		assert.Len(t, result.Accounts, 1)
		assert.InDelta(t, 60*24, time.Until(result.Token.ExpiresAt).Hours(), 24)

		_, err := client.RefreshToken(t.Context(), result.Token)
		require.ErrorIs(t, err, instagram.ErrTokenTooYoung)
		time.Sleep(40 * 24 * time.Hour)
		fresh, err := client.RefreshToken(t.Context(), result.Token)
		require.NoError(t, err)
		assert.True(t, fresh.ExpiresAt.After(result.Token.ExpiresAt))
		assert.Equal(t, result.Token.AccountID, fresh.AccountID)

		var me struct {
			UserID   instagram.ID `json:"user_id"`
			Username string       `json:"username"`
		}
		require.NoError(t, client.With(instagram.StaticToken(fresh)).Get(t.Context(), "me", nil, &me))
	})
}

func TestSignInWithFacebook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New()
		client := newClient(t, facebookConfig(), meta)

		result := signIn(t, client, meta)
		assert.Equal(t, instagram.LongLived, result.Token.Kind)
		assert.Empty(t, result.Token.AccountID)
		assert.Equal(t, instagramtest.DefaultPersonID, result.Token.AppScopedID)
		require.Len(t, result.Accounts, 2)
		assert.Equal(t, instagramtest.DefaultAccountID, result.Accounts[0].AccountID)
		assert.Equal(t, instagramtest.DefaultPageID, result.Accounts[0].PageID)
		assert.False(t, result.Accounts[0].PageToken.IsZero())
		assert.False(t, result.Token.DataAccessExpiresAt.IsZero())
	})
}

func TestFinishLoginGoesWrong(t *testing.T) {
	t.Parallel()
	type attempt struct {
		client  *instagram.Client
		meta    *instagramtest.Platform
		query   url.Values
		binding string
	}
	tests := map[string]struct {
		change  func(*testing.T, *attempt)
		is      error
		problem instagram.CallbackProblem
	}{
		"after more than ten minutes": {
			change: func(_ *testing.T, _ *attempt) { time.Sleep(11 * time.Minute) },
			is:     instagram.ErrStateMismatch, problem: instagram.StateExpired,
		},
		"without the cookie": {
			change: func(_ *testing.T, a *attempt) { a.binding = "" },
			is:     instagram.ErrStateMismatch, problem: instagram.BindingMissing,
		},
		"with another person's state": {
			change: func(t *testing.T, a *attempt) {
				t.Helper()
				other, err := a.client.BeginLogin()
				require.NoError(t, err)
				a.query.Set("state", other.State)
			},
			is: instagram.ErrStateMismatch, problem: instagram.BindingMismatch,
		},
		"with a state that was made up": {
			change: func(_ *testing.T, a *attempt) { a.query.Set("state", "AQAAAAAAAAAA") },
			is:     instagram.ErrStateMismatch, problem: instagram.StateForged,
		},
		"without a state": {
			change: func(_ *testing.T, a *attempt) { a.query.Del("state") },
			is:     instagram.ErrStateMismatch, problem: instagram.StateMissing,
		},
		"with two states, both of this login": {
			change: func(_ *testing.T, a *attempt) { a.query.Add("state", a.query.Get("state")) },
			is:     instagram.ErrStateMismatch, problem: instagram.StateMissing,
		},
		"with code and refusal": {
			change: func(_ *testing.T, a *attempt) { a.query.Set("error", "access_denied") },
			is:     instagram.ErrInvalidRequest, problem: instagram.CodeAndError,
		},
		"with two codes": {
			change: func(_ *testing.T, a *attempt) { a.query.Add("code", "x") },
			is:     instagram.ErrInvalidRequest, problem: instagram.ParameterRepeated,
		},
		"with a code of somebody else's invention": {
			change: func(_ *testing.T, a *attempt) { a.query.Set("code", "AQB") },
			is:     instagram.ErrCodeInvalid,
		},
		"at another client with another redirect URI": {
			change: func(t *testing.T, a *attempt) {
				t.Helper()
				cfg := instagramConfig()
				cfg.RedirectURL += "/"
				a.client = newClient(t, cfg, a.meta)
			},
			is: instagram.ErrStateMismatch, problem: instagram.StateForged,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				meta := instagramtest.New()
				client := newClient(t, instagramConfig(), meta)
				begun, err := client.BeginLogin()
				require.NoError(t, err)
				a := &attempt{client, meta, consent(t, meta, begun.URL), begun.Binding}
				test.change(t, a)

				result, err := a.client.FinishLogin(t.Context(), a.query, a.binding)
				assert.Nil(t, result)
				require.ErrorIs(t, err, test.is)
				if test.problem != 0 {
					var wrong *instagram.CallbackError
					require.ErrorAs(t, err, &wrong)
					assert.Equal(t, test.problem, wrong.Problem)
					assert.Empty(t, meta.Requests("", ""), "nothing is sent before the callback is verified")
				}
			})
		})
	}
}

func TestDeniedLogin(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]instagram.Config{"instagram": instagramConfig(), "facebook": facebookConfig()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			meta := instagramtest.New()
			client := newClient(t, cfg, meta)
			begun, err := client.BeginLogin()
			require.NoError(t, err)
			query := consent(t, meta, begun.URL, instagramtest.Deny())

			_, err = client.FinishLogin(t.Context(), query, "")
			require.ErrorIs(t, err, instagram.ErrStateMismatch, "the browser is checked before the refusal is believed")
			_, err = client.FinishLogin(t.Context(), query, begun.Binding)
			require.ErrorIs(t, err, instagram.ErrUserDenied)
			assert.Empty(t, meta.Requests("", ""))
		})
	}
}

func TestTheSameCallbackAHundredTimesAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New()
		meta.On("POST", "/oauth/access_token").Always(instagramtest.Answer{Late: time.Second})
		client := newClient(t, instagramConfig(), meta)
		begun, err := client.BeginLogin()
		require.NoError(t, err)
		query := consent(t, meta, begun.URL)

		impatient, leave := context.WithTimeout(t.Context(), time.Millisecond)
		defer leave()
		_, err = client.FinishLogin(impatient, query, begun.Binding)
		require.ErrorIs(t, err, context.DeadlineExceeded, "the first caller leaves, and spoils nothing")

		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				result, err := client.FinishLogin(t.Context(), query, begun.Binding)
				if assert.NoError(t, err) {
					assert.Equal(t, instagramtest.DefaultAccountID, result.Token.AccountID)
				}
			})
		}
		all.Wait()
		time.Sleep(5 * time.Minute) // the back button
		_, err = client.FinishLogin(t.Context(), query, begun.Binding)
		require.NoError(t, err)
		assert.Len(t, meta.Requests("POST", "/oauth/access_token"), 1, "the code is spent once")
	})
}

func TestStateStoreSpendsAStateOnceInTheWholeFleet(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	states := instagram.NewMemoryStore()
	one := newClient(t, instagramConfig(), meta, instagram.WithStateStore(states))
	two := newClient(t, instagramConfig(), meta, instagram.WithStateStore(states))
	begun, err := one.BeginLogin()
	require.NoError(t, err)
	query := consent(t, meta, begun.URL)

	_, err = one.FinishLogin(t.Context(), query, begun.Binding)
	require.NoError(t, err)
	_, err = two.FinishLogin(t.Context(), query, begun.Binding)
	var wrong *instagram.CallbackError
	require.ErrorAs(t, err, &wrong)
	assert.Equal(t, instagram.StateSpent, wrong.Problem)
	require.ErrorIs(t, err, instagram.ErrStateMismatch)
	assert.Len(t, meta.Requests("POST", "/oauth/access_token"), 1)
}

func TestARefusalUsesUpTheStateToo(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	client := newClient(t, instagramConfig(), meta, instagram.WithStateStore(instagram.NewMemoryStore()))
	begun, err := client.BeginLogin()
	require.NoError(t, err)
	_, err = client.FinishLogin(t.Context(), consent(t, meta, begun.URL, instagramtest.Deny()), begun.Binding)
	require.ErrorIs(t, err, instagram.ErrUserDenied)
	_, err = client.FinishLogin(t.Context(), consent(t, meta, begun.URL), begun.Binding)
	var wrong *instagram.CallbackError
	require.ErrorAs(t, err, &wrong)
	assert.Equal(t, instagram.StateSpent, wrong.Problem)
	assert.Empty(t, meta.Requests("", ""))
}

// brokenStates is a state store that is away.
type brokenStates struct{ away bool }

func (s *brokenStates) PutState(context.Context, string, time.Duration) error { return nil }
func (s *brokenStates) TakeState(context.Context, string) error {
	if s.away {
		return errors.New("connection refused")
	}
	return nil
}

func TestALoginIsNotLostWhileTheStateStoreIsAway(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	states := &brokenStates{away: true}
	client := newClient(t, instagramConfig(), meta, instagram.WithStateStore(states))
	begun, err := client.BeginLogin()
	require.NoError(t, err)
	query := consent(t, meta, begun.URL)
	_, err = client.FinishLogin(t.Context(), query, begun.Binding)
	require.ErrorContains(t, err, "state store")
	states.away = false
	_, err = client.FinishLogin(t.Context(), query, begun.Binding)
	require.NoError(t, err, "the code was not spent, so the person may press reload")
}

func TestTwoTabs(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	client := newClient(t, instagramConfig(), meta)
	first, err := client.BeginLogin(instagram.ReturnPath("/first"))
	require.NoError(t, err)
	second, err := client.BeginLogin(instagram.ReturnPath("/second"), instagram.LoginData([]byte("two")))
	require.NoError(t, err)
	for path, a := range map[string]*instagram.LoginAttempt{"/second": second, "/first": first} {
		result, err := client.FinishLogin(t.Context(), consent(t, meta, a.URL), a.Binding)
		require.NoError(t, err)
		assert.Equal(t, path, result.ReturnPath)
	}
}

func TestIncompleteLoginIsResumed(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config       instagram.Config
		method, path string
		stage        instagram.LoginStage
		kind         instagram.TokenKind
	}{
		"long-lived exchange, instagram": {instagramConfig(), "GET", "/access_token", instagram.StageLongLived, instagram.ShortLived},
		"profile, instagram":             {instagramConfig(), "GET", "/me", instagram.StageIdentify, instagram.LongLived},
		"inspection, facebook":           {facebookConfig(), "GET", "/debug_token", instagram.StageLongLived, instagram.ShortLived},
		"accounts, facebook":             {facebookConfig(), "GET", "/me/accounts", instagram.StageAccounts, instagram.LongLived},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				meta := instagramtest.New()
				meta.On(test.method, test.path).Times(8, instagramtest.Answer{Status: http.StatusBadGateway, Body: "<html>bad gateway</html>"})
				client := newClient(t, test.config, meta)
				begun, err := client.BeginLogin(instagram.ReturnPath("/back"))
				require.NoError(t, err)
				won, err := client.FinishLogin(t.Context(), consent(t, meta, begun.URL), begun.Binding)
				var incomplete *instagram.IncompleteLoginError
				require.ErrorAs(t, err, &incomplete)
				assert.Equal(t, test.stage, incomplete.Stage)
				require.ErrorIs(t, err, instagram.ErrTransient)
				require.NotNil(t, won)
				assert.Equal(t, test.kind, won.Token.Kind)
				assert.Equal(t, "/back", won.ReturnPath)

				meta.Reset()
				result, err := client.ResumeLogin(t.Context(), won)
				require.NoError(t, err)
				assert.Equal(t, instagram.LongLived, result.Token.Kind)
				assert.NotEmpty(t, result.Accounts)
				assert.Equal(t, "/back", result.ReturnPath)
			})
		})
	}
}

func TestReconnectWantsTheSameAccount(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	store := instagram.NewMemoryStore()
	client := newClient(t, instagramConfig(), meta, instagram.WithTokenStore(store))
	begun, err := client.BeginLogin(instagram.Reconnect("17841400000000001"))
	require.NoError(t, err)
	_, err = client.FinishLogin(t.Context(), consent(t, meta, begun.URL), begun.Binding)
	var wrong *instagram.WrongAccountError
	require.ErrorAs(t, err, &wrong)
	assert.Equal(t, []string{instagramtest.DefaultAccountID}, wrong.Got)
	_, err = store.LoadToken(t.Context(), instagram.TokenKey{AppID: instagramConfig().AppID, AccountID: instagramtest.DefaultAccountID})
	require.ErrorIs(t, err, instagram.ErrTokenNotFound, "nothing is stored for an account that was not meant")
}

func TestMissingScopes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config  instagram.Config
		decline instagram.Scope
	}{
		"instagram": {instagramConfig(), instagram.ScopeBusinessContentPublish},
		"facebook":  {facebookConfig(), instagram.ScopeContentPublish},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			meta := instagramtest.New()
			result := signIn(t, newClient(t, test.config, meta), meta, instagramtest.Decline(string(test.decline)))
			assert.Equal(t, []instagram.Scope{test.decline}, result.MissingScopes)
			assert.NotContains(t, result.Token.Scopes, test.decline)
		})
	}
}

func TestFinishLoginStores(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	store := instagram.NewMemoryStore()
	client := newClient(t, facebookConfig(), meta, instagram.WithTokenStore(store))
	result := signIn(t, client, meta)

	person, err := store.LoadToken(t.Context(), instagram.PersonKey(facebookConfig().AppID, instagramtest.DefaultPersonID))
	require.NoError(t, err)
	assert.True(t, person.Token.AccessToken.Equal(result.Token.AccessToken))
	assert.False(t, person.DueAt.IsZero())
	account, err := store.LoadToken(t.Context(), result.Accounts[0].Key(facebookConfig().AppID))
	require.NoError(t, err)
	assert.Equal(t, instagram.PageToken, account.Token.Kind, "the person's token is kept once")
	assert.True(t, account.Token.AccessToken.Equal(result.Accounts[0].PageToken))
	assert.Equal(t, instagramtest.DefaultPersonID, account.Token.AppScopedID)
}

// brokenStore does something before it saves.
type brokenStore struct {
	*instagram.MemoryStore

	before func()
}

func (s brokenStore) SaveToken(ctx context.Context, r *instagram.Record, from instagram.Revision) (instagram.Revision, error) {
	s.before()
	return s.MemoryStore.SaveToken(ctx, r, from)
}

func TestAStoreThatPanicsEndsNoServer(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	client := newClient(t, instagramConfig(), meta, instagram.WithTokenStore(brokenStore{instagram.NewMemoryStore(), func() { panic("CANARY") }}))
	attempt, err := client.BeginLogin()
	require.NoError(t, err)
	_, err = client.FinishLogin(t.Context(), consent(t, meta, attempt.URL), attempt.Binding)
	require.ErrorContains(t, err, "panic: string")
	assert.NotContains(t, err.Error(), "CANARY")
	require.NoError(t, client.Close(t.Context()))
}

func TestCloseWaitsForSignIns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meta, store := instagramtest.New(), instagram.NewMemoryStore()
		client := newClient(t, instagramConfig(), meta, instagram.WithTokenStore(brokenStore{store, func() { time.Sleep(10 * time.Second) }}))
		attempt, err := client.BeginLogin()
		require.NoError(t, err)
		gone, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err = client.FinishLogin(gone, consent(t, meta, attempt.URL), attempt.Binding)
		require.ErrorIs(t, err, context.DeadlineExceeded, "the browser has left")
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, client.Close(soon), context.DeadlineExceeded)
		require.NoError(t, client.Close(t.Context()))
		counts, err := store.CountTokens(t.Context(), instagramConfig().AppID)
		require.NoError(t, err)
		assert.Equal(t, 1, counts.ByState[instagram.Alive], "it was saved all the same")
	})
}

func TestALoginAttemptIsNotPrinted(t *testing.T) {
	t.Parallel()
	attempt, err := newClient(t, instagramConfig(), instagramtest.New()).BeginLogin()
	require.NoError(t, err)
	var logged strings.Builder
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("begun", slog.Any("attempt", *attempt))
	for _, printed := range []string{fmt.Sprintf("%v %+v %#v", *attempt, attempt, attempt), logged.String()} {
		assert.NotContains(t, printed, attempt.State)
		assert.NotContains(t, printed, attempt.Binding)
	}
}

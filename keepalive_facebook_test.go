package instagram_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

// exchanges counts how often the platform was asked for a longer life since
// the last call of it.
func exchanges(meta *instagramtest.Platform) int {
	n := 0
	for _, r := range meta.Requests("GET", "/oauth/access_token") {
		if r.Param("grant_type") == "fb_exchange_token" {
			n++
		}
	}
	meta.ForgetRequests()
	return n
}

func facebookKey(id string) instagram.TokenKey {
	return instagram.TokenKey{AppID: facebookConfig().AppID, AccountID: id}
}

func personRecord(t *testing.T, store instagram.TokenStore) *instagram.Record {
	t.Helper()
	r, err := store.LoadToken(t.Context(), instagram.PersonKey(facebookConfig().AppID, instagramtest.DefaultPersonID))
	require.NoError(t, err)
	return r
}

func TestFacebookTokenIsKeptOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		meta, store := instagramtest.New(), watch()
		client := newClient(t, facebookConfig(), meta, instagram.WithTokenStore(store))
		result := signIn(t, client, meta)
		exchanges(meta)

		for _, account := range result.Accounts {
			r, err := store.LoadToken(t.Context(), facebookKey(account.AccountID))
			require.NoError(t, err)
			assert.Equal(t, instagram.PageToken, r.Token.Kind)
			assert.True(t, r.DueAt.IsZero(), "renewed with the person")
			assert.Equal(t, instagram.NeverExpires, r.Status(time.Now()))

			tok, err := client.TokenSource(account.AccountID).Token(t.Context())
			require.NoError(t, err)
			assert.True(t, tok.AccessToken.Equal(result.Token.AccessToken), "calls are signed with the person's")
			assert.True(t, tok.PageToken.Equal(account.PageToken))
			assert.Equal(t, account.AccountID, tok.AccountID)
			assert.Equal(t, account.PageID, tok.PageID)
			require.NoError(t, client.Account(account.AccountID).Get(t.Context(), account.AccountID, map[string]string{"fields": "username"}, nil))
		}

		time.Sleep(35 * day)
		var all sync.WaitGroup
		for i := range 100 {
			account := result.Accounts[i%len(result.Accounts)]
			all.Go(func() {
				tok, err := client.Refresh(t.Context(), account.AccountID)
				if assert.NoError(t, err) {
					assert.True(t, tok.ExpiresAt.After(result.Token.ExpiresAt))
					assert.Equal(t, account.AccountID, tok.AccountID)
					assert.False(t, tok.PageToken.IsZero())
				}
			})
		}
		all.Wait()
		assert.Equal(t, 1, exchanges(meta), "once for all accounts")
		tok, err := client.TokenSource(result.Accounts[0].AccountID).Token(t.Context())
		require.NoError(t, err)
		assert.True(t, tok.AccessToken.Equal(personRecord(t, store).Token.AccessToken))
		require.NoError(t, client.Close(t.Context()))
	})
}

func TestKeepAliveOnFacebook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		meta, store, tracer := instagramtest.New(), watch(), &events{}
		client := newClient(t, facebookConfig(), meta, instagram.WithTokenStore(store), instagram.WithTracer(tracer))
		result := signIn(t, client, meta)
		exchanges(meta)
		asked := &logins{failing: 2}
		stop := keepAlive(t, client, instagram.KeepAliveConfig{Poll: time.Hour, OnNeedsLogin: asked.needed})
		time.Sleep(75 * day)
		assert.Empty(t, tracer.of(instagram.EventDataAccessEnding))
		n := exchanges(meta)
		assert.Positive(t, n)
		assert.LessOrEqual(t, n, 2)
		time.Sleep(2 * day)
		assert.Len(t, tracer.of(instagram.EventDataAccessEnding), 1, "announced two weeks ahead")
		assert.Empty(t, asked.all())
		time.Sleep(15 * day)
		told := asked.all()
		require.Len(t, told, 3, "and again until it is taken in")
		assert.Equal(t, told[0].ID, told[2].ID)
		assert.Equal(t, instagram.Alive, told[0].State)
		assert.ElementsMatch(t, []string{instagramtest.DefaultAccountID, instagramtest.SecondAccountID}, told[0].AccountIDs)
		assert.Len(t, tracer.of(instagram.EventDataAccessEnded), 1)
		assert.Equal(t, instagram.DataAccessEnded, personRecord(t, store).Status(time.Now()))
		_, err := client.TokenSource(result.Accounts[0].AccountID).Token(t.Context())
		require.NoError(t, err, "the token lives")

		attempt, err := client.BeginLogin(told[0].Options...)
		require.NoError(t, err)
		assert.Contains(t, attempt.URL, "auth_type=rerequest")
		_, err = client.FinishLogin(t.Context(), consent(t, meta, attempt.URL), attempt.Binding)
		require.NoError(t, err)
		time.Sleep(100 * day)
		stop()
		assert.Len(t, tracer.of(instagram.EventDataAccessEnding), 2, "once for each login")
		assert.Empty(t, tracer.of(instagram.EventNeedsLogin))
		assert.Equal(t, instagram.Alive, personRecord(t, store).State)
		assert.Empty(t, tracer.of(instagram.EventRefreshDelayed))
	})
}

func TestFacebookRevocationMarksAllAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		meta, store := instagramtest.New(), watch()
		client := newClient(t, facebookConfig(), meta, instagram.WithTokenStore(store))
		result := signIn(t, client, meta)
		require.NoError(t, meta.Revoke(instagramtest.DefaultPersonID))
		time.Sleep(55 * day)
		asked := &logins{}
		cfg := instagram.KeepAliveConfig{OnNeedsLogin: asked.needed}
		once(t, client, cfg)
		once(t, client, cfg)
		told := asked.all()
		require.Len(t, told, 1, "one person, one event")
		assert.Equal(t, "190/458", told[0].Reason)
		assert.Len(t, told[0].AccountIDs, 2)
		assert.Equal(t, instagram.NeedsLogin, personRecord(t, store).State)
		for _, account := range result.Accounts {
			r, err := store.LoadToken(t.Context(), facebookKey(account.AccountID))
			require.NoError(t, err)
			assert.Equal(t, instagram.NeedsLogin, r.State)
			_, err = client.TokenSource(account.AccountID).Token(t.Context())
			require.ErrorIs(t, err, instagram.ErrTokenInvalid)
		}
		signIn(t, client, meta, instagramtest.OnlyPages(instagramtest.DefaultPageID))
		_, err := client.TokenSource(instagramtest.DefaultAccountID).Token(t.Context())
		require.NoError(t, err)
		_, err = client.TokenSource(instagramtest.SecondAccountID).Token(t.Context())
		require.ErrorIs(t, err, instagram.ErrTokenInvalid, "what was not granted again stays as it was")
	})
}

// TestPersonsRenewalUndoesNoWordOfTheirs has an account that the person has
// taken away, and one that was granted again while the person's token died.
func TestPersonsRenewalUndoesNoWordOfTheirs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		meta, store := instagramtest.New(), watch()
		client := newClient(t, facebookConfig(), meta, instagram.WithTokenStore(store))
		signIn(t, client, meta)
		change := func(id string, how func(*instagram.Record)) {
			r, err := store.LoadToken(t.Context(), facebookKey(id))
			require.NoError(t, err)
			how(r)
			_, err = store.SaveToken(t.Context(), r, r.Revision)
			require.NoError(t, err)
		}
		is := func(id string) instagram.RecordState {
			r, err := store.LoadToken(t.Context(), facebookKey(id))
			require.NoError(t, err)
			return r.State
		}
		change(instagramtest.SecondAccountID, func(r *instagram.Record) { r.State = instagram.Deauthorized })
		time.Sleep(55 * day)
		once(t, client, instagram.KeepAliveConfig{})
		assert.True(t, personRecord(t, store).Token.ExpiresAt.After(time.Now().Add(50*day)))
		assert.Equal(t, instagram.Deauthorized, is(instagramtest.SecondAccountID))
		assert.Equal(t, instagram.Alive, is(instagramtest.DefaultAccountID))

		change(instagramtest.DefaultAccountID, func(r *instagram.Record) {
			r.Token.GrantedAt = r.Token.GrantedAt.Add(day)
		})
		require.NoError(t, meta.Revoke(instagramtest.DefaultPersonID))
		time.Sleep(55 * day)
		once(t, client, instagram.KeepAliveConfig{})
		assert.Equal(t, instagram.NeedsLogin, personRecord(t, store).State)
		assert.Equal(t, instagram.Alive, is(instagramtest.DefaultAccountID), "a later login's")
		assert.Equal(t, instagram.Deauthorized, is(instagramtest.SecondAccountID))
	})
}

func TestLostPageRoleMarksOneAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		meta, store := instagramtest.New(), watch()
		client := newClient(t, facebookConfig(), meta, instagram.WithTokenStore(store))
		signIn(t, client, meta)
		require.NoError(t, meta.LoseRole(instagramtest.DefaultPersonID, instagramtest.SecondPageID))
		time.Sleep(51 * day)
		asked := &logins{}
		cfg := instagram.KeepAliveConfig{OnNeedsLogin: asked.needed}
		once(t, client, cfg)
		told := asked.all()
		require.Len(t, told, 1)
		assert.Equal(t, []string{instagramtest.SecondAccountID}, told[0].AccountIDs)
		assert.Equal(t, instagram.WaitingForPerson, told[0].State)
		assert.Equal(t, "190/492", told[0].Reason)
		assert.Equal(t, instagram.Alive, personRecord(t, store).State)
		_, err := client.TokenSource(instagramtest.DefaultAccountID).Token(t.Context())
		require.NoError(t, err)
		_, err = client.TokenSource(instagramtest.SecondAccountID).Token(t.Context())
		require.ErrorIs(t, err, instagram.ErrTokenInvalid)

		require.NoError(t, meta.RegainRole(instagramtest.DefaultPersonID, instagramtest.SecondPageID))
		time.Sleep(5 * day)
		_, err = client.Refresh(t.Context(), instagramtest.DefaultAccountID)
		require.NoError(t, err)
		_, err = client.TokenSource(instagramtest.SecondAccountID).Token(t.Context())
		require.NoError(t, err, "back with the next renewal")
		assert.Len(t, asked.all(), 1)
	})
}

func TestWrongSecretOnFacebook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		meta, store, tracer := instagramtest.New(), watch(), &events{}
		client := newClient(t, facebookConfig(), meta, instagram.WithTokenStore(store), instagram.WithTracer(tracer))
		signIn(t, client, meta)
		time.Sleep(52 * day)
		require.NoError(t, meta.RotateSecret(instagramtest.DefaultMetaAppID, "ffffffffffffffffffffffffffffffff"))
		stop := keepAlive(t, client, instagram.KeepAliveConfig{OnNeedsLogin: func(context.Context, instagram.LoginNeeded) error {
			t.Error("nobody needs to log in")
			return nil
		}})
		time.Sleep(time.Hour)
		assert.Len(t, tracer.of(instagram.EventConfigError), 1)
		assert.Equal(t, instagram.Alive, personRecord(t, store).State)
		require.NoError(t, meta.RotateSecret(instagramtest.DefaultMetaAppID, instagramtest.DefaultMetaAppSecret))
		time.Sleep(3 * time.Hour)
		stop()
		assert.Len(t, tracer.of(instagram.EventRefreshed), 1)
	})
}

func TestFacebookImport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		meta, store := instagramtest.New(), watch()
		client := newClient(t, facebookConfig(), meta, instagram.WithTokenStore(store))
		issued, err := meta.IssueToken(instagramtest.TokenSpec{Login: instagramtest.FacebookLogin, Kind: instagramtest.LongLived, Age: 20 * day})
		require.NoError(t, err)
		require.NoError(t, client.ImportToken(t.Context(), &instagram.Token{
			AccessToken: instagram.NewSecret(issued.Value), Login: instagram.FacebookLogin,
			AccountID: instagramtest.DefaultAccountID, AppScopedID: instagramtest.DefaultPersonID,
		}))
		once(t, client, instagram.KeepAliveConfig{})
		tok, err := client.TokenSource(instagramtest.DefaultAccountID).Token(t.Context())
		require.NoError(t, err)
		assert.InDelta(t, 60*24, time.Until(tok.ExpiresAt).Hours(), 24)
		assert.False(t, tok.PageToken.IsZero(), "its Page's token came with the renewal")
		assert.False(t, tok.DataAccessExpiresAt.IsZero())
	})
}

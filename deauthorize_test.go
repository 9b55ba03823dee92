package instagram_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

const deauthorizeURL = "https://example.com/deauthorize"

func TestDeauthorize(t *testing.T) {
	t.Parallel()
	const other, app = "99999999999999999", instagramtest.DefaultMetaAppID
	account := func(id, scoped string) instagram.Token { return instagram.Token{AccountID: id, AppScopedID: scoped} }
	person := instagramtest.DefaultPersonID

	for name, c := range map[string]struct {
		cfg    instagram.Config
		tokens []instagram.Token
		plain  bool  // the store cannot search
		find   error // what searching gives
		who    string
		marked int // how many of the tokens, from the first on
		search bool
	}{
		"an account of Instagram Login": {
			cfg: instagramConfig(), who: instagramtest.DefaultUsername, marked: 1, search: true,
			tokens: []instagram.Token{account(instagramtest.DefaultAccountID, instagramtest.DefaultAppScopedID), account("2", other)},
		},
		"somebody whom nobody knows here": {
			cfg: instagramConfig(), who: instagramtest.DefaultUsername, search: true,
			tokens: []instagram.Token{account("2", other)},
		},
		"a person of Facebook Login, with two accounts": {
			cfg: facebookConfig(), who: person, marked: 3, search: true,
			tokens: []instagram.Token{
				{Login: instagram.FacebookLogin, AppScopedID: person},
				account("1", person), account("2", person), account("3", other),
				{Login: instagram.FacebookLogin, AppScopedID: other},
			},
		},
		"a store that cannot search, on Facebook Login": {
			cfg: facebookConfig(), who: person, marked: 1, plain: true,
			tokens: []instagram.Token{{Login: instagram.FacebookLogin, AppScopedID: person}, account("1", person)},
		},
		"a decorator over a store that cannot search": {
			cfg: facebookConfig(), who: person, marked: 1, find: errors.ErrUnsupported,
			tokens: []instagram.Token{{Login: instagram.FacebookLogin, AppScopedID: person}, account("1", person)},
		},
		"a store that cannot search, on Instagram Login": {
			cfg: instagramConfig(), who: instagramtest.DefaultUsername, plain: true,
			tokens: []instagram.Token{account(instagramtest.DefaultAccountID, instagramtest.DefaultAppScopedID)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				meta := instagramtest.New()
				store := newCallbackStore()
				want := map[instagram.TokenKey]instagram.RecordState{}
				var keys []instagram.TokenKey
				for i, token := range c.tokens {
					key := store.put(t, c.cfg.AppID, token, time.Now())
					want[key] = instagram.Alive
					if i < c.marked {
						want[key] = instagram.Deauthorized
						keys = append(keys, key)
					}
				}
				stranger := store.put(t, "1"+app, c.tokens[0], time.Now())
				want[stranger] = instagram.Alive
				store.findErr = c.find
				var tokens instagram.TokenStore = store
				if c.plain {
					tokens = plainStore{store}
				}
				client := newClient(t, c.cfg, meta, instagram.WithTokenStore(tokens))
				var told []instagram.Deauthorization
				h := client.DeauthorizeHandler(func(_ context.Context, d instagram.Deauthorization) error {
					assert.Equal(t, want, store.states(), "marked before anybody is told")
					told = append(told, d)
					return nil
				})
				time.Sleep(time.Hour)
				reply, err := meta.SendDeauthorize(t.Context(), deauthorizeURL, c.who, instagramtest.To(h))
				require.NoError(t, err)
				assert.Equal(t, http.StatusOK, reply.Status)
				require.Len(t, told, 1)
				assert.Equal(t, meta.ScopedID("", c.who), told[0].AppScopedID)
				assert.True(t, told[0].At.Equal(time.Now()))
				assert.ElementsMatch(t, keys, told[0].Keys)
				assert.Equal(t, c.search, told[0].Searched)
				require.NoError(t, told[0].Err)
				assert.Equal(t, want, store.states())
				for _, key := range keys {
					r, err := store.LoadToken(t.Context(), key)
					require.NoError(t, err)
					assert.True(t, r.DueAt.IsZero(), "nothing renews it any more")
					assert.NotEmpty(t, r.Reason)
				}
			})
		})
	}
}

func TestDeauthorizeLeavesALaterLoginAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New()
		store := newCallbackStore()
		client := newClient(t, instagramConfig(), meta, instagram.WithTokenStore(store))
		token := instagram.Token{AccountID: instagramtest.DefaultAccountID, AppScopedID: instagramtest.DefaultAppScopedID}
		key := store.put(t, igAppID, token, time.Now())
		h := client.DeauthorizeHandler(nil)
		late, err := meta.SignedCallback(deauthorizeURL, instagramtest.DefaultAccountID)
		require.NoError(t, err)

		time.Sleep(time.Minute)
		store.put(t, igAppID, token, time.Now()) // the person came back before Meta's request arrived
		reply, err := late.Send(t.Context(), instagramtest.To(h))
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, reply.Status)
		assert.Equal(t, instagram.Alive, store.states()[key])

		store.before = func() { store.put(t, igAppID, token, time.Now().Add(time.Hour)) } // or in this very moment
		reply, err = meta.SendDeauthorize(t.Context(), deauthorizeURL, instagramtest.DefaultAccountID, instagramtest.To(h))
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, reply.Status)
		assert.Equal(t, instagram.Alive, store.states()[key])
	})
}

const igAppID = instagramtest.DefaultInstagramAppID

func TestDeauthorizeWinsAgainstARefresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New()
		store := newCallbackStore()
		client := newClient(t, instagramConfig(), meta, instagram.WithTokenStore(store))
		token := instagram.Token{AccountID: instagramtest.DefaultAccountID, AppScopedID: instagramtest.DefaultAppScopedID}
		key := store.put(t, igAppID, token, time.Now())
		store.before = func() { // a worker saves what it refreshed, in this very moment
			r, err := store.LoadToken(t.Context(), key)
			require.NoError(t, err)
			r.Token.ObtainedAt = time.Now().Add(time.Second)
			_, err = store.SaveToken(t.Context(), r, r.Revision)
			require.NoError(t, err)
		}
		reply, err := meta.SendDeauthorize(t.Context(), deauthorizeURL, instagramtest.DefaultAccountID, instagramtest.To(client.DeauthorizeHandler(nil)))
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, reply.Status)
		assert.Equal(t, instagram.Deauthorized, store.states()[key])
	})
}

func TestDeauthorizeIsDoneOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New()
		store := newCallbackStore()
		token := instagram.Token{AccountID: instagramtest.DefaultAccountID, AppScopedID: instagramtest.DefaultAppScopedID}
		key := store.put(t, igAppID, token, time.Now())
		client := newClient(t, instagramConfig(), meta, instagram.WithTokenStore(store))
		var told []instagram.Deauthorization
		slow := true
		h := client.DeauthorizeHandler(func(_ context.Context, d instagram.Deauthorization) error {
			told = append(told, d)
			if slow {
				time.Sleep(time.Second)
			}
			if len(told) == 1 {
				return errDiskFull
			}
			if len(told) == 2 {
				panic("CANARY")
			}
			return nil
		})
		cb, err := meta.SignedCallback(deauthorizeURL, instagramtest.DefaultAccountID)
		require.NoError(t, err)
		send := func() int {
			reply, err := cb.Send(t.Context(), instagramtest.To(h))
			require.NoError(t, err)
			return reply.Status
		}
		first, second := make(chan int, 1), make(chan int, 1)
		go func() { first <- send() }()
		synctest.Wait()
		go func() { second <- send() }()
		synctest.Wait()
		assert.Len(t, told, 1, "the same is being worked on: it waits")
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err = cb.Send(ctx, instagramtest.To(h))
		require.NoError(t, err)
		assert.Equal(t, http.StatusInternalServerError, <-first)
		assert.Equal(t, http.StatusInternalServerError, <-second, "the first failed, so the second tried, and panicked")
		slow = false
		assert.Equal(t, http.StatusOK, send(), "it may come again")
		assert.Equal(t, http.StatusOK, send(), "it is done")
		assert.Len(t, told, 3)

		// spelled in another way, but signed once
		values, err := url.ParseQuery(string(cb.Body))
		require.NoError(t, err)
		mac, payload, _ := strings.Cut(values.Get("signed_request"), ".")
		cb.Body = []byte(url.Values{"signed_request": {mac + "=." + payload}}.Encode())
		assert.Equal(t, http.StatusOK, send())
		assert.Len(t, told, 3)

		// a copy that somebody kept does not harm the next login
		time.Sleep(23 * time.Hour)
		store.put(t, igAppID, token, time.Now())
		again := client.DeauthorizeHandler(nil) // in a process that knows nothing of the first
		cb.Body = []byte(url.Values{"signed_request": {mac + "." + payload}}.Encode())
		reply, err := cb.Send(t.Context(), instagramtest.To(again))
		require.NoError(t, err)
		assert.Equal(t, http.StatusForbidden, reply.Status, "the request states its end")
		assert.Equal(t, instagram.Alive, store.states()[key])
	})
}

func TestDeauthorizeTellsOfABrokenStore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]func(*callbackStore){
		"nothing can be found": func(s *callbackStore) { s.findErr = errDiskFull },
		"nothing can be saved": func(s *callbackStore) { s.broken = errDiskFull },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			meta := instagramtest.New()
			store := newCallbackStore()
			token := instagram.Token{AccountID: instagramtest.DefaultAccountID, AppScopedID: instagramtest.DefaultAppScopedID}
			key := store.put(t, igAppID, token, time.Now().Add(-time.Hour))
			c(store)
			client := newClient(t, instagramConfig(), meta, instagram.WithTokenStore(store))
			var told []instagram.Deauthorization
			h := client.DeauthorizeHandler(func(_ context.Context, d instagram.Deauthorization) error {
				told = append(told, d)
				return nil
			})
			send := func() int {
				reply, err := meta.SendDeauthorize(t.Context(), deauthorizeURL, instagramtest.DefaultAccountID, instagramtest.To(h),
					instagramtest.IssuedAt(time.Now().Truncate(time.Minute)))
				require.NoError(t, err)
				return reply.Status
			}
			assert.Equal(t, http.StatusInternalServerError, send())
			require.Len(t, told, 1)
			require.ErrorIs(t, told[0].Err, errDiskFull)
			assert.Empty(t, told[0].Keys)
			store.findErr, store.broken = nil, nil
			assert.Equal(t, http.StatusOK, send())
			assert.Equal(t, []instagram.TokenKey{key}, told[1].Keys)
		})
	}
}

// A login stores what a deauthorize request of the same person finds.
func TestDeauthorizeFindsWhatALoginStored(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cfg     instagram.Config
		who     string
		records int
	}{
		"Instagram Login": {instagramConfig(), instagramtest.DefaultAccountID, 1},
		"Facebook Login":  {facebookConfig(), instagramtest.DefaultPersonID, 3}, // the person and two accounts
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				meta := instagramtest.New()
				store := newCallbackStore()
				client := newClient(t, c.cfg, meta, instagram.WithTokenStore(store))
				signIn(t, client, meta)
				require.Len(t, store.states(), c.records)
				time.Sleep(time.Minute)
				reply, err := meta.SendDeauthorize(t.Context(), deauthorizeURL, c.who, instagramtest.To(client.DeauthorizeHandler(nil)))
				require.NoError(t, err)
				assert.Equal(t, http.StatusOK, reply.Status)
				for key, state := range store.states() {
					assert.Equal(t, instagram.Deauthorized, state, key)
				}
				signIn(t, client, meta) // and a new login brings them back to life
				for key, state := range store.states() {
					assert.Equal(t, instagram.Alive, state, key)
				}
			})
		})
	}
}

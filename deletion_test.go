package instagram_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

const (
	deletionURL = "https://example.com/delete"
	statusURL   = "https://example.com/deletion-status?lang=de"
)

func TestDataDeletion(t *testing.T) {
	t.Parallel()
	person := instagramtest.DefaultPersonID
	for name, c := range map[string]struct {
		cfg    instagram.Config
		tokens []instagram.Token
		who    string
		gone   int // how many of the tokens, from the first on
	}{
		"an account of Instagram Login": {
			cfg: instagramConfig(), who: instagramtest.DefaultAccountID, gone: 1,
			tokens: []instagram.Token{
				{AccountID: instagramtest.DefaultAccountID, AppScopedID: instagramtest.DefaultAppScopedID},
				{AccountID: "2", AppScopedID: "3"},
			},
		},
		"a person of Facebook Login, with two accounts": {
			cfg: facebookConfig(), who: person, gone: 3,
			tokens: []instagram.Token{{AppScopedID: person}, {AccountID: "1", AppScopedID: person}, {AccountID: "2", AppScopedID: person}, {AppScopedID: "3"}},
		},
		"somebody whom nobody knows here": {cfg: instagramConfig(), who: instagramtest.DefaultAccountID},
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
					if i < c.gone {
						keys = append(keys, key)
					} else {
						want[key] = instagram.Alive
					}
				}
				client := newClient(t, c.cfg, meta, instagram.WithTokenStore(store))
				var log instagram.DeletionLog
				var asked []instagram.DataDeletion
				h, err := client.DataDeletionHandler(statusURL, func(_ context.Context, d instagram.DataDeletion) error {
					assert.Equal(t, want, store.states(), "the tokens go first")
					asked = append(asked, d)
					return nil
				})
				require.NoError(t, err)
				status := client.DeletionStatusHandler(log.Status)
				time.Sleep(time.Hour)
				requestedAt := time.Now()

				reply, err := meta.SendDataDeletion(t.Context(), deletionURL, c.who, instagramtest.To(h))
				require.NoError(t, err)
				page, code, err := reply.Deletion()
				require.NoError(t, err)
				assert.Equal(t, "application/json", reply.Header.Get("Content-Type"))
				assert.Regexp(t, `^[a-z2-7]{26}$`, code)
				assert.True(t, strings.HasPrefix(page, "https://example.com/deletion-status?id="), page)
				assert.True(t, strings.HasSuffix(page, "&lang=de"), page)
				scoped := meta.ScopedID("", c.who)
				assert.NotContains(t, page, scoped)
				require.Len(t, asked, 1)
				assert.Equal(t, code, asked[0].Code)
				assert.Equal(t, scoped, asked[0].AppScopedID)
				assert.True(t, asked[0].At.Equal(time.Now()))
				assert.ElementsMatch(t, keys, asked[0].Keys)
				assert.True(t, asked[0].Searched)
				assert.Equal(t, want, store.states())

				u, err := url.Parse(page)
				require.NoError(t, err)
				d, err := client.ParseDeletionStatus(u.Query())
				require.NoError(t, err)
				assert.Equal(t, instagram.DataDeletion{Code: code, AppScopedID: scoped, At: asked[0].At}, *d)

				show := func() string {
					w := httptest.NewRecorder()
					status.ServeHTTP(w, httptest.NewRequest(http.MethodGet, page, nil))
					assert.Equal(t, http.StatusOK, w.Code)
					return w.Body.String()
				}
				assert.Contains(t, show(), "is being worked on")
				assert.Contains(t, show(), code)
				assert.Contains(t, show(), requestedAt.UTC().Format("2006-01-02 15:04 MST"))
				log.Set(code, instagram.DeletionStatus{State: instagram.DeletionDone, DoneAt: time.Now().Add(time.Hour)})
				assert.Contains(t, show(), "has been deleted")
				log.Set(code, instagram.DeletionStatus{State: instagram.DeletionRefused, Text: `Rechnungen <b>müssen</b> bleiben`})
				assert.Contains(t, show(), "Rechnungen &lt;b&gt;müssen&lt;/b&gt; bleiben")
			})
		})
	}
}

func TestDataDeletionIsDoneOnceAndAnsweredAlways(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New()
		client := newClient(t, instagramConfig(), meta, instagram.WithTokenStore(newCallbackStore()))
		calls := 0
		erase := func(context.Context, instagram.DataDeletion) error {
			if calls++; calls == 1 {
				return fmt.Errorf("queue of user with token IGAACANARY: %w", errDiskFull)
			}
			return nil
		}
		h, err := client.DataDeletionHandler(statusURL, erase)
		require.NoError(t, err)
		cb, err := meta.SignedCallback(deletionURL, instagramtest.DefaultAccountID)
		require.NoError(t, err)
		send := func(h http.Handler) instagramtest.Reply {
			reply, err := cb.Send(t.Context(), instagramtest.To(h))
			require.NoError(t, err)
			return reply
		}
		failed := send(h)
		assert.Equal(t, http.StatusInternalServerError, failed.Status)
		assert.Equal(t, "Internal Server Error\n", string(failed.Body))
		first := send(h)
		assert.Equal(t, first.Body, send(h).Body)
		assert.Equal(t, 2, calls)

		other, err := newClient(t, instagramConfig(), meta).DataDeletionHandler(statusURL, erase)
		require.NoError(t, err)
		assert.Equal(t, first.Body, send(other).Body, "another process gives the same code")
		assert.Equal(t, 3, calls)

		time.Sleep(time.Second)
		_, code, err := first.Deletion()
		require.NoError(t, err)
		later, err := meta.SendDataDeletion(t.Context(), deletionURL, instagramtest.DefaultAccountID, instagramtest.To(h))
		require.NoError(t, err)
		_, another, err := later.Deletion()
		require.NoError(t, err)
		assert.NotEqual(t, code, another, "another request")
	})
}

func TestDataDeletionLeavesALaterLoginAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New()
		store := newCallbackStore()
		client := newClient(t, instagramConfig(), meta, instagram.WithTokenStore(store))
		cb, err := meta.SignedCallback(deletionURL, instagramtest.DefaultAccountID)
		require.NoError(t, err)
		time.Sleep(time.Minute)
		key := store.put(t, igAppID, instagram.Token{AccountID: instagramtest.DefaultAccountID, AppScopedID: instagramtest.DefaultAppScopedID}, time.Now())
		var asked instagram.DataDeletion
		h, err := client.DataDeletionHandler(statusURL, func(_ context.Context, d instagram.DataDeletion) error {
			asked = d
			return nil
		})
		require.NoError(t, err)
		reply, err := cb.Send(t.Context(), instagramtest.To(h))
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, reply.Status)
		assert.Equal(t, instagramtest.DefaultAppScopedID, asked.AppScopedID, "what else is known is deleted all the same")
		assert.Empty(t, asked.Keys)
		assert.Equal(t, map[instagram.TokenKey]instagram.RecordState{key: instagram.Alive}, store.states())

		store.broken = errDiskFull
		reply, err = meta.SendDataDeletion(t.Context(), deletionURL, instagramtest.DefaultAccountID, instagramtest.To(h))
		require.NoError(t, err)
		assert.Equal(t, http.StatusInternalServerError, reply.Status)
	})
}

func TestDataDeletionTrustsNoHostHeader(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	client := newClient(t, instagramConfig(), meta)
	h, err := client.DataDeletionHandler(statusURL, func(context.Context, instagram.DataDeletion) error { return nil })
	require.NoError(t, err)
	for name, change := range map[string]func(*http.Request){
		"another host":       func(r *http.Request) { r.Host = "evil.example" },
		"another host's URL": func(r *http.Request) { r.URL.Host = "evil.example"; r.Host = "evil.example" },
		"X-Forwarded-Host":   func(r *http.Request) { r.Header.Set("X-Forwarded-Host", "evil.example") },
		"Forwarded":          func(r *http.Request) { r.Header.Set("Forwarded", "host=evil.example;proto=http") },
		"X-Forwarded-Proto":  func(r *http.Request) { r.Header.Set("X-Forwarded-Proto", "http") },
		"Origin and Referer": func(r *http.Request) {
			r.Header.Set("Origin", "https://evil.example")
			r.Header.Set("Referer", "https://evil.example")
		},
		"a path of its own":   func(r *http.Request) { r.URL.Path = "//evil.example/x"; r.RequestURI = "//evil.example/x" },
		"an absolute request": func(r *http.Request) { r.RequestURI = "https://evil.example/" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reply, err := meta.SendDataDeletion(t.Context(), deletionURL, instagramtest.DefaultAccountID,
				instagramtest.To(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					change(r)
					h.ServeHTTP(w, r)
				})))
			require.NoError(t, err)
			page, _, err := reply.Deletion()
			require.NoError(t, err)
			assert.True(t, strings.HasPrefix(page, "https://example.com/deletion-status?"), page)
		})
	}
}

func TestDataDeletionConfiguration(t *testing.T) {
	t.Parallel()
	client := newClient(t, instagramConfig(), instagramtest.New())
	erase := func(context.Context, instagram.DataDeletion) error { return nil }
	for name, c := range map[string]string{
		"nothing": "", "a path": "/status", "no scheme": "//example.com/status", "plain http": "http://example.com/status",
		"a fragment": "https://example.com/#status", "a password": "https://a:b@example.com/", "a script": "javascript:alert(1)",
		"no host": "https:///status", "no URL": "https://exa mple.com/",
	} {
		_, err := client.DataDeletionHandler(c, erase)
		require.Error(t, err, name)
	}
	_, err := client.DataDeletionHandler(statusURL, nil)
	require.Error(t, err)
	_, err = client.DataDeletionHandler("http://localhost:8080/status", erase)
	require.NoError(t, err)
}

func TestDeletionStatusPage(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	var log bytes.Buffer
	client := newClient(t, instagramConfig(), meta, instagram.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	h, err := client.DataDeletionHandler(statusURL, func(context.Context, instagram.DataDeletion) error { return nil })
	require.NoError(t, err)
	reply, err := meta.SendDataDeletion(t.Context(), deletionURL, instagramtest.DefaultAccountID, instagramtest.To(h))
	require.NoError(t, err)
	page, code, err := reply.Deletion()
	require.NoError(t, err)
	get := func(h http.Handler, method, to string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, to, nil))
		return w
	}

	w := get(client.DeletionStatusHandler(nil), http.MethodGet, page)
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Contains(t, w.Body.String(), "has been received")
	assert.NotContains(t, w.Body.String(), "<script")
	assert.NotContains(t, w.Body.String(), instagramtest.DefaultAppScopedID)
	for header, value := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
		"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex",
	} {
		assert.Equal(t, value, w.Header().Get(header))
	}
	_, style, _ := strings.Cut(w.Body.String(), "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	hash := sha256.Sum256([]byte(style))
	assert.Equal(t, "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(hash[:])+
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'", w.Header().Get("Content-Security-Policy"), "its own style, by its hash")
	assert.Empty(t, w.Header().Get("Set-Cookie"))

	called := false
	guarded := client.DeletionStatusHandler(func(context.Context, instagram.DataDeletion) (instagram.DeletionStatus, error) {
		called = true
		return instagram.DeletionStatus{}, nil
	})
	u, err := url.Parse(page)
	require.NoError(t, err)
	id := u.Query().Get("id")
	for name, forged := range map[string]string{
		"nothing": "", "the code": code, "a guess": strings.Repeat("a", len(id)), "a part": id[:len(id)-8], "short": "aa",
		"altered": strings.Map(func(r rune) rune { return 'a' + (r-'a'+1)%26 }, id[:1]) + id[1:], "no base32": "01890189", "long": strings.Repeat("a", 10_000),
		"markup": "<script>",
	} {
		w := get(guarded, http.MethodGet, statusURL+"&id="+url.QueryEscape(forged))
		assert.Equal(t, http.StatusNotFound, w.Code, name)
		assert.Equal(t, "Not Found\n", w.Body.String(), name)
	}
	assert.False(t, called, "only what this app gave out reaches the program")
	assert.Equal(t, http.StatusBadRequest, get(guarded, http.MethodGet, statusURL+"&id=%zz").Code)
	assert.Equal(t, http.StatusMethodNotAllowed, get(guarded, http.MethodPost, page).Code)
	assert.Equal(t, http.StatusOK, get(guarded, http.MethodHead, page).Code)

	otherApp := instagramConfig()
	otherApp.AppID = "1098765432109877"
	w = get(newClient(t, otherApp, meta).DeletionStatusHandler(nil), http.MethodGet, page)
	assert.Equal(t, http.StatusNotFound, w.Code, "another app with the same secret")
	rotated := instagramConfig()
	rotated.AppSecret, rotated.CallbackSecrets = instagram.NewSecret("11112222333344445555666677778888"), []instagram.Secret{rotated.AppSecret}
	w = get(newClient(t, rotated, meta).DeletionStatusHandler(nil), http.MethodGet, page)
	assert.Equal(t, http.StatusOK, w.Code, "after the secret was replaced")
	assert.Contains(t, w.Body.String(), code)

	for name, status := range map[string]func(context.Context, instagram.DataDeletion) (instagram.DeletionStatus, error){
		"it fails": func(context.Context, instagram.DataDeletion) (instagram.DeletionStatus, error) {
			return instagram.DeletionStatus{}, errDiskFull
		},
		"it panics": func(context.Context, instagram.DataDeletion) (instagram.DeletionStatus, error) { panic("CANARY") },
	} {
		w = get(client.DeletionStatusHandler(status), http.MethodGet, page)
		assert.Equal(t, http.StatusInternalServerError, w.Code, name)
		assert.Equal(t, "Internal Server Error\n", w.Body.String(), name)
	}
	assert.NotContains(t, log.String(), "CANARY")
}

func TestDeletionLogIsBounded(t *testing.T) {
	t.Parallel()
	var log instagram.DeletionLog
	for i := range 10_001 {
		log.Set(strconv.Itoa(i), instagram.DeletionStatus{State: instagram.DeletionDone})
	}
	state := func(code string) instagram.DeletionState {
		s, err := log.Status(t.Context(), instagram.DataDeletion{Code: code})
		require.NoError(t, err)
		return s.State
	}
	assert.Equal(t, instagram.DeletionReceived, state("0"), "the oldest is forgotten")
	assert.Equal(t, instagram.DeletionDone, state("1"))
	assert.Equal(t, instagram.DeletionDone, state("10000"))
	for s := range instagram.DeletionState(4) {
		assert.NotEmpty(t, s.String())
	}
}

// FuzzDeletionStatus: nothing panics, and no address opens that this app did
// not give out.
func FuzzDeletionStatus(f *testing.F) {
	client, err := instagram.New(instagramConfig())
	require.NoError(f, err)
	meta := instagramtest.New()
	h, err := client.DataDeletionHandler(statusURL, func(context.Context, instagram.DataDeletion) error { return nil })
	require.NoError(f, err)
	reply, err := meta.SendDataDeletion(f.Context(), deletionURL, instagramtest.DefaultAccountID, instagramtest.To(h))
	require.NoError(f, err)
	page, _, err := reply.Deletion()
	require.NoError(f, err)
	u, err := url.Parse(page)
	require.NoError(f, err)
	given := u.Query().Get("id")
	_, err = client.ParseDeletionStatus(u.Query())
	require.NoError(f, err)
	f.Add(given[:len(given)-1])
	f.Add(strings.ToUpper(given[:40]))
	f.Add("")
	f.Fuzz(func(t *testing.T, id string) {
		_, err := client.ParseDeletionStatus(url.Values{"id": {id}})
		require.ErrorIs(t, err, instagram.ErrDeletionUnknown)
	})
}

package instagramtest

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// receiver is somebody's server, which keeps what it is sent.
type receiver struct {
	requests []*http.Request
	bodies   []string
	answer   func(w http.ResponseWriter, r *http.Request)
}

func (a *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	a.requests, a.bodies = append(a.requests, r), append(a.bodies, string(body))
	if a.answer != nil {
		a.answer(w, r)
	}
}

func TestSendDeauthorize(t *testing.T) {
	t.Parallel()
	second := App{InstagramAppID: "2", InstagramAppSecret: "second ig", MetaAppID: "3", MetaAppSecret: "second meta"}
	for name, c := range map[string]struct {
		who    string
		opts   []CallbackOption
		secret string
		user   string
	}{
		"an account by its ID":            {DefaultAccountID, nil, DefaultInstagramAppSecret, DefaultAppScopedID},
		"an account by its app-scoped ID": {DefaultAppScopedID, nil, DefaultInstagramAppSecret, DefaultAppScopedID},
		"an account by its name":          {DefaultUsername, nil, DefaultInstagramAppSecret, DefaultAppScopedID},
		"a person":                        {DefaultPersonID, nil, DefaultMetaAppSecret, DefaultPersonID},
		"an account, by the Meta app":     {DefaultAccountID, []CallbackOption{FromApp(DefaultMetaAppID)}, DefaultMetaAppSecret, DefaultAppScopedID},
		"an account, by another app":      {DefaultAccountID, []CallbackOption{FromApp("2")}, "second ig", ""},
		"a person, by another app":        {DefaultPersonID, []CallbackOption{FromApp("3")}, "second meta", ""},
		"with a forger's secret":          {DefaultAccountID, []CallbackOption{SignedWith("guess"), nil}, "guess", DefaultAppScopedID},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := New(WithApp(DefaultApp()), WithApp(second))
				var app receiver
				reply, err := p.SendDeauthorize(t.Context(), "https://app.example/deauthorize?a=b", c.who, append(c.opts, To(&app))...)
				require.NoError(t, err)
				assert.Equal(t, http.StatusOK, reply.Status)
				require.Len(t, app.requests, 1)
				assert.Equal(t, http.MethodPost, app.requests[0].Method)
				assert.Equal(t, "app.example", app.requests[0].Host)
				assert.Equal(t, "/deauthorize?a=b", app.requests[0].RequestURI)
				assert.Equal(t, "application/x-www-form-urlencoded", app.requests[0].Header.Get("Content-Type"))
				form, err := url.ParseQuery(app.bodies[0])
				require.NoError(t, err)
				signed := form.Get("signed_request")
				assert.NotContains(t, signed, "=")
				payload := openSigned(t, c.secret, signed)
				user := c.user
				if user == "" {
					user = p.ScopedID("2", c.who)
					assert.NotContains(t, []string{DefaultAppScopedID, DefaultPersonID}, user)
				}
				assert.Equal(t, map[string]any{
					"algorithm": "HMAC-SHA256", "user_id": user,
					"issued_at": float64(time.Now().Unix()), "expires": float64(time.Now().Add(time.Hour).Unix()),
				}, payload)
			})
		})
	}
}

// openSigned verifies a signed request the long way and returns its payload.
func openSigned(t *testing.T, secret, signed string) (payload map[string]any) {
	t.Helper()
	_, encoded, ok := strings.Cut(signed, ".")
	require.True(t, ok)
	raw := decoded(t, encoded)
	assert.Equal(t, SignRequest(secret, raw), signed)
	require.NoError(t, json.Unmarshal(raw, &payload))
	return payload
}

func decoded(t *testing.T, part string) []byte {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(part)
	require.NoError(t, err)
	return raw
}

func TestSignedCallbackCanBeMadeWrong(t *testing.T) {
	t.Parallel()
	p := New()
	old := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	cb, err := p.SignedCallback("https://app.example/", DefaultUsername, IssuedAt(old),
		Claim("algorithm", "none"), Claim("user_id", json.Number("17841405793187641")), Claim("expires", nil),
		Altered(func(cb *Callback) { cb.Header.Set("X-Extra", "1") }))
	require.NoError(t, err)
	form, err := url.ParseQuery(string(cb.Body))
	require.NoError(t, err)
	_, encoded, _ := strings.Cut(form.Get("signed_request"), ".")
	assert.JSONEq(t, `{"issued_at":1577836800,"algorithm":"none","user_id":17841405793187641}`, string(decoded(t, encoded)))
	assert.Equal(t, "1", cb.Header.Get("X-Extra"))

	_, err = p.SignedCallback("https://app.example/", "nobody")
	require.Error(t, err)
	_, err = p.SendDataDeletion(t.Context(), "https://app.example/", DefaultUsername, FromApp("nobody's"))
	require.Error(t, err)
}

func TestReplyDeletion(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		good   bool
	}{
		"as documented":      {200, `{"url":"https://a/1","confirmation_code":"x"}`, true},
		"keys without quote": {200, `{ url: 'https://a/1', confirmation_code: 'x' }`, false},
		"no code":            {200, `{"url":"https://a/1"}`, false},
		"no URL":             {200, `{"confirmation_code":"x"}`, false},
		"not 200":            {500, `{"url":"https://a/1","confirmation_code":"x"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := receiver{answer: func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}}
			reply, err := New().SendDataDeletion(t.Context(), "https://app.example/", DefaultUsername, To(&app))
			require.NoError(t, err)
			page, code, err := reply.Deletion()
			if !c.good {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, "https://a/1", page)
			assert.Equal(t, "x", code)
		})
	}
}

func TestVerifyWebhook(t *testing.T) {
	t.Parallel()
	echo := func(kind, prefix string, status int) *receiver {
		return &receiver{answer: func(w http.ResponseWriter, r *http.Request) {
			if kind != "" {
				w.Header().Set("Content-Type", kind)
			}
			w.WriteHeader(status)
			if q := r.URL.Query(); q.Get("hub.mode") == "subscribe" && q.Get("hub.verify_token") == "a b&c" {
				_, _ = io.WriteString(w, prefix+q.Get("hub.challenge"))
			}
		}}
	}
	p := New()
	verify := func(to, token string, h http.Handler) error { return p.VerifyWebhook(t.Context(), to, token, To(h)) }
	const to = "https://app.example/webhook"
	require.NoError(t, verify(to, "a b&c", echo("text/plain", "", 200)))
	require.NoError(t, verify(to+"?tenant=1", "a b&c", echo("text/plain", "", 200)))
	require.NoError(t, verify(to, "a b&c", echo("", "", 200)), "what net/http guesses")
	require.Error(t, verify(to, "wrong", echo("text/plain", "", 200)))
	require.Error(t, verify(to, "a b&c", echo("text/plain", "", 403)))
	require.Error(t, verify(to, "a b&c", echo("text/plain", "challenge: ", 200)))
	require.ErrorContains(t, verify(to, "a b&c", echo("text/html", "", 200)), "plain text")
	unreachable := &http.Client{Transport: p.Transport()}
	require.Error(t, p.VerifyWebhook(t.Context(), to, "a b&c", Through(unreachable)))
}

func TestSendWebhook(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		event WebhookEvent
		want  string
	}{
		"a change": {
			WebhookEvent{Field: "comments", Account: DefaultUsername, Value: map[string]any{"id": "1", "text": "Grüße / 😀 \"<b>\""}},
			`{"object":"instagram","entry":[{"id":"17841405793187641","time":1700000000,"changes":[{"field":"comments","value":{"id":"1","text":"Gr\u00fc\u00dfe \/ \ud83d\ude00 \"<b>\""}}]}]}`,
		},
		"a value that is written out": {
			WebhookEvent{Field: "comments", Account: "unknown", Value: json.RawMessage(`{"id":17841405793187641,"u":"https:\/\/a/\u00e4\\/"}`)},
			`{"object":"instagram","entry":[{"id":"unknown","time":1700000000,"changes":[{"field":"comments","value":{"id":17841405793187641,"u":"https:\/\/a\/\u00e4\\\/"}}]}]}`,
		},
		"a message": {
			WebhookEvent{Field: "messages", Account: DefaultAccountID, Value: map[string]any{"message": map[string]any{"mid": "m"}}},
			`{"object":"instagram","entry":[{"time":1700000000000,"id":"17841405793187641","messaging":[{"sender":{"id":"5370951880287469"},"recipient":{"id":"17841405793187641"},"timestamp":1700000000000,"message":{"mid":"m"}}]}]}`,
		},
		"a message with parties of its own": {
			WebhookEvent{Field: "messaging_seen", Account: DefaultAccountID, Value: json.RawMessage(`{"read":{"mid":"m"},"sender":{"id":"7"},"timestamp":5}`)},
			`{"object":"instagram","entry":[{"time":1700000000000,"id":"17841405793187641","messaging":[{"sender":{"id":"7"},"recipient":{"id":"17841405793187641"},"timestamp":5,"read":{"mid":"m"}}]}]}`,
		},
		"a message in another app's hands": {
			WebhookEvent{Field: "standby", Account: "1", Value: json.RawMessage(`{"timestamp":5,"recipient":{},"sender":{}}`)},
			`{"object":"instagram","entry":[{"time":1700000000000,"id":"1","standby":[{"sender":{},"recipient":{},"timestamp":5}]}]}`,
		},
		"a message as a change": {
			WebhookEvent{Field: "messages", Account: "1", Form: FormChange, Value: json.RawMessage(`{"timestamp":5,"recipient":{},"sender":{}}`)},
			`{"object":"instagram","entry":[{"id":"1","time":1700000000,"changes":[{"field":"messages","value":{"sender":{},"recipient":{},"timestamp":5}}]}]}`,
		},
		"a change in the entry, of another object and time": {
			WebhookEvent{Object: "permissions", Field: "connected", Account: "1", Form: FormInline, Value: true, Time: time.Unix(5, 0)},
			`{"object":"permissions","entry":[{"id":"1","time":5,"field":"connected","value":true}]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cb, err := New().WebhookCallback("https://app.example/", []WebhookEvent{c.event}, IssuedAt(time.Unix(1_700_000_000, 0)))
			require.NoError(t, err)
			assert.Equal(t, c.want, string(cb.Body))
			assert.True(t, json.Valid(cb.Body))
			assert.Equal(t, SignWebhook(DefaultInstagramAppSecret, cb.Body), cb.Header.Get("X-Hub-Signature-256"))
			assert.Regexp(t, `^sha1=[0-9a-f]{40}$`, cb.Header.Get("X-Hub-Signature"))
		})
	}
	p := New()
	for name, value := range map[string]any{"no JSON": func() {}, "a message that is no object": "hi"} {
		_, err := p.SendWebhook(t.Context(), "https://app.example/", "messages", "1", value)
		require.Error(t, err, name)
	}
	_, err := p.SendWebhook(t.Context(), "https://app.example/", "comments", "1", 1, FromApp("nobody's"))
	require.Error(t, err)
	cb, err := p.WebhookCallback("", nil, SignedWith("x"))
	require.NoError(t, err)
	assert.JSONEq(t, `{"object":"instagram","entry":[]}`, string(cb.Body))
}

func TestSendOverASocket(t *testing.T) {
	t.Parallel()
	var app receiver
	server := httptest.NewServer(&app)
	defer server.Close()
	p := New()
	reply, err := p.SendWebhook(t.Context(), server.URL+"/hook", "comments", DefaultAccountID, map[string]string{"id": "1"})
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, reply.Status)
	assert.Equal(t, SignWebhook(DefaultInstagramAppSecret, []byte(app.bodies[0])), app.requests[0].Header.Get("X-Hub-Signature-256"))
	server.Close()
	_, err = p.SendDeauthorize(t.Context(), server.URL, DefaultAccountID, Through(server.Client()))
	require.Error(t, err)
	_, err = Callback{Method: "BAD METHOD", URL: server.URL}.Send(t.Context())
	require.Error(t, err)
	_, err = Callback{Method: "GET", URL: "https://app.example"}.Send(t.Context(), Through(&http.Client{Transport: failing{}}))
	require.Error(t, err)
}

type failing struct{}

func (failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("no route") }

package instagram_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
)

// The canaries have shapes that no pattern knows: only what the client itself
// remembers of a request can keep them out of its errors.
const (
	canarySecret = "canary.secret.7f3a"
	canaryCode   = "canary.code.91bc"
	canaryToken  = "canary.token.44de"
	canaryOther  = "canary.other.token.6c"
)

// printer collects everything that a program could print.
type printer struct {
	mu     sync.Mutex
	out    bytes.Buffer
	states []string // what only the browser and Meta may see
}

func (p *printer) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(b)
}

func (p *printer) print(values ...any) {
	for _, v := range values {
		for err, ok := v.(error); ok && err != nil; err = errors.Unwrap(err) {
			fmt.Fprintf(p, "%s %v %+v %#v %q %T\n", err, err, err, err, err, err)
		}
		fmt.Fprintf(p, "%v %+v %#v\n", v, v, v)
		j, _ := json.Marshal(v)
		_, _ = p.Write(append(j, '\n'))
		slog.New(slog.NewTextHandler(p, nil)).Info("x", slog.Any("v", v))
		slog.New(slog.NewJSONHandler(p, nil)).Info("x", slog.Any("v", v))
	}
}

// canaryTracer prints everything it is told.
type canaryTracer struct{ p *printer }

func (c canaryTracer) CallStart(ctx context.Context, s instagram.CallStart) context.Context {
	c.p.print(s)
	return ctx
}
func (c canaryTracer) Attempt(_ context.Context, a instagram.Attempt)       { c.p.print(a, a.Err) }
func (c canaryTracer) Wait(_ context.Context, w instagram.Wait)             { c.p.print(w) }
func (c canaryTracer) CallEnd(_ context.Context, e instagram.CallEnd)       { c.p.print(e, e.Err) }
func (c canaryTracer) TokenEvent(_ context.Context, e instagram.TokenEvent) { c.p.print(e, e.Err) }

// echo returns everything that a request carries: what a platform of the worst
// manners would put into its messages.
func echo(req *http.Request) string {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
	}
	form, _ := url.ParseQuery(string(body))
	return fmt.Sprint(req.URL.String(), " ", req.URL.Query(), " ", form, " ", string(body), " ", req.Header)
}

// manners are the ways in which a platform can fail while it echoes the request.
func manners() map[string]func(req *http.Request, said string) (*http.Response, error) {
	answer := func(status int, contentType string, body func(said string) string) func(*http.Request, string) (*http.Response, error) {
		return func(req *http.Request, said string) (*http.Response, error) {
			h := http.Header{
				"Content-Type":     {contentType},
				"Www-Authenticate": {`OAuth "Facebook Platform" "invalid_token" "` + strings.ReplaceAll(said, `"`, "'") + `"`},
			}
			return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body(said))), ContentLength: -1, Request: req}, nil
		}
	}
	quoted := func(s string) string { j, _ := json.Marshal(s); return string(j) }
	graph := func(code int) func(string) string {
		return func(said string) string {
			q := quoted(said)
			return fmt.Sprintf(`{"error":{"message":%s,"type":"OAuthException","code":%d,"error_user_title":%s,"error_user_msg":%s,"error_data":{"x":%s},"fbtrace_id":%s}}`, q, code, q, q, q, q)
		}
	}
	return map[string]func(*http.Request, string) (*http.Response, error){
		"graph 190":    answer(400, "application/json", graph(190)),
		"graph 100":    answer(400, "application/json", graph(100)),
		"graph 4":      answer(403, "application/json", graph(4)),
		"graph 2":      answer(500, "application/json", graph(2)),
		"error in 200": answer(200, "application/json", graph(190)),
		"flat": answer(400, "application/json", func(s string) string {
			return `{"error_type":"OAuthException","code":400,"error_message":` + quoted(s) + `}`
		}),
		"rfc 6749": answer(400, "application/json", func(s string) string { return `{"error":"invalid_grant","error_description":` + quoted(s) + `}` }),
		"page":     answer(502, "text/html", func(s string) string { return "<html><body>" + s + "</body></html>" }),
		"text":     answer(200, "text/plain", func(s string) string { return s }),
		"odd json": answer(200, "application/json", func(s string) string { return `{"user_id":{"x":` + quoted(s) + `}}` }),
		"redirect": func(req *http.Request, said string) (*http.Response, error) {
			resp, err := answer(302, "text/html", func(s string) string { return s })(req, said)
			resp.Header.Set("Location", "https://evil.example/?"+req.URL.RawQuery+"&"+url.QueryEscape(said))
			return resp, err
		},
		"network": func(req *http.Request, said string) (*http.Response, error) {
			return nil, &url.Error{Op: "Get", URL: req.URL.String(), Err: errors.New(said)}
		},
		"body breaks off": func(req *http.Request, said string) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, ContentLength: -1, Request: req, Body: io.NopCloser(io.MultiReader(strings.NewReader(`{"a":"`), brokenReader{errors.New(said)}))}, nil
		},
	}
}

type brokenReader struct{ err error }

func (b brokenReader) Read([]byte) (int, error) { return 0, b.err }

// TestNoSecretIsEverPrinted walks every operation through every failure and
// searches everything that could be printed for the canaries.
func TestNoSecretIsEverPrinted(t *testing.T) {
	t.Parallel()
	for _, login := range []instagram.Login{instagram.InstagramLogin, instagram.FacebookLogin} {
		for manner, fail := range manners() {
			t.Run(login.String()+" "+manner, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					p := &printer{}
					walkFailures(t, p, login, fail)
					for _, canary := range append(canaries(login), p.states...) {
						at := strings.Index(p.out.String(), canary)
						if at >= 0 {
							assert.Failf(t, "a secret was printed", "%q: …%s…", canary, p.out.String()[max(0, at-200):min(p.out.Len(), at+100)])
						}
					}
				})
			})
		}
	}
}

// canaries are the values in the forms in which they may be printed.
func canaries(login instagram.Login) []string {
	var all []string
	for _, v := range []string{canarySecret, canaryCode, canaryToken, canaryOther} {
		all = append(all, v, url.QueryEscape(v))
	}
	if login == instagram.FacebookLogin {
		all = append(all, instagram.AppSecretProof(instagram.NewSecret(canarySecret), instagram.NewSecret(canaryToken)))
	}
	return all
}

func walkFailures(t *testing.T, p *printer, login instagram.Login, fail func(*http.Request, string) (*http.Response, error)) {
	t.Helper()
	cfg := instagramConfig()
	if login == instagram.FacebookLogin {
		cfg = facebookConfig()
	}
	cfg.AppSecret = instagram.NewSecret(canarySecret)
	client, err := instagram.New(cfg,
		instagram.WithLogger(slog.New(slog.NewJSONHandler(p, &slog.HandlerOptions{Level: slog.LevelDebug}))),
		instagram.WithTracer(canaryTracer{p}),
		instagram.WithTransport(transport(func(req *http.Request) (*http.Response, error) { return fail(req, echo(req)) })))
	require.NoError(t, err)

	ctx := t.Context()
	tok := &instagram.Token{
		AccessToken: instagram.NewSecret(canaryToken), PageToken: instagram.NewSecret(canaryOther), Login: login,
		Kind: instagram.LongLived, AccountID: "17841405793187218", AppScopedID: "2", ObtainedAt: time.Now().Add(-48 * time.Hour),
	}
	attempt, err := client.BeginLogin()
	require.NoError(t, err)
	p.states = []string{attempt.State, attempt.Binding}
	p.print(cfg, client, tok, *tok, client.With(instagram.StaticToken(tok)), client.HTTPClient(instagram.StaticToken(tok)))

	result, err := client.FinishLogin(ctx, url.Values{"state": {attempt.State}, "code": {canaryCode}}, attempt.Binding)
	p.print(result, err, instagram.ErrorAdvice(err))
	_, err = client.FinishLogin(ctx, url.Values{"state": {canaryOther}, "code": {canaryCode}}, attempt.Binding)
	p.print(err)
	_, err = client.FinishLogin(ctx, url.Values{"state": {attempt.State}, "error": {"access_denied"}, "error_description": {canaryCode}, "code": {canaryCode}}, canaryOther)
	p.print(err)
	_, err = instagram.ParseCallback(url.Values{"state": {"x"}, "error": {"access_denied"}, "error_description": {"code=" + canaryCode}}, "x")
	p.print(err)
	_, err = client.Exchange(ctx, canaryCode)
	p.print(err, instagram.ErrorAdvice(err))
	for name, call := range map[string]func() (any, error){
		"long":    func() (any, error) { return client.ExchangeLongLived(ctx, tok) },
		"refresh": func() (any, error) { return client.RefreshToken(ctx, tok) },
		"adopt":   func() (any, error) { return client.AdoptToken(ctx, tok.AccessToken) },
		"inspect": func() (any, error) { return client.InspectToken(ctx, tok) },
		"revoke":  func() (any, error) { return nil, client.RevokeToken(ctx, tok) },
		"resume":  func() (any, error) { return client.ResumeLogin(ctx, &instagram.LoginResult{Token: tok}) },
		"get": func() (any, error) {
			return nil, client.With(instagram.StaticToken(tok)).Get(ctx, "me", nil, &struct {
				UserID string `json:"user_id"`
			}{})
		},
		"post": func() (any, error) {
			return nil, client.With(instagram.StaticToken(tok)).Post(ctx, "me/media", url.Values{"caption": {"x"}}, nil)
		},
	} {
		won, err := call()
		p.print(name, won, err, instagram.ErrorAdvice(err))
	}
	resp, err := client.HTTPClient(instagram.StaticToken(tok)).Get("https://graph." + login.String() + ".com/v26.0/me")
	p.print(err)
	if err == nil {
		p.print(instagram.CheckResponse(resp))
		resp.Body.Close()
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// chattyStore prints what it was given, and what it has, into its errors.
type chattyStore struct {
	*instagram.MemoryStore

	saves bool // it fails at writes only
}

var errChatty = errors.New(`cannot do it: row {"access_token":"` + chattyToken + `"}, url https://graph.instagram.com/me?access_token=` + chattyToken)

const chattyToken = "IGAAcanaryx7Bqx7Bqx7Bqx7Bqx7Bqx7Bqx7Bqx7Bqx7Bqx7Bqx7Bq"

func (s chattyStore) LoadToken(ctx context.Context, k instagram.TokenKey) (*instagram.Record, error) {
	if s.saves {
		return s.MemoryStore.LoadToken(ctx, k)
	}
	return nil, errChatty
}

func (chattyStore) SaveToken(context.Context, *instagram.Record, instagram.Revision) (instagram.Revision, error) {
	return 0, errChatty
}

func (s chattyStore) LeaseDue(ctx context.Context, app string, n int, d time.Duration) ([]*instagram.Lease, error) {
	if s.saves {
		return s.MemoryStore.LeaseDue(ctx, app, n, d)
	}
	return nil, errChatty
}

func (s chattyStore) LeaseToken(ctx context.Context, k instagram.TokenKey, d time.Duration) (*instagram.Lease, error) {
	if s.saves {
		return s.MemoryStore.LeaseToken(ctx, k, d)
	}
	return nil, errChatty
}

func (chattyStore) TakeState(context.Context, string) error {
	return fmt.Errorf("%w: %w", errChatty, instagram.ErrStateUsed)
}

func (chattyStore) CommitLeases(context.Context, []*instagram.Lease) ([]error, error) {
	return nil, errChatty
}

func (chattyStore) ListTokens(context.Context, instagram.TokenKey, int) ([]*instagram.Record, error) {
	return nil, errChatty
}

func (chattyStore) FindTokens(context.Context, string, string) ([]instagram.TokenKey, error) {
	return nil, errChatty
}

func (s chattyStore) PutState(context.Context, string, time.Duration) error {
	if s.saves {
		return nil
	}
	return errChatty
}

// TestAStoreThatPrintsTokens keeps nothing of them in errors, logs and events.
func TestAStoreThatPrintsTokens(t *testing.T) {
	t.Parallel()
	for _, saves := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p, g := &printer{}, newGraph()
			store := chattyStore{instagram.NewMemoryStore(), saves}
			connect(t, store.MemoryStore, accountN(1), 50*day)
			client := g.client(t, store, instagram.WithTracer(canaryTracer{p}), instagram.WithLogger(slog.New(slog.NewJSONHandler(p, nil))))
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			failed := 0
			told := func(err error) {
				p.print(err)
				if errors.Is(err, errChatty) {
					failed++
				}
			}
			_, err := client.TokenSource(accountN(1)).Token(ctx)
			told(err)
			_, err = client.Refresh(ctx, accountN(1))
			told(err)
			told(client.ImportToken(ctx, &instagram.Token{
				AccessToken: instagram.NewSecret(chattyToken), Kind: instagram.LongLived, AccountID: accountN(2), ObtainedAt: time.Now(), ExpiresAt: time.Now().Add(50 * day),
			}))
			for _, err := range client.Plan(ctx) {
				told(err)
			}
			told(client.KeepAlive(ctx, instagram.KeepAliveConfig{Once: true}))
			states := g.client(t, store, instagram.WithStateStore(store))
			attempt, err := states.BeginLogin()
			told(err)
			if saves {
				_, err = states.FinishLogin(ctx, url.Values{"state": {attempt.State}, "code": {"x"}}, attempt.Binding)
				told(err)
			}
			end, giveUp := context.WithTimeout(t.Context(), time.Minute)
			defer giveUp()
			told(client.Close(end))
			assert.GreaterOrEqual(t, failed, 3, "it was the store")
			assert.Contains(t, p.out.String(), "cannot do it")
			assert.NotContains(t, p.out.String(), chattyToken)
		})
	}
}

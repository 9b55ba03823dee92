package instagram_test

// A light graph.instagram.com for tests with many accounts and years: a token
// string says all of itself, so the platform's memory holds the exceptions only.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
)

const day = 24 * time.Hour

// graph answers refreshes and /me.
type graph struct {
	delay time.Duration
	fault atomic.Pointer[func(path, account string) *graphFault]

	mu   sync.Mutex
	dead map[string]int // subcode by account; 0: 190 without one
	peak int64          // most calls at once

	refreshes, refused, looks, calls atomic.Int64
	inFlight                         atomic.Int64
}

// graphFault is an answer that is none.
type graphFault struct {
	status, code, subcode int
	message               string
	network               error
	header                http.Header
}

func newGraph() *graph { return &graph{dead: map[string]int{}} }

func graphToken(account string, serial int, issued time.Time) string {
	return fmt.Sprintf("IGAA-%s-%d-%d", account, serial, issued.Unix())
}

// answers lets fault answer instead, where it does; nil for the truth.
func (g *graph) answers(fault func(path, account string) *graphFault) { g.fault.Store(&fault) }

// kill makes every token of an account answer 190 with a subcode.
func (g *graph) kill(account string, subcode int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.dead[account] = subcode
}

func (g *graph) heal(account string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.dead, account)
}

func (g *graph) RoundTrip(req *http.Request) (*http.Response, error) {
	g.calls.Add(1)
	defer g.enter()()
	if g.delay > 0 {
		select {
		case <-time.After(g.delay):
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	path := req.URL.Path
	value := strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
	if value == "" {
		value = req.URL.Query().Get("access_token")
	}
	parts := strings.Split(value, "-")
	if len(parts) != 4 {
		return g.answer(req, &graphFault{status: 400, code: 190, message: "Cannot parse access token"})
	}
	account, now := parts[1], time.Now()
	serial, _ := strconv.Atoi(parts[2])
	seconds, _ := strconv.ParseInt(parts[3], 10, 64)
	issued := time.Unix(seconds, 0)
	refresh := strings.HasSuffix(path, "/refresh_access_token")
	if f := g.refusal(path, account, issued, now, refresh); f != nil {
		if refresh {
			g.refused.Add(1)
		}
		return g.answer(req, f)
	}
	if !refresh {
		g.looks.Add(1)
		return g.body(req, 200, fmt.Sprintf(`{"user_id":"%s","id":"9%s","username":"a%s"}`, account, account, account))
	}
	g.refreshes.Add(1)
	return g.body(req, 200, fmt.Sprintf(`{"access_token":%q,"token_type":"bearer","expires_in":5184000}`, graphToken(account, serial+1, now)))
}

// enter counts a call in, and returns what counts it out.
func (g *graph) enter() func() {
	n := g.inFlight.Add(1)
	g.mu.Lock()
	g.peak = max(g.peak, n)
	g.mu.Unlock()
	return func() { g.inFlight.Add(-1) }
}

func (g *graph) refusal(path, account string, issued, now time.Time, refresh bool) *graphFault {
	if fault := g.fault.Load(); fault != nil && *fault != nil {
		if f := (*fault)(path, account); f != nil {
			return f
		}
	}
	g.mu.Lock()
	subcode, dead := g.dead[account]
	g.mu.Unlock()
	switch {
	case dead:
		return &graphFault{status: 400, code: 190, subcode: subcode, message: "Error validating access token"}
	case !now.Before(issued.Add(60 * day)):
		return &graphFault{status: 400, code: 190, subcode: 463, message: "Session has expired"}
	case refresh && now.Sub(issued) < day:
		return &graphFault{status: 400, code: 100, message: "Unsupported request - method type: get"}
	}
	return nil
}

func (g *graph) answer(req *http.Request, f *graphFault) (*http.Response, error) {
	if f.network != nil {
		return nil, f.network
	}
	body := fmt.Sprintf(`{"error":{"message":%q,"type":"OAuthException","code":%d,"error_subcode":%d,"fbtrace_id":"A1"}}`, f.message, f.code, f.subcode)
	if f.code == 0 {
		body = f.message
	}
	resp, err := g.body(req, f.status, body)
	maps.Copy(resp.Header, f.header)
	return resp, err
}

func (g *graph) body(req *http.Request, status int, body string) (*http.Response, error) {
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header:        http.Header{"Content-Type": {"application/json; charset=UTF-8"}},
		ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)),
	}, nil
}

// Faults that tests use.
var (
	graphDown    = &graphFault{network: errors.New("connection reset by peer")}
	graphOops    = &graphFault{status: 503, message: "<html>oops</html>"}
	graphWrong   = &graphFault{status: 400, code: 190, message: "Error validating application. Invalid application ID."}
	graphVague   = &graphFault{status: 400, code: 190, message: "Error validating access token"}
	graphTooMany = &graphFault{status: 400, code: 4, message: "Application request limit reached"}
)

func (g *graph) client(tb testing.TB, store instagram.TokenStore, opts ...instagram.Option) *instagram.Client {
	tb.Helper()
	opts = append([]instagram.Option{
		instagram.WithTransport(g), instagram.WithTokenStore(store), instagram.WithLimiter(instagram.NoLimit()),
	}, opts...)
	client, err := instagram.New(instagramConfig(), opts...)
	require.NoError(tb, err)
	return client
}

func accountN(i int) string { return strconv.Itoa(17841400000000000 + i) }

// connect stores a token of an account that logged in some time ago.
func connect(tb testing.TB, store instagram.TokenStore, account string, age time.Duration) *instagram.Record {
	tb.Helper()
	at := time.Now().Add(-age).Truncate(time.Second)
	tok := &instagram.Token{
		AccessToken: instagram.NewSecret(graphToken(account, 0, at)), Kind: instagram.LongLived,
		AccountID: account, AppScopedID: "9" + account, GrantedAt: at, ObtainedAt: at, ExpiresAt: at.Add(60 * day),
	}
	r := &instagram.Record{Key: tok.Key(instagramConfig().AppID), Token: tok, DueAt: instagram.DueAt(tok)}
	var err error
	r.Revision, err = store.SaveToken(context.WithoutCancel(tb.Context()), r, 0)
	require.NoError(tb, err)
	return r
}

func stored(tb testing.TB, store instagram.TokenStore, account string) *instagram.Record {
	tb.Helper()
	r, err := store.LoadToken(context.Background(), instagram.TokenKey{AppID: instagramConfig().AppID, AccountID: account})
	require.NoError(tb, err)
	return r
}

// events remembers what a tracer is told.
type events struct {
	instagram.NopTracer

	mu   sync.Mutex
	seen []instagram.TokenEvent
}

func (e *events) TokenEvent(_ context.Context, ev instagram.TokenEvent) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seen = append(e.seen, ev)
}

// of returns the events of a kind.
func (e *events) of(kind instagram.TokenEventKind) []instagram.TokenEvent {
	e.mu.Lock()
	defer e.mu.Unlock()
	var found []instagram.TokenEvent
	for _, ev := range e.seen {
		if ev.Kind == kind {
			found = append(found, ev)
		}
	}
	return found
}

func replaceAccount(format, account string) string { return strings.Replace(format, "%s", account, 1) }

// logins remembers who was said to need a login.
type logins struct {
	mu      sync.Mutex
	told    []instagram.LoginNeeded
	failing int // how often it still fails
}

func (l *logins) needed(_ context.Context, e instagram.LoginNeeded) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = append(l.told, e)
	if l.failing--; l.failing >= 0 {
		return errors.New("mail server down")
	}
	return nil
}

func (l *logins) all() []instagram.LoginNeeded {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.told)
}

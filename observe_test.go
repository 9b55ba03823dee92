package instagram_test

// This file answers: does a Tracer hear of everything that happens to a call,
// and does a Logger stay silent?

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

func TestATracerHearsOfACall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New(instagramtest.LongLivedToken("IGAAtest", 48*time.Hour), instagramtest.WithAppLimit(100, 0))
		seen := &attempts{}
		account := newClient(t, instagramConfig(), meta, instagram.WithTracer(seen)).With(instagram.StaticToken(token()))
		meta.On("GET", "/"+instagramtest.DefaultAccountID).Times(1, instagramtest.Answer{Status: 503, Header: http.Header{"Retry-After": {"2"}}})
		began := time.Now()
		require.NoError(t, account.Get(t.Context(), instagramtest.DefaultAccountID, nil, nil, instagram.Interactive()))

		assert.Equal(t, []instagram.CallStart{{
			Method: "GET", Route: "/{id}", Login: instagram.InstagramLogin,
			AccountID: instagramtest.DefaultAccountID, Priority: instagram.PriorityInteractive,
		}}, seen.starts)
		require.Len(t, seen.all, 2)
		first, second := seen.all[0], seen.all[1]
		assert.Equal(t, 1, first.Number)
		assert.Equal(t, 503, first.Status)
		require.ErrorIs(t, first.Err, instagram.ErrTransient)
		assert.True(t, first.Retry)
		assert.Equal(t, "passing fault", first.Reason)
		assert.Equal(t, 2, second.Number)
		assert.Equal(t, 200, second.Status)
		require.NoError(t, second.Err)
		assert.False(t, second.Retry)
		assert.Equal(t, "answered", second.Reason)
		assert.NotEmpty(t, second.TraceID)
		assert.NotEmpty(t, second.RequestID)
		assert.Equal(t, instagram.DefaultVersion, second.Version)
		assert.InDelta(t, 1, second.Usage.Max(), 1)
		assert.Equal(t, 1, second.Usage.Len())
		assert.Equal(t, []instagram.Wait{{For: 2 * time.Second, Reason: "passing fault"}}, seen.waits)
		require.Len(t, seen.ends, 1)
		assert.Equal(t, instagram.CallEnd{Attempts: 2, Duration: time.Since(began), Waited: 2 * time.Second, Status: 200}, seen.ends[0])
	})
}

// quiet is a limiter that makes calls wait and does not say when a wait begins.
type quiet struct{ ledger }

func (q *quiet) Acquire(ctx context.Context, c instagram.Call) (instagram.Permit, error) {
	c.OnWait = nil
	p, err := q.ledger.Acquire(ctx, c)
	p.Waited, p.Reason, p.Bucket = time.Minute, "a reason", instagram.Bucket{Family: "app"}
	return p, err
}

func TestATracerHearsOfWaitsForQuota(t *testing.T) {
	t.Parallel()
	throttled := instagramtest.Answer{Error: new(instagramtest.KnownError(4, 0)), Header: http.Header{"Retry-After": {"20"}}}
	quota := instagram.Bucket{Family: "app", ID: instagramtest.DefaultInstagramAppID}
	begun := instagram.Wait{For: 20 * time.Second, Reason: "blocked by the platform", Bucket: quota}
	for name, test := range map[string]struct {
		opts    []instagram.Option
		timeout time.Duration
		told    []instagram.Wait
		waited  time.Duration
		err     error
	}{
		"that help":                  {timeout: time.Hour, told: []instagram.Wait{begun}, waited: 20 * time.Second},
		"that are cancelled":         {timeout: -5 * time.Second, told: []instagram.Wait{begun}, waited: 5 * time.Second, err: context.Canceled},
		"that are not begun":         {timeout: 5 * time.Second, err: instagram.ErrThrottled},
		"of a limiter that is quiet": {opts: []instagram.Option{instagram.WithLimiter(&quiet{})}, timeout: time.Hour, told: []instagram.Wait{{For: time.Minute, Reason: "a reason", Bucket: instagram.Bucket{Family: "app"}}}, waited: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				meta := newMeta()
				seen := &attempts{}
				account := newClient(t, instagramConfig(), meta, append(test.opts, instagram.WithTracer(seen))...).With(instagram.StaticToken(token()))
				if test.opts == nil {
					meta.On("GET", "/me").Once(throttled)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if test.timeout < 0 {
					time.AfterFunc(-test.timeout, cancel)
				} else {
					ctx, cancel = context.WithTimeout(ctx, test.timeout)
					defer cancel()
				}
				go func() {
					time.Sleep(time.Second)
					if test.opts == nil && test.told != nil {
						seen.mu.Lock()
						assert.Equal(t, test.told, seen.waits, "when it begins, not when it ends")
						seen.mu.Unlock()
					}
				}()
				err := account.Get(ctx, "me", nil, nil)
				time.Sleep(2 * time.Second)
				if test.err != nil {
					require.ErrorIs(t, err, test.err)
				} else {
					require.NoError(t, err)
				}
				assert.Equal(t, test.told, seen.waits)
				require.Len(t, seen.ends, 1)
				assert.Equal(t, test.waited, seen.ends[0].Waited)
			})
		})
	}
}

// TestEveryCallThatBeginsEnds for the tracer too, whatever becomes of it.
func TestEveryCallThatBeginsEnds(t *testing.T) {
	t.Parallel()
	good := instagram.StaticToken(token())
	long := instagramtest.Answer{Error: new(instagramtest.KnownError(4, 0)), Header: http.Header{"Retry-After": {"20"}}}
	for name, test := range map[string]struct {
		src      instagram.TokenSource
		answer   instagramtest.Answer
		to       string
		attempts int
	}{
		"an answer":                          {src: good, attempts: 1},
		"a source without a token":           {src: instagram.StaticToken(nil), attempts: 1},
		"a foreign host":                     {src: good, to: "https://evil.example/", attempts: 1},
		"cancelled before the answer":        {src: good, answer: instagramtest.Answer{Hang: true}, attempts: 1},
		"cancelled while it waits for quota": {src: good, answer: long, attempts: 2},
		"cancelled in a pause":               {src: good, answer: instagramtest.Answer{Status: 503, Header: http.Header{"Retry-After": {"20"}}}, attempts: 1},
		"no way to the host":                 {src: good, answer: instagramtest.Answer{Refuse: true}, attempts: 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				meta := newMeta()
				meta.On("GET", "/me").Always(test.answer)
				seen := &attempts{}
				signed := newClient(t, instagramConfig(), meta, instagram.WithTracer(seen)).HTTPClient(test.src)
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(5*time.Second, func() { cancel(errors.New("enough")) })
				to := test.to
				if to == "" {
					to = graphMe
				}
				resp, err := signed.Do(newRequest(t, http.MethodGet, to, http.NoBody).WithContext(ctx))
				if err == nil {
					resp.Body.Close()
				}
				require.Len(t, seen.starts, 1)
				require.Len(t, seen.ends, 1)
				assert.Equal(t, err != nil, seen.ends[0].Err != nil, "and says how")
				assert.Equal(t, test.attempts, seen.ends[0].Attempts)
				for _, a := range seen.all {
					assert.NotEmpty(t, a.Reason)
				}
			})
		})
	}
}

// contextual is a tracer that puts something into the context.
type contextual struct {
	attempts
	found []any
}

type contextualKey struct{}

func (c *contextual) CallStart(ctx context.Context, _ instagram.CallStart) context.Context {
	return context.WithValue(ctx, contextualKey{}, "span")
}

func (c *contextual) Attempt(ctx context.Context, _ instagram.Attempt) {
	c.found = append(c.found, ctx.Value(contextualKey{}))
}

func (c *contextual) Wait(ctx context.Context, _ instagram.Wait) {
	c.found = append(c.found, ctx.Value(contextualKey{}))
}

func (c *contextual) CallEnd(ctx context.Context, _ instagram.CallEnd) {
	c.found = append(c.found, ctx.Value(contextualKey{}))
}

func TestTheTracersContextIsTheCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &contextual{}
		n := 0
		base := transportFunc(func(r *http.Request) (*http.Response, error) {
			c.found = append(c.found, r.Context().Value(contextualKey{}))
			n++
			return answering([]int{503, 429, 200}[n-1], `{}`)(r)
		})
		resp, err := signedBy(t, base, instagram.WithTracer(c)).Get(graphMe)
		require.NoError(t, err)
		resp.Body.Close()
		// three times base and Attempt, a pause, a wait for quota, and the end
		assert.Equal(t, []any{"span", "span", "span", "span", "span", "span", "span", "span", "span"}, c.found)
	})
}

// TestALoggerIsSilent when nothing needs a developer, and nothing is printed by a
// client without one. It is not parallel: it takes the program's own outputs.
func TestALoggerIsSilent(t *testing.T) {
	before, out, errOut := slog.Default(), os.Stdout, os.Stderr
	var told, programs bytes.Buffer
	r, w, err := os.Pipe()
	require.NoError(t, err)
	slog.SetDefault(slog.New(slog.NewTextHandler(&programs, nil)))
	os.Stdout, os.Stderr = w, w
	defer func() { slog.SetDefault(before); os.Stdout, os.Stderr = out, errOut }()
	synctest.Test(t, func(t *testing.T) {
		for _, opts := range [][]instagram.Option{nil, {instagram.WithLogger(slog.New(slog.NewTextHandler(&told, &slog.HandlerOptions{Level: slog.LevelDebug})))}} {
			meta := newMeta()
			client := newClient(t, instagramConfig(), meta, opts...)
			account := client.With(instagram.StaticToken(token()))
			for _, a := range []instagramtest.Answer{{Status: 503}, {Lose: true}, {Status: 429}, instagramtest.Failing(190, 463), instagramtest.Failing(100, 0)} {
				meta.On("GET", "/me").Once(a)
				_ = account.Get(t.Context(), "me", nil, nil)
			}
			require.NoError(t, client.Close(t.Context()))
		}
	})
	require.NoError(t, w.Close())
	_, err = programs.ReadFrom(r)
	require.NoError(t, err)
	assert.Empty(t, programs.String())
	assert.Empty(t, told.String())
}

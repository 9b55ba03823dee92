package instagram_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

const hook = "https://example.com/webhook"

// eventLog is a function for a handler, which notes what it was given.
type eventLog struct {
	mu     sync.Mutex
	events []instagram.Event
}

func (l *eventLog) handle(_ context.Context, e instagram.Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
	return nil
}

// texts returns the comments' texts, in the order in which they were handled.
func (l *eventLog) texts() (texts []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.events {
		texts = append(texts, e.Data.(*instagram.CommentEvent).Text)
	}
	return texts
}

func aComment(text string) map[string]any { return map[string]any{"id": text, "text": text} }

// closing ends the handler with the test.
func closing(t *testing.T, h *instagram.WebhookHandler) *instagram.WebhookHandler {
	t.Helper()
	t.Cleanup(func() { assert.NoError(t, h.Close(context.Background())) })
	return h
}

func TestWebhookVerification(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	client := newClient(t, instagramConfig(), meta)
	h := closing(t, client.WebhookHandler(instagram.NewSecret("v&erify = me"), new(eventLog).handle))
	require.NoError(t, meta.VerifyWebhook(t.Context(), hook, "v&erify = me", instagramtest.To(h)))

	const good = "hub.mode=subscribe&hub.verify_token=v%26erify+%3D+me&hub.challenge="
	for name, c := range map[string]struct {
		query  string
		status int
	}{
		"Meta's own":                         {good + "1158201444", http.StatusOK},
		"the wrong token":                    {"hub.mode=subscribe&hub.verify_token=guess&hub.challenge=1", http.StatusForbidden},
		"a part of the token":                {"hub.mode=subscribe&hub.verify_token=v%26erify&hub.challenge=1", http.StatusForbidden},
		"no token":                           {"hub.mode=subscribe&hub.challenge=1", http.StatusBadRequest},
		"an empty token":                     {"hub.mode=subscribe&hub.verify_token=&hub.challenge=1", http.StatusForbidden},
		"the token twice":                    {good + "1&hub.verify_token=x", http.StatusBadRequest},
		"another mode":                       {strings.Replace(good, "subscribe", "unsubscribe", 1) + "1", http.StatusBadRequest},
		"no mode":                            {strings.Replace(good, "hub.mode", "mode", 1) + "1", http.StatusBadRequest},
		"no challenge":                       {strings.TrimSuffix(good, "&hub.challenge="), http.StatusBadRequest},
		"an empty challenge":                 {good, http.StatusBadRequest},
		"a challenge that would be a header": {good + "1%0d%0aX-Evil:+1", http.StatusBadRequest},
		"a challenge with no end":            {good + strings.Repeat("1", 257), http.StatusBadRequest},
		"a query that cannot be read":        {good + "1&%zz", http.StatusBadRequest},
		"nothing":                            {"", http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, hook+"?"+c.query, nil))
			assert.Equal(t, c.status, w.Code)
			assert.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
			assert.True(t, strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain"))
			assert.NotContains(t, w.Body.String(), "erify")
		})
	}

	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, hook+"?"+good+"%3Cscript%3E", nil))
	assert.Equal(t, "<script>", w.Body.String())
	assert.Equal(t, "text/plain; charset=utf-8", w.Header().Get("Content-Type"), "what somebody puts there stays text")

	silent := closing(t, client.WebhookHandler(instagram.Secret{}, new(eventLog).handle))
	require.Error(t, meta.VerifyWebhook(t.Context(), hook, "", instagramtest.To(silent)))
	w = httptest.NewRecorder()
	silent.ServeHTTP(w, httptest.NewRequest(http.MethodGet, hook+"?hub.mode=subscribe&hub.verify_token=&hub.challenge=1", nil))
	assert.Equal(t, http.StatusForbidden, w.Code, "no token is not the empty token")
	for _, method := range []string{http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		w = httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, hook+"?"+good+"1", nil))
		assert.Equal(t, http.StatusMethodNotAllowed, w.Code)
		assert.Equal(t, "GET, POST", w.Header().Get("Allow"))
	}
	assert.Panics(t, func() { client.WebhookHandler(instagram.Secret{}, nil) })
}

func TestWebhookDelivery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New()
		cfg := instagramConfig()
		cfg.CallbackSecrets = []instagram.Secret{instagram.NewSecret(instagramtest.DefaultMetaAppSecret)}
		client := newClient(t, cfg, meta)
		var got eventLog
		h := closing(t, client.WebhookHandler(instagram.NewSecret("v"), got.handle))

		for i, secret := range []string{instagramtest.DefaultInstagramAppSecret, instagramtest.DefaultMetaAppSecret} {
			reply, err := meta.SendWebhook(t.Context(), hook, instagram.FieldComments, instagramtest.DefaultUsername,
				aComment(fmt.Sprintf("Grüße / 😀 %d", i)), instagramtest.To(h), instagramtest.SignedWith(secret))
			require.NoError(t, err)
			assert.Equal(t, http.StatusOK, reply.Status)
			assert.Empty(t, reply.Body)
		}
		synctest.Wait()
		assert.Equal(t, []string{"Grüße / 😀 0", "Grüße / 😀 1"}, got.texts())
		assert.Equal(t, instagramtest.DefaultAccountID, got.events[0].AccountID)
		assert.True(t, got.events[0].Time.Equal(time.Now()))

		reply, err := meta.SendWebhook(t.Context(), hook, "messages", instagramtest.DefaultAccountID,
			map[string]any{"message": map[string]any{"mid": "m1", "text": "Ä"}}, instagramtest.To(h))
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, reply.Status)
		synctest.Wait()
		message, ok := got.events[2].Data.(*instagram.MessageEvent)
		require.True(t, ok)
		assert.Equal(t, "Ä", message.Text)
		assert.Equal(t, instagramtest.DefaultAccountID, message.RecipientID)
	})
}

func TestWebhookHandlerAttacks(t *testing.T) {
	t.Parallel()
	altered := instagramtest.Altered
	const name = "X-Hub-Signature-256"
	for title, c := range map[string]struct {
		opts   []instagramtest.CallbackOption
		status int
	}{
		"a forger's secret": {[]instagramtest.CallbackOption{instagramtest.SignedWith("guess")}, http.StatusForbidden},
		"the empty secret":  {[]instagramtest.CallbackOption{instagramtest.SignedWith("")}, http.StatusForbidden},
		"no header":         {[]instagramtest.CallbackOption{altered(func(cb *instagramtest.Callback) { cb.Header = http.Header{} })}, http.StatusForbidden},
		"the SHA-1 header only": {[]instagramtest.CallbackOption{altered(func(cb *instagramtest.Callback) {
			cb.Header.Del(name)
		})}, http.StatusForbidden},
		"the header twice": {[]instagramtest.CallbackOption{altered(func(cb *instagramtest.Callback) {
			cb.Header.Add(name, cb.Header.Get(name))
		})}, http.StatusForbidden},
		"an altered body": {[]instagramtest.CallbackOption{altered(func(cb *instagramtest.Callback) {
			cb.Body = bytes.Replace(cb.Body, []byte("hello"), []byte("hullo"), 1)
		})}, http.StatusForbidden},
		"a truncated body": {[]instagramtest.CallbackOption{altered(func(cb *instagramtest.Callback) {
			cb.Body = cb.Body[:len(cb.Body)-1]
		})}, http.StatusForbidden},
		"a body written again in another way": {[]instagramtest.CallbackOption{altered(func(cb *instagramtest.Callback) {
			cb.Body = bytes.ReplaceAll(cb.Body, []byte(`\/`), []byte("/"))
		})}, http.StatusForbidden},
		"a body that is too large": {[]instagramtest.CallbackOption{altered(func(cb *instagramtest.Callback) {
			cb.Body = append(cb.Body, bytes.Repeat([]byte(" "), 2000)...)
			cb.Header.Set(name, instagramtest.SignWebhook(callbackSecret, cb.Body))
		})}, http.StatusRequestEntityTooLarge},
		"a signed body that is no delivery": {[]instagramtest.CallbackOption{altered(func(cb *instagramtest.Callback) {
			cb.Body = []byte("hello")
			cb.Header.Set(name, instagramtest.SignWebhook(callbackSecret, cb.Body))
		})}, http.StatusBadRequest},
		"the signature of another delivery": {[]instagramtest.CallbackOption{altered(func(cb *instagramtest.Callback) {
			cb.Header.Set(name, instagramtest.SignWebhook(callbackSecret, []byte(`{}`)))
		})}, http.StatusForbidden},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			meta := instagramtest.New()
			var log bytes.Buffer
			client := newClient(t, instagramConfig(), meta, instagram.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
			var got eventLog
			h := client.WebhookHandler(instagram.NewSecret("v"), got.handle, instagram.WithWebhookLimits(instagram.WebhookLimits{BodyBytes: 1000}))
			reply, err := meta.SendWebhook(t.Context(), hook, "comments", account, aComment("hello / there"), append(c.opts, instagramtest.To(h))...)
			require.NoError(t, err)
			require.NoError(t, h.Close(t.Context()))
			assert.Equal(t, c.status, reply.Status)
			assert.Empty(t, got.events)
			assert.Contains(t, log.String(), "webhook refused")
			for _, text := range []string{log.String(), string(reply.Body)} {
				assert.NotContains(t, text, callbackSecret)
				assert.NotContains(t, text, "hello")
			}
		})
	}
}

func TestWebhookDropsWhatCameBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New()
		client := newClient(t, instagramConfig(), meta)
		var got eventLog
		h := closing(t, client.WebhookHandler(instagram.NewSecret("v"), got.handle,
			instagram.WithWebhookLimits(instagram.WebhookLimits{Remembered: 3})))
		send := func(texts ...string) {
			t.Helper()
			var events []instagramtest.WebhookEvent
			for _, text := range texts {
				events = append(events, instagramtest.WebhookEvent{Field: "comments", Account: account, Value: aComment(text)})
			}
			cb, err := meta.WebhookCallback(hook, events)
			require.NoError(t, err)
			reply, err := cb.Send(t.Context(), instagramtest.To(h))
			require.NoError(t, err)
			assert.Equal(t, http.StatusOK, reply.Status)
			synctest.Wait()
		}
		send("1", "2")
		send("1", "2") // the same delivery, replayed
		time.Sleep(time.Hour)
		send("2", "3") // the same event in another delivery, sent at another time
		assert.Equal(t, []string{"1", "2", "3"}, got.texts())
		send("4") // and now the first is forgotten
		send("1")
		assert.Equal(t, []string{"1", "2", "3", "4", "1"}, got.texts())
	})
}

func TestWebhookKeepsTheOrderOfEachAccount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New()
		client := newClient(t, instagramConfig(), meta)
		var mu sync.Mutex
		order := map[string][]string{}
		running, most := map[string]int{}, 0
		h := closing(t, client.WebhookHandler(instagram.NewSecret("v"), func(_ context.Context, e instagram.Event) error {
			mu.Lock()
			running[e.AccountID]++
			assert.Equal(t, 1, running[e.AccountID], "two events of one account at a time")
			most = max(most, len(running))
			mu.Unlock()
			if e.AccountID == "0" {
				time.Sleep(time.Second) // a slow neighbour
			}
			mu.Lock()
			defer mu.Unlock()
			if running[e.AccountID]--; running[e.AccountID] == 0 {
				delete(running, e.AccountID)
			}
			order[e.AccountID] = append(order[e.AccountID], e.Data.(*instagram.CommentEvent).Text)
			return nil
		}, instagram.WithWebhookLimits(instagram.WebhookLimits{Workers: 3})))

		want := map[string][]string{}
		for i := range 40 {
			var events []instagramtest.WebhookEvent
			for a := range 8 { // every account twice in each delivery
				id, text := strconv.Itoa(a%4), fmt.Sprintf("%d/%d", i, a)
				want[id] = append(want[id], text)
				events = append(events, instagramtest.WebhookEvent{Field: "comments", Account: id, Value: aComment(text)})
			}
			cb, err := meta.WebhookCallback(hook, events)
			require.NoError(t, err)
			reply, err := cb.Send(t.Context(), instagramtest.To(h))
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, reply.Status)
		}
		start := time.Now()
		synctest.Wait()
		mu.Lock()
		others := maps.Clone(order)
		mu.Unlock()
		for _, id := range []string{"1", "2", "3"} {
			assert.Equal(t, want[id], others[id], "nobody waits for the slow one")
		}
		assert.Zero(t, time.Since(start))
		require.NoError(t, h.Close(t.Context()))
		assert.Equal(t, 80*time.Second, time.Since(start))
		assert.Equal(t, want, order)
		assert.LessOrEqual(t, most, 3)
	})
}

func TestWebhookPushesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New()
		client := newClient(t, instagramConfig(), meta)
		gate := make(chan struct{})
		var got eventLog
		var working atomic.Int32
		h := client.WebhookHandler(instagram.NewSecret("v"), func(ctx context.Context, e instagram.Event) error {
			working.Add(1)
			<-gate
			return got.handle(ctx, e)
		}, instagram.WithWebhookLimits(instagram.WebhookLimits{Workers: 2, QueuedEvents: 3, EventTime: -1}))
		send := func(account, text string) instagramtest.Reply {
			t.Helper()
			reply, err := meta.SendWebhook(t.Context(), hook, "comments", account, aComment(text), instagramtest.To(h))
			require.NoError(t, err)
			return reply
		}
		for i := range 3 {
			assert.Equal(t, http.StatusOK, send(strconv.Itoa(i), strconv.Itoa(i)).Status)
		}
		for i := range 100 {
			full := send(strconv.Itoa(i), "later")
			assert.Equal(t, http.StatusServiceUnavailable, full.Status)
			assert.NotEmpty(t, full.Header.Get("Retry-After"))
		}
		assert.Equal(t, http.StatusOK, send("0", "0").Status, "what was taken needs no second time")
		synctest.Wait()
		assert.EqualValues(t, 2, working.Load())
		close(gate)
		synctest.Wait()
		assert.Equal(t, http.StatusOK, send("0", "later").Status, "Meta tries again")
		require.NoError(t, h.Close(t.Context()))
		assert.ElementsMatch(t, []string{"0", "1", "2", "later"}, got.texts())
		assert.Equal(t, http.StatusServiceUnavailable, send("9", "after the end").Status)
		require.NoError(t, h.Close(t.Context()), "closing again")
	})
}

func TestWebhookBoundsMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New()
		client := newClient(t, instagramConfig(), meta)
		gate := make(chan struct{})
		h := client.WebhookHandler(instagram.NewSecret("v"), func(context.Context, instagram.Event) error {
			<-gate
			return nil
		}, instagram.WithWebhookLimits(instagram.WebhookLimits{QueuedBytes: 10_000}))
		var statuses []int
		for i := range 5 {
			reply, err := meta.SendWebhook(t.Context(), hook, "comments", strconv.Itoa(i), aComment(strings.Repeat("x", 4000)), instagramtest.To(h))
			require.NoError(t, err)
			statuses = append(statuses, reply.Status)
		}
		assert.Equal(t, []int{200, 503, 503, 503, 503}, statuses, "a delivery is id and text, so 8 KB")
		close(gate)
		require.NoError(t, h.Close(t.Context()))
	})
}

func TestWebhookCloseGivesUpInTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New()
		client := newClient(t, instagramConfig(), meta)
		var ended []error
		h := client.WebhookHandler(instagram.NewSecret("v"), func(ctx context.Context, _ instagram.Event) error {
			<-ctx.Done()
			ended = append(ended, context.Cause(ctx))
			return ctx.Err()
		}, instagram.WithWebhookLimits(instagram.WebhookLimits{Workers: 1, EventTime: time.Hour}))
		for i := range 3 {
			_, err := meta.SendWebhook(t.Context(), hook, "comments", strconv.Itoa(i), aComment(strconv.Itoa(i)), instagramtest.To(h))
			require.NoError(t, err)
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		err := h.Close(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Contains(t, err.Error(), "2 events")
		assert.Equal(t, 5*time.Second, time.Since(start))
		synctest.Wait()
		assert.Equal(t, []error{context.Canceled}, ended, "those not begun are dropped")
		require.NoError(t, h.Close(t.Context()))
	})
}

func TestWebhookSurvivesTheProgramsFunction(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fail func(ctx context.Context) error
		want error
		text string
	}{
		"it fails":               {func(context.Context) error { return errors.New("no database") }, nil, "no database"},
		"it panics":              {func(context.Context) error { panic("CANARY " + callbackSecret) }, instagram.ErrHandlerPanic, "string"},
		"it panics with nil":     {func(context.Context) error { panic(nil) }, instagram.ErrHandlerPanic, "PanicNil"},
		"it ends its goroutine":  {func(context.Context) error { runtime.Goexit(); return nil }, nil, "goroutine"},
		"it waits for too long":  {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, context.DeadlineExceeded, ""},
		"it panics out of range": {func(context.Context) error { return errors.New(strings.Fields("none")[len(hook)]) }, instagram.ErrHandlerPanic, "boundsError"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				meta := instagramtest.New()
				var log bytes.Buffer
				client := newClient(t, instagramConfig(), meta, instagram.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
				var got eventLog
				var told []error
				h := client.WebhookHandler(instagram.NewSecret("v"), func(ctx context.Context, e instagram.Event) error {
					if e.Data.(*instagram.CommentEvent).Text == "bad" {
						return c.fail(ctx)
					}
					return got.handle(ctx, e)
				}, instagram.WithWebhookLimits(instagram.WebhookLimits{Workers: 1}),
					instagram.OnEventError(func(ctx context.Context, e instagram.Event, err error) {
						require.NoError(t, ctx.Err())
						assert.Equal(t, "1", e.AccountID)
						told = append(told, err)
						panic("here too")
					}))
				var events []instagramtest.WebhookEvent
				for _, text := range []string{"bad", "good"} {
					events = append(events, instagramtest.WebhookEvent{Field: "comments", Account: "1", Value: aComment(text)})
				}
				cb, err := meta.WebhookCallback(hook, events)
				require.NoError(t, err)
				reply, err := cb.Send(t.Context(), instagramtest.To(h))
				require.NoError(t, err)
				assert.Equal(t, http.StatusOK, reply.Status)
				require.NoError(t, h.Close(t.Context()))
				assert.Equal(t, []string{"good"}, got.texts(), "the next event of the same account")
				require.Len(t, told, 1)
				require.ErrorContains(t, told[0], c.text)
				if c.want != nil {
					require.ErrorIs(t, told[0], c.want)
				}
				assert.Contains(t, log.String(), "event not handled")
				assert.NotContains(t, log.String()+told[0].Error(), "CANARY")
			})
		})
	}
}

func TestWebhookAnswersWhenHandled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New()
		client := newClient(t, instagramConfig(), meta)
		var got eventLog
		fail, slow := true, time.Duration(0)
		h := closing(t, client.WebhookHandler(instagram.NewSecret("v"), func(ctx context.Context, e instagram.Event) error {
			time.Sleep(slow)
			if fail && e.Data.(*instagram.CommentEvent).Text == "2" {
				return errors.New("no database")
			}
			return got.handle(ctx, e)
		}, instagram.AnswerWhenHandled()))
		send := func(account string, texts ...string) int {
			t.Helper()
			var events []instagramtest.WebhookEvent
			for _, text := range texts {
				events = append(events, instagramtest.WebhookEvent{Field: "comments", Account: account, Value: aComment(text)})
			}
			cb, err := meta.WebhookCallback(hook, events)
			require.NoError(t, err)
			reply, err := cb.Send(t.Context(), instagramtest.To(h))
			require.NoError(t, err)
			return reply.Status
		}
		assert.Equal(t, http.StatusServiceUnavailable, send("1", "1", "2", "3"))
		assert.Equal(t, []string{"1", "3"}, got.texts())
		fail = false
		assert.Equal(t, http.StatusOK, send("1", "1", "2", "3"), "Meta tries again")
		assert.Equal(t, []string{"1", "3", "2"}, got.texts(), "only what failed is handled again")

		slow = 10 * time.Second
		start := time.Now()
		assert.Equal(t, http.StatusServiceUnavailable, send("1", "4"))
		assert.Equal(t, 4*time.Second, time.Since(start), "before Meta gives up")
		assert.Equal(t, http.StatusServiceUnavailable, send("1", "4"), "still being handled: neither yes nor no")
		assert.Equal(t, 4*time.Second, time.Since(start))
		time.Sleep(10 * time.Second)
		assert.Equal(t, http.StatusOK, send("1", "4"), "it was done meanwhile")
		assert.Equal(t, []string{"1", "3", "2", "4"}, got.texts())
		assert.Equal(t, http.StatusOK, send("1"))
	})
}

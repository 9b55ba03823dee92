package instagram

// This file answers: how does a program receive webhooks with one handler?

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"hash/maphash"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// WebhookLimits bounds what a [WebhookHandler] takes on. The zero value of
// each field is its default.
type WebhookLimits struct {
	// Workers is how many events are handled at a time. 0: 16.
	Workers int
	// QueuedEvents is how many events may wait or be worked on. 0: 10,000.
	QueuedEvents int
	// QueuedBytes is how much memory their deliveries may hold. 0: 64 MiB.
	QueuedBytes int
	// BodyBytes is the largest delivery read. 0: 4 MiB, enough for the thousand
	// events that Meta puts into one at most.
	BodyBytes int64
	// BodyTime is how long a delivery may take to arrive. 0: 10 s.
	BodyTime time.Duration
	// EventTime is when the context of an event's handling ends. 0: 1 min;
	// negative: only when the handler is closed.
	EventTime time.Duration
	// AnswerTime is how long the answer waits with [AnswerWhenHandled]. 0: 4 s,
	// for Meta waits five.
	AnswerTime time.Duration
	// Remembered is how many events are known again when they come twice, at
	// about a hundred bytes each. 0: 100,000; negative: none.
	Remembered int
}

func (l WebhookLimits) withDefaults() WebhookLimits {
	l.Workers = max(1, cmp.Or(l.Workers, 16))
	l.QueuedEvents = cmp.Or(l.QueuedEvents, 10_000)
	l.QueuedBytes = cmp.Or(l.QueuedBytes, 64<<20)
	l.BodyBytes = cmp.Or(l.BodyBytes, 4<<20)
	l.BodyTime = cmp.Or(l.BodyTime, 10*time.Second)
	l.EventTime = cmp.Or(l.EventTime, time.Minute)
	l.AnswerTime = cmp.Or(l.AnswerTime, 4*time.Second)
	l.Remembered = cmp.Or(l.Remembered, 100_000)
	return l
}

// WebhookOption changes a [WebhookHandler].
type WebhookOption func(*WebhookHandler)

// WithWebhookLimits bounds what the handler takes on.
func WithWebhookLimits(l WebhookLimits) WebhookOption {
	return func(h *WebhookHandler) { h.limits = l }
}

// AnswerWhenHandled makes the answer to Meta wait until every event of the
// delivery has been handled. Then no event is lost when the process dies: one
// that failed, or was not ready in time, gets 503 for an answer, and when Meta
// sends the delivery again, those that succeeded are passed over. The function
// must be quick: when answers stay bad for an hour, Meta ends the subscription.
//
// Default: the answer is 200 as soon as the events are in memory.
func AnswerWhenHandled() WebhookOption {
	return func(h *WebhookHandler) { h.wait = true }
}

// OnEventError sets who is told of an event whose handling failed, after the
// logger. Default: nobody.
func OnEventError(tell func(context.Context, Event, error)) WebhookOption {
	return func(h *WebhookHandler) { h.tell = tell }
}

// WebhookHandler receives webhooks. Make it with [Client.WebhookHandler]; it is
// safe for concurrent use.
type WebhookHandler struct {
	verifyToken Secret
	handle      func(context.Context, Event) error
	tell        func(context.Context, Event, error)
	limits      WebhookLimits
	wait        bool
	logger      *slog.Logger
	verifier    verifier

	queue      eventQueue
	recent     *recent[uint64]
	seed       maphash.Seed
	newContext func() (context.Context, context.CancelFunc)
	giveUp     func() // ends the contexts of all events
}

// WebhookHandler returns a handler for the callback URL of the App Dashboard's
// webhooks. Meta sends events of an account only after a POST to its edge
// subscribed_apps ([Account.Post], "me/subscribed_apps" with the parameter
// subscribed_fields; on Facebook Login the Page's, with the Page's token), and
// only to apps that are live.
//
// A GET with the verify token that was entered there is answered with Meta's
// challenge as plain text; with another token it gets 403, and so does every
// GET when the token is empty.
//
// A POST is checked against AppSecret and CallbackSecrets before anything in it
// is read. Its events are then handed to handle by a bounded number of workers:
// in order for each account, at the same time for different ones. The answer is
// 200 as soon as they are taken, since Meta waits for five seconds only; see
// [AnswerWhenHandled] for the other way. When too many wait, the answer is 503:
// Meta sends the delivery again, for 36 hours, and then it may come behind
// later ones. Events that came to this process lately are dropped, whether the
// whole delivery or a part of it is sent again. Behind several processes, keep
// [Event.Key].
//
// An error of handle is logged; a panic is recovered, and becomes
// [ErrHandlerPanic]. handle must not be nil.
//
// The handler starts goroutines while there are events. [WebhookHandler.Close]
// ends them: call it after the server's Shutdown.
//
// Source: "Webhooks", Instagram Platform, and "Webhooks", Messenger Platform, read 2026.
func (c *Client) WebhookHandler(verifyToken Secret, handle func(context.Context, Event) error, opts ...WebhookOption) *WebhookHandler {
	if handle == nil {
		panic("instagram: WebhookHandler needs a function that handles events")
	}
	h := &WebhookHandler{
		verifyToken: verifyToken, handle: handle,
		logger: c.logger, verifier: newVerifier(c.callbackSecrets()), seed: maphash.MakeSeed(),
	}
	for _, opt := range opts {
		if opt != nil {
			opt(h)
		}
	}
	h.limits = h.limits.withDefaults()
	h.recent = newRecent[uint64](h.limits.Remembered)
	h.queue = eventQueue{
		work: h.workOn, maxWorkers: h.limits.Workers, maxEvents: h.limits.QueuedEvents, maxBytes: h.limits.QueuedBytes,
	}
	h.queue.init()
	base, cancel := context.WithCancel(context.Background())
	h.giveUp = cancel
	h.newContext = func() (context.Context, context.CancelFunc) {
		if h.limits.EventTime < 0 {
			return context.WithCancel(base)
		}
		return context.WithTimeout(base, h.limits.EventTime)
	}
	return h
}

// ServeHTTP answers Meta.
func (h *WebhookHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet:
		h.serveVerification(w, r)
	case http.MethodPost:
		h.serveDelivery(w, r)
	default:
		allowOnly(w, "GET, POST")
	}
}

// maxChallenge bounds what is echoed. Meta's challenges are numbers.
const maxChallenge = 256

// serveVerification answers the question that Meta asks when the URL is entered.
func (h *WebhookHandler) serveVerification(w http.ResponseWriter, r *http.Request) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	mode, token, challenge := query["hub.mode"], query["hub.verify_token"], query["hub.challenge"]
	switch {
	case err != nil, len(mode) != 1, len(token) != 1, len(challenge) != 1, mode[0] != "subscribe", !isChallenge(challenge[0]):
		answerPlainly(w, http.StatusBadRequest)
	case h.verifyToken.IsZero() || !sameText(h.verifyToken.Reveal(), token[0]):
		h.logger.WarnContext(r.Context(), "instagram: webhook verification refused: the verify token is not the one configured here")
		answerPlainly(w, http.StatusForbidden)
	default:
		noStore(w)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8") // as HTML it would be somebody's script on this site
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write([]byte(challenge[0])) //nolint:gosec // printable ASCII, as plain text that no browser takes for a page
	}
}

// sameText compares in a time that tells nothing, not even of the length.
func sameText(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

func isChallenge(s string) bool {
	return s != "" && len(s) <= maxChallenge && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

func (h *WebhookHandler) serveDelivery(w http.ResponseWriter, r *http.Request) {
	events, size, err := h.receive(w, r)
	if err != nil {
		h.logger.WarnContext(r.Context(), "instagram: webhook refused", errAttr(err))
		refuse(w, err)
		return
	}
	if h.queue.isClosed() || !h.take(r.Context(), events, size) {
		answerPlainly(w, http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// receive returns the events of a delivery that is Meta's.
func (h *WebhookHandler) receive(w http.ResponseWriter, r *http.Request) (events []Event, size int, err error) {
	mac, err := webhookSignature(r.Header)
	if err != nil { // nothing is read for those who do not even claim to be Meta
		leaveBody(w)
		return nil, 0, err
	}
	body, err := readBody(w, r, h.limits.BodyBytes, h.limits.BodyTime)
	if err != nil {
		return nil, 0, err
	}
	if err := h.verifier.verify(body, mac[:]); err != nil {
		return nil, 0, err
	}
	events, err = splitDelivery(body)
	return events, len(body), err
}

// Close ends the handler: deliveries that come now get 503, and Close waits
// until the events taken before have been handled. When ctx ends first, the
// contexts of events being handled end too, those not begun are dropped, and an
// error says how many there were. Closing again waits again.
func (h *WebhookHandler) Close(ctx context.Context) error {
	dropped, inTime := h.queue.close(ctx)
	h.giveUp()
	if inTime {
		return nil
	}
	return fmt.Errorf("instagram: webhook handler: %d events were not begun: %w", dropped, context.Cause(ctx))
}

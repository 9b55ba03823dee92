package instagram

// This file answers: who is told what happens to stored tokens, and how often?

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"strconv"

	"github.com/seed-922467ee/instagram/internal/redact"
)

// event returns an event of a record. Its ID is the same whenever the same
// thing is told of the same token, also by another process after a crash.
func (r *Record) event(kind TokenEventKind, err error) TokenEvent {
	return TokenEvent{
		ID: r.eventID(kind, r.State), Key: r.Key, Kind: kind, Reason: r.why(), ExpiresAt: r.Token.ExpiresAt, Err: err,
	}
}

func (r *Record) eventID(kind TokenEventKind, state RecordState) string {
	h := sha256.New()
	for _, part := range []string{
		r.Key.AppID, r.Key.AccountID, string(kind), state.String(),
		strconv.FormatInt(r.Token.GrantedAt.UnixMilli(), 10), // stores keep times to the millisecond at least
		strconv.FormatInt(r.Token.ObtainedAt.UnixMilli(), 10),
	} {
		h.Write([]byte(part + "\x00"))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// why returns the bare reason of a record, without the notes of a living one.
func (r *Record) why() string {
	if r.State != Alive {
		return r.Reason
	}
	return parseNote(r.Reason).why
}

// tell tells tracer and logger of events.
func (c *Client) tell(ctx context.Context, events ...TokenEvent) {
	for _, e := range events {
		e.Err = redact.Err(e.Err) // it may be the store's own
		c.logEvent(ctx, e)
		c.traceEvent(ctx, e)
	}
}

func (c *Client) traceEvent(ctx context.Context, e TokenEvent) {
	defer c.guardHook()
	c.opts.tracer.TokenEvent(ctx, e)
}

func (c *Client) logEvent(ctx context.Context, e TokenEvent) {
	level := slog.LevelWarn
	switch e.Kind {
	case EventRefreshed:
		level = slog.LevelDebug
	case EventRevived, EventBreakerClosed:
		level = slog.LevelInfo
	case EventConfigError, EventBreakerOpen, EventExpired, EventRefreshCritical, EventUnsaved:
		level = slog.LevelError
	default:
	}
	if !c.logger.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{slog.String("event", string(e.Kind)), slog.String("app", e.Key.AppID)}
	if e.Key.AccountID != "" {
		attrs = append(attrs, slog.String("account", e.Key.AccountID))
	}
	if e.Reason != "" {
		attrs = append(attrs, slog.String("reason", e.Reason))
	}
	if !e.ExpiresAt.IsZero() {
		attrs = append(attrs, slog.Time("expires", e.ExpiresAt))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.Any("error", e.Err))
	}
	c.logger.LogAttrs(ctx, level, "instagram: token "+string(e.Kind), attrs...)
}

// report tells the breaker of an outcome, and everybody of what the breaker
// made of it.
func (c *Client) report(ctx context.Context, key TokenKey, o outcome) {
	now := c.now()
	switch c.breaker.report(key.AccountID, o.finding, o.doubtful, o.began, now) {
	case hasOpened:
		cause := c.breaker.why()
		app := TokenEvent{
			ID:  "app-" + strconv.FormatInt(now.UnixMilli(), 36),
			Key: TokenKey{AppID: c.cfg.AppID}, Reason: cause, Err: o.err,
		}
		opened, config := app, app
		opened.Kind, config.Kind = EventBreakerOpen, EventConfigError
		c.tell(ctx, opened)
		if cause != causeOutage {
			c.tell(ctx, config)
		}
	case hasClosed:
		c.tell(ctx, TokenEvent{
			ID:  "app-" + strconv.FormatInt(now.UnixMilli(), 36),
			Key: TokenKey{AppID: c.cfg.AppID}, Kind: EventBreakerClosed,
		})
	case unchanged:
	}
}

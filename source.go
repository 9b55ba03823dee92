package instagram

// This file answers: how does a program get an account's token, from memory
// where it can, and fresh?

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"
)

// TokenSource returns a source for an account's stored token. Ask it for each
// call, and keep no token: it answers from memory, without a lock, while the
// token is fresh, and looks into the store every five minutes (see
// [WithTokenCache]), so that a token is noticed that another process has renewed
// or the person has withdrawn.
//
// A token that is due is given out while it lives, and renewed in the
// background, once for all callers of all processes that share the store. On
// Facebook Login the token is the person's, with the Page's beside it.
//
// Errors are [ErrTokenNotFound]; [ErrTokenExpired]; a [*TokenStateError] for a
// token that the platform or the person has withdrawn; or the store's. Nothing is
// sent for them. When the store fails, the last token known is given as long as
// it lives.
func (c *Client) TokenSource(accountID string) TokenSource { return c.storedSource(accountID) }

// OAuth2TokenSource is [Client.TokenSource] for code that wants one of
// x/oauth2's; ctx is that of all its calls. Do not wrap it in
// [oauth2.ReuseTokenSource]: it is quicker without, and notices more.
func (c *Client) OAuth2TokenSource(ctx context.Context, accountID string) oauth2.TokenSource {
	return oauth2Source{token: func() (*Token, error) { return c.storedSource(accountID).Token(ctx) }}
}

type oauth2Source struct{ token func() (*Token, error) }

func (s oauth2Source) Token() (*oauth2.Token, error) {
	t, err := s.token()
	if err != nil {
		return nil, err
	}
	return t.OAuth2(), nil
}

// Account returns an [Account] that signs with the stored token of accountID,
// as [Client.TokenSource] gives it.
func (c *Client) Account(accountID string) *Account { return c.With(c.storedSource(accountID)) }

// TokenStateError says that an account's stored token must not be used. It
// matches [ErrTokenInvalid], and [ErrTokenExpired] when the token has ended.
type TokenStateError struct {
	Key    TokenKey
	State  RecordState // not Alive
	Reason string      // of the record, such as "190/460"
}

// Error names account, state and reason.
func (e *TokenStateError) Error() string {
	s := fmt.Sprintf("the token of %s is not used: %s", e.Key, e.State)
	if e.Reason != "" {
		s += " (" + e.Reason + ")"
	}
	return s
}

// Is reports whether target is [ErrTokenInvalid], or [ErrTokenExpired] where that is the reason.
func (e *TokenStateError) Is(target error) bool {
	return target == ErrTokenInvalid || target == ErrTokenExpired && e.Reason == reasonExpired
}

// storedSource is the source of one account.
type storedSource struct {
	c     *Client
	id    string
	entry atomic.Pointer[cacheEntry]
}

func (c *Client) storedSource(accountID string) *storedSource {
	return &storedSource{c: c, id: accountID}
}

// accountID tells the limiter whose quota calls count against.
func (s *storedSource) accountID() string { return s.id }

func (s *storedSource) Token(ctx context.Context) (*Token, error) {
	if e := s.entry.Load(); e != nil {
		if v := e.fresh(s.c.now()); v != nil {
			return v.token, v.err
		}
	}
	return s.load(ctx)
}

// load is what happens when memory has no answer.
func (s *storedSource) load(ctx context.Context) (*Token, error) {
	if e := s.c.tokens.entry(s.id); e != nil {
		s.entry.Store(e)
		if v := e.fresh(s.c.now()); v != nil {
			return v.token, v.err
		}
	}
	return s.c.loads.Do(quietly(ctx), s.id, func(ctx context.Context) (*Token, error) { return s.c.lookUp(ctx, s.id) })
}

const (
	// distrustFor is how long a token is not doubted anew that was refused in a call.
	distrustFor = 5 * time.Second
	// suspectEvery is how often such a token is looked into: it may live, and
	// be refused for what the call wants.
	suspectEvery = time.Hour
)

// distrust is told of a token that the platform refused in a call: the store
// is asked again, and the token is looked into.
func (s *storedSource) distrust(tok *Token) {
	now := s.c.now()
	e := s.c.tokens.entry(s.id)
	if e == nil || !e.doubted(tok, now) {
		return
	}
	e.drop()
	if !news(&e.suspected, tok, now, suspectEvery) {
		return
	}
	if key := s.c.holderOf(tok); !s.c.breaker.stopped() {
		s.c.doubts.Go(context.Background(), tok, func(ctx context.Context) (struct{}, error) {
			return struct{}{}, s.c.suspect(ctx, key, tok)
		})
	}
}

// quietly returns the context of work in the background: the options of the
// call that caused it are not its own.
func quietly(ctx context.Context) context.Context {
	if ctx.Value(callOptionsKey{}) == nil {
		return ctx
	}
	return context.WithValue(ctx, callOptionsKey{}, &callOptions{})
}

// lookUp reads the account's token from the store, remembers it, and has it
// renewed when it is due.
func (c *Client) lookUp(ctx context.Context, id string) (*Token, error) {
	e := c.tokens.enter(id)
	changes := e.seen()
	if v := e.fresh(c.now()); v != nil { // another flight has just landed
		return v.token, v.err
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	h, err := c.loadHolding(ctx, id)
	if err == nil && e.doubts(h.holder.Token) { // it is dead, it seems
		if spare := c.spare(ctx, h.holder.Key); spare != nil {
			h.holder.Token = spare // the store does not take it
		} else {
			h, err = c.loadHolding(ctx, id) // or has taken it meanwhile
		}
	}
	now := c.now()
	switch {
	case errors.Is(err, ErrTokenNotFound):
		err = fmt.Errorf("instagram: account %s: %w", id, ErrTokenNotFound)
		e.put(&cached{err: err, until: now.Add(rememberFault).Round(0)}, changes)
		return nil, err
	case err != nil:
		return c.lastKnown(e, changes, fmt.Errorf("instagram: account %s: %w", id, err))
	}
	tok, err := h.usable(now)
	if err != nil {
		err = fmt.Errorf("instagram: %w", err)
		e.put(&cached{err: err, until: now.Add(rememberFault).Round(0)}, changes)
		return nil, err
	}
	if last := e.last.Load(); last.holds(tok) {
		tok = last // the same one: whoever compares pointers need not do its work again
	}
	until := now.Add(c.tokens.ttl)
	if c.renewAhead(ctx, h.holder, now) {
		until = now.Add(min(c.tokens.ttl, distrustFor))
	}
	if e.refused(h.holder.Token, now) { // another process may be about to save the one that ended it
		until = now.Add(rememberFault)
	}
	e.put(&cached{token: tok, until: sooner(until.Round(0), tok.ExpiresAt)}, changes)
	return tok, nil
}

const (
	// storeTimeout bounds one question to the store.
	storeTimeout = 30 * time.Second
	// rememberFault is how long an account without a usable token is remembered,
	// or with one that was refused just now.
	rememberFault = time.Second
)

// lastKnown answers while the store does not: with the last token, if it lives.
func (c *Client) lastKnown(e *cacheEntry, changes int, err error) (*Token, error) {
	now := c.now()
	tok := e.last.Load()
	if tok == nil || tok.expired(now) || errors.Is(err, context.Canceled) {
		return nil, err
	}
	if spare := c.unsaved.get(c.holderOf(tok)); spare != nil && e.doubts(tok) {
		account := &Record{Token: tok.stored()}
		tok = holding{account: account, holder: &Record{Token: spare}}.token()
	}
	c.logger.Warn("instagram: the store does not answer; the last token known is used",
		slog.String("account", e.id), errAttr(err))
	e.put(&cached{token: tok, until: sooner(now.Add(distrustFor).Round(0), tok.ExpiresAt)}, changes)
	return tok, nil
}

// holding is what the store has for an account: its record and, on Facebook
// Login, that of the person who granted it. Holder is the one of the two that
// is renewed.
type holding struct {
	account *Record
	holder  *Record
}

func (c *Client) loadHolding(ctx context.Context, id string) (holding, error) {
	rec, err := c.opts.tokenStore.LoadToken(ctx, TokenKey{AppID: c.cfg.AppID, AccountID: id})
	if err != nil {
		return holding{}, storeError(err)
	}
	h := holding{account: rec, holder: rec}
	if rec.Token == nil {
		return holding{}, errNoToken
	}
	if key := c.holderOf(rec.Token); key != rec.Key {
		person, err := c.opts.tokenStore.LoadToken(ctx, key)
		switch {
		case err == nil:
			h.holder = person
		case !errors.Is(err, ErrTokenNotFound):
			return holding{}, storeError(err)
		}
	}
	return h, nil
}

// holderOf returns under which key the token is kept that signs an account's
// calls and is renewed: on Facebook Login the person's.
func (c *Client) holderOf(t *Token) TokenKey {
	if t.refersToPerson() {
		return PersonKey(c.cfg.AppID, t.AppScopedID)
	}
	return t.Key(c.cfg.AppID)
}

// usable returns the token to sign with, or why there is none.
func (h holding) usable(now time.Time) (*Token, error) {
	for _, r := range []*Record{h.account, h.holder} {
		if r.State != Alive {
			return nil, &TokenStateError{Key: r.Key, State: r.State, Reason: r.Reason}
		}
	}
	t := h.token()
	if t.expired(now) {
		return nil, fmt.Errorf("account %s: %w", h.account.Key.AccountID, ErrTokenExpired)
	}
	return t, nil
}

// token joins the person's token with what the account's record knows.
func (h holding) token() *Token {
	if !h.account.Token.refersToPerson() || h.account == h.holder {
		return h.holder.Token
	}
	a, t := h.account.Token, h.holder.Token.clone()
	t.AccountID, t.AppScopedID, t.Username, t.PageID = a.AccountID, a.AppScopedID, a.Username, a.PageID
	if a.Kind == PageToken {
		t.PageToken = a.AccessToken
	}
	return t
}

// holds reports whether t is as other, as far as calls are concerned.
func (t *Token) holds(other *Token) bool {
	return t != nil && t.AccessToken.Equal(other.AccessToken) && t.PageToken.Equal(other.PageToken) &&
		t.ExpiresAt.Equal(other.ExpiresAt) && t.ObtainedAt.Equal(other.ObtainedAt) &&
		t.DataAccessExpiresAt.Equal(other.DataAccessExpiresAt) && len(t.Scopes) == len(other.Scopes) && t.Username == other.Username
}

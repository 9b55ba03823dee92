package instagram

// This file answers: how is a stored token renewed when somebody asks for it,
// once for all who do, in all processes?

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seed-922467ee/instagram/internal/backoff"
)

const (
	// leaseTime is how long a record is held to be renewed on demand.
	leaseTime = 60 * time.Second
	// attemptTimeout bounds one attempt to renew a token: less than half of the lease.
	attemptTimeout = 20 * time.Second
	// justNow is how long a renewed token answers further calls of [Client.Refresh]:
	// those that asked before it was saved, in any process.
	justNow = time.Minute
)

// Refresh trades the stored long-lived token of an account for one that lives
// another 60 days, saves it, and returns it. Concurrent calls for one account
// share a single request, in all processes whose store can lease
// ([TokenLeaser]); a caller whose context ends leaves the others undisturbed.
//
// On Instagram Login a token younger than [MinRefreshAge] gives
// [ErrTokenTooYoung], on both products one that has ended [ErrTokenExpired], and
// one that was withdrawn a [*TokenStateError]; nothing is sent then. On
// Facebook Login the person's token is renewed, for all accounts of the person,
// and the Page tokens with it. A token without an end is returned as it is.
//
// When renewing fails, the error says why, and beside it the stored token is
// returned if it still lives. It is tried again later: by [Client.KeepAlive], or
// when the token is asked for.
//
// Few programs need Refresh: [Client.TokenSource] and KeepAlive renew what is due.
func (c *Client) Refresh(ctx context.Context, accountID string) (*Token, error) {
	asked := c.now()
	h, err := c.loadHolding(ctx, accountID)
	if err != nil {
		return nil, fmt.Errorf("instagram: refresh: account %s: %w", accountID, err)
	}
	key := h.holder.Key
	tok, err := c.renewals.Do(quietly(ctx), renewal{key, true}, func(ctx context.Context) (*Token, error) {
		return c.renewStored(ctx, key, true, asked)
	})
	if err != nil {
		err = fmt.Errorf("instagram: refresh: account %s: %w", accountID, err)
	}
	if tok == nil {
		return nil, err
	}
	if h.account.Key != key {
		if again, loadErr := c.loadHolding(ctx, accountID); loadErr == nil { // the Page's token may be another one by now
			h = again
		}
		h.holder = &Record{Key: key, Token: tok}
		return h.token(), err
	}
	return tok, err
}

// renewal is what is under way for a key. Those who wait for it are kept apart
// from those who do not: the latter give up when another process is at it.
type renewal struct {
	key  TokenKey
	wait bool
}

// renewAhead has a token renewed in the background when it is due, and reports
// whether it is.
func (c *Client) renewAhead(ctx context.Context, r *Record, now time.Time) bool {
	if !r.toRenew(now) {
		return false
	}
	if c.breaker.stopped() {
		if may, _ := c.breaker.mayProbe(now); !may {
			return false
		}
	}
	c.renewals.Go(ctx, renewal{r.Key, false}, func(ctx context.Context) (*Token, error) {
		return c.renewStored(ctx, r.Key, false, now)
	})
	return true
}

// toRenew reports whether a living record's token is to be renewed now.
func (r *Record) toRenew(now time.Time) bool {
	if r.State != Alive || now.Before(r.DueAt) {
		return false
	}
	step, at := r.plan(now)
	return (step == StepRefresh || step == StepExchange) && !at.After(now)
}

// renewStored renews the token under key, under a lease. Wait says whether to
// wait for another process that is at it, and to renew a token that is not due.
func (c *Client) renewStored(ctx context.Context, key TokenKey, wait bool, asked time.Time) (*Token, error) {
	if c.unsaved.get(key) != nil {
		return nil, errUnsaved
	}
	c.bringHome(ctx, c.spilled(ctx, key))
	store := c.leaser()
	lease, tok, err := c.lease(ctx, store, key, wait, asked)
	if lease == nil {
		return tok, err
	}
	r := lease.Record
	if tok, err := c.noNeed(r, wait, asked); tok != nil || err != nil {
		c.release(ctx, store, lease)
		return tok, err
	}
	o := c.attempt(ctx, r.Token, attemptTimeout)
	c.report(ctx, key, o)
	events := o.apply(r, c.now())
	living := r.Token
	if err := c.commitOne(ctx, store, lease); err != nil {
		if errors.Is(err, ErrTokenSuperseded) { // a login was faster, or another worker
			if now, err := c.opts.tokenStore.LoadToken(ctx, key); err == nil && now.State == Alive {
				return now.Token, nil
			}
		}
		return nil, errors.Join(o.err, storeError(err))
	}
	c.forgetHolder(ctx, r)
	c.tell(ctx, events...)
	if o.err == nil && c.cfg.Login == FacebookLogin {
		c.renewPagesQuietly(ctx, r)
	}
	if o.finding == foundDead || o.finding == foundWaiting {
		living = nil
	}
	return living, o.err
}

var errUnsaved = errors.New("the token is renewed, and the store does not take its successor yet")

// noNeed returns the token when there is nothing to renew, or why there cannot be.
func (c *Client) noNeed(r *Record, explicit bool, asked time.Time) (*Token, error) {
	now := c.now()
	t := r.Token
	switch {
	case t == nil || t.AccessToken.IsZero():
		return nil, errNoToken
	case !explicit && !r.toRenew(now):
		return t, nil
	case !explicit:
		return nil, nil
	case r.State == NeedsLogin || r.State == Deauthorized:
		return nil, &TokenStateError{Key: r.Key, State: r.State, Reason: r.Reason}
	case t.endless(), t.renewedSince(asked.Add(-justNow)):
		return t, nil
	case t.expired(now):
		return nil, ErrTokenExpired
	case t.tooYoung(now):
		return t, fmt.Errorf("it can be refreshed from %s on: %w",
			t.ObtainedAt.Add(MinRefreshAge).UTC().Format(time.RFC3339), ErrTokenTooYoung)
	}
	return nil, nil
}

// renewedSince reports whether the token is the outcome of a renewal, and not
// of a login, since then.
func (t *Token) renewedSince(then time.Time) bool {
	return t.ObtainedAt.After(then) && t.ObtainedAt.Sub(t.GrantedAt) >= MinRefreshAge
}

// lease takes the record, and waits for another worker who holds it when it is
// to. Without a lease it returns the token that the other has saved, or an error.
func (c *Client) lease(ctx context.Context, store TokenLeaser, key TokenKey, wait bool, asked time.Time) (*Lease, *Token, error) {
	lease, err := store.LeaseToken(ctx, key, leaseTime)
	if !wait || !errors.Is(err, ErrTokenLeased) {
		return lease, nil, storeError(err)
	}
	seen := Revision(0)
	const shortest, longest = 10 * time.Millisecond, 250 * time.Millisecond
	for n, pause := 0, shortest; ; n, pause = n+1, min(2*pause, longest) {
		if err := backoff.Wait(ctx, pause); err != nil {
			return nil, nil, err
		}
		r, err := c.opts.tokenStore.LoadToken(ctx, key)
		switch {
		case err != nil:
			return nil, nil, storeError(err)
		case r.State == Alive && r.Token.renewedSince(asked.Add(-justNow)):
			return nil, r.Token, nil
		case seen != 0 && r.Revision != seen, n%4 == 3: // the other has given it back, or has died
			lease, err := store.LeaseToken(ctx, key, leaseTime)
			if !errors.Is(err, ErrTokenLeased) {
				return lease, nil, storeError(err)
			}
		}
		seen = r.Revision
	}
}

// outcome is what became of an attempt to renew a token.
type outcome struct {
	token    *Token // the successor
	err      error
	finding  finding
	doubtful bool // the finding is to be confirmed
	// disbelieved: the finding is a death, but others are called dead likewise
	disbelieved bool
	began       time.Time
}

// attempt asks the platform for the token's successor.
func (c *Client) attempt(ctx context.Context, t *Token, timeout time.Duration) outcome {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	o := outcome{began: c.now()}
	o.token, o.err = c.renewToken(ctx, t)
	o.finding = judge(o.err)
	o.doubtful = o.err != nil && doubtful(o.err, t.expired(c.now()) || t.ExpiresAt.IsZero())
	return o
}

// apply writes into the record what an attempt taught about it, except for a
// death, which takes more to believe. It returns what is to be told once the
// record is saved.
func (o outcome) apply(r *Record, now time.Time) []TokenEvent {
	var events []TokenEvent
	add := func(kinds ...TokenEventKind) {
		for _, kind := range kinds {
			events = append(events, r.event(kind, o.err))
		}
	}
	waited := r.State == WaitingForPerson
	switch o.finding {
	case foundAlive:
		more := r.renewed(o.token, now)
		add(EventRefreshed)
		if waited {
			add(EventRevived)
		}
		add(more...)
		return events
	case foundThrottled:
		r.noteWhy(reasonOf(o.err))
		r.putOff(throttleWait(o.err), now)
	default:
		if waited { // it waits on, and its State and Reason stay
			r.Fails++
			r.putOff(waitingEvery, now)
			return nil
		}
		r.failed(reasonOf(o.err), now)
	}
	if !waited {
		add(r.warnings(now)...)
	}
	return events
}

// waitingEvery is how often a record is looked at that waits for the person.
const waitingEvery = 24 * time.Hour

// throttleWait is how long a refusal asks to wait: a minute when it does not say.
func throttleWait(err error) time.Duration {
	wait := time.Duration(0)
	if limited, ok := errors.AsType[*RateLimitError](err); ok {
		wait = limited.RetryAfter
	}
	if wait <= 0 {
		wait = time.Minute
	}
	return min(wait, MinRefreshAge)
}

// renewToken asks the platform for a successor. It does not ask the clock
// whether that can succeed: clocks are wrong at times, and the platform is not.
func (c *Client) renewToken(ctx context.Context, t *Token) (*Token, error) {
	if c.cfg.Login == InstagramLogin {
		if t.Kind != ShortLived {
			return c.refreshCall(ctx, t)
		}
		r := &LoginResult{Token: t}
		err := c.proveByExchange(ctx, r)
		return r.Token, err
	}
	fresh, err := c.refreshCall(ctx, t)
	if err != nil {
		return nil, err
	}
	return c.dated(ctx, fresh)
}

// dated fills in what Facebook tells of a token only when it is asked: its end
// where the exchange did not say, its access to data, its permissions. Without
// an answer the token is good as it is.
func (c *Client) dated(ctx context.Context, t *Token) (*Token, error) {
	r := &LoginResult{Token: t}
	err := c.learn(ctx, r)
	switch {
	case errors.Is(err, ErrTokenInvalid): // keep the old one, which may be better
		return nil, &AnswerError{Op: "refresh", Host: c.hosts.graph.Host, HTTPStatus: 200, Problem: "the new token is not valid"}
	case errors.Is(err, errForeignToken):
		return nil, err
	case err != nil:
		return t, nil //nolint:nilerr // see above
	}
	return r.Token, nil
}

// unsavedTokens are successors that the store did not take yet.
type unsavedTokens struct {
	mu     sync.Mutex
	tokens map[TokenKey]*Token
}

func (u *unsavedTokens) get(k TokenKey) *Token {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.tokens[k]
}

func (u *unsavedTokens) put(k TokenKey, t *Token) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.tokens == nil {
		u.tokens = make(map[TokenKey]*Token)
	}
	u.tokens[k] = t
}

func (u *unsavedTokens) drop(k TokenKey) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.tokens, k)
}

// suspect notes in the store that a call was refused for its token, so that
// [Client.KeepAlive] asks whether the token lives.
func (c *Client) suspect(ctx context.Context, key TokenKey, tok *Token) error {
	store := c.leaser()
	lease, err := store.LeaseToken(ctx, key, leaseTime)
	if err != nil {
		return err
	}
	r := lease.Record
	n := parseNote(r.Reason)
	if r.State != Alive || n.suspect || n.heldBack || r.Token == nil || !r.Token.AccessToken.Equal(tok.AccessToken) || r.Fails > 0 {
		c.release(ctx, store, lease)
		return nil
	}
	n.suspect, n.why = true, "refused in a call"
	r.Reason, r.DueAt = n.String(), c.now()
	return c.commitOne(ctx, store, lease)
}

package instagram

// This file answers: when is a token held to be dead, and who is told first?

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// LoginNeeded tells of a person who has to pass the login window again, or to
// do something at Instagram or Facebook first.
type LoginNeeded struct {
	// ID is the same whenever the same thing is told again: after an error of
	// OnNeedsLogin, or by another process after a crash. It is a short text of
	// hex digits that says nothing.
	ID string
	// Key is that of the record: an account's, or on Facebook Login the person's.
	Key TokenKey
	// AccountIDs are the accounts that the token serves: one on Instagram
	// Login, all that the person granted on Facebook Login, as far as the store
	// can find them.
	AccountIDs []string
	// Username is the account's name, "" when it is not known.
	Username string
	// State is what the record's State becomes: [NeedsLogin]; [WaitingForPerson],
	// when the person has to act at Instagram or Facebook first; or [Alive], when
	// the token lives but Facebook's access to data has ended.
	State RecordState
	// Reason says why, in codes such as "190/460", or "expired".
	Reason string
	// Err is what the platform said.
	Err error
	// Options are what to pass to [Client.BeginLogin], so that the same account
	// comes back and Facebook asks again for what was declined.
	Options []AuthCodeOption
}

const (
	// holdFor is how long a dead account waits for what becomes of others.
	holdFor = 10 * time.Second
	// maxHeld bounds how many do.
	maxHeld = 256
	// lookAgain is when an account is tried again that was found dead while many were.
	lookAgain = breakerWindow + time.Minute
)

// holdings are the records that were found dead and are not marked yet.
type holdings struct {
	mu       sync.Mutex
	held     map[*job]*time.Timer // until enough others are known
	count    int                  // of those held, and of those decided that no worker has taken yet
	ended    bool
	settling sync.WaitGroup
}

// hold keeps a record that was found dead until it is known how others fare:
// when many are found dead at once, none is.
func (k *keeper) hold(j *job) {
	h := &k.holdings
	h.mu.Lock()
	full := h.count >= maxHeld
	if !full {
		h.count++
		h.held[j] = time.AfterFunc(holdFor, func() { k.settle(true) })
	}
	h.mu.Unlock()
	if full {
		k.putBack(j)
		return
	}
	k.settle(false)
}

// settle decides about the records that are held, when enough others are known
// or no others will come.
func (k *keeper) settle(now bool) {
	h := &k.holdings
	h.mu.Lock()
	if h.ended || len(h.held) == 0 {
		h.mu.Unlock()
		return
	}
	h.settling.Add(1)
	defer h.settling.Done()
	_, enough := k.c.breaker.suspicious(false, k.c.now())
	var ready []*job
	if now || enough || k.c.breaker.stopped() {
		for j, timer := range h.held {
			timer.Stop()
			delete(h.held, j)
			ready = append(ready, j)
		}
	}
	h.mu.Unlock()
	for _, j := range ready {
		k.decide(j)
	}
}

// take is called by the worker who takes a decided record.
func (h *holdings) take() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count--
}

// end lets nothing more be decided, and returns what is still held.
func (h *holdings) end() []*job {
	h.mu.Lock()
	h.ended = true
	var left []*job
	for j, timer := range h.held {
		timer.Stop()
		delete(h.held, j)
		left = append(left, j)
	}
	h.mu.Unlock()
	h.settling.Wait()
	return left
}

// decide marks a record, or lets it be tried again.
func (k *keeper) decide(j *job) {
	if k.c.breaker.stopped() {
		k.holdings.take()
		k.putBack(j)
		return
	}
	suspicious, _ := k.c.breaker.suspicious(j.outcome.doubtful, k.c.now())
	again := parseNote(j.lease.Record.Reason).heldBack
	if suspicious && (j.outcome.doubtful || !again) {
		k.holdings.take()
		k.holdBack(j)
		return
	}
	k.decided <- j
}

// putBack lets a record be tried again later, by the ladder.
func (k *keeper) putBack(j *job) {
	r := j.lease.Record
	if r.State == Alive {
		r.failed(reasonOf(j.outcome.err), k.c.now())
		for _, kind := range r.warnings(k.c.now()) {
			j.after = append(j.after, r.event(kind, j.outcome.err))
		}
	} else {
		r.putOff(waitingEvery, k.c.now())
	}
	k.count.failed.Add(1)
	k.save(j)
}

// holdBack lets a record be tried again when what is known by now is forgotten.
func (k *keeper) holdBack(j *job) {
	r := j.lease.Record
	now := k.c.now()
	k.count.failed.Add(1)
	if r.State == Alive {
		n := parseNote(r.Reason)
		n.heldBack, n.why = true, reasonOf(j.outcome.err)
		r.Reason = n.String()
		r.Fails++
		r.putOff(max(lookAgain, ladder(r.Fails)), now)
	} else {
		r.putOff(waitingEvery, now)
	}
	k.save(j)
}

// dropHeld gives back what is held or decided when the work ends.
func (k *keeper) dropHeld() {
	for _, j := range k.holdings.end() {
		k.giveBack(j)
	}
	for {
		select {
		case j := <-k.decided:
			k.giveBack(j)
		default:
			return
		}
	}
}

// mark tells that an account needs its person, and marks it.
func (k *keeper) mark(ctx, hard context.Context, j *job) {
	k.holdings.take()
	if ctx.Err() != nil || k.c.breaker.stopped() {
		k.giveBack(j)
		return
	}
	k.markNow(hard, j, stateOf(j.outcome.finding), reasonOf(j.outcome.err), EventNeedsLogin)
}

// markNow marks a record as long as it is the one that was tried. Whoever is to
// be told is told first: should the process die in between, it is told again.
func (k *keeper) markNow(ctx context.Context, j *job, state RecordState, reason string, kind TokenEventKind) {
	r := j.lease.Record
	stored, err := k.load(ctx, r.Key)
	switch {
	case errors.Is(err, ErrTokenNotFound), err == nil && stored.Revision != r.Revision:
		k.giveBack(j) // somebody has logged in, or out, meanwhile
		return
	case err != nil:
		k.giveBack(j)
		return
	}
	if r.State == state {
		r.putOff(waitingEvery, k.c.now())
		k.save(j)
		return
	}
	if err := k.tellLogin(ctx, j, state, reason, kind); err != nil {
		r.Fails++
		r.retryIn(ladder(r.Fails), k.c.now())
		k.save(j)
		return
	}
	r.State, r.Reason, r.DueAt = state, reason, nextLook(state, k.c.now())
	k.count.marked.Add(1)
	j.after = append(j.after, r.event(kind, j.outcome.err))
	if _, person := r.Key.Person(); !person {
		k.save(j)
		return
	}
	if k.saveAndWait(j) == nil {
		k.markAccounts(ctx, r)
	}
}

func (k *keeper) load(ctx context.Context, key TokenKey) (*Record, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return k.c.opts.tokenStore.LoadToken(ctx, key)
}

// markAccounts marks the accounts of a person whose token is dead.
func (k *keeper) markAccounts(ctx context.Context, person *Record) {
	for _, key := range k.c.accountsOf(ctx, person.Token.AppScopedID) {
		for range saveAttempts {
			r, err := k.load(ctx, key)
			if err != nil || r.State != Alive || r.Token.GrantedAt.After(person.Token.GrantedAt) {
				break
			}
			r.State, r.Reason, r.DueAt = person.State, person.Reason, time.Time{}
			if _, err = k.c.opts.tokenStore.SaveToken(ctx, r, r.Revision); !errors.Is(err, ErrTokenSuperseded) {
				break
			}
		}
		k.c.tokens.forget(key.AccountID)
	}
}

// tellLogin hands an account to OnNeedsLogin, whose time ends before the lease does.
func (k *keeper) tellLogin(ctx context.Context, j *job, state RecordState, reason string, kind TokenEventKind) (err error) {
	if k.cfg.OnNeedsLogin == nil {
		return nil
	}
	r := j.lease.Record
	e := LoginNeeded{
		ID: r.eventID(kind, state), Key: r.Key, Username: r.Token.Username, State: state, Reason: reason, Err: j.outcome.err,
	}
	if _, person := r.Key.Person(); person {
		for _, key := range k.c.accountsOf(ctx, r.Token.AppScopedID) {
			e.AccountIDs = append(e.AccountIDs, key.AccountID)
		}
	} else {
		e.AccountIDs = []string{r.Key.AccountID}
	}
	if len(e.AccountIDs) == 1 {
		e.Options = append(e.Options, Reconnect(e.AccountIDs[0]))
	}
	if k.c.cfg.Login == FacebookLogin {
		e.Options = append(e.Options, Rerequest())
	}
	ctx, cancel := context.WithTimeout(ctx, k.cfg.Timeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %T", p)
		}
		if err != nil {
			k.c.logger.Error("instagram: OnNeedsLogin failed, and is called again later", slog.String("account", r.Key.AccountID), errAttr(err))
		}
	}()
	return k.cfg.OnNeedsLogin(ctx, e)
}

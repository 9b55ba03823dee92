package instagram

// This file answers: what is done with one record that is due?

import (
	"context"
	"errors"
	"slices"
	"time"
)

// do does what the record calls for. It ends with the record on its way to be
// saved or given back, or held.
func (k *keeper) do(ctx context.Context, j *job) {
	r := j.lease.Record
	if problem := k.c.unusable(r); problem != "" {
		k.setAside(ctx, j, problem)
		return
	}
	now := later(k.c.now(), r.DueAt) // the store's clock has called it due, and may be ahead of ours
	step, at := r.plan(now)
	switch {
	case step == StepNone:
		k.giveBack(j)
	case at.After(now):
		r.DueAt = at
		k.save(j)
	case step == StepLook:
		k.look(ctx, j)
	case step == StepExpire:
		k.expire(ctx, j)
	default:
		k.renew(ctx, j)
	}
}

// unusable says why a record cannot be worked on, "" when it can.
func (c *Client) unusable(r *Record) string {
	switch {
	case r.Token == nil || r.Token.AccessToken.IsZero():
		return "the record has no token that can be read"
	case r.Token.Login != c.cfg.Login:
		return "the token belongs to the other login product"
	}
	return ""
}

// setAside leaves a record alone for a day that nobody can work on, so that
// it is not in every batch.
func (k *keeper) setAside(ctx context.Context, j *job, problem string) {
	r := j.lease.Record
	e := TokenEvent{ID: "skipped-" + r.Key.String(), Key: r.Key, Kind: EventSkipped, Reason: problem}
	k.count.skipped.Add(1)
	if r.Token != nil && !r.Token.AccessToken.IsZero() {
		r.noteWhy(problem)
		r.putOff(MinRefreshAge, k.c.now())
		j.after = []TokenEvent{e}
		k.save(j)
		return
	}
	k.c.release(ctx, k.store, j.lease) // what cannot be saved is leased for a day instead
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	_, _ = k.store.LeaseToken(ctx, r.Key, MinRefreshAge)
	k.c.tell(ctx, e)
	k.giveBack(j)
}

// renew asks for the token's successor.
func (k *keeper) renew(ctx context.Context, j *job) {
	o := k.c.attempt(ctx, j.lease.Record.Token, k.cfg.Timeout)
	if o.doubtful && (o.finding == foundDead || o.finding == foundWaiting) {
		if k.c.breaker.stopped() {
			o.disbelieved = true
		} else {
			o = k.confirm(ctx, j, o)
		}
	}
	k.c.report(ctx, j.lease.Record.Key, o)
	k.conclude(ctx, j, o)
}

// conclude writes down what an attempt taught.
func (k *keeper) conclude(ctx context.Context, j *job, o outcome) {
	r := j.lease.Record
	now := k.c.now()
	j.outcome = o
	switch o.finding {
	case foundDead, foundWaiting:
		switch {
		case o.disbelieved:
			k.putBack(j)
		case k.proven(ctx, j, o):
			k.markNow(ctx, j, stateOf(o.finding), reasonOf(o.err), EventNeedsLogin)
		default:
			k.hold(j)
		}
		return
	case foundAlive:
		k.count.refreshed.Add(1)
		k.throttles.Store(0)
	case foundThrottled:
		k.count.throttled.Add(1)
		k.slowDown(o.err, now)
	default:
		k.count.failed.Add(1)
	}
	j.after = o.apply(r, now)
	if o.finding == foundAlive && k.c.cfg.Login == FacebookLogin {
		k.concludeFacebook(ctx, j)
		return
	}
	k.save(j)
}

// slowDown stops the taking of records when the platform refuses them for the
// app's quota: for as long as it says, or twice as long each time. A quota of
// the account's own concerns no other.
func (k *keeper) slowDown(err error, now time.Time) {
	limited, ok := errors.AsType[*RateLimitError](err)
	if ok && limited.Bucket.Family != "" && limited.Bucket.Family != familyApp {
		return
	}
	wait := throttleWait(err)
	if !ok || limited.RetryAfter <= 0 {
		n := k.throttles.Load()
		if k.paused.Load() < now.UnixNano() { // of all that were under way, the first counts
			n = k.throttles.Add(1)
		}
		wait = min(wait<<max(n-1, 0), 30*time.Minute)
	}
	k.pauseFor(wait)
}

// confirm asks in another way whether a token is dead whose renewal was
// refused for reasons that may be others.
func (k *keeper) confirm(ctx context.Context, j *job, o outcome) outcome {
	ctx, cancel := context.WithTimeout(ctx, k.cfg.Timeout)
	defer cancel()
	info, err := k.c.InspectToken(ctx, j.lease.Record.Token)
	switch {
	case err != nil:
		o.err, o.finding = errors.Join(o.err, err), foundFault
		if f := judge(err); f == foundThrottled || f == foundAppFault {
			o.finding = f
		}
	case info.Valid:
		o.finding = foundRefused
	case info.Err != nil && info.Err.Subcode != 0:
		o.err, o.doubtful = info.Err, doubtful(info.Err, true)
		if f := judge(info.Err); f == foundWaiting {
			o.finding = f
		}
	}
	o.disbelieved = o.doubtful && (o.finding == foundDead || o.finding == foundWaiting) && k.othersToo(ctx, j.lease.Record)
	return o
}

// othersToo makes the cross-check of a death that is confirmed and still says
// nothing of this very person: whether an account that lived a while ago is
// called dead as well. The fault is then Meta's, and nobody is dead. So it was
// when the other one lives and this one does too by now.
func (k *keeper) othersToo(ctx context.Context, r *Record) bool {
	witness := k.witness(ctx, r.Key)
	if witness == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, k.cfg.Timeout)
	defer cancel()
	if info, err := k.c.InspectToken(ctx, witness.Token); err == nil && !info.Valid {
		return true
	}
	info, err := k.c.InspectToken(ctx, r.Token)
	return err != nil || info.Valid
}

// witness returns the record of an account that should be alive, nil when none is known.
func (k *keeper) witness(ctx context.Context, key TokenKey) *Record {
	fit := func(r *Record) bool {
		return r.Key.AppID == key.AppID && r.Key != key && r.State == Alive && k.c.unusable(r) == "" && !r.Token.expired(k.c.now())
	}
	if id := k.c.breaker.witness(key.AccountID); id != "" {
		if r, err := k.load(ctx, TokenKey{AppID: key.AppID, AccountID: id}); err == nil && fit(r) {
			return r
		}
	}
	lister, ok := k.c.opts.tokenStore.(TokenLister)
	if !ok {
		return nil
	}
	records, _ := lister.ListTokens(ctx, TokenKey{}, 200)
	for _, r := range slices.Backward(records) {
		if r.Fails == 0 && fit(r) {
			return r
		}
	}
	return nil
}

// proven reports whether an account is dead that is tried while renewing has
// stopped for a day because so many are refused: it is said clearly, another
// account lives, and another call still says so after that. Asked in this order
// a fault of Meta's that ends in between proves nothing. Accounts that are dead
// indeed come out of the crowd so, one a minute.
func (k *keeper) proven(ctx context.Context, j *job, o outcome) bool {
	key := j.lease.Record.Key
	if !j.probe || o.doubtful || !k.c.breaker.longMass(k.c.now()) {
		return false
	}
	witness := k.witness(ctx, key)
	return witness != nil && k.inspect(ctx, witness.Token).finding == foundAlive &&
		k.inspect(ctx, j.lease.Record.Token).finding == o.finding
}

// expire deals with a token that is past its end by our clock: it is tried
// once more, and marked when the platform says so too.
func (k *keeper) expire(ctx context.Context, j *job) {
	r := j.lease.Record
	o := k.c.attempt(ctx, r.Token, k.cfg.Timeout)
	if o.finding == foundRefused {
		o = k.confirmExpired(ctx, j, o)
	}
	if o.finding != foundDead && o.finding != foundWaiting {
		k.c.report(ctx, r.Key, o)
		k.conclude(ctx, j, o)
		return
	}
	if k.c.breaker.stopped() {
		k.giveBack(j)
		return
	}
	o.finding = foundDead
	j.outcome = o
	k.markNow(ctx, j, NeedsLogin, reasonExpired, EventExpired)
}

func (k *keeper) confirmExpired(ctx context.Context, j *job, o outcome) outcome {
	ctx, cancel := context.WithTimeout(ctx, k.cfg.Timeout)
	defer cancel()
	if info, err := k.c.InspectToken(ctx, j.lease.Record.Token); err == nil && !info.Valid {
		o.finding = foundDead
	}
	return o
}

// look asks the platform whether a token lives, without renewing it.
func (k *keeper) look(ctx context.Context, j *job) {
	r := j.lease.Record
	o := k.inspect(ctx, r.Token)
	n := parseNote(r.Reason)
	switch {
	case o.finding == foundAlive:
		k.c.report(ctx, r.Key, o)
		k.seenAlive(ctx, j, o)
		return
	case r.State == WaitingForPerson && o.finding != foundDead:
		r.Fails++
		r.putOff(waitingEvery, k.c.now())
		k.save(j)
		return
	case o.finding == foundDead && o.doubtful && !n.suspect:
		n.suspect = true // once more, before it is believed
		r.Reason = n.String()
		o.finding = foundFault
	case o.finding == foundDead && o.doubtful:
		o.disbelieved = k.c.breaker.stopped() || k.othersToo(ctx, r)
	}
	k.c.report(ctx, r.Key, o)
	k.conclude(ctx, j, o)
}

// inspect asks whether a token lives, and on Facebook Login fills in its dates.
func (k *keeper) inspect(ctx context.Context, t *Token) outcome {
	ctx, cancel := context.WithTimeout(ctx, k.cfg.Timeout)
	defer cancel()
	o := outcome{began: k.c.now(), token: t}
	if k.c.cfg.Login == FacebookLogin {
		l := &LoginResult{Token: t}
		o.err = k.c.learn(ctx, l)
		o.token = l.Token
	} else if info, err := k.c.InspectToken(ctx, t); err != nil {
		o.err = err
	} else if !info.Valid {
		o.err = info.invalid()
	}
	o.finding = judge(o.err)
	if _, said := errors.AsType[*Error](o.err); !said && errors.Is(o.err, ErrTokenInvalid) {
		o.finding = foundDead
	}
	o.doubtful = o.err != nil && doubtful(o.err, false)
	return o
}

// seenAlive writes down that a token lives that was looked at.
func (k *keeper) seenAlive(ctx context.Context, j *job, o outcome) {
	r := j.lease.Record
	waited := r.State == WaitingForPerson
	pages := parseNote(r.Reason).pages
	told := r.renewed(o.token, k.c.now())
	if waited {
		told = append(told, EventRevived)
	}
	for _, kind := range told {
		j.after = append(j.after, r.event(kind, nil))
	}
	if k.c.cfg.Login == FacebookLogin && (pages || k.accessEnded(r)) {
		k.concludeFacebook(ctx, j)
		return
	}
	k.save(j)
}

// concludeFacebook saves a person's token, and goes on with what hangs on it:
// the end of the access to data, and the tokens of the Pages.
func (k *keeper) concludeFacebook(ctx context.Context, j *job) {
	r := j.lease.Record
	if k.accessEnded(r) {
		k.tellAccessEnded(ctx, j)
	}
	if _, person := r.Key.Person(); !person {
		k.save(j)
		return
	}
	token := r.Token
	if k.saveAndWait(j) != nil {
		return
	}
	for _, key := range k.c.renewPagesQuietly(ctx, &Record{Key: r.Key, Token: token}) {
		k.lookAtPage(ctx, key)
	}
}

// tellAccessEnded says that the access to data has ended. The token lives, and
// is kept alive.
func (k *keeper) tellAccessEnded(ctx context.Context, j *job) {
	r := j.lease.Record
	if k.tellLogin(ctx, j, Alive, "data access ended", EventDataAccessEnded) != nil {
		r.Fails++
		r.retryIn(ladder(r.Fails), k.c.now())
		return
	}
	n := parseNote(r.Reason)
	n.access = accessEnded
	r.Reason = n.String()
	r.reschedule(k.c.now())
	j.after = append(j.after, r.event(EventDataAccessEnded, nil))
}

// accessEnded reports whether it is to be said that Facebook's access to data has ended.
func (k *keeper) accessEnded(r *Record) bool {
	end := r.Token.DataAccessExpiresAt
	return !end.IsZero() && !k.c.now().Before(end) && parseNote(r.Reason).access != accessEnded
}

// lookAtPage asks about the token of a Page that a person's Pages no longer
// have among them. Only a clear word marks the account.
func (k *keeper) lookAtPage(ctx context.Context, key TokenKey) {
	lease, err := k.store.LeaseToken(ctx, key, k.cfg.Lease)
	if err != nil {
		return
	}
	j := &job{lease: lease, until: k.c.now().Add(k.cfg.Lease)}
	k.active.Add(1)
	r := lease.Record
	if r.State != Alive || r.Token == nil || r.Token.Kind != PageToken {
		k.giveBack(j)
		return
	}
	o := k.inspect(ctx, r.Token)
	if o.doubtful || o.finding != foundDead && o.finding != foundWaiting || k.c.breaker.stopped() {
		k.giveBack(j)
		return
	}
	j.outcome = o
	k.markNow(ctx, j, stateOf(o.finding), reasonOf(o.err), EventNeedsLogin)
}

// lookAround looks for records that wait for a person, which no store lists as
// due, and has those looked at whose time has come. It walks through the store
// a page at a time, once a day, and only where there are such records.
func (k *keeper) lookAround(ctx context.Context) {
	lister, ok := k.c.opts.tokenStore.(TokenLister)
	if !ok {
		return
	}
	now := k.c.now()
	if k.behind == (TokenKey{}) {
		if now.Sub(k.lookedAround) < waitingEvery {
			return
		}
		k.lookedAround = now
		if counter, ok := k.c.opts.tokenStore.(TokenCounter); ok {
			counts, err := counter.CountTokens(ctx, k.c.cfg.AppID)
			if err != nil || counts.ByState[WaitingForPerson] == 0 {
				return
			}
		}
	}
	const page = 500
	records, err := lister.ListTokens(ctx, k.behind, page)
	if err != nil {
		return
	}
	k.behind = TokenKey{}
	for _, r := range records {
		k.behind = r.Key
		if r.Key.AppID != k.c.cfg.AppID || r.State != WaitingForPerson || r.DueAt.IsZero() || now.Before(r.DueAt) {
			continue
		}
		if len(k.queue) > k.cfg.Batch {
			return
		}
		asked := k.c.now()
		if lease, err := k.store.LeaseToken(ctx, r.Key, k.cfg.Lease); err == nil {
			k.push(&job{lease: lease, until: asked.Add(k.cfg.Lease)})
		}
	}
	if len(records) < page {
		k.behind = TokenKey{}
	}
}

func stateOf(f finding) RecordState {
	if f == foundWaiting {
		return WaitingForPerson
	}
	return NeedsLogin
}

// nextLook is when a marked record is looked at again: only one that waits for
// the person is.
func nextLook(s RecordState, now time.Time) time.Time {
	if s == WaitingForPerson {
		return now.Add(waitingEvery)
	}
	return time.Time{}
}

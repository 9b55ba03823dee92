package redisstore

// This file answers: when does a call get its permit, by all processes' calls?

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/internal/pacing"
)

// NewLimiter returns a limiter that does what [instagram.NewLimiter]'s does,
// with what is known of each quota kept in rdb: the calls of all processes that
// have a limiter of the same options and key prefix there are counted together,
// their calls in flight too, a wait stated to one is kept by all, and one call
// of all probes when it is over. It pays where a quota is small, or shared by
// many processes; a single process needs it not.
//
// A call that may go at once costs one round trip, and what became of it
// another, which its caller does not wait for unless the platform refused.
// Calls that have to wait do so in this process: an account's in the order in
// which they came, accounts by turns.
//
// When Redis does not answer within half a second, the limiter decides alone,
// by what this process has seen so far, and asks again each second. What it
// sees meanwhile, of the last thousand calls, Redis is told when it is back.
// [slog.Default] says when Redis goes and when it is back.
// The calls in flight of a process that was killed are forgotten after five to
// ten minutes.
//
// rdb stays the caller's to close. Options other than [WithKeyPrefix] have no
// meaning here. The limiter is safe for concurrent use, runs goroutines only
// while something waits or is told, and needs no closing. Nothing is sent yet.
func NewLimiter(rdb redis.UniversalClient, limits instagram.LimiterOptions, opts ...Option) instagram.Limiter {
	return newLimiter(rdb, limits, opts...)
}

func newLimiter(rdb redis.UniversalClient, limits instagram.LimiterOptions, opts ...Option) *limiter {
	alone, ok := instagram.NewLimiter(limits).(core)
	if !ok {
		panic("redisstore: package instagram is of another release: take the same version of both modules")
	}
	cfg := alone.Config()
	return &limiter{
		id: rand.Text(), store: New(rdb, opts...), alone: alone, began: time.Now().Add(-time.Second), // an instant of 0 would mean "never"
		params: params(cfg), patience: patience,
		takeStep: script("limit", "limit_take"), reportStep: script("limit", "limit_report"),
		apps: map[pacing.AppKey]*app{},
	}
}

// core is what this limiter takes over from the root package's, which decides
// while Redis is away.
type core interface {
	instagram.Limiter
	Config() pacing.Config
	Asked(c instagram.Call) pacing.Call
	Latest(ctx context.Context, c instagram.Call, began time.Duration) time.Duration
	Paced(c instagram.Call, o *instagram.Outcome) pacing.Outcome
	BucketOf(c instagram.Call, s pacing.Stop) instagram.Bucket
}

type limiter struct {
	id     string // of this limiter among all that ask Redis
	store  *Store // for its connection and names of keys
	alone  core
	began  time.Time
	params []any
	clock  func() time.Time // nil: Redis's; tests have their own

	patience time.Duration // how long Redis may take to answer before this process decides alone

	takeStep, reportStep *redis.Script

	mu   sync.Mutex
	apps map[pacing.AppKey]*app
}

// now returns the time since the limiter was made, by the monotonic clock. It
// is for waiting; what Redis keeps is by Redis's clock.
func (l *limiter) now() time.Duration { return time.Since(l.began) }

func (l *limiter) app(k pacing.AppKey) *app {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.apps[k]
	if a == nil {
		a = newApp(l, k)
		l.apps[k] = a
	}
	return a
}

// Acquire implements [instagram.Limiter].
func (l *limiter) Acquire(ctx context.Context, c instagram.Call) (instagram.Permit, error) {
	if err := context.Cause(ctx); err != nil {
		return instagram.Permit{}, err
	}
	r := &request{call: l.alone.Asked(c), began: l.now()}
	r.limit = l.alone.Latest(ctx, c, r.began)
	if tell := c.OnWait; tell != nil { // also when it goes on waiting without Redis, or with it again
		var once sync.Once
		c.OnWait = func(w instagram.Wait) { once.Do(func() { tell(w) }) }
	}
	a := l.app(r.call.App)
	for {
		permit, err := l.together(ctx, a, r, c)
		if errors.Is(err, errAway) {
			permit, err = l.onOurOwn(ctx, a, r, c)
		}
		if !errors.Is(err, errBack) {
			return permit, err
		}
	}
}

// request is a call that wants to go.
type request struct {
	call   pacing.Call
	began  time.Duration
	limit  time.Duration // latest time at which it still wants to go; 0: any
	waited *pacing.Stop  // what it waited for first
	asked  uint64        // the line's stirs when it asked
}

var (
	errAway = errors.New("redisstore: Redis is away")
	errBack = errors.New("redisstore: Redis is back")
)

// together acquires by what all processes know.
func (l *limiter) together(ctx context.Context, a *app, r *request, c instagram.Call) (instagram.Permit, error) {
	ours, all, err := a.ahead(r)
	if err != nil {
		return instagram.Permit{}, err
	}
	stop := pacing.Stop{Reason: pacing.Turn, App: ours == 0}
	if ours+all == 0 || r.limit != 0 { // otherwise it waits anyhow
		var t *ticket
		if t, stop, err = a.take(ctx, r.call, ours, all); err != nil {
			return instagram.Permit{}, err
		}
		if t != nil {
			return l.permit(r, c, t), nil
		}
	}
	if r.limit != 0 && (stop.Until > r.limit || r.limit <= r.began) {
		return instagram.Permit{}, l.refusal(c, stop)
	}
	if r.waited == nil {
		r.waited = &stop
	}
	w := &waiter{request: r, ready: make(chan verdict, 1), stop: stop}
	if err := a.enqueue(ctx, w); err != nil {
		return instagram.Permit{}, err
	}
	if c.OnWait != nil {
		wait := instagram.Wait{Reason: stop.Reason.String(), Bucket: l.alone.BucketOf(c, stop)}
		if stop.Until > 0 {
			wait.For = max(0, stop.Until-l.now())
		}
		c.OnWait(wait)
	}
	v, err := a.wait(ctx, w)
	switch {
	case err != nil:
		return instagram.Permit{}, err
	case v.ticket != nil:
		return l.permit(r, c, v.ticket), nil
	case v.away:
		return instagram.Permit{}, errAway
	}
	return instagram.Permit{}, l.refusal(c, v.stop)
}

// onOurOwn acquires by what this process knows, until Redis is back.
func (l *limiter) onOurOwn(ctx context.Context, a *app, r *request, c instagram.Call) (instagram.Permit, error) {
	if c.MaxWait > 0 {
		c.MaxWait = max(0, r.limit-l.now())
	}
	waiting, leave := a.untilBack(ctx)
	defer leave()
	p, err := l.alone.Acquire(waiting, c)
	if err == nil && (p.Waited > 0 || r.waited != nil) {
		p.Waited = l.now() - r.began
	}
	return p, err
}

func (l *limiter) permit(r *request, c instagram.Call, t *ticket) instagram.Permit {
	p := instagram.Permit{Call: c, Node: t}
	if r.waited != nil {
		p.Waited = l.now() - r.began
		p.Bucket, p.Reason = l.alone.BucketOf(c, *r.waited), r.waited.Reason.String()
	}
	return p
}

func (l *limiter) refusal(c instagram.Call, stop pacing.Stop) error {
	after := time.Second // others are in flight, and it is theirs to tell
	if stop.Until != 0 {
		after = max(stop.Until-l.now(), time.Millisecond)
	}
	return &instagram.RateLimitError{RetryAfter: after, Bucket: l.alone.BucketOf(c, stop)}
}

// Done implements [instagram.Limiter]. After a refusal it returns when Redis
// has been told, so that whoever asks next knows of it.
func (l *limiter) Done(p instagram.Permit, o instagram.Outcome) {
	n := news{call: l.alone.Asked(p.Call), outcome: l.alone.Paced(p.Call, &o)}
	switch node := p.Node.(type) {
	case *ticket:
		n.ticket = node
		l.teach(p.Call, o)
	case *pacing.Account: // it went without asking Redis
		l.alone.Done(p, o)
		if !o.Sent {
			return
		}
	default:
		return // not one of ours
	}
	a := l.app(n.call.App)
	told := a.tell(context.Background(), n)
	if n.ticket == nil || !n.urgent() {
		return
	}
	late := time.NewTimer(l.patience)
	defer late.Stop()
	select {
	case <-told:
	case <-late.C:
	}
}

// teach lets the limiter that decides while Redis is away know of a call.
func (l *limiter) teach(c instagram.Call, o instagram.Outcome) {
	if !o.Sent {
		return
	}
	c.Priority, c.MaxWait = instagram.PriorityInteractive, 0
	if p, err := l.alone.Acquire(context.Background(), c); err == nil { // otherwise it knows already that there is no room
		l.alone.Done(p, o)
	}
}

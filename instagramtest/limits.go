// How much may an app or an account ask? Rolling quotas with usage headers.

package instagramtest

import (
	"cmp"
	"net/http"
	"strconv"
	"time"
)

// Dimension is one of the three things that Meta's usage headers measure.
type Dimension string

// The dimensions. Source: "Rate Limits".
const (
	CallCount    Dimension = "call_count"
	TotalCPUTime Dimension = "total_cputime"
	TotalTime    Dimension = "total_time"
)

// limitRules says how quotas are counted and told.
type limitRules struct {
	app, account quota
	refusalsFree bool // refused calls do not count
	quietRefusal bool // no usage headers on refusals
	noRegain     bool // no wait is told
	status       int  // of refusals; 0: as observed
	from         int  // percentage from which on headers are sent
	lag          time.Duration
	binding      Dimension
}

type quota struct {
	calls int // 0: no limit
	span  time.Duration
}

// WithAppLimit lets each app make so many Graph calls in a rolling window (0: one
// hour, as for Meta's platform limit of 200 calls for each daily user). Answers
// then carry X-App-Usage, and calls beyond it fail with code 4. Calls to token
// endpoints do not count; all others do, on both hosts, also those that
// [WithAccountLimit] counts.
func WithAppLimit(calls int, window time.Duration) Option {
	return func(s *setup) { s.limit.app = quota{calls, orDuration(window, time.Hour)} }
}

// WithAccountLimit lets each app make so many calls for each account in a rolling
// window (0: 24 hours, as for Meta's business use case limit of 4800 calls for
// each impression). Answers then carry X-Business-Use-Case-Usage, and calls
// beyond it fail with code 80002.
func WithAccountLimit(calls int, window time.Duration) Option {
	return func(s *setup) { s.limit.account = quota{calls, orDuration(window, 24*time.Hour)} }
}

// RefusalsCount says whether refused calls count too, which lengthens the block.
// They do by default. Source: "Rate Limits": "Continuing to make calls will
// continue to increase your call count".
func RefusalsCount(count bool) Option { return func(s *setup) { s.limit.refusalsFree = !count } }

// RefusalsWithoutHeaders leaves the usage headers off refused calls, as was
// observed once for code 4.
func RefusalsWithoutHeaders(quiet bool) Option {
	return func(s *setup) { s.limit.quietRefusal = quiet }
}

// RefusalStatus sets the HTTP status of refused calls; 0 is 403 for code 4 and
// 400 for code 80002. Both were observed for either.
func RefusalStatus(status int) Option { return func(s *setup) { s.limit.status = status } }

// HideRegainAccess keeps estimated_time_to_regain_access at 0.
func HideRegainAccess(hide bool) Option { return func(s *setup) { s.limit.noRegain = hide } }

// HeadersFrom sends usage headers only from a percentage on. Source: "Rate
// Limits": they appear once an endpoint has had enough calls.
func HeadersFrom(percent int) Option { return func(s *setup) { s.limit.from = percent } }

// HeaderLag makes usage headers tell how things were so long ago.
func HeaderLag(lag time.Duration) Option { return func(s *setup) { s.limit.lag = lag } }

// BindingDimension chooses which dimension reaches 100 percent when the quota is
// used up; the other two then stand at half. The default is [CallCount].
func BindingDimension(d Dimension) Option { return func(s *setup) { s.limit.binding = d } }

// limits are the quotas at work.
type limits struct {
	limitRules

	buckets         map[bucketKey]*bucket
	served, refused int64
}

// bucketKey names an app's bucket, or with an account that of the pair.
type bucketKey struct {
	app     *app
	account *account
}

// bucket is one quota with what was used of it.
type bucket struct {
	limit  int
	used   *window
	shown  *window // what headers tell; the same one unless they lag
	unseen []stamp // what shown does not hold yet
}

type stamp struct {
	at time.Time
	n  int
}

func newLimits(rules limitRules) limits {
	rules.binding = cmp.Or(rules.binding, CallCount)
	return limits{limitRules: rules, buckets: map[bucketKey]*bucket{}}
}

// bucket finds a bucket and brings it up to now; nil: there is no such limit.
func (l *limits) bucket(k bucketKey, now time.Time) *bucket {
	q := l.app
	if k.account != nil {
		q = l.account
	}
	if q.calls <= 0 || k.app == nil {
		return nil
	}
	b := l.buckets[k]
	if b == nil {
		b = &bucket{limit: q.calls, used: newWindow(q.span)}
		b.shown = b.used
		if l.lag > 0 {
			b.shown = newWindow(q.span)
		}
		l.buckets[k] = b
	}
	b.used.advance(now)
	if b.shown != b.used {
		then := now.Add(-l.lag)
		for len(b.unseen) > 0 && !b.unseen[0].at.After(then) {
			b.shown.add(b.unseen[0].at, b.unseen[0].n)
			b.unseen = b.unseen[1:]
		}
		b.shown.advance(then)
	}
	return b
}

func (b *bucket) add(now time.Time, n int) {
	b.used.add(now, n)
	if b.shown != b.used {
		b.unseen = append(b.unseen, stamp{now, n})
	}
}

func (b *bucket) full() bool { return b.used.used >= b.limit }

// percent is a whole number, and goes beyond 100 when refused calls count.
func (b *bucket) percent() int { return b.shown.used * 100 / b.limit }

// gate counts a call and refuses it when a quota is used up.
func (p *Platform) gate(c *call) *GraphError {
	l := &p.limits
	c.counted = true
	app := l.bucket(bucketKey{app: c.app}, c.now)
	var acct *bucket
	if c.account != nil {
		acct = l.bucket(bucketKey{c.app, c.account}, c.now)
	}
	var refusal *GraphError
	switch {
	case app != nil && app.full():
		refusal = known(4, 0)
	case acct != nil && acct.full():
		refusal = known(80002, 0)
	default:
	}
	if refusal == nil || !l.refusalsFree {
		for _, b := range []*bucket{app, acct} {
			if b != nil {
				b.add(c.now, 1)
			}
		}
	}
	if refusal == nil {
		l.served++
		return nil
	}
	l.refused++
	c.refused = true
	refusal.Status = cmp.Or(l.status, refusal.Status)
	return refusal
}

// count puts the usage headers on the answer to a counted call.
func (p *Platform) count(c *call, r *reply) {
	l := &p.limits
	if !c.counted || (c.refused && l.quietRefusal) {
		return
	}
	if r.header == nil {
		r.header = http.Header{}
	}
	if b := l.bucket(bucketKey{app: c.app}, c.now); b != nil && b.percent() >= l.from {
		text := make([]byte, 0, 64)
		if p.shapes.UsageCallVolume && c.host == hostInstagramGraph {
			text = l.append(append(text, '{'), b, "call_volume", CallCount)
			text = l.append(append(text, ','), b, "cpu_time", TotalCPUTime)
		} else {
			text = l.appendAll(append(text, '{'), b)
		}
		r.header["X-App-Usage"] = []string{string(append(text, '}'))}
	}
	if c.account == nil {
		return
	}
	if b := l.bucket(bucketKey{c.app, c.account}, c.now); b != nil && b.percent() >= l.from {
		minutes := 0
		if b.full() && !l.noRegain {
			minutes = int((b.used.below(b.limit, c.now) + time.Minute - 1) / time.Minute)
		}
		text := append(make([]byte, 0, 160), `{"`+c.account.ID+`":[{"type":"instagram",`...)
		text = append(l.appendAll(text, b), `,"estimated_time_to_regain_access":`...)
		text = append(strconv.AppendInt(text, int64(minutes), 10), "}]}"...)
		r.header["X-Business-Use-Case-Usage"] = []string{string(text)}
	}
}

// appendAll writes the three percentages, in Meta's order.
func (l *limits) appendAll(text []byte, b *bucket) []byte {
	text = l.append(text, b, string(CallCount), CallCount)
	text = l.append(append(text, ','), b, string(TotalCPUTime), TotalCPUTime)
	return l.append(append(text, ','), b, string(TotalTime), TotalTime)
}

// append writes one percentage: the binding dimension's, or half of it.
func (l *limits) append(text []byte, b *bucket, name string, d Dimension) []byte {
	percent := b.percent()
	if d != l.binding {
		percent /= 2
	}
	text = append(append(append(text, '"'), name...), `":`...)
	return strconv.AppendInt(text, int64(percent), 10)
}

// Served counts the API calls that passed the limits; calls to token endpoints
// and dialogs are not among them.
func (p *Platform) Served() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.limits.served
}

// Refused counts the API calls that the limits refused.
func (p *Platform) Refused() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.limits.refused
}

// Usage is the percentage used of an account's quota with the first app, or for
// "" of the first app's own: the truth, without [HeaderLag]. It is 0 where there
// is no limit.
func (p *Platform) Usage(account string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.foreign(account)
	if b == nil {
		return 0
	}
	return b.used.used * 100 / b.limit
}

// ConsumeForeign uses up n calls of the first app's quota, as another program
// with the same app would.
func (p *Platform) ConsumeForeign(n int) { p.ConsumeForeignAccount("", n) }

// ConsumeForeignAccount uses up n calls of an account's quota with the first app.
// Nothing happens where there is no limit.
func (p *Platform) ConsumeForeignAccount(account string, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b := p.foreign(account); b != nil {
		b.add(p.now(), n)
	}
}

// foreign finds the bucket of the first app, or of an account with it.
func (p *Platform) foreign(account string) *bucket {
	k := bucketKey{app: p.apps[0]}
	if account != "" {
		if k.account = p.account(account); k.account == nil {
			return nil
		}
	}
	return p.limits.bucket(k, p.now())
}

package main

// This file answers: how does the simulated platform count, refuse and tell?

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// roundTrip is how long a call takes, by a fifth more or less.
const roundTrip = 150 * time.Millisecond

// platform is a stand-in for Meta's: a rolling quota, whole percentages in its
// headers, and for an account's quota whole minutes until there is room.
type platform struct {
	window  time.Duration
	account bool // the quota is an account's, not the app's
	penalty bool // refused calls count
	bare    bool // refusals carry no headers

	mu      sync.Mutex
	rng     *rand.Rand
	limit   int
	log     []time.Time // of counted calls, oldest first, from head on
	head    int
	refused int  // but for calls that were on their way when the quota was halved
	halved  bool // the quota
	flying  int  // the oracle's calls on their way
	left    int  // calls until it has enough
	enough  func()
}

// newPlatform returns a platform that says so when it has had enough of a client.
func newPlatform(s scenario, seed uint64, enough func()) *platform {
	p := &platform{
		window: s.window, account: s.account, penalty: s.penalty, bare: s.bare, limit: s.limit,
		rng: rand.New(rand.NewPCG(seed, 1)), left: bounded * s.calls(), enough: enough,
	}
	now := time.Now()
	used := int(s.startUsed * float64(s.limit))
	for i := range used {
		p.log = append(p.log, now.Add(-s.window*time.Duration(used-i)/time.Duration(used+1)))
	}
	return p
}

// used returns how many calls count at a time. The platform is locked.
func (p *platform) used(at time.Time) int {
	n := len(p.log)
	for i := p.head; i < n; i++ {
		if p.log[i].Add(p.window).After(at) {
			return n - i
		}
	}
	return 0
}

func (p *platform) expire(now time.Time) {
	for p.head < len(p.log) && !p.log[p.head].Add(p.window).After(now) {
		p.head++
	}
	if p.head > 1<<16 {
		p.log = append(p.log[:0], p.log[p.head:]...)
		p.head = 0
	}
}

// room returns how long it takes until there is room for a call. The platform is locked.
func (p *platform) room(now time.Time) time.Duration {
	if over := len(p.log) - p.head - p.limit; over >= 0 {
		return p.log[p.head+over].Add(p.window).Sub(now)
	}
	return 0
}

// halve takes half of the quota away.
func (p *platform) halve() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limit /= 2
	p.halved = true
}

// consume is a call of somebody who gets it come what may.
func (p *platform) consume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.expire(now)
	p.log = append(p.log, now)
}

func (p *platform) way() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Duration(float64(roundTrip) / 2 * (0.8 + 0.4*p.rng.Float64()))
}

func (p *platform) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
	p.mu.Lock()
	knew := p.halved
	p.mu.Unlock()
	if err := sleep(req.Context(), p.way()); err != nil {
		return nil, err
	}
	resp := p.answer(knew)
	if err := sleep(req.Context(), p.way()); err != nil {
		return nil, err
	}
	resp.Request = req
	return resp, nil
}

// answer answers a call, of whose quota it was known whether it is halved.
func (p *platform) answer(knew bool) *http.Response {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.expire(now)
	if p.left--; p.left == 0 {
		p.enough()
	}
	refused := len(p.log)-p.head >= p.limit
	if refused && knew == p.halved {
		p.refused++
	}
	if !refused || p.penalty {
		p.log = append(p.log, now)
	}
	status, body := http.StatusOK, `{"id":"17841405793187218"}`
	if refused {
		status, body = http.StatusForbidden, `{"error":{"message":"(#4) Application request limit reached","type":"OAuthException","code":4}}`
		if p.account {
			status, body = http.StatusBadRequest, `{"error":{"message":"(#80002) There have been too many calls to this Instagram account.","type":"OAuthException","code":80002}}`
		}
	}
	header := http.Header{"Content-Type": {"application/json"}}
	if !refused || !p.bare {
		p.tell(header, now)
	}
	return &http.Response{
		StatusCode: status, Proto: "HTTP/2.0", ProtoMajor: 2, Header: header,
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

func (p *platform) tell(header http.Header, now time.Time) {
	percent := 100 * (len(p.log) - p.head) / p.limit
	if !p.account {
		header["X-App-Usage"] = []string{fmt.Sprintf(`{"call_count":%d,"total_cputime":%d,"total_time":%d}`, percent, percent/2, percent/2)}
		return
	}
	minutes := int((p.room(now) + time.Minute - 1) / time.Minute)
	header["X-Business-Use-Case-Usage"] = []string{fmt.Sprintf(
		`{"17841405793187218":[{"type":"instagram","call_count":%d,"total_cputime":%d,"total_time":%d,"estimated_time_to_regain_access":%d}]}`,
		percent, percent/2, percent/2, minutes)}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// oracle is the ideal: it knows limit and log, and sends a call so that it
// arrives when there is room, and not a moment later.
type oracle struct {
	p    *platform
	turn chan struct{} // one at a time
}

func newOracle(p *platform) *oracle { return &oracle{p: p, turn: make(chan struct{}, 1)} }

func (o *oracle) RoundTrip(req *http.Request) (*http.Response, error) {
	o.turn <- struct{}{}
	for {
		wait := o.try()
		if wait == 0 {
			break
		}
		if err := sleep(req.Context(), wait); err != nil {
			<-o.turn
			return nil, err
		}
	}
	<-o.turn
	time.Sleep(roundTrip / 2)
	resp := o.p.answer(true)
	o.p.mu.Lock()
	o.p.flying--
	o.p.mu.Unlock()
	time.Sleep(roundTrip / 2)
	resp.Request = req
	return resp, nil
}

func (o *oracle) try() time.Duration {
	p := o.p
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	arrival := now.Add(roundTrip / 2)
	p.expire(now)
	over := p.used(arrival) + p.flying - p.limit
	if over < 0 {
		p.flying++
		return 0
	}
	if i := len(p.log) - p.used(arrival) + over; i < len(p.log) {
		return max(p.log[i].Add(p.window).Sub(arrival), time.Millisecond)
	}
	return time.Millisecond // those on their way have to arrive first
}

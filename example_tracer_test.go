package instagram_test

import (
	"context"
	"expvar"
	"fmt"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

// progress shows on one line how far a long job is, and what holds it up.
type progress struct {
	instagram.NopTracer // the methods that are not needed, and those to come
	done, all           int64
}

func (p *progress) show(what string) {
	fmt.Printf("%d of %d calls: %s\n", atomic.LoadInt64(&p.done), p.all, what) // on a terminal: \r, and no \n
}

func (p *progress) Attempt(_ context.Context, a instagram.Attempt) {
	if a.Retry {
		p.show(fmt.Sprintf("attempt %d, %s", a.Number, a.Reason))
	}
}

func (p *progress) Wait(_ context.Context, w instagram.Wait) {
	if w.Bucket != (instagram.Bucket{}) { // for quota, which may take long
		p.show(fmt.Sprintf("%s, %s: about %v", w.Bucket, w.Reason, w.For.Round(time.Second)))
	}
}

func (p *progress) CallEnd(_ context.Context, e instagram.CallEnd) {
	atomic.AddInt64(&p.done, 1)
	if e.Err != nil {
		p.show(e.Err.Error())
		return
	}
	p.show("done")
}

// A progress line, for a job that may have to wait for its quota.
func ExampleTracer_progress() {
	meta := instagramtest.New(instagramtest.LongLivedToken("IGAAexample", time.Hour))
	meta.On("GET", "/me").Once(instagramtest.Answer{Status: 503})
	client, err := instagram.New(instagramConfig(), instagram.WithTransport(meta.Transport()),
		instagram.WithTracer(&progress{all: 2}),
		instagram.WithRetryPolicy(instagram.RetryPolicy{MaxWait: -1, BaseDelay: time.Millisecond})) // patient
	if err != nil {
		panic(err)
	}
	account := client.With(instagram.StaticToken(&instagram.Token{AccessToken: instagram.NewSecret("IGAAexample"), Kind: instagram.LongLived}))
	for range 2 {
		if err := account.Get(context.Background(), "me", nil, nil, instagram.Background()); err != nil {
			panic(err)
		}
	}
	// Output:
	// 0 of 2 calls: attempt 1, passing fault
	// 1 of 2 calls: done
	// 2 of 2 calls: done
}

// metrics counts in variables of package expvar, which serves them at /debug/vars.
// Another system of metrics takes the same few lines.
type metrics struct {
	instagram.NopTracer
	counts, waits, usage *expvar.Map
}

func (m *metrics) Attempt(_ context.Context, a instagram.Attempt) {
	m.counts.Add("attempts", 1)
	if a.Retry {
		m.counts.Add("retries: "+a.Reason, 1)
	}
	for e := range a.Usage.All() { // by quota: an account's ID is a label of its own
		percent := new(expvar.Float)
		percent.Set(e.Percent)
		m.usage.Set(e.Bucket.String(), percent)
	}
}

func (m *metrics) Wait(_ context.Context, w instagram.Wait) { m.waits.Add(w.Reason, 1) }

func (m *metrics) CallEnd(_ context.Context, e instagram.CallEnd) {
	m.counts.Add("calls", 1)
	m.counts.Add("milliseconds waited", e.Waited.Milliseconds())
	if e.Err != nil {
		m.counts.Add("failed: "+string(instagram.ErrorAdvice(e.Err).Action), 1)
	}
}

// Metrics of calls, retries, waits and quotas.
func ExampleTracer_metrics() {
	meta := instagramtest.New(instagramtest.LongLivedToken("IGAAexample", time.Hour), instagramtest.WithAccountLimit(20, 0))
	meta.On("GET", "/me").Once(instagramtest.Answer{Lose: true}) // the answer of the first
	watch := &metrics{counts: new(expvar.Map), waits: new(expvar.Map), usage: new(expvar.Map)}
	client, err := instagram.New(instagramConfig(), instagram.WithTransport(meta.Transport()), instagram.WithTracer(watch),
		instagram.WithRetryPolicy(instagram.RetryPolicy{BaseDelay: time.Nanosecond, MaxDelay: time.Nanosecond}))
	if err != nil {
		panic(err)
	}
	account := client.With(instagram.StaticToken(&instagram.Token{AccessToken: instagram.NewSecret("IGAAexample"), Kind: instagram.LongLived}))
	_ = account.Get(context.Background(), "me", nil, nil)
	_ = account.Get(context.Background(), "me", url.Values{"fields": {"nonsense"}}, nil)
	fmt.Println(watch.counts)
	fmt.Println(watch.usage)
	// Output:
	// {"attempts": 3, "calls": 2, "failed: fix request": 1, "milliseconds waited": 0, "retries: no answer": 1}
	// {"instagram/17841405793187641": 15}
}

package main

// This file answers: what does a call cost in allocations, CPU time, memory and
// parallelism?

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/seed-922467ee/instagram"
)

// stub answers every request at once.
type stub struct{ header http.Header }

func (s stub) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/2.0", ProtoMajor: 2, Header: s.header, ContentLength: -1, Request: req,
		Body: io.NopCloser(strings.NewReader(`{"id":"17841405793187218","username":"example"}`)),
	}, nil
}

func plainAnswer() stub {
	return stub{http.Header{
		"Content-Type": {"application/json"}, "Date": {"Mon, 02 Nov 2026 15:04:05 GMT"}, "Cache-Control": {"private"},
		"X-Fb-Trace-Id": {"GgX5d4kl"}, "X-Fb-Request-Id": {"AbCd"}, "Facebook-Api-Version": {instagram.DefaultVersion},
	}}
}

func answerWithUsage() stub {
	s := plainAnswer()
	s.header = s.header.Clone()
	s.header.Set("X-App-Usage", `{"call_count":1,"total_cputime":2,"total_time":1}`)
	s.header.Set("X-Business-Use-Case-Usage", `{"17841405793187218":[{"type":"instagram","call_count":1,"total_cputime":1,"total_time":1,"estimated_time_to_regain_access":0}]}`)
	return s
}

// call makes one GET again and again, and reads its answer.
type call struct {
	client *http.Client
	req    *http.Request
	buffer [512]byte
}

func newCall(c *http.Client) *call {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "https://graph.instagram.com/v26.0/me?fields=id", http.NoBody)
	if err != nil {
		panic(err)
	}
	return &call{client: c, req: req}
}

func (c *call) do() {
	resp, err := c.client.Do(c.req)
	if err != nil {
		panic(err)
	}
	for err == nil {
		_, err = resp.Body.Read(c.buffer[:])
	}
	_ = resp.Body.Close()
}

// cpu returns the CPU time that the process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func median(x []float64) float64 {
	slices.Sort(x)
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}

// cost prints allocations and CPU time, all clients in turn in each round.
func cost(out io.Writer, rounds, calls int) {
	fmt.Fprintf(out, "\n## Cost of a call\n\nA GET over a stub transport whose answer is read, median of %d interleaved rounds of %d calls.\n\n", rounds, calls)
	fmt.Fprintln(out, "| client | allocations | bytes | CPU ns | CPU ÷ x/oauth2 |\n| --- | --- | --- | --- | --- |")
	type entry struct {
		name  string
		call  *call
		times []float64
		ratio []float64
	}
	var all []*entry
	for _, p := range peers() {
		all = append(all, &entry{name: p.name, call: newCall(p.client(plainAnswer()))})
	}
	all = append(all, &entry{name: "instagram, usage headers", call: newCall(peers()[0].client(answerWithUsage()))})
	const reference = 2 // x/oauth2
	for range rounds {
		for _, e := range all {
			began := cpu()
			for range calls {
				e.call.do()
			}
			e.times = append(e.times, float64((cpu()-began).Nanoseconds())/float64(calls))
		}
		base := all[reference].times[len(all[reference].times)-1]
		for _, e := range all {
			e.ratio = append(e.ratio, e.times[len(e.times)-1]/base)
		}
	}
	for _, e := range all {
		allocs, size := allocations(e.call.do)
		fmt.Fprintf(out, "| %s | %.0f | %.0f | %.0f | %.2f |\n", e.name, allocs, size, median(e.times), median(e.ratio))
	}
}

func allocations(f func()) (count, size float64) {
	const n = 2000
	f()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range n {
		f()
	}
	runtime.ReadMemStats(&after)
	return float64(int(after.Mallocs-before.Mallocs) / n), float64(after.TotalAlloc-before.TotalAlloc) / n
}

// parallel prints the throughput of two callers against one, all clients in
// turn in each round. The garbage collector rests meanwhile: beside one caller
// it works on the core that the second caller needs.
func parallel(out io.Writer, rounds int, span time.Duration) {
	fmt.Fprintf(out, "\n## Two callers at once\n\nCalls with two parallel callers of different accounts ÷ calls with one, between garbage collections, median of %d rounds.\n\n", rounds)
	fmt.Fprintln(out, "| client | two ÷ one |\n| --- | --- |")
	client := newClient(plainAnswer())
	calls := []*call{newCall(oursFor(client, "17841405793187001").HTTPClient()), newCall(oursFor(client, "17841405793187002").HTTPClient())}
	bare := &http.Client{Transport: plainAnswer()}
	all := []struct {
		name   string
		two    []*call
		ratios []float64
	}{{name: "instagram", two: calls}, {name: "net/http", two: []*call{newCall(bare), newCall(bare)}}}
	for range rounds {
		for i := range all {
			one := throughput(all[i].two[:1], span)
			all[i].ratios = append(all[i].ratios, throughput(all[i].two, span)/one)
		}
	}
	for _, e := range all {
		fmt.Fprintf(out, "| %s | %.2f |\n", e.name, median(e.ratios))
	}
}

func throughput(callers []*call, span time.Duration) float64 {
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var all sync.WaitGroup
	counts := make([]int, len(callers))
	for i, c := range callers {
		all.Go(func() {
			n := 0
			for began := time.Now(); time.Since(began) < span; {
				for range 64 {
					c.do()
				}
				n += 64
			}
			counts[i] = n
		})
	}
	all.Wait()
	total := 0
	for _, n := range counts {
		total += n
	}
	return float64(total)
}

// accounts prints what a call and an idle account cost among many.
func accounts(out io.Writer, rounds, calls int, known ...int) {
	fmt.Fprintf(out, "\n## Many accounts\n\nA permit taken and given back by a limiter that knows so many accounts, each with usage of its own, median of %d rounds.\n\n", rounds)
	fmt.Fprintln(out, "| accounts | CPU ns for a call | bytes for an idle account |\n| --- | --- | --- |")
	for _, n := range known {
		l := instagram.NewLimiter(instagram.LimiterOptions{})
		names := make([]string, n)
		for i := range names {
			names[i] = strconv.Itoa(17841400000000000 + i)
		}
		named := heap()
		usage := instagram.ParseUsage(http.Header{"X-Business-Use-Case-Usage": {
			`{"17841405793187218":[{"type":"instagram","call_count":7,"total_cputime":1,"total_time":1,"estimated_time_to_regain_access":0}]}`,
		}})
		one := func(name string) {
			p, err := l.Acquire(context.Background(), instagram.Call{AppID: "1", AccountID: name})
			if err != nil {
				panic(err)
			}
			l.Done(p, instagram.Outcome{Sent: true, Status: 200, Usage: usage})
		}
		for _, name := range names {
			one(name)
		}
		each := float64(heap()-named) / float64(n)
		var times []float64
		for range rounds {
			began := cpu()
			for i := range calls {
				one(names[(i*7919)%min(n, 1000)]) // a thousand of them are busy
			}
			times = append(times, float64((cpu()-began).Nanoseconds())/float64(calls))
		}
		fmt.Fprintf(out, "| %d | %.0f | %.0f |\n", n, median(times), each)
		runtime.KeepAlive(l)
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// costs prints all of it.
func costs(out io.Writer, rounds int) {
	cost(out, max(20, rounds), 20_000)
	parallel(out, max(20, rounds), 50*time.Millisecond)
	accounts(out, rounds, 200_000, 1, 1000, 100_000, 1_000_000)
}

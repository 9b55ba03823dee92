package main

// This file answers: which client does a write twice, gives one up without need,
// or says nothing of its fate?

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/internal/harm"
)

const (
	silence   = 30 * time.Second // a client waits so long for an answer
	untilStop = 1500 * time.Millisecond
)

// damage is what a client did to writes.
type damage struct {
	writes  int
	twice   int // done twice
	givenUp int // given up though not done, and the client could know that
	unclear int // ended in an error that does not tell whether they were done
	told    int // … as instagram.ErrOutcomeUnknown
	belied  int // reported as done, and not done

	slowest time.Duration // from a cancellation to the return of the call
	after   int           // requests after it
}

// writer makes one write.
type writer func(ctx context.Context, write string) error

func writerOf(p peer, base http.RoundTripper) writer {
	form := func(write string) url.Values { return url.Values{"creation_id": {write}} }
	if p.name == "instagram" {
		account := ours(base)
		return func(ctx context.Context, write string) error {
			return account.Post(ctx, write+"/media_publish", form(write), nil)
		}
	}
	client := p.client(base)
	return func(ctx context.Context, write string) error {
		return send(ctx, client, http.MethodPost, graph+write+"/media_publish", strings.NewReader(form(write).Encode()))
	}
}

// harmOf has a client make writes that fail in every way, and cancels others.
func harmOf(t *testing.T, p peer, rounds int) (d damage) {
	t.Helper()
	synctest.Test(t, func(*testing.T) { d.write(p, rounds) })
	synctest.Test(t, func(*testing.T) { d.cancel(p) })
	return d
}

func (d *damage) write(p peer, rounds int) {
	server := harm.New(harm.Plan)
	base := server.Within(silence)
	ctx, stop := context.WithCancel(context.Background())
	defer stop() // ends what waits for the context of a request
	write := writerOf(p, base)
	var mu sync.Mutex
	var all sync.WaitGroup
	todo := make(chan string)
	for range 8 {
		all.Go(func() {
			for name := range todo {
				err := write(ctx, name)
				mu.Lock()
				d.judge(server, name, err)
				mu.Unlock()
			}
		})
	}
	for n := range rounds * len(harm.All()) {
		todo <- strconv.Itoa(n)
	}
	close(todo)
	all.Wait()
}

func (d *damage) judge(server *harm.Server, write string, err error) {
	done, attempts := server.Done(write), server.Attempts(write)
	last := harm.Plan(write, attempts)
	d.writes++
	if done > 1 {
		d.twice++
	}
	switch {
	case err == nil && done == 0:
		d.belied++
	case err == nil:
	case last.Unclear():
		d.unclear++
		if errors.Is(err, instagram.ErrOutcomeUnknown) {
			d.told++
		}
	case done == 0:
		d.givenUp++ // no write fails more than twice, and every client has more attempts than that, if it has any
	}
}

// cancel ends writes that wait: for an answer, or for the next attempt.
func (d *damage) cancel(p peer) {
	server := harm.New(func(write string, _ int) harm.Fault {
		n, _ := strconv.Atoi(write)
		return [...]harm.Fault{harm.Silence, harm.Throttled, harm.TooMany, harm.NotReady}[n%4]
	})
	write := writerOf(p, server.Within(silence))
	ctx, stop := context.WithCancel(context.Background())
	var mu sync.Mutex
	var all sync.WaitGroup
	began := time.Now()
	for n := range 16 {
		all.Go(func() {
			_ = write(ctx, strconv.Itoa(n))
			mu.Lock()
			defer mu.Unlock()
			d.slowest = max(d.slowest, time.Since(began)-untilStop)
		})
	}
	_ = sleep(context.Background(), untilStop)
	arrived := server.Arrived()
	stop()
	all.Wait()
	_ = sleep(context.Background(), time.Hour)
	d.after = server.Arrived() - arrived
}

// harms prints the table.
func harms(t *testing.T, out io.Writer, rounds int) {
	t.Helper()
	fmt.Fprintf(out, "\n## Harm\n\nWrites over connections that are reset before, in and after the body, timeouts, 500s and throttles, %d of each; and writes that are cancelled while they wait.\n\n", rounds)
	fmt.Fprintln(out, "| client | writes | done twice | given up without need | fate unclear | … and said so | return after cancelling | requests after it |")
	fmt.Fprintln(out, "| --- | --- | --- | --- | --- | --- | --- | --- |")
	for _, p := range peers() {
		d := harmOf(t, p, rounds)
		fmt.Fprintf(out, "| %s | %d | %d | %d | %d | %d | %v | %d |\n",
			p.name, d.writes, d.twice, d.givenUp, d.unclear, d.told, d.slowest, d.after)
	}
}

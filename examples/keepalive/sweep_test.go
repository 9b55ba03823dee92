package main

// This file answers: how fast does a fleet of due accounts catch up, compared
// with a loop that does nothing but claim, call and commit?

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

const (
	sweepAnswer   = 150 * time.Millisecond // what the platform takes for one refresh
	sweepInFlight = 1024                   // of all processes together: 6,827 a second at best
	sweepBatch    = 200
)

// BenchmarkSweep lets 1, 2 and 4 processes renew all accounts of a store, with
// KeepAlive and with [bareLoop] by turns, and reports medians: accounts in a
// second of both, their ratio, the store's round trips for each renewal, and
// what the largest process took above an idle one at its peak.
//
// It takes 200 accounts and 2 processes, so that it is quick;
// INSTAGRAM_BENCH_SWEEP=100000 and -benchtime 6x make it true. GOGC is passed on.
func BenchmarkSweep(b *testing.B) {
	n, counts := 200, []int{2}
	if text := os.Getenv("INSTAGRAM_BENCH_SWEEP"); text != "" {
		var err error
		n, err = strconv.Atoi(text)
		require.NoError(b, err, "INSTAGRAM_BENCH_SWEEP is a number of accounts")
		counts = []int{1, 2, 4}
	}
	meta := instagramtest.New(instagramtest.WithoutRecording())
	meta.On("GET", "/refresh_access_token").Always(instagramtest.Answer{
		Delay: sweepAnswer,
		Body:  `{"access_token":"IGAA` + strings.Repeat("y8Cr", 45) + `","token_type":"bearer","expires_in":5184000}`,
	})
	server := httptest.NewUnstartedServer(meta)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	b.Cleanup(server.Close)
	for name, place := range places() {
		for _, processes := range counts {
			b.Run(fmt.Sprintf("%s/%d", name, processes), func(b *testing.B) {
				s := &sweep{accounts: n, processes: processes, endpoint: server.URL, app: newAppID(b)}
				s.where = place(b, s.app)
				s.measure(b)
			})
		}
	}
}

type sweep struct {
	accounts, processes int
	endpoint            string
	app, where          string
}

// swept is what processes have done together; memory is of the largest.
type swept struct {
	renewed, trips int
	memory         float64
	took           time.Duration
}

func (s *sweep) measure(b *testing.B) {
	b.Helper()
	modes := []string{"bare", "keep"}
	rates, memory := map[string][]float64{}, map[string][]float64{}
	var ratios, trips []float64
	for b.Loop() {
		pair := map[string]float64{}
		for _, mode := range modes {
			fill(b, s.where, s.app, s.accounts)
			done := s.once(b, mode)
			require.Equal(b, s.accounts, done.renewed)
			pair[mode] = float64(done.renewed) / done.took.Seconds()
			rates[mode] = append(rates[mode], pair[mode])
			memory[mode] = append(memory[mode], done.memory)
			if mode == "keep" {
				trips = append(trips, float64(done.trips)/float64(done.renewed))
			}
		}
		ratios = append(ratios, pair["keep"]/pair["bare"])
		slices.Reverse(modes) // whoever is first is so every other time
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(rates["bare"]), "bare/s")
	b.ReportMetric(median(rates["keep"]), "accounts/s")
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(median(trips), "trips/account")
	if median(memory["keep"]) > 0 { // the system tells
		b.ReportMetric(median(memory["keep"]), "MiB")
		b.ReportMetric(median(memory["bare"]), "bare-MiB")
	}
}

// once lets new processes renew everything in a mode.
func (s *sweep) once(b *testing.B, mode string) swept {
	b.Helper()
	settings := map[string]string{
		workerEnv: fmt.Sprint(mode, " ", sweepInFlight/s.processes), "TOKEN_STORE": s.where,
		"INSTAGRAM_ENDPOINT": s.endpoint, "INSTAGRAM_APP_ID": s.app,
		"INSTAGRAM_APP_SECRET": instagramtest.DefaultInstagramAppSecret, "GOGC": os.Getenv("GOGC"),
	}
	type worker struct {
		cmd *exec.Cmd
		in  io.WriteCloser
		out *bufio.Reader
	}
	var workers []worker
	for range s.processes {
		w := worker{cmd: program(b, settings)}
		var err error
		w.in, err = w.cmd.StdinPipe()
		require.NoError(b, err)
		out, err := w.cmd.StdoutPipe()
		require.NoError(b, err)
		w.out = bufio.NewReader(out)
		w.cmd.Stderr = os.Stderr
		require.NoError(b, w.cmd.Start())
		workers = append(workers, w)
	}
	for _, w := range workers {
		_, err := w.out.ReadString('\n')
		require.NoError(b, err, "a process does not become ready")
	}
	start := time.Now()
	for _, w := range workers {
		require.NoError(b, w.in.Close())
	}
	var all swept
	for _, w := range workers {
		var one swept
		_, err := fmt.Fscan(w.out, &one.renewed, &one.trips, &one.memory)
		require.NoError(b, err, "a process did not end in order")
		all.renewed, all.trips, all.memory = all.renewed+one.renewed, all.trips+one.trips, max(all.memory, one.memory)
	}
	all.took = time.Since(start)
	for _, w := range workers {
		require.NoError(b, w.cmd.Wait())
	}
	return all
}

func median(values []float64) float64 {
	values = slices.Sorted(slices.Values(values))
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}

// neglectedRecord is a record that has been due for a while.
func neglectedRecord(appID, account string) *instagram.Record {
	at := time.Now().Add(-neglected)
	return &instagram.Record{
		Key: instagram.TokenKey{AppID: appID, AccountID: account},
		Token: &instagram.Token{
			AccessToken: instagram.NewSecret("IGAA" + strings.Repeat("x7Bq", 45)), Kind: instagram.LongLived,
			AccountID: account, AppScopedID: "9" + account, Username: "someone", Scopes: []instagram.Scope{instagram.ScopeBusinessBasic},
			GrantedAt: at, ObtainedAt: at, ExpiresAt: at.Add(60 * 24 * time.Hour),
		},
		DueAt: time.Now().Add(-time.Hour),
	}
}

package main

// This file answers: what does one process of a sweep do?

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-922467ee/instagram"
)

const workerEnv = "KEEPALIVE_SWEEP_WORKER" // the mode, and how many calls are in flight

// countingStore counts the round trips of what a sweep calls: a claim is one, a
// commit two, one that reads and one that writes.
type countingStore struct {
	instagram.TokenStore
	instagram.TokenLeaser

	trips, renewed atomic.Int64
}

func (s *countingStore) LeaseDue(ctx context.Context, appID string, n int, d time.Duration) ([]*instagram.Lease, error) {
	s.trips.Add(1)
	return s.TokenLeaser.LeaseDue(ctx, appID, n, d)
}

func (s *countingStore) CommitLeases(ctx context.Context, leases []*instagram.Lease) ([]error, error) {
	s.trips.Add(2)
	results, err := s.TokenLeaser.CommitLeases(ctx, leases)
	for _, err := range results {
		if err == nil {
			s.renewed.Add(1)
		}
	}
	return results, err
}

// sweepWorker says that it is ready, works when its input ends, and says what it did.
func sweepWorker(task string) error {
	var mode string
	var inFlight int
	if _, err := fmt.Sscan(task, &mode, &inFlight); err != nil {
		return err
	}
	inner, closeStore, err := openStore(os.Getenv("TOKEN_STORE"))
	if err != nil {
		return err
	}
	defer closeStore()
	leaser, ok := inner.(instagram.TokenLeaser)
	if !ok {
		return errors.ErrUnsupported
	}
	store := &countingStore{TokenStore: inner, TokenLeaser: leaser}
	cfg, err := config()
	if err != nil {
		return err
	}
	client, err := instagram.New(cfg, instagram.WithTokenStore(store), instagram.WithTransport(http2()))
	if err != nil {
		return err
	}
	idle, _ := memory("VmRSS")
	_, _ = os.Stdout.WriteString("ready\n")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	ctx := context.Background()
	if mode == "bare" {
		err = bareLoop(ctx, store, cfg, inFlight)
	} else {
		err = client.KeepAlive(ctx, instagram.KeepAliveConfig{Once: true, Parallel: inFlight, Batch: sweepBatch})
	}
	if err != nil {
		return err
	}
	above := 0.0
	if peak, told := memory("VmHWM"); told {
		above = peak - idle
	}
	_, err = fmt.Println(store.renewed.Load(), store.trips.Load(), above)
	return err
}

// http2 is how Meta answers, without the encryption, which would be the same for all.
func http2() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Protocols = new(http.Protocols)
	t.Protocols.SetUnencryptedHTTP2(true)
	return t
}

// memory returns what Linux says of this process, in MiB.
func memory(name string) (mib float64, told bool) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, name+":"); found {
			var kib float64
			_, err := fmt.Sscan(value, &kib)
			return kib / 1024, err == nil
		}
	}
	return 0, false
}

// bareLoop claims, calls and commits until nothing is due, with nothing around
// it: what any refresher may be compared with.
func bareLoop(ctx context.Context, s instagram.TokenLeaser, cfg instagram.Config, inFlight int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	claimed := make(chan *instagram.Lease, 2*sweepBatch)
	answered := make(chan *instagram.Lease, 4*sweepBatch)
	caller := &http.Client{Transport: http2()}

	var calls, commits sync.WaitGroup
	go func() {
		defer close(claimed)
		for {
			leases, err := s.LeaseDue(ctx, cfg.AppID, sweepBatch, time.Minute)
			if err != nil {
				cancel(err)
			}
			if len(leases) == 0 {
				return
			}
			for _, l := range leases {
				claimed <- l
			}
		}
	}()
	for range inFlight {
		calls.Go(func() {
			for l := range claimed {
				if err := bareRefresh(ctx, caller, cfg.Endpoint.Graph, l.Record); err != nil {
					cancel(err)
					continue
				}
				answered <- l
			}
		})
	}
	go func() { calls.Wait(); close(answered) }()
	full := make(chan []*instagram.Lease)
	go func() { // one gathers for all, so that batches are large
		defer close(full)
		for batch := range batches(answered, sweepBatch, 50*time.Millisecond) {
			full <- batch
		}
	}()
	for range 8 {
		commits.Go(func() {
			for batch := range full {
				if _, err := s.CommitLeases(ctx, batch); err != nil {
					cancel(err)
				}
			}
		})
	}
	commits.Wait()
	return context.Cause(ctx)
}

func bareRefresh(ctx context.Context, caller *http.Client, graph string, r *instagram.Record) error {
	query := url.Values{"grant_type": {"ig_refresh_token"}, "access_token": {r.Token.AccessToken.Reveal()}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, graph+"/refresh_access_token?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	resp, err := caller.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return err
	}
	now := time.Now()
	r.Token.AccessToken, r.Token.ObtainedAt = instagram.NewSecret(answer.AccessToken), now
	r.Token.ExpiresAt = now.Add(time.Duration(answer.ExpiresIn) * time.Second)
	r.DueAt = now.Add(40 * 24 * time.Hour)
	return nil
}

// batches yields what comes in pieces of up to n, none of which waits longer than patience.
func batches(in <-chan *instagram.Lease, n int, patience time.Duration) func(yield func([]*instagram.Lease) bool) {
	return func(yield func([]*instagram.Lease) bool) {
		for first := range in {
			batch := []*instagram.Lease{first}
			timer := time.NewTimer(patience)
		fill:
			for len(batch) < n {
				select {
				case l, ok := <-in:
					if !ok {
						break fill
					}
					batch = append(batch, l)
				case <-timer.C:
					break fill
				}
			}
			timer.Stop()
			if !yield(batch) {
				return
			}
		}
	}
}

package main

// This file answers: how do a thousand neglected accounts catch up, without an
// app at Meta?

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
	"github.com/seed-922467ee/instagram/seal"
)

const (
	demoAccounts = 1000
	demoWorkers  = 3
	neglected    = 51 * 24 * time.Hour // of a life of sixty days
)

func demo(out io.Writer, _ options) error {
	dir, err := os.MkdirTemp("", "keepalive-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	files, closeFiles, err := openStore("file:" + dir)
	if err != nil {
		return err
	}
	defer closeFiles()
	keys, err := seal.NewKeyRing(seal.NewKey())
	if err != nil {
		return err
	}
	store := seal.Tokens(files, keys)
	ctx, stop := untilSignal()
	defer stop()

	fmt.Fprintf(out, "\n  On a fake of Meta's platform. Nothing leaves this machine.\n\n")
	meta := instagramtest.New(instagramtest.WithoutRecording())
	meta.On("GET", "/refresh_access_token").Always(instagramtest.Answer{Delay: 150 * time.Millisecond})
	client, err := demoClient(meta, store)
	if err != nil {
		return err
	}
	defer closeClient(ctx, client)
	accounts := meta.AddAccounts(demoAccounts)
	if err := neglect(ctx, meta, client, accounts); err != nil {
		return err
	}
	for _, a := range accounts[:3] {
		if err := meta.Revoke(a.ID); err != nil {
			return err
		}
	}
	if err := meta.Checkpoint(accounts[3].ID); err != nil {
		return err
	}
	fmt.Fprintf(out, "  ✓ %d accounts in sealed files, nobody has looked at them for %.0f days\n", demoAccounts, neglected.Hours()/24)
	fmt.Fprintf(out, "  ✓ three of them have removed the app meanwhile, one waits at a checkpoint\n")
	fmt.Fprintf(out, "  ✓ %d workers share the work\n\n", demoWorkers)
	if err := catchUp(ctx, out, meta, store); err != nil {
		return err
	}
	return summary(ctx, out, client)
}

func demoClient(meta *instagramtest.Platform, store instagram.TokenStore) (*instagram.Client, error) {
	return instagram.New(instagram.Config{
		AppID:       instagramtest.DefaultInstagramAppID,
		AppSecret:   instagram.NewSecret(instagramtest.DefaultInstagramAppSecret),
		RedirectURL: "https://example.com/callback",
		Scopes:      []instagram.Scope{instagram.ScopeBusinessBasic},
	}, instagram.WithTransport(meta.Transport()), instagram.WithTokenStore(store))
}

// neglect imports the tokens of accounts that logged in long ago, some at once:
// each waits for the disk.
func neglect(ctx context.Context, meta *instagramtest.Platform, client *instagram.Client, accounts []instagramtest.Account) error {
	const atOnce = 16
	errs := make([]error, atOnce)
	var all sync.WaitGroup
	for worker := range atOnce {
		all.Go(func() {
			for i := worker; i < len(accounts) && errs[worker] == nil; i += atOnce {
				errs[worker] = bring(ctx, meta, client, accounts[i])
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

func bring(ctx context.Context, meta *instagramtest.Platform, client *instagram.Client, a instagramtest.Account) error {
	issued, err := meta.IssueToken(instagramtest.TokenSpec{Kind: instagramtest.LongLived, Account: a.ID, Age: neglected})
	if err != nil {
		return err
	}
	return client.ImportToken(ctx, &instagram.Token{
		AccessToken: instagram.NewSecret(issued.Value), Kind: instagram.LongLived,
		AccountID: a.ID, AppScopedID: a.AppScopedID, Username: a.Username,
		ObtainedAt: issued.IssuedAt, ExpiresAt: issued.ExpiresAt,
	})
}

// catchUp lets several workers renew what is due, as processes would that
// know of each other only through the store.
func catchUp(ctx context.Context, out io.Writer, meta *instagramtest.Platform, store instagram.TokenStore) error {
	board := &scoreboard{out: out, last: make([]instagram.Progress, demoWorkers)}
	errs := make(chan error, demoWorkers)
	for worker := range demoWorkers {
		client, err := demoClient(meta, store)
		if err != nil {
			return err
		}
		defer closeClient(ctx, client)
		go func() {
			errs <- client.KeepAlive(ctx, instagram.KeepAliveConfig{
				Once:          true,
				Parallel:      16,
				OnNeedsLogin:  board.needsLogin,
				OnProgress:    func(p instagram.Progress) { board.update(worker, p) },
				ProgressEvery: 250 * time.Millisecond,
			})
		}()
	}
	for range demoWorkers {
		if err := <-errs; err != nil {
			return err
		}
	}
	board.end()
	return ctx.Err()
}

// scoreboard adds up what the workers report, in one line that is written over.
type scoreboard struct {
	out io.Writer

	mu    sync.Mutex
	last  []instagram.Progress
	asked []instagram.LoginNeeded
}

func (b *scoreboard) needsLogin(_ context.Context, e instagram.LoginNeeded) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, e)
	return nil
}

func (b *scoreboard) update(worker int, p instagram.Progress) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last[worker] = p
	sum := instagram.Progress{Due: p.Due}
	for _, q := range b.last {
		sum.Refreshed += q.Refreshed
		sum.Failed += q.Failed
		sum.Marked += q.Marked
		if !q.Final {
			sum.Rate += q.Rate
		}
	}
	fmt.Fprintf(b.out, "\r%s ", progressLine(sum))
}

func (b *scoreboard) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	fmt.Fprint(b.out, "\n\n")
	for _, e := range b.asked {
		fmt.Fprintln(b.out, loginLine(e))
	}
}

func summary(ctx context.Context, out io.Writer, client *instagram.Client) error {
	fresh, others := 0, 0
	first := time.Time{}
	for p, err := range client.Plan(ctx) {
		if err != nil {
			return err
		}
		if p.State != instagram.Alive {
			others++
			continue
		}
		fresh++
		if first.IsZero() || p.At.Before(first) {
			first = p.At
		}
	}
	fmt.Fprintf(out, "\n  ✓ %d tokens are fresh for sixty days, %d wait for their person; the next is due in %.0f days\n\n",
		fresh, others, time.Until(first).Hours()/24)
	return nil
}

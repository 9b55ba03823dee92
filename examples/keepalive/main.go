// Keepalive keeps the tokens of all accounts alive, and says who has to log in
// again. It is small, and whole: run it as a service, in as many processes as
// you like on one store, beside the program that signs people in.
//
// Without configuration it does so on a fake of Meta's platform that runs
// inside the program: a thousand accounts have been left alone for weeks, and
// three workers catch up on one store.
//
//	go run ./examples/keepalive
//
// With an app of your own it keeps the tokens that your program has stored:
//
//	export INSTAGRAM_APP_ID=… INSTAGRAM_APP_SECRET=… TOKEN_KEY=…
//	keepalive -store postgres://myapp@db/myapp          # until SIGTERM or Ctrl-C
//	keepalive -store sqlite:/var/lib/myapp/tokens.db -once   # what is due now, for cron
//	keepalive -store file:/var/lib/myapp/tokens -plan        # a dry run
//	TOKEN_STORE=redis://:secret@cache:6379/0 keepalive       # where others must not see the URL
//
// TOKEN_KEY is what tokens are sealed with, the same that the other program
// uses: made by "openssl rand -base64 32". While it is being replaced, the one
// before is TOKEN_KEY_OLD. INSTAGRAM_LOGIN=facebook chooses the other login
// product. INSTAGRAM_ENDPOINT is the address of a fake, for tests.
//
// SIGTERM ends it in order: what is in flight is finished and saved, what is
// not begun is given back to the others. That takes less than a minute; a
// second signal ends it at once.
package main

// This file answers: which app, which flags, and how does it end?

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/seal"
)

type options struct {
	store      string
	once, plan bool
	lease      time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.store, "store", "", "where tokens are: "+storeForms+" (default: what TOKEN_STORE says)")
	flag.BoolVar(&o.once, "once", false, "end when nothing is due")
	flag.BoolVar(&o.plan, "plan", false, "say what would be done, and do nothing")
	flag.DurationVar(&o.lease, "lease", time.Minute, "how long others wait for the tokens of a process that died")
	flag.Parse()
	o.store = cmp.Or(o.store, os.Getenv("TOKEN_STORE"))

	run := keepAlive
	if len(os.Args) == 1 && os.Getenv("INSTAGRAM_APP_ID") == "" && o.store == "" {
		run = demo
	}
	if err := run(os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, "keepalive:", err)
		os.Exit(1)
	}
}

func keepAlive(out io.Writer, o options) error {
	switch {
	case flag.NArg() > 0:
		return fmt.Errorf("%q is no flag", flag.Arg(0))
	case os.Getenv("INSTAGRAM_APP_ID") == "":
		return errors.New("set INSTAGRAM_APP_ID and INSTAGRAM_APP_SECRET, or leave out -store for a demo on a fake")
	case o.store == "":
		return errors.New("-store, or TOKEN_STORE, says where the tokens are: " + storeForms)
	}
	cfg, err := config()
	if err != nil {
		return err
	}
	keys, err := openKeys()
	if err != nil {
		return err
	}
	if o.plan {
		if err := mustExist(o.store); err != nil {
			return err
		}
	}
	store, closeStore, err := openStore(o.store)
	if err != nil {
		return err
	}
	defer closeStore()
	client, err := instagram.New(cfg,
		instagram.WithTokenStore(seal.Tokens(store, keys)),
		instagram.WithLogger(slog.New(slog.NewJSONHandler(os.Stderr, nil))),
	)
	if err != nil {
		return err
	}
	ctx, stop := untilSignal()
	defer stop()
	defer closeClient(ctx, client)
	if o.plan {
		return printPlan(ctx, out, client)
	}
	return client.KeepAlive(ctx, instagram.KeepAliveConfig{
		Once:          o.once,
		OnNeedsLogin:  func(ctx context.Context, e instagram.LoginNeeded) error { return askForLogin(ctx, out, e) },
		OnProgress:    func(p instagram.Progress) { fmt.Fprintln(out, progressLine(p)) },
		ProgressEvery: time.Minute,
		Lease:         o.lease,
		Poll:          o.lease / 2,
	})
}

// untilSignal returns a context that ends with the first signal. A second one
// is not caught, and ends the process.
func untilSignal() (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

func config() (instagram.Config, error) {
	cfg := instagram.Config{
		AppID:       os.Getenv("INSTAGRAM_APP_ID"),
		AppSecret:   instagram.NewSecret(os.Getenv("INSTAGRAM_APP_SECRET")),
		RedirectURL: "https://localhost/unused",                      // nobody is sent anywhere from here,
		Scopes:      []instagram.Scope{instagram.ScopeBusinessBasic}, // and the logins that ask for scopes happen elsewhere
	}
	if name := os.Getenv("INSTAGRAM_LOGIN"); name != "" {
		if err := cfg.Login.UnmarshalText([]byte(name)); err != nil {
			return cfg, fmt.Errorf("INSTAGRAM_LOGIN: %w", err)
		}
	}
	if cfg.Login == instagram.FacebookLogin {
		cfg.Scopes = []instagram.Scope{instagram.ScopeBasic, instagram.ScopePagesShowList, instagram.ScopePagesReadEngagement}
	}
	if fake := os.Getenv("INSTAGRAM_ENDPOINT"); fake != "" {
		cfg.Endpoint = instagram.EndpointUnder(fake, cfg.Login)
	}
	return cfg, nil
}

// openKeys returns the key that seals, and the one before if there is one:
// tokens move to the new key as they are renewed, seal.Reseal moves all at once.
func openKeys() (*seal.KeyRing, error) {
	key, err := seal.KeyFromEnv("TOKEN_KEY")
	if err != nil {
		return nil, err
	}
	keys := []seal.Key{key}
	if os.Getenv("TOKEN_KEY_OLD") != "" {
		old, err := seal.KeyFromEnv("TOKEN_KEY_OLD")
		if err != nil {
			return nil, err
		}
		keys = append(keys, old)
	}
	return seal.NewKeyRing(keys...)
}

// closeClient lets renewals that are under way finish.
func closeClient(ctx context.Context, client *instagram.Client) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	_ = client.Close(ctx)
}

// Keepalive keeps the tokens of all accounts alive, and says who has to log in
// again. It is small, and whole: run it as a service, on one machine or, with a
// store that machines share, on several.
//
// Without configuration it does so on a fake of Meta's platform that runs
// inside the program: a thousand accounts have been left alone for weeks, and
// three workers catch up on one store.
//
//	go run ./examples/keepalive
//
// With an app of your own it keeps the tokens that your program has stored:
//
//	INSTAGRAM_APP_ID=… INSTAGRAM_APP_SECRET=… TOKEN_DIR=/var/lib/myapp/tokens TOKEN_KEY=/etc/myapp/seal.key \
//		go run ./examples/keepalive          # until it is interrupted
//		go run ./examples/keepalive -once    # what is due now, for cron
//		go run ./examples/keepalive -plan    # a dry run
//
// INSTAGRAM_LOGIN=facebook chooses the other login product. TOKEN_KEY is made
// by "openssl rand -base64 32", and the same that the program uses which signs
// people in. Tokens in a database instead of files are one line in openStore.
package main

import (
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
	"github.com/seed-922467ee/instagram/filestore"
	"github.com/seed-922467ee/instagram/seal"
)

func main() {
	once := flag.Bool("once", false, "end when nothing is due")
	plan := flag.Bool("plan", false, "say what would be done, and do nothing")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, os.Getenv, *once, *plan); err != nil {
		fmt.Fprintln(os.Stderr, "\n  ✗", err)
		if advice := instagram.ErrorAdvice(err); advice.Action != instagram.ActionUnknown {
			fmt.Fprintln(os.Stderr, "   ", advice.Text)
		}
		stop()
		os.Exit(1) //nolint:gocritic // stop has run
	}
}

func run(ctx context.Context, out io.Writer, env func(string) string, once, plan bool) error {
	if env("INSTAGRAM_APP_ID") == "" {
		return demo(ctx, out)
	}
	store, closeStore, err := openStore(env) //nolint:contextcheck // opening files takes none
	if err != nil {
		return err
	}
	defer closeStore()
	client, err := instagram.New(config(env),
		instagram.WithTokenStore(store),
		instagram.WithLogger(slog.New(slog.NewJSONHandler(os.Stderr, nil))),
	)
	if err != nil {
		return err
	}
	defer closeClient(ctx, client)
	if plan {
		return printPlan(ctx, out, client)
	}
	return client.KeepAlive(ctx, instagram.KeepAliveConfig{
		Once:          once,
		OnNeedsLogin:  func(ctx context.Context, e instagram.LoginNeeded) error { return askForLogin(ctx, out, e) },
		OnProgress:    func(p instagram.Progress) { fmt.Fprintln(out, progressLine(p)) },
		ProgressEvery: time.Minute,
	})
}

func config(env func(string) string) instagram.Config {
	cfg := instagram.Config{
		AppID:       env("INSTAGRAM_APP_ID"),
		AppSecret:   instagram.NewSecret(env("INSTAGRAM_APP_SECRET")),
		RedirectURL: env("INSTAGRAM_REDIRECT_URL"),
		Scopes:      []instagram.Scope{instagram.ScopeBusinessBasic}, // those of the logins, which happen elsewhere
	}
	if env("INSTAGRAM_LOGIN") == "facebook" {
		cfg.Login = instagram.FacebookLogin
		cfg.Scopes = []instagram.Scope{instagram.ScopeBasic, instagram.ScopePagesShowList, instagram.ScopePagesReadEngagement}
	}
	if cfg.RedirectURL == "" { // nobody is sent anywhere from here
		cfg.RedirectURL = "https://localhost/unused"
	}
	return cfg
}

// openStore opens sealed files. For a database, here and in the program that
// signs people in, it is instead (see adapters/sqlstore):
//
//	store, err := sqlstore.Open(ctx, db)
func openStore(env func(string) string) (store instagram.TokenStore, closeStore func(), err error) {
	dir, keyFile := env("TOKEN_DIR"), env("TOKEN_KEY")
	if dir == "" || keyFile == "" {
		return nil, nil, errors.New("TOKEN_DIR and TOKEN_KEY say where tokens are kept and what they are sealed with")
	}
	key, err := seal.KeyFromFile(keyFile)
	if err != nil {
		return nil, nil, err
	}
	return openFiles(dir, key)
}

func openFiles(dir string, key seal.Key) (store instagram.TokenStore, closeStore func(), err error) {
	keys, err := seal.NewKeyRing(key)
	if err != nil {
		return nil, nil, err
	}
	files, err := filestore.Open(dir)
	if err != nil {
		return nil, nil, err
	}
	return seal.Tokens(files, keys), func() { _ = files.Close() }, nil
}

// askForLogin is where your program writes a mail, or puts a banner on the
// account's page, with a link to the page that begins the login:
// client.BeginLogin(e.Options...). It may be told twice; e.ID is then the same.
func askForLogin(_ context.Context, out io.Writer, e instagram.LoginNeeded) error {
	fmt.Fprintf(out, "  → accounts %v: %s (%s)\n", e.AccountIDs, e.State, e.Reason)
	return nil
}

func printPlan(ctx context.Context, out io.Writer, client *instagram.Client) error {
	for p, err := range client.Plan(ctx) {
		if err != nil {
			return err
		}
		when := "never"
		if !p.At.IsZero() {
			when = p.At.Local().Format(time.DateTime)
		}
		fmt.Fprintf(out, "%-24s  %-14s  %-19s  %-12s  %s\n", p.Key.AccountID, p.Status, when, p.Step, p.Reason)
	}
	return nil
}

func progressLine(p instagram.Progress) string {
	s := fmt.Sprintf("  %4d renewed  %3d failed  %3d need their person  %4d due  %4.0f/s", p.Refreshed, p.Failed, p.Marked, p.Due, p.Rate)
	if p.Stopped != "" {
		s += "  stopped: " + p.Stopped
	}
	return s
}

// closeClient lets renewals that are under way finish.
func closeClient(ctx context.Context, client *instagram.Client) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	_ = client.Close(ctx)
}

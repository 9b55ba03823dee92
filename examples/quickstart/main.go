// Quickstart signs a person in, step by step, and says what happens.
//
// Without configuration it does so on a fake of Meta's platform that runs
// inside the program, and plays the person as well:
//
//	go run ./examples/quickstart
//	go run ./examples/quickstart -browser    # you are the person
//
// With an app of your own it does the same against Meta:
//
//	INSTAGRAM_APP_ID=… INSTAGRAM_APP_SECRET=… go run ./examples/quickstart
//
// INSTAGRAM_LOGIN=facebook chooses the other login product, and
// INSTAGRAM_REDIRECT_URL another redirect URI than https://localhost:8443/callback,
// which must be registered in the App Dashboard.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"time"

	"github.com/seed-922467ee/instagram"
)

func main() {
	byHand := flag.Bool("browser", false, "let a person do the browser's part")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, os.Getenv, *byHand); err != nil {
		fmt.Fprintln(os.Stderr, "\n  ✗", explain(err))
		stop()
		os.Exit(1) //nolint:gocritic // stop has run
	}
}

// explain adds what to do about an error, where that is known.
func explain(err error) string {
	if advice := instagram.ErrorAdvice(err); advice.Action != instagram.ActionUnknown {
		return err.Error() + "\n    " + advice.Text
	}
	return err.Error()
}

// stage is where the story plays: at Meta, or on the fake.
type stage struct {
	title  string
	config instagram.Config
	// visit sends the person to the login window and returns what comes back.
	visit func(ctx context.Context, out io.Writer, loginURL string) (url.Values, error)
	// pass lets days go by for a token, so that it can be refreshed; nil at
	// Meta, where a day takes a day.
	pass  func(t *instagram.Token, d time.Duration) (*instagram.Token, error)
	close func()
}

func run(ctx context.Context, out io.Writer, env func(string) string, byHand bool) error {
	play, err := setStage(env, byHand) //nolint:contextcheck // it opens listeners, which last
	if err != nil {
		return err
	}
	defer play.close()
	client, err := instagram.New(play.config)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close(ctx) }()
	s := &story{out: out, client: client}
	fmt.Fprintf(out, "\n  %s\n\n", play.title)

	state := rand.Text()
	loginURL := client.AuthCodeURL(state)
	s.tell("state made", "%d random characters, kept here and sent along", len(state))

	query, err := play.visit(ctx, out, loginURL)
	if err != nil {
		return err
	}
	code, err := instagram.ParseCallback(query, state)
	if err != nil {
		return err
	}
	s.tell("person consented", "and the state came back unchanged")
	s.tell("code", "%s, good once, for an hour", glimpse(code))

	short, err := client.Exchange(ctx, code)
	if err != nil {
		return err
	}
	s.tellToken("short-lived token", short)

	if _, err := client.Exchange(ctx, code); err == nil {
		return errors.New("the code was accepted a second time")
	} else if errors.Is(err, instagram.ErrCodeInvalid) {
		s.tell("same code again", "refused: %v", instagram.ErrCodeInvalid)
	} else {
		return err
	}

	long, err := client.ExchangeLongLived(ctx, short)
	if err != nil {
		return err
	}
	s.tellToken("60-day token", long)

	account, err := s.account(ctx, long)
	if err != nil {
		return err
	}
	if err := s.call(ctx, account); err != nil {
		return err
	}
	return s.refresh(ctx, play, account)
}

// story does the steps of a token's life that both products share.
type story struct {
	out    io.Writer
	client *instagram.Client
}

func (s *story) tell(step, format string, args ...any) {
	fmt.Fprintf(s.out, "  ✓ %-20s %s\n", step, fmt.Sprintf(format, args...))
}

func (s *story) tellToken(step string, t *instagram.Token) {
	end := "its end is not known"
	if !t.ExpiresAt.IsZero() {
		end = fmt.Sprintf("until %s (%s)", t.ExpiresAt.Format("2 January 2006, 15:04"), span(time.Until(t.ExpiresAt)))
	}
	s.tell(step, "%s, %s", glimpse(t.AccessToken.Reveal()), end)
}

// account takes the long-lived token in: it proves whose it is, and stores it.
func (s *story) account(ctx context.Context, long *instagram.Token) (*instagram.Token, error) {
	result, err := s.client.ResumeLogin(ctx, &instagram.LoginResult{Token: long})
	if err != nil {
		return nil, err
	}
	if len(result.Accounts) == 0 {
		return nil, errors.New("the person granted no professional account: link one to a Page, or convert it to Business or Creator")
	}
	for _, a := range result.Accounts {
		s.tell("account", "@%s, ID %s", a.Username, a.AccountID)
	}
	if len(result.MissingScopes) > 0 {
		s.tell("not granted", "%v", result.MissingScopes)
	}
	return result.Accounts[0], nil
}

// call makes one signed Graph API call.
func (s *story) call(ctx context.Context, t *instagram.Token) error {
	var profile struct {
		Username  string `json:"username"`
		Followers int    `json:"followers_count"`
	}
	fields := struct {
		Fields string `url:"fields"`
	}{"username,followers_count"}
	if err := s.client.With(instagram.StaticToken(t)).Get(ctx, t.AccountID, fields, &profile); err != nil {
		return err
	}
	s.tell("signed call", "GET /%s → @%s has %d followers", t.AccountID, profile.Username, profile.Followers)
	return nil
}

// refresh shows both sides of the 24-hour rule.
func (s *story) refresh(ctx context.Context, play *stage, t *instagram.Token) error {
	if t.Login == instagram.InstagramLogin {
		if _, err := s.client.RefreshToken(ctx, t); !errors.Is(err, instagram.ErrTokenTooYoung) {
			return fmt.Errorf("a token of today was not called too young: %w", err)
		}
		s.tell("refresh today", "not sent: a token must be %s old", span(instagram.MinRefreshAge))
	}
	if play.pass == nil {
		s.tell("refresh", "from tomorrow on; examples/keepalive does it for you")
		return nil
	}
	const later = 40 * 24 * time.Hour
	aged, err := play.pass(t, later)
	if err != nil {
		return err
	}
	s.tell("40 days pass", "for this token, at the fake: %s are left", span(time.Until(aged.ExpiresAt)))
	fresh, err := s.client.RefreshToken(ctx, aged)
	if err != nil {
		return err
	}
	s.tellToken("refresh on day 40", fresh)
	fmt.Fprintln(s.out)
	return nil
}

// glimpse shows enough of a secret to recognise it and not enough to use it.
func glimpse(secret string) string {
	if len(secret) < 16 {
		return "…"
	}
	return fmt.Sprintf("%s… (%d characters)", secret[:4], len(secret))
}

func span(d time.Duration) string {
	if d < 36*time.Hour {
		return fmt.Sprintf("%.0f h", d.Hours())
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}

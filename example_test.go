package instagram_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

// A whole login for a web server.
func Example() {
	client, err := instagram.New(instagram.Config{
		Login:       instagram.InstagramLogin,
		AppID:       os.Getenv("INSTAGRAM_APP_ID"),
		AppSecret:   instagram.NewSecret(os.Getenv("INSTAGRAM_APP_SECRET")),
		RedirectURL: "https://example.com/callback",
		Scopes:      []instagram.Scope{instagram.ScopeBusinessBasic, instagram.ScopeBusinessContentPublish},
	})
	if err != nil {
		slog.Error("configuration", slog.Any("error", err))
		return
	}
	http.Handle("GET /login", client.LoginHandler(nil))
	http.Handle("GET /callback", client.CallbackHandler(
		func(w http.ResponseWriter, _ *http.Request, login *instagram.LoginResult, err error) {
			if err != nil {
				instagram.WriteLoginError(w, err)
				return
			}
			fmt.Fprintf(w, "Connected @%s until %s.", login.Token.Username, login.Token.ExpiresAt)
		}))
}

// The fake plays Meta, and the person.
func ExampleClient_FinishLogin() {
	meta := instagramtest.New()
	client, err := instagram.New(instagramConfig(), instagram.WithTransport(meta.Transport()))
	if err != nil {
		panic(err)
	}
	attempt, err := client.BeginLogin(instagram.ReturnPath("/accounts"))
	if err != nil {
		panic(err)
	}
	callbackURL, err := meta.Consent(attempt.URL) // the person allows
	if err != nil {
		panic(err)
	}
	u, err := url.Parse(callbackURL)
	if err != nil {
		panic(err)
	}
	login, err := client.FinishLogin(context.Background(), u.Query(), attempt.Binding)
	if err != nil {
		panic(err)
	}
	fmt.Println(login.Token.Kind, login.Token.AccountID, login.Token.Username)
	fmt.Println(login.MissingScopes, login.ReturnPath, login.Token.AccessToken)
	// Output:
	// long-lived 17841405793187641 seed_and_bloom
	// [] /accounts [redacted]
}

// By hand: the caller keeps the state, and compares it.
func ExampleClient_Exchange() {
	meta := instagramtest.New()
	client, err := instagram.New(instagramConfig(), instagram.WithTransport(meta.Transport()))
	if err != nil {
		panic(err)
	}
	state := "unguessable and kept in the person's session"
	callbackURL, err := meta.Consent(client.AuthCodeURL(state))
	if err != nil {
		panic(err)
	}
	u, err := url.Parse(callbackURL)
	if err != nil {
		panic(err)
	}

	ctx := context.Background()
	code, err := instagram.ParseCallback(u.Query(), state)
	if err != nil {
		panic(err)
	}
	short, err := client.Exchange(ctx, code)
	if err != nil {
		panic(err)
	}
	long, err := client.ExchangeLongLived(ctx, short)
	if err != nil {
		panic(err)
	}
	fmt.Println(short.Kind, "for", time.Until(short.ExpiresAt).Round(time.Hour))
	fmt.Println(long.Kind, "for", time.Until(long.ExpiresAt).Round(time.Hour))

	login, err := client.ResumeLogin(ctx, &instagram.LoginResult{Token: long}) // finds the account and stores it
	if err != nil {
		panic(err)
	}
	fmt.Println(login.Token.AccountID, login.Token.Username)

	_, err = client.Exchange(ctx, code)
	fmt.Println(errors.Is(err, instagram.ErrCodeInvalid))
	// Output:
	// short-lived for 1h0m0s
	// long-lived for 1440h0m0s
	// 17841405793187641 seed_and_bloom
	// true
}

func ExampleAccount_Get() {
	meta := instagramtest.New(instagramtest.LongLivedToken("IGAAexample", time.Hour))
	client, err := instagram.New(instagramConfig(), instagram.WithTransport(meta.Transport()))
	if err != nil {
		panic(err)
	}
	account := client.With(instagram.StaticToken(&instagram.Token{
		AccessToken: instagram.NewSecret("IGAAexample"), Kind: instagram.LongLived,
	}))
	var me struct {
		UserID   instagram.ID `json:"user_id"`
		Username string       `json:"username"`
	}
	params := struct {
		Fields []string `url:"fields,comma"`
	}{[]string{"user_id", "username"}}
	if err := account.Get(context.Background(), "me", params, &me); err != nil {
		panic(err)
	}
	fmt.Println(me.UserID, me.Username)
	// Output: 17841405793187641 seed_and_bloom
}

// What to do about an error, and what to show whom.
func ExampleErrorAdvice() {
	meta := instagramtest.New()
	client, err := instagram.New(instagramConfig(), instagram.WithTransport(meta.Transport()))
	if err != nil {
		panic(err)
	}
	dead := instagram.StaticToken(&instagram.Token{AccessToken: instagram.NewSecret("IGAAgone"), Kind: instagram.LongLived})
	err = client.With(dead).Get(context.Background(), "me", nil, nil)

	switch advice := instagram.ErrorAdvice(err); {
	case advice.NeedsLogin:
		fmt.Println("send the person to the login window")
	case advice.Retryable:
		fmt.Println("come back in", advice.RetryAfter)
	}
	if e, ok := errors.AsType[*instagram.Error](err); ok {
		fmt.Println(e.HTTPStatus, e.Code, e.TraceID != "")
	}
	// Output:
	// send the person to the login window
	// 400 190 true
}

// Any code that takes an *http.Client can make signed calls.
func ExampleClient_HTTPClient() {
	meta := instagramtest.New(instagramtest.LongLivedToken("IGAAexample", time.Hour))
	client, err := instagram.New(instagramConfig(), instagram.WithTransport(meta.Transport()))
	if err != nil {
		panic(err)
	}
	signed := client.HTTPClient(instagram.StaticToken(&instagram.Token{
		AccessToken: instagram.NewSecret("IGAAexample"), Kind: instagram.LongLived,
	}))
	resp, err := signed.Get("https://graph.instagram.com/v26.0/me?fields=username")
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.StatusCode, instagram.CheckResponse(resp))

	_, err = signed.Get("https://example.com/elsewhere")
	fmt.Println(errors.Is(err, instagram.ErrInvalidRequest))
	// Output:
	// 200 <nil>
	// true
}

package instagram_test

import (
	"context"
	"fmt"
	"net/url"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/filestore"
	"github.com/seed-922467ee/instagram/instagramtest"
	"github.com/seed-922467ee/instagram/seal"
)

// signedIn returns a client of a fake platform, and a login there.
func signedIn(ctx context.Context) (*instagram.Client, *instagram.LoginResult) {
	meta := instagramtest.New()
	client, err := instagram.New(instagramConfig(), instagram.WithTransport(meta.Transport()))
	if err != nil {
		panic(err)
	}
	attempt, err := client.BeginLogin()
	if err != nil {
		panic(err)
	}
	callbackURL, err := meta.Consent(attempt.URL)
	if err != nil {
		panic(err)
	}
	u, err := url.Parse(callbackURL)
	if err != nil {
		panic(err)
	}
	login, err := client.FinishLogin(ctx, u.Query(), attempt.Binding)
	if err != nil {
		panic(err)
	}
	return client, login
}

// A call of the Graph API with the token of a login.
func Example_signedCall() {
	ctx := context.Background()
	client, login := signedIn(ctx)

	account := client.With(instagram.StaticToken(login.Token))
	var me struct {
		UserID   instagram.ID `json:"user_id"`
		Username string       `json:"username"`
	}
	params := struct {
		Fields []string `url:"fields,comma"`
	}{[]string{"user_id", "username"}}
	err := account.Get(ctx, "me", params, &me)

	fmt.Println(me.UserID, me.Username, err)
	// Output: 17841405793187641 seed_and_bloom <nil>
}

// Tokens in sealed files, rather than in memory.
func Example_tokenStore() {
	open := func(cfg instagram.Config) error {
		files, err := filestore.Open("/var/lib/myapp/tokens") // a file per account, for one machine
		if err != nil {
			return err
		}
		key, err := seal.KeyFromEnv("TOKEN_KEY") // 32 bytes: openssl rand -base64 32
		if err != nil {
			return err
		}
		keys, err := seal.NewKeyRing(key)
		if err != nil {
			return err
		}
		client, err := instagram.New(cfg, instagram.WithTokenStore(seal.Tokens(files, keys)))
		if err != nil {
			return err
		}
		return client.Close(context.Background())
	}
	_ = open
}

// mailer stands for how a program writes to its users.
type mailer struct{}

func (mailer) AskToReconnect(context.Context, string, string) error { return nil }

// Every account's token is renewed, whether anybody uses it or not.
func Example_keepAlive() {
	run := func(ctx context.Context, client *instagram.Client, mail mailer) (err error) {
		err = client.KeepAlive(ctx, instagram.KeepAliveConfig{
			OnNeedsLogin: func(ctx context.Context, e instagram.LoginNeeded) error {
				return mail.AskToReconnect(ctx, e.Key.AccountID, e.Reason)
			},
		})
		return err
	}
	_ = run
}

// A program's tests need no network and no app at Meta.
func Example_testing() {
	cfg := instagramConfig()

	meta := instagramtest.New()
	client, err := instagram.New(cfg, instagram.WithTransport(meta.Transport()))

	fmt.Println(client != nil, err)
	// Output: true <nil>
}

package instagram_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

// neglectedClient returns a client of a fake platform, whose store has the
// token of an account that nobody has looked at for 51 days.
func neglectedClient(ctx context.Context) *instagram.Client {
	meta := instagramtest.New()
	client, err := instagram.New(instagramConfig(), instagram.WithTransport(meta.Transport()))
	if err != nil {
		log.Fatal(err)
	}
	issued, err := meta.IssueToken(instagramtest.TokenSpec{Kind: instagramtest.LongLived, Age: 51 * 24 * time.Hour})
	if err != nil {
		log.Fatal(err)
	}
	err = client.ImportToken(ctx, &instagram.Token{
		AccessToken: instagram.NewSecret(issued.Value), AccountID: instagramtest.DefaultAccountID,
		ObtainedAt: issued.IssuedAt, ExpiresAt: issued.ExpiresAt,
	})
	if err != nil {
		log.Fatal(err)
	}
	return client
}

func ExampleClient_KeepAlive() {
	ctx := context.Background() // in a service: one that ends with it
	client := neglectedClient(ctx)

	err := client.KeepAlive(ctx, instagram.KeepAliveConfig{
		Once: true, // leave it out in a service
		OnNeedsLogin: func(_ context.Context, e instagram.LoginNeeded) error {
			fmt.Println("send a mail to the owner of", e.AccountIDs, "because of", e.Reason)
			return nil // once this has returned nil, the account is marked
		},
	})
	if err != nil {
		log.Fatal(err)
	}

	tok, err := client.TokenSource(instagramtest.DefaultAccountID).Token(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.0f days left\n", time.Until(tok.ExpiresAt).Hours()/24)
	// Output: 60 days left
}

func ExampleClient_Plan() {
	ctx := context.Background()
	client := neglectedClient(ctx)
	for p, err := range client.Plan(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(p.Key.AccountID, p.Status, "→", p.Step, "now:", !p.At.After(time.Now()))
	}
	// Output: 17841405793187641 due → refresh now: true
}

func ExampleClient_TokenSource() {
	ctx := context.Background()
	client := neglectedClient(ctx)

	// The token is due: it is given out while it lives, and renewed behind it.
	tok, err := client.TokenSource(instagramtest.DefaultAccountID).Token(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(tok.Status(time.Now()), tok.AccessToken)
	if err := client.Close(ctx); err != nil { // waits for what goes on behind
		log.Fatal(err)
	}
	// Output: due [redacted]
}

package instagram_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

// exampleClient is a client of the fake's app. A program at Meta gives its own
// app ID and secrets, and no transport.
func exampleClient(meta *instagramtest.Platform) *instagram.Client {
	client, err := instagram.New(instagram.Config{
		AppID:       instagramtest.DefaultInstagramAppID,
		AppSecret:   instagram.NewSecret(instagramtest.DefaultInstagramAppSecret),
		RedirectURL: "https://example.com/callback",
		Scopes:      []instagram.Scope{instagram.ScopeBusinessBasic},
		CallbackSecrets: []instagram.Secret{
			instagram.NewSecret(instagramtest.DefaultMetaAppSecret), // Meta signs with one or the other
		},
	}, instagram.WithTransport(meta.Transport()))
	if err != nil {
		panic(err)
	}
	return client
}

func ExampleClient_WebhookHandler() {
	meta := instagramtest.New()
	client := exampleClient(meta)

	webhooks := client.WebhookHandler(instagram.NewSecret("the verify token of the dashboard"),
		func(_ context.Context, e instagram.Event) error {
			switch d := e.Data.(type) {
			case *instagram.CommentEvent:
				fmt.Printf("%s: %s commented %q\n", e.AccountID, d.From.Username, d.Text)
			case *instagram.MessageEvent:
				fmt.Printf("%s: %s wrote %q\n", e.AccountID, d.SenderID, d.Text)
			}
			return nil
		})
	mux := http.NewServeMux()
	mux.Handle("/webhook", webhooks)

	// what Meta does, once the URL is entered and somebody comments
	ctx, url := context.Background(), "https://example.com/webhook"
	err := meta.VerifyWebhook(ctx, url, "the verify token of the dashboard", instagramtest.To(mux))
	fmt.Println("verified:", err == nil)
	reply, err := meta.SendWebhook(ctx, url, instagram.FieldComments, instagramtest.DefaultAccountID, map[string]any{
		"id": "17865799348089039", "text": "Schön!", "from": map[string]string{"id": "1234536447", "username": "ada"},
	}, instagramtest.To(mux))
	if err != nil {
		panic(err)
	}

	if err := webhooks.Close(ctx); err != nil { // when the server has shut down
		panic(err)
	}
	fmt.Println("answered:", reply.Status)
	// Output:
	// verified: true
	// 17841405793187641: ada commented "Schön!"
	// answered: 200
}

func ExampleClient_DeauthorizeHandler() {
	meta := instagramtest.New()
	client := exampleClient(meta)

	handler := client.DeauthorizeHandler(func(_ context.Context, d instagram.Deauthorization) error {
		fmt.Println("gone:", d.AppScopedID) // stored tokens are marked already
		return nil
	})

	reply, err := meta.SendDeauthorize(context.Background(), "https://example.com/deauthorize",
		instagramtest.DefaultUsername, instagramtest.To(handler))
	if err != nil {
		panic(err)
	}
	fmt.Println("answered:", reply.Status)
	// Output:
	// gone: 27485387947815641
	// answered: 200
}

func ExampleClient_DataDeletionHandler() {
	meta := instagramtest.New()
	client := exampleClient(meta)

	var log instagram.DeletionLog // a program with a database keeps the codes there
	handler, err := client.DataDeletionHandler("https://example.com/deletion-status",
		func(_ context.Context, d instagram.DataDeletion) error {
			// delete what is known of d.AppScopedID, or note that it is to be done, and then
			log.Set(d.Code, instagram.DeletionStatus{State: instagram.DeletionDone})
			return nil
		})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/delete", handler)
	mux.Handle("/deletion-status", client.DeletionStatusHandler(log.Status))

	reply, err := meta.SendDataDeletion(context.Background(), "https://example.com/delete",
		instagramtest.DefaultUsername, instagramtest.To(mux))
	if err != nil {
		panic(err)
	}
	_, code, err := reply.Deletion()
	fmt.Println("answered:", reply.Status, len(code), err)
	// Output:
	// answered: 200 26 <nil>
}

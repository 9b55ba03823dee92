package instagram_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

// exampleAccount is an account of the fake's, of either login product.
func exampleAccount(cfg instagram.Config, meta *instagramtest.Platform) *instagram.Account {
	client, err := instagram.New(cfg, instagram.WithTransport(meta.Transport()))
	if err != nil {
		panic(err)
	}
	spec := instagramtest.TokenSpec{Kind: instagramtest.LongLived}
	if cfg.Login == instagram.FacebookLogin {
		spec.Login = instagramtest.FacebookLogin
	}
	issued, err := meta.IssueToken(spec)
	if err != nil {
		panic(err)
	}
	return client.With(instagram.StaticToken(&instagram.Token{
		AccessToken: instagram.NewSecret(issued.Value), Login: cfg.Login, Kind: instagram.LongLived,
		AccountID: instagramtest.DefaultAccountID,
	}))
}

func ExampleAccount_Profile() {
	account := exampleAccount(instagramConfig(), instagramtest.New())
	me, err := account.Profile(context.Background(), instagram.FieldUsername, instagram.FieldAccountType, instagram.FieldFollowersCount)
	if err != nil {
		panic(err)
	}
	fmt.Println(me.AccountID, me.Username, me.Type == instagram.CreatorAccount, *me.FollowersCount)
	fmt.Println(me.MediaCount == nil) // not asked for, which is not zero
	// Output:
	// 17841405793187641 seed_and_bloom false 1204
	// true
}

// A photo goes out once, whatever happens to the answer.
func ExampleAccount_Publish() {
	meta := instagramtest.New()
	account := exampleAccount(instagramConfig(), meta)
	meta.On("POST", "/*/media_publish").Once(instagramtest.Answer{Lose: true}) // it goes out, and nobody is told

	out, err := account.Publish(context.Background(), instagram.Post{
		Caption: "Spring is coming. #seeds",
		Media:   []instagram.PostMedia{{ImageURL: "https://cdn.example.com/spring.jpg", AltText: "A seedling in a pot"}},
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(out.MediaID, out.Permalink)
	fmt.Println(len(meta.Published(instagramtest.DefaultAccountID)))
	// Output:
	// 18000000000000002 https://www.instagram.com/p/18000000000000002/
	// 1
}

// A program that may be stopped at any moment keeps the ticket where it keeps
// its data, and goes on from there.
func ExampleAccount_ResumePublish() {
	meta := instagramtest.New()
	account := exampleAccount(instagramConfig(), meta)
	file := filepath.Join(os.TempDir(), "ticket-of-an-example.json")
	defer os.Remove(file)
	save := instagram.SaveTicket(func(_ context.Context, t *instagram.PublishTicket) error {
		text, err := json.Marshal(t)
		if err != nil {
			return err
		}
		return os.WriteFile(file, text, 0o600)
	})

	meta.PlanContainers(instagramtest.Processing{Take: 30 * time.Millisecond})
	_, err := account.Publish(context.Background(), instagram.Post{
		Type:  instagram.StoryPost,
		Media: []instagram.PostMedia{{VideoURL: "https://cdn.example.com/story.mp4"}},
	}, save, instagram.WaitAtMost(time.Millisecond))
	if stopped, ok := errors.AsType[*instagram.PublishError](err); ok {
		fmt.Println("stopped at:", stopped.Ticket.Step)
	}

	// Later, in another process:
	time.Sleep(50 * time.Millisecond)
	text, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	var ticket instagram.PublishTicket
	if err := json.Unmarshal(text, &ticket); err != nil {
		panic(err)
	}
	out, err := account.ResumePublish(context.Background(), ticket, save, instagram.PollEvery(10*time.Millisecond))
	if err != nil {
		panic(err)
	}
	fmt.Println(out.Permalink)
	// Output:
	// stopped at: processing
	// https://www.instagram.com/stories/seed_and_bloom/18000000000000002
}

// Everything that Meta would refuse is known before anything is sent.
func ExamplePost_Check() {
	post := instagram.Post{
		Type:    instagram.StoryPost,
		Caption: "see you there",
		Media:   []instagram.PostMedia{{ImageURL: "http://localhost:8080/poster.png"}},
	}
	fmt.Println(post.Check())
	// Output:
	// Caption: stories have none
	// Media[0].ImageURL: must be https
	// Media[0].ImageURL: localhost is a name of a private network: Meta's servers fetch it, and must be able to reach it
	// Media[0].ImageURL: .png is no type that Meta takes: images are JPEG
}

// A list of any length, without a thought for pages.
func ExampleAll() {
	account := exampleAccount(facebookConfig(), instagramtest.New())
	type page struct {
		ID   instagram.ID `json:"id"`
		Name string       `json:"name"`
	}
	params := map[string]string{"fields": "id,name", "limit": "2"}
	for p, err := range instagram.All[page](context.Background(), account, "me/accounts", params) {
		if err != nil {
			panic(err) // a *PageError knows the cursor to go on from
		}
		fmt.Println(p.ID, p.Name)
	}
	// Output:
	// 298045998509580 Seed & Bloom
	// 298045998509581 Seed Studio
	// 298045998509582 Seed Friends
}

// Two accounts in one request. Each has a result of its own.
func ExampleAccount_Batch() {
	account := exampleAccount(facebookConfig(), instagramtest.New())
	var one, two struct {
		Username string `json:"username"`
	}
	fields := map[string]string{"fields": "username"}
	results, err := account.Batch(context.Background(), []instagram.BatchCall{
		{Path: instagramtest.DefaultAccountID, Params: fields, Out: &one},
		{Path: instagramtest.SecondAccountID, Params: fields, Out: &two},
		{Path: "17841400000000000", Params: fields},
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(one.Username, two.Username, errors.Is(results[2].Err, instagram.ErrInvalidRequest))
	// Output:
	// seed_and_bloom seed_studio true
}

// Why does a Page give no account? And what would mend it?
func ExampleClient_DiscoverAccounts() {
	meta := instagramtest.New()
	client, err := instagram.New(facebookConfig(), instagram.WithTransport(meta.Transport()))
	if err != nil {
		panic(err)
	}
	issued, err := meta.IssueToken(instagramtest.TokenSpec{Login: instagramtest.FacebookLogin, Kind: instagramtest.LongLived})
	if err != nil {
		panic(err)
	}
	found, err := client.DiscoverAccounts(context.Background(), instagram.StaticToken(&instagram.Token{
		AccessToken: instagram.NewSecret(issued.Value), Login: instagram.FacebookLogin,
	}))
	if err != nil {
		panic(err)
	}
	for _, t := range found.Accounts {
		fmt.Println(t.AccountID, t.Username)
	}
	for _, gap := range found.Gaps {
		fmt.Println(gap.PageName+":", gap.Reason)
		fmt.Println(gap.Text)
	}
	// Output:
	// 17841405793187641 seed_and_bloom
	// 17841405793187642 seed_studio
	// Seed Friends: no linked account
	// Link an Instagram professional account to the Page: in its settings under Linked accounts, or in Instagram under Business tools.
}

// The person unticked a permission; the login window is told to ask again.
func ExamplePermissions_AskAgain() {
	meta := instagramtest.New()
	client, err := instagram.New(facebookConfig(), instagram.WithTransport(meta.Transport()))
	if err != nil {
		panic(err)
	}
	issued, err := meta.IssueToken(instagramtest.TokenSpec{
		Login: instagramtest.FacebookLogin, Kind: instagramtest.LongLived,
		Scopes: []string{"instagram_basic", "pages_show_list", "pages_read_engagement"},
	})
	if err != nil {
		panic(err)
	}
	granted, err := client.Permissions(context.Background(), &instagram.Token{
		AccessToken: instagram.NewSecret(issued.Value), Login: instagram.FacebookLogin,
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(granted.Missing(instagram.ScopeContentPublish))
	attempt, err := client.BeginLogin(granted.AskAgain(instagram.ScopeContentPublish)...)
	if err != nil {
		panic(err)
	}
	fmt.Println(attempt.URL != "")
	// Output:
	// [instagram_content_publish]
	// true
}

// One call says what should be done about a token.
func ExampleClient_Review() {
	meta := instagramtest.New()
	client, err := instagram.New(facebookConfig(), instagram.WithTransport(meta.Transport()))
	if err != nil {
		panic(err)
	}
	issued, err := meta.IssueToken(instagramtest.TokenSpec{
		Login: instagramtest.FacebookLogin, Kind: instagramtest.LongLived,
		Scopes: []string{"instagram_basic", "pages_show_list", "pages_read_engagement", "email"},
	})
	if err != nil {
		panic(err)
	}
	review, err := client.Review(context.Background(), &instagram.Token{
		AccessToken: instagram.NewSecret(issued.Value), Login: instagram.FacebookLogin, Kind: instagram.LongLived,
	}, instagram.ScopeBasic, instagram.ScopeManageInsights)
	if err != nil {
		panic(err)
	}
	fmt.Println("missing:", review.Missing)
	fmt.Println("unneeded:", review.Unneeded)
	for _, f := range review.Findings {
		fmt.Println(f.Urgency, f.Topic)
	}
	// Output:
	// missing: [instagram_manage_insights]
	// unneeded: [email]
	// broken permissions
	// note permissions
}

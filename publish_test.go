package instagram_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

// accountOf returns an account of the fake's that can publish.
func accountOf(t *testing.T, client *instagram.Client, meta *instagramtest.Platform, login instagram.Login) *instagram.Account {
	t.Helper()
	spec := instagramtest.TokenSpec{Kind: instagramtest.LongLived, Account: instagramtest.DefaultAccountID}
	if login == instagram.FacebookLogin {
		spec = instagramtest.TokenSpec{Kind: instagramtest.LongLived, Login: instagramtest.FacebookLogin}
	}
	issued, err := meta.IssueToken(spec)
	require.NoError(t, err)
	return client.With(instagram.StaticToken(&instagram.Token{
		AccessToken: instagram.NewSecret(issued.Value), Login: login, Kind: instagram.LongLived, AccountID: instagramtest.DefaultAccountID,
	}))
}

func photo(caption string) instagram.Post {
	return instagram.Post{Caption: caption, Media: []instagram.PostMedia{{ImageURL: "https://cdn.example.com/a.jpg"}}}
}

func reel(caption string) instagram.Post {
	return instagram.Post{Caption: caption, Media: []instagram.PostMedia{{VideoURL: "https://cdn.example.com/a.mp4"}}}
}

func carousel(caption string) instagram.Post {
	return instagram.Post{Caption: caption, Media: []instagram.PostMedia{
		{ImageURL: "https://cdn.example.com/1.jpg"}, {ImageURL: "https://cdn.example.com/2.jpg"},
	}}
}

func TestPublishEveryKindOfPost(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		post       instagram.Post
		media      string
		permalink  string
		containers int
	}{
		"a photo with everything": {
			post: instagram.Post{
				Caption: "hello #seed", LocationID: "7640348500", Collaborators: []string{"ada"}, AIGenerated: true,
				Media: []instagram.PostMedia{{
					ImageURL: "https://cdn.example.com/a.jpg", AltText: "a seed", Tags: []instagram.UserTag{{Username: "ada", X: 0.5, Y: 0.1}},
				}},
				Params: map[string]string{"is_paid_partnership": "true"},
			},
			media: "IMAGE", permalink: "/p/", containers: 1,
		},
		"a reel": {
			post: instagram.Post{
				Caption: "moving", ThumbOffset: 1500 * time.Millisecond, AudioName: "wind", ReelsOnly: true,
				Media: []instagram.PostMedia{{VideoURL: "https://cdn.example.com/a.mp4"}},
			},
			media: "VIDEO", permalink: "/reel/", containers: 1,
		},
		"a carousel of photos and a video": {
			post: instagram.Post{Caption: "three", Media: []instagram.PostMedia{
				{ImageURL: "https://cdn.example.com/1.jpg", AltText: "one"}, {VideoURL: "https://cdn.example.com/2.mov"}, {ImageURL: "https://cdn.example.com/3.jpg"},
			}},
			media: "CAROUSEL_ALBUM", permalink: "/p/", containers: 4,
		},
		"a story of a photo": {
			post:  instagram.Post{Type: instagram.StoryPost, Media: []instagram.PostMedia{{ImageURL: "https://cdn.example.com/a.jpg"}}},
			media: "IMAGE", permalink: "/stories/", containers: 1,
		},
		"a story of a video": {
			post:  instagram.Post{Type: instagram.StoryPost, Media: []instagram.PostMedia{{VideoURL: "https://cdn.example.com/a.mp4"}}},
			media: "VIDEO", permalink: "/stories/", containers: 1,
		},
	}
	for name, tt := range tests {
		for _, login := range []instagram.Login{instagram.InstagramLogin, instagram.FacebookLogin} {
			t.Run(name+" on "+login.String(), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					meta := instagramtest.New()
					cfg := instagramConfig()
					if login == instagram.FacebookLogin {
						cfg = facebookConfig()
					}
					account := accountOf(t, newClient(t, cfg, meta), meta, login)
					out, err := account.Publish(t.Context(), tt.post)
					require.NoError(t, err)

					truth := meta.Published(instagramtest.DefaultAccountID)
					require.Len(t, truth, 1)
					assert.Equal(t, truth[0].ID, out.MediaID)
					assert.Equal(t, truth[0].ContainerID, out.ContainerID)
					assert.Equal(t, tt.media, truth[0].Type)
					assert.Equal(t, tt.post.Caption, truth[0].Caption)
					assert.Contains(t, out.Permalink, tt.permalink)
					assert.Len(t, meta.Requests("POST", "/*/media"), tt.containers)
					assert.Len(t, meta.Requests("POST", "/*/media_publish"), 1)
				})
			})
		}
	}
}

func TestPublishSendsWhatThePostSays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New()
		account := accountOf(t, newClient(t, instagramConfig(), meta), meta, instagram.InstagramLogin)
		post := reel("moving")
		post.ThumbOffset, post.AudioName, post.ReelsOnly, post.AIGenerated = 1500*time.Millisecond, "wind", true, true
		post.Collaborators = []string{"ada", "bob"}
		post.Media[0].Tags = []instagram.UserTag{{Username: "eve"}}
		post.Params = map[string]string{"trial_params": `{"graduation_strategy":"MANUAL"}`}
		_, err := account.Publish(t.Context(), post)
		require.NoError(t, err)
		form := meta.Requests("POST", "/*/media")[0].Form
		for name, want := range map[string]string{
			"media_type": "REELS", "caption": "moving", "thumb_offset": "1500", "audio_name": "wind", "share_to_feed": "false",
			"is_ai_generated": "true", "collaborators": `["ada","bob"]`, "user_tags": `[{"username":"eve"}]`,
			"trial_params": `{"graduation_strategy":"MANUAL"}`, "video_url": "https://cdn.example.com/a.mp4",
		} {
			assert.Equal(t, want, form.Get(name), name)
		}
	})
}

// A ticket that is saved at every step leads to the same post from each of them.
func TestResumeFromEverySavedStep(t *testing.T) {
	t.Parallel()
	for name, post := range map[string]instagram.Post{"a photo": photo("one"), "a carousel": carousel("two"), "a reel": reel("three")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			crash := errors.New("the process died")
			for stop := 1; ; stop++ {
				done := false
				synctest.Test(t, func(t *testing.T) {
					meta := instagramtest.New()
					client := newClient(t, instagramConfig(), meta)
					account := accountOf(t, client, meta, instagram.InstagramLogin)
					var saved []byte
					saves := 0
					save := instagram.SaveTicket(func(_ context.Context, ticket *instagram.PublishTicket) error {
						if saves++; saves == stop {
							return crash
						}
						var err error
						saved, err = json.Marshal(ticket)
						return err
					})
					_, err := account.Publish(t.Context(), post, save)
					if err == nil {
						done = true
						return
					}
					require.ErrorIs(t, err, crash)
					require.LessOrEqual(t, len(meta.Published(instagramtest.DefaultAccountID)), 1)
					if saved == nil { // nothing was written down: nothing may have happened
						assert.Empty(t, meta.Published(instagramtest.DefaultAccountID))
						return
					}
					var ticket instagram.PublishTicket
					require.NoError(t, json.Unmarshal(saved, &ticket))
					time.Sleep(time.Hour)
					out, err := account.ResumePublish(t.Context(), ticket)
					require.NoError(t, err)
					truth := meta.Published(instagramtest.DefaultAccountID)
					require.Len(t, truth, 1)
					assert.Equal(t, truth[0].ID, out.MediaID)
					assert.NotEmpty(t, out.Permalink)

					again, err := account.ResumePublish(t.Context(), *out.Ticket)
					require.NoError(t, err)
					assert.Equal(t, out.MediaID, again.MediaID)
					assert.Len(t, meta.Published(instagramtest.DefaultAccountID), 1)
				})
				if done {
					require.Greater(t, stop, 4)
					break
				}
			}
		})
	}
}

func TestPublishWaitsInMetasCadence(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		post    instagram.Post
		take    time.Duration
		queries int
		after   time.Duration
		opts    []instagram.PublishOption
		pending bool
	}{
		"a photo that is ready at once":        {post: photo("x"), queries: 1},
		"a photo that takes a moment":          {post: photo("x"), take: 5 * time.Second, queries: 3, after: 7 * time.Second},
		"a reel is asked about once a minute":  {post: reel("x"), take: 150 * time.Second, queries: 3, after: 3 * time.Minute},
		"and for five minutes at most":         {post: reel("x"), take: time.Hour, queries: 5, after: 5 * time.Minute, pending: true},
		"a pace of one's own":                  {post: reel("x"), take: 25 * time.Second, queries: 3, after: 30 * time.Second, opts: []instagram.PublishOption{instagram.PollEvery(10 * time.Second)}},
		"a patience of one's own":              {post: reel("x"), take: time.Hour, queries: 30, after: 30 * time.Minute, pending: true, opts: []instagram.PublishOption{instagram.WaitAtMost(30 * time.Minute)}},
		"a patience that is shorter than pace": {post: reel("x"), take: time.Hour, queries: 1, after: 10 * time.Second, pending: true, opts: []instagram.PublishOption{instagram.WaitAtMost(10 * time.Second)}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				meta := instagramtest.New()
				meta.PlanContainers(instagramtest.Processing{Take: tt.take})
				account := accountOf(t, newClient(t, instagramConfig(), meta), meta, instagram.InstagramLogin)
				began := time.Now()
				_, err := account.Publish(t.Context(), tt.post, tt.opts...)
				assert.Equal(t, tt.after, time.Since(began).Round(time.Second))
				queries := 0
				for _, r := range meta.Requests("GET", "/*") {
					if r.Query.Get("fields") == "status_code,status" {
						queries++
					}
				}
				assert.Equal(t, tt.queries, queries)
				if !tt.pending {
					require.NoError(t, err)
					return
				}
				require.ErrorIs(t, err, instagram.ErrTransient)
				stopped, ok := errors.AsType[*instagram.PublishError](err)
				require.True(t, ok)
				assert.Equal(t, instagram.StepProcessing, stopped.Ticket.Step)
				time.Sleep(2 * time.Hour)
				out, err := account.ResumePublish(t.Context(), *stopped.Ticket)
				require.NoError(t, err)
				assert.NotEmpty(t, out.MediaID)
			})
		})
	}
}

func TestExpiredContainersAreMadeAnew(t *testing.T) {
	t.Parallel()
	for name, post := range map[string]instagram.Post{"of a photo": photo("one"), "of a carousel": carousel("two")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				meta := instagramtest.New()
				account := accountOf(t, newClient(t, instagramConfig(), meta), meta, instagram.InstagramLogin)
				route := meta.On("POST", "/*/media_publish").Times(4, instagramtest.Answer{Refuse: true})
				_, err := account.Publish(t.Context(), post)
				stopped, ok := errors.AsType[*instagram.PublishError](err)
				require.True(t, ok, err)
				route.Off()
				time.Sleep(3 * 24 * time.Hour)
				_, err = account.ResumePublish(t.Context(), *stopped.Ticket)
				require.NoError(t, err)
				assert.Len(t, meta.Published(instagramtest.DefaultAccountID), 1)
			})
		})
	}
}

func TestResumeRefusesAForeignTicket(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	account := accountOf(t, newClient(t, instagramConfig(), meta), meta, instagram.InstagramLogin)
	for name, ticket := range map[string]instagram.PublishTicket{
		"of another account": {AccountID: instagramtest.SecondAccountID, Step: instagram.StepContainers},
		"without container":  {AccountID: instagramtest.DefaultAccountID, Step: instagram.StepPublishing},
		"of no step":         {AccountID: instagramtest.DefaultAccountID, Container: &instagram.PublishContainer{ID: "1"}, Step: "flying"},
	} {
		_, err := account.ResumePublish(t.Context(), ticket)
		require.ErrorIs(t, err, instagram.ErrInvalidRequest, name)
	}
	assert.Empty(t, meta.Requests("POST", ""))
}

func TestPublishingLimit(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	meta.SetPublishingQuota(50)
	account := accountOf(t, newClient(t, instagramConfig(), meta), meta, instagram.InstagramLogin)
	_, err := account.Publish(t.Context(), photo("x"))
	require.NoError(t, err)
	limit, err := account.PublishingLimit(t.Context())
	require.NoError(t, err)
	assert.Equal(t, &instagram.PublishingLimit{Used: 1, Total: 50, Window: 24 * time.Hour}, limit)
	assert.False(t, limit.Reached())
	assert.True(t, (&instagram.PublishingLimit{Used: 50, Total: 50}).Reached())
	assert.False(t, (&instagram.PublishingLimit{Used: 50}).Reached(), "a limit that is not known is not reached")
}

func TestPublishWithoutAsking(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New()
		issued, err := meta.IssueToken(instagramtest.TokenSpec{Kind: instagramtest.LongLived})
		require.NoError(t, err)
		// Whose token it is is not known, and is asked for.
		account := newClient(t, instagramConfig(), meta).With(instagram.StaticToken(&instagram.Token{AccessToken: instagram.NewSecret(issued.Value)}))
		out, err := account.Publish(t.Context(), photo("x"), instagram.WithoutQuotaCheck(), nil)
		require.NoError(t, err)
		assert.Equal(t, instagramtest.DefaultAccountID, out.AccountID)
		assert.Empty(t, meta.Requests("GET", "/*/content_publishing_limit"))

		_, err = newClient(t, instagramConfig(), meta).With(instagram.StaticToken(nil)).Publish(t.Context(), photo("x"))
		require.ErrorIs(t, err, instagram.ErrTokenNotFound)
		_, err = newClient(t, instagramConfig(), meta).With(instagram.StaticToken(nil)).PublishingLimit(t.Context())
		require.ErrorIs(t, err, instagram.ErrTokenNotFound)
	})
}

// The ticket is what is kept for years in somebody's database.
func TestPublishTicketKeepsItsForm(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	ticket := instagram.PublishTicket{
		ID: "T", AccountID: "17841405793187641", Step: instagram.StepPublishing, StartedAt: at, Post: photo("x"),
		Container: &instagram.PublishContainer{ID: "17900000000000001", MadeAt: at}, Containers: 1, Asked: 1, AskedAt: at, Newest: "180",
	}
	text, err := json.Marshal(ticket)
	require.NoError(t, err)
	assert.JSONEq(t, `{"id":"T","account_id":"17841405793187641","step":"publishing","started_at":"2026-11-23T12:00:00Z",
		"post":{"media":[{"image_url":"https://cdn.example.com/a.jpg"}],"caption":"x"},
		"container":{"id":"17900000000000001","made_at":"2026-11-23T12:00:00Z"},"containers":1,
		"asked":1,"asked_at":"2026-11-23T12:00:00Z","newest":"180"}`, string(text))
	var back instagram.PublishTicket
	require.NoError(t, json.Unmarshal(text, &back))
	assert.Equal(t, ticket, back)
	assert.Less(t, len(text), 500)
}

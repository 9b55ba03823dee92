package instagram_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

func TestPublishWhenMetaRefusesOrFails(t *testing.T) {
	t.Parallel()
	lose := instagramtest.Answer{Lose: true}
	instead := func(code, subcode int) instagramtest.Answer {
		a := instagramtest.Failing(code, subcode)
		a.Instead = true
		return a
	}
	tests := map[string]struct {
		prepare func(*instagramtest.Platform)
		want    error // nil: it goes out
		fails   bool  // for no reason that has a name
		step    instagram.PublishStep
		asked   int // requests to publish
		made    int // containers
		truth   int // posts that are out
	}{
		"the answer to publishing is lost": {
			prepare: func(p *instagramtest.Platform) { p.On("POST", "/*/media_publish").Once(lose) }, asked: 1, made: 1, truth: 1,
		},
		"the request to publish is lost": {
			prepare: func(p *instagramtest.Platform) { p.On("POST", "/*/media_publish").Once(instagramtest.Failing(2, 0)) }, asked: 2, made: 1, truth: 1,
		},
		"a 500 that went out": {
			prepare: func(p *instagramtest.Platform) { p.On("POST", "/*/media_publish").Once(instead(1, 0)) }, asked: 1, made: 1, truth: 1,
		},
		"a broken answer that went out": {
			prepare: func(p *instagramtest.Platform) {
				p.On("POST", "/*/media_publish").Once(instagramtest.Answer{CutAfter: 5})
			}, asked: 1, made: 1, truth: 1,
		},
		"judged as spam, and out all the same": {
			prepare: func(p *instagramtest.Platform) { p.On("POST", "/*/media_publish").Once(instead(4, 2207051)) }, asked: 1, made: 1, truth: 1,
		},
		"judged as spam, and not out": {
			prepare: func(p *instagramtest.Platform) {
				p.On("POST", "/*/media_publish").Once(instagramtest.Failing(4, 2207051))
			},
			want: instagram.ErrBlocked, step: instagram.StepProcessing, asked: 1, made: 1,
		},
		"the container is gone for a moment": {
			prepare: func(p *instagramtest.Platform) {
				p.On("POST", "/*/media_publish").Once(instagramtest.Failing(24, 2207008))
			}, asked: 2, made: 1, truth: 1,
		},
		"no connection for a while": {
			prepare: func(p *instagramtest.Platform) {
				p.On("POST", "/*/media_publish").Times(4, instagramtest.Answer{Refuse: true})
			},
			fails: true, step: instagram.StepProcessing, asked: 4, made: 1,
		},
		"the quota of posts is used up before anything is sent": {
			prepare: func(p *instagramtest.Platform) {
				full := `{"data":[{"quota_usage":50,"config":{"quota_total":50,"quota_duration":86400}}]}`
				p.On("GET", "/*/content_publishing_limit").Once(instagramtest.Answer{Body: full})
			},
			want: instagram.ErrThrottled, step: instagram.StepContainers,
		},
		"the quota of posts is refused at the end": {
			prepare: func(p *instagramtest.Platform) {
				p.On("POST", "/*/media_publish").Once(instagramtest.Failing(9, 2207042))
			},
			want: instagram.ErrThrottled, step: instagram.StepProcessing, asked: 1, made: 1,
		},
		"the quota cannot be asked": {
			prepare: func(p *instagramtest.Platform) {
				p.On("GET", "/*/content_publishing_limit").Always(instagramtest.Failing(2, 0))
			},
			asked: 1, made: 1, truth: 1,
		},
		"the token dies": {
			prepare: func(p *instagramtest.Platform) { p.On("POST", "/*/media").Once(instagramtest.Failing(190, 460)) },
			want:    instagram.ErrTokenInvalid, step: instagram.StepContainers, made: 1,
		},
		"the account is restricted": {
			prepare: func(p *instagramtest.Platform) { _ = p.Restrict(instagramtest.DefaultAccountID) },
			want:    instagram.ErrBlocked, step: instagram.StepContainers, made: 1,
		},
		"the container fails for good": {
			prepare: func(p *instagramtest.Platform) { p.PlanContainers(instagramtest.Processing{Error: 2207026}) },
			want:    instagram.ErrInvalidRequest, step: instagram.StepProcessing, made: 1,
		},
		"the container fails in passing": {
			prepare: func(p *instagramtest.Platform) {
				p.PlanContainers(instagramtest.Processing{Error: 2207001}, instagramtest.Processing{Error: 2207053})
			}, asked: 1, made: 3, truth: 1,
		},
		"the container fails in passing without end": {
			prepare: func(p *instagramtest.Platform) {
				bad := instagramtest.Processing{Error: 2207001}
				p.PlanContainers(bad, bad, bad, bad)
			}, want: instagram.ErrTransient, step: instagram.StepProcessing, made: 3,
		},
		"making the container fails in passing": {
			prepare: func(p *instagramtest.Platform) { p.On("POST", "/*/media").Times(2, instagramtest.Failing(2, 0)) }, asked: 1, made: 3, truth: 1,
		},
		"the status cannot be asked for a while": {
			prepare: func(p *instagramtest.Platform) {
				p.On("POST", "/*/media_publish").Once(lose)
				n := 0
				p.On("GET", "/*").Func(func(instagramtest.Request) instagramtest.Answer {
					if n++; n > 1 && n < 8 {
						return instagramtest.Failing(2, 0)
					}
					return instagramtest.Answer{}
				})
			}, asked: 1, made: 1, truth: 1,
		},
		"nobody can say whether it is out": {
			prepare: func(p *instagramtest.Platform) {
				p.On("POST", "/*/media_publish").Once(lose)
				n := 0
				p.On("GET", "/*").Func(func(instagramtest.Request) instagramtest.Answer {
					if n++; n > 1 {
						return instagramtest.Answer{Err: errors.New("connection reset"), Lose: true}
					}
					return instagramtest.Answer{}
				})
			}, want: instagram.ErrOutcomeUnknown, step: instagram.StepPublishing, asked: 1, made: 1, truth: 1,
		},
		"the status lags behind the list": {
			prepare: func(p *instagramtest.Platform) {
				p.On("POST", "/*/media_publish").Once(lose)
				p.On("GET", "/*").Always(instagramtest.Answer{Body: `{"status_code":"FINISHED","id":"1"}`})
			}, want: instagram.ErrOutcomeUnknown, step: instagram.StepPublishing, asked: 1, made: 1, truth: 1,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				meta := instagramtest.New()
				account := accountOf(t, newClient(t, instagramConfig(), meta), meta, instagram.InstagramLogin)
				tt.prepare(meta)
				out, err := account.Publish(t.Context(), photo("the one"))
				assert.Len(t, meta.Requests("POST", "/*/media_publish"), tt.asked, "requests to publish")
				assert.Len(t, meta.Requests("POST", "/*/media"), tt.made, "containers")
				truth := meta.Published(instagramtest.DefaultAccountID)
				require.Len(t, truth, tt.truth)
				if tt.want == nil && !tt.fails {
					require.NoError(t, err)
					assert.Equal(t, truth[0].ID, out.MediaID)
					return
				}
				stopped, ok := errors.AsType[*instagram.PublishError](err)
				require.True(t, ok, err)
				assert.Equal(t, tt.step, stopped.Ticket.Step)
				if tt.want != nil {
					require.ErrorIs(t, err, tt.want)
				}
				assert.Equal(t, errors.Is(tt.want, instagram.ErrOutcomeUnknown), errors.Is(err, instagram.ErrOutcomeUnknown), err)

				meta.Reset() // whatever it was, it is over
				require.NoError(t, meta.RestoreAccount(instagramtest.DefaultAccountID))
				if failed, ok := errors.AsType[*instagram.ContainerError](err); ok && failed.Status == instagram.ContainerFailed {
					return
				}
				out, err = account.ResumePublish(t.Context(), *stopped.Ticket)
				require.NoError(t, err)
				truth = meta.Published(instagramtest.DefaultAccountID)
				require.Len(t, truth, 1, "exactly once")
				assert.Equal(t, truth[0].ID, out.MediaID)
			})
		})
	}
}

// A context that says that its calls may be repeated does not mean this one.
func TestPublishIsNeverRepeatable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New(instagramtest.WithQuirks(instagramtest.Quirks{PublishedTwice: true}))
		account := accountOf(t, newClient(t, instagramConfig(), meta), meta, instagram.InstagramLogin)
		meta.On("POST", "/*/media_publish").Once(instagramtest.Answer{Lose: true})
		_, err := account.Publish(instagram.WithCallOptions(t.Context(), instagram.Repeatable()), photo("x"))
		require.NoError(t, err)
		assert.Len(t, meta.Published(instagramtest.DefaultAccountID), 1)
	})
}

func TestEqualPostsAreNotMistakenForEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New()
		account := accountOf(t, newClient(t, instagramConfig(), meta), meta, instagram.InstagramLogin)
		_, err := account.Publish(t.Context(), photo("same"))
		require.NoError(t, err)
		time.Sleep(time.Second)
		meta.On("POST", "/*/media_publish").Once(instagramtest.Failing(2, 0)) // this one does not go out at first
		out, err := account.Publish(t.Context(), photo("same"))
		require.NoError(t, err)
		truth := meta.Published(instagramtest.DefaultAccountID)
		require.Len(t, truth, 2)
		assert.Equal(t, truth[1].ID, out.MediaID)
	})
}

// Before Meta is asked a second time, the first request has had a minute to
// take effect.
func TestPublishAsksAgainOnlyAfterAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New()
		account := accountOf(t, newClient(t, instagramConfig(), meta), meta, instagram.InstagramLogin)
		var asked []time.Time
		meta.On("POST", "/*/media_publish").Func(func(instagramtest.Request) instagramtest.Answer {
			if asked = append(asked, time.Now()); len(asked) < 3 {
				return instagramtest.Failing(2, 0)
			}
			return instagramtest.Answer{}
		})
		_, err := account.Publish(t.Context(), photo("x"))
		require.NoError(t, err)
		require.Len(t, asked, 3)
		assert.GreaterOrEqual(t, asked[1].Sub(asked[0]), time.Minute)
		assert.GreaterOrEqual(t, asked[2].Sub(asked[1]), time.Minute)
		assert.Len(t, meta.Published(instagramtest.DefaultAccountID), 1)
	})
}

// Where it could not be noted what was newest, a post's own time tells that it
// is an older one of the same words.
func TestAnOlderEqualPostIsNotTakenForThisOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New()
		account := accountOf(t, newClient(t, instagramConfig(), meta), meta, instagram.InstagramLogin)
		_, err := account.Publish(t.Context(), photo("same"))
		require.NoError(t, err)
		time.Sleep(24 * time.Hour)
		meta.On("GET", "/*/media").Once(instagramtest.Failing(10, 0))
		meta.On("POST", "/*/media_publish").Once(instagramtest.Failing(2, 0))
		out, err := account.Publish(t.Context(), photo("same"))
		require.NoError(t, err)
		truth := meta.Published(instagramtest.DefaultAccountID)
		require.Len(t, truth, 2)
		assert.Equal(t, truth[1].ID, out.MediaID)
	})
}

// A ticket that was left lying until Meta has forgotten the container.
func TestResumeWhenTheContainerIsForgotten(t *testing.T) {
	t.Parallel()
	for name, out := range map[string]bool{"it went out": true, "it did not": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				meta := instagramtest.New()
				account := accountOf(t, newClient(t, instagramConfig(), meta), meta, instagram.InstagramLogin)
				meta.On("POST", "/*/media_publish").Once(instagramtest.Answer{Lose: out, Status: map[bool]int{false: 503}[out]})
				var saved *instagram.PublishTicket
				crash := errors.New("the process died")
				_, err := account.Publish(t.Context(), photo("x"), instagram.SaveTicket(func(_ context.Context, ticket *instagram.PublishTicket) error {
					if saved != nil && saved.Step == instagram.StepPublishing {
						return crash
					}
					saved = ticket
					return nil
				}))
				require.ErrorIs(t, err, crash)
				time.Sleep(48 * time.Hour)
				_, err = account.Publish(t.Context(), photo("another")) // the fake then forgets the first container
				require.NoError(t, err)
				publication, err := account.ResumePublish(t.Context(), *saved)
				if out {
					require.NoError(t, err)
					assert.Equal(t, meta.Published(instagramtest.DefaultAccountID)[0].ID, publication.MediaID)
					assert.Len(t, meta.Published(instagramtest.DefaultAccountID), 2)
					return
				}
				require.ErrorIs(t, err, instagram.ErrOutcomeUnknown, "it may have been deleted")
				saved.Step = instagram.StepContainers // the caller knows better
				_, err = account.ResumePublish(t.Context(), *saved)
				require.NoError(t, err)
				assert.Len(t, meta.Published(instagramtest.DefaultAccountID), 2)
			})
		})
	}
}

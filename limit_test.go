package instagram_test

// This file answers: is a paced client refused, in all the ways in which the
// platform may count and tell?

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

// TestThePlatformsQuota is also how a program tests itself against a quota: the
// fake counts, and the clock is the bubble's.
func TestThePlatformsQuota(t *testing.T) {
	t.Parallel()
	const calls, windows, workers = 200, 4, 8
	app, account := instagramtest.WithAppLimit(calls, time.Hour), instagramtest.WithAccountLimit(calls, time.Hour)
	for name, test := range map[string]struct {
		opts    []instagramtest.Option
		least   float64 // of the quota that is used
		refused float64 // of the calls, at most
	}{
		"an app's":                    {[]instagramtest.Option{app}, 0.97, 0.01},
		"an account's":                {[]instagramtest.Option{account}, 0.97, 0.01},
		"both":                        {[]instagramtest.Option{app, account}, 0.97, 0.01},
		"refusals that do not count":  {[]instagramtest.Option{app, instagramtest.RefusalsCount(false)}, 0.97, 0.01},
		"refusals without headers":    {[]instagramtest.Option{app, instagramtest.RefusalsWithoutHeaders(true)}, 0.97, 0.01},
		"refusals with status 429":    {[]instagramtest.Option{app, instagramtest.RefusalStatus(429)}, 0.97, 0.01},
		"refusals with status 400":    {[]instagramtest.Option{app, instagramtest.RefusalStatus(400)}, 0.97, 0.01},
		"no wait told":                {[]instagramtest.Option{account, instagramtest.HideRegainAccess(true)}, 0.97, 0.01},
		"headers from 75 percent on":  {[]instagramtest.Option{app, instagramtest.HeadersFrom(75)}, 0.97, 0.01},
		"no headers at all":           {[]instagramtest.Option{app, instagramtest.HeadersFrom(1000)}, 0.75, 0.04},
		"headers of a minute ago":     {[]instagramtest.Option{app, instagramtest.HeaderLag(time.Minute)}, 0.9, 0.04},
		"CPU time":                    {[]instagramtest.Option{app, instagramtest.BindingDimension(instagramtest.TotalCPUTime)}, 0.97, 0.01},
		"total time":                  {[]instagramtest.Option{account, instagramtest.BindingDimension(instagramtest.TotalTime)}, 0.97, 0.01},
		"another spelling of headers": {[]instagramtest.Option{app, instagramtest.WithShapes(instagramtest.Shapes{UsageCallVolume: true})}, 0.97, 0.01},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				meta := instagramtest.New(append(test.opts, instagramtest.LongLivedToken("IGAAtest", 48*time.Hour))...)
				client := newClient(t, instagramConfig(), meta, instagram.WithRetryPolicy(instagram.RetryPolicy{MaxWait: -1}))
				account := client.With(instagram.StaticToken(token()))
				ctx, cancel := context.WithTimeout(t.Context(), windows*time.Hour-time.Minute)
				defer cancel()
				var all sync.WaitGroup
				for range workers {
					all.Go(func() {
						for {
							err := account.Get(ctx, "me", nil, nil)
							if instagram.ErrorAdvice(err).Action == instagram.ActionWait || ctx.Err() != nil {
								return // the rest of the wait is longer than the test
							}
							if !assert.NoError(t, err) {
								return
							}
							time.Sleep(150 * time.Millisecond)
						}
					})
				}
				all.Wait()
				t.Logf("%d of %d served, %d refused", meta.Served(), calls*windows, meta.Refused())
				assert.GreaterOrEqual(t, float64(meta.Served()), test.least*calls*windows)
				assert.LessOrEqual(t, float64(meta.Refused()), test.refused*float64(meta.Served()))
			})
		})
	}
}

package main

// This file answers: who is compared, with which settings, and how were they
// taught what Meta's refusals look like?

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/failsafehttp"
	"github.com/gofri/go-github-ratelimit/v2/github_ratelimit"
	"github.com/hashicorp/go-retryablehttp"
	"golang.org/x/oauth2"

	"github.com/seed-922467ee/instagram"
)

// peer is a way of making calls. Its client is for one program: all of the
// program's workers share it.
type peer struct {
	name   string
	client func(base http.RoundTripper) *http.Client
}

const (
	accessToken = "IGAAbench"
	accountID   = "17841405793187218"
	attempts    = 10 // for each call, of those that try again
)

func peers() []peer {
	return []peer{
		{"instagram", func(base http.RoundTripper) *http.Client { return ours(base).HTTPClient() }},
		{"net/http", func(base http.RoundTripper) *http.Client { return &http.Client{Transport: base} }},
		{"x/oauth2", oauthClient},
		{"go-retryablehttp", retryableClient},
		{"failsafe-go", failsafeClient},
		{"go-github-ratelimit", githubClient},
		{"AWS adaptive", awsClient},
	}
}

func config() instagram.Config {
	return instagram.Config{
		AppID: "1098765432109876", AppSecret: instagram.NewSecret("0123456789abcdef0123456789abcdef"),
		RedirectURL: "https://example.com/callback", Scopes: []instagram.Scope{instagram.ScopeBusinessBasic},
	}
}

func tokenFor(account string) *instagram.Token {
	return &instagram.Token{AccessToken: instagram.NewSecret(accessToken), Kind: instagram.LongLived, AccountID: account}
}

// ours is this library as a program of background jobs sets it up: it waits for
// quota as long as need be.
func ours(base http.RoundTripper, opts ...instagram.Option) *instagram.Account {
	return oursFor(newClient(base, opts...), accountID)
}

func newClient(base http.RoundTripper, opts ...instagram.Option) *instagram.Client {
	client, err := instagram.New(config(), append([]instagram.Option{
		instagram.WithTransport(base), instagram.WithRetryPolicy(instagram.RetryPolicy{MaxWait: -1}),
	}, opts...)...)
	if err != nil {
		panic(err) // the configuration is ours
	}
	return client
}

func oursFor(c *instagram.Client, account string) *instagram.Account {
	return c.With(instagram.StaticToken(tokenFor(account)))
}

func oauthClient(base http.RoundTripper) *http.Client {
	source := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: accessToken})
	return &http.Client{Transport: &oauth2.Transport{Base: base, Source: source}}
}

// refusal reads what each peer is taught: whether an answer is a refusal for
// quota, and the wait that Meta states, 0 when it states none.
func refusal(resp *http.Response) (wait time.Duration, refused bool) {
	if resp == nil || resp.StatusCode < 400 {
		return 0, false
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil {
		return 0, false
	}
	if !errors.Is(instagram.CheckResponse(resp), instagram.ErrThrottled) {
		return 0, false
	}
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	return instagram.ParseUsage(resp.Header).RegainAccess(), true
}

func retryableClient(base http.RoundTripper) *http.Client {
	c := retryablehttp.NewClient()
	c.HTTPClient = &http.Client{Transport: base}
	c.Logger = nil
	c.RetryMax, c.RetryWaitMin, c.RetryWaitMax = attempts-1, time.Second, time.Minute
	c.ErrorHandler = retryablehttp.PassthroughErrorHandler
	c.CheckRetry = func(ctx context.Context, resp *http.Response, err error) (bool, error) {
		if _, refused := refusal(resp); refused && ctx.Err() == nil {
			return true, nil
		}
		return retryablehttp.DefaultRetryPolicy(ctx, resp, err)
	}
	c.Backoff = func(least, most time.Duration, attempt int, resp *http.Response) time.Duration {
		if wait, _ := refusal(resp); wait > 0 {
			return wait
		}
		return retryablehttp.DefaultBackoff(least, most, attempt, resp)
	}
	return &http.Client{Transport: &retryablehttp.RoundTripper{Client: c}}
}

func failsafeClient(base http.RoundTripper) *http.Client {
	policy := failsafehttp.NewRetryPolicyBuilder().
		HandleIf(func(resp *http.Response, _ error) bool { _, refused := refusal(resp); return refused }).
		WithMaxAttempts(attempts).WithBackoff(time.Second, time.Minute).WithJitterFactor(0.25).
		WithDelayFunc(func(exec failsafe.ExecutionAttempt[*http.Response]) time.Duration {
			if wait, _ := refusal(exec.LastResult()); wait > 0 {
				return wait
			}
			return -1 // the backoff
		}).ReturnLastFailure().Build()
	return &http.Client{Transport: failsafehttp.NewRoundTripper(base, policy)}
}

// githubClient speaks to a platform whose refusals are put into GitHub's form.
func githubClient(base http.RoundTripper) *http.Client {
	translated := roundTripper(func(req *http.Request) (*http.Response, error) {
		resp, err := base.RoundTrip(req)
		if wait, refused := refusal(resp); refused {
			resp.StatusCode = http.StatusForbidden
			resp.Header.Set("Retry-After", strconv.Itoa(int(max(wait, time.Minute).Seconds())))
			resp.Body = io.NopCloser(bytes.NewReader([]byte(`{"message":"You have exceeded a secondary rate limit"}`)))
		}
		return resp, err
	})
	return github_ratelimit.NewClient(translated)
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// throttle is a refusal as the AWS SDK sees one.
type throttle struct{ wait time.Duration }

func (throttle) Error() string { return "throttled" }

// faulty is any other answer that may be worth another attempt.
type faulty struct{}

func (faulty) Error() string { return "server fault" }

func awsClient(base http.RoundTripper) *http.Client {
	again := retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
		var t throttle
		var f faulty
		return aws.BoolTernary(errors.As(err, &t) || errors.As(err, &f))
	})
	throttles := retry.IsErrorThrottleFunc(func(err error) aws.Ternary {
		var t throttle
		return aws.BoolTernary(errors.As(err, &t))
	})
	mode := retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) {
		o.Throttles = append(o.Throttles, throttles)
		o.FailOnNoAttemptTokens = true // its own wait rounds down to nothing, for ever on a clock that stands still
		o.StandardOptions = append(o.StandardOptions, func(s *retry.StandardOptions) {
			s.MaxAttempts, s.MaxBackoff = attempts, time.Minute
			s.Retryables = append(s.Retryables, again)
		})
	})
	return &http.Client{Transport: &awsTransport{base, mode}}
}

// awsTransport is the SDK's own loop of attempts, for a plain request.
type awsTransport struct {
	base http.RoundTripper
	mode *retry.AdaptiveMode
}

func (a *awsTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	for attempt := 1; ; attempt++ {
		release, err := a.mode.GetAttemptToken(ctx)
		for ; err != nil; release, err = a.mode.GetAttemptToken(ctx) {
			if err := sleep(ctx, time.Second/4); err != nil {
				return nil, err
			}
		}
		resp, err := a.base.RoundTrip(req)
		fault := awsFault(resp, err)
		_ = release(fault)
		if fault == nil || attempt == a.mode.MaxAttempts() || !a.mode.IsErrorRetryable(fault) {
			return resp, err
		}
		if _, err := a.mode.GetRetryToken(ctx, fault); err != nil {
			return resp, nil //nolint:nilerr // the budget is used up: the last answer stands
		}
		delay, err := a.mode.RetryDelay(attempt, fault)
		if err != nil {
			return nil, err
		}
		if resp != nil {
			_ = resp.Body.Close()
		}
		if err := sleep(ctx, delay); err != nil {
			return nil, err
		}
		if req.GetBody != nil {
			if body, err := req.GetBody(); err == nil {
				req = req.Clone(ctx)
				req.Body = body
			}
		}
	}
}

func awsFault(resp *http.Response, err error) error {
	if err != nil {
		return err
	}
	if wait, refused := refusal(resp); refused {
		return throttle{wait}
	}
	if resp.StatusCode >= 500 {
		return faulty{}
	}
	return nil
}

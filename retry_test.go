package instagram_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

// attempts remembers what a tracer was told.
type attempts struct {
	instagram.NopTracer
	mu sync.Mutex

	starts []instagram.CallStart
	all    []instagram.Attempt
	waits  []instagram.Wait
	ends   []instagram.CallEnd
}

func (a *attempts) CallStart(ctx context.Context, s instagram.CallStart) context.Context {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.starts = append(a.starts, s)
	return ctx
}

func (a *attempts) Wait(_ context.Context, w instagram.Wait) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waits = append(a.waits, w)
}

func (a *attempts) Attempt(_ context.Context, at instagram.Attempt) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, at)
}

func (a *attempts) CallEnd(_ context.Context, e instagram.CallEnd) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ends = append(a.ends, e)
}

// token is one of the fake's default account.
func token() *instagram.Token {
	return &instagram.Token{AccessToken: instagram.NewSecret("IGAAtest"), Kind: instagram.LongLived, AccountID: instagramtest.DefaultAccountID}
}

func newMeta() *instagramtest.Platform {
	return instagramtest.New(instagramtest.LongLivedToken("IGAAtest", 48*time.Hour))
}

func TestWhatIsSentAgain(t *testing.T) {
	t.Parallel()
	html := instagramtest.Answer{Status: 502, Body: "<html>bad gateway</html>"}
	tests := map[string]struct {
		answer instagramtest.Answer
		opts   []instagram.CallOption
		reads  int   // requests of a GET, when the second would succeed
		writes int   // requests of a POST
		write  error // what the POST gives; nil: success
	}{
		"bad gateway":                      {answer: html, reads: 2, writes: 1, write: instagram.ErrOutcomeUnknown},
		"bad gateway, repeatable":          {answer: html, opts: []instagram.CallOption{instagram.Repeatable()}, reads: 2, writes: 2},
		"empty 503":                        {answer: instagramtest.Answer{Status: 503}, reads: 2, writes: 1, write: instagram.ErrOutcomeUnknown},
		"code 2 in a 400":                  {answer: instagramtest.Failing(2, 0), reads: 2, writes: 1, write: instagram.ErrOutcomeUnknown},
		"connection refused":               {answer: instagramtest.Answer{Refuse: true}, reads: 2, writes: 2},
		"answer lost":                      {answer: instagramtest.Answer{Lose: true}, reads: 2, writes: 1, write: instagram.ErrOutcomeUnknown},
		"throttled, come back in a second": {answer: instagramtest.Answer{Error: new(instagramtest.KnownError(4, 0)), Header: http.Header{"Retry-After": {"1"}}}, reads: 2, writes: 2},
		"bare 429":                         {answer: instagramtest.Answer{Status: 429}, reads: 2, writes: 2},
		"publishing quota used up":         {answer: instagramtest.Failing(9, 2207042), reads: 1, writes: 1, write: instagram.ErrThrottled},
		"spam block wears code 4":          {answer: instagramtest.Failing(4, 2207051), reads: 1, writes: 1, write: instagram.ErrBlocked},
		"policy block":                     {answer: instagramtest.Failing(368, 0), reads: 1, writes: 1, write: instagram.ErrBlocked},
		"permission":                       {answer: instagramtest.Failing(10, 0), reads: 1, writes: 1, write: instagram.ErrPermission},
		"invalid parameter":                {answer: instagramtest.Failing(100, 0), reads: 1, writes: 1, write: instagram.ErrInvalidRequest},
		"dead token":                       {answer: instagramtest.Failing(190, 463), reads: 1, writes: 1, write: instagram.ErrTokenInvalid},
		"container not ready":              {answer: instagramtest.Failing(9007, 2207027), reads: 2, writes: 2},
		"host that does not exist":         {answer: instagramtest.Answer{Refuse: true, Err: &net.DNSError{IsNotFound: true}}, reads: 1, writes: 1, write: &net.DNSError{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				meta := newMeta()
				seen := &attempts{}
				account := newClient(t, instagramConfig(), meta, instagram.WithTracer(seen)).With(instagram.StaticToken(token()))
				meta.On("GET", "/me").Once(test.answer)
				_ = account.Get(t.Context(), "me", nil, nil, test.opts...)
				assert.Len(t, meta.Requests("GET", "/me"), test.reads)

				meta.On("POST", "/"+instagramtest.DefaultAccountID+"/media").Once(test.answer)
				err := account.Post(t.Context(), instagramtest.DefaultAccountID+"/media", url.Values{"image_url": {"https://example.com/a.jpg"}}, nil, test.opts...)
				switch want := test.write.(type) { //nolint:errorlint // the kind of expectation
				case nil:
					require.NoError(t, err)
				case *net.DNSError:
					require.Error(t, err)
					require.NotErrorIs(t, err, instagram.ErrOutcomeUnknown)
				default:
					require.ErrorIs(t, err, want)
				}
				assert.Len(t, meta.Requests("POST", ""), test.writes)
				for _, a := range seen.all {
					assert.NotEmpty(t, a.Reason, "every decision has a reason")
				}
				assert.Len(t, seen.ends, 2)
			})
		})
	}
}

func TestRetriesEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meta := newMeta()
		meta.On("GET", "/me").Always(instagramtest.Answer{Status: 500})
		account := newClient(t, instagramConfig(), meta, instagram.WithRetryPolicy(instagram.RetryPolicy{MaxAttempts: 6})).With(instagram.StaticToken(token()))
		require.ErrorIs(t, account.Get(t.Context(), "me", nil, nil), instagram.ErrTransient)
		assert.LessOrEqual(t, len(meta.Requests("GET", "/me")), 6)
	})
}

// TestOneAttemptIsOne: whatever would otherwise be a reason for another.
func TestOneAttemptIsOne(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]instagramtest.Answer{
		"fault":       {Status: 500},
		"refused":     {Refuse: true},
		"throttled":   {Error: new(instagramtest.KnownError(4, 0)), Header: http.Header{"Retry-After": {"1"}}},
		"bare 429":    {Status: 429},
		"dead token":  instagramtest.Failing(190, 463),
		"broken JSON": {Status: 200, Body: `{"id":`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				meta := newMeta()
				meta.On("GET", "/me").Always(answer)
				account := newClient(t, instagramConfig(), meta, instagram.WithRetryPolicy(instagram.RetryPolicy{MaxAttempts: 1, MaxWait: -1})).With(&renewing{})
				for n := range 3 { // the second and third wait for quota first, where there is a quota
					require.Error(t, account.Get(t.Context(), "me", nil, &struct{ ID string }{}))
					assert.Len(t, meta.Requests("GET", "/me"), n+1)
				}
			})
		})
	}
}

// TestPausesAreBounded one by one and all together, by full jitter within them.
func TestPausesAreBounded(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		policy      instagram.RetryPolicy
		retryAfter  string
		tries       int
		least, most time.Duration // of all pauses together
		each        time.Duration // at most
	}{
		"as the policy is":                       {tries: 4, most: 3500 * time.Millisecond, each: 2 * time.Second},
		"many attempts, and short pauses":        {policy: instagram.RetryPolicy{MaxAttempts: 9, MaxDelay: time.Second}, tries: 9, most: 8 * time.Second, each: time.Second},
		"the platform's own":                     {policy: instagram.RetryPolicy{MaxAttempts: 3}, retryAfter: "7", tries: 3, least: 14 * time.Second, most: 14 * time.Second, each: 7 * time.Second},
		"the platform's, 30 s in all":            {policy: instagram.RetryPolicy{MaxAttempts: 50}, retryAfter: "10", tries: 4, least: 30 * time.Second, most: 30 * time.Second, each: 10 * time.Second},
		"as long as the context lives":           {policy: instagram.RetryPolicy{MaxAttempts: 9, MaxWait: -1}, retryAfter: "60", tries: 9, least: 8 * time.Minute, most: 8 * time.Minute, each: time.Minute},
		"no wait for quota, pauses all the same": {policy: instagram.RetryPolicy{MaxWait: time.Nanosecond}, retryAfter: "5", tries: 4, least: 15 * time.Second, most: 15 * time.Second, each: 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				meta := newMeta()
				answer := instagramtest.Answer{Status: 503}
				if test.retryAfter != "" {
					answer.Header = http.Header{"Retry-After": {test.retryAfter}}
				}
				seen := &attempts{}
				account := newClient(t, instagramConfig(), meta, instagram.WithTracer(seen), instagram.WithRetryPolicy(test.policy)).With(instagram.StaticToken(token()))
				for range 300 { // earns what retries may cost
					require.NoError(t, account.Get(t.Context(), "me", nil, nil))
				}
				meta.On("GET", "/me").Always(answer)
				pauses := map[time.Duration]bool{}
				for range 5 {
					meta.ForgetRequests()
					seen.waits = nil
					began := time.Now()
					require.ErrorIs(t, account.Get(t.Context(), "me", nil, nil), instagram.ErrTransient)
					took := time.Since(began)
					assert.Len(t, meta.Requests("GET", "/me"), test.tries)
					assert.GreaterOrEqual(t, took, test.least)
					assert.LessOrEqual(t, took, test.most)
					for _, w := range seen.waits {
						assert.LessOrEqual(t, w.For, test.each)
						pauses[w.For] = true
					}
					time.Sleep(10 * time.Second) // the budget fills
				}
				if test.retryAfter == "" {
					assert.Greater(t, len(pauses), 5*(test.tries-1)/2, "jitter: hardly two are alike")
				}
			})
		})
	}
}

func TestAnOutageIsNotMultiplied(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meta := newMeta()
		meta.On("GET", "/me").Always(instagramtest.Answer{Status: 500})
		account := newClient(t, instagramConfig(), meta).With(instagram.StaticToken(token()))
		const calls = 2000
		began := time.Now()
		var all sync.WaitGroup
		for range calls {
			all.Go(func() { _ = account.Get(t.Context(), "me", nil, nil) })
		}
		all.Wait()
		allowed := calls*11/10 + int(time.Since(began).Seconds()*3) + 40
		assert.LessOrEqual(t, len(meta.Requests("GET", "/me")), allowed, "a tenth more, and three a second")
	})
}

func TestCancellationEndsACallAtOnce(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]instagramtest.Answer{
		"while it backs off":          {Status: 503, Header: http.Header{"Retry-After": {"20"}}},
		"while it waits for quota":    {Error: new(instagramtest.KnownError(4, 0)), Header: http.Header{"Retry-After": {"20"}}},
		"while it waits for answer":   {Hang: true},
		"while the answer comes late": {Late: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				meta := newMeta()
				meta.On("GET", "/me").Always(answer)
				account := newClient(t, instagramConfig(), meta).With(instagram.StaticToken(token()))
				ctx, cancel := context.WithCancelCause(t.Context())
				go func() { time.Sleep(5 * time.Second); cancel(errors.New("enough")) }()
				began := time.Now()
				err := account.Get(ctx, "me", nil, nil)
				require.Error(t, err)
				assert.Equal(t, 5*time.Second, time.Since(began), "on the fake clock: at once")
				sent := len(meta.Requests("GET", "/me"))
				time.Sleep(time.Hour)
				assert.Len(t, meta.Requests("GET", "/me"), sent, "and nothing more is sent")
			})
		})
	}
}

func TestWaitsThatAreNotBegun(t *testing.T) {
	t.Parallel()
	throttled := instagramtest.Answer{Error: new(instagramtest.KnownError(4, 0)), Header: http.Header{"Retry-After": {"3600"}}}
	tests := map[string]struct {
		policy  instagram.RetryPolicy
		timeout time.Duration
		waits   bool
	}{
		"longer than the policy's limit": {timeout: 24 * time.Hour},
		"longer than the deadline":       {policy: instagram.RetryPolicy{MaxWait: -1}, timeout: time.Minute},
		"as long as the context lives":   {policy: instagram.RetryPolicy{MaxWait: -1}, timeout: 24 * time.Hour, waits: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				meta := newMeta()
				meta.On("GET", "/me").Once(throttled)
				account := newClient(t, instagramConfig(), meta, instagram.WithRetryPolicy(test.policy)).With(instagram.StaticToken(token()))
				ctx, cancel := context.WithTimeout(t.Context(), test.timeout)
				defer cancel()
				began := time.Now()
				err := account.Get(ctx, "me", nil, nil)
				if test.waits {
					require.NoError(t, err)
					assert.GreaterOrEqual(t, time.Since(began), time.Hour)
					return
				}
				var limited *instagram.RateLimitError
				require.ErrorAs(t, err, &limited)
				require.ErrorIs(t, err, instagram.ErrThrottled)
				assert.InDelta(t, time.Hour.Seconds(), limited.RetryAfter.Seconds(), 10)
				assert.Zero(t, time.Since(began))

				began = time.Now() // and the next call is not even sent
				err = account.Get(ctx, "me", nil, nil)
				require.ErrorAs(t, err, &limited)
				assert.Zero(t, time.Since(began))
				assert.Len(t, meta.Requests("GET", "/me"), 1)
			})
		})
	}
}

// renewing is a source that has another token after the first was refused.
type renewing struct {
	mu    sync.Mutex
	asked int
}

func (r *renewing) Token(context.Context) (*instagram.Token, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	tok := token()
	if r.asked++; r.asked <= 2 { // for the limiter, and to sign
		tok.AccessToken = instagram.NewSecret("IGAAdead")
	}
	return tok, nil
}

func TestATokenFoundDeadIsFetchedAgainOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meta := newMeta()
		client := newClient(t, instagramConfig(), meta)
		require.NoError(t, client.With(&renewing{}).Get(t.Context(), "me", nil, nil))
		assert.Len(t, meta.Requests("GET", "/me"), 2)

		meta.ForgetRequests()
		meta.On("GET", "/me").Always(instagramtest.Failing(190, 463))
		require.ErrorIs(t, client.With(&renewing{}).Get(t.Context(), "me", nil, nil), instagram.ErrTokenInvalid)
		assert.Len(t, meta.Requests("GET", "/me"), 2, "the second refusal is the answer")

		meta.ForgetRequests()
		n := 0
		changing := sourceFunc(func(context.Context) (*instagram.Token, error) {
			n++
			tok := token()
			tok.AccessToken = instagram.NewSecret("IGAA" + strings.Repeat("x", n))
			return tok, nil
		})
		require.ErrorIs(t, client.With(changing).Get(t.Context(), "me", nil, nil), instagram.ErrTokenInvalid)
		assert.Len(t, meta.Requests("GET", "/me"), 2, "also of a source that has another one each time")

		meta.ForgetRequests()
		require.ErrorIs(t, client.With(instagram.StaticToken(token())).Get(t.Context(), "me", nil, nil), instagram.ErrTokenInvalid)
		assert.Len(t, meta.Requests("GET", "/me"), 1, "a source that has no other token is not tried again")
	})
}

func TestBodiesAreRewound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, test := range map[string]struct {
			body io.Reader
			want int
		}{
			"a body that can be read again": {strings.NewReader("image_url=https://example.com/a.jpg"), 2},
			"a body that cannot":            {io.MultiReader(strings.NewReader("image_url=https://example.com/a.jpg")), 1},
		} {
			meta := newMeta()
			meta.On("POST", "").Once(instagramtest.Answer{Status: 429})
			signed := newClient(t, instagramConfig(), meta).HTTPClient(instagram.StaticToken(token()))
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://graph.instagram.com/v26.0/"+instagramtest.DefaultAccountID+"/media", test.body)
			require.NoError(t, err)
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			resp, err := signed.Do(req)
			require.NoError(t, err, name)
			resp.Body.Close()
			for _, r := range meta.Requests("POST", "") {
				assert.Equal(t, "https://example.com/a.jpg", r.Form.Get("image_url"), name)
			}
			assert.Len(t, meta.Requests("POST", ""), test.want, name)
		}
	})
}

// panicking is a tracer with a mistake in every method.
type panicking struct{ instagram.NopTracer }

func (panicking) CallStart(context.Context, instagram.CallStart) context.Context { panic("x") }
func (panicking) Attempt(context.Context, instagram.Attempt)                     { panic("x") }
func (panicking) Wait(context.Context, instagram.Wait)                           { panic("x") }
func (panicking) CallEnd(context.Context, instagram.CallEnd)                     { panic("x") }

func TestAPanicInAHookIsNotTheCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meta := newMeta()
		meta.On("GET", "/me").Once(instagramtest.Answer{Status: 429}) // waits for quota
		meta.On("GET", "/me").Once(instagramtest.Answer{Status: 503}) // and pauses
		account := newClient(t, instagramConfig(), meta, instagram.WithTracer(panicking{})).With(instagram.StaticToken(token()))
		require.NoError(t, account.Get(t.Context(), "me", nil, nil))
		assert.Len(t, meta.Requests("GET", "/me"), 3)
	})
}

// TestABodyOfAnAttemptThatWasGivenUpIsNotRead any more: what counts as unsent
// stays so, though a transport may go on reading behind its caller's back.
func TestABodyOfAnAttemptThatWasGivenUpIsNotRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		late := make(chan int, 1)
		var bodies []string
		first := true
		base := transportFunc(func(r *http.Request) (*http.Response, error) {
			if first {
				first = false
				go func() {
					time.Sleep(time.Minute)
					n, err := io.ReadFull(r.Body, make([]byte, 64))
					assert.Error(t, err)
					late <- n
				}()
				return nil, errors.New("the connection is gone")
			}
			body, err := io.ReadAll(r.Body)
			require.NoError(t, err)
			bodies = append(bodies, string(body))
			return answering(200, `{}`)(r)
		})
		resp, err := signedBy(t, base).Do(newRequest(t, http.MethodPost, graphMe, strings.NewReader("creation_id=1")))
		require.NoError(t, err)
		resp.Body.Close()
		assert.Zero(t, <-late, "not a byte")
		assert.Equal(t, []string{"creation_id=1"}, bodies)
	})
}

// TestWithoutALimiter a refused call is not sent again: nobody knows when it may.
func TestWithoutALimiter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meta := newMeta()
		account := newClient(t, instagramConfig(), meta, instagram.WithLimiter(instagram.NoLimit())).With(instagram.StaticToken(token()))
		for n, a := range []instagramtest.Answer{instagramtest.Failing(4, 0), {Status: 429}, instagramtest.Failing(80002, 0)} {
			meta.On("GET", "/me").Once(a)
			began := time.Now()
			var limited *instagram.RateLimitError
			require.ErrorAs(t, account.Get(t.Context(), "me", nil, nil), &limited)
			require.Error(t, limited.Err, "the platform said it")
			assert.Zero(t, time.Since(began))
			assert.Len(t, meta.Requests("GET", "/me"), n+1)
		}
	})
}

// TestARepeatedDeleteThatFindsNothing: an attempt whose answer was lost may have
// removed it.
func TestARepeatedDeleteThatFindsNothing(t *testing.T) {
	t.Parallel()
	const nothing = `{"error":{"message":"Unsupported request","type":"GraphMethodException","code":100,"error_subcode":33}}`
	for name, test := range map[string]struct {
		method  string
		lost    int // attempts without an answer
		how     error
		unclear bool
	}{
		"a delete whose first answer was lost": {http.MethodDelete, 1, io.ErrUnexpectedEOF, true},
		"a delete that was not sent at first":  {http.MethodDelete, 1, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, false},
		"a delete of what is not there":        {http.MethodDelete, 0, nil, false},
		"a read whose first answer was lost":   {http.MethodGet, 1, io.ErrUnexpectedEOF, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				lost := test.lost
				account := harmClient(t, instagram.Endpoint{}, transportFunc(func(req *http.Request) (*http.Response, error) {
					if lost--; lost >= 0 {
						return nil, test.how
					}
					return &http.Response{StatusCode: 400, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(nothing)), Request: req}, nil
				}))
				call := account.Delete
				if test.method == http.MethodGet {
					call = account.Get
				}
				err := call(t.Context(), "17841405793187218", nil, nil)
				require.ErrorIs(t, err, instagram.ErrInvalidRequest)
				assert.Equal(t, test.unclear, errors.Is(err, instagram.ErrOutcomeUnknown), err)
			})
		})
	}
}

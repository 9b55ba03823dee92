package instagram_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

const account1, account2 = instagramtest.DefaultAccountID, instagramtest.SecondAccountID

func reads(n int) []instagram.BatchCall {
	calls := make([]instagram.BatchCall, n)
	for i := range calls {
		calls[i] = instagram.BatchCall{Path: account1, Params: map[string]string{"fields": "username"}}
	}
	return calls
}

func TestBatch(t *testing.T) {
	t.Parallel()
	lost := instagramtest.Answer{Lose: true}
	unsent := instagramtest.Answer{Refuse: true}
	write := instagram.BatchCall{Method: "POST", Path: account1 + "/media", Params: map[string]string{"image_url": "https://cdn.example.com/a.jpg"}}
	again := write
	again.Repeatable = true
	remove := instagram.BatchCall{Method: "DELETE", Path: "me/permissions/email"}
	read := instagram.BatchCall{Path: account1 + "?fields=username"}
	tests := map[string]struct {
		calls   []instagram.BatchCall
		script  func(*instagramtest.Platform)
		want    []error // by call; nil: success
		sent    int     // requests
		batches []int   // attempts by call
	}{
		"fifty calls in one request": {calls: reads(50), want: make([]error, 50), sent: 1},
		"more are split":             {calls: reads(120), want: make([]error, 120), sent: 3},
		"each part fails for itself": {
			calls: []instagram.BatchCall{read, {Path: "1"}, {Path: account2}, {Path: account1, Params: map[string]string{"fields": "shoe_size"}}},
			want:  []error{nil, instagram.ErrInvalidRequest, nil, instagram.ErrInvalidRequest}, sent: 1,
		},
		"a write and a removal": {calls: []instagram.BatchCall{write, remove}, want: []error{nil, nil}, sent: 1},
		"a read that fails in passing is sent again": {
			calls: []instagram.BatchCall{read, read}, sent: 2, batches: []int{2, 1}, want: []error{nil, nil},
			script: func(p *instagramtest.Platform) { p.On("GET", "/"+account1).Once(instagramtest.Failing(2, 0)) },
		},
		"a read that was not finished is sent again": {
			calls: []instagram.BatchCall{read, read}, sent: 2, batches: []int{2, 1}, want: []error{nil, nil},
			script: func(p *instagramtest.Platform) { p.On("GET", "/"+account1).Once(unsent) },
		},
		"a read that is never finished": {
			calls: []instagram.BatchCall{read}, sent: 4, batches: []int{4}, want: []error{instagram.ErrBatchTimeout},
			script: func(p *instagramtest.Platform) { p.On("GET", "/"+account1).Always(unsent) },
		},
		"a write that fails in passing may have taken effect": {
			calls: []instagram.BatchCall{write, read}, sent: 1, want: []error{instagram.ErrOutcomeUnknown, nil},
			script: func(p *instagramtest.Platform) { p.On("POST", "/*/media").Once(instagramtest.Failing(2, 0)) },
		},
		"a write that was not finished may have taken effect": {
			calls: []instagram.BatchCall{write}, sent: 1, want: []error{instagram.ErrOutcomeUnknown},
			script: func(p *instagramtest.Platform) { p.On("POST", "/*/media").Once(lost) },
		},
		"a write that may be repeated": {
			calls: []instagram.BatchCall{again}, sent: 2, want: []error{nil},
			script: func(p *instagramtest.Platform) { p.On("POST", "/*/media").Once(lost) },
		},
		"a write that was refused for its moment is sent again": {
			calls: []instagram.BatchCall{write}, sent: 2, want: []error{nil},
			script: func(p *instagramtest.Platform) { p.On("POST", "/*/media").Once(instagramtest.Failing(9007, 2207027)) },
		},
		"a removal that fails in passing": {
			calls: []instagram.BatchCall{remove}, sent: 1, want: []error{instagram.ErrOutcomeUnknown},
			script: func(p *instagramtest.Platform) { p.On("DELETE", "/*/permissions/*").Once(instagramtest.Failing(2, 0)) },
		},
		"reads whose answer is lost are sent again": {
			calls: []instagram.BatchCall{read, read}, sent: 2, want: []error{nil, nil},
			script: func(p *instagramtest.Platform) { p.On("POST", "/").Once(lost) },
		},
		"of a mixed request whose answer is lost only the reads are": {
			calls: []instagram.BatchCall{read, write, read}, sent: 2, batches: []int{2, 1, 2}, want: []error{nil, instagram.ErrOutcomeUnknown, nil},
			script: func(p *instagramtest.Platform) { p.On("POST", "/").Once(lost) },
		},
		"an answer that is no list": {
			calls: []instagram.BatchCall{read, write}, sent: 2, want: []error{nil, instagram.ErrOutcomeUnknown},
			script: func(p *instagramtest.Platform) { p.On("POST", "/").Once(instagramtest.Answer{Body: `{"ok":true}`}) },
		},
		"an answer that is cut off": {
			calls: []instagram.BatchCall{write}, sent: 1, want: []error{instagram.ErrOutcomeUnknown},
			script: func(p *instagramtest.Platform) { p.On("POST", "/").Once(instagramtest.Answer{CutAfter: 20}) },
		},
		"an answer that is too short": {
			calls: []instagram.BatchCall{read, write}, sent: 2, want: []error{nil, instagram.ErrOutcomeUnknown},
			script: func(p *instagramtest.Platform) { p.On("POST", "/").Once(instagramtest.Answer{Body: `[null]`}) },
		},
		"a request that is refused as a whole": {
			calls: []instagram.BatchCall{read, write}, sent: 1, want: []error{instagram.ErrTokenInvalid, instagram.ErrTokenInvalid},
			script: func(p *instagramtest.Platform) { p.On("POST", "/").Once(instagramtest.Failing(190, 460)) },
		},
		"a dead token in one part": {
			calls: []instagram.BatchCall{read, read}, sent: 1, want: []error{instagram.ErrTokenInvalid, nil},
			script: func(p *instagramtest.Platform) { p.On("GET", "/"+account1).Once(instagramtest.Failing(190, 460)) },
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				meta := instagramtest.New()
				if tt.script != nil {
					tt.script(meta)
				}
				account := accountOf(t, newClient(t, facebookConfig(), meta), meta, instagram.FacebookLogin)
				results, err := account.Batch(t.Context(), tt.calls)
				require.NoError(t, err)
				require.Len(t, results, len(tt.want))
				for i, want := range tt.want {
					if want == nil {
						require.NoError(t, results[i].Err, i)
						assert.Equal(t, http.StatusOK, results[i].Status)
						assert.True(t, json.Valid(results[i].Body()))
						assert.NotEmpty(t, results[i].Header.Get("X-Fb-Trace-Id"))
					} else {
						require.ErrorIs(t, results[i].Err, want, i)
					}
					if tt.batches != nil {
						assert.Equal(t, tt.batches[i], results[i].Attempts)
					}
				}
				assert.Equal(t, tt.sent, batches(meta))
			})
		})
	}
}

func TestBatchDecodesEachPart(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	require.NoError(t, meta.RequireProof(instagramtest.DefaultMetaAppID, true))
	account := accountOf(t, newClient(t, facebookConfig(), meta), meta, instagram.FacebookLogin)
	var one, two struct {
		ID       instagram.ID `json:"id"`
		Username string       `json:"username"`
	}
	var list map[string]any
	var wrong []int
	results, err := account.Batch(t.Context(), []instagram.BatchCall{
		{Path: account1, Params: struct {
			Fields string `url:"fields"`
		}{"username"}, Out: &one},
		{Method: "get", Path: account2 + "?fields=username", Out: &two},
		{Path: "https://graph.facebook.com/v25.0/me/accounts?limit=1&access_token=other", Out: &list},
		{Path: account1, Out: &wrong},
	})
	require.NoError(t, err)
	assert.Equal(t, instagramtest.DefaultUsername, one.Username)
	assert.Equal(t, instagram.ID(account2), two.ID)
	assert.Len(t, list["data"], 1)
	problem, ok := errors.AsType[*instagram.AnswerError](results[3].Err)
	require.True(t, ok)
	assert.NotEmpty(t, problem.Problem)
	for _, r := range meta.Requests("GET", "") {
		assert.NotEqual(t, "other", r.Query.Get("access_token"), "credentials of a copied URL are dropped")
	}
}

func TestBatchIsCountedByPart(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New(instagramtest.WithAppLimit(60, 0))
	spy := &costs{Limiter: instagram.NoLimit()}
	once := instagram.WithRetryPolicy(instagram.RetryPolicy{MaxAttempts: 1})
	client := newClient(t, facebookConfig(), meta, instagram.WithLimiter(spy), once)
	account := accountOf(t, client, meta, instagram.FacebookLogin)
	results, err := account.Batch(t.Context(), reads(70), instagram.Background())
	require.NoError(t, err)
	assert.Equal(t, []int{50, 20}, spy.cost)
	assert.Equal(t, instagram.PriorityBackground, spy.priority)
	assert.InDelta(t, 83, spy.outcomes[0].Usage.Max(), 1, "the headers of the parts are heard")
	require.NoError(t, spy.outcomes[0].Err)
	require.ErrorIs(t, spy.outcomes[1].Err, instagram.ErrThrottled, "and that one was refused")
	require.NoError(t, results[59].Err)
	limited, ok := errors.AsType[*instagram.RateLimitError](results[60].Err)
	require.True(t, ok)
	require.ErrorIs(t, limited, instagram.ErrThrottled)
	assert.EqualValues(t, 60, meta.Served())
	assert.EqualValues(t, 10, meta.Refused())

	unpaced := newClient(t, facebookConfig(), meta, instagram.WithLimiter(instagram.NoLimit()))
	results, err = accountOf(t, unpaced, meta, instagram.FacebookLogin).Batch(t.Context(), reads(2))
	require.NoError(t, err)
	require.ErrorIs(t, results[0].Err, instagram.ErrThrottled)
	assert.EqualValues(t, 12, meta.Refused(), "without a limiter to wait for, what was refused is not sent again")
}

// costs is a limiter that notes what calls cost.
type costs struct {
	instagram.Limiter

	mu       sync.Mutex
	cost     []int
	priority instagram.Priority
	outcomes []instagram.Outcome
}

func (c *costs) Acquire(ctx context.Context, call instagram.Call) (instagram.Permit, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cost, c.priority = append(c.cost, call.Cost), call.Priority
	return c.Limiter.Acquire(ctx, call)
}

func (c *costs) Done(p instagram.Permit, o instagram.Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.outcomes = append(c.outcomes, o)
	c.Limiter.Done(p, o)
}

func TestBatchRefusals(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	instagramAccount := accountOf(t, newClient(t, instagramConfig(), meta), meta, instagram.InstagramLogin)
	_, err := instagramAccount.Batch(t.Context(), reads(1))
	require.ErrorIs(t, err, errors.ErrUnsupported)
	require.ErrorContains(t, err, "one by one")

	account := accountOf(t, newClient(t, facebookConfig(), meta), meta, instagram.FacebookLogin)
	_, err = account.Batch(t.Context(), []instagram.BatchCall{
		{Path: ""}, {Method: "PATCH", Path: "me"}, {Path: "https://evil.example/me"}, {Path: "me/../x"}, {Path: "me", Params: 7}, {Path: "me"},
	})
	require.ErrorIs(t, err, instagram.ErrInvalidRequest)
	for i := range 5 {
		assert.Contains(t, err.Error(), fmt.Sprintf("call %d:", i))
	}
	assert.NotContains(t, err.Error(), "call 5:")
	assert.Empty(t, meta.Requests("", ""), "nothing is sent")

	results, err := account.Batch(t.Context(), nil)
	require.NoError(t, err)
	assert.Empty(t, results)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	results, err = account.Batch(ctx, reads(60))
	require.NoError(t, err)
	for _, r := range results {
		require.ErrorIs(t, r.Err, context.Canceled)
	}
}

// Nothing of a part's error holds the token, which the platform may echo.
func TestBatchKeepsTheToken(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	issued, err := meta.IssueToken(instagramtest.TokenSpec{Login: instagramtest.FacebookLogin, Kind: instagramtest.LongLived, Value: "canary-token-of-no-usual-form"})
	require.NoError(t, err)
	account := newClient(t, facebookConfig(), meta).With(instagram.StaticToken(&instagram.Token{
		AccessToken: instagram.NewSecret(issued.Value), Login: instagram.FacebookLogin, AccountID: account1,
	}))
	echo := instagramtest.Failing(100, 0)
	echo.Error.Message = "Invalid parameter: " + issued.Value
	meta.On("GET", "/"+account1).Always(echo)
	results, err := account.Batch(t.Context(), reads(1))
	require.NoError(t, err)
	require.Error(t, results[0].Err)
	assert.NotContains(t, results[0].Err.Error(), issued.Value)
}

func batches(meta *instagramtest.Platform) int { return len(meta.Requests("POST", "/")) }

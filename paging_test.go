package instagram_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

// listOf scripts an edge of ten items, three on a page.
func listOf(meta *instagramtest.Platform) {
	meta.On("GET", "/1/comments").Func(func(r instagramtest.Request) instagramtest.Answer {
		from, _ := strconv.Atoi(strings.TrimPrefix(r.Param("after"), "c"))
		var items []string
		for i := from; i < min(from+3, 10); i++ {
			items = append(items, fmt.Sprintf(`{"id":1784140579318764%d}`, i))
		}
		next := ""
		if from+3 < 10 {
			next = `,"next":"https://graph.instagram.com/v26.0/1/comments?access_token=SECRET&after=c` + strconv.Itoa(from+3) + `"`
		}
		return instagramtest.Answer{Body: fmt.Sprintf(`{"data":[%s],"paging":{"cursors":{"before":"b%d","after":"c%d"}%s}}`,
			strings.Join(items, ","), from, from+3, next)}
	})
}

type comment struct {
	ID instagram.ID `json:"id"`
}

func collect[T any](ctx context.Context, account *instagram.Account, path string, params any) (items []T, err error) {
	for item, failure := range instagram.All[T](ctx, account, path, params) {
		if failure != nil {
			return items, failure
		}
		items = append(items, item)
	}
	return items, nil
}

func TestAllReadsAListToItsEnd(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	account := accountOf(t, newClient(t, instagramConfig(), meta), meta, instagram.InstagramLogin)
	listOf(meta)
	items, err := collect[comment](t.Context(), account, "1/comments?limit=3&access_token=other", url.Values{"fields": {"id"}})
	require.NoError(t, err)
	require.Len(t, items, 10)
	assert.Equal(t, instagram.ID("17841405793187649"), items[9].ID, "every digit")
	requests := meta.Requests("GET", "/1/comments")
	require.Len(t, requests, 4)
	for i, r := range requests {
		assert.Equal(t, "3", r.Query.Get("limit"))
		assert.Equal(t, "id", r.Query.Get("fields"))
		assert.Empty(t, r.Query.Get("access_token"), "the link with the token is not followed")
		assert.Equal(t, []string{"", "c3", "c6", "c9"}[i], r.Query.Get("after"))
	}
}

func TestPagesKnowWhereTheyStand(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	account := accountOf(t, newClient(t, instagramConfig(), meta), meta, instagram.InstagramLogin)
	listOf(meta)
	for page, err := range instagram.Pages[comment](t.Context(), account, "1/comments", nil) {
		require.NoError(t, err)
		assert.Len(t, page.Items, 3)
		assert.Equal(t, "b0", page.Before)
		assert.Equal(t, "c3", page.After)
		assert.True(t, page.More)
		break
	}
	assert.Len(t, meta.Requests("GET", "/1/comments"), 1, "who breaks off asks for no more")
}

func TestAListThatStopsGoesOnFromItsCursor(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]instagramtest.Answer{
		"after a refusal":          instagramtest.Failing(10, 0),
		"after a broken answer":    {Body: `{"data":[{"id":1`},
		"after an item of no kind": {Body: `{"data":[{"id":{}}],"paging":{"cursors":{"after":"x"},"next":"x"}}`},
		"after a page of no list":  {Body: `{"id":"1"}`},
		"after HTML":               {Body: `<html></html>`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // what breaks off is asked for again
				meta := instagramtest.New()
				account := accountOf(t, newClient(t, instagramConfig(), meta), meta, instagram.InstagramLogin)
				n := 0
				trouble := meta.On("GET", "/1/comments").Func(func(instagramtest.Request) instagramtest.Answer {
					if n++; n >= 3 {
						return fault
					}
					return instagramtest.Answer{Body: fmt.Sprintf(`{"data":[{"id":%d},{"id":%d}],"paging":{"cursors":{"after":"c%d"},"next":"x"}}`, n*2, n*2+1, 3*n)}
				})
				items, err := collect[comment](t.Context(), account, "1/comments", nil)
				stopped, ok := errors.AsType[*instagram.PageError](err)
				require.True(t, ok, err)
				assert.Len(t, items, 4, "of the page that failed nothing was handed out")
				assert.Equal(t, 3, stopped.Number)
				assert.Equal(t, "c6", stopped.After)
				trouble.Off()
				listOf(meta)
				rest, err := collect[comment](t.Context(), account, "1/comments", map[string]string{"after": stopped.After})
				require.NoError(t, err)
				assert.Len(t, rest, 4)
			})
		})
	}
}

func TestListsThatCannotBeReadToTheirEnd(t *testing.T) {
	t.Parallel()
	page := func(items, paging string) string { return `{"data":[` + items + `],"paging":{` + paging + `}}` }
	tests := map[string]struct {
		answer func(n int) string
		items  int
		want   error
		text   string
	}{
		"cursors that come round": {
			answer: func(n int) string { return page(`{"id":1}`, fmt.Sprintf(`"cursors":{"after":"c%d"},"next":"x"`, n%5)) },
			items:  25, text: "in circles",
		},
		"a cursor that stays": {
			answer: func(int) string { return page(`{"id":1}`, `"cursors":{"after":"same"},"next":"x"`) }, items: 2, text: "in circles",
		},
		"empty pages without end": {
			answer: func(n int) string { return page(``, fmt.Sprintf(`"cursors":{"after":"c%d"},"next":"x"`, n)) }, text: "in circles",
		},
		"time instead of cursors": {
			answer: func(int) string {
				return page(`{"id":1}`, `"next":"https://graph.instagram.com/1/insights?since=1&until=2"`)
			},
			items: 1, want: errors.ErrUnsupported,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			meta := instagramtest.New()
			account := accountOf(t, newClient(t, instagramConfig(), meta), meta, instagram.InstagramLogin)
			n := 0
			meta.On("GET", "/1/comments").Func(func(instagramtest.Request) instagramtest.Answer {
				n++
				return instagramtest.Answer{Body: tt.answer(n)}
			})
			items, err := collect[comment](t.Context(), account, "1/comments", nil)
			_, ok := errors.AsType[*instagram.PageError](err)
			require.True(t, ok, err)
			assert.LessOrEqual(t, len(items), tt.items, "bounded")
			assert.LessOrEqual(t, n, 100)
			if tt.want != nil {
				require.ErrorIs(t, err, tt.want)
				assert.Len(t, items, tt.items, "what came is not lost")
			}
			assert.Contains(t, err.Error(), tt.text)
		})
	}
}

func TestPagingIsNeverLedAway(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	account := accountOf(t, newClient(t, instagramConfig(), meta), meta, instagram.InstagramLogin)
	meta.On("GET", "/1/comments").
		Once(instagramtest.Answer{Body: `{"data":[{"id":1}],"paging":{"cursors":{"after":"c1"},"next":"https://evil.example/?access_token=x"}}`}).
		Once(instagramtest.Answer{Body: `{"data":[{"id":2}]}`})
	items, err := collect[comment](t.Context(), account, "1/comments", nil)
	require.NoError(t, err)
	assert.Len(t, items, 2, "the next page is on the own host, by its cursor")

	_, err = collect[comment](t.Context(), account, "https://evil.example/1/comments", nil)
	require.ErrorIs(t, err, instagram.ErrInvalidRequest)
	_, err = collect[comment](t.Context(), account, "1/comments?%zz", nil)
	require.ErrorIs(t, err, instagram.ErrInvalidRequest)
	_, err = collect[comment](t.Context(), account, "1/comments", 7)
	require.ErrorIs(t, err, instagram.ErrInvalidRequest)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = collect[comment](ctx, account, "1/comments", nil)
	require.ErrorIs(t, err, context.Canceled)
}

// The person's Pages of the fake come in pages of 100, with next links that
// carry the token.
func TestAllOverManyPages(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New(instagramtest.WithPerson(instagramtest.Person{Pages: make([]instagramtest.Page, 230)}))
	issued, err := meta.IssueToken(instagramtest.TokenSpec{Login: instagramtest.FacebookLogin, Kind: instagramtest.LongLived})
	require.NoError(t, err)
	person := newClient(t, facebookConfig(), meta).With(instagram.StaticToken(&instagram.Token{
		AccessToken: instagram.NewSecret(issued.Value), Login: instagram.FacebookLogin,
	}))
	items, err := collect[comment](t.Context(), person, "me/accounts", url.Values{"limit": {"100"}, "fields": {"id"}})
	require.NoError(t, err)
	assert.Len(t, items, 230)
	assert.Len(t, meta.Requests("GET", "/me/accounts"), 3)
}

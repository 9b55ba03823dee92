package instagram

// This file answers: how is a list read that comes in pages?

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/seed-922467ee/instagram/internal/wire"
)

// ListPage is one page of a list. Facebook's Pages are something else: see [FoundPage].
type ListPage[T any] struct {
	Items []T
	// Before and After are the platform's cursors: they stand for the first and
	// the last item. "" when it sent none.
	Before, After string
	// More reports whether the platform said that another page follows.
	More bool
}

// PageError says where the reading of a list stopped. What came before is
// whole: no item of the page that failed was handed out.
type PageError struct {
	// Number is that of the page that failed, 1 for the first.
	Number int
	// After is the cursor to go on from: give it as the parameter "after", and
	// the list goes on where it stopped. "" for the first page.
	After string
	Err   error
}

// Error names the page and its failure.
func (e *PageError) Error() string { return fmt.Sprintf("page %d: %v", e.Number, e.Err) }

// Unwrap returns Err.
func (e *PageError) Unwrap() error { return e.Err }

// errEndless says that a list would go on for ever.
var errEndless = errors.New("the platform sends the reader in circles")

// maxEmptyPages bounds a run of pages without items. Pages may be empty or
// short where things in them are hidden from the caller, and others follow.
// Source: "Paginated results", read 2026.
const maxEmptyPages = 100

// All yields the items of an edge such as "me/accounts" or "{account}/media",
// from page to page to the end of the list. Params are those of [Account.Get]:
// "limit" is how many items one page has (25 when not given), "after" the cursor
// to begin at.
//
// A failed page ends the list with a [*PageError] and the zero item; it knows
// the cursor to go on from. The next page is always asked for by its cursor: the
// URL that the platform sends for it holds the token, and is not followed. A
// list that continues without a cursor (insights do, by time) ends with an
// error that matches [errors.ErrUnsupported] rather than unnoticed; one whose
// cursors come round again, or with a hundred empty pages in a row, ends with
// an error too.
//
// Each range over the result reads the list anew.
func All[T any](ctx context.Context, a *Account, path string, params any, opts ...CallOption) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for page, err := range Pages[T](ctx, a, path, params, opts...) {
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
		}
	}
}

// Pages yields a list page by page; see [All].
func Pages[T any](ctx context.Context, a *Account, path string, params any, opts ...CallOption) iter.Seq2[*ListPage[T], error] {
	return func(yield func(*ListPage[T], error) bool) {
		edge, query, err := splitList(path, params)
		if err != nil {
			yield(nil, fmt.Errorf("instagram: list: %w", &PageError{Number: 1, Err: err}))
			return
		}
		var seen circle
		for number, empty := 1, 0; ; number++ {
			page, err := readPage[T](ctx, a, edge, query, opts)
			if err == nil {
				if !yield(page, nil) || !page.More {
					return
				}
				if empty++; len(page.Items) > 0 {
					empty = 0
				}
				err = page.goesOn(empty, &seen)
				query.Set("after", page.After)
				if err == nil {
					continue
				}
				number++ // the page that is not asked for
			}
			yield(nil, fmt.Errorf("instagram: list: %w", &PageError{Number: number, After: query.Get("after"), Err: err}))
			return
		}
	}
}

// goesOn returns why the page that follows cannot be asked for, nil when it can.
func (p *ListPage[T]) goesOn(empty int, seen *circle) error {
	switch {
	case p.After == "":
		return fmt.Errorf("the list goes on without a cursor: read it with Get, by since and until: %w", errors.ErrUnsupported)
	case empty >= maxEmptyPages || seen.again(p.After):
		return errEndless
	}
	return nil
}

// splitList takes the query off a path and returns it with the parameters, so
// that the cursor is in one place. What signs a call drops the credentials of a
// copied URL.
func splitList(path string, params any) (edge string, query url.Values, err error) {
	given, err := paramValues(params)
	if err != nil {
		return "", nil, err
	}
	edge, raw, _ := strings.Cut(path, "?")
	query, err = url.ParseQuery(raw)
	if err != nil {
		return "", nil, fmt.Errorf("the query of the path cannot be read: %w", ErrInvalidRequest)
	}
	for name, values := range given {
		query[name] = slices.Clone(values)
	}
	return edge, query, nil
}

func readPage[T any](ctx context.Context, a *Account, edge string, query url.Values, opts []CallOption) (*ListPage[T], error) {
	var body json.RawMessage
	if err := a.call(ctx, http.MethodGet, edge, query, &body, opts...); err != nil {
		return nil, err
	}
	answer := wire.Parse(body)
	data := answer.Get("data")
	if !data.IsArray() {
		return nil, a.answerError(edge, `no list under "data": this is not an edge`)
	}
	page := &ListPage[T]{
		Before: answer.Get("paging", "cursors", "before").Text(),
		After:  answer.Get("paging", "cursors", "after").Text(),
		More:   answer.Get("paging", "next").Exists(),
	}
	if err := unmarshal(data.Raw(), &page.Items); err != nil {
		return nil, a.answerError(edge, decodeProblem(err, page.Items))
	}
	return page, nil
}

// answerError says that a success could not be understood.
func (a *Account) answerError(path, problem string) error {
	return &AnswerError{Op: "GET " + routeOf(path), Host: a.c.hosts.graph.Host, HTTPStatus: http.StatusOK, Problem: problem}
}

// circle notices when a sequence comes round: it keeps one element in each
// stretch of doubled length, and no more (Brent's algorithm).
type circle struct {
	kept         string
	steps, until int
}

func (c *circle) again(cursor string) bool {
	if c.steps > 0 && cursor == c.kept {
		return true
	}
	if c.steps++; c.steps > c.until {
		c.kept, c.until = cursor, 2*c.steps
	}
	return false
}

package instagram

// This file answers: how does a program call the Graph API in one line?

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"github.com/google/go-querystring/query"

	"github.com/seed-922467ee/instagram/internal/redact"
)

// maxAnswer bounds an answer that this package decodes. Larger ones are read
// through [Account.HTTPClient].
const maxAnswer = 32 << 20

// Account makes calls with one token source. Make it with [Client.Account] or
// [Client.With]; it is safe for concurrent use and cheap to keep.
type Account struct {
	c    *Client
	src  TokenSource
	http *http.Client
}

// With returns an [Account] that signs with the tokens of src.
func (c *Client) With(src TokenSource) *Account {
	src = given(src)
	return &Account{c: c, src: src, http: c.HTTPClient(src)}
}

// HTTPClient returns the signed client that the account's calls go through.
func (a *Account) HTTPClient() *http.Client { return a.http }

// Get asks for path and decodes the answer into out.
//
// A path is relative to the host and version: "me", "17841405793187218/media".
// It may carry a query, and it may be a whole URL of the product's own host,
// such as the next page of a list; another host is refused, and so is a path
// that repeats the version.
//
// Params is nil, a [url.Values], a map[string]string, or a struct (or a pointer
// to one) as github.com/google/go-querystring encodes it: fields have
// `url:"name"` tags, and a slice becomes one parameter for each element; Meta
// wants lists as one parameter with commas, which is `url:"fields,comma"`.
//
// Out is nil, or a pointer for encoding/json; anything else is refused before
// anything is sent. Numbers that go into an any are [json.Number], so that IDs
// keep their digits (see [ID] for a field that takes both forms).
//
// Errors are [*Error] for what the platform said, [*RateLimitError] for a
// quota, and never hold the token.
func (a *Account) Get(ctx context.Context, path string, params, out any, opts ...CallOption) error {
	return a.do(ctx, http.MethodGet, path, params, out, opts)
}

// Post sends params as a form. A write is sent again only when it provably did
// not happen, or is declared [Repeatable]; when it is not known whether it took
// effect, the error matches [ErrOutcomeUnknown]. See [Account.Get] for the rest.
func (a *Account) Post(ctx context.Context, path string, params, out any, opts ...CallOption) error {
	return a.do(ctx, http.MethodPost, path, params, out, opts)
}

// Delete removes what path names. It is sent again as a read is; when there is
// nothing then, the error matches [ErrOutcomeUnknown]: the earlier attempt, to
// which no good answer came, may have removed it. See [Account.Get] for the rest.
func (a *Account) Delete(ctx context.Context, path string, params, out any, opts ...CallOption) error {
	return a.do(ctx, http.MethodDelete, path, params, out, opts)
}

func (a *Account) do(ctx context.Context, method, path string, params, out any, opts []CallOption) error {
	if err := a.call(ctx, method, path, params, out, opts...); err != nil {
		return fmt.Errorf("instagram: %w", err)
	}
	return nil
}

// call is what Get, Post and Delete do, for methods that give the error a
// context of their own.
func (a *Account) call(ctx context.Context, method, path string, params, out any, opts ...CallOption) error {
	if v := reflect.ValueOf(out); out != nil && (v.Kind() != reflect.Pointer || v.IsNil()) {
		return fmt.Errorf("%s: an answer cannot go into a %T that is no pointer or nil: pass a pointer: %w", method, out, ErrInvalidRequest)
	}
	var made *call
	ctx = WithCallOptions(WithCallOptions(ctx, opts...), func(o *callOptions) { o.made, o.whole = &made, maxAnswer+1 })
	req, err := a.newRequest(ctx, method, path, params)
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	op := method + " " + routeOf(req.URL.Path)
	resp, err := a.http.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w", op, redact.Err(err))
	}
	defer func() { _ = resp.Body.Close() }()
	if err := made.failure(op); err != nil {
		return err
	}
	if err := decode(resp, out); err != nil {
		if made.cut && made.isWrite() && !made.opts.repeatable {
			err = fmt.Errorf("%w: %w", err, ErrOutcomeUnknown)
		}
		return fmt.Errorf("%s: %w", op, made.blot(err))
	}
	return nil
}

func decode(resp *http.Response, out any) error {
	if out == nil {
		_, err := io.CopyN(io.Discard, resp.Body, maxAnswer) // to its end, so that the connection is used again
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("reading the answer: %w", err)
		}
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	answer := &AnswerError{Op: "decode", Host: resp.Request.URL.Host, HTTPStatus: resp.StatusCode}
	if len(body) > maxAnswer {
		answer.Problem = fmt.Sprintf("the answer is longer than %d MiB", maxAnswer>>20)
		return answer
	}
	if err := unmarshal(body, out); err != nil {
		answer.Problem = decodeProblem(err, out)
		return answer
	}
	return nil
}

// unmarshal decodes JSON; numbers that go into an any keep their digits.
func unmarshal(data []byte, out any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	return dec.Decode(out)
}

// decodeProblem says why an answer does not fit, without a byte of the answer.
func decodeProblem(err error, out any) string {
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Sprintf("field %q is a %s and does not fit %s", t.Field, firstWord(t.Value), t.Type)
	}
	return fmt.Sprintf("not JSON that fits %T", out)
}

func firstWord(s string) string {
	word, _, _ := strings.Cut(s, " ")
	return word
}

func (a *Account) newRequest(ctx context.Context, method, path string, params any) (*http.Request, error) {
	values, err := paramValues(params)
	if err != nil {
		return nil, err
	}
	u, err := a.c.callURL(path)
	if err != nil {
		return nil, err
	}
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(values.Encode())
	} else if len(values) > 0 {
		u.RawQuery = joinQuery(u.RawQuery, values.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, errors.New("the request cannot be made: its path has characters that a URL never has")
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return req, nil
}

// paramValues turns what a caller gives as parameters into query values.
func paramValues(params any) (url.Values, error) {
	switch p := params.(type) {
	case nil:
		return url.Values{}, nil
	case url.Values:
		return p, nil
	case map[string]string:
		values := url.Values{}
		for name, value := range p {
			values.Set(name, value)
		}
		return values, nil
	}
	values, err := query.Values(params)
	if err != nil {
		return nil, fmt.Errorf("parameters: %T is neither url.Values nor a struct with `url:` tags: %w", params, ErrInvalidRequest)
	}
	return values, nil
}

// callURL returns where a call to path goes: below host and version, or, for a
// whole URL, there, if that is the product's own host.
func (c *Client) callURL(path string) (*url.URL, error) {
	u, err := url.Parse(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the path is no URL path: %w", ErrInvalidRequest)
	case u.IsAbs() || u.Host != "":
		if !within(u, c.hosts.graph) {
			return nil, &ForeignHostError{Host: u.Host, Login: c.cfg.Login}
		}
		u.Fragment = ""
		return u, nil
	case u.Opaque != "" || strings.Trim(u.Path, "/") == "":
		return nil, fmt.Errorf("the path is empty: give what follows the version, such as \"me\": %w", ErrInvalidRequest)
	}
	if first, _, _ := strings.Cut(strings.TrimLeft(u.Path, "/"), "/"); c.cfg.Version != Unversioned && checkVersion(first) == nil {
		return nil, fmt.Errorf("the path begins with a version, which is put before it: leave the version out: %w", ErrInvalidRequest)
	}
	for part := range strings.SplitSeq(u.Path, "/") {
		if part == "." || part == ".." {
			return nil, fmt.Errorf("the path must not have . or .. in it: %w", ErrInvalidRequest)
		}
	}
	full := c.versioned(c.hosts.graph, u.Path)
	full.RawQuery = u.RawQuery
	return full, nil
}

func joinQuery(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "&" + b
}

// routeOf returns a path without version and with IDs replaced, for errors,
// logs and spans: "/{id}/media".
func routeOf(path string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		switch {
		case checkVersion(part) == nil, strings.Contains(part, ".instagram.com"), strings.Contains(part, ".facebook.com"):
			continue // the version; a host that a test endpoint keeps in the path
		case strings.Trim(part, "0123456789_") == "":
			part = "{id}"
		case len(part) > 40:
			part = "{…}"
		}
		b.WriteString("/" + part)
	}
	return b.String()
}

// ID is an identifier that the wire may write as a number or as a string; it
// keeps the exact digits. Use it for ID fields of your own structs.
type ID string

// UnmarshalJSON reads 17841405793187218 and "17841405793187218" alike; null is "".
func (id *ID) UnmarshalJSON(data []byte) error {
	var n json.Number
	if err := json.Unmarshal(data, &n); err == nil {
		*id = ID(n)
		return nil
	}
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return errors.New("an ID is a number or a string")
	}
	*id = ID(s)
	return nil
}

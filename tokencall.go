package instagram

// This file answers: how is a token endpoint asked, and what did it say?

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/seed-922467ee/instagram/internal/redact"
	"github.com/seed-922467ee/instagram/internal/wire"
)

const (
	// maxTokenAnswer bounds the answer of a token endpoint; tokens have no documented length.
	maxTokenAnswer = 1 << 20
	// tokenTimeout bounds one token call with all its attempts.
	tokenTimeout = 90 * time.Second
)

// tokenRequest is one request to an endpoint that deals in tokens and secrets.
type tokenRequest struct {
	op     string
	method string
	url    string
	params url.Values
	bearer Secret
	once   bool // must not be repeated, whatever happens
	// answersErrors: the answer describes errors that are not the call's own
	answersErrors bool
}

// AnswerError says that a 2xx answer could not be understood. It never holds
// the answer, which may have a token in it.
type AnswerError struct {
	Op         string
	Host       string
	HTTPStatus int
	Problem    string
}

// Error returns what was missing.
func (e *AnswerError) Error() string {
	return fmt.Sprintf("%s: %s answered HTTP %d: %s", e.Op, e.Host, e.HTTPStatus, e.Problem)
}

// tokenCall asks a token endpoint for a token.
func (c *Client) tokenCall(ctx context.Context, r *tokenRequest) (wire.Token, error) {
	body, err := c.send(ctx, r)
	if err != nil {
		return wire.Token{}, err
	}
	answer, ok := wire.DecodeToken(body)
	if !ok {
		err := error(&AnswerError{Op: r.op, Host: r.host(), HTTPStatus: http.StatusOK, Problem: "no access token in the answer"})
		if r.once {
			err = fmt.Errorf("%w: %w", err, ErrOutcomeUnknown) // the code is spent, and what for is lost
		}
		return wire.Token{}, err
	}
	return answer, nil
}

// send sends the request and returns the body of a 2xx answer. Its errors hold
// no secret: those of net/http print whole URLs.
func (c *Client) send(ctx context.Context, r *tokenRequest) ([]byte, error) {
	if end, ok := ctx.Deadline(); !ok || time.Until(end) > tokenTimeout {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, tokenTimeout)
		defer cancel()
	}
	var made *call
	ctx = WithCallOptions(ctx, func(o *callOptions) {
		o.once, o.secrets, o.made = r.once, r.secrets(), &made
		if !r.once { // of what must not be repeated, a part is better than nothing
			o.whole = maxTokenAnswer
		}
	})
	req, err := r.build(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: the request cannot be made", r.op)
	}
	resp, err := c.bare.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.op, redact.Err(err, r.secrets()...))
	}
	defer func() { _ = resp.Body.Close() }()
	if err := made.failure(r.op); err != nil && (!r.answersErrors || resp.StatusCode != http.StatusOK) {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxTokenAnswer))
	if err != nil && !r.once { // of what must not be repeated, keep what arrived: the token may be in it
		return nil, fmt.Errorf("%s: reading the answer: %w", r.op, made.blot(err))
	}
	return body, nil
}

// host returns the host that the request goes to.
func (r *tokenRequest) host() string {
	u, err := url.Parse(r.url)
	if err != nil {
		return ""
	}
	return u.Host
}

func (r *tokenRequest) build(ctx context.Context) (*http.Request, error) {
	target, body := r.url, ""
	if r.method == http.MethodPost {
		body = r.params.Encode()
	} else if len(r.params) > 0 {
		target += "?" + r.params.Encode()
	}
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, reader)
	if err != nil {
		return nil, err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header.Set("Accept", "application/json")
	if !r.bearer.IsZero() {
		req.Header.Set("Authorization", "Bearer "+r.bearer.Reveal())
	}
	return req, nil
}

// secrets returns the values that must appear in no error.
func (r *tokenRequest) secrets() []string {
	secrets := []string{r.bearer.Reveal()}
	for name, values := range r.params {
		switch name {
		case "grant_type", "client_id", "redirect_uri", "fields", "limit", "set_token_expires_in_60_days":
		default:
			secrets = append(secrets, values...)
		}
	}
	return secrets
}

// newToken turns a token answer into a token. Its age is counted from the
// moment before the request: rather a second too old than too young.
func (c *Client) newToken(a wire.Token, sent time.Time) *Token {
	t := &Token{
		AccessToken: NewSecret(a.AccessToken),
		Login:       c.cfg.Login,
		AppScopedID: a.UserID,
		ObtainedAt:  sent,
		ExpiresAt:   expiry(a, sent),
		Scopes:      scopesOf(a.Permissions),
	}
	return t
}

// expiry computes when a token ends. What is absent, not positive or beyond a
// century is unknown, and never a wrong date.
func expiry(a wire.Token, sent time.Time) time.Time {
	const century = 100 * 365 * 24 * 60 * 60
	if !a.HasExpiry || a.ExpiresIn <= 0 || a.ExpiresIn > century {
		return time.Time{}
	}
	return sent.Add(time.Duration(a.ExpiresIn) * time.Second)
}

func scopesOf(names []string) []Scope {
	if names == nil {
		return nil
	}
	scopes := make([]Scope, len(names))
	for i, name := range names {
		scopes[i] = Scope(name)
	}
	return scopes
}

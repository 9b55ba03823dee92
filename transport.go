package instagram

// This file answers: through which layers does a call pass, and in which order?

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// TokenSource gives the token to sign with. Implementations are safe for
// concurrent use and answer quickly when they have a token that is good.
type TokenSource interface {
	Token(ctx context.Context) (*Token, error)
}

// StaticToken returns a source that always gives tok.
func StaticToken(tok *Token) TokenSource { return staticToken{tok} }

// given stands in for a source that is nil: it says so when it is asked.
func given(src TokenSource) TokenSource {
	if src == nil {
		return StaticToken(nil)
	}
	return src
}

type staticToken struct{ tok *Token }

func (s staticToken) Token(context.Context) (*Token, error) {
	switch {
	case s.tok == nil:
		return nil, fmt.Errorf("the token source is nil, or StaticToken was given nil: %w", ErrTokenNotFound)
	case s.tok.AccessToken.IsZero():
		return nil, fmt.Errorf("StaticToken was given a token without AccessToken: %w", ErrTokenNotFound)
	}
	return s.tok, nil
}

// HTTPClient returns a client that signs requests with the tokens of src,
// paces and retries them. It sends them to the login product's own hosts only,
// never across a redirect, and works under any code that takes an
// *[http.Client]. Answers are returned as they are; [CheckResponse] tells what
// they mean. Options of a call travel by [WithCallOptions].
func (c *Client) HTTPClient(src TokenSource) *http.Client {
	return &http.Client{Transport: c.layers(given(src)), CheckRedirect: noRedirect}
}

// layers is the one place that says which layers there are, outermost first:
// each attempt takes a permit, carries the current token and a fresh proof.
func (c *Client) layers(src TokenSource) http.RoundTripper {
	return c.tracing(src, c.retrying(src, c.limiting(c.authorizing(src, c.classifying(c.base)))))
}

// bareLayers are those of the token endpoints, which carry no token to sign
// with and count against no quota that Meta documents.
func (c *Client) bareLayers() http.RoundTripper {
	return c.tracing(nil, c.retrying(nil, c.classifying(c.base)))
}

// noRedirect keeps the redirect as the answer. net/http would send the token,
// the form or, by the Referer, the query to wherever it points.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// newBaseTransport is http.DefaultTransport with the timeouts that it lacks, or
// as it is where the program has put a transport of another kind there.
func newBaseTransport() http.RoundTripper {
	known, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	t := known.Clone()
	t.ResponseHeaderTimeout = 30 * time.Second
	t.MaxResponseHeaderBytes = 256 << 10
	t.MaxIdleConnsPerHost = 64
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second}
	return t
}

// ForeignHostError says that a request was not sent because it was not for the
// hosts of the client's login product. It matches [ErrInvalidRequest].
type ForeignHostError struct {
	Host  string
	Login Login
}

// Error names the host.
func (e *ForeignHostError) Error() string {
	return fmt.Sprintf("not sent: %q is no host of the %s login product, or not over https", e.Host, e.Login)
}

// Is reports whether target is [ErrInvalidRequest].
func (e *ForeignHostError) Is(target error) bool { return target == ErrInvalidRequest }

// roundTripper makes a function a layer.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// closeBody keeps the contract of a RoundTripper that sends nothing.
func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}

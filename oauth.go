package instagram

// This file answers: how is a person sent to Meta by hand, and what is the
// code worth that comes back?

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/oauth2"
)

func (c *Client) newOAuthConfig() *oauth2.Config {
	authorize := at(c.hosts.authorize, "oauth", "authorize")
	token := at(c.hosts.token, "oauth", "access_token")
	if c.cfg.Login == FacebookLogin {
		authorize = c.versioned(c.hosts.authorize, "dialog", "oauth")
		token = c.versioned(c.hosts.token, "oauth", "access_token")
	}
	return &oauth2.Config{
		ClientID:    c.cfg.AppID,
		RedirectURL: c.cfg.RedirectURL,
		Endpoint:    oauth2.Endpoint{AuthURL: authorize.String(), TokenURL: token.String(), AuthStyle: oauth2.AuthStyleInParams},
	}
}

// versioned returns the URL of a path below base and the Graph API version.
func (c *Client) versioned(base *url.URL, elem ...string) *url.URL {
	if c.cfg.Version != Unversioned {
		base = at(base, c.cfg.Version)
	}
	return at(base, elem...)
}

// AuthCodeURL returns the URL of Meta's login window. The state must be
// unguessable, new for each attempt, and kept with the person's session, for
// [ParseCallback] to compare. [Client.BeginLogin] does all of that.
//
// Options that belong to the other product are left out of the URL;
// BeginLogin reports them.
func (c *Client) AuthCodeURL(state string, opts ...AuthCodeOption) string {
	return c.authCodeURL(state, c.newAuthCode(opts))
}

func (c *Client) authCodeURL(state string, a *authCode) string {
	params := []oauth2.AuthCodeOption{}
	if scopes := a.scopes; len(scopes) > 0 {
		params = append(params, oauth2.SetAuthURLParam("scope", joinScopes(scopes)))
	}
	for name, values := range a.params {
		params = append(params, oauth2.SetAuthURLParam(name, values[0]))
	}
	return c.oauth.AuthCodeURL(state, params...)
}

// ExchangeOption changes one code exchange.
type ExchangeOption func(url.Values)

// CodeVerifier sends the PKCE code verifier that belongs to the challenge of
// [CodeChallenge]. Only Facebook Login's OIDC flow documents PKCE.
func CodeVerifier(verifier string) ExchangeOption {
	return func(form url.Values) { form.Set("code_verifier", verifier) }
}

// WithoutRedirectURI leaves the redirect URI out, as codes need it that
// Facebook's JavaScript SDK obtained (source: "Facebook Login for Business").
func WithoutRedirectURI() ExchangeOption {
	return func(form url.Values) { form.Del("redirect_uri") }
}

// Exchange trades an authorization code for a short-lived token. It trusts its
// caller to have checked the state: use [ParseCallback], or
// [Client.FinishLogin], which cannot skip it.
//
// A code is good once. Exchange therefore sends one request and never a second:
// when no clear answer comes, the error matches [ErrOutcomeUnknown] and the
// person must log in again. A code that was used or is too old gives
// [ErrCodeInvalid], a redirect URI that differs [ErrRedirectURIMismatch], the
// wrong ID and secret pair [ErrAppConfig].
//
// On Instagram Login the token lives for [ShortLivedLifetime], and AccountID
// is empty: the ID in this answer is not documented to be the one for API
// paths, so it is only kept as AppScopedID. On Facebook Login ExpiresAt is zero
// when Meta does not say.
func (c *Client) Exchange(ctx context.Context, code string, opts ...ExchangeOption) (*Token, error) {
	code = trimFragment(strings.TrimSpace(code))
	if code == "" {
		return nil, fmt.Errorf("instagram: exchange: the code is empty: %w", ErrCodeInvalid)
	}
	form := url.Values{
		"client_id":     {c.cfg.AppID},
		"client_secret": {c.cfg.AppSecret.Reveal()},
		"grant_type":    {"authorization_code"},
		"redirect_uri":  {c.cfg.RedirectURL},
		"code":          {code},
	}
	for _, opt := range opts {
		if opt != nil {
			opt(form)
		}
	}
	sent := c.now()
	answer, err := c.tokenCall(ctx, &tokenRequest{op: "exchange", method: http.MethodPost, url: c.oauth.Endpoint.TokenURL, params: form, once: true})
	if err != nil {
		return nil, fmt.Errorf("instagram: %w", err)
	}
	t := c.newToken(answer, sent)
	t.GrantedAt = sent
	if c.cfg.Login == InstagramLogin && t.ExpiresAt.IsZero() {
		t.ExpiresAt = sent.Add(ShortLivedLifetime)
	}
	return t, nil
}

package instagram

// This file answers: how does a token become one that lives longer?

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// ExchangeLongLived trades a short-lived token for one of about 60 days. Both
// products can be asked again when no answer came: the short-lived token stays
// good.
//
// A token of Meta's dashboard is long-lived already, and Instagram refuses to
// exchange it; [Client.AdoptToken] recognises it.
//
// Nothing is stored, and the token does not know its account yet. Go on with
// ResumeLogin(ctx, &LoginResult{Token: long}), which finds the account and stores
// the token under it; see [Client.ResumeLogin].
func (c *Client) ExchangeLongLived(ctx context.Context, short *Token) (*Token, error) {
	t, err := c.renew(ctx, "exchange long-lived", short, c.longLivedRequest(short))
	if err != nil {
		return nil, fmt.Errorf("instagram: %w", err)
	}
	return t, nil
}

// RefreshToken trades a long-lived token for one that lives another 60 days.
// It is the call alone: nothing is stored. The token that comes back may be the
// same string or another; whether the old one lives on is not documented, so
// use the new one only.
//
// On Instagram Login a token younger than [MinRefreshAge] gives
// [ErrTokenTooYoung], on both an expired one [ErrTokenExpired]; nothing is sent
// then. Facebook Login has no refresh: the long-lived exchange is done again,
// while the token lives.
func (c *Client) RefreshToken(ctx context.Context, long *Token) (*Token, error) {
	const op = "refresh"
	switch now := c.now(); {
	case long == nil || long.AccessToken.IsZero():
	case long.Kind == PageToken:
		return nil, fmt.Errorf("instagram: %s: a Page token is renewed by renewing the person's token: %w", op, ErrInvalidRequest)
	case long.expired(now):
		return nil, fmt.Errorf("instagram: %s: %w", op, ErrTokenExpired)
	case long.tooYoung(now):
		return nil, fmt.Errorf("instagram: %s: it can be refreshed from %s on: %w",
			op, long.ObtainedAt.Add(MinRefreshAge).UTC().Format(time.RFC3339), ErrTokenTooYoung)
	}
	t, err := c.refreshCall(ctx, long)
	if err != nil {
		return nil, fmt.Errorf("instagram: %w", err)
	}
	return t, nil
}

// refreshCall is the call alone; its errors say which it was.
func (c *Client) refreshCall(ctx context.Context, long *Token) (*Token, error) {
	const op = "refresh"
	if c.cfg.Login == FacebookLogin {
		return c.renew(ctx, op, long, c.longLivedRequest(long))
	}
	return c.renew(ctx, op, long, func() *tokenRequest {
		return &tokenRequest{
			op: op, method: http.MethodGet, url: at(c.hosts.graph, "refresh_access_token").String(),
			params: url.Values{"grant_type": {"ig_refresh_token"}, "access_token": {long.AccessToken.Reveal()}},
		}
	})
}

// longLivedRequest returns the exchange that both products document as GET
// with everything in the query.
func (c *Client) longLivedRequest(t *Token) func() *tokenRequest {
	return func() *tokenRequest {
		if c.cfg.Login == FacebookLogin {
			params := url.Values{
				"grant_type":        {"fb_exchange_token"},
				"client_id":         {c.cfg.AppID},
				"client_secret":     {c.cfg.AppSecret.Reveal()},
				"fb_exchange_token": {t.AccessToken.Reveal()},
			}
			if t.Kind == SystemUser { // source: "Install apps and generate tokens", read 2026-09
				params.Set("set_token_expires_in_60_days", "true")
			}
			return &tokenRequest{op: "exchange long-lived", method: http.MethodGet, url: c.oauth.Endpoint.TokenURL, params: params}
		}
		return &tokenRequest{
			// unversioned, also where everything else is versioned
			op: "exchange long-lived", method: http.MethodGet, url: at(c.hosts.graph, "access_token").String(),
			params: url.Values{
				"grant_type":    {"ig_exchange_token"},
				"client_secret": {c.cfg.AppSecret.Reveal()},
				"access_token":  {t.AccessToken.Reveal()},
			},
		}
	}
}

var errNoToken = errors.New("there is no token to work with")

// renew sends a request that turns one token into its successor, and carries
// over what the answer does not say.
func (c *Client) renew(ctx context.Context, op string, old *Token, request func() *tokenRequest) (*Token, error) {
	if old == nil || old.AccessToken.IsZero() {
		return nil, fmt.Errorf("%s: %w: %w", op, errNoToken, ErrInvalidRequest)
	}
	if err := c.ownToken(old); err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	r := request()
	r.op = op
	sent := c.now()
	answer, err := c.tokenCall(ctx, r)
	if err != nil {
		return nil, err
	}
	t := old.clone()
	fresh := c.newToken(answer, sent)
	t.AccessToken, t.ObtainedAt, t.ExpiresAt, t.Permanent = fresh.AccessToken, fresh.ObtainedAt, fresh.ExpiresAt, false
	if t.Kind == ShortLived {
		t.Kind = LongLived
	}
	if fresh.Scopes != nil {
		t.Scopes = fresh.Scopes
	}
	return t, nil
}

// ownToken refuses a token of the other product before a byte is sent.
func (c *Client) ownToken(t *Token) error {
	if t.Login != c.cfg.Login {
		return fmt.Errorf("the token belongs to the %s login product, this client to the %s one: %w", t.Login, c.cfg.Login, ErrInvalidRequest)
	}
	return nil
}

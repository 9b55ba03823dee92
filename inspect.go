package instagram

// This file answers: what does the platform know of a token, and how is it
// taken in or given up?

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/seed-922467ee/instagram/internal/wire"
)

// TokenInfo is what the platform knows of a token. A field that it did not
// send has its zero value, and [TokenInfo.Source] says what could be asked.
type TokenInfo struct {
	Source InspectionSource
	// Valid reports whether the token can be used now; when not, Err says why.
	Valid bool
	Err   *Error

	AppID       string // "" when not known
	Application string // the app's name
	Type        string // USER, PAGE, SYSTEM_USER … in Meta's words
	UserID      string // app-scoped
	ProfileID   string // the Page of a Page token
	AccountID   string // professional account, from /me on Instagram Login

	IssuedAt            time.Time
	ExpiresAt           time.Time // zero: not known, or see NeverExpires
	NeverExpires        bool      // Meta sent 0 for the end
	DataAccessExpiresAt time.Time
	Scopes              []Scope
	GranularScopes      []GranularScope
}

// GranularScope is a permission that may be granted for some objects only.
type GranularScope struct {
	Scope     Scope
	TargetIDs []string // Pages, accounts; nil: all
}

// InspectionSource says where a [TokenInfo] comes from.
type InspectionSource string

const (
	// FromDebugToken: all fields are known as far as Meta sent them.
	FromDebugToken InspectionSource = "debug_token"
	// FromProfile: Instagram Login documents no inspection, so /me was asked:
	// known are Valid, AccountID and UserID; not known are app, dates and scopes,
	// except those that the token itself carries.
	FromProfile InspectionSource = "/me"
)

// InspectToken asks the platform about a token. On Facebook Login debug_token
// answers, asked with the app's own token. Instagram Login documents no such
// call; there /me proves that the token lives, and dates and scopes are those
// that tok carries. A dead token is no error: Valid is false and Err says why.
func (c *Client) InspectToken(ctx context.Context, tok *Token) (*TokenInfo, error) {
	const op = "instagram: inspect token: %w"
	if tok == nil || tok.AccessToken.IsZero() {
		return nil, fmt.Errorf(op, fmt.Errorf("%w: %w", errNoToken, ErrInvalidRequest))
	}
	if err := c.ownToken(tok); err != nil {
		return nil, fmt.Errorf(op, err)
	}
	inspect := c.inspectByProfile
	if c.cfg.Login == FacebookLogin {
		inspect = c.debugToken
	}
	info, err := inspect(ctx, tok)
	if err != nil {
		return nil, fmt.Errorf(op, err)
	}
	return info, nil
}

func (c *Client) inspectByProfile(ctx context.Context, tok *Token) (*TokenInfo, error) {
	info := &TokenInfo{
		Source: FromProfile, ExpiresAt: tok.ExpiresAt, Scopes: tok.Scopes,
		AccountID: tok.AccountID, UserID: tok.AppScopedID,
	}
	r := &LoginResult{Token: tok}
	err := c.askProfile(ctx, r)
	if errors.Is(err, ErrTokenInvalid) {
		info.Err, _ = errors.AsType[*Error](err)
		return info, nil
	}
	if err != nil {
		return nil, err
	}
	info.Valid, info.AccountID, info.UserID = true, r.Token.AccountID, r.Token.AppScopedID
	return info, nil
}

func (c *Client) debugToken(ctx context.Context, tok *Token) (*TokenInfo, error) {
	body, err := c.send(ctx, &tokenRequest{
		op: "debug_token", method: http.MethodGet, url: c.versioned(c.hosts.graph, "debug_token").String(),
		params: url.Values{
			"input_token":  {tok.AccessToken.Reveal()},
			"access_token": {c.appToken().Reveal()},
		},
		answersErrors: true,
	})
	if err != nil {
		return nil, err
	}
	info := tokenInfo(body, tok.AccessToken.Reveal())
	if info == nil {
		return nil, &AnswerError{Op: "debug_token", Host: c.hosts.graph.Host, HTTPStatus: http.StatusOK, Problem: "not a description of a token"}
	}
	return info, nil
}

// appToken is the app's own token in its literal form.
// Source: "Access tokens", app access tokens.
func (c *Client) appToken() Secret {
	return NewSecret(c.cfg.AppID + "|" + c.cfg.AppSecret.Reveal())
}

// tokenInfo reads an answer of debug_token, with or without its data envelope.
func tokenInfo(body []byte, secrets ...string) *TokenInfo {
	v := wire.Unwrap(wire.Parse(body))
	failure := v.Get("error")
	valid, stated := v.Get("is_valid").Bool()
	if !stated && !failure.IsObject() {
		return nil
	}
	info := &TokenInfo{
		Source: FromDebugToken, Valid: valid,
		AppID: v.Get("app_id").ID(), Application: v.Get("application").Text(), Type: v.Get("type").Text(),
		UserID: v.Get("user_id").ID(), ProfileID: v.Get("profile_id").ID(),
		IssuedAt: unixTime(v.Get("issued_at")), ExpiresAt: unixTime(v.Get("expires_at")),
		DataAccessExpiresAt: unixTime(v.Get("data_access_expires_at")),
		Scopes:              scopesOf(v.Get("scopes").Names()),
	}
	if end, ok := v.Get("expires_at").Int(); ok && end == 0 {
		info.NeverExpires = valid
	}
	for g := range v.Get("granular_scopes").Elems() {
		info.GranularScopes = append(info.GranularScopes, GranularScope{
			Scope: Scope(g.Get("scope").Text()), TargetIDs: g.Get("target_ids").Names(),
		})
	}
	if failure.IsObject() {
		info.Err = newInnerError("debug_token", failure.Raw(), secrets...)
	}
	return info
}

// unixTime reads seconds since 1970; 0, absent and absurd give the zero time.
func unixTime(v wire.Value) time.Time {
	const farthest = 1 << 36 // the year 4147
	if s, ok := v.Int(); ok && s > 0 && s < farthest {
		return time.Unix(s, 0)
	}
	return time.Time{}
}

// invalid returns why the token cannot be used.
func (i *TokenInfo) invalid() error {
	if i.Err != nil {
		return i.Err
	}
	return fmt.Errorf("debug_token says that it is not valid: %w", ErrTokenInvalid)
}

// kind returns what the type that Meta names means for a token that was held
// to be of kind k.
func (i *TokenInfo) kind(k TokenKind) TokenKind {
	switch strings.ToUpper(i.Type) {
	case "SYSTEM_USER":
		return SystemUser
	case "PAGE":
		return PageToken
	}
	long := !i.ExpiresAt.IsZero() && !i.IssuedAt.IsZero() && i.ExpiresAt.Sub(i.IssuedAt) > 24*time.Hour
	if k == ShortLived && (i.NeverExpires || long) {
		return LongLived
	}
	return k
}

// AdoptToken takes in a token that another program obtained: a mobile or
// JavaScript SDK, Meta's dashboard, an older system. It proves that the token is
// this app's and lives before it trusts it, makes it long-lived when it is not,
// finds out whose it is, stores it, and returns it.
//
// On Facebook Login debug_token is the proof. On Instagram Login it is the
// exchange, which needs our secret; a token that is long-lived already (the
// dashboard's) cannot be exchanged, so it is refreshed when it is old enough,
// which also tells its end, and otherwise asked for its profile. What its end
// and age are is then not known: ExpiresAt is zero until the first refresh. That
// Meta looks whose app such a token is for before it refuses the exchange is not
// documented, so adopt long-lived tokens from senders that you trust only.
//
// A token of another app gives [ErrAppConfig], a dead one [ErrTokenInvalid].
// When a later step fails, the newest token comes with the
// [*IncompleteLoginError], and can be adopted again.
func (c *Client) AdoptToken(ctx context.Context, accessToken Secret) (*Token, error) {
	r := &LoginResult{Token: &Token{AccessToken: accessToken, Login: c.cfg.Login, Kind: ShortLived}, asked: c.cfg.Scopes}
	if accessToken.IsZero() {
		return nil, fmt.Errorf("instagram: adopt token: %w: %w", errNoToken, ErrInvalidRequest)
	}
	prove := c.proveByExchange
	if c.cfg.Login == FacebookLogin {
		prove = c.learn
	}
	if err := prove(ctx, r); err != nil {
		return nil, fmt.Errorf("instagram: adopt token: %w", err)
	}
	if r.Token.GrantedAt.IsZero() {
		r.Token.GrantedAt = c.now()
	}
	if err := c.complete(ctx, r); err != nil {
		return r.Token, fmt.Errorf("instagram: adopt token: %w", err)
	}
	return r.Token, nil
}

// proveByExchange makes an Instagram token long-lived with the app's secret.
func (c *Client) proveByExchange(ctx context.Context, r *LoginResult) error {
	long, err := c.ExchangeLongLived(ctx, r.Token)
	if err == nil {
		r.Token = long
		return nil
	}
	if !saysLongLived(err) {
		return err
	}
	t := r.Token.clone()
	t.Kind = LongLived
	if fresh, err := c.RefreshToken(ctx, t); err == nil {
		t = fresh
	}
	r.Token = t // too young to be refreshed, or dead: the profile tells
	return nil
}

// saysLongLived reports whether the exchange refused a token because it is
// long-lived already. Meta's text for a dashboard token is "Session key
// invalid" (observed, 2026).
func saysLongLived(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && strings.Contains(strings.ToLower(e.Message), "session key invalid")
}

// RevokeToken gives a token up at the platform. On Facebook Login the person's
// grant to the app is withdrawn, and with it every token of theirs; a system
// user's token is revoked alone. Both are documented.
//
// Instagram Login documents no revocation. The call that many programs use is
// made; when the platform confirms it the error is nil. When it answers
// anything else the error matches [ErrOutcomeUnknown]: the person can
// remove the app under Settings > Apps and websites, and the token should be
// deleted here all the same.
func (c *Client) RevokeToken(ctx context.Context, tok *Token) error {
	const op = "instagram: revoke token: %w"
	if tok == nil || tok.AccessToken.IsZero() {
		return fmt.Errorf(op, fmt.Errorf("%w: %w", errNoToken, ErrInvalidRequest))
	}
	var body json.RawMessage
	var err error
	if tok.Kind == SystemUser {
		body, err = c.revokeSystemUser(ctx, tok)
	} else {
		err = c.With(StaticToken(tok)).Delete(ctx, "me/permissions", nil, &body)
	}
	confirmed := succeeded(wire.Parse(body))
	switch {
	case err == nil && confirmed:
		return nil
	case err == nil:
		return fmt.Errorf(op, fmt.Errorf("the platform did not confirm it: %w", ErrOutcomeUnknown))
	case c.cfg.Login == InstagramLogin && !errors.Is(err, ErrTokenInvalid):
		return fmt.Errorf(op, fmt.Errorf("%w: Instagram documents no revocation; the person can remove the app in Settings > Apps and websites: %w", ErrOutcomeUnknown, err))
	}
	return fmt.Errorf(op, err)
}

func (c *Client) revokeSystemUser(ctx context.Context, tok *Token) (json.RawMessage, error) {
	return c.send(ctx, &tokenRequest{
		op: "revoke", method: http.MethodGet, url: c.versioned(c.hosts.graph, "oauth", "revoke").String(),
		params: url.Values{
			"client_id": {c.cfg.AppID}, "client_secret": {c.cfg.AppSecret.Reveal()},
			"revoke_token": {tok.AccessToken.Reveal()}, "access_token": {tok.AccessToken.Reveal()},
		},
	})
}

// succeeded reads what the platform answers to a call that only does
// something: true, {"success":true} or {"success":"true"}.
func succeeded(v wire.Value) bool {
	if yes, ok := v.Bool(); ok {
		return yes
	}
	yes, _ := v.Get("success").Bool()
	return yes
}

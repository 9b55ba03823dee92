// How do Facebook Login's codes and tokens become tokens?

package instagramtest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// systemUserLife is the life of a system-user token asked for with
// set_token_expires_in_60_days.
const systemUserLife = 60 * 24 * time.Hour

// facebookAccessToken is graph.facebook.com/oauth/access_token, by GET or POST:
// codes, long-lived tokens, app tokens. Sources: "Manually Build a Login Flow",
// "Get Long-Lived Tokens", "Access Tokens", "System Users".
func (p *Platform) facebookAccessToken(c *call) (*reply, *GraphError) {
	if c.method != http.MethodGet && c.method != http.MethodPost {
		return nil, missingObject(c, "oauth")
	}
	id := c.param("client_id")
	if id == "" {
		return nil, graphError(101, "OAuthException", "Missing client_id parameter.")
	}
	a := p.metaApps[id]
	if a == nil {
		return nil, graphError(101, "OAuthException", "Error validating application. Invalid application ID.")
	}
	c.app = a
	grantType := c.param("grant_type")
	// A verifier may stand in for the secret ("OIDC Token" guide).
	byVerifier := c.has("code_verifier") && (grantType == "" || grantType == "authorization_code")
	switch secret := c.param("client_secret"); {
	case secret == "" && !byVerifier:
		return nil, graphError(1, "OAuthException", "Missing client_secret parameter.")
	case secret != "" && secret != a.MetaAppSecret:
		return nil, graphError(1, "OAuthException", "Error validating client secret.")
	case a.disabled:
		return nil, apiBlocked()
	default:
	}
	switch grantType {
	case "", "authorization_code":
		return p.facebookCode(c, a)
	case "fb_exchange_token":
		return p.facebookLongLived(c, a)
	case "client_credentials":
		return answer(object{{"access_token", a.opaqueToken()}, {"token_type", "bearer"}}), nil
	default:
		return nil, graphError(100, "OAuthException", "Invalid grant_type: "+grantType)
	}
}

// facebookCode redeems a code.
func (p *Platform) facebookCode(c *call, a *app) (*reply, *GraphError) {
	fail := func(subcode int, message string) (*reply, *GraphError) {
		e := graphError(100, "OAuthException", message)
		e.Subcode, e.Challenge = subcode, "invalid_code"
		return nil, e
	}
	value := c.param("code")
	if value == "" {
		return nil, graphError(1, "OAuthException", "Missing authorization code")
	}
	d := p.codes[value]
	redirect := c.param("redirect_uri")
	switch {
	case d == nil || d.login != FacebookLogin || d.app != a:
		return fail(0, "Invalid verification code format.")
	case d.used:
		return fail(36009, "This authorization code has been used.")
	case !c.now.Before(d.expires):
		return fail(36007, "This authorization code has expired.")
	case redirect == "" && d.redirect != "":
		return nil, graphError(191, "OAuthException", "Missing redirect_uri parameter.")
	case redirect != "" && !absoluteURI(redirect):
		return nil, graphError(191, "OAuthException", "redirect_uri isn't an absolute URI. Check RFC 3986.")
	case redirect != d.redirect:
		return fail(36008, "Error validating verification code. Please make sure your redirect_uri is identical to the one you used in the OAuth dialog request")
	case !d.verified(c.param("code_verifier"), c.has("code_verifier")):
		return fail(0, "Invalid code_verifier parameter.")
	default:
	}
	d.used = true
	t := p.facebookUserToken(a, d.person, d.scopes, ShortLived, c.now)
	if d.systemUser {
		t.kind, t.expires = SystemUser, time.Time{}
	}
	p.keep(t)
	var extra object
	if slices.Contains(d.scopes, "openid") {
		extra = object{{"id_token", p.idToken(t, d.nonce, c.now)}}
	}
	return p.tokenAnswer(c, t, extra), nil
}

func absoluteURI(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.IsAbs() && u.Host != ""
}

// verified checks PKCE: a code asked for with a challenge is redeemed with its
// verifier, and only then.
func (d *code) verified(verifier string, given bool) bool {
	switch {
	case d.challenge == "":
		return !given
	case d.challengeMethod == "S256":
		sum := sha256.Sum256([]byte(verifier))
		return base64.RawURLEncoding.EncodeToString(sum[:]) == d.challenge
	default:
		return verifier == d.challenge
	}
}

// facebookUserToken makes a user token; the caller keeps it.
func (p *Platform) facebookUserToken(a *app, h *person, scopes []string, kind Kind, now time.Time) *token {
	t := &token{
		login: FacebookLogin, kind: kind, app: a, person: h, scopes: scopes,
		grant: p.grantOf(&h.standing, a, FacebookLogin), issued: now,
	}
	switch kind {
	case ShortLived:
		t.expires = now.Add(p.lifetimes.short(FacebookLogin))
	case LongLived:
		t.expires = now.Add(p.lifetimes.LongLived)
	default:
	}
	return t
}

// facebookLongLived trades a valid user or system-user token for a fresh one.
// The old one lives to its own end.
func (p *Platform) facebookLongLived(c *call, a *app) (*reply, *GraphError) {
	value := c.param("fb_exchange_token")
	if value == "" {
		return nil, graphError(1, "OAuthException", "Missing fb_exchange_token parameter")
	}
	t, err := p.valid(value, FacebookLogin, c.now)
	if err != nil {
		return nil, err
	}
	if t.app != a {
		return nil, graphError(190, "OAuthException", "Error validating access token: The access token does not belong to application "+a.MetaAppID+".")
	}
	kind := LongLived
	switch t.kind {
	case PageToken:
		return nil, graphError(100, "OAuthException", "(#100) The fb_exchange_token must be a user access token")
	case SystemUser:
		kind = SystemUser
	default:
	}
	long := p.facebookUserToken(a, t.person, t.scopes, kind, c.now)
	if kind == SystemUser && c.param("set_token_expires_in_60_days") == "true" {
		long.expires = c.now.Add(systemUserLife)
	}
	p.keep(long)
	return p.tokenAnswer(c, long, nil), nil
}

// facebookRevoke is oauth/revoke: it ends one token at once. Source: "System Users".
func (p *Platform) facebookRevoke(c *call) (*reply, *GraphError) {
	a := p.metaApps[c.param("client_id")]
	if a == nil {
		return nil, graphError(101, "OAuthException", "Error validating application. Invalid application ID.")
	}
	if c.param("client_secret") != a.MetaAppSecret {
		return nil, graphError(1, "OAuthException", "Error validating client secret.")
	}
	if _, err := p.valid(c.param("access_token"), FacebookLogin, c.now); err != nil {
		if _, err := p.appOf(c.param("access_token"), FacebookLogin); err != nil {
			return nil, err
		}
	}
	t := p.tokens[c.param("revoke_token")]
	if t == nil || t.app != a || t.login != FacebookLogin {
		return nil, known(190, 0)
	}
	t.dead = 467
	return answer(object{{"success", "true"}}), nil
}

// facebookClientCode is oauth/client_code: a long-lived token for a code that a
// device redeems. Observed in Meta's own SDK tests.
func (p *Platform) facebookClientCode(c *call) (*reply, *GraphError) {
	a := p.metaApps[c.param("client_id")]
	if a == nil {
		return nil, graphError(101, "OAuthException", "Error validating application. Invalid application ID.")
	}
	if c.param("client_secret") != a.MetaAppSecret {
		return nil, graphError(1, "OAuthException", "Error validating client secret.")
	}
	t, err := p.valid(c.param("access_token"), FacebookLogin, c.now)
	if err != nil {
		return nil, err
	}
	d := &code{
		login: FacebookLogin, app: a, person: t.person, scopes: t.scopes,
		redirect: c.param("redirect_uri"), expires: c.now.Add(p.lifetimes.Code),
	}
	return answer(object{{"code", p.keepCode(d)}}), nil
}

// opaqueToken is the app token that client_credentials answers with; id|secret
// works as well.
func (a *app) opaqueToken() string {
	sum := sha256.Sum256([]byte("app token " + a.MetaAppSecret))
	return a.MetaAppID + "|" + base64.RawURLEncoding.EncodeToString(sum[:])[:27]
}

// idToken is a JWT of the OpenID Connect flow, signed with HS256 by the app
// secret (Meta signs with RS256 and publishes keys; the claims are the same).
func (p *Platform) idToken(t *token, nonce string, now time.Time) string {
	enc := func(v any) string { return base64.RawURLEncoding.EncodeToString(style{}.text(v)) }
	claims := object{
		{"iss", "https://www.facebook.com"},
		{"aud", t.app.MetaAppID},
		{"sub", p.personID(t)},
		{"iat", now.Unix()},
		{"exp", now.Add(time.Hour).Unix()},
		{"jti", hex.EncodeToString([]byte(p.random.shortTrace()))},
		{"nonce", nonce},
		{"name", t.person.name},
	}
	signed := enc(object{{"alg", "HS256"}, {"typ", "JWT"}}) + "." + enc(claims)
	return signed + "." + base64.RawURLEncoding.EncodeToString(sign(t.app.MetaAppSecret, signed))
}

// tokenAnswer writes {"access_token","token_type","expires_in"} in the shape chosen.
func (p *Platform) tokenAnswer(c *call, t *token, extra object) *reply {
	seconds := "" // a token without end has no expires_in
	if !t.expires.IsZero() {
		seconds = strconv.FormatInt(int64(t.expires.Sub(c.now)/time.Second), 10)
	}
	if p.shapes.FormEncoded && c.host == hostFacebookGraph {
		body := "access_token=" + t.value + "&token_type=bearer"
		if seconds != "" {
			body += "&expires=" + seconds
		}
		return &reply{status: http.StatusOK, contentType: "text/plain; charset=UTF-8", body: []byte(body)}
	}
	out := object{{"access_token", t.value}, {"token_type", "bearer"}}
	if seconds != "" {
		switch p.shapes.ExpiresIn {
		case ExpiresNumber:
			out = out.with("expires_in", lexeme(seconds))
		case ExpiresString:
			out = out.with("expires_in", seconds)
		case ExpiresFloat:
			out = out.with("expires_in", lexeme(seconds+".0"))
		case ExpiresLegacy:
			out = out.with("expires", seconds)
		case ExpiresAbsent:
		}
	}
	return answer(append(out, extra...))
}

// isAppToken reports whether a caller's token is an app's rather than a person's.
func isAppToken(value string) bool { return strings.Contains(value, "|") }

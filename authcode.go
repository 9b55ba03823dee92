package instagram

// This file answers: what can a program ask of Meta's login window?

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/oauth2"
)

// AuthCodeOption changes one login attempt.
type AuthCodeOption func(*authCode)

// authCode is one login attempt in the making.
type authCode struct {
	login      Login
	scopes     []Scope
	params     url.Values
	returnPath string
	data       []byte
	accountID  string
	verifier   string
	errs       []error
}

func (c *Client) newAuthCode(opts []AuthCodeOption) *authCode {
	a := &authCode{login: c.cfg.Login, scopes: c.cfg.Scopes, params: url.Values{}}
	if c.cfg.ConfigID != "" {
		a.params.Set("config_id", c.cfg.ConfigID)
	}
	for _, opt := range opts {
		if opt != nil {
			opt(a)
		}
	}
	return a
}

// set adds a parameter that only one product's window takes.
func (a *authCode) set(only Login, name, value string) {
	if a.login != only {
		a.errs = append(a.errs, fmt.Errorf("%s is for the %s login product", name, only))
		return
	}
	a.params.Set(name, value)
}

// ForceReauth makes Instagram ask for the password although the person is
// logged in. Meta recommends it for mobile; one program saw the exchange fail
// with a redirect URI error when it was sent, so it is off by default.
// Source: "Business login for Instagram" (force_reauth, since 2025-06-14).
func ForceReauth() AuthCodeOption {
	return func(a *authCode) { a.set(InstagramLogin, "force_reauth", "true") }
}

// EnableFacebookLogin shows or hides "Log in with Facebook" on Instagram's
// window. Meta's default is to show it. Source: changelog, 2026-02-06.
func EnableFacebookLogin(show bool) AuthCodeOption {
	return func(a *authCode) { a.set(InstagramLogin, "enable_fb_login", strconv.FormatBool(show)) }
}

// Rerequest makes Facebook ask again for permissions that the person has
// declined before; without it the window never does.
// Source: "Manually build a login flow" (auth_type=rerequest).
func Rerequest() AuthCodeOption {
	return func(a *authCode) { a.set(FacebookLogin, "auth_type", "rerequest") }
}

// LoginConfig uses another configuration of Facebook Login for Business than
// Config.ConfigID.
func LoginConfig(configID string) AuthCodeOption {
	return func(a *authCode) { a.set(FacebookLogin, "config_id", configID) }
}

// OverrideResponseType makes Facebook answer with a code where the
// configuration would answer with a token, as configurations for system-user
// tokens need it. Source: "Facebook Login for Business".
func OverrideResponseType() AuthCodeOption {
	return func(a *authCode) { a.set(FacebookLogin, "override_default_response_type", "true") }
}

// Extras passes a JSON object on to Facebook's window, such as
// {"setup":{"channel":"IG_API_ONBOARDING"}} for the guided Instagram set-up.
// Source: "Business login for Instagram" of Facebook Login, 2025-05.
func Extras(json string) AuthCodeOption {
	return func(a *authCode) { a.set(FacebookLogin, "extras", json) }
}

// Display sets how Facebook's window is shown, such as "page".
func Display(mode string) AuthCodeOption {
	return func(a *authCode) { a.set(FacebookLogin, "display", mode) }
}

// ReturnGrantedScopes asks Facebook to name the granted and the declined
// permissions in the callback.
func ReturnGrantedScopes() AuthCodeOption {
	return func(a *authCode) { a.set(FacebookLogin, "response_type", "code,granted_scopes") }
}

// AskScopes asks for these permissions rather than those of the configuration.
func AskScopes(scopes ...Scope) AuthCodeOption {
	return func(a *authCode) {
		a.errs = append(a.errs, checkScopes(a.login, scopes, a.params.Get("config_id"))...)
		a.scopes = slices.Clone(scopes)
	}
}

// AddScopes asks for further permissions beside those of the configuration,
// such as the [Advice.Scopes] of an error. On Facebook Login it asks again for
// what the person declined before, as [Rerequest] does.
func AddScopes(scopes ...Scope) AuthCodeOption {
	return func(a *authCode) {
		AskScopes(append(slices.Clone(a.scopes), missingScopes(scopes, a.scopes)...)...)(a)
		if a.login == FacebookLogin {
			Rerequest()(a)
		}
	}
}

// CodeChallenge sends the S256 challenge of a PKCE code verifier, for programs
// that build the flow by hand; pass the verifier to [Client.Exchange] with
// [CodeVerifier]. Only Facebook Login's OIDC flow ([ScopeOpenID]) documents PKCE.
func CodeChallenge(verifier string) AuthCodeOption {
	return func(a *authCode) {
		a.set(FacebookLogin, "code_challenge", oauth2.S256ChallengeFromVerifier(verifier))
		a.set(FacebookLogin, "code_challenge_method", "S256")
	}
}

// PKCE protects a login that [Client.BeginLogin] begins with a code verifier
// of its own. Only Facebook Login's OIDC flow ([ScopeOpenID]) documents PKCE
// (source: the OIDC token guide, marked as in testing); it does not replace the
// state. Off by default.
func PKCE() AuthCodeOption {
	return func(a *authCode) {
		a.verifier = oauth2.GenerateVerifier()
		CodeChallenge(a.verifier)(a)
	}
}

// Nonce is returned in the ID token of Facebook Login's OIDC flow.
func Nonce(nonce string) AuthCodeOption {
	return func(a *authCode) { a.set(FacebookLogin, "nonce", nonce) }
}

// Bounds of what a state carries: it travels in URLs.
const (
	maxReturnPath = 512
	maxLoginData  = 256
)

// ReturnPath carries a path of this site through the login, for the page to
// go to afterwards. It must begin with one slash; what would lead to another
// site is refused by [Client.BeginLogin]. At most 512 bytes.
func ReturnPath(path string) AuthCodeOption {
	return func(a *authCode) {
		a.errs = append(a.errs, checkReturnPath(path))
		a.returnPath = path
	}
}

// LoginData carries up to 256 bytes of the caller's through the login, sealed.
func LoginData(data []byte) AuthCodeOption {
	return func(a *authCode) {
		if len(data) > maxLoginData {
			a.errs = append(a.errs, fmt.Errorf("login data: %d bytes are more than the %d that fit", len(data), maxLoginData))
			return
		}
		a.data = slices.Clone(data)
	}
}

// Reconnect makes [Client.FinishLogin] refuse a login that brings back another
// account than this one, with [*WrongAccountError].
func Reconnect(accountID string) AuthCodeOption {
	return func(a *authCode) { a.accountID = accountID }
}

// checkReturnPath refuses every spelling that a browser reads as another site.
func checkReturnPath(path string) error {
	u, err := url.Parse(path)
	switch {
	case path == "":
		return nil
	case len(path) > maxReturnPath:
		return fmt.Errorf("return path: %d bytes are more than the %d that fit", len(path), maxReturnPath)
	case err != nil, u.IsAbs(), u.Host != "", u.User != nil, u.Opaque != "",
		!strings.HasPrefix(path, "/"), strings.HasPrefix(path, "//"),
		strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == '\\' || r == 0x7f }),
		strings.HasPrefix(u.Path, "//"), strings.Contains(u.Path, `\`):
		return errors.New("return path: must be a path of this site such as /settings?tab=instagram")
	}
	return nil
}

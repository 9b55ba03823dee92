package instagram

// This file answers: what is a client made of, and is its configuration right?

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/seed-922467ee/instagram/internal/backoff"
	"github.com/seed-922467ee/instagram/internal/flight"
)

// Unversioned as Config.Version leaves the version out of all paths. Meta then
// answers with the version that the app's dashboard is set to. Some programs
// report that graph.instagram.com refuses versioned paths for them (observed);
// this is the way around.
const Unversioned = "unversioned"

// Config says which app at Meta a [Client] acts for. [New] checks it.
type Config struct {
	// Login is the login product. Zero: [InstagramLogin].
	Login Login
	// AppID is, for InstagramLogin, the Instagram app ID (App Dashboard >
	// Instagram > API setup with Instagram login), for FacebookLogin the Meta
	// app ID (App settings > Basic). They differ, also for one and the same app.
	AppID string
	// AppSecret is the secret that stands beside the AppID in the dashboard.
	AppSecret Secret
	// RedirectURL is where Meta sends the person back to: byte for byte one of
	// the URIs in the dashboard, which may have added a slash at the end. It must
	// be https; http works on a loopback address, with FacebookLogin while the
	// app is in development, with InstagramLogin only where Endpoint is set, as
	// in a test.
	RedirectURL string
	// Scopes are the permissions to ask for.
	Scopes []Scope
	// ConfigID is the configuration of Facebook Login for Business, which
	// stands for a set of permissions. Empty: plain Facebook Login.
	ConfigID string
	// CallbackSecrets are further secrets that Meta may sign callbacks with:
	// the Meta app's beside the Instagram app's, the previous one while a
	// secret is replaced. Logins begun under one of them can be finished.
	CallbackSecrets []Secret
	// Version is the Graph API version, such as "v26.0". Empty: [DefaultVersion].
	Version string
	// Endpoint is where requests go. Zero: Meta's own hosts.
	Endpoint Endpoint
}

// Client signs people in and makes calls for one app at Meta. Make it with
// [New]; it is safe for concurrent use, and meant to live as long as the program.
type Client struct {
	cfg    Config
	opts   options
	hosts  *hosts
	oauth  *oauth2.Config
	logger *slog.Logger
	now    func() time.Time

	states *stateSealer
	logins loginFlights

	tokens   *tokenCache
	loads    flight.Group[string, *Token]
	renewals flight.Group[renewal, *Token]
	doubts   flight.Group[*Token, struct{}]
	unsaved  unsavedTokens
	breaker  breaker
	work     background

	bare     *http.Client      // for token endpoints: no token is added
	base     http.RoundTripper // below all layers
	budget   backoff.Budget    // of retries, shared by all calls
	versions versionNotices
	idle     idleBodies
	traces   bool // somebody is told
}

// New returns a client for the configuration, which it copies. Everything that
// is wrong is reported at once, joined with [errors.Join].
func New(cfg Config, opts ...Option) (*Client, error) {
	c := &Client{cfg: cfg, now: time.Now}
	c.cfg.Scopes = slices.Clone(cfg.Scopes)
	c.cfg.CallbackSecrets = slices.Clone(cfg.CallbackSecrets)
	if c.cfg.Version == "" {
		c.cfg.Version = DefaultVersion
	}
	for _, opt := range opts {
		if opt != nil {
			opt(&c.opts)
		}
	}
	var err error
	c.hosts, err = c.cfg.Endpoint.resolve(c.cfg.Login)
	if err := errors.Join(append(c.cfg.check(), err)...); err != nil {
		return nil, fmt.Errorf("instagram: configuration: %w", err)
	}
	c.setDefaults()
	c.warn()
	return c, nil
}

func (c *Client) setDefaults() {
	if c.opts.logger == nil {
		c.opts.logger = slog.New(slog.DiscardHandler)
	}
	if c.opts.tokenStore == nil {
		c.opts.tokenStore = NewMemoryStore()
	}
	if c.opts.limiter == nil {
		c.opts.limiter = NewLimiter(LimiterOptions{})
	}
	if c.opts.tracer == nil {
		c.opts.tracer = NopTracer{}
	}
	_, silent := c.opts.tracer.(NopTracer)
	c.traces = !silent
	c.opts.retry = c.opts.retry.withDefaults()
	c.logger = c.opts.logger
	c.base = c.opts.transport
	if c.base == nil {
		c.base = newBaseTransport()
	}
	c.oauth = c.newOAuthConfig()
	c.bare = &http.Client{Transport: c.bareLayers(), CheckRedirect: noRedirect}
	c.states = newStateSealer(c.cfg)
	c.logins.init()
	c.tokens = newTokenCache(c.opts.cached, c.opts.cacheTTL)
	c.work.init()
}

// check returns everything that is wrong, each with what to do about it.
func (cfg Config) check() []error {
	var errs []error
	complain := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if cfg.Login > FacebookLogin {
		complain("login: there is no product %d: use InstagramLogin or FacebookLogin", cfg.Login)
	}
	switch {
	case cfg.AppID == "":
		complain("app ID: is empty: copy the %s", appIDName(cfg.Login))
	case strings.Trim(cfg.AppID, "0123456789") != "":
		complain("app ID: must be digits only: copy the %s", appIDName(cfg.Login))
	}
	if err := checkAppSecret(cfg.AppSecret, cfg.AppID); err != nil {
		complain("app secret: %w", err)
	}
	for i, s := range cfg.CallbackSecrets {
		if err := checkAppSecret(s, cfg.AppID); err != nil {
			complain("callback secret %d: %w", i, err)
		}
	}
	if err := cfg.checkRedirectURL(); err != nil {
		complain("redirect URL: %w", err)
	}
	if cfg.ConfigID != "" && cfg.Login != FacebookLogin {
		complain("config ID: only Facebook Login for Business has configurations: set Login to FacebookLogin, or leave ConfigID empty")
	}
	if cfg.Version != Unversioned {
		if err := checkVersion(cfg.Version); err != nil {
			errs = append(errs, err)
		}
	}
	return append(errs, checkScopes(cfg.Login, cfg.Scopes, cfg.ConfigID)...)
}

func appIDName(login Login) string {
	if login == FacebookLogin {
		return "Meta app ID from the App Dashboard (App settings > Basic)"
	}
	return "Instagram app ID from the App Dashboard (Instagram > API setup with Instagram login); the Meta app ID is another one"
}

// checkAppSecret refuses what cannot be an app secret. Meta does not document
// the shape (it has always been 32 hex digits), so it refuses only what has
// certainly been pasted from the wrong place.
func checkAppSecret(s Secret, appID string) error {
	v := s.Reveal()
	switch {
	case v == "":
		return errors.New("is empty: copy it from beside the app ID in the App Dashboard (Show)")
	case strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("has white space or other characters that a secret never has: copy it again, alone")
	case strings.ContainsAny(v, `|"'<>`):
		return errors.New("has characters that a secret never has: give the secret alone, not an app token or a placeholder")
	case v == appID:
		return errors.New("is the app ID: copy the secret that stands beside it")
	case strings.HasPrefix(v, "IGAA"), strings.HasPrefix(v, "EAA"):
		return errors.New("is an access token: copy the app secret from the App Dashboard")
	}
	return nil
}

// checkRedirectURL applies Meta's rules: exact, absolute and HTTPS. Facebook
// Login allows http on a loopback address while the app is in development;
// Instagram Login does not, but a test endpoint may.
func (cfg Config) checkRedirectURL() error {
	u, err := url.Parse(cfg.RedirectURL)
	switch {
	case err != nil || !u.IsAbs() || u.Host == "":
		return errors.New("must be absolute, such as https://example.com/callback, and registered in the App Dashboard")
	case u.Fragment != "" || strings.Contains(cfg.RedirectURL, "#"):
		return errors.New("must have no fragment (#…): carry such data in ReturnPath or LoginData")
	case u.User != nil:
		return errors.New("must have no user name or password: take them out")
	case u.Scheme == "https":
		return nil
	case u.Scheme != "http" || !isLoopback(u.Hostname()):
		return errors.New("must be https: Meta sends nobody to http, except to localhost with FacebookLogin while the app is in development")
	case cfg.Login == InstagramLogin && cfg.Endpoint == Endpoint{}:
		return errors.New("must be https: Instagram Login refuses http even on localhost; use a tunnel or a local certificate, in a test httptest.NewTLSServer, or set Endpoint to a server of the test's own")
	}
	return nil
}

// warn tells the logger what is allowed and probably not meant.
func (c *Client) warn() {
	if w := versionWarning(c.cfg.Version, c.now()); w != "" {
		c.logger.Warn("instagram: "+w, slog.String("version", c.cfg.Version), slog.String("newest", DefaultVersion))
	}
	for _, s := range c.cfg.Scopes {
		if missing := missingScopes(s.Needs(), c.cfg.Scopes); len(missing) > 0 && c.cfg.ConfigID == "" {
			c.logger.Warn("instagram: a permission needs others that are not asked for",
				slog.String("scope", string(s)), slog.Any("missing", missing))
		}
	}
}

// Close ends the client's background work: it lets [Client.KeepAlive] return,
// renewals finish and tokens be saved that the store did not take yet, and waits
// for that until ctx ends. Stores and transports that were given to [New] stay open.
func (c *Client) Close(ctx context.Context) error {
	err := errors.Join(c.logins.wait(ctx), c.work.close(ctx), c.renewals.Close(ctx), c.doubts.Close(ctx), c.loads.Close(ctx))
	if t, ok := c.base.(*http.Transport); ok && c.opts.transport == nil {
		t.CloseIdleConnections()
	}
	if err != nil {
		return fmt.Errorf("instagram: close: %w", context.Cause(ctx))
	}
	return nil
}

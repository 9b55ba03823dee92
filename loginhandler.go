package instagram

// This file answers: how does a web server sign people in with two handlers?

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxLoginCookies is how many attempts one browser may have open at once: tabs.
const maxLoginCookies = 5

// LoginHandler sends the person to Meta's window. It keeps the attempt's
// binding in a cookie of its own: Secure, HttpOnly, SameSite=Lax (a Strict one
// would not come back from Meta), with the __Host- prefix when the redirect URI
// is https. perRequest returns the options of an attempt, such as [ReturnPath];
// nil means none. When it fails, or the options are wrong, the person gets a
// page that says nothing of the inside, and the logger the reason.
//
// Starting a login changes nothing for the person, so a GET is enough.
func (c *Client) LoginHandler(perRequest func(*http.Request) ([]AuthCodeOption, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var opts []AuthCodeOption
		var err error
		if perRequest != nil {
			opts, err = perRequest(r)
		}
		var attempt *LoginAttempt
		if err == nil {
			attempt, err = c.BeginLogin(opts...) //nolint:contextcheck // it waits for the state store alone, for seconds
		}
		if err != nil {
			c.logger.ErrorContext(r.Context(), "instagram: login not begun", errAttr(err))
			WriteLoginError(w, err)
			return
		}
		noStore(w)
		c.dropOldCookies(w, r)
		http.SetCookie(w, c.loginCookie(attempt.State, attempt.Binding, int(stateLifetime/time.Second)))
		http.Redirect(w, r, attempt.URL, http.StatusFound)
	})
}

// CallbackHandler answers Meta's redirect with [Client.FinishLogin], whose
// result and error it hands to done; done writes the page. With done nil the
// person is sent to the attempt's return path, "/" when there is none, or gets
// the page of [WriteLoginError].
//
// The cookie is kept until its end, so that a double click or the back button
// finds the first answer.
func (c *Client) CallbackHandler(done func(http.ResponseWriter, *http.Request, *LoginResult, error)) http.Handler {
	if done == nil {
		done = defaultDone
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet { // a HEAD of a link preview must not spend the code
			w.Header().Set("Allow", http.MethodGet)
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		noStore(w)
		var result *LoginResult
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil { // its text has a piece of the query
			err = fmt.Errorf("instagram: finish login: %w", &CallbackError{Problem: QueryMalformed})
		} else {
			result, err = c.FinishLogin(r.Context(), query, c.bindingOf(r, query.Get("state")))
		}
		if err != nil {
			c.logger.WarnContext(r.Context(), "instagram: login not finished", errAttr(err))
		}
		done(w, r, result, err)
	})
}

func defaultDone(w http.ResponseWriter, r *http.Request, result *LoginResult, err error) {
	if err != nil {
		WriteLoginError(w, err)
		return
	}
	http.Redirect(w, r, cmp.Or(result.ReturnPath, "/"), http.StatusSeeOther) //nolint:gosec // a path of this site: checked when it was sealed into the state
}

// WriteLoginError writes a plain page for a login that did not work: what the
// person can do, and nothing of the inside.
func WriteLoginError(w http.ResponseWriter, err error) {
	status, text := http.StatusBadGateway, "Signing in did not work. Please try again in a few minutes."
	problem, _ := errors.AsType[*CallbackError](err)
	switch {
	case problem != nil && problem.Problem == BindingMissing:
		status, text = http.StatusBadRequest, "Signing in did not work in this browser. Please open the page in Safari, Chrome or Firefox and try again."
	case errors.Is(err, ErrStateMismatch), problem != nil:
		status, text = http.StatusBadRequest, "This sign-in has ended. Please go back and begin again."
	case errors.Is(err, ErrUserDenied):
		status, text = http.StatusForbidden, "Access was not given, so nothing was connected. You can try again at any time."
	case errors.Is(err, ErrCodeInvalid):
		status, text = http.StatusBadRequest, "This sign-in was used already. Please begin again."
	}
	noStore(w)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.Error(w, text, status)
}

// noStore keeps URLs with codes and states out of caches and of the Referer.
func noStore(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
}

// cookiePrefix begins the names of login cookies. Only an https site can have
// __Host- cookies, which no subdomain can plant; http is allowed on loopback only.
func (c *Client) cookiePrefix() string {
	if c.secureCookies() {
		return "__Host-ig_"
	}
	return "ig_login_"
}

func (c *Client) secureCookies() bool {
	scheme, _, _ := strings.Cut(c.cfg.RedirectURL, ":")
	return strings.EqualFold(scheme, "https")
}

// loginCookie returns the cookie of one attempt; it is named after its state,
// so that two tabs do not disturb each other.
func (c *Client) loginCookie(state, binding string, maxAge int) *http.Cookie {
	sum := sha256.Sum256([]byte(state))
	return &http.Cookie{ //nolint:gosec // not Secure only where the redirect URI is http, on loopback
		Name: c.cookiePrefix() + hex.EncodeToString(sum[:4]), Value: binding, Path: "/", MaxAge: maxAge,
		Secure: c.secureCookies(), HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

func (c *Client) bindingOf(r *http.Request, state string) string {
	cookie, err := r.Cookie(c.loginCookie(trimFragment(state), "", 0).Name)
	if err != nil {
		return ""
	}
	return cookie.Value
}

// dropOldCookies keeps a browser from collecting cookies of abandoned attempts.
func (c *Client) dropOldCookies(w http.ResponseWriter, r *http.Request) {
	var open []*http.Cookie
	for _, cookie := range r.Cookies() {
		if strings.HasPrefix(cookie.Name, c.cookiePrefix()) {
			open = append(open, cookie)
		}
	}
	slices.SortFunc(open, func(a, b *http.Cookie) int { return cmp.Compare(bindingTime(b.Value), bindingTime(a.Value)) })
	for i := maxLoginCookies - 1; i < len(open); i++ {
		gone := c.loginCookie("", "", -1) //nolint:gosec // as secure as the cookie that it ends
		gone.Name = open[i].Name
		http.SetCookie(w, gone)
	}
}

// newBinding returns what the browser keeps: when it began, and 256 random bits.
func newBinding(now time.Time) string {
	return strconv.FormatInt(now.Unix(), 10) + "." + randomText(32)
}

func bindingTime(binding string) int64 {
	seconds, _, _ := strings.Cut(binding, ".")
	n, _ := strconv.ParseInt(seconds, 10, 64)
	return n
}

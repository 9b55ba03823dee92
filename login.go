package instagram

// This file answers: how does a sign-in run as one piece that cannot skip the
// state check and loses nothing on the way?

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"time"
)

// LoginAttempt is a sign-in that has begun. Send the person to URL, and keep
// Binding where only this person's browser has it (a cookie, a session, the
// memory of a command-line program) until [Client.FinishLogin].
type LoginAttempt struct {
	URL       string
	Binding   string // proves that the callback comes to the browser that began
	State     string // the state in URL
	ExpiresAt time.Time
}

// String returns when the attempt ends, and nothing that another could finish it with.
func (a LoginAttempt) String() string {
	return "login attempt until " + a.ExpiresAt.Format(time.RFC3339)
}

// GoString returns what [LoginAttempt.String] returns.
func (a LoginAttempt) GoString() string { return a.String() }

// LogValue returns what [LoginAttempt.String] returns.
func (a LoginAttempt) LogValue() slog.Value { return slog.StringValue(a.String()) }

// LoginResult is what a sign-in won.
type LoginResult struct {
	// Token is the person's credential. After an [*IncompleteLoginError] it is
	// the newest one that was won, and may be short-lived.
	Token *Token
	// Accounts has one token for each professional account granted: one on
	// Instagram Login, any number on Facebook Login.
	Accounts []*Token
	// MissingScopes were asked for and not granted.
	MissingScopes []Scope
	// Gaps say why Pages of the person gave no account, or one of limited use,
	// and what would mend it. Facebook Login only; see [Client.DiscoverAccounts].
	Gaps []Gap
	// ReturnPath and Data are what [ReturnPath] and [LoginData] put in.
	ReturnPath string
	Data       []byte

	asked     []Scope
	accountID string     // the one that must come back; "" for any
	info      *TokenInfo // what debug_token said of the token; nil: not asked
}

// stateStoreTimeout bounds a write to the [StateStore] when a login begins.
const stateStoreTimeout = 10 * time.Second

// LoginStage is a step of a sign-in after the code was spent.
type LoginStage string

// The steps, in their order.
const (
	StageLongLived LoginStage = "exchange long-lived"
	StageIdentify  LoginStage = "identify"
	StageAccounts  LoginStage = "accounts"
	StageSave      LoginStage = "save"
)

// IncompleteLoginError says that a sign-in failed after its code was spent.
// Nothing is lost: the result that came with it has the newest token, and
// [Client.ResumeLogin] goes on from there.
type IncompleteLoginError struct {
	Stage LoginStage
	Err   error
}

// Error names the stage and its failure.
func (e *IncompleteLoginError) Error() string {
	return fmt.Sprintf("the login stopped at %q and can be resumed: %v", e.Stage, e.Err)
}

// Unwrap returns Err.
func (e *IncompleteLoginError) Unwrap() error { return e.Err }

// WrongAccountError says that the person logged in with another account than
// the one to [Reconnect]. It matches [ErrUserDenied]; nothing was stored.
type WrongAccountError struct {
	Want string
	Got  []string
}

// Error names the account IDs.
func (e *WrongAccountError) Error() string {
	return fmt.Sprintf("the person chose %v and not account %s: let them switch accounts and try again", e.Got, e.Want)
}

// Is reports whether target is [ErrUserDenied].
func (e *WrongAccountError) Is(target error) bool { return target == ErrUserDenied }

// BeginLogin starts a sign-in: it makes a state that is sealed, good for ten
// minutes and bound to this attempt's Binding, app, product and redirect URI.
// With a [StateStore] it is used up by the first callback in any process.
func (c *Client) BeginLogin(opts ...AuthCodeOption) (*LoginAttempt, error) {
	a := c.newAuthCode(opts)
	if err := errors.Join(a.errs...); err != nil {
		return nil, fmt.Errorf("instagram: begin login: %w", err)
	}
	now := c.now()
	binding := newBinding(now)
	st := newLoginState(a, binding, now)
	if !slices.Equal(a.scopes, c.cfg.Scopes) {
		st.Scopes = a.scopes
	}
	state, err := c.states.seal(st)
	if err != nil {
		return nil, fmt.Errorf("instagram: begin login: %w", err)
	}
	if c.opts.stateStore != nil {
		ctx, cancel := context.WithTimeout(context.Background(), stateStoreTimeout)
		defer cancel()
		if err := c.opts.stateStore.PutState(ctx, st.id(), stateLifetime); err != nil {
			return nil, fmt.Errorf("instagram: begin login: state %w", storeError(err))
		}
	}
	return &LoginAttempt{URL: c.authCodeURL(state, a), Binding: binding, State: state, ExpiresAt: now.Add(stateLifetime)}, nil
}

// FinishLogin answers a callback: it verifies the state and that this browser
// began the login, reads the refusal or the code, exchanges it, makes the token
// long-lived, finds out whose it is and what was granted, stores it, and
// returns it. Each step is taken once, also when the same callback comes
// twice: within this process the second gets the first one's result; across
// processes a [StateStore] refuses it with [StateSpent].
//
// Before the code is spent, the error is a [*CallbackError] (matching
// [ErrStateMismatch] when state or browser are wrong) or the platform's refusal
// ([ErrUserDenied], [ErrAppConfig]). After it, a failure returns both the
// result so far and an [*IncompleteLoginError].
func (c *Client) FinishLogin(ctx context.Context, query url.Values, binding string) (*LoginResult, error) {
	st, err := c.openCallback(query, binding)
	if err != nil {
		return nil, fmt.Errorf("instagram: finish login: %w", err)
	}
	r, err := c.logins.do(ctx, st.id(), c.now(), func(ctx context.Context) (*LoginResult, bool, error) {
		return c.finishOnce(ctx, st, query)
	})
	if err != nil {
		return r, fmt.Errorf("instagram: finish login: %w", err)
	}
	return r, nil
}

// openCallback returns the state of a callback once it is proven to be ours,
// fresh, and of this browser.
func (c *Client) openCallback(query url.Values, binding string) (*loginState, error) {
	sealed := query["state"]
	if len(sealed) != 1 {
		return nil, &CallbackError{Problem: StateMissing}
	}
	st, err := c.states.open(trimFragment(sealed[0]), c.now())
	if err != nil {
		return nil, err
	}
	return st, st.checkBinding(binding)
}

// finishOnce does the work of a callback that nobody has answered yet; spent
// reports whether the code may be used up by now.
func (c *Client) finishOnce(ctx context.Context, st *loginState, query url.Values) (r *LoginResult, spent bool, err error) {
	if c.opts.stateStore != nil { // before the refusal is read: that answers the attempt too
		if err := c.opts.stateStore.TakeState(ctx, st.id()); errors.Is(err, ErrStateUsed) {
			return nil, false, fmt.Errorf("%w: %w", &CallbackError{Problem: StateSpent}, storeError(err))
		} else if err != nil {
			return nil, false, fmt.Errorf("state %w", storeError(err))
		}
	}
	code, err := codeOf(query)
	if err != nil {
		return nil, false, err
	}
	var opts []ExchangeOption
	if st.Verifier != "" {
		opts = append(opts, CodeVerifier(st.Verifier))
	}
	tok, err := c.Exchange(ctx, code, opts...)
	if err != nil {
		return nil, true, err
	}
	r = &LoginResult{Token: tok, ReturnPath: st.ReturnPath, Data: st.Data, asked: c.cfg.Scopes, accountID: st.AccountID}
	if st.Scopes != nil {
		r.asked = st.Scopes
	}
	err = c.complete(ctx, r)
	return r, true, err
}

// ResumeLogin goes on with a login that stopped with an
// [*IncompleteLoginError], from where it stopped. The result is a new one; r
// is not changed.
//
// A login by hand goes on here too: &LoginResult{Token: long}, with what
// [Client.ExchangeLongLived] returned, is looked up and stored.
func (c *Client) ResumeLogin(ctx context.Context, r *LoginResult) (*LoginResult, error) {
	if r == nil || r.Token == nil || r.Token.AccessToken.IsZero() {
		return nil, fmt.Errorf("instagram: resume login: the result has no token: %w", ErrInvalidRequest)
	}
	next := *r
	if next.asked == nil {
		next.asked = c.cfg.Scopes
	}
	if err := c.complete(ctx, &next); err != nil {
		return &next, fmt.Errorf("instagram: resume login: %w", err)
	}
	return &next, nil
}

// complete takes the steps that are left after the code exchange. Each may be
// repeated, and leaves what it won in r.
func (c *Client) complete(ctx context.Context, r *LoginResult) error {
	for _, step := range []struct {
		stage LoginStage
		take  func(context.Context, *LoginResult) error
	}{
		{StageLongLived, c.stepLongLived},
		{StageIdentify, c.stepIdentify},
		{StageAccounts, c.stepAccounts},
		{StageSave, c.stepSave},
	} {
		if err := step.take(ctx, r); err != nil {
			if _, wrong := errors.AsType[*WrongAccountError](err); wrong {
				return err
			}
			return &IncompleteLoginError{Stage: step.stage, Err: err}
		}
	}
	return nil
}

func (c *Client) stepLongLived(ctx context.Context, r *LoginResult) error {
	if r.Token.Kind != ShortLived {
		return nil
	}
	if c.cfg.Login == FacebookLogin { // a configuration may give a token that has no end
		if err := c.learn(ctx, r); err != nil || r.Token.Kind != ShortLived {
			return err
		}
	}
	long, err := c.ExchangeLongLived(ctx, r.Token)
	if err != nil {
		return err
	}
	r.Token = long
	return nil
}

// stepIdentify learns whose token it is and what was granted.
func (c *Client) stepIdentify(ctx context.Context, r *LoginResult) error {
	identify := c.learn // Facebook Login: debug_token says it all
	if c.cfg.Login == InstagramLogin {
		identify = c.askProfile
	}
	if err := identify(ctx, r); err != nil {
		return err
	}
	if r.Token.Scopes != nil {
		r.MissingScopes = missingScopes(r.asked, r.Token.Scopes)
	}
	return nil
}

func (c *Client) stepAccounts(ctx context.Context, r *LoginResult) error {
	found, err := c.discover(ctx, r.Token, r.info, false)
	if err != nil {
		return err
	}
	r.Accounts, r.Gaps = found.Accounts, found.Gaps
	ids := make([]string, len(r.Accounts))
	for i, t := range r.Accounts {
		ids[i] = t.AccountID
	}
	if r.accountID != "" && !slices.Contains(ids, r.accountID) {
		return &WrongAccountError{Want: r.accountID, Got: ids}
	}
	return nil
}

func (c *Client) stepSave(ctx context.Context, r *LoginResult) error {
	return c.saveLogin(ctx, r.Token, r.Accounts)
}

package instagram

// This file answers: what happens when a person removes the app?

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Deauthorization says that a person has removed the app: every token of this
// person is dead.
type Deauthorization struct {
	// AppScopedID is the person, as in [Token.AppScopedID].
	AppScopedID string
	// At is when Meta signed the request. Zero: it does not say, which only
	// [MaxSignedRequestAge] with a negative age lets pass.
	At time.Time
	// Keys are the records of the person that are now marked [Deauthorized]: the
	// account's on Instagram Login, the person's and those of all accounts on
	// Facebook Login.
	Keys []TokenKey
	// Searched is false when the token store cannot find records by the
	// app-scoped ID (see [TokenFinder]), so that Keys may not be all.
	Searched bool
	// Err is what went wrong while the records were marked. nil: nothing.
	Err error
}

// DeauthorizeHandler answers the deauthorize callback URL of the App Dashboard
// (on Instagram Login it stands beside the redirect URIs). It verifies the
// signed_request with AppSecret and CallbackSecrets, refuses what is older than
// [DefaultSignedRequestAge], marks all stored tokens of the person as [Deauthorized], and
// then hands the event to tell, which may be nil. A token from a later login is
// left alone.
//
// The answer is 200 when all of that went well and 500 when something did not;
// then the same request is welcome again, and tell is called again. A request
// that was done in this process gets 200 and nothing more. An answer to
// anything else than Meta's request has no content that helps to make one.
//
// Source: "Data Deletion Request Callback", read 2026, for the form of the request.
func (c *Client) DeauthorizeHandler(tell func(context.Context, Deauthorization) error, opts ...SignedRequestOption) http.Handler {
	h := c.newSignedHandler("deauthorize", opts)
	h.answer = func(w http.ResponseWriter, _ *SignedRequest) {
		noStore(w)
		w.WriteHeader(http.StatusOK)
	}
	h.work = func(ctx context.Context, request *SignedRequest) error {
		d := c.deauthorizeAll(ctx, request)
		if tell == nil {
			return d.Err
		}
		return errors.Join(d.Err, tell(ctx, d))
	}
	return h
}

// deauthorizeAll marks every record of the person. One that cannot be marked does not
// keep the others from it.
func (c *Client) deauthorizeAll(ctx context.Context, request *SignedRequest) Deauthorization {
	d := Deauthorization{AppScopedID: request.UserID, At: request.IssuedAt}
	found, err := c.recordsOf(ctx, request.UserID)
	d.Searched = found.searched
	errs := []error{err}
	for _, key := range found.keys {
		marked, err := c.deauthorize(ctx, key, request)
		if marked {
			d.Keys = append(d.Keys, key)
			c.tellTokenEvent(ctx, key, "deauthorized")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", key, err))
		}
	}
	d.Err = errors.Join(errs...)
	return d
}

func (c *Client) tellTokenEvent(ctx context.Context, key TokenKey, kind TokenEventKind) {
	defer c.guardHook()
	c.opts.tracer.TokenEvent(ctx, TokenEvent{Key: key, Kind: kind, Reason: "callback"})
}

// records are the stored tokens of one person of the app.
type records struct {
	keys     []TokenKey
	searched bool // false: the store cannot find them all
}

// recordsOf finds the records of a person. On Facebook Login the person's own
// one is found also in a store that cannot search.
func (c *Client) recordsOf(ctx context.Context, appScopedID string) (records, error) {
	var r records
	if finder, ok := c.opts.tokenStore.(TokenFinder); ok {
		keys, err := finder.FindTokens(ctx, c.cfg.AppID, appScopedID)
		if err != nil && !errors.Is(err, errors.ErrUnsupported) {
			return r, storeError(err)
		}
		r = records{keys, err == nil}
	}
	if person := PersonKey(c.cfg.AppID, appScopedID); c.cfg.Login == FacebookLogin && !slices.Contains(r.keys, person) {
		r.keys = append(r.keys, person)
	}
	return r, nil
}

// deauthorize marks a record as given up by the person. It reports false when
// there is no such record of this person, or it comes from a login after the
// request: whoever comes back is not sent away by what was signed before.
func (c *Client) deauthorize(ctx context.Context, key TokenKey, request *SignedRequest) (bool, error) {
	var err error
	for range saveAttempts {
		var record *Record
		record, err = c.opts.tokenStore.LoadToken(ctx, key)
		switch {
		case errors.Is(err, ErrTokenNotFound):
			return false, nil
		case err != nil:
			return false, storeError(err)
		case record.Token == nil, record.Token.AppScopedID != request.UserID, grantedAfter(record.Token, request.IssuedAt):
			return false, nil
		case record.State == Deauthorized:
			return true, nil
		}
		record.State, record.Reason = Deauthorized, "deauthorize callback"
		record.DueAt = time.Time{}
		if _, err = c.opts.tokenStore.SaveToken(ctx, record, record.Revision); err == nil {
			return true, nil
		}
		if !errors.Is(err, ErrTokenSuperseded) {
			break
		}
	}
	return false, storeError(err)
}

// grantedAfter reports whether the person passed the login window after t,
// which Meta writes in whole seconds.
func grantedAfter(token *Token, t time.Time) bool {
	return !t.IsZero() && token.GrantedAt.Truncate(time.Second).After(t)
}

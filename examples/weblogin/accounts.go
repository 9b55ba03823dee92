package main

// This file answers: how are accounts connected, shown, used and disconnected?

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/seed-922467ee/instagram"
)

// card is what the page shows of one account.
type card struct {
	ID, Username string
	Status       string // for the person
	Look         string // good, soon, bad
	Until        time.Time
	Scopes       []instagram.Scope
	Missing      []instagram.Scope
	Works        bool // its token lives
	Publishes    bool // and may publish
	Reconnect    bool

	Form       string // of what is published next
	Draft      draft  // what could not be published
	Unfinished *posting
}

func (a *app) home(w http.ResponseWriter, r *http.Request) {
	id := a.sessions.of(r)
	var cards []card
	for _, key := range a.sessions.accounts(id) {
		record, err := a.store.LoadToken(r.Context(), key)
		if errors.Is(err, instagram.ErrTokenNotFound) { // deleted, by Meta's wish or in another browser
			a.sessions.change(id, func(s *session) { s.remove(key) })
			continue
		}
		if err != nil {
			a.logger.ErrorContext(r.Context(), "store", slog.Any("error", err))
			a.errorPage(w, r, http.StatusServiceUnavailable, "Your accounts cannot be read now", "Please try again in a few minutes.")
			return
		}
		c := a.cardOf(r.Context(), record)
		a.sessions.form(id, &c)
		cards = append(cards, c)
	}
	a.show(w, r, http.StatusOK, "home.html", map[string]any{
		"Cards": cards, "Notice": a.sessions.takeNotice(id), "Fake": a.fake != nil, "Facebook": a.config.Login == instagram.FacebookLogin,
	})
}

// cardOf says how an account is. On Facebook Login the person's token is what
// ends; the account's record refers to it.
func (a *app) cardOf(ctx context.Context, record *instagram.Record) card {
	tok, state := record.Token, record.State
	c := card{
		ID: record.Key.AccountID, Username: tok.Username, Until: tok.ExpiresAt, Scopes: tok.Scopes,
		Look: "good", Status: "Connected", Works: true, Form: rand.Text(),
	}
	if tok.Kind == instagram.PageToken {
		person, err := a.store.LoadToken(ctx, instagram.PersonKey(a.config.AppID, tok.AppScopedID))
		if err != nil {
			state = instagram.NeedsLogin
		} else {
			state = max(state, person.State)
			tok, c.Until, c.Scopes = person.Token, person.Token.ExpiresAt, person.Token.Scopes
		}
	}
	for _, asked := range a.config.Scopes {
		if c.Scopes != nil && !slices.Contains(c.Scopes, asked) {
			c.Missing = append(c.Missing, asked)
		}
	}
	status := tok.Status(time.Now())
	switch {
	case state == instagram.Deauthorized:
		c.Status, c.Look, c.Reconnect, c.Works = "Removed at Instagram", "bad", true, false
	case state == instagram.WaitingForPerson:
		c.Status, c.Look, c.Reconnect, c.Works = "Instagram wants something from you: open the app", "bad", true, false
	case state == instagram.NeedsLogin, status == instagram.Expired, status == instagram.DataAccessEnded:
		c.Status, c.Look, c.Reconnect, c.Works = "Connection lost", "bad", true, false
	case len(c.Missing) > 0:
		c.Status, c.Look, c.Reconnect = "Connected, with less than asked for", "soon", true
	case status == instagram.Urgent:
		c.Status, c.Look, c.Reconnect = "Ends soon", "soon", true
	}
	publish := instagram.ScopeBusinessContentPublish
	if a.config.Login == instagram.FacebookLogin {
		publish = instagram.ScopeContentPublish
	}
	c.Publishes = c.Works && !slices.Contains(c.Missing, publish)
	return c
}

// connect gives a login its options: which account it is to bring back.
func (a *app) connect(r *http.Request) ([]instagram.AuthCodeOption, error) {
	opts := []instagram.AuthCodeOption{instagram.ReturnPath("/")}
	key, ok := a.own(r, r.PostFormValue("account"))
	if !ok {
		return opts, nil
	}
	opts = append(opts, instagram.Reconnect(key.AccountID))
	if a.config.Login == instagram.FacebookLogin {
		opts = append(opts, instagram.Rerequest())
	}
	return opts, nil
}

// connected is the end of a login.
func (a *app) connected(w http.ResponseWriter, r *http.Request, login *instagram.LoginResult, err error) {
	if _, incomplete := errors.AsType[*instagram.IncompleteLoginError](err); incomplete {
		login, err = a.client.ResumeLogin(r.Context(), login) // one more try while the person waits
	}
	var wrong *instagram.WrongAccountError
	switch {
	case errors.As(err, &wrong):
		a.say(w, r, notice{Look: "bad", Text: "That was another account. Please switch accounts at Instagram, and try again."})
		return
	case err != nil:
		a.fail(w, r, "login", err)
		return
	case len(login.Accounts) == 0:
		n := notice{Look: "bad", Text: "No professional account was found."}
		for _, gap := range login.Gaps { // of each Page, why
			n.Lines = append(n.Lines, gap.String())
		}
		a.say(w, r, n)
		return
	}
	id := a.sessions.renew(w, r)
	a.sessions.change(id, func(s *session) {
		for _, tok := range login.Accounts {
			s.add(tok.Key(a.config.AppID))
		}
		s.notice = notice{Look: "good", Text: "Connected."}
		if len(login.MissingScopes) > 0 {
			s.notice = notice{Look: "soon", Text: "Connected, but some boxes were unticked, so not everything will work."}
		}
	})
	http.Redirect(w, r, login.ReturnPath, http.StatusSeeOther)
}

// own returns the key of an account that this browser has connected.
func (a *app) own(r *http.Request, accountID string) (instagram.TokenKey, bool) {
	key := instagram.TokenKey{AppID: a.config.AppID, AccountID: accountID}
	return key, accountID != "" && slices.Contains(a.sessions.accounts(a.sessions.of(r)), key)
}

// disconnect deletes the token here, and gives it up at Meta as far as that is
// possible.
func (a *app) disconnect(w http.ResponseWriter, r *http.Request) {
	key, ok := a.own(r, r.PathValue("id"))
	if !ok {
		a.notThere(w, r)
		return
	}
	if err := a.giveUp(r.Context(), key); err != nil {
		a.fail(w, r, "disconnect", err)
		return
	}
	a.sessions.change(a.sessions.of(r), func(s *session) { s.remove(key) })
	a.say(w, r, notice{Look: "good", Text: "Disconnected. Its token is deleted."})
}

// giveUp ends an account's record, and with the last one on Facebook Login that
// of the person, whose token serves all of them.
func (a *app) giveUp(ctx context.Context, key instagram.TokenKey) error {
	record, err := a.store.LoadToken(ctx, key)
	switch {
	case errors.Is(err, instagram.ErrTokenNotFound):
		return nil
	case err != nil:
		return err
	}
	if record.Token.Kind != instagram.PageToken {
		if err := a.client.RevokeToken(ctx, record.Token); err != nil { // it may be dead already
			a.log(ctx, "revoke", err)
		}
		return a.store.DeleteToken(ctx, key)
	}
	if err := a.store.DeleteToken(ctx, key); err != nil {
		return err
	}
	left, err := a.store.FindTokens(ctx, a.config.AppID, record.Token.AppScopedID)
	person := instagram.PersonKey(a.config.AppID, record.Token.AppScopedID)
	if err != nil || !slices.Equal(left, []instagram.TokenKey{person}) {
		return err
	}
	return a.giveUp(ctx, person)
}

package main

// This file answers: how are accounts connected, shown, used and disconnected?

import (
	"bytes"
	"context"
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
	Reconnect    bool
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
			http.Error(w, "Please try again in a few minutes.", http.StatusServiceUnavailable)
			return
		}
		cards = append(cards, a.cardOf(r.Context(), record))
	}
	var page bytes.Buffer
	err := a.page.ExecuteTemplate(&page, "home.html", map[string]any{
		"Cards": cards, "Notice": a.sessions.takeNotice(id), "Fake": a.fake != nil, "Facebook": a.config.Login == instagram.FacebookLogin,
	})
	if err != nil {
		a.logger.ErrorContext(r.Context(), "page", slog.Any("error", err))
		http.Error(w, "Please try again in a few minutes.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = page.WriteTo(w)
}

// cardOf says how an account is. On Facebook Login the person's token is what
// ends; the account's record refers to it.
func (a *app) cardOf(ctx context.Context, record *instagram.Record) card {
	tok, state := record.Token, record.State
	c := card{ID: record.Key.AccountID, Username: tok.Username, Until: tok.ExpiresAt, Scopes: tok.Scopes, Look: "good", Status: "Connected"}
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
		c.Status, c.Look, c.Reconnect = "Removed at Instagram", "bad", true
	case state == instagram.WaitingForPerson:
		c.Status, c.Look, c.Reconnect = "Instagram wants something from you: open the app", "bad", true
	case state == instagram.NeedsLogin, status == instagram.Expired, status == instagram.DataAccessEnded:
		c.Status, c.Look, c.Reconnect = "Connection lost", "bad", true
	case len(c.Missing) > 0:
		c.Status, c.Look, c.Reconnect = "Connected, with less than asked for", "soon", true
	case status == instagram.Urgent:
		c.Status, c.Look, c.Reconnect = "Ends soon", "soon", true
	}
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
		a.say(w, r, notice{Text: "That was another account. Please switch accounts at Instagram, and try again."})
		return
	case err != nil:
		a.fail(w, r, "login", err)
		return
	case len(login.Accounts) == 0:
		a.say(w, r, notice{Text: "No professional account was found. Convert yours to Business or Creator, link it to a Page, and try again."})
		return
	}
	id := a.sessions.renew(w, r)
	a.sessions.change(id, func(s *session) {
		for _, tok := range login.Accounts {
			s.add(tok.Key(a.config.AppID))
		}
		s.notice = notice{Good: true, Text: "Connected."}
		if len(login.MissingScopes) > 0 {
			s.notice = notice{Text: "Connected, but some boxes were unticked, so not everything will work."}
		}
	})
	http.Redirect(w, r, login.ReturnPath, http.StatusSeeOther)
}

// own returns the key of an account that this browser has connected.
func (a *app) own(r *http.Request, accountID string) (instagram.TokenKey, bool) {
	key := instagram.TokenKey{AppID: a.config.AppID, AccountID: accountID}
	return key, accountID != "" && slices.Contains(a.sessions.accounts(a.sessions.of(r)), key)
}

func (a *app) publish(w http.ResponseWriter, r *http.Request) {
	key, ok := a.own(r, r.PathValue("id"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	out, err := a.client.Account(key.AccountID).Publish(r.Context(), instagram.Post{
		Media:   []instagram.PostMedia{{ImageURL: r.PostFormValue("image_url"), AltText: r.PostFormValue("alt_text")}},
		Caption: r.PostFormValue("caption"),
	})
	if err != nil {
		a.fail(w, r, "publish", err)
		return
	}
	a.say(w, r, notice{Good: true, Text: "Published.", Link: out.Permalink})
}

// disconnect gives the token up at Meta as far as that is possible, and deletes
// it here in any case.
func (a *app) disconnect(w http.ResponseWriter, r *http.Request) {
	key, ok := a.own(r, r.PathValue("id"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	if a.config.Login == instagram.InstagramLogin { // the person's token of Facebook serves other accounts too
		if record, err := a.store.LoadToken(r.Context(), key); err == nil {
			if err := a.client.RevokeToken(r.Context(), record.Token); err != nil {
				a.logger.WarnContext(r.Context(), "revoke", slog.Any("error", err))
			}
		}
	}
	if err := a.store.DeleteToken(r.Context(), key); err != nil {
		a.fail(w, r, "disconnect", err)
		return
	}
	a.sessions.change(a.sessions.of(r), func(s *session) { s.remove(key) })
	a.say(w, r, notice{Good: true, Text: "Disconnected. Its token is deleted."})
}

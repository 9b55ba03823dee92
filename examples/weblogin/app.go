package main

// This file answers: which addresses does the site have, and what protects them?

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/seed-922467ee/instagram"
)

//go:embed pages
var pages embed.FS

// app is the web application.
type app struct {
	*setup
	logger    *slog.Logger
	sessions  *sessions
	page      *template.Template
	webhooks  *instagram.WebhookHandler
	deletions instagram.DeletionLog
	handler   http.Handler
}

func newApp(s *setup, logger *slog.Logger) (*app, error) {
	page, err := template.New("page").Funcs(template.FuncMap{"day": day}).ParseFS(pages, "pages/*.html")
	if err != nil {
		return nil, err
	}
	a := &app{setup: s, logger: logger, sessions: newSessions(s.publicURL), page: page}
	return a, a.routes()
}

func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

func (a *app) routes() error {
	mux := http.NewServeMux()
	static, err := fs.Sub(pages, "pages")
	if err != nil {
		return err
	}
	mux.Handle("GET /style.css", http.FileServerFS(static))
	mux.HandleFunc("GET /{$}", a.home)
	mux.Handle("POST /connect", a.client.LoginHandler(a.connect))
	mux.Handle("GET /callback", a.client.CallbackHandler(a.connected))
	mux.HandleFunc("POST /accounts/{id}/publish", a.publish)
	mux.HandleFunc("POST /accounts/{id}/disconnect", a.disconnect)

	mux.Handle("POST /meta/deauthorize", a.client.DeauthorizeHandler(a.deauthorized))
	deletion, err := a.client.DataDeletionHandler(a.publicURL+"/meta/deletion/status", a.erase)
	if err != nil {
		return err
	}
	mux.Handle("POST /meta/deletion", deletion)
	mux.Handle("GET /meta/deletion/status", a.client.DeletionStatusHandler(a.deletions.Status))
	a.webhooks = a.client.WebhookHandler(a.verify, a.event)
	mux.Handle("/meta/webhooks", a.webhooks)

	// A form of another site cannot connect, publish or disconnect. Meta's
	// servers are no browsers, so they pass, and are verified by their signature.
	a.handler = secureHeaders(http.NewCrossOriginProtection().Handler(mux), a.config)
	return nil
}

// secureHeaders lets the pages load nothing but the style sheet, and be framed
// by nobody. A form may lead to Meta's login window, nowhere else.
func secureHeaders(next http.Handler, cfg instagram.Config) http.Handler {
	login := "https://www.instagram.com"
	if cfg.Login == instagram.FacebookLogin {
		login = "https://www.facebook.com"
	}
	if u, err := url.Parse(cfg.Endpoint.Authorize); err == nil && u.Host != "" {
		login = u.Scheme + "://" + u.Host
	}
	policy := "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' " + login + "; base-uri 'none'; frame-ancestors 'none'"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		if strings.HasPrefix(cfg.RedirectURL, "https:") {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// say shows the person a line on the next page, and sends them there.
func (a *app) say(w http.ResponseWriter, r *http.Request, n notice) {
	id := a.sessions.of(r)
	if id == "" {
		id = a.sessions.renew(w, r)
	}
	a.sessions.change(id, func(s *session) { s.notice = n })
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// fail tells the developer everything and the person what they can do.
func (a *app) fail(w http.ResponseWriter, r *http.Request, what string, err error) {
	a.logger.WarnContext(r.Context(), what, slog.Any("error", err), slog.String("advice", instagram.ErrorAdvice(err).Text))
	a.say(w, r, notice{Text: sorry(err)})
}

// sorry says in the person's words what an error means.
func sorry(err error) string {
	advice := instagram.ErrorAdvice(err)
	var refused *instagram.PostError
	switch {
	case errors.As(err, &refused):
		return "That cannot be published: " + refused.Error()
	case errors.Is(err, instagram.ErrOutcomeUnknown):
		return "Instagram gave no clear answer. Please look there whether the post is out before you try again."
	case errors.Is(err, instagram.ErrUserDenied):
		return "Access was not given, so nothing was connected."
	case errors.Is(err, instagram.ErrStateMismatch):
		return "This sign-in has ended. Please begin again."
	case advice.NeedsLogin:
		return "This account has to be connected again."
	case errors.Is(err, instagram.ErrThrottled):
		return fmt.Sprintf("Instagram wants a break. Please try again in %s.", max(advice.RetryAfter, time.Minute).Round(time.Minute))
	case advice.Action == instagram.ActionUserMustAct:
		return "Instagram wants something from you first. Please open the Instagram app, and follow what it says."
	case advice.Action == instagram.ActionGrantScopes:
		return "A permission is missing. Please connect the account again, and leave all boxes ticked."
	}
	return "That did not work. Please try again in a few minutes."
}

// deauthorized notes that a person has removed the app; the handler has marked
// their tokens already.
func (a *app) deauthorized(ctx context.Context, d instagram.Deauthorization) error {
	a.logger.InfoContext(ctx, "deauthorized", slog.Int("records", len(d.Keys)))
	return nil
}

// erase deletes what this program knows of a person. That is tokens alone,
// which the handler has deleted already.
func (a *app) erase(ctx context.Context, d instagram.DataDeletion) error {
	a.deletions.Set(d.Code, instagram.DeletionStatus{State: instagram.DeletionDone, DoneAt: time.Now()})
	a.logger.InfoContext(ctx, "data deleted", slog.Int("records", len(d.Keys)))
	return nil
}

// event is told of comments, messages and the like.
func (a *app) event(ctx context.Context, e instagram.Event) error {
	a.logger.InfoContext(ctx, "webhook", slog.String("field", e.Field), slog.String("account", e.AccountID))
	return nil
}

func day(t time.Time) string { return t.Format("2 January 2006") }

package main

// This file answers: which addresses does the site have, and what protects them?

import (
	"bytes"
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
	mux.Handle("GET /icon.svg", http.FileServerFS(static))
	mux.HandleFunc("GET /{$}", a.home)
	mux.HandleFunc("/", a.notThere)
	mux.HandleFunc("POST /connect", a.form(a.client.LoginHandler(a.connect).ServeHTTP))
	mux.Handle("GET /callback", a.client.CallbackHandler(a.connected))
	mux.HandleFunc("POST /accounts/{id}/publish", a.form(a.publish))
	mux.HandleFunc("POST /accounts/{id}/disconnect", a.form(a.disconnect))

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
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.errorPage(w, r, http.StatusForbidden, "That came from another site", "For your safety it was not done. Please do it from your accounts.")
	}))
	a.handler = secureHeaders(protection.Handler(mux), a.config)
	return nil
}

// form takes a person's form of a bounded size to next.
func (a *app) form(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		err := r.ParseForm()
		var large *http.MaxBytesError
		switch {
		case errors.As(err, &large):
			a.errorPage(w, r, http.StatusRequestEntityTooLarge, "That is too much", "The form holds more than this site takes. Please shorten it.")
		case err != nil:
			a.errorPage(w, r, http.StatusBadRequest, "This form cannot be read", "Please go back to your accounts, and fill it in there.")
		default:
			next(w, r)
		}
	}
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
	a.log(r.Context(), what, err)
	a.say(w, r, notice{Look: "bad", Text: sorry(err)})
}

func (a *app) log(ctx context.Context, what string, err error) {
	a.logger.WarnContext(ctx, what, slog.Any("error", err), slog.String("advice", instagram.ErrorAdvice(err).Text))
}

// show writes a page, whole or not at all.
func (a *app) show(w http.ResponseWriter, r *http.Request, status int, page string, data any) {
	var text bytes.Buffer
	if err := a.page.ExecuteTemplate(&text, page, data); err != nil {
		a.logger.ErrorContext(r.Context(), "page", slog.Any("error", err))
		http.Error(w, "Please try again in a few minutes.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = text.WriteTo(w)
}

func (a *app) errorPage(w http.ResponseWriter, r *http.Request, status int, title, text string) {
	a.show(w, r, status, "error.html", map[string]string{"Title": title, "Text": text})
}

func (a *app) notThere(w http.ResponseWriter, r *http.Request) {
	a.errorPage(w, r, http.StatusNotFound, "There is nothing here", "The address is wrong, or the account is not connected in this browser any more.")
}

// sorry says in the person's words what an error means.
func sorry(err error) string {
	advice := instagram.ErrorAdvice(err)
	var refused *instagram.PostError
	var unready *instagram.ContainerError
	switch {
	case errors.As(err, &refused):
		return "That cannot be published. " + about(refused)
	case errors.As(err, &unready) && unready.Status == instagram.ContainerInProgress:
		return "Instagram is still working on the photo. Please go on in a minute."
	case errors.As(err, &unready):
		return "Instagram cannot use this photo. Please check that its address is open to everybody, and that it is a JPEG of no more than 8 MB."
	case errors.Is(err, instagram.ErrOutcomeUnknown):
		return "Instagram gave no clear answer. Going on looks up whether the post is out, and does not publish it twice."
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

// about says what is wrong with a post, with the form's names for its fields.
func about(e *instagram.PostError) string {
	switch e.Field {
	case "Media[0]", "Media[0].ImageURL":
		if e.Field == "Media[0]" {
			return "Please give the address of a photo."
		}
		return "The photo’s address " + e.Problem + "."
	case "Media[0].AltText":
		return "The description: " + e.Problem + "."
	}
	return e.Error() + "."
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

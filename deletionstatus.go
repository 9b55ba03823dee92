package instagram

// This file answers: what does a person see who asks how far the deletion is?

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// DeletionState says how far the deletion of a person's data is.
type DeletionState uint8

const (
	// DeletionReceived means that the request has arrived and is being worked on.
	DeletionReceived DeletionState = iota
	// DeletionDone means that everything has been deleted.
	DeletionDone
	// DeletionRefused means that data is kept. Meta wants a legitimate reason for
	// that on the page: give it in [DeletionStatus.Text].
	DeletionRefused
)

// String returns "received", "done" or "refused".
func (s DeletionState) String() string {
	switch s {
	case DeletionReceived:
		return "received"
	case DeletionDone:
		return "done"
	case DeletionRefused:
		return "refused"
	}
	return "unknown"
}

// DeletionStatus is what a person is told of their request.
type DeletionStatus struct {
	State DeletionState
	// Text is shown as it is, as plain text in any language. Empty: a sentence
	// in English that follows from State.
	Text string
	// DoneAt is when the deletion was finished. Zero: it is not shown.
	DoneAt time.Time
}

func (s DeletionStatus) text() string {
	switch {
	case s.Text != "":
		return s.Text
	case s.State == DeletionDone:
		return "Your data has been deleted."
	case s.State == DeletionRefused:
		return "Some of your data is kept. Please ask us for the reason, and name the confirmation code."
	}
	return "Your request has been received and is being worked on. If you have questions, please name the confirmation code."
}

// DeletionLog remembers in memory how far deletions are, the newest ten
// thousand, until the process ends. It is safe for concurrent use, and the zero value
// is ready. A program with a database keeps [DataDeletion.Code] there instead.
type DeletionLog struct {
	mu     sync.Mutex
	byCode map[string]DeletionStatus
	order  []string // oldest first
}

const maxDeletionLog = 10_000

// Set notes how far the deletion with the code is.
func (l *DeletionLog) Set(code string, s DeletionStatus) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byCode == nil {
		l.byCode = map[string]DeletionStatus{}
	}
	if _, known := l.byCode[code]; !known {
		if len(l.order) == maxDeletionLog {
			delete(l.byCode, l.order[0])
			l.order = l.order[1:]
		}
		l.order = append(l.order, code)
	}
	l.byCode[code] = s
}

// Status returns what was noted last; the zero status, "received", when nothing
// was. It is for [Client.DeletionStatusHandler].
func (l *DeletionLog) Status(_ context.Context, d DataDeletion) (DeletionStatus, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.byCode[d.Code], nil
}

// DeletionStatusHandler is the page behind the address that a person gets when
// they ask for deletion. status tells how far it is; it is called only with
// requests that this app has answered. nil: the page says that the request was
// received, and when. See [DeletionLog] for the next step, and
// [Client.ParseDeletionStatus] for a page of the program's own.
//
// The page has no scripts, no frames and no cookies, loads nothing, and is not
// kept or indexed.
func (c *Client) DeletionStatusHandler(status func(context.Context, DataDeletion) (DeletionStatus, error)) http.Handler {
	if status == nil {
		status = new(DeletionLog).Status
	}
	seals := newDeletionSeals(c)
	page := template.Must(template.New("deletion").Parse(deletionPage))
	policy := deletionPolicy()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			allowOnly(w, "GET, HEAD")
			return
		}
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			answerPlainly(w, http.StatusBadRequest)
			return
		}
		d, err := seals.open(query.Get("id"))
		if err != nil {
			answerPlainly(w, http.StatusNotFound)
			return
		}
		s, err := c.deletionStatus(r.Context(), *d, status)
		if err != nil {
			c.logger.ErrorContext(r.Context(), "instagram: deletion status not known", errAttr(err))
			answerPlainly(w, http.StatusInternalServerError)
			return
		}
		noStore(w)
		header := w.Header()
		header.Set("Content-Type", "text/html; charset=utf-8")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("X-Robots-Tag", "noindex")
		header.Set("Content-Security-Policy", policy)
		_ = page.Execute(w, map[string]string{
			"code": d.Code, "text": s.text(), "at": minute(d.At), "doneAt": minute(s.DoneAt),
		})
	})
}

// deletionStatus asks the caller's function.
func (c *Client) deletionStatus(ctx context.Context, d DataDeletion,
	status func(context.Context, DataDeletion) (DeletionStatus, error),
) (s DeletionStatus, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(ctx, c.logger, p)
		}
	}()
	return status(ctx, d)
}

func minute(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04 MST")
}

// deletionPolicy lets the page have its own style, by the style's hash, and
// nothing else.
func deletionPolicy() string {
	sum := sha256.Sum256([]byte(deletionStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

const deletionStyle = `:root{color-scheme:light dark}
body{max-width:34rem;margin:12vh auto;padding:0 1.25rem;font:1rem/1.6 system-ui,sans-serif}
h1{font-size:1.5rem}
dl{margin-top:2rem}
dt{opacity:.75;font-size:.9rem}
dd{margin:0 0 1rem;overflow-wrap:anywhere}`

const deletionPage = `<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Data deletion</title>
<style>` + deletionStyle + `</style>
<h1>Data deletion</h1>
<p>{{.text}}</p>
<dl>
<dt>Confirmation code</dt><dd>{{.code}}</dd>
{{if .at}}<dt>Requested</dt><dd>{{.at}}</dd>
{{end}}{{if .doneAt}}<dt>Finished</dt><dd>{{.doneAt}}</dd>
{{end}}</dl>
</html>
`

package instagram

// This file answers: what does an answer say that is known to be an error?

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/seed-922467ee/instagram/internal/redact"
	"github.com/seed-922467ee/instagram/internal/wire"
)

const (
	maxErrorText = 4 << 10 // how long a text or error_data of an [Error] may be
	maxExcerpt   = 200
)

// newError returns what an answer says that is known to be an error. Of resp
// it uses status, headers and request, and not the body, which is given. op ""
// stands for method and path. Secrets are those that the platform may echo,
// besides those that stand in resp.Request.
func newError(op string, resp *http.Response, body []byte, secrets ...string) *Error {
	e := &Error{Op: op, HTTPStatus: resp.StatusCode}
	if req := resp.Request; req != nil {
		secrets = requestSecrets(req, secrets)
		if req.URL != nil {
			e.Host = req.URL.Host
			if op == "" {
				e.Op = req.Method + " " + req.URL.Path
			}
		}
	}
	h := wire.Canonical(resp.Header)
	e.readHeader(h)
	e.readBody(wire.Decode(body, h.Get("Content-Encoding")))
	if resp.StatusCode >= 300 && resp.StatusCode < 400 && e.Message == "" {
		e.Message = "a redirect, which is not followed" + redirectTarget(resp)
	}
	e.finish(secrets)
	return e
}

func redirectTarget(resp *http.Response) string {
	to, err := url.Parse(wire.Canonical(resp.Header).Get("Location"))
	if err != nil || to.Host == "" {
		return ""
	}
	return ", to host " + to.Host
}

// CheckBatchPart returns what one part of a batch answer says: nil for a
// success, and else an [*Error]. Meta gives status ("code"), headers and body
// of each part; a part that timed out is null, and has none of them.
func CheckBatchPart(status int, header http.Header, body []byte) error {
	if e := checkPart("", status, header, body); e != nil {
		return e
	}
	return nil
}

func checkPart(op string, status int, header http.Header, body []byte, secrets ...string) *Error {
	if status >= 200 && status < 300 && !holdsError(body, header) {
		return nil
	}
	return newError(op, &http.Response{StatusCode: status, Header: header}, body, secrets...)
}

// newInnerError reads an object that is an error itself, such as data.error
// in the answer of debug_token; nil when it says nothing.
func newInnerError(op string, object []byte, secrets ...string) *Error {
	w := wire.ErrorObject(wire.Parse(object))
	if w.Form == wire.NoForm {
		return nil
	}
	e := &Error{Op: op}
	e.fill(w)
	e.finish(secrets)
	return e
}

// errorFromCallback returns the refusal that came on the redirect, in either
// of Meta's two vocabularies; nil when there is none. It says nothing of the
// state, which has to be checked before anything of the query is believed.
func errorFromCallback(query url.Values) *Error {
	get := func(name string) string {
		v := query.Get(name)
		return strings.TrimSuffix(strings.TrimSuffix(v, "#_=_"), "#_")
	}
	e := &Error{
		Op: "login", Type: get("error"), Reason: get("error_reason"),
		Message: get("error_description"), TraceID: get("fbtrace_id"),
	}
	text := get("error_message")
	if e.Message == "" {
		e.Message = text
	}
	code := get("error_code")
	if e.Type == "" && e.Reason == "" && text == "" && code == "" {
		return nil
	}
	e.Code = atoi(code)
	e.Subcode = atoi(get("error_subcode"))
	e.finish(redact.InValues(query, nil))
	return e
}

func atoi(s string) int {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		return 0
	}
	return int(n)
}

func (e *Error) readHeader(h http.Header) {
	e.TraceID = h.Get("X-Fb-Trace-Id")
	e.RequestID = h.Get("X-Fb-Request-Id")
	e.Version = h.Get(versionHeader)
	e.Challenge, e.Message = wire.Challenge(h.Get("Www-Authenticate"))
	e.Usage = parseUsage(h)
	e.RetryAfter = wire.RetryAfter(h, time.Now())
}

func (e *Error) readBody(body string) {
	v := wire.ParseString(body)
	w := wire.FindError(v, false)
	if w.Form == wire.NoForm {
		if !v.IsObject() && !v.IsArray() {
			e.Excerpt = wire.Excerpt(body, maxExcerpt)
		}
		return
	}
	e.fill(w)
}

func (e *Error) fill(w wire.Error) {
	e.Code, e.codeIsStatus, e.Subcode = w.Code, w.CodeIsStatus, w.Subcode
	e.Type, e.UserTitle, e.UserMessage = w.Type, w.UserTitle, w.UserMessage
	e.Transient, e.NotTransient = w.Transient, w.NotTransient
	if w.Message != "" {
		e.Message = w.Message
	}
	if w.TraceID != "" {
		e.TraceID = w.TraceID
	}
	if raw := w.Data.RawString(); w.Data.Exists() && len(raw) <= maxErrorText {
		e.Data = json.RawMessage(raw)
	}
}

// finish blots secrets out of everything, shortens it, and computes what
// depends on the whole.
func (e *Error) finish(secrets []string) {
	decided := e.rule()
	for _, text := range []*string{
		&e.Op, &e.Host, &e.Type, &e.Reason, &e.Message, &e.UserTitle, &e.UserMessage,
		&e.TraceID, &e.RequestID, &e.Version, &e.Challenge, &e.Excerpt,
	} {
		if clean := redact.Text(*text, secrets...); clean != *text {
			*text, e.decided = clean, decided // an app secret may be a word that Meta's message has too
		}
		*text = wire.Cut(*text, maxErrorText)
	}
	if e.Data != nil {
		e.Data = redactJSON(e.Data, secrets)
	}
	e.Usage.redact(secrets)
	if decided != nil && decided.is == classThrottled && e.RetryAfter == 0 {
		e.RetryAfter = e.regain()
	}
}

// redactJSON keeps the JSON valid, and finds secrets that are escaped in it.
func redactJSON(raw json.RawMessage, secrets []string) json.RawMessage {
	if !json.Valid(raw) {
		return nil // cut off
	}
	text := string(raw)
	if strings.Contains(text, `\u00`) { // ASCII written as \u0049 hides a token from a search
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber() // IDs keep their digits
		var v any
		if d.Decode(&v) != nil {
			return nil
		}
		again, err := json.Marshal(v)
		if err != nil {
			return nil
		}
		text = string(again)
	}
	clean := redact.Text(text, secrets...)
	if clean == text {
		return raw
	}
	if !json.Valid([]byte(clean)) { // the secret was a number
		return json.RawMessage(strconv.Quote(redacted))
	}
	return json.RawMessage(clean)
}

// regain returns how long the usage headers say that a refused call has to
// wait: the entries of the quota that the code names when there are any, else
// those that are used up, else all.
func (e *Error) regain() time.Duration {
	var own, full time.Duration
	quota := e.Bucket().Family
	for i := range e.Usage.n {
		u := e.Usage.at(i)
		if u.counts(quota) {
			own = max(own, u.RegainAccess)
		}
		if u.Percent >= 100 {
			full = max(full, u.RegainAccess)
		}
	}
	switch {
	case own > 0:
		return own
	case full > 0:
		return full
	}
	return e.Usage.RegainAccess()
}

// Bucket returns the quota that a throttled call counts against, as far as
// code and usage headers tell; the zero value for other errors. Beside the
// families of the usage headers there are "user", "custom" (a limit of the
// single call), "publishing" and "hashtags": those two bind one kind of call
// only, and say nothing of other calls of the account.
func (e *Error) Bucket() Bucket {
	r := e.rule()
	if r == nil || r.is != classThrottled {
		return Bucket{}
	}
	for i := range e.Usage.n {
		if u := e.Usage.at(i); u.counts(r.quota) {
			return u.Bucket
		}
	}
	if peak := e.Usage.Peak(); r.quota == "" && peak.Percent >= 100 {
		return peak.Bucket
	}
	return Bucket{Family: r.quota}
}

// counts reports whether the entry is of the quota.
func (u *UsageEntry) counts(quota string) bool {
	return quota != "" && (u.Bucket.Family == quota || quota == quotaPages && u.Bucket.Family == familyPage)
}

// requestSecrets appends what a request, and those that were redirected to
// it, carry that must not be shown.
func requestSecrets(req *http.Request, secrets []string) []string {
	for range 10 { // no more redirects than net/http follows
		secrets = redact.InQuery(req.URL, secrets)
		header := wire.Canonical(req.Header)
		for _, name := range [...]string{"Authorization", "Cookie", "Proxy-Authorization"} {
			for _, v := range header[name] {
				if _, credentials, ok := strings.Cut(v, " "); ok {
					v = credentials // without the scheme
				}
				secrets = append(secrets, v)
			}
		}
		if user, password, ok := req.BasicAuth(); ok {
			secrets = append(secrets, user, password)
		}
		secrets = append(secrets, bodySecrets(req)...)
		if req.Response == nil || req.Response.Request == nil {
			break
		}
		req = req.Response.Request
	}
	return secrets
}

// bodySecrets returns what stands in the form or the JSON object that a
// request has sent, when it can be read once more.
func bodySecrets(req *http.Request) []string {
	kind := wire.Canonical(req.Header).Get("Content-Type")
	isForm, isJSON := strings.HasPrefix(kind, "application/x-www-form-urlencoded"), strings.Contains(kind, "json")
	if req.GetBody == nil || !isForm && !isJSON {
		return nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil
	}
	defer func() { _ = body.Close() }()
	sent, err := io.ReadAll(io.LimitReader(body, wire.MaxErrorBody))
	if err != nil {
		return nil
	}
	if isForm {
		values, _ := url.ParseQuery(string(sent)) // what can be read of it
		return redact.InValues(values, nil)
	}
	var secrets []string
	for key, member := range wire.Parse(sent).Members() {
		if redact.IsSecretName(key.Text()) {
			secrets = append(secrets, member.Text())
		}
	}
	return secrets
}

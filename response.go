package instagram

// This file answers: does this answer hold an error, and which?

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/seed-922467ee/instagram/internal/redact"
	"github.com/seed-922467ee/instagram/internal/wire"
)

const (
	peekSize     = 512     // how much of a success is looked at
	maxErrorText = 4 << 10 // how long a text or error_data of an [Error] may be
	maxExcerpt   = 200
)

// CheckResponse returns nil when the answer is a success, and else an
// [*Error] that holds what the platform said. Throttled answers are an *Error
// too, which matches [ErrThrottled] and knows how long to wait.
//
// Of a success at most 512 bytes are looked at: Meta sends errors with status
// 200 too. Of an error at most 64 KiB are read. In both cases the bytes are put
// back into resp.Body, which still has to be closed by the caller. A redirect
// is an error: an answer of the platform's has none.
//
// Tokens and secrets that stand in resp.Request are blotted out of the error's
// texts, and so is everything that looks like one.
func CheckResponse(resp *http.Response) error {
	if e := checkResponse("", resp); e != nil {
		return e
	}
	return nil
}

// checkResponse is [CheckResponse] with the name of the operation, "" for
// method and path, and with further secrets that the platform may echo.
func checkResponse(op string, resp *http.Response, secrets ...string) *Error {
	if b, ok := resp.Body.(*putBack); ok && b.err != nil && b.off == 0 && len(secrets) == 0 && op == "" {
		return b.err // asked before, and nothing was read since
	}
	b := errorIn(resp)
	if b == nil {
		return nil
	}
	b.err = newError(op, resp, b.data, secrets...)
	return b.err
}

// errorIn returns the beginning of a body that is an error, nil for a success.
func errorIn(resp *http.Response) *putBack {
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		if resp.Body == nil || resp.Body == http.NoBody || resp.StatusCode == http.StatusNoContent {
			return nil
		}
		if b := readAhead(resp, peekSize); !holdsError(b.data, resp.Header) {
			return nil
		}
	}
	return readAhead(resp, wire.MaxErrorBody)
}

// holdsError reports whether the beginning of a body is an error, in a shape
// that cannot be mistaken.
func holdsError(start []byte, h http.Header) bool {
	if len(start) == 0 || !canBeError(start) || isPlain(start) && !namesError(start) {
		return false
	}
	body := wire.ParseString(wire.Decode(start, wire.Canonical(h).Get("Content-Encoding")))
	return wire.FindError(body, true).Form != wire.NoForm
}

// readAhead reads up to n bytes of the body and puts them back. Of what cannot
// be an error it reads no more than comes with the first packet.
func readAhead(resp *http.Response, n int) *putBack {
	b, ok := resp.Body.(*putBack)
	if !ok || b.off != 0 {
		b = newPutBack(resp.Body, nil)
		resp.Body = b
	}
	b.fill(n, n <= peekSize)
	return b
}

// fill reads until there are n bytes, the body ends, or, for a peek, it is seen
// that it cannot be an error.
func (b *putBack) fill(n int, peek bool) {
	if len(b.data) >= n || b.end != nil {
		return
	}
	t := b.idle.begin(b.rest)
	for idle := 0; len(b.data) < n && b.end == nil && idle < 100 && (!peek || canBeError(b.data)); {
		b.grow(n)
		var m int
		m, b.end = b.rest.Read(b.data[len(b.data):min(cap(b.data), n)])
		b.data = b.data[:len(b.data)+m]
		if idle++; m > 0 {
			idle = 0
		}
	}
	b.end = b.idle.end(t, b.end)
}

// canBeError reports whether a body that begins so can be an error in spite of
// a status of success: an object, as it is or compressed or in UTF-16.
func canBeError(start []byte) bool {
	if len(start) == 0 {
		return true
	}
	switch start[0] {
	case '{', ' ', '\t', '\r', '\n', '"', 0xef, 0xfe, 0xff, 0, 0x1f, 0x78, 'f':
		return true
	}
	return false
}

// isPlain reports whether the beginning of a body is JSON as it is, neither
// compressed nor in UTF-16.
func isPlain(start []byte) bool {
	return start[0] == '{' && bytes.IndexByte(start, 0) < 0
}

// namesError reports whether any of the names stands there that every error
// has one of. It spares most successes from being read.
func namesError(start []byte) bool {
	return bytes.Contains(start, []byte("error")) || bytes.Contains(start, []byte("debug_info")) || bytes.Contains(start, []byte(`\u00`))
}

// putBack is a body of which the beginning was read, and is read once more.
type putBack struct {
	data []byte
	off  int   // how much of data the caller has read
	end  error // what the reading of rest ended with, nil when there is more
	rest io.ReadCloser
	idle *idleBodies
	err  *Error    // what the body says, when it was asked
	room *peekRoom // holds data while it is short; nil when it has been given back
}

// peekRoom is room for the beginning of a body. Most answers fit in one and are read
// to their end, so that a few are used again and again.
type peekRoom [peekSize]byte

//nolint:gochecknoglobals // a pool knows nothing of whose bodies it served
var peeks = sync.Pool{New: func() any { return new(peekRoom) }}

func newPutBack(body io.ReadCloser, idle *idleBodies) *putBack {
	b := &putBack{rest: body, idle: idle, room: peeks.Get().(*peekRoom)}
	if body == nil {
		b.rest = http.NoBody
	}
	b.data = b.room[:0]
	return b
}

// grow makes room for further data, of which there will be n bytes at most.
func (b *putBack) grow(n int) {
	if len(b.data) < cap(b.data) {
		return
	}
	grown := make([]byte, len(b.data), min(4*cap(b.data), max(n, cap(b.data)+1)))
	copy(grown, b.data)
	b.data = grown
}

func (b *putBack) Read(p []byte) (int, error) {
	if b.off < len(b.data) {
		n := copy(p, b.data[b.off:])
		if b.off += n; b.off == len(b.data) && b.room != nil {
			peeks.Put(b.room) // it was read out, and is not looked at again
			b.room, b.data = nil, nil
		}
		return n, nil
	}
	if b.end != nil {
		return 0, b.end
	}
	t := b.idle.begin(b.rest)
	n, err := b.rest.Read(p)
	return n, b.idle.end(t, err)
}

// broken reports whether the body has ended before its end.
func (b *putBack) broken() bool { return b.end != nil && !errors.Is(b.end, io.EOF) }

func (b *putBack) Close() error { return b.rest.Close() }

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

// versionHeader holds the Graph API version that served a call. It may differ
// from the one that was asked for: a version past its end is served by the next
// living one (source: Graph API versioning guide, read 2026).
const versionHeader = "Facebook-Api-Version"

// ResponseInfo is what the headers of an answer tell beside its content. IDs
// are what Meta's support asks for.
type ResponseInfo struct {
	TraceID   string // x-fb-trace-id; of an error, the body's fbtrace_id
	RequestID string // x-fb-request-id
	Version   string // Graph API version that served the call, "" when not told
	Status    int    // HTTP status
	Usage     Usage
}

// responseInfo reads the headers of an answer, whatever its status. It passes
// over them once: most answers have ten or twenty, and none or few of these.
func responseInfo(resp *http.Response) ResponseInfo {
	info := ResponseInfo{Status: resp.StatusCode}
	h, usage := resp.Header, false
	for name, values := range resp.Header {
		want := headerOfLength(len(name))
		if name != want {
			if want != "" && strings.EqualFold(name, want) { // a map that net/http has not filled
				h = wire.Canonical(resp.Header)
				info.TraceID, info.RequestID, info.Version = h.Get("X-Fb-Trace-Id"), h.Get("X-Fb-Request-Id"), h.Get(versionHeader)
				usage = true
				break
			}
			continue
		}
		switch {
		case len(values) == 0:
		case name == versionHeader:
			info.Version = values[0]
		case name == "X-Fb-Trace-Id":
			info.TraceID = values[0]
		case name == "X-Fb-Request-Id":
			info.RequestID = values[0]
		default:
			usage = true
		}
	}
	if usage {
		info.Usage = parseUsage(h)
	}
	return info
}

// headerOfLength returns the one header that is read of every answer and has a
// name of n bytes, "" when there is none.
func headerOfLength(n int) string {
	switch n {
	case 11:
		return "X-App-Usage"
	case 12:
		return "X-Page-Usage"
	case 13:
		return "X-Fb-Trace-Id"
	case 15:
		return "X-Fb-Request-Id"
	case 18:
		return "X-Ad-Account-Usage"
	case 20:
		return versionHeader
	case 25:
		return "X-Business-Use-Case-Usage"
	case 26:
		return "X-Fb-Ads-Insights-Throttle"
	}
	return ""
}

// What does Meta send to an app's own URLs, and what does it make of the answer?

package instagramtest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// Callback is a request as Meta sends it to one of an app's URLs. Tests of an
// app's defence change it before it is sent, or send it again.
type Callback struct {
	Method string
	URL    string
	Header http.Header
	Body   []byte
}

// Reply is what the app answered.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// Deletion reads the reply to a data-deletion request as Meta does: a status of
// 200, and a JSON object with the address of a status page and a code.
func (r Reply) Deletion() (statusURL, code string, err error) {
	var body struct {
		URL  string `json:"url"`
		Code string `json:"confirmation_code"`
	}
	if r.Status != http.StatusOK {
		return "", "", fmt.Errorf("instagramtest: the app answered with %d", r.Status)
	}
	if err := json.Unmarshal(r.Body, &body); err != nil {
		return "", "", fmt.Errorf("instagramtest: the app's answer is no JSON: %w", err)
	}
	if body.URL == "" || body.Code == "" {
		return "", "", fmt.Errorf("instagramtest: the app's answer lacks url or confirmation_code: %s", r.Body)
	}
	return body.URL, body.Code, nil
}

// CallbackOption changes a callback.
type CallbackOption func(*callbackSetup)

type callbackSetup struct {
	client *http.Client
	app    string
	secret string
	forged bool // secret is set, also to ""
	claims object
	change []func(*Callback)
	now    time.Time
}

// Through sends the callback with a client of the caller's. Default:
// [http.DefaultClient], which needs a server that listens.
func Through(client *http.Client) CallbackOption {
	return func(s *callbackSetup) { s.client = client }
}

// To sends the callback to a handler in this process, without a socket, and so
// works with the fake clock of testing/synctest.
func To(h http.Handler) CallbackOption {
	return Through(&http.Client{Transport: handlerTransport{h}})
}

// FromApp chooses the app that is called, by either of its IDs, which also
// chooses the secret that signs: that of the Instagram app for the Instagram
// app ID, that of the Meta app for the Meta app ID. Default: the platform's
// first app, with the Instagram app's secret for what concerns an account and
// the Meta app's for a person. Which one Meta uses for accounts is not
// documented; integrations report the Instagram app's.
func FromApp(id string) CallbackOption { return func(s *callbackSetup) { s.app = id } }

// SignedWith signs with another secret than the app's: a forger's, the previous
// one, or the one of the other product.
func SignedWith(secret string) CallbackOption {
	return func(s *callbackSetup) { s.secret, s.forged = secret, true }
}

// Claim sets a member of a signed request's payload, or leaves it out when the
// value is nil: Claim("algorithm", "none"), Claim("user_id", 218471).
func Claim(name string, value any) CallbackOption {
	return func(s *callbackSetup) { s.claims = s.claims.with(name, value) }
}

// IssuedAt makes the callback one of another time. Default: now.
func IssuedAt(t time.Time) CallbackOption { return func(s *callbackSetup) { s.now = t } }

// Altered changes the callback after it was signed, as somebody on the way would.
func Altered(change func(*Callback)) CallbackOption {
	return func(s *callbackSetup) { s.change = append(s.change, change) }
}

func (p *Platform) newCallbackSetup(opts []CallbackOption) *callbackSetup {
	s := &callbackSetup{client: http.DefaultClient, now: p.now()}
	for _, opt := range opts {
		if opt != nil {
			opt(s)
		}
	}
	return s
}

// SendDeauthorize tells an app that somebody has removed it: it posts a signed
// request to the app's deauthorize callback URL. Who is an account's ID,
// app-scoped ID or user name, or a person's ID. It does not kill tokens; that is
// [Platform.Revoke]. It fails when nobody is known by that name, or nothing
// answers at the URL.
func (p *Platform) SendDeauthorize(ctx context.Context, to, who string, opts ...CallbackOption) (Reply, error) {
	return p.sendSigned(ctx, to, who, opts)
}

// SendDataDeletion asks an app to delete what it knows of somebody, as
// [Platform.SendDeauthorize] does. See [Reply.Deletion].
func (p *Platform) SendDataDeletion(ctx context.Context, to, who string, opts ...CallbackOption) (Reply, error) {
	return p.sendSigned(ctx, to, who, opts)
}

func (p *Platform) sendSigned(ctx context.Context, to, who string, opts []CallbackOption) (Reply, error) {
	cb, err := p.SignedCallback(to, who, opts...)
	if err != nil {
		return Reply{}, err
	}
	return cb.Send(ctx, opts...)
}

// SignedCallback returns what [Platform.SendDeauthorize] and
// [Platform.SendDataDeletion] send.
func (p *Platform) SignedCallback(to, who string, opts ...CallbackOption) (Callback, error) {
	s := p.newCallbackSetup(opts)
	user, secret, err := p.concerned(s.app, who)
	if err != nil {
		return Callback{}, err
	}
	if s.forged {
		secret = s.secret
	}
	payload := object{
		{"algorithm", "HMAC-SHA256"},
		{"expires", s.now.Add(time.Hour).Unix()},
		{"issued_at", s.now.Unix()},
		{"user_id", user},
	}
	for _, claim := range s.claims {
		payload = slices.DeleteFunc(payload, func(m member) bool { return m.key == claim.key })
		if claim.value != nil {
			payload = append(payload, claim)
		}
	}
	form := url.Values{"signed_request": {SignRequest(secret, graphStyle().text(payload))}}
	return s.finish(Callback{
		Method: http.MethodPost, URL: to,
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
		Body:   []byte(form.Encode()),
	}), nil
}

// SignRequest returns a signed_request: both parts in base64url without
// padding, the signature an HMAC-SHA256 of the encoded payload.
func SignRequest(secret string, payload []byte) string {
	encoded := base64.RawURLEncoding.EncodeToString(payload)
	return base64.RawURLEncoding.EncodeToString(sign(secret, encoded)) + "." + encoded
}

// concerned returns the ID under which an app knows somebody, and the secret
// that signs what it is told of them.
func (p *Platform) concerned(appID, who string) (user, secret string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.appNamed(appID)
	if a == nil {
		return "", "", fmt.Errorf("instagramtest: no app %q", appID)
	}
	if acct := p.account(who); acct != nil {
		return p.scopedID(a, acct.AppScopedID), a.secretFor(appID, true), nil
	}
	if h := p.persons[who]; h != nil {
		return p.scopedID(a, h.id), a.secretFor(appID, false), nil
	}
	return "", "", fmt.Errorf("instagramtest: nobody is known as %q", who)
}

// secretFor returns the secret that signs: of the ID that was named, else of
// the product that the callback is about, where the app has it.
func (a *app) secretFor(id string, instagram bool) string {
	switch {
	case id != "" && id == a.InstagramAppID:
		return a.InstagramAppSecret
	case id != "" && id == a.MetaAppID:
		return a.MetaAppSecret
	case instagram && a.InstagramAppSecret != "", a.MetaAppSecret == "":
		return a.InstagramAppSecret
	}
	return a.MetaAppSecret
}

func (s *callbackSetup) finish(cb Callback) Callback {
	for _, change := range s.change {
		change(&cb)
	}
	return cb
}

// maxReply bounds what is read of an answer.
const maxReply = 1 << 20

// Send sends the callback as it stands. Of the options, those count that say
// where to.
func (cb Callback) Send(ctx context.Context, opts ...CallbackOption) (Reply, error) {
	s := callbackSetup{client: http.DefaultClient}
	for _, opt := range opts {
		if opt != nil {
			opt(&s)
		}
	}
	req, err := http.NewRequestWithContext(ctx, cb.Method, cb.URL, bytes.NewReader(cb.Body))
	if err != nil {
		return Reply{}, fmt.Errorf("instagramtest: %w", err)
	}
	req.Header = cb.Header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	res, err := s.client.Do(req)
	if err != nil {
		return Reply{}, fmt.Errorf("instagramtest: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxReply))
	if err != nil {
		return Reply{}, fmt.Errorf("instagramtest: reading the answer: %w", err)
	}
	return Reply{Status: res.StatusCode, Header: res.Header, Body: body}, nil
}

// handlerTransport lets a client talk to a handler.
type handlerTransport struct{ h http.Handler }

func (t handlerTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	in := req.Clone(req.Context())
	if in.Body == nil {
		in.Body = http.NoBody
	}
	defer func() { _ = in.Body.Close() }()
	in.RequestURI = in.URL.RequestURI()
	if in.Host == "" {
		in.Host = in.URL.Host
	}
	in.RemoteAddr = "192.0.2.1:1234" // of no network, for handlers that log it
	w := &replyWriter{header: http.Header{}}
	t.h.ServeHTTP(w, in)
	w.WriteHeader(http.StatusOK) // unless the handler did
	return &http.Response{
		Status:     strconv.Itoa(w.status) + " " + http.StatusText(w.status),
		StatusCode: w.status,
		Proto:      "HTTP/1.1",
		ProtoMajor: 1, ProtoMinor: 1,
		Header:        w.sent,
		Body:          io.NopCloser(&w.body),
		ContentLength: int64(w.body.Len()),
		Request:       req,
	}, nil
}

// replyWriter keeps what a handler writes, as a server of net/http would send it.
type replyWriter struct {
	header, sent http.Header
	status       int
	body         bytes.Buffer
}

func (w *replyWriter) Header() http.Header { return w.header }

func (w *replyWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status, w.sent = status, w.header.Clone()
	}
}

func (w *replyWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if _, said := w.sent["Content-Type"]; !said && w.body.Len() == 0 {
		w.sent.Set("Content-Type", http.DetectContentType(b))
	}
	return w.body.Write(b)
}

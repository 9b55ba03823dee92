// What do webhooks look like when Meta sends them?

package instagramtest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Meta still sends it beside the better one
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// WebhookForm is a form in which an event travels.
type WebhookForm int

// The forms that Meta documents or sends.
const (
	// FormUsual is what live servers send: a messaging list for messages, a
	// standby list for the field "standby", a changes list for everything else.
	FormUsual WebhookForm = iota
	// FormChange puts messages, too, into a changes list, as the dashboard's Test button does.
	FormChange
	// FormInline puts field and value into the entry itself, as Meta's page of examples prints it.
	FormInline
)

// WebhookEvent is something that a webhook tells.
type WebhookEvent struct {
	Object  string    // empty: "instagram"
	Field   string    // "comments", "messages" …
	Account string    // an account's ID, app-scoped ID or user name; what is none of these is sent as it is
	Value   any       // as for [json.Marshal]; of messages, sender, recipient and timestamp are added where they are missing
	Time    time.Time // zero: now
	Form    WebhookForm
}

// VerifyWebhook does what the App Dashboard does when a callback URL is entered:
// a GET with the verify token and a challenge. It fails unless the app answers
// 200 with the challenge alone, as plain text.
func (p *Platform) VerifyWebhook(ctx context.Context, to, verifyToken string, opts ...CallbackOption) error {
	s := p.newCallbackSetup(opts)
	p.mu.Lock()
	challenge := p.random.letters("123456789", 10)
	p.mu.Unlock()
	query := url.Values{"hub.mode": {"subscribe"}, "hub.challenge": {challenge}, "hub.verify_token": {verifyToken}}
	join := "?"
	if strings.Contains(to, "?") {
		join = "&"
	}
	reply, err := s.finish(Callback{Method: http.MethodGet, URL: to + join + query.Encode()}).Send(ctx, opts...)
	kind := reply.Header.Get("Content-Type")
	switch {
	case err != nil:
		return err
	case reply.Status != http.StatusOK:
		return fmt.Errorf("instagramtest: the app answered with %d", reply.Status)
	case string(reply.Body) != challenge:
		return errors.New("instagramtest: the app did not answer with the challenge alone")
	case !strings.HasPrefix(kind, "text/plain"): // Meta takes it; a browser would run what somebody puts there
		return fmt.Errorf("instagramtest: the app answered with content of type %q: a challenge is plain text", kind)
	}
	return nil
}

// SendWebhook tells an app of one event: it posts it to the app's webhook URL,
// with both signatures over the bytes as they are sent.
func (p *Platform) SendWebhook(ctx context.Context, to, field, account string, value any, opts ...CallbackOption) (Reply, error) {
	cb, err := p.WebhookCallback(to, []WebhookEvent{{Field: field, Account: account, Value: value}}, opts...)
	if err != nil {
		return Reply{}, err
	}
	return cb.Send(ctx, opts...)
}

// WebhookCallback returns one delivery of several events: those of the same
// object, which is that of the first. Meta puts up to a thousand into one.
func (p *Platform) WebhookCallback(to string, events []WebhookEvent, opts ...CallbackOption) (Callback, error) {
	s := p.newCallbackSetup(opts)
	secret, err := p.webhookSecret(s)
	if err != nil {
		return Callback{}, err
	}
	name := "instagram"
	if len(events) > 0 && events[0].Object != "" {
		name = events[0].Object
	}
	var entries []object
	for _, e := range events {
		if e.Time.IsZero() {
			e.Time = s.now
		}
		e.Account = p.accountID(e.Account)
		entry, err := e.entry()
		if err != nil {
			return Callback{}, err
		}
		entries = append(entries, entry)
	}
	body := graphStyle().text(object{{"object", name}, {"entry", entries}})
	return s.finish(Callback{
		Method: http.MethodPost, URL: to, Body: body,
		Header: http.Header{
			"Content-Type":        {"application/json"},
			"X-Hub-Signature":     {weakSignature(secret, body)},
			"X-Hub-Signature-256": {SignWebhook(secret, body)},
		},
	}), nil
}

func (p *Platform) webhookSecret(s *callbackSetup) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.appNamed(s.app)
	switch {
	case a == nil:
		return "", fmt.Errorf("instagramtest: no app %q", s.app)
	case s.forged:
		return s.secret, nil
	}
	return a.secretFor(s.app, true), nil
}

func (p *Platform) accountID(who string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a := p.account(who); a != nil {
		return a.ID
	}
	return who
}

// SignWebhook returns the X-Hub-Signature-256 of a body.
func SignWebhook(secret string, body []byte) string {
	return "sha256=" + hex.EncodeToString(sign(secret, string(body)))
}

// weakSignature returns the X-Hub-Signature of a body, which Meta sends for
// those who have not moved on.
func weakSignature(secret string, body []byte) string {
	mac := hmac.New(sha1.New, []byte(secret))
	_, _ = mac.Write(body) // a hash never fails
	return "sha1=" + hex.EncodeToString(mac.Sum(nil))
}

func (e WebhookEvent) isMessage() bool {
	switch e.Field {
	case "messages", "message_edit", "message_reactions", "standby":
		return true
	}
	return strings.HasPrefix(e.Field, "messaging_")
}

func (e WebhookEvent) entry() (object, error) {
	value, err := metaJSON(e.Value)
	if err != nil {
		return nil, fmt.Errorf("instagramtest: value of %s: %w", e.Field, err)
	}
	if e.isMessage() {
		if value, err = e.completed(value); err != nil {
			return nil, err
		}
	}
	entry := object{{"id", e.Account}, {"time", e.Time.Unix()}}
	switch {
	case e.Form == FormInline:
		return entry.with("field", e.Field).with("value", lexeme(value)), nil
	case e.Form == FormChange || !e.isMessage():
		return entry.with("changes", []object{{{"field", e.Field}, {"value", lexeme(value)}}}), nil
	}
	list := "messaging"
	if e.Field == "standby" {
		list = "standby"
	}
	return object{{"time", e.Time.UnixMilli()}, {"id", e.Account}, {list, []any{lexeme(value)}}}, nil
}

// completed adds who wrote to whom and when, where the test does not care.
func (e WebhookEvent) completed(value []byte) ([]byte, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(value, &members); err != nil {
		return nil, fmt.Errorf("instagramtest: value of %s: it must be a JSON object: %w", e.Field, err)
	}
	head := object{
		{"sender", object{{"id", "5370951880287469"}}},
		{"recipient", object{{"id", e.Account}}},
		{"timestamp", e.Time.UnixMilli()},
	}
	var out object
	for _, m := range head {
		if own, ok := members[m.key]; ok {
			m.value = lexeme(own)
			delete(members, m.key)
		}
		out = append(out, m)
	}
	for _, key := range slices.Sorted(maps.Keys(members)) {
		out = out.with(key, lexeme(members[key]))
	}
	return graphStyle().text(out), nil
}

// metaJSON writes a value as Meta does: \/ and \uXXXX. Outside of strings there
// is neither a slash nor anything beyond ASCII.
func metaJSON(value any) ([]byte, error) {
	var plain bytes.Buffer
	enc := json.NewEncoder(&plain)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return nil, err
	}
	var out []byte
	for text := bytes.TrimSpace(plain.Bytes()); len(text) > 0; {
		r, size := utf8.DecodeRune(text)
		switch {
		case r == '\\': // what follows is escaped already
			size = 2
			out = append(out, text[:size]...)
		case r == '/':
			out = append(out, '\\', '/')
		case size == 1:
			out = append(out, text[0])
		default:
			quoted := graphStyle().quote(nil, string(r))
			out = append(out, quoted[1:len(quoted)-1]...)
		}
		text = text[size:]
	}
	return out, nil
}

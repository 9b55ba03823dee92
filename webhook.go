package instagram

// This file answers: is a webhook delivery Meta's, and which events are in it?

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/seed-922467ee/instagram/internal/wire"
)

const (
	signatureHeader = "X-Hub-Signature-256"
	weakHeader      = "X-Hub-Signature"
	objectInstagram = "instagram"
)

// VerifyWebhook checks the signature of a delivery: X-Hub-Signature-256 is an
// HMAC-SHA256 of the body's raw bytes, made with an app secret. The body must
// be the bytes that came, before anything has read them as JSON. Meta's page
// names the Meta app's secret; deliveries for Instagram Login are reported to
// be signed with the Instagram app's, so give both and the previous one. All
// are tried, in constant time.
//
// Everything wrong is a [*SignatureError]. That a delivery is verified does not
// mean that it is new: see [Event.Key].
//
// Source: "Webhooks", Instagram Platform, read 2026.
func VerifyWebhook(header http.Header, body []byte, secrets ...Secret) error {
	mac, err := webhookSignature(header)
	if err != nil {
		return fmt.Errorf("instagram: webhook: %w", err)
	}
	if err := newVerifier(secrets).verify(body, mac[:]); err != nil {
		return fmt.Errorf("instagram: webhook: %w", err)
	}
	return nil
}

// VerifyWebhook is the function [VerifyWebhook] with the client's AppSecret and
// CallbackSecrets.
func (c *Client) VerifyWebhook(header http.Header, body []byte) error {
	return VerifyWebhook(header, body, c.callbackSecrets()...)
}

// webhookSignature reads the signature that a delivery brings.
func webhookSignature(header http.Header) (mac [32]byte, err error) {
	const prefix = "sha256="
	switch values := header[signatureHeader]; {
	case len(values) > 1:
		return mac, &SignatureError{Problem: SignatureRepeated}
	case len(values) == 0 && len(header[weakHeader]) > 0:
		return mac, &SignatureError{Problem: SignatureWeak}
	case len(values) == 0 || values[0] == "":
		return mac, &SignatureError{Problem: SignatureMissing}
	case len(values[0]) != len(prefix)+hex.EncodedLen(len(mac)) || !strings.HasPrefix(values[0], prefix):
		return mac, &SignatureError{Problem: SignatureMalformed}
	default:
		if _, err := hex.Decode(mac[:], []byte(values[0][len(prefix):])); err != nil {
			return mac, &SignatureError{Problem: SignatureMalformed}
		}
	}
	return mac, nil
}

var errNoDelivery = errors.New("the body is no webhook delivery")

// ParseWebhook returns the events of a delivery, in Meta's order. It does not
// check who sent it: call [VerifyWebhook] before. One delivery can hold events of
// many accounts, up to a thousand in all.
//
// It reads what Meta documents and sends for both login products: changes,
// messaging and standby lists, a change that stands in the entry itself, and
// single values as well as lists of them, and the mere names of fields that an
// app without "include values" gets. What it does not know becomes an event
// without Data. It fails only for a body that is not JSON to its end, or
// no delivery at all.
func ParseWebhook(body []byte) ([]Event, error) {
	events, err := splitDelivery(bytes.Clone(body))
	if err != nil {
		return nil, fmt.Errorf("instagram: webhook: %w", err)
	}
	for i := range events {
		events[i].Data = events[i].decode()
	}
	return events, nil
}

// splitDelivery takes a delivery apart, in one pass and without reading what
// the events hold. The events refer to the body's memory.
func splitDelivery(body []byte) ([]Event, error) {
	d := delivery{Cursor: wire.NewCursor(body)}
	isDelivery := d.IsObject()
	if d.IsArray() { // as the guide's examples are printed
		for range d.Elems {
			isDelivery = d.IsObject()
			d.object()
		}
	} else {
		d.object()
	}
	if !isDelivery || !d.Done() {
		return nil, errNoDelivery
	}
	return d.events, nil
}

// delivery is a walk through one delivery. What a container says of all its
// events may stand behind them, so it is written into them at the end.
type delivery struct {
	*wire.Cursor

	events []Event
}

func (d *delivery) object() {
	first := len(d.events)
	var object string
	for key := range d.Members {
		switch string(key) {
		case "object":
			object = d.Text()
		case "entry":
			for range d.Elems {
				d.entry()
			}
		}
	}
	for i := first; i < len(d.events); i++ {
		d.events[i].Object = object
	}
}

func (d *delivery) entry() {
	first := len(d.events)
	var accountID string
	var sentAt time.Time
	var inlineField string // of the events from inline to inlineEnd
	var inline, inlineEnd int
	for key := range d.Members {
		switch string(key) {
		case "id":
			accountID = d.Text()
		case "time":
			sentAt = callbackTime(d.Value())
		case "changes":
			for range d.Elems {
				d.change()
			}
		case "messaging":
			for range d.Elems {
				d.happening()
			}
		case "standby":
			from := len(d.events)
			for range d.Elems {
				d.happening()
			}
			setField(d.events[from:], FieldStandby)
		case "changed_fields": // of an app that wants no values
			for range d.Elems {
				start := d.Pos()
				field := d.Text()
				d.events = append(d.events, Event{Field: field, Value: d.Since(start)})
			}
		case "field": // the change stands in the entry, as the guide prints it
			inlineField = d.Text()
		case "value":
			inline = len(d.events)
			d.values()
			inlineEnd = len(d.events)
		}
	}
	setField(d.events[inline:inlineEnd], inlineField)
	for i := first; i < len(d.events); i++ {
		e := &d.events[i]
		e.AccountID, e.SentAt = accountID, sentAt
		if e.Time.IsZero() {
			e.Time = sentAt
		}
	}
}

// change takes {"field":…,"value":…}. Where there is no value, what else
// stands there is one.
func (d *delivery) change() {
	first, start := len(d.events), d.Pos()
	var field string
	for key := range d.Members {
		switch string(key) {
		case "field":
			field = d.Text()
		case "value":
			d.values()
		}
	}
	if len(d.events) == first {
		d.events = append(d.events, Event{Value: d.Since(start)})
	}
	setField(d.events[first:], field)
}

func setField(events []Event, field string) {
	for i := range events {
		events[i].Field = field
	}
}

// values takes what a change holds: one value or a list of them.
func (d *delivery) values() {
	if !d.IsArray() {
		d.happening()
		return
	}
	for range d.Elems {
		d.happening()
	}
}

// happening takes what makes one event. Messages bring their own time, and do
// not name their field: it follows from what they hold.
func (d *delivery) happening() {
	var e Event
	start := d.Pos()
	for key := range d.Members {
		switch field := messageField(string(key)); {
		case string(key) == "timestamp":
			e.Time = callbackTime(d.Value())
		case field != "" && (e.Field == "" || e.Field == FieldReferral): // how the person came stands beside what happened
			e.Field = field
		}
	}
	e.Value = d.Since(start)
	d.events = append(d.events, e)
}

// messageField returns the subscription that brings a message with this key.
func messageField(key string) string {
	switch key {
	case "message":
		return FieldMessages
	case "message_edit":
		return FieldMessageEdit
	case "reaction":
		return FieldMessageReactions
	case "postback":
		return FieldPostbacks
	case "read":
		return FieldSeen
	case "referral":
		return FieldReferral
	case "optin":
		return FieldOptins
	case "pass_thread_control", "take_thread_control", "request_thread_control", "app_roles":
		return FieldHandover
	case "policy_enforcement", "policy-enforcement":
		return FieldPolicy
	}
	return ""
}

package instagram

// This file answers: what can happen to an account that a webhook tells of?

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"time"
)

// The fields of the object "instagram" that an app can subscribe to, as far as
// this package reads them. Source: "Webhooks", Instagram Platform, read 2026.
const (
	FieldComments         = "comments"
	FieldLiveComments     = "live_comments"
	FieldMentions         = "mentions"
	FieldStoryInsights    = "story_insights"
	FieldMessages         = "messages"
	FieldMessageEdit      = "message_edit"
	FieldMessageReactions = "message_reactions"
	FieldPostbacks        = "messaging_postbacks"
	FieldSeen             = "messaging_seen"
	FieldReferral         = "messaging_referral"
	FieldOptins           = "messaging_optins"
	FieldHandover         = "messaging_handover"
	FieldPolicy           = "messaging_policy_enforcement"
	FieldStandby          = "standby"
)

// Event is one thing that happened, as a webhook delivery tells it. It prints
// without its content, which is personal.
type Event struct {
	// Object is what the field belongs to: "instagram", and for apps that
	// subscribe to more, "permissions" or "page".
	Object string
	// AccountID is the professional account that it happened to: the same as
	// [Token.AccountID]. For another object it is the ID of one of those.
	AccountID string
	// Field is Meta's name of the subscription, such as [FieldComments]. Messages
	// come without it, and get it here from what they hold. Empty: not known.
	Field string
	// Time is when it happened. Where Meta does not say, it is SentAt.
	Time time.Time
	// SentAt is when Meta sent it. Zero: it does not say.
	SentAt time.Time
	// Data is what happened: one of the types that implement [EventData]. nil:
	// this package does not know the field; Value has it all.
	Data EventData
	// Value is the same as Meta wrote it, with everything that Data does not
	// know. IDs that stand in it as numbers must not be read into a float64. It
	// is personal, and that of an opt-in holds a token.
	Value json.RawMessage
}

// EventData is what happened, to be told apart by a type switch: a
// [*CommentEvent], [*MentionEvent], [*StoryInsightsEvent], [*MessageEvent],
// [*MessageEchoEvent], [*MessageEditEvent], [*ReactionEvent],
// [*PostbackEvent], [*SeenEvent], [*ReferralEvent], [*OptinEvent],
// [*HandoverEvent], [*PolicyEvent], [*StandbyEvent] or [*PermissionEvent].
// More will come, so have a default.
type EventData interface{ isEventData() }

// String returns object, account, field and time, and nothing of the content.
func (e Event) String() string {
	return fmt.Sprintf("%s %s %s of %s", e.Object, e.AccountID, e.Field, e.Time.UTC().Format(time.RFC3339))
}

// GoString returns what [Event.String] returns.
func (e Event) GoString() string { return e.String() }

// LogValue returns object, account, field and time, and nothing of the content.
func (e Event) LogValue() slog.Value {
	return slog.GroupValue(slog.String("object", e.Object), slog.String("account", e.AccountID),
		slog.String("field", e.Field), slog.Time("time", e.Time))
}

// Key names the event in 32 hex digits: the same event in another delivery has
// the same key. Meta delivers at least once, and a [WebhookHandler] knows only
// what came to its own process lately; a program that must not act twice keeps
// the key beside what it did.
func (e Event) Key() string {
	h := sha256.New()
	for _, part := range []string{e.Object, e.AccountID, e.Field, e.discriminator()} {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part) // a hash never fails
	}
	_, _ = h.Write(e.Value)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// discriminator returns when the event was sent, for those whose content has
// no ID or time of its own: a permission that is taken and given again.
func (e *Event) discriminator() string {
	switch e.Field {
	case FieldComments, FieldLiveComments, FieldMessages, FieldMessageEdit, FieldMessageReactions, FieldPostbacks,
		FieldSeen, FieldReferral, FieldOptins, FieldHandover, FieldPolicy, FieldStandby:
		if e.Object == objectInstagram {
			return ""
		}
	}
	return strconv.FormatInt(e.SentAt.UnixMilli(), 10)
}

// CommentEvent says that somebody commented on the account's media ([FieldComments]) or
// live broadcast ([FieldLiveComments]). The account's own comments come too.
type CommentEvent struct {
	ID       string
	ParentID string // the comment that this one answers; empty: none
	Text     string
	From     EventUser
	Live     bool

	MediaID          string
	MediaProductType string // FEED, REELS, STORY or AD
	AdID, AdTitle    string // where the media was an ad
	OriginalMediaID  string // of the media that the ad shows
}

// EventUser is a person as webhooks name them.
type EventUser struct {
	ID       string // Instagram-scoped ID: the person's in all talk with this account
	Username string
	SelfID   string // the account's own Instagram-scoped ID, where Meta sends it
}

// MentionEvent says that somebody mentioned the account in a caption or comment.
type MentionEvent struct {
	MediaID   string
	CommentID string // empty: the mention stands in the caption
}

// StoryInsightsEvent says that a story has ended an hour ago, and these are its figures.
type StoryInsightsEvent struct {
	MediaID string
	// Metrics are the whole numbers by Meta's name: "reach", "replies", "exits" …
	// Meta writes -1 for counts below 5 (source: "Set Up Webhooks for Instagram").
	Metrics map[string]int64
}

// PermissionEvent says that somebody gave or took a permission (object "permissions").
type PermissionEvent struct {
	UserID     string // app-scoped, as [Token.AppScopedID]; empty: not told
	Permission string // the field: a permission, or "connected"
	Verb       string // "granted" or "revoked"; empty: not told
	TargetIDs  []string
}

func (*CommentEvent) isEventData()       {}
func (*MentionEvent) isEventData()       {}
func (*StoryInsightsEvent) isEventData() {}
func (*PermissionEvent) isEventData()    {}

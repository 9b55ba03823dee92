package instagram

// This file answers: what can happen in a conversation that a webhook tells of?

import "encoding/json"

// MessageParties says between whom a message went. One of the two is the account, by
// its account ID; the other is a person, by Instagram-scoped ID.
type MessageParties struct {
	SenderID    string
	RecipientID string
}

// MessageEvent says that a person sent the account a message. What the account itself
// sent is a [*MessageEchoEvent].
type MessageEvent struct {
	MessageParties

	ID          string // Meta's mid
	Text        string
	Attachments []MessageAttachment
	QuickReply  string           // payload of the quick reply that was tapped
	ReplyTo     *MessageOrigin   // what the message answers; nil: nothing
	Referral    *MessageReferral // how the person came here; nil: not told
	Deleted     bool             // the person took the message back; Text is empty
	Unsupported bool             // Meta cannot show it to apps
	Self        bool             // the account wrote to itself
}

// MessageEchoEvent says that the account sent a message, through an app or by hand. It
// is a type of its own so that a program that answers messages does not answer itself.
type MessageEchoEvent struct {
	Message MessageEvent
}

// MessageAttachment is what a message carries beside text.
type MessageAttachment struct {
	Type    string // "image", "video", "audio", "file", "share", "story_mention", "ig_reel" …
	URL     string // for some days; Meta signs it, so it opens for whoever has it
	Title   string
	Payload json.RawMessage // all of it
}

// MessageOrigin is the message or the story that a message answers.
type MessageOrigin struct {
	MessageID string
	StoryID   string
	StoryURL  string
}

// MessageEditEvent says that a person changed a message that was sent before.
type MessageEditEvent struct {
	MessageParties

	MessageID string
	Text      string // the new one
	Edits     int    // how often it was changed so far
}

// ReactionEvent says that a person reacted to a message, or took that back.
type ReactionEvent struct {
	MessageParties

	MessageID string
	Reaction  string // "love", "like", "other" …
	Emoji     string
	Removed   bool
}

// PostbackEvent says that a person tapped an icebreaker or a button.
type PostbackEvent struct {
	MessageParties

	MessageID string
	Title     string           // of the button
	Payload   string           // that the app gave the button
	Referral  *MessageReferral // how the person came here; nil: not told
}

// SeenEvent says that a person has read a message.
type SeenEvent struct {
	MessageParties

	MessageID string
}

// MessageReferral says how a person came into a conversation.
type MessageReferral struct {
	Ref       string // what the app put into the ig.me link
	Source    string // "SHORTLINK", "ADS" …
	Type      string // "OPEN_THREAD"
	URI       string
	AdID      string
	ProductID string
}

// ReferralEvent says that a person came into an open conversation through a link or an ad.
type ReferralEvent struct {
	MessageParties
	MessageReferral
}

// OptinEvent says that a person agreed to get messages.
type OptinEvent struct {
	MessageParties

	Type    string // "notification_messages"
	Title   string
	Payload string
	Token   Secret // lets the app send to the person
}

// HandoverEvent says that a conversation goes from one app to another.
type HandoverEvent struct {
	MessageParties

	Action         string // Meta's key: "pass_thread_control", "take_thread_control", "request_thread_control", "app_roles"
	PreviousOwner  string // app ID
	NewOwner       string // app ID
	RequestedOwner string // app ID
	Metadata       string
}

// PolicyEvent says that Meta warned, blocked or unblocked the account's messaging.
type PolicyEvent struct {
	MessageParties

	Action string
	Reason string
}

// StandbyEvent says that something happened in a conversation that another app is in
// control of. Do not answer. Data is what happened, nil when it is not known.
type StandbyEvent struct {
	Data EventData
}

func (*MessageEvent) isEventData()     {}
func (*MessageEchoEvent) isEventData() {}
func (*MessageEditEvent) isEventData() {}
func (*ReactionEvent) isEventData()    {}
func (*PostbackEvent) isEventData()    {}
func (*SeenEvent) isEventData()        {}
func (*ReferralEvent) isEventData()    {}
func (*OptinEvent) isEventData()       {}
func (*HandoverEvent) isEventData()    {}
func (*PolicyEvent) isEventData()      {}
func (*StandbyEvent) isEventData()     {}

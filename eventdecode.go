package instagram

// This file answers: what does the content of a webhook event mean?

import (
	"strings"

	"github.com/seed-922467ee/instagram/internal/wire"
)

// decode reads the event's Value; nil: its field is not known, or it is not an object.
func (e *Event) decode() EventData {
	c := wire.NewCursor(e.Value)
	switch {
	case e.Object == "permissions": // the field says most, whatever the value is
		return e.permission(c)
	case !c.IsObject():
		return nil
	case e.Object != objectInstagram:
		return nil
	}
	switch e.Field {
	case FieldComments, FieldLiveComments:
		return decodeComment(c, e.Field == FieldLiveComments)
	case FieldMentions:
		return decodeMention(c)
	case FieldStoryInsights:
		return decodeStoryInsights(c)
	case FieldStandby:
		return &StandbyEvent{Data: decodeMessaging(c)}
	case FieldMessages, FieldMessageEdit, FieldMessageReactions, FieldPostbacks, FieldSeen, FieldReferral, FieldOptins,
		FieldHandover, FieldPolicy:
		return decodeMessaging(c)
	}
	return nil
}

func (e *Event) permission(c *wire.Cursor) *PermissionEvent {
	p := &PermissionEvent{Permission: e.Field, UserID: wire.Parse([]byte(e.AccountID)).ID()}
	for key := range c.Members {
		switch string(key) {
		case "verb":
			p.Verb = c.Text()
		case "target_ids":
			for range c.Elems {
				p.TargetIDs = append(p.TargetIDs, c.ID())
			}
		}
	}
	return p
}

func decodeComment(c *wire.Cursor, live bool) *CommentEvent {
	e := &CommentEvent{Live: live}
	for key := range c.Members {
		switch string(key) {
		case "id", "comment_id":
			e.ID = c.ID()
		case "parent_id":
			e.ParentID = c.ID()
		case "text":
			e.Text = c.Text()
		case "from":
			from := c.Value()
			e.From = EventUser{ID: from.Get("id").ID(), Username: from.Get("username").Text(), SelfID: from.Get("self_ig_scoped_id").ID()}
		case "media":
			for key := range c.Members {
				switch string(key) {
				case "id":
					e.MediaID = c.ID()
				case "media_product_type":
					e.MediaProductType = c.Text()
				case "ad_id":
					e.AdID = c.ID()
				case "ad_title":
					e.AdTitle = c.Text()
				case "original_media_id":
					e.OriginalMediaID = c.ID()
				}
			}
		}
	}
	return e
}

func decodeMention(c *wire.Cursor) *MentionEvent {
	e := &MentionEvent{}
	for key := range c.Members {
		switch string(key) {
		case "media_id":
			e.MediaID = c.ID()
		case "comment_id":
			e.CommentID = c.ID()
		}
	}
	return e
}

func decodeStoryInsights(c *wire.Cursor) *StoryInsightsEvent {
	e := &StoryInsightsEvent{Metrics: map[string]int64{}}
	for key := range c.Members {
		v := c.Value()
		if name := string(key); name == "media_id" {
			e.MediaID = v.ID()
		} else if n, ok := v.Int(); ok && !strings.ContainsAny(v.Text(), ".eE") {
			e.Metrics[name] = n
		}
	}
	return e
}

// decodeMessaging reads one element of a messaging list. The parties come
// before or behind what happened between them, so they are filled in last.
func decodeMessaging(c *wire.Cursor) EventData {
	var parties MessageParties
	var data EventData
	for key := range c.Members {
		switch name := string(key); name {
		case "sender":
			parties.SenderID = decodeID(c)
		case "recipient":
			parties.RecipientID = decodeID(c)
		default:
			_, onlyReferral := data.(*ReferralEvent)
			if messageField(name) != "" && (data == nil || onlyReferral) {
				data = decodeHappening(name, c)
			}
		}
	}
	switch d := data.(type) {
	case *MessageEvent:
		d.MessageParties = parties
	case *MessageEchoEvent:
		d.Message.MessageParties = parties
	case *MessageEditEvent:
		d.MessageParties = parties
	case *ReactionEvent:
		d.MessageParties = parties
	case *PostbackEvent:
		d.MessageParties = parties
	case *SeenEvent:
		d.MessageParties = parties
	case *ReferralEvent:
		d.MessageParties = parties
	case *OptinEvent:
		d.MessageParties = parties
	case *HandoverEvent:
		d.MessageParties = parties
	case *PolicyEvent:
		d.MessageParties = parties
	}
	return data
}

// decodeID reads {"id":…}.
func decodeID(c *wire.Cursor) (id string) {
	for key := range c.Members {
		if string(key) == "id" {
			id = c.ID()
		}
	}
	return id
}

func decodeHappening(name string, c *wire.Cursor) EventData {
	switch name {
	case "message":
		return decodeMessage(c)
	case "referral":
		return &ReferralEvent{MessageReferral: decodeReferral(c)}
	case "postback":
		return decodePostback(c)
	}
	v := c.Value() // small ones, for which a pass for each field costs nothing
	switch name {
	case "message_edit":
		edits, _ := v.Get("num_edit").Int()
		return &MessageEditEvent{MessageID: v.Get("mid").Text(), Text: v.Get("text").Text(), Edits: int(edits)}
	case "reaction":
		return &ReactionEvent{
			MessageID: v.Get("mid").Text(), Reaction: v.Get("reaction").Text(), Emoji: v.Get("emoji").Text(),
			Removed: v.Get("action").Text() == "unreact",
		}
	case "read":
		return &SeenEvent{MessageID: v.Get("mid").Text()}
	case "optin":
		return &OptinEvent{
			Type: v.Get("type").Text(), Title: v.Get("title").Text(), Payload: v.Get("payload").Text(),
			Token: NewSecret(v.Get("notification_messages_token").Text()),
		}
	case "policy_enforcement", "policy-enforcement":
		return &PolicyEvent{Action: v.Get("action").Text(), Reason: v.Get("reason").Text()}
	default: // *_thread_control, app_roles
		return &HandoverEvent{
			Action: name, PreviousOwner: v.Get("previous_owner_app_id").ID(), NewOwner: v.Get("new_owner_app_id").ID(),
			RequestedOwner: v.Get("requested_owner_app_id").ID(), Metadata: v.Get("metadata").Text(),
		}
	}
}

func decodeMessage(c *wire.Cursor) EventData {
	m := &MessageEvent{}
	echo := false
	for key := range c.Members {
		switch string(key) {
		case "mid":
			m.ID = c.Text()
		case "text":
			m.Text = c.Text()
		case "is_echo":
			echo, _ = c.Value().Bool()
		case "is_self":
			m.Self, _ = c.Value().Bool()
		case "is_deleted":
			m.Deleted, _ = c.Value().Bool()
		case "is_unsupported":
			m.Unsupported, _ = c.Value().Bool()
		case "quick_reply":
			m.QuickReply = c.Value().Get("payload").Text()
		case "attachments":
			for range c.Elems {
				m.Attachments = append(m.Attachments, decodeAttachment(c))
			}
		case "reply_to":
			v := c.Value()
			m.ReplyTo = &MessageOrigin{
				MessageID: v.Get("mid").Text(), StoryID: v.Get("story", "id").ID(), StoryURL: v.Get("story", "url").Text(),
			}
		case "referral":
			r := decodeReferral(c)
			m.Referral = &r
		}
	}
	if echo {
		return &MessageEchoEvent{Message: *m}
	}
	return m
}

func decodeAttachment(c *wire.Cursor) MessageAttachment {
	var a MessageAttachment
	for key := range c.Members {
		switch string(key) {
		case "type":
			a.Type = c.Text()
		case "payload":
			start := c.Pos()
			for key := range c.Members {
				switch string(key) {
				case "url":
					a.URL = c.Text()
				case "title":
					a.Title = c.Text()
				}
			}
			a.Payload = c.Since(start)
		}
	}
	return a
}

func decodePostback(c *wire.Cursor) *PostbackEvent {
	e := &PostbackEvent{}
	for key := range c.Members {
		switch string(key) {
		case "mid":
			e.MessageID = c.Text()
		case "title":
			e.Title = c.Text()
		case "payload":
			e.Payload = c.Text()
		case "referral":
			r := decodeReferral(c)
			e.Referral = &r
		}
	}
	return e
}

func decodeReferral(c *wire.Cursor) MessageReferral {
	var r MessageReferral
	for key := range c.Members {
		switch name := string(key); name {
		case "ref":
			r.Ref = c.Text()
		case "source":
			r.Source = c.Text()
		case "type":
			r.Type = c.Text()
		case "ad_id":
			r.AdID = c.ID()
		case "product":
			r.ProductID = c.Value().Get("id").ID()
		default:
			if strings.HasSuffix(name, "_uri") { // referer_uri, as Meta spells it, and referrer_uri
				r.URI = c.Text()
			}
		}
	}
	return r
}

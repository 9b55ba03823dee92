package instagram_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

// variations are deliveries as Meta writes them for both products, each with
// one line for every event: account, field, type and what it holds.
// Sources: "Webhooks" of the Instagram Platform and of the Messenger Platform,
// and bodies from the tests of public integrations, with other values.
func variations() map[string]variation {
	const (
		a      = "17841405793187218"
		him    = `"sender":{"id":"1029384756564738"},"recipient":{"id":"17841405793187218"},"timestamp":1762502400123`
		us     = `"sender":{"id":"17841405793187218"},"recipient":{"id":"1029384756564738"},"timestamp":1762502400123`
		before = `{"object":"instagram","entry":[{"time":1762502400456,"id":"17841405793187218","messaging":[{`
		after  = `}]}]}`
	)
	change := func(field, value string) string {
		return `{"object":"instagram","entry":[{"id":"` + a + `","time":1762502400,"changes":[{"field":"` + field + `","value":` + value + `}]}]}`
	}
	return map[string]variation{
		"comment on a post": {
			change("comments", `{"from":{"id":"1029384756564738","username":"ada"},"media":{"id":"18001234567890123","media_product_type":"FEED"},"id":"17912345678901234","text":"Sch\u00f6n! \ud83c\udf37"}`),
			[]string{a + " comments *instagram.CommentEvent 17912345678901234 by 1029384756564738 on 18001234567890123: Schön! 🌷"},
		},
		"answer to a comment, IDs as numbers": {
			change("comments", `{"id":17912345678901235,"parent_id":17912345678901234,"text":"\u2764\ufe0f","from":{"id":1029384756564738,"username":"ada"},"media":{"id":18001234567890123,"media_product_type":"REELS"}}`),
			[]string{a + " comments *instagram.CommentEvent 17912345678901235 by 1029384756564738 on 18001234567890123: ❤️"},
		},
		"comment on an ad": {
			change("comments", `{"from":{"id":"1","username":"b","self_ig_scoped_id":"2"},"media":{"id":"3","ad_id":"23850000000000001","ad_title":"Tulpen 50\u0025","original_media_id":"4","media_product_type":"AD"},"id":"5","text":"#a @b"}`),
			[]string{a + " comments *instagram.CommentEvent 5 by 1 on 3: #a @b"},
		},
		"comment with a text of markup": {
			change("comments", `{"id":"5","text":"\u003Cscript>alert(1)\u003C\/script>","from":{"id":"1","username":"x"},"media":{"id":"3"}}`),
			[]string{a + " comments *instagram.CommentEvent 5 by 1 on 3: <script>alert(1)</script>"},
		},
		"comment without a person": {change("comments", `{"id":"5","text":"hi","media":{"id":"3"}}`), []string{a + " comments *instagram.CommentEvent 5 by  on 3: hi"}},
		"comment of the App Dashboard's Test button": {
			`{"entry":[{"id":"0","time":1762502400,"changes":[{"field":"comments","value":{"from":{"id":"232323232","username":"test"},"media":{"id":"123123123","media_product_type":"FEED"},"id":"17865799348089039","parent_id":"1231231234","text":"This is an example."}}]}],"object":"instagram"}`,
			[]string{"0 comments *instagram.CommentEvent 17865799348089039 by 232323232 on 123123123: This is an example."},
		},
		"comment on a live broadcast": {
			change("live_comments", `{"from":{"id":"1","username":"b"},"media":{"id":"3","media_product_type":"LIVE"},"id":"5","text":"hi"}`),
			[]string{a + " live_comments *instagram.CommentEvent 5 by 1 on 3: hi"},
		},
		"mention in a comment": {change("mentions", `{"media_id":"17918195224117851","comment_id":"17894227972186120"}`), []string{a + " mentions *instagram.MentionEvent 17918195224117851 17894227972186120"}},
		"mention in a caption": {change("mentions", `{"comment_id":null,"media_id":17918195224117851}`), []string{a + " mentions *instagram.MentionEvent 17918195224117851 "}},
		"figures of a story": {
			change("story_insights", `{"media_id":"17887498072083520","impressions":444,"reach":44,"taps_forward":4,"taps_back":3,"exits":3,"replies":-1}`),
			[]string{a + " story_insights *instagram.StoryInsightsEvent 17887498072083520 map[exits:3 impressions:444 reach:44 replies:-1 taps_back:3 taps_forward:4]"},
		},
		"figures of a story with a list and a fraction": {change("story_insights", `{"media_id":"1","reach":44,"rate":0.5,"actions":["x"],"none":null}`), []string{a + " story_insights *instagram.StoryInsightsEvent 1 map[reach:44]"}},

		"message":                     {before + him + `,"message":{"mid":"aWdfZAG1","text":"Gr\u00fc\u00dfe aus K\u00f6ln \/ \ud83d\ude00"}` + after, []string{a + " messages *instagram.MessageEvent aWdfZAG1 1029384756564738>" + a + ": Grüße aus Köln / 😀"}},
		"message, IDs as numbers":     {before + `"sender":{"id":1029384756564738},"recipient":{"id":17841405793187218},"timestamp":"1762502400123","message":{"mid":"m","text":"1"}` + after, []string{a + " messages *instagram.MessageEvent m 1029384756564738>" + a + ": 1"}},
		"message with a photo":        {before + him + `,"message":{"mid":"m","attachments":[{"type":"image","payload":{"url":"https:\/\/lookaside.fbsbx.com\/ig_messaging_cdn\/?asset_id=1\u0026signature=A"}}]}` + after, []string{a + " messages *instagram.MessageEvent m 1029384756564738>" + a + ": [image https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=1&signature=A]"}},
		"message with two videos":     {before + him + `,"message":{"mid":"m","attachments":[{"type":"video","payload":{"url":"u1"}},{"type":"video","payload":{"url":"u2"}}]}` + after, []string{a + " messages *instagram.MessageEvent m 1029384756564738>" + a + ": [video u1][video u2]"}},
		"message that shares a reel":  {before + him + `,"message":{"mid":"m","attachments":[{"type":"ig_reel","payload":{"reel_video_id":"18000000000000001","title":"T","url":"u"}}]}` + after, []string{a + " messages *instagram.MessageEvent m 1029384756564738>" + a + ": [ig_reel u]"}},
		"message that shares a post":  {before + him + `,"message":{"mid":"m","attachments":[{"type":"share","payload":{"url":"u"}}]}` + after, []string{a + " messages *instagram.MessageEvent m 1029384756564738>" + a + ": [share u]"}},
		"mention in a story":          {before + him + `,"message":{"mid":"m","attachments":[{"type":"story_mention","payload":{"url":"u"}}]}` + after, []string{a + " messages *instagram.MessageEvent m 1029384756564738>" + a + ": [story_mention u]"}},
		"message with a template":     {before + him + `,"message":{"mid":"m","attachments":[{"type":"template","payload":{"generic":{"elements":[{"title":"x"}]}}}]}` + after, []string{a + " messages *instagram.MessageEvent m 1029384756564738>" + a + ": [template ]"}},
		"message with null payload":   {before + him + `,"message":{"mid":"m","attachments":[{"type":"fallback","payload":null}],"text":null}` + after, []string{a + " messages *instagram.MessageEvent m 1029384756564738>" + a + ": [fallback ]"}},
		"message that is unsupported": {before + him + `,"message":{"mid":"m","is_unsupported":true}` + after, []string{a + " messages *instagram.MessageEvent m 1029384756564738>" + a + ": unsupported"}},
		"answer to a story":           {before + him + `,"message":{"mid":"m","text":"wow","reply_to":{"story":{"url":"s","id":18000000000000002}}}` + after, []string{a + " messages *instagram.MessageEvent m 1029384756564738>" + a + ": wow answers story 18000000000000002"}},
		"answer to a message":         {before + him + `,"message":{"mid":"m","text":"yes","reply_to":{"mid":"m0"}}` + after, []string{a + " messages *instagram.MessageEvent m 1029384756564738>" + a + ": yes answers m0"}},
		"quick reply":                 {before + him + `,"message":{"mid":"m","text":"Red","quick_reply":{"payload":"RED"}}` + after, []string{a + " messages *instagram.MessageEvent m 1029384756564738>" + a + ": Red taps RED"}},
		"message taken back":          {before + him + `,"message":{"mid":"m","is_deleted":true}` + after, []string{a + " messages *instagram.MessageEvent m 1029384756564738>" + a + ": deleted"}},
		"message through an ad":       {before + him + `,"message":{"mid":"m","text":"hi","referral":{"ref":"r","ad_id":"23850000000000001","source":"ADS","type":"OPEN_THREAD","ads_context_data":{"ad_title":"T","photo_url":"p"}}}` + after, []string{a + " messages *instagram.MessageEvent m 1029384756564738>" + a + ": hi from ADS 23850000000000001"}},
		"message of our own":          {before + us + `,"message":{"mid":"m","text":"hello","is_echo":true,"app_id":123456789012345}` + after, []string{a + " messages *instagram.MessageEchoEvent m " + a + ">1029384756564738: hello"}},
		"photo of our own":            {before + us + `,"message":{"is_echo":true,"mid":"m","attachments":[{"type":"image","payload":{"url":"u"}}]}` + after, []string{a + " messages *instagram.MessageEchoEvent m " + a + ">1029384756564738: [image u]"}},
		"message that is not an echo": {before + him + `,"message":{"mid":"m","text":"hello","is_echo":false}` + after, []string{a + " messages *instagram.MessageEvent m 1029384756564738>" + a + ": hello"}},
		"message edited":              {before + him + `,"message_edit":{"mid":"m","text":"better","num_edit":1}` + after, []string{a + " message_edit *instagram.MessageEditEvent m better 1"}},
		"reaction":                    {before + him + `,"reaction":{"mid":"m","action":"react","reaction":"love","emoji":"\u2764\ufe0f"}` + after, []string{a + " message_reactions *instagram.ReactionEvent m love ❤️ false"}},
		"reaction of another emoji":   {before + him + `,"reaction":{"mid":"m","action":"react","reaction":"other","emoji":"\ud83e\udd70"}` + after, []string{a + " message_reactions *instagram.ReactionEvent m other 🥰 false"}},
		"reaction taken back":         {before + him + `,"reaction":{"mid":"m","action":"unreact"}` + after, []string{a + " message_reactions *instagram.ReactionEvent m   true"}},
		"icebreaker":                  {before + him + `,"postback":{"mid":"m","title":"Hours?","payload":"HOURS"}` + after, []string{a + " messaging_postbacks *instagram.PostbackEvent m Hours? HOURS"}},
		"button, reached by a link":   {before + him + `,"postback":{"title":"Start","payload":"START","referral":{"ref":"r","source":"SHORTLINK","type":"OPEN_THREAD"}},"referral":{"ref":"r"}` + after, []string{a + " messaging_postbacks *instagram.PostbackEvent  Start START"}},
		"message seen":                {before + him + `,"read":{"mid":"m"}` + after, []string{a + " messaging_seen *instagram.SeenEvent m"}},
		"messages seen, as Messenger": {before + him + `,"read":{"watermark":1762502400000}` + after, []string{a + " messaging_seen *instagram.SeenEvent "}},
		"link into a conversation":    {before + him + `,"referral":{"ref":"summer","source":"IGME-SOURCE-LINK","type":"OPEN_THREAD"}` + after, []string{a + " messaging_referral *instagram.ReferralEvent summer IGME-SOURCE-LINK"}},
		"agreement to get messages":   {before + him + `,"optin":{"type":"notification_messages","notification_messages_token":"9007199254740993","notification_messages_timezone":"UTC","token_expiry_timestamp":"1"}` + after, []string{a + " messaging_optins *instagram.OptinEvent notification_messages with a token"}},
		"conversation handed over":    {before + him + `,"pass_thread_control":{"previous_owner_app_id":"1","new_owner_app_id":2,"metadata":"m"}` + after, []string{a + " messaging_handover *instagram.HandoverEvent pass_thread_control 1>2"}},
		"conversation taken":          {before + him + `,"take_thread_control":{"previous_owner_app_id":null,"new_owner_app_id":"2"}` + after, []string{a + " messaging_handover *instagram.HandoverEvent take_thread_control >2"}},
		"warning":                     {before + `"recipient":{"id":"` + a + `"},"timestamp":1,"policy_enforcement":{"action":"warning","reason":"spam"}` + after, []string{a + " messaging_policy_enforcement *instagram.PolicyEvent warning spam"}},
		"message on standby": {
			`{"object":"instagram","entry":[{"id":"` + a + `","time":1,"hop_context":[{"app_id":1,"metadata":""}],"standby":[{` + him + `,"message":{"mid":"m","text":"hi"}}]}]}`,
			[]string{a + " standby *instagram.StandbyEvent *instagram.MessageEvent"},
		},
		"reaction on standby": {
			`{"object":"instagram","entry":[{"id":"` + a + `","time":1,"standby":[{` + him + `,"reaction":{"mid":"m","action":"react"}}]}]}`,
			[]string{a + " standby *instagram.StandbyEvent *instagram.ReactionEvent"},
		},

		"delivery receipt, which is new here": {before + him + `,"delivery":{"mids":["m"],"watermark":1}` + after, []string{a + "  <nil>"}},
		"feedback, which is new here":         {before + him + `,"response_feedback":{"feedback":"Good response","mid":"m"}` + after, []string{a + "  <nil>"}},
		"field that is new here":              {change("creator_marketplace_invited_creator_onboarding", `{"creator_igid":17841405793187642}`), []string{a + " creator_marketplace_invited_creator_onboarding <nil>"}},
		"keys that are new everywhere":        {`{"object":"instagram","v":2,"entry":[{"uid":"x","id":"` + a + `","time":1,"new":{"deep":[1,{}]},"changes":[{"field":"mentions","value":{"media_id":"1","new":[[]]},"new":null}]}],"new":true}`, []string{a + " mentions *instagram.MentionEvent 1 "}},
		"two accounts, three changes": {
			`{"object":"instagram","entry":[{"id":"1","time":1,"changes":[{"field":"mentions","value":{"media_id":"11"}},{"field":"comments","value":{"id":"12","text":"x"}}]},{"id":2,"time":2,"changes":[{"field":"mentions","value":{"media_id":"21"}}]}]}`,
			[]string{"1 mentions *instagram.MentionEvent 11 ", "1 comments *instagram.CommentEvent 12 by  on : x", "2 mentions *instagram.MentionEvent 21 "},
		},
		"changes and messages in one entry": {
			`{"object":"instagram","entry":[{"id":"1","time":1,"changes":[{"field":"mentions","value":{"media_id":"11"}}],"messaging":[{"read":{"mid":"a"}},{"read":{"mid":"b"}}],"standby":[]}]}`,
			[]string{"1 mentions *instagram.MentionEvent 11 ", "1 messaging_seen *instagram.SeenEvent a", "1 messaging_seen *instagram.SeenEvent b"},
		},
		"change of Facebook Login's Page":       {`{"object":"page","entry":[{"id":"102030405060708","time":1,"changes":[{"field":"feed","value":{"item":"post"}}]}]}`, []string{"102030405060708 feed <nil>"}},
		"permission, with its verb":             {`{"object":"permissions","entry":[{"id":"1029384756564738","time":1,"changes":[{"field":"instagram_basic","value":{"verb":"granted","target_ids":[17841405793187218]}}]}]}`, []string{"1029384756564738 instagram_basic *instagram.PermissionEvent granted [17841405793187218]"}},
		"permissions, by their names alone":     {`{"object":"permissions","entry":[{"uid":"1029384756564738","id":"1029384756564738","time":1,"changed_fields":["instagram_basic","pages_show_list"]}]}`, []string{"1029384756564738 instagram_basic *instagram.PermissionEvent  []", "1029384756564738 pages_show_list *instagram.PermissionEvent  []"}},
		"field by its name alone":               {`{"object":"instagram","entry":[{"id":"` + a + `","time":1,"changed_fields":["comments"]}]}`, []string{a + " comments <nil>"}},
		"key order turned round":                {`{"entry":[{"changes":[{"value":{"comment_id":"2","media_id":"1"},"field":"mentions"}],"time":1,"id":"` + a + `"}],"object":"instagram"}`, []string{a + " mentions *instagram.MentionEvent 1 2"}},
		"printed with white space as Meta does": {"{\n   \"object\": \"instagram\",\n   \"entry\": [\n      {\n         \"id\": \"" + a + "\",\n         \"time\": 1,\n         \"messaging\": [ { \"read\": { \"mid\": \"m\" } } ]\n      }\n   ]\n}\n", []string{a + " messaging_seen *instagram.SeenEvent m"}},
	}
}

type variation struct {
	body string
	want []string
}

func TestWebhookVariations(t *testing.T) {
	t.Parallel()
	for name, v := range variations() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for login, secret := range map[instagram.Login]string{
				instagram.InstagramLogin: instagramtest.DefaultInstagramAppSecret, instagram.FacebookLogin: instagramtest.DefaultMetaAppSecret,
			} {
				cfg := instagramConfig()
				if login == instagram.FacebookLogin {
					cfg = facebookConfig()
				}
				var got eventLog
				h := newClient(t, cfg, instagramtest.New()).WebhookHandler(instagram.NewSecret("v"), got.handle)
				post := func(header, signature, body string) int {
					r := httptest.NewRequest(http.MethodPost, hook, strings.NewReader(body))
					r.Header.Set(header, signature)
					w := httptest.NewRecorder()
					h.ServeHTTP(w, r)
					return w.Code
				}
				signature := instagramtest.SignWebhook(secret, []byte(v.body))
				assert.Equal(t, http.StatusForbidden, post("X-Hub-Signature", strings.Replace(signature, "sha256=", "sha1=", 1)[:45], v.body), "SHA-1 alone")
				assert.Equal(t, http.StatusOK, post("X-Hub-Signature-256", signature, v.body))
				if unescaped := strings.NewReplacer(`\/`, `/`, `\u00f6`, `ö`, `\u00fc`, `ü`, `\u0026`, `&`).Replace(v.body); unescaped != v.body {
					assert.Equal(t, http.StatusForbidden, post("X-Hub-Signature-256", signature, unescaped), "written again")
				}
				require.NoError(t, h.Close(context.Background()))
				var lines []string
				for _, e := range got.events {
					assert.NotEmpty(t, e.Value)
					assert.False(t, e.Time.IsZero())
					lines = append(lines, strings.TrimSuffix(fmt.Sprintf("%s %s %s", e.AccountID, e.Field, told(e.Data)), "\n"))
				}
				assert.ElementsMatch(t, v.want, lines)
			}
		})
	}
	assert.GreaterOrEqual(t, len(variations()), 50)
}

// told writes an event's data in one line.
func told(data instagram.EventData) string {
	s := fmt.Sprintf("%T", data)
	switch d := data.(type) {
	case *instagram.CommentEvent:
		return s + fmt.Sprintf(" %s by %s on %s: %s", d.ID, d.From.ID, d.MediaID, d.Text)
	case *instagram.MentionEvent:
		return s + fmt.Sprintf(" %s %s", d.MediaID, d.CommentID)
	case *instagram.StoryInsightsEvent:
		return s + fmt.Sprintf(" %s %v", d.MediaID, d.Metrics)
	case *instagram.MessageEvent:
		return s + toldMessage(d)
	case *instagram.MessageEchoEvent:
		return s + toldMessage(&d.Message)
	case *instagram.MessageEditEvent:
		return s + fmt.Sprintf(" %s %s %d", d.MessageID, d.Text, d.Edits)
	case *instagram.ReactionEvent:
		return s + fmt.Sprintf(" %s %s %s %t", d.MessageID, d.Reaction, d.Emoji, d.Removed)
	case *instagram.PostbackEvent:
		return s + fmt.Sprintf(" %s %s %s", d.MessageID, d.Title, d.Payload)
	case *instagram.SeenEvent:
		return s + " " + d.MessageID
	case *instagram.ReferralEvent:
		return s + fmt.Sprintf(" %s %s", d.Ref, d.Source)
	case *instagram.OptinEvent:
		return s + fmt.Sprintf(" %s with%s a token", d.Type, map[bool]string{true: "out"}[d.Token.IsZero()])
	case *instagram.HandoverEvent:
		return s + fmt.Sprintf(" %s %s>%s", d.Action, d.PreviousOwner, d.NewOwner)
	case *instagram.PolicyEvent:
		return s + fmt.Sprintf(" %s %s", d.Action, d.Reason)
	case *instagram.StandbyEvent:
		return s + fmt.Sprintf(" %T", d.Data)
	case *instagram.PermissionEvent:
		return s + fmt.Sprintf(" %s %v", d.Verb, d.TargetIDs)
	}
	return s
}

func toldMessage(m *instagram.MessageEvent) string {
	var attached strings.Builder
	for _, a := range m.Attachments {
		fmt.Fprintf(&attached, "[%s %s]", a.Type, a.URL)
	}
	s := fmt.Sprintf(" %s %s>%s: %s%s", m.ID, m.SenderID, m.RecipientID, m.Text, attached.String())
	if m.Deleted {
		s += "deleted"
	}
	if m.Unsupported {
		s += "unsupported"
	}
	if m.QuickReply != "" {
		s += " taps " + m.QuickReply
	}
	if m.Referral != nil {
		s += fmt.Sprintf(" from %s %s", m.Referral.Source, m.Referral.AdID)
	}
	switch r := m.ReplyTo; {
	case r == nil:
	case r.StoryID != "":
		s += " answers story " + r.StoryID
	default:
		s += " answers " + r.MessageID
	}
	return s
}

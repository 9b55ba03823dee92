package instagram_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

func TestWebhookFixtures(t *testing.T) {
	t.Parallel()
	for _, f := range callbackFixtures(t, "webhook") {
		t.Run(f.ID, func(t *testing.T) {
			t.Parallel()
			body := []byte(f.Webhook.Body)
			secret := instagram.NewSecret(f.Expect.AppSecret)
			err := instagram.VerifyWebhook(f.header(), body, instagram.NewSecret("the previous one"), secret)
			require.Equal(t, f.Expect.SignatureValid, err == nil, "%v", err)
			require.ErrorIs(t, instagram.VerifyWebhook(f.header(), body, instagram.NewSecret("another")), instagram.ErrSignature)

			events, err := instagram.ParseWebhook(body)
			require.NoError(t, err)
			var entries, fields []string
			for _, e := range events {
				assert.Equal(t, f.Expect.Object, e.Object)
				assert.NotNil(t, e.Data)
				assert.False(t, e.Time.IsZero())
				entries = append(entries, e.AccountID)
				if _, message := e.Data.(*instagram.SeenEvent); !message { // messages come without a field
					fields = append(fields, e.Field)
				}
				if p, ok := e.Data.(*instagram.PermissionEvent); ok {
					assert.Equal(t, f.Expect.Verb, p.Verb)
				}
			}
			assert.Equal(t, f.Expect.EntryIDs, entries)
			assert.ElementsMatch(t, f.Expect.Fields, fields)
		})
	}
}

func TestWebhookAttacks(t *testing.T) {
	t.Parallel()
	body := []byte(`{"object":"instagram","entry":[{"id":"1","time":1,"changes":[{"field":"comments","value":{"text":"\u00e4\/"}}]}]}`)
	good := instagramtest.SignWebhook(callbackSecret, body)
	const name, weak = "X-Hub-Signature-256", "X-Hub-Signature"
	var reencoded bytes.Buffer
	require.NoError(t, json.Compact(&reencoded, body))
	again, err := json.Marshal(json.RawMessage(bytes.ReplaceAll(reencoded.Bytes(), []byte(`\u00e4`), []byte("ä"))))
	require.NoError(t, err)

	for title, c := range map[string]struct {
		header http.Header
		body   []byte
		want   instagram.SignatureProblem
	}{
		"no header":                             {http.Header{}, body, instagram.SignatureMissing},
		"an empty header":                       {http.Header{name: {""}}, body, instagram.SignatureMissing},
		"the SHA-1 header only":                 {http.Header{weak: {"sha1=" + strings.Repeat("0", 40)}}, body, instagram.SignatureWeak},
		"the SHA-256 in the SHA-1 header":       {http.Header{weak: {good}}, body, instagram.SignatureWeak},
		"the header twice":                      {http.Header{name: {good, good}}, body, instagram.SignatureRepeated},
		"a forged header before the good one":   {http.Header{name: {"sha256=" + strings.Repeat("0", 64), good}}, body, instagram.SignatureRepeated},
		"two signatures in one header":          {http.Header{name: {good + "," + good}}, body, instagram.SignatureMalformed},
		"no prefix":                             {http.Header{name: {good[7:]}}, body, instagram.SignatureMalformed},
		"another prefix":                        {http.Header{name: {"sha1=" + good[7:]}}, body, instagram.SignatureMalformed},
		"prefix none":                           {http.Header{name: {"none=" + good[7:]}}, body, instagram.SignatureMalformed},
		"a truncated signature":                 {http.Header{name: {good[:len(good)-2]}}, body, instagram.SignatureMalformed},
		"a signature that goes on":              {http.Header{name: {good + "00"}}, body, instagram.SignatureMalformed},
		"a signature that is no hex":            {http.Header{name: {good[:len(good)-1] + "g"}}, body, instagram.SignatureMalformed},
		"white space around it":                 {http.Header{name: {" " + good}}, body, instagram.SignatureMalformed},
		"a forged signature":                    {http.Header{name: {"sha256=" + strings.Repeat("0", 64)}}, body, instagram.SignatureWrong},
		"another secret":                        {http.Header{name: {instagramtest.SignWebhook("another", body)}}, body, instagram.SignatureWrong},
		"the empty secret":                      {http.Header{name: {instagramtest.SignWebhook("", body)}}, body, instagram.SignatureWrong},
		"a truncated body":                      {http.Header{name: {good}}, body[:len(body)-1], instagram.SignatureWrong},
		"a body that goes on":                   {http.Header{name: {good}}, append(bytes.Clone(body), '\n'), instagram.SignatureWrong},
		"no body":                               {http.Header{name: {good}}, nil, instagram.SignatureWrong},
		"the body read and written again":       {http.Header{name: {good}}, again, instagram.SignatureWrong},
		"the signature of another delivery":     {http.Header{name: {instagramtest.SignWebhook(callbackSecret, []byte("{}"))}}, body, instagram.SignatureWrong},
		"the signature of a part of the body":   {http.Header{name: {instagramtest.SignWebhook(callbackSecret, body[20:60])}}, body, instagram.SignatureWrong},
		"a signed request's signature, in hex":  {http.Header{name: {"sha256=" + strings.Repeat("ab", 32)}}, body, instagram.SignatureWrong},
		"the header under a name of small caps": {http.Header{"x-hub-signature-256": {good}}, body, instagram.SignatureMissing},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			err := instagram.VerifyWebhook(c.header, c.body, instagram.Secret{}, instagram.NewSecret(callbackSecret), instagram.NewSecret("previous"))
			assert.Equal(t, c.want, problem(t, err), "%v", err)
		})
	}

	header := http.Header{name: {good}, weak: {"sha1=wrong"}}
	require.NoError(t, instagram.VerifyWebhook(header, body, instagram.NewSecret("previous"), instagram.NewSecret(callbackSecret)))
	assert.Equal(t, instagram.SignatureNoSecret, problem(t, instagram.VerifyWebhook(header, body)))
	signedByNobody := http.Header{name: {instagramtest.SignWebhook("", body)}}
	assert.Equal(t, instagram.SignatureNoSecret, problem(t, instagram.VerifyWebhook(signedByNobody, body, instagram.Secret{})))
	client := newClient(t, instagramConfig(), instagramtest.New())
	require.NoError(t, client.VerifyWebhook(header, body))
}

// account is the one that the events of these tests are about; it does not survive a float64.
const account = instagramtest.DefaultAccountID

func TestParseWebhook(t *testing.T) {
	t.Parallel()
	parties := instagram.MessageParties{SenderID: "5370951880287469", RecipientID: account}
	messaging := func(happening string) string {
		return `{"object":"instagram","entry":[{"time":1668022334834,"id":"` + account + `","messaging":[{` +
			`"sender":{"id":"5370951880287469"},"recipient":{"id":"` + account + `"},"timestamp":1668022333735,` + happening + `}]}]}`
	}
	changes := func(field, value string) string {
		return `{"entry":[{"changes":[{"value":` + value + `,"field":"` + field + `"}],"id":"` + account + `","time":1519399307}],"object":"instagram"}`
	}
	comment := &instagram.CommentEvent{
		ID: "17865799348089039", ParentID: "17865799348089038", Text: "Grüße / 😀",
		From:    instagram.EventUser{ID: "1234536447", Username: "testuser", SelfID: "9007199254740993"},
		MediaID: "76543987", MediaProductType: "AD", AdID: "1", AdTitle: "Tulpen", OriginalMediaID: "2",
	}
	const commentJSON = `{"id":"17865799348089039","parent_id":17865799348089038,"text":"Gr\u00fc\u00dfe \/ \ud83d\ude00",` +
		`"from":{"id":1234536447,"username":"testuser","self_ig_scoped_id":9007199254740993},` +
		`"media":{"id":"76543987","media_product_type":"AD","ad_id":"1","ad_title":"Tulpen","original_media_id":"2","new":1}}`

	for name, c := range map[string]struct {
		body  string
		field string
		want  instagram.EventData
	}{
		"a comment":                                     {changes("comments", commentJSON), "comments", comment},
		"a comment in the entry itself":                 {`{"object":"instagram","entry":[{"id":"` + account + `","time":1519399307,"field":"comments","value":` + commentJSON + `}]}`, "comments", comment},
		"a comment whose value is a list":               {changes("comments", "["+commentJSON+"]"), "comments", comment},
		"a delivery inside a list":                      {"[" + changes("comments", commentJSON) + "]", "comments", comment},
		"a comment on a live broadcast":                 {changes("live_comments", `{"id":"1","text":"hi"}`), "live_comments", &instagram.CommentEvent{ID: "1", Text: "hi", Live: true}},
		"a mention in a comment":                        {changes("mentions", `{"media_id":"17918195224117851","comment_id":17894227972186120}`), "mentions", &instagram.MentionEvent{MediaID: "17918195224117851", CommentID: "17894227972186120"}},
		"a mention in a caption":                        {changes("mentions", `{"media_id":"17918195224117851"}`), "mentions", &instagram.MentionEvent{MediaID: "17918195224117851"}},
		"figures of a story":                            {changes("story_insights", `{"media_id":"18023345989012587","exits":1,"replies":-1,"reach":"17","new":{"x":1}}`), "story_insights", &instagram.StoryInsightsEvent{MediaID: "18023345989012587", Metrics: map[string]int64{"exits": 1, "replies": -1, "reach": 17}}},
		"a message":                                     {messaging(`"message":{"mid":"m1","text":"hi"}`), "messages", &instagram.MessageEvent{MessageParties: parties, ID: "m1", Text: "hi"}},
		"a message with all it can have":                {messaging(`"message":{"mid":"m1","attachments":[{"type":"image","payload":{"url":"https:\/\/x\/?a=1"}},{"type":"ig_reel","payload":{"title":"T","reel_video_id":1}},{"type":"new"}],"quick_reply":{"payload":"Q"},"reply_to":{"mid":"m0","story":{"id":17,"url":"https:\/\/s"}},"is_self":true,"is_unsupported":true,"referral":{"ref":"r","ad_id":5,"source":"ADS","type":"OPEN_THREAD","referer_uri":"u","product":{"id":"6"}}}`), "messages", &instagram.MessageEvent{MessageParties: parties, ID: "m1", Attachments: []instagram.MessageAttachment{{Type: "image", URL: "https://x/?a=1", Payload: json.RawMessage(`{"url":"https:\/\/x\/?a=1"}`)}, {Type: "ig_reel", Title: "T", Payload: json.RawMessage(`{"title":"T","reel_video_id":1}`)}, {Type: "new"}}, QuickReply: "Q", ReplyTo: &instagram.MessageOrigin{MessageID: "m0", StoryID: "17", StoryURL: "https://s"}, Self: true, Unsupported: true, Referral: &instagram.MessageReferral{Ref: "r", AdID: "5", Source: "ADS", Type: "OPEN_THREAD", URI: "u", ProductID: "6"}}},
		"a message taken back":                          {messaging(`"message":{"mid":"m1","is_deleted":true}`), "messages", &instagram.MessageEvent{MessageParties: parties, ID: "m1", Deleted: true}},
		"a message that the account sent":               {messaging(`"message":{"mid":"m1","text":"hi","is_echo":true}`), "messages", &instagram.MessageEchoEvent{Message: instagram.MessageEvent{MessageParties: parties, ID: "m1", Text: "hi"}}},
		"a message with the referral beside it":         {messaging(`"referral":{"ref":"r"},"message":{"mid":"m1"}`), "messages", &instagram.MessageEvent{MessageParties: parties, ID: "m1"}},
		"a message in the form of the Test button":      {changes("messages", `{"sender":{"id":"5370951880287469"},"recipient":{"id":"`+account+`"},"timestamp":"1527459824","message":{"mid":"m1","text":"hi"}}`), "messages", &instagram.MessageEvent{MessageParties: parties, ID: "m1", Text: "hi"}},
		"an edited message":                             {messaging(`"message_edit":{"mid":"m1","text":"new","num_edit":"2"}`), "message_edit", &instagram.MessageEditEvent{MessageParties: parties, MessageID: "m1", Text: "new", Edits: 2}},
		"a reaction":                                    {messaging(`"reaction":{"mid":"m1","action":"react","reaction":"love","emoji":"\u2764"}`), "message_reactions", &instagram.ReactionEvent{MessageParties: parties, MessageID: "m1", Reaction: "love", Emoji: "❤"}},
		"a reaction taken back":                         {messaging(`"reaction":{"mid":"m1","action":"unreact"}`), "message_reactions", &instagram.ReactionEvent{MessageParties: parties, MessageID: "m1", Removed: true}},
		"a tap on a button":                             {messaging(`"postback":{"mid":"m1","title":"Yes","payload":"YES","referral":{"ref":"r"}}`), "messaging_postbacks", &instagram.PostbackEvent{MessageParties: parties, MessageID: "m1", Title: "Yes", Payload: "YES", Referral: &instagram.MessageReferral{Ref: "r"}}},
		"a message was read":                            {messaging(`"read":{"mid":"m1"}`), "messaging_seen", &instagram.SeenEvent{MessageParties: parties, MessageID: "m1"}},
		"somebody came through a link":                  {messaging(`"referral":{"ref":"r","source":"SHORTLINK","type":"OPEN_THREAD"}`), "messaging_referral", &instagram.ReferralEvent{MessageParties: parties, MessageReferral: instagram.MessageReferral{Ref: "r", Source: "SHORTLINK", Type: "OPEN_THREAD"}}},
		"a policy was enforced":                         {messaging(`"policy_enforcement":{"action":"block","reason":"spam"}`), "messaging_policy_enforcement", &instagram.PolicyEvent{MessageParties: parties, Action: "block", Reason: "spam"}},
		"a conversation went to another app":            {messaging(`"pass_thread_control":{"previous_owner_app_id":null,"new_owner_app_id":123456789,"metadata":"x"}`), "messaging_handover", &instagram.HandoverEvent{MessageParties: parties, Action: "pass_thread_control", NewOwner: "123456789", Metadata: "x"}},
		"an app wants a conversation":                   {messaging(`"request_thread_control":{"requested_owner_app_id":"1"}`), "messaging_handover", &instagram.HandoverEvent{MessageParties: parties, Action: "request_thread_control", RequestedOwner: "1"}},
		"something in another app's conversation":       {strings.Replace(messaging(`"message":{"mid":"m1"}`), `"messaging"`, `"standby"`, 1), "standby", &instagram.StandbyEvent{Data: &instagram.MessageEvent{MessageParties: parties, ID: "m1"}}},
		"something unknown in another's conversation":   {strings.Replace(messaging(`"new":{}`), `"messaging"`, `"standby"`, 1), "standby", &instagram.StandbyEvent{}},
		"a message of a kind that nobody knows":         {messaging(`"telepathy":{"mid":"m1"}`), "", nil},
		"a field that nobody knows":                     {changes("telepathy", `{"x":17841405793187641}`), "telepathy", nil},
		"a value that is no object":                     {changes("comments", `"x"`), "comments", nil},
		"a value that is null":                          {changes("comments", `null`), "comments", nil},
		"a permission, its verb beside the field":       {`{"object":"permissions","entry":[{"id":"` + account + `","time":1567181353,"changes":[{"field":"connected","verb":"granted"}]}]}`, "connected", &instagram.PermissionEvent{UserID: account, Permission: "connected", Verb: "granted"}},
		"a permission, for some targets":                {`{"object":"permissions","entry":[{"id":"` + account + `","time":1567181353,"changes":[{"field":"pages_show_list","value":{"verb":"revoked","target_ids":["1",2]}}]}]}`, "pages_show_list", &instagram.PermissionEvent{UserID: account, Permission: "pages_show_list", Verb: "revoked", TargetIDs: []string{"1", "2"}}},
		"an entry ID that is a number beyond a float":   {`{"object":"instagram","entry":[{"id":` + account + `,"time":1,"changes":[{"field":"comments","value":{"id":"1"}}]}]}`, "comments", &instagram.CommentEvent{ID: "1"}},
		"another object's field of the same name":       {`{"object":"page","entry":[{"id":"` + account + `","time":1,"changes":[{"field":"mentions","value":{"media_id":"1"}}]}]}`, "mentions", nil},
		"names that are written with escapes":           {strings.ReplaceAll(changes("mentions", `{"media_id":"1"}`), `"media_id"`, `"media\u005fid"`), "mentions", &instagram.MentionEvent{MediaID: "1"}},
		"a message whose parties stand at the end":      {`{"object":"instagram","entry":[{"id":"` + account + `","messaging":[{"message":{"mid":"m1"},"timestamp":"1","recipient":{"id":"` + account + `"},"sender":{"id":5370951880287469}}],"time":1}]}`, "messages", &instagram.MessageEvent{MessageParties: parties, ID: "m1"}},
		"an agreement to get messages, without token":   {messaging(`"optin":{"type":"notification_messages","payload":"P","title":"T"}`), "messaging_optins", &instagram.OptinEvent{MessageParties: parties, Type: "notification_messages", Payload: "P", Title: "T"}},
		"numbers and texts where others are expected":   {changes("comments", `{"id":true,"text":5,"from":[],"media":"x"}`), "comments", &instagram.CommentEvent{Text: "5"}},
		"a message with white space between it all":     {"\n " + strings.ReplaceAll(messaging(`"read" : {"mid":"m1"}`), ",", " ,\n\t") + "\r\n", "messaging_seen", &instagram.SeenEvent{MessageParties: parties, MessageID: "m1"}},
		"a field named twice, of which the last counts": {strings.Replace(changes("comments", `{"id":"1"}`), `"field"`, `"field":"mentions","field"`, 1), "comments", &instagram.CommentEvent{ID: "1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := []byte(c.body)
			events, err := instagram.ParseWebhook(body)
			require.NoError(t, err)
			require.Len(t, events, 1)
			e := events[0]
			clear(body) // an event outlives the body it was read from
			assert.Equal(t, account, e.AccountID)
			assert.Equal(t, c.field, e.Field)
			assert.False(t, e.Time.IsZero())
			assert.False(t, e.SentAt.IsZero())
			assert.True(t, json.Valid(e.Value), "%s", e.Value)
			assert.Equal(t, c.want, e.Data)
		})
	}
}

func TestParseWebhookReadsTimes(t *testing.T) {
	t.Parallel()
	events, err := instagram.ParseWebhook([]byte(`{"object":"instagram","entry":[
		{"id":"1","time":1668022334,"changes":[{"field":"comments","value":{}}]},
		{"id":"2","time":1668022334834,"messaging":[{"timestamp":1668022333735,"read":{}},{"timestamp":"1668022333","read":{}},{"read":{}}]},
		{"id":"3","time":"soon","changes":[{"field":"comments","value":{}}]}]}`))
	require.NoError(t, err)
	require.Len(t, events, 5)
	assert.Equal(t, int64(1668022334000), events[0].Time.UnixMilli())
	assert.Equal(t, int64(1668022333735), events[1].Time.UnixMilli())
	assert.Equal(t, int64(1668022334834), events[1].SentAt.UnixMilli())
	assert.Equal(t, int64(1668022333000), events[2].Time.UnixMilli())
	assert.Equal(t, int64(1668022334834), events[3].Time.UnixMilli())
	assert.True(t, events[4].Time.IsZero(), "unknown is not 1970")
}

func TestParseWebhookRefusesWhatIsNoDelivery(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"nothing": "", "text": "hello", "a number": "1", "null": "null", "an empty list": "[]", "a list of numbers": "[1]",
		"cut off": `{"object":"instagram","entry":[{"id":"1"`, "two deliveries": `{}{}`, "a form": "signed_request=a.b",
	} {
		events, err := instagram.ParseWebhook([]byte(body))
		require.Error(t, err, name)
		assert.Empty(t, events, name)
	}
	for name, body := range map[string]string{
		"no entries": `{"object":"instagram","entry":[]}`, "nothing inside": `{}`, "an entry without events": `{"entry":[{"id":"1","time":2}]}`,
		"entries that are none": `{"object":1,"entry":{"id":"1"}}`, "an entry that is a text": `{"entry":["x",null,[{}]]}`,
	} {
		events, err := instagram.ParseWebhook([]byte(body))
		require.NoError(t, err, name)
		assert.Empty(t, events, name)
	}
}

func TestEventKeyKnowsTheSameEventAgain(t *testing.T) {
	t.Parallel()
	key := func(format string, args ...any) string {
		events, err := instagram.ParseWebhook(fmt.Appendf(nil, format, args...))
		require.NoError(t, err)
		require.Len(t, events, 1)
		return events[0].Key()
	}
	const comment = `{"object":"instagram","entry":[{"id":"%s","time":%d,"changes":[{"field":"%s","value":{"id":"%s"}}]}]}`
	const permission = `{"object":"permissions","entry":[{"id":"1","time":%d,"changes":[{"field":"connected","verb":"granted"}]}]}`
	first := key(comment, "1", 100, "comments", "7")
	assert.Len(t, first, 32)
	assert.Equal(t, first, key(comment, "1", 200, "comments", "7"), "another delivery of the same comment")
	assert.NotEqual(t, first, key(comment, "2", 100, "comments", "7"))
	assert.NotEqual(t, first, key(comment, "1", 100, "live_comments", "7"))
	assert.NotEqual(t, first, key(comment, "1", 100, "comments", "8"))
	assert.NotEqual(t, key(permission, 100), key(permission, 200), "given, taken, and given again")
}

func TestEventPrintsNothingOfItsContent(t *testing.T) {
	t.Parallel()
	events, err := instagram.ParseWebhook([]byte(`{"object":"instagram","entry":[{"id":"1","time":1,"messaging":[{"optin":{"notification_messages_token":"CANARY","title":"CANARY"}}]}]}`))
	require.NoError(t, err)
	optin, ok := events[0].Data.(*instagram.OptinEvent)
	require.True(t, ok)
	assert.Equal(t, "CANARY", optin.Token.Reveal())
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", slog.Any("event", events[0]))
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", slog.Any("event", &events[0]))
	printed := fmt.Sprintf("%v %+v %#v %s", events[0], &events[0], events[0], events) + log.String()
	assert.NotContains(t, printed, "CANARY")
	assert.NotContains(t, printed, "67 65 78 65")
	assert.Contains(t, printed, "messaging_optins")
}

// typicalDelivery is a message of 2 KiB as Meta writes it: text with escapes,
// and an attachment's long URL.
func typicalDelivery() []byte {
	const tail = `"}}]}}]}]}`
	head := `{"object":"instagram","entry":[{"time":1668022334834,"id":"17841405793187641","messaging":[{` +
		`"sender":{"id":"5370951880287469"},"recipient":{"id":"17841405793187641"},"timestamp":1668022333735,` +
		`"message":{"mid":"` + strings.Repeat("aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOjE3", 5) +
		`","text":"` + strings.Repeat(`Gr\u00fc\u00dfe aus M\u00fcnchen, habt ihr noch Tulpen? `, 14) +
		`","attachments":[{"type":"image","payload":{"url":"https:\/\/lookaside.fbsbx.com\/ig_messaging_cdn\/?asset_id=17912345678901234&signature=`
	return []byte(head + strings.Repeat("A", 2048-len(head)-len(tail)) + tail)
}

// FuzzWebhook: nothing panics; a delivery that was not signed with the secret,
// or was altered anywhere, never verifies; what is read of one has as many
// events, keys and digits the second time as the first.
func FuzzWebhook(f *testing.F) {
	for _, fixture := range callbackFixtures(f, "webhook") {
		f.Add([]byte(fixture.Webhook.Body), fixture.Webhook.Headers["X-Hub-Signature-256"])
	}
	f.Add(typicalDelivery(), "sha256="+strings.Repeat("0", 64))
	secret := instagram.NewSecret("changed with each run " + time.Now().String())
	f.Fuzz(func(t *testing.T, body []byte, signature string) {
		require.ErrorIs(t, instagram.VerifyWebhook(http.Header{"X-Hub-Signature-256": {signature}}, body, secret), instagram.ErrSignature)
		good := http.Header{"X-Hub-Signature-256": {instagramtest.SignWebhook(secret.Reveal(), body)}}
		require.NoError(t, instagram.VerifyWebhook(good, body, secret))
		if len(body) > 0 {
			altered := bytes.Clone(body)
			altered[len(signature)%len(body)] ^= 1
			require.ErrorIs(t, instagram.VerifyWebhook(good, altered, secret), instagram.ErrSignature)
		}
		events, err := instagram.ParseWebhook(body)
		if err != nil {
			require.Empty(t, events)
			return
		}
		again, err := instagram.ParseWebhook(body)
		require.NoError(t, err)
		require.Equal(t, events, again)
		for i := range events {
			require.Equal(t, events[i].Key(), again[i].Key())
			if id := events[i].AccountID; id != "" && json.Valid(body) && !bytes.Contains(body, []byte(`\`)) && utf8.Valid(body) {
				require.True(t, bytes.Contains(body, []byte(id)), "%q is not in %q", id, body)
			}
		}
	})
}

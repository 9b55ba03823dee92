package instagramtest

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const accountURL = igGraph + "/v26.0/" + DefaultAccountID

// contain makes a container and returns its ID.
func (s scene) contain(params ...string) string {
	s.t.Helper()
	made := send(s.t, s.Platform, "POST", accountURL+"/media", append([]string{"access_token", s.ig}, params...)...)
	require.Equal(s.t, 200, made.status, made.text)
	return made.field(s.t, "id").(string)
}

func (s scene) state(container string) string {
	s.t.Helper()
	return send(s.t, s.Platform, "GET", igGraph+"/"+container, "fields", "status_code,status", "access_token", s.ig).field(s.t, "status_code").(string)
}

func (s scene) putOut(container string) got {
	s.t.Helper()
	return send(s.t, s.Platform, "POST", accountURL+"/media_publish", "creation_id", container, "access_token", s.ig)
}

func TestPublish(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		first := s.contain("image_url", "https://x.example/a.jpg", "caption", "Hello")
		assert.Equal(t, "FINISHED", s.state(first))
		out := s.putOut(first)
		assert.Equal(t, "PUBLISHED", s.state(first))
		assert.Equal(t, [2]int{9007, 2207027}, s.putOut(first).fault(), "a container goes out once")
		published := s.Published(DefaultUsername)
		require.Len(t, published, 1)
		assert.Equal(t, Media{
			ID: out.field(t, "id").(string), ContainerID: first, Caption: "Hello", URL: "https://x.example/a.jpg",
			Type: "IMAGE", Product: "FEED", PublishedAt: time.Now(),
		}, published[0])
		one := send(t, s.Platform, "GET", igGraph+"/"+published[0].ID, "fields", "caption,media_type,timestamp,permalink,username", "access_token", s.ig)
		assertText(t, `{"caption":"Hello","media_type":"IMAGE","timestamp":"2000-01-01T00:00:00+0000","permalink":"https:\/\/www.instagram.com\/p\/`+
			published[0].ID+`\/","username":"seed_and_bloom","id":"`+published[0].ID+`"}`, one.text)

		s.putOut(s.contain("media_type", "REELS", "video_url", "https://x.example/a.mp4"))
		assert.Equal(t, [2]int{9007, 2207027}, send(t, s.Platform, "POST", accountURL+"/media",
			"media_type", "CAROUSEL", "children", "1,2", "access_token", s.ig).fault(), "items that are none")
		items := s.contain("image_url", "https://x.example/1.jpg", "is_carousel_item", "true") + "," +
			s.contain("media_type", "VIDEO", "video_url", "https://x.example/2.mp4", "is_carousel_item", "true")
		s.putOut(s.contain("media_type", "CAROUSEL", "children", items))
		list := send(t, s.Platform, "GET", accountURL+"/media", "fields", "media_type", "limit", "2", "access_token", s.ig)
		assert.Contains(t, list.text, `[{"media_type":"CAROUSEL_ALBUM","id":"`)
		next := list.field(t, "paging", "next").(string)
		assert.True(t, strings.HasPrefix(next, accountURL+"/media?"))
		assert.Contains(t, next, "access_token="+s.ig, "as Meta's links do")
		rest := send(t, s.Platform, "GET", next)
		assert.Contains(t, rest.text, published[0].ID)
		assert.Nil(t, rest.field(t, "paging", "next"))
		assert.EqualValues(t, 3, send(t, s.Platform, "GET", igGraph+"/me", "fields", "media_count", "access_token", s.ig).field(t, "media_count"))

		limit := send(t, s.Platform, "GET", accountURL+"/content_publishing_limit", "fields", "quota_usage,config", "access_token", s.ig)
		assertText(t, `{"data":[{"quota_usage":3,"config":{"quota_total":100,"quota_duration":86400}}]}`, limit.text)
		time.Sleep(24 * time.Hour)
		assertText(t, `{"data":[{"quota_usage":0}]}`, send(t, s.Platform, "GET", accountURL+"/content_publishing_limit", "access_token", s.ig).text)
	})
}

func TestContainers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		s.PlanContainers(Processing{Take: time.Minute}, Processing{Take: time.Minute, Error: 2207026}, Processing{})
		slow, bad, left := s.contain("image_url", "https://x.example/1"), s.contain("image_url", "https://x.example/2"), s.contain("image_url", "https://x.example/3")
		assert.Equal(t, "IN_PROGRESS", s.state(slow))
		assert.Equal(t, [2]int{9007, 2207027}, s.putOut(slow).fault())
		time.Sleep(time.Minute)
		assert.Equal(t, "ERROR", s.state(bad))
		assert.Contains(t, send(t, s.Platform, "GET", igGraph+"/"+bad, "fields", "status", "access_token", s.ig).text, "2207026")
		assert.Equal(t, [2]int{9007, 2207027}, s.putOut(bad).fault())
		assert.Equal(t, 200, s.putOut(slow).status)
		time.Sleep(24 * time.Hour)
		assert.Equal(t, "EXPIRED", s.state(left))
		assert.Equal(t, [2]int{24, 2207008}, s.putOut(left).fault())
		assert.Equal(t, [2]int{24, 2207008}, s.putOut("17900000000000000").fault())
		time.Sleep(time.Hour)
		s.contain("image_url", "https://x.example/4")
		assert.Equal(t, [2]int{100, 33}, send(t, s.Platform, "GET", igGraph+"/"+left, "access_token", s.ig).fault(), "forgotten")

		// The post goes out and the answer is lost: the container tells.
		s.On("POST", "/*/media_publish").Once(Answer{Lose: true})
		last := s.contain("image_url", "https://x.example/5")
		req, err := http.NewRequestWithContext(t.Context(), "POST", accountURL+"/media_publish?creation_id="+last+"&access_token="+s.ig, nil)
		require.NoError(t, err)
		_, err = s.Transport().RoundTrip(req)
		require.Error(t, err)
		assert.Equal(t, "PUBLISHED", s.state(last))
		assert.Len(t, s.Published(DefaultAccountID), 2)
	})
	assert.Empty(t, New().Published("nobody"))
}

func TestPublishQuotas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, WithQuirks(Quirks{PublishedTwice: true}))
		last := s.contain("image_url", "https://x.example/a.jpg")
		for range quotaTotal {
			require.Equal(t, 200, s.putOut(last).status)
		}
		assert.Equal(t, [2]int{9, 2207042}, s.putOut(last).fault())
		for range containerQuota - 1 {
			s.contain("image_url", "https://x.example/a.jpg")
		}
		full := send(t, s.Platform, "POST", accountURL+"/media", "image_url", "https://x.example/a.jpg", "access_token", s.ig)
		assert.Equal(t, [2]int{9, 2207042}, full.fault())
	})
}

func TestContainerRefusals(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	try := func(params ...string) [2]int {
		return send(t, s.Platform, "POST", accountURL+"/media", append([]string{"access_token", s.ig}, params...)...).fault()
	}
	assert.Equal(t, [2]int{100, 0}, try())
	assert.Equal(t, [2]int{9004, 2207052}, try("image_url", "file:///a.jpg"))
	assert.Equal(t, [2]int{100, 2207023}, try("media_type", "VIDEO", "video_url", "https://x.example/a"))
	assert.Equal(t, [2]int{100, 2207028}, try("media_type", "CAROUSEL", "children", "1"))
	assert.Equal(t, [2]int{100, 0}, s.putOut("").fault())
	assert.Equal(t, [2]int{100, 0}, send(t, s.Platform, "DELETE", accountURL+"/media", "access_token", s.ig).fault())
	assert.Equal(t, [2]int{100, 33}, send(t, s.Platform, "DELETE", fbGraph+"/"+DefaultAccountID+"/media", "access_token", s.user).fault())
	assert.Equal(t, [2]int{2500, 0}, send(t, s.Platform, "GET", accountURL+"/accounts", "access_token", s.ig).fault())
	assert.Equal(t, [2]int{100, 0}, send(t, s.Platform, "GET", accountURL+"/media", "after", "x", "access_token", s.ig).fault())
	assert.Equal(t, [2]int{100, 0}, send(t, s.Platform, "GET", accountURL, "fields", "shoe_size", "access_token", s.ig).fault())

	other := issue(t, s.Platform, TokenSpec{Account: SecondAccountID})
	mine := s.contain("image_url", "https://x.example/a.jpg")
	assert.Equal(t, [2]int{100, 33}, send(t, s.Platform, "GET", igGraph+"/"+mine, "access_token", other).fault(), "not theirs to see")
	bare := issue(t, s.Platform, TokenSpec{Account: SecondAccountID, Scopes: []string{"instagram_business_content_publish"}})
	assert.Equal(t, [2]int{10, 0}, send(t, s.Platform, "GET", igGraph+"/me", "access_token", bare).fault())
}

func TestUpload(t *testing.T) {
	t.Parallel()
	refused := newScene(t)
	assert.Equal(t, [2]int{100, 0}, send(t, refused.Platform, "POST", accountURL+"/media",
		"media_type", "REELS", "upload_type", "resumable", "access_token", refused.ig).fault(), "documented for Facebook Login only")
	s := newScene(t, WithQuirks(Quirks{AcceptResumable: true}))
	made := send(t, s.Platform, "POST", accountURL+"/media", "media_type", "REELS", "upload_type", "resumable", "access_token", s.ig)
	to := made.field(t, "uri").(string)
	assert.Equal(t, "https://rupload.facebook.com/ig-api-upload/v26.0/"+made.field(t, "id").(string), to)
	upload := func(to, token, body string) got {
		req, err := http.NewRequestWithContext(t.Context(), "POST", to, strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Authorization", "OAuth "+token)
		req.Header.Set("Offset", "0")
		req.Header.Set("File_size", "5")
		return do(t, s.Platform, req)
	}
	assert.Equal(t, "IN_PROGRESS", s.state(made.field(t, "id").(string)))
	assert.Contains(t, upload(to, s.ig, "").text, `"type":"PartialRequestError"`)
	assert.Contains(t, upload(to+"1", s.ig, "x").text, "ProcessingFailedError")
	assert.Contains(t, upload("https://rupload.facebook.com/", s.ig, "x").text, "ProcessingFailedError")
	assert.Equal(t, [2]int{190, 0}, upload(to, "IGnobody", "x").fault())
	assert.Equal(t, 200, upload(to, s.ig, "bytes").status)
	assert.Equal(t, "FINISHED", s.state(made.field(t, "id").(string)))
	assert.Equal(t, 200, s.putOut(made.field(t, "id").(string)).status)

	l := listen(t, s.Platform)
	_, text, _ := fetch(t, "POST", l.URL+"/graph.instagram.com/v26.0/me/media?upload_type=resumable&media_type=REELS&access_token="+s.ig, nil)
	assert.Contains(t, strings.ReplaceAll(text, `\/`, "/"), l.URL+"/rupload.facebook.com/ig-api-upload/")
}

func TestFacebookPublishing(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	for _, token := range []string{s.user, s.page} {
		made := send(t, s.Platform, "POST", fbGraph+"/"+DefaultAccountID+"/media", "image_url", "https://x.example/a.jpg", "access_token", token)
		id := made.field(t, "id").(string)
		assert.Equal(t, "FINISHED", send(t, s.Platform, "GET", fbGraph+"/"+id, "fields", "status_code", "access_token", token).field(t, "status_code"))
		assert.Equal(t, 200, send(t, s.Platform, "POST", fbGraph+"/"+DefaultAccountID+"/media_publish", "creation_id", id, "access_token", token).status)
	}
	assert.Len(t, s.Published(DefaultAccountID), 2)
	assertText(t, `{"success":true}`, send(t, s.Platform, "POST", fbGraph+"/"+DefaultPageID+"/subscribed_apps", "access_token", s.page).text)
	assertText(t, `{"data":[]}`, send(t, s.Platform, "GET", accountURL+"/subscribed_apps", "access_token", s.ig).text)
}

// Pages are listed in parts, by cursor, whatever their number.
func TestManyPages(t *testing.T) {
	t.Parallel()
	person := Person{Pages: make([]Page, 130)}
	for i := range person.Pages {
		person.Pages[i].Account = &Account{}
	}
	p := New(WithPerson(person))
	token := issue(t, p, TokenSpec{Login: FacebookLogin, Kind: LongLived})
	to, seen := fbGraph+"/me/accounts?fields=id,access_token,instagram_business_account&limit=500&access_token="+token, map[string]bool{}
	for calls := 0; to != ""; calls++ {
		require.Less(t, calls, 3)
		g := send(t, p, "GET", to)
		for _, one := range g.field(t, "data").([]any) {
			seen[one.(map[string]any)["instagram_business_account"].(map[string]any)["id"].(string)] = true
		}
		to, _ = g.field(t, "paging").(map[string]any)["next"].(string)
	}
	assert.Len(t, seen, 130)
	assert.Len(t, p.Tokens(p.people[0].id), 131)
	bare := issue(t, p, TokenSpec{Login: FacebookLogin, Kind: LongLived, Scopes: []string{"instagram_basic"}})
	assertText(t, `{"data":[]}`, send(t, p, "GET", fbGraph+"/me/accounts", "access_token", bare).text)
	nested := send(t, p, "GET", fbGraph+"/me", "fields", "id,first_name,accounts.limit(1){id,instagram_business_account{id}}", "access_token", token)
	assert.Equal(t, 200, nested.status, nested.text)
}

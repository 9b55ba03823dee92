package instagramtest

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestStoriesAndQuota(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.SetPublishingQuota(2)
	assert.Equal(t, 200, s.putOut(s.contain("media_type", "STORIES", "image_url", "https://x.example/a.jpg")).status)
	list := func(edge string) got {
		return send(t, s.Platform, "GET", accountURL+"/"+edge, "fields", "media_product_type,permalink", "access_token", s.ig)
	}
	assertText(t, `{"data":[]}`, list("media").text)
	assert.Contains(t, list("stories").text, `"media_product_type":"STORY","permalink":"https:\/\/www.instagram.com\/stories\/seed_and_bloom\/`)
	assert.Equal(t, [2]int{100, 0}, send(t, s.Platform, "GET", accountURL+"/stories", "fields", "shoe_size", "access_token", s.ig).fault())
	item := s.contain("image_url", "https://x.example/a.jpg", "is_carousel_item", "true")
	assert.Equal(t, [2]int{24, 2207008}, s.putOut(item).fault(), "an item of a carousel is not a post")
	assert.Equal(t, 200, s.putOut(s.contain("media_type", "REELS", "video_url", "https://x.example/a.mp4")).status)
	assert.Contains(t, list("media").text, `"REELS","permalink":"https:\/\/www.instagram.com\/reel\/`)
	assert.Equal(t, [2]int{9, 2207042}, s.putOut(s.contain("image_url", "https://x.example/a.jpg")).fault())
}

func TestAnswerInsteadOfThePlatforms(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	hidden := Failing(4, 2207051)
	hidden.Instead = true
	s.On("POST", "/*/media_publish").Once(hidden)
	k := s.contain("image_url", "https://x.example/a.jpg")
	assert.Equal(t, [2]int{4, 2207051}, s.putOut(k).fault())
	assert.Len(t, s.Published(DefaultAccountID), 1, "it went out all the same")
	assert.Equal(t, "PUBLISHED", s.state(k))
}

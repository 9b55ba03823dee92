package instagram_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

// problems returns what Check says by field.
func problems(t *testing.T, post instagram.Post) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := post.Check()
	if err == nil {
		return found
	}
	require.ErrorIs(t, err, instagram.ErrInvalidRequest)
	joined, ok := err.(interface{ Unwrap() []error })
	require.True(t, ok)
	for _, e := range joined.Unwrap() {
		p, ok := errors.AsType[*instagram.PostError](e)
		require.True(t, ok)
		found[p.Field] = p.Problem
		assert.Contains(t, err.Error(), p.Field+": "+p.Problem)
	}
	return found
}

func TestPostCheck(t *testing.T) {
	t.Parallel()
	image := func(change func(*instagram.PostMedia)) []instagram.PostMedia {
		m := instagram.PostMedia{ImageURL: "https://cdn.example.com/a.jpg"}
		change(&m)
		return []instagram.PostMedia{m}
	}
	video := func(change func(*instagram.PostMedia)) []instagram.PostMedia {
		m := instagram.PostMedia{VideoURL: "https://cdn.example.com/a.mp4"}
		change(&m)
		return []instagram.PostMedia{m}
	}
	many := func(n int) []instagram.PostMedia {
		var list []instagram.PostMedia
		for range n {
			list = append(list, instagram.PostMedia{ImageURL: "https://cdn.example.com/a.jpg"})
		}
		return list
	}
	same := func(*instagram.PostMedia) {}
	tests := map[string]struct {
		post instagram.Post
		want map[string]string // field → part of the problem
	}{
		"a photo":                          {post: instagram.Post{Media: image(same), Caption: strings.Repeat("ä", 2200)}},
		"a caption that is too long":       {post: instagram.Post{Media: image(same), Caption: strings.Repeat("ä", 2201)}, want: map[string]string{"Caption": "2201 characters"}},
		"thirty hashtags":                  {post: instagram.Post{Media: image(same), Caption: strings.Repeat("#a ", 30) + "c# ## #! a#b"}},
		"too many hashtags":                {post: instagram.Post{Media: image(same), Caption: strings.Repeat("#größe", 31)}, want: nil},
		"too many hashtags, apart":         {post: instagram.Post{Media: image(same), Caption: strings.Repeat("#größe ", 31)}, want: map[string]string{"Caption": "31 hashtags"}},
		"twenty mentions and an address":   {post: instagram.Post{Media: image(same), Caption: strings.Repeat("@a ", 20) + "me@example.com"}},
		"too many mentions":                {post: instagram.Post{Media: image(same), Caption: strings.Repeat("(@a)", 21)}, want: map[string]string{"Caption": "21 mentions"}},
		"nothing to show":                  {post: instagram.Post{Caption: "x"}, want: map[string]string{"Media": "has one, this has 0"}},
		"a type that does not exist":       {post: instagram.Post{Type: "igtv", Media: video(same)}, want: map[string]string{"Type": "igtv"}},
		"a carousel of two":                {post: instagram.Post{Media: many(2)}},
		"a carousel of ten":                {post: instagram.Post{Media: many(10)}},
		"a carousel of eleven":             {post: instagram.Post{Media: many(11)}, want: map[string]string{"Media": "2 to 10"}},
		"a carousel of one":                {post: instagram.Post{Type: instagram.CarouselPost, Media: many(1)}, want: map[string]string{"Media": "2 to 10"}},
		"a story of two":                   {post: instagram.Post{Type: instagram.StoryPost, Media: many(2)}, want: map[string]string{"Media": "has one"}},
		"a story with what stories lack":   {post: instagram.Post{Type: instagram.StoryPost, Media: image(func(m *instagram.PostMedia) { m.AltText = "x" }), Caption: "x", LocationID: "1", Collaborators: []string{"a"}}, want: map[string]string{"Caption": "none", "LocationID": "none", "Collaborators": "none", "Media[0].AltText": "photos and carousels"}},
		"a photo that is a video":          {post: instagram.Post{Type: instagram.PhotoPost, Media: video(same)}, want: map[string]string{"Media[0]": "reel"}},
		"a reel that is an image":          {post: instagram.Post{Type: instagram.ReelPost, Media: image(same)}, want: map[string]string{"Media[0]": "no image"}},
		"a reel with alt text":             {post: instagram.Post{Media: video(func(m *instagram.PostMedia) { m.AltText = "x" })}, want: map[string]string{"Media[0].AltText": "images"}},
		"a reel's things on a photo":       {post: instagram.Post{Media: image(same), CoverURL: "https://x.example/c.jpg", ReelsOnly: true}, want: map[string]string{"Type": "for reels"}},
		"a thumbnail before the beginning": {post: instagram.Post{Media: video(same), ThumbOffset: -1}, want: map[string]string{"ThumbOffset": "before"}},
		"a thumbnail behind the end":       {post: instagram.Post{Media: video(func(m *instagram.PostMedia) { m.Length = 5 * time.Second }), ThumbOffset: 5 * time.Second}, want: map[string]string{"ThumbOffset": "behind"}},
		"too many collaborators":           {post: instagram.Post{Media: image(same), Collaborators: []string{"a", "b", "c", "d"}}, want: map[string]string{"Collaborators": "4 are more"}},
		"parameters that are ours":         {post: instagram.Post{Media: image(same), Params: map[string]string{"access_token": "x"}}, want: map[string]string{"Params": "access_token"}},
		"two media in one":                 {post: instagram.Post{Media: image(func(m *instagram.PostMedia) { m.VideoURL = "https://x.example/a.mp4" })}, want: map[string]string{"Media[0]": "has 2"}},
		"no medium in one":                 {post: instagram.Post{Media: make([]instagram.PostMedia, 2)}, want: map[string]string{"Media[0]": "has 0", "Media[1]": "has 0"}},
		"an alt text that is too long":     {post: instagram.Post{Media: image(func(m *instagram.PostMedia) { m.AltText = strings.Repeat("x", 1001) })}, want: map[string]string{"Media[0].AltText": "1001"}},
		"tags":                             {post: instagram.Post{Media: image(func(m *instagram.PostMedia) { m.Tags = []instagram.UserTag{{Username: "@a"}, {Username: "b", X: 1.1}} })}, want: map[string]string{"Media[0].Tags[0]": "without @", "Media[0].Tags[1]": "outside"}},
		"too many tags": {post: instagram.Post{Media: image(func(m *instagram.PostMedia) {
			m.Tags = make([]instagram.UserTag, 21)
			for i := range m.Tags {
				m.Tags[i].Username = "a"
			}
		})}, want: map[string]string{"Media[0].Tags": "21 are more"}},
		"an image of 4:5":            {post: instagram.Post{Media: image(func(m *instagram.PostMedia) { m.Width, m.Height, m.Size = 1080, 1350, 8<<20 })}},
		"an image of 1.91:1":         {post: instagram.Post{Media: image(func(m *instagram.PostMedia) { m.Width, m.Height = 1080, 566 })}},
		"an image that is too tall":  {post: instagram.Post{Media: image(func(m *instagram.PostMedia) { m.Width, m.Height = 1080, 1920 })}, want: map[string]string{"Media[0]": "4:5"}},
		"a tall image as a story":    {post: instagram.Post{Type: instagram.StoryPost, Media: image(func(m *instagram.PostMedia) { m.Width, m.Height = 1080, 1920 })}},
		"an image that is too large": {post: instagram.Post{Media: image(func(m *instagram.PostMedia) { m.Size = 8<<20 + 1 })}, want: map[string]string{"Media[0].Size": "8 MiB"}},
		"a reel at its limits":       {post: instagram.Post{Media: video(func(m *instagram.PostMedia) { m.Width, m.Height, m.Size, m.Length = 1920, 192, 300<<20, 15*time.Minute })}},
		"a reel beyond them": {post: instagram.Post{Media: video(func(m *instagram.PostMedia) {
			m.Width, m.Height, m.Size, m.Length = 1921, 192, 300<<20+1, 15*time.Minute+1
		})}, want: map[string]string{"Media[0]": "10:1", "Media[0].Width": "1921", "Media[0].Size": "300 MiB", "Media[0].Length": "15m0s"}},
		"a story that is too long":       {post: instagram.Post{Type: instagram.StoryPost, Media: video(func(m *instagram.PostMedia) { m.Length, m.Size = 61*time.Second, 100<<20+1 })}, want: map[string]string{"Media[0].Length": "1m0s", "Media[0].Size": "100 MiB"}},
		"an upload without a file":       {post: instagram.Post{Media: []instagram.PostMedia{{Upload: &instagram.Upload{}}}}, want: map[string]string{"Media[0].Upload": "Path or Content"}},
		"an upload of unknown size":      {post: instagram.Post{Media: []instagram.PostMedia{{Upload: &instagram.Upload{Content: bytes.NewReader(nil)}}}}, want: map[string]string{"Media[0].Upload.Size": "size"}},
		"an upload of a wrong type":      {post: instagram.Post{Media: []instagram.PostMedia{{Upload: &instagram.Upload{Path: "a.AVI"}}}}, want: map[string]string{"Media[0].Upload.Path": ".avi"}},
		"a cover that cannot be fetched": {post: instagram.Post{Media: video(same), CoverURL: "http://x.example/c.png"}, want: map[string]string{"CoverURL": "JPEG"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := problems(t, tt.post)
			assert.Len(t, found, len(tt.want), found)
			for field, part := range tt.want {
				assert.Contains(t, found[field], part, field)
			}
		})
	}
}

func TestPostURLs(t *testing.T) {
	t.Parallel()
	good := []string{
		"https://cdn.example.com/a.jpg", "https://cdn.example.com/a", "https://cdn.example.com:8443/a.jpeg?X-Amz-Signature=1&b=%C3%A4",
		"https://8.8.8.8/a.jpg", "https://[2606:4700::1111]/a.jpg", "https://xn--bcher-kva.example/a.jpg", "https://EXAMPLE.com./a.JPG",
	}
	bad := []string{
		"", "a.jpg", "//cdn.example.com/a.jpg", "http://cdn.example.com/a.jpg", "ftp://cdn.example.com/a.jpg", "file:///etc/passwd",
		"https://user:pw@cdn.example.com/a.jpg", "https://localhost/a.jpg", "https://db.localhost/a.jpg", "https://127.0.0.1/a.jpg",
		"https://127.1/a.jpg", "https://0x7f.1/a.jpg", "https://2130706433/a.jpg", "https://[::1]/a.jpg", "https://[::ffff:10.0.0.1]/a.jpg",
		"https://10.1.2.3/a.jpg", "https://192.168.0.1/a.jpg", "https://172.16.0.1/a.jpg", "https://169.254.169.254/latest/meta-data",
		"https://100.64.0.1/a.jpg", "https://0.0.0.0/a.jpg", "https://[fe80::1%25eth0]/a.jpg", "https://[fd00::1]/a.jpg", "https://224.0.0.1/a.jpg",
		"https://intranet/a.jpg", "https://nas.local/a.jpg", "https://metadata.google.internal/a.jpg", "https://router.home.arpa/a.jpg",
		"https://cdn.example.com/a b.jpg", "https://cdn.example.com/ä.jpg", "https://cdn.example.com/a.png", "https://cdn.example.com/a.webp?x=.jpg",
		"https://cdn.example.com/a.mp4", "https:///a.jpg", "https://cdn.example.com\n/a.jpg", "https://255.255.255.255/a.jpg", "https://[2001:db8::1]/a.jpg",
	}
	for _, u := range good {
		post := instagram.Post{Type: instagram.PhotoPost, Media: []instagram.PostMedia{{ImageURL: u}}}
		require.NoError(t, post.Check(), u)
	}
	for _, u := range bad {
		post := instagram.Post{Type: instagram.PhotoPost, Media: []instagram.PostMedia{{ImageURL: u}}}
		require.ErrorIs(t, post.Check(), instagram.ErrInvalidRequest, u)
	}
	for u, ok := range map[string]bool{
		"https://cdn.example.com/a.mov": true, "https://cdn.example.com/a": true, "https://cdn.example.com/a.MP4?x": true,
		"https://cdn.example.com/a.webm": false, "https://cdn.example.com/a.jpg": false,
	} {
		post := reel("x")
		post.Media[0].VideoURL = u
		assert.Equal(t, ok, post.Check() == nil, u)
	}
}

// A post that Meta would refuse costs no call.
func TestPublishChecksBeforeItCalls(t *testing.T) {
	t.Parallel()
	meta := instagramtest.New()
	account := accountOf(t, newClient(t, instagramConfig(), meta), meta, instagram.InstagramLogin)
	post := photo(strings.Repeat("x", 3000))
	post.Media[0].ImageURL = "http://localhost/a.png"
	_, err := account.Publish(t.Context(), post)
	require.ErrorIs(t, err, instagram.ErrInvalidRequest)
	_, ticket := errors.AsType[*instagram.PublishError](err)
	assert.False(t, ticket, "there is nothing to resume")
	assert.Contains(t, err.Error(), "Caption")
	assert.Contains(t, err.Error(), "Media[0].ImageURL")
	assert.Empty(t, meta.Requests("", ""))
}

func FuzzPostCheck(f *testing.F) {
	for _, u := range []string{"https://cdn.example.com/a.jpg", "https://127.1/", "https://[::1%25x]/", "//x", "https://%zz/"} {
		f.Add("hello #a @b", u, 3)
	}
	f.Fuzz(func(t *testing.T, caption, u string, n int) {
		media := make([]instagram.PostMedia, min(max(n, 0), 12))
		for i := range media {
			media[i] = instagram.PostMedia{ImageURL: u, AltText: caption}
		}
		post := instagram.Post{Caption: caption, Media: media}
		err := post.Check()
		if err == nil && (!strings.HasPrefix(strings.ToLower(u), "https://") || strings.Contains(strings.ToLower(u), "localhost/")) {
			t.Fatalf("%q may be fetched", u)
		}
	})
}

package instagram

// This file answers: what is there to publish?

import (
	"encoding/json"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Post is something to publish: a photo, a carousel, a reel or a story. It can
// be written as JSON, apart from [Upload.Content].
type Post struct {
	// Type says what it becomes. "": a photo for one image, a reel for one video,
	// a carousel for several media.
	Type PostType `json:"type,omitempty"`
	// Media are what is shown: one, or 2 to 10 for a carousel.
	Media []PostMedia `json:"media"`
	// Caption is at most 2200 characters with 30 hashtags and 20 mentions.
	// Stories have none.
	Caption string `json:"caption,omitempty"`

	// LocationID is the ID of a Facebook Page that has a location. "": none. Not for stories.
	LocationID string `json:"location_id,omitempty"`
	// Collaborators are up to 3 user names, without @. Not for stories.
	Collaborators []string `json:"collaborators,omitempty"`
	// AIGenerated discloses that AI made the content. Since 2026-06-22.
	AIGenerated bool `json:"ai_generated,omitempty"`

	// Of a reel: CoverURL is an image for its cover, or else ThumbOffset is the
	// moment of the video to show. Both zero: the first frame.
	CoverURL    string        `json:"cover_url,omitempty"`
	ThumbOffset time.Duration `json:"thumb_offset,omitempty"`
	// AudioName names a reel's original sound. "": Instagram names it.
	AudioName string `json:"audio_name,omitempty"`
	// ReelsOnly keeps a reel off the account's feed; it then shows in the Reels tab alone.
	ReelsOnly bool `json:"reels_only,omitempty"`

	// Params are further parameters of the container that this type has no field
	// for, such as trial_params; values that are no text are JSON.
	Params map[string]string `json:"params,omitempty"`
}

// PostType says what a [Post] becomes.
type PostType string

// The types of post.
const (
	PhotoPost    PostType = "photo"
	CarouselPost PostType = "carousel"
	ReelPost     PostType = "reel"
	StoryPost    PostType = "story"
)

// PostMedia is one image or video of a post: one of ImageURL, VideoURL and Upload.
type PostMedia struct {
	// ImageURL is a public https URL of a JPEG. Meta fetches it.
	ImageURL string `json:"image_url,omitempty"`
	// VideoURL is a public https URL of an MP4 or MOV. Meta fetches it.
	VideoURL string `json:"video_url,omitempty"`
	// Upload is a video of this machine, sent to Meta.
	Upload *Upload `json:"upload,omitempty"`

	// AltText describes an image to those who cannot see it, in up to 1000
	// characters. For photos and carousels; Meta takes none for reels and stories.
	AltText string `json:"alt_text,omitempty"`
	// Tags are people to tag in it.
	Tags []UserTag `json:"tags,omitempty"`

	// Width, Height, Size in bytes and Length of a video are checked against
	// Meta's limits before anything is sent. Zero: not known, and not checked.
	Width  int           `json:"width,omitempty"`
	Height int           `json:"height,omitempty"`
	Size   int64         `json:"size,omitempty"`
	Length time.Duration `json:"length,omitempty"`
}

// UserTag tags a person in a medium, at a point that is measured from the left
// and the top edge, from 0 to 1. Videos have no points.
type UserTag struct {
	Username string  `json:"username"`
	X        float64 `json:"x,omitempty"`
	Y        float64 `json:"y,omitempty"`
}

// Upload is a video file to send: Path names it, or Content has it.
type Upload struct {
	// Path is that of a file. A publication that is resumed in another process
	// opens it again.
	Path string `json:"path,omitempty"`
	// Content is read instead of Path, by one goroutine at a time. It is not
	// written down: give it again when a publication is resumed elsewhere.
	Content io.ReaderAt `json:"-"`
	// Size is that of Content in bytes. For Path it may be 0.
	Size int64 `json:"size,omitempty"`
}

// kind returns the type that the post has or stands for.
func (p *Post) kind() PostType {
	switch {
	case p.Type != "":
		return p.Type
	case len(p.Media) > 1:
		return CarouselPost
	case len(p.Media) == 1 && p.Media[0].isVideo():
		return ReelPost
	}
	return PhotoPost
}

func (m *PostMedia) isVideo() bool { return m.VideoURL != "" || m.Upload != nil }

// params returns the parameters of the post's own container, with the items'
// containers where it is a carousel.
func (p *Post) params(items []string) url.Values {
	v := url.Values{}
	for name, value := range p.Params {
		v.Set(name, value)
	}
	set(v, "caption", p.Caption)
	set(v, "location_id", p.LocationID)
	if len(p.Collaborators) > 0 {
		set(v, "collaborators", asJSON(p.Collaborators))
	}
	if p.AIGenerated {
		v.Set("is_ai_generated", "true")
	}
	switch p.kind() {
	case CarouselPost:
		v.Set("media_type", "CAROUSEL")
		v.Set("children", strings.Join(items, ","))
		return v
	case ReelPost:
		v.Set("media_type", "REELS")
		v.Set("share_to_feed", strconv.FormatBool(!p.ReelsOnly))
		set(v, "cover_url", p.CoverURL)
		set(v, "audio_name", p.AudioName)
		if p.ThumbOffset > 0 {
			v.Set("thumb_offset", strconv.FormatInt(p.ThumbOffset.Milliseconds(), 10))
		}
	case StoryPost:
		v.Set("media_type", "STORIES")
	case PhotoPost:
	}
	p.Media[0].addParams(v)
	return v
}

// itemParams returns the parameters of a carousel item's container.
func (m *PostMedia) itemParams() url.Values {
	v := url.Values{"is_carousel_item": {"true"}}
	if m.isVideo() {
		v.Set("media_type", "VIDEO") // retired for posts, and still what an item is
	}
	m.addParams(v)
	return v
}

func (m *PostMedia) addParams(v url.Values) {
	set(v, "image_url", m.ImageURL)
	set(v, "video_url", m.VideoURL)
	if m.Upload != nil {
		v.Set("upload_type", "resumable")
	}
	set(v, "alt_text", m.AltText)
	if len(m.Tags) > 0 {
		set(v, "user_tags", asJSON(m.wireTags()))
	}
}

// wireTags gives points to images, which need them, and none to videos.
func (m *PostMedia) wireTags() []map[string]any {
	tags := make([]map[string]any, len(m.Tags))
	for i, t := range m.Tags {
		tags[i] = map[string]any{"username": t.Username}
		if !m.isVideo() || t.X != 0 || t.Y != 0 {
			tags[i]["x"], tags[i]["y"] = t.X, t.Y
		}
	}
	return tags
}

func set(v url.Values, name, value string) {
	if value != "" {
		v.Set(name, value)
	}
}

func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(text)
}

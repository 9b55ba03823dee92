package instagram

// This file answers: what would Meta refuse of a post, before it is asked?

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of what can be published. Sources: "IG User media" reference and
// "Content publishing" guide, read 2026-09.
const (
	maxCaption       = 2200
	maxHashtags      = 30
	maxMentions      = 20
	maxAltText       = 1000
	maxCollaborators = 3
	maxTags          = 20
	minCarousel      = 2
	maxCarousel      = 10
	maxImageSize     = 8 << 20
	maxReelSize      = 300 << 20
	maxStorySize     = 100 << 20
	maxVideoWidth    = 1920
	minVideoLength   = 3 * time.Second
	maxReelLength    = 15 * time.Minute
	maxStoryLength   = time.Minute
)

// PostError is one thing about a [Post] that Meta would refuse. It matches
// [ErrInvalidRequest].
type PostError struct {
	// Field names what is wrong, such as "Caption" or "Media[2].ImageURL".
	Field   string
	Problem string
}

// Error names field and problem.
func (e *PostError) Error() string { return e.Field + ": " + e.Problem }

// Is reports whether target is [ErrInvalidRequest].
func (e *PostError) Is(target error) bool { return target == ErrInvalidRequest }

// Check returns what Meta would refuse of the post, as far as that can be known
// without asking: each as a [*PostError], all joined with [errors.Join]; nil
// when nothing is wrong. [Account.Publish] calls it before anything is sent.
func (p *Post) Check() error {
	c := &postCheck{post: p, kind: p.kind()}
	c.caption()
	c.options()
	c.count()
	for i := range p.Media {
		c.media(fmt.Sprintf("Media[%d]", i), &p.Media[i])
	}
	return errors.Join(c.errs...)
}

type postCheck struct {
	post *Post
	kind PostType
	errs []error
}

func (c *postCheck) complain(field, format string, args ...any) {
	c.errs = append(c.errs, &PostError{Field: field, Problem: fmt.Sprintf(format, args...)})
}

func (c *postCheck) caption() {
	text := c.post.Caption
	if text != "" && c.kind == StoryPost {
		c.complain("Caption", "stories have none")
	}
	if n := utf8.RuneCountInString(text); n > maxCaption {
		c.complain("Caption", "%d characters are more than the %d that Meta takes", n, maxCaption)
	}
	if n := countMarks(text, '#'); n > maxHashtags {
		c.complain("Caption", "%d hashtags are more than the %d that Meta takes", n, maxHashtags)
	}
	if n := countMarks(text, '@'); n > maxMentions {
		c.complain("Caption", "%d mentions are more than the %d that Meta takes", n, maxMentions)
	}
}

// countMarks counts the words that begin with a mark: of a@b and of ## there are none.
func countMarks(text string, mark rune) int {
	n := 0
	before, pending := ' ', false
	for _, r := range text {
		if pending && isTagRune(r) {
			n++
		}
		pending = r == mark && !isTagRune(before)
		before = r
	}
	return n
}

func isTagRune(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

func (c *postCheck) options() {
	p := c.post
	if n := len(p.Collaborators); n > maxCollaborators {
		c.complain("Collaborators", "%d are more than the %d that Meta takes", n, maxCollaborators)
	}
	if c.kind == StoryPost && len(p.Collaborators) > 0 {
		c.complain("Collaborators", "stories have none")
	}
	if c.kind == StoryPost && p.LocationID != "" {
		c.complain("LocationID", "stories have none")
	}
	if c.kind != ReelPost && (p.CoverURL != "" || p.ThumbOffset != 0 || p.AudioName != "" || p.ReelsOnly) {
		c.complain("Type", "CoverURL, ThumbOffset, AudioName and ReelsOnly are for reels, and this is a %s", c.kind)
	}
	if p.ThumbOffset < 0 {
		c.complain("ThumbOffset", "is before the beginning of the video")
	}
	if len(p.Media) == 1 && p.Media[0].Length > 0 && p.ThumbOffset >= p.Media[0].Length {
		c.complain("ThumbOffset", "%v lies behind the end of the video", p.ThumbOffset)
	}
	if p.CoverURL != "" {
		c.url("CoverURL", p.CoverURL, false)
	}
	for name := range p.Params {
		switch name {
		case "access_token", "appsecret_proof", "appsecret_time", "creation_id", "children", "media_type", "upload_type", "image_url", "video_url":
			c.complain("Params", "%s is set by Publish", name)
		}
	}
}

func (c *postCheck) count() {
	n := len(c.post.Media)
	switch c.kind {
	case CarouselPost:
		if n < minCarousel || n > maxCarousel {
			c.complain("Media", "a carousel has %d to %d items, this has %d", minCarousel, maxCarousel, n)
		}
	case PhotoPost, ReelPost, StoryPost:
		if n != 1 {
			c.complain("Media", "a %s has one, this has %d", c.kind, n)
		}
	default:
		c.complain("Type", "there is no type of post %q", c.kind)
	}
}

func (c *postCheck) media(field string, m *PostMedia) {
	given := 0
	for _, there := range []bool{m.ImageURL != "", m.VideoURL != "", m.Upload != nil} {
		if there {
			given++
		}
	}
	if given != 1 {
		c.complain(field, "needs one of ImageURL, VideoURL and Upload, and has %d of them", given)
		return
	}
	switch {
	case c.kind == PhotoPost && m.isVideo():
		c.complain(field, "a photo has no video: publish it as a reel")
	case c.kind == ReelPost && !m.isVideo():
		c.complain(field, "a reel has a video, and no image")
	}
	if m.AltText != "" && (m.isVideo() || c.kind == StoryPost) {
		c.complain(field+".AltText", "Meta takes it for images of photos and carousels only")
	}
	if n := utf8.RuneCountInString(m.AltText); n > maxAltText {
		c.complain(field+".AltText", "%d characters are more than the %d that Meta takes", n, maxAltText)
	}
	c.tags(field+".Tags", m)
	if m.ImageURL != "" {
		c.url(field+".ImageURL", m.ImageURL, false)
		c.image(field, m)
		return
	}
	if m.VideoURL != "" {
		c.url(field+".VideoURL", m.VideoURL, true)
	} else {
		c.upload(field+".Upload", m.Upload)
	}
	c.video(field, m)
}

func (c *postCheck) tags(field string, m *PostMedia) {
	if n := len(m.Tags); n > maxTags {
		c.complain(field, "%d are more than the %d that Meta takes", n, maxTags)
	}
	for i, t := range m.Tags {
		if t.Username == "" || strings.HasPrefix(t.Username, "@") {
			c.complain(fmt.Sprintf("%s[%d]", field, i), "needs a user name without @")
		}
		if t.X < 0 || t.X > 1 || t.Y < 0 || t.Y > 1 {
			c.complain(fmt.Sprintf("%s[%d]", field, i), "its point lies outside of 0 to 1")
		}
	}
}

func (c *postCheck) image(field string, m *PostMedia) {
	if m.Size > maxImageSize {
		c.complain(field+".Size", "%d bytes are more than the 8 MiB that Meta takes of an image", m.Size)
	}
	if m.Width <= 0 || m.Height <= 0 || c.kind == StoryPost { // for stories 9:16 is advice
		return
	}
	if ratio := float64(m.Width) / float64(m.Height); ratio < 4.0/5-0.005 || ratio > 1.91+0.005 {
		c.complain(field, "%d×%d is outside of the aspect ratios from 4:5 to 1.91:1", m.Width, m.Height)
	}
}

func (c *postCheck) video(field string, m *PostMedia) {
	size, longest, flattest := int64(maxReelSize), maxReelLength, 0.01
	if c.kind == StoryPost {
		size, longest, flattest = maxStorySize, maxStoryLength, 0.1
	}
	have := m.Size
	if m.Upload != nil {
		have = cmp.Or(have, m.Upload.Size)
	}
	if have > size {
		c.complain(field+".Size", "%d bytes are more than the %d MiB that Meta takes of a %s", have, size>>20, c.kind)
	}
	if m.Length != 0 && (m.Length < minVideoLength || m.Length > longest) {
		c.complain(field+".Length", "%v is outside of %v to %v", m.Length, minVideoLength, longest)
	}
	if m.Width > maxVideoWidth {
		c.complain(field+".Width", "%d is more than the %d columns that Meta takes", m.Width, maxVideoWidth)
	}
	if m.Width > 0 && m.Height > 0 {
		if ratio := float64(m.Width) / float64(m.Height); ratio < flattest || ratio > 10 {
			c.complain(field, "%d×%d is outside of the aspect ratios from %v:1 to 10:1", m.Width, m.Height, flattest)
		}
	}
}

func (c *postCheck) upload(field string, u *Upload) {
	switch {
	case u.Path == "" && u.Content == nil:
		c.complain(field, "needs Path or Content; one that was read from JSON has lost its Content: give it again")
	case u.Content != nil && u.Size <= 0:
		c.complain(field+".Size", "Content needs its size")
	case u.Content == nil:
		c.extension(field+".Path", u.Path, true)
	}
}

// url checks that Meta can fetch a URL, and that it is of the right type as far
// as its name says. A name of a private network would be fetched there by
// nobody, and shows up in Meta's logs.
func (c *postCheck) url(field, raw string, video bool) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || !u.IsAbs() || u.Host == "":
		c.complain(field, "must be a whole URL such as https://example.com/photo.jpg")
		return
	case u.Scheme != "https":
		c.complain(field, "must be https")
	case u.User != nil:
		c.complain(field, "must have no user name or password: Meta does not send them")
	case strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r > '~' }):
		c.complain(field, "must be plain ASCII, with everything else percent-encoded")
	}
	if problem := privateHost(u.Hostname()); problem != "" {
		c.complain(field, "%s: Meta's servers fetch it, and must be able to reach it", problem)
	}
	c.extension(field, u.Path, video)
}

// extension refuses names of types that Meta is known not to take.
func (c *postCheck) extension(field, name string, video bool) {
	ext := strings.ToLower(path.Ext(name))
	switch ext {
	case ".jpg", ".jpeg", ".jpe", ".jfif":
		if video {
			c.complain(field, "is an image, and this is for a video")
		}
	case ".mp4", ".mov", ".m4v", ".qt":
		if !video {
			c.complain(field, "is a video, and this is for an image")
		}
	case ".png", ".gif", ".webp", ".heic", ".heif", ".avif", ".bmp", ".tif", ".tiff", ".svg", ".ico", ".psd", ".pdf":
		c.complain(field, "%s is no type that Meta takes: images are JPEG", ext)
	case ".avi", ".mkv", ".webm", ".wmv", ".flv", ".mpg", ".mpeg", ".3gp", ".ogv", ".ts":
		c.complain(field, "%s is no type that Meta takes: videos are MP4 or MOV", ext)
	}
}

// privateHost says why a host cannot be reached from outside, "" when it can.
func privateHost(host string) string {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if ip, err := netip.ParseAddr(host); err == nil {
		ip = ip.Unmap().WithZone("")
		if !ip.IsGlobalUnicast() || ip.IsPrivate() || isReserved(ip) {
			return host + " is no public address"
		}
		return ""
	}
	name, last := host, host
	if i := strings.LastIndexByte(host, '.'); i >= 0 {
		name, last = host[:i], host[i+1:]
	}
	switch {
	case host == "":
		return "it has no host"
	case name == host, last == "local", last == "localhost", last == "internal", last == "lan", last == "home", last == "corp",
		last == "test", last == "invalid", last == "onion", strings.HasSuffix(host, ".home.arpa"):
		return host + " is a name of a private network"
	case strings.Trim(last, "0123456789") == "", strings.HasPrefix(last, "0x"): // 127.1 and 0x7f.1 are addresses too
		return host + " is no name"
	}
	return ""
}

// isReserved reports whether an address belongs to nobody on the internet:
// shared and benchmark networks, documentation, the future, translations.
func isReserved(ip netip.Addr) bool {
	for _, block := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
		"240.0.0.0/4", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001:db8::/32", "2002::/16",
	} {
		if netip.MustParsePrefix(block).Contains(ip) {
			return true
		}
	}
	return false
}

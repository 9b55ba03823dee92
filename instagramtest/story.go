// What is a post besides a photo? Reels, stories, and how many there may be.

package instagramtest

import (
	"cmp"
	"net/http"
	"time"
)

// storyLife is how long a story is shown. Source: "IG User Stories" reference.
const storyLife = 24 * time.Hour

// SetPublishingQuota sets how many posts each account may publish in 24 hours.
// 0: 100, as the "Content Publishing" guide has it; the reference pages print 50.
func (p *Platform) SetPublishingQuota(posts int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.quota = posts
}

func (p *Platform) publishingQuota() int { return cmp.Or(p.quota, quotaTotal) }

// product is the media_product_type of what a container becomes.
func (k *container) product() string {
	switch k.kind {
	case "STORIES":
		return "STORY"
	case "REELS":
		return "REELS"
	default:
		return "FEED"
	}
}

func (m *media) permalink() string {
	switch m.Product {
	case "STORY":
		return "https://www.instagram.com/stories/" + m.account.Username + "/" + m.ID
	case "REELS":
		return "https://www.instagram.com/reel/" + m.ID + "/"
	default:
		return "https://www.instagram.com/p/" + m.ID + "/"
	}
}

// storiesList answers /{account}/stories, newest first: what has not gone yet.
func (p *Platform) storiesList(c *call, a *account) (*reply, *GraphError) {
	fields := parseFields(c.param("fields"))
	if len(fields) == 0 {
		fields = names("id")
	}
	list := []object{}
	for i := a.published() - 1; i >= 0; i-- {
		m := a.content.media[i]
		if m.Product != "STORY" || c.now.Sub(m.PublishedAt) >= storyLife {
			continue
		}
		one, err := pick(fields, "IGMedia", func(f field) (any, bool) { return m.field(f.name) })
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return &reply{status: http.StatusOK, body: graphStyle().text(object{{"data", list}})}, nil
}

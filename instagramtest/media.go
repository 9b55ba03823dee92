// What has gone out? Published media, their list, and the quota they use up.

package instagramtest

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Media is a published post.
type Media struct {
	ID          string
	ContainerID string
	Caption     string
	URL         string // image_url or video_url; empty for an upload
	Type        string // IMAGE, VIDEO, CAROUSEL_ALBUM
	Product     string // FEED, REELS, STORY
	PublishedAt time.Time
}

// Published lists what an account has published through the platform, oldest
// first: the truth, whatever the answers said.
func (p *Platform) Published(account string) []Media {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.account(account)
	if a == nil || a.content == nil {
		return nil
	}
	out := make([]Media, len(a.content.media))
	for i, m := range a.content.media {
		out[i] = m.Media
	}
	return out
}

type media struct {
	Media

	account *account
}

func (m *media) owner() *account { return m.account }

// contentNode answers /{container} and /{media}.
func (p *Platform) contentNode(c *call, a *account, path []string) (*reply, *GraphError) {
	n, ok := p.nodes[path[0]]
	if !ok || n.owner() != a {
		return nil, missingObject(c, path[0])
	}
	if len(path) > 1 {
		return nil, unknownPath(c, "/"+strings.Join(path[1:], "/"))
	}
	if c.method != http.MethodGet {
		return nil, unsupportedHere(c, a)
	}
	fields := parseFields(c.param("fields"))
	if len(fields) == 0 {
		fields = names("id")
	}
	kind, value := "IGMedia", func(field) (any, bool) { return nil, false }
	switch n := n.(type) {
	case *container:
		kind, value = "IGContainer", func(f field) (any, bool) { return n.field(f.name, c.now) }
	case *media:
		value = func(f field) (any, bool) { return n.field(f.name) }
	}
	out, err := pick(fields, kind, value)
	if err != nil {
		return nil, err
	}
	return answer(out), nil
}

func (m *media) field(name string) (any, bool) {
	switch name {
	case "id":
		return m.ID, true
	case "caption":
		return orAbsent(m.Caption), true
	case "media_type":
		return m.Type, true
	case "media_url":
		return orAbsent(m.URL), true
	case "media_product_type":
		return m.Product, true
	case "permalink":
		return m.permalink(), true
	case "timestamp":
		return m.PublishedAt.UTC().Format("2006-01-02T15:04:05-0700"), true
	case "username":
		return m.account.Username, true
	default:
		return nil, false
	}
}

// mediaList lists an account's posts, newest first.
func (p *Platform) mediaList(c *call, a *account) (*reply, *GraphError) {
	fields := parseFields(c.param("fields"))
	if len(fields) == 0 {
		fields = names("id")
	}
	list := []object{}
	from := a.published() - 1
	if after := c.param("after"); after != "" {
		id, err := base64.RawURLEncoding.DecodeString(after)
		m, ok := p.nodes[string(id)].(*media)
		if err != nil || !ok {
			return nil, graphError(100, "OAuthException", "(#100) Invalid cursor")
		}
		for from >= 0 && a.content.media[from] != m {
			from--
		}
		from--
	}
	for ; from >= 0 && len(list) < c.limit(); from-- {
		m := a.content.media[from]
		if m.Product == "STORY" {
			continue // they have an edge of their own
		}
		one, err := pick(fields, "IGMedia", func(f field) (any, bool) { return m.field(f.name) })
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	out := object{{"data", list}}
	if len(list) > 0 {
		paging := object{{"cursors", object{{"before", cursor(list[0])}, {"after", cursor(list[len(list)-1])}}}}
		if from >= 0 {
			q := url.Values{"access_token": {c.token.value}, "limit": {strconv.Itoa(c.limit())}, "after": {cursor(list[len(list)-1])}}
			if c.has("fields") {
				q.Set("fields", c.param("fields"))
			}
			paging = paging.with("next", c.base+"/"+servedVersion(c.version)+"/"+a.ID+"/media?"+q.Encode())
		}
		out = out.with("paging", paging)
	}
	return answer(out), nil
}

// quotaUsed counts what was published after a time.
func (p *Platform) quotaUsed(a *account, since time.Time) int {
	if a.content == nil {
		return 0
	}
	n := 0
	for i := len(a.content.media) - 1; i >= 0 && a.content.media[i].PublishedAt.After(since); i-- {
		n++
	}
	return n
}

func (p *Platform) publishingLimit(c *call, a *account) (*reply, *GraphError) {
	since := c.now.Add(-quotaWindow)
	if n, err := strconv.ParseInt(c.param("since"), 10, 64); err == nil {
		if at := time.Unix(n, 0); at.After(since) {
			since = at
		}
	}
	fields := parseFields(c.param("fields"))
	if len(fields) == 0 {
		fields = names("quota_usage")
	}
	out, err := pick(fields, "IGContentPublishingLimit", func(f field) (any, bool) {
		switch f.name {
		case "quota_usage":
			return p.quotaUsed(a, since), true
		case "config":
			return object{{"quota_total", p.publishingQuota()}, {"quota_duration", int64(quotaWindow / time.Second)}}, true
		default:
			return nil, false
		}
	})
	if err != nil {
		return nil, err
	}
	return answer(object{{"data", []object{out}}}), nil
}

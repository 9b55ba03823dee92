// How does a post come about? Containers and publishing.

package instagramtest

import (
	"cmp"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Publishing limits. Sources: "Content Publishing" guide (100 posts and 400
// containers in a rolling 24 hours; the reference pages print 50), "IG Container"
// reference (24 hours of life).
const (
	quotaTotal     = 100
	quotaWindow    = 24 * time.Hour
	containerQuota = 400
	containerLife  = 24 * time.Hour
	maxCaption     = 2200
)

// Processing is what becomes of a media container. Its zero value finishes at once.
type Processing struct {
	Take  time.Duration // how long it is IN_PROGRESS
	Error int           // then it is ERROR with this subcode, such as 2207026; 0: FINISHED
}

// PlanContainers says what becomes of the next containers, one each, in order;
// further ones finish at once.
func (p *Platform) PlanContainers(next ...Processing) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.planned = append(p.planned, next...)
}

// content is what an account has made; nil for most accounts.
type content struct {
	media      []*media
	containers []*container // of the last day
}

// node is something with an ID of its own in the graph.
type node interface {
	owner() *account
}

type container struct {
	id        string
	account   *account
	kind      string // media_type as sent
	caption   string
	url       string
	children  []string
	video     bool
	item      bool // of a carousel: not to be published by itself
	plan      Processing
	created   time.Time
	uploaded  bool
	resumable bool
	upload    upload
	media     *media // once published
}

func (k *container) owner() *account { return k.account }

// status is the container's status_code at a time.
func (k *container) status(now time.Time) string {
	age := now.Sub(k.created)
	switch {
	case k.media != nil:
		return "PUBLISHED"
	case age >= containerLife:
		return "EXPIRED"
	case k.upload.failed:
		return "ERROR"
	case age < k.plan.Take || (k.resumable && !k.uploaded):
		return "IN_PROGRESS"
	case k.plan.Error != 0:
		return "ERROR"
	default:
		return "FINISHED"
	}
}

func (a *account) published() int {
	if a.content == nil {
		return 0
	}
	return len(a.content.media)
}

// accountEdge answers /{account}/{edge} of both hosts.
func (p *Platform) accountEdge(c *call, a *account, edge string) (*reply, *GraphError) {
	switch {
	case edge == "media" && c.method == http.MethodGet:
		return p.mediaList(c, a)
	case edge == "media" && c.method == http.MethodPost:
		return p.createContainer(c, a)
	case edge == "media_publish" && c.method == http.MethodPost:
		return p.publish(c, a)
	case edge == "content_publishing_limit" && c.method == http.MethodGet:
		return p.publishingLimit(c, a)
	case edge == "stories" && c.method == http.MethodGet:
		return p.storiesList(c, a)
	case edge == "subscribed_apps":
		return p.subscribedApps(c)
	case edge == "media" || edge == "media_publish" || edge == "content_publishing_limit" || edge == "stories":
		return nil, unsupportedHere(c, a)
	default:
		return nil, unknownPath(c, "/"+edge)
	}
}

func unsupportedHere(c *call, a *account) *GraphError {
	if c.host == hostInstagramGraph {
		return unsupported(c)
	}
	return missingObject(c, a.ID)
}

// subscribedApps switches webhooks on; the fake sends none by itself.
func (p *Platform) subscribedApps(c *call) (*reply, *GraphError) {
	if c.method == http.MethodGet {
		return answer(object{{"data", []object{}}}), nil
	}
	return answer(object{{"success", true}}), nil
}

// mayPublish checks the scope and the account's standing.
func (c *call) mayPublish(a *account) *GraphError {
	scope := "instagram_content_publish"
	if c.host == hostInstagramGraph || c.token.login == InstagramLogin {
		scope = "instagram_business_content_publish"
	}
	if err := c.need(scope); err != nil {
		return err
	}
	if a.restricted {
		return known(25, 2207050)
	}
	return nil
}

func (p *Platform) createContainer(c *call, a *account) (*reply, *GraphError) {
	if err := c.mayPublish(a); err != nil {
		return nil, err
	}
	if a.content == nil {
		a.content = &content{}
	}
	p.forgetContainers(a, c.now)
	if len(a.content.containers) >= containerQuota {
		return nil, known(9, 2207042)
	}
	k := &container{
		account: a, kind: strings.ToUpper(c.param("media_type")), caption: c.param("caption"),
		url: cmp.Or(c.param("image_url"), c.param("video_url")), created: c.now,
		resumable: c.param("upload_type") == "resumable",
	}
	k.video, k.item = c.has("video_url"), c.param("is_carousel_item") == "true"
	if err := p.checkMedia(c, k); err != nil {
		return nil, err
	}
	if len(p.planned) > 0 {
		k.plan, p.planned = p.planned[0], p.planned[1:]
	}
	k.id = p.madeUp(17_900_000_000_000_000)
	p.nodes[k.id] = k
	a.content.containers = append(a.content.containers, k)
	out := object{{"id", k.id}}
	if k.resumable {
		base := "https://" + hostUpload
		if before, ok := strings.CutSuffix(c.base, "/"+c.host); ok && !strings.HasPrefix(c.base, "https://"+c.host) {
			base = before + "/" + hostUpload
		}
		out = out.with("uri", base+"/ig-api-upload/"+servedVersion(c.version)+"/"+k.id)
	}
	return answer(out), nil
}

// checkMedia refuses what Meta would refuse on sight.
func (p *Platform) checkMedia(c *call, k *container) *GraphError {
	if len([]rune(k.caption)) > maxCaption {
		e := graphError(36004, "OAuthException", "The caption was too long.")
		e.Subcode = 2207010
		return e
	}
	switch k.kind {
	case "CAROUSEL":
		k.children = strings.FieldsFunc(strings.Trim(c.param("children"), "[]"), func(r rune) bool { return r == ',' || r == '"' || r == ' ' })
		if len(k.children) < 2 || len(k.children) > 10 {
			e := graphError(100, "OAuthException", "Invalid parameter")
			e.Subcode, e.UserTitle = 2207028, "Invalid number of carousel items"
			return e
		}
		for _, id := range k.children {
			if item, ok := p.nodes[id].(*container); !ok || item.account != k.account || !item.item || item.status(c.now) != "FINISHED" {
				return known(9007, 2207027)
			}
		}
		return nil
	case "", "IMAGE", "REELS", "STORIES":
	case "VIDEO": // retired in 2023 for everything but the items of carousels
		if k.item {
			break
		}
		fallthrough
	default:
		e := graphError(100, "OAuthException", "Invalid parameter")
		e.Subcode, e.UserTitle = 2207023, "Unknown media type"
		return e
	}
	if k.resumable {
		if c.host == hostInstagramGraph && !p.quirks.AcceptResumable {
			return graphError(100, "IGApiException", "(#100) The parameter video_url is required")
		}
		return nil
	}
	u, err := url.Parse(k.url)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		if k.url == "" {
			return graphError(100, "OAuthException", "(#100) The parameter image_url is required")
		}
		return known(9004, 2207052)
	}
	return nil
}

// forgetContainers drops containers beyond a day and an hour: until then their
// status can be asked for.
func (p *Platform) forgetContainers(a *account, now time.Time) {
	list := a.content.containers
	for len(list) > 0 && now.Sub(list[0].created) >= containerLife+time.Hour {
		delete(p.nodes, list[0].id)
		list = list[1:]
	}
	a.content.containers = list
}

func (p *Platform) publish(c *call, a *account) (*reply, *GraphError) {
	if err := c.mayPublish(a); err != nil {
		return nil, err
	}
	id := c.param("creation_id")
	if id == "" {
		return nil, graphError(100, "OAuthException", "(#100) The parameter creation_id is required")
	}
	k, ok := p.nodes[id].(*container)
	if !ok || k.account != a || k.item {
		e := known(24, 2207008)
		e.UserMessage = "The media builder with creation id = " + id + " does not exist or has been expired."
		return nil, e
	}
	status := k.status(c.now)
	switch {
	case status == "FINISHED":
	case status == "PUBLISHED" && p.quirks.PublishedTwice:
	case status == "EXPIRED":
		e := known(24, 2207008)
		e.UserMessage = "The media builder with creation id = " + id + " does not exist or has been expired."
		return nil, e
	default:
		return nil, known(9007, 2207027)
	}
	if p.quotaUsed(a, c.now.Add(-quotaWindow)) >= p.publishingQuota() {
		return nil, known(9, 2207042)
	}
	m := &media{account: a, Media: Media{
		ID: p.madeUp(18_000_000_000_000_000), ContainerID: k.id, Caption: k.caption, URL: k.url,
		Type: k.mediaType(), Product: k.product(), PublishedAt: c.now,
	}}
	k.media = m
	p.nodes[m.ID] = m
	a.content.media = append(a.content.media, m)
	return answer(object{{"id", m.ID}}), nil
}

func (k *container) mediaType() string {
	switch {
	case k.kind == "CAROUSEL":
		return "CAROUSEL_ALBUM"
	case k.kind == "REELS" || k.resumable || k.video:
		return "VIDEO"
	default:
		return "IMAGE"
	}
}

func (k *container) field(name string, now time.Time) (any, bool) {
	code := k.status(now)
	switch name {
	case "id":
		return k.id, true
	case "status_code":
		return code, true
	case "status":
		switch code {
		case "ERROR":
			return "Error: Media upload has failed with error code " + strconv.Itoa(cmp.Or(k.plan.Error, 2207053)), true
		case "IN_PROGRESS":
			return "In Progress: Media is still being processed.", true
		case "FINISHED":
			return "Finished: Media has been uploaded and it is ready to be published.", true
		case "PUBLISHED":
			return "Published: Media has been published.", true
		default:
			return "Expired: Media was not published within 24 hours.", true
		}
	case "video_status":
		if !k.resumable {
			return absent{}, true
		}
		return k.videoStatus(code), true
	default:
		return nil, false
	}
}

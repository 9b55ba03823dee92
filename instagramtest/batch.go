// How are many calls answered in one request? Batches of graph.facebook.com.

package instagramtest

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxBatch is how many calls a batch holds. Source: "Batch Requests" guide.
const maxBatch = 50

// batchPart is one call of a batch as it is sent.
type batchPart struct {
	Method      string `json:"method"`
	RelativeURL string `json:"relative_url"`
	Body        string `json:"body"`
}

// serveBatch answers a POST to graph.facebook.com with a batch parameter; nil:
// it is none. Each part is a request of its own: it is recorded, scripted by
// [Platform.On] and counted against the limits. A part whose connection a
// script breaks or hangs up is null, as those are that Meta did not get to in
// time. graph.instagram.com has no batches, by one project's report.
func (p *Platform) serveBatch(ctx context.Context, c *call) *reply {
	if c.host != hostFacebookGraph || c.method != http.MethodPost || !c.has("batch") {
		return nil
	}
	p.mu.Lock()
	c.trace = p.random.trace()
	wrong := p.authenticate(c, FacebookLogin, []string{""})
	p.mu.Unlock()
	if wrong != nil {
		return wrong.reply(c.trace)
	}
	var parts []batchPart
	if err := json.Unmarshal([]byte(c.param("batch")), &parts); err != nil || len(parts) == 0 {
		return graphError(100, "GraphBatchException", "(#100) Invalid JSON for batch").reply(c.trace)
	}
	if len(parts) > maxBatch {
		return graphError(100, "GraphBatchException", "Too many requests in batch message. Maximum batch size is 50").reply(c.trace)
	}
	answers := make([]any, len(parts))
	for i, part := range parts {
		inner, ok := c.part(part)
		if !ok {
			return graphError(100, "GraphBatchException", "(#100) Invalid relative_url").reply(c.trace)
		}
		r, _, err := p.serve(ctx, inner)
		if err != nil {
			continue // null
		}
		answers[i] = r.part(c.param("include_headers") != "false")
	}
	r := answer(answers)
	r.contentType = "text/javascript; charset=UTF-8" // observed
	return r
}

// part is the call that a part of a batch stands for.
func (c *call) part(b batchPart) (*call, bool) {
	u, err := url.Parse("/" + strings.TrimPrefix(b.RelativeURL, "/"))
	if err != nil {
		return nil, false
	}
	q := u.Query()
	for _, name := range []string{"appsecret_proof", "appsecret_time"} {
		if c.has(name) && !q.Has(name) {
			q.Set(name, c.param(name))
		}
	}
	if !q.Has("access_token") {
		q.Set("access_token", c.credential())
	}
	u.RawQuery = q.Encode()
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	inner := newCall(strings.ToUpper(b.Method), c.host, u, u.Path, header, []byte(b.Body))
	if inner.version == "" {
		inner.version = c.version
	}
	inner.base = c.base
	return inner, true
}

// credential is the token that a request came with.
func (c *call) credential() string {
	if t := headerToken(c.header); t != "" {
		return t
	}
	return c.param("access_token")
}

// part is a reply as it stands in the answer to a batch.
func (r *reply) part(withHeaders bool) object {
	out := object{{"code", r.status}}
	if withHeaders {
		headers := []object{}
		for name, values := range r.header {
			for _, v := range values {
				headers = append(headers, object{{"name", name}, {"value", v}})
			}
		}
		slices.SortFunc(headers, func(a, b object) int {
			return strings.Compare(a[0].value.(string), b[0].value.(string))
		})
		out = out.with("headers", headers)
	}
	return out.with("body", string(r.body))
}

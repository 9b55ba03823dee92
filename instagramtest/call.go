// How does a request become an answer? Parsed once, scripted or handled,
// labelled, recorded.

package instagramtest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Meta's hosts, as far as signing in and publishing touch them.
const (
	hostInstagram      = "www.instagram.com"
	hostInstagramAPI   = "api.instagram.com"
	hostInstagramGraph = "graph.instagram.com"
	hostFacebook       = "www.facebook.com"
	hostFacebookGraph  = "graph.facebook.com"
	hostUpload         = "rupload.facebook.com"
)

func servedHost(host string) bool {
	switch host {
	case hostInstagram, hostInstagramAPI, hostInstagramGraph, hostFacebook, hostFacebookGraph, hostUpload:
		return true
	default:
		return false
	}
}

// maxBody bounds what the fake reads of a request.
const maxBody = 64 << 20

// call is one request on its way through the platform.
type call struct {
	method, host string
	path         string // without the version, always with a leading slash
	version      string // "v26.0", or "" for none
	base         string // scheme and authority that links must start with
	query, form  url.Values
	header       http.Header
	body         []byte
	hidden       bool // a browser played by Consent: not recorded
	now          time.Time
	trace        string
	app          *app     // whose limits it counts against, once known
	account      *account // likewise
	token        *token
	counted      bool // against the limits
	refused      bool // by them
}

// reply is an answer on its way back.
type reply struct {
	status      int
	header      http.Header
	contentType string // empty: Graph's
	problem     string // what an error page says
	broken      bool   // the connection dies before the answer
	body        []byte
}

// answer is a success in the words of v.
func answer(v any) *reply {
	return &reply{status: http.StatusOK, body: graphStyle().text(v)}
}

func newCall(method, host string, u *url.URL, path string, header http.Header, body []byte) *call {
	c := &call{method: method, host: host, query: u.Query(), header: header, body: body}
	if c.method == "" {
		c.method = http.MethodGet
	}
	c.path, c.version = splitVersion(path)
	c.form = c.parseForm()
	return c
}

// splitVersion takes the version prefix off a path.
func splitVersion(path string) (rest, version string) {
	path = "/" + strings.Trim(path, "/")
	first, rest, _ := strings.Cut(path[1:], "/")
	major, minor, dotted := strings.Cut(strings.TrimPrefix(first, "v"), ".")
	if !dotted || first[0] != 'v' || !digits(major) || !digits(minor) {
		return path, ""
	}
	return "/" + rest, first
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// parseForm reads the forms Meta's servers understand. JSON is one of them on
// the Graph hosts only; api.instagram.com sees no fields in it.
func (c *call) parseForm() url.Values {
	form := url.Values{}
	if len(c.body) == 0 {
		return form
	}
	kind, params, err := mime.ParseMediaType(c.header.Get("Content-Type"))
	if err != nil {
		return form
	}
	switch {
	case kind == "application/x-www-form-urlencoded":
		if v, err := url.ParseQuery(string(c.body)); err == nil {
			form = v
		}
	case kind == "multipart/form-data":
		parts := multipart.NewReader(bytes.NewReader(c.body), params["boundary"])
		for part, err := parts.NextPart(); err == nil; part, err = parts.NextPart() {
			if value, err := io.ReadAll(part); err == nil && part.FileName() == "" {
				form.Add(part.FormName(), string(value))
			}
		}
	case kind == "application/json" && (c.host == hostInstagramGraph || c.host == hostFacebookGraph):
		var fields map[string]json.RawMessage
		if json.Unmarshal(c.body, &fields) == nil {
			for key, raw := range fields {
				var s string
				if json.Unmarshal(raw, &s) != nil {
					s = string(raw)
				}
				form.Set(key, s)
			}
		}
	default:
	}
	return form
}

// param is a parameter wherever it came, the body first.
func (c *call) param(name string) string {
	if c.form.Has(name) {
		return c.form.Get(name)
	}
	return c.query.Get(name)
}

func (c *call) has(name string) bool { return c.form.Has(name) || c.query.Has(name) }

// serve answers one request. An error is a failure of the connection, not an
// answer; reply.body is complete, and the script says how much of it arrives.
func (p *Platform) serve(ctx context.Context, c *call) (*reply, Answer, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, Answer{}, err
	}
	p.mu.Lock()
	c.now = p.now()
	rec := p.record(c)
	route := p.match(c)
	p.mu.Unlock()

	var act Answer
	if route != nil {
		act = p.next(route, c)
	}
	if err := act.before(ctx); err != nil {
		return nil, act, err
	}
	var r *reply
	if !act.scripted() || act.Instead {
		if r = p.serveBatch(ctx, c); r == nil {
			r = p.handle(c)
		}
	}
	if act.scripted() {
		p.mu.Lock()
		c.trace = p.random.trace()
		p.mu.Unlock()
		r = act.reply(c.trace)
	}
	p.label(c, r, act)
	act.Lose = act.Lose || r.broken
	if err := act.after(ctx); err != nil {
		return nil, act, err
	}
	if rec != nil {
		p.mu.Lock()
		rec.Status = r.status
		p.mu.Unlock()
	}
	return r, act, nil
}

// handle runs the platform proper, under its lock.
func (p *Platform) handle(c *call) *reply {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.now = p.now()
	c.trace = p.random.trace()
	r := p.dispatch(c)
	p.count(c, r)
	return r
}

func (p *Platform) dispatch(c *call) *reply {
	switch c.host {
	case hostInstagram, hostFacebook:
		return p.serveDialog(c)
	case hostInstagramAPI:
		return p.serveInstagramOAuth(c)
	case hostInstagramGraph:
		return p.serveGraph(c, InstagramLogin)
	case hostFacebookGraph:
		return p.serveGraph(c, FacebookLogin)
	default:
		return p.serveUpload(c)
	}
}

// label puts on the headers that Meta's servers send with an answer.
func (p *Platform) label(c *call, r *reply, act Answer) {
	own := r.header
	h := make(http.Header, 16)
	r.header = h
	p.mu.Lock()
	now := p.now()
	short := p.random.shortTrace()
	hook := p.usage
	p.mu.Unlock()
	values := make([]string, 0, 12) // one piece of memory for all
	set := func(key, value string) {
		values = append(values, value)
		h[key] = values[len(values)-1 : len(values) : len(values)]
	}
	set("Date", now.UTC().Format(http.TimeFormat))
	set("Access-Control-Allow-Origin", "*")
	set("Cache-Control", "no-store")
	set("Expires", "Sat, 01 Jan 2000 00:00:00 GMT")
	set("Pragma", "no-cache")
	set("Strict-Transport-Security", "max-age=15552000; preload")
	switch {
	case r.contentType != "":
		set("Content-Type", r.contentType)
	case p.shapes.JavaScript:
		set("Content-Type", "text/javascript; charset=UTF-8")
	default:
		set("Content-Type", "application/json; charset=UTF-8")
	}
	if c.host == hostInstagramGraph || c.host == hostFacebookGraph {
		set("X-Fb-Trace-Id", short)
		set("X-Fb-Request-Id", c.trace)
		set("X-Fb-Rev", "1031415926")
		set("Facebook-Api-Version", servedVersion(c.version))
		if p.shapes.Pretty && r.contentType == "" {
			r.body = pretty(r.body)
		}
		if hook != nil {
			put(h, hook(c.public()))
		}
	}
	put(h, own)
	put(h, act.Header)
	if h.Get("Content-Length") == "" {
		set("Content-Length", strconv.Itoa(len(r.body)))
	}
}

func put(dst, src http.Header) {
	for key, values := range src {
		dst[http.CanonicalHeaderKey(key)] = values
	}
}

// The Graph versions that the platform serves. A dead version is answered by the
// oldest living one, a call without a version by the newest; an unborn version is
// an unknown path. Source: "Versioning" guide and "Changelog", versions as of
// 2026-10.
const (
	oldestVersion = 21
	newestVersion = 26
)

func servedVersion(version string) string {
	n := versionNumber(version)
	switch {
	case n == 0 || n > newestVersion:
		n = newestVersion
	case n < oldestVersion:
		n = oldestVersion
	default:
	}
	return "v" + strconv.Itoa(n) + ".0"
}

// versionNumber is 26 for "v26.0" and 0 for "".
func versionNumber(version string) int {
	major, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	n, err := strconv.Atoi(major)
	if err != nil {
		return 0
	}
	return n
}

func lower(method string) string { return strings.ToLower(method) }

// flat puts a text on one line, for use in a header.
func flat(s string) string { return strings.Join(strings.Fields(s), " ") }

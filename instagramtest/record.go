// What was asked of the platform?

package instagramtest

import (
	"bytes"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Request is a request that reached the platform, with what became of it.
type Request struct {
	Method  string
	Host    string
	Path    string // without the version: "/me"
	Version string // "v26.0"; empty: none
	Query   url.Values
	Form    url.Values // fields of the body, also of a JSON body on the Graph hosts
	Header  http.Header
	Body    []byte
	Time    time.Time
	Status  int // of the answer; 0: none arrived, or not yet
}

// Param is a parameter wherever it came, the body first.
func (r Request) Param(name string) string {
	if r.Form.Has(name) {
		return r.Form.Get(name)
	}
	return r.Query.Get(name)
}

// Token is the access token that the request carried: in its Authorization
// header, else as parameter; empty: none.
func (r Request) Token() string {
	if t := headerToken(r.Header); t != "" {
		return t
	}
	return r.Param("access_token")
}

// Requests returns what was asked so far, oldest first. Method and path choose as
// in [Platform.On]; empty strings choose all. Requests that failed before anything
// was sent are among them, with Status 0; those of [Platform.Consent] are not.
func (p *Platform) Requests(method, path string) []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []Request
	for _, r := range p.requests {
		if (method == "" || strings.EqualFold(method, r.Method)) && matches(path, r.Host, r.Path) {
			out = append(out, *r)
		}
	}
	return out
}

// ForgetRequests drops what was recorded so far.
func (p *Platform) ForgetRequests() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = nil
}

func (p *Platform) record(c *call) *Request {
	if p.silent || c.hidden {
		return nil
	}
	r := new(c.public())
	p.requests = append(p.requests, r)
	return r
}

// public is the call as a script or a test may see it: a copy.
func (c *call) public() Request {
	return Request{
		Method: c.method, Host: c.host, Path: c.path, Version: c.version,
		Query: cloneValues(c.query), Form: cloneValues(c.form), Header: c.header.Clone(),
		Body: bytes.Clone(c.body), Time: c.now,
	}
}

func cloneValues(v url.Values) url.Values {
	out := maps.Clone(v)
	for key, list := range out {
		out[key] = slices.Clone(list)
	}
	return out
}

package instagram

// This file answers: how does a request get its token and its proof?

import (
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
)

// authorizer signs each attempt with the source's current token.
type authorizer struct {
	c    *Client
	src  TokenSource
	next http.RoundTripper
	last atomic.Pointer[signature]
}

// signature is what a token adds to a request, kept as long as the token is
// the same.
type signature struct {
	token  *Token
	bearer []string // the Authorization header
	upload []string // the same for rupload.facebook.com, which has a scheme of its own
	proof  string   // the plain form, in a query
}

func (c *Client) authorizing(src TokenSource, next http.RoundTripper) http.RoundTripper {
	return &authorizer{c: c, src: src, next: next}
}

func (a *authorizer) RoundTrip(req *http.Request) (*http.Response, error) {
	call := callOf(req)
	upload, err := a.checkHost(call.asked)
	if err != nil {
		closeBody(req)
		return nil, err
	}
	tok, err := a.src.Token(req.Context())
	if err == nil {
		err = a.c.ownToken(tok)
	}
	if err != nil {
		closeBody(req)
		return nil, err
	}
	call.token = tok
	s := a.signature(tok)
	header := make(http.Header, len(call.asked.Header)+2)
	for name, values := range call.asked.Header {
		switch http.CanonicalHeaderKey(name) {
		case "Authorization": // a second one, in letters of another case
		case "Idempotency-Key", "X-Idempotency-Key": // net/http sends a POST that has one twice
		default:
			header[name] = values
		}
	}
	header["Authorization"] = s.bearer
	if upload {
		header["Authorization"] = s.upload
	}
	req.Header = header
	a.addProof(req, call.asked.URL, s, upload)
	return a.next.RoundTrip(req)
}

// checkHost lets a token go only to the hosts of its product, and tells
// whether it is the upload host.
func (a *authorizer) checkHost(req *http.Request) (upload bool, err error) {
	u, h := req.URL, a.c.hosts
	switch {
	case req.Host != "" && !sameHost(req.Host, u.Host):
	case within(u, h.graph):
		return false, nil
	case within(u, h.upload):
		return true, nil
	}
	return false, &ForeignHostError{Host: u.Host, Login: a.c.cfg.Login}
}

func (a *authorizer) signature(tok *Token) *signature {
	if s := a.last.Load(); s != nil && s.token == tok {
		return s
	}
	value := tok.AccessToken.Reveal()
	s := &signature{token: tok, bearer: []string{"Bearer " + value}, upload: []string{"OAuth " + value}}
	if a.c.sendsProof() && a.c.opts.proof == ProofPlain {
		s.proof = "appsecret_proof=" + AppSecretProof(a.c.cfg.AppSecret, tok.AccessToken)
	}
	a.last.Store(s)
	return s
}

// addProof sets the query of the attempt: the caller's, without credentials
// that a copied URL such as paging.next brought along, and with the proof, which
// is documented for graph.facebook.com and not for the upload host.
func (a *authorizer) addProof(req *http.Request, asked *url.URL, s *signature, upload bool) {
	query := withoutCredentials(asked.RawQuery)
	switch {
	case upload:
	case a.c.sendsProof() && a.c.opts.proof == ProofTimed:
		proof, seconds := timedProof(a.c.cfg.AppSecret, s.token.AccessToken, a.c.now())
		query = joinQuery(query, "appsecret_proof="+proof+"&appsecret_time="+seconds)
	case s.proof != "":
		query = joinQuery(query, s.proof)
	}
	if query == asked.RawQuery {
		return
	}
	u := *asked
	u.RawQuery = query
	req.URL = &u
}

// sendsProof reports whether the product takes a proof: graph.instagram.com is
// reported to reject it (observed twice, 2026).
func (c *Client) sendsProof() bool {
	return c.cfg.Login == FacebookLogin && c.opts.proof != ProofNone
}

func withoutCredentials(query string) string {
	if !strings.Contains(query, "access_token") && !strings.Contains(query, "appsecret_") {
		return query
	}
	kept := make([]string, 0, 8)
	for pair := range strings.SplitSeq(query, "&") {
		switch name, _, _ := strings.Cut(pair, "="); name {
		case "access_token", "appsecret_proof", "appsecret_time":
		default:
			kept = append(kept, pair)
		}
	}
	return strings.Join(kept, "&")
}

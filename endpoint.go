package instagram

// This file answers: where does a request of each login product go?

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Login is one of Meta's two login products. A token belongs to one of them
// for good: hosts, secret and the way it is renewed follow from it.
type Login uint8

const (
	// InstagramLogin is Business Login for Instagram: no Facebook Page needed,
	// one professional account for each login, hosts under instagram.com.
	InstagramLogin Login = iota
	// FacebookLogin is Facebook Login, also "for Business": accounts are those
	// linked to the person's Pages, hosts under facebook.com.
	FacebookLogin
)

// String returns "instagram" or "facebook".
func (l Login) String() string {
	switch l {
	case InstagramLogin:
		return "instagram"
	case FacebookLogin:
		return "facebook"
	}
	return fmt.Sprintf("Login(%d)", uint8(l))
}

// MarshalText returns what [Login.String] returns; it fails for a product that does not exist.
func (l Login) MarshalText() ([]byte, error) {
	if l > FacebookLogin {
		return nil, fmt.Errorf("no login product has the number %d", uint8(l))
	}
	return []byte(l.String()), nil
}

// UnmarshalText reads "instagram" or "facebook".
func (l *Login) UnmarshalText(text []byte) error {
	switch string(text) {
	case "instagram":
		*l = InstagramLogin
	case "facebook":
		*l = FacebookLogin
	default:
		return fmt.Errorf("%q is no login product: write instagram or facebook", text)
	}
	return nil
}

// Endpoint holds the base URLs that requests go to. An empty field is Meta's
// own host, so the zero value is right for production; tests point fields at a
// server of their own. Everything but Meta's own hosts must be https, or http
// on a loopback address. A base URL may have a path, which requests keep in
// front of their own.
//
// Source of the hosts: "Business login for Instagram" and "Manually build a
// login flow", read 2026-03.
type Endpoint struct {
	// Authorize is where the person is sent: https://www.instagram.com or https://www.facebook.com.
	Authorize string
	// Token is where a code is exchanged: https://api.instagram.com or https://graph.facebook.com.
	Token string
	// Graph is where everything else goes: https://graph.instagram.com or https://graph.facebook.com.
	Graph string
	// Upload is where media files are sent: https://rupload.facebook.com.
	Upload string
}

// EndpointUnder returns the endpoint of a server that serves every host of
// Meta's under its name as the first part of the path, as the fake in
// instagramtest does: https://graph.instagram.com/me becomes
// base/graph.instagram.com/me.
func EndpointUnder(base string, login Login) Endpoint {
	base = strings.TrimRight(base, "/")
	meta := metaEndpoint(login)
	under := func(host string) string { return base + "/" + strings.TrimPrefix(host, "https://") }
	return Endpoint{
		Authorize: under(meta.Authorize), Token: under(meta.Token),
		Graph: under(meta.Graph), Upload: under(meta.Upload),
	}
}

func metaEndpoint(login Login) Endpoint {
	if login == FacebookLogin {
		return Endpoint{ //nolint:gosec // hosts, no credentials
			Authorize: "https://www.facebook.com", Token: "https://graph.facebook.com",
			Graph: "https://graph.facebook.com", Upload: "https://rupload.facebook.com",
		}
	}
	return Endpoint{ //nolint:gosec // hosts, no credentials
		Authorize: "https://www.instagram.com", Token: "https://api.instagram.com",
		Graph: "https://graph.instagram.com", Upload: "https://rupload.facebook.com",
	}
}

// hosts is an [Endpoint] taken apart: where requests of one client may go.
type hosts struct {
	authorize, token, graph, upload *url.URL
}

func (e Endpoint) resolve(login Login) (*hosts, error) {
	meta := metaEndpoint(login)
	var h hosts
	var errs []error
	for _, f := range []struct {
		name, value, meta string
		to                **url.URL
	}{
		{"Authorize", e.Authorize, meta.Authorize, &h.authorize},
		{"Token", e.Token, meta.Token, &h.token},
		{"Graph", e.Graph, meta.Graph, &h.graph},
		{"Upload", e.Upload, meta.Upload, &h.upload},
	} {
		raw := f.value
		if raw == "" {
			raw = f.meta
		}
		u, err := parseBase(raw)
		if err != nil {
			errs = append(errs, fmt.Errorf("endpoint: %s: %w", f.name, err))
			continue
		}
		*f.to = u
	}
	return &h, errors.Join(errs...)
}

func parseBase(raw string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(raw, "/"))
	switch {
	case err != nil:
		return nil, errors.New("not a URL")
	case u.Host == "" || u.Opaque != "":
		return nil, errors.New("not an absolute URL such as https://graph.instagram.com")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("must have no user, query or fragment")
	case u.Scheme == "https":
	case u.Scheme == "http" && isLoopback(u.Hostname()):
	default:
		return nil, errors.New("must be https, or http on a loopback address")
	}
	return u, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// at returns the URL of path below base, built from parts.
func at(base *url.URL, elem ...string) *url.URL {
	u := *base
	for _, e := range elem {
		if e = strings.Trim(e, "/"); e != "" {
			u.Path += "/" + e
		}
	}
	u.RawPath = ""
	return &u
}

// within reports whether u lies on the same scheme, host and port as base,
// and below its path.
func within(u, base *url.URL) bool {
	return u.User == nil && u.Opaque == "" && u.Scheme == base.Scheme && sameHost(u.Host, base.Host) &&
		(u.Path == base.Path || strings.HasPrefix(u.Path, base.Path+"/"))
}

// sameHost compares two hosts, which nearly always have the same letters.
func sameHost(a, b string) bool { return a == b || strings.EqualFold(a, b) }

package redact

import (
	"net/url"
	"strings"
)

// URL returns a copy of u without the values of secret parameters in query and
// fragment, without user and password, and without tokens in the path. nil
// gives nil.
func URL(u *url.URL, secrets ...string) *url.URL {
	if u == nil {
		return nil
	}
	c := *u
	if c.User != nil {
		c.User = url.User("redacted")
	}
	c.Opaque = Text(c.Opaque, secrets...)
	if path := Text(c.Path, secrets...); path != c.Path {
		c.Path, c.RawPath = path, ""
	}
	c.Host = Text(c.Host, secrets...)
	c.RawQuery = query(c.RawQuery, secrets)
	if c.Fragment != "" {
		c.RawFragment = ""
		c.Fragment = query(c.Fragment, secrets)
	}
	return &c
}

// URLString is [URL] for a URL that is text. What cannot be parsed keeps
// nothing behind its first question mark.
func URLString(s string, secrets ...string) string {
	u, err := url.Parse(s)
	if err != nil {
		before, _, found := strings.Cut(s, "?")
		if before, _, found2 := strings.Cut(before, "#"); found || found2 {
			return Text(before, secrets...) + "?" + Mark
		}
		return Text(before, secrets...)
	}
	return URL(u, secrets...).String()
}

// query keeps order and everything that is not secret.
func query(raw string, secrets []string) string {
	if raw == "" {
		return ""
	}
	var b strings.Builder
	for i, pair := range strings.FieldsFunc(raw, func(r rune) bool { return r == '&' || r == ';' }) {
		if i > 0 {
			b.WriteByte('&')
		}
		name, value, found := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(name)
		if err != nil {
			plain = name
		}
		switch {
		case found && value != "" && IsSecretName(plain):
			b.WriteString(name + "=" + Mark)
		case found:
			b.WriteString(Text(name, secrets...) + "=" + escapedText(value, secrets))
		default:
			b.WriteString(escapedText(name, secrets))
		}
	}
	return b.String()
}

// escapedText looks into a value as it is and as it means: redirect_uri and
// next may carry a URL of their own.
func escapedText(value string, secrets []string) string {
	if v := Text(value, secrets...); v != value {
		return v
	}
	plain, err := url.QueryUnescape(value)
	if err != nil || plain == value {
		return value
	}
	if v := Text(plain, secrets...); v != plain {
		return strings.ReplaceAll(url.QueryEscape(v), url.QueryEscape(Mark), Mark)
	}
	return value
}

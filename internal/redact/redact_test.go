package redact_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram/internal/redact"
)

const (
	token  = "IGAAtestCanary0123456789abcdefZDZD"
	secret = "5up3r/s3cr3t+v4lue=&x"
)

func TestTextWithoutSecretsIsLeftAlone(t *testing.T) { // not parallel: it counts allocations
	for _, s := range []string{
		"",
		"(#4) Application request limit reached",
		"Error validating access token: Session has expired on Friday, 18-Aug",
		"Unsupported get request. Object with ID '18480951645313569' does not exist, cannot be loaded due to missing permissions",
		"Any of the pages_read_engagement, pages_manage_metadata permission(s) must be granted",
		"The App_id in the input_token did not match the Viewing App",
		"invalid access_token: must not be empty",
		"error_code=200 code=190 code: 100, state: California",
		`{"error":{"message":"IGApiException","code":190,"state":"done"}}`,
		"OAuth \"Facebook Platform\" \"invalid_token\" \"Invalid OAuth access token.\"",
		"a bearer authentication is required",
		"media 17841405793187218|small and 3|4",
		"trace AQ1m6KK6iBqvjzPeQd4DYbKM, rev 1005938380",
		"THIS-IS-A-VERY-LONG-WORD-IN-CAPITALS IGNORED_IGNORED_IGNORED",
		"日本語のメッセージ 🙂",
	} {
		assert.Equal(t, s, redact.Text(s))
		assert.Zero(t, testing.AllocsPerRun(10, func() { redact.Text(s, token) }), s)
	}
}

func TestTextFindsTokens(t *testing.T) {
	t.Parallel()
	const long = "abcdefGHIJKL0123456789mnopqrSTUVWX"
	for s, want := range map[string]string{
		"Malformed access token IGAA" + long:                                "Malformed access token [redacted]",
		"token EAAC" + long + ".":                                           "token [redacted].",
		"IGQVJ" + long + " and THAA" + long:                                 "[redacted] and [redacted]",
		"app token 109350776068808|zKorgLr9FLd68TB6TZAUe4CmcKa here":        "app token [redacted] here",
		"109350776068808%7CzKorgLr9FLd68TB6TZAUe4CmcKa":                     "[redacted]",
		"GET /me?access_token=x&fields=id":                                  "GET /me?access_token=[redacted]&fields=id",
		"client_secret=abc appsecret_proof=def":                             "client_secret=[redacted] appsecret_proof=[redacted]",
		"fb_exchange_token=a&input_token=b&id_token=c&signed_request=d&x=1": "fb_exchange_token=[redacted]&input_token=[redacted]&id_token=[redacted]&signed_request=[redacted]&x=1",
		"?code=AQD0123456789x&state=ab0123456789cd#_":                       "?code=[redacted]&state=[redacted]",
		`{"access_token": "a b c", "x": 1}`:                                 `{"access_token": "[redacted]", "x": 1}`,
		`{\"access_token\":\"abc\",\"x\":1}`:                                `{\"access_token\":\"[redacted]\",\"x\":1}`,
		"access_token%3Dabc%26fields%3Did":                                  "access_token%3D[redacted]%26fields%3Did",
		"Authorization:[Bearer abc]":                                        "Authorization:[Bearer [redacted]]",
		"sent Bearer abc0123456789def to us":                                "sent Bearer [redacted] to us",
		"Cookie: datr=0123456789abcdef; x":                                  "Cookie: [redacted]; x",
		"ACCESS_TOKEN=abc Client-Secret: 0123456789ab":                      "ACCESS_TOKEN=[redacted] Client-Secret: [redacted]",
		"eyJhbGciOiJIUzI1NiJ9xxxx.eyJzdWIiOiIxMjM0In0.dozjgN end":           "[redacted] end",
		`line\naccess_token=abc`:                                            `line\naccess_token=[redacted]`,
		"access_token\u003dx":                                               "access_token=[redacted]",
	} {
		assert.Equal(t, want, redact.Text(s))
		assert.Equal(t, want, redact.Text(want), "a second time changes nothing")
	}
}

func TestTextFindsKnownValuesInEveryForm(t *testing.T) {
	t.Parallel()
	inJSON, err := json.Marshal(secret)
	require.NoError(t, err)
	for name, form := range map[string]string{
		"as it is":          secret,
		"in a query":        url.QueryEscape(secret),
		"in a query, twice": url.QueryEscape(url.QueryEscape(secret)),
		"in lower case":     strings.ToLower(url.QueryEscape("=&/+")),
		"in a path":         url.PathEscape(secret),
		"in JSON":           strings.Trim(string(inJSON), `"`),
		"in Meta's JSON":    strings.ReplaceAll(secret, "/", `\/`),
		"in base64":         base64.StdEncoding.EncodeToString([]byte(secret)),
		"in base64 of URLs": base64.RawURLEncoding.EncodeToString([]byte(secret)),
		"quoted":            fmt.Sprintf("%q", secret),
	} {
		known := secret
		if name == "in lower case" {
			known = "=&/+"
		}
		got := redact.Text("before "+form+" after", known)
		assert.NotContains(t, got, form, name)
		assert.Contains(t, got, "before ", name)
		assert.Contains(t, got, " after", name)
		assert.Contains(t, got, redact.Mark, name)
	}
	assert.Equal(t, "a bcd", redact.Text("a bcd", "", "a", "bcd"), "what is too short is no secret")
}

func TestURL(t *testing.T) {
	t.Parallel()
	assert.Nil(t, redact.URL(nil))
	for raw, want := range map[string]string{
		"https://graph.facebook.com/v26.0/me?fields=id,name&access_token=abc&limit=5": "https://graph.facebook.com/v26.0/me?fields=id,name&access_token=[redacted]&limit=5",
		"https://example.com/callback?code=1&state=2&x=3":                             "https://example.com/callback?code=[redacted]&state=[redacted]&x=3",
		"https://user:password@example.com/":                                          "https://redacted@example.com/",
		"https://a.b/?next=https%3A%2F%2Fc.d%2F%3Faccess_token%3Dabc%26y%3D1":         "https://a.b/?next=https%3A%2F%2Fc.d%2F%3Faccess_token%3D[redacted]%26y%3D1",
		"https://a.b/" + token + "/media":                                             "https://a.b/%5Bredacted%5D/media",
		"https://a.b/?x=" + token:                                                     "https://a.b/?x=[redacted]",
		"https://a.b/?a%63cess_token=abc":                                             "https://a.b/?a%63cess_token=[redacted]",
		"https://a.b/plain?after=QVFIUm":                                              "https://a.b/plain?after=QVFIUm",
	} {
		u, err := url.Parse(raw)
		require.NoError(t, err)
		assert.Equal(t, want, redact.URL(u).String())
		assert.Equal(t, raw, u.String(), "the URL itself is not changed")
		assert.Equal(t, want, redact.URLString(raw))
	}
	assert.Equal(t, "https://a.b/%zz?[redacted]", redact.URLString("https://a.b/%zz?access_token=abc"))
	assert.NotContains(t, redact.URLString("https://a.b/#access_token=abc&x=1"), "abc")
}

func TestErrKeepsWhatProgramsDecideUpon(t *testing.T) {
	t.Parallel()
	require.NoError(t, redact.Err(nil))
	clean := fmt.Errorf("call: %w", io.EOF)
	assert.Same(t, clean, redact.Err(clean, token), "a clean error is returned as it is")

	target := "https://graph.facebook.com/me?access_token=" + token + "&code=s3"
	for name, inner := range map[string]error{
		"cancelled":   context.Canceled,
		"deadline":    context.DeadlineExceeded,
		"end of file": io.ErrUnexpectedEOF,
		"refused":     &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED},
		"text":        errors.New("cannot use " + token),
		"dirty":       &dirtyError{},
	} {
		for _, err := range []error{
			&url.Error{Op: "Get", URL: target, Err: inner},
			fmt.Errorf("call: %w", &url.Error{Op: "Get", URL: target, Err: inner}),
			errors.Join(io.ErrClosedPipe, fmt.Errorf("got %s: %w", target, inner)),
		} {
			got := redact.Err(err)
			for _, text := range everyPrint(got) {
				assert.NotContains(t, text, token, name)
				assert.NotContains(t, text, "code=s3", name)
			}
			require.ErrorIs(t, got, inner, name)
			assert.Equal(t, errors.Is(err, syscall.ECONNREFUSED), errors.Is(got, syscall.ECONNREFUSED), name)
			var before, after net.Error
			if errors.As(err, &before) {
				if assert.ErrorAs(t, got, &after, name) {
					assert.Equal(t, before.Timeout(), after.Timeout(), name)
				}
			}
		}
	}
	got := redact.Err(fmt.Errorf("exchange: %w", &url.Error{Op: "Post", URL: "https://a.b/?code=s3", Err: io.EOF}))
	assert.Equal(t, `exchange: Post "https://a.b/?code=[redacted]": EOF`, got.Error())
	u, ok := errors.AsType[*url.Error](got)
	require.True(t, ok)
	assert.Equal(t, "https://a.b/?code=[redacted]", u.URL)
}

// dirtyError cannot be compared, and is a timeout.
type dirtyError []string

func (*dirtyError) Error() string   { return "dirty " + token }
func (*dirtyError) Timeout() bool   { return true }
func (*dirtyError) Temporary() bool { return true }

func TestErrTakesErrorsThatCannotBeCompared(t *testing.T) {
	t.Parallel()
	err := redact.Err(errors.Join(listError{"a"}, listError{token}))
	require.Error(t, err)
	assert.NotContains(t, err.Error(), token)
}

type listError []string

func (e listError) Error() string { return strings.Join(e, " ") }

// everyPrint returns all that printing err and the errors inside of it shows.
func everyPrint(err error) []string {
	if err == nil {
		return nil
	}
	var all []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		all = append(all, fmt.Sprintf(verb, err))
	}
	switch e := err.(type) { //nolint:errorlint // this walks
	case interface{ Unwrap() error }:
		all = append(all, everyPrint(e.Unwrap())...)
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			all = append(all, everyPrint(inner)...)
		}
	}
	return all
}

func TestTextTakesTimeInProportion(t *testing.T) {
	t.Parallel()
	for _, piece := range []string{"state=", "code:", "12345|", "access_token=\"", "IG", "bearer ", "\\", "%22", "token%3D"} {
		began := time.Now()
		redact.Text(strings.Repeat(piece, 1<<20/len(piece)), token)
		assert.Less(t, time.Since(began), 10*time.Second, piece)
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"access_token=%s", `{"x":"%s"}`, "a%sb", "%s|%s", "code%%3D%s", `\"token\":\"%s\"`, "Bearer %s"} {
		f.Add(s, token)
	}
	f.Add("=%s=", "aaaa")
	f.Fuzz(func(t *testing.T, s, secret string) {
		if len(secret) < 4 || strings.Contains(redact.Mark, secret) || //nolint:gocritic // a part of the mark is no secret
			len(s)+strings.Count(s, "%s")*len(secret) > 1<<14 {
			t.Skip()
		}
		text := strings.ReplaceAll(s, "%s", secret)
		got := redact.Text(text, secret)
		if strings.Contains(got, secret) && !strings.Contains(strings.ReplaceAll(got, redact.Mark, "\x00"), secret) {
			t.Skip() // the mark and its neighbours happen to spell it
		}
		assert.NotContains(t, got, secret)
		assert.LessOrEqual(t, len(got), 3*len(text)+len(redact.Mark))
		redact.URLString(text, secret)
		assert.NotContains(t, redact.Err(errors.New(text), secret).Error(), secret)
	})
}

func BenchmarkText(b *testing.B) {
	const message = "Error validating access token: The session has been invalidated because the user changed their password or Facebook has changed the session for security reasons."
	b.ReportAllocs()
	for b.Loop() {
		redact.Text(message, token)
	}
}

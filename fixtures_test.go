package instagram

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// wireCase is a line of testdata/wire.jsonl: something that Meta's servers
// have sent, and what a client should make of it.
type wireCase struct {
	ID, Kind string
	Request  struct{ Method, Host, Path string }
	Response struct {
		Status  int
		Headers map[string]string
		Body    string
	}
	CallbackURL string `json:"callback_url"`
	Expect      wireExpect
}

type wireExpect struct {
	Code              json.RawMessage // a number of errors, a string of callbacks
	Subcode           *int
	Type, Message     *string
	TraceID           *string `json:"fbtrace_id"`
	UserTitle         *string `json:"user_title"`
	IsTransient       *bool   `json:"is_transient"`
	Class             string
	ClassAlternatives []string `json:"class_alternatives"`
	Retryable         bool
	NeedsReauth       bool     `json:"needs_reauth"`
	DataKeys          []string `json:"error_data_keys"`
	DataIsString      bool     `json:"error_data_is_string"`
	MaxPercent        *float64 `json:"max_percent"`
	UsageMaxPercent   *float64 `json:"usage_max_percent"`
	WaitSeconds       *float64 `json:"wait_seconds"`
	Error             json.RawMessage
	ErrorReason       *string `json:"error_reason"`
	ErrorDescription  *string `json:"error_description"`
	ErrorCode         *string `json:"error_code"`
	Note              string  `json:"expect_note"`

	AccessToken         *string         `json:"access_token"`
	UserID              *string         `json:"user_id"`
	ExpiresIn           *int64          `json:"expires_in"`
	Permissions         []Scope         `json:"permissions"`
	State               *string         `json:"state"`
	Valid               bool            `json:"is_valid"`
	AppID               *string         `json:"app_id"`
	ProfileID           *string         `json:"profile_id"`
	ExpiresAt           *int64          `json:"expires_at"`
	DataAccessExpiresAt *int64          `json:"data_access_expires_at"`
	IssuedAt            *int64          `json:"issued_at"`
	NeverExpires        bool            `json:"never_expires"`
	Scopes              []Scope         `json:"scopes"`
	GranularScopes      json.RawMessage `json:"granular_scopes"`
	ID                  *string         `json:"id"`
	Username            *string         `json:"username"`
}

// wireCases returns the cases of some kinds, by ID.
func wireCases(tb testing.TB, kinds ...string) map[string]wireCase {
	tb.Helper()
	f, err := os.Open("testdata/wire.jsonl")
	require.NoError(tb, err)
	defer f.Close()
	cases := map[string]wireCase{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c wireCase
		require.NoError(tb, json.Unmarshal(lines.Bytes(), &c), lines.Text())
		if slices.Contains(kinds, c.Kind) {
			cases[c.ID] = c
		}
	}
	require.NoError(tb, lines.Err())
	require.NotEmpty(tb, cases)
	return cases
}

// TestEveryKindOfCaseIsTried counts, so that no case is passed over in silence.
// The kinds are those that the tests beginning with TestRecorded go through, and
// those of the callbacks that Meta makes.
func TestEveryKindOfCaseIsTried(t *testing.T) {
	t.Parallel()
	tried := map[string]int{
		"graph_error": 73, "oauth_token_error": 22, "usage_header": 16, "callback_query": 8, "token_response": 8,
		"debug_token": 5, "success": 4, "signed_request": 4, "webhook": 4,
	}
	found := map[string]int{}
	for _, c := range wireCases(t, slices.Collect(maps.Keys(tried))...) {
		found[c.Kind]++
	}
	assert.Equal(t, tried, found)
	lines, err := os.ReadFile("testdata/wire.jsonl")
	require.NoError(t, err)
	assert.Equal(t, 144, bytes.Count(lines, []byte("\n")))
}

// response returns the case as net/http would; an unknown status is 400.
func (c wireCase) response() *http.Response {
	h := http.Header{}
	for name, value := range c.Response.Headers {
		h.Set(name, value)
	}
	status := c.Response.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	resp := answer(status, h, c.Response.Body)
	if c.Request.Host != "" {
		method := c.Request.Method
		if method == "" {
			method = http.MethodGet
		}
		resp.Request = &http.Request{Method: method, Header: http.Header{}, URL: &url.URL{Scheme: "https", Host: c.Request.Host, Path: c.Request.Path}}
	}
	return resp
}

// answer returns a response whose length is not known.
func answer(status int, h http.Header, body string) *http.Response {
	if h == nil {
		h = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: -1}
}

func readAll(tb testing.TB, r io.Reader) string {
	tb.Helper()
	var b bytes.Buffer
	_, err := b.ReadFrom(r)
	require.NoError(tb, err)
	return b.String()
}

// classOf returns the class of the fixtures that an error belongs to.
func classOf(tb testing.TB, err error) string {
	tb.Helper()
	var matches []string
	for name, sentinel := range classNames() {
		if errorsIs(err, sentinel) {
			matches = append(matches, name)
		}
	}
	switch len(matches) {
	case 0:
		return "unknown"
	case 1:
		return matches[0]
	}
	require.Failf(tb, "more than one class", "%v: %v", matches, err)
	return ""
}

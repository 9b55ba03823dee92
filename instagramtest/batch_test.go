package instagramtest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return text
}

func TestBatch(t *testing.T) {
	t.Parallel()
	s := newScene(t, WithAppLimit(100, 0))
	batch := func(parts string, more ...string) got {
		return send(t, s.Platform, "POST", fbGraph+"/", append([]string{"batch", parts, "access_token", s.user}, more...)...)
	}
	g := batch(`[{"method":"GET","relative_url":"`+DefaultAccountID+`?fields=username"},
		{"method":"GET","relative_url":"v25.0/1"},
		{"method":"POST","relative_url":"`+DefaultAccountID+`/media","body":"image_url=https%3A%2F%2Fx.example%2Fa.jpg"}]`, "include_headers", "false")
	require.Equal(t, 200, g.status, g.text)
	assert.Equal(t, "text/javascript; charset=UTF-8", g.header.Get("Content-Type"))
	var parts []struct {
		Code    int
		Headers []struct{ Name, Value string }
		Body    string
	}
	require.NoError(t, json.Unmarshal([]byte(g.text), &parts))
	assert.Equal(t, 200, parts[0].Code)
	assertText(t, `{"username":"seed_and_bloom","id":"`+DefaultAccountID+`"}`, parts[0].Body)
	assert.Empty(t, parts[0].Headers)
	assert.Equal(t, 400, parts[1].Code, "each fails for itself")
	assert.Contains(t, parts[1].Body, `"error_subcode":33`)
	assert.Equal(t, 200, parts[2].Code)
	assert.EqualValues(t, 3, s.Served(), "each part counts, and the whole does not")
	assert.Len(t, s.Requests("GET", "/"+DefaultAccountID), 1, "each is a request of its own")

	s.On("GET", "/me").Once(Answer{Refuse: true}).Once(Failing(2, 0))
	g = batch(`[{"method":"GET","relative_url":"me"},{"method":"GET","relative_url":"me"},{"relative_url":"/me?fields=id"}]`)
	var answers []map[string]any
	require.NoError(t, json.Unmarshal([]byte(g.text), &answers))
	assert.Nil(t, answers[0], "what Meta did not get to")
	assert.EqualValues(t, 500, answers[1]["code"])
	assert.EqualValues(t, 200, answers[2]["code"])
	assert.Contains(t, string(mustJSON(t, answers[2]["headers"])), `{"name":"X-App-Usage","value":"{\"call_count\":4`)
}

func TestBatchRefusals(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	try := func(to, parts, token string) [2]int {
		return send(t, s.Platform, "POST", to, "batch", parts, "access_token", token).fault()
	}
	one := `{"method":"GET","relative_url":"me"}`
	assert.Equal(t, [2]int{190, 0}, try(fbGraph+"/", "["+one+"]", "EAAnobody"))
	assert.Equal(t, [2]int{100, 0}, try(fbGraph+"/", `{}`, s.user))
	assert.Equal(t, [2]int{100, 0}, try(fbGraph+"/", `[]`, s.user))
	assert.Equal(t, [2]int{100, 0}, try(fbGraph+"/", `[{"relative_url":"%zz"}]`, s.user))
	assert.Equal(t, [2]int{100, 0}, try(fbGraph+"/", "["+strings.Repeat(one+",", 50)+one+"]", s.user), "fifty-one")
	assert.Equal(t, 500, send(t, s.Platform, "POST", igGraph+"/", "batch", "["+one+"]", "access_token", s.ig).status, "there are none on this host")
}

package instagram_test

// This file answers: how many allocations does a call cost beside the same one
// through a bare http.Client? What it costs in time is for bench/ to report.

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
)

// stub answers every request at once.
type stub struct{ header http.Header }

func (s stub) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/2.0", ProtoMajor: 2, Header: s.header, ContentLength: -1, Request: req,
		Body: io.NopCloser(strings.NewReader(`{"id":"17841405793187218","username":"example"}`)),
	}, nil
}

// allocations of a GET whose answer is read to its end.
func allocations(t *testing.T, client *http.Client) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://graph.instagram.com/v26.0/me?fields=id", http.NoBody)
	require.NoError(t, err)
	buffer := make([]byte, 512)
	return int(testing.AllocsPerRun(2000, func() {
		resp, err := client.Do(req)
		if err != nil {
			panic(err)
		}
		for err == nil {
			_, err = resp.Body.Read(buffer)
		}
		resp.Body.Close()
	}))
}

func TestASignedPacedRetriedCallCostsFiveAllocationsMore(t *testing.T) {
	plain := http.Header{"Content-Type": {"application/json"}, "X-Fb-Trace-Id": {"Gg"}, "Facebook-Api-Version": {instagram.DefaultVersion}}
	usage := plain.Clone()
	usage.Set("X-App-Usage", `{"call_count":1,"total_cputime":2,"total_time":1}`)
	usage.Set("X-Business-Use-Case-Usage", `{"17841405793187641":[{"type":"instagram","call_count":1,"total_cputime":1,"total_time":1,"estimated_time_to_regain_access":0}]}`)
	another := plain.Clone()
	another.Set("Facebook-Api-Version", "v99.0")

	for name, test := range map[string]struct {
		header http.Header
		most   int
	}{
		"an answer without usage headers":     {plain, 5},
		"an answer with usage headers":        {usage, 7},
		"an answer of another Graph version":  {another, 5},
		"an answer with no header worth note": {http.Header{}, 5},
	} {
		bare := &http.Client{Transport: stub{test.header}}
		client, err := instagram.New(instagramConfig(), instagram.WithTransport(stub{test.header}))
		require.NoError(t, err)
		signed := client.HTTPClient(instagram.StaticToken(token()))
		if raceDetector {
			test.most++
		}
		assert.LessOrEqual(t, allocations(t, signed)-allocations(t, bare), test.most, name)
	}
}

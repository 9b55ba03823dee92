package instagramtest

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestUploadsThatBreakOff(t *testing.T) {
	t.Parallel()
	type request struct {
		offset, bytes int
		status        int    // 0: the connection breaks
		text          string // in the answer
	}
	const size = 100
	tests := map[string]struct {
		plan     []UploadPlan
		requests []request
		phase    string
		taken    int
		status   string
	}{
		"at once":           {requests: []request{{0, 100, 200, "Upload successful"}}, phase: "complete", taken: 100, status: "FINISHED"},
		"in two":            {requests: []request{{0, 40, 206, "PartialRequestError"}, {40, 60, 200, ""}}, phase: "complete", taken: 100, status: "FINISHED"},
		"from a wrong byte": {requests: []request{{0, 40, 206, ""}, {41, 59, 412, "OffsetInvalidError"}}, phase: "in_progress", taken: 40, status: "IN_PROGRESS"},
		"broken": {
			plan: []UploadPlan{{Break: 30}}, requests: []request{{0, 100, 0, ""}, {30, 70, 200, ""}},
			phase: "complete", taken: 100, status: "FINISHED",
		},
		"refused for now":   {plan: []UploadPlan{{Fail: "ProcessingFailedError", Retriable: true}}, requests: []request{{0, 100, 400, `"retriable":true`}}, phase: "not_started", status: "IN_PROGRESS"},
		"refused for good":  {plan: []UploadPlan{{Fail: "ProcessingFailedError", Kill: true}}, requests: []request{{0, 100, 400, `"retriable":false`}, {0, 100, 400, ""}}, phase: "error", status: "ERROR"},
		"refused and taken": {plan: []UploadPlan{{Fail: "ProcessingFailedError", Keep: true}}, requests: []request{{0, 100, 400, ""}}, phase: "complete", taken: 100, status: "FINISHED"},
		"nothing sent":      {phase: "not_started", status: "IN_PROGRESS"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.PlanUploads(tt.plan...)
			made := send(t, s.Platform, "POST", fbGraph+"/"+DefaultAccountID+"/media", "media_type", "REELS", "upload_type", "resumable", "access_token", s.user)
			for _, r := range tt.requests {
				req, err := http.NewRequestWithContext(t.Context(), "POST", made.field(t, "uri").(string), strings.NewReader(strings.Repeat("x", r.bytes)))
				require.NoError(t, err)
				req.Header.Set("Authorization", "OAuth "+s.user)
				req.Header.Set("Offset", strconv.Itoa(r.offset))
				req.Header.Set("File_size", strconv.Itoa(size))
				if r.status == 0 {
					_, err := s.Transport().RoundTrip(req)
					require.Error(t, err)
					continue
				}
				g := do(t, s.Platform, req)
				assert.Equal(t, r.status, g.status, g.text)
				assert.Contains(t, g.text, r.text)
			}
			state := send(t, s.Platform, "GET", fbGraph+"/"+made.field(t, "id").(string), "fields", "status_code,status,video_status", "access_token", s.user)
			assert.Equal(t, tt.phase, state.field(t, "video_status", "uploading_phase", "status"))
			assert.EqualValues(t, tt.taken, state.field(t, "video_status", "uploading_phase", "bytes_transferred"))
			assert.Equal(t, tt.status, state.field(t, "status_code"))
		})
	}
}

func TestUploadFromAURL(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	made := send(t, s.Platform, "POST", fbGraph+"/"+DefaultAccountID+"/media", "media_type", "REELS", "upload_type", "resumable", "access_token", s.user)
	req, err := http.NewRequestWithContext(t.Context(), "POST", made.field(t, "uri").(string), http.NoBody)
	require.NoError(t, err)
	req.Header.Set("Authorization", "OAuth "+s.user)
	assert.Equal(t, 400, do(t, s.Platform, req).status, "neither bytes nor a URL")
	req.Header.Set("File_url", "https://x.example/a.mp4")
	assert.Equal(t, 200, do(t, s.Platform, req).status)
	plain := send(t, s.Platform, "POST", fbGraph+"/"+DefaultAccountID+"/media", "image_url", "https://x.example/a.jpg", "access_token", s.user)
	state := send(t, s.Platform, "GET", fbGraph+"/"+plain.field(t, "id").(string), "fields", "video_status", "access_token", s.user)
	assert.NotContains(t, state.text, "video_status")
}

package instagram_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

const videoSize = 300_000

// videoFile returns a file that stands for a video.
func videoFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "reel.mp4")
	require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("0123456789"), videoSize/10), 0o600))
	return path
}

func upload(path string) instagram.Post {
	return instagram.Post{Caption: "from a file", Media: []instagram.PostMedia{{Upload: &instagram.Upload{Path: path}}}}
}

func uploads(meta *instagramtest.Platform) (offsets []string) {
	for _, r := range meta.Requests("POST", "rupload.facebook.com/ig-api-upload/*/*") {
		offsets = append(offsets, r.Header.Get("Offset"))
	}
	return offsets
}

func TestUploadOverALineThatBreaks(t *testing.T) {
	t.Parallel()
	dead := instagramtest.UploadPlan{Fail: "ProcessingFailedError", Kill: true}
	tests := map[string]struct {
		plan    []instagramtest.UploadPlan
		script  func(*instagramtest.Platform)
		offsets []string
		made    int // containers
		want    error
	}{
		"at once":     {offsets: []string{"0"}, made: 1},
		"broken once": {plan: []instagramtest.UploadPlan{{Break: 100_000}}, offsets: []string{"0", "100000"}, made: 1},
		"broken again and again": {
			plan:    []instagramtest.UploadPlan{{Break: 50_000}, {Break: 50_000}, {Break: 1}, {Break: 99_999}},
			offsets: []string{"0", "50000", "100000", "100001", "200000"}, made: 1,
		},
		"refused, and to be tried again":     {plan: []instagramtest.UploadPlan{{Fail: "ProcessingFailedError", Retriable: true}}, offsets: []string{"0", "0"}, made: 1},
		"refused for good, and taken anyhow": {plan: []instagramtest.UploadPlan{{Fail: "ProcessingFailedError", Keep: true}}, offsets: []string{"0"}, made: 1},
		"refused for good":                   {plan: []instagramtest.UploadPlan{dead}, offsets: []string{"0", "0"}, made: 2},
		"refused for good by every container": {
			plan: []instagramtest.UploadPlan{dead, dead, dead}, offsets: []string{"0", "0", "0"}, made: 3, want: errAny,
		},
		"no answer, and all of it there": {
			script: func(p *instagramtest.Platform) {
				p.On("POST", "rupload.facebook.com/ig-api-upload/*/*").Once(instagramtest.Answer{Lose: true})
			},
			offsets: []string{"0"}, made: 1,
		},
		"an answer that is none": {
			script: func(p *instagramtest.Platform) {
				p.On("POST", "rupload.facebook.com/ig-api-upload/*/*").Once(instagramtest.Answer{Body: `{"success":false}`, Instead: true})
			},
			offsets: []string{"0"}, made: 1,
		},
		"no connection for a while": {
			script: func(p *instagramtest.Platform) {
				p.On("POST", "rupload.facebook.com/ig-api-upload/*/*").Times(3, instagramtest.Answer{Refuse: true})
			},
			offsets: []string{"0", "0", "0", "0"}, made: 1,
		},
		"no connection at all": {
			script: func(p *instagramtest.Platform) {
				p.On("POST", "rupload.facebook.com/ig-api-upload/*/*").Always(instagramtest.Answer{Refuse: true})
			},
			offsets: []string{"0", "0", "0", "0", "0", "0"}, made: 1, want: errAny,
		},
		"a token that dies": {
			script: func(p *instagramtest.Platform) {
				p.On("POST", "rupload.facebook.com/ig-api-upload/*/*").Once(instagramtest.Failing(190, 463))
			},
			offsets: []string{"0"}, made: 1, want: instagram.ErrTokenInvalid,
		},
		"a host that does not know how far it is": {
			script: func(p *instagramtest.Platform) {
				p.On("POST", "rupload.facebook.com/ig-api-upload/*/*").Once(instagramtest.Answer{Lose: true})
				p.On("GET", "/*").Func(func(r instagramtest.Request) instagramtest.Answer {
					if r.Query.Get("fields") == "id,status_code,status,video_status" {
						return instagramtest.Failing(100, 0)
					}
					return instagramtest.Answer{}
				})
			},
			offsets: []string{"0"}, made: 1,
		},
		"a status that is not told": {
			plan: []instagramtest.UploadPlan{{Break: 100_000}},
			script: func(p *instagramtest.Platform) {
				n := 0
				p.On("GET", "/*").Func(func(r instagramtest.Request) instagramtest.Answer {
					if n++; n < 3 && r.Query.Get("fields") == "id,status_code,status,video_status" {
						return instagramtest.Failing(2, 0)
					}
					return instagramtest.Answer{}
				})
			},
			offsets: []string{"0", "100000"}, made: 1,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := videoFile(t)
			synctest.Test(t, func(t *testing.T) {
				meta := instagramtest.New()
				meta.PlanUploads(tt.plan...)
				if tt.script != nil {
					tt.script(meta)
				}
				account := accountOf(t, newClient(t, facebookConfig(), meta), meta, instagram.FacebookLogin)
				var mu sync.Mutex
				var sent int64
				out, err := account.Publish(t.Context(), upload(path), instagram.UploadProgress(func(n, total int64) {
					mu.Lock()
					defer mu.Unlock()
					sent = n
					assert.EqualValues(t, videoSize, total)
				}))
				assert.Equal(t, tt.offsets, uploads(meta))
				assert.Len(t, meta.Requests("POST", "/*/media"), tt.made)
				if tt.want != nil {
					require.Error(t, err)
					if !errors.Is(tt.want, errAny) {
						require.ErrorIs(t, err, tt.want)
					}
					_, resumable := errors.AsType[*instagram.PublishError](err)
					assert.True(t, resumable)
					assert.Empty(t, meta.Published(instagramtest.DefaultAccountID))
					return
				}
				require.NoError(t, err)
				assert.EqualValues(t, videoSize, sent)
				truth := meta.Published(instagramtest.DefaultAccountID)
				require.Len(t, truth, 1)
				assert.Equal(t, truth[0].ID, out.MediaID)
				assert.Equal(t, "VIDEO", truth[0].Type)
				for _, r := range meta.Requests("POST", "rupload.facebook.com/ig-api-upload/*/*") {
					assert.Regexp(t, "^OAuth EAA", r.Header.Get("Authorization"))
					assert.Equal(t, "300000", r.Header.Get("File_size"))
					assert.Empty(t, r.Query, "no proof: it is not documented there")
				}
			})
		})
	}
}

var errAny = errors.New("any error")

// A process that dies in the middle of an upload leaves a ticket; another one
// goes on from the byte at which the platform is.
func TestUploadGoesOnInAnotherProcess(t *testing.T) {
	t.Parallel()
	path := videoFile(t)
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New()
		account := accountOf(t, newClient(t, facebookConfig(), meta), meta, instagram.FacebookLogin)
		meta.PlanUploads(instagramtest.UploadPlan{Break: 123_456})
		ctx, cancel := context.WithCancel(t.Context())
		var saved []byte
		_, err := account.Publish(ctx, upload(path), instagram.SaveTicket(func(_ context.Context, ticket *instagram.PublishTicket) error {
			var err error
			saved, err = json.Marshal(ticket)
			return err
		}), instagram.UploadProgress(func(int64, int64) { cancel() }))
		require.ErrorIs(t, err, context.Canceled)

		time.Sleep(time.Hour)
		var ticket instagram.PublishTicket
		require.NoError(t, json.Unmarshal(saved, &ticket))
		assert.Equal(t, instagram.StepProcessing, ticket.Step)
		other := accountOf(t, newClient(t, facebookConfig(), meta), meta, instagram.FacebookLogin)
		_, err = other.ResumePublish(t.Context(), ticket)
		require.NoError(t, err)
		assert.Equal(t, "123456", uploads(meta)[1])
		assert.Len(t, meta.Requests("POST", "/*/media"), 1)
		assert.Len(t, meta.Published(instagramtest.DefaultAccountID), 1)
	})
}

func TestUploadFromMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New()
		account := accountOf(t, newClient(t, facebookConfig(), meta), meta, instagram.FacebookLogin)
		content := &instagram.Upload{Content: bytes.NewReader(make([]byte, 1000)), Size: 1000}
		post := instagram.Post{Media: []instagram.PostMedia{
			{Upload: content}, {ImageURL: "https://cdn.example.com/a.jpg"}, {Upload: content},
		}}
		_, err := account.Publish(t.Context(), post)
		require.NoError(t, err)
		assert.Len(t, uploads(meta), 2, "the videos of a carousel")

		var saved []byte
		meta.PlanUploads(instagramtest.UploadPlan{Break: 10})
		failed := errors.New("disk full")
		_, err = account.Publish(t.Context(), instagram.Post{Media: post.Media[:1]}, instagram.SaveTicket(func(_ context.Context, ticket *instagram.PublishTicket) error {
			saved, _ = json.Marshal(ticket)
			if ticket.Step == instagram.StepProcessing {
				return failed
			}
			return nil
		}))
		require.ErrorIs(t, err, failed)
		var ticket instagram.PublishTicket
		require.NoError(t, json.Unmarshal(saved, &ticket))
		_, err = account.ResumePublish(t.Context(), ticket)
		require.ErrorContains(t, err, "give it again")
		ticket.Post.Media[0].Upload.Content = content.Content
		_, err = account.ResumePublish(t.Context(), ticket)
		require.NoError(t, err)
		assert.Len(t, meta.Published(instagramtest.DefaultAccountID), 2)
	})
}

func TestUploadThatCannotBe(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty.mp4")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	changed := upload(videoFile(t))
	changed.Media[0].Upload.Size = 5
	for name, post := range map[string]instagram.Post{
		"a file that is not there": upload("/nowhere/reel.mp4"),
		"an empty file":            upload(empty),
		"a directory":              upload(t.TempDir()),
		"another file":             changed,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			meta := instagramtest.New()
			account := accountOf(t, newClient(t, facebookConfig(), meta), meta, instagram.FacebookLogin)
			_, err := account.Publish(t.Context(), post)
			require.ErrorIs(t, err, instagram.ErrInvalidRequest)
			assert.Empty(t, uploads(meta))
		})
	}
}

// Meta documents uploads for Facebook Login; what Instagram Login answers does
// not say so.
func TestUploadOnInstagramLogin(t *testing.T) {
	t.Parallel()
	path := videoFile(t)
	synctest.Test(t, func(t *testing.T) {
		meta := instagramtest.New()
		account := accountOf(t, newClient(t, instagramConfig(), meta), meta, instagram.InstagramLogin)
		_, err := account.Publish(t.Context(), upload(path))
		require.ErrorIs(t, err, instagram.ErrInvalidRequest)
		require.ErrorContains(t, err, "give a VideoURL")

		meta = instagramtest.New(instagramtest.WithQuirks(instagramtest.Quirks{AcceptResumable: true}))
		account = accountOf(t, newClient(t, instagramConfig(), meta), meta, instagram.InstagramLogin)
		_, err = account.Publish(t.Context(), upload(path))
		require.NoError(t, err)
	})
}

// Where to send the bytes is Meta's to say, on Meta's host.
func TestUploadIsNotLedAway(t *testing.T) {
	t.Parallel()
	path := videoFile(t)
	synctest.Test(t, func(t *testing.T) {
		for _, uri := range []string{"https://evil.example/ig-api-upload/v26.0/1", "http://rupload.facebook.com/x", "%zz", ""} {
			meta := instagramtest.New()
			account := accountOf(t, newClient(t, facebookConfig(), meta), meta, instagram.FacebookLogin)
			meta.On("POST", "/*/media").Once(instagramtest.Answer{Body: `{"id":"17900000000000001","uri":"` + uri + `"}`, Instead: true})
			_, err := account.Publish(t.Context(), upload(path))
			require.NoError(t, err)
			sent := meta.Requests("POST", "rupload.facebook.com/ig-api-upload/*/*")
			require.Len(t, sent, 1)
			assert.Equal(t, "/ig-api-upload/v26.0/17900000000000001", sent[0].Path)
		}
	})
}

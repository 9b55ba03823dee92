package instagram_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

// storm is a line to the fake on which much goes wrong.
type storm struct {
	meta   http.RoundTripper
	mu     sync.Mutex
	random *rand.Rand
	count  map[string]int
}

func (s *storm) roll() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.random.Float64()
}

func (s *storm) note(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count[what]++
}

func (s *storm) RoundTrip(req *http.Request) (*http.Response, error) {
	delay := time.NewTimer(time.Duration(s.roll() * float64(300*time.Millisecond)))
	defer delay.Stop()
	select {
	case <-delay.C:
	case <-req.Context().Done():
		return nil, context.Cause(req.Context())
	}
	if !strings.HasSuffix(req.URL.Path, "/media_publish") {
		return s.elsewhere(req)
	}
	s.note("requests to publish")
	return s.atPublishing(req)
}

// atPublishing fails before or after the platform has done what was asked.
func (s *storm) atPublishing(req *http.Request) (*http.Response, error) {
	const spam = `{"error":{"message":"Application request limit reached","type":"OAuthException","is_transient":false,"code":4,"error_subcode":2207051,"fbtrace_id":"A"}}`
	const fault = `{"error":{"message":"An unexpected error has occurred. Please retry your request later.","type":"OAuthException","is_transient":true,"code":2,"fbtrace_id":"A"}}`
	const throttle = `{"error":{"message":"(#4) Application request limit reached","type":"OAuthException","is_transient":true,"code":4,"fbtrace_id":"A"}}`
	switch roll := s.roll(); {
	case roll < 0.10:
		s.note("reset before it was read")
		return nil, reset()
	case roll < 0.18:
		s.note("500 and not out")
		return answer(req, 500, fault), nil
	case roll < 0.23:
		s.note("throttled")
		return answer(req, 403, throttle), nil
	case roll < 0.25:
		s.note("throttled by a proxy")
		return answer(req, 429, "slow down"), nil
	case roll < 0.27:
		s.note("no connection")
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	res, err := s.meta.RoundTrip(req)
	if err != nil || res.StatusCode != http.StatusOK {
		return res, err
	}
	switch roll := s.roll(); {
	case roll < 0.15:
		s.note("out, and the answer lost")
		return nil, reset()
	case roll < 0.25:
		s.note("out, and answered with 500")
		return answer(req, 500, fault), nil
	case roll < 0.30:
		s.note("out, and judged as spam")
		return answer(req, 403, spam), nil
	case roll < 0.34:
		s.note("out, and the answer cut off")
		return answer(req, 200, `{"id":"18`), nil
	case roll < 0.37:
		s.note("out, and answered by a proxy")
		return answer(req, 502, "<html><title>Bad Gateway</title></html>"), nil
	}
	return res, nil
}

func (s *storm) elsewhere(req *http.Request) (*http.Response, error) {
	switch roll := s.roll(); {
	case roll < 0.03:
		s.note("elsewhere: reset")
		return nil, reset()
	case roll < 0.06:
		s.note("elsewhere: 503")
		return answer(req, 503, ""), nil
	case roll < 0.07:
		s.note("elsewhere: throttled")
		return answer(req, 400, `{"error":{"message":"(#80002) There have been too many calls to this Instagram account.","type":"OAuthException","code":80002}}`), nil
	}
	res, err := s.meta.RoundTrip(req)
	if err == nil && s.roll() < 0.02 {
		s.note("elsewhere: done, and the answer lost")
		return nil, reset()
	}
	return res, err
}

func reset() error { return &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET} }

func answer(req *http.Request, status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)), Request: req,
	}
}

// TestPublishingUnderFaults publishes two thousand posts over a line that loses
// requests and answers, with a platform that fails and throttles, by processes
// that die at any moment. Each is out once.
func TestPublishingUnderFaults(t *testing.T) {
	t.Parallel()
	const posts, accounts, workers = 2000, 40, 16
	synctest.Test(t, func(t *testing.T) {
		// Meta does not say what a second request for one container does: here it is the worst.
		meta := instagramtest.New(instagramtest.WithoutRecording(), instagramtest.WithQuirks(instagramtest.Quirks{PublishedTwice: true}))
		line := &storm{meta: meta.Transport(), random: rand.New(rand.NewPCG(1, 2)), count: map[string]int{}}
		var names []string
		var tokens []*instagram.Token
		for _, a := range meta.AddAccounts(accounts) {
			issued, err := meta.IssueToken(instagramtest.TokenSpec{Kind: instagramtest.LongLived, Account: a.ID})
			require.NoError(t, err)
			names = append(names, a.ID)
			tokens = append(tokens, &instagram.Token{
				AccessToken: instagram.NewSecret(issued.Value), Kind: instagram.LongLived, AccountID: a.ID,
			})
		}
		began := time.Now()
		media := make([]string, posts)
		work := make(chan int)
		var group sync.WaitGroup
		for range workers {
			group.Go(func() {
				for i := range work {
					media[i] = publishSomehow(t, line, tokens[i%accounts], fmt.Sprintf("post %d", i))
				}
			})
		}
		for i := range posts {
			work <- i
		}
		close(work)
		group.Wait()

		out := map[string][]string{}
		for _, account := range names {
			for _, m := range meta.Published(account) {
				out[m.Caption] = append(out[m.Caption], m.ID)
			}
		}
		twice := 0
		for i := range posts {
			ids := out[fmt.Sprintf("post %d", i)]
			if assert.NotEmpty(t, ids, "post %d is lost", i) && len(ids) > 1 {
				twice++
			}
			assert.Equal(t, []string{media[i]}, ids, "post %d", i)
		}
		assert.Len(t, out, posts)
		assert.Zero(t, twice)
		for what, least := range map[string]int{
			"requests to publish": posts, "restarts": posts / 4, "killed": 50, "died before a ticket was written": 100, "died after it": 100,
			"reset before it was read": 100, "500 and not out": 100, "throttled": 50, "throttled by a proxy": 20, "no connection": 20,
			"out, and the answer lost": 100, "out, and answered with 500": 100, "out, and judged as spam": 50,
			"out, and the answer cut off": 50, "out, and answered by a proxy": 30,
			"elsewhere: reset": 100, "elsewhere: 503": 100, "elsewhere: throttled": 50, "elsewhere: done, and the answer lost": 100,
		} {
			assert.GreaterOrEqual(t, line.count[what], least, "%s: a storm that does not blow shows nothing", what)
		}
		t.Logf("%d posts in %v of the fake's time, each out once: %v", posts, time.Since(began).Round(time.Second), line.count)
	})
}

// publishSomehow is a program that keeps its ticket in a database and is
// started again whenever it dies.
func publishSomehow(t *testing.T, line *storm, tok *instagram.Token, caption string) string {
	t.Helper()
	var database []byte
	for start := range 300 {
		ctx, cancel := context.WithCancel(context.Background())
		if line.roll() < 0.05 { // the process is killed in the middle of something
			ctx, cancel = context.WithTimeout(ctx, time.Duration(line.roll()*float64(3*time.Second)))
			line.note("killed")
		}
		out, err := publishOnce(ctx, line, tok, caption, &database)
		cancel()
		if start > 0 {
			line.note("restarts")
		}
		if err == nil && out.MediaID != "" {
			return out.MediaID
		}
		pause := time.Second
		if limited, ok := errors.AsType[*instagram.RateLimitError](err); ok {
			pause = max(limited.RetryAfter, time.Minute)
		}
		time.Sleep(pause)
	}
	assert.Fail(t, "never published", caption)
	return ""
}

func publishOnce(ctx context.Context, line *storm, tok *instagram.Token, caption string, database *[]byte) (*instagram.Publication, error) {
	client, err := instagram.New(instagramConfig(), instagram.WithTransport(line))
	if err != nil {
		return nil, err
	}
	account := client.With(instagram.StaticToken(tok))
	died := errors.New("the process died")
	save := instagram.SaveTicket(func(_ context.Context, ticket *instagram.PublishTicket) error {
		roll := line.roll()
		if roll < 0.03 {
			line.note("died before a ticket was written")
			return died
		}
		text, err := json.Marshal(ticket)
		if err != nil || bytes.Contains(text, []byte(tok.AccessToken.Reveal())) {
			return errors.New("the ticket cannot be written, or holds the token")
		}
		*database = text
		if roll < 0.06 {
			line.note("died after it")
			return died
		}
		return nil
	})
	if *database == nil {
		return account.Publish(ctx, photo(caption), save)
	}
	var ticket instagram.PublishTicket
	if err := json.Unmarshal(*database, &ticket); err != nil {
		return nil, err
	}
	return account.ResumePublish(ctx, ticket, save)
}

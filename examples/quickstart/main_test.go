package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
)

func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestTheStory(t *testing.T) {
	t.Parallel()
	for login, steps := range map[string][]string{
		"instagram": {
			"state made", "person consented", "code", "short-lived token", "same code again", "60-day token",
			"account", "signed call", "refresh today", "refresh on day 40",
		},
		"facebook": {"state made", "person consented", "code", "short-lived token", "same code again", "60-day token", "account", "signed call", "refresh on day 40"},
	} {
		t.Run(login, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			require.NoError(t, run(t.Context(), &out, env("INSTAGRAM_LOGIN", login), false))
			rest := out.String()
			for _, step := range steps {
				_, after, found := strings.Cut(rest, "✓ "+step)
				require.True(t, found, "%s is missing, or comes too early:\n%s", step, out.String())
				rest = after
			}
			shown := regexp.MustCompile(`state=[A-Z2-7]{26}\b`).ReplaceAllString(out.String(), "") // any letters may stand in a state
			assert.NotRegexp(t, `(IGAA|EAA|AQ)[A-Za-z0-9_-]{8,}`, shown, "a whole token or code")
			assert.NotContains(t, out.String(), instagramtest.DefaultInstagramAppSecret)
			assert.NotContains(t, out.String(), instagramtest.DefaultMetaAppSecret)
		})
	}
}

func TestSettingsThatDoNotFit(t *testing.T) {
	t.Parallel()
	for part, settings := range map[string][]string{
		"set both":                     {"INSTAGRAM_APP_ID", "123"},
		"INSTAGRAM_LOGIN":              {"INSTAGRAM_LOGIN", "threads"},
		"must be https":                {"INSTAGRAM_APP_ID", "123", "INSTAGRAM_APP_SECRET", "s3cretcanary", "INSTAGRAM_REDIRECT_URL", "http://example.com:0/cb"},
		"digits only":                  {"INSTAGRAM_APP_ID", "my-app", "INSTAGRAM_APP_SECRET", "s3cretcanary", "INSTAGRAM_REDIRECT_URL", "https://localhost:0/cb"},
		"INSTAGRAM_REDIRECT_URL is no": {"INSTAGRAM_APP_ID", "123", "INSTAGRAM_APP_SECRET", "s3cretcanary", "INSTAGRAM_REDIRECT_URL", ":"},
	} {
		var out bytes.Buffer
		err := run(t.Context(), &out, env(settings...), false)
		require.ErrorContains(t, err, part)
		assert.NotContains(t, err.Error()+out.String(), "s3cretcanary")
	}
}

func TestAdviceIsGivenWhereThereIsSome(t *testing.T) {
	t.Parallel()
	setting := run(t.Context(), io.Discard, env("INSTAGRAM_APP_ID", "123"), false)
	require.Error(t, setting)
	assert.Equal(t, setting.Error(), explain(setting))
	dead := &instagram.Error{HTTPStatus: 400, Code: 190}
	assert.Contains(t, explain(dead), instagram.ErrorAdvice(dead).Text)
}

// TestByHand is a person with a browser who says no.
func TestByHand(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out := &lines{found: make(chan string, 1)}
	var person sync.WaitGroup
	person.Go(func() {
		resp, err := http.PostForm(<-out.found, url.Values{"person": {instagramtest.DefaultAccountID}, "decision": {"deny"}})
		if assert.NoError(t, err) {
			defer resp.Body.Close()
			page, err := io.ReadAll(resp.Body)
			assert.NoError(t, err)
			assert.Contains(t, string(page), "this window can be closed")
		}
	})
	require.ErrorIs(t, run(ctx, out, env(), true), instagram.ErrUserDenied)
	person.Wait()
}

// lines waits for the address of the login window.
type lines struct{ found chan string }

func (l *lines) Write(p []byte) (int, error) {
	if line := strings.TrimSpace(string(p)); strings.HasPrefix(line, "http://") {
		l.found <- line
	}
	return len(p), nil
}

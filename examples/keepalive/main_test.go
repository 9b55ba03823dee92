package main

// This file answers: does the program say what it does, and what is wrong with
// its settings? It runs as a real process, which is this test's own executable.

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram/instagramtest"
	"github.com/seed-922467ee/instagram/seal"
)

const programEnv = "KEEPALIVE_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if task := os.Getenv(workerEnv); task != "" {
		if err := sweepWorker(task); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if os.Getenv(programEnv) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// program returns the program as a process that is not started yet, with
// nothing in its environment but settings.
func program(tb testing.TB, settings map[string]string, args ...string) *exec.Cmd {
	tb.Helper()
	path, err := os.Executable()
	require.NoError(tb, err)
	cmd := exec.CommandContext(tb.Context(), path, args...)
	cmd.Env = []string{programEnv + "=1", "TMPDIR=" + os.TempDir()}
	for name, value := range settings {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd
}

func defaultApp() map[string]string {
	return map[string]string{
		"INSTAGRAM_APP_ID": instagramtest.DefaultInstagramAppID, "INSTAGRAM_APP_SECRET": instagramtest.DefaultInstagramAppSecret,
		"TOKEN_KEY": seal.NewKey().Reveal(),
	}
}

func TestAThousandAccountsCatchUp(t *testing.T) {
	t.Parallel()
	text, err := program(t, nil).CombinedOutput()
	out := string(text)
	require.NoError(t, err, out)
	assert.Contains(t, out, "996 tokens are fresh for sixty days, 4 wait for their person")
	assert.Equal(t, 3, strings.Count(out, "must log in again (190/458)"), out)
	assert.Equal(t, 1, strings.Count(out, "must act at Instagram or Facebook first (190/459)"), out)
	assert.Contains(t, out, "\r   996 renewed", "the progress line")
	noTokens(t, out)
}

func TestWrongSettings(t *testing.T) {
	t.Parallel()
	files := "file:" + filepath.Join(t.TempDir(), "tokens")
	with := func(pairs ...string) map[string]string {
		settings := defaultApp()
		for i := 0; i < len(pairs); i += 2 {
			settings[pairs[i]] = pairs[i+1]
		}
		return settings
	}
	open := t.TempDir()
	require.NoError(t, os.Chmod(open, 0o755))
	const secret = "hunter2hunter2"
	for name, c := range map[string]struct {
		settings map[string]string
		args     []string
		says     string
	}{
		"an unknown flag":                    {with(), []string{"-strore", files}, "-strore"},
		"a word that is no flag":             {with(), []string{"-store", files, "once"}, `"once" is no flag`},
		"a dry run of nothing":               {nil, []string{"-plan"}, "INSTAGRAM_APP_ID"},
		"a lease that is no time":            {with(), []string{"-store", files, "-lease", "60"}, "-lease"},
		"a negative lease":                   {with(), []string{"-store", files, "-lease", "-1s"}, "must not be negative"},
		"a store without an app":             {nil, []string{"-store", files}, "INSTAGRAM_APP_ID"},
		"an app without a store":             {with(), nil, "-store, or TOKEN_STORE, says where"},
		"an app ID of letters":               {with("INSTAGRAM_APP_ID", "myapp"), []string{"-store", files}, "digits only"},
		"an app without its secret":          {with("INSTAGRAM_APP_SECRET", ""), []string{"-store", files}, "app secret: is empty"},
		"an unknown login product":           {with("INSTAGRAM_LOGIN", "twitter"), []string{"-store", files}, "INSTAGRAM_LOGIN"},
		"a fake that is not on this machine": {with("INSTAGRAM_ENDPOINT", "http://example.com"), []string{"-store", files}, "https"},
		"no key":                             {with("TOKEN_KEY", ""), []string{"-store", files}, "TOKEN_KEY is not set"},
		"a key that is none":                 {with("TOKEN_KEY", secret), []string{"-store", files}, "TOKEN_KEY"},
		"an old key that is none":            {with("TOKEN_KEY_OLD", secret), []string{"-store", files}, "TOKEN_KEY_OLD"},
		"a store of an unknown kind":         {with(), []string{"-store", "mysql://root:" + secret + "@db/tokens"}, storeForms},
		"a store without a place":            {with(), []string{"-store", "file:"}, storeForms},
		"files that others can read":         {with(), []string{"-store", "file:" + open}, "0755"},
		"SQLite in no directory":             {with(), []string{"-store", "sqlite:" + filepath.Join(t.TempDir(), "none", "tokens.db")}, "unable to open database file"},
		"a PostgreSQL that is not there":     {with(), []string{"-store", "postgres://me:" + secret + "@127.0.0.1:1/db"}, "127.0.0.1"},
		"a URL that PostgreSQL has not":      {with(), []string{"-store", "postgres://me:" + secret + "@127.0.0.1:port/db"}, "cannot parse"},
		"a Redis that is not there":          {with(), []string{"-store", "redis://:" + secret + "@127.0.0.1:1/0"}, "127.0.0.1:1"},
		"a URL that Redis has not":           {with(), []string{"-store", "redis://:" + secret + "@127.0.0.1:port/0"}, "no URL of a Redis"},
		"a store in the environment alone":   {with("TOKEN_STORE", "nothing:here"), nil, storeForms},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := program(t, c.settings, c.args...).CombinedOutput()
			out := string(text)
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit, out)
			assert.Contains(t, []int{1, 2}, exit.ExitCode(), out)
			assert.Contains(t, out, c.says)
			assert.NotContains(t, out, secret)
			assert.NotContains(t, out, "goroutine 1 [", "a panic")
			assert.NotContains(t, out, instagramtest.DefaultInstagramAppSecret)
		})
	}
}

func TestADryRunMakesNoStore(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"file:", "sqlite:"} {
		path := filepath.Join(t.TempDir(), "typo")
		text, err := program(t, defaultApp(), "-store", scheme+path, "-plan").CombinedOutput()
		require.Error(t, err, string(text))
		assert.Contains(t, string(text), path)
		assert.NoFileExists(t, path)
		assert.NoDirExists(t, path)
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	text, err := program(t, map[string]string{"TOKEN_STORE": "redis://:hunter2@cache"}, "-help").CombinedOutput()
	require.NoError(t, err)
	assert.NotContains(t, string(text), "hunter2")
	for _, flag := range []string{"-store", "-once", "-plan", "-lease"} {
		assert.Contains(t, string(text), flag)
	}
}

func noTokens(tb testing.TB, out string) {
	tb.Helper()
	assert.NotRegexp(tb, `IGA[A-Za-z0-9_-]{8,}`, out)
	assert.NotContains(tb, out, "igsealed")
}

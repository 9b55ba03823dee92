package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram/instagramtest"
)

func TestAThousandAccountsCatchUp(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, func(string) string { return "" }, false, false))
	assert.Contains(t, out.String(), "996 tokens are fresh for sixty days, 4 wait for their person")
	assert.Equal(t, 3, strings.Count(out.String(), "needs login (190/458)"), out.String())
	assert.Equal(t, 1, strings.Count(out.String(), "waiting for person (190/459)"))
	assert.Contains(t, out.String(), " 996 renewed")
	assert.NotRegexp(t, `IGAA[A-Za-z0-9_-]{8,}`, out.String())
}

func TestOwnApp(t *testing.T) {
	t.Parallel()
	key := filepath.Join(t.TempDir(), "seal.key")
	require.NoError(t, os.WriteFile(key, []byte("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n"), 0o600))
	settings := map[string]string{
		"INSTAGRAM_APP_ID": instagramtest.DefaultInstagramAppID, "INSTAGRAM_APP_SECRET": instagramtest.DefaultInstagramAppSecret,
	}
	var out bytes.Buffer
	env := func(name string) string { return settings[name] }
	require.ErrorContains(t, run(t.Context(), &out, env, true, false), "TOKEN_DIR")
	settings["TOKEN_DIR"], settings["TOKEN_KEY"] = filepath.Join(t.TempDir(), "tokens"), key
	require.NoError(t, run(t.Context(), &out, env, true, false))
	require.NoError(t, run(t.Context(), &out, env, false, true))
	assert.Contains(t, out.String(), "0 due")
}

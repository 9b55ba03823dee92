package instagram_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
)

func TestSecretIsNeverPrinted(t *testing.T) {
	t.Parallel()
	const canary = "canary-5f2a"
	s := instagram.NewSecret(canary)
	type holder struct {
		Exported instagram.Secret
		hidden   instagram.Secret
		pointer  *instagram.Secret
		list     []instagram.Secret
	}
	h := holder{s, s, &s, []instagram.Secret{s}}
	for _, v := range []any{s, &s, h, &h, []instagram.Secret{s}, map[string]instagram.Secret{"k": s}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			assert.NotContains(t, fmt.Sprintf(verb, v), canary, "%T %s", v, verb)
			assert.NotContains(t, fmt.Sprintf(verb, v), fmt.Sprintf("%x", canary), "%T %s", v, verb)
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", slog.Any("v", v))
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", slog.Any("v", v))
		assert.NotContains(t, log.String(), canary, "%T", v)
	}
	j, err := json.Marshal(h)
	require.NoError(t, err)
	assert.JSONEq(t, `{"Exported":"[redacted]"}`, string(j))
	x, err := xml.Marshal(s)
	require.NoError(t, err)
	assert.NotContains(t, string(x), canary)
	assert.Equal(t, canary, h.hidden.Reveal())
}

func TestSecretIsReadButNotItsRedaction(t *testing.T) {
	t.Parallel()
	var cfg struct{ AppSecret instagram.Secret }
	require.NoError(t, json.Unmarshal([]byte(`{"AppSecret":"s3cret"}`), &cfg))
	assert.True(t, cfg.AppSecret.Equal(instagram.NewSecret("s3cret")))
	require.Error(t, json.Unmarshal([]byte(`{"AppSecret":"[redacted]"}`), &cfg))
	assert.Equal(t, "s3cret", cfg.AppSecret.Reveal())
}

func TestSecretZeroValue(t *testing.T) {
	t.Parallel()
	var s instagram.Secret
	assert.True(t, s.IsZero())
	assert.True(t, instagram.NewSecret("").IsZero())
	assert.Empty(t, s.Reveal())
	assert.True(t, s.Equal(instagram.NewSecret("")))
	assert.False(t, s.Equal(instagram.NewSecret("x")))
}

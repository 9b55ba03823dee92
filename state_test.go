package instagram

import (
	"encoding/base64"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func stateConfig() Config {
	return Config{
		AppID: "1098765432109876", AppSecret: NewSecret("0f1e2d3c4b5a69788796a5b4c3d2e1f0"),
		RedirectURL: "https://example.com/callback", Scopes: []Scope{ScopeBusinessBasic},
	}
}

func sealedState(tb testing.TB, cfg Config, now time.Time) (state, binding string) {
	tb.Helper()
	binding = newBinding(now)
	state, err := newStateSealer(cfg).seal(newLoginState(&authCode{returnPath: "/x", data: []byte("d")}, binding, now))
	require.NoError(tb, err)
	return state, binding
}

func TestStateOpensWhereItWasMade(t *testing.T) {
	t.Parallel()
	now := time.Now()
	state, binding := sealedState(t, stateConfig(), now)
	st, err := newStateSealer(stateConfig()).open(state, now.Add(stateLifetime-2*time.Second))
	require.NoError(t, err)
	assert.Equal(t, "/x", st.ReturnPath)
	assert.Equal(t, []byte("d"), st.Data)
	assert.Len(t, st.ID, 16, "128 bits")
	assert.NoError(t, st.checkBinding(binding))
}

func TestStateIsRefusedElsewhere(t *testing.T) {
	t.Parallel()
	now := time.Now()
	state, _ := sealedState(t, stateConfig(), now)
	tests := map[string]struct {
		change func(*Config)
		later  time.Duration
		want   CallbackProblem
	}{
		"another secret":       {change: func(c *Config) { c.AppSecret = NewSecret("ffffffffffffffffffffffffffffffff") }, want: StateForged},
		"another app":          {change: func(c *Config) { c.AppID = "2" }, want: StateForged},
		"another product":      {change: func(c *Config) { c.Login = FacebookLogin }, want: StateForged},
		"another redirect URI": {change: func(c *Config) { c.RedirectURL += "/" }, want: StateForged},
		"too late":             {change: func(*Config) {}, later: stateLifetime + 2*time.Second, want: StateExpired},
		"from the future":      {change: func(*Config) {}, later: -2 * stateSkew, want: StateExpired},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := stateConfig()
			test.change(&cfg)
			_, err := newStateSealer(cfg).open(state, now.Add(test.later))
			assert.Equal(t, &CallbackError{Problem: test.want}, err)
		})
	}
}

func TestStateSurvivesTheRotationOfTheSecret(t *testing.T) {
	t.Parallel()
	old := stateConfig()
	state, binding := sealedState(t, old, time.Now())
	rotated := old
	rotated.AppSecret = NewSecret("ffffffffffffffffffffffffffffffff")
	rotated.CallbackSecrets = []Secret{old.AppSecret}
	st, err := newStateSealer(rotated).open(state, time.Now())
	require.NoError(t, err)
	assert.NoError(t, st.checkBinding(binding))
}

func TestStateOfAnotherBrowser(t *testing.T) {
	t.Parallel()
	now := time.Now()
	state, _ := sealedState(t, stateConfig(), now)
	st, err := newStateSealer(stateConfig()).open(state, now)
	require.NoError(t, err)
	assert.Equal(t, &CallbackError{Problem: BindingMissing}, st.checkBinding(""))
	assert.Equal(t, &CallbackError{Problem: BindingMismatch}, st.checkBinding(newBinding(now)))
}

// TestStatesAreComparedInConstantTime reads the source, as no measurement of
// time on a shared machine can tell.
func TestStatesAreComparedInConstantTime(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{"ParseCallback": "callback.go", "checkBinding": "state.go"} {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		constant := 0
		for _, decl := range parsed.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Name.Name != name {
				continue
			}
			ast.Inspect(f.Body, func(n ast.Node) bool {
				switch e := n.(type) {
				case *ast.SelectorExpr:
					if e.Sel.Name == "ConstantTimeCompare" {
						constant++
					}
				case *ast.BinaryExpr:
					if e.Op == token.EQL || e.Op == token.NEQ {
						_, literal := e.Y.(*ast.BasicLit)
						assert.True(t, literal, "%s compares two values with %s", name, e.Op)
					}
				}
				return true
			})
		}
		assert.Equal(t, 1, constant, name)
	}
}

func TestStatesAreNeverTheSame(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		state, binding := sealedState(t, stateConfig(), time.Now())
		require.False(t, seen[state] || seen[binding])
		seen[state], seen[binding] = true, true
	}
}

func TestStateShowsNothing(t *testing.T) {
	t.Parallel()
	now := time.Now()
	binding := newBinding(now)
	state, err := newStateSealer(stateConfig()).seal(newLoginState(&authCode{returnPath: "/canary", verifier: "canary"}, binding, now))
	require.NoError(t, err)
	raw, err := base64.RawURLEncoding.DecodeString(state)
	require.NoError(t, err)
	assert.NotContains(t, string(raw), "canary")
	assert.NotContains(t, string(raw), binding)
}

func FuzzState(f *testing.F) {
	now := time.Now()
	cfg := stateConfig()
	cfg.AppSecret = NewSecret(randomText(16)) // each fuzzing process has its own, so that only its own state is good
	sealer := newStateSealer(cfg)
	good, _ := sealedState(f, cfg, now)
	f.Add(good)
	f.Add("")
	f.Add("AQ")
	f.Add(good[:len(good)-1])
	f.Add(good + "A")
	f.Add(strings.ToUpper(good))
	f.Fuzz(func(t *testing.T, state string) {
		if _, err := sealer.open(state, now); err == nil && state != good {
			t.Fatalf("a state that was not made here verifies: %q", state)
		}
	})
}

func TestEveryAlteredStateIsRefused(t *testing.T) {
	t.Parallel()
	now := time.Now()
	sealer := newStateSealer(stateConfig())
	good, _ := sealedState(t, stateConfig(), now)
	for i := range len(good) {
		for _, c := range []byte("A9_-z") {
			altered := good[:i] + string(c) + good[i+1:]
			if altered == good {
				continue
			}
			_, err := sealer.open(altered, now)
			require.ErrorIs(t, err, ErrStateMismatch, "letter %d", i)
		}
	}
}

func TestReturnPath(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{
		"":                               true,
		"/":                              true,
		"/settings?tab=instagram#top":    true,
		"/a//b":                          true,
		"//evil.example":                 false,
		"/\\evil.example":                false,
		"https://evil.example":           false,
		"https:evil.example":             false,
		"javascript:alert(1)":            false,
		"evil.example":                   false,
		"/\t/evil.example":               false,
		"/\n/evil.example":               false,
		"/%2f/evil.example":              false,
		"/%5cevil.example":               false,
		"///evil.example":                false,
		"/%zz":                           false,
		"/" + strings.Repeat("a", 512):   false,
		"\\\\evil.example":               false,
		"\u0020/evil":                    false,
		"/ok?next=//evil.example":        true,
		"/ok?next=https://evil.example/": true,
	}
	for path, good := range tests {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			if good {
				assert.NoError(t, checkReturnPath(path))
			} else {
				assert.Error(t, checkReturnPath(path))
			}
		})
	}
}

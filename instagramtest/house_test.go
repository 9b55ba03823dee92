package instagramtest

import (
	"encoding/json"
	"go/parser"
	gotoken "go/token"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The fake speaks only HTTP: it imports neither the package it is a fake for nor
// testing, so that demos and other languages can use it.
func TestImports(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir(".")
	require.NoError(t, err)
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(gotoken.NewFileSet(), f.Name(), nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, i := range parsed.Imports {
			first, _, _ := strings.Cut(strings.Trim(i.Path.Value, `"`), "/")
			assert.NotContains(t, first, ".", "%s imports %s, which is not of the standard library", f.Name(), i.Path.Value)
			assert.NotEqual(t, "testing", first, f.Name())
		}
	}
}

// Whatever is written reads back, in both styles.
func FuzzQuote(f *testing.F) {
	f.Add("a/b\"\\\n\t\x00 é 相机 😀")
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToValidUTF8(s, "")
		for _, st := range []style{graphStyle(), oauthStyle()} {
			var back struct {
				A string `json:"a"`
				B []any  `json:"b"`
			}
			text := st.text(object{{"a", s}, {"b", []any{s, nil, true, 1, int64(2), lexeme("3.0"), []string{s}, map[string]int{"x": 1}}}})
			require.NoError(t, json.Unmarshal(text, &back), string(text))
			assert.Equal(t, s, back.A)
			assert.Len(t, back.B, 8)
			for _, b := range text {
				require.Less(t, b, byte(0x80), "Meta escapes everything beyond ASCII")
			}
		}
	})
}

// The same seed repeats a run, another one does not, and no string comes twice.
func TestSeed(t *testing.T) {
	t.Parallel()
	first := func(opts ...Option) string { return issue(t, New(opts...), TokenSpec{}) }
	one, again, another := first(), first(), first(WithSeed("another"))
	assert.Equal(t, one, again)
	assert.NotEqual(t, one, another)
	p, seen := New(), map[string]bool{}
	for range 2000 {
		for _, s := range []string{p.random.instagramToken(), p.random.facebookToken(), p.random.code(), p.random.trace(), p.random.shortTrace()} {
			require.False(t, seen[s])
			seen[s] = true
		}
	}
}

func TestLifetimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, WithLifetimes(Lifetimes{Code: time.Second, ShortLived: time.Minute, LongLived: 49 * time.Hour}))
		code := s.code(InstagramLogin)
		short := redeem(t, s.Platform, FacebookLogin, s.code(FacebookLogin))
		assert.EqualValues(t, 60, short.field(t, "expires_in"))
		time.Sleep(time.Second)
		assert.Equal(t, 400, redeem(t, s.Platform, InstagramLogin, code).status)
		time.Sleep(59 * time.Minute)
		assert.Equal(t, 200, me(t, s.Platform, s.ig).status)
		time.Sleep(time.Minute)
		assert.Equal(t, [2]int{190, 463}, me(t, s.Platform, s.ig).fault())
	})
}

// Everything at once, for the race detector.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	s := newScene(t, WithAppLimit(1000, 0), WithAccountLimit(1000, 0))
	s.On("GET", "/me").Times(5, Failing(2, 0)).Func(func(Request) Answer { return Answer{} })
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				me(t, s.Platform, s.ig)
				redeem(t, s.Platform, InstagramLogin, s.code(InstagramLogin)).token(t)
				_ = s.RestoreAccount(DefaultAccountID)
				s.Requests("GET", "")
				s.Tokens(DefaultAccountID)
				s.Usage("")
			}
		})
	}
	all.Wait()
	assert.EqualValues(t, 155, s.Served())
	assert.Len(t, s.Requests("GET", "/me"), 160)
}

// Kinds of people and apps that nobody described in full.
func TestMadeUpPeople(t *testing.T) {
	t.Parallel()
	p := New(WithApp(App{InstagramAppID: "1", InstagramAppSecret: "x"}))
	added := p.AddPerson(Person{Accounts: []Account{{}}, Pages: []Page{{Account: &Account{}}, {}}})
	assert.NotEmpty(t, added.ID)
	assert.Equal(t, "Person "+added.ID, added.Name)
	assert.Regexp(t, `^17841\d{12}$`, added.Accounts[0].ID)
	assert.Equal(t, "account_"+added.Accounts[0].ID, added.Accounts[0].Username)
	assert.NotEqual(t, added.Accounts[0].ID, added.Pages[0].Account.ID)
	assert.Len(t, added.Pages[1].Tasks, 6)
	token := issue(t, p, TokenSpec{Account: added.Accounts[0].Username, AppID: "1"})
	assert.Equal(t, added.Accounts[0].ID, me(t, p, token).field(t, "user_id"))
	err := error(new(KnownError(190, 463)))
	assert.EqualError(t, err, "190/463 Error validating access token: Session has expired.")
}

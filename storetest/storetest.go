// Package storetest holds the suites that every store of tokens and login
// states must pass, whether it comes with package instagram or is your own:
//
//	func TestStore(t *testing.T) {
//		storetest.Tokens(t, func(t *testing.T) instagram.TokenStore { return mystore.New(t.TempDir()) })
//		storetest.States(t, func(t *testing.T) instagram.StateStore { return mystore.New(t.TempDir()) })
//	}
//
// Run them with the race detector on. They need nothing but the standard
// library, and take a few seconds, because leases and states must run out; see
// [InBubble] for stores that can do without.
package storetest

// This file answers: how is a suite run, and how does it wait?

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-922467ee/instagram"
)

// Option changes how a suite is run.
type Option func(*suite)

type suite struct {
	bubble bool
	peer   func(t *testing.T, store any) any
	short  time.Duration
}

// InBubble runs each part in a bubble of testing/synctest, in which waiting
// takes no time. It is for stores that read the time from package time and
// wait for nothing outside the process: no sockets, no other process.
func InBubble() Option { return func(s *suite) { s.bubble = true } }

// WithPeer lets the parts about concurrency work through two stores at once:
// the one under test, and what open returns for it, which must show the same
// records, as a second process would. Without it they use one store.
func WithPeer[S any](open func(t *testing.T, store S) S) Option {
	return func(s *suite) {
		s.peer = func(t *testing.T, store any) any {
			t.Helper()
			return open(t, store.(S))
		}
	}
}

// WithShortTime sets how long those leases and states last that the suite waits for
// to run out. Zero, and the default: 250 ms. A store that keeps times to the
// second needs two seconds.
func WithShortTime(d time.Duration) Option {
	return func(s *suite) {
		if d > 0 {
			s.short = d
		}
	}
}

// patience is how long a suite waits for what must come in the end. It is no
// measure of speed: a machine under load may need most of it.
const patience = time.Minute

// part is a named piece of a suite, run on a store of its own.
type part[S any] struct {
	name string
	run  func(e *env[S])
}

// env is what a part works with.
type env[S any] struct {
	*testing.T
	ctx   context.Context //nolint:containedctx // of one test, which passes it on in every line
	store S
	peer  S      // the same records, perhaps through another door
	app   string // an app ID that no other part uses, so that parts may share a database
	short time.Duration
}

func run[S any](t *testing.T, open func(t *testing.T) S, options []Option, parts []part[S]) {
	t.Helper()
	s := suite{short: 250 * time.Millisecond}
	for _, option := range options {
		option(&s)
	}
	for _, p := range parts {
		t.Run(p.name, func(t *testing.T) {
			body := func(t *testing.T) {
				t.Helper()
				store := open(t)
				e := &env[S]{T: t, ctx: t.Context(), store: store, peer: store, short: s.short, app: freshID("app")}
				if s.peer != nil {
					e.peer = s.peer(t, store).(S)
				}
				p.run(e)
			}
			if s.bubble {
				synctest.Test(t, body)
				return
			}
			body(t)
		})
	}
}

func freshID(what string) string {
	return fmt.Sprintf("%s%016d", what, rand.Int64N(1e16)) //nolint:gosec // test data
}

// doors returns the store and its peer in turn, for concurrent workers.
func (e *env[S]) door(i int) S {
	if i%2 == 1 {
		return e.peer
	}
	return e.store
}

// ok ends the part when err is not nil.
func (e *env[S]) ok(err error, doing string, args ...any) {
	e.Helper()
	if err != nil {
		e.Fatalf("%s: %v", fmt.Sprintf(doing, args...), err)
	}
}

// is ends the part when err is not target.
func (e *env[S]) is(err, target error, doing string, args ...any) {
	e.Helper()
	if !errors.Is(err, target) {
		e.Fatalf("%s: got error %v, want one that is %q", fmt.Sprintf(doing, args...), err, target)
	}
}

// wait passes time, real or that of a bubble, unless the part is over.
func (e *env[S]) wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-e.ctx.Done():
	}
}

// eventually asks again and again until done, and fails after [patience].
func (e *env[S]) eventually(what string, done func() bool) {
	e.Helper()
	for end := time.Now().Add(patience); !done(); {
		if time.Now().After(end) {
			e.Fatalf("waited %v in vain: %s", patience, what)
		}
		e.wait(e.short / 10)
	}
}

// cancelled returns a context that is over.
func (e *env[S]) cancelled() context.Context {
	ctx, cancel := context.WithCancel(e.ctx)
	cancel()
	return ctx
}

// supported reports whether a store, perhaps behind decorators, can do what probe asks.
func supported(t *testing.T, ability string, probe func() error) bool {
	t.Helper()
	if errors.Is(probe(), errors.ErrUnsupported) {
		t.Logf("the store cannot %s: that part of the suite is not run", ability)
		return false
	}
	return true
}

// oddIDs are IDs that have been mangled by some file system, database or URL
// before. No two may meet. None has a zero byte, and none is longer than 256 bytes,
// which [instagram.CheckSave] refuses.
func oddIDs() []string {
	return []string{
		"17841405793187218", "17841405793187219", // equal as float64
		".", "..", "../../etc/passwd", "a/b", "a", "b", "/", "//", `\`, `a\b`, "-", "--", "-rf", "*", "?", "%", "_", "%00", "%2e",
		"CON", "con", "Con", "nul.txt", "a:b", "a|b", "{a}", "[a]", "$a", "`a`", "'", `"`, "';--", "<a>", "&", "+", " ", "a ", " a", "a\t", "a\n", "a\r\n",
		"\x01", "\x7f", "ä", "a\u0308", "İ", "ı", "ß", "ss", "ſ", "名前", "👩‍👩‍👧", "\ufeffa", "\u202ea", "\ufffd",
		"person:1", "person:", "1:2", "1 2", "1,2", "null", "true", "0", "00", "1e3", "1000",
		strings.Repeat("x", 255), strings.Repeat("x", 256), strings.Repeat("ü", 128), strings.Repeat("/", 256),
	}
}

func key(app, account string) instagram.TokenKey {
	return instagram.TokenKey{AppID: app, AccountID: account}
}

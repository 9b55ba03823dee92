package instagram_test

// Whose fault a death is: what another account has to say about it.

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
)

// spell is a fault that concerns everybody, and ends at the moment at which the
// account that nobody tried to renew is asked about.
type spell struct {
	fault *graphFault

	mu    sync.Mutex
	tried string
	mayEnd,
	over bool
}

func (s *spell) answer(path, account string) *graphFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.HasSuffix(path, "/refresh_access_token") {
		s.tried = account
	} else if s.mayEnd && account != s.tried {
		s.over = true
	}
	if s.over {
		return nil
	}
	return s.fault
}

func (s *spell) set(mayEnd bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mayEnd = mayEnd
}

func nobodyNeedsLogin(t *testing.T) instagram.KeepAliveConfig {
	t.Helper()
	return instagram.KeepAliveConfig{OnNeedsLogin: func(context.Context, instagram.LoginNeeded) error {
		t.Error("nobody needs to log in")
		return nil
	}}
}

// TestFaultThatEndsWhileItIsLookedInto has Meta call everybody dead, and come to
// itself just before another account is asked for.
func TestFaultThatEndsWhileItIsLookedInto(t *testing.T) {
	t.Run("vague, for one account that is due", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g, store := newGraph(), watch()
			client := g.client(t, store)
			connect(t, store, accountN(1), 50*day)
			connect(t, store, accountN(2), 2*day)
			s := &spell{fault: graphVague, mayEnd: true}
			g.answers(s.answer)
			stop := keepAlive(t, client, nobodyNeedsLogin(t))
			time.Sleep(time.Hour)
			stop()
			assert.True(t, s.over)
			assert.Equal(t, instagram.Alive, stored(t, store, accountN(1)).State)
			assert.EqualValues(t, 1, g.refreshes.Load())
		})
	})
	t.Run("clear, for all, after a day", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g, store := newGraph(), watch()
			client := g.client(t, store)
			connect(t, store, accountN(0), 2*day)
			for i := range 200 {
				connect(t, store, accountN(1+i), 50*day)
			}
			s := &spell{fault: &graphFault{status: 400, code: 190, subcode: 459}}
			g.answers(s.answer)
			stop := keepAlive(t, client, nobodyNeedsLogin(t))
			time.Sleep(25 * time.Hour)
			s.set(true)
			time.Sleep(day)
			stop()
			assert.True(t, s.over)
			assert.EqualValues(t, 200, g.refreshes.Load())
		})
	})
}

// TestVagueDeathIsNotBelievedWhileOthersDie has a fault of Meta's in a fleet too
// small for shares, whose accounts are not due.
func TestVagueDeathIsNotBelievedWhileOthersDie(t *testing.T) {
	for name, prepare := range map[string]func(r *instagram.Record){
		"of an account that is due": func(r *instagram.Record) { r.DueAt = time.Now() },
		"of an account that was refused in a call": func(r *instagram.Record) {
			r.Reason, r.DueAt = "suspect: refused in a call", time.Now()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, store := newGraph(), watch()
				client := g.client(t, store)
				change := func(r *instagram.Record, change func(r *instagram.Record)) {
					change(r)
					_, err := store.SaveToken(t.Context(), r, r.Revision)
					require.NoError(t, err)
				}
				change(connect(t, store, accountN(1), 10*day), prepare)
				connect(t, store, accountN(2), 2*day)
				change(connect(t, store, accountN(3), 2*day), func(r *instagram.Record) { // whom nobody asks any more
					r.State, r.Reason = instagram.NeedsLogin, "190/458"
				})
				g.answers(func(string, string) *graphFault { return graphVague })
				stop := keepAlive(t, client, nobodyNeedsLogin(t))
				time.Sleep(2 * time.Hour)
				g.answers(nil)
				time.Sleep(day)
				stop()
				r := stored(t, store, accountN(1))
				assert.Equal(t, instagram.Alive, r.State, r.Reason)
				assert.Zero(t, r.Fails)
			})
		})
	}
}

// TestMarkedAccountIsNoWitness has an account that is dead, says Meta vaguely,
// among one that lives and one that is known to be dead.
func TestMarkedAccountIsNoWitness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGraph(), watch()
		client := g.client(t, store)
		connect(t, store, accountN(1), 50*day)
		connect(t, store, accountN(2), 2*day)
		r := connect(t, store, accountN(3), 2*day)
		r.State, r.Reason = instagram.NeedsLogin, "190/458"
		_, err := store.SaveToken(t.Context(), r, r.Revision)
		require.NoError(t, err)
		g.kill(accountN(1), 0)
		g.kill(accountN(3), 458)
		stop := keepAlive(t, client, instagram.KeepAliveConfig{})
		time.Sleep(time.Hour)
		stop()
		assert.Equal(t, instagram.NeedsLogin, stored(t, store, accountN(1)).State)
	})
}

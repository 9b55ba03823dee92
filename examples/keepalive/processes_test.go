package main

// This file answers: what do several processes make of one store, also when
// one is told to stop, or is killed?

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/instagramtest"
	"github.com/seed-922467ee/instagram/seal"
)

const (
	postgresEnv = "INSTAGRAM_TEST_POSTGRES"
	redisEnv    = "INSTAGRAM_TEST_REDIS"
)

// places are stores of every kind: each function returns the -store of an empty one.
func places() map[string]func(tb testing.TB, appID string) string {
	return map[string]func(testing.TB, string) string{
		"files": func(tb testing.TB, _ string) string {
			tb.Helper()
			return "file:" + filepath.Join(tb.TempDir(), "tokens")
		},
		"SQLite": func(tb testing.TB, _ string) string {
			tb.Helper()
			return "sqlite:" + filepath.Join(tb.TempDir(), "a b%.db")
		},
		"PostgreSQL": postgresPlace,
		"Redis":      redisPlace,
	}
}

func service(tb testing.TB, name string) string {
	tb.Helper()
	where := os.Getenv(name)
	if where == "" {
		tb.Skip(name + ` is not set: env=$(adapters/services.sh) && eval "$env"`)
	}
	return where
}

// postgresPlace is a schema of its own.
func postgresPlace(tb testing.TB, _ string) string {
	tb.Helper()
	where, err := url.Parse(service(tb, postgresEnv))
	require.NoError(tb, err)
	schema := "keepalive_" + strings.ToLower(rand.Text()[:12])
	db, err := sql.Open("pgx", where.String())
	require.NoError(tb, err)
	_, err = db.ExecContext(tb.Context(), "create schema "+schema)
	require.NoError(tb, err)
	tb.Cleanup(func() {
		_, err := db.ExecContext(context.Background(), "drop schema "+schema+" cascade")
		assert.NoError(tb, err)
		_ = db.Close()
	})
	query := where.Query()
	query.Set("search_path", schema)
	where.RawQuery = query.Encode()
	return where.String()
}

// redisPlace is the Redis that all tests share: apps keep out of each other's way.
func redisPlace(tb testing.TB, appID string) string {
	tb.Helper()
	where := service(tb, redisEnv)
	opts, err := redis.ParseURL(where)
	require.NoError(tb, err)
	rdb := redis.NewClient(opts)
	tb.Cleanup(func() {
		ctx := context.Background()
		keys := rdb.Scan(ctx, 0, "instagram:{"+appID+"}:*", 10_000).Iterator()
		for keys.Next(ctx) {
			rdb.Unlink(ctx, keys.Val())
		}
		assert.NoError(tb, keys.Err())
		assert.NoError(tb, rdb.ZRem(ctx, "instagram:apps", appID).Err())
		_ = rdb.Close()
	})
	return where
}

// newAppID returns the ID of an app that no other test has.
func newAppID(tb testing.TB) string {
	tb.Helper()
	digits, err := rand.Int(rand.Reader, big.NewInt(1e15))
	require.NoError(tb, err)
	return fmt.Sprintf("9%015d", digits)
}

// fleet is a platform, a store with neglected accounts, and what processes have done.
type fleet struct {
	meta     *instagramtest.Platform
	app      instagramtest.App
	settings map[string]string
	where    string
	client   *instagram.Client // of this process, on the same store
	accounts []instagramtest.Account
	old      map[string]string // the ID of each account by its token of the beginning

	mu        sync.Mutex
	refreshes map[string][]int // which processes have renewed an account, in order
}

func newFleet(t *testing.T, place func(testing.TB, string) string, accounts int, delay time.Duration) *fleet {
	t.Helper()
	f := &fleet{app: instagramtest.DefaultApp(), settings: defaultApp(), old: map[string]string{}, refreshes: map[string][]int{}}
	f.app.InstagramAppID = newAppID(t)
	f.settings["INSTAGRAM_APP_ID"] = f.app.InstagramAppID
	f.meta = instagramtest.New(instagramtest.WithApp(f.app), instagramtest.WithoutRecording())
	f.meta.On("GET", "/refresh_access_token").Always(instagramtest.Answer{Delay: delay})

	f.where = place(t, f.app.InstagramAppID)
	store, closeStore, err := openStore(f.where)
	require.NoError(t, err)
	t.Cleanup(closeStore)
	key, err := seal.KeyFromText(instagram.NewSecret(f.settings["TOKEN_KEY"]))
	require.NoError(t, err)
	keys, err := seal.NewKeyRing(key)
	require.NoError(t, err)
	f.client, err = instagram.New(instagram.Config{
		AppID: f.app.InstagramAppID, AppSecret: instagram.NewSecret(f.app.InstagramAppSecret),
		RedirectURL: "https://example.com/callback", Scopes: []instagram.Scope{instagram.ScopeBusinessBasic},
	}, instagram.WithTokenStore(seal.Tokens(store, keys)), instagram.WithTransport(f.meta.Transport()))
	require.NoError(t, err)
	f.accounts = f.meta.AddAccounts(accounts)
	require.NoError(t, neglect(t.Context(), f.meta, f.client, f.accounts))
	for _, a := range f.accounts {
		f.old[f.meta.Tokens(a.ID)[0].Value] = a.ID
	}
	return f
}

// process is a running program, with a door of its own to the platform.
type process struct {
	cmd *exec.Cmd
	out bytes.Buffer
}

func (f *fleet) start(t *testing.T, n int, args ...string) *process {
	t.Helper()
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.meta.ServeHTTP(w, r)
		if id, known := f.old[r.URL.Query().Get("access_token")]; known && strings.HasSuffix(r.URL.Path, "/refresh_access_token") {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.refreshes[id] = append(f.refreshes[id], n)
		}
	}))
	t.Cleanup(door.Close)
	p := &process{cmd: program(t, f.settings, append([]string{"-store", f.where}, args...)...)}
	p.cmd.Env = append(p.cmd.Env, "INSTAGRAM_ENDPOINT="+door.URL)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	require.NoError(t, p.cmd.Start())
	return p
}

// end waits for a process that must end in order.
func (p *process) end(t *testing.T) {
	t.Helper()
	require.NoError(t, p.cmd.Wait(), p.out.String())
	noTokens(t, p.out.String())
}

// renewed returns how many accounts have been.
func (f *fleet) renewed() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.refreshes)
}

// notOnce returns the accounts that were not renewed exactly once, and by whom they were.
func (f *fleet) notOnce() map[string][]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	others := make(map[string][]int)
	for _, a := range f.accounts {
		if by := f.refreshes[a.ID]; len(by) != 1 {
			others[a.ID] = by
		}
	}
	return others
}

func (f *fleet) await(t *testing.T, accounts int) {
	t.Helper()
	require.Eventually(t, func() bool { return f.renewed() >= accounts }, time.Minute, 5*time.Millisecond)
}

// due returns the accounts that are still to be renewed, says the store.
func (f *fleet) due(t *testing.T) map[string]bool {
	t.Helper()
	due := make(map[string]bool)
	for p, err := range f.client.Plan(t.Context()) {
		require.NoError(t, err)
		if p.State == instagram.Alive && !p.At.After(time.Now()) {
			due[p.Key.AccountID] = true
		}
	}
	return due
}

// onEach runs a test on every store.
func onEach(t *testing.T, test func(t *testing.T, place func(testing.TB, string) string)) {
	t.Helper()
	for name, place := range places() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, place)
		})
	}
}

func TestThreeProcessesShareTheWork(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, place func(testing.TB, string) string) {
		t.Helper()
		f := newFleet(t, place, 500, 50*time.Millisecond)
		const dead = 3
		for _, a := range f.accounts[:dead] {
			require.NoError(t, f.meta.Revoke(a.ID))
		}
		var processes []*process
		for n := range 3 {
			processes = append(processes, f.start(t, n, "-once"))
		}
		var all strings.Builder
		for _, p := range processes {
			p.end(t)
			all.Write(p.out.Bytes())
		}
		told := all.String()
		assert.Empty(t, f.notOnce())
		assert.Empty(t, f.due(t))
		for _, a := range f.accounts[:dead] {
			assert.Equal(t, 1, strings.Count(told, a.ID+" @"+a.Username+" must log in again (190/458)"), told)
		}
		assert.Equal(t, dead, strings.Count(told, "must log in again"))

		plan := f.start(t, 3, "-plan")
		plan.end(t)
		assert.Equal(t, len(f.accounts), strings.Count(plan.out.String(), "\n"))
		assert.Equal(t, dead, strings.Count(plan.out.String(), "190/458"))
	})
}

func TestStopInOrder(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, place func(testing.TB, string) string) {
		t.Helper()
		f := newFleet(t, place, 400, 200*time.Millisecond)
		first := f.start(t, 0)
		f.await(t, 20)
		require.NoError(t, first.cmd.Process.Signal(syscall.SIGTERM))
		first.end(t)

		due := f.due(t)
		assert.NotEmpty(t, due, "it did not wait for everything")
		saved := len(f.accounts) - len(due)
		assert.Equal(t, f.renewed(), saved, "what was in flight is saved")
		// Nothing is left to a lease of a minute: what was taken is given back.
		f.start(t, 1, "-once").end(t)
		assert.Empty(t, f.due(t))
		assert.Empty(t, f.notOnce())
	})
}

func TestAKilledProcessLosesNothing(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("waits for a lease to end")
	}
	onEach(t, func(t *testing.T, place func(testing.TB, string) string) {
		t.Helper()
		f := newFleet(t, place, 600, 200*time.Millisecond)
		const lease = "9s" // an attempt may take a third of it, also on a busy machine
		processes := map[int]*process{}
		for n := range 3 {
			processes[n] = f.start(t, n, "-lease", lease)
		}
		var dead int // the one that is in the middle of it first
		require.Eventually(t, func() bool {
			f.mu.Lock()
			defer f.mu.Unlock()
			var count [3]int
			for _, by := range f.refreshes {
				count[by[0]]++
			}
			dead = slices.Index(count[:], slices.Max(count[:]))
			return count[dead] >= 20
		}, time.Minute, 5*time.Millisecond)
		victim := processes[dead]
		delete(processes, dead)
		require.NoError(t, victim.cmd.Process.Kill())
		_ = victim.cmd.Wait()
		noTokens(t, victim.out.String())

		require.Eventually(t, func() bool { return len(f.due(t)) == 0 }, time.Minute, 100*time.Millisecond)
		for _, p := range processes {
			require.NoError(t, p.cmd.Process.Signal(os.Interrupt))
			p.end(t)
		}
		again := f.notOnce()
		for id, by := range again { // the dead one has not saved what it got
			if assert.Len(t, by, 2, "account %s", id) {
				assert.Equal(t, dead, by[0], "account %s", id)
				assert.NotEqual(t, dead, by[1], "account %s", id)
			}
		}
		t.Logf("%d of %d accounts were renewed again, because the process died before it saved them", len(again), len(f.accounts))
	})
}

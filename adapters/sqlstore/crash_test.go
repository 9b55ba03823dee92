package sqlstore

// This file answers: what is lost when workers are killed in the middle of
// anything? The workers are real processes, and nobody tells them.

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
)

const (
	crashEnv      = "SQLSTORE_CRASH_WORKER" // driver, dsn, prefix and journal of a worker, in lines
	crashApp      = "app"
	crashAccounts = 200
	crashKills    = 200
	crashLease    = 200 * time.Millisecond
)

func TestMain(m *testing.M) {
	for env, work := range map[string]func(task []string) error{crashEnv: crashWorker, herdEnv: herdWorker} {
		if task := os.Getenv(env); task != "" {
			if err := work(strings.Split(task, "\n")); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

func TestKilledWorkers(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	for name, home := range homes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := home(t)
			s := h.open(t)
			first := make(map[instagram.TokenKey]instagram.Revision, crashAccounts)
			for i := range crashAccounts {
				r := crashRecord(strconv.Itoa(i), 0)
				rev, err := s.SaveToken(t.Context(), r, 0)
				require.NoError(t, err)
				first[r.Key] = rev
			}
			c := &crash{home: h, dir: t.TempDir()}
			c.killMany(t, s)

			// Everything that is due is handled in the end, also what the dead held.
			atEnd := crashLoad(t, s)
			last, err := c.start()
			require.NoError(t, err)
			assert.Eventually(t, func() bool {
				now := crashLoad(t, s)
				for k, r := range atEnd {
					if now[k].Revision <= r.Revision {
						return false
					}
				}
				return true
			}, 20*time.Second, 100*time.Millisecond, "a record is stuck")
			require.NoError(t, last.kill())

			crashCheck(t, crashLoad(t, s), first, c.journals(t))
			if s.dia == sqlite {
				var says string
				require.NoError(t, s.db.QueryRow(`pragma integrity_check`).Scan(&says))
				assert.Equal(t, "ok", says)
			}
		})
	}
}

// crashRecord returns what an account's record is after n refreshes. Every
// part of it follows from n, so that a torn one shows.
func crashRecord(account string, n int) *instagram.Record {
	k := instagram.TokenKey{AppID: crashApp, AccountID: account}
	sum := sha256.Sum256([]byte(account + "/" + strconv.Itoa(n)))
	tok := longLived(account)
	tok.AccessToken = instagram.NewSecret(strings.Repeat(hex.EncodeToString(sum[:]), 64))
	tok.ObtainedAt = tok.GrantedAt.Add(time.Duration(n) * time.Second)
	return &instagram.Record{Key: k, Token: tok, Fails: n, Reason: strconv.Itoa(n), DueAt: time.Now()}
}

// crashLoad loads all records, and fails when one is torn.
func crashLoad(t *testing.T, s *Store) map[instagram.TokenKey]*instagram.Record {
	t.Helper()
	records, err := s.ListTokens(t.Context(), instagram.TokenKey{}, 2*crashAccounts)
	require.NoError(t, err)
	require.Len(t, records, crashAccounts)
	all := make(map[instagram.TokenKey]*instagram.Record, crashAccounts)
	for _, r := range records {
		want := crashRecord(r.Key.AccountID, r.Fails)
		if r.Reason != want.Reason || !r.Token.AccessToken.Equal(want.Token.AccessToken) || !r.Token.ObtainedAt.Equal(want.Token.ObtainedAt) {
			t.Errorf("%s is torn: fails %d, reason %s, obtained %v", r.Key, r.Fails, r.Reason, r.Token.ObtainedAt)
		}
		all[r.Key] = r
	}
	return all
}

// crash is a test's workers and what they wrote down.
type crash struct {
	home    home
	dir     string
	started atomic.Int64
}

// worker is a process that is about to be killed.
type worker struct {
	cmd    *exec.Cmd
	stderr bytes.Buffer
}

// start returns when the worker has opened the store and works.
func (c *crash) start() (*worker, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	w := &worker{cmd: exec.Command(program)}
	journal := filepath.Join(c.dir, strconv.FormatInt(c.started.Add(1), 10))
	task := strings.Join([]string{c.home.driver, c.home.dsn, c.home.prefix, journal}, "\n")
	w.cmd.Env = append(os.Environ(), crashEnv+"="+task)
	w.cmd.Stderr = &w.stderr
	stdout, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := w.cmd.Start(); err != nil {
		return nil, err
	}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		return nil, fmt.Errorf("a worker did not start: %q: %w, %w: %s", line, err, w.cmd.Wait(), &w.stderr)
	}
	return w, nil
}

// kill kills the worker, and fails when it was no more.
func (w *worker) kill() error {
	if err := w.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("a worker stopped by itself: %w: %s", err, &w.stderr)
	}
	_ = w.cmd.Wait()
	if status, ok := w.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() {
		return fmt.Errorf("a worker stopped by itself: %s: %s", w.cmd.ProcessState, &w.stderr)
	}
	return nil
}

// killMany keeps four workers busy and kills them at random, while somebody reads.
func (c *crash) killMany(t *testing.T, s *Store) {
	t.Helper()
	var kills atomic.Int64
	const atOnce = 4
	over := make(chan error, atOnce)
	for range atOnce {
		go func() {
			for kills.Add(1) <= crashKills {
				w, err := c.start()
				if err == nil {
					time.Sleep(rand.N(80 * time.Millisecond))
					err = w.kill()
				}
				if err != nil {
					over <- err
					return
				}
			}
			over <- nil
		}()
	}
	for left := atOnce; left > 0; {
		select {
		case err := <-over:
			require.NoError(t, err)
			left--
		case <-time.After(50 * time.Millisecond):
			crashLoad(t, s)
		}
	}
}

// journals returns what all workers wrote down: the fields of each line.
func (c *crash) journals(t *testing.T) [][]string {
	t.Helper()
	var lines [][]string
	for i := range c.started.Load() {
		text, err := os.ReadFile(filepath.Join(c.dir, strconv.FormatInt(i+1, 10)))
		require.NoError(t, err)
		for line := range strings.Lines(string(text)) {
			lines = append(lines, strings.Fields(line))
		}
	}
	return lines
}

// crashCheck compares what is stored with what the workers know.
func crashCheck(t *testing.T, stored map[instagram.TokenKey]*instagram.Record, first map[instagram.TokenKey]instagram.Revision, journals [][]string) {
	t.Helper()
	type lease struct{ fence, revision, until int64 }
	leases := make(map[string][]lease)
	saved := make(map[string]bool)
	for _, line := range journals {
		account := line[1]
		var n [3]int64
		for i, text := range line[2:] {
			var err error
			n[i], err = strconv.ParseInt(text, 10, 64)
			require.NoError(t, err)
		}
		if line[0] == "lease" {
			leases[account] = append(leases[account], lease{n[0], n[1], n[2]})
			continue
		}
		r := stored[instagram.TokenKey{AppID: crashApp, AccountID: account}]
		assert.GreaterOrEqual(t, int64(r.Revision), n[0], "%s: an acknowledged save is lost", r.Key)
		assert.GreaterOrEqual(t, int64(r.Fails), n[1], "%s: an acknowledged token is lost", r.Key)
		id := strings.Join(line[:3], " ")
		assert.False(t, saved[id], "%s: two saves made one revision", id)
		saved[id] = true
	}
	for k, r := range stored {
		assert.EqualValues(t, r.Revision-first[k], r.Fails, "%s: saves and refreshes differ in number", k)
	}
	for account, of := range leases {
		slices.SortFunc(of, func(a, b lease) int { return cmp.Compare(a.fence, b.fence) })
		for i, l := range of[1:] {
			before := of[i]
			assert.NotEqual(t, before.fence, l.fence, "%s: two workers have one lease", account)
			if l.revision == before.revision { // nothing was saved in between
				assert.LessOrEqual(t, before.until, l.until-crashLease.Microseconds(), "%s: leased again within its lease", account)
			}
		}
	}
	assert.NotEmpty(t, saved)
	t.Logf("%d kills, %d saves acknowledged, %d leases", crashKills, len(saved), len(journals)-len(saved))
}

// crashWorker refreshes what is due until it is killed. It writes down what it
// did, each line in one write, which no kill undoes.
func crashWorker(task []string) error {
	journal, err := os.OpenFile(task[3], os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	ctx := context.Background()
	db, err := sql.Open(task[0], task[1])
	if err != nil {
		return err
	}
	s, err := Open(ctx, db, WithTablePrefix(task[2]))
	if err != nil {
		return err
	}
	_, _ = os.Stdout.WriteString("ready\n")
	for {
		leases, err := s.LeaseDue(ctx, crashApp, 1+rand.IntN(20), crashLease)
		if err != nil {
			return err
		}
		for _, l := range leases {
			k, rev := l.Record.Key, l.Record.Revision
			if _, err := fmt.Fprintf(journal, "lease %s %d %d %d\n", k.AccountID, l.Fence, rev, l.Until.UnixMicro()); err != nil {
				return err
			}
			l.Record = crashRecord(k.AccountID, l.Record.Fails+1)
			l.Record.Revision = rev
		}
		time.Sleep(rand.N(10 * time.Millisecond)) // the platform takes its time
		results, err := s.CommitLeases(ctx, leases)
		if err != nil {
			return err
		}
		for i, l := range leases {
			if results[i] != nil {
				continue
			}
			if _, err := fmt.Fprintf(journal, "saved %s %d %d\n", l.Record.Key.AccountID, l.Record.Revision.Next(), l.Record.Fails); err != nil {
				return err
			}
		}
	}
}

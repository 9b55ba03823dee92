//go:build unix

package filestore_test

// This file answers: what is left when processes are killed at any moment?

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
)

const (
	workerEnv  = "FILESTORE_WORKER" // the directory that a worker process works in
	crashApp   = "1234567890123456"
	crashLease = 150 * time.Millisecond
)

// TestMain lets the test binary be a worker process.
func TestMain(m *testing.M) {
	for env, work := range workers() {
		if dir := os.Getenv(env); dir != "" {
			if err := work(dir); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			return
		}
	}
	os.Exit(m.Run())
}

// journal is what workers tell the test, one line for each event, in a file
// that survives them.
type journal struct{ f *os.File }

func openJournal(dir string) (journal, error) {
	f, err := os.OpenFile(filepath.Join(dir, "journal"), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	return journal{f}, err
}

func (j journal) tell(format string, args ...any) error {
	_, err := fmt.Fprintf(j.f, format+"\n", args...)
	return err
}

// work renews what is due, and lets a person log in now and then, until it is
// killed. A record's generation, which is kept in its Username, grows by one with each.
func work(dir string) error {
	j, err := openJournal(dir)
	if err != nil {
		return err
	}
	store, err := openForWork(dir)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	ctx := context.Background()
	for {
		leases, err := store.LeaseDue(ctx, crashApp, 1+rand.IntN(3), crashLease)
		if err != nil {
			return err
		}
		for _, lease := range leases {
			if err := j.tell("lease %s %d %d %d", lease.Record.Key.AccountID, lease.Fence, lease.Until.UnixNano(), lease.Record.Revision); err != nil {
				return err
			}
			next(lease.Record)
		}
		time.Sleep(rand.N(3 * time.Millisecond)) // Meta answers
		results, err := store.CommitLeases(ctx, leases)
		if err != nil {
			return err
		}
		for i, lease := range leases {
			if results[i] == nil {
				err = j.tell("acknowledged %s %s", lease.Record.Key.AccountID, lease.Record.Token.Username)
			} else if !errors.Is(results[i], instagram.ErrTokenSuperseded) {
				err = results[i]
			}
			if err != nil {
				return err
			}
		}
		if rand.IntN(4) > 0 {
			continue
		}
		r, err := store.LoadToken(ctx, crashKey(rand.IntN(crashRecords)))
		if err != nil {
			return err
		}
		next(r)
		r.Token.GrantedAt = r.Token.GrantedAt.Add(1)
		switch _, err := store.SaveToken(ctx, r, r.Revision); {
		case err == nil:
			err = j.tell("acknowledged %s %s", r.Key.AccountID, r.Token.Username)
			if err != nil {
				return err
			}
		case !errors.Is(err, instagram.ErrTokenSuperseded):
			return err
		}
	}
}

func next(r *instagram.Record) {
	n, _ := strconv.Atoi(r.Token.Username)
	r.Token.Username = strconv.Itoa(n + 1)
	r.Token.AccessToken = instagram.NewSecret(fmt.Sprintf("IGAA-%s-%d-%s", r.Key.AccountID, n+1, strings.Repeat("x", rand.IntN(9000))))
	r.Token.ObtainedAt = r.Token.ObtainedAt.Add(1)
	r.DueAt = time.Now().Add(rand.N(100 * time.Millisecond))
}

const crashRecords = 40

func crashKey(i int) instagram.TokenKey {
	return instagram.TokenKey{AppID: crashApp, AccountID: strconv.Itoa(17841405793187218 + i)}
}

func TestKilledProcesses(t *testing.T) {
	t.Parallel()
	kills := 200
	if testing.Short() {
		kills = 20
	}
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o700))
	store := open(t, dir+"/store")
	for i := range crashRecords {
		r := record(i)
		r.Key, r.Token.Username, r.DueAt = crashKey(i), "0", time.Now().Add(-time.Hour)
		_, err := store.SaveToken(t.Context(), r, 0)
		require.NoError(t, err)
	}

	var killed atomic.Int64
	var slots sync.WaitGroup
	for range 3 {
		slots.Go(func() {
			for killed.Load() < int64(kills) && !t.Failed() {
				if killWorker(t, dir) {
					killed.Add(1)
				}
			}
		})
	}
	slots.Wait()
	require.False(t, t.Failed())
	t.Logf("%d processes were killed", killed.Load())

	finished := open(t, dir+"/store") // a file that cannot be read fails the test here
	assertNoTemporaryFiles(t, dir)
	finishAll(t, store)
	checkJournal(t, dir, finished)
}

// killWorker starts a worker, and kills it at a random moment of its work.
func killWorker(t *testing.T, dir string) bool {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), workerEnv+"="+dir)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil || cmd.Start() != nil {
		t.Errorf("start a worker: %v", err)
		return false
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		_ = cmd.Wait()
		t.Errorf("a worker did not get ready: %q, %v, %s", line, err, stderr.String())
		return false
	}
	time.Sleep(rand.N(60 * time.Millisecond))
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if stderr.Len() > 0 {
		t.Errorf("a worker failed: %s", stderr.String())
	}
	return true
}

func assertNoTemporaryFiles(t *testing.T, dir string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		assert.NotContains(t, filepath.Base(path), ".tmp", "what a killed writer left behind is removed when a store is opened")
		return err
	}))
}

// finishAll commits every record once more: each must become free and be found.
func finishAll(t *testing.T, store instagram.TokenLeaser) {
	t.Helper()
	finished := make(map[instagram.TokenKey]bool)
	for end := time.Now().Add(time.Minute); len(finished) < crashRecords; time.Sleep(5 * time.Millisecond) {
		require.True(t, time.Now().Before(end), "only %d of %d records were handled in the end", len(finished), crashRecords)
		leases, err := store.LeaseDue(t.Context(), crashApp, crashRecords, time.Hour)
		require.NoError(t, err)
		for _, lease := range leases {
			require.False(t, finished[lease.Record.Key])
			finished[lease.Record.Key] = true
			lease.Record.DueAt = time.Now().Add(24 * time.Hour)
		}
		results, err := store.CommitLeases(t.Context(), leases)
		require.NoError(t, errors.Join(append(results, err)...))
	}
}

// checkJournal compares what workers were told with what is there.
func checkJournal(t *testing.T, dir string, store instagram.TokenStore) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "journal"))
	require.NoError(t, err)
	type taken struct{ fence, until, revision int64 }
	leases := make(map[string][]taken)
	newest := make(map[string]int)
	acknowledged := make(map[string]bool)
	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 5 && fields[0] == "lease":
			var l taken
			_, err := fmt.Sscan(strings.Join(fields[2:], " "), &l.fence, &l.until, &l.revision)
			require.NoError(t, err)
			leases[fields[1]] = append(leases[fields[1]], l)
		case len(fields) == 3 && fields[0] == "acknowledged":
			n, err := strconv.Atoi(fields[2])
			require.NoError(t, err)
			newest[fields[1]] = max(newest[fields[1]], n)
			assert.False(t, acknowledged[line], "two saves came from one revision: %s", line)
			acknowledged[line] = true
		default:
			t.Errorf("the journal has the line %q", line)
		}
	}
	t.Logf("%d tokens were acknowledged", len(acknowledged))
	assert.NotEmpty(t, acknowledged)

	for i := range crashRecords {
		k := crashKey(i)
		r, err := store.LoadToken(t.Context(), k)
		require.NoError(t, err)
		n, err := strconv.Atoi(r.Token.Username)
		require.NoError(t, err)
		assert.GreaterOrEqual(t, n, newest[k.AccountID], "a token was acknowledged and is lost")
		if n > 0 {
			assert.True(t, strings.HasPrefix(r.Token.AccessToken.Reveal(), fmt.Sprintf("IGAA-%s-%d-", k.AccountID, n)), "a record of two halves")
		}
		of := leases[k.AccountID]
		for a := range of {
			for b := range of[:a] {
				first, second := of[a], of[b]
				if first.until > second.until {
					first, second = second, first
				}
				assert.NotEqual(t, first.fence, second.fence)
				if first.revision == second.revision { // nothing was saved in between, so the first one was still valid
					assert.GreaterOrEqual(t, second.until-int64(crashLease), first.until, "two workers held %s at once", k)
				}
			}
		}
	}
}

// TestManyProcessesLoseNoUpdate lets processes work side by side until they are stopped.
func TestManyProcessesLoseNoUpdate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store := open(t, dir+"/store")
	for i := range crashRecords {
		r := record(i)
		r.Key, r.Token.Username, r.DueAt = crashKey(i), "0", time.Now().Add(-time.Hour)
		_, err := store.SaveToken(t.Context(), r, 0)
		require.NoError(t, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			cmd := exec.CommandContext(ctx, os.Args[0])
			cmd.Env = append(os.Environ(), workerEnv+"="+dir)
			out, err := cmd.CombinedOutput()
			if err == nil || string(out) != "ready\n" {
				t.Errorf("a worker was not killed in the end, but said %q", out)
			}
		})
	}
	workers.Wait()
	finishAll(t, store)
	checkJournal(t, dir, store)
}

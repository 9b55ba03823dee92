//go:build unix

package filestore_test

// This file answers: what if the files are not as they should be, or the disk fails?

import (
	"context"
	"encoding/base32"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/filestore"
)

// reports collects what is passed over.
type reports struct {
	mu   sync.Mutex
	errs []error
}

func (r *reports) add(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = append(r.errs, err)
}

func (r *reports) all() []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.errs
}

func save(t *testing.T, store instagram.TokenStore, r *instagram.Record) {
	t.Helper()
	_, err := store.SaveToken(t.Context(), r, 0)
	require.NoError(t, err)
}

// files returns the paths of all records.
func files(t *testing.T, dir, suffix string) []string {
	t.Helper()
	var paths []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, suffix) {
			paths = append(paths, path)
		}
		return err
	}))
	return paths
}

// fileOf returns the path of the record i.
func fileOf(t *testing.T, dir string, i int) string {
	t.Helper()
	name := strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString([]byte(record(i).Key.AccountID)))
	paths := files(t, dir, name+".token")
	require.Len(t, paths, 1)
	return paths[0]
}

func TestNobodyElseCanRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/a/b/store"
	store := open(t, dir)
	for i := range 5 {
		save(t, store, record(i))
	}
	_, err := store.LeaseDue(t.Context(), record(0).Key.AppID, 2, time.Hour)
	require.NoError(t, err)
	require.NoError(t, store.PutState(t.Context(), "a state", time.Hour))
	n := 0
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := entry.Info()
		require.NoError(t, err)
		want := fs.FileMode(0o600)
		if entry.IsDir() {
			want = 0o700
		}
		assert.Equal(t, want, info.Mode().Perm(), path)
		n++
		return nil
	}))
	assert.Greater(t, n, 10)
}

func TestOpenRefusesADirectoryOfOthers(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]fs.FileMode{"group": 0o750, "world": 0o701, "group may write": 0o720} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir() + "/store"
			require.NoError(t, open(t, dir).Close())
			for _, path := range []string{dir, dir + "/tokens"} {
				require.NoError(t, os.Chmod(path, mode))
				_, err := filestore.Open(dir)
				var permission *filestore.PermissionError
				require.ErrorAs(t, err, &permission)
				assert.Equal(t, path, permission.Path)
				assert.Contains(t, err.Error(), "chmod 700 "+path)
				require.NoError(t, os.Chmod(path, 0o700))
			}
		})
	}
}

// A file of the store is named whole too, however it is reached.
func TestAFileOfOthersIsNamedWhole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/store"
	store := open(t, dir)
	save(t, store, record(0))
	file := fileOf(t, dir, 0)
	require.NoError(t, os.Chmod(file, 0o640))
	_, err := store.LoadToken(t.Context(), record(0).Key)
	require.ErrorContains(t, err, "chmod 600 "+file)
	_, err = store.LeaseToken(t.Context(), record(0).Key, time.Minute)
	require.ErrorContains(t, err, "chmod 600 "+file)
	require.NoError(t, os.Chmod(dir+"/changes", 0o644))
	_, err = filestore.Open(dir)
	require.ErrorContains(t, err, "chmod 600 "+dir+"/changes")
}

func TestOpenRefusesWhatIsNoStore(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(dir string) error{
		"somebody's home":   func(dir string) error { return os.WriteFile(dir+"/.bashrc", nil, 0o600) },
		"a later version":   func(dir string) error { return os.WriteFile(dir+"/format", []byte("instagram filestore 2\n"), 0o600) },
		"an empty format":   func(dir string) error { return os.WriteFile(dir+"/format", nil, 0o600) },
		"a readable format": func(dir string) error { return os.WriteFile(dir+"/format", nil, 0o644) },
		"a file for a directory": func(dir string) error {
			return errors.Join(os.WriteFile(dir+"/format", []byte("instagram filestore 1\n"), 0o600), os.WriteFile(dir+"/tokens", nil, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir() + "/store"
			require.NoError(t, os.Mkdir(dir, 0o700))
			require.NoError(t, spoil(dir))
			_, err := filestore.Open(dir)
			require.Error(t, err)
			var corrupt *filestore.CorruptError
			var permission *filestore.PermissionError
			assert.True(t, errors.As(err, &corrupt) || errors.As(err, &permission), "%v", err)
		})
	}
	_, err := filestore.Open("")
	require.Error(t, err)
	file := t.TempDir() + "/file"
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err = filestore.Open(file)
	require.Error(t, err)
}

// TestSpoiltFile spoils one record of three in many ways: the others must go
// on, and the spoilt one must say so and be replaceable.
func TestSpoiltFile(t *testing.T) {
	t.Parallel()
	write := func(change func([]byte) []byte) func(t *testing.T, path, other string) {
		return func(t *testing.T, path, _ string) {
			t.Helper()
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, change(data), 0o600))
		}
	}
	for name, spoil := range map[string]func(t *testing.T, path, other string){
		"empty":      write(func([]byte) []byte { return nil }),
		"first half": write(func(data []byte) []byte { return data[:len(data)/2] }),
		"zeros":      write(func(data []byte) []byte { return make([]byte, len(data)) }),
		"a bit":      write(func(data []byte) []byte { data[len(data)/2] ^= 1; return data }),
		"more":       write(func(data []byte) []byte { return append(data, '\n') }),
		"huge":       write(func([]byte) []byte { return make([]byte, 1<<20) }),
		"plain JSON": write(func([]byte) []byte { return []byte(`{"access_token":"IGAAx"}`) }),
		"another's":  func(t *testing.T, path, other string) { t.Helper(); require.NoError(t, os.Rename(other, path)) },
		"readable":   func(t *testing.T, path, _ string) { t.Helper(); require.NoError(t, os.Chmod(path, 0o640)) },
		"a directory": func(t *testing.T, path, _ string) {
			t.Helper()
			require.NoError(t, errors.Join(os.Remove(path), os.Mkdir(path, 0o700)))
		},
		"a pipe": func(t *testing.T, path, _ string) {
			t.Helper()
			require.NoError(t, errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600)))
		},
		"a link out of the directory": func(t *testing.T, path, _ string) {
			t.Helper()
			require.NoError(t, errors.Join(os.Remove(path), os.Symlink("/etc/passwd", path)))
		},
	} {
		for _, when := range []string{" before it is opened", " while it is open"} {
			t.Run(name+when, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir() + "/store"
				var passedOver reports
				report := filestore.OnUnreadable(passedOver.add)
				store := open(t, dir, report)
				for i := range 4 {
					save(t, store, record(i))
				}
				spoil(t, fileOf(t, dir, 1), fileOf(t, dir, 3))
				if when == " before it is opened" {
					store = open(t, dir, report)
				}
				testSpoilt(t, store, &passedOver, name == "another's", name == "a link out of the directory")
			})
		}
	}
}

func testSpoilt(t *testing.T, store *filestore.Store, passedOver *reports, threeGone, link bool) {
	t.Helper()
	app := record(0).Key.AppID
	want := 3
	if threeGone {
		want--
	}
	_, err := store.LoadToken(t.Context(), record(1).Key)
	require.Error(t, err)
	require.NotErrorIs(t, err, instagram.ErrTokenNotFound)
	assert.NotContains(t, err.Error(), "IGAA")
	if !link { // which os.Root refuses in its own words
		requireUnreadable(t, err)
	}
	if link {
		return
	}

	listed, err := store.ListTokens(t.Context(), instagram.TokenKey{}, 100)
	require.NoError(t, err)
	assert.Len(t, listed, want)
	leases, err := store.LeaseDue(t.Context(), app, 100, time.Hour)
	require.NoError(t, err)
	assert.Len(t, leases, want, "the others go on")
	assert.Len(t, passedOver.all(), 1, "it is said once")
	for _, err := range passedOver.all() {
		requireUnreadable(t, err)
		assert.NotContains(t, err.Error(), "IGAA")
	}
	_, err = store.LeaseToken(t.Context(), record(1).Key, time.Hour)
	requireUnreadable(t, err)
	_, err = store.SaveToken(t.Context(), record(1), 0)
	requireUnreadable(t, err)

	require.NoError(t, store.DeleteToken(t.Context(), record(1).Key))
	save(t, store, record(1))
	_, err = store.LoadToken(t.Context(), record(1).Key)
	require.NoError(t, err)
	leases, err = store.LeaseDue(t.Context(), app, 100, time.Hour)
	require.NoError(t, err)
	assert.Len(t, leases, 1)
}

func requireUnreadable(t *testing.T, err error) {
	t.Helper()
	var corrupt *filestore.CorruptError
	var permission *filestore.PermissionError
	require.True(t, errors.As(err, &corrupt) || errors.As(err, &permission), "%v", err)
}

func TestForeignFilesAreLeftAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/store"
	store := open(t, dir)
	save(t, store, record(0))
	shard := filepath.Dir(fileOf(t, dir, 0))
	foreign := []string{"README", ".DS_Store", "x.token.bak", "lost+found"}
	for _, name := range foreign {
		require.NoError(t, os.WriteFile(filepath.Join(shard, name), []byte("x"), 0o600))
	}
	again := open(t, dir)
	records, err := again.ListTokens(t.Context(), instagram.TokenKey{}, 100)
	require.NoError(t, err)
	assert.Len(t, records, 1)
	for _, name := range foreign {
		assert.FileExists(t, filepath.Join(shard, name))
	}
}

func TestTemporaryFilesAreRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/store"
	store := open(t, dir)
	save(t, store, record(0))
	shard := filepath.Dir(fileOf(t, dir, 0))
	require.NoError(t, os.WriteFile(filepath.Join(shard, ".tmp-ABC"), []byte("half a tok"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(shard, "nobodys.lease"), []byte("x"), 0o600))
	open(t, dir)
	assert.NoFileExists(t, filepath.Join(shard, ".tmp-ABC"))
	assert.NoFileExists(t, filepath.Join(shard, "nobodys.lease"))
}

// TestLostLeases does to lease files what a loss of power can do.
func TestLostLeases(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(path string) error{
		"gone":  os.Remove,
		"empty": func(path string) error { return os.Truncate(path, 0) },
		"torn":  func(path string) error { return os.Truncate(path, 20) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir() + "/store"
			store := open(t, dir)
			save(t, store, record(0))
			before, err := store.LeaseToken(t.Context(), record(0).Key, time.Hour)
			require.NoError(t, err)
			require.NoError(t, store.ReleaseLeases(t.Context(), []*instagram.Lease{before}))
			before, err = store.LeaseToken(t.Context(), record(0).Key, time.Hour)
			require.NoError(t, err)
			time.Sleep(2 * time.Millisecond) // a computer takes longer to start
			require.NoError(t, lose(files(t, dir, ".lease")[0]))
			after, err := open(t, dir).LeaseToken(t.Context(), record(0).Key, time.Hour)
			require.NoError(t, err)
			assert.Greater(t, after.Fence, before.Fence)
			results, err := store.CommitLeases(t.Context(), []*instagram.Lease{before})
			require.NoError(t, err)
			require.ErrorIs(t, results[0], instagram.ErrTokenSuperseded)
		})
	}
}

// TestDiskFails lets each step of a save fail once.
func TestDiskFails(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"create", "write", "sync", "close", "rename", "sync directory"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir() + "/store"
			store := open(t, dir)
			save(t, store, record(0))
			lease, err := store.LeaseToken(t.Context(), record(0).Key, time.Hour)
			require.NoError(t, err)
			lease.Record.Token.AccessToken = instagram.NewSecret("new")

			store.FailAt(func(at string) error {
				if at == step {
					return syscall.ENOSPC
				}
				return nil
			})
			results, err := store.CommitLeases(t.Context(), []*instagram.Lease{lease})
			require.ErrorIs(t, err, syscall.ENOSPC, "it is a failure of the store")
			require.ErrorIs(t, results[0], syscall.ENOSPC)
			_, err = store.SaveToken(t.Context(), record(1), 0)
			require.ErrorIs(t, err, syscall.ENOSPC)
			store.FailAt(nil)

			assert.Empty(t, files(t, dir, ".tmp"), "nothing is left behind")
			got, err := store.LoadToken(t.Context(), record(0).Key)
			require.NoError(t, err)
			if step == "sync directory" { // it has its place, but a loss of power may take it away: the caller tries again
				assert.Equal(t, "new", got.Token.AccessToken.Reveal())
			} else {
				assert.Equal(t, lease.Record.Revision, got.Revision, "the old record is whole")
				results, err = store.CommitLeases(t.Context(), []*instagram.Lease{lease})
				require.NoError(t, errors.Join(append(results, err)...), "the lease is still good")
			}
			save(t, store, record(1)) // of the step "sync directory" too: not even its directory was certain to stay
			records, err := store.ListTokens(t.Context(), instagram.TokenKey{}, 10)
			require.NoError(t, err)
			assert.Len(t, records, 2, "the index knows what the directory has")
		})
	}
}

// TestWhatIsFlushed counts what a loss of power must not take away: the bytes
// of a record, its name, and the names of all directories above it.
func TestWhatIsFlushed(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var steps []string
	seen := func() []string {
		mu.Lock()
		defer mu.Unlock()
		all := steps
		steps = nil
		return all
	}
	store := open(t, t.TempDir()+"/a/b/store", filestore.Watching(func(step string) error {
		mu.Lock()
		defer mu.Unlock()
		steps = append(steps, step)
		return nil
	}))
	whole := []string{"create", "write", "sync", "close", "rename", "sync directory"}
	want := append([]string{"sync parent", "sync parent", "sync parent"}, append(whole, "sync directory")...) // the format, and its neighbours
	assert.Equal(t, want, seen(), "open")

	rev, err := store.SaveToken(t.Context(), record(0), 0)
	require.NoError(t, err)
	assert.Equal(t, append([]string{"sync directory"}, whole...), seen(), "the first record of a directory")
	_, err = store.SaveToken(t.Context(), record(0), rev)
	require.NoError(t, err)
	assert.Equal(t, whole, seen())
	lease, err := store.LeaseToken(t.Context(), record(0).Key, time.Hour)
	require.NoError(t, err)
	assert.NotContains(t, seen(), "sync", "nobody holds a lease after a loss of power")
	results, err := store.CommitLeases(t.Context(), []*instagram.Lease{lease})
	require.NoError(t, errors.Join(append(results, err)...))
	assert.Equal(t, whole, seen())
	require.NoError(t, store.DeleteToken(t.Context(), record(0).Key))
	assert.Equal(t, []string{"sync directory"}, seen(), "a deletion")
	require.NoError(t, store.PutState(t.Context(), "a state", time.Hour))
	assert.Empty(t, seen())
	require.NoError(t, store.TakeState(t.Context(), "a state"))
	assert.Equal(t, []string{"sync directory"}, seen(), "a state is not there to be taken again")

	f, err := os.Create(t.TempDir() + "/closed")
	require.NoError(t, err)
	require.NoError(t, filestore.Flush(f))
	require.NoError(t, f.Close())
	require.ErrorIs(t, filestore.Flush(f), fs.ErrClosed, "it is the disk that is asked")
}

func TestWaitingForAnotherProcessEndsWithTheContext(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/store"
	store := open(t, dir)
	save(t, store, record(0))
	lock, err := os.Open(filepath.Join(filepath.Dir(fileOf(t, dir, 0)), ".lock"))
	require.NoError(t, err)
	require.NoError(t, syscall.Flock(int(lock.Fd()), syscall.LOCK_EX)) // a process that was stopped in the midst of it

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, store.DeleteToken(ctx, record(0).Key), context.DeadlineExceeded)
	_, err = store.LeaseDue(ctx, record(0).Key.AppID, 1, time.Hour)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = store.LoadToken(t.Context(), record(0).Key)
	require.NoError(t, err, "loading waits for nobody")

	require.NoError(t, lock.Close())
	require.NoError(t, store.DeleteToken(t.Context(), record(0).Key))
}

func TestClosedStore(t *testing.T) {
	t.Parallel()
	store, err := filestore.Open(t.TempDir() + "/store")
	require.NoError(t, err)
	save(t, store, record(0))
	require.NoError(t, store.Close())
	_, err = store.LoadToken(t.Context(), record(0).Key)
	require.Error(t, err)
	_, err = store.SaveToken(t.Context(), record(1), 0)
	require.Error(t, err)
	_, err = store.LeaseDue(t.Context(), "1", 1, time.Hour)
	require.Error(t, err)
	require.Error(t, store.PutState(t.Context(), "x", time.Hour))
	require.NoError(t, store.Close(), "closing twice")
}

func TestStatesGoAway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/store"
	store := open(t, dir)
	for i := range 20 {
		require.NoError(t, store.PutState(t.Context(), strings.Repeat("secret state ", i+1), 50*time.Millisecond))
	}
	states := func() (n int) {
		require.NoError(t, filepath.WalkDir(dir+"/states", func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				n++
				data, err := os.ReadFile(path)
				assert.NoError(t, err)
				assert.NotContains(t, path+string(data), "secret")
			}
			return err
		}))
		return n
	}
	require.Equal(t, 20, states())
	time.Sleep(60 * time.Millisecond)
	again := open(t, dir) // which sweeps each directory at its first use
	const further = 2000
	for i := range further {
		require.NoError(t, again.PutState(t.Context(), strconv.Itoa(i), time.Hour))
	}
	assert.Equal(t, further, states())
}

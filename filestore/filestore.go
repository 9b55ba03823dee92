// Package filestore keeps tokens and login states in files of one machine,
// with nothing but the standard library. It is for programs of one machine, in
// one process or several, up to some ten thousand accounts:
//
//	store, err := filestore.Open("/var/lib/myapp/tokens")
//	if err != nil { … }
//	defer store.Close()
//	client, err := instagram.New(cfg, instagram.WithTokenStore(seal.Tokens(store, keys)))
//
// Each record is a file of its own, which is replaced as a whole and flushed to
// the disk before a save returns: neither a crash nor a loss of power leaves
// half a token, and what was acknowledged is there afterwards. Files hold
// tokens in clear unless package seal wraps the store, and nobody but their
// owner may read them; both the directory and its files are refused otherwise.
//
// Processes keep out of each other's way by file locks, so the directory must
// be on a disk of the machine, not on a network. Windows has no such locks;
// [Open] fails there with an error that is [errors.ErrUnsupported].
package filestore

// This file answers: what is a store in files, and how is one opened?

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/internal/index"
)

var (
	_ instagram.TokenStore   = (*Store)(nil)
	_ instagram.TokenLeaser  = (*Store)(nil)
	_ instagram.TokenFinder  = (*Store)(nil)
	_ instagram.TokenLister  = (*Store)(nil)
	_ instagram.TokenCounter = (*Store)(nil)
	_ instagram.StateStore   = (*Store)(nil)
)

// Store keeps tokens and login states in a directory. It is safe for
// concurrent use, also by several processes that have opened the same
// directory.
type Store struct {
	path    string
	root    *os.Root
	changes *os.File
	report  func(error)
	shards  [shardCount]*shard
	states  [shardCount]*stateShard

	mu    sync.Mutex // guards the index and what shards know; never held while a file is touched
	index *index.Index

	fault func(step string) error // for tests; nil: none
}

// Option changes how a store is opened.
type Option func(*Store)

// OnUnreadable sets what is called with the [*CorruptError] or
// [*PermissionError] of a file that is passed over when the store looks for
// what is due, or walks through everything. It is called once for each state of
// such a file, and must not call the store. Default: [slog.Default] logs it.
func OnUnreadable(report func(error)) Option {
	return func(s *Store) {
		if report != nil {
			s.report = report
		}
	}
}

// CorruptError says that a file is not what this package has written. Other
// records are not touched by it. [Store.DeleteToken] removes the file, so that
// the account can log in anew.
type CorruptError struct {
	Path   string // below the store's directory
	Reason string
}

// Error names the file and says what is wrong with it, without what it holds.
func (e *CorruptError) Error() string { return fmt.Sprintf("filestore: %s: %s", e.Path, e.Reason) }

// PermissionError says that others than the owner can read or write the
// directory or a file of it.
type PermissionError struct {
	Path string // absolute
	Mode fs.FileMode
}

// Error names the path, and the command that helps.
func (e *PermissionError) Error() string {
	private := 0o600
	if e.Mode.IsDir() {
		private = 0o700
	}
	return fmt.Sprintf("filestore: %s has mode %04o: others than its owner have access; chmod %o %s", e.Path, e.Mode.Perm(), private, e.Path)
}

// format is what the file "format" holds: a directory without it is not ours.
const format = "instagram filestore 1\n"

// Open opens the store in the directory dir, which it makes if there is none.
// It reads every record once, some tens of thousands a second, to know what is
// due. A directory that others can read or write gives a [*PermissionError];
// one that holds something else, a [*CorruptError].
func Open(dir string, options ...Option) (*Store, error) {
	s := &Store{
		path: dir, index: index.New(),
		report: func(err error) {
			slog.Default().Error("instagram: a stored token is passed over", slog.Any("error", err))
		},
	}
	for _, option := range options {
		option(s)
	}
	if err := s.open(dir); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Store) open(dir string) error {
	if !canLock {
		return fmt.Errorf("filestore: this system has no file locks that end with their process; keep tokens in a database: %w", errors.ErrUnsupported)
	}
	if err := makeAll(dir, s.step); err != nil {
		return fmt.Errorf("filestore: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("filestore: %w", err)
	}
	s.root = root
	if err := checkMode(root, "."); err != nil {
		return err
	}
	if err := s.claim(); err != nil {
		return err
	}
	for _, kind := range []string{tokensDir, statesDir} {
		if err := makeDir(root, kind); err != nil {
			return err
		}
	}
	if err := syncDir(root, ".", s.step); err != nil {
		return err
	}
	if s.changes, err = openChanges(root); err != nil {
		return err
	}
	for i := range shardCount {
		s.shards[i] = newShard(i)
		s.states[i] = &stateShard{dir: shardDir(statesDir, i)}
	}
	return s.scanAll()
}

// claim makes sure that the directory is a store's, or empty.
func (s *Store) claim() error {
	data, err := readSmall(s.root, "format", 1<<10)
	if err == nil {
		if string(data) != format {
			return &CorruptError{"format", "this is no store, or that of another version of this program"}
		}
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	entries, err := fs.ReadDir(s.root.FS(), ".")
	if err != nil {
		return fmt.Errorf("filestore: %w", err)
	}
	for _, entry := range entries {
		if name := entry.Name(); name != "lost+found" && name != "format" && !isTemp(name) { // of the last two, another process that is opening it too
			return &CorruptError{name, "the directory holds something else: a store wants one of its own"}
		}
	}
	return replaceFile(s.root, "format", []byte(format), true, s.step)
}

// step is where tests let a file operation fail.
func (s *Store) step(name string) error {
	if s.fault == nil {
		return nil
	}
	return s.fault(name)
}

// Close frees what the store holds open. Calls that follow fail, but for Close.
func (s *Store) Close() error {
	if s.changes != nil {
		_ = s.changes.Close() // nothing is waiting to be written
	}
	if s.root != nil {
		_ = s.root.Close()
	}
	return nil
}

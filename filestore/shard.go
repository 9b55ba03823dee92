package filestore

// This file answers: how do goroutines and processes take turns at a piece of
// the directory, and how does each learn what the others have changed?

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/internal/index"
)

// shard is one of the directories that records are spread over.
type shard struct {
	n    int
	dir  string
	turn chan struct{} // holds one element while a goroutine of this process works on the shard

	// Guarded by Store.mu:
	seen    generation
	entries map[instagram.TokenKey]index.Entry
	names   map[string]instagram.TokenKey // by file name
	bad     map[string]string             // by file name: the error that was reported
}

// generation counts the changes of a shard by all processes. It is changed,
// under the shard's lock, before the files are, so that a process that is killed
// in between makes others look in vain, not look away.
type generation struct {
	// early counts changes after which a record may be due earlier, be found by
	// another ID, or not be there. Who has not seen them misses something.
	early uint64
	// any counts all changes of records. Who has not seen them, but all early
	// ones, takes a record for due that is not, and sees it when it looks.
	any uint64
}

const generationSize = 16

func newShard(n int) *shard {
	return &shard{
		n: n, dir: shardDir(tokensDir, n), turn: make(chan struct{}, 1),
		entries: make(map[instagram.TokenKey]index.Entry), names: make(map[string]instagram.TokenKey), bad: make(map[string]string),
	}
}

// held is a shard that nobody else works on.
type held struct {
	*shard
	store *Store
	dir   *os.Root
	lock  *os.File
	gen   generation // as it is now
}

// lock waits until no other goroutine and no other process works on the shard.
func (s *Store) lock(ctx context.Context, sh *shard) (_ *held, err error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	select {
	case sh.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	h := &held{shard: sh, store: s}
	defer func() {
		if err != nil {
			h.unlock()
		}
	}()
	if h.dir, err = s.openShard(sh.dir); err != nil {
		return nil, err
	}
	if h.lock, err = h.dir.OpenFile(".lock", os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, fmt.Errorf("filestore: %w", err)
	}
	if err := waitForLock(ctx, h.lock); err != nil {
		return nil, err
	}
	if h.gen, err = s.generation(sh.n); err != nil {
		return nil, err
	}
	return h, nil
}

// openShard opens a shard's directory, and makes it if it is the first time.
func (s *Store) openShard(path string) (*os.Root, error) {
	dir, err := s.root.OpenRoot(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeDir(s.root, path); err != nil {
			return nil, err
		}
		if err := syncDir(s.root, tokensDir, s.step); err != nil {
			return nil, err
		}
		dir, err = s.root.OpenRoot(path)
	}
	if err != nil {
		return nil, fmt.Errorf("filestore: %w", err)
	}
	return dir, nil
}

func (h *held) unlock() {
	if h.lock != nil {
		_ = h.lock.Close() // frees the lock
	}
	if h.dir != nil {
		_ = h.dir.Close()
	}
	<-h.turn
}

// waitForLock asks again and again, because waiting in the kernel would not end
// with the context.
func waitForLock(ctx context.Context, f *os.File) error {
	const longest = 5 * time.Millisecond
	for pause := 50 * time.Microsecond; ; pause = min(2*pause, longest) {
		locked, err := tryLock(f)
		if err != nil {
			return fmt.Errorf("filestore: lock: %w", err)
		}
		if locked {
			return nil
		}
		timer := time.NewTimer(pause/2 + rand.N(pause)) //nolint:gosec // it spreads, it does not hide
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
}

func openChanges(root *os.Root) (*os.File, error) {
	f, err := root.OpenFile("changes", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("filestore: %w", err)
	}
	info, err := f.Stat()
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		err = tooOpen(root, "changes", info.Mode())
	}
	if err == nil && info.Size() < shardCount*generationSize {
		err = f.Truncate(shardCount * generationSize)
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("filestore: %w", err)
	}
	return f, nil
}

func (s *Store) generation(n int) (generation, error) {
	var data [generationSize]byte
	if _, err := s.changes.ReadAt(data[:], int64(n)*generationSize); err != nil {
		return generation{}, fmt.Errorf("filestore: %w", err)
	}
	return parseGeneration(data[:]), nil
}

func parseGeneration(data []byte) generation {
	return generation{early: binary.LittleEndian.Uint64(data), any: binary.LittleEndian.Uint64(data[8:])}
}

// announce tells other processes that the shard is about to change.
func (h *held) announce(early bool) error {
	is := h.gen
	is.any++
	if early {
		is.early++
	}
	var data [generationSize]byte
	binary.LittleEndian.PutUint64(data[:], is.early)
	binary.LittleEndian.PutUint64(data[8:], is.any)
	if _, err := h.store.changes.WriteAt(data[:], int64(h.n)*generationSize); err != nil {
		return fmt.Errorf("filestore: %w", err)
	}
	was := h.gen
	h.gen = is
	h.store.mu.Lock()
	defer h.store.mu.Unlock()
	if h.seen.early == was.early { // else there is something else to be seen
		h.seen.early = is.early
	}
	if h.seen.any == was.any {
		h.seen.any = is.any
	}
	return nil
}

// learn puts what is known of a record into the index; nil: it is not there.
func (h *held) learn(k instagram.TokenKey, f *stored) {
	h.store.mu.Lock()
	defer h.store.mu.Unlock()
	h.learnLocked(k, f)
}

func (h *held) learnLocked(k instagram.TokenKey, f *stored) {
	var was, is *index.Entry
	if e, ok := h.entries[k]; ok {
		was = &e
	}
	if f != nil {
		is = f.entry()
		h.entries[k] = *is
		h.names[placeOf(k).name] = k
	} else {
		delete(h.entries, k)
		delete(h.names, placeOf(k).name)
	}
	if was != nil || is != nil {
		h.store.index.Replace(index.Key(k), was, is)
	}
}

func (f *stored) entry() *index.Entry {
	e := &index.Entry{Person: f.record.Token.AppScopedID, State: uint8(f.record.State), Due: index.Never, Until: f.until}
	if f.record.State == instagram.Alive && !f.record.DueAt.IsZero() {
		e.Due = index.Nanos(f.record.DueAt)
	}
	return e
}

// scanAll reads everything, when the store is opened.
func (s *Store) scanAll() error {
	const patience = time.Minute // for a process that holds a lock and does not run
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return each(shardCount, func(i int) error {
		if _, err := s.root.Lstat(s.shards[i].dir); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err := checkMode(s.root, s.shards[i].dir); err != nil {
			return err
		}
		h, err := s.lock(ctx, s.shards[i])
		if err != nil {
			return err
		}
		defer h.unlock()
		return h.scan()
	})
}

// refresh looks at what other processes have changed. exact asks for all
// changes, not only for the early ones.
func (s *Store) refresh(ctx context.Context, exact bool) error {
	data := make([]byte, shardCount*generationSize)
	if _, err := s.changes.ReadAt(data, 0); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("filestore: %w", err)
	}
	for i, sh := range s.shards {
		now := parseGeneration(data[i*generationSize:])
		if s.upToDate(sh, now, exact) {
			continue
		}
		h, err := s.lock(ctx, sh)
		if err != nil {
			return err
		}
		if !s.upToDate(sh, h.gen, exact) { // another goroutine may have looked meanwhile
			err = h.scan()
		}
		h.unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) upToDate(sh *shard, now generation, exact bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return sh.seen.early == now.early && (!exact || sh.seen.any == now.any)
}

// scan reads all records of the shard, and removes what writers have left
// behind that were killed.
func (h *held) scan() error {
	list, err := h.dir.Open(".")
	if err != nil {
		return fmt.Errorf("filestore: %w", err)
	}
	names, err := list.Readdirnames(-1)
	_ = list.Close()
	if err != nil {
		return fmt.Errorf("filestore: %w", err)
	}
	leases := make(map[string]bool)
	for _, name := range names {
		if base, isLease := strings.CutSuffix(name, leaseSuffix); isLease {
			leases[base] = true
		}
	}
	found := make(map[string]bool, len(names))
	bad := make(map[string]error)
	for _, name := range names {
		base, isRecord := strings.CutSuffix(name, recordSuffix)
		switch {
		case isTemp(name):
			_ = h.dir.Remove(name) // its writer is dead, for we hold the lock
		case isRecord:
			f, err := h.readListed(place{h.n, base}, leases[base])
			if errors.Is(err, instagram.ErrTokenNotFound) {
				continue
			}
			if err != nil {
				bad[base] = err
				continue
			}
			found[base] = true
			h.learn(f.record.Key, f)
		}
	}
	for base := range leases { // of records that were deleted by one who was killed in between
		if !found[base] && bad[base] == nil {
			_ = h.dir.Remove(base + leaseSuffix)
		}
	}
	h.settle(found, bad)
	return nil
}

// readListed reads a record of which is known whether it has a lease file: most have none.
func (h *held) readListed(p place, leased bool) (*stored, error) {
	if leased {
		return read(h.dir, p)
	}
	return readRecord(h.dir, p.name+recordSuffix, p)
}

// settle makes the index forget what a scan has not found, and reports what it could not read.
func (h *held) settle(found map[string]bool, bad map[string]error) {
	var news []error
	h.store.mu.Lock()
	for name, k := range h.names {
		if !found[name] {
			h.learnLocked(k, nil)
		}
	}
	for name, err := range bad {
		if h.bad[name] != err.Error() {
			h.bad[name] = err.Error()
			news = append(news, err)
		}
	}
	for name := range h.bad {
		if bad[name] == nil {
			delete(h.bad, name)
		}
	}
	h.seen = h.gen
	h.store.mu.Unlock()
	for _, err := range news {
		h.store.report(err)
	}
}

// passOver takes a record out of the index whose files cannot be read, and reports it once.
func (h *held) passOver(k instagram.TokenKey, err error) {
	name := placeOf(k).name
	h.store.mu.Lock()
	h.learnLocked(k, nil)
	known := h.bad[name] == err.Error()
	h.bad[name] = err.Error()
	h.store.mu.Unlock()
	if !known {
		h.store.report(err)
	}
}

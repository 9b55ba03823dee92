package filestore

// This file answers: how is a login state used once by all processes, and how
// do states that nobody takes go away?

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/internal/index"
)

const (
	stateMagic   = "instagram-state-1"
	maxStateFile = 1 << 10
	maxStateID   = 1 << 10

	// maxOpenStates bounds, for each of the 256 directories, the files that
	// people, or an attacker, can make by beginning logins: a million in all.
	maxOpenStates = 4096
	// sweepEvery is how often a directory is searched for states whose time is over.
	sweepEvery = time.Minute
)

type stateShard struct {
	dir string

	mu    sync.Mutex
	swept time.Time
	open  int // states in the directory, as far as this process knows
}

// PutState implements [instagram.StateStore]. A state is not flushed to the
// disk: after a loss of power people begin their login again. Beyond a million
// open states further ones are refused.
func (s *Store) PutState(ctx context.Context, id string, ttl time.Duration) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case id == "" || len(id) > maxStateID:
		return fmt.Errorf("filestore: a state ID has 1 to %d bytes, not %d", maxStateID, len(id))
	case ttl <= 0:
		return errors.New("filestore: a state lasts longer than zero")
	}
	sh, path := s.statePlace(id)
	if err := s.sweep(sh); err != nil {
		return err
	}
	end := index.Nanos(time.Now().Add(ttl))
	if old, err := s.stateEnd(path); err == nil && old <= time.Now().UnixNano() {
		_ = s.root.Remove(path)
	}
	f, err := s.root.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeDir(s.root, sh.dir); err != nil {
			return err
		}
		f, err = s.root.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	}
	if err != nil {
		return fmt.Errorf("filestore: %w", err)
	}
	err = errors.Join(write(f, frame(stateMagic, strconv.FormatInt(end, 10), nil)), f.Close())
	if err != nil {
		_ = s.root.Remove(path)
		return fmt.Errorf("filestore: %w", err)
	}
	return nil
}

// TakeState implements [instagram.StateStore]. A state that was taken stays
// taken after a loss of power.
func (s *Store) TakeState(ctx context.Context, id string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	sh, path := s.statePlace(id)
	end, err := s.stateEnd(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return instagram.ErrStateUsed
	case unreadable(err):
		return errors.Join(instagram.ErrStateUsed, err)
	case err != nil:
		return err
	}
	err = s.root.Remove(path) // of all that try, one removes it
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return instagram.ErrStateUsed
	case err != nil:
		return fmt.Errorf("filestore: %w", err)
	}
	sh.mu.Lock()
	sh.open--
	sh.mu.Unlock()
	if time.Now().UnixNano() >= end {
		return instagram.ErrStateUsed
	}
	return syncDir(s.root, sh.dir, s.step)
}

// statePlace returns where a state is. Its name does not show the ID: who reads
// a listing of the directory cannot use it.
func (s *Store) statePlace(id string) (*stateShard, string) {
	sum := sha256.Sum256([]byte(id))
	sh := s.states[sum[0]]
	return sh, sh.dir + "/" + encode(sum[:])
}

func (s *Store) stateEnd(path string) (int64, error) {
	data, err := readSmall(s.root, path, maxStateFile)
	if err != nil {
		return 0, err
	}
	fields, _, ok := unframe(stateMagic, data)
	if !ok || len(fields) != 1 {
		return 0, &CorruptError{path, "it is torn, or was not written by this program"}
	}
	end, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return 0, &CorruptError{path, "its end is no number"}
	}
	return end, nil
}

// sweep makes room for one more state: now and then, and when there are too
// many, it removes those whose time is over, and those that were never wholly written.
func (s *Store) sweep(sh *stateShard) error {
	now := time.Now()
	sh.mu.Lock()
	sh.open++
	age := now.Sub(sh.swept)
	due := age >= sweepEvery || sh.open > maxOpenStates && age >= time.Second
	if due {
		sh.swept = now // nobody else need do it too
	}
	sh.mu.Unlock()
	if due {
		left, err := s.removeEnded(sh.dir, now)
		if err != nil {
			return err
		}
		sh.mu.Lock()
		sh.open = left + 1
		sh.mu.Unlock()
	}
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.open > maxOpenStates {
		sh.open--
		return errors.New("filestore: too many login states are open")
	}
	return nil
}

func (s *Store) removeEnded(dir string, now time.Time) (left int, err error) {
	list, err := s.root.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("filestore: %w", err)
	}
	entries, err := list.ReadDir(-1)
	_ = list.Close()
	if err != nil {
		return 0, fmt.Errorf("filestore: %w", err)
	}
	for _, entry := range entries {
		path := dir + "/" + entry.Name()
		end, err := s.stateEnd(path)
		torn := unreadable(err) && isOld(entry, now)
		if errors.Is(err, fs.ErrNotExist) || (err == nil && end <= now.UnixNano() || torn) && s.root.Remove(path) == nil {
			continue
		}
		left++
	}
	return left, nil
}

// isOld reports whether a file is too old to be just being written.
func isOld(entry fs.DirEntry, now time.Time) bool {
	info, err := entry.Info()
	return err == nil && now.Sub(info.ModTime()) > time.Hour
}

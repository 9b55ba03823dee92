package filestore

// This file answers: how is a record loaded, saved and deleted?

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/internal/index"
)

// LoadToken implements [instagram.TokenStore]. It reads the file, so it sees
// what any process has saved, and takes no lock.
func (s *Store) LoadToken(ctx context.Context, k instagram.TokenKey) (*instagram.Record, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	p := placeOf(k)
	f, err := readRecord(s.root, p.path(recordSuffix), p)
	if err != nil {
		return nil, err
	}
	return f.record, nil
}

// SaveToken implements [instagram.TokenStore]. When it has returned nil, the
// record survives a loss of power.
func (s *Store) SaveToken(ctx context.Context, r *instagram.Record, from instagram.Revision) (instagram.Revision, error) {
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	if err := instagram.CheckSave(nil, r); err != nil {
		return 0, err
	}
	p := placeOf(r.Key)
	h, err := s.lock(ctx, s.shards[p.shard])
	if err != nil {
		return 0, err
	}
	defer h.unlock()
	old, err := read(h.dir, p)
	if err != nil && !errors.Is(err, instagram.ErrTokenNotFound) {
		return 0, err
	}
	if old.revision() != from {
		return 0, instagram.ErrTokenSuperseded
	}
	return h.save(p, old, r)
}

// save puts r in the place of old, nil for none, and ends the lease.
func (h *held) save(p place, old *stored, r *instagram.Record) (instagram.Revision, error) {
	var was *instagram.Record
	is := &stored{}
	if old != nil {
		was, is.fence = old.record, old.fence
	}
	if err := instagram.CheckSave(was, r); err != nil {
		return 0, err
	}
	kept := *r
	kept.Revision = old.revision().Next()
	is.record = &kept
	data, err := writeRecord(&kept, is.fence)
	if err != nil {
		return 0, err
	}
	if err := h.announce(old == nil || earlier(old.entry(), is.entry())); err != nil {
		return 0, err
	}
	if err := replaceFile(h.dir, p.name+recordSuffix, data, true, h.store.step); err != nil {
		h.lookAgain()
		return 0, err
	}
	if old != nil && old.leased {
		_ = h.dir.Remove(p.name + leaseSuffix) // if it stays, its revision is not the record's
	}
	h.learn(r.Key, is)
	return kept.Revision, nil
}

// earlier reports whether who knows only was might miss that it is due, or whose it is.
func earlier(was, is *index.Entry) bool {
	return is.Due < max(was.Due, was.Until) || is.Person != was.Person || is.State != was.State
}

// lookAgain makes this process read the shard anew: after a failure nobody
// knows what the directory has.
func (h *held) lookAgain() {
	h.store.mu.Lock()
	defer h.store.mu.Unlock()
	h.seen = generation{early: math.MaxUint64, any: math.MaxUint64}
}

// DeleteToken implements [instagram.TokenStore]. It also removes a file that
// cannot be read.
func (s *Store) DeleteToken(ctx context.Context, k instagram.TokenKey) error {
	p := placeOf(k)
	h, err := s.lock(ctx, s.shards[p.shard])
	if err != nil {
		return err
	}
	defer h.unlock()
	if _, err := h.dir.Lstat(p.name + recordSuffix); errors.Is(err, fs.ErrNotExist) {
		h.learn(k, nil)
		return nil
	}
	if err := h.announce(true); err != nil {
		return err
	}
	if err := h.dir.Remove(p.name + recordSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("filestore: %w", err)
	}
	_ = h.dir.Remove(p.name + leaseSuffix) // if it stays, its revision is nobody's
	h.learn(k, nil)
	return syncDir(h.dir, ".", s.step)
}

func (f *stored) revision() instagram.Revision {
	if f == nil {
		return 0
	}
	return f.record.Revision
}

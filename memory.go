package instagram

// This file answers: how are tokens kept in memory, when nothing need survive the process?

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/seed-922467ee/instagram/internal/index"
	"github.com/seed-922467ee/instagram/internal/ordered"
)

var (
	_ TokenStore   = (*MemoryStore)(nil)
	_ TokenLeaser  = (*MemoryStore)(nil)
	_ TokenFinder  = (*MemoryStore)(nil)
	_ TokenLister  = (*MemoryStore)(nil)
	_ TokenCounter = (*MemoryStore)(nil)
	_ StateStore   = (*MemoryStore)(nil)
)

// MemoryStore keeps tokens and login states in memory: for scripts, tests, and
// as the model of what a store does. It does everything a store can do, and is
// safe for concurrent use. Loading takes no lock, and taking what is due costs
// the same among a million records as among ten thousand.
type MemoryStore struct {
	records sync.Map // TokenKey → *memoryRecord

	mu    sync.Mutex // guards the index, and every change of records; never held while waiting
	index *index.Index

	states memoryStates
}

// memoryRecord is a record with its lease. It is never changed, only replaced,
// so that readers need no lock.
type memoryRecord struct {
	record *Record
	fence  int64
	until  time.Time // when the lease ends; zero: nobody holds it
}

// NewMemoryStore returns an empty store.
func NewMemoryStore() *MemoryStore {
	return &MemoryStore{
		index:  index.New(),
		states: memoryStates{limit: maxOpenStates, ends: make(map[string]int64), order: ordered.New(compareStateEnds)},
	}
}

// LoadToken implements [TokenStore].
func (s *MemoryStore) LoadToken(ctx context.Context, k TokenKey) (*Record, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	m := s.load(k)
	if m == nil {
		return nil, ErrTokenNotFound
	}
	return m.record.clone(), nil
}

// SaveToken implements [TokenStore].
func (s *MemoryStore) SaveToken(ctx context.Context, r *Record, from Revision) (Revision, error) {
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	if err := CheckSave(nil, r); err != nil {
		return 0, err
	}
	r = r.kept()
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.load(r.Key)
	if old.revision() != from {
		return 0, ErrTokenSuperseded
	}
	return s.saveLocked(old, r)
}

// DeleteToken implements [TokenStore].
func (s *MemoryStore) DeleteToken(ctx context.Context, k TokenKey) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.load(k); old != nil {
		s.replaceLocked(old, nil)
	}
	return nil
}

// LeaseDue implements [TokenLeaser].
func (s *MemoryStore) LeaseDue(ctx context.Context, appID string, n int, d time.Duration) ([]*Lease, error) {
	if err := checkLease(ctx, d); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now().Round(0)
	keys := s.index.Due(appID, index.Nanos(now), n)
	leases := make([]*Lease, len(keys))
	for i, k := range keys {
		leases[i] = s.leaseLocked(s.load(TokenKey(k)), now.Add(d))
	}
	return leases, nil
}

// LeaseToken implements [TokenLeaser].
func (s *MemoryStore) LeaseToken(ctx context.Context, k TokenKey, d time.Duration) (*Lease, error) {
	if err := checkLease(ctx, d); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.load(k)
	now := time.Now().Round(0)
	switch {
	case m == nil:
		return nil, ErrTokenNotFound
	case now.Before(m.until):
		return nil, ErrTokenLeased
	}
	return s.leaseLocked(m, now.Add(d)), nil
}

// CommitLeases implements [TokenLeaser].
func (s *MemoryStore) CommitLeases(ctx context.Context, leases []*Lease) ([]error, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	results := make([]error, len(leases))
	for i, lease := range leases {
		if lease == nil {
			results[i] = errNoLease
			continue
		}
		if results[i] = CheckSave(nil, lease.Record); results[i] != nil {
			continue
		}
		results[i] = s.commit(lease, lease.Record.kept())
	}
	return results, nil
}

func (s *MemoryStore) commit(lease *Lease, r *Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.load(r.Key)
	if !old.heldUnder(lease) {
		return ErrTokenSuperseded
	}
	_, err := s.saveLocked(old, r)
	return err
}

// ReleaseLeases implements [TokenLeaser].
func (s *MemoryStore) ReleaseLeases(ctx context.Context, leases []*Lease) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, lease := range leases {
		if lease == nil || lease.Record == nil {
			continue
		}
		if old := s.load(lease.Record.Key); old.heldUnder(lease) {
			s.replaceLocked(old, &memoryRecord{record: old.record, fence: old.fence})
		}
	}
	return nil
}

// FindTokens implements [TokenFinder].
func (s *MemoryStore) FindTokens(ctx context.Context, appID, appScopedID string) ([]TokenKey, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var keys []TokenKey
	for _, k := range s.index.Find(appID, appScopedID) {
		keys = append(keys, TokenKey(k))
	}
	return keys, nil
}

// ListTokens implements [TokenLister].
func (s *MemoryStore) ListTokens(ctx context.Context, after TokenKey, n int) ([]*Record, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	s.mu.Lock()
	keys := s.index.After(index.Key(after), n)
	found := make([]*memoryRecord, len(keys))
	for i, k := range keys {
		found[i] = s.load(TokenKey(k))
	}
	s.mu.Unlock()
	records := make([]*Record, len(found))
	for i, m := range found {
		records[i] = m.record.clone()
	}
	return records, nil
}

// CountTokens implements [TokenCounter].
func (s *MemoryStore) CountTokens(ctx context.Context, appID string) (TokenCounts, error) {
	if ctx.Err() != nil {
		return TokenCounts{}, context.Cause(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	byState, due := s.index.Count(appID, time.Now().UnixNano())
	counts := TokenCounts{ByState: make(map[RecordState]int), Due: due}
	for state, n := range byState {
		counts.ByState[RecordState(state)] = n
	}
	return counts, nil
}

func (s *MemoryStore) load(k TokenKey) *memoryRecord {
	v, ok := s.records.Load(k)
	if !ok {
		return nil
	}
	return v.(*memoryRecord)
}

// saveLocked puts r, which nobody else has, in the place of old, which may be nil.
func (s *MemoryStore) saveLocked(old *memoryRecord, r *Record) (Revision, error) {
	is := &memoryRecord{record: r}
	var was *Record
	if old != nil {
		was, is.fence = old.record, old.fence
	}
	if err := CheckSave(was, r); err != nil {
		return 0, err
	}
	r.Revision = old.revision().Next()
	s.replaceLocked(old, is)
	return r.Revision, nil
}

func (s *MemoryStore) leaseLocked(m *memoryRecord, until time.Time) *Lease {
	is := &memoryRecord{record: m.record, fence: m.fence + 1, until: until}
	s.replaceLocked(m, is)
	return &Lease{Record: is.record.clone(), Fence: is.fence, Until: until}
}

// replaceLocked puts is in the place of was; either may be nil, for none.
func (s *MemoryStore) replaceLocked(was, is *memoryRecord) {
	k := cmp.Or(was, is).record.Key
	s.index.Replace(index.Key(k), was.entry(), is.entry())
	if is == nil {
		s.records.Delete(k)
		return
	}
	s.records.Store(k, is)
}

// entry returns what the index must know, nil for none.
func (m *memoryRecord) entry() *index.Entry {
	if m == nil {
		return nil
	}
	e := &index.Entry{Person: m.record.Token.AppScopedID, State: uint8(m.record.State), Due: index.Never}
	if m.record.State == Alive && !m.record.DueAt.IsZero() {
		e.Due = index.Nanos(m.record.DueAt)
	}
	if !m.until.IsZero() {
		e.Until = index.Nanos(m.until)
	}
	return e
}

func (m *memoryRecord) revision() Revision {
	if m == nil {
		return 0
	}
	return m.record.Revision
}

// heldUnder reports whether nothing has happened to the record since the lease was taken.
func (m *memoryRecord) heldUnder(lease *Lease) bool {
	return m != nil && m.fence == lease.Fence && m.record.Revision == lease.Record.Revision
}

var errNoLease = errors.New("a lease that is nil is not committed")

func checkLease(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if d <= 0 {
		return errors.New("a lease lasts longer than zero")
	}
	return nil
}

// kept returns a copy as a store hands it out later: no time keeps the
// monotonic clock, which would make two stores compare differently.
func (r *Record) kept() *Record {
	c := r.clone()
	t := c.Token
	for _, at := range []*time.Time{&c.DueAt, &t.GrantedAt, &t.ObtainedAt, &t.ExpiresAt, &t.DataAccessExpiresAt} {
		*at = at.Round(0).UTC()
	}
	return c
}

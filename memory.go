package instagram

// This file answers: how are tokens kept in memory, when nothing need survive the process?

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"strings"
	"sync"
	"time"

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
// as the model of what a store does. It can everything a store can do, and is
// safe for concurrent use. Loading takes no lock, and taking what is due costs
// the same among a million records as among ten thousand.
type MemoryStore struct {
	records sync.Map // TokenKey → *memoryRecord

	mu   sync.Mutex // guards all below, and every change of records; never held while waiting
	keys *ordered.Set[TokenKey]
	apps map[string]*memoryApp

	states memoryStates
}

// memoryRecord is a record with its lease. It is never changed, only replaced,
// so that readers need no lock.
type memoryRecord struct {
	record *Record
	fence  int64
	until  time.Time // when the lease ends; zero: nobody holds it
}

// memoryApp is what a store knows of one app, to find records without a search.
type memoryApp struct {
	byState map[RecordState]int
	due     *ordered.Set[memoryMoment] // living ones that nobody holds, by DueAt
	leased  *ordered.Set[memoryMoment] // held ones, by the end of their lease
	persons *ordered.Set[memoryPerson]
}

// memoryMoment is a record's key and a moment, in nanoseconds since 1970.
type memoryMoment struct {
	at  int64
	key TokenKey
}

type memoryPerson struct {
	appScopedID string
	key         TokenKey
}

// NewMemoryStore returns an empty store.
func NewMemoryStore() *MemoryStore {
	return &MemoryStore{
		keys: ordered.New(compareKeys), apps: make(map[string]*memoryApp),
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
	app := s.apps[appID]
	if app == nil || n < 1 {
		return nil, nil
	}
	now := time.Now().Round(0)
	s.endLeasesLocked(app, now)
	var taken []*memoryRecord
	for moment := range app.due.All() {
		if moment.at > now.UnixNano() || len(taken) == n {
			break
		}
		taken = append(taken, s.load(moment.key))
	}
	leases := make([]*Lease, len(taken))
	for i, m := range taken {
		leases[i] = s.leaseLocked(m, now.Add(d))
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
	app := s.apps[appID]
	if app == nil || appScopedID == "" {
		return nil, nil
	}
	var keys []TokenKey
	for person := range app.persons.From(memoryPerson{appScopedID: appScopedID}) {
		if person.appScopedID != appScopedID {
			break
		}
		keys = append(keys, person.key)
	}
	return keys, nil
}

// ListTokens implements [TokenLister].
func (s *MemoryStore) ListTokens(ctx context.Context, after TokenKey, n int) ([]*Record, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	var found []*memoryRecord
	s.mu.Lock()
	for k := range s.keys.From(after) {
		if len(found) >= n {
			break
		}
		if k != after {
			found = append(found, s.load(k))
		}
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
	counts := TokenCounts{ByState: make(map[RecordState]int)}
	app := s.apps[appID]
	if app == nil {
		return counts, nil
	}
	maps.Copy(counts.ByState, app.byState)
	now := time.Now()
	s.endLeasesLocked(app, now)
	counts.Due = app.due.Rank(memoryMoment{at: now.UnixNano() + 1})
	for moment := range app.leased.All() { // as many as workers hold, not as there are records
		if r := s.load(moment.key).record; r.State == Alive && !r.DueAt.IsZero() && !now.Before(r.DueAt) {
			counts.Due++
		}
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

// endLeasesLocked makes what was held, and no more is, ready to be taken.
func (s *MemoryStore) endLeasesLocked(app *memoryApp, now time.Time) {
	var ended []TokenKey
	for moment := range app.leased.All() {
		if moment.at > now.UnixNano() {
			break
		}
		ended = append(ended, moment.key)
	}
	for _, k := range ended {
		m := s.load(k)
		s.replaceLocked(m, &memoryRecord{record: m.record, fence: m.fence})
	}
}

// replaceLocked puts is in the place of was; either may be nil, for none.
func (s *MemoryStore) replaceLocked(was, is *memoryRecord) {
	k := cmp.Or(was, is).record.Key
	app := s.apps[k.AppID]
	if app == nil {
		app = &memoryApp{
			byState: make(map[RecordState]int),
			due:     ordered.New(compareMoments), leased: ordered.New(compareMoments), persons: ordered.New(comparePersons),
		}
		s.apps[k.AppID] = app
	}
	var oldPerson, newPerson string
	if was != nil {
		oldPerson = was.record.Token.AppScopedID
		app.byState[was.record.State]--
		if set, at, ok := app.moment(was); ok {
			set.Delete(memoryMoment{at, k})
		}
	}
	if is != nil {
		newPerson = is.record.Token.AppScopedID
		app.byState[is.record.State]++
		if set, at, ok := app.moment(is); ok {
			set.Insert(memoryMoment{at, k})
		}
	}
	if oldPerson != newPerson { // not when only a lease is taken or ends, which is most of the time
		app.persons.Delete(memoryPerson{oldPerson, k})
		if newPerson != "" {
			app.persons.Insert(memoryPerson{newPerson, k})
		}
	}
	switch {
	case is == nil:
		s.keys.Delete(k)
		s.records.Delete(k)
		return
	case was == nil:
		s.keys.Insert(k)
	}
	s.records.Store(k, is)
}

// moment returns the set in which m waits, and until when it does.
func (app *memoryApp) moment(m *memoryRecord) (set *ordered.Set[memoryMoment], at int64, ok bool) {
	switch {
	case !m.until.IsZero():
		return app.leased, m.until.UnixNano(), true
	case m.record.State == Alive && !m.record.DueAt.IsZero():
		return app.due, nanos(m.record.DueAt), true
	}
	return nil, 0, false
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

// nanos is at.UnixNano for any time: one beyond the years 1678 to 2262 becomes
// the first or the last moment.
func nanos(at time.Time) int64 {
	const farthest = 1<<63 - 1
	switch {
	case at.After(time.Unix(0, farthest)):
		return farthest
	case at.Before(time.Unix(0, -farthest)):
		return -farthest
	}
	return at.UnixNano()
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

func compareKeys(a, b TokenKey) int {
	return cmp.Or(strings.Compare(a.AppID, b.AppID), strings.Compare(a.AccountID, b.AccountID))
}

func compareMoments(a, b memoryMoment) int {
	if c := cmp.Compare(a.at, b.at); c != 0 {
		return c
	}
	return compareKeys(a.key, b.key)
}

func comparePersons(a, b memoryPerson) int {
	if c := strings.Compare(a.appScopedID, b.appScopedID); c != 0 {
		return c
	}
	return compareKeys(a.key, b.key)
}

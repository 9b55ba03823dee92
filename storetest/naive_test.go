package storetest_test

// This file answers: what is the plainest store that passes, and in how many
// ways can it be spoilt?

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-922467ee/instagram"
)

// naive is a map behind a lock, with one fault at most.
type naive struct {
	fault   string
	mu      sync.Mutex
	rows    map[string]*naiveRow
	states  map[string]time.Time
	counter instagram.Revision
}

type naiveRow struct {
	rec   *instagram.Record
	fence int64
	until time.Time
}

func newNaive(fault string) *naive {
	return &naive{fault: fault, rows: make(map[string]*naiveRow), states: make(map[string]time.Time)}
}

// faults are what [naive] can do wrong.
func faults() []string {
	return []string{
		"saves from any revision", "saves worse tokens", "saves without a token", "saves before it compares", "revision starts at one",
		"revision stands still", "ignores the context", "keeps an alias", "hands out an alias", "joins IDs without a seam", "folds case", "trims space",
		"cuts tokens", "refuses what has ended", "refuses the future", "loses nanoseconds", "loses the difference of nil and empty scopes", "loses the page token", "resurrects on save",
		"leases to all", "leases for ever", "leases nothing twice", "leases the dead", "leases what is not due", "leases of all apps", "leases too many", "leases in any order",
		"lease moves DueAt", "lease moves the revision", "refuses what is not due", "commits without fence", "commits without revision", "commits the deleted",
		"commits worse tokens", "commits nothing late", "commit keeps the lease", "commit stops at the first failure", "save keeps the lease", "fence stands still",
		"release keeps the lease", "release frees others", "release makes due", "finds by prefix", "finds of all apps", "finds nothing of the dead", "finds the empty ID",
		"lists up to the deleted", "lists one too few", "lists some twice", "counts the dead as due", "counts without state",
		"takes states twice", "takes states for ever", "takes expired states", "puts states without time",
	}
}

func (s *naive) is(fault string) bool { return s.fault == fault }

func (s *naive) ctx(ctx context.Context) error {
	if s.is("ignores the context") {
		return nil
	}
	return ctx.Err()
}

func (s *naive) id(k instagram.TokenKey) string {
	id := k.AppID + "\x00" + k.AccountID
	switch {
	case s.is("joins IDs without a seam"):
		id = k.AppID + k.AccountID
	case s.is("folds case"):
		id = strings.ToLower(id)
	case s.is("trims space"):
		id = strings.TrimSpace(id)
	}
	return id
}

func (s *naive) read(row *naiveRow) *instagram.Record {
	r, tok := *row.rec, *row.rec.Token
	tok.Scopes = slices.Clone(tok.Scopes)
	r.Token = &tok
	return &r
}

func (s *naive) write(id string, r *instagram.Record, old *naiveRow) (instagram.Revision, error) {
	was := &instagram.Record{}
	row := &naiveRow{}
	if old != nil {
		was, row.fence = s.read(old), old.fence
	}
	err := instagram.CheckSave(was, r)
	switch {
	case s.is("saves worse tokens") && errors.Is(err, instagram.ErrTokenSuperseded):
	case s.is("saves without a token") && r.Token != nil && r.Token.AccessToken.IsZero():
	case err != nil:
		return 0, err
	}
	if s.is("refuses what has ended") && !r.Token.ExpiresAt.IsZero() && time.Now().After(r.Token.ExpiresAt) || s.is("refuses the future") && r.Token.ObtainedAt.After(time.Now()) {
		return 0, errors.New("a clock is wrong") // perhaps this one
	}
	kept := *r
	tok := *r.Token
	kept.Token = &tok
	tok.Scopes = slices.Clone(tok.Scopes)
	switch {
	case s.is("revision starts at one"):
		kept.Revision = was.Revision + 1
	case s.is("revision stands still") && old != nil:
		kept.Revision = was.Revision
	default:
		s.counter += 3
		kept.Revision = s.counter
	}
	if s.is("cuts tokens") {
		secret := tok.AccessToken.Reveal()
		tok.AccessToken = instagram.NewSecret(secret[:min(len(secret), 4096)])
	}
	if s.is("loses nanoseconds") {
		tok.ObtainedAt = tok.ObtainedAt.Truncate(time.Microsecond)
	}
	if s.is("loses the difference of nil and empty scopes") && len(tok.Scopes) == 0 {
		tok.Scopes = nil
	}
	if s.is("loses the page token") {
		tok.PageToken = instagram.Secret{}
	}
	if s.is("save keeps the lease") && old != nil {
		row.until = old.until
	}
	row.rec = &kept
	if s.is("keeps an alias") {
		kept.Token = r.Token
	}
	s.rows[id] = row
	return kept.Revision, nil
}

func (s *naive) LoadToken(ctx context.Context, k instagram.TokenKey) (*instagram.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ctx(ctx); err != nil {
		return nil, err
	}
	row := s.rows[s.id(k)]
	if row == nil {
		return nil, instagram.ErrTokenNotFound
	}
	if s.is("hands out an alias") || s.is("keeps an alias") {
		return row.rec, nil
	}
	return s.read(row), nil
}

func (s *naive) SaveToken(ctx context.Context, r *instagram.Record, from instagram.Revision) (instagram.Revision, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ctx(ctx); err != nil {
		return 0, err
	}
	if r == nil {
		return 0, errors.New("no record")
	}
	id := s.id(r.Key)
	row := s.rows[id]
	var is instagram.Revision
	if row != nil {
		is = s.read(row).Revision
	}
	if s.is("saves before it compares") { // as two steps of one who forgot the transaction
		s.mu.Unlock()
		time.Sleep(time.Microsecond)
		s.mu.Lock()
		row = s.rows[id]
	}
	switch {
	case is == from, s.is("saves from any revision"), s.is("resurrects on save") && row == nil:
		return s.write(id, r, row)
	}
	return 0, instagram.ErrTokenSuperseded
}

func (s *naive) DeleteToken(ctx context.Context, k instagram.TokenKey) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ctx(ctx); err != nil {
		return err
	}
	delete(s.rows, s.id(k))
	return nil
}

func (s *naive) lease(row *naiveRow, d time.Duration) *instagram.Lease {
	if !s.is("fence stands still") || row.fence == 0 {
		row.fence++
	}
	row.until = time.Now().Add(d)
	r := s.read(row)
	if s.is("leases for ever") {
		row.until = row.until.AddDate(100, 0, 0)
	}
	if s.is("lease moves DueAt") || s.is("lease moves the revision") {
		changed := *r
		if s.is("lease moves DueAt") {
			changed.DueAt = row.until
		} else {
			changed.Revision += 2
		}
		row.rec = &changed
	}
	return &instagram.Lease{Record: r, Fence: row.fence, Until: row.until}
}

func (s *naive) LeaseDue(ctx context.Context, appID string, n int, d time.Duration) ([]*instagram.Lease, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ctx(ctx); err != nil {
		return nil, err
	}
	if d <= 0 {
		return nil, errors.New("bad duration")
	}
	var found []*naiveRow
	for _, row := range s.rows {
		r := s.read(row)
		switch {
		case r.Key.AppID != appID && !s.is("leases of all apps"),
			r.State != instagram.Alive && !s.is("leases the dead"),
			(r.DueAt.IsZero() || time.Now().Before(r.DueAt)) && !s.is("leases what is not due"),
			time.Now().Before(row.until) && !s.is("leases to all"),
			s.is("leases nothing twice") && row.fence > 0:
			continue
		}
		found = append(found, row)
	}
	if !s.is("leases in any order") {
		slices.SortFunc(found, func(a, b *naiveRow) int { return s.read(a).DueAt.Compare(s.read(b).DueAt) })
	}
	if s.is("leases too many") && n > 0 {
		n++
	}
	var leases []*instagram.Lease
	for _, row := range found[:max(0, min(n, len(found)))] {
		leases = append(leases, s.lease(row, d))
	}
	return leases, nil
}

func (s *naive) LeaseToken(ctx context.Context, k instagram.TokenKey, d time.Duration) (*instagram.Lease, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ctx(ctx); err != nil {
		return nil, err
	}
	row := s.rows[s.id(k)]
	switch {
	case d <= 0:
		return nil, errors.New("bad duration")
	case row == nil:
		return nil, instagram.ErrTokenNotFound
	case time.Now().Before(row.until) && !s.is("leases to all"), s.is("refuses what is not due") && time.Now().Before(s.read(row).DueAt):
		return nil, instagram.ErrTokenLeased
	}
	return s.lease(row, d), nil
}

func (s *naive) CommitLeases(ctx context.Context, leases []*instagram.Lease) ([]error, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ctx(ctx); err != nil {
		return nil, err
	}
	results := make([]error, len(leases))
	for i, l := range leases {
		id := s.id(l.Record.Key)
		row := s.rows[id]
		switch {
		case row == nil && !s.is("commits the deleted"),
			row != nil && row.fence != l.Fence && !s.is("commits without fence"),
			row != nil && s.read(row).Revision != l.Record.Revision && !s.is("commits without revision"),
			row != nil && s.is("commits nothing late") && !time.Now().Before(row.until):
			results[i] = instagram.ErrTokenSuperseded
		default:
			var until time.Time
			if row != nil {
				until = row.until
			}
			if s.is("commits worse tokens") && row != nil && l.Record.Token != nil && !l.Record.Token.AccessToken.IsZero() {
				s.fault = "saves worse tokens"
				_, results[i] = s.write(id, l.Record, row)
				s.fault = "commits worse tokens"
			} else {
				_, results[i] = s.write(id, l.Record, row)
			}
			if s.is("commit keeps the lease") && results[i] == nil {
				s.rows[id].until = until
			}
		}
		if results[i] != nil && s.is("commit stops at the first failure") {
			return results, nil
		}
	}
	return results, nil
}

func (s *naive) ReleaseLeases(ctx context.Context, leases []*instagram.Lease) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ctx(ctx); err != nil {
		return err
	}
	for _, l := range leases {
		row := s.rows[s.id(l.Record.Key)]
		if row == nil || s.is("release keeps the lease") {
			continue
		}
		r := s.read(row)
		if (row.fence == l.Fence && r.Revision == l.Record.Revision) || s.is("release frees others") {
			row.until = time.Time{}
			if s.is("release makes due") {
				r.DueAt = time.Now()
				row.rec = r
			}
		}
	}
	return nil
}

func (s *naive) all() []*instagram.Record {
	var all []*instagram.Record
	for _, row := range s.rows {
		all = append(all, s.read(row))
	}
	slices.SortFunc(all, func(a, b *instagram.Record) int { return compareKeys(a.Key, b.Key) })
	return all
}

func compareKeys(a, b instagram.TokenKey) int {
	return cmp.Or(strings.Compare(a.AppID, b.AppID), strings.Compare(a.AccountID, b.AccountID))
}

func (s *naive) FindTokens(_ context.Context, appID, person string) ([]instagram.TokenKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var keys []instagram.TokenKey
	for _, r := range s.all() {
		match := r.Token.AppScopedID == person && person != "" || s.is("finds the empty ID") && r.Token.AppScopedID == person ||
			s.is("finds by prefix") && person != "" && strings.HasPrefix(r.Token.AppScopedID, person)
		if match && (r.Key.AppID == appID || s.is("finds of all apps")) && (r.State == instagram.Alive || !s.is("finds nothing of the dead")) {
			keys = append(keys, r.Key)
		}
	}
	return keys, nil
}

func (s *naive) ListTokens(ctx context.Context, after instagram.TokenKey, n int) ([]*instagram.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ctx(ctx); err != nil {
		return nil, err
	}
	if s.is("lists up to the deleted") && after.AppID != "" && s.rows[s.id(after)] == nil {
		return nil, nil
	}
	var found []*instagram.Record
	for i, r := range s.all() {
		c := compareKeys(r.Key, after)
		switch {
		case len(found) >= n, c < 0, s.is("lists one too few") && i == 5:
		case c > 0, s.is("lists some twice") && len(found) < n-1:
			found = append(found, r)
		}
	}
	return found, nil
}

func (s *naive) CountTokens(ctx context.Context, appID string) (instagram.TokenCounts, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ctx(ctx); err != nil {
		return instagram.TokenCounts{}, err
	}
	counts := instagram.TokenCounts{ByState: make(map[instagram.RecordState]int)}
	for _, r := range s.all() {
		if r.Key.AppID != appID {
			continue
		}
		if s.is("counts without state") {
			r.State = instagram.Alive
		}
		counts.ByState[r.State]++
		if (r.State == instagram.Alive || s.is("counts the dead as due")) && !r.DueAt.IsZero() && r.DueAt.Before(time.Now()) {
			counts.Due++
		}
	}
	return counts, nil
}

func (s *naive) PutState(ctx context.Context, id string, ttl time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ctx(ctx); err != nil {
		return err
	}
	if ttl <= 0 && !s.is("puts states without time") {
		return errors.New("bad ttl")
	}
	s.states[id] = time.Now().Add(ttl)
	return nil
}

func (s *naive) TakeState(ctx context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ctx(ctx); err != nil {
		return err
	}
	end, ok := s.states[id]
	if s.is("takes states twice") { // two steps again
		s.mu.Unlock()
		time.Sleep(time.Microsecond)
		s.mu.Lock()
	}
	if !s.is("takes states for ever") {
		delete(s.states, id)
	}
	if !ok || !time.Now().Before(end) && !s.is("takes expired states") {
		return instagram.ErrStateUsed
	}
	return nil
}

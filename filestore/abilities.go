package filestore

// This file answers: which records are there?

import (
	"context"
	"errors"
	"time"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/internal/index"
)

// FindTokens implements [instagram.TokenFinder].
func (s *Store) FindTokens(ctx context.Context, appID, appScopedID string) ([]instagram.TokenKey, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err := s.refresh(ctx, false); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var keys []instagram.TokenKey
	for _, k := range s.index.Find(appID, appScopedID) {
		keys = append(keys, instagram.TokenKey(k))
	}
	return keys, nil
}

// ListTokens implements [instagram.TokenLister], in the order of the keys.
// Files that cannot be read are passed over; see [OnUnreadable].
func (s *Store) ListTokens(ctx context.Context, after instagram.TokenKey, n int) ([]*instagram.Record, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err := s.refresh(ctx, false); err != nil {
		return nil, err
	}
	var records []*instagram.Record
	for len(records) < n {
		s.mu.Lock()
		keys := s.index.After(index.Key(after), n-len(records))
		s.mu.Unlock()
		if len(keys) == 0 {
			break
		}
		for _, k := range keys {
			after = instagram.TokenKey(k)
			r, err := s.LoadToken(ctx, after)
			switch {
			case err == nil:
				records = append(records, r)
			case errors.Is(err, instagram.ErrTokenNotFound):
			case unreadable(err):
				s.reportOnce(after, err)
			default:
				return nil, err
			}
		}
	}
	return records, nil
}

func (s *Store) reportOnce(k instagram.TokenKey, err error) {
	p := placeOf(k)
	s.mu.Lock()
	bad := s.shards[p.shard].bad
	known := bad[p.name] == err.Error()
	bad[p.name] = err.Error()
	s.mu.Unlock()
	if !known {
		s.report(err)
	}
}

// CountTokens implements [instagram.TokenCounter].
func (s *Store) CountTokens(ctx context.Context, appID string) (instagram.TokenCounts, error) {
	if ctx.Err() != nil {
		return instagram.TokenCounts{}, context.Cause(ctx)
	}
	if err := s.refresh(ctx, true); err != nil {
		return instagram.TokenCounts{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	byState, due := s.index.Count(appID, time.Now().UnixNano())
	counts := instagram.TokenCounts{ByState: make(map[instagram.RecordState]int), Due: due}
	for state, n := range byState {
		counts.ByState[instagram.RecordState(state)] = n
	}
	return counts, nil
}

package instagram_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
)

// callbackStore is a small store with revisions, which can find by app-scoped
// ID, and in which things can go wrong.
type callbackStore struct {
	mu      sync.Mutex
	records map[instagram.TokenKey]*instagram.Record

	findErr error
	// before runs before a save, once, as another process would.
	before func()
	// broken lets every save fail.
	broken error
}

func newCallbackStore() *callbackStore {
	return &callbackStore{records: map[instagram.TokenKey]*instagram.Record{}}
}

func (s *callbackStore) LoadToken(_ context.Context, k instagram.TokenKey) (*instagram.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.records[k]
	if !ok {
		return nil, instagram.ErrTokenNotFound
	}
	c, token := *r, *r.Token
	c.Token = &token
	return &c, nil
}

func (s *callbackStore) SaveToken(_ context.Context, r *instagram.Record, from instagram.Revision) (instagram.Revision, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if before := s.before; before != nil {
		s.before = nil
		s.mu.Unlock()
		before()
		s.mu.Lock()
	}
	if s.broken != nil {
		return 0, s.broken
	}
	old := s.records[r.Key]
	if old == nil && from != 0 || old != nil && old.Revision != from {
		return 0, instagram.ErrTokenSuperseded
	}
	if err := instagram.CheckSave(old, r); err != nil {
		return 0, err
	}
	c, token := *r, *r.Token
	c.Token, c.Revision = &token, from.Next()
	s.records[r.Key] = &c
	return c.Revision, nil
}

func (s *callbackStore) DeleteToken(_ context.Context, k instagram.TokenKey) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return s.broken
	}
	delete(s.records, k)
	return nil
}

func (s *callbackStore) FindTokens(_ context.Context, appID, appScopedID string) ([]instagram.TokenKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.findErr != nil {
		return nil, s.findErr
	}
	var keys []instagram.TokenKey
	for k, r := range s.records {
		if k.AppID == appID && r.Token.AppScopedID == appScopedID {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

// put stores a token that was granted at a time.
func (s *callbackStore) put(t *testing.T, appID string, token instagram.Token, granted time.Time) instagram.TokenKey {
	t.Helper()
	token.AccessToken, token.Kind = instagram.NewSecret("IGAAtoken"), instagram.LongLived
	token.GrantedAt, token.ObtainedAt = granted, granted
	key := token.Key(appID)
	var from instagram.Revision
	if old, err := s.LoadToken(t.Context(), key); err == nil {
		from = old.Revision
	}
	_, err := s.SaveToken(t.Context(), &instagram.Record{Key: key, Token: &token, DueAt: granted.Add(time.Hour)}, from)
	require.NoError(t, err)
	return key
}

// states returns the state of every record; what is not there is missing.
func (s *callbackStore) states() map[instagram.TokenKey]instagram.RecordState {
	s.mu.Lock()
	defer s.mu.Unlock()
	states := map[instagram.TokenKey]instagram.RecordState{}
	for k, r := range s.records {
		states[k] = r.State
	}
	return states
}

// plainStore can do no more than a store must.
type plainStore struct{ instagram.TokenStore }

var errDiskFull = errors.New("disk full")

package redisstore

// This file answers: how are tokens loaded, saved, deleted, found, listed and counted?

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/seed-922467ee/instagram"
)

// LoadToken implements [instagram.TokenStore]. A record that cannot be read gives a [*CorruptError].
func (s *Store) LoadToken(ctx context.Context, k instagram.TokenKey) (*instagram.Record, error) {
	found, err := s.load(ctx, k)
	if err == nil {
		err = found.corrupt
	}
	if err != nil {
		return nil, failed(ctx, "load token", k.String(), err)
	}
	return found.record, nil
}

// SaveToken implements [instagram.TokenStore]. A nil error means that Redis
// has taken the record; how much that is worth is Redis's setting, see the
// package comment.
//
// It reads, applies [instagram.CheckSave], and writes under the condition that
// the record still has the revision it read, so that check and write are one step.
func (s *Store) SaveToken(ctx context.Context, r *instagram.Record, from instagram.Revision) (instagram.Revision, error) {
	if err := instagram.CheckSave(nil, r); err != nil {
		return 0, fmt.Errorf("redisstore: save token: %w", err)
	}
	to := from.Next()
	if err := s.save(ctx, r, from, to); err != nil {
		return 0, failed(ctx, "save token", r.Key.String(), err)
	}
	return to, nil
}

func (s *Store) save(ctx context.Context, r *instagram.Record, from, to instagram.Revision) error {
	args, err := change(r, from, to, "")
	if err != nil {
		return err
	}
	if from == 0 {
		// In a cluster this key is elsewhere. An app without records does no harm.
		_, err := await(ctx, func() (int64, error) {
			return s.rdb.ZAdd(ctx, s.apps(), redis.Z{Member: r.Key.AppID}).Result()
		})
		if err != nil {
			return err
		}
	} else {
		old, err := s.load(ctx, r.Key)
		switch {
		case errors.Is(err, instagram.ErrTokenNotFound):
			return instagram.ErrTokenSuperseded
		case err != nil:
			return err
		case old.record.Revision != from:
			return instagram.ErrTokenSuperseded
		}
		if err := instagram.CheckSave(old.record, r); err != nil {
			return err
		}
	}
	written, err := s.run(ctx, s.put, r.Key.AppID, append([]any{mark()}, args...)...).Int64Slice()
	if err == nil && written[0] == 0 {
		return instagram.ErrTokenSuperseded
	}
	return err
}

// DeleteToken implements [instagram.TokenStore].
func (s *Store) DeleteToken(ctx context.Context, k instagram.TokenKey) error {
	return failed(ctx, "delete token", k.String(), s.run(ctx, s.remove, k.AppID, k.AccountID).Err())
}

// FindTokens implements [instagram.TokenFinder].
func (s *Store) FindTokens(ctx context.Context, appID, appScopedID string) ([]instagram.TokenKey, error) {
	if appScopedID == "" {
		return nil, ctx.Err()
	}
	accounts, err := await(ctx, func() ([]string, error) {
		return s.rdb.SMembers(ctx, s.names(appID)+"person:"+appScopedID).Result()
	})
	if err != nil {
		return nil, failed(ctx, "find tokens", appID, err)
	}
	slices.Sort(accounts)
	var keys []instagram.TokenKey
	for _, account := range accounts {
		keys = append(keys, instagram.TokenKey{AppID: appID, AccountID: account})
	}
	return keys, nil
}

// ListTokens implements [instagram.TokenLister], in the order of the keys'
// bytes. Records that cannot be read are passed over; see [OnUnreadable].
func (s *Store) ListTokens(ctx context.Context, after instagram.TokenKey, n int) ([]*instagram.Record, error) {
	var records []*instagram.Record
	for len(records) < n {
		keys, err := s.nextKeys(ctx, after, n-len(records))
		if err != nil {
			return nil, failed(ctx, "list tokens after", after.String(), err)
		}
		if len(keys) == 0 {
			return records, nil
		}
		found, err := s.loadAll(ctx, keys)
		if err != nil {
			return nil, failed(ctx, "list tokens after", after.String(), err)
		}
		for _, k := range keys {
			r := found[k]
			switch {
			case r == nil: // deleted in between
			case r.corrupt != nil:
				s.report(r.corrupt)
			default:
				records = append(records, r.record)
			}
		}
		after = keys[len(keys)-1]
	}
	return records, nil
}

// nextKeys returns up to n keys behind after, all of one app; none: the end.
func (s *Store) nextKeys(ctx context.Context, after instagram.TokenKey, n int) ([]instagram.TokenKey, error) {
	// The app of after itself comes first, if it has more.
	apps := []string{after.AppID}
	for {
		for _, app := range apps {
			by := &redis.ZRangeBy{Min: "-", Max: "+", Count: int64(n)}
			if app == after.AppID && after.AccountID != "" {
				by.Min = "(" + after.AccountID
			}
			accounts, err := s.between(ctx, s.names(app)+"keys", by)
			if err != nil {
				return nil, err
			}
			var keys []instagram.TokenKey
			for _, account := range accounts {
				keys = append(keys, instagram.TokenKey{AppID: app, AccountID: account})
			}
			if len(keys) > 0 {
				return keys, nil
			}
		}
		var err error
		apps, err = s.between(ctx, s.apps(), &redis.ZRangeBy{Min: "(" + apps[len(apps)-1], Max: "+", Count: 100})
		if err != nil || len(apps) == 0 {
			return nil, err
		}
	}
}

func (s *Store) between(ctx context.Context, set string, by *redis.ZRangeBy) ([]string, error) {
	return await(ctx, func() ([]string, error) { return s.rdb.ZRangeByLex(ctx, set, by).Result() })
}

// CountTokens implements [instagram.TokenCounter]. It looks at no record: it
// costs the same for ten and for ten million.
func (s *Store) CountTokens(ctx context.Context, appID string) (instagram.TokenCounts, error) {
	counts := instagram.TokenCounts{ByState: map[instagram.RecordState]int{}}
	answer, err := s.run(ctx, s.count, appID).StringSlice()
	if err != nil {
		return counts, failed(ctx, "count tokens", appID, err)
	}
	numbers := make([]int, len(answer))
	for i, text := range answer {
		if numbers[i], err = strconv.Atoi(text); err != nil {
			return counts, failed(ctx, "count tokens", appID, err)
		}
	}
	counts.Due = numbers[0]
	for pair := range slices.Chunk(numbers[1:], 2) {
		if pair[1] != 0 {
			counts.ByState[instagram.RecordState(pair[0])] = pair[1] //nolint:gosec // written from a RecordState
		}
	}
	return counts, nil
}

func (s *Store) load(ctx context.Context, k instagram.TokenKey) (*stored, error) {
	values, err := await(ctx, func() ([]any, error) { return s.rdb.HMGet(ctx, s.token(k), fields()...).Result() })
	if err != nil {
		return nil, err
	}
	found := parse(k, values)
	if found == nil {
		return nil, instagram.ErrTokenNotFound
	}
	return found, nil
}

// loadAll returns what is stored under the keys, in one round trip.
func (s *Store) loadAll(ctx context.Context, keys []instagram.TokenKey) (map[instagram.TokenKey]*stored, error) {
	found := make(map[instagram.TokenKey]*stored, len(keys))
	if len(keys) == 0 {
		return found, ctx.Err()
	}
	answers, err := await(ctx, func() ([]redis.Cmder, error) {
		return s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, k := range keys {
				p.HMGet(ctx, s.token(k), fields()...)
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	for i, k := range keys {
		if answer, ok := answers[i].(*redis.SliceCmd); ok {
			if r := parse(k, answer.Val()); r != nil {
				found[k] = r
			}
		}
	}
	return found, nil
}

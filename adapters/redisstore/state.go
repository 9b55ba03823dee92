package redisstore

// This file answers: how is a login state used only once?

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-922467ee/instagram"
)

// PutState implements [instagram.StateStore]. Redis forgets the state by
// itself when its time is over.
func (s *Store) PutState(ctx context.Context, id string, ttl time.Duration) error {
	switch {
	case id == "":
		return failed(ctx, "put state", "", errors.New("its ID is empty"))
	case ttl <= 0:
		return failed(ctx, "put state", "", errors.New("its time must be positive"))
	}
	ttl = (ttl + time.Millisecond - 1).Truncate(time.Millisecond) // Redis counts milliseconds, and 0 is refused
	_, err := await(ctx, func() (string, error) { return s.rdb.Set(ctx, s.state(id), 1, ttl).Result() })
	return failed(ctx, "put state", "", err)
}

// TakeState implements [instagram.StateStore].
func (s *Store) TakeState(ctx context.Context, id string) error {
	_, err := await(ctx, func() (string, error) { return s.rdb.GetDel(ctx, s.state(id)).Result() })
	if errors.Is(err, redis.Nil) {
		err = instagram.ErrStateUsed
	}
	return failed(ctx, "take state", "", err)
}

// state returns a name of the same length for every ID, which says nothing about it.
func (s *Store) state(id string) string {
	sum := sha256.Sum256([]byte(id))
	return s.prefix + "state:" + hex.EncodeToString(sum[:])
}

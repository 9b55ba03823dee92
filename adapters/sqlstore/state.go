package sqlstore

// This file answers: how is a login state used only once?

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/seed-922467ee/instagram"
)

const (
	putStateSQL = `insert into {states} (id, expires_at) values ($1, {now} + $2 {us})
		on conflict (id) do update set expires_at = excluded.expires_at`

	// Each state put removes two that nobody came back for, so that abandoned
	// logins do not pile up and no job has to sweep them.
	sweepStatesSQL = `delete from {states} where id in
		(select id from {states} where expires_at <= {now} order by expires_at limit 2 {skip locked})`

	takeStateSQL = `delete from {states} where id = $1 and expires_at > {now}`
)

// PutState implements [instagram.StateStore].
func (s *Store) PutState(ctx context.Context, id string, ttl time.Duration) error {
	switch {
	case id == "":
		return failed(ctx, "put state", "", errors.New("its ID is empty"))
	case ttl <= 0:
		return failed(ctx, "put state", "", errors.New("its time must be positive"))
	}
	if _, err := s.exec(ctx, sweepStatesSQL); err != nil {
		return failed(ctx, "put state", "", err)
	}
	_, err := s.exec(ctx, putStateSQL, stateKey(id), micros(ttl))
	return failed(ctx, "put state", "", err)
}

// TakeState implements [instagram.StateStore].
func (s *Store) TakeState(ctx context.Context, id string) error {
	n, err := s.exec(ctx, takeStateSQL, stateKey(id))
	if err == nil && n == 0 {
		err = instagram.ErrStateUsed
	}
	return failed(ctx, "take state", "", err)
}

// stateKey is the same length for every ID, and says nothing about it.
func stateKey(id string) []byte {
	sum := sha256.Sum256([]byte(id))
	return sum[:]
}

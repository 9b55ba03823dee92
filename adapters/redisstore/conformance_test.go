package redisstore

// This file answers: does the store do what every store must?

import (
	"testing"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/storetest"
)

// The store under test works through a cluster's client, its peer through a
// plain one.

func TestConformance(t *testing.T) {
	t.Parallel()
	prefix := freshPrefix(t)
	storetest.Tokens(t, func(t *testing.T) instagram.TokenStore {
		t.Helper()
		return New(cluster(t), WithKeyPrefix(prefix))
	}, storetest.WithPeer(func(t *testing.T, _ instagram.TokenStore) instagram.TokenStore {
		t.Helper()
		return open(t, prefix)
	}))
}

func TestStates(t *testing.T) {
	t.Parallel()
	prefix := freshPrefix(t)
	storetest.States(t, func(t *testing.T) instagram.StateStore {
		t.Helper()
		return New(cluster(t), WithKeyPrefix(prefix))
	}, storetest.WithPeer(func(t *testing.T, _ instagram.StateStore) instagram.StateStore {
		t.Helper()
		return open(t, prefix)
	}))
}

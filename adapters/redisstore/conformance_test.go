package redisstore

// This file answers: does the store do what every store must?

import (
	"testing"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/storetest"
)

func TestConformance(t *testing.T) {
	prefix := freshPrefix(t)
	open := func(t *testing.T) instagram.TokenStore {
		t.Helper()
		return open(t, prefix)
	}
	storetest.Tokens(t, open, storetest.WithPeer(func(t *testing.T, _ instagram.TokenStore) instagram.TokenStore {
		t.Helper()
		return open(t)
	}))
}

func TestStates(t *testing.T) {
	prefix := freshPrefix(t)
	open := func(t *testing.T) instagram.StateStore {
		t.Helper()
		return open(t, prefix)
	}
	storetest.States(t, open, storetest.WithPeer(func(t *testing.T, _ instagram.StateStore) instagram.StateStore {
		t.Helper()
		return open(t)
	}))
}

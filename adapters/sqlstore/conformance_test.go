package sqlstore

// This file answers: does the store do what every store must?

import (
	"testing"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/storetest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, home := range homes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := home(t)
			open := func(t *testing.T) instagram.TokenStore {
				t.Helper()
				return h.open(t)
			}
			storetest.Tokens(t, open, storetest.WithPeer(func(t *testing.T, _ instagram.TokenStore) instagram.TokenStore {
				t.Helper()
				return open(t)
			}))
		})
	}
}

func TestStates(t *testing.T) {
	t.Parallel()
	for name, home := range homes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := home(t)
			open := func(t *testing.T) instagram.StateStore {
				t.Helper()
				return h.open(t)
			}
			storetest.States(t, open, storetest.WithPeer(func(t *testing.T, _ instagram.StateStore) instagram.StateStore {
				t.Helper()
				return open(t)
			}))
		})
	}
}

package storetest_test

import (
	"testing"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/storetest"
)

// myStore stands for a store of your own.
type myStore struct{ *instagram.MemoryStore }

func newMyStore() *myStore { return &myStore{instagram.NewMemoryStore()} }

// A store of your own is tested like this, with "go test -race": what it can do
// beyond LoadToken, SaveToken and DeleteToken is found out and tested too.
func ExampleTokens() {
	var t *testing.T // of your func TestMyStore(t *testing.T)
	storetest.Tokens(t, func(*testing.T) instagram.TokenStore { return newMyStore() })
	storetest.States(t, func(*testing.T) instagram.StateStore { return newMyStore() })
}

// Processes that share a database are tested with two stores on it.
func ExampleWithPeer() {
	var t *testing.T                                                      // of your func TestMyStores(t *testing.T)
	open := func(*testing.T) instagram.TokenStore { return newMyStore() } // connects anew each time
	storetest.Tokens(t, open, storetest.WithPeer(func(t *testing.T, _ instagram.TokenStore) instagram.TokenStore {
		t.Helper()
		return open(t)
	}))
}

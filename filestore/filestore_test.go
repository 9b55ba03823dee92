//go:build unix

package filestore_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/filestore"
	"github.com/seed-922467ee/instagram/storetest"
)

func open(tb testing.TB, dir string, options ...filestore.Option) *filestore.Store {
	tb.Helper()
	options = append([]filestore.Option{filestore.OnUnreadable(func(err error) { tb.Errorf("unreadable: %v", err) })}, options...)
	store, err := filestore.Open(dir, options...)
	require.NoError(tb, err)
	tb.Cleanup(func() { assert.NoError(tb, store.Close()) })
	return store
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Tokens(t, func(t *testing.T) instagram.TokenStore {
		t.Helper()
		return open(t, t.TempDir()+"/store")
	})
	storetest.States(t, func(t *testing.T) instagram.StateStore {
		t.Helper()
		return open(t, t.TempDir()+"/store")
	})
}

func TestTwoStoresOfOneDirectory(t *testing.T) {
	t.Parallel()
	var dir string // of the part that runs
	first := func(t *testing.T) *filestore.Store {
		t.Helper()
		dir = t.TempDir() + "/store"
		return open(t, dir)
	}
	second := func(t *testing.T) *filestore.Store {
		t.Helper()
		return open(t, dir)
	}
	storetest.Tokens(t,
		func(t *testing.T) instagram.TokenStore { t.Helper(); return first(t) },
		storetest.WithPeer(func(t *testing.T, _ instagram.TokenStore) instagram.TokenStore { t.Helper(); return second(t) }))
	storetest.States(t,
		func(t *testing.T) instagram.StateStore { t.Helper(); return first(t) },
		storetest.WithPeer(func(t *testing.T, _ instagram.StateStore) instagram.StateStore { t.Helper(); return second(t) }))
}

// openForWork opens the store of a worker process, for which an unreadable file is fatal.
func openForWork(dir string) (*filestore.Store, error) {
	return filestore.Open(dir+"/store", filestore.OnUnreadable(func(err error) { panic(err) }))
}

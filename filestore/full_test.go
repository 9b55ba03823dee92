//go:build linux

package filestore_test

// This file answers: what if the disk is full in the middle of a record?

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
)

const fullEnv = "FILESTORE_FULL" // the directory of a process whose files end at 16 KiB

// TestNoRoomForARecord lets a process write a record for which there is no
// room: the system takes the first half of it, and refuses the rest.
func TestNoRoomForARecord(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store := open(t, dir+"/store")
	save(t, store, record(0))
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), fullEnv+"="+dir)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Contains(t, string(out), syscall.EFBIG.Error())

	left, err := filepath.Glob(dir + "/store/tokens/*/.tmp*")
	require.NoError(t, err)
	assert.Empty(t, left, "nothing is left of what was begun")
	r, err := store.LoadToken(t.Context(), record(0).Key)
	require.NoError(t, err)
	assert.Equal(t, "small again", r.Token.AccessToken.Reveal(), "and all goes on when there is room")
	records, err := store.ListTokens(t.Context(), instagram.TokenKey{}, 10)
	require.NoError(t, err)
	assert.Len(t, records, 1)
}

func workWithoutRoom(dir string) error {
	signal.Ignore(syscall.SIGXFSZ)
	store, err := openForWork(dir)
	if err != nil {
		return err
	}
	limit := syscall.Rlimit{Cur: 16 << 10, Max: 16 << 10}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	ctx := context.Background()
	lease, err := store.LeaseToken(ctx, record(0).Key, time.Hour)
	if err != nil {
		return err
	}
	before := lease.Record.Token.AccessToken
	lease.Record.Token.AccessToken = instagram.NewSecret(strings.Repeat("x", 64<<10))
	results, err := store.CommitLeases(ctx, []*instagram.Lease{lease})
	if !errors.Is(err, syscall.EFBIG) || !errors.Is(results[0], syscall.EFBIG) {
		return fmt.Errorf("a commit without room gave %w", err)
	}
	fmt.Println(err)
	large := record(1)
	large.Token.AccessToken = lease.Record.Token.AccessToken
	if _, err := store.SaveToken(ctx, large, 0); !errors.Is(err, syscall.EFBIG) {
		return fmt.Errorf("a save without room gave %w", err)
	}
	r, err := store.LoadToken(ctx, record(0).Key)
	if err != nil || !r.Token.AccessToken.Equal(before) {
		return fmt.Errorf("the old record is not whole: %w", err)
	}
	lease.Record.Token.AccessToken = instagram.NewSecret("small again")
	results, err = store.CommitLeases(ctx, []*instagram.Lease{lease}) // the lease is still good
	return errors.Join(append(results, err)...)
}

// workers are what the test binary can be instead of a test.
func workers() map[string]func(dir string) error {
	return map[string]func(string) error{workerEnv: work, fullEnv: workWithoutRoom}
}

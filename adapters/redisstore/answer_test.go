package redisstore

// This file answers: what happens when answers are lost, records are corrupt,
// and how often is Redis asked?

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
)

// hook sees every command and pipeline that goes to Redis.
type hook struct {
	trips  atomic.Int64
	repeat bool // send scripts twice and give the second answer, as after a lost one
	fail   error
}

func (h *hook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h *hook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		h.trips.Add(1)
		if h.fail != nil {
			return h.fail
		}
		err := next(ctx, cmd)
		if h.repeat && err == nil && (cmd.Name() == "evalsha" || cmd.Name() == "eval") {
			return next(ctx, cmd)
		}
		return err
	}
}

func (h *hook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		h.trips.Add(1)
		return next(ctx, cmds)
	}
}

func openHooked(t *testing.T) (*Store, *hook) {
	t.Helper()
	s, h := open(t, freshPrefix(t)), &hook{}
	s.rdb.AddHook(h)
	return s, h
}

func record(account string) *instagram.Record {
	return &instagram.Record{
		Key: instagram.TokenKey{AppID: "app", AccountID: account}, Token: longLived(account), DueAt: time.Now().Add(-time.Hour),
	}
}

func TestLostAnswer(t *testing.T) {
	s, h := openHooked(t)
	ctx := t.Context()
	_, err := s.SaveToken(ctx, record("1"), 0)
	require.NoError(t, err)
	h.repeat = true
	rev, err := s.SaveToken(ctx, record("2"), 0)
	require.NoError(t, err, "the second sending meets the first's work, which is ours")
	rev, err = s.SaveToken(ctx, record("2"), rev)
	require.NoError(t, err)

	l, err := s.LeaseToken(ctx, record("1").Key, time.Minute)
	require.ErrorIs(t, err, instagram.ErrTokenLeased, "a lease whose answer is lost runs out")
	require.Nil(t, l)
	h.repeat = false
	l, err = s.LeaseToken(ctx, record("2").Key, time.Minute)
	require.NoError(t, err)
	h.repeat = true
	results, err := s.CommitLeases(ctx, []*instagram.Lease{l})
	require.NoError(t, err)
	assert.Equal(t, []error{nil}, results)
	h.repeat = false
	r, err := s.LoadToken(ctx, record("2").Key)
	require.NoError(t, err)
	assert.Equal(t, rev.Next(), r.Revision)
	_, err = s.SaveToken(ctx, record("2"), rev)
	require.ErrorIs(t, err, instagram.ErrTokenSuperseded, "another call is not taken for the same one")
	counts, err := s.CountTokens(ctx, "app")
	require.NoError(t, err)
	assert.Equal(t, instagram.TokenCounts{ByState: map[instagram.RecordState]int{instagram.Alive: 2}, Due: 2}, counts)
}

func TestRoundTripsOfABatch(t *testing.T) {
	s, h := openHooked(t)
	for i := range 200 {
		_, err := s.SaveToken(t.Context(), record(strconv.Itoa(i)), 0)
		require.NoError(t, err)
	}
	h.trips.Store(0)
	leases, err := s.LeaseDue(t.Context(), "app", 200, time.Minute)
	require.NoError(t, err)
	require.Len(t, leases, 200)
	results, err := s.CommitLeases(t.Context(), leases)
	require.NoError(t, err)
	for _, err := range results {
		require.NoError(t, err)
	}
	trips := h.trips.Load()
	t.Logf("%d round trips for 200 refreshes", trips)
	assert.LessOrEqual(t, trips, int64(10))
}

func TestCorruptRecords(t *testing.T) {
	var reported []error
	s := New(client(t), WithKeyPrefix(freshPrefix(t)), OnUnreadable(func(err error) { reported = append(reported, err) }))
	ctx := t.Context()
	var revs [3]instagram.Revision
	for i := range revs {
		var err error
		revs[i], err = s.SaveToken(ctx, record(strconv.Itoa(i)), 0)
		require.NoError(t, err)
	}
	const canary = "IGAAcanarycanary"
	bad := record("1").Key
	require.NoError(t, s.rdb.HSet(ctx, s.token(bad), "token", `{"access_token":"`+canary+`"`).Err())

	_, err := s.LoadToken(ctx, bad)
	require.ErrorAs(t, err, new(*CorruptError))
	assert.NotContains(t, err.Error(), canary)
	leases, err := s.LeaseDue(ctx, "app", 10, time.Minute)
	require.NoError(t, err)
	assert.Len(t, leases, 2, "a corrupt record does not hold up the others")
	require.NoError(t, s.ReleaseLeases(ctx, leases))
	listed, err := s.ListTokens(ctx, instagram.TokenKey{}, 2)
	require.NoError(t, err)
	assert.Len(t, listed, 2)
	require.Len(t, reported, 2)
	for _, err := range reported {
		corrupt, ok := errors.AsType[*CorruptError](err)
		require.True(t, ok)
		assert.Equal(t, bad, corrupt.Key)
		assert.NotContains(t, err.Error(), canary)
	}
	end, err := s.rdb.ZScore(ctx, s.names("app")+"leases", "1").Result()
	require.NoError(t, err)
	assert.Greater(t, end, float64(time.Now().Add(23*time.Hour).UnixMicro()), "it is set aside for a day")

	rev, err := s.SaveToken(ctx, record("1"), revs[1])
	require.NoError(t, err, "a new login heals it")
	assert.NotZero(t, rev)
	leases, err = s.LeaseDue(ctx, "app", 10, time.Minute)
	require.NoError(t, err)
	assert.Len(t, leases, 3)
}

func TestErrorsKeepSecrets(t *testing.T) {
	s, h := openHooked(t)
	r := record("1")
	r.Token.AccessToken = instagram.NewSecret("IGAAcanarycanary")
	_, err := s.SaveToken(t.Context(), r, 0)
	require.NoError(t, err)
	leases, err := s.LeaseDue(t.Context(), "app", 1, time.Minute)
	require.NoError(t, err)
	h.fail = errors.New("connection lost")
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("shutdown"))
	for _, ctx := range []context.Context{t.Context(), ended} {
		_, saveErr := s.SaveToken(ctx, r, 0)
		_, commitErr := s.CommitLeases(ctx, leases)
		_, leaseErr := s.LeaseDue(ctx, "app", 1, time.Minute)
		for _, err := range []error{saveErr, commitErr, leaseErr, s.PutState(ctx, "IGAAcanarycanary", time.Minute)} {
			require.Error(t, err)
			assert.NotContains(t, err.Error(), "canary")
			if ctx.Err() != nil {
				require.ErrorIs(t, err, context.Canceled)
				require.ErrorIs(t, err, context.Cause(ctx))
			} else {
				require.ErrorIs(t, err, h.fail)
			}
		}
	}
}

// TestSilentServer shows that a server which takes a call and never answers
// holds nobody longer than the context.
func TestSilentServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	rdb := redis.NewClient(&redis.Options{Addr: listener.Addr().String(), MaxRetries: -1, ReadTimeout: time.Second, DialerRetries: 1})
	defer func() { _ = rdb.Close() }()
	s := New(rdb)
	calls := map[string]func(ctx context.Context) error{
		"load":   func(ctx context.Context) error { _, err := s.LoadToken(ctx, record("1").Key); return err },
		"save":   func(ctx context.Context) error { _, err := s.SaveToken(ctx, record("1"), 0); return err },
		"delete": func(ctx context.Context) error { return s.DeleteToken(ctx, record("1").Key) },
		"lease":  func(ctx context.Context) error { _, err := s.LeaseDue(ctx, "app", 1, time.Minute); return err },
		"commit": func(ctx context.Context) error {
			_, err := s.CommitLeases(ctx, []*instagram.Lease{{Record: record("1")}})
			return err
		},
		"find":  func(ctx context.Context) error { _, err := s.FindTokens(ctx, "app", "1"); return err },
		"list":  func(ctx context.Context) error { _, err := s.ListTokens(ctx, instagram.TokenKey{}, 1); return err },
		"count": func(ctx context.Context) error { _, err := s.CountTokens(ctx, "app"); return err },
		"put":   func(ctx context.Context) error { return s.PutState(ctx, "1", time.Minute) },
		"take":  func(ctx context.Context) error { return s.TakeState(ctx, "1") },
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(50*time.Millisecond, func() { cancel(errors.New("shutdown")) })
			start := time.Now()
			err := call(ctx)
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorIs(t, err, context.Cause(ctx))
			assert.Less(t, time.Since(start), time.Second)
		})
	}
}

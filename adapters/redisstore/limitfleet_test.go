package redisstore

// This file answers: does what one process learns hold in another, real one,
// by Redis's clock? And what stays behind in Redis?

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram"
)

const fleetEnv = "REDISSTORE_FLEET_PROCESS" // address, prefix and task of another process, in lines

func TestMain(m *testing.M) {
	if job := strings.Split(os.Getenv(fleetEnv), "\n"); len(job) == 3 {
		if err := fleetProcess(job[0], job[1], job[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// fleetProcess is what another process does.
func fleetProcess(addr, prefix, task string) error {
	rdb := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{addr}})
	l := newLimiter(rdb, instagram.LimiterOptions{}, WithKeyPrefix(prefix))
	l.patience = time.Minute
	c := instagram.Call{AppID: "app", AccountID: "1"}
	switch task {
	case "is refused":
		p, err := l.Acquire(context.Background(), c)
		if err != nil {
			return err
		}
		l.Done(p, refusedBy(4, 10*time.Minute))
		return rdb.Close()
	case "is killed":
		for { // takes as many as may be in flight
			if _, err := l.Acquire(context.Background(), c); err != nil {
				break
			}
		}
		fmt.Println("full")
		select {}
	}
	return fmt.Errorf("no such task: %q", task)
}

// otherProcess returns a command that runs a task, not yet started.
func otherProcess(t *testing.T, prefix, task string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), fleetEnv+"="+options(t).Addr+"\n"+prefix+"\n"+task)
	return cmd
}

func TestOtherProcesses(t *testing.T) {
	t.Parallel()
	prefix := freshPrefix(t)
	l := newLimiter(cluster(t), instagram.LimiterOptions{}, WithKeyPrefix(prefix))
	l.patience = time.Minute // the machine may be busy
	c := instagram.Call{AppID: "app", AccountID: "2"}
	l.Done(acquire(t, l, c), served(1))

	out, err := otherProcess(t, prefix, "is refused").CombinedOutput()
	require.NoError(t, err, string(out))
	_, err = l.Acquire(t.Context(), c)
	var limited *instagram.RateLimitError
	require.ErrorAs(t, err, &limited)
	assert.Equal(t, instagram.Bucket{Family: "app", ID: "app"}, limited.Bucket)
	assert.Greater(t, limited.RetryAfter, 5*time.Minute)
	assert.LessOrEqual(t, limited.RetryAfter, 10*time.Minute)
	c.AppID = "another"
	l.Done(acquire(t, l, c), served(1))
}

func TestKilledProcess(t *testing.T) {
	t.Parallel()
	prefix := freshPrefix(t)
	killed := otherProcess(t, prefix, "is killed")
	out, err := killed.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, killed.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "full\n", line)
	require.NoError(t, killed.Process.Kill())
	_ = killed.Wait()

	l := newLimiter(cluster(t), instagram.LimiterOptions{}, WithKeyPrefix(prefix))
	l.patience = time.Minute // the machine may be busy
	now, err := l.store.rdb.Time(t.Context()).Result()
	require.NoError(t, err)
	l.clock = func() time.Time { return now }
	c := instagram.Call{AppID: "app", AccountID: "1"}
	left := total(t, l)
	now = now.Add(10 * time.Minute)
	p := acquire(t, l, c)
	assert.Equal(t, int64(left), 2*(p.Node.(*ticket).app-1), "each of its calls counts, and was in flight for all that was known")
	assert.Equal(t, p.Node.(*ticket).app+1, int64(total(t, l)), "only this one is")
}

func TestRoundTrips(t *testing.T) {
	t.Parallel()
	l, h := newLimiter(client(t), instagram.LimiterOptions{}, WithKeyPrefix(freshPrefix(t))), &hook{}
	l.patience = time.Minute
	use(t, l, call("1"), 1) // Redis learns the scripts
	l.store.rdb.AddHook(h)
	use(t, l, call("1"), 10)
	assert.Equal(t, int64(20), h.trips.Load(), "one to ask, one to tell")
	var permits []instagram.Permit
	for range 10 {
		permits = append(permits, acquire(t, l, call("1")))
	}
	h.trips.Store(0)
	for _, p := range permits {
		l.Done(p, served(20))
	}
	settle(l)
	assert.LessOrEqual(t, h.trips.Load(), int64(10), "several can be told at once")
}

// TestWhatStaysInRedis shows that every key ends by itself, when the last call
// has left the window, or the wait that was stated is over.
func TestWhatStaysInRedis(t *testing.T) {
	t.Parallel()
	prefix := freshPrefix(t)
	l := newLimiter(cluster(t), instagram.LimiterOptions{}, WithKeyPrefix(prefix))
	l.patience = time.Minute // the machine may be busy
	now := time.UnixMicro(time.Now().UnixMicro())
	l.clock = func() time.Time { return now }
	const calls = 300
	for i := range calls {
		now = now.Add(10 * time.Second)
		l.Done(acquire(t, l, call("1")), served(i*100/(2*calls)))
		settle(l) // nobody looks at the clock
	}
	l.Done(acquire(t, l, call("2")), refusedBy(80002, 300*time.Hour))
	settle(l)
	rdb := client(t)
	keys, err := rdb.Keys(t.Context(), prefix+"*").Result()
	require.NoError(t, err)
	assert.Len(t, keys, 6, "two for the app, two for one account, one for the other, which called once, and one for the process")
	for _, key := range keys {
		ttl, err := rdb.PTTL(t.Context(), key).Result()
		require.NoError(t, err)
		window := time.Hour
		most := 2 * window
		if strings.Contains(key, ":account:") {
			window = 24 * time.Hour
			if most = 2 * window; strings.HasSuffix(key, ":2") {
				most += 300 * time.Hour
				window = 300 * time.Hour
			}
		}
		assert.Greater(t, ttl, window-time.Minute, key)
		assert.LessOrEqual(t, ttl, most, key)
		size, err := rdb.MemoryUsage(t.Context(), key).Result()
		require.NoError(t, err)
		t.Logf("%d bytes: %s", size, key)
		assert.Less(t, size, int64(8<<10), key)
	}
}

package redisstore

// This file answers: on which Redis do the tests run?

import (
	"context"
	"crypto/rand"
	"os"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

const redisEnv = "INSTAGRAM_TEST_REDIS"

// options are those of the Redis that tests share.
func options(tb testing.TB) *redis.Options {
	tb.Helper()
	dsn := os.Getenv(redisEnv)
	if dsn == "" {
		tb.Skip(redisEnv + ` is not set: env=$(adapters/services.sh) && eval "$env"`)
	}
	opts, err := redis.ParseURL(dsn)
	require.NoError(tb, err)
	return opts
}

func client(tb testing.TB) redis.UniversalClient {
	tb.Helper()
	rdb := redis.NewClient(options(tb))
	tb.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// cluster returns a client that sends each command to the server which has its
// slot. There is one server, but it refuses what touches several slots.
func cluster(tb testing.TB) redis.UniversalClient {
	tb.Helper()
	rdb := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{options(tb).Addr}})
	tb.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// freshPrefix returns a key prefix that no other test uses, and removes its keys in the end.
func freshPrefix(tb testing.TB) string {
	tb.Helper()
	prefix := "test:" + rand.Text() + ":"
	rdb := client(tb)
	tb.Cleanup(func() {
		ctx := context.Background()
		var cursor uint64
		for first := true; first || cursor != 0; first = false {
			keys, next, err := rdb.Scan(ctx, cursor, prefix+"*", 10_000).Result()
			require.NoError(tb, err)
			cursor = next
			_, err = rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
				for _, key := range keys { // one by one: they are in many slots
					p.Unlink(ctx, key)
				}
				return nil
			})
			require.NoError(tb, err)
		}
	})
	return prefix
}

func open(tb testing.TB, prefix string) *Store {
	tb.Helper()
	return New(client(tb), WithKeyPrefix(prefix))
}

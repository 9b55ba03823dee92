package main

// This file answers: how do a hundred thousand due accounts get into a store
// within seconds? One is saved as every other; the rest are its copies.

import (
	"context"
	"database/sql"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

const firstAccount = 1_000_000_000_000

// fill empties the store and puts n due accounts into it.
func fill(b *testing.B, where, appID string, n int) {
	b.Helper()
	scheme, rest, _ := strings.Cut(where, ":")
	switch scheme {
	case "file":
		require.NoError(b, os.RemoveAll(rest))
		saveEach(b, where, appID, n)
	case "sqlite":
		fillSQL(b, where, appID, "sqlite", "file:"+strings.NewReplacer(" ", "%20", "%", "%25").Replace(rest)+"?_pragma=busy_timeout(10000)",
			`with recursive series(i) as (select 1 union all select i + 1 from series where i < $1)`, n)
	case "redis":
		fillRedis(b, where, appID, n)
	default:
		fillSQL(b, where, appID, "pgx", where, `with series(i) as (select * from generate_series(1::bigint, $1::bigint))`, n)
	}
}

// saveEach saves n accounts one by one, some at once: each waits for the disk.
func saveEach(b *testing.B, where, appID string, n int) {
	b.Helper()
	store, closeStore, err := openStore(where)
	require.NoError(b, err)
	defer closeStore()
	const atOnce = 16
	var all sync.WaitGroup
	for worker := range atOnce {
		all.Go(func() {
			for i := worker; i < n; i += atOnce {
				if _, err := store.SaveToken(b.Context(), neglectedRecord(appID, strconv.Itoa(firstAccount+i)), 0); err != nil {
					b.Error(err)
				}
			}
		})
	}
	all.Wait()
}

func fillSQL(b *testing.B, where, appID, driver, dsn, series string, n int) {
	b.Helper()
	_, closeStore, err := openStore(where) // makes the tables
	require.NoError(b, err)
	closeStore()
	db, err := sql.Open(driver, dsn)
	require.NoError(b, err)
	defer func() { _ = db.Close() }()
	run := func(statement string, args ...any) {
		_, err := db.ExecContext(b.Context(), statement, args...)
		require.NoError(b, err, statement)
	}
	run(map[string]string{"sqlite": `delete from instagram_tokens`, "pgx": `truncate instagram_tokens`}[driver])
	saveEach(b, where, appID, 1)
	run(series+` insert into instagram_tokens (app_id, account_id, revision, state, reason, fails, due_at, login, kind,
			app_scoped_id, granted_at, obtained_at, expires_at, token)
		select app_id, cast(i + `+strconv.Itoa(firstAccount)+` as text), revision, state, reason, fails, due_at, login, kind,
			app_scoped_id, granted_at, obtained_at, expires_at, token
		from instagram_tokens, series`, n-1)
	run(`analyze instagram_tokens`)
}

// The keys are those of lua/common.lua in package redisstore.
const (
	emptyScript = `for _, account in ipairs(redis.call('ZRANGE', KEYS[1] .. 'keys', 0, 4999)) do
			redis.call('DEL', KEYS[1] .. 'token:' .. account)
			redis.call('ZREM', KEYS[1] .. 'keys', account)
		end
		for _, set in ipairs({'due', 'held', 'leases', 'states'}) do redis.call('DEL', KEYS[1] .. set) end
		return redis.call('ZCARD', KEYS[1] .. 'keys')`

	copyScript = `local fields = redis.call('HGETALL', KEYS[1] .. 'token:' .. ARGV[1])
		local at = redis.call('ZSCORE', KEYS[1] .. 'due', ARGV[1])
		for i = ARGV[2], ARGV[3] do
			local account = string.format('%.0f', ARGV[1] + i)
			redis.call('HSET', KEYS[1] .. 'token:' .. account, unpack(fields))
			redis.call('ZADD', KEYS[1] .. 'keys', 0, account)
			redis.call('ZADD', KEYS[1] .. 'due', at, account)
			redis.call('HINCRBY', KEYS[1] .. 'states', 0, 1)
		end
		return 1`
)

func fillRedis(b *testing.B, where, appID string, n int) {
	b.Helper()
	opts, err := redis.ParseURL(where)
	require.NoError(b, err)
	rdb := redis.NewClient(opts)
	defer func() { _ = rdb.Close() }()
	ctx, names := context.Background(), []string{"instagram:{" + appID + "}:"}
	for left := 1; left > 0; {
		left, err = redis.NewScript(emptyScript).Run(ctx, rdb, names).Int()
		require.NoError(b, err)
	}
	saveEach(b, where, appID, 1)
	const step = 5000 // others may be waiting for Redis
	for i := 1; i < n; i += step {
		require.NoError(b, redis.NewScript(copyScript).Run(ctx, rdb, names, firstAccount, i, min(i+step, n)-1).Err())
	}
}

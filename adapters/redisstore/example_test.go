package redisstore_test

// This file answers: how is the store used?

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/adapters/redisstore"
)

// One address is a single server, several are a cluster.
func ExampleNew() {
	rdb := redis.NewUniversalClient(&redis.UniversalOptions{Addrs: []string{"127.0.0.1:6379"}})
	defer func() { _ = rdb.Close() }()
	store := redisstore.New(rdb)

	ctx := context.Background()
	key := instagram.TokenKey{AppID: "1234567890", AccountID: "17841405793187218"}
	_, err := store.SaveToken(ctx, &instagram.Record{
		Key:   key,
		Token: &instagram.Token{AccessToken: instagram.NewSecret("IGAA…"), Kind: instagram.LongLived},
		DueAt: time.Now(),
	}, 0) // 0: there is none yet
	if err != nil {
		fmt.Println(err)
		return
	}
	record, err := store.LoadToken(ctx, key)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(record.Key, record.State, record.Token.Kind, record.Token.AccessToken)
}

// Several processes that share a small quota count their calls together.
func ExampleNewLimiter() {
	rdb := redis.NewUniversalClient(&redis.UniversalOptions{Addrs: []string{"127.0.0.1:6379"}})
	defer func() { _ = rdb.Close() }()
	client, err := instagram.New(
		instagram.Config{
			AppID: "1234567890", AppSecret: instagram.NewSecret("0123456789abcdef0123456789abcdef"),
			RedirectURL: "https://example.com/callback",
		},
		instagram.WithLimiter(redisstore.NewLimiter(rdb, instagram.LimiterOptions{})),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = client // every call that it makes is paced
}

// Tokens in a database, and only the login states, which live ten minutes, in Redis.
func ExampleStore_TakeState() {
	store := redisstore.New(redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379"}), redisstore.WithKeyPrefix("login:"))
	ctx := context.Background()
	if err := store.PutState(ctx, "state", 10*time.Minute); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(store.TakeState(ctx, "state")) // nil, once in all processes
	fmt.Println(store.TakeState(ctx, "state")) // instagram.ErrStateUsed
}

package main

// This file answers: which store does a URL name?

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // PostgreSQL
	"github.com/redis/go-redis/v9"
	_ "modernc.org/sqlite" // SQLite, without a C compiler

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/adapters/redisstore"
	"github.com/seed-922467ee/instagram/adapters/sqlstore"
	"github.com/seed-922467ee/instagram/filestore"
)

const storeForms = "file:DIR, sqlite:FILE, postgres://… or redis://…"

// openStore opens the store that where names. What is wrong with it is told
// now, rather than when a service is thought to run. No error repeats where,
// which may hold a password.
func openStore(where string) (store instagram.TokenStore, closeStore func(), err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	scheme, rest, _ := strings.Cut(where, ":")
	if rest == "" {
		scheme = ""
	}
	switch scheme {
	case "file":
		return openFiles(rest)
	case "sqlite":
		path, err := filepath.Abs(rest)
		if err != nil {
			return nil, nil, err
		}
		settings := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)"}}
		file := url.URL{Scheme: "file", Path: path, RawQuery: settings.Encode()}
		return openSQL(ctx, "sqlite", file.String())
	case "postgres", "postgresql":
		return openSQL(ctx, "pgx", where)
	case "redis", "rediss":
		return openRedis(ctx, where)
	}
	return nil, nil, errors.New("a store is one of " + storeForms)
}

// mustExist refuses a store in files that opening would make.
func mustExist(where string) error {
	scheme, path, _ := strings.Cut(where, ":")
	if scheme != "file" && scheme != "sqlite" || path == "" {
		return nil
	}
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("a dry run makes no store: %w", err)
	}
	return nil
}

func openFiles(dir string) (instagram.TokenStore, func(), error) {
	store, err := filestore.Open(dir)
	if err != nil {
		return nil, nil, err
	}
	return store, func() { _ = store.Close() }, nil
}

func openSQL(ctx context.Context, driver, dsn string) (instagram.TokenStore, func(), error) {
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, nil, err
	}
	db.SetMaxOpenConns(8) // of each process; KeepAlive takes with one and saves with four
	store, err := sqlstore.Open(ctx, db)
	if err != nil {
		_ = db.Close()
		return nil, nil, err
	}
	return store, func() { _ = db.Close() }, nil
}

// openRedis connects to a single server; see package redisstore for clusters,
// and for how Redis must be set up to lose nothing.
func openRedis(ctx context.Context, where string) (instagram.TokenStore, func(), error) {
	opts, err := redis.ParseURL(where)
	if err != nil {
		return nil, nil, errors.New("what -store says is no URL of a Redis, such as redis://:password@host:6379/0")
	}
	rdb := redis.NewClient(opts)
	if err := rdb.Ping(ctx).Err(); err != nil {
		_ = rdb.Close()
		return nil, nil, fmt.Errorf("redis: %w", err)
	}
	return redisstore.New(rdb), func() { _ = rdb.Close() }, nil
}

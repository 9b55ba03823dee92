package redisstore

// This file answers: how does a caller's Redis become a store, and what are
// its keys called?

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/seed-922467ee/instagram"
)

// CorruptError says that a record is not what this package has written. Saving
// under its revision, or DeleteToken, removes it, so that the account can log in
// anew. Other records are not touched by it.
type CorruptError struct {
	Key instagram.TokenKey
	Err error // what is wrong, without what the record holds
}

// Error names the record and says what is wrong with it.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("redisstore: record %q: %v", e.Key.String(), e.Err)
}

// Unwrap returns Err.
func (e *CorruptError) Unwrap() error { return e.Err }

// Store keeps tokens and login states in Redis. It is safe for concurrent use
// by any number of goroutines and processes.
type Store struct {
	rdb    redis.UniversalClient
	prefix string
	report func(error) // is called with each [*CorruptError] that is passed over

	put, leaseDue, leaseToken, endLeases, remove, count *redis.Script
}

var (
	_ instagram.TokenStore   = (*Store)(nil)
	_ instagram.TokenLeaser  = (*Store)(nil)
	_ instagram.TokenFinder  = (*Store)(nil)
	_ instagram.TokenLister  = (*Store)(nil)
	_ instagram.TokenCounter = (*Store)(nil)
	_ instagram.StateStore   = (*Store)(nil)
)

// Option changes how [New] sets up a store.
type Option func(*Store)

// WithKeyPrefix sets what all keys begin with, so that several stores share a
// Redis. Without this option it is "instagram:". Braces in it become
// parentheses: they have a meaning in the names of a cluster's keys.
func WithKeyPrefix(prefix string) Option {
	return func(s *Store) { s.prefix = strings.NewReplacer("{", "(", "}", ")").Replace(prefix) }
}

// OnUnreadable sets what is called with the [*CorruptError] of a record that is
// passed over, each time LeaseDue or ListTokens meets it; for LeaseDue that is
// once a day. It must not call the store. Default: [slog.Default] logs it.
func OnUnreadable(report func(error)) Option {
	return func(s *Store) {
		if report != nil {
			s.report = report
		}
	}
}

// New returns the store in rdb, which stays the caller's to close, and which
// may be a single server, a cluster or behind sentinels. Nothing is sent yet.
func New(rdb redis.UniversalClient, opts ...Option) *Store {
	s := &Store{
		rdb: rdb, prefix: "instagram:",
		report: func(err error) { slog.Default().Error("redisstore: a record is passed over", slog.Any("error", err)) },
		put:    script("common", "put"), leaseDue: script("common", "lease_due"), leaseToken: script("common", "lease_token"),
		endLeases: script("common", "end_leases"), remove: script("common", "delete"), count: script("common", "count"),
	}
	for _, opt := range opts {
		opt(s)
	}
	return s
}

// sources holds the scripts, which Redis runs as one step each.
//
//go:embed lua
var sources embed.FS

// script joins files to one script.
func script(parts ...string) *redis.Script {
	var text strings.Builder
	for _, part := range parts {
		source, err := sources.ReadFile("lua/" + part + ".lua")
		if err != nil {
			panic("redisstore: a script was not built in: " + err.Error()) // the build lacks a file: a test meets it
		}
		text.Write(source)
	}
	return redis.NewScript(text.String())
}

// names returns what the names of all keys of an app begin with. The app ID is
// their hash tag: a cluster keeps them together, and scripts may touch them all.
func (s *Store) names(appID string) string {
	return s.prefix + "{" + url.QueryEscape(appID) + "}:"
}

// sets returns the KEYS of every script, as lua/common.lua has them.
func (s *Store) sets(appID string) []string {
	names := s.names(appID)
	return []string{names + "due", names + "held", names + "leases", names + "keys", names + "states"}
}

func (s *Store) token(k instagram.TokenKey) string { return s.names(k.AppID) + "token:" + k.AccountID }

// apps is the one key that apps share: the sorted set of their IDs.
func (s *Store) apps() string { return s.prefix + "apps" }

// run runs a script for an app.
func (s *Store) run(ctx context.Context, script *redis.Script, appID string, args ...any) *redis.Cmd {
	answer, err := await(ctx, func() (*redis.Cmd, error) {
		return script.Run(ctx, s.rdb, s.sets(appID), append([]any{s.names(appID)}, args...)...), nil
	})
	if err != nil {
		answer = redis.NewCmd(ctx)
		answer.SetErr(err)
	}
	return answer
}

// await returns what ask does, or the context's error when that comes first.
// go-redis does not hear of a cancellation while it waits for an answer, only
// of its own timeouts, which then end what is left behind here.
func await[T any](ctx context.Context, ask func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	var none T
	if ctx.Err() != nil {
		return none, ctx.Err()
	}
	came := make(chan answer, 1)
	go func() {
		value, err := ask()
		came <- answer{value, err}
	}()
	select {
	case a := <-came:
		return a.value, a.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// mark returns what one call writes into the records it changes, so that it
// knows them as its own when a lost answer makes go-redis send it twice.
func mark() string { return rand.Text() }

// failed says what was being done when Redis failed. The context's own errors come first.
func failed(ctx context.Context, op, what string, err error) error {
	if err == nil {
		return nil
	}
	if over := ctx.Err(); over != nil {
		for _, e := range []error{context.Cause(ctx), over} {
			if !errors.Is(err, e) {
				err = fmt.Errorf("%w: %w", e, err)
			}
		}
	}
	if what != "" {
		op += " " + strconv.Quote(what)
	}
	return fmt.Errorf("redisstore: %s: %w", op, err)
}

package sqlstore_test

// This file answers: how is the store used?

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/seed-922467ee/instagram"
	"github.com/seed-922467ee/instagram/adapters/sqlstore"
)

// A file of this machine keeps the tokens; several processes may share it.
func ExampleOpen() {
	err := func() error {
		dir, err := os.MkdirTemp("", "tokens")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()

		ctx := context.Background()
		settings := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)"}}
		db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "tokens.db")+"?"+settings.Encode())
		if err != nil {
			return err
		}
		defer func() { _ = db.Close() }()
		store, err := sqlstore.Open(ctx, db)
		if err != nil {
			return err
		}

		key := instagram.TokenKey{AppID: "1234567890", AccountID: "17841405793187218"}
		_, err = store.SaveToken(ctx, &instagram.Record{
			Key:   key,
			Token: &instagram.Token{AccessToken: instagram.NewSecret("IGAA…"), Kind: instagram.LongLived},
			DueAt: time.Now(),
		}, 0) // 0: there is none yet
		if err != nil {
			return err
		}
		record, err := store.LoadToken(ctx, key)
		if err != nil {
			return err
		}
		fmt.Println(record.Key, record.State, record.Token.Kind, record.Token.AccessToken)
		return nil
	}()
	if err != nil {
		fmt.Println(err)
	}
	// Output: 1234567890/17841405793187218 alive long-lived [redacted]
}

// A PostgreSQL that many machines share. Only the first line is another.
func ExampleOpen_postgreSQL() {
	db, err := sql.Open("pgx", os.Getenv("DATABASE_URL"))
	if err != nil {
		fmt.Println(err)
		return
	}
	store, err := sqlstore.Open(context.Background(), db, sqlstore.WithTablePrefix("ig_"))
	if err != nil {
		fmt.Println(err)
		return
	}
	var _ instagram.TokenStore = store
	var _ instagram.StateStore = store
}

// Workers in any number of processes share what is due. Each record goes to
// one of them, and comes back when that one vanishes.
func ExampleStore_LeaseDue() {
	var store *sqlstore.Store // from Open
	worker := func(ctx context.Context, renew func(*instagram.Token) *instagram.Token) error {
		leases, err := store.LeaseDue(ctx, "1234567890", 200, time.Minute)
		if err != nil {
			return err
		}
		for _, l := range leases {
			l.Record.Token = renew(l.Record.Token)
			l.Record.DueAt = time.Now().Add(40 * 24 * time.Hour)
		}
		results, err := store.CommitLeases(ctx, leases) // all in one transaction
		if err != nil {
			return err
		}
		for i, err := range results {
			if err != nil { // somebody logged in meanwhile: the store has a better token
				fmt.Println(leases[i].Record.Key, err)
			}
		}
		return nil
	}
	_ = worker
}

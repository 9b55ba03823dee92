// Package sqlstore keeps tokens and login states in a database of yours, SQLite
// or PostgreSQL, through database/sql. Any number of processes may share it.
//
//	db, err := sql.Open("sqlite", "file:tokens.db?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
//	if err != nil {
//		return err
//	}
//	store, err := sqlstore.Open(ctx, db) // finds out which database it is, and makes the tables
//	if err != nil {
//		return err
//	}
//	client, err := instagram.New(config, instagram.WithTokenStore(seal.Tokens(store, keys)), instagram.WithStateStore(store))
//
// For PostgreSQL only the first line differs: sql.Open("pgx", "postgres://…").
// A [Store] can everything a store can do: it is an [instagram.TokenStore] with
// all optional abilities, and an [instagram.StateStore]. It knows nothing of
// encryption; package seal seals any store.
//
// # Databases and drivers
//
// SQLite from 3.42 with any driver; modernc.org/sqlite, which needs no C
// compiler, is tested. [Open] insists on WAL mode, on a busy timeout, and on
// synchronous=FULL: these belong to a connection, so only the caller can set
// them for all, and the error says what to write. SQLite has one writer at a
// time: the processes that share a file take turns, and each waits for the
// others no longer than the busy timeout or the context.
//
// PostgreSQL from 12 with any driver; github.com/jackc/pgx/v5/stdlib is tested.
// Nothing depends on a session, so a pooler such as PgBouncer in transaction
// mode is fine. What is due, and until when a lease lasts, the database's
// clock decides on both.
//
// # What survives
//
// When a save or a commit has returned nil, the write survives a killed
// process, and a power cut as far as disk and database keep their word. See
// [AllowLossOnPowerCut] for those who need it less.
//
// # Tables
//
// One row for each token, under the prefix "instagram_": everything but the
// secrets is in columns that people can read, for queries such as
//
//	select account_id, reason from instagram_tokens where state = 1        -- must log in again
//	select count(*) from instagram_tokens where expires_at < now() + interval '7 days'
//
// Write to them only through this package. The column token has the secrets:
// as they are, or sealed when the store is wrapped by package seal.
package sqlstore

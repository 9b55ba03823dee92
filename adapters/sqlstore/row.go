package sqlstore

// This file answers: how does a record become a row, and a row a record?

import (
	"database/sql"
	"strings"

	"github.com/seed-922467ee/instagram"
)

// columns are what [scan] reads.
const columns = `app_id, account_id, revision, fence, state, reason, fails, due_at, leased_until, token`

// row is a record with what only the table knows of it.
type row struct {
	record *instagram.Record // its Token is nil when corrupt is not
	fence  int64
	until  instant
	// corrupt is a [*CorruptError] when the token cannot be read.
	corrupt error
}

func scan(rows *sql.Rows) (*row, error) {
	r := &row{record: &instagram.Record{}}
	var due instant
	var token []byte
	err := rows.Scan(&r.record.Key.AppID, &r.record.Key.AccountID, &r.record.Revision, &r.fence,
		&r.record.State, &r.record.Reason, &r.record.Fails, &due, &r.until, &token)
	if err != nil {
		return nil, err
	}
	r.record.DueAt = due.Time
	if r.record.Token, err = instagram.UnmarshalToken(token); err != nil {
		r.record.Token = nil
		r.corrupt = &CorruptError{Key: r.record.Key, Err: err}
	}
	return r, nil
}

// values returns what the row of r holds once it has the revision. Everything
// but the last is there for people and indexes to read, and has no secrets.
func (s *Store) values(r *instagram.Record, revision instagram.Revision) ([]any, error) {
	token, err := instagram.MarshalToken(r.Token)
	if err != nil {
		return nil, err
	}
	t := r.Token
	return []any{
		r.Key.AppID, r.Key.AccountID, int64(revision),
		int64(r.State), clean(r.Reason), int64(r.Fails), s.dia.time(r.DueAt),
		t.Login.String(), t.Kind.String(), clean(t.AppScopedID),
		s.dia.time(t.GrantedAt), s.dia.time(t.ObtainedAt), s.dia.time(t.ExpiresAt),
		token,
	}, nil
}

// clean returns text that every database keeps: a reason or a foreign ID that
// is none must not make a token unsavable.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

package instagram

// This file answers: what must a place be able to do in which tokens and
// login states are kept?

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
	"unicode/utf8"
)

// TokenKey names a token in a store: an account, or with [PersonKey] a person, of an app.
type TokenKey struct {
	AppID     string
	AccountID string
}

const personPrefix = "person:"

// PersonKey names the token of a person of Facebook Login, which serves all
// accounts that the person granted.
func PersonKey(appID, appScopedID string) TokenKey {
	return TokenKey{AppID: appID, AccountID: personPrefix + appScopedID}
}

// Person returns the app-scoped ID of the person that the key names; ok is
// false for the key of an account.
func (k TokenKey) Person() (appScopedID string, ok bool) {
	return strings.CutPrefix(k.AccountID, personPrefix)
}

// String returns app and account ID; neither is secret.
func (k TokenKey) String() string { return k.AppID + "/" + k.AccountID }

// RecordState says whether a stored token may be used.
type RecordState uint8

const (
	// Alive means that the token may be used and is renewed.
	Alive RecordState = iota
	// NeedsLogin means that the platform has proven it dead; only the person can help, by logging in again.
	NeedsLogin
	// WaitingForPerson means that it may live again after the person has acted at Instagram or Facebook (checkpoint, Page role).
	WaitingForPerson
	// Deauthorized means that the person has removed the app.
	Deauthorized
)

// String returns the state in words, such as "needs login".
func (s RecordState) String() string {
	names := [...]string{"alive", "needs login", "waiting for person", "deauthorized"}
	if int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("RecordState(%d)", uint8(s))
}

// Record is a token as it is kept, with what the years have taught about it.
type Record struct {
	Key   TokenKey
	Token *Token
	State RecordState
	// Reason says why State is not Alive: "190/460", for example. Of a living
	// record it says what keeps it from being renewed and which warnings were given;
	// stores keep it as it is. Never a secret.
	Reason string
	// Fails counts failed attempts to renew the token since the last success.
	Fails int
	// DueAt is when the record should be looked at again; stores keep it to the
	// millisecond at least. Zero: never.
	DueAt time.Time
	// Revision is the store's count of changes, set by the store.
	Revision Revision

	further Secret // as a Token has it
}

func (r *Record) clone() *Record {
	c := *r
	if r.Token != nil {
		c.Token = r.Token.clone()
	}
	return &c
}

// Revision counts the changes of one record, and starts at a random number, so
// that it never repeats when a record is deleted and made again. Zero means
// that there is no record.
type Revision int64

// Next returns the revision that follows r. It is for stores.
func (r Revision) Next() Revision {
	if r == 0 {
		return Revision(1 + rand.Int64N(1<<62)) //nolint:gosec // it must be unlikely to repeat, not hard to guess
	}
	return r + 1
}

// What stores answer. Implementations wrap or return these.
var (
	// ErrTokenNotFound means that the store has no record under the key.
	ErrTokenNotFound = errors.New("no token is stored for this account")
	// ErrTokenSuperseded means that what the store has is newer or better than what was to be saved; nothing was changed.
	ErrTokenSuperseded = errors.New("the store has a newer or better token")
	// ErrTokenLeased means that another worker holds the record for a while.
	ErrTokenLeased = errors.New("another worker holds this token's lease")
	// ErrStateUsed means that the state is not there: it was taken before, has expired, or was never put.
	ErrStateUsed = errors.New("this login state was used before or has expired")
)

// TokenStore keeps tokens. Implementations are safe for concurrent use, copy
// what they are given and what they return, and keep [Token.AccessToken] and
// [Token.PageToken] byte for byte. Under a context that has ended they change
// nothing and return its error. What a store must do is tested by
// storetest.Tokens.
type TokenStore interface {
	// LoadToken returns the record under the key, or [ErrTokenNotFound].
	LoadToken(ctx context.Context, k TokenKey) (*Record, error)

	// SaveToken writes r under r.Key and returns its new revision, if the
	// stored record still has the revision from (zero: there is none yet) and
	// [CheckSave] allows it. Otherwise it changes nothing and returns
	// [ErrTokenSuperseded]. When SaveToken has returned nil, the record survives
	// whatever the store promises to survive. It ends the record's lease, if any.
	// A nil r, and one without a token or a whole key, is refused: call
	// CheckSave(nil, r) first.
	SaveToken(ctx context.Context, r *Record, from Revision) (Revision, error)

	// DeleteToken removes the record. A record that is not there is no error.
	DeleteToken(ctx context.Context, k TokenKey) error
}

// CheckSave returns nil when a store that holds old (nil: nothing) may put r
// in its place, and else an error that is [ErrTokenSuperseded] or says what is
// wrong with r. Every store calls it inside the step that writes:
//
//   - no record without a token, or with "[redacted]" for one;
//   - no older token over a newer one;
//   - no short-lived token over a long-lived one of the same grant;
//   - no token of an older grant over one of a newer: a refresh that started
//     before a login does not undo the login.
//
// A time that is not known proves nothing, and is not compared.
func CheckSave(old, r *Record) error {
	switch {
	case r == nil || r.Token == nil || r.Token.AccessToken.IsZero():
		return errors.New("a record without a token is not saved")
	case r.Token.AccessToken.Reveal() == redacted || r.Token.PageToken.Reveal() == redacted:
		return errRedacted
	case old == nil || old.Token == nil:
		return checkKey(r.Key)
	}
	if err := checkKey(r.Key); err != nil {
		return err
	}
	was, is := old.Token, r.Token
	grantsKnown := !was.GrantedAt.IsZero() && !is.GrantedAt.IsZero()
	newLogin := !is.GrantedAt.IsZero() && !is.GrantedAt.Equal(was.GrantedAt)
	switch {
	case grantsKnown && is.GrantedAt.Before(was.GrantedAt):
		return fmt.Errorf("%w: it comes from a later login", ErrTokenSuperseded)
	case grantsKnown && newLogin:
		return nil
	case !is.ObtainedAt.IsZero() && is.ObtainedAt.Before(was.ObtainedAt):
		return fmt.Errorf("%w: it was obtained later", ErrTokenSuperseded)
	case is.Kind == ShortLived && was.Kind != ShortLived && !newLogin:
		return fmt.Errorf("%w: it is %s", ErrTokenSuperseded, was.Kind)
	}
	return nil
}

// maxIDLength bounds both IDs of a key, in bytes. Meta's have 20 at most; what
// is much longer is no ID, and would not fit into the index of a database.
const maxIDLength = 256

func checkKey(k TokenKey) error {
	for _, id := range []string{k.AppID, k.AccountID} {
		switch {
		case id == "":
			return errors.New("a record without app ID and account ID is not saved")
		case len(id) > maxIDLength:
			return fmt.Errorf("an ID of %d bytes is no ID: at most %d are kept", len(id), maxIDLength)
		case !utf8.ValidString(id) || strings.Contains(id, "\x00"):
			return errors.New("an ID that is not text is not saved")
		}
	}
	return nil
}

// TokenLeaser is what a store can do that lets several processes share the
// work of renewing. A lease is a promise for a while that no other worker gets
// the record. The store's clock decides what is due and when a lease ends.
// A lease changes neither the record nor its revision: LoadToken shows it as
// before. A decorator over a store that cannot do it returns
// [errors.ErrUnsupported].
type TokenLeaser interface {
	// LeaseDue takes up to n living records of the app whose DueAt has come and
	// that nobody holds, the longest due first, for the time d. None due, or n
	// below 1, gives none and no error; d must be positive.
	LeaseDue(ctx context.Context, appID string, n int, d time.Duration) ([]*Lease, error)

	// LeaseToken takes one record, due or not, living or not, for the time d. It
	// returns [ErrTokenNotFound], or [ErrTokenLeased] when another worker holds it.
	LeaseToken(ctx context.Context, k TokenKey, d time.Duration) (*Lease, error)

	// CommitLeases writes each lease's Record and ends the lease. The first
	// result has an element for each lease: nil, or [ErrTokenSuperseded] when
	// the lease was lost or the record changed, or what [CheckSave] returns, and
	// then that record is not written. The second result is a failure of the
	// store, after which the fate of all is open.
	//
	// A lease is lost when the record's fence or its revision is not the
	// lease's any more: another worker has taken, saved, deleted or made the
	// record anew. A lease that has merely run out is good, so that a slow
	// worker's token is not thrown away for nothing.
	CommitLeases(ctx context.Context, leases []*Lease) ([]error, error)

	// ReleaseLeases ends leases and leaves the records as they were, due at
	// once when they were due. Leases already lost, as CommitLeases has it, are
	// passed over.
	ReleaseLeases(ctx context.Context, leases []*Lease) error
}

// Lease is a record that one worker holds for a while.
type Lease struct {
	// Record is the record as it was when the lease was taken; the holder
	// changes it, but not its Key and Revision, and gives it to CommitLeases.
	Record *Record
	// Fence grows with each lease of the record, so that a commit under an
	// older lease changes nothing. It may start again when a record is deleted
	// and made again; the revision does not.
	Fence int64
	// Until is when the lease ends, by the store's clock.
	Until time.Time
}

// TokenFinder is what a store can do that finds records by the app-scoped ID,
// the only ID that deauthorize and data-deletion requests carry.
type TokenFinder interface {
	// FindTokens returns the keys of all records of the app, whatever their
	// state, whose token has the app-scoped ID; none is no error. The empty ID
	// finds none.
	FindTokens(ctx context.Context, appID, appScopedID string) ([]TokenKey, error)
}

// TokenLister is what a store can do that walks everything it has.
type TokenLister interface {
	// ListTokens returns up to n records of all apps in an order of the store's
	// own that does not change, such as that of their keys, starting behind
	// after (zero: at the first), whether or not after is still there. Fewer
	// than n: the end. A walk meets every record once that is there all the while.
	ListTokens(ctx context.Context, after TokenKey, n int) ([]*Record, error)
}

// TokenCounter is what a store can do that tells how many records it has.
type TokenCounter interface {
	// CountTokens returns the number of the app's records by state, and how
	// many living ones are due, leased or not.
	CountTokens(ctx context.Context, appID string) (TokenCounts, error)
}

// TokenCounts is what a store has of one app.
type TokenCounts struct {
	ByState map[RecordState]int
	Due     int
}

// StateStore remembers which login states are open, so that each is used only
// once in all processes. Implementations are safe for concurrent use. Under a
// context that has ended they change nothing and return its error. What a store
// must do is tested by storetest.States.
type StateStore interface {
	// PutState remembers the ID for the time ttl. A ttl of zero or less is an
	// error, and nothing is remembered.
	PutState(ctx context.Context, id string, ttl time.Duration) error
	// TakeState forgets the ID. Exactly one call succeeds for each ID put; all
	// others, and those after its time, return [ErrStateUsed].
	TakeState(ctx context.Context, id string) error
}

package instagram

// This file answers: what is a token, and how old is it?

import (
	"hash/fnv"
	"slices"
	"time"

	"golang.org/x/oauth2"
)

// TokenKind says how a token came to be, and so how long it lives.
type TokenKind uint8

const (
	// ShortLived is what a code is exchanged for: it lives one to two hours.
	ShortLived TokenKind = iota
	// LongLived is a token of about 60 days, which can be renewed while it lives.
	LongLived
	// PageToken is the token of a Facebook Page; one that came from a long-lived user token has no end.
	PageToken
	// SystemUser is the token of a business's system user: without end, or 60 days.
	SystemUser
)

// String returns "short-lived", "long-lived", "page" or "system-user".
func (k TokenKind) String() string {
	switch k {
	case ShortLived:
		return "short-lived"
	case LongLived:
		return "long-lived"
	case PageToken:
		return "page"
	case SystemUser:
		return "system-user"
	}
	return "unknown"
}

const (
	// MinRefreshAge is how old a long-lived token of Instagram Login must be
	// before [Client.RefreshToken] can succeed.
	// Source: "Business login for Instagram", read 2026-03.
	MinRefreshAge = 24 * time.Hour

	// ShortLivedLifetime is how long a token of Instagram Login lives that a
	// code was exchanged for; Meta documents it and does not send it.
	// Source: Instagram Platform overview, read 2026.
	ShortLivedLifetime = time.Hour
)

// Token is an access token with what is known of it. Values are safe to print:
// the token itself is a [Secret]. A *Token that this package returned must not
// be changed; make a copy.
type Token struct {
	AccessToken Secret
	Login       Login
	Kind        TokenKind

	// AccountID is the professional account ID: the one in API paths and
	// webhooks. Empty for a person of Facebook Login, who is not one account.
	AccountID string
	// AppScopedID is the ID that deauthorize and data-deletion requests carry;
	// on Facebook Login it is the person's.
	AppScopedID string
	// Username is the account's name, "" when it was not asked for.
	Username string
	// PageID is the Facebook Page that the account is linked to, "" on Instagram Login.
	PageID string
	// PageToken is that Page's own token, for Page edges. Empty on Instagram
	// Login, and where Meta gave none.
	PageToken Secret

	// Scopes are the permissions granted, which may be fewer than asked for.
	// nil means that Meta did not say.
	Scopes []Scope

	// GrantedAt is when the person last passed the login window; renewing a
	// token keeps it. Zero: not known.
	GrantedAt time.Time
	// ObtainedAt is when this very token was received. Zero: not known.
	ObtainedAt time.Time
	// ExpiresAt is when the token ends, computed from the moment of the
	// request. Zero: Meta did not say; see Permanent, Kind and [Token.Status].
	ExpiresAt time.Time
	// Permanent is true when Meta said that the token has no end.
	Permanent bool
	// DataAccessExpiresAt is Facebook's second clock: from then on calls bring
	// no data until the person passes the login window again. Zero: not known.
	DataAccessExpiresAt time.Time

	// further is what a newer program has written down of the token, and this
	// one does not know; a Secret, for it may be one.
	further Secret
}

// TokenStatus is where a token stands in its life.
type TokenStatus uint8

const (
	// Unknown: Meta did not say when the token ends.
	Unknown TokenStatus = iota
	// TooYoung: it lives, and cannot be refreshed before it is [MinRefreshAge] old.
	TooYoung
	// Fresh: nothing to do.
	Fresh
	// Due: time to refresh it.
	Due
	// Urgent: less than a tenth of its life is left.
	Urgent
	// Expired: only a new login helps.
	Expired
	// NeverExpires: it has no end, but can be revoked.
	NeverExpires
	// DataAccessEnded: the token lives, but brings no data before the person has passed the login window again.
	DataAccessEnded
	// Invalidated: the platform or the person has withdrawn it before its end;
	// [Record].Reason says why, and only a new login helps.
	Invalidated
	// AwaitsPerson: it may live again once the person has acted at Instagram or
	// Facebook (checkpoint, Page role); [Record].Reason says which.
	AwaitsPerson
)

// String returns the status in words, such as "too young".
func (s TokenStatus) String() string {
	names := [...]string{
		"unknown", "too young", "fresh", "due", "urgent", "expired", "never expires", "data access ended",
		"invalidated", "awaits person",
	}
	if int(s) < len(names) {
		return names[s]
	}
	return "unknown"
}

// Status returns where the token stands at a time. It looks at nothing but the
// token's own fields; that the platform has withdrawn a token is known to its
// record, see [Record.Status].
//
// A token is due at a point between half and five sixths of its life that
// depends on its account, so that accounts connected on one day do not come
// due on one day.
func (t *Token) Status(now time.Time) TokenStatus {
	switch {
	case t.expired(now):
		return Expired
	case !t.DataAccessExpiresAt.IsZero() && !now.Before(t.DataAccessExpiresAt):
		return DataAccessEnded
	case t.endless():
		return NeverExpires
	case t.ExpiresAt.IsZero():
		return Unknown
	case t.tooYoung(now):
		return TooYoung
	case !t.ObtainedAt.IsZero() && t.ExpiresAt.Sub(now) < t.ExpiresAt.Sub(t.ObtainedAt)/10:
		return Urgent
	case !now.Before(t.dueAt()):
		return Due
	}
	return Fresh
}

// endless reports whether the token has no end: Meta said so, or its kind does.
func (t *Token) endless() bool {
	return t.ExpiresAt.IsZero() && (t.Permanent || t.Kind == PageToken || t.Kind == SystemUser)
}

func (t *Token) expired(now time.Time) bool {
	return !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt)
}

func (t *Token) tooYoung(now time.Time) bool {
	return t.waitsADay() && !t.ObtainedAt.IsZero() && now.Sub(t.ObtainedAt) < MinRefreshAge
}

// waitsADay reports whether the platform refuses to renew the token in its first day.
func (t *Token) waitsADay() bool { return t.Login == InstagramLogin && t.Kind == LongLived }

// Bounds of the schedule. Meta documents a life of 60 days; a longer one in an
// answer is not relied upon.
const (
	longestLife  = 60 * 24 * time.Hour
	refreshGrace = 5 * time.Minute // past MinRefreshAge, for clocks that differ
)

// dueAt returns when the token should be renewed; zero: never. One whose age or
// end is not known is due as soon as it can be renewed, for then both are; in
// case they are not, only a day after it was obtained.
func (t *Token) dueAt() time.Time {
	since := t.ObtainedAt
	if since.IsZero() {
		since = t.GrantedAt
	}
	earliest := time.Unix(0, 0) // not the zero time, which is never
	if !since.IsZero() && (t.waitsADay() || t.ExpiresAt.IsZero()) {
		earliest = since.Add(MinRefreshAge + refreshGrace)
	}
	switch {
	case t.endless():
		return time.Time{}
	case t.ExpiresAt.IsZero(), t.ObtainedAt.IsZero():
		return earliest
	}
	life := min(t.ExpiresAt.Sub(t.ObtainedAt), longestLife)
	due := t.ObtainedAt.Add(life/2 + time.Duration(float64(life/3)*t.spread()))
	if due.Before(earliest) {
		return earliest
	}
	return due
}

// spread returns a number from 0 to 1 that is the account's own.
func (t *Token) spread() float64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(t.AccountID + "\x00" + t.AppScopedID))
	return float64(h.Sum64()>>11) / (1 << 53)
}

// OAuth2 returns the token for code that wants one of x/oauth2's. Its Expiry
// is zero when the end is not known, which x/oauth2 reads as "never".
func (t *Token) OAuth2() *oauth2.Token {
	return &oauth2.Token{AccessToken: t.AccessToken.Reveal(), TokenType: "Bearer", Expiry: t.ExpiresAt}
}

// Key returns where the token is kept in a store: under its account, or, when
// it is a person's and not an account's, under the person.
func (t *Token) Key(appID string) TokenKey {
	if t.AccountID == "" && t.AppScopedID != "" {
		return PersonKey(appID, t.AppScopedID)
	}
	return TokenKey{AppID: appID, AccountID: t.AccountID}
}

func (t *Token) clone() *Token {
	c := *t
	c.Scopes = slices.Clone(t.Scopes)
	return &c
}

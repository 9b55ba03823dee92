package instagram

// This file answers: is this token in order, and does the app hold more or less
// than it uses?

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Review is the state of one token, as data and as findings in words.
type Review struct {
	// Info is what the platform says of the token.
	Info *TokenInfo
	// Status is where the token stands in its life, from what the platform says
	// and what the token carries.
	Status TokenStatus
	// ExpiresAt is the token's end. Zero: not known, or none (see Status).
	ExpiresAt time.Time
	// DataAccessExpiresAt is when Facebook's second clock runs out. Zero: not known, or none.
	DataAccessExpiresAt time.Time
	// Permissions is what was granted; nil for a token that is not valid.
	Permissions *Permissions
	// Missing are used, or needed by what is used, and not granted.
	Missing []Scope
	// Unneeded are granted, and neither used nor needed by what is used.
	Unneeded []Scope
	// Version is the Graph API version that this client asks for; its EndsAt is
	// zero when its end is not announced, or not known to this release.
	Version APIVersion
	// Findings say what should be done, the most urgent first. None: nothing.
	Findings []Finding
}

// Finding is one thing that a developer should know.
type Finding struct {
	Urgency Urgency
	// Topic is what it is about: "token", "data access", "permissions" or "version".
	Topic string
	// Until is when it has to be done. Zero: now, or no date.
	Until time.Time
	Text  string
}

// String returns the finding in one line.
func (f Finding) String() string { return fmt.Sprintf("%s: %s: %s", f.Urgency, f.Topic, f.Text) }

// Urgency says how much a finding matters.
type Urgency uint8

const (
	// UrgencyNote: good to know.
	UrgencyNote Urgency = iota
	// UrgencySoon: it will break at a known time.
	UrgencySoon
	// UrgencyBroken: it does not work now.
	UrgencyBroken
)

// String returns "note", "soon" or "broken".
func (u Urgency) String() string {
	switch u {
	case UrgencyNote:
		return "note"
	case UrgencySoon:
		return "soon"
	case UrgencyBroken:
		return "broken"
	}
	return "unknown"
}

// soonLeft is how long before the end of a clock that only a person can wind up
// it earns a finding.
const soonLeft = 14 * 24 * time.Hour

// Review looks at one token in all respects at once: whether it lives and how
// long, until when it brings data, whether what the app uses was granted and
// whether more was granted than that, and how long the Graph API version lives.
// Used are the permissions that the app's calls need; none given means those of
// the configuration. A dead token is no error: the first finding says why.
func (c *Client) Review(ctx context.Context, tok *Token, used ...Scope) (*Review, error) {
	const op = "instagram: review: %w"
	if len(used) == 0 {
		used = c.cfg.Scopes
	}
	info, err := c.InspectToken(ctx, tok)
	if err != nil {
		return nil, fmt.Errorf(op, err)
	}
	now := c.now()
	r := &Review{Info: info, Version: knownVersion(c.cfg.Version)}
	r.lifetime(tok, now)
	if info.Valid {
		if r.Permissions, err = c.permissions(ctx, tok, info); err != nil {
			return nil, fmt.Errorf(op, err)
		}
		r.compare(used)
	}
	r.ageOfVersion(c.cfg.Version, now)
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return int(b.Urgency) - int(a.Urgency) })
	return r, nil
}

func (r *Review) find(u Urgency, topic string, until time.Time, format string, args ...any) {
	r.Findings = append(r.Findings, Finding{Urgency: u, Topic: topic, Until: until, Text: fmt.Sprintf(format, args...)})
}

// lifetime judges the token's clocks, with the platform's word over the token's.
func (r *Review) lifetime(tok *Token, now time.Time) {
	t := tok.clone()
	if !r.Info.ExpiresAt.IsZero() || r.Info.NeverExpires {
		t.ExpiresAt, t.Permanent = r.Info.ExpiresAt, r.Info.NeverExpires
	}
	if t.ObtainedAt.IsZero() {
		t.ObtainedAt = r.Info.IssuedAt
	}
	if !r.Info.DataAccessExpiresAt.IsZero() {
		t.DataAccessExpiresAt = r.Info.DataAccessExpiresAt
	}
	r.Status, r.ExpiresAt, r.DataAccessExpiresAt = t.Status(now), t.ExpiresAt, t.DataAccessExpiresAt
	switch {
	case !r.Info.Valid:
		advice := ErrorAdvice(r.Info.invalid())
		r.find(UrgencyBroken, "token", time.Time{}, "It is dead: %v. %s", r.Info.invalid(), advice.Text)
		if r.Status != Expired {
			r.Status = Unknown
		}
		return
	case r.Status == Unknown:
		r.find(UrgencyNote, "token", time.Time{}, "It lives, and its end is not known. Refreshing it tells the end.")
	case r.Status == Due, r.Status == Urgent:
		r.find(UrgencySoon, "token", r.ExpiresAt, "It ends on %s, and can be renewed without the person until then.", date(r.ExpiresAt))
	}
	end := r.DataAccessExpiresAt
	switch {
	case end.IsZero():
	case !now.Before(end):
		r.find(UrgencyBroken, "data access", end, "It ended on %s: the token lives and brings no data. The person has to pass the login window again.", date(end))
	case end.Sub(now) < soonLeft:
		r.find(UrgencySoon, "data access", end, "It ends on %s, 90 days after the person was last active. Only the person can renew it, in the login window.", date(end))
	}
}

// compare sets what was granted against what is used.
func (r *Review) compare(used []Scope) {
	p := r.Permissions
	if !p.Known {
		r.find(UrgencyNote, "permissions", time.Time{}, "The token came without a list of what was granted, and Instagram documents no way to ask. The next login tells.")
		return
	}
	needed := withNeeds(used)
	r.Missing = p.Missing(used...)
	for _, s := range p.Granted {
		if !slices.Contains(needed, s) && s != ScopePublicProfile {
			r.Unneeded = append(r.Unneeded, s)
		}
	}
	if len(r.Missing) > 0 {
		r.find(UrgencyBroken, "permissions", time.Time{}, "Used and not granted: %s. Let the person log in again with the options of Permissions.AskAgain.", scopeList(r.Missing))
	}
	if len(p.Expired) > 0 {
		r.find(UrgencyNote, "permissions", time.Time{}, "Ended for lack of use in 90 days: %s.", scopeList(p.Expired))
	}
	if len(r.Unneeded) > 0 {
		r.find(UrgencyNote, "permissions", time.Time{}, "Granted and not used: %s. Do not ask for them: people trust an app more that asks for less, App Review asks what each is for, and one unused for 90 days ends by itself.", scopeList(r.Unneeded))
	}
	for _, g := range p.Limited {
		if slices.Contains(needed, g.Scope) {
			r.find(UrgencyNote, "permissions", time.Time{}, "%s counts for %d Pages or accounts only: %s.", g.Scope, len(g.TargetIDs), strings.Join(g.TargetIDs, ", "))
		}
	}
}

// ageOfVersion judges the Graph API version.
func (r *Review) ageOfVersion(name string, now time.Time) {
	w := versionWarning(name, now)
	switch {
	case name == Unversioned:
		r.find(UrgencyNote, "version", time.Time{}, "Calls carry no version: Meta serves the one that the App Dashboard is set to.")
	case w != "":
		r.find(UrgencySoon, "version", r.Version.EndsAt, "%s (%s). The newest that this package knows is %s.", w, name, DefaultVersion)
	}
}

// knownVersion returns what is known of a version; only its name when nothing is.
func knownVersion(name string) APIVersion {
	for _, v := range APIVersions() {
		if v.Name == name {
			return v
		}
	}
	return APIVersion{Name: name}
}

func date(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func scopeList(scopes []Scope) string { return strings.ReplaceAll(joinScopes(scopes), ",", ", ") }

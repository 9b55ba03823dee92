package instagram

// This file answers: why does a Page give no account that can be used, and what
// would mend it?

import (
	"fmt"
	"slices"
	"strings"
)

// Gap says why a Page or a business gives no usable account, or why an account
// that was found can not be used for everything.
type Gap struct {
	Reason GapReason
	// PageID and PageName are the Page's, BusinessID and BusinessName those of a
	// business; "" where the gap is about neither.
	PageID, PageName         string
	BusinessID, BusinessName string
	// AccountID is that of an account which was found all the same and is of
	// limited use; "" when there is none.
	AccountID string
	// Scopes are the permissions that asking again would bring; nil when that is
	// no help. See [AskScopes] and [Rerequest].
	Scopes []Scope
	// Text is what would mend it, for the person or for support.
	Text string
	// Err is what Meta answered, nil when it answered nothing of the kind.
	Err error
}

// String returns where the gap is and what would mend it.
func (g Gap) String() string {
	switch {
	case g.PageID != "":
		return fmt.Sprintf("Page %q (%s): %s: %s", g.PageName, g.PageID, g.Reason, g.Text)
	case g.BusinessID != "":
		return fmt.Sprintf("business %q (%s): %s: %s", g.BusinessName, g.BusinessID, g.Reason, g.Text)
	}
	return fmt.Sprintf("%s: %s", g.Reason, g.Text)
}

// GapReason is a reason in words.
type GapReason string

// The reasons.
const (
	// GapNoAccount: no professional account is linked to the Page.
	GapNoAccount GapReason = "no linked account"
	// GapNotProfessional: an account is linked, and it is a personal one.
	GapNotProfessional GapReason = "not a professional account"
	// GapNotGranted: the person granted the permission for some Pages or accounts, and not for this one.
	GapNotGranted GapReason = "not granted for this Page"
	// GapScopeMissing: a permission was not granted at all.
	GapScopeMissing GapReason = "permission missing"
	// GapTaskMissing: the person's task on the Page does not allow it.
	GapTaskMissing GapReason = "task missing"
	// GapNoPageToken: Meta gives no token for the Page.
	GapNoPageToken GapReason = "no Page token"
	// GapNoPages: the person, or the business, has no Pages that the app may see.
	GapNoPages GapReason = "no Pages"
	// GapRefused: Meta refuses the list; Err says how.
	GapRefused GapReason = "refused"
)

// take turns a Page into a token for its account, or into a gap.
func (d *discovery) take(p FoundPage) {
	if p.AccountID == "" {
		d.explain(p)
		return
	}
	t := d.person.clone()
	t.AccountID, t.Username, t.PageID, t.PageToken = p.AccountID, p.Username, p.ID, p.token
	at := slices.IndexFunc(d.Accounts, func(have *Token) bool { return have.AccountID == t.AccountID })
	switch {
	case at < 0:
		d.Accounts = append(d.Accounts, t)
	case d.Accounts[at].PageToken.IsZero() && !t.PageToken.IsZero():
		d.Accounts[at] = t
	}
	switch {
	case p.Tasks != nil && len(p.Tasks) == 0:
		d.gap(p, GapTaskMissing)
	case p.token.IsZero():
		d.gap(p, GapNoPageToken)
	case p.Tasks != nil && slices.Contains(d.c.cfg.Scopes, ScopeContentPublish) && !slices.ContainsFunc(p.Tasks, mayPublish):
		d.gap(p, GapTaskMissing)
	}
}

// mayPublish reports whether a task allows content to be published.
// Source: "Content publishing" and the overview's table of tasks, read 2026.
func mayPublish(task string) bool {
	switch strings.TrimPrefix(task, "PROFILE_PLUS_") {
	case "CREATE_CONTENT", "MANAGE", "FULL_CONTROL":
		return true
	}
	return false
}

// explain finds out why a Page shows no account.
func (d *discovery) explain(p FoundPage) {
	limited := d.targets(ScopeBasic)
	switch {
	case d.lacks(ScopeBasic):
		d.gap(p, GapScopeMissing, ScopeBasic)
	case d.excludes(ScopePagesShowList, p.ID):
		d.gap(p, GapNotGranted, ScopePagesShowList)
	case d.excludes(ScopePagesReadEngagement, p.ID):
		d.gap(p, GapNotGranted, ScopePagesReadEngagement)
	case p.connectedID != "" && limited != nil && !slices.Contains(limited, p.connectedID):
		d.gap(p, GapNotGranted, ScopeBasic)
	case p.connectedID != "":
		d.gap(p, GapNotProfessional)
	case p.Tasks != nil && len(p.Tasks) == 0:
		d.gap(p, GapTaskMissing)
	case limited != nil:
		d.gap(p, GapNoAccount, ScopeBasic)
	default:
		d.gap(p, GapNoAccount)
	}
}

// targets returns what a permission is limited to, nil when it is not limited
// or that is not known.
func (d *discovery) targets(s Scope) []string {
	if d.info == nil {
		return nil
	}
	return limitOf(d.info.GranularScopes, s)
}

func (d *discovery) excludes(s Scope, pageID string) bool {
	limited := d.targets(s)
	return limited != nil && !slices.Contains(limited, pageID)
}

func (d *discovery) refused(p FoundPage, err error) {
	g := Gap{Reason: GapRefused, BusinessID: p.BusinessID, BusinessName: p.BusinessName, Err: err}
	g.Scopes = []Scope{ScopeBusinessManagement}
	g.Text = "Meta does not show these Pages to the app. Ask again for " + string(ScopeBusinessManagement) +
		" and let the person choose this business, or let an admin of the business give the person a task on the Page."
	d.Gaps = append(d.Gaps, g)
}

func (d *discovery) gap(p FoundPage, why GapReason, scopes ...Scope) {
	d.Gaps = append(d.Gaps, Gap{
		Reason: why, PageID: p.ID, PageName: p.Name, BusinessID: p.BusinessID, BusinessName: p.BusinessName,
		AccountID: p.AccountID, Scopes: scopes, Text: d.remedy(p, why, scopes),
	})
}

// remedy says what would mend a gap.
func (d *discovery) remedy(p FoundPage, why GapReason, scopes []Scope) string {
	const again = ", by a login with AskScopes and Rerequest"
	switch why {
	case GapNoAccount:
		text := "Link an Instagram professional account to the Page: in its settings under Linked accounts, or in Instagram under Business tools."
		if len(scopes) > 0 {
			text += " If one is linked, the person did not tick it: ask again" + again + ", and let them choose it."
		}
		return text
	case GapNotProfessional:
		return "The linked Instagram account is a personal one. Turn it into a business or creator account in Instagram's settings, then log in again."
	case GapNotGranted:
		return "The person did not choose this Page or its account for " + joinScopes(scopes) + ". Ask again" + again + ", and let them tick it; nothing else they granted is lost."
	case GapScopeMissing:
		if p.ID == "" {
			return "Pages that the person has only through a business are not shown without " + joinScopes(scopes) + ". Ask for it" + again + "."
		}
		return "The app may not see the Page's account without " + joinScopes(scopes) + ". Ask for it" + again + "."
	case GapTaskMissing:
		return "Let an admin of the Page give the person full control of it or the task to create content, then log in again."
	case GapNoPageToken:
		return "The account can be used; calls on the Page itself, such as webhooks, cannot be signed. Let an admin of the Page give the person a task on it, then log in again."
	case GapNoPages:
		switch {
		case p.BusinessID != "":
			return "The business has no Pages that the app may see. Let the person choose them in the login window, or an admin add the Page to the business."
		case d.lacks(ScopePagesShowList):
			return "The app may not see the person's Pages without " + string(ScopePagesShowList) + ". Ask for it" + again + "."
		}
		return "The person chose no Page in the login window, or has none. Ask again with Rerequest and let them choose one; a professional account needs a Page for Facebook Login, and none for Instagram Login."
	case GapRefused:
	}
	return ""
}

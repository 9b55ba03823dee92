package instagram

// This file answers: which permissions are there, and what does each need?

import (
	"fmt"
	"slices"
	"strings"
)

// Scope is the name of a permission, as Meta's dashboard and the wire spell
// it. Any name may be used; those that this package knows are checked when a
// [Client] is made.
type Scope string

// Permissions of Business Login for Instagram. Source: "Business login for
// Instagram" and the Instagram Platform overview, read 2026-03.
const (
	// ScopeBusinessBasic reads profile and media; every other permission, and the refresh of a token, needs it.
	ScopeBusinessBasic Scope = "instagram_business_basic"
	// ScopeBusinessContentPublish publishes posts, reels and stories. Needs [ScopeBusinessBasic].
	ScopeBusinessContentPublish Scope = "instagram_business_content_publish"
	// ScopeBusinessManageComments reads, answers and hides comments. Needs [ScopeBusinessBasic].
	ScopeBusinessManageComments Scope = "instagram_business_manage_comments"
	// ScopeBusinessManageMessages reads and sends messages. Needs [ScopeBusinessBasic].
	ScopeBusinessManageMessages Scope = "instagram_business_manage_messages"
	// ScopeBusinessManageInsights reads insights, since 2025-01-21. Needs [ScopeBusinessBasic].
	ScopeBusinessManageInsights Scope = "instagram_business_manage_insights"
)

// Permissions of Facebook Login. Source: the endpoint tables of the Instagram
// Platform reference and its changelog, read 2026-09.
const (
	// ScopeBasic reads profile and media. Finding the account needs [ScopePagesShowList] and [ScopePagesReadEngagement] too.
	ScopeBasic Scope = "instagram_basic"
	// ScopeContentPublish publishes. Needs [ScopeBasic] and [ScopePagesReadEngagement].
	ScopeContentPublish Scope = "instagram_content_publish"
	// ScopeManageComments manages comments. Needs [ScopeBasic], [ScopePagesReadEngagement] and [ScopePagesShowList].
	ScopeManageComments Scope = "instagram_manage_comments"
	// ScopeManageInsights reads insights. Needs [ScopeBasic] and [ScopePagesReadEngagement].
	ScopeManageInsights Scope = "instagram_manage_insights"
	// ScopeManageMessages manages messages. Needs [ScopeBasic], [ScopePagesManageMetadata], [ScopePagesShowList],
	// [ScopePagesReadEngagement] and [ScopeBusinessManagement].
	ScopeManageMessages Scope = "instagram_manage_messages"
	// ScopeManageContents deletes media, since 2025-12-03. Needs [ScopeBasic].
	ScopeManageContents Scope = "instagram_manage_contents"
	// ScopeManageEngagement likes and unlikes, since 2026-04-22. Needs [ScopeBasic].
	ScopeManageEngagement Scope = "instagram_manage_engagement"
	// ScopeShoppingTagProducts tags products. Needs [ScopeCatalogManagement], [ScopeBasic] and [ScopeContentPublish].
	ScopeShoppingTagProducts Scope = "instagram_shopping_tag_products"
	// ScopePagesShowList lists the person's Pages.
	ScopePagesShowList Scope = "pages_show_list"
	// ScopePagesReadEngagement reads a Page's posts, and the Instagram account linked to it.
	ScopePagesReadEngagement Scope = "pages_read_engagement"
	// ScopePagesManageMetadata subscribes a Page to webhooks.
	ScopePagesManageMetadata Scope = "pages_manage_metadata"
	// ScopeBusinessManagement reaches Pages that the person has only through a business.
	ScopeBusinessManagement Scope = "business_management"
	// ScopeCatalogManagement manages product catalogs.
	ScopeCatalogManagement Scope = "catalog_management"
	// ScopeAdsManagement manages ads. Needs [ScopePagesReadEngagement] and [ScopePagesShowList].
	ScopeAdsManagement Scope = "ads_management"
	// ScopeAdsRead reads ads.
	ScopeAdsRead Scope = "ads_read"
	// ScopePublicProfile is granted with every Facebook Login.
	ScopePublicProfile Scope = "public_profile"
	// ScopeEmail reads the person's mail address.
	ScopeEmail Scope = "email"
	// ScopeOpenID asks for an ID token; it turns Facebook Login into the OIDC flow, the only one that takes PKCE.
	ScopeOpenID Scope = "openid"
)

// Needs returns the permissions without which this one does nothing, as far
// as Meta documents them; nil for a name that this package does not know.
func (s Scope) Needs() []Scope {
	switch s {
	case ScopeBusinessContentPublish, ScopeBusinessManageComments, ScopeBusinessManageMessages, ScopeBusinessManageInsights:
		return []Scope{ScopeBusinessBasic}
	case ScopeBasic:
		return []Scope{ScopePagesShowList, ScopePagesReadEngagement}
	case ScopeContentPublish, ScopeManageInsights:
		return []Scope{ScopeBasic, ScopePagesReadEngagement}
	case ScopeManageComments:
		return []Scope{ScopeBasic, ScopePagesReadEngagement, ScopePagesShowList}
	case ScopeManageMessages:
		return []Scope{ScopeBasic, ScopePagesManageMetadata, ScopePagesShowList, ScopePagesReadEngagement, ScopeBusinessManagement}
	case ScopeManageContents, ScopeManageEngagement:
		return []Scope{ScopeBasic}
	case ScopeShoppingTagProducts:
		return []Scope{ScopeCatalogManagement, ScopeBasic, ScopeContentPublish}
	case ScopeAdsManagement:
		return []Scope{ScopePagesReadEngagement, ScopePagesShowList}
	default:
		return nil
	}
}

// login returns the product that a permission belongs to; ok is false for a
// name that this package does not know.
func (s Scope) login() (login Login, ok bool) {
	switch {
	case strings.HasPrefix(string(s), "instagram_business_"):
		return InstagramLogin, true
	case strings.HasPrefix(string(s), "instagram_"), strings.HasPrefix(string(s), "pages_"):
		return FacebookLogin, true
	}
	switch s {
	case ScopeBusinessManagement, ScopeCatalogManagement, ScopeAdsManagement, ScopeAdsRead, ScopePublicProfile, ScopeEmail, ScopeOpenID:
		return FacebookLogin, true
	default:
		return 0, false
	}
}

// replacement returns the living name of a dead permission; "" with true when
// it has none. The business_* names ended on 2025-01-27, Basic Display on
// 2024-12-04 (source: Instagram Platform changelog, read 2026-09).
func (s Scope) replacement() (living Scope, dead bool) {
	switch s {
	case "business_basic":
		return ScopeBusinessBasic, true
	case "business_content_publish", "business_content_publishing":
		return ScopeBusinessContentPublish, true
	case "business_manage_comments":
		return ScopeBusinessManageComments, true
	case "business_manage_messages":
		return ScopeBusinessManageMessages, true
	case "user_profile", "user_media":
		return ScopeBusinessBasic, true
	default:
		return "", false
	}
}

// checkScopes returns what is wrong with the permissions of a configuration.
func checkScopes(login Login, scopes []Scope, configID string) []error {
	var errs []error
	complain := func(format string, args ...any) { errs = append(errs, fmt.Errorf("scopes: "+format, args...)) }
	for _, s := range scopes {
		living, dead := s.replacement()
		product, known := s.login()
		switch {
		case s == "" || strings.ContainsAny(string(s), ", \t\n"):
			complain("%q is not one permission name: give each as an element of its own", s)
		case dead:
			complain("%q is no longer accepted by Meta: ask for %q", s, living)
		case known && product != login:
			complain("%q belongs to the %s login product, this client uses the %s one: %s", s, product, login, s.instead())
		}
	}
	if len(scopes) == 0 && (configID == "" || login != FacebookLogin) {
		complain("none given: ask for at least %q", basicScope(login))
	}
	if login == InstagramLogin && len(scopes) > 0 && !slices.Contains(scopes, ScopeBusinessBasic) {
		complain("%q is missing: add it, Meta requires it for every call and for refreshing tokens", ScopeBusinessBasic)
	}
	return errs
}

// instead says what to do about a permission of the other product. Five of
// them are there in both, as instagram_x and instagram_business_x.
func (s Scope) instead() string {
	const change = "change Config.Login"
	for _, business := range []Scope{ScopeBusinessBasic, ScopeBusinessContentPublish, ScopeBusinessManageComments, ScopeBusinessManageMessages, ScopeBusinessManageInsights} {
		plain := Scope(strings.Replace(string(business), "_business", "", 1))
		if s == business {
			return fmt.Sprintf("ask for %q, or %s", plain, change)
		}
		if s == plain {
			return fmt.Sprintf("ask for %q, or %s", business, change)
		}
	}
	return "leave it out, or " + change
}

func basicScope(login Login) Scope {
	if login == FacebookLogin {
		return ScopeBasic
	}
	return ScopeBusinessBasic
}

// missingScopes returns those asked for that were not granted, in the order asked.
func missingScopes(asked, granted []Scope) []Scope {
	var missing []Scope
	for _, s := range asked {
		if !slices.Contains(granted, s) && !slices.Contains(missing, s) {
			missing = append(missing, s)
		}
	}
	return missing
}

func joinScopes(scopes []Scope) string {
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = string(s)
	}
	return strings.Join(names, ",")
}

// Which permission names are there?

package instagramtest

import (
	"slices"
)

// everyScope lists the scopes that a product knows. Sources: "Business Login for
// Instagram", "Permissions Reference" and the changelog up to 2026-09.
func everyScope(login Login) []string {
	if login == InstagramLogin {
		return []string{
			"instagram_business_basic", "instagram_business_content_publish", "instagram_business_manage_comments",
			"instagram_business_manage_messages", "instagram_business_manage_insights",
		}
	}
	return []string{
		"public_profile", "email", "instagram_basic", "instagram_content_publish", "instagram_manage_comments",
		"instagram_manage_insights", "instagram_manage_messages", "instagram_manage_contents",
		"instagram_manage_engagement", "instagram_shopping_tag_products", "pages_show_list",
		"pages_read_engagement", "pages_manage_metadata", "business_management", "ads_management", "ads_read",
	}
}

// knownScope reports whether a dialog accepts a scope. The names that Instagram
// Login dropped on 2025-01-27 are unknown.
func knownScope(login Login, scope string) bool {
	if slices.Contains(everyScope(login), scope) {
		return true
	}
	if login == InstagramLogin {
		return false
	}
	switch scope {
	case "openid", "catalog_management", "pages_messaging", "pages_manage_posts", "instagram_manage_events",
		"instagram_manage_upcoming_events", "instagram_branded_content_brand", "instagram_branded_content_ads_brand",
		"instagram_branded_content_creator", "instagram_creator_marketplace_discovery",
		"instagram_creator_marketplace_messaging":
		return true
	default:
		return false
	}
}

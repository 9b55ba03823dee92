// What was granted, and how does it end? The permissions edge, and scope names.

package instagramtest

import (
	"net/http"
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

// permissions answers …/permissions and …/permissions/{scope}.
func (p *Platform) permissions(c *call, g *grant, rest []string) (*reply, *GraphError) {
	switch {
	case c.method == http.MethodGet && len(rest) == 0:
		list := []object{}
		for _, s := range g.scopes {
			list = append(list, object{{"permission", s}, {"status", "granted"}})
		}
		for _, s := range g.declined {
			if !slices.Contains(g.scopes, s) {
				list = append(list, object{{"permission", s}, {"status", "declined"}})
			}
		}
		return answer(object{{"data", list}}), nil
	case c.method == http.MethodDelete && len(rest) == 0:
		g.revoke(458)
	case c.method == http.MethodDelete:
		g.drop(rest[0])
	default:
		return nil, unsupported(c)
	}
	if p.shapes.RevokeTrue {
		return answer(true), nil
	}
	return answer(object{{"success", true}}), nil
}

// revoke ends a consent with everything that rests on it.
func (g *grant) revoke(subcode int) {
	g.revoked, g.scopes, g.declined, g.pages = true, nil, nil, nil
	g.kill(subcode)
}

func (g *grant) kill(subcode int) {
	for _, t := range g.tokens {
		if t.dead == 0 {
			t.dead = subcode
		}
	}
}

// drop takes one scope back.
func (g *grant) drop(scope string) {
	g.scopes = slices.DeleteFunc(slices.Clone(g.scopes), func(s string) bool { return s == scope })
	if !slices.Contains(g.declined, scope) {
		g.declined = append(g.declined, scope)
	}
}

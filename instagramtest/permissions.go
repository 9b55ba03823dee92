// What was granted, and how does it end? The permissions edge.

package instagramtest

import (
	"net/http"
	"slices"
)

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

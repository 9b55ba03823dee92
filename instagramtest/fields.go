// Which fields did the call ask for? The fields parameter, nested braces included.

package instagramtest

import "strings"

// field is one wanted field with what is wanted inside it.
type field struct {
	name  string
	inner []field
}

// parseFields reads "id,name,instagram_business_account{id,username}". Modifiers
// such as .limit(5) are skipped.
func parseFields(s string) []field {
	var out []field
	for s != "" {
		end, depth := len(s), 0
		for i, r := range s {
			if r == '{' || r == '(' {
				depth++
			}
			if r == '}' || r == ')' {
				depth--
			}
			if r == ',' && depth == 0 {
				end = i
				break
			}
		}
		one := strings.TrimSpace(s[:end])
		s = strings.TrimPrefix(s[end:], ",")
		name, inner, _ := strings.Cut(one, "{")
		name, _, _ = strings.Cut(name, ".")
		if name != "" {
			out = append(out, field{name, parseFields(strings.TrimSuffix(inner, "}"))})
		}
	}
	return out
}

// names makes a field list without braces.
func names(of ...string) []field {
	out := make([]field, len(of))
	for i, name := range of {
		out[i] = field{name: name}
	}
	return out
}

// absent is the value of a field that exists and has nothing to show here.
type absent struct{}

// pick collects fields of a node; the ID is always among them, last when nobody
// asked for it, as Graph does. A field that value does not know is an error.
func pick(fields []field, nodeType string, value func(field) (any, bool)) (object, *GraphError) {
	out := make(object, 0, len(fields)+1)
	var hasID bool
	for _, f := range fields {
		v, ok := value(f)
		if !ok {
			return nil, graphError(100, "OAuthException",
				"(#100) Tried accessing nonexisting field ("+f.name+") on node type ("+nodeType+")")
		}
		if _, skip := v.(absent); skip {
			continue
		}
		hasID = hasID || f.name == "id"
		out = out.with(f.name, v)
	}
	if !hasID {
		if id, ok := value(field{name: "id"}); ok {
			out = out.with("id", id)
		}
	}
	return out, nil
}

package instagram

import (
	"go/ast"
	"go/parser"
	"go/token"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// No test can see a comparison's time reliably, so this one reads the source:
// what decides about a secret compares in constant time, and in no other way.
func TestSecretsAreComparedInConstantTime(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{"verify": "signature.go", "sameText": "webhookhandler.go"} {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		require.NoError(t, err)
		constant, other := 0, 0
		for _, decl := range parsed.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Name.Name != name {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.SelectorExpr:
					switch n.Sel.Name {
					case "ConstantTimeCompare":
						constant++
					case "Equal", "Compare", "EqualFold", "HasPrefix", "Contains":
						other++
					}
				case *ast.CallExpr:
					if id, ok := n.Fun.(*ast.Ident); ok && id.Name == "string" {
						other++ // to be compared with ==
					}
				}
				return true
			})
		}
		assert.Equal(t, 1, constant, name)
		assert.Zero(t, other, name)
	}
}

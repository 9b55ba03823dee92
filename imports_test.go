package instagram_test

import (
	"go/parser"
	gotoken "go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/seed-922467ee/instagram"

// TestImportsPointOneWay holds the line of the core: two dependencies beside
// the standard library, and one in tests; internal packages know nothing of the
// root, and the fake knows neither the root nor testing.
func TestImportsPointOneWay(t *testing.T) {
	t.Parallel()
	allowed := map[string]bool{"golang.org/x/oauth2": true, "github.com/google/go-querystring": true}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() && !strings.HasSuffix(path, ".go") {
			return err
		}
		if d.IsDir() {
			return skipOtherModules(path)
		}
		file, err := parser.ParseFile(gotoken.NewFileSet(), path, nil, parser.ImportsOnly)
		require.NoError(t, err)
		test := strings.HasSuffix(path, "_test.go")
		for _, spec := range file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			require.NoError(t, err)
			checkImport(t, path, name, test, allowed)
		}
		return nil
	})
	require.NoError(t, err)
}

// skipOtherModules keeps the walk inside the core.
func skipOtherModules(dir string) error {
	if dir == "." {
		return nil
	}
	if mods, _ := filepath.Glob(filepath.Join(dir, "go.mod")); len(mods) > 0 || strings.HasPrefix(filepath.Base(dir), ".") {
		return filepath.SkipDir
	}
	return nil
}

func checkImport(t *testing.T, path, name string, test bool, allowed map[string]bool) {
	t.Helper()
	first, _, _ := strings.Cut(name, "/")
	ours := name == module || strings.HasPrefix(name, module+"/")
	switch {
	case ours && !test && strings.HasPrefix(path, "internal"+string(filepath.Separator)):
		assert.True(t, strings.HasPrefix(name, module+"/internal/"), "%s imports %s", path, name)
	case ours && !test && strings.HasPrefix(path, "instagramtest"):
		assert.True(t, strings.HasPrefix(name, module+"/instagramtest/"), "%s imports %s", path, name)
	case name == "testing":
		assert.True(t, test || strings.HasPrefix(path, "storetest"), "%s imports testing", path)
	case ours, !strings.Contains(first, "."):
	case test:
		assert.True(t, strings.HasPrefix(name, "github.com/stretchr/testify/") || allowed[moduleOf(name)], "%s imports %s", path, name)
	default:
		assert.True(t, allowed[moduleOf(name)], "%s imports %s", path, name)
	}
}

func moduleOf(name string) string {
	parts := strings.SplitN(name, "/", 4)
	return strings.Join(parts[:min(3, len(parts))], "/")
}

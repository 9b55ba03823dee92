package instagram_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestREADMEShowsTheExamples holds every snippet of the README equal to lines
// of an example, which the compiler has seen, and its commands to what is there.
func TestREADMEShowsTheExamples(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	files, err := filepath.Glob("*example*_test.go")
	require.NoError(t, err)
	var examples strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		examples.WriteString("\n" + flush(string(text)) + "\n")
	}

	snippets := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllSubmatch(readme, -1)
	require.GreaterOrEqual(t, len(snippets), 6)
	for _, s := range snippets {
		assert.Contains(t, examples.String(), "\n"+flush(string(s[1]))+"\n", "in no example")
	}
	programs := regexp.MustCompile(`go run (\./[a-z/-]+)`).FindAllSubmatch(readme, -1)
	require.GreaterOrEqual(t, len(programs), 3)
	for _, p := range programs {
		assert.FileExists(t, filepath.Join(string(p[1]), "main.go"))
	}
	for _, link := range regexp.MustCompile(`\]\(([A-Z][A-Za-z.]+)\)`).FindAllSubmatch(readme, -1) {
		assert.FileExists(t, string(link[1]))
	}
	for _, name := range regexp.MustCompile(`INSTAGRAM_[A-Z_]+`).FindAll(readme, -1) {
		source, err := os.ReadFile("examples/quickstart/meta.go")
		require.NoError(t, err)
		assert.Contains(t, string(source), string(name), "a variable that the quickstart does not read")
	}
}

// flush returns the lines of a text without their indentation, and without
// empty lines at both ends.
func flush(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return strings.Join(lines, "\n")
}

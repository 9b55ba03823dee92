package instagram

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestVersionWarning(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		version string
		now     time.Time
		want    string
	}{
		"the newest":                     {"v26.0", day(2026, 11, 1), ""},
		"the default is the newest":      {DefaultVersion, day(2026, 11, 1), ""},
		"its end is far":                 {"v22.0", day(2026, 11, 1), ""},
		"its end is near":                {"v21.0", day(2026, 11, 1), "near its end"},
		"the day of its end":             {"v21.0", day(2027, 1, 21), "past its end"},
		"older than all that are known":  {"v3.2", day(2026, 11, 1), "past its end"},
		"newer than all that are known":  {"v31.0", day(2026, 11, 1), ""},
		"v9.0 is older than v26.0":       {"v9.0", day(2026, 11, 1), "past its end"},
		"without a version in the paths": {Unversioned, day(2026, 11, 1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := versionWarning(test.version, test.now)
			if test.want == "" {
				assert.Empty(t, got)
				return
			}
			assert.Contains(t, got, test.want)
		})
	}
}

func TestVersionsAreInOrder(t *testing.T) {
	t.Parallel()
	versions := APIVersions()
	assert.Equal(t, DefaultVersion, versions[0].Name)
	for i, v := range versions[1:] {
		assert.True(t, versionLess(v.Name, versions[i].Name))
		assert.True(t, v.Released.Before(versions[i].Released))
		assert.True(t, v.EndsAt.After(v.Released))
	}
}

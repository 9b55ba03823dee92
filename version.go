package instagram

// This file answers: which versions of the Graph API exist, and until when?

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// DefaultVersion is the Graph API version that an empty Config.Version means.
const DefaultVersion = "v26.0"

// APIVersion is what is known of one version of the Graph API.
type APIVersion struct {
	Name     string    // as it stands in a path: v26.0
	Released time.Time // day, UTC
	EndsAt   time.Time // first day on which it is no longer served; zero: not announced
}

// APIVersions returns the versions that this release of the package knows,
// newest first, those past their end included. Source: "Graph API changelog:
// versions", copies read after the release of v26.0, 2026-10.
func APIVersions() []APIVersion {
	return []APIVersion{
		{"v26.0", day(2026, 7, 29), time.Time{}},
		{"v25.0", day(2026, 2, 18), day(2028, 7, 29)},
		{"v24.0", day(2025, 10, 8), day(2028, 2, 18)},
		{"v23.0", day(2025, 5, 29), day(2027, 10, 8)},
		{"v22.0", day(2025, 1, 21), day(2027, 5, 20)},
		{"v21.0", day(2024, 10, 2), day(2027, 1, 21)},
		{"v20.0", day(2024, 5, 21), day(2026, 9, 24)},
		{"v19.0", day(2024, 1, 23), day(2026, 5, 21)},
	}
}

// versionEndNear is how long before its end a version earns a warning.
const versionEndNear = 90 * 24 * time.Hour

func day(year int, month time.Month, d int) time.Time {
	return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
}

// checkVersion complains about a name that cannot be a version.
func checkVersion(name string) error {
	major, minor, ok := strings.Cut(strings.TrimPrefix(name, "v"), ".")
	_, errMajor := strconv.ParseUint(major, 10, 16)
	_, errMinor := strconv.ParseUint(minor, 10, 16)
	if !ok || !strings.HasPrefix(name, "v") || errMajor != nil || errMinor != nil {
		return fmt.Errorf("version: %q is no Graph API version: write it like %s, or leave it empty for that one", name, DefaultVersion)
	}
	return nil
}

// versionWarning returns what a developer should know about a version at a
// time, or "". A version past its end is answered by the oldest living one
// (source: versioning guide, read 2026), so it is no error.
func versionWarning(name string, now time.Time) string {
	if name == Unversioned {
		return ""
	}
	known := APIVersions()
	for _, v := range known {
		if v.Name != name || v.EndsAt.IsZero() {
			continue
		}
		switch {
		case !now.Before(v.EndsAt):
			return "Graph API version is past its end; calls are answered by a newer one"
		case now.Add(versionEndNear).After(v.EndsAt):
			return "Graph API version is near its end"
		}
		return ""
	}
	if versionLess(name, known[len(known)-1].Name) {
		return "Graph API version is past its end; calls are answered by a newer one"
	}
	return ""
}

func versionLess(a, b string) bool {
	number := func(name string) float64 {
		f, _ := strconv.ParseFloat(strings.TrimPrefix(name, "v"), 64)
		return f
	}
	return number(a) < number(b)
}

// versionNotices remembers which substitutions of versions were told.
type versionNotices struct {
	last atomic.Pointer[string] // the one told of last
	told sync.Map
}

// notice tells the logger once when another version answers than was asked for.
func (c *Client) noticeVersion(asked, served string) {
	if served == "" || asked == served || asked == Unversioned {
		return
	}
	if last := c.versions.last.Load(); last != nil && *last == served {
		return
	}
	c.versions.last.Store(new(served))
	if _, told := c.versions.told.LoadOrStore(served, true); !told {
		c.logger.Warn("instagram: another Graph API version answers than was asked for",
			slog.String("asked", asked), slog.String("served", served))
	}
}

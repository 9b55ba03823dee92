package wire_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-922467ee/instagram/internal/wire"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	date := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	for name, tt := range map[string]struct {
		values []string
		date   string
		want   time.Duration
	}{
		"absent":                        {nil, "", 0},
		"seconds":                       {[]string{"120"}, "", 2 * time.Minute},
		"seconds with blanks":           {[]string{" 7 "}, "", 7 * time.Second},
		"nothing":                       {[]string{"0"}, "", 0},
		"empty":                         {[]string{""}, "", 0},
		"a date":                        {[]string{date(90 * time.Second)}, "", 90 * time.Second},
		"a date by the server's clock":  {[]string{date(90 * time.Second)}, date(60 * time.Second), 30 * time.Second},
		"a date by no clock":            {[]string{date(90 * time.Second)}, "yesterday", 90 * time.Second},
		"a date that is past":           {[]string{date(-time.Hour)}, "", 0},
		"a date beyond a day":           {[]string{date(48 * time.Hour)}, "", 24 * time.Hour},
		"seconds beyond a day":          {[]string{"86401"}, "", 24 * time.Hour},
		"seconds beyond every number":   {[]string{"99999999999999999999"}, "", 24 * time.Hour},
		"seconds that overflow":         {[]string{"9999999999999"}, "", 24 * time.Hour},
		"negative":                      {[]string{"-5"}, "", 0},
		"a power of ten":                {[]string{"1e9"}, "", 0},
		"a fraction":                    {[]string{"1.5"}, "", 0},
		"words":                         {[]string{"soon"}, "", 0},
		"much":                          {[]string{strings.Repeat("Mon ", 1e5)}, "", 0},
		"twice, the longest":            {[]string{"5", "10"}, "", 10 * time.Second},
		"twice, of which one is broken": {[]string{"x", "10"}, "", 10 * time.Second},
	} {
		h := http.Header{}
		if tt.values != nil {
			h["Retry-After"] = tt.values
		}
		if tt.date != "" {
			h.Set("Date", tt.date)
		}
		assert.Equal(t, tt.want, wire.RetryAfter(h, now), name)
	}
	assert.Equal(t, 5*time.Second, wire.RetryAfter(wire.Canonical(http.Header{"retry-after": {"5"}}), now), "in any case")
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	h := http.Header{"X-Fb-Trace-Id": {"A1"}, "Date": nil}
	c := wire.Canonical(h)
	c.Set("X", "1")
	assert.Equal(t, "1", h.Get("X"), "what is canonical is not copied")

	h = http.Header{"x-fb-trace-id": {"A1"}, "X-FB-Trace-ID": {"B2", "C3"}, "Date": {"x"}}
	assert.Equal(t, http.Header{"X-Fb-Trace-Id": {"B2", "C3", "A1"}, "Date": {"x"}}, wire.Canonical(h))
	assert.Len(t, h, 3)
	assert.Nil(t, wire.Canonical(nil))
}

func FuzzUsage(f *testing.F) {
	for _, s := range []string{
		`{"call_count":13,"total_cputime":0,"total_time":2}`, `{"call_volume":0,"cpu_time":0}`,
		`{"178":[{"type":"instagram","call_count":100,"estimated_time_to_regain_access":19},{"type":"pages"}],"6":[{}],"178":{"total_time":3}}`,
		`{"acc_id_util_pct":9.67,"reset_time_duration":100,"ads_api_access_tier":"standard_access"}`,
		`{'call_count' : 85}`, `{"call_count":-1}`, `{"call_count":1e400}`, `{"1":[{"call_count":"7"`, `[]`, `null`, `{"1":{"2":[]}}`,
	} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, header string, byID bool) {
		r := wire.ReadUsage(header, byID)
		n := 0
		for e, ok := r.Next(); ok; e, ok = r.Next() {
			n++
			assert.True(t, e.Percent >= 0 && e.Percent <= 1e6, "%v", e.Percent)
			assert.GreaterOrEqual(t, e.Percent, max(e.CallCount, e.CPUTime, e.TotalTime)*0, "no NaN")
			assert.True(t, e.Regain >= 0 && e.Regain <= 30*24*time.Hour)
		}
		assert.LessOrEqual(t, n, len(header)/8+1, "an entry says something")
	})
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("120", "")
	f.Add("Mon, 23 Nov 2026 12:00:00 GMT", "Mon, 23 Nov 2026 11:00:00 GMT")
	f.Fuzz(func(t *testing.T, value, date string) {
		d := wire.RetryAfter(http.Header{"Retry-After": {value}, "Date": {date}}, time.Unix(1e9, 0))
		assert.True(t, d >= 0 && d <= 24*time.Hour, fmt.Sprint(d))
	})
}

package instagram

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRecordedUsageHeaders(t *testing.T) {
	t.Parallel()
	for id, c := range wireCases(t, "usage_header") {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			asSent := http.Header{} // in the case they had on the wire
			for name, value := range c.Response.Headers {
				asSent[name] = []string{value}
			}
			canonical := c.response().Header
			for _, u := range []Usage{ParseUsage(asSent), ParseUsage(canonical)} {
				assert.InDelta(t, orZero(c.Expect.MaxPercent), u.Max(), 0, c.Expect.Note)
				wait := time.Duration(orZero(c.Expect.WaitSeconds)) * time.Second
				assert.Equal(t, wait, u.RegainAccess(), c.Expect.Note)
				assert.Equal(t, c.Expect.MaxPercent == nil, u.IsZero())
			}
		})
	}
}

func TestParseUsage(t *testing.T) {
	t.Parallel()
	const (
		appName, bucName = "X-App-Usage", "X-Business-Use-Case-Usage"
		pageName, adName = "X-Page-Usage", "X-Ad-Account-Usage"
	)
	tests := map[string]struct {
		header http.Header
		want   []UsageEntry
	}{
		"no usage headers": {http.Header{"Content-Type": {"application/json"}}, nil},
		"no headers":       {nil, nil},
		"app": {
			http.Header{appName: {`{"call_count":28,"total_time":25,"total_cputime":26}`}},
			[]UsageEntry{{Bucket: Bucket{Family: "app"}, Percent: 28, Measure: "call_count", CallCount: 28, CPUTime: 26, TotalTime: 25}},
		},
		"the measure that is used up is not the first": {
			http.Header{appName: {`{"call_count":28,"total_time":25,"total_cputime":724}`}},
			[]UsageEntry{{Bucket: Bucket{Family: "app"}, Percent: 724, Measure: "total_cputime", CallCount: 28, CPUTime: 724, TotalTime: 25}},
		},
		"as graph.instagram.com writes it": {
			http.Header{appName: {`{"call_volume":3,"cpu_time":9}`}},
			[]UsageEntry{{Bucket: Bucket{Family: "app"}, Percent: 9, Measure: "cpu_time", CallCount: 3, CPUTime: 9}},
		},
		"fractions, numbers as text, blanks": {
			http.Header{appName: {` { "call_count" : "28.5" , "total_time" : 2e1 } `}},
			[]UsageEntry{{Bucket: Bucket{Family: "app"}, Percent: 28.5, Measure: "call_count", CallCount: 28.5, TotalTime: 20}},
		},
		"two types of one account, and another account": {
			http.Header{bucName: {`{"1784":[{"type":"instagram","call_count":10,"total_cputime":1,"total_time":2,"estimated_time_to_regain_access":0},{"type":"pages","call_count":110,"estimated_time_to_regain_access":3.5}],"99":[{"type":"messenger","total_time":7,"ads_api_access_tier":"standard_access"}]}`}},
			[]UsageEntry{
				{Bucket: Bucket{"instagram", "1784"}, Percent: 10, Measure: "call_count", CallCount: 10, CPUTime: 1, TotalTime: 2},
				{Bucket: Bucket{"pages", "1784"}, Percent: 110, Measure: "call_count", CallCount: 110, RegainAccess: 210 * time.Second},
				{Bucket: Bucket{"messenger", "99"}, Percent: 7, Measure: "total_time", TotalTime: 7, Tier: "standard_access"},
			},
		},
		"an ID twice": {
			http.Header{bucName: {`{"1":[{"type":"a","call_count":1}],"1":[{"type":"b","call_count":2}]}`}},
			[]UsageEntry{
				{Bucket: Bucket{"a", "1"}, Percent: 1, Measure: "call_count", CallCount: 1},
				{Bucket: Bucket{"b", "1"}, Percent: 2, Measure: "call_count", CallCount: 2},
			},
		},
		"no type, and no list": {
			http.Header{bucName: {`{"1":{"call_count":1},"2":[]}`}},
			[]UsageEntry{{Bucket: Bucket{"business", "1"}, Percent: 1, Measure: "call_count", CallCount: 1}},
		},
		"every header at once": {
			http.Header{
				appName: {`{"call_count":1}`}, bucName: {`{"1":[{"type":"instagram","call_count":2}]}`}, pageName: {`{"call_count":3}`},
				adName:                       {`{"acc_id_util_pct":9.67,"reset_time_duration":100,"ads_api_access_tier":"standard_access"}`},
				"X-Fb-Ads-Insights-Throttle": {`{"app_id_util_pct":4,"acc_id_util_pct":5}`},
			},
			[]UsageEntry{
				{Bucket: Bucket{Family: "app"}, Percent: 1, Measure: "call_count", CallCount: 1},
				{Bucket: Bucket{"instagram", "1"}, Percent: 2, Measure: "call_count", CallCount: 2},
				{Bucket: Bucket{Family: "page"}, Percent: 3, Measure: "call_count", CallCount: 3},
				{Bucket: Bucket{Family: "ad-account"}, Percent: 9.67, Measure: "acc_id_util_pct", RegainAccess: 100 * time.Second, Tier: "standard_access"},
				{Bucket: Bucket{Family: "insights"}, Percent: 5, Measure: "acc_id_util_pct"},
			},
		},
		"a header twice":       {http.Header{appName: {`{"call_count":1}`, `{"call_count":2}`}}, []UsageEntry{{Bucket: Bucket{Family: "app"}, Percent: 1, Measure: "call_count", CallCount: 1}, {Bucket: Bucket{Family: "app"}, Percent: 2, Measure: "call_count", CallCount: 2}}},
		"names in lower case":  {http.Header{"x-app-usage": {`{"call_count":1}`}}, []UsageEntry{{Bucket: Bucket{Family: "app"}, Percent: 1, Measure: "call_count", CallCount: 1}}},
		"a wait and no number": {http.Header{bucName: {`{"1":[{"type":"a","estimated_time_to_regain_access":2}]}`}}, []UsageEntry{{Bucket: Bucket{"a", "1"}, RegainAccess: 2 * time.Minute}}},
		"an absurd wait":       {http.Header{bucName: {`{"1":[{"type":"a","estimated_time_to_regain_access":99999999999999}]}`}}, []UsageEntry{{Bucket: Bucket{"a", "1"}, RegainAccess: 30 * 24 * time.Hour}}},
		"a negative wait":      {http.Header{bucName: {`{"1":[{"type":"a","estimated_time_to_regain_access":-2}]}`}}, nil},
		"an absurd percentage": {http.Header{appName: {`{"call_count":1e300,"total_time":5}`}}, []UsageEntry{{Bucket: Bucket{Family: "app"}, Percent: 5, Measure: "total_time", TotalTime: 5}}},
		"negative percentages": {http.Header{appName: {`{"call_count":-1}`}}, nil},
		"nothing known in it":  {http.Header{appName: {`{"volume":5,"x":"y"}`}}, nil},
		"cut off":              {http.Header{appName: {`{"call_count":5,"total_time":9`}}, []UsageEntry{{Bucket: Bucket{Family: "app"}, Percent: 5, Measure: "call_count", CallCount: 5}}},
		"no JSON":              {http.Header{appName: {`call_count=5`}, pageName: {`{'call_count' : 85}`}, bucName: {``}, adName: {`null`}}, nil},
		"too long":             {http.Header{appName: {`{"call_count":5,"x":"` + strings.Repeat("x", 1<<20) + `"}`}}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := ParseUsage(tt.header)
			var got []UsageEntry
			for e := range u.All() {
				got = append(got, e)
			}
			assert.Equal(t, tt.want, got)
			assert.Equal(t, len(tt.want), u.Len())
			assert.Equal(t, tt.want == nil, u.IsZero())
			for i := range tt.want {
				assert.Equal(t, tt.want[i], u.At(i))
			}
			for range u.All() {
				break // a loop may end early
			}
		})
	}
}

func TestUsageOfManyAccounts(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&b, `,"%d":[{"type":"instagram","call_count":%d}]`, 1784+i, i%100)
	}
	u := ParseUsage(http.Header{"X-Business-Use-Case-Usage": {"{" + b.String()[1:] + "}"}})
	assert.Equal(t, 1000, u.Len())
	peak := u.Peak()
	assert.Equal(t, UsageEntry{Bucket: Bucket{"instagram", "1883"}, Percent: 99, Measure: "call_count", CallCount: 99}, peak)
	assert.InDelta(t, 99, u.Max(), 0)
	assert.Panics(t, func() { u.At(1000) })
}

func TestUsageOfNothing(t *testing.T) {
	t.Parallel()
	var u Usage
	assert.True(t, u.IsZero())
	assert.Zero(t, u.Max())
	assert.Zero(t, u.Peak())
	assert.Zero(t, u.RegainAccess())
	assert.Panics(t, func() { u.At(0) })
	written, err := json.Marshal(u)
	require.NoError(t, err)
	assert.JSONEq(t, `[]`, string(written))
}

func TestUsageIsWrittenAsItsEntries(t *testing.T) {
	t.Parallel()
	written, err := json.Marshal(ParseUsage(usageHeaderSets()["one account"]))
	require.NoError(t, err)
	assert.JSONEq(t, `[{"family":"instagram","id":"3490433704528260","percent":100,"measure":"call_count","regain_after_seconds":720}]`, string(written))
}

// usageHeaderSets are the headers of the answers that most calls have.
func usageHeaderSets() map[string]http.Header {
	plain := func(more ...string) http.Header {
		h := http.Header{
			"Content-Type": {"application/json; charset=UTF-8"}, "Facebook-Api-Version": {"v26.0"}, "X-Fb-Request-Id": {"A5z-KCpSa1u0Uzoii5FO83s"},
			"X-Fb-Trace-Id": {"Axa55768KV3"}, "X-Fb-Rev": {"1008017685"}, "Vary": {"Origin"}, "Pragma": {"no-cache"}, "Cache-Control": {"no-store"},
			"Date": {"Fri, 11 Aug 2023 09:09:01 GMT"}, "Expires": {"Sat, 01 Jan 2000 00:00:00 GMT"}, "Content-Length": {"179"},
		}
		for i := 0; i < len(more); i += 2 {
			h[more[i]] = []string{more[i+1]}
		}
		return h
	}
	return map[string]http.Header{
		"none":        plain(),
		"app":         plain("X-App-Usage", `{"call_count":13,"total_cputime":0,"total_time":2}`),
		"one account": plain("X-Business-Use-Case-Usage", `{"3490433704528260":[{"type":"instagram","call_count":100,"total_cputime":25,"total_time":25,"estimated_time_to_regain_access":12}]}`),
	}
}

func TestParseUsageAllocatesNothing(t *testing.T) {
	for name, h := range usageHeaderSets() {
		assert.Zero(t, testing.AllocsPerRun(100, func() {
			u := ParseUsage(h)
			_, _ = u.Max(), u.RegainAccess()
		}), name)
	}
}

func BenchmarkParseUsage(b *testing.B) {
	for name, h := range usageHeaderSets() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ParseUsage(h)
			}
		})
		if name == "none" {
			continue
		}
		b.Run(name+"/encoding-json into a map", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for _, name := range []string{"X-App-Usage", "X-Business-Use-Case-Usage"} {
					var m map[string]any
					_ = json.Unmarshal([]byte(h.Get(name)), &m)
				}
			}
		})
	}
}

func FuzzParseUsage(f *testing.F) {
	for _, c := range wireCases(f, "usage_header", "graph_error") {
		h := c.response().Header
		f.Add(h.Get("X-App-Usage"), h.Get("X-Business-Use-Case-Usage"), h.Get("X-Page-Usage"), h.Get("X-Ad-Account-Usage"), h.Get("X-Fb-Ads-Insights-Throttle"))
	}
	f.Fuzz(func(t *testing.T, app, buc, page, ad, insights string) {
		h := http.Header{"X-App-Usage": {app}, "X-Business-Use-Case-Usage": {buc}, "X-Page-Usage": {page}, "X-Ad-Account-Usage": {ad}, "X-FB-Ads-Insights-Throttle": {insights}}
		u := ParseUsage(h)
		assert.True(t, u.Max() >= 0 && u.Max() <= 1e6)
		assert.True(t, u.RegainAccess() >= 0 && u.RegainAccess() <= 30*24*time.Hour)
		assert.LessOrEqual(t, u.Len(), (len(app)+len(buc)+len(page)+len(ad)+len(insights))/8+5)
		for e := range u.All() {
			assert.LessOrEqual(t, e.Percent, u.Max())
		}
		_, err := json.Marshal(u)
		assert.NoError(t, err)
	})
}

// TestUsageIsReadAnewWhenItChanges, and remembered while it does not.
func TestUsageIsReadAnewWhenItChanges(t *testing.T) {
	t.Parallel()
	memo := new(usageMemo)
	header := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Add(pairs[i], pairs[i+1])
		}
		return h
	}
	const app, business, page = "X-App-Usage", "X-Business-Use-Case-Usage", "X-Page-Usage"
	var last *Usage
	for _, step := range []struct {
		header http.Header
		same   bool // as the step before
	}{
		{header: header(app, `{"call_count":1}`)},
		{header: header(app, `{"call_count":1}`), same: true},
		{header: header(app, `{"call_count":2}`)},
		{header: header(page, `{"call_count":2}`)},
		{header: header(page, `{"call_count":2}`, business, `{"1":[{"type":"instagram","call_count":3}]}`)},
		{header: header(page, `{"call_count":2}`, business, `{"1":[{"type":"instagram","call_count":3}]}`), same: true},
		{header: header(page, `{"call_count":2}`, page, `{"call_count":9}`)},
		{header: header(app, "", app, `{"call_count":9}`)},
		{header: header(app, "", app, `{"call_count":8}`)},
		{header: header(app, `{"call_count":8}`+strings.Repeat(" ", maxUsageMemo))},
	} {
		usage := memo.read(step.header)
		require.NotNil(t, usage)
		assert.Equal(t, ParseUsage(step.header), *usage)
		assert.Equal(t, step.same, usage == last, step.header)
		last = usage
	}
	assert.Nil(t, memo.read(header("X-Fb-Trace-Id", "x")))
}

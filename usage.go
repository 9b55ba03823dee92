package instagram

// This file answers: what do the usage headers of an answer say?

import (
	"encoding/json"
	"iter"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/seed-922467ee/instagram/internal/redact"
	"github.com/seed-922467ee/instagram/internal/wire"
)

// Families of quotas that [Bucket.Family] has beside the types of business use
// cases, such as "instagram", "pages", "messenger" and "ads_management".
const (
	familyApp             = "app"        // X-App-Usage
	familyPage            = "page"       // X-Page-Usage
	familyAdAccount       = "ad-account" // X-Ad-Account-Usage
	familyInsights        = "insights"   // X-FB-Ads-Insights-Throttle
	familyBusinessUseCase = "business"   // X-Business-Use-Case-Usage without a type
)

// UsageEntry is what one usage header says of one quota.
type UsageEntry struct {
	Bucket Bucket
	// Percent is the highest percentage that the entry has, and Measure its
	// name on the wire, such as "call_count". It may pass 100.
	Percent float64
	Measure string
	// Percentages of the measures that most headers have; 0 when not told.
	CallCount float64
	CPUTime   float64
	TotalTime float64
	// RegainAccess is the wait that the header states, at most 30 days. It is
	// a reason to wait only where calls are refused, or Percent is 100 or more:
	// a wait has been seen beside 19 percent.
	RegainAccess time.Duration
	// Tier is the ads_api_access_tier, "" when not told.
	Tier string
}

// Usage is what the usage headers of one answer say, an entry for each quota.
// The zero value means that there were none. Strings in it are parts of the
// headers.
type Usage struct {
	n     int
	first [2]UsageEntry // what one app and one account need, without an allocation
	rest  []UsageEntry
}

// ParseUsage reads every usage header of the platform's: X-App-Usage,
// X-Page-Usage, X-Ad-Account-Usage, X-Business-Use-Case-Usage and
// X-FB-Ads-Insights-Throttle. What is broken, too long, negative or absurd in
// them is ignored.
func ParseUsage(h http.Header) Usage { return parseUsage(wire.Canonical(h)) }

// parseUsage is [ParseUsage] for names that are canonical.
func parseUsage(h http.Header) Usage {
	var u Usage
	for i := range usageHeaders {
		for _, value := range h[usageHeaders[i].name] {
			u.read(value, usageHeaders[i].family)
		}
	}
	return u
}

// usageMemo remembers what the last usage headers said that came through one
// [Client.HTTPClient], mostly an account's: they change with a percent of a quota,
// and not with each call.
type usageMemo struct{ last atomic.Pointer[knownUsage] }

type knownUsage struct {
	headers [len(usageHeaders)]string
	usage   *Usage // never changed
}

// maxUsageMemo bounds the headers that are remembered; they have some hundred bytes.
const maxUsageMemo = 4 << 10

// read is [parseUsage] for answers of which some have no usage headers: nil then.
func (m *usageMemo) read(h http.Header) *Usage {
	var headers [len(usageHeaders)]string
	size, some, repeated := 0, false, false
	for i := range usageHeaders {
		if values := h[usageHeaders[i].name]; len(values) > 0 {
			headers[i], some, repeated = values[0], true, repeated || len(values) > 1
			size += len(headers[i])
		}
	}
	if !some {
		return nil
	}
	if last := m.last.Load(); last != nil && last.headers == headers && !repeated {
		return last.usage
	}
	u := new(parseUsage(h))
	if size <= maxUsageMemo && !repeated {
		m.last.Store(&knownUsage{headers, u})
	}
	return u
}

//nolint:gochecknoglobals // a table, never written
var usageHeaders = [...]struct{ name, family string }{
	{"X-App-Usage", familyApp},
	{"X-Business-Use-Case-Usage", ""}, // each entry names its family
	{"X-Page-Usage", familyPage},
	{"X-Ad-Account-Usage", familyAdAccount},
	{"X-Fb-Ads-Insights-Throttle", familyInsights},
}

func (u *Usage) read(header, family string) {
	r := wire.ReadUsage(header, family == "")
	for w, ok := r.Next(); ok; w, ok = r.Next() {
		b := Bucket{Family: family, ID: w.ID}
		if family == "" {
			if b.Family = w.Type; w.Type == "" {
				b.Family = familyBusinessUseCase
			}
		}
		u.append(UsageEntry{
			Bucket: b, Percent: w.Percent, Measure: w.Measure,
			CallCount: w.CallCount, CPUTime: w.CPUTime, TotalTime: w.TotalTime,
			RegainAccess: w.Regain, Tier: w.Tier,
		})
	}
}

func (u *Usage) append(e UsageEntry) {
	if u.n < len(u.first) {
		u.first[u.n] = e
	} else {
		u.rest = append(u.rest, e)
	}
	u.n++
}

// IsZero reports whether there were no usage headers.
func (u Usage) IsZero() bool { return u.n == 0 }

// Len returns the number of entries.
func (u Usage) Len() int { return u.n }

// At returns the entry with the number i, from 0 to Len()-1.
func (u Usage) At(i int) UsageEntry { return *u.at(i) }

func (u *Usage) at(i int) *UsageEntry {
	if i < len(u.first) && i < u.n {
		return &u.first[i]
	}
	return &u.rest[i-len(u.first)]
}

// All yields the entries.
func (u Usage) All() iter.Seq[UsageEntry] {
	return func(yield func(UsageEntry) bool) {
		for i := range u.n {
			if !yield(*u.at(i)) {
				return
			}
		}
	}
}

// Max returns the highest percentage of all. It may pass 100.
func (u Usage) Max() float64 { return u.Peak().Percent }

// Peak returns the entry with the highest percentage; the zero value when
// there are no entries.
func (u Usage) Peak() UsageEntry {
	if u.n == 0 {
		return UsageEntry{}
	}
	peak := u.at(0)
	for i := 1; i < u.n; i++ {
		if e := u.at(i); e.Percent > peak.Percent {
			peak = e
		}
	}
	return *peak
}

// RegainAccess returns the longest wait that the headers state.
func (u Usage) RegainAccess() time.Duration {
	var longest time.Duration
	for i := range u.n {
		longest = max(longest, u.at(i).RegainAccess)
	}
	return longest
}

// redact drops entries whose names hold a secret; what a header says is
// printed with the error it came with.
func (u *Usage) redact(secrets []string) {
	for i := range u.n {
		e := u.at(i)
		for _, text := range []*string{&e.Bucket.Family, &e.Bucket.ID, &e.Measure, &e.Tier} {
			*text = redact.Text(*text, secrets...)
		}
	}
}

// MarshalJSON writes the entries as a list, with waits in seconds.
func (u Usage) MarshalJSON() ([]byte, error) {
	type entry struct {
		Family             string  `json:"family"`
		ID                 string  `json:"id,omitempty"`
		Percent            float64 `json:"percent"`
		Measure            string  `json:"measure,omitempty"`
		RegainAfterSeconds float64 `json:"regain_after_seconds,omitempty"`
	}
	entries := make([]entry, 0, u.n)
	for e := range u.All() {
		entries = append(entries, entry{e.Bucket.Family, e.Bucket.ID, e.Percent, e.Measure, e.RegainAccess.Seconds()})
	}
	return json.Marshal(entries)
}

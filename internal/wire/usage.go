package wire

// This file answers: what stands in a usage header, and in Retry-After?

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// maxUsageHeader is how long a usage header may be to be read at all. Meta
	// documents up to 32 objects of some 150 bytes each.
	maxUsageHeader = 64 << 10
	// maxPercent bounds what is believed. 911 has been seen.
	maxPercent = 1e6
	// maxRegain bounds the wait that is believed; the longest window that Meta documents is a day.
	maxRegain = 30 * 24 * time.Hour
	// maxRetryAfter bounds Retry-After, which Meta does not document.
	maxRetryAfter = 24 * time.Hour
)

// UsageEntry is one quota in a usage header. Strings are parts of the header.
type UsageEntry struct {
	Type string // "instagram" and the like; only X-Business-Use-Case-Usage has it
	ID   string // what the quota counts for; only X-Business-Use-Case-Usage has it
	// Percentages; 0 when not told.
	CallCount, CPUTime, TotalTime float64
	Percent                       float64       // the highest of all, also of those without a field
	Measure                       string        // its name on the wire
	Regain                        time.Duration // how long until the quota is open again, as the header says
	Tier                          string        // ads_api_access_tier
}

// UsageReader reads the entries of one usage header. It allocates nothing.
type UsageReader struct {
	object Value // entries by ID, or one entry itself
	next   int   // in object
	byID   bool
	id     string
	list   Value // the entries of id
	inList int
}

// ReadUsage begins to read a header. In byID form it is an object of lists by
// ID, and otherwise one entry. What is broken or too long has no entries.
func ReadUsage(header string, byID bool) UsageReader {
	if len(header) > maxUsageHeader {
		return UsageReader{}
	}
	object := ParseString(header)
	return UsageReader{object: object, next: object.first('{'), byID: byID}
}

// Next returns the next entry, and false when there is none. Entries that say
// nothing are passed over.
func (r *UsageReader) Next() (UsageEntry, bool) {
	for {
		v, ok := r.step()
		if !ok {
			return UsageEntry{}, false
		}
		if e, ok := usageEntry(v); ok {
			e.ID = r.id
			return e, true
		}
	}
}

func (r *UsageReader) step() (Value, bool) {
	if !r.byID {
		v := r.object
		r.object = Value{}
		return v, v.IsObject()
	}
	for {
		if elem, next, ok := r.list.elem(r.inList); ok {
			r.inList = next
			return elem, true
		}
		key, member, next, ok := r.object.member(r.next)
		if !ok {
			return Value{}, false
		}
		r.next, r.id = next, key.Text()
		if member.IsObject() { // not documented; the list has one element everywhere
			r.list, r.inList = Value{}, 0
			return member, true
		}
		r.list, r.inList = member, member.first('[')
	}
}

// usageEntry reads one object; it reports false when nothing in it is known.
func usageEntry(v Value) (e UsageEntry, ok bool) {
	for i := v.first('{'); ; {
		key, member, next, more := v.member(i)
		if !more {
			return e, ok
		}
		i = next
		switch name := key.name(); name {
		case "type":
			e.Type = member.Text()
		case "ads_api_access_tier":
			e.Tier = member.Text()
		case "estimated_time_to_regain_access":
			ok = e.wait(member, time.Minute) || ok
		case "reset_time_duration":
			ok = e.wait(member, time.Second) || ok
		case "call_count", "call_volume": // the second on graph.instagram.com
			ok = e.measure(name, member, &e.CallCount) || ok
		case "total_cputime", "cpu_time": // likewise
			ok = e.measure(name, member, &e.CPUTime) || ok
		case "total_time":
			ok = e.measure(name, member, &e.TotalTime) || ok
		default:
			if strings.HasSuffix(name, "_pct") { // acc_id_util_pct, app_id_util_pct
				ok = e.measure(name, member, nil) || ok
			}
		}
	}
}

func (e *UsageEntry) measure(name string, v Value, field *float64) bool {
	percent, ok := v.Float()
	if !ok || percent < 0 || percent > maxPercent {
		return false
	}
	if field != nil {
		*field = percent
	}
	if percent > e.Percent || e.Measure == "" {
		e.Percent, e.Measure = percent, name
	}
	return true
}

func (e *UsageEntry) wait(v Value, unit time.Duration) bool {
	n, ok := v.Float()
	if !ok || n < 0 {
		return false
	}
	d := maxRegain
	if n < float64(maxRegain/unit) {
		d = time.Duration(n * float64(unit))
	}
	e.Regain = max(e.Regain, d)
	return true
}

// RetryAfter returns how long Retry-After asks to wait, between nothing and a
// day: seconds, or a date, which is measured against the server's own Date
// when the answer has one. Several headers give the longest; what cannot be
// read is ignored. Names must be canonical.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	var longest time.Duration
	for _, v := range h["Retry-After"] {
		longest = max(longest, retryAfter(strings.TrimSpace(v), h, now))
	}
	return min(longest, maxRetryAfter)
}

func retryAfter(value string, h http.Header, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	}
	if len(value) == 0 || len(value) > 64 {
		return 0
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return at.Sub(now)
}

// Canonical returns h with all its names in canonical form: h itself when they
// are, and a copy of a map that net/http has not filled, such as the headers of
// a part of a batch.
func Canonical(h http.Header) http.Header {
	for name := range h {
		if !isCanonical(name) {
			return canonicalCopy(h)
		}
	}
	return h
}

// isCanonical is what http.CanonicalHeaderKey would leave alone, at a third of the cost.
func isCanonical(name string) bool {
	upper := true
	for i := range len(name) {
		c := name[i]
		if upper && c >= 'a' && c <= 'z' || !upper && c >= 'A' && c <= 'Z' {
			return false
		}
		upper = c == '-'
	}
	return true
}

func canonicalCopy(h http.Header) http.Header {
	c := make(http.Header, len(h))
	for _, name := range slices.Sorted(maps.Keys(h)) { // the same order each time
		key := http.CanonicalHeaderKey(name)
		c[key] = append(c[key], h[name]...)
	}
	return c
}

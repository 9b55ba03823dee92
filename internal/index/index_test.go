package index_test

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-922467ee/instagram/internal/index"
)

// model answers as Index does, by looking at everything.
type model map[index.Key]index.Entry

func (m model) due(app string, now int64, n int) []index.Key {
	var keys []index.Key
	for k, e := range m {
		if k.AppID == app && e.Due != index.Never && e.Due <= now && e.Until <= now {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b index.Key) int {
		return cmp.Or(cmp.Compare(m[a].Due, m[b].Due), cmp.Compare(a.AccountID, b.AccountID))
	})
	return keys[:min(n, len(keys))]
}

func TestIndexAgainstModel(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	x, m := index.New(), make(model)
	var now int64 = 1000
	for range 20_000 {
		now += random.Int64N(3)
		k := index.Key{AppID: "app" + strconv.Itoa(random.IntN(2)), AccountID: strconv.Itoa(random.IntN(200))}
		var was, is *index.Entry
		if e, ok := m[k]; ok {
			was = &e
		}
		if random.IntN(5) > 0 {
			is = &index.Entry{Person: []string{"", "a", "b"}[random.IntN(3)], State: uint8(random.IntN(3)), Due: index.Never}
			if is.State == 0 && random.IntN(4) > 0 {
				is.Due = now + random.Int64N(200) - 100
			}
			if random.IntN(3) == 0 {
				is.Until = now + random.Int64N(50)
			}
			m[k] = *is
		} else {
			delete(m, k)
		}
		if was != nil || is != nil {
			x.Replace(k, was, is)
		}

		require.Equal(t, len(m), x.Len())
		n := random.IntN(10)
		require.Equal(t, append([]index.Key{}, m.due(k.AppID, now, n)...), append([]index.Key{}, x.Due(k.AppID, now, n)...))
		wantState, wantDue, wantFound := make(map[uint8]int), 0, 0
		for of, e := range m {
			if of.AppID != k.AppID {
				continue
			}
			wantState[e.State]++
			if e.Due <= now {
				wantDue++
			}
			if e.Person == "a" {
				wantFound++
			}
		}
		byState, due := x.Count(k.AppID, now)
		require.Equal(t, wantDue, due)
		for state := range uint8(3) {
			require.Equal(t, wantState[state], byState[state])
		}
		require.Len(t, x.Find(k.AppID, "a"), wantFound)
	}
	walked := 0
	var after index.Key
	for page := x.After(after, 7); len(page) > 0; page = x.After(after, 7) {
		walked += len(page)
		after = page[len(page)-1]
	}
	assert.Equal(t, len(m), walked)
	assert.Empty(t, x.Find("app0", ""))
	assert.Empty(t, x.Due("unknown", now, 1))
}

func TestNanosOfAnyTime(t *testing.T) {
	t.Parallel()
	assert.Equal(t, int64(index.Never-1), index.Nanos(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)))
	assert.Equal(t, int64(math.MinInt64), index.Nanos(time.Time{}))
	assert.Equal(t, int64(7), index.Nanos(time.Unix(0, 7)))
}

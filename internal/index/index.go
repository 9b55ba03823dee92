// Package index answers: which records are due, whose are they, and how many
// are there, without looking at a million of them?
package index

import (
	"cmp"
	"maps"
	"math"
	"strings"
	"time"

	"github.com/seed-922467ee/instagram/internal/ordered"
)

// Never is the Due of an entry that does not wait for its time.
const Never = math.MaxInt64

// Key has the shape of instagram.TokenKey.
type Key struct{ AppID, AccountID string }

// Entry is what is known of a record.
type Entry struct {
	Person string // the app-scoped ID, "" when it has none
	State  uint8
	Due    int64 // when it is due, see [Nanos]; Never when it is not to be taken, such as a dead one
	Until  int64 // when its lease ends; 0: nobody holds it
}

// Index finds records by what is known of them. It does not keep the entries:
// who changes one says what it was. It is not safe for concurrent use.
type Index struct {
	keys *ordered.Set[Key]
	apps map[string]*app
}

type app struct {
	byState map[uint8]int
	due     *ordered.Set[moment] // by Due, of those that nobody holds
	leased  *ordered.Set[moment] // by Until
	held    map[Key]Entry        // what is in leased
	persons *ordered.Set[person]
}

type moment struct {
	at  int64
	key Key
}

type person struct {
	id  string
	key Key
}

// New returns an empty index.
func New() *Index {
	return &Index{keys: ordered.New(compareKeys), apps: make(map[string]*app)}
}

// Len returns the number of entries.
func (x *Index) Len() int { return x.keys.Len() }

// Replace puts is in the place of was, which is what was put before; nil is
// for none.
func (x *Index) Replace(k Key, was, is *Entry) {
	a := x.apps[k.AppID]
	if a == nil {
		a = &app{
			byState: make(map[uint8]int), held: make(map[Key]Entry),
			due: ordered.New(compareMoments), leased: ordered.New(compareMoments), persons: ordered.New(comparePersons),
		}
		x.apps[k.AppID] = a
	}
	var oldPerson, newPerson string
	if was != nil {
		oldPerson = was.Person
		a.byState[was.State]--
		a.forget(k, was)
	}
	if is != nil {
		newPerson = is.Person
		a.byState[is.State]++
		a.wait(k, is)
	}
	if oldPerson != newPerson { // not when only a lease is taken or ends, which is most of the time
		a.persons.Delete(person{oldPerson, k})
		if newPerson != "" {
			a.persons.Insert(person{newPerson, k})
		}
	}
	switch {
	case is == nil:
		x.keys.Delete(k)
	case was == nil:
		x.keys.Insert(k)
	}
}

// Due returns up to n keys of the app that are due now and that nobody holds,
// the longest due first.
func (x *Index) Due(appID string, now int64, n int) []Key {
	a := x.apps[appID]
	if a == nil {
		return nil
	}
	a.endLeases(now)
	var keys []Key
	for m := range a.due.All() {
		if m.at > now || len(keys) >= n {
			break
		}
		keys = append(keys, m.key)
	}
	return keys
}

// Find returns the keys of the app that have the app-scoped ID, in order.
func (x *Index) Find(appID, id string) []Key {
	a := x.apps[appID]
	if a == nil || id == "" {
		return nil
	}
	var keys []Key
	for p := range a.persons.From(person{id: id}) {
		if p.id != id {
			break
		}
		keys = append(keys, p.key)
	}
	return keys
}

// After returns up to n keys that follow k, in order.
func (x *Index) After(k Key, n int) []Key {
	var keys []Key
	for next := range x.keys.From(k) {
		if len(keys) >= n {
			break
		}
		if next != k {
			keys = append(keys, next)
		}
	}
	return keys
}

// Count returns how many entries of the app there are by state, and how many
// are due, held or not.
func (x *Index) Count(appID string, now int64) (byState map[uint8]int, due int) {
	a := x.apps[appID]
	if a == nil {
		return nil, 0
	}
	a.endLeases(now)
	for _, e := range a.held { // as many as workers hold, not as there are records
		if e.Due <= now {
			due++
		}
	}
	return maps.Clone(a.byState), due + a.due.Rank(moment{at: now + 1})
}

// wait puts an entry where it waits for its time.
func (a *app) wait(k Key, e *Entry) {
	switch {
	case e.Until != 0:
		a.leased.Insert(moment{e.Until, k})
		a.held[k] = *e
	case e.Due != Never:
		a.due.Insert(moment{e.Due, k})
	}
}

func (a *app) forget(k Key, e *Entry) {
	if held, ok := a.held[k]; ok {
		a.leased.Delete(moment{held.Until, k})
		delete(a.held, k)
		return
	}
	a.due.Delete(moment{e.Due, k}) // also when e had a lease, which has ended since
}

// endLeases lets those wait for their time again whose lease is over.
func (a *app) endLeases(now int64) {
	var ended []Key
	for m := range a.leased.All() {
		if m.at > now {
			break
		}
		ended = append(ended, m.key)
	}
	for _, k := range ended {
		e := a.held[k]
		a.forget(k, &e)
		e.Until = 0
		a.wait(k, &e)
	}
}

// Nanos is at.UnixNano for any time: one beyond the years 1678 to 2262 becomes
// the first moment, or one before [Never].
func Nanos(at time.Time) int64 {
	switch {
	case at.After(time.Unix(0, Never-1)):
		return Never - 1
	case at.Before(time.Unix(0, math.MinInt64)):
		return math.MinInt64
	}
	return at.UnixNano()
}

func compareKeys(a, b Key) int {
	if c := strings.Compare(a.AppID, b.AppID); c != 0 {
		return c
	}
	return strings.Compare(a.AccountID, b.AccountID)
}

func compareMoments(a, b moment) int {
	if c := cmp.Compare(a.at, b.at); c != 0 {
		return c
	}
	return compareKeys(a.key, b.key)
}

func comparePersons(a, b person) int {
	if c := strings.Compare(a.id, b.id); c != 0 {
		return c
	}
	return compareKeys(a.key, b.key)
}

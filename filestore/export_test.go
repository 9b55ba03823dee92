//go:build unix

package filestore

import (
	"os"
	"testing"

	"github.com/seed-922467ee/instagram"
)

// Fill puts n records into the store without waiting for the disk.
func Fill(tb testing.TB, s *Store, n int, record func(i int) *instagram.Record) {
	tb.Helper()
	for i := range n {
		r := record(i)
		r.Revision = r.Revision.Next()
		p := placeOf(r.Key)
		h, err := s.lock(tb.Context(), s.shards[p.shard])
		if err != nil {
			tb.Fatal(err)
		}
		data, err := writeRecord(r, 0)
		if err != nil {
			tb.Fatal(err)
		}
		if err := h.announce(true); err != nil {
			tb.Fatal(err)
		}
		if err := replaceFile(h.dir, p.name+recordSuffix, data, false, s.step); err != nil {
			tb.Fatal(err)
		}
		h.learn(r.Key, &stored{record: r})
		h.unlock()
	}
}

// FailAt lets the named step of writing a file fail.
func (s *Store) FailAt(fault func(step string) error) { s.fault = fault }

// Watching lets steps be seen from the opening on.
func Watching(fault func(step string) error) Option { return func(s *Store) { s.fault = fault } }

// Flush is what waits for the disk.
func Flush(f *os.File) error { return flush(f, "sync", func(string) error { return nil }) }

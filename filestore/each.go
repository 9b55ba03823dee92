package filestore

// This file answers: how are many files touched in the time of a few?

import (
	"errors"
	"sync"
	"sync/atomic"
)

// writers is how many files are written at once: disks flush several for
// little more than the price of one.
const writers = 8

// each calls do for 0 to n-1, some at once, and returns all errors.
func each(n int, do func(i int) error) error {
	var next atomic.Int64
	errs := make([]error, n)
	var group sync.WaitGroup
	for range min(n, writers) {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				errs[i] = do(i)
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

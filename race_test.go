//go:build race

package instagram_test

// raceDetector: sync.Pool then forgets things at random, which costs allocations.
const raceDetector = true

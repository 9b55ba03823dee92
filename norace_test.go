//go:build !race

package instagram_test

const raceDetector = false

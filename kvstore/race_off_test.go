//go:build !race

package kvstore_test

const raceDetector = false

//go:build race

package kvstore_test

const raceDetector = true

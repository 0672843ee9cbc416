//go:build race

package arena

// raceEnabled is whether the race detector is in the build, and checkptr with it.
const raceEnabled = true

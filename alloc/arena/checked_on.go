//go:build race || msan || asan

package arena

// checked is whether checkptr is in the build, as with the race detector and the sanitizers.
const checked = true

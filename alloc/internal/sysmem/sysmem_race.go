//go:build race || !(unix || windows)

package sysmem

// mapPages takes Go's memory: it is portable, and under the race detector, which
// cannot see mapped memory, every access to it is checked.
func mapPages(n, align int) (Region, error) { return onHeap(n, align) }

// Discard may give the memory of b back to the system; b's content is undefined
// then. It reports whether it did.
func Discard([]byte) bool { return false }

//go:build !unix || race

package sysmem

// mapPages takes one pointer-free object of Go's heap: portable, and under the
// race detector, which cannot see mapped memory, every access to it is checked.
func mapPages(n int) ([]byte, error) { return make([]byte, n), nil }

func unmapPages([]byte) error { return nil }

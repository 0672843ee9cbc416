//go:build race || !(unix || windows)

package sysmem

import (
	"errors"
	"unsafe"
)

// mapPages takes Go's memory: it is portable, and under the race detector, which
// cannot see mapped memory, every access to it is checked.
func mapPages(n, align int) (Region, error) { return onHeap(n, align) }

// Discard may give the memory of b back to the system; b's content is undefined
// then. It reports whether it did.
func Discard([]byte) bool { return false }

// maxOnHeap bounds what is taken from Go's heap, which does not say no when there is
// no memory: it ends the program.
const maxOnHeap = 1 << 30

// onHeap is a mapping made of one pointer-free object of Go's heap.
func onHeap(n, align int) (Region, error) {
	if n > maxOnHeap-align {
		return Region{}, errors.New("too large for Go's heap")
	}
	raw := make([]byte, n+align)
	skip := int(-uintptr(unsafe.Pointer(&raw[0])) & uintptr(align-1))
	return Region{Mem: raw[skip : skip+n : skip+n], onHeap: true}, nil
}

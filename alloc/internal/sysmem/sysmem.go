// Package sysmem gets aligned memory from the system and gives it back. It knows
// nothing of what is kept in it.
package sysmem

import (
	"fmt"
	"unsafe"
)

// PageSize is the alignment of regions and the unit of their length. It is a
// multiple of the page size of every supported system.
const PageSize = 64 << 10

// RoundUp rounds n up to a multiple of PageSize.
func RoundUp(n int) int { return (n + PageSize - 1) &^ (PageSize - 1) }

// A Region is a piece of zeroed memory aligned to PageSize.
type Region struct {
	Mem []byte
	raw []byte // what the system gave: the pages around Mem are never touched
}

// Map returns a region of n bytes, a multiple of PageSize. Except under the race
// detector it is outside of Go's heap.
func Map(n int) (Region, error) {
	raw, err := mapPages(n + PageSize)
	if err != nil {
		return Region{}, fmt.Errorf("map %d bytes: %w", n, err)
	}
	skip := int(-uintptr(unsafe.Pointer(&raw[0])) & (PageSize - 1))
	return Region{Mem: raw[skip : skip+n : skip+n], raw: raw}, nil
}

// Unmap gives the region back.
func (r Region) Unmap() error {
	if err := unmapPages(r.raw); err != nil {
		return fmt.Errorf("unmap %d bytes: %w", len(r.Mem), err)
	}
	return nil
}

// Package sysmem gets aligned memory from the system and gives it back. It knows
// nothing of what is kept in it.
package sysmem

import (
	"fmt"
	"math"
	"os"
	"slices"
	"unsafe"
)

// A Region is a piece of zeroed memory, readable and writable.
type Region struct {
	Mem    []byte
	onHeap bool // Mem is part of an object of Go's heap
}

// Base returns the address of the region's first byte.
func (r Region) Base() uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(r.Mem))) }

// RoundUp rounds n, at most math.MaxInt less a page, up to whole pages of the
// system.
func RoundUp(n int) int {
	page := os.Getpagesize()
	return (n + page - 1) &^ (page - 1)
}

// Map returns n bytes at a multiple of align, a power of two. Pages take memory
// when they are first touched. Except under the race detector, and on systems
// without a mapping call, the memory is outside of Go's heap.
func Map(n, align int) (Region, error) { return mapWith(mapPages, n, align) }

// MapReal is Map that gives memory outside of Go's heap under the race detector
// too, for what must be protected with [Protect], or be huge and mostly empty.
func MapReal(n, align int) (Region, error) { return mapWith(mapReal, n, align) }

func mapWith(pages func(n, align int) (Region, error), n, align int) (Region, error) {
	if n <= 0 || n > math.MaxInt-2*align-os.Getpagesize() {
		return Region{}, fmt.Errorf("map %d bytes at a multiple of %d: too large", n, align)
	}
	r, err := pages(n, align)
	if err != nil {
		return Region{}, fmt.Errorf("map %d bytes: %w", n, err)
	}
	return r, nil
}

// Split cuts the region into parts of n bytes, each of which is to be unmapped.
func (r Region) Split(n int) []Region {
	var parts []Region
	for b := range slices.Chunk(r.Mem, n) {
		parts = append(parts, Region{Mem: b, onHeap: r.onHeap})
	}
	return parts
}

// Unmap gives the region back.
func (r Region) Unmap() error {
	if r.onHeap {
		return nil
	}
	if err := unmapPages(r); err != nil {
		return fmt.Errorf("unmap %d bytes: %w", len(r.Mem), err)
	}
	return nil
}

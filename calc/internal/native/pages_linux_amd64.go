package native

import (
	"fmt"
	"runtime"
	"syscall"
	"unsafe"
)

// enter runs code until it leaves.
//
//go:noescape
func enter(code uintptr, ctx unsafe.Pointer)

// hasSSE41 tells whether floats can be rounded.
func hasSSE41() bool

// Code is a program in executable memory, ready to run by any number of machines at
// once. Its memory goes with it.
type Code struct {
	img  *Image
	base uintptr
}

// Load puts an image into executable memory. Pages are written first and made
// executable then; they are never both.
func Load(img *Image) (*Code, error) {
	if !hasSSE41() {
		return nil, fmt.Errorf("%w: the processor is too old", ErrSubset)
	}
	pages, err := syscall.Mmap(-1, 0, len(img.Code), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("map code: %w", err)
	}
	copy(pages, img.Code)
	if err := syscall.Mprotect(pages, syscall.PROT_READ|syscall.PROT_EXEC); err != nil {
		_ = syscall.Munmap(pages) // it was mapped: the first error is the one that matters
		return nil, fmt.Errorf("make code executable: %w", err)
	}
	c := &Code{img: img, base: uintptr(unsafe.Pointer(&pages[0]))}
	runtime.AddCleanup(c, func(p []byte) { _ = syscall.Munmap(p) }, pages)
	return c, nil
}

// reserve returns memory that takes pages only as they are touched.
func reserve(size int) ([]byte, error) {
	const noReserve = 0x4000
	return syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE|noReserve)
}

func release(mem []byte) { _ = syscall.Munmap(mem) }

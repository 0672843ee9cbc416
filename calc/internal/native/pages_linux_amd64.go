package native

import (
	"fmt"
	"runtime"
	"sync"
	"syscall"
	"unsafe"
)

// Available tells whether there is native code here. The processor is asked once: on
// a virtual machine that takes a while.
var Available = sync.OnceValue(hasSSE41)

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

// Load puts an image into executable memory.
func Load(img *Image) (*Code, error) {
	pages, err := executable(img.Code)
	if err != nil {
		return nil, err
	}
	c := &Code{img: img, base: uintptr(unsafe.Pointer(&pages[0]))}
	runtime.AddCleanup(c, release, pages)
	return c, nil
}

// executable returns memory with code. Its pages are written first and made
// executable then; they are never both.
func executable(code []byte) ([]byte, error) {
	if !Available() {
		return nil, fmt.Errorf("%w: the processor is too old", ErrSubset)
	}
	pages, err := syscall.Mmap(-1, 0, len(code), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("map code: %w", err)
	}
	copy(pages, code)
	if err := syscall.Mprotect(pages, syscall.PROT_READ|syscall.PROT_EXEC); err != nil {
		release(pages)
		return nil, fmt.Errorf("make code executable: %w", err)
	}
	return pages, nil
}

// callLeaf runs the code of a Leaf.
//
//go:noescape
func callLeaf(code uintptr, args *uint64) (result uint64, failed uint64)

// reserve returns memory that takes pages only as they are touched.
func reserve(size int) ([]byte, error) {
	const noReserve = 0x4000
	return syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE|noReserve)
}

func release(mem []byte) { _ = syscall.Munmap(mem) }

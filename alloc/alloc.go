package alloc

import (
	"errors"
	"fmt"
	"unsafe"
)

// An Allocator hands out blocks of memory and takes them back. [Heap] and
// freelist.List are Allocators.
type Allocator interface {
	// Alloc returns a block of at least n bytes, or nil if n is not positive or
	// there is no memory.
	Alloc(n int) unsafe.Pointer

	// Free takes back a block that Alloc returned.
	Free(p unsafe.Pointer) error

	// Stats returns a snapshot of the counters.
	Stats() Stats
}

// Stats counts what an allocator holds. Sizes are in bytes.
type Stats struct {
	Live     int64 // usable size of the blocks that are allocated
	Blocks   int64 // number of those blocks
	Reserved int64 // memory taken from the system or given by the user
	Allocs   int64 // successful calls of Alloc
	Frees    int64 // successful calls of Free
	Failed   int64 // calls of Alloc that returned nil
}

var (
	// ErrSize is returned for a size that is negative, zero where that is not
	// allowed, or too large to be represented.
	ErrSize = errors.New("alloc: bad size")

	// ErrNoMemory is returned when a limit is reached or the system refuses.
	ErrNoMemory = errors.New("alloc: out of memory")

	// ErrConfig is wrapped by errors about options; the text names the field.
	ErrConfig = errors.New("alloc: bad options")

	// ErrClosed is returned by calls on a heap after Close.
	ErrClosed = errors.New("alloc: closed")

	// ErrForeign is returned when a pointer is freed that is not the start of a
	// block of this allocator.
	ErrForeign = errors.New("alloc: free of a pointer that is not a block's start")

	// ErrDoubleFree is returned when a block is freed that is free already.
	ErrDoubleFree = errors.New("alloc: double free")
)

// A LeakError is returned by [Heap.Close] when blocks are still allocated. Their
// memory is unmapped nevertheless.
type LeakError struct {
	Blocks int64 // number of live blocks
	Bytes  int64 // their usable size
}

// Error tells how much was leaked.
func (e *LeakError) Error() string {
	return fmt.Sprintf("alloc: %d blocks of %d bytes in all not freed before Close", e.Blocks, e.Bytes)
}

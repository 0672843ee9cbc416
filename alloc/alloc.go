package alloc

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"unsafe"

	"github.com/groundwork-go/groundwork/alloc/internal/engine"
)

// An Allocator hands out blocks of memory and takes them back. [Heap], [Cache],
// [Locked], freelist.List, buddy.Buddy and tlsf.TLSF are Allocators.
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

	// Requested is what was asked for when the live blocks were allocated. A Heap
	// estimates it from samples, unless it has Debug; others leave it 0.
	Requested int64

	// Resident is the part of Reserved that has been touched and not given back:
	// what the process's resident size is about.
	Resident int64

	Free        int64 // free memory between the live blocks, and in free spans
	LargestFree int64 // the longest free run
	Cached      int64 // part of Free that caches of threads and of users hold

	// Classes tells about each size class of a Heap that was ever used; large blocks
	// that are whole pages come last, with Size 0.
	Classes []ClassStats
}

// ClassStats are about the blocks of one size.
type ClassStats struct {
	Size   int   // bytes of each block, 0 if they differ
	Pages  int   // runs of memory that hold them
	Blocks int64 // allocated
	Live   int64 // bytes in these
	Allocs int64 // ever
}

// Internal returns the share of the live blocks that was not asked for, between 0
// and 1, or 0 where Requested is not known.
func (s Stats) Internal() float64 {
	if s.Requested <= 0 || s.Live <= 0 {
		return 0
	}
	return max(0, 1-float64(s.Requested)/float64(s.Live))
}

// External returns the share of the free memory that the longest free run does not
// have, between 0 and 1.
func (s Stats) External() float64 {
	if s.Free <= 0 {
		return 0
	}
	return max(0, 1-float64(s.LargestFree)/float64(s.Free))
}

var (
	// ErrSize is returned for a size that is negative, zero where that is not
	// allowed, or too large to be represented.
	ErrSize = errors.New("alloc: bad size")

	// ErrAlign is wrapped by errors about an alignment that is not a power of two, or
	// too large.
	ErrAlign = errors.New("alloc: bad alignment")

	// ErrNoMemory is returned when a limit is reached or the system refuses.
	ErrNoMemory = errors.New("alloc: out of memory")

	// ErrConfig is wrapped by errors about options; the text names the field.
	ErrConfig = errors.New("alloc: bad options")

	// ErrPointers is wrapped by errors about types that hold Go pointers; the text
	// names the field.
	ErrPointers = errors.New("alloc: type has Go pointers")

	// ErrStale is returned by a Ref whose value was freed.
	ErrStale = errors.New("alloc: reference to a value that was freed")

	// ErrCorrupt is wrapped by a [*Fault] about memory that was written by somebody
	// who does not own it.
	ErrCorrupt = errors.New("alloc: memory was overwritten")

	// ErrClosed is returned by calls on a heap after Close.
	ErrClosed = engine.ErrClosed

	// ErrForeign is returned when a pointer is freed that is not the start of a
	// block of this allocator.
	ErrForeign = engine.ErrForeign

	// ErrDoubleFree is returned when a block is freed that is free already.
	ErrDoubleFree = engine.ErrDoubleFree
)

// A LeakError is returned by [Heap.Close] when blocks are still allocated. Their
// memory is unmapped nevertheless.
type LeakError struct {
	Blocks int64 // number of live blocks
	Bytes  int64 // their usable size; with HeapOptions.Debug what was asked for

	// Sites tells where they were allocated, those with most bytes first. Only with
	// HeapOptions.Debug.
	Sites []LeakSite
}

// A LeakSite is a call stack that allocated blocks which were not freed.
type LeakSite struct {
	Blocks, Bytes int64
	Stack         []uintptr // program counters, as runtime.Callers gives them
}

// Error tells how much was leaked, and the place that leaked most.
func (e *LeakError) Error() string {
	var b strings.Builder
	s := "s"
	if e.Blocks == 1 {
		s = ""
	}
	fmt.Fprintf(&b, "alloc: %d block%s of %d bytes in all not freed before Close", e.Blocks, s, e.Bytes)
	if len(e.Sites) > 0 {
		fmt.Fprintf(&b, "; most by %s", siteOf(e.Sites[0].Stack))
	}
	return b.String()
}

// Locked makes an Allocator safe for concurrent use by one mutex.
type Locked struct {
	mu sync.Mutex
	a  Allocator
}

// NewLocked returns a Locked over a, which must not be used directly any more.
func NewLocked(a Allocator) *Locked { return &Locked{a: a} }

// Alloc is Alloc of the wrapped Allocator.
func (l *Locked) Alloc(n int) unsafe.Pointer {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.a.Alloc(n)
}

// Free is Free of the wrapped Allocator.
func (l *Locked) Free(p unsafe.Pointer) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.a.Free(p)
}

// Stats is Stats of the wrapped Allocator.
func (l *Locked) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.a.Stats()
}

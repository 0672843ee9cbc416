package alloc

import (
	"fmt"
	"iter"
	"math"
	"sync"
	"unsafe"

	"github.com/groundwork-go/groundwork/alloc/internal/sysmem"
)

// HeapOptions tune a Heap. A nil *HeapOptions means the defaults.
type HeapOptions struct {
	// Limit bounds the bytes taken from the system. Zero means no limit.
	Limit int64
}

// A Heap allocates blocks of any size in memory outside of Go's heap. All
// methods may be called concurrently.
type Heap struct {
	limit int64

	mu     sync.Mutex
	spans  map[uintptr]*span // guarded by mu; by each of their pages' numbers
	avail  [numClasses]*span // guarded by mu; spans of the class with room
	stats  Stats             // guarded by mu
	closed bool              // guarded by mu
}

// span is a run of pages from the system: one block, or blocks of one class.
type span struct {
	region   sysmem.Region
	mem      []byte // region.Mem
	class    int    // -1: one large block
	size     int    // of a block
	fresh    int    // blocks from here on were never handed out
	free     []uint32
	used     []uint64 // bit i: block i is allocated
	live     int
	prev     *span // in Heap.avail
	next     *span
	hasSpace bool // is in Heap.avail
}

// spanSize is the length of spans of small blocks: 64 KiB, or enough for eight.
func spanSize(class int) int { return sysmem.RoundUp(8 * classSize(class)) }

// NewHeap returns an empty heap. It takes no memory before the first Alloc.
func NewHeap(o *HeapOptions) (*Heap, error) {
	if o == nil {
		o = &HeapOptions{}
	}
	if o.Limit < 0 {
		return nil, fmt.Errorf("%w: Limit is %d, must not be negative", ErrConfig, o.Limit)
	}
	h := &Heap{limit: o.Limit, spans: make(map[uintptr]*span)}
	if h.limit == 0 {
		h.limit = math.MaxInt64
	}
	return h, nil
}

// Alloc returns a block of at least n bytes, aligned to 16, with undefined
// content. It returns nil if n is not positive, if the limit is reached, if the
// system has no memory, or after Close.
func (h *Heap) Alloc(n int) unsafe.Pointer {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.alloc(n)
	if p == nil {
		h.stats.Failed++
	}
	return p
}

func (h *Heap) alloc(n int) unsafe.Pointer {
	if n <= 0 || n > math.MaxInt-sysmem.PageSize || h.closed {
		return nil
	}
	if n > maxSmall {
		s := h.newSpan(-1, sysmem.RoundUp(n), sysmem.RoundUp(n))
		if s == nil {
			return nil
		}
		return h.take(s)
	}
	class := classOf(n)
	s := h.avail[class]
	if s == nil {
		s = h.newSpan(class, spanSize(class), classSize(class))
		if s == nil {
			return nil
		}
		h.link(s)
	}
	return h.take(s)
}

func (h *Heap) newSpan(class, bytes, size int) *span {
	if int64(bytes) > h.limit-h.stats.Reserved {
		return nil
	}
	region, err := sysmem.Map(bytes)
	if err != nil {
		return nil // the contract of Alloc has no room for the system's reason
	}
	s := &span{
		region: region, mem: region.Mem, class: class, size: size,
		used: make([]uint64, (bytes/size+63)/64),
	}
	h.stats.Reserved += int64(bytes)
	for page := range s.pages() {
		h.spans[page] = s
	}
	return s
}

// drop gives a span back to the system.
func (h *Heap) drop(s *span) {
	for page := range s.pages() {
		delete(h.spans, page)
	}
	h.stats.Reserved -= int64(len(s.mem))
	if err := s.region.Unmap(); err != nil {
		// Only a bug of this package makes the system refuse its own address.
		panic("alloc: " + err.Error())
	}
}

// pages yields the numbers of the pages that s covers. Every page belongs to one
// span, since regions are aligned to pages.
func (s *span) pages() iter.Seq[uintptr] {
	return func(yield func(uintptr) bool) {
		base := uintptr(unsafe.Pointer(&s.mem[0])) / sysmem.PageSize
		for i := range uintptr(len(s.mem) / sysmem.PageSize) {
			if !yield(base + i) {
				return
			}
		}
	}
}

// find returns the live block that starts at p.
func (h *Heap) find(p unsafe.Pointer) (s *span, block int, err error) {
	if h.closed {
		return nil, 0, ErrClosed
	}
	s = h.spans[uintptr(p)/sysmem.PageSize]
	if s == nil {
		return nil, 0, ErrForeign
	}
	off := int(uintptr(p) - uintptr(unsafe.Pointer(&s.mem[0])))
	block = off / s.size
	switch {
	case off%s.size != 0 || block >= s.fresh:
		return nil, 0, ErrForeign
	case s.used[block/64]>>(block%64)&1 == 0:
		return nil, 0, ErrDoubleFree
	}
	return s, block, nil
}

// link puts s, which has room, at the front of its class.
func (h *Heap) link(s *span) {
	s.prev, s.next, s.hasSpace = nil, h.avail[s.class], true
	if s.next != nil {
		s.next.prev = s
	}
	h.avail[s.class] = s
}

func (h *Heap) unlink(s *span) {
	if s.prev == nil {
		h.avail[s.class] = s.next
	} else {
		s.prev.next = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	}
	s.prev, s.next, s.hasSpace = nil, nil, false
}

// take hands out a block of s, which has room.
func (h *Heap) take(s *span) unsafe.Pointer {
	var i int
	if k := len(s.free); k > 0 {
		i = int(s.free[k-1])
		s.free = s.free[:k-1]
	} else {
		i = s.fresh
		s.fresh++
	}
	s.used[i/64] |= 1 << (i % 64)
	s.live++
	if s.hasSpace && len(s.free) == 0 && s.fresh == len(s.mem)/s.size {
		h.unlink(s)
	}
	h.stats.Allocs++
	h.stats.Blocks++
	h.stats.Live += int64(s.size)
	return unsafe.Pointer(&s.mem[i*s.size])
}

// Free takes back a block. Nil is ignored. The errors are [ErrForeign],
// [ErrDoubleFree] and [ErrClosed].
func (h *Heap) Free(p unsafe.Pointer) error {
	if p == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	s, i, err := h.find(p)
	if err != nil {
		return err
	}
	s.used[i/64] &^= 1 << (i % 64)
	s.live--
	h.stats.Frees++
	h.stats.Blocks--
	h.stats.Live -= int64(s.size)
	if s.class < 0 {
		h.drop(s)
		return nil
	}
	s.free = append(s.free, uint32(i))
	if !s.hasSpace {
		h.link(s)
	}
	return nil
}

// UsableSize returns how many bytes the block at p really has, at least what was
// asked for, or 0 if p is not the start of a live block.
func (h *Heap) UsableSize(p unsafe.Pointer) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	s, _, err := h.find(p)
	if err != nil {
		return 0
	}
	return s.size
}

// Bytes returns a block as a slice of length n, whose capacity is the block's
// usable size, or nil where Alloc returns nil.
func (h *Heap) Bytes(n int) []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.alloc(n)
	if p == nil {
		h.stats.Failed++
		return nil
	}
	s, _, _ := h.find(p) // just allocated, so it is found
	return unsafe.Slice((*byte)(p), s.size)[:n]
}

// FreeBytes takes back a slice that Bytes returned; it may have been shortened
// or extended, but must start where it started then. A slice without capacity is
// ignored.
func (h *Heap) FreeBytes(b []byte) error {
	if cap(b) == 0 {
		return nil
	}
	return h.Free(unsafe.Pointer(unsafe.SliceData(b)))
}

// Stats returns a consistent snapshot.
func (h *Heap) Stats() Stats {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.stats
}

// Close unmaps all memory of the heap; what was allocated must not be used any
// more. Blocks that are still allocated are reported as a [*LeakError]. A second
// Close does nothing.
func (h *Heap) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil
	}
	h.closed = true
	blocks, live := h.stats.Blocks, h.stats.Live
	var first error
	seen := make(map[*span]bool, len(h.spans))
	for _, s := range h.spans {
		if seen[s] {
			continue
		}
		seen[s] = true
		if err := s.region.Unmap(); err != nil && first == nil {
			first = fmt.Errorf("alloc: %w", err)
		}
	}
	h.spans, h.avail = nil, [numClasses]*span{}
	h.stats.Reserved, h.stats.Live, h.stats.Blocks = 0, 0, 0
	if first == nil && blocks > 0 {
		return &LeakError{Blocks: blocks, Bytes: live}
	}
	return first
}

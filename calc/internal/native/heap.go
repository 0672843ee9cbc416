package native

import (
	"fmt"
	"math/bits"
	"slices"
	"unsafe"

	"github.com/groundwork-go/groundwork/calc/internal/rt"
	"github.com/groundwork-go/groundwork/calc/internal/value"
)

// heap holds the lists of a machine outside of Go's memory. A list is a head of four
// words (representation and mark, length, room, address of the elements) and a
// block for its elements. What cannot be reached is found by marking from the roots
// that the machine names, and its blocks are used again; nothing moves.
type heap struct {
	mem    []byte
	maps   *mappings
	base   uintptr
	top    uintptr          // behind what was ever used
	free   [classes]uintptr // blocks by class, linked by their first words
	lists  []uintptr        // all heads
	used   int64            // bytes of blocks in use
	next   int64            // bytes at which to collect
	limit  int64            // 0: none
	roots  func(f func(uintptr))
	stress bool // collect whenever memory is taken
}

// mappings are what a machine has mapped. They are no part of it, so that they can be
// released when it is gone.
type mappings struct{ heap, stack []byte }

func (m *mappings) release() {
	if m.heap != nil {
		release(m.heap)
	}
	if m.stack != nil {
		release(m.stack)
	}
	*m = mappings{}
}

// Sizes of blocks: four classes for each power of two.
const (
	headBytes = 32
	classes   = 4 * 40
	firstGC   = 1 << 20
)

func sizeOf(class int) int { return (4 + class%4) << (class / 4) * 8 }

// classOf returns the smallest class of at least n bytes.
func classOf(n int) int {
	if n <= 32 {
		return 0
	}
	c := (bits.Len(uint(n-1)) - 6) * 4
	for sizeOf(c) < n {
		c++
	}
	return c
}

// open reserves address space for about limit bytes.
func (h *heap) open() error {
	if h.mem != nil {
		return nil
	}
	size := int64(1) << 36
	if h.limit > 0 {
		size = min(size, h.limit*2+64<<20)
	}
	mem, err := reserve(int(size))
	if err != nil {
		return fmt.Errorf("reserve memory: %w", err)
	}
	h.mem, h.maps.heap = mem, mem
	h.base = uintptr(unsafe.Pointer(&mem[0]))
	h.top = h.base
	h.next = firstGC
	return nil
}

// at returns a pointer to an address of the heap.
func (h *heap) at(addr uintptr) unsafe.Pointer {
	return unsafe.Add(unsafe.Pointer(&h.mem[0]), addr-h.base)
}

func (h *heap) word(addr uintptr, n int) *uint64 { return (*uint64)(h.at(addr + uintptr(8*n))) }

// block returns a block of at least n bytes; what is in it is not cleared.
func (h *heap) block(n int) (uintptr, error) {
	if err := h.open(); err != nil {
		return 0, err
	}
	c := classOf(n)
	size := int64(sizeOf(c))
	if h.stress || h.used+size > h.next {
		h.collect()
		h.next = max(firstGC, 2*h.used)
		if h.limit > 0 {
			h.next = min(h.next, h.limit)
		}
	}
	if h.limit > 0 && h.used+size > h.limit {
		return 0, rt.MemoryError(h.limit)
	}
	addr := h.free[c]
	if addr != 0 {
		h.free[c] = uintptr(*h.word(addr, 0))
	} else {
		if h.top+uintptr(size) > h.base+uintptr(len(h.mem)) {
			return 0, rt.MemoryError(h.limit)
		}
		addr = h.top
		h.top += uintptr(size)
	}
	h.used += size
	h.next = max(h.next, h.used)
	return addr, nil
}

func (h *heap) drop(addr uintptr, n int) {
	c := classOf(n)
	*h.word(addr, 0) = uint64(h.free[c])
	h.free[c] = addr
	h.used -= int64(sizeOf(c))
}

// room is how many elements of a representation a block for n has room for.
func room(rep value.Rep, n int) int { return sizeOf(classOf(n*rep.Size())) / rep.Size() }

// list returns a new list of n elements, which are not cleared.
func (h *heap) list(rep value.Rep, n int) (uintptr, error) {
	data := uintptr(0)
	space := 0
	if n > 0 {
		var err error
		if data, err = h.block(n * rep.Size()); err != nil {
			return 0, err
		}
		space = room(rep, n)
	}
	head, err := h.block(headBytes)
	if err != nil {
		return 0, err
	}
	*h.word(head, 0), *h.word(head, 1), *h.word(head, 2), *h.word(head, 3) = uint64(rep), uint64(n), uint64(space), uint64(data)
	h.lists = append(h.lists, head)
	return head, nil
}

func (h *heap) rep(head uintptr) value.Rep { return value.Rep(*h.word(head, 0) & 0xff) }

// words and bytes return the elements of a list; they are valid until it grows.
func (h *heap) words(head uintptr) []uint64 {
	n := int(*h.word(head, 1))
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*uint64)(h.at(uintptr(*h.word(head, 3)))), n)[:n:n]
}

func (h *heap) bytes(head uintptr) []byte {
	n := int(*h.word(head, 1))
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(h.at(uintptr(*h.word(head, 3)))), n)[:n:n]
}

// resize gives a list room for n elements, and keeps those it has. The list must be
// a root.
func (h *heap) resize(head uintptr, n int) error {
	rep := h.rep(head)
	if n <= int(*h.word(head, 2)) {
		return nil
	}
	data, err := h.block(n * rep.Size())
	if err != nil {
		return err
	}
	old, space := uintptr(*h.word(head, 3)), int(*h.word(head, 2))
	if old != 0 {
		from := unsafe.Slice((*byte)(h.at(old)), int(*h.word(head, 1))*rep.Size())
		copy(unsafe.Slice((*byte)(h.at(data)), n*rep.Size()), from)
		h.drop(old, space*rep.Size())
	}
	*h.word(head, 2), *h.word(head, 3) = uint64(room(rep, n)), uint64(data)
	return nil
}

const marked = 1 << 8

// collect frees the lists that cannot be reached.
func (h *heap) collect() {
	h.roots(func(head uintptr) {
		if head != 0 {
			*h.word(head, 0) |= marked
		}
	})
	h.lists = slices.DeleteFunc(h.lists, func(head uintptr) bool {
		if *h.word(head, 0)&marked != 0 {
			*h.word(head, 0) &^= marked
			return false
		}
		rep := h.rep(head)
		if data := uintptr(*h.word(head, 3)); data != 0 {
			h.drop(data, int(*h.word(head, 2))*rep.Size())
		}
		h.drop(head, headBytes)
		return true
	})
}

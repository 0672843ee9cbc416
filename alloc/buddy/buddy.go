// Package buddy allocates from one given buffer by halving: each block is a power
// of two times the least one, and a free block merges with the block it was split
// from as soon as that is free too (Knuth, The Art of Computer Programming, volume
// 1, section 2.5).
//
//	b, err := buddy.New(make([]byte, 1<<20), 64)
//	p := b.Alloc(100) // takes 128
//	...
//	err = b.Free(p)
//
// For each order, that is each size, a bitmap tells which blocks are free. It has
// further levels that tell which of its words are not zero, so Alloc and Free take
// a few steps per order and no more, and of the free blocks of an order the one
// with the lowest address is taken.
//
// # Guarantees
//
// Blocks are aligned to 16 bytes and do not overlap. Free finds out every pointer
// that is not the start of a live block. The buffer itself is never read or
// written: all bookkeeping is beside it, about 1.3 bytes for each least block.
//
// # Limits
//
// A block takes up to twice what was asked for, a third of it wasted on average. A
// Buddy is for one goroutine at a time; [alloc.Locked] makes it safe for more. Do not
// keep Go pointers in the blocks.
package buddy

import (
	"fmt"
	"iter"
	"math/bits"
	"unsafe"

	"github.com/groundwork-go/groundwork/alloc"
	"github.com/groundwork-go/groundwork/alloc/heapmap"
	"github.com/groundwork-go/groundwork/alloc/internal/bitset"
)

const align = 16

// A Buddy manages one buffer. Create it with [New].
type Buddy struct {
	buf    []byte // from the first block on
	shift  int    // a unit, the least block, is 1<<shift bytes
	free   []bitset.Set
	filled uint64  // bit k: free[k] is not empty
	order  []uint8 // by unit: 1 + the order of the live block that starts there, or 0
	stats  alloc.Stats
}

// New returns a Buddy over buf, which it owns from then on and which may lie on a
// Heap. The least block has minBlock bytes, a power of two and at least 16; zero
// means 16. The error wraps [alloc.ErrConfig] if minBlock is not that or buf has no
// room for one block.
func New(buf []byte, minBlock int) (*Buddy, error) {
	if minBlock == 0 {
		minBlock = align
	}
	if minBlock < align || minBlock&(minBlock-1) != 0 {
		return nil, fmt.Errorf("buddy: least block of %d bytes is not a power of two from %d on: %w", minBlock, align, alloc.ErrConfig)
	}
	skip := 0
	if len(buf) > 0 {
		skip = int(-uintptr(unsafe.Pointer(&buf[0])) & (align - 1))
	}
	if len(buf)-skip < minBlock {
		return nil, fmt.Errorf("buddy: a buffer of %d bytes is too small: %w", len(buf), alloc.ErrConfig)
	}
	b := &Buddy{buf: buf[skip:], shift: bits.TrailingZeros(uint(minBlock))}
	units := len(b.buf) >> b.shift
	b.order = make([]uint8, units)
	for k := range bits.Len(uint(units)) {
		b.free = append(b.free, bitset.New(units>>k))
	}
	// A buffer that is not a power of two starts as one block for each bit of its
	// size, the large ones first, so that each lies at a multiple of its size.
	for at := 0; at < units; {
		k := bits.Len(uint(units-at)) - 1
		b.add(k, at>>k)
		at += 1 << k
	}
	b.stats.Reserved = int64(len(buf))
	return b, nil
}

// add makes block i of order k free.
func (b *Buddy) add(k, i int) {
	b.free[k].Add(i)
	b.filled |= 1 << k
}

// remove makes it not free.
func (b *Buddy) remove(k, i int) {
	b.free[k].Remove(i)
	if b.free[k].Min() < 0 {
		b.filled &^= 1 << k
	}
}

// Alloc returns a block of at least n bytes, aligned to 16, with undefined content. It
// returns nil if n is not positive or no free block is large enough.
func (b *Buddy) Alloc(n int) unsafe.Pointer {
	if n <= 0 || n > len(b.buf) {
		b.stats.Failed++
		return nil
	}
	k := bits.Len(uint(n-1) >> b.shift)
	have := b.filled >> k
	if have == 0 {
		b.stats.Failed++
		return nil
	}
	from := k + bits.TrailingZeros64(have)
	i := b.free[from].Min()
	b.remove(from, i)
	for ; from > k; from-- { // keep the lower half
		i *= 2
		b.add(from-1, i+1)
	}
	unit := i << k
	b.order[unit] = uint8(1 + k)
	b.stats.Allocs++
	b.stats.Blocks++
	b.stats.Live += 1 << (k + b.shift)
	return unsafe.Pointer(&b.buf[unit<<b.shift])
}

// Free takes back a block and merges it with its buddies. Nil is ignored. A pointer
// into free memory gives [alloc.ErrDoubleFree], any other that is not the start of a
// live block [alloc.ErrForeign]; both leave everything as it was.
func (b *Buddy) Free(p unsafe.Pointer) error {
	if p == nil {
		return nil
	}
	off := uintptr(p) - uintptr(unsafe.Pointer(&b.buf[0]))
	if off >= uintptr(len(b.order))<<b.shift {
		return alloc.ErrForeign
	}
	i := int(off >> b.shift)
	if off&(1<<b.shift-1) != 0 || b.order[i] == 0 {
		return b.explain(i)
	}
	k := int(b.order[i]) - 1
	b.order[i] = 0
	b.stats.Frees++
	b.stats.Blocks--
	b.stats.Live -= 1 << (k + b.shift)
	i >>= k
	for k+1 < len(b.free) && (i^1+1)<<k <= len(b.order) && b.free[k].Has(i^1) {
		b.remove(k, i^1)
		i /= 2
		k++
	}
	b.add(k, i)
	return nil
}

// explain tells why unit i is not the start of a live block.
func (b *Buddy) explain(unit int) error {
	for k := range b.free {
		if i := unit >> k; (i+1)<<k <= len(b.order) && b.free[k].Has(i) {
			return alloc.ErrDoubleFree
		}
	}
	return alloc.ErrForeign
}

// A Block is what [Buddy.Walk] yields.
type Block = heapmap.Block

// Walk yields all blocks in the order of their addresses. The Buddy must not be
// changed meanwhile.
func (b *Buddy) Walk() iter.Seq[Block] {
	return func(yield func(Block) bool) {
		for at := 0; at < len(b.order); {
			k := int(b.order[at]) - 1
			used := k >= 0
			if !used {
				for k = len(b.free) - 1; at&(1<<k-1) != 0 || at+1<<k > len(b.order) || !b.free[k].Has(at>>k); k-- {
				}
			}
			if !yield(Block{Offset: at << b.shift, Size: 1 << (k + b.shift), Used: used}) {
				return
			}
			at += 1 << k
		}
	}
}

// Stats returns the counters. Live counts whole blocks.
func (b *Buddy) Stats() alloc.Stats {
	s := b.stats
	s.Free = int64(len(b.order))<<b.shift - s.Live
	if b.filled != 0 {
		s.LargestFree = 1 << (bits.Len64(b.filled) - 1 + b.shift)
	}
	return s
}

// Map returns what the buffer is used for.
func (b *Buddy) Map() heapmap.Map {
	return heapmap.Of("buddy.Buddy", unsafe.Pointer(&b.buf[0]), b.Walk())
}

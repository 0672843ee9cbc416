// Package freelist allocates from one given buffer with a free list and boundary
// tags, the classic design of malloc (Knuth, The Art of Computer Programming,
// volume 1, section 2.5): each block carries its size at its front, each free
// block also at its end, so that neighbours are merged in constant time.
//
//	l, err := freelist.New(make([]byte, 1<<20), freelist.BestFit)
//	p := l.Alloc(100)
//	...
//	err = l.Free(p)
//
// # Guarantees
//
// Blocks are aligned to 16 bytes and do not overlap. Two free blocks are never
// neighbours. Free finds out every pointer that is not the start of a live
// block. Nothing outside of the buffer is read or written.
//
// # Limits
//
// A block costs 8 bytes besides its size, and at least 32 bytes. A List is for
// one goroutine at a time. The search is linear in the number of free
// blocks. Do not keep Go pointers in the blocks.
package freelist

import (
	"encoding/binary"
	"fmt"
	"iter"
	"unsafe"

	"github.com/groundwork-go/groundwork/alloc"
	"github.com/groundwork-go/groundwork/alloc/heapmap"
)

// Fit is the way a free block is chosen.
type Fit int

const (
	// FirstFit takes the first free block that is large enough, in the order of
	// the list: the one freed last comes first.
	FirstFit Fit = iota
	// BestFit takes the smallest free block that is large enough.
	BestFit
	// NextFit is first fit that begins where the last search ended.
	NextFit
	// WorstFit takes the largest free block.
	WorstFit
)

// The layout of a block at offset b, a multiple of 16 from the aligned base:
//
//	b+8     size of the block, or flags
//	b+16    payload up to b+size+8; a free block keeps in its first 16 bytes the
//	        offsets of the next and the previous block of the list
//	b+size  the last 8 bytes of the payload; a free block repeats its size there,
//	        so that the block behind it finds its start
//
// Offset 0 is not a block, so that 0 can mean none in the list.
const (
	unit     = 16
	header   = 8
	minBlock = 2 * unit

	flagUsed     = 1 // the block is allocated
	flagPrevUsed = 2 // the block before it is, so there is no size at its end
	flags        = unit - 1
)

// A List manages one buffer. Create it with [New].
type List struct {
	buf   []byte
	base  int // index in buf of offset 0
	end   int // offset behind the last block
	fit   Fit
	head  int // offset of the first free block, 0 if there is none
	rover int // where NextFit goes on
	live  []uint64
	stats alloc.Stats
}

// New returns a List over buf, which it owns from then on and which may lie on a
// Heap. The error wraps
// [alloc.ErrConfig] if buf is too small for one block (64 bytes suffice) or fit
// is unknown.
func New(buf []byte, fit Fit) (*List, error) {
	if fit < FirstFit || fit > WorstFit {
		return nil, fmt.Errorf("freelist: fit %d is unknown: %w", fit, alloc.ErrConfig)
	}
	l := &List{buf: buf, fit: fit}
	if len(buf) > 0 {
		l.base = int(-uintptr(unsafe.Pointer(&buf[0])) & (unit - 1))
	}
	// The last header half of a unit is the end mark, a used block of size 0.
	l.end = (len(buf) - l.base - unit) &^ (unit - 1)
	if l.end < unit+minBlock {
		return nil, fmt.Errorf("freelist: a buffer of %d bytes is too small: %w", len(buf), alloc.ErrConfig)
	}
	l.live = make([]uint64, l.end/unit/64+1)
	l.stats.Reserved = int64(len(buf))
	l.put(l.end+header, flagUsed|flagPrevUsed)
	l.addFree(unit, l.end-unit, flagPrevUsed)
	return l, nil
}

func (l *List) at(off int) int {
	return int(binary.NativeEndian.Uint64(l.buf[l.base+off:]))
}

func (l *List) put(off, v int) {
	binary.NativeEndian.PutUint64(l.buf[l.base+off:], uint64(v))
}

func (l *List) size(b int) int { return l.at(b+header) &^ flags }
func (l *List) next(b int) int { return l.at(b + unit) }
func (l *List) prev(b int) int { return l.at(b + unit + 8) }

// addFree makes [b, b+size) a free block, first in the list; prevUsed is 0 or
// flagPrevUsed.
func (l *List) addFree(b, size, prevUsed int) {
	l.put(b+header, size|prevUsed)
	l.put(b+size, size)
	l.put(b+size+header, l.at(b+size+header)&^flagPrevUsed)
	l.put(b+unit, l.head)
	l.put(b+unit+8, 0)
	if l.head != 0 {
		l.put(l.head+unit+8, b)
	}
	l.head = b
}

func (l *List) removeFree(b int) {
	next, prev := l.next(b), l.prev(b)
	if prev == 0 {
		l.head = next
	} else {
		l.put(prev+unit, next)
	}
	if next != 0 {
		l.put(next+unit+8, prev)
	}
	if l.rover == b {
		l.rover = next
	}
}

// Alloc returns a block of n bytes, aligned to 16, with undefined content. It
// returns nil if n is not positive or no free block is large enough.
func (l *List) Alloc(n int) unsafe.Pointer {
	if n <= 0 || n > l.end-header {
		l.stats.Failed++
		return nil
	}
	size := max((n+header+unit-1)&^(unit-1), minBlock)
	b := l.search(size)
	if b == 0 {
		l.stats.Failed++
		return nil
	}
	l.removeFree(b)
	whole := l.size(b)
	prevUsed := l.at(b+header) & flagPrevUsed
	if whole-size >= minBlock {
		l.put(b+header, size|flagUsed|prevUsed)
		l.addFree(b+size, whole-size, flagPrevUsed)
		if l.fit == NextFit {
			l.rover = b + size
		}
	} else {
		size = whole
		l.put(b+header, size|flagUsed|prevUsed)
		l.put(b+size+header, l.at(b+size+header)|flagPrevUsed)
	}
	l.live[b/unit/64] |= 1 << (b / unit % 64)
	l.stats.Allocs++
	l.stats.Blocks++
	l.stats.Live += int64(size - header)
	return unsafe.Pointer(&l.buf[l.base+b+unit])
}

// search returns a free block of at least size bytes, or 0.
func (l *List) search(size int) int {
	switch l.fit {
	case BestFit:
		return l.searchBest(size)
	case WorstFit:
		if b := l.largest(); b != 0 && l.size(b) >= size {
			return b
		}
		return 0
	case NextFit:
		if b := l.searchFirst(l.rover, 0, size); b != 0 {
			return b
		}
		return l.searchFirst(l.head, l.rover, size)
	}
	return l.searchFirst(l.head, 0, size)
}

// searchFirst looks from a block of the list up to another one.
func (l *List) searchFirst(from, to, size int) int {
	for b := from; b != to; b = l.next(b) {
		if l.size(b) >= size {
			return b
		}
	}
	return 0
}

func (l *List) searchBest(size int) int {
	best, bestSize := 0, 0
	for b := l.head; b != 0; b = l.next(b) {
		if s := l.size(b); s >= size && (best == 0 || s < bestSize) {
			if best, bestSize = b, s; s == size {
				break
			}
		}
	}
	return best
}

// largest returns the largest free block, or 0.
func (l *List) largest() int {
	best, bestSize := 0, 0
	for b := l.head; b != 0; b = l.next(b) {
		if s := l.size(b); s > bestSize {
			best, bestSize = b, s
		}
	}
	return best
}

// Free takes back a block and merges it with free neighbours. Nil is ignored. A
// pointer into free memory gives [alloc.ErrDoubleFree], any other that is not the
// start of a live block [alloc.ErrForeign]; both leave the list as it was.
func (l *List) Free(p unsafe.Pointer) error {
	if p == nil {
		return nil
	}
	b := int(uintptr(p)-uintptr(unsafe.Pointer(&l.buf[0]))) - l.base - unit
	if b < unit || b >= l.end || b%unit != 0 {
		return alloc.ErrForeign
	}
	if l.live[b/unit/64]>>(b/unit%64)&1 == 0 {
		return l.explain(b)
	}
	l.live[b/unit/64] &^= 1 << (b / unit % 64)
	size := l.size(b)
	l.stats.Frees++
	l.stats.Blocks--
	l.stats.Live -= int64(size - header)
	if next := b + size; l.at(next+header)&flagUsed == 0 {
		l.removeFree(next)
		size += l.size(next)
	}
	if l.at(b+header)&flagPrevUsed == 0 {
		before := l.at(b) // the size at the end of the block before
		b -= before
		size += before
		l.removeFree(b)
	}
	l.addFree(b, size, l.at(b+header)&flagPrevUsed)
	return nil
}

// explain tells why b is not the start of a live block.
func (l *List) explain(b int) error {
	for block := range l.Walk() {
		if !block.Used && block.Offset <= b && b < block.Offset+block.Size {
			return alloc.ErrDoubleFree
		}
	}
	return alloc.ErrForeign
}

// A Block is what [List.Walk] yields.
type Block struct {
	Offset int // of its header from the aligned start of the buffer, in bytes
	Size   int // its whole size in bytes
	Used   bool
}

// Walk yields all blocks in the order of their addresses. The list must not be
// changed meanwhile.
func (l *List) Walk() iter.Seq[Block] {
	return func(yield func(Block) bool) {
		for b := unit; b < l.end; b += l.size(b) {
			if !yield(Block{b, l.size(b), l.at(b+header)&flagUsed != 0}) {
				return
			}
		}
	}
}

// Stats returns the counters. Live and Free count usable bytes. It takes time in
// proportion to the number of free blocks.
func (l *List) Stats() alloc.Stats {
	s := l.stats
	for b := l.head; b != 0; b = l.next(b) {
		usable := int64(l.size(b) - header)
		s.Free += usable
		s.LargestFree = max(s.LargestFree, usable)
	}
	return s
}

// Map returns what the buffer is used for.
func (l *List) Map() heapmap.Map {
	m := heapmap.Map{Title: "freelist.List"}
	base := uint64(uintptr(unsafe.Pointer(&l.buf[l.base])))
	for block := range l.Walk() {
		r := heapmap.Region{Start: base + uint64(block.Offset), Size: int64(block.Size)}
		if block.Used {
			r.Kind, r.Used = heapmap.Used, r.Size
		}
		m.Regions = append(m.Regions, r)
	}
	return m
}

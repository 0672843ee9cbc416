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
	"fmt"
	"iter"
	"unsafe"

	"github.com/groundwork-go/groundwork/alloc"
	"github.com/groundwork-go/groundwork/alloc/heapmap"
	"github.com/groundwork-go/groundwork/alloc/internal/boundary"
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

// A List manages one buffer. Create it with [New].
type List struct {
	m     boundary.Memory
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
	m, ok := boundary.New(buf)
	if !ok {
		return nil, fmt.Errorf("freelist: a buffer of %d bytes is too small: %w", len(buf), alloc.ErrConfig)
	}
	l := &List{m: m, fit: fit}
	l.live = make([]uint64, l.m.End/boundary.Unit/64+1)
	l.stats.Reserved = int64(len(buf))
	l.addFree(boundary.Unit, l.m.End-boundary.Unit, boundary.PrevUsed)
	return l, nil
}

func (l *List) next(b int) int { return l.m.At(b + boundary.Unit) }
func (l *List) prev(b int) int { return l.m.At(b + boundary.Unit + 8) }

// addFree makes [b, b+size) a free block, first in the list; prev is 0 or
// boundary.PrevUsed.
func (l *List) addFree(b, size, prev int) {
	l.m.SetFree(b, size, prev)
	l.m.Put(b+boundary.Unit, l.head)
	l.m.Put(b+boundary.Unit+8, 0)
	if l.head != 0 {
		l.m.Put(l.head+boundary.Unit+8, b)
	}
	l.head = b
}

func (l *List) removeFree(b int) {
	next, prev := l.next(b), l.prev(b)
	if prev == 0 {
		l.head = next
	} else {
		l.m.Put(prev+boundary.Unit, next)
	}
	if next != 0 {
		l.m.Put(next+boundary.Unit+8, prev)
	}
	if l.rover == b {
		l.rover = next
	}
}

// Alloc returns a block of n bytes, aligned to 16, with undefined content. It
// returns nil if n is not positive or no free block is large enough.
func (l *List) Alloc(n int) unsafe.Pointer {
	if n <= 0 || n > l.m.End-boundary.Header {
		l.stats.Failed++
		return nil
	}
	size := boundary.Fit(n)
	b := l.search(size)
	if b == 0 {
		l.stats.Failed++
		return nil
	}
	l.removeFree(b)
	whole := l.m.Size(b)
	prev, rest := l.m.Prev(b), whole-size >= boundary.MinBlock
	if !rest {
		size = whole
	}
	l.m.SetUsed(b, size, prev, rest)
	if rest {
		l.addFree(b+size, whole-size, boundary.PrevUsed)
		if l.fit == NextFit {
			l.rover = b + size
		}
	}
	l.live[b/boundary.Unit/64] |= 1 << (b / boundary.Unit % 64)
	l.stats.Allocs++
	l.stats.Blocks++
	l.stats.Live += int64(size - boundary.Header)
	return l.m.Pointer(b)
}

// search returns a free block of at least size bytes, or 0.
func (l *List) search(size int) int {
	switch l.fit {
	case BestFit:
		return l.searchBest(size)
	case WorstFit:
		if b := l.largest(); b != 0 && l.m.Size(b) >= size {
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
		if l.m.Size(b) >= size {
			return b
		}
	}
	return 0
}

func (l *List) searchBest(size int) int {
	best, bestSize := 0, 0
	for b := l.head; b != 0; b = l.next(b) {
		if s := l.m.Size(b); s >= size && (best == 0 || s < bestSize) {
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
		if s := l.m.Size(b); s > bestSize {
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
	b, ok := l.m.Offset(p)
	if !ok {
		return alloc.ErrForeign
	}
	if l.live[b/boundary.Unit/64]>>(b/boundary.Unit%64)&1 == 0 {
		return l.explain(b)
	}
	l.live[b/boundary.Unit/64] &^= 1 << (b / boundary.Unit % 64)
	size := l.m.Size(b)
	l.stats.Frees++
	l.stats.Blocks--
	l.stats.Live -= int64(size - boundary.Header)
	if next := b + size; !l.m.IsUsed(next) {
		l.removeFree(next)
		size += l.m.Size(next)
	}
	if l.m.Prev(b) == 0 {
		before := l.m.At(b) // the size at the end of the block before
		b -= before
		size += before
		l.removeFree(b)
	}
	l.addFree(b, size, l.m.Prev(b))
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
type Block = heapmap.Block

// Walk yields all blocks in the order of their addresses. The list must not be
// changed meanwhile.
func (l *List) Walk() iter.Seq[Block] { return l.m.Walk() }

// Stats returns the counters. Live and Free count usable bytes. It takes time in
// proportion to the number of free blocks.
func (l *List) Stats() alloc.Stats {
	s := l.stats
	for b := l.head; b != 0; b = l.next(b) {
		usable := int64(l.m.Size(b) - boundary.Header)
		s.Free += usable
		s.LargestFree = max(s.LargestFree, usable)
	}
	return s
}

// Map returns what the buffer is used for.
func (l *List) Map() heapmap.Map { return l.m.Map("freelist.List") }

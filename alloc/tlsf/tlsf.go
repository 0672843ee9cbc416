// Package tlsf allocates from one given buffer in a bounded number of steps, for
// code that must never wait (Masmano, Ripoll, Crespo and Real, "TLSF: a new dynamic
// memory allocator for real-time systems", ECRTS 2004). Free blocks are in lists by
// size: a first level of powers of two, a second that divides each of these by 32.
// Two levels of bitmaps tell which lists are not empty.
//
//	a, err := tlsf.New(make([]byte, 1<<20))
//	p := a.Alloc(100)
//	...
//	err = a.Free(p)
//
// # Guarantees
//
// Alloc and Free have no loop: they look at two lists, and split or merge at most
// two blocks. Blocks are aligned to 16 bytes and do not overlap. Two free blocks
// are never neighbours. Free finds out every pointer that is not the start of a
// live block. Nothing outside of the buffer is read or written.
//
// # Limits
//
// A block costs 8 bytes besides its size, and at least 32 bytes. A free block that is
// larger than what is asked for by less than a 32nd may not be found. Memory that the
// system has not given yet costs time when it is first touched: write to the buffer
// before time counts. A TLSF is for one goroutine at a time; [alloc.Locked] makes it
// safe for more. Do not keep Go pointers in the blocks.
package tlsf

import (
	"fmt"
	"iter"
	"math/bits"
	"unsafe"

	"github.com/groundwork-go/groundwork/alloc"
	"github.com/groundwork-go/groundwork/alloc/heapmap"
	"github.com/groundwork-go/groundwork/alloc/internal/boundary"
)

const (
	unit = boundary.Unit

	secondBits = 5
	second     = 1 << secondBits
	linear     = second * unit // below it, the lists are for one size each
	linearBits = 9
	firsts     = 64 - linearBits + 1
)

// The states of a unit, two bits each in TLSF.state.
const (
	isLive  = 1 // a block that is allocated starts here
	isFreed = 2 // one that was freed started here, and none since
)

// A TLSF manages one buffer. Create it with [New].
type TLSF struct {
	m      boundary.Memory
	first  uint64 // bit f: second[f] is not 0
	second [firsts]uint32
	heads  [firsts][second]int
	state  []uint64
	steps  int // lists looked at or changed since the start of the call, for tests
	stats  alloc.Stats
}

// New returns a TLSF over buf, which it owns from then on and which may lie on a
// Heap. The error wraps [alloc.ErrConfig] if buf is too small for one block (96 bytes
// suffice).
func New(buf []byte) (*TLSF, error) {
	m, ok := boundary.New(buf)
	if !ok {
		return nil, fmt.Errorf("tlsf: a buffer of %d bytes is too small: %w", len(buf), alloc.ErrConfig)
	}
	a := &TLSF{m: m}
	a.state = make([]uint64, a.m.End/unit/32+1)
	for i := range a.state { // what was only allocated would take its time when first used
		a.state[i] = 0
	}
	a.stats.Reserved = int64(len(buf))
	a.insert(unit, a.m.End-unit, boundary.PrevUsed)
	return a, nil
}

// classOf returns the list of free blocks of a size.
func classOf(size int) (f, s int) {
	if size < linear {
		return 0, size / unit
	}
	top := bits.Len(uint(size)) - 1
	return top - linearBits + 1, size >> (top - secondBits) & (second - 1)
}

// insert makes [b, b+size) a free block; prev is 0 or boundary.PrevUsed.
func (a *TLSF) insert(b, size, prev int) {
	a.steps++
	f, s := classOf(size)
	head := a.heads[f][s]
	a.m.SetFree(b, size, prev)
	a.m.Put(b+unit, head)
	a.m.Put(b+unit+8, 0)
	if head != 0 {
		a.m.Put(head+unit+8, b)
	}
	a.heads[f][s] = b
	a.second[f] |= 1 << s
	a.first |= 1 << f
}

// remove takes a free block out of its list.
func (a *TLSF) remove(b, size int) {
	a.steps++
	next, prev := a.m.At(b+unit), a.m.At(b+unit+8)
	if next != 0 {
		a.m.Put(next+unit+8, prev)
	}
	if prev != 0 {
		a.m.Put(prev+unit, next)
		return
	}
	f, s := classOf(size)
	if a.heads[f][s] = next; next == 0 {
		if a.second[f] &^= 1 << s; a.second[f] == 0 {
			a.first &^= 1 << f
		}
	}
}

// find returns a free block of at least size bytes, or 0.
func (a *TLSF) find(size int) int {
	a.steps++
	f, s := classOf(size)
	if b := a.heads[f][s]; b != 0 && a.m.Size(b) >= size {
		return b
	}
	// All blocks of the later lists are large enough.
	a.steps++
	if have := a.second[f] >> s >> 1; have != 0 {
		return a.heads[f][s+1+bits.TrailingZeros32(have)]
	}
	have := a.first >> f >> 1
	if have == 0 {
		return 0
	}
	f += 1 + bits.TrailingZeros64(have)
	return a.heads[f][bits.TrailingZeros32(a.second[f])]
}

// Alloc returns a block of n bytes, aligned to 16, with undefined content. It
// returns nil if n is not positive or no free block that is large enough is found.
func (a *TLSF) Alloc(n int) unsafe.Pointer {
	a.steps = 0
	if n <= 0 || n > a.m.End-boundary.Header {
		a.stats.Failed++
		return nil
	}
	size := boundary.Fit(n)
	b := a.find(size)
	if b == 0 {
		a.stats.Failed++
		return nil
	}
	whole := a.m.Size(b)
	prev, rest := a.m.Prev(b), whole-size >= boundary.MinBlock
	a.remove(b, whole)
	if !rest {
		size = whole
	}
	a.m.SetUsed(b, size, prev, rest)
	if rest {
		a.insert(b+size, whole-size, boundary.PrevUsed)
	}
	a.setState(b, isLive)
	a.stats.Allocs++
	a.stats.Blocks++
	a.stats.Live += int64(size - boundary.Header)
	return a.m.Pointer(b)
}

func (a *TLSF) setState(b int, state uint64) {
	u := b / unit
	w := &a.state[u/32]
	*w = *w&^(3<<(u%32*2)) | state<<(u%32*2)
}

func (a *TLSF) stateOf(b int) uint64 { return a.state[b/unit/32] >> (b / unit % 32 * 2) & 3 }

// Free takes back a block and merges it with free neighbours. Nil is ignored. The
// start of a block that was freed and not handed out again gives
// [alloc.ErrDoubleFree], any other pointer that is not the start of a live block
// [alloc.ErrForeign]; both leave everything as it was.
func (a *TLSF) Free(p unsafe.Pointer) error {
	a.steps = 0
	if p == nil {
		return nil
	}
	b, ok := a.m.Offset(p)
	if !ok {
		return alloc.ErrForeign
	}
	switch a.stateOf(b) {
	case isLive:
	case isFreed:
		return alloc.ErrDoubleFree
	default:
		return alloc.ErrForeign
	}
	a.setState(b, isFreed)
	size := a.m.Size(b)
	a.stats.Frees++
	a.stats.Blocks--
	a.stats.Live -= int64(size - boundary.Header)
	if next := b + size; !a.m.IsUsed(next) {
		more := a.m.Size(next)
		a.remove(next, more)
		size += more
	}
	if a.m.Prev(b) == 0 {
		before := a.m.At(b) // the size at the end of the block before
		b -= before
		size += before
		a.remove(b, before)
	}
	a.insert(b, size, a.m.Prev(b))
	return nil
}

// A Block is what [TLSF.Walk] yields.
type Block = heapmap.Block

// Walk yields all blocks in the order of their addresses. The TLSF must not be
// changed meanwhile.
func (a *TLSF) Walk() iter.Seq[Block] { return a.m.Walk() }

// Stats returns the counters. Live and Free count usable bytes. It takes time in
// proportion to the number of free blocks.
func (a *TLSF) Stats() alloc.Stats {
	st := a.stats
	for f := range a.heads {
		for _, b := range a.heads[f] {
			for ; b != 0; b = a.m.At(b + unit) {
				usable := int64(a.m.Size(b) - boundary.Header)
				st.Free += usable
				st.LargestFree = max(st.LargestFree, usable)
			}
		}
	}
	return st
}

// Map returns what the buffer is used for.
func (a *TLSF) Map() heapmap.Map { return a.m.Map("tlsf.TLSF") }

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
	"encoding/binary"
	"fmt"
	"iter"
	"math/bits"
	"unsafe"

	"github.com/groundwork-go/groundwork/alloc"
	"github.com/groundwork-go/groundwork/alloc/heapmap"
)

// The layout of a block at offset b, a multiple of 16 from the aligned base:
//
//	b+8     size of the block, or flags
//	b+16    payload up to b+size+8; a free block keeps in its first 16 bytes the
//	        offsets of the next and the previous block of its list
//	b+size  the last 8 bytes of the payload; a free block repeats its size there,
//	        so that the block behind it finds its start
//
// Offset 0 is not a block, so that 0 can mean none in a list.
const (
	unit     = 16
	header   = 8
	minBlock = 2 * unit

	flagUsed     = 1 // the block is allocated
	flagPrevUsed = 2 // the block before it is, so there is no size at its end
	flags        = unit - 1

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
	buf    []byte
	base   int    // index in buf of offset 0
	end    int    // offset behind the last block
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
	a := &TLSF{buf: buf}
	if len(buf) > 0 {
		a.base = int(-uintptr(unsafe.Pointer(&buf[0])) & (unit - 1))
	}
	// The last header half of a unit is the end mark, a used block of size 0.
	a.end = (len(buf) - a.base - unit) &^ (unit - 1)
	if a.end < unit+minBlock {
		return nil, fmt.Errorf("tlsf: a buffer of %d bytes is too small: %w", len(buf), alloc.ErrConfig)
	}
	a.state = make([]uint64, a.end/unit/32+1)
	for i := range a.state { // what was only allocated would take its time when first used
		a.state[i] = 0
	}
	a.stats.Reserved = int64(len(buf))
	a.put(a.end+header, flagUsed|flagPrevUsed)
	a.insert(unit, a.end-unit, flagPrevUsed)
	return a, nil
}

func (a *TLSF) at(off int) int { return int(binary.NativeEndian.Uint64(a.buf[a.base+off:])) }

func (a *TLSF) put(off, v int) { binary.NativeEndian.PutUint64(a.buf[a.base+off:], uint64(v)) }

func (a *TLSF) size(b int) int { return a.at(b+header) &^ flags }

// classOf returns the list of free blocks of a size.
func classOf(size int) (f, s int) {
	if size < linear {
		return 0, size / unit
	}
	top := bits.Len(uint(size)) - 1
	return top - linearBits + 1, size >> (top - secondBits) & (second - 1)
}

// insert makes [b, b+size) a free block; prevUsed is 0 or flagPrevUsed.
func (a *TLSF) insert(b, size, prevUsed int) {
	a.steps++
	f, s := classOf(size)
	head := a.heads[f][s]
	a.put(b+header, size|prevUsed)
	a.put(b+size, size)
	a.put(b+size+header, a.at(b+size+header)&^flagPrevUsed)
	a.put(b+unit, head)
	a.put(b+unit+8, 0)
	if head != 0 {
		a.put(head+unit+8, b)
	}
	a.heads[f][s] = b
	a.second[f] |= 1 << s
	a.first |= 1 << f
}

// remove takes a free block out of its list.
func (a *TLSF) remove(b, size int) {
	a.steps++
	next, prev := a.at(b+unit), a.at(b+unit+8)
	if next != 0 {
		a.put(next+unit+8, prev)
	}
	if prev != 0 {
		a.put(prev+unit, next)
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
	if b := a.heads[f][s]; b != 0 && a.size(b) >= size {
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
	if n <= 0 || n > a.end-header {
		a.stats.Failed++
		return nil
	}
	size := max((n+header+unit-1)&^(unit-1), minBlock)
	b := a.find(size)
	if b == 0 {
		a.stats.Failed++
		return nil
	}
	whole := a.size(b)
	prevUsed := a.at(b+header) & flagPrevUsed
	a.remove(b, whole)
	if whole-size >= minBlock {
		a.put(b+header, size|flagUsed|prevUsed)
		a.insert(b+size, whole-size, flagPrevUsed)
	} else {
		size = whole
		a.put(b+header, size|flagUsed|prevUsed)
		a.put(b+size+header, a.at(b+size+header)|flagPrevUsed)
	}
	a.setState(b, isLive)
	a.stats.Allocs++
	a.stats.Blocks++
	a.stats.Live += int64(size - header)
	return unsafe.Pointer(&a.buf[a.base+b+unit])
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
	b := int(uintptr(p)-uintptr(unsafe.Pointer(&a.buf[0]))) - a.base - unit
	if b < unit || b >= a.end || b%unit != 0 {
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
	size := a.size(b)
	a.stats.Frees++
	a.stats.Blocks--
	a.stats.Live -= int64(size - header)
	if next := b + size; a.at(next+header)&flagUsed == 0 {
		more := a.size(next)
		a.remove(next, more)
		size += more
	}
	if a.at(b+header)&flagPrevUsed == 0 {
		before := a.at(b) // the size at the end of the block before
		b -= before
		size += before
		a.remove(b, before)
	}
	a.insert(b, size, a.at(b+header)&flagPrevUsed)
	return nil
}

// A Block is what [TLSF.Walk] yields.
type Block struct {
	Offset int // of its header from the aligned start of the buffer, in bytes
	Size   int // its whole size in bytes
	Used   bool
}

// Walk yields all blocks in the order of their addresses. The TLSF must not be
// changed meanwhile.
func (a *TLSF) Walk() iter.Seq[Block] {
	return func(yield func(Block) bool) {
		for b := unit; b < a.end; b += a.size(b) {
			if !yield(Block{b, a.size(b), a.at(b+header)&flagUsed != 0}) {
				return
			}
		}
	}
}

// Stats returns the counters. Live and Free count usable bytes. It takes time in
// proportion to the number of free blocks.
func (a *TLSF) Stats() alloc.Stats {
	st := a.stats
	for f := range a.heads {
		for _, b := range a.heads[f] {
			for ; b != 0; b = a.at(b + unit) {
				usable := int64(a.size(b) - header)
				st.Free += usable
				st.LargestFree = max(st.LargestFree, usable)
			}
		}
	}
	return st
}

// Map returns what the buffer is used for.
func (a *TLSF) Map() heapmap.Map {
	m := heapmap.Map{Title: "tlsf.TLSF"}
	base := uint64(uintptr(unsafe.Pointer(&a.buf[a.base])))
	for block := range a.Walk() {
		r := heapmap.Region{Start: base + uint64(block.Offset), Size: int64(block.Size)}
		if block.Used {
			r.Kind, r.Used = heapmap.Used, r.Size
		}
		m.Regions = append(m.Regions, r)
	}
	return m
}

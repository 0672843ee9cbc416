package engine

import (
	"math/bits"
	"sync/atomic"
	"unsafe"
)

// The layout of memory. A segment is segmentSize bytes at a multiple of
// segmentSize, made of 64 slices; a page is a run of slices that holds blocks of
// one class. The first slices of a segment hold the headers of its pages, so that
// a block's address masked leads to its page's header.
const (
	sliceShift   = 14
	sliceSize    = 1 << sliceShift
	numSlices    = 64
	segmentShift = sliceShift + 6
	segmentSize  = 1 << segmentShift

	// maxBlocks bounds the blocks of a page: it has two bits for each.
	maxBlocks = maxWords * 64
	maxWords  = 16

	lineSize  = 1 << lineShift // of the processor's cache, in bytes
	lineShift = 6

	// The headers of a segment. First is the header of no page, which free slices have:
	// its owner is 0 and its size is 0. Then, in the place of another, the segmentHeader;
	// then the small headers, of which those that are used fit into one system page, and
	// the large ones, of pages with more blocks. Whether a header is small or large
	// never changes.
	smallWords   = 2
	smallLines   = 4            // the last one is empty: see page
	freedSmall   = 2 * lineSize // where freed is in a small header
	largeLines   = 8
	headerOffset = smallLines << lineShift // of the segmentHeader
	firstSmall   = 2 * smallLines
	firstLarge   = firstSmall + numSlices*smallLines
	headerSlices = ((firstLarge+numSlices*largeLines)<<lineShift + sliceSize - 1) / sliceSize

	addrBits = 32 + 16*int(^uintptr(0)>>63)
)

// segmentHeader is at headerOffset in each segment.
type segmentHeader struct {
	lines [numSlices]uint16 // by slice: where its page's header is, in lines; 0: of no page
	id    uint32            // in pageHeap.segments
}

// page is the header of a page. It lies outside of Go's heap: the pointers in it
// only ever lead to other headers. Blocks have no part in the bookkeeping: a bit in
// local or remote tells that a block is free. So a free block is not touched by who
// frees it, who may be on another processor than who allocates it next, and freeing
// it again is noticed whatever was written to it.
//
// A page is in one of five states:
//   - owned: by one local, which alone allocates from it and puts frees into local;
//     all others put them into remote;
//   - full: owned by nobody, in no list, state is fullMark. Who frees a block first
//     becomes the owner, unless it puts the block into its stash;
//   - shared: in the central list of its class, state is sharedMark;
//   - spare: without blocks, in another list of its class, state is spareMark;
//   - in hand: between two of these, held by one goroutine; others free into remote.
//
// Its parts begin a line each, since they are written by different processors; the
// third one, freed, comes behind as many words of local as the page needs. Processors
// fetch lines in pairs, so that freed has no line in a pair with another part, or with
// another page's.
type page struct {
	place
	_ [(lineSize - unsafe.Sizeof(place{})%lineSize) % lineSize]byte
	held
	_ [(lineSize - unsafe.Sizeof(held{})%lineSize) % lineSize]byte
}

// place is what who frees a block reads, on whatever processor: it seldom changes.
type place struct {
	start   uintptr
	recip   uint64 // 2^64/size, rounded up
	owner   atomic.Uint32
	size    uint32
	fresh   uint32 // blocks that were ever free to be handed out, the first ones
	blocks  uint16
	freedAt uint16 // where freed is, in bytes
	class   uint8
	slices  uint8
	index   uint8  // of the first slice
	adopted uint8  // its place in a ring of its owner
	since   uint64 // what allocs was when the page got its owner
	next    *page
	prev    *page
}

// held is the holder's. What its calls need, some of place once more among it, is in
// one line, the words of the first 128 blocks included.
type held struct {
	base   uintptr // the address of block 0
	first  uintptr // the address of the first block of word cur
	allocs uint64  // ever
	// full is what a word of local is like when all its blocks are free, so that the
	// whole page may be; 0 on an owned page that is to be kept even then.
	full uint64
	each uint32 // the size of a block
	// inv is 2^32/each, rounded up: what recip is, with so few bits that one
	// multiplication gives quotient and rest. That is right below limit, for the sizes of
	// the classes and of their pages.
	inv   uint32
	limit uint32           // fresh*each
	cur   uint32           // the word of local to allocate from
	local [maxWords]uint64 // by block below fresh: it is free
}

// freed is written by those who free a block and do not hold the page.
type freed struct {
	state atomic.Uint64 // a mark, or 0
	live  uint32        // of a shared page: its allocated blocks when it became that; guarded by its list

	// See thin.go: what allocs was at the last tick, which of the first 64 blocks were
	// free then, and which of these have no memory. Guarded by the list of shared pages.
	thinAllocs, thinFree, thinned uint64

	remote [maxWords]atomic.Uint64 // by block: it is free, the holder does not know yet
	_      [(lineSize - (40+maxWords*8)%lineSize) % lineSize]byte
}

// freed returns the part of the header that others than the holder write.
func (p *page) freed() *freed {
	return (*freed)(unsafe.Add(unsafe.Pointer(p), p.freedAt))
}

const (
	fullMark   = 1 << 63
	sharedMark = 1 << 62
	bigMark    = 1 << 61 // on pages that are one block, to keep them from fast paths
	spareMark  = 1 << 60
)

// words returns the number of words of local that have blocks.
func (p *page) words() uint32 { return (atomic.LoadUint32(&p.fresh) + 63) / 64 }

// below has the bits of word w whose blocks are below fresh. Others may be set in
// remote, by frees of what was never handed out.
//
//go:norace
func (p *page) below(w uint32) uint64 {
	if w < p.fresh/64 {
		return ^uint64(0)
	}
	return 1<<(p.fresh%64) - 1
}

// pageOf returns the header of the page that the address is in. The address must
// be in a segment. That of a free slice gives the header of no page.
func pageOf(u uintptr) *page {
	base := u &^ (segmentSize - 1)
	line := (*segmentHeader)(at(base + headerOffset)).lines[u>>sliceShift&(numSlices-1)]
	return (*page)(at(base + uintptr(line)<<lineShift))
}

// line returns where the header is in its segment, in lines.
func (p *page) line() uint16 {
	return uint16(uintptr(unsafe.Pointer(p)) & (segmentSize - 1) >> lineShift)
}

func (p *page) segment() *segmentHeader {
	return (*segmentHeader)(at(uintptr(unsafe.Pointer(p))&^(segmentSize-1) + headerOffset))
}

// blockAt returns the number of the block that starts at u, and whether there is
// one. (Lemire, Kaser and Kurz, "Faster remainder by direct computation", 2019: n is
// a multiple of d if n*ceil(2^64/d) modulo 2^64 is below ceil(2^64/d); what is above
// is the quotient.)
func (p *page) blockAt(u uintptr) (uint64, bool) {
	i, rest := bits.Mul64(uint64(u-p.start), p.recip)
	return i, rest < p.recip && i < uint64(p.blocks)
}

// word returns word w of local, without looking whether there is one.
func (p *page) word(w uint64) *uint64 {
	return (*uint64)(unsafe.Add(unsafe.Pointer(p), unsafe.Offsetof(p.local)+uintptr(w)*8))
}

// check returns the number of the block at u, or why it cannot be freed. Whether it
// is free is seen by push or by who holds the page.
func (p *page) check(u uintptr) (uint64, error) {
	if p.size == 0 {
		return 0, ErrDoubleFree // a free slice: the page of u is gone
	}
	i, ok := p.blockAt(u)
	if !ok {
		return 0, ErrForeign
	}
	return i, nil
}

// isFree tells whether block i is free or never was handed out. The holder may be
// changing that meanwhile.
//
//go:nosplit
//go:norace
func (p *page) isFree(i uint64) bool {
	w := i / 64 & (maxWords - 1)
	return i >= uint64(p.fresh) || (p.local[w]|p.freed().remote[w].Load())>>(i%64)&1 != 0
}

// put frees block i. Only for who holds the page.
func (p *page) put(i uint64) error {
	if i >= uint64(p.fresh) {
		return ErrForeign
	}
	if p.isFree(i) {
		return ErrDoubleFree
	}
	p.local[i/64&(maxWords-1)] |= 1 << (i % 64)
	return nil
}

// push frees block i of a page that another holds, or nobody. It returns false if
// the block is free already.
//
// The first thing it does to the word is to try and change it: to read it first would
// make its line travel twice where another processor had it, once to be read and once
// more to be written.
//
//go:nosplit
func (p *page) push(i uint64) bool {
	w, bit := &p.freed().remote[i/64&(maxWords-1)], uint64(1)<<(i%64)
	for old := uint64(0); !w.CompareAndSwap(old, old|bit); {
		if old = w.Load(); old&bit != 0 {
			return false
		}
	}
	return true
}

// takeFull makes a full page one in hand and tells whether this goroutine did.
func (p *page) takeFull() bool {
	return p.freed().state.CompareAndSwap(fullMark, 0)
}

// leaveFull makes a page in hand without free blocks a full one. It returns true if
// a block was freed meanwhile, and the page is still in hand.
func (p *page) leaveFull() bool {
	p.freed().state.Store(fullMark)
	return p.hasRemote() && p.takeFull()
}

func (p *page) hasRemote() bool {
	for w := range p.words() {
		if p.freed().remote[w&(maxWords-1)].Load() != 0 {
			return true
		}
	}
	return false
}

// pop takes a block of the page, which has one in the word at cur.
func (p *page) pop() uintptr {
	word := &p.local[p.cur&(maxWords-1)]
	w := *word
	*word = w & (w - 1)
	p.allocs++
	return p.first + uintptr(bits.TrailingZeros64(w))*uintptr(p.each)
}

// setCur makes c the word to allocate from.
func (p *page) setCur(c uint32) {
	p.cur = c
	p.first = p.start + uintptr(c)*64*uintptr(p.size)
}

// refill makes sure that there is a free block in the word at cur, if there is any.
func (p *page) refill() bool { return p.seek() || p.collect() && p.seek() || p.carve() }

// hasFree tells whether the page has a block that is free or was never handed out.
// Only for who holds the page.
func (p *page) hasFree() bool { return p.seek() || p.collect() || p.fresh < uint32(p.blocks) }

// seek moves cur to the next word that has a free block, around.
func (p *page) seek() bool {
	n := p.words()
	for i, c := uint32(0), p.cur; i < n; i++ {
		if p.local[c&(maxWords-1)] != 0 {
			p.setCur(c)
			return true
		}
		if c++; c == n {
			c = 0
		}
	}
	return false
}

// collect takes over what is in remote. It returns whether there was something.
// Only for who holds the page.
func (p *page) collect() bool {
	found := uint64(0)
	for w := range p.words() {
		r := &p.freed().remote[w&(maxWords-1)]
		if r.Load() == 0 {
			continue
		}
		freed := r.Swap(0) & p.below(w)
		p.local[w&(maxWords-1)] |= freed
		found |= freed
	}
	return found != 0
}

// remotes returns the number of bits in remote. Of a shared page these are the blocks
// that were freed since it became one.
func (p *page) remotes() uint32 {
	n := 0
	for w := range p.words() {
		n += bits.OnesCount64(p.freed().remote[w&(maxWords-1)].Load())
	}
	return uint32(n)
}

// carve makes the next blocks that were never handed out free: a system page full
// of them, or a few, so that memory is first touched when it is needed.
func (p *page) carve() bool {
	n := min(max(carveSize/p.size, 4), uint32(p.blocks)-p.fresh)
	if n == 0 {
		return false
	}
	p.setCur(p.fresh / 64)
	for i, end := p.fresh, p.fresh+n; i < end; {
		w := i / 64 & (maxWords - 1)
		k := min(64-i%64, end-i)
		m := ^uint64(0) >> (64 - k) << (i % 64)
		p.local[w] |= m
		if r := &p.freed().remote[w]; r.Load()&m != 0 {
			r.And(^m)
		}
		i += k
	}
	atomic.StoreUint32(&p.fresh, p.fresh+n)
	p.limit = p.fresh * p.size
	if p.full != 0 {
		p.full = p.fullWord()
	}
	return true
}

// fullWord returns what full is on a page that need not be kept. Where the last word
// has fewer blocks than the others, that word does not count.
func (p *page) fullWord() uint64 {
	if p.fresh < 64 {
		return 1<<p.fresh - 1
	}
	return ^uint64(0)
}

// wordIsEmpty tells whether none of the blocks that have a word with block i is
// allocated, when nobody else allocates on the page meanwhile.
//
//go:nosplit
//go:norace
func (p *page) wordIsEmpty(i uint64) bool {
	w := i / 64 & (maxWords - 1)
	return ^(p.local[w]|p.freed().remote[w].Load())&p.below(uint32(w)) == 0
}

// isEmpty tells whether no block is allocated, when nobody else allocates on the page
// meanwhile.
//
//go:nosplit
//go:norace
func (p *page) isEmpty() bool {
	for w := range p.words() {
		if ^(p.local[w&(maxWords-1)]|p.freed().remote[w&(maxWords-1)].Load())&p.below(w) != 0 {
			return false
		}
	}
	return true
}

const carveSize = 4 << 10

// unused returns the number of blocks that are free, of those below fresh, when
// nobody else allocates on the page meanwhile.
//
//go:norace
func (p *page) unused() uint32 {
	n := 0
	for w := range p.words() {
		n += bits.OnesCount64((p.local[w&(maxWords-1)] | p.freed().remote[w&(maxWords-1)].Load()) & p.below(w))
	}
	return uint32(n)
}

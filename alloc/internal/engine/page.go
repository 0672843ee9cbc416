package engine

import (
	"sync/atomic"
	"unsafe"
)

// The layout of memory. A segment is segmentSize bytes at a multiple of
// segmentSize, made of 64 slices; a page is a run of slices that holds blocks of
// one class. The first slice of a segment holds the headers of its pages, so that
// a block's address masked gives its page's header.
const (
	sliceSize    = 1 << sliceShift
	numSlices    = 64
	segmentShift = sliceShift + 6
	segmentSize  = 1 << segmentShift

	pageStride = 128
	addrBits   = 32 + 16*int(^uintptr(0)>>63)
)

// segmentHeader is at the front of a segment, one pageStride long; the pages'
// headers follow.
type segmentHeader struct {
	first [numSlices]uint8 // by slice: the first slice of its page, or 0 if it is free
	id    uint32           // in pageHeap.segments
}

// page is the header of a page. It lies outside of Go's heap: the pointers in it
// only ever lead to other headers.
//
// A page is in one of four states:
//   - owned: by one local, which alone allocates from it and puts frees on its
//     list; all others push onto remote;
//   - full: owned by nobody, in no list, remote is fullMark. Who frees a block
//     first becomes the owner;
//   - shared: in the central list of its class, remote has sharedMark;
//   - in hand: between two of these, held by one goroutine; others push onto remote.
type page struct {
	free  uintptr // first of the free blocks, which are linked through their first words
	start uintptr
	// count has the number of allocated blocks, those on remote included, in its
	// low bits and above them the number of allocations ever. On an owned page that
	// is to be kept even when it is empty, keepMark is set between them.
	count uint64
	recip uint64 // 2^64/size, rounded up
	fresh uint32 // offset of the first block that was never handed out; written by the holder, read by all
	size  uint32
	end   uint32 // offset behind the last block
	owner atomic.Uint32

	// remote is on a cache line of its own: it is what other processors write.
	remote atomic.Uint64
	next   *page
	prev   *page
	live   atomic.Uint32 // of a shared page: its allocated blocks, those on remote included
	class  uint8
	slices uint8
	index  uint8 // of the first slice
}

const (
	keepMark = 1 << 15
	liveMask = keepMark - 1
	ever     = 1 << 16 // one allocation
)

// liveBlocks returns the number of allocated blocks, those on remote included.
func (p *page) liveBlocks() uint32 { return uint32(p.count & liveMask) }

// The remote word: flags, the place of the first block of the list, and the
// number of blocks. One word, so that one compare-and-swap does a remote free. The
// owner takes all at once, so a block that went and came back does no harm.
const (
	fullMark   = 1 << 63
	sharedMark = 1 << 62
	countBits  = 32
	countMask  = 1<<countBits - 1
	headMask   = 1<<24 - 1 // offset/quantum+1, or 0
)

// link is the first word of a free block: the address of the next one.
func link(u uintptr) *uintptr { return (*uintptr)(at(u)) }

// mark is the second half of a free block. It holds a value that depends on the
// address, so that freeing a block twice is noticed; taking the block clears it.
func mark(u uintptr) *uint64 { return (*uint64)(at(u + quantum/2)) }

func freeMark(u uintptr) uint64 { return ^uint64(u) }

// pageOf returns the header of the page that the address is in. The address must
// be in a segment. That of a free slice gives the header of no page, whose
// owner is 0 and whose size is 0.
func pageOf(u uintptr) *page {
	base := u &^ (segmentSize - 1)
	first := *(*uint8)(at(base + u>>sliceShift&(numSlices-1)))
	return (*page)(at(base + pageStride + uintptr(first)*pageStride))
}

func (p *page) segment() *segmentHeader {
	return (*segmentHeader)(at(uintptr(unsafe.Pointer(p)) &^ (segmentSize - 1)))
}

// isBlock tells whether u is the start of a block that was handed out some time.
// (Lemire, Kaser and Kurz, "Faster remainder by direct computation", 2019: n is a
// multiple of d if n*ceil(2^64/d) modulo 2^64 is below ceil(2^64/d).)
func (p *page) isBlock(u uintptr) bool {
	off := uint64(u - p.start)
	return off < uint64(atomic.LoadUint32(&p.fresh)) && off*p.recip < p.recip
}

// push puts block u, freed by another than the owner, on the remote list. It
// returns the word that it replaced, which is fullMark if the page was full:
// nothing is pushed then and the caller owns the page.
func (p *page) push(u uintptr) uint64 {
	*mark(u) = freeMark(u)
	head := uint64(u-p.start)/quantum + 1
	for {
		w := p.remote.Load()
		if w == fullMark {
			if p.remote.CompareAndSwap(w, 0) {
				return w
			}
			continue
		}
		*link(u) = p.head(w)
		if p.remote.CompareAndSwap(w, w&sharedMark|head<<countBits|(w&countMask+1)) {
			return w
		}
	}
}

// head returns the first block of the list in w, or 0.
func (p *page) head(w uint64) uintptr {
	h := uintptr(w >> countBits & headMask)
	if h == 0 {
		return 0
	}
	return p.start + (h-1)*quantum
}

// collect takes the remote list over as the page's free list, which must be
// empty. It returns whether there was something. Only for who holds the page.
func (p *page) collect() bool {
	if p.remote.Load()&countMask == 0 {
		return false
	}
	w := p.remote.Swap(0)
	p.free = p.head(w)
	p.count -= w & countMask
	return true
}

// carve puts the next blocks that were never handed out on the free list: a
// system page full of them, so that memory is first touched when it is needed.
func (p *page) carve() bool {
	if p.fresh == p.end {
		return false
	}
	n := min(max(carveSize, p.size), p.end-p.fresh)
	n -= n % p.size
	first := p.start + uintptr(p.fresh)
	last := first + uintptr(n) - uintptr(p.size)
	for u := first; u < last; u += uintptr(p.size) {
		*link(u) = u + uintptr(p.size)
		*mark(u) = freeMark(u)
	}
	*link(last) = p.free
	*mark(last) = freeMark(last)
	p.free = first
	atomic.StoreUint32(&p.fresh, p.fresh+n)
	return true
}

const carveSize = 4 << 10

// isFree tells whether block u is on one of the page's lists, given that its mark
// says so. It only reads, so that a wrong guess does no harm; the answer is right
// when nobody else frees or allocates on the page meanwhile.
func (p *page) isFree(u uintptr) bool {
	for _, b := range [2]uintptr{p.free, p.head(p.remote.Load())} {
		for range p.end / p.size {
			if b == u {
				return true
			}
			if b-p.start >= uintptr(p.end) || (b-p.start)%quantum != 0 {
				break
			}
			b = *link(b)
		}
	}
	return false
}

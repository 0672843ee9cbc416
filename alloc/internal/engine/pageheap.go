package engine

import (
	"fmt"
	"math"
	"math/bits"
	"sync/atomic"
	"unsafe"

	"github.com/groundwork-go/groundwork/alloc/internal/sysmem"
)

// pageHeap hands out runs of slices. Free neighbours need no merging: what is
// free of a segment is a word of bits.
type pageHeap struct {
	segments []*segment // by id; nil where one was unmapped
	free     bins       // by free slices
	warm     bins       // by free slices that have memory

	mapped int         // segments
	few    atomic.Bool // mapped is no more than fewSegments; read without Engine.mu

	slices [NumClasses]uint8 // of a page of each class; see spanSlices

	known       bitmap
	knownRegion sysmem.Region

	reserved int64 // bytes of slices in use or dirty, and of large blocks
	dirty    int   // free slices that have memory
}

// segment describes segmentSize bytes. Bit i stands for slice i.
type segment struct {
	region sysmem.Region
	used   uint64
	dirty  uint64 // touched since the system gave it or took it back
	old    uint64 // was free and dirty at the last tick
	id     uint32

	// Which headers are in use, small and large ones: the first ones are, so that the
	// others take no memory.
	small, large uint64

	in [2]binLinks // of pageHeap.free and pageHeap.warm
}

func (h *pageHeap) init(known sysmem.Region) {
	for c := range h.slices {
		h.slices[c] = uint8(spanSlices(c))
	}
	h.knownRegion = known
	h.count(0)
	h.warm.kind = 1
	h.known = unsafe.Slice((*uint64)(unsafe.Pointer(&known.Mem[0])), len(known.Mem)/8)
}

// count notes that there are n more segments.
func (h *pageHeap) count(n int) {
	h.mapped += n
	h.few.Store(h.mapped <= fewSegments)
}

func (s *segment) header() *segmentHeader {
	return (*segmentHeader)(unsafe.Pointer(&s.region.Mem[headerOffset]))
}

// page returns the header of the page that slice i is in.
func (s *segment) page(i int) *page {
	return (*page)(unsafe.Pointer(&s.region.Mem[int(s.header().lines[i])<<lineShift]))
}

// headerMask has the slices of a segment's headers.
const headerMask = 1<<headerSlices - 1

// rebin puts s where its longest runs say.
func (h *pageHeap) rebin(s *segment) {
	h.free.place(s, longestRun(^s.used))
	h.warm.place(s, longestRun(s.dirty&^s.used))
}

// isPage tells whether pg is the header of a page that is in use. It is safe for
// any address.
func (h *pageHeap) isPage(pg *page) bool {
	u := uintptr(unsafe.Pointer(pg))
	return h.known.has(u) && pg.size != 0 && pg.segment().lines[pg.index] == pg.line()
}

// find returns a segment with n free slices in a row, preferably such that have memory, or
// nil.
func (h *pageHeap) find(n int) *segment {
	if s := h.warm.find(n); s != nil {
		return s
	}
	return h.free.find(n)
}

// span finds n free slices and marks them used, for a page of so many blocks. It prefers
// those that have memory already, and the segment in which they fit most closely.
func (e *Engine) span(n, blocks int) *page {
	h := &e.pages
	s := h.find(n)
	if s == nil && e.releaseSpares() {
		s = h.find(n)
	}
	if s == nil {
		if !e.addSegment() {
			return nil
		}
		s = h.free.find(n)
	}
	starts := runs(^s.used, n)
	if warm := runs(s.dirty&^s.used, n); warm != 0 {
		starts = warm
	}
	i := bits.TrailingZeros64(starts)
	m := mask(i, n)
	cold := bits.OnesCount64(m &^ s.dirty)
	s.used |= m // room must not take what is warm of it
	if !e.room(int64(cold) * sliceSize) {
		s.used &^= m
		h.rebin(s)
		return nil
	}
	h.reserved += int64(cold) * sliceSize
	h.dirty -= n - cold
	h.rebin(s)
	return s.newPage(i, n, blocks)
}

// room makes sure that n more bytes may be taken from the system, if need be by
// giving back what is free.
func (e *Engine) room(n int64) bool {
	if n > e.config.Limit-e.pages.reserved {
		e.releaseSpares()
		for _, s := range e.pages.segments {
			if s != nil {
				e.pages.purge(s, s.dirty&^s.used)
			}
		}
	}
	return n <= e.config.Limit-e.pages.reserved
}

// newPage makes a page header for slices i to i+n, for a page of so many blocks, whose
// size is not known as yet. Its atomic fields may still be looked at by who freed the last block of the page before.
func (s *segment) newPage(i, n, blocks int) *page {
	line, words := 0, (blocks+63)/64
	if words <= smallWords {
		k := bits.TrailingZeros64(^s.small)
		s.small |= 1 << k
		line = firstSmall + k*smallLines
	} else {
		k := bits.TrailingZeros64(^s.large)
		s.large |= 1 << k
		line = firstLarge + k*largeLines
	}
	for j := i; j < i+n; j++ {
		s.header().lines[j] = uint16(line)
	}
	pg := s.page(i)
	pg.start = s.region.Base() + uintptr(i)*sliceSize
	pg.base, pg.limit = pg.start, 0
	pg.slices, pg.index = uint8(n), uint8(i)
	pg.allocs, pg.full, pg.since = 0, 0, 0
	pg.setCur(0)
	pg.prev, pg.next = nil, nil
	pg.blocks, pg.freedAt = uint16(blocks), freedSmall
	if words > smallWords {
		pg.freedAt = uint16(unsafe.Sizeof(page{}))
	}
	f := pg.freed()
	f.thinAllocs, f.thinFree, f.thinned = 0, 0, 0
	clear(pg.local[:pg.words()])
	atomic.StoreUint32(&pg.fresh, 0)
	f.state.Store(0)
	return pg
}

// setBlocks makes the page one of blocks of size bytes.
func (p *page) setBlocks(class uint, size int) {
	p.class, p.size = uint8(class), uint32(size)
	p.recip = math.MaxUint64/uint64(size) + 1
	p.each, p.inv = p.size, math.MaxUint32/p.size+1
}

// newPage returns an empty page of a class, in hand, or nil.
func (e *Engine) newPage(c uint) *page {
	n, size := int(e.pages.slices[c]), ClassSize(int(c))
	pg := e.span(n, min(n*sliceSize/size, maxBlocks))
	if pg != nil {
		pg.setBlocks(c, size)
	}
	return pg
}

// addSegment maps a segment, or as many as there are in a huge page.
func (e *Engine) addSegment() bool {
	h := &e.pages
	size := segmentSize
	if e.config.Huge {
		size = max(size, sysmem.HugeSize)
	}
	if !e.room(int64(size/segmentSize*headerSlices+1) * sliceSize) {
		return false
	}
	r, err := e.config.Map(size, size)
	if err != nil {
		return false // the contract of Alloc has no room for the system's reason
	}
	if r.Base()>>segmentShift >= uintptr(len(h.known))*64 {
		_ = r.Unmap() // memory at an address beyond those that were thought of is of no use
		return false
	}
	if e.config.Huge {
		sysmem.AdviseHuge(r.Mem)
	}
	for _, part := range r.Split(segmentSize) {
		h.add(part)
	}
	return true
}

// add makes a segment of a region.
func (h *pageHeap) add(r sysmem.Region) {
	base := r.Base()
	s := &segment{region: r, used: headerMask, dirty: headerMask, id: uint32(len(h.segments))}
	for id, old := range h.segments {
		if old == nil {
			s.id = uint32(id)
			break
		}
	}
	if int(s.id) == len(h.segments) {
		h.segments = append(h.segments, nil)
	}
	h.segments[s.id] = s
	h.count(1)
	s.header().id = s.id
	h.reserved += int64(headerSlices) * sliceSize
	h.rebin(s)
	atomic.OrUint64(&h.known[base>>knownShift], 1<<(base>>segmentShift&63))
}

// releaseLocked gives the slices of a page without blocks back to the page heap.
func (e *Engine) releaseLocked(pg *page) {
	h := &e.pages
	pg.collect()
	e.retired[pg.class] += pg.allocs

	hd := pg.segment()
	s := h.segments[hd.id]
	i, n := int(pg.index), int(pg.slices)
	touched := n
	if pg.class != classBig {
		touched = (int(pg.fresh*pg.size) + sliceSize - 1) / sliceSize
	}
	for j := i; j < i+n; j++ {
		hd.lines[j] = 0
	}
	pg.size = 0
	if line := int(pg.line()); line < firstLarge {
		s.small &^= 1 << ((line - firstSmall) / smallLines)
	} else {
		s.large &^= 1 << ((line - firstLarge) / largeLines)
	}
	m := mask(i, n)
	s.dirty |= mask(i, touched)
	s.used &^= m
	s.old &^= m
	warm := bits.OnesCount64(m & s.dirty)
	h.dirty += warm
	h.reserved -= int64(n-warm) * sliceSize
	h.rebin(s)
	if h.dirty > 0 {
		e.arm()
	}
}

// purge gives the memory of free slices back to the system.
func (h *pageHeap) purge(s *segment, free uint64) {
	for free != 0 {
		i := bits.TrailingZeros64(free)
		n := bits.TrailingZeros64(^(free >> i))
		m := mask(i, n)
		free &^= m
		if sysmem.Discard(s.region.Mem[i*sliceSize : (i+n)*sliceSize]) {
			s.dirty &^= m
			h.dirty -= n
			h.reserved -= int64(n) * sliceSize
		}
	}
	h.rebin(s)
}

// unmapEmpty unmaps the segments that hold no page, after all who might look at
// their headers are done.
func (e *Engine) unmapEmpty() {
	h := &e.pages
	var empty []*segment
	for _, s := range h.segments {
		if s != nil && s.used == headerMask {
			base := s.region.Base()
			atomic.AndUint64(&h.known[base>>knownShift], ^(uint64(1) << (base >> segmentShift & 63)))
			empty = append(empty, s)
		}
	}
	if len(empty) == 0 {
		return
	}
	e.grace()
	for _, s := range empty {
		h.free.remove(s)
		h.warm.remove(s)
		h.segments[s.id] = nil
		h.count(-1)
		h.dirty -= bits.OnesCount64(s.dirty &^ s.used)
		h.reserved -= int64(bits.OnesCount64(s.dirty|s.used)) * sliceSize
		unmap(s.region)
	}
}

func unmap(r sysmem.Region) {
	if err := r.Unmap(); err != nil {
		// Only a bug of this package makes the system refuse its own address.
		panic(fmt.Sprintf("alloc: %v", err))
	}
}

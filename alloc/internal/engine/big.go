package engine

import (
	"math"
	"os"
	"unsafe"

	"github.com/groundwork-go/groundwork/alloc/internal/sysmem"
)

// maxSpan is the size of the largest block that lies in a segment. Larger ones
// are mappings of their own.
const maxSpan = numSlices / 2 * sliceSize

// largeSet holds the blocks that are mappings of their own, by address.
type largeSet struct {
	blocks map[uintptr]sysmem.Region
	live   int64 // bytes
	allocs int64 // ever
}

// allocBig returns a block of n > MaxSmall bytes, or of any with align > 16.
func (e *Engine) allocBig(n, align int) unsafe.Pointer {
	size := sysmem.RoundUp(n)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	if size <= maxSpan && align <= sliceSize {
		pg := e.span((size+sliceSize-1)/sliceSize, 1)
		if pg == nil {
			return nil
		}
		pg.setBlocks(classBig, size)
		pg.fresh = 1
		pg.freed().state.Store(bigMark)
		pg.allocs = 1
		return at(pg.start)
	}
	if !e.room(int64(size)) {
		return nil
	}
	r, err := e.config.Map(size, max(align, os.Getpagesize()))
	if err != nil {
		return nil // as in addSegment
	}
	if e.config.Huge {
		sysmem.AdviseHuge(r.Mem)
	}
	e.large.blocks[r.Base()] = r
	e.large.live += int64(len(r.Mem))
	e.large.allocs++
	e.pages.reserved += int64(len(r.Mem))
	return unsafe.Pointer(unsafe.SliceData(r.Mem))
}

// freeBig frees a block that is a whole page.
func (e *Engine) freeBig(u uintptr) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return ErrClosed
	}
	if !e.pages.known.has(u) {
		return ErrForeign
	}
	pg := pageOf(u)
	switch {
	case pg.size == 0:
		return ErrDoubleFree
	case pg.class != classBig || u != pg.start:
		return ErrForeign
	}
	e.releaseLocked(pg)
	return nil
}

// freeLarge frees a block that is a mapping of its own.
func (e *Engine) freeLarge(u uintptr) error {
	if u == 0 {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return ErrClosed
	}
	r, ok := e.large.blocks[u]
	if !ok {
		return ErrForeign
	}
	delete(e.large.blocks, u)
	e.large.live -= int64(len(r.Mem))
	e.pages.reserved -= int64(len(r.Mem))
	unmap(r)
	return nil
}

// AllocAligned returns a block of at least n bytes at a multiple of align, a power
// of two, or nil.
func (e *Engine) AllocAligned(n, align int) unsafe.Pointer {
	if align <= quantum || n <= 0 || n > math.MaxInt/2 {
		return e.Alloc(n)
	}
	// Pages start at a slice, so a class whose size is a multiple of align will do.
	if n <= MaxSmall && align <= MaxSmall {
		for c := classOf(max(n, align)); c < NumClasses; c++ {
			size := ClassSize(int(c))
			if size&(align-1) != 0 {
				continue
			}
			p := e.Alloc(size)
			if uintptr(p)&uintptr(align-1) == 0 {
				return p
			}
			// It is one of the next class. That happens seldom enough for a page.
			if err := e.Free(p); err != nil {
				return nil // the heap was closed meanwhile
			}
			break
		}
	}
	p := e.allocBig(n, align)
	if p == nil {
		e.failed.Add(1)
	}
	return p
}

// Rounded returns the usable size of blocks that were asked for with n bytes,
// 0 < n <= math.MaxInt/2.
func Rounded(n int) int {
	if n <= MaxSmall {
		return ClassSize(int(classOf(n)))
	}
	return sysmem.RoundUp(n)
}

// UsableSize returns the size of the block at p, or 0 if p is not a block that
// was handed out and not freed, as far as that is noticed.
func (e *Engine) UsableSize(p unsafe.Pointer) int {
	u := uintptr(p)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.pages.known.has(u) {
		pg := pageOf(u)
		i, err := pg.check(u)
		if err != nil || pg.class != classBig && (pg.isFree(i) || e.isStashed(pg, u)) {
			return 0
		}
		return int(pg.size)
	}
	return len(e.large.blocks[u].Mem)
}

package engine

import (
	"math/bits"
	"os"

	"github.com/groundwork-go/groundwork/alloc/internal/sysmem"
)

// thinMin is the least size of blocks whose memory goes back to the system while they
// are free and other blocks of their page are not.
const thinMin = 4 << 10

// thin gives back the memory of blocks that were free at the last tick already, on
// shared pages of large blocks. There a random few of all blocks are free for long,
// since the pages that got a free block last are used first. e.mu is held.
func (e *Engine) thin() {
	for c := range e.central {
		if c >= NumClasses || ClassSize(c) < thinMin {
			continue
		}
		s := &e.central[c]
		s.mu.Lock()
		for pg := s.pages.head; pg != nil; pg = pg.next {
			e.thinPage(pg)
		}
		s.mu.Unlock()
	}
}

// thinPage gives back the memory of the blocks of a shared page that are free since
// the last call. Nobody allocates on it meanwhile.
func (e *Engine) thinPage(pg *page) {
	f := pg.freed()
	free := (pg.local[0] | f.remote[0].Load()) & pg.below(0)
	if pg.allocs != f.thinAllocs {
		// Any of them may have been in use since.
		f.thinAllocs, f.thinFree, f.thinned = pg.allocs, free, 0
		return
	}
	todo := f.thinFree & free &^ f.thinned
	f.thinFree = free
	for todo != 0 {
		i := bits.TrailingZeros64(todo)
		n := bits.TrailingZeros64(^(todo >> i))
		todo &^= mask(i, n)
		e.discardBlocks(pg, i, n)
		f.thinned |= mask(i, n)
	}
}

// discardBlocks gives back the whole system pages of n blocks from block i on.
func (e *Engine) discardBlocks(pg *page, i, n int) {
	s := e.pages.segments[pg.segment().id]
	system := uintptr(os.Getpagesize() - 1)
	base := s.region.Base()
	from := pg.start + uintptr(i)*uintptr(pg.size)
	to := from + uintptr(n)*uintptr(pg.size)
	from, to = (from+system)&^system, to&^system
	if from < to {
		sysmem.Discard(s.region.Mem[from-base : to-base])
	}
}

package engine

// A stash has blocks of one class that l has freed on pages that nobody owns. They are
// free to l alone, and allocated to their pages; l takes them when the page that it
// allocates from has no more in the word at hand. So where blocks are replaced at random
// all over a large heap, fewer calls need a locked instruction, and fewer pages become
// someone's for a block or two. When l comes to own their page they go there, and what
// was not needed from one tick to the next goes to its page then.
//
// Only blocks of shared pages that are nearly full are stashed: others shall become empty
// or be used first. And the first block that is freed on a full page makes l the page's
// owner, which is better than a stash, unless the next allocations leave it full again.
type stash struct {
	n      uint32
	low    uint32 // the least that n was since the last ebb
	quick  uint32 // how many pages in a row were soon full again
	allocs uint64 // ever
	blocks [stashSize]uintptr
}

const (
	stashSize  = 16      // blocks
	stashBytes = 4 << 10 // there is no room for more if they have as many

	// A page is soon full again if it was owned for less than soonFull allocations; if
	// minQuick were, blocks of full pages are stashed.
	soonFull = 8
	minQuick = 4
)

// turned is called when a page became full after so many allocations.
func (s *stash) turned(allocs uint64) {
	s.quick++
	if allocs >= soonFull {
		s.quick = 0
	}
}

//go:nosplit
func (s *stash) has(u uintptr) bool {
	for i := range s.n {
		if s.blocks[i%stashSize] == u {
			return true
		}
	}
	return false
}

// marks has a bit for each block in the stashes of a Local. No two that share a bit are
// stashed, so that a clear bit means that a block is not.
type marks [1 << marksShift / 64]uint64

const marksShift = 12

// of returns the word and the bit for the block at u.
//
//go:nosplit
func (m *marks) of(u uintptr) (word *uint64, bit uint64) {
	h := uint64(u/quantum) * 0x9E3779B97F4A7C15 >> (64 - marksShift)
	return &m[h/64], 1 << (h % 64)
}

// stash makes block i, at u, of a page that nobody owns, free to l alone. If it returns
// false, it is the page that has to know.
//
//go:nosplit
//go:norace
func (l *Local) stash(pg *page, i uint64, u uintptr) (done bool, err error) {
	s := &l.stashes[pg.class%numStashes]
	word, bit := l.stashed.of(u)
	if *word&bit != 0 {
		if s.has(u) {
			return true, ErrDoubleFree
		}
		return false, nil
	}
	if s.n >= stashSize || s.n*pg.size >= stashBytes || pg.size > largeMin {
		return false, nil
	}
	if f := pg.freed(); f.state.Load()&fullMark != 0 {
		if s.quick < minQuick {
			return false, nil
		}
	} else if f.live < uint32(pg.blocks)/8*7 { // what it was some time ago will do
		return false, nil
	}
	if pg.isFree(i) {
		return true, ErrDoubleFree
	}
	*word |= bit
	s.blocks[s.n%stashSize] = u
	s.n++
	return true, nil
}

// unstash returns the block of class c that was stashed last, or 0.
//
//go:nosplit
func (l *Local) unstash(c uint) uintptr {
	s := &l.stashes[c%numStashes]
	if s.n == 0 {
		return 0
	}
	s.n--
	s.low = min(s.low, s.n)
	s.allocs++
	u := s.blocks[s.n%stashSize]
	word, bit := l.stashed.of(u)
	*word &^= bit
	return u
}

// unstashAll moves what is stashed of a page, which is in hand, to the page.
func (l *Local) unstashAll(pg *page) {
	s := &l.stashes[pg.class]
	kept := s.blocks[:0]
	for _, u := range s.blocks[:s.n] {
		if u-pg.start >= uintptr(pg.slices)*sliceSize {
			kept = append(kept, u)
			continue
		}
		i, _ := pg.blockAt(u)
		pg.local[i/64%maxWords] |= 1 << (i % 64)
		word, bit := l.stashed.of(u)
		*word &^= bit
	}
	s.n = uint32(len(kept))
	s.low = min(s.low, s.n)
}

// isStashed tells whether the block at u, of a page, is free to the thread alone.
func (e *Engine) isStashed(pg *page, u uintptr) bool {
	l := e.enter()
	defer e.leave(l)
	return l.stashes[pg.class].has(u)
}

// ebbs tells whether there was a tick since ebb was done with all stashes of l.
func (l *Local) ebbs() bool { return l.ebbed != l.e.ticks.Load() }

// ebb takes the blocks of one class that were in the stash all the time since the tick
// before, and returns how many that were. It returns 0 when it is done.
func (l *Local) ebb(blocks *[stashSize]uintptr) int {
	for ; l.ebbNext < NumClasses; l.ebbNext++ {
		s := &l.stashes[l.ebbNext]
		n := copy(blocks[:], s.blocks[:s.low])
		for _, u := range blocks[:n] {
			word, bit := l.stashed.of(u)
			*word &^= bit
		}
		copy(s.blocks[:], s.blocks[n:s.n])
		s.n -= uint32(n)
		s.low = s.n
		if n > 0 {
			l.ebbNext++
			return n
		}
	}
	l.ebbNext, l.ebbed = 0, l.e.ticks.Load()
	return 0
}

// ebb is called outside of a region, when the stashes of the thread or, if it is not nil,
// of a Cache's Local have what was not needed for long.
func (e *Engine) ebb(single *Local) {
	for {
		var blocks [stashSize]uintptr
		n := 0
		if single != nil {
			n = single.ebb(&blocks)
		} else {
			l := e.enter()
			if l != &e.threads.nobody {
				n = l.ebb(&blocks)
			}
			e.leave(l)
		}
		if n == 0 {
			return
		}
		for _, u := range blocks[:n] {
			e.giveBack(u)
		}
	}
}

// giveBack frees a block that was stashed.
func (e *Engine) giveBack(u uintptr) {
	l := e.enterJoined()
	if l == nil {
		_ = e.freeCentral(u) // that another thread has freed it too was not noticed before
		return
	}
	pg := pageOf(u)
	i, _ := pg.blockAt(u)
	s, _ := pg.freeShared(i) // likewise
	e.leave(l)
	e.settle(s)
}

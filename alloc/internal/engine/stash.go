package engine

// A stash has blocks of one class that l has freed on full pages. The first of them
// would make l the page's owner, and the next allocation might leave it full and without
// an owner again: where all pages of a class are full and blocks are replaced at random,
// each pair of calls would do that. If that is so, some blocks are free to l alone, and
// allocated to their pages; l takes them when the page that it allocates from has no
// more in the word at hand. When l comes to own their page they go there.
type stash struct {
	n      uint32
	quick  uint32 // how many pages in a row were soon full again
	allocs uint64 // ever
	blocks [stashSize]uintptr
}

const (
	stashSize = 6 // so that it has a line

	// A page is soon full again if it was owned for less than soonFull allocations; if
	// minQuick were, blocks are stashed.
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

// pop returns the block that was freed last, or 0.
//
//go:nosplit
func (s *stash) pop() uintptr {
	if s.n == 0 {
		return 0
	}
	s.n--
	s.allocs++
	return s.blocks[s.n%stashSize]
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

// stash makes the block at u, of a page that nobody owns, free to l alone if the page
// is full. If it returns false, it is the page that has to know.
//
//go:nosplit
func (l *Local) stash(pg *page, u uintptr) (done bool, err error) {
	s := &l.stashes[pg.class%numStashes]
	if s.has(u) {
		return true, ErrDoubleFree
	}
	if s.n >= stashSize || s.quick < minQuick || pg.size > largeMin || pg.freed().state.Load()&fullMark == 0 {
		return false, nil
	}
	s.blocks[s.n] = u
	s.n++
	return true, nil
}

// unstash moves what is stashed of a page, which is in hand, to the page.
func (l *Local) unstash(pg *page) {
	s := &l.stashes[pg.class]
	kept := s.blocks[:0]
	for _, u := range s.blocks[:s.n] {
		if u-pg.start >= uintptr(pg.slices)*sliceSize {
			kept = append(kept, u)
			continue
		}
		i, _ := pg.blockAt(u)
		pg.local[i/64%maxWords] |= 1 << (i % 64)
	}
	s.n = uint32(len(kept))
}

// isStashed tells whether the block at u, of a page, is free to the thread alone.
func (e *Engine) isStashed(pg *page, u uintptr) bool {
	l := e.enter()
	defer e.leave(l)
	return l.stashes[pg.class].has(u)
}

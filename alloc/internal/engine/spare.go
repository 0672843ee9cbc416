package engine

// Pages that a Local gives up without blocks are spare for a while: they stay pages of
// their class, so that where one thread allocates and another one frees, a page goes
// round between them without the page heap's lock, its blocks carved and its memory in
// the processors' caches. They go to the page heap when it would need a new segment or
// more of the limit, and at the second tick.

// maxSpare bounds the spare pages of one class, in bytes.
const maxSpare = 256 << 10

// spare keeps a page in hand without blocks, unless there are enough. s.mu is held.
func (s *central) spare(pg *page) bool {
	if (s.spares.n+1)*int(pg.slices)*sliceSize > maxSpare {
		return false
	}
	pg.collect()
	pg.freed().state.Store(spareMark)
	s.spares.push(pg)
	return true
}

// takeSpare returns the page that was spared last, in hand, or nil.
func (s *central) takeSpare() *page {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unspare(s.spares.head)
}

// unspare takes a page out of the spare ones, if it is not nil. s.mu is held.
func (s *central) unspare(pg *page) *page {
	if pg != nil {
		s.spares.remove(pg)
		s.low = min(s.low, s.spares.n)
		pg.freed().state.Store(0)
	}
	return pg
}

// releaseSpares gives all spare pages to the page heap and tells whether there were any.
// e.mu is held.
func (e *Engine) releaseSpares() bool {
	found := false
	for c := range e.central {
		s := &e.central[c]
		s.mu.Lock()
		for pg := s.unspare(s.spares.head); pg != nil; pg = s.unspare(s.spares.head) {
			e.releaseLocked(pg)
			found = true
		}
		s.mu.Unlock()
	}
	return found
}

// releaseOldSpares gives the pages that were spare all the time since the last tick to
// the page heap, as free since then, and returns how many are left. e.mu is held.
func (e *Engine) releaseOldSpares() int {
	left := 0
	for c := range e.central {
		s := &e.central[c]
		s.mu.Lock()
		for n := s.low; n > 0; n-- {
			pg := s.unspare(s.spares.tail)
			seg, slices := e.pages.segments[pg.segment().id], mask(int(pg.index), int(pg.slices))
			e.releaseLocked(pg)
			seg.old |= slices
		}
		s.low = s.spares.n
		left += s.spares.n
		s.mu.Unlock()
	}
	return left
}

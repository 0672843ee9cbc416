package engine

import "sync"

// central is the list of the shared pages of one class.
type central struct {
	mu    sync.Mutex
	pages pageList // guarded by mu
	_     [64]byte
}

// takePage returns a page of class c with a free block, in hand, or nil.
func (e *Engine) takePage(c uint) *page {
	s := &e.central[c]
	s.mu.Lock()
	if pg := s.pages.head; pg != nil {
		s.pages.remove(pg)
		unshare(pg)
		s.mu.Unlock()
		return pg
	}
	s.mu.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	return e.newPage(c)
}

// unshare takes the mark off a page that was removed from its list.
func unshare(pg *page) {
	for {
		w := pg.remote.Load()
		if pg.remote.CompareAndSwap(w, w&^sharedMark) {
			return
		}
	}
}

// putBack puts a page in hand where it belongs: empty ones to the page heap,
// full ones nowhere, others to the central list.
func (e *Engine) putBack(pg *page) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.closed { // else the page is gone
		e.putBackLocked(pg)
	}
}

func (e *Engine) putBackLocked(pg *page) {
	for pg.free == 0 && pg.fresh == pg.end {
		if pg.collect() {
			break
		}
		if pg.remote.CompareAndSwap(0, fullMark) {
			return
		}
	}
	live := pg.liveBlocks()
	if uint64(live) == pg.remote.Load()&countMask {
		e.releaseLocked(pg)
		return
	}
	s := &e.central[pg.class]
	s.mu.Lock()
	s.pages.push(pg)
	pg.live.Store(live)
	for {
		w := pg.remote.Load()
		if pg.remote.CompareAndSwap(w, w|sharedMark) {
			break
		}
	}
	e.releaseIfEmpty(s, pg) // what was freed before the mark
	s.mu.Unlock()
}

// reclaim releases a shared page whose last block was freed by this goroutine.
// Somebody may have taken the page since, and it may even be unmapped, so it is
// looked at with the page heap's lock.
func (e *Engine) reclaim(pg *page) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.closed {
		e.reclaimLocked(pg)
	}
}

func (e *Engine) reclaimLocked(pg *page) {
	if !e.pages.isPage(pg) || int(pg.class) >= NumClasses {
		return
	}
	s := &e.central[pg.class]
	s.mu.Lock()
	defer s.mu.Unlock()
	e.releaseIfEmpty(s, pg)
}

// releaseIfEmpty releases pg if it is shared and has no block. e.mu and s.mu are
// held.
func (e *Engine) releaseIfEmpty(s *central, pg *page) {
	w := pg.remote.Load()
	if w&sharedMark == 0 || uint32(w&countMask) != pg.live.Load() {
		return
	}
	// All blocks are free, so nobody else writes the word any more.
	s.pages.remove(pg)
	e.releaseLocked(pg)
}

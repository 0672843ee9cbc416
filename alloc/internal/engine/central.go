package engine

import (
	"math"
	"sync"
)

// central is the list of the shared pages of one class.
type central struct {
	mu    sync.Mutex
	pages pageList // guarded by mu
	_     [64]byte
}

// takePage returns a page for class c, in hand, or nil.
func (e *Engine) takePage(c uint) *page {
	if pg := e.takeShared(c); pg != nil {
		return pg
	}
	return e.takeOther(c)
}

// takeOther returns a page for class c that is of one of the next classes, or new.
func (e *Engine) takeOther(c uint) *page {
	for d := c + 1; d <= c+neighbours(c); d++ {
		if pg := e.takeShared(d); pg != nil {
			return pg
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	return e.newPage(c)
}

// takeShared returns a page of the central list of class c, in hand, or nil.
func (e *Engine) takeShared(c uint) *page {
	s := &e.central[c]
	s.mu.Lock()
	defer s.mu.Unlock()
	pg := s.pages.head
	if pg != nil {
		s.pages.remove(pg)
		pg.state.Store(0)
	}
	return pg
}

// freeLate is called when a page was found to be no longer owned after a block was
// freed as if it were. Nobody may have noticed then that a full page has a free
// block, or that a shared page has nothing else. The page may be gone by now.
func (e *Engine) freeLate(pg *page) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed || !e.pages.isPage(pg) || int(pg.class) >= NumClasses {
		return
	}
	if pg.takeFull() {
		e.putBackLocked(pg)
		return
	}
	e.reclaimLocked(pg)
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
	for !pg.seek() && !pg.collect() && pg.fresh == uint32(pg.blocks) {
		if !pg.leaveFull() {
			return
		}
	}
	if pg.isEmpty() {
		e.releaseLocked(pg)
		return
	}
	s := &e.central[pg.class]
	s.mu.Lock()
	s.pages.push(pg)
	pg.live.Store(math.MaxUint32)
	pg.state.Store(sharedMark)
	// Who frees a block from now on sees the mark, and counts; what was freed before
	// is counted here. Some may be counted twice, but none is forgotten.
	pg.live.Store(pg.fresh - pg.unused())
	e.releaseIfEmpty(s, pg)
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
	if pg.state.Load()&sharedMark == 0 || !pg.isEmpty() {
		return
	}
	s.pages.remove(pg)
	e.releaseLocked(pg)
}

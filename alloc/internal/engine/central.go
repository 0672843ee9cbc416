package engine

import (
	"math"
	"sync"
	"sync/atomic"
)

// central is the list of the shared pages of one class. See spare.go for those without
// blocks.
type central struct {
	mu     sync.Mutex
	pages  pageList    // guarded by mu
	spares pageList    // guarded by mu
	low    int         // guarded by mu; the least that spares.n was since the last tick
	some   atomic.Bool // pages is not empty; read without mu, when it need not be true
	closed bool        // guarded by mu; the pages are gone
	_      [64]byte
}

// takePage returns a page for class c, in hand, or nil.
func (e *Engine) takePage(c uint) *page {
	if pg := e.takeShared(c); pg != nil {
		return pg
	}
	return e.takeOther(c)
}

// takeOther returns a page for class c that is of one of the next classes, or has no
// block, or is new.
func (e *Engine) takeOther(c uint) *page {
	for d := c + 1; d <= c+neighbours(c); d++ {
		if pg := e.takeShared(d); pg != nil {
			return pg
		}
	}
	if pg := e.central[c].takeSpare(); pg != nil {
		return pg
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
	if !s.some.Load() {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	pg := s.fullest()
	if pg != nil {
		s.remove(pg)
		pg.freed().state.Store(0)
	}
	return pg
}

func (s *central) remove(pg *page) {
	s.pages.remove(pg)
	if s.pages.head == nil {
		s.some.Store(false)
	}
}

// fullest returns the page with the fewest free blocks of those that were put here
// last, or nil. Using it first leaves others to become empty, whose memory can then
// serve for any class.
func (s *central) fullest() *page {
	const looks = 16
	var best *page
	least := uint32(math.MaxUint32)
	for pg, n := s.pages.head, 0; pg != nil && n < looks; pg, n = pg.next, n+1 {
		if free := uint32(pg.blocks) - pg.freed().live + pg.remotes(); free < least {
			best, least = pg, free
		}
	}
	return best
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
	for !pg.hasFree() {
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
	s.share(pg)
	e.releaseIfEmpty(s, pg)
	s.mu.Unlock()
}

// share puts a page in hand that has a free block into the list. s.mu is held.
func (s *central) share(pg *page) {
	s.pages.push(pg)
	if !s.some.Load() {
		s.some.Store(true)
	}
	pg.collect()
	f := pg.freed()
	f.live = pg.fresh - pg.unused()
	// Who frees the last block from now on sees the mark, and that it is the last. If it
	// was freed before, the caller sees that, who has to look.
	f.state.Store(sharedMark)
}

// shelve is putBack of a page of the class, without e.mu where the page has a block or
// may be spared: threads that swap blocks do this often.
func (e *Engine) shelve(pg *page, class uint8) {
	s := &e.central[class]
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	if pg.hasFree() && pg.isEmpty() && s.spare(pg) {
		s.mu.Unlock()
		return
	}
	if !pg.hasFree() || pg.isEmpty() {
		s.mu.Unlock()
		e.putBack(pg)
		return
	}
	s.share(pg)
	empty := pg.isEmpty()
	s.mu.Unlock()
	if empty {
		e.reclaim(pg)
	}
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
	if pg.freed().state.Load()&sharedMark == 0 || !pg.isEmpty() {
		return
	}
	s.remove(pg)
	e.releaseLocked(pg)
}

package engine

import "unsafe"

// A Local owns pages: for each class the one it allocates from, and some that
// have free blocks. It is for one user at a time: its thread, or the holder of a
// Cache.
type Local struct {
	thread  uintptr
	id      uint32
	current [NumClasses]*page // never nil: noPage has no free block
	partial [NumClasses]pageList
	noPage  page
	open    bool   // a Cache's Local that is not closed
	known   bitmap // of the addresses where a segment is; empty once the heap is closed

	// recent has slices of pages that l owns, found by the low bits of their number:
	// a block whose slice is here needs no further look to be known as ours.
	recent [numRecent]recentSlice

	lastSum uint64 // see isIdle
	_       [64]byte
}

type recentSlice struct {
	slice uintptr // address >> sliceShift
	page  *page
}

const (
	numRecent = 128
	noSlice   = ^uintptr(0) // in unused entries: nil is in slice 0
)

// remember puts the slice of block u of a page that l owns into recent.
func (l *Local) remember(u uintptr, pg *page) {
	l.recent[u>>sliceShift%numRecent] = recentSlice{u >> sliceShift, pg}
}

// maxPartial bounds the pages that a Local holds in reserve per class; keepEmpty,
// how many of them may be empty.
const (
	maxPartial = 4
	keepEmpty  = 1
)

// init must be called with e.mu held.
func (l *Local) init(e *Engine) {
	e.ids++
	l.id = e.ids
	for c := range l.current {
		l.current[c] = &l.noPage
	}
	for i := range l.recent {
		l.recent[i].slice = noSlice
	}
}

// pageList is a list of pages in no order that matters but for its ends.
type pageList struct {
	head, tail *page
	n          int
}

func (s *pageList) push(pg *page) {
	pg.next, pg.prev = s.head, nil
	if s.head == nil {
		s.tail = pg
	} else {
		s.head.prev = pg
	}
	s.head = pg
	s.n++
}

func (s *pageList) remove(pg *page) {
	if pg.prev == nil {
		s.head = pg.next
	} else {
		pg.prev.next = pg.next
	}
	if pg.next == nil {
		s.tail = pg.prev
	} else {
		pg.next.prev = pg.prev
	}
	pg.next, pg.prev = nil, nil
	s.n--
}

// pop takes a block of the page, which has one on its list.
func (p *page) pop() uintptr {
	u := p.free
	p.free = *link(u)
	*mark(u) = 0
	p.count += ever + 1
	return u
}

// own makes l the owner of a page in hand. A page with keep, which is keepMark or 0,
// is not noticed when it is empty.
func (p *page) own(l *Local, keep uint64) {
	p.count |= keep
	p.owner.Store(l.id)
}

func (l *Local) disown(pg *page) {
	for i := range uintptr(pg.slices) {
		if r := &l.recent[(pg.start>>sliceShift+i)%numRecent]; r.page == pg {
			*r = recentSlice{slice: noSlice}
		}
	}
	pg.count &^= keepMark
	pg.owner.Store(0)
}

// refill makes sure that the page has a block on its list, if there is any.
func (p *page) refill() bool {
	return p.free != 0 || p.collect() || p.carve()
}

// alloc returns a block of a page that l owns, or 0.
func (l *Local) alloc(c uint) uintptr {
	for {
		pg := l.current[c]
		if pg != &l.noPage {
			if pg.refill() {
				return pg.pop()
			}
			// Once it is marked, anybody may own it.
			l.disown(pg)
			if !pg.remote.CompareAndSwap(0, fullMark) {
				pg.own(l, keepMark)
				continue
			}
		}
		next := l.partial[c].head
		if next == nil {
			l.current[c] = &l.noPage
			return 0
		}
		l.partial[c].remove(next)
		next.count |= keepMark
		l.current[c] = next
	}
}

// install makes l own a page in hand, which has a free block, and returns that.
func (l *Local) install(c uint, pg *page) uintptr {
	if l.current[c] == &l.noPage {
		pg.own(l, keepMark)
		l.current[c] = pg
	} else { // another goroutine was faster on this processor
		pg.own(l, 0)
		l.partial[c].push(pg)
	}
	pg.refill()
	return pg.pop()
}

// freeInHand frees a block of a page in hand.
func (p *page) freeInHand(u uintptr) {
	*link(u) = p.free
	*mark(u) = freeMark(u)
	p.free = u
	p.count--
}

// free frees block u of a page, whoever owns it.
func (l *Local) free(pg *page, u uintptr) (toSettle, error) {
	if err := pg.check(u); err != nil {
		return toSettle{}, err
	}
	if pg.owner.Load() != l.id {
		s := pg.freeShared(u)
		if s.inHand != nil { // it was full
			s.inHand = l.adopt(pg, u)
		}
		return s, nil
	}
	l.remember(u, pg)
	pg.freeInHand(u)
	if pg.count&(keepMark|liveMask) == 0 && l.emptied(pg) {
		return toSettle{inHand: pg}, nil
	}
	return toSettle{}, nil
}

// freeShared frees block u of a page that another owns, or nobody.
func (p *page) freeShared(u uintptr) toSettle {
	w := p.push(u)
	switch {
	case w == fullMark:
		p.freeInHand(u)
		return toSettle{inHand: p}
	case w&sharedMark != 0 && uint32(w&countMask)+1 == p.live.Load():
		return toSettle{empty: p}
	}
	return toSettle{}
}

// adopt makes l own a page in hand, that was full before block u was freed. If l
// has enough of them then, it returns one that is in hand now.
func (l *Local) adopt(pg *page, u uintptr) *page {
	pg.own(l, 0)
	l.remember(u, pg)
	s := &l.partial[pg.class]
	s.push(pg)
	if s.n <= maxPartial {
		return nil
	}
	spill := s.tail
	s.remove(spill)
	l.disown(spill)
	return spill
}

// emptied handles a partial page without blocks and tells whether the page is in
// hand now.
func (l *Local) emptied(pg *page) bool {
	s := &l.partial[pg.class]
	if s.n <= keepEmpty {
		pg.count |= keepMark
		return false
	}
	s.remove(pg)
	l.disown(pg)
	return true
}

// drain puts everything that l owns back. Nobody may use l meanwhile. e.mu is held.
func (e *Engine) drain(l *Local) {
	for c := range l.current {
		if pg := l.current[c]; pg != &l.noPage {
			l.current[c] = &l.noPage
			l.disown(pg)
			e.putBackLocked(pg)
		}
		for s := &l.partial[c]; s.head != nil; {
			pg := s.head
			s.remove(pg)
			l.disown(pg)
			e.putBackLocked(pg)
		}
	}
}

// NewLocal returns a Local for the caller alone, or nil after Close.
func (e *Engine) NewLocal() *Local {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := new(Local)
	l.init(e)
	if !e.closed {
		l.open = true
		l.known = e.pages.known
		e.locals[l] = struct{}{}
	}
	return l
}

// CloseLocal puts everything that l owns back. l is empty then and stays so.
func (e *Engine) CloseLocal(l *Local) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.locals[l]; ok {
		delete(e.locals, l)
		e.drain(l)
		l.known, l.open = nil, false
	}
}

// AllocIn is Alloc on the pages of l.
//
//go:nosplit
func (e *Engine) AllocIn(l *Local, n int) unsafe.Pointer {
	x := uint(n - 1)
	c := x / quantum
	if x >= fineMax {
		if x >= MaxSmall {
			return e.allocInSlow(l, n)
		}
		c = coarse(x)
	}
	pg := l.current[c]
	u := pg.free
	if u == 0 {
		return e.allocInSlow(l, n)
	}
	pg.free = *link(u)
	*mark(u) = 0
	pg.count += ever + 1
	return at(u)
}

func (e *Engine) allocInSlow(l *Local, n int) unsafe.Pointer {
	if !l.open {
		e.failed.Add(1)
		return nil
	}
	if e.hook != nil || n <= 0 || n > MaxSmall {
		return e.allocSlow(n)
	}
	c := classOf(n)
	e.samples[c].add(n)
	if u := l.alloc(c); u != 0 {
		return at(u)
	}
	if pg := e.takePage(c); pg != nil {
		return at(l.install(c, pg))
	}
	e.failed.Add(1)
	return nil
}

// FreeIn is Free on the pages of l.
//
//go:nosplit
func (e *Engine) FreeIn(l *Local, p unsafe.Pointer) error {
	u := uintptr(p)
	r := &l.recent[u>>sliceShift%numRecent]
	if r.slice != u>>sliceShift {
		return e.freeInSlow(l, u)
	}
	pg := r.page
	off := uint64(u - pg.start)
	if off >= uint64(pg.fresh) || off*pg.recip >= pg.recip || *mark(u) == freeMark(u) || pg.count&(keepMark|liveMask) == 1 {
		return e.freeInSlow(l, u)
	}
	*link(u) = pg.free
	*mark(u) = freeMark(u)
	pg.free = u
	pg.count--
	return nil
}

func (e *Engine) freeInSlow(l *Local, u uintptr) error {
	if !l.open {
		return ErrClosed
	}
	if e.hook != nil {
		return e.freeByHook(u)
	}
	if !l.known.has(u) {
		return e.freeLarge(u)
	}
	pg := pageOf(u)
	if pg.class == classBig {
		return e.freeBig(u)
	}
	back, err := l.free(pg, u)
	e.settle(back)
	return err
}

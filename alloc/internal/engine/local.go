package engine

import (
	"time"
	"unsafe"
)

// A Local owns pages: for each class the one it allocates from, and some that
// have free blocks. It is for one user at a time: its thread, or the holder of a
// Cache.
type Local struct {
	thread uintptr
	id     uint32

	// last is what was freed last on a page that l owns. Where Alloc comes to the same
	// address, it returns this one: who allocates and frees in turn then need not wait for
	// the long way from a bit to its address, since the processor guesses the branch.
	last uintptr

	// The pages that l allocates from, by class, and by the size in steps of quantum
	// up to fineMax. Never nil: noPage has no free block.
	current [1 << 7]*page
	fine    [fineMax / quantum]*page

	partial [NumClasses]pageList
	stashes [numStashes]stash // by class
	stashed marks
	ebbed   uint32 // see ebb
	ebbNext uint
	noPage  page
	single  bool   // a Cache's
	open    bool   // a Cache's that is not closed
	known   bitmap // of the addresses where a segment is; empty once the heap is closed

	// recent has pages that l owns, found by the low bits of the number of a slice, or
	// noPage: a block on the page that is found needs no further look to be known as
	// ours.
	recent [numRecent]uintptr

	// ring has the classes of large blocks that l allocates from a page of its own, or
	// did, the next place being the oldest. See rotate.
	ring   [4]uint8
	ringAt int

	// The pages in partial, of small and of large blocks: l may have few of them, of
	// whatever class.
	adopted, adoptedLarge ring
	rings                 [numAdoptedFew + numAdoptedLarge]*page

	samples samples

	e       *Engine
	lastSum uint64 // see isIdle
	idle    time.Duration
	_       [64]byte
}

const (
	numStashes = 1 << 7 // a power of two, for the compiler

	// largeMin is the least size of blocks that are large to a Local, which holds fewer
	// pages of them.
	largeMin = 1 << 10

	// How many pages a Local holds in reserve, of small blocks and of large ones, and
	// how many of one class though they are empty. Of small blocks it holds more as long
	// as the heap has no more than fewSegments: there it often frees on the same pages,
	// and what is free on them is little.
	numAdopted      = 12
	numAdoptedFew   = 192
	numAdoptedLarge = 1
	keepEmpty       = 8
	fewSegments     = 8
)

// numRecent is so large because segments lie where the system puts them: each two of
// them whose distance is a multiple of numRecent slices are in each other's way.
const numRecent = 2048

// remember puts the slice of block u of a page that l owns into recent.
func (l *Local) remember(u uintptr, pg *page) {
	l.recent[u>>sliceShift%numRecent] = uintptr(unsafe.Pointer(pg))
}

// fineAt is fine[i], and recentAt the page in recent of the slice of u, which may be any
// address. (The compiler would look once more whether l is nil.)
func (l *Local) fineAt(i uint) *page {
	return *(**page)(unsafe.Add(unsafe.Pointer(l), unsafe.Offsetof(l.fine)+uintptr(i)*unsafe.Sizeof(l)))
}

func (l *Local) recentAt(u uintptr) *page {
	return *(**page)(unsafe.Add(unsafe.Pointer(l), unsafe.Offsetof(l.recent)+u>>sliceShift%numRecent*unsafe.Sizeof(u)))
}

// init must be called with e.mu held.
func (l *Local) init(e *Engine) {
	*l = Local{e: e}
	l.adopted.pages, l.adoptedLarge.pages = l.rings[:numAdoptedFew], l.rings[numAdoptedFew:]
	l.noPage.setCur(0)
	for i := range l.recent {
		l.recent[i] = uintptr(unsafe.Pointer(&l.noPage))
	}
	e.ids++
	l.id = e.ids
	for c := range l.current {
		l.current[c] = &l.noPage
	}
	for i := range l.fine {
		l.fine[i] = &l.noPage
	}
}

// use makes pg the page from which l allocates class c.
func (l *Local) use(c uint, pg *page) {
	l.current[c] = pg
	for i := sizes[c] / quantum; i > 0 && i <= fineMax/quantum && uint(fineClasses[i-1]) == c; i-- {
		l.fine[i-1] = pg
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

// own makes l the owner of a page in hand. A page with keep is not noticed when it is
// empty.
func (l *Local) own(pg *page, keep bool) {
	l.unstashAll(pg)
	pg.since = pg.allocs
	pg.setKeep(keep)
	pg.owner.Store(l.id)
	if pg.fresh == 0 {
		return
	}
	for i := range uintptr(pg.slices) { // some of its blocks may be freed soon
		l.remember(pg.start+i<<sliceShift, pg)
	}
}

func (p *page) setKeep(keep bool) {
	if p.full = p.fullWord(); keep {
		p.full = 0
	}
}

// disown makes a page of l one in hand.
func (l *Local) disown(pg *page) {
	u := uintptr(unsafe.Pointer(pg))
	for i := range uintptr(pg.slices) {
		if r := &l.recent[(pg.start>>sliceShift+i)%numRecent]; *r == u {
			*r = uintptr(unsafe.Pointer(&l.noPage))
		}
	}
	pg.setKeep(false)
	pg.owner.Store(0)
}

// alloc returns a block of a page that l owns, or of its stash, or 0.
func (l *Local) alloc(c uint) uintptr {
	if u := l.unstash(c); u != 0 {
		return u
	}
	for {
		pg := l.current[c]
		if pg != &l.noPage {
			if pg.refill() {
				return pg.pop()
			}
			l.stashes[c].turned(pg.allocs - pg.since)
			// Once it is marked, anybody may own it.
			l.disown(pg)
			if pg.leaveFull() {
				l.own(pg, true)
				continue
			}
		}
		next := l.partial[c].head
		if next == nil {
			l.use(c, &l.noPage)
			return 0
		}
		l.unlist(next)
		next.setKeep(true)
		l.use(c, next)
	}
}

// borrow returns a block of one of the next classes, from the pages that l
// allocates from, or 0.
func (l *Local) borrow(c uint) uintptr {
	for d := c + 1; d <= c+neighbours(c); d++ {
		if pg := l.current[d]; pg != &l.noPage && pg.refill() {
			return pg.pop()
		}
	}
	return 0
}

// install makes l own a page in hand, and returns a block of it if there is one. If l
// has enough large pages then, it also returns one that is in hand now.
func (l *Local) install(c uint, pg *page) (uintptr, toSettle) {
	var back toSettle
	if l.current[c] == &l.noPage {
		l.own(pg, true)
		l.use(c, pg)
		back = putting(l.rotate(c))
	} else { // another goroutine was faster on this processor
		if !pg.refill() {
			return 0, putting(pg)
		}
		u := pg.pop()
		return u, putting(l.adopt(pg))
	}
	if !pg.refill() {
		return 0, back
	}
	return pg.pop(), back
}

// rotate notes that l allocates class c from a page of its own. It may do so for some
// classes of large blocks at once: if there are too many, it gives up the page of
// the one that came first.
func (l *Local) rotate(c uint) *page {
	if sizes[c] < largeMin {
		return nil
	}
	place := &l.ring[l.ringAt%len(l.ring)]
	l.ringAt++
	old := *place
	*place = uint8(c)
	pg := l.current[old]
	if uint(old) == c || sizes[old] < largeMin || pg == &l.noPage {
		return nil
	}
	l.use(uint(old), &l.noPage)
	l.disown(pg)
	return pg
}

// free frees block u of a page, whoever owns it.
func (l *Local) free(pg *page, u uintptr) (toSettle, error) {
	i, err := pg.check(u)
	if err != nil {
		return toSettle{}, err
	}
	if owner := pg.owner.Load(); owner != l.id {
		if owner == 0 {
			if done, err := l.stash(pg, i, u); done {
				return toSettle{}, err
			}
		}
		s, err := pg.freeShared(i)
		if s.inHand != nil { // it was full
			s = putting(l.adopt(pg))
		}
		return s, err
	}
	if err := pg.put(i); err != nil {
		return toSettle{}, err
	}
	l.remember(u, pg)
	if pg.full != 0 && pg.isEmpty() && l.emptied(pg) {
		return putting(pg), nil
	}
	return toSettle{}, nil
}

// freeShared frees block i of a page that another owns, or nobody. The page may be
// another one's, or none, as soon as the block is free: what is done to its state
// then does no harm. It is not unmapped as long as the caller is in a region.
func (p *page) freeShared(i uint64) (toSettle, error) {
	// On a page that another owns, local is not looked at: that would take its line
	// from the owner, 9 ns for each block. Who has a block that is allocated finds its
	// bit cleared even if the holder changes others.
	f := p.freed()
	if p.owner.Load() == 0 {
		if f.state.Load() == fullMark && p.takeFull() {
			return putting(p), p.put(i)
		}
		if p.isFree(i) {
			return toSettle{}, ErrDoubleFree
		}
	}
	if !p.push(i) {
		return toSettle{}, ErrDoubleFree
	}
	switch s := f.state.Load(); {
	case s&fullMark != 0 && p.takeFull():
		return putting(p), nil
	case s&sharedMark != 0 && p.wordIsEmpty(i) && p.isEmpty():
		return toSettle{empty: p}, nil
	}
	return toSettle{}, nil
}

// adopt makes l own a page in hand that was full, or that it has no other use for. If
// l has enough of them then, it returns one that is in hand now.
func (l *Local) adopt(pg *page) *page {
	l.own(pg, false)
	pg.collect()
	l.partial[pg.class].push(pg)
	limit := numAdopted
	if l.e.pages.few.Load() {
		limit = numAdoptedFew
	}
	spill := l.ringOf(pg).push(pg, limit)
	if spill != nil {
		l.unlist(spill)
		l.disown(spill)
	}
	return spill
}

// A ring has the last pages that were put into it and not taken out.
type ring struct {
	pages []*page
	n     int // how many of them are not nil
	at    int // the oldest one is there, or behind, around
}

// push puts a page in, and returns the oldest one if there are limit of them, or no more
// room.
func (r *ring) push(pg *page, limit int) *page {
	for r.n >= limit && r.pages[r.at] == nil {
		r.next()
	}
	old := r.pages[r.at]
	if old == nil {
		r.n++
	}
	r.pages[r.at] = pg
	pg.adopted = uint8(r.at)
	r.next()
	return old
}

func (r *ring) next() {
	if r.at++; r.at == len(r.pages) {
		r.at = 0
	}
}

// forget is of a page that was put into r and may have lost its place to another.
func (r *ring) forget(pg *page) {
	if place := &r.pages[pg.adopted]; *place == pg {
		*place = nil
		r.n--
	}
}

func (r *ring) clear() {
	clear(r.pages)
	r.n = 0
}

func (l *Local) ringOf(pg *page) *ring {
	if pg.size < largeMin {
		return &l.adopted
	}
	return &l.adoptedLarge
}

// unlist takes a page that l owns out of its list.
func (l *Local) unlist(pg *page) {
	l.partial[pg.class].remove(pg)
	l.ringOf(pg).forget(pg)
}

// emptied handles a partial page without blocks and tells whether the page is in
// hand now.
func (l *Local) emptied(pg *page) bool {
	s := &l.partial[pg.class]
	if s.n <= keepEmpty {
		pg.setKeep(true)
		return false
	}
	l.unlist(pg)
	l.disown(pg)
	return true
}

// drain puts everything that l owns back. Nobody may use l meanwhile. e.mu is held.
func (e *Engine) drain(l *Local) {
	for c := range NumClasses {
		for s := &l.stashes[c]; s.n > 0; {
			s.n--
			pg := pageOf(s.blocks[s.n])
			i, _ := pg.blockAt(s.blocks[s.n])
			back, _ := pg.freeShared(i) // a double free by another thread was not noticed before
			e.settleLocked(back)
		}
		e.retired[c] += l.stashes[c].allocs
		l.stashes[c] = stash{}
		if pg := l.current[c]; pg != &l.noPage {
			l.use(uint(c), &l.noPage)
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
	l.stashed = marks{}
	l.adopted.clear()
	l.adoptedLarge.clear()
	e.samples.take(&l.samples)
	l.samples = samples{}
}

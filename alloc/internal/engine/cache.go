package engine

import (
	"math/bits"
	"unsafe"
)

// NewLocal returns a Local for the caller alone, or nil after Close.
func (e *Engine) NewLocal() *Local {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := new(Local)
	l.init(e)
	l.single = true
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

// Alloc returns a block of at least n bytes aligned to 16, or nil. The caller is the
// only one who uses l: nobody who is not may be in between, so that nothing is called
// but what is nosplit, up to the slow path.
//
//go:nosplit
//go:noinline
func (l *Local) Alloc(n int) unsafe.Pointer {
	x := uint(n - 1)
	var pg *page
	if x < fineMax {
		pg = l.fineAt(x / quantum)
	} else {
		if x >= MaxSmall {
			return l.allocSlow(n)
		}
		pg = l.current[coarseClasses[x/coarseStep]&(1<<7-1)]
	}
	word := pg.word(uint64(pg.cur))
	w := *word
	if w == 0 {
		return l.allocNext(pg, n)
	}
	*word = w & (w - 1)
	pg.allocs++
	u := pg.first + uintptr(bits.TrailingZeros64(w))*uintptr(pg.each)
	if u == l.last {
		return at(l.last) // see there
	}
	return at(u)
}

// allocNext is Alloc where the word of the page that Alloc looked at has no free block.
//
//go:nosplit
//go:noinline
func (l *Local) allocNext(pg *page, n int) unsafe.Pointer {
	if u := l.unstash(classOf(n)); u != 0 {
		return at(u)
	}
	words := (pg.fresh + 63) / 64
	for w := range words {
		if pg.local[w&(maxWords-1)] != 0 {
			pg.setCur(w)
			return at(pg.pop())
		}
	}
	return l.allocSlow(n)
}

// allocSlow allocates where none of the above does. A Local of a thread is not to be
// looked at any more once this has called: it may be another's then.
//
//go:nosplit
//go:noinline
func (l *Local) allocSlow(n int) unsafe.Pointer {
	if l.single {
		return l.allocSingle(n)
	}
	return l.e.allocSlow(n)
}

// allocSingle is allocSlow for a Cache's Local.
func (l *Local) allocSingle(n int) unsafe.Pointer {
	e := l.e
	if !l.open {
		e.failed.Add(1)
		return nil
	}
	if e.hook != nil || n <= 0 || n > MaxSmall {
		return e.allocSlow(n)
	}
	c := classOf(n)
	l.samples[c].add(n)
	for {
		if u := l.alloc(c); u != 0 {
			return at(u)
		}
		pg := e.takeShared(c)
		if pg == nil {
			if u := l.borrow(c); u != 0 {
				return at(u)
			}
			if pg = e.takeOther(c); pg == nil {
				e.failed.Add(1)
				return nil
			}
		}
		u, back := l.install(c, pg)
		e.settle(back)
		if u != 0 {
			return at(u)
		}
	}
}

// Free takes back a block; as to its caller see Alloc.
//
//go:nosplit
//go:noinline
func (l *Local) Free(p unsafe.Pointer) error {
	u := uintptr(p)
	pg := l.recentAt(u)
	x := uint64(u - pg.base)
	q := x * uint64(pg.inv) // see held.inv
	i := q >> 32
	bit := uint64(1) << (i % 64)
	if x >= uint64(pg.limit) || uint32(q) >= pg.inv || *pg.word(i / 64)&bit != 0 || *pg.word(i / 64)|bit == pg.full {
		if l.single {
			return l.freeSingle(u)
		}
		return l.e.freeRemote(l, u)
	}
	*pg.word(i / 64) |= bit
	l.last = u
	return nil
}

// freeSingle frees a block of a page that a Cache's Local does not own, or that may be
// empty then.
func (l *Local) freeSingle(u uintptr) error {
	e := l.e
	if !l.open {
		return ErrClosed
	}
	if e.hook != nil || !l.known.has(u) || pageOf(u).class == classBig {
		return e.freeSlow(u)
	}
	// Being in a region keeps a page that is not l's from being unmapped.
	pin := e.enterJoined()
	if pin == nil {
		return e.freeSlow(u)
	}
	back, err := l.free(pageOf(u), u)
	e.leave(pin)
	e.settle(back)
	if l.ebbs() {
		e.ebb(l)
	}
	return err
}

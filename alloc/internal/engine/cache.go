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

// Alloc is Engine.Alloc on the pages of l.
//
//go:nosplit
func (l *Local) Alloc(n int) unsafe.Pointer {
	x := uint(n - 1)
	var pg *page
	if x < fineMax {
		pg = l.fine[x/quantum]
	} else {
		if x >= MaxSmall {
			return l.allocSlow(n)
		}
		pg = l.current[coarseClasses[x/coarseStep]&(1<<7-1)]
	}
	if uintptr(unsafe.Pointer(pg)) == l.lastPage {
		l.lastPage = 0
		w := &pg.local[l.lastIndex/64&(maxWords-1)]
		if bit := uint64(1) << (l.lastIndex % 64); *w&bit != 0 {
			*w &^= bit
			pg.allocs++
			return at(l.last)
		}
	}
	word := (*uint64)(at(pg.word))
	w := *word
	if w == 0 {
		return l.allocSlow(n)
	}
	*word = w & (w - 1)
	pg.allocs++
	return at(pg.base + uintptr(bits.TrailingZeros64(w))*uintptr(pg.size))
}

func (l *Local) allocSlow(n int) unsafe.Pointer {
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

// Free is Engine.Free on the pages of l.
//
//go:nosplit
func (l *Local) Free(p unsafe.Pointer) error {
	u := uintptr(p)
	pg := (*page)(at(l.recent[u>>sliceShift%numRecent]))
	i, rest := bits.Mul64(uint64(u-pg.start), pg.recip)
	w, bit := &pg.local[i/64&(maxWords-1)], uint64(1)<<(i%64)
	if rest >= pg.recip || i >= uint64(pg.fresh) || *w&bit != 0 || *w|bit == pg.full {
		return l.freeSlow(u)
	}
	*w |= bit
	l.last, l.lastIndex, l.lastPage = u, i, uintptr(unsafe.Pointer(pg))
	return nil
}

func (l *Local) freeSlow(u uintptr) error {
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
	return err
}

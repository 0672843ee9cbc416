//go:build !race && !alloc_nolinkname

package engine

import (
	"math/bits"
	"runtime"
	"unsafe"
)

// The fast paths below belong to the running thread (M), found by getm. The
// compiler gives functions marked nosplit no safe point for preemption but at
// calls, so from getm on to the return the goroutine stays on its thread, and
// what is the thread's alone is the goroutine's alone, provided that they are not
// inlined, as a build with a profile otherwise does. That saves the two calls
// that pinning takes, a third of the time of a call of Alloc. Longer work, which
// calls, pins as well: a pinned goroutine must not block.

//go:linkname getm runtime.getm
func getm() uintptr

//go:linkname procPin runtime.procPin
func procPin() int

//go:linkname procUnpin runtime.procUnpin
func procUnpin()

// maxLocals bounds the Locals of threads: there are more threads than processors
// when some are blocked in system calls.
func maxLocals() int { return min(4*runtime.GOMAXPROCS(0)+4, numSlots*3/4) }

// slotOf returns where the Local of a thread is looked for first. The structures
// of threads are 2 KiB apart or more.
func slotOf(m uintptr) uintptr { return m >> 11 % numSlots }

// first returns what is at the first place for a thread. (A load by sync/atomic of
// &e.threads.slots[slotOf(m)] takes more instructions.)
func (e *Engine) first(m uintptr) *Local {
	const at = unsafe.Offsetof(e.threads) + unsafe.Offsetof(e.threads.slots)
	return *(**Local)(unsafe.Add(unsafe.Pointer(e), at+slotOf(m)*unsafe.Sizeof(m)))
}

// Alloc returns a block of at least n bytes aligned to 16, or nil. It is Local.Alloc,
// found and done in one call for small sizes. The compiler puts last what returns at
// once, so that the common way has no jump.
//
//go:nosplit
//go:noinline
func (e *Engine) Alloc(n int) unsafe.Pointer {
	m := getm()
	l := e.first(m)
	if l.thread != m {
		return e.probe(m).Alloc(n)
	}
	x := uint(n - 1)
	if x >= fineMax {
		return l.Alloc(n)
	}
	pg := l.fineAt(x / quantum)
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

// Free takes back a block. It is Local.Free, found and done in one call.
//
//go:nosplit
//go:noinline
func (e *Engine) Free(p unsafe.Pointer) error {
	u := uintptr(p)
	m := getm()
	l := e.first(m)
	if l.thread != m {
		return e.probe(m).Free(at(u))
	}
	pg := l.recentAt(u)
	x := uint64(u - pg.base)
	q := x * uint64(pg.inv) // see held.inv
	i := q >> 32
	bit := uint64(1) << (i % 64)
	if x >= uint64(pg.limit) || uint32(q) >= pg.inv || *pg.word(i / 64)&bit != 0 || *pg.word(i / 64)|bit == pg.full {
		return e.freeRemote(l, u)
	}
	*pg.word(i / 64) |= bit
	l.last = u
	return nil
}

// freeRemote frees a block of a page that another thread owns or nobody; for any other
// it calls freeSlow. As in Free, nothing is unmapped before it is over.
//
//go:nosplit
//go:noinline
func (e *Engine) freeRemote(l *Local, u uintptr) error {
	if !l.known.has(u) {
		return e.freeSlow(u)
	}
	pg := pageOf(u)
	i, ok := pg.blockAt(u)
	owner := pg.owner.Load()
	if !ok || owner == l.id {
		return e.freeSlow(u)
	}
	if owner == 0 {
		if done, err := l.stash(pg, i, u); done {
			return err
		}
		return e.freeOrphan(pg, i)
	}
	if !pg.push(i) {
		return ErrDoubleFree
	}
	if pg.freed().state.Load() != 0 {
		e.freeLate(pg)
	}
	return nil
}

// freeOrphan frees block i of a page that nobody owned. It is freeShared for pages in a
// list, without the pin that a longer way takes: as in Free, the page is not unmapped
// before this calls, and what is called then looks at the page anew with e.mu held. That
// the page may have been taken, or left full, between any two steps is as there: who
// takes it collects remote after that, and who shares it looks whether it is empty after
// the mark is there, so that this one or that one sees that the last block is free.
//
//go:nosplit
//go:noinline
func (e *Engine) freeOrphan(pg *page, i uint64) error {
	f := pg.freed()
	if f.state.Load()&sharedMark == 0 {
		return e.freeSlow(pg.start + uintptr(i)*uintptr(pg.size))
	}
	if pg.isFree(i) || !pg.push(i) {
		return ErrDoubleFree
	}
	switch s := f.state.Load(); {
	case s&fullMark != 0:
		e.freeLate(pg)
	case s&sharedMark != 0 && pg.wordIsEmpty(i) && pg.isEmpty():
		e.reclaim(pg)
	}
	return nil
}

// probe looks for the Local of a thread that does not have the first place.
//
//go:nosplit
//go:noinline
func (e *Engine) probe(m uintptr) *Local {
	for i := uintptr(1); i < maxProbes; i++ {
		if l := e.threads.slots[(slotOf(m)+i)%numSlots].Load(); l.thread == m {
			return l
		}
	}
	return &e.threads.nobody
}

// enter begins a region in which the Local that it returns is the caller's, and in
// which the caller must not block. It is threads.nobody if the thread has none.
func (e *Engine) enter() *Local {
	procPin()
	m := getm()
	if l := e.threads.slots[slotOf(m)].Load(); l.thread == m {
		return l
	}
	return e.probe(m)
}

func (e *Engine) leave(*Local) { procUnpin() }

// join gives the thread a Local and tells whether it could.
func (e *Engine) join() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	l := e.newThreadLocal()
	if l == nil {
		return false
	}
	procPin()
	m := getm()
	var free *atomicLocal
	for i := range uintptr(maxProbes) {
		s := &e.threads.slots[(slotOf(m)+i)%numSlots]
		switch other := s.Load(); {
		case other.thread == m: // the goroutine moved to a thread that has one
			procUnpin()
			e.threads.takeBack(l)
			return true
		case other == &e.threads.nobody && free == nil:
			free = s
		}
	}
	if free != nil {
		l.thread = m
		free.Store(l)
	}
	procUnpin()
	if free == nil {
		e.threads.takeBack(l)
	}
	return free != nil
}

// grace returns when all regions that had begun before are over. Reading the
// memory statistics stops the world, which waits until no goroutine is pinned and
// all are at safe points.
func (e *Engine) grace() {
	runtime.ReadMemStats(&e.pins.unused)
}

// pins has no state here: the scheduler is what excludes.
type pins struct{ unused runtime.MemStats }

func (*pins) init() {}

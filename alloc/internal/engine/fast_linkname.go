//go:build !race && !alloc_nolinkname

package engine

import (
	"runtime"
	"unsafe"
)

// The fast paths below belong to the running thread (M), found by getm. The
// compiler gives functions marked nosplit no safe point for preemption but at
// calls, so from getm on to the return the goroutine stays on its thread, and
// what is the thread's alone is the goroutine's alone. That saves the two calls
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

// Alloc returns a block of at least n bytes aligned to 16, or nil.
//
//go:nosplit
func (e *Engine) Alloc(n int) unsafe.Pointer {
	x := uint(n - 1)
	c := x / quantum
	if x >= fineMax {
		if x >= MaxSmall {
			return e.allocSlow(n)
		}
		c = coarse(x)
	}
	m := getm()
	l := e.threads.slots[slotOf(m)].Load()
	for i := uintptr(1); l.thread != m; i++ {
		if i == maxProbes {
			return e.allocSlow(n)
		}
		l = e.threads.slots[(slotOf(m)+i)%numSlots].Load()
	}
	pg := l.current[c]
	u := pg.free
	if u == 0 {
		return e.allocSlow(n)
	}
	pg.free = *link(u)
	*mark(u) = 0
	pg.count += ever + 1
	return at(u)
}

// Free takes back a block.
//
//go:nosplit
func (e *Engine) Free(p unsafe.Pointer) error {
	u := uintptr(p)
	m := getm()
	l := e.threads.slots[slotOf(m)].Load()
	for i := uintptr(1); l.thread != m; i++ {
		if i == maxProbes {
			return e.freeSlow(u)
		}
		l = e.threads.slots[(slotOf(m)+i)%numSlots].Load()
	}
	r := &l.recent[u>>sliceShift%numRecent]
	if r.slice != u>>sliceShift {
		return e.freeSlow(u)
	}
	pg := r.page
	off := uint64(u - pg.start)
	if off >= uint64(pg.fresh) || off*pg.recip >= pg.recip || *mark(u) == freeMark(u) || pg.count&(keepMark|liveMask) == 1 {
		return e.freeSlow(u)
	}
	*link(u) = pg.free
	*mark(u) = freeMark(u)
	pg.free = u
	pg.count--
	return nil
}

// enter begins a region in which the Local that it returns is the caller's, and in
// which the caller must not block. It is threads.nobody if the thread has none.
func (e *Engine) enter() *Local {
	procPin()
	m := getm()
	for i := range uintptr(maxProbes) {
		if l := e.threads.slots[(slotOf(m)+i)%numSlots].Load(); l.thread == m {
			return l
		}
	}
	return &e.threads.nobody
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
		case other.thread == m:
			procUnpin()
			e.threads.joined--
			return true // the goroutine moved to a thread that has one
		case other == &e.threads.nobody && free == nil:
			free = s
		}
	}
	if free != nil {
		l.thread = m
		free.Store(l)
	} else {
		e.threads.joined--
	}
	procUnpin()
	return free != nil
}

// grace returns when all regions that had begun before are over. Reading the
// memory statistics stops the world, which waits until no goroutine is pinned and
// all are at safe points.
func (e *Engine) grace() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
}

// pins has no state here: the scheduler is what excludes.
type pins struct{}

func (*pins) init() {}

//go:build race || alloc_nolinkname

package engine

import (
	"runtime"
	"sync"
	"unsafe"
)

// Where the scheduler cannot be asked to exclude others, each Local has a lock,
// and a goroutine takes any one that is free.
type pins struct{ locks []paddedMutex }

type paddedMutex struct {
	sync.Mutex
	_ [56]byte
}

func (p *pins) init() { p.locks = make([]paddedMutex, maxLocals()) }

func maxLocals() int { return min(runtime.GOMAXPROCS(0), numSlots) }

// Alloc returns a block of at least n bytes aligned to 16, or nil.
func (e *Engine) Alloc(n int) unsafe.Pointer { return e.allocSlow(n) }

// Free takes back a block.
func (e *Engine) Free(p unsafe.Pointer) error { return e.freeSlow(uintptr(p)) }

func (e *Engine) freeRemote(_ *Local, u uintptr) error { return e.freeSlow(u) }

// enter begins a region in which the Local that it returns is the caller's, and in
// which the caller must not block. It is threads.nobody until join was called.
// Goroutines have their stacks in different places, which spreads them over the
// Locals.
func (e *Engine) enter() *Local {
	var here byte
	n := uintptr(len(e.pins.locks))
	first := uintptr(unsafe.Pointer(&here)) >> 11 % n
	id := first
	for i := uintptr(0); !e.pins.locks[id].TryLock(); id = (first + i) % n {
		if i++; i == n {
			e.pins.locks[id].Lock()
			break
		}
	}
	if l := e.threads.slots[id].Load(); l != &e.threads.nobody {
		return l
	}
	e.pins.locks[id].Unlock()
	return &e.threads.nobody
}

func (e *Engine) leave(l *Local) {
	if l != &e.threads.nobody {
		e.pins.locks[l.thread].Unlock()
	}
}

// join makes all Locals that are missing.
func (e *Engine) join() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	for i := range e.pins.locks {
		if e.threads.slots[i].Load() == &e.threads.nobody {
			l := e.newThreadLocal()
			if l == nil {
				return false
			}
			l.thread = uintptr(i)
			e.threads.slots[i].Store(l)
		}
	}
	return true
}

// grace returns when all regions that had begun before are over.
func (e *Engine) grace() {
	for i := range e.pins.locks {
		e.pins.locks[i].Lock()
		e.pins.locks[i].Unlock() //lint:ignore SA2001 waiting for the holder is all
	}
}

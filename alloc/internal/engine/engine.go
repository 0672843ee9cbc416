// Package engine is the heap proper: blocks of any size from memory outside of
// Go's heap, on three levels.
//
//   - A [Local] holds pages of blocks of one size class each, and allocates and
//     frees on them without a lock. Each thread that runs Go code has one; a caller
//     may have more of its own.
//   - The central lists hold, per class, pages with free blocks that no Local
//     owns; each list has a mutex.
//   - The page heap cuts aligned segments into pages, under one mutex, merges
//     what is free and gives it back to the system.
//
// It knows nothing of types, debugging or files. What it takes from mimalloc: the
// header found by masking the address, and remote frees by one compare-and-swap on
// the page. What differs: bits in the header tell which blocks are free, and not
// lists through the blocks, so freeing does not touch a block's memory; and a full
// page has no owner: who frees a block on it first becomes its owner, so that a
// consumer's frees turn local and no memory waits for a producer to come back. Who frees
// blocks here and there keeps some for itself, see stash.go.
package engine

import (
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/groundwork-go/groundwork/alloc/internal/sysmem"
)

// Errors of Free.
var (
	ErrClosed     = errors.New("alloc: closed")
	ErrForeign    = errors.New("alloc: free of a pointer that is not a block's start")
	ErrDoubleFree = errors.New("alloc: double free")
)

// Config tunes an Engine.
type Config struct {
	Limit int64         // bytes from the system; 0: no limit
	Decay time.Duration // after which free memory goes back; negative: never
	Huge  bool          // ask for huge pages

	// Map replaces sysmem.Map if not nil.
	Map func(n, align int) (sysmem.Region, error)
}

// An Engine is a heap. Its methods may be called concurrently.
type Engine struct {
	config Config
	hook   Hook // not nil: there is no memory here, the hook does everything

	threads threads
	pins    pins
	central [NumClasses]central

	mu      sync.Mutex             // before central[i].mu
	pages   pageHeap               // guarded by mu
	large   largeSet               // guarded by mu
	ids     uint32                 // guarded by mu; the last id given to a Local
	locals  map[*Local]struct{}    // guarded by mu; those that NewLocal made
	retired [NumClasses + 1]uint64 // guarded by mu; allocations on pages and by Locals that are gone
	closed  bool                   // guarded by mu
	failed  atomic.Int64
	ticks   atomic.Uint32
	samples samples     // guarded by mu; of Locals that are gone
	timer   *time.Timer // guarded by mu
	armed   bool        // guarded by mu; timer will fire
}

// A Hook allocates and frees in place of an Engine, which thereby needs no test for
// it on its fast paths: they find that the thread has no Local.
type Hook interface {
	Alloc(n int) unsafe.Pointer
	Free(p unsafe.Pointer) error // p is not nil
}

// InitFront makes e, a zero one, an Engine of which only Alloc, Free and what concerns
// Locals may be called.
func (e *Engine) InitFront(h Hook) {
	e.hook, e.locals = h, make(map[*Local]struct{})
	e.pins.init()
	e.threads.init(e)
}

// bitmap has a bit for each place where a segment may be. It is read without
// synchronisation: who has a block got it after its segment's bit was set.
type bitmap []uint64

func (b bitmap) has(u uintptr) bool {
	i := u >> knownShift
	return i < uintptr(len(b)) && b[i]>>(u>>segmentShift&63)&1 != 0
}

const knownShift = segmentShift + 6

// New returns an empty heap.
func New(c Config) (*Engine, error) {
	e := new(Engine)
	if err := e.Init(c); err != nil {
		return nil, err
	}
	return e, nil
}

// Init makes e, a zero one, an empty heap.
func (e *Engine) Init(c Config) error {
	if c.Map == nil {
		c.Map = sysmem.Map
	}
	if c.Limit == 0 {
		c.Limit = math.MaxInt64
	}
	e.config, e.locals = c, make(map[*Local]struct{})
	// A bit for each place in the address space: 32 MiB that stay untouched but for
	// the few pages where the system puts its mappings.
	const bytes = 1 << (addrBits - segmentShift - 3)
	r, err := sysmem.MapReal(bytes, 4096)
	if err != nil {
		return err
	}
	e.pages.init(r)
	e.pins.init()
	e.large.blocks = make(map[uintptr]sysmem.Region)
	e.threads.init(e)
	return nil
}

func (e *Engine) allocSlow(n int) unsafe.Pointer {
	if e.hook != nil {
		return e.hook.Alloc(n)
	}
	var p unsafe.Pointer
	switch {
	case n <= 0 || n > math.MaxInt/2:
	case n > MaxSmall:
		p = e.allocBig(n, quantum)
	default:
		p = e.allocSmall(classOf(n), n)
	}
	if p == nil {
		e.failed.Add(1)
	}
	return p
}

// allocSmall allocates a block of class c for n bytes, when the current page of the
// thread has none.
func (e *Engine) allocSmall(c uint, n int) unsafe.Pointer {
	for {
		l := e.enterJoined()
		if l == nil {
			return e.allocCentral(c)
		}
		l.samples[c].add(n)
		u := l.alloc(c)
		ebbs := l.ebbs()
		e.leave(l)
		if ebbs {
			e.ebb(nil)
		}
		if u != 0 {
			return at(u)
		}
		pg := e.takeShared(c)
		if pg == nil && neighbours(c) > 0 {
			if l = e.enter(); l != &e.threads.nobody {
				u = l.borrow(c)
			}
			if e.leave(l); u != 0 {
				return at(u)
			}
		}
		if pg == nil {
			pg = e.takeOther(c)
		}
		if pg == nil {
			return nil
		}
		// This may be another thread by now.
		if l = e.enterJoined(); l == nil {
			e.putBack(pg)
			return e.allocCentral(c)
		}
		u, back := l.install(c, pg)
		e.leave(l)
		e.settle(back)
		if u != 0 {
			return at(u)
		}
	}
}

// enterJoined is enter that makes the Local if there is none. It returns nil, and
// has not entered, if there can be none.
func (e *Engine) enterJoined() *Local {
	for {
		l := e.enter()
		if l != &e.threads.nobody {
			return l
		}
		e.leave(l)
		if !e.join() {
			return nil
		}
	}
}

// allocCentral allocates without a Local. It holds e.mu meanwhile, since nothing
// else keeps Close from unmapping the page.
func (e *Engine) allocCentral(c uint) unsafe.Pointer {
	for {
		pg := e.takePage(c)
		if pg == nil {
			return nil
		}
		e.mu.Lock()
		if e.closed {
			e.mu.Unlock()
			return nil
		}
		var u uintptr
		if pg.refill() {
			u = pg.pop()
		}
		e.putBackLocked(pg)
		e.mu.Unlock()
		if u != 0 {
			return at(u)
		}
	}
}

// freeSlow frees any block.
func (e *Engine) freeSlow(u uintptr) error {
	if e.hook != nil {
		return e.freeByHook(u)
	}
	l := e.enterJoined()
	if l == nil {
		return e.freeCentral(u)
	}
	if !l.known.has(u) {
		e.leave(l)
		return e.freeLarge(u)
	}
	pg := pageOf(u)
	if pg.class == classBig {
		e.leave(l)
		return e.freeBig(u)
	}
	back, err := l.free(pg, u)
	ebbs := l.ebbs()
	e.leave(l)
	e.settle(back)
	if ebbs {
		e.ebb(nil)
	}
	return err
}

func (e *Engine) freeByHook(u uintptr) error {
	if u == 0 {
		return nil
	}
	return e.hook.Free(at(u))
}

// toSettle says what is left to do after a call, and cannot be done in a region.
type toSettle struct {
	inHand *page // to put back
	class  uint8 // of inHand, which may be gone when it is settled
	empty  *page // shared, to reclaim
}

// putting is a toSettle of a page in hand, or of nil.
func putting(pg *page) toSettle {
	if pg == nil {
		return toSettle{}
	}
	return toSettle{inHand: pg, class: pg.class}
}

func (e *Engine) settle(s toSettle) {
	if s.inHand != nil {
		e.shelve(s.inHand, s.class)
	}
	if s.empty != nil {
		e.reclaim(s.empty)
	}
}

// settleLocked is settle with e.mu held.
func (e *Engine) settleLocked(s toSettle) {
	switch {
	case s.inHand != nil:
		e.putBackLocked(s.inHand)
	case s.empty != nil:
		e.reclaimLocked(s.empty)
	}
}

// freeCentral frees without a Local; see allocCentral.
func (e *Engine) freeCentral(u uintptr) error {
	e.mu.Lock()
	if e.closed || !e.pages.known.has(u) {
		e.mu.Unlock()
		return e.freeLarge(u)
	}
	pg := pageOf(u)
	if pg.class == classBig {
		e.mu.Unlock()
		return e.freeBig(u)
	}
	defer e.mu.Unlock()
	i, err := pg.check(u)
	if err != nil {
		return err
	}
	s, err := pg.freeShared(i)
	e.settleLocked(s)
	return err
}

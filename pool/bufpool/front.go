//go:build gc && !race && !pool_portable

package bufpool

import (
	"sync/atomic"
	"unsafe" // also for go:linkname
)

// A front keeps one slice for each thread, before sync.Pool, whose Get and Put pin
// and unpin the caller to its processor: with four calls they take three times
// as long.
//
// What a place holds is touched by its thread alone, in functions that are marked
// nosplit: the compiler gives those no safe point for preemption but at calls, so
// that from getm on to the end the goroutine stays on its thread and no other runs
// there. They must not be inlined, or that is lost.
type front struct{ places [frontPlaces]place }

type place struct {
	thread uintptr // atomic when it is claimed; zero for none
	first  *byte   // stays when size becomes empty, which saves a write
	size   int     // capacity of what first points to, or empty
	misses int     // slices that came back while it was full, since it last gave way
	_      [32]byte
}

const (
	frontPlaces = 64
	// frontMost bounds what threads that are gone may hold for good to 2 MiB.
	// Larger slices take their users longer than a pool can save.
	frontMost = 32 << 10
	empty     = -1
	// maxMisses is when a slice that nobody asks for leaves its place.
	maxMisses = 16
)

// getm returns the address of the running thread's structure in the runtime. Those
// are 2 KiB apart or more.
//
//go:linkname getm runtime.getm
func getm() uintptr

// here returns the place of a thread, which may be another's.
func (f *front) here(thread uintptr) *place { return &f.places[thread>>11%frontPlaces] }

// Get returns a slice of n bytes with any contents and a capacity of at most a
// quarter more. It is the caller's until Put. It panics if n is negative.
//
//go:nosplit
//go:noinline
func (p *Bytes) Get(n int) []byte {
	thread := getm()
	at := p.front.here(thread)
	if slack := at.size - n; at.thread == thread && slack >= 0 && slack <= n>>2 {
		size := at.size
		at.size = empty
		return unsafe.Slice(at.first, size)[:n]
	}
	return p.get(n)
}

// Put keeps b, whatever it was made by, for a later Get of up to its capacity. It
// must not be used any more. What is too small or too large is dropped.
//
//go:nosplit
//go:noinline
func (p *Bytes) Put(b []byte) {
	thread := getm()
	at := p.front.here(thread)
	c := cap(b)
	// A MaxSize of zero, the default, is more than frontMost.
	if at.thread == thread && at.size == empty && uint(c-smallest-1) < frontMost-smallest && uint(c) <= uint(p.MaxSize-1) {
		at.first, at.size = unsafe.SliceData(b), c
		return
	}
	if old := p.front.settle(); old != nil {
		p.put(old)
	}
	p.put(b)
}

// settle prepares the thread's place for later calls: it claims one that is free, and
// returns a slice that has been in the way of others for long.
//
//go:nosplit
//go:noinline
func (f *front) settle() []byte {
	thread := getm()
	at := f.here(thread)
	if at.thread != thread {
		if atomic.CompareAndSwapUintptr(&at.thread, 0, thread) {
			at.size = empty
		}
		return nil
	}
	if at.size == empty {
		return nil
	}
	if at.misses++; at.misses < maxMisses {
		return nil
	}
	old := unsafe.Slice(at.first, at.size)
	at.size, at.misses = empty, 0
	return old
}

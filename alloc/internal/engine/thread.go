package engine

import (
	"sync/atomic"
	"time"
)

// threads holds the Locals of the threads, a hash table that is read without a
// lock. A Local stays where it is until flush removes it, and flush waits for
// grace before it touches what it removed.
type threads struct {
	slots  [numSlots]atomicLocal
	nobody Local // in slots that are free: owns nothing and never will

	spare   []*Local  // guarded by Engine.mu; those that were taken from their threads
	joined  int       // guarded by Engine.mu; Locals in slots
	flushed time.Time // guarded by Engine.mu; when there were too many of them
}

type atomicLocal = atomic.Pointer[Local]

const (
	numSlots  = 256
	maxProbes = 8

	// minFlush is how often at most the Locals of all threads are given up because
	// there are too many of them.
	minFlush = 10 * time.Millisecond
)

func (t *threads) init(e *Engine) {
	t.nobody.init(e)
	for i := range t.slots {
		t.slots[i].Store(&t.nobody)
	}
}

// newThreadLocal returns a Local for a slot, or nil if there are too many. e.mu is
// held.
func (e *Engine) newThreadLocal() *Local {
	t := &e.threads
	if t.joined >= maxLocals() {
		// Threads come and go, their Locals stay: the threads that live will be back.
		now := time.Now()
		if now.Sub(t.flushed) < minFlush {
			return nil
		}
		t.flushed = now
		e.flush(nil)
	}
	var l *Local
	if n := len(t.spare); n > 0 {
		l, t.spare = t.spare[n-1], t.spare[:n-1]
	} else {
		l = new(Local)
	}
	l.init(e)
	l.known = e.pages.known
	t.joined++
	e.arm()
	return l
}

// takeBack takes a Local that was not given to a thread. e.mu is held.
func (t *threads) takeBack(l *Local) {
	t.joined--
	t.spare = append(t.spare, l)
}

// flush takes the Locals that match away from their threads and puts everything
// that they held back; nil matches all. Threads get new ones when they ask. e.mu
// is held.
func (e *Engine) flush(match func(*Local) bool) {
	t := &e.threads
	var old []*Local
	for i := range t.slots {
		if l := t.slots[i].Load(); l != &t.nobody && (match == nil || match(l)) {
			t.slots[i].Store(&t.nobody)
			old = append(old, l)
		}
	}
	if len(old) == 0 {
		return
	}
	t.joined -= len(old)
	e.grace()
	for _, l := range old {
		e.drain(l)
	}
	t.spare = append(t.spare, old...)
}

// isIdle tells whether l was not used since the last call.
//
//go:norace
func (l *Local) isIdle() bool {
	sum := uint64(1)
	for c := range NumClasses {
		sum += l.current[c].allocs + l.stashes[c].allocs + uint64(l.stashes[c].n) + uint64(l.partial[c].n)
	}
	idle := sum == l.lastSum
	l.lastSum = sum
	return idle
}

// held returns how many bytes are free in the pages that l allocates from and in its
// stashes. The thread may be changing that.
//
//go:norace
func (l *Local) held() int64 {
	n := int64(0)
	for c := range NumClasses {
		n += int64(l.stashes[c].n) * int64(sizes[c])
		if pg := l.current[c]; pg != &l.noPage {
			n += int64(pg.unused()) * int64(pg.size)
		}
	}
	return n
}

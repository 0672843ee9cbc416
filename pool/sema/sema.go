// Package sema has a weighted semaphore that serves in order of arrival, does
// not allocate for a wait, and can be resized.
//
//	s := sema.New(10)
//	if err := s.Acquire(ctx, 3); err != nil {
//		return err
//	}
//	defer s.Release(3)
//
// # Guarantees
//
//   - Nobody overtakes a waiter, not even one who wants less and could have it.
//   - While nobody waits, Acquire and Release are one compare-and-swap each.
//   - A cancelled wait leaves in constant time, and who comes next is served if
//     there is enough for it.
package sema

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// ErrTooLarge is wrapped by the error for a weight above the size of the
// semaphore, which could never be had.
var ErrTooLarge = errors.New("sema: weight above the size")

// Weighted is a semaphore of a number of units. All methods may be called
// concurrently.
type Weighted struct {
	// word is the number of held units times two, plus one while the lock is
	// needed: then word changes only with mu held. Both facts are in one word so
	// that neither Acquire can miss a waiter nor Release one who is about to wait:
	// its compare-and-swap fails.
	word  atomic.Int64
	limit atomic.Int64 // the size times two; changes with mu held
	_     [48]byte

	mu         sync.Mutex
	head, tail *waiter // guarded by mu; the queue
	n          int     // guarded by mu; its length
	spare      sync.Pool
}

const slow = 1 // the flag in Weighted.word

// A waiter is one caller in the queue. It is recycled, with its channel, within
// its own semaphore, as testing/synctest requires.
type waiter struct {
	ready      chan struct{} // gets one value at the end of the wait
	err        error         // written before ready is sent
	units      int64
	queued     bool // guarded by Weighted.mu, as are the links
	prev, next *waiter
}

// New returns a semaphore of size units, all free. It panics if size is negative
// or above 1<<61.
func New(size int64) *Weighted {
	checkSize(size)
	s := &Weighted{}
	s.limit.Store(size * 2)
	return s
}

// TryAcquire takes n units if they are free and nobody waits. It panics if n is
// negative.
func (s *Weighted) TryAcquire(n int64) bool {
	checkWeight("TryAcquire", n)
	for {
		w := s.word.Load()
		if w&slow != 0 || n > (s.limit.Load()-w)>>1 {
			return false
		}
		if s.word.CompareAndSwap(w, w+n*2) {
			return true
		}
	}
}

// Acquire takes n units, waiting for its turn. The errors are that of ctx and
// [ErrTooLarge]; a context that has already ended has no effect. It panics if n
// is negative.
func (s *Weighted) Acquire(ctx context.Context, n int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	// One attempt only: who loses against another is better off waiting for mu
	// than trying again on a cache line that others pull away.
	if w := s.word.Load(); w&slow == 0 && n >= 0 && n <= (s.limit.Load()-w)>>1 && s.word.CompareAndSwap(w, w+n*2) {
		return nil
	}
	return s.acquireSlow(ctx, n)
}

// acquireSlow is Acquire where there is anything to consider.
func (s *Weighted) acquireSlow(ctx context.Context, n int64) error {
	checkWeight("Acquire", n)
	s.mu.Lock()
	free := s.lockWord()
	switch {
	case n > s.size():
		err := fmt.Errorf("%w: %d of %d", ErrTooLarge, n, s.size())
		s.unlockWord(free)
		s.mu.Unlock()
		return err
	case s.head == nil && free >= n:
		s.unlockWord(free - n)
		s.mu.Unlock()
		return nil
	}
	w, _ := s.spare.Get().(*waiter)
	if w == nil {
		w = &waiter{ready: make(chan struct{}, 1)}
	}
	w.units = n
	s.push(w)
	s.mu.Unlock()
	return s.wait(ctx, w)
}

func (s *Weighted) wait(ctx context.Context, w *waiter) error {
	done := ctx.Done()
	if done == nil {
		<-w.ready
	} else {
		select {
		case <-w.ready:
		case <-done:
			return s.giveUp(w, ctx.Err())
		}
	}
	err := w.err
	w.err = nil
	s.spare.Put(w)
	return err
}

// giveUp takes w out of the queue. Units that were granted at the same moment go
// back.
func (s *Weighted) giveUp(w *waiter, err error) error {
	s.mu.Lock()
	if w.queued {
		free := s.lockWord()
		s.remove(w)
		s.serve(free) // w may have been the one for whom the others waited
		s.mu.Unlock()
	} else {
		s.mu.Unlock()
		<-w.ready
		if w.err == nil {
			s.Release(w.units)
		}
		w.err = nil
	}
	s.spare.Put(w)
	return err
}

// Release gives n units back and serves whom they are enough for. It panics if
// more come back than went out, or if n is negative.
func (s *Weighted) Release(n int64) {
	w := s.word.Load()
	if w&slow != 0 || uint64(n) > uint64(w)>>1 || !s.word.CompareAndSwap(w, w-n*2) {
		s.releaseSlow(n)
	}
}

// releaseSlow is Release where there is anything to consider.
func (s *Weighted) releaseSlow(n int64) {
	checkWeight("Release", n)
	s.mu.Lock()
	free := s.lockWord()
	if n > s.size()-free {
		s.unlockWord(free)
		s.mu.Unlock()
		panic("sema: Release of more than is held")
	}
	s.serve(free + n)
	s.mu.Unlock()
}

// Resize changes the number of units. With more, waiters are served at once.
// With fewer, what is held stays held and nobody is served until enough has come
// back; waiters for more than there is now get [ErrTooLarge]. It panics as [New]
// does.
func (s *Weighted) Resize(size int64) {
	checkSize(size)
	s.mu.Lock()
	defer s.mu.Unlock()
	free := s.lockWord() + size - s.size()
	s.limit.Store(size * 2)
	for w := s.head; w != nil; {
		next := w.next
		if w.units > size {
			s.remove(w)
			w.err = fmt.Errorf("%w: %d of %d", ErrTooLarge, w.units, size)
			w.ready <- struct{}{}
		}
		w = next
	}
	s.serve(free)
}

// Free returns the number of free units; below zero, how many must come back
// before one is free.
func (s *Weighted) Free() int64 { return s.size() - s.word.Load()>>1 }

func (s *Weighted) size() int64 { return s.limit.Load() >> 1 }

// Waiting returns the number of callers who wait.
func (s *Weighted) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}

// lockWord sends everybody to mu and returns the free units. Called with mu held;
// unlockWord, serve or a waiter in the queue must follow.
func (s *Weighted) lockWord() int64 {
	w := s.word.Load()
	if w&slow == 0 { // else it changes no more
		w = s.word.Or(slow)
	}
	return s.size() - w>>1
}

// unlockWord stores the free units and lets the others pass unless somebody
// waits. Called with mu held.
func (s *Weighted) unlockWord(free int64) {
	w := (s.size() - free) * 2
	if s.head != nil {
		w |= slow
	}
	if w != s.word.Load() { // in a hand-over it is what it was
		s.word.Store(w)
	}
}

// serve grants what it can from the head of the queue on. Called with mu held.
func (s *Weighted) serve(free int64) {
	for w := s.head; w != nil && w.units <= free; w = s.head {
		free -= w.units
		s.remove(w)
		w.ready <- struct{}{} // has room
	}
	s.unlockWord(free)
}

func (s *Weighted) push(w *waiter) {
	w.queued = true
	w.prev = s.tail
	if s.tail == nil {
		s.head = w
	} else {
		s.tail.next = w
	}
	s.tail = w
	s.n++
}

func (s *Weighted) remove(w *waiter) {
	if w.prev == nil {
		s.head = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		s.tail = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.prev, w.next, w.queued = nil, nil, false
	s.n--
}

func checkWeight(op string, n int64) {
	if n < 0 {
		panic(fmt.Sprintf("sema: %s of %d units", op, n))
	}
}

func checkSize(size int64) {
	if size < 0 || size > 1<<61 { // twice that fits Weighted.limit
		panic(fmt.Sprintf("sema: size is %d, must be from 0 to 1<<61", size))
	}
}

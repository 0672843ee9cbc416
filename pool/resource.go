package pool

import (
	"sync/atomic"
	"time"
)

// slot is the pool's record of one resource.
type slot[T any] struct {
	value     T
	created   time.Time
	idleSince time.Time

	// gen counts the loans that have ended; a handle of an older loan is stale.
	gen  atomic.Uint64
	lent atomic.Bool

	sameValue *slot[T] // next slot in Pool.bare whose value compares equal; guarded by Pool.mu
	bare      bool     // lent by Acquire, so that Release may take it; guarded by Pool.mu
}

// endLoan makes the handles of the loan stale. Called with Pool.mu held.
func (s *slot[T]) endLoan() {
	s.lent.Store(false)
	s.bare = false
	s.gen.Add(1)
}

// A Resource is the handle of one loan. It is a small value and may be copied;
// after Release, Destroy or Hijack every copy is stale, and using one panics.
// It may be used by one goroutine at a time.
type Resource[T any] struct {
	pool *Pool[T]
	slot *slot[T]
	gen  uint64
}

func (r Resource[T]) check(op string) {
	switch {
	case r.slot == nil:
		panic("pool: " + op + " of the zero Resource")
	case r.slot.gen.Load() != r.gen || !r.slot.lent.Load():
		panic("pool: " + op + " of a Resource that was released, destroyed or hijacked before")
	}
}

// Value returns the resource.
func (r Resource[T]) Value() T {
	r.check("Value")
	return r.slot.value
}

// Release gives the resource back: to the caller who waits longest, or to the
// idle ones. In a closed pool it is destroyed.
func (r Resource[T]) Release() {
	r.claim("Release")
	r.pool.put(r.slot)
}

// Destroy ends the resource and makes room for a new one. Use it for what is
// broken.
func (r Resource[T]) Destroy() {
	r.claim("Destroy")
	r.pool.remove(r.slot, true)
}

// Hijack takes the resource out of the pool and gives it to the caller, who
// ends it. The pool has room for a new one.
func (r Resource[T]) Hijack() T {
	r.claim("Hijack")
	v := r.slot.value
	r.pool.remove(r.slot, false)
	return v
}

// claim makes sure that of two concurrent endings of a loan one panics.
func (r Resource[T]) claim(op string) {
	r.check(op)
	if !r.slot.gen.CompareAndSwap(r.gen, r.gen+1) {
		panic("pool: " + op + " of a Resource that was released, destroyed or hijacked before")
	}
}

// CreatedAt returns when the resource was made.
func (r Resource[T]) CreatedAt() time.Time {
	r.check("CreatedAt")
	return r.slot.created
}

package keyed

import (
	"sync/atomic"
	"time"

	"github.com/groundwork-go/groundwork/pool/internal/list"
)

// A slot is the pool's record of one resource. Who has taken it from the idle
// ones, or lends it, holds it.
type slot[K comparable, T any] struct {
	entry   *entry[K, T]
	value   T
	created time.Time
	since   time.Time     // when it came back; written by the holder
	loan    atomic.Uint64 // odd while it is lent; each loan and each end of one adds one

	ofKey, ofAll list.Node[*slot[K, T]] // in entry.idle and Pool.idle; guarded by Pool.mu
}

func newSlot[K comparable, T any](e *entry[K, T], v T) *slot[K, T] {
	now := time.Now()
	s := &slot[K, T]{entry: e, value: v, created: now, since: now}
	s.ofKey.Value, s.ofAll.Value = s, s
	return s
}

// lend begins a loan of a slot that the caller holds.
func (s *slot[K, T]) lend() uint64 { return s.loan.Add(1) }

// A Resource is the handle of one loan. It is a small value and may be copied;
// after Release, Destroy or Hijack every copy is stale, and using one panics, also
// when the resource has been lent again.
type Resource[K comparable, T any] struct {
	pool *Pool[K, T]
	slot *slot[K, T]
	gen  uint64
}

func (r Resource[K, T]) check(op string) {
	switch {
	case r.slot == nil:
		panic("keyed: " + op + " of the zero Resource")
	case r.slot.loan.Load() != r.gen:
		panic("keyed: " + op + " of a Resource that was released, destroyed or hijacked before")
	}
}

// end ends the loan; of two concurrent endings one panics.
func (r Resource[K, T]) end(op string) {
	r.check(op)
	if !r.slot.loan.CompareAndSwap(r.gen, r.gen+1) {
		r.check(op)
	}
}

// Value returns the resource.
func (r Resource[K, T]) Value() T {
	r.check("Value")
	return r.slot.value
}

// Key returns the key of the resource.
func (r Resource[K, T]) Key() K {
	r.check("Key")
	return r.slot.entry.key
}

// Release gives the resource back.
func (r Resource[K, T]) Release() {
	r.end("Release")
	r.pool.put(r.slot)
}

// Destroy ends the resource, on another goroutine, and makes room for a new one.
// Use it for what is broken.
func (r Resource[K, T]) Destroy() {
	r.end("Destroy")
	r.pool.mu.Lock()
	r.pool.condemn(r.slot)
	r.pool.mu.Unlock()
}

// Hijack takes the resource out of the pool and gives it to the caller, who ends
// it. The pool has room for a new one.
func (r Resource[K, T]) Hijack() T {
	r.end("Hijack")
	r.pool.mu.Lock()
	r.pool.dying++
	r.pool.removed(r.slot)
	r.pool.mu.Unlock()
	return r.slot.value
}

package pool

import "time"

// A Resource is the handle of one loan. It is a small value and may be copied;
// after Release, Destroy or Hijack every copy is stale, and using one panics, also
// when the resource has been lent again.
type Resource[T any] struct {
	pool *Pool[T]
	slot *slot[T]
	gen  uint64
}

// check panics if the loan is over.
func (r Resource[T]) check(op string) {
	if r.slot == nil {
		panic("pool: " + op + " of the zero Resource")
	}
	if st := r.slot.state.Load(); genOf(st) != r.gen || st&(lent|own) != lent {
		r.misused(op)
	}
}

// misused panics, with the stack of the loan if there is one.
func (r Resource[T]) misused(op string) {
	text := "pool: " + op + " of a Resource that was released, destroyed or hijacked before"
	r.pool.mu.Lock()
	stack := r.slot.stackOf(r.gen)
	r.pool.mu.Unlock()
	if stack != "" {
		text += "; it was acquired at\n" + stack
	}
	panic(text)
}

// claim ends the loan; of two concurrent endings one panics.
func (r Resource[T]) claim(op string) {
	r.check(op)
	if !r.slot.endLoan(r.gen) {
		r.misused(op)
	}
}

// Value returns the resource.
func (r Resource[T]) Value() T {
	r.check("Value")
	return r.slot.value
}

// Release gives the resource back: to the caller who waits longest, or to the
// idle ones. If the pool is closed, has shrunk or was reset, or if the resource
// has outlived its time, it is destroyed before Release returns.
func (r Resource[T]) Release() {
	p, s := r.pool, r.slot
	if s != nil && p.gate.Load() == 0 && s.state.Load() == r.gen*genUnit|lent|home {
		s.stamp(p.clock.Load())
		if s.state.CompareAndSwap(r.gen*genUnit|lent|home, (r.gen+1)*genUnit|home) { // R1 of cells.go
			if p.gate.Load() != 0 { // R2
				p.reconsider(s)
			}
			return
		}
	}
	r.releaseSlow()
}

// releaseSlow is Release where there is anything to consider.
func (r Resource[T]) releaseSlow() {
	r.claim("Release")
	p, s := r.pool, r.slot
	if f := p.o.Hooks.OnRelease; f != nil {
		defer p.put(s)
		p.hook("Hooks.OnRelease", func() { f(s.value) })
		return
	}
	p.put(s)
}

// Destroy ends the resource and makes room for a new one. Use it for what is
// broken.
func (r Resource[T]) Destroy() {
	r.claim("Destroy")
	r.pool.takeOut(r.slot)
	r.pool.discard(r.slot, ByHolder)
}

// Hijack takes the resource out of the pool and gives it to the caller, who
// ends it. The pool has room for a new one.
func (r Resource[T]) Hijack() T {
	r.claim("Hijack")
	p, s := r.pool, r.slot
	p.takeOut(s)
	defer p.removed(s, Hijacked)
	if f := p.o.Hooks.OnHijack; f != nil {
		p.hook("Hooks.OnHijack", func() { f(s.value) })
	}
	return s.value
}

func (p *Pool[T]) takeOut(s *slot[T]) {
	p.mu.Lock()
	p.condemn(s)
	p.mu.Unlock()
}

// CreatedAt returns when the resource was made.
func (r Resource[T]) CreatedAt() time.Time {
	r.check("CreatedAt")
	return r.slot.created
}

// IdleFor returns for how long the resource had been idle before this loan, to
// about 10 ms.
func (r Resource[T]) IdleFor() time.Duration {
	r.check("IdleFor")
	return max(time.Duration(r.slot.idleFor), 0)
}

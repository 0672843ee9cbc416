package bufpool

import "sync"

// A Pool keeps values of type T for reuse. It must come from [New]. All methods
// may be called concurrently.
type Pool[T any] struct {
	values sync.Pool // of *T
	reset  func(*T)
}

// New returns a pool whose values make makes; nil makes zero values. reset, which
// may be nil, is called by Put, so that an unused value holds on to nothing.
func New[T any](make func() *T, reset func(*T)) *Pool[T] {
	if make == nil {
		make = func() *T { return new(T) }
	}
	p := &Pool[T]{reset: reset}
	p.values.New = func() any { return make() }
	return p
}

// Get returns a value that is the caller's until Put.
func (p *Pool[T]) Get() *T { return p.values.Get().(*T) }

// Put resets v and keeps it. It must not be used any more. A nil v is ignored.
func (p *Pool[T]) Put(v *T) {
	if v == nil {
		return
	}
	if p.reset != nil {
		p.reset(v)
	}
	p.values.Put(v)
}

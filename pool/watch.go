package pool

import (
	"context"
	"runtime"
)

// A watch tells the end of one context to all waiters that share it. Each of them
// could select on the context itself, but that takes half as long again, and many
// of them get into each other's way: at the lock of its channel with every wait,
// and at the pool's lock when all give up at once.
//
// To begin a watch takes allocations and the context's own lock, so that it is
// done only for what many waiters in a row have in common.
type watch[T any] struct {
	done <-chan struct{}
	stop func() bool // ends it; called without mu, as the context may be the user's

	// Guarded by Pool.mu.
	last  *waiter[T] // those it tells, linked by older and newer
	ended bool       // nobody may join any more
}

// watching is what a pool knows of the contexts of its waiters. Guarded by Pool.mu.
type watching[T any] struct {
	current *watch[T]       // the only one
	done    <-chan struct{} // of the last waiter that current does not tell
	row     int             // waiters in a row with done
}

const (
	watchedRow = 8 // waiters in a row that are worth a watch
	// toldAtOnce is how many waiters are told before they may run, and before
	// others get mu: few enough that all fit the processor's queue and its cache.
	toldAtOnce = 128
)

// watch lets w be told by the current watch if that is for its context. Else it
// tells whether the caller is to begin one once mu is free. Called with mu held.
func (p *Pool[T]) watch(w *waiter[T], done <-chan struct{}) (begin bool) {
	c := &p.watching
	if v := c.current; v != nil && v.done == done {
		w.watched, w.watch = true, v
		if w.older = v.last; w.older != nil {
			w.older.newer = w
		}
		v.last = w
		return false
	}
	if c.done != done {
		c.done, c.row = done, 0
	}
	c.row++
	return c.row%watchedRow == 0 && (c.current == nil || c.current.last == nil)
}

// unwatch is called with mu held when w leaves the queue.
func (w *waiter[T]) unwatch() {
	v := w.watch
	if v.last == w {
		v.last = w.older
	} else {
		w.newer.older = w.older
	}
	if w.older != nil {
		w.older.newer = w.newer
	}
	w.watch, w.older, w.newer = nil, nil, nil
}

// beginWatch watches a context for the waiters that come from now on.
func (p *Pool[T]) beginWatch(ctx context.Context, done <-chan struct{}) {
	v := &watch[T]{done: done}
	v.stop = context.AfterFunc(ctx, func() { p.endWatch(v, ctx.Err()) })
	p.mu.Lock()
	unused := v
	if c := p.watching.current; !v.ended && (c == nil || c.last == nil) && p.gate.Load()&gateClosed == 0 {
		unused, p.watching.current = c, v
	}
	p.mu.Unlock()
	if unused != nil {
		unused.stop()
	}
}

// endWatch tells all waiters of v that their context has ended.
func (p *Pool[T]) endWatch(v *watch[T], err error) {
	told := make([]*waiter[T], 0, toldAtOnce)
	for more := true; more; {
		p.mu.Lock()
		v.ended = true
		if p.watching.current == v {
			p.watching.current = nil
		}
		for v.last != nil && len(told) < toldAtOnce {
			w := v.last
			p.cancel(w)
			w.ended, w.err = true, err
			told = append(told, w)
		}
		more = v.last != nil
		p.mu.Unlock()
		for _, w := range told {
			w.ready <- struct{}{}
		}
		told = told[:0]
		runtime.Gosched() // with that, cancelling 100,000 takes a fifth less
	}
}

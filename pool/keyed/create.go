package keyed

import (
	"context"

	"github.com/groundwork-go/groundwork/pool"
	"github.com/groundwork-go/groundwork/pool/internal/protect"
)

// start has a resource made, on a goroutine of its own. Called with mu held, on
// an open pool with room.
func (p *Pool[K, T]) start(w *waiter[K, T]) {
	w.entry.count++
	w.entry.creating++
	p.total++
	go p.create(w.entry, w, w.ticket)
}

// create calls New. w, unless it serves another wait by then, is told of a
// failure.
func (p *Pool[K, T]) create(e *entry[K, T], w *waiter[K, T], ticket uint64) {
	var v T
	var err error
	// Deferred, so that the room survives also runtime.Goexit in New.
	defer func() {
		if err != nil {
			p.createFailed(e, w, ticket, err)
		} else {
			p.created(e, v)
		}
	}()
	protect.Call(func() { v, err = p.o.New(p.createCtx, e.key) }, func(value any, stack []byte) {
		err = &pool.PanicError{Op: "New", Value: value, Stack: stack}
	})
}

func (p *Pool[K, T]) created(e *entry[K, T], v T) {
	s := newSlot(e, v)
	p.mu.Lock()
	e.creating--
	p.counts.Created++
	w := p.place(s)
	p.advance(e)
	p.mu.Unlock()
	w.notify()
}

func (p *Pool[K, T]) createFailed(e *entry[K, T], w *waiter[K, T], ticket uint64, err error) {
	p.mu.Lock()
	e.creating--
	e.count--
	p.total--
	p.counts.CreateFailed++
	told := w.ticket == ticket && w.queue.In()
	if told {
		p.dequeue(w, nil, err)
	}
	p.advance(e)
	p.forget(e)
	p.checkDrained()
	p.mu.Unlock()
	if told {
		w.notify()
	}
}

// condemn destroys the resource of a slot that the pool holds, on a goroutine of
// its own: those who call it wait for nothing. Called with mu held.
func (p *Pool[K, T]) condemn(s *slot[K, T]) {
	p.dying++
	go p.discard(s)
}

// discard calls Destroy. The room is free only after that, so that the bounds
// hold at all times.
func (p *Pool[K, T]) discard(s *slot[K, T]) {
	defer func() {
		p.mu.Lock()
		p.counts.Destroyed++
		p.removed(s)
		p.mu.Unlock()
	}()
	if p.o.Destroy == nil {
		return
	}
	protect.Call(func() { p.o.Destroy(s.entry.key, s.value) }, func(value any, stack []byte) {
		p.mu.Lock()
		p.counts.Panics++
		p.mu.Unlock()
		if f := p.o.OnPanic; f != nil {
			err := &pool.PanicError{Op: "Destroy", Value: value, Stack: stack}
			protect.Call(func() { f(err) }, func(any, []byte) {}) // it is the last one to tell
		}
	})
}

// removed frees the room of a condemned slot. Called with mu held.
func (p *Pool[K, T]) removed(s *slot[K, T]) {
	e := s.entry
	p.dying--
	p.total--
	e.count--
	p.advance(e)
	p.forget(e)
	p.checkDrained()
}

// vet checks a slot for a caller. A bad one is being destroyed when it returns
// false. If ctx ends first the slot goes back to the pool when its check is over.
func (p *Pool[K, T]) vet(ctx context.Context, s *slot[K, T]) (bool, error) {
	checked := make(chan error, 1)
	go func() { checked <- p.boundedCheck(s) }()
	select {
	case err := <-checked:
		return p.settleCheck(s, err), nil
	case <-ctx.Done():
	}
	go func() {
		if p.settleCheck(s, <-checked) {
			p.put(s)
		}
	}()
	return false, ctx.Err()
}

// boundedCheck calls Check and waits for it no longer than CheckTimeout.
func (p *Pool[K, T]) boundedCheck(s *slot[K, T]) error {
	check := func(ctx context.Context) error { return p.o.Check(ctx, s.entry.key, s.value) }
	return protect.Bounded(p.createCtx, p.o.CheckTimeout, check, func(value any, stack []byte) error {
		return &pool.PanicError{Op: "Check", Value: value, Stack: stack}
	})
}

// settleCheck tells whether a slot may be lent after its check; if not it is
// being destroyed.
func (p *Pool[K, T]) settleCheck(s *slot[K, T], err error) bool {
	if err == nil {
		return true
	}
	p.mu.Lock()
	p.counts.CheckFailed++
	p.condemn(s)
	p.mu.Unlock()
	return false
}

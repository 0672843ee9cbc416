package pool

import (
	"context"
	"fmt"
)

// Drain closes the pool as [Pool.Close] does but waits for nobody: what is lent
// or in the making is destroyed when it comes back. It may be called again.
func (p *Pool[T]) Drain() {
	for _, s := range p.shut() {
		p.discard(s, Closed)
	}
}

// Close refuses new work, fails all waiters with [ErrClosed], cancels the
// context of running creations and checks, destroys idle resources and then waits
// until every resource has come back and is destroyed, or until ctx ends; then it
// returns the error of ctx, and what comes back later is destroyed all the same.
// It may be called again, also concurrently, and then waits likewise.
func (p *Pool[T]) Close(ctx context.Context) error {
	if ctx == nil {
		panic("pool: nil context")
	}
	for _, s := range p.shut() {
		go p.discard(s, Closed) // a Destroy that hangs does not outlast ctx
	}
	select {
	case <-p.drained:
		return nil
	default:
	}
	select {
	case <-p.drained:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// shut closes the pool and returns the slots that are to be destroyed.
func (p *Pool[T]) shut() []*slot[T] {
	p.mu.Lock()
	if p.gate.Load()&gateClosed != 0 {
		p.mu.Unlock()
		return nil
	}
	p.gate.Or(gateClosed)
	if p.tick.timer != nil {
		p.tick.timer.Stop()
	}
	var failed []*waiter[T]
	for w := p.waiters.head; w != nil; w = p.waiters.head {
		p.dequeue(w, nil, ErrClosed)
		failed = append(failed, w)
	}
	var idle []*slot[T]
	for _, s := range p.all {
		if p.claim(s) {
			p.condemn(s)
			idle = append(idle, s)
		}
	}
	watch := p.watching.current
	p.watching.current = nil
	p.checkDrained()
	p.mu.Unlock()
	if watch != nil {
		watch.stop()
	}
	p.cancelCreate()
	for _, w := range failed {
		w.ready <- struct{}{}
	}
	return idle
}

// checkDrained tells Close when the last resource is gone. Called with mu held.
func (p *Pool[T]) checkDrained() {
	if p.gate.Load()&gateClosed == 0 || len(p.all)+p.creating > 0 {
		return
	}
	select {
	case <-p.drained:
	default:
		close(p.drained)
	}
}

// Reset retires every resource that exists: idle ones are destroyed at once,
// lent ones when they come back, those in the making when they are made. Use it
// when all are known to be stale, as after a failover.
func (p *Pool[T]) Reset() {
	p.mu.Lock()
	p.epoch++
	var idle []*slot[T]
	for _, s := range p.all {
		if p.claim(s) {
			p.condemn(s)
			idle = append(idle, s)
		} else if s.state.Load()&retire == 0 {
			s.why = ByReset
			s.set(retire)
		}
	}
	p.mu.Unlock()
	for _, s := range idle {
		p.discard(s, ByReset)
	}
}

// Resize changes MaxSize. With more room, waiters are served at once. With less,
// idle resources are destroyed first, those unused for longest before others, and
// lent ones as they come back; callers wait meanwhile. An n below 1 is an
// [ErrConfig]. A MinIdle above n is kept as far as n allows.
func (p *Pool[T]) Resize(n int) error {
	if n < 1 {
		return fmt.Errorf("%w: Resize to %d, must be at least 1", ErrConfig, n)
	}
	p.mu.Lock()
	if p.gate.Load()&gateClosed != 0 {
		p.mu.Unlock()
		return ErrClosed
	}
	p.maxSize = n
	p.syncGate() // before the search below, as a waiter would
	var excess []*slot[T]
	for s := p.idle.bottom; s != nil && p.live() > n; s = p.idle.bottom {
		p.claim(s)
		p.condemn(s)
		excess = append(excess, s)
	}
	for i := range p.cells {
		if s := p.cells[i].home.Load(); s != nil && p.live() > n && p.claim(s) {
			p.condemn(s)
			excess = append(excess, s)
		}
	}
	p.refill(p.now())
	p.replenish(p.now())
	p.mu.Unlock()
	for _, s := range excess {
		p.discard(s, Shrunk)
	}
	return nil
}

// condemn marks a slot that the pool holds as being destroyed; discard must
// follow. Called with mu held.
func (p *Pool[T]) condemn(s *slot[T]) {
	p.dying++
	p.forgetBare(s)
	p.leaveHome(s)
	p.syncGate()
}

// discard destroys the resource of a condemned slot. Its room is free only after
// that, so that MaxSize holds at all times.
func (p *Pool[T]) discard(s *slot[T], why Reason) {
	defer p.removed(s, why) // deferred because Destroy may end the goroutine
	p.end(s.value, why)
}

// end calls Destroy.
func (p *Pool[T]) end(v T, why Reason) {
	if f := p.o.Hooks.OnDestroy; f != nil {
		p.hook("Hooks.OnDestroy", func() { f(v, why) })
	}
	if p.o.Destroy != nil {
		p.hook("Destroy", func() { p.o.Destroy(v) })
	}
}

// removed frees the room of a condemned slot.
func (p *Pool[T]) removed(s *slot[T], why Reason) {
	now := p.now()
	p.mu.Lock()
	p.dying--
	p.retired += genOf(s.state.Load())
	if why != Hijacked {
		p.counts.Destroyed++
	}
	p.counts.DestroyedFor[why]++
	last := p.all[len(p.all)-1]
	p.all[s.index] = last
	last.index = s.index
	p.all[len(p.all)-1] = nil
	p.all = p.all[:len(p.all)-1]
	p.syncGate()
	if p.gate.Load()&gateClosed == 0 {
		p.refill(now)
		p.replenish(now)
	}
	p.checkDrained()
	p.mu.Unlock()
}

package pool

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"
)

// health is what is known of the factory. Guarded by Pool.mu.
type health struct {
	failures  int   // in a row
	lastErr   error // of the last failure
	notBefore int64 // when the next attempt is due, on the pool's clock
}

// A creation is one call of the factory, on a goroutine of its own.
type creation[T any] struct {
	w        *waiter[T] // who is told of a failure; may be nil
	ticket   uint64     // of w, which may serve another wait by then
	replaces *slot[T]   // goes when the creation succeeds; may be nil
	done     chan error // gets the result; may be nil
	epoch    int        // a Reset in between makes the resource stale
}

// mayCreate tells whether a caller's creation may start: with a Backoff and
// after a failure only as the one probe, and not before its time. Called with mu
// held.
func (p *Pool[T]) mayCreate(now int64) bool {
	return p.o.Backoff == nil || p.mayReplenish(now)
}

// mayReplenish is mayCreate for creations that nobody asked for: those pause
// after a failure in any case.
func (p *Pool[T]) mayReplenish(now int64) bool {
	if p.health.failures == 0 {
		return true
	}
	p.schedule(p.health.notBefore)
	return p.creating == 0 && now >= p.health.notBefore
}

// refill starts creations for waiters who would otherwise wait for room that has
// become free. Called with mu held.
func (p *Pool[T]) refill(now int64) {
	w := p.waiters.head
	for w != nil && p.creating < p.waiters.n && len(p.all)+p.creating < p.maxSize && p.mayCreate(now) {
		for w.creating && w.next != nil {
			w = w.next
		}
		w.creating = true
		p.start(creation[T]{w: w, ticket: w.ticket})
	}
}

// start calls the factory. Called with mu held, on an open pool.
func (p *Pool[T]) start(c creation[T]) {
	p.creating++
	c.epoch = p.epoch
	go p.create(c)
}

func (p *Pool[T]) create(c creation[T]) {
	var v T
	var err error
	begin := p.now()
	returned := false
	// Deferred, so that the slot survives a panic of the factory, and also
	// runtime.Goexit in it, where recover gives nil.
	defer func() {
		if !returned {
			err = &PanicError{Op: "New", Value: recover(), Stack: debug.Stack()}
		}
		if err != nil {
			p.createFailed(c, err, time.Duration(p.now()-begin))
		} else {
			p.created(c, v, time.Duration(p.now()-begin))
		}
		if c.done != nil {
			c.done <- err
		}
	}()
	v, err = p.o.New(p.createCtx)
	returned = true
}

// created lets a new resource join the pool.
func (p *Pool[T]) created(c creation[T], v T, took time.Duration) {
	if f := p.o.Hooks.OnCreate; f != nil {
		p.hook("Hooks.OnCreate", func() { f(v, took) })
	}
	now := p.now()
	s := &slot[T]{value: v, created: time.Now(), checkedAt: now, dieAt: p.lifetimeFrom(now)}
	s.state.Store(lent | own)
	var old, fresh outcome[T]
	p.mu.Lock()
	p.creating--
	p.counts.Created++
	s.id = p.counts.Created
	p.counts.CreateDuration += took
	p.health = health{}
	s.index = len(p.all)
	p.all = append(p.all, s)
	if c.epoch != p.epoch {
		s.why = ByReset
		s.set(retire)
	}
	p.wake()
	p.schedule(p.due(s, now))
	fresh = p.place(s)
	if r := c.replaces; r != nil {
		if p.gate.Load()&gateClosed == 0 && p.claim(r) {
			p.condemn(r)
			old = outcome[T]{slot: r, why: Expired}
		}
	}
	p.refill(now)
	p.mu.Unlock()
	p.finish(fresh)
	p.finish(old)
}

// createFailed frees the room of a creation and tells those whom it concerns.
func (p *Pool[T]) createFailed(c creation[T], err error, took time.Duration) {
	if f := p.o.Hooks.OnCreateError; f != nil {
		p.hook("Hooks.OnCreateError", func() { f(err, took) })
	}
	if l := p.o.Logger; l != nil {
		l.Warn("pool: cannot make a resource", "err", err, "took", took)
	}
	p.mu.Lock()
	failures := p.health.failures + 1
	p.mu.Unlock()
	pause := p.pause(failures)

	now := p.now()
	p.mu.Lock()
	p.creating--
	p.counts.CreateFailed++
	p.health = health{failures: failures, lastErr: err, notBefore: now + int64(pause)}
	var told []*waiter[T]
	if w := c.w; w != nil && w.queued && w.ticket == c.ticket {
		p.dequeue(w, nil, err)
		told = append(told, w)
	}
	if p.o.Backoff != nil && len(p.all)+p.creating == 0 {
		for w := p.waiters.head; w != nil; w = p.waiters.head {
			p.dequeue(w, nil, err)
			told = append(told, w)
		}
	}
	p.syncGate()
	if p.gate.Load()&gateClosed == 0 {
		p.refill(now)
		p.replenish(now)
	}
	p.checkDrained()
	p.mu.Unlock()
	for _, w := range told {
		w.ready <- struct{}{}
	}
}

// pause asks Backoff, or where there is none says how long background creations
// wait after a failure.
func (p *Pool[T]) pause(failures int) time.Duration {
	f := p.o.Backoff
	if f == nil {
		f = ExponentialBackoff(100*time.Millisecond, 30*time.Second)
	}
	var d time.Duration
	if p.hook("Backoff", func() { d = f(failures) }) != nil {
		d = time.Second
	}
	return max(d, 0)
}

// replenish makes resources until MinIdle will be idle, as far as there is room.
// Called with mu held.
func (p *Pool[T]) replenish(now int64) {
	if p.o.MinIdle == 0 || p.gate.Load()&gateClosed != 0 {
		return
	}
	coming := max(p.creating-p.waiters.n, 0)
	for n := p.countIdle() + coming; n < p.o.MinIdle && len(p.all)+p.creating < p.maxSize && p.mayReplenish(now); n++ {
		p.start(creation[T]{})
	}
}

// countIdle counts. Called with mu held.
func (p *Pool[T]) countIdle() int {
	n := 0
	for _, s := range p.all {
		if s.state.Load()&lent == 0 {
			n++
		}
	}
	return n
}

// Warm makes resources until n exist, lent or not, and waits until they are
// ready. It returns the first error of the factory; what was made stays. When ctx
// ends it returns the error of ctx, and the creations go on. An n above MaxSize is
// an [ErrConfig].
func (p *Pool[T]) Warm(ctx context.Context, n int) error {
	if ctx == nil {
		panic("pool: nil context")
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	p.mu.Lock()
	switch {
	case p.gate.Load()&gateClosed != 0:
		p.mu.Unlock()
		return ErrClosed
	case n > p.maxSize:
		defer p.mu.Unlock()
		return fmt.Errorf("%w: Warm of %d, above MaxSize, which is %d", ErrConfig, n, p.maxSize)
	}
	p.wake()
	now := p.now()
	n -= len(p.all) + p.creating
	done := make(chan error, max(n, 0))
	started := 0
	for ; started < n; started++ {
		if !p.mayCreate(now) && started == 0 {
			err := p.health.lastErr
			p.mu.Unlock()
			return fmt.Errorf("warm: New is pausing after: %w", err)
		}
		p.start(creation[T]{done: done})
	}
	p.mu.Unlock()
	var first error
	for range started {
		select {
		case err := <-done:
			if first == nil {
				first = err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return first
}

package pool

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"sync"
	"sync/atomic"
	"time"
)

// A Pool lends resources of type T. All methods may be called concurrently.
type Pool[T any] struct {
	// Read by every Get and Release, written rarely.
	gate       atomic.Uint32 // flags that send everybody through the lock
	clock      atomic.Int64  // coarse time since base, in nanoseconds
	cells      []cell[T]     // a power of two of them, one for each processor
	checkAfter int64         // idle time from which on a resource is checked; never for none
	o          Options[T]    // with the defaults filled in
	base       time.Time
	_          [160]byte // keeps mu and what follows off the cache lines of the above

	// What a hand-over touches is two cache lines, which go from processor to
	// processor with it.
	mu       sync.Mutex
	waiters  queue[T]   // guarded by mu; if not empty then nothing is idle
	tickets  uint64     // guarded by mu; the number of waits
	maxSize  int        // guarded by mu
	creating int        // guarded by mu
	dying    int        // guarded by mu; those of all that are being destroyed
	all      []*slot[T] // guarded by mu
	pace     pace       // guarded by mu

	watching watching[T]      // guarded by mu
	idle     stack[T]         // guarded by mu; idle slots without a home
	bare     map[any]*slot[T] // guarded by mu; slots by value, chained by sameValue
	bareOut  []*slot[T]       // guarded by mu; lent bare values where T cannot be compared
	checking int              // guarded by mu; keep-alive checks under way
	epoch    int              // guarded by mu; the number of Resets
	retired  uint64           // guarded by mu; loans of the resources that are gone
	counts   Stats            // guarded by mu; only the counters are kept in it
	health   health           // guarded by mu
	tick     ticker           // guarded by mu

	spare        sync.Pool     // of *waiter[T]
	drained      chan struct{} // closed when closed and nothing is left
	createCtx    context.Context
	cancelCreate context.CancelFunc
	comparable   bool // whether bare values can be looked up
}

const never = math.MaxInt64

// New returns a pool of at most maxSize resources that factory makes and
// destroy ends. destroy may be nil. It panics if maxSize is below 1 or factory
// is nil; [Open] returns an error instead and gives the factory a context.
func New[T any](maxSize int, factory func() (T, error), destroy func(T)) *Pool[T] {
	o := &Options[T]{MaxSize: maxSize, Destroy: destroy}
	if factory != nil {
		o.New = func(context.Context) (T, error) { return factory() }
	}
	p, err := Open(o)
	if err != nil {
		panic(err.Error())
	}
	return p
}

// Open returns a pool. A field that cannot be used gives an error that wraps
// [ErrConfig] and names it. Apart from MinIdle, no resource is made before it is
// asked for.
func Open[T any](o *Options[T]) (*Pool[T], error) {
	c, err := o.settle()
	if err != nil {
		return nil, err
	}
	p := &Pool[T]{
		o:          c,
		base:       time.Now(),
		cells:      newCells[T](),
		checkAfter: never,
		maxSize:    c.MaxSize,
		comparable: reflect.TypeFor[T]().Comparable(),
		bare:       make(map[any]*slot[T]),
		drained:    make(chan struct{}),
	}
	if c.Check != nil {
		p.checkAfter = int64(c.CheckAfterIdle)
		if c.CheckAfterIdle <= tickInterval {
			p.checkAfter = 0
		}
	}
	if c.Debug || c.Hooks.OnAcquire != nil || c.Hooks.OnRelease != nil || c.MaxIdle > 0 {
		p.gate.Or(gateSlow)
	}
	p.gate.Or(gateAsleep)
	p.createCtx, p.cancelCreate = context.WithCancel(context.Background())
	if c.MinIdle > 0 {
		p.mu.Lock()
		p.wake()
		p.replenish(p.now())
		p.mu.Unlock()
	}
	return p, nil
}

// Get lends a resource. It takes an idle one (the most recently used on this
// processor), makes one while fewer than MaxSize exist, or waits its turn. The
// errors are that of ctx, [ErrClosed], [ErrTooManyWaiters], [ErrNotAvailable],
// the factory's own, or a [*PanicError]. A context that has already ended has no
// effect on the pool.
func (p *Pool[T]) Get(ctx context.Context) (Resource[T], error) {
	if ctx == nil {
		panic("pool: nil context")
	}
	if err := ctx.Err(); err != nil {
		return Resource[T]{}, err
	}
	// The body of takeFast: the call would be a tenth of BenchmarkGetRelease.
	if p.gate.Load() == 0 {
		if s := p.cells[p.here()].home.Load(); s != nil {
			if st := s.state.Load(); st&(lent|home) == home && s.state.CompareAndSwap(st, st|lent) {
				now := p.clock.Load()
				if idle := now - s.since.Load(); idle < p.checkAfter {
					s.idleFor = idle
					s.stamp(now)
					return Resource[T]{pool: p, slot: s, gen: genOf(st)}, nil
				}
				return p.lend(ctx, never, s, 0)
			}
		}
	}
	return p.getSlow(ctx, never)
}

// GetTimeout is Get with a timeout in place of a context, which costs no
// allocation. When the time is over the error is [ErrNotAvailable]. A timeout of
// zero or less still takes what is idle.
func (p *Pool[T]) GetTimeout(d time.Duration) (Resource[T], error) {
	if s := p.takeFast(); s != nil {
		if p.needsCheck(s) {
			return p.lend(context.Background(), p.now()+int64(d), s, 0)
		}
		return p.handOut(s, 0)
	}
	return p.getSlow(context.Background(), p.now()+int64(d))
}

// TryGet lends an idle resource if there is one. It neither waits nor makes
// one, and never takes a resource that others wait for.
func (p *Pool[T]) TryGet() (Resource[T], bool) {
	for {
		s := p.takeFast()
		if s == nil {
			if s = p.tryTake(); s == nil {
				return Resource[T]{}, false
			}
		}
		if p.needsCheck(s) {
			s.set(own)
			if !p.settleCheck(s, p.boundedCheck(s.value)) {
				continue
			}
		}
		r, _ := p.handOut(s, 0)
		return r, true
	}
}

func (p *Pool[T]) tryTake() *slot[T] {
	p.mu.Lock()
	defer p.mu.Unlock()
	g := p.gate.Load()
	if g&(gateClosed|gateWaiters) != 0 {
		return nil
	}
	if g&gateAsleep != 0 {
		p.wake()
	}
	s := p.takeIdle()
	if s == nil {
		p.syncGate()
	}
	return s
}

// AcquireAllIdle lends all resources that are idle, to be inspected or destroyed.
func (p *Pool[T]) AcquireAllIdle() []Resource[T] {
	p.mu.Lock()
	p.wake()
	var got []*slot[T]
	for _, s := range p.all {
		if p.gate.Load()&gateClosed == 0 && p.claim(s) {
			s.clear(own)
			got = append(got, s)
		}
	}
	p.mu.Unlock()
	list := make([]Resource[T], len(got))
	for i, s := range got {
		list[i], _ = p.handOut(s, 0)
	}
	return list
}

// Do lends a resource to f and takes it back when f returns. If f panics the
// resource is destroyed, since its state is unknown, and the panic goes on.
func (p *Pool[T]) Do(ctx context.Context, f func(T) error) error {
	r, err := p.Get(ctx)
	if err != nil {
		return err
	}
	ok := false
	defer func() {
		if ok {
			r.Release()
		} else {
			r.Destroy()
		}
	}()
	err = f(r.Value())
	ok = true
	return err
}

// getSlow is Get once the fast path has failed. until, on the pool's clock,
// bounds it beside ctx.
func (p *Pool[T]) getSlow(ctx context.Context, until int64) (Resource[T], error) {
	s, waited, err := p.obtain(ctx, until, false)
	if err != nil {
		return Resource[T]{}, err
	}
	return p.lend(ctx, until, s, waited)
}

// lend checks s if it was idle for long, and after a bad one obtains the next,
// before all others.
func (p *Pool[T]) lend(ctx context.Context, until int64, s *slot[T], waited time.Duration) (Resource[T], error) {
	for p.needsCheck(s) {
		ok, err := p.vet(ctx, until, s)
		if err != nil {
			return Resource[T]{}, err
		}
		if ok {
			break
		}
		var more time.Duration
		if s, more, err = p.obtain(ctx, until, true); err != nil {
			return Resource[T]{}, err
		}
		waited += more
	}
	return p.handOut(s, waited)
}

// handOut makes the handle of a slot that has been taken for a caller. It never
// fails; the error is for Get to return.
func (p *Pool[T]) handOut(s *slot[T], waited time.Duration) (Resource[T], error) {
	now := p.clock.Load()
	s.idleFor = now - s.since.Load()
	s.stamp(now)
	gen := genOf(s.state.Load())
	if p.o.Debug {
		p.trace(s, gen)
	}
	if f := p.o.Hooks.OnAcquire; f != nil {
		returned := false
		defer func() {
			if !returned { // runtime.Goexit in the hook: nobody will get the handle
				s.set(own)
				p.put(s)
			}
		}()
		p.hook("Hooks.OnAcquire", func() { f(s.value, waited) })
		returned = true
	}
	return Resource[T]{pool: p, slot: s, gen: gen}, nil
}

// obtain takes an idle slot or waits for one until it is granted, ctx ends or the
// time is over. front is set for a caller whose turn had come before. What is done
// before and after the wait has functions of its own, so that many waiters take
// little room on their stacks.
func (p *Pool[T]) obtain(ctx context.Context, until int64, front bool) (*slot[T], time.Duration, error) {
	done := ctx.Done() // perhaps the user's code: without mu
	s, w, timeout, err := p.takeOrQueue(ctx, done, until, front)
	if w == nil {
		return s, 0, err
	}
	var ended error
	if timeout > 0 || done != nil && !w.watched {
		ended = w.receive(ctx, done, timeout)
	} else {
		<-w.ready
	}
	return p.leave(w, ended)
}

// takeOrQueue returns an idle slot, or else the waiter that the caller has become.
//
//go:noinline
func (p *Pool[T]) takeOrQueue(ctx context.Context, done <-chan struct{}, until int64, front bool) (*slot[T], *waiter[T], time.Duration, error) {
	p.mu.Lock()
	g := p.gate.Load()
	if g&gateClosed != 0 {
		p.mu.Unlock()
		return nil, nil, 0, ErrClosed
	}
	if g&gateAsleep != 0 {
		p.wake()
	}
	if g&gateWaiters == 0 || front {
		if s := p.takeIdle(); s != nil {
			p.mu.Unlock()
			return s, nil, 0, nil
		}
	}
	now, weight := int64(untimed), uint64(1)
	room := len(p.all)+p.creating < p.maxSize
	if !room && until == never && !p.o.RefuseLate {
		weight = p.weigh()
	}
	if weight > 0 {
		now = p.now()
	}
	var timeout time.Duration
	if until != never {
		timeout = max(time.Duration(until-now), 1)
	}
	if err := p.refuse(ctx, timeout, now, front); err != nil {
		p.syncGate()
		p.mu.Unlock()
		return nil, nil, 0, err
	}
	w := p.enqueue(now, weight, front)
	begin := done != nil && timeout == 0 && p.watch(w, done)
	if room {
		p.refill(now)
	}
	p.mu.Unlock()
	if begin {
		p.beginWatch(ctx, done)
	}
	return nil, w, timeout, nil
}

// refuse tells whether a caller must not join the queue. Called with mu held.
func (p *Pool[T]) refuse(ctx context.Context, timeout time.Duration, now int64, front bool) error {
	if front || p.o.MaxWaiters == 0 && !p.o.RefuseLate {
		return nil
	}
	if len(p.all)+p.creating < p.maxSize && p.mayCreate(now) {
		return nil // one is made for it
	}
	if n := p.o.MaxWaiters; n > 0 && p.waiters.n-p.creating >= n {
		p.counts.Refused++
		return ErrTooManyWaiters
	}
	if !p.o.RefuseLate {
		return nil
	}
	left := timeout
	if deadline, ok := ctx.Deadline(); ok {
		left = time.Until(deadline)
	}
	if left != 0 && p.pace.expected(p.waiters.n+1) > left {
		p.counts.Refused++
		return fmt.Errorf("%w: about %v to wait, %v left", ErrNotAvailable, p.pace.expected(p.waiters.n+1), left)
	}
	return nil
}

// now reads the clock. It counts from base, on the monotonic clock, so that a
// jump of the wall clock does nothing.
func (p *Pool[T]) now() int64 { return int64(time.Since(p.base)) }

// live counts the resources that will stay. Called with mu held.
func (p *Pool[T]) live() int { return len(p.all) + p.creating - p.dying }

// An outcome is what is left to do with a slot once mu is free: to destroy it,
// unless why is zero.
type outcome[T any] struct {
	slot *slot[T]
	why  Reason
}

// put takes over a slot that the pool holds.
func (p *Pool[T]) put(s *slot[T]) {
	p.mu.Lock()
	p.wake()
	out := p.place(s)
	p.mu.Unlock()
	p.finish(out)
}

// place decides what becomes of a slot that the pool holds: the head of the
// queue gets it, or it is kept idle, or it is to be destroyed. Called with mu
// held.
func (p *Pool[T]) place(s *slot[T]) outcome[T] {
	st := s.state.Load()
	why := Reason(0)
	switch {
	case p.gate.Load()&gateClosed != 0:
		why = Closed
	case st&retire != 0:
		why = s.why
	case p.live() > p.maxSize:
		why = Shrunk
	}
	if why == 0 {
		s.stamp(p.clock.Load())
		if w := p.waiters.head; w != nil {
			p.dequeue(w, s, nil)
			s.clear(own)
			// Before mu is free: who is woken and who wakes then meet at mu one
			// after the other and not in the scheduler at the same time. With the
			// hand-overs of pool/bench that halves the CPU time of each.
			w.ready <- struct{}{}
			return outcome[T]{}
		}
		if p.o.MaxIdle == 0 || p.idle.n < p.o.MaxIdle {
			p.keep(s)
			return outcome[T]{}
		}
		why = Surplus
	}
	p.condemn(s)
	return outcome[T]{slot: s, why: why}
}

// finish does what place has decided.
func (p *Pool[T]) finish(out outcome[T]) {
	if out.why != 0 {
		p.discard(out.slot, out.why)
	}
}

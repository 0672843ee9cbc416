package pool

import (
	"context"
	"fmt"
	"reflect"
	"runtime/debug"
	"sync"
	"time"
)

// Options tune a pool opened with [Open].
type Options[T any] struct {
	// MaxSize bounds the resources that exist at one time: lent, idle and in
	// the making. It must be at least 1.
	MaxSize int

	// New makes a resource. It must not be nil. Its context is cancelled by
	// Close and Drain, never by the end of a caller's context.
	New func(ctx context.Context) (T, error)

	// Destroy ends a resource. Nil does nothing. A panic in it is swallowed and
	// counted in Stats.DestroyPanics.
	Destroy func(T)
}

// A Pool lends resources of type T. All methods may be called concurrently.
type Pool[T any] struct {
	maxSize int
	create  func(ctx context.Context) (T, error)
	destroy func(T)

	// The context of all creations; cancelled by Close and Drain.
	createCtx    context.Context
	cancelCreate context.CancelFunc

	comparable bool // whether bare values can be looked up

	mu       sync.Mutex
	idle     []*slot[T]       // guarded by mu; most recently used last
	waiters  queue[T]         // guarded by mu; if not empty then idle is empty
	bare     map[any]*slot[T] // guarded by mu; slots by value, chained by sameValue
	bareOut  []*slot[T]       // guarded by mu; lent bare values where T cannot be compared
	inUse    int              // guarded by mu
	creating int              // guarded by mu
	closed   bool             // guarded by mu
	drained  chan struct{}    // closed when closed and nothing is lent or in the making
	counts   Stats            // guarded by mu; only the counters are kept in it
}

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
// [ErrConfig] and names it. No resource is made before it is asked for.
func Open[T any](o *Options[T]) (*Pool[T], error) {
	switch {
	case o == nil:
		return nil, fmt.Errorf("%w: Options is nil, New is needed", ErrConfig)
	case o.MaxSize < 1:
		return nil, fmt.Errorf("%w: MaxSize is %d, must be at least 1", ErrConfig, o.MaxSize)
	case o.New == nil:
		return nil, fmt.Errorf("%w: New is nil", ErrConfig)
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Pool[T]{
		maxSize:      o.MaxSize,
		create:       o.New,
		destroy:      o.Destroy,
		createCtx:    ctx,
		cancelCreate: cancel,
		comparable:   reflect.TypeFor[T]().Comparable(),
		bare:         make(map[any]*slot[T]),
		drained:      make(chan struct{}),
	}, nil
}

// Get lends a resource. It takes an idle one (the most recently used), makes
// one while fewer than MaxSize exist, or waits its turn. The errors are that of
// ctx, [ErrClosed], the factory's own, or a [*PanicError]. A context that has
// already ended has no effect on the pool.
func (p *Pool[T]) Get(ctx context.Context) (Resource[T], error) {
	s, err := p.get(ctx)
	if err != nil {
		return Resource[T]{}, err
	}
	return Resource[T]{pool: p, slot: s, gen: s.gen.Load()}, nil
}

// TryGet lends an idle resource if there is one. It neither waits nor makes
// one, and never takes a resource that others wait for.
func (p *Pool[T]) TryGet() (Resource[T], bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) == 0 {
		return Resource[T]{}, false
	}
	s := p.popIdle()
	return Resource[T]{pool: p, slot: s, gen: s.gen.Load()}, true
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

// Acquire lends the bare value of a resource; see [Pool.Get] for the way it is
// found and for the errors.
func (p *Pool[T]) Acquire(ctx context.Context) (T, error) {
	s, err := p.get(ctx)
	if err != nil {
		var zero T
		return zero, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rememberBare(s)
	return s.value, nil
}

// Release takes back a value lent by [Pool.Acquire]. A value that the pool did
// not lend is destroyed and counted in Stats.Foreign. It panics when a value
// comes back more often than it went out. Where T cannot be compared, values
// are told apart only by their number.
func (p *Pool[T]) Release(v T) {
	p.mu.Lock()
	s, known := p.takeBare(v)
	if s == nil {
		if known {
			p.mu.Unlock()
			panic("pool: Release of a value that is not lent")
		}
		p.counts.Foreign++
		p.mu.Unlock()
		p.end(v)
		return
	}
	s.value = v
	p.mu.Unlock()
	p.put(s)
}

// Drain closes the pool as [Pool.Close] does but waits for nobody: what is lent
// or in the making is destroyed when it comes back. It may be called again.
func (p *Pool[T]) Drain() { p.shut() }

// Close refuses new work, fails all waiters with [ErrClosed], cancels the
// context of running creations, destroys idle resources and then waits until
// every lent resource has come back, or until ctx ends; then it returns the
// error of ctx, and what comes back later is destroyed all the same. It may be
// called again, also concurrently, and then waits likewise.
func (p *Pool[T]) Close(ctx context.Context) error {
	p.shut()
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

// Stats is a snapshot of a pool's state and counters.
type Stats struct {
	MaxSize  int // the bound given to New or Open
	Total    int // InUse + Idle + Creating
	InUse    int // resources that are lent
	Idle     int // resources that wait to be lent
	Creating int // creations under way
	Waiting  int // callers in the queue

	Acquired      uint64        // resources handed out
	Canceled      uint64        // waits that ended by their context
	Waited        uint64        // resources handed out after a wait
	WaitDuration  time.Duration // total of those waits
	Created       uint64        // resources made
	CreateFailed  uint64        // creations that failed, by error or panic
	Destroyed     uint64        // resources ended
	DestroyPanics uint64        // panics of the destroy function
	Foreign       uint64        // values given to Release that were never lent
}

// Stats returns a consistent snapshot.
func (p *Pool[T]) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.counts
	s.MaxSize = p.maxSize
	s.InUse, s.Idle, s.Creating, s.Waiting = p.inUse, len(p.idle), p.creating, p.waiters.n
	s.Total = s.InUse + s.Idle + s.Creating
	return s
}

func (p *Pool[T]) get(ctx context.Context) (*slot[T], error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	if len(p.idle) > 0 {
		s := p.popIdle()
		p.mu.Unlock()
		return s, nil
	}
	w := &waiter[T]{ready: make(chan grant[T], 1), since: time.Now()}
	p.waiters.push(w)
	if p.total() < p.maxSize {
		p.startCreation(w)
	}
	p.mu.Unlock()

	select {
	case g := <-w.ready:
		return g.slot, g.err
	case <-ctx.Done():
	}
	p.mu.Lock()
	if w.queued {
		p.waiters.remove(w)
		p.counts.Canceled++
		p.mu.Unlock()
		return nil, ctx.Err()
	}
	p.mu.Unlock()
	// The hand-over won the race. Its resource goes to the next in the queue.
	if g := <-w.ready; g.slot != nil {
		p.put(g.slot)
	}
	return nil, ctx.Err()
}

// popIdle lends the most recently used idle slot. Called with mu held.
func (p *Pool[T]) popIdle() *slot[T] {
	last := len(p.idle) - 1
	s := p.idle[last]
	p.idle[last] = nil
	p.idle = p.idle[:last]
	p.lend(s)
	return s
}

// lend marks s as lent. Called with mu held.
func (p *Pool[T]) lend(s *slot[T]) {
	s.lent.Store(true)
	p.inUse++
	p.counts.Acquired++
}

// total counts what takes up room. Called with mu held.
func (p *Pool[T]) total() int { return p.inUse + len(p.idle) + p.creating }

// startCreation makes a resource for the queue's sake; a failure is told to w,
// if w still waits. Called with mu held.
func (p *Pool[T]) startCreation(w *waiter[T]) {
	p.creating++
	go func() {
		var v T
		var err error
		returned := false
		// Deferred, so that the slot survives a panic of the factory, and also
		// runtime.Goexit in it, where recover gives nil.
		defer func() {
			if !returned {
				err = &PanicError{Value: recover(), Stack: debug.Stack()}
			}
			p.settle(w, v, err)
		}()
		v, err = p.create(p.createCtx)
		returned = true
	}()
}

// settle ends a creation that was started for w.
func (p *Pool[T]) settle(w *waiter[T], v T, err error) {
	p.mu.Lock()
	if err != nil {
		defer p.mu.Unlock()
		p.creating--
		p.counts.CreateFailed++
		if w.queued {
			p.waiters.remove(w)
			w.ready <- grant[T]{err: err}
		}
		p.refill()
		p.checkDrained()
		return
	}
	p.counts.Created++
	if !p.closed {
		p.creating--
		p.store(&slot[T]{value: v, created: time.Now()})
		p.mu.Unlock()
		return
	}
	p.mu.Unlock()
	p.end(v)
	p.mu.Lock()
	p.creating--
	p.checkDrained()
	p.mu.Unlock()
}

// store gives a free slot to the head of the queue, or makes it idle. Called
// with mu held, on an open pool.
func (p *Pool[T]) store(s *slot[T]) {
	s.idleSince = time.Now()
	if w := p.waiters.pop(); w != nil {
		p.lend(s)
		p.counts.Waited++
		p.counts.WaitDuration += s.idleSince.Sub(w.since)
		w.ready <- grant[T]{slot: s}
		return
	}
	p.idle = append(p.idle, s)
}

// refill starts creations for waiters that would otherwise wait for room that
// has just become free. Called with mu held.
func (p *Pool[T]) refill() {
	if p.closed {
		return
	}
	for w := p.waiters.head; w != nil && p.creating < p.waiters.n && p.total() < p.maxSize; w = w.next {
		p.startCreation(w)
	}
}

// put takes a lent slot back.
func (p *Pool[T]) put(s *slot[T]) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		p.remove(s, true)
		return
	}
	s.endLoan()
	p.inUse--
	p.store(s)
	p.mu.Unlock()
}

// remove takes a lent slot out of the pool and, unless it is hijacked, ends its
// value. Its room is free only after that, so that MaxSize holds at all times.
func (p *Pool[T]) remove(s *slot[T], destroy bool) {
	p.mu.Lock()
	s.endLoan()
	p.forgetBare(s)
	p.mu.Unlock()
	if destroy {
		p.end(s.value)
	}
	p.mu.Lock()
	p.inUse--
	p.refill()
	p.checkDrained()
	p.mu.Unlock()
}

// end runs the destroy function.
func (p *Pool[T]) end(v T) {
	panicked := true
	defer func() {
		if panicked {
			recover() // counted; there is nobody to whom it could be told
		}
		p.mu.Lock()
		p.counts.Destroyed++
		if panicked {
			p.counts.DestroyPanics++
		}
		p.mu.Unlock()
	}()
	if p.destroy != nil {
		p.destroy(v)
	}
	panicked = false
}

func (p *Pool[T]) shut() {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	p.closed = true
	for w := p.waiters.pop(); w != nil; w = p.waiters.pop() {
		w.ready <- grant[T]{err: ErrClosed}
	}
	idle := p.idle
	p.idle = nil
	// Counted as lent while they are destroyed, so that Close waits for that.
	p.inUse += len(idle)
	p.mu.Unlock()
	p.cancelCreate()
	for _, s := range idle {
		p.end(s.value)
	}
	p.mu.Lock()
	p.inUse -= len(idle)
	p.checkDrained()
	p.mu.Unlock()
}

// checkDrained tells Close when the last resource is gone. Called with mu held.
func (p *Pool[T]) checkDrained() {
	if p.closed && p.total() == 0 {
		select {
		case <-p.drained:
		default:
			close(p.drained)
		}
	}
}

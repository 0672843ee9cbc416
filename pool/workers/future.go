package workers

import (
	"context"
	"sync"
)

// A Future is the result of a task that was given to [Go].
type Future[T any] struct {
	done  chan struct{}
	value T
	err   error
}

// Go submits a task with a result. The task gets ctx; if ctx ends before a worker
// comes to it, it is not called and the result is the error of ctx.
func Go[T any](ctx context.Context, p *Pool, f func(ctx context.Context) (T, error)) (*Future[T], error) {
	if f == nil {
		panic("workers: nil task")
	}
	r := &Future[T]{done: make(chan struct{})}
	err := p.submit(ctx, task{guarded: true, run: func() {
		defer close(r.done)
		if r.err = ctx.Err(); r.err == nil {
			guard(func() { r.value, r.err = f(ctx) }, func(err *PanicError) { r.err = err })
		}
	}})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Wait returns the result of the task when there is one, or the error of ctx if
// that ends first. A panic of the task is a [*PanicError]. Wait may be called any
// number of times.
func (r *Future[T]) Wait(ctx context.Context) (T, error) {
	select {
	case <-r.done:
		return r.value, r.err
	default:
	}
	select {
	case <-r.done:
		return r.value, r.err
	case <-ctx.Done():
		var zero T
		return zero, ctx.Err()
	}
}

// A Group is a set of tasks of one pool with a common end. It must come from
// [Pool.Group].
type Group struct {
	pool   *Pool
	ctx    context.Context // lives as long as the group's Wait
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup

	mu  sync.Mutex
	err error // guarded by mu; the first
}

// Group returns an empty group. Its tasks get a context that ends with ctx, at
// the first error, and at the end of Wait.
func (p *Pool) Group(ctx context.Context) *Group {
	ctx, cancel := context.WithCancelCause(ctx)
	return &Group{pool: p, ctx: ctx, cancel: cancel}
}

// Go submits a task, waiting for room in the queue. After the first error, or when
// the context has ended, it does nothing, and Wait tells why.
func (g *Group) Go(f func(ctx context.Context) error) {
	if f == nil {
		panic("workers: nil task")
	}
	g.wg.Add(1)
	err := g.pool.submit(g.ctx, task{guarded: true, run: func() {
		defer g.wg.Done()
		err := g.ctx.Err()
		if err == nil {
			guard(func() { err = f(g.ctx) }, func(p *PanicError) { g.fail(p) })
		}
		if err != nil {
			g.fail(err)
		}
	}})
	if err != nil {
		g.wg.Done()
		g.fail(err)
	}
}

func (g *Group) fail(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err == nil {
		g.err = err
		g.cancel(err)
	}
}

// Wait waits for all tasks of the group and returns the first error; a panic is a
// [*PanicError].
func (g *Group) Wait() error {
	g.wg.Wait()
	g.cancel(nil)
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err
}

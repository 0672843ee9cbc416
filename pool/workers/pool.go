package workers

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

var (
	// ErrClosed is returned by calls on a pool that has been closed, and to those
	// who were waiting for room then.
	ErrClosed = errors.New("workers: closed")

	// ErrConfig is wrapped by the errors of New and Resize; the text names the
	// field.
	ErrConfig = errors.New("workers: bad options")
)

// Options tune a Pool. A nil *Options means the defaults.
type Options struct {
	// Workers bounds the tasks that run at one time. Zero means GOMAXPROCS.
	Workers int

	// Queue bounds the tasks that wait for a worker. Zero means 1024.
	Queue int

	// OnPanic, if not nil, is called with the panic of a task given to Submit, on
	// the goroutine of its worker.
	OnPanic func(*PanicError)
}

// A Pool runs tasks. All methods may be called concurrently. Its goroutines are
// started as tasks need them and end at Close.
type Pool struct {
	queueSize int
	onPanic   func(*PanicError)
	panics    atomic.Uint64

	mu        sync.Mutex
	tasks     ring       // guarded by mu
	idle      []*worker  // guarded by mu; the one that went to sleep last is woken first
	waking    bool       // guarded by mu; a woken worker has not come yet
	workers   int        // guarded by mu; goroutines
	limit     int        // guarded by mu
	blocked   submitters // guarded by mu; tasks for which there is no room yet
	closed    bool       // guarded by mu
	completed uint64     // guarded by mu
	firstErr  error      // guarded by mu; the first panic nobody else was told of
	ended     chan struct{}
}

// worker is a goroutine that waits for a task.
type worker struct {
	wake chan struct{} // has room for one, so that whoever wakes never blocks
	ran  uint64        // tasks that are not yet in Pool.completed
}

// New returns a pool. A field that cannot be used gives an error that wraps
// [ErrConfig] and names it.
func New(o *Options) (*Pool, error) {
	var c Options
	if o != nil {
		c = *o
	}
	switch {
	case c.Workers < 0:
		return nil, fmt.Errorf("%w: Workers is %d", ErrConfig, c.Workers)
	case c.Queue < 0:
		return nil, fmt.Errorf("%w: Queue is %d", ErrConfig, c.Queue)
	}
	if c.Workers == 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	if c.Queue == 0 {
		c.Queue = 1024
	}
	return &Pool{queueSize: c.Queue, onPanic: c.OnPanic, limit: c.Workers, ended: make(chan struct{})}, nil
}

// Submit gives a task to the pool, waiting for room in the queue until ctx ends.
// It returns as soon as the task is accepted; the error is that of ctx, or
// [ErrClosed]. It panics if f is nil.
func (p *Pool) Submit(ctx context.Context, f func()) error {
	return p.submit(ctx, task{run: f})
}

func (p *Pool) submit(ctx context.Context, t task) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ok, b, err := p.accept(t, true)
	if ok || err != nil {
		return err
	}
	select {
	case <-b.ready:
		return b.err
	case <-ctx.Done():
	}
	p.mu.Lock()
	queued := b.queued
	if queued {
		p.blocked.remove(b)
	}
	p.mu.Unlock()
	if !queued {
		<-b.ready
		return b.err // it was accepted, or refused by Close, at the same moment
	}
	return ctx.Err()
}

// TrySubmit gives a task to the pool if there is room in the queue and nobody
// waits for it. It is false too for a closed pool. It panics if f is nil.
func (p *Pool) TrySubmit(f func()) bool {
	ok, _, _ := p.accept(task{run: f}, false)
	return ok
}

// accept puts a task into the queue, or if wait is set and there is no room puts
// a submitter into the line.
func (p *Pool) accept(t task, wait bool) (bool, *submitter, error) {
	if t.run == nil {
		panic("workers: nil task")
	}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return false, nil, ErrClosed
	}
	// A task for which a worker is free takes no room.
	if p.tasks.n >= p.queueSize+len(p.idle)+max(p.limit-p.workers, 0) || p.blocked.head != nil {
		if !wait {
			p.mu.Unlock()
			return false, nil, nil
		}
		b := &submitter{task: t, ready: make(chan struct{}, 1)}
		p.blocked.push(b)
		p.mu.Unlock()
		return false, b, nil
	}
	p.tasks.push(t)
	w := p.rouse()
	p.mu.Unlock()
	if w != nil {
		w.wake <- struct{}{}
	}
	return true, nil, nil
}

// rouse sees to it that somebody comes for the tasks in the queue: it starts a
// worker, or returns one that must be woken when mu is free. Only one is on its
// way at a time; it rouses the next if there is more to do. Called with mu held.
func (p *Pool) rouse() *worker {
	if p.waking || p.tasks.n == 0 {
		return nil
	}
	if n := len(p.idle); n > 0 {
		w := p.idle[n-1]
		p.idle[n-1] = nil
		p.idle = p.idle[:n-1]
		p.waking = true
		return w
	}
	if p.workers < p.limit {
		p.workers++
		p.waking = true
		go p.work(&worker{wake: make(chan struct{}, 1)}, true)
	}
	return nil
}

// work is a worker. It runs tasks until there are none, then sleeps.
func (p *Pool) work(w *worker, woken bool) {
	ended := false
	defer func() {
		if !ended { // a task has ended the goroutine
			go p.work(w, false)
		}
	}()
	for {
		t := p.next(w, woken)
		if t.run == nil {
			ended = true
			return
		}
		woken = false
		w.ran = 1 // counted in next, also if the task ends the goroutine
		if t.guarded {
			t.run()
		} else {
			guard(t.run, p.panicked)
		}
	}
}

// next returns the next task, waiting for it, or none if the worker must end.
// woken is set for one that was on its way.
func (p *Pool) next(w *worker, woken bool) task {
	p.mu.Lock()
	p.completed += w.ran
	w.ran = 0
	for {
		if woken {
			p.waking = false
		}
		if p.workers > p.limit || p.closed && p.tasks.n == 0 {
			p.leave()
			return task{}
		}
		if p.tasks.n > 0 {
			break
		}
		p.idle = append(p.idle, w)
		p.mu.Unlock()
		<-w.wake
		woken = true
		p.mu.Lock()
	}
	t := p.tasks.pop()
	p.admit()
	other := p.rouse()
	p.mu.Unlock()
	if other != nil {
		other.wake <- struct{}{}
	}
	return t
}

// admit moves the longest waiting submitter's task into the queue. Called with mu
// held.
func (p *Pool) admit() {
	for p.blocked.head != nil && p.tasks.n < p.queueSize {
		b := p.blocked.head
		p.blocked.remove(b)
		p.tasks.push(b.task)
		b.ready <- struct{}{}
	}
}

// leave ends a worker. Called with mu held, which it lets go.
func (p *Pool) leave() {
	p.workers--
	other := p.rouse()
	p.checkEnded()
	p.mu.Unlock()
	if other != nil {
		other.wake <- struct{}{}
	}
}

// panicked tells of the panic of a task of Submit; those of Go and Group see to
// their own.
func (p *Pool) panicked(err *PanicError) {
	p.panics.Add(1)
	if p.onPanic != nil {
		guard(func() { p.onPanic(err) }, func(*PanicError) { p.panics.Add(1) })
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.firstErr == nil {
		p.firstErr = err
	}
}

// Resize changes the number of workers. Above it, workers end after their task.
// An n below 1 is an [ErrConfig].
func (p *Pool) Resize(n int) error {
	if n < 1 {
		return fmt.Errorf("%w: Resize to %d, must be at least 1", ErrConfig, n)
	}
	p.mu.Lock()
	p.limit = n
	var woken []*worker
	if p.workers > n { // those that sleep must wake up to end
		woken = p.idle[:min(p.workers-n, len(p.idle))]
		p.idle = append([]*worker(nil), p.idle[len(woken):]...)
	}
	if w := p.rouse(); w != nil {
		woken = append(woken, w)
	}
	p.mu.Unlock()
	for _, w := range woken {
		w.wake <- struct{}{}
	}
	return nil
}

// Close refuses new tasks, fails those who wait for room with [ErrClosed], and
// waits until all accepted tasks have run, or until ctx ends; then it returns the
// error of ctx, and they run all the same. Otherwise it returns the first panic of
// a task of Submit if there is no OnPanic. It may be called again, and then waits
// likewise.
func (p *Pool) Close(ctx context.Context) error {
	p.mu.Lock()
	p.closed = true
	for b := p.blocked.head; b != nil; b = p.blocked.head {
		p.blocked.remove(b)
		b.err = ErrClosed
		b.ready <- struct{}{}
	}
	idle := p.idle
	p.idle = nil
	p.checkEnded()
	p.mu.Unlock()
	for _, w := range idle {
		w.wake <- struct{}{}
	}
	select {
	case <-p.ended:
	case <-ctx.Done():
		return ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.firstErr
}

// checkEnded tells Close when the last worker has gone. Called with mu held.
func (p *Pool) checkEnded() {
	if !p.closed || p.workers > 0 {
		return
	}
	select {
	case <-p.ended:
	default:
		close(p.ended)
	}
}

// Stats is a snapshot of a pool.
type Stats struct {
	Workers   int    // goroutines; they are started when needed
	Idle      int    // of those, the ones without a task
	Queued    int    // tasks that wait for a worker
	Blocked   int    // callers of Submit who wait for room
	Completed uint64 // tasks that have ended
	Panics    uint64 // of those, by a panic; tasks of Submit only
}

// Stats returns a snapshot.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Stats{p.workers, len(p.idle), p.tasks.n, p.blocked.n, p.completed, p.panics.Load()}
}

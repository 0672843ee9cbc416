package pool

import (
	"context"
	"time"
)

// A waiter is one caller in the queue.
type waiter[T any] struct {
	// ready gets one value when slot or err is set, and has room for it, so that
	// whoever grants never blocks. It belongs to this pool alone, as
	// testing/synctest requires; waiters are recycled in Pool.spare.
	ready chan struct{}
	slot  *slot[T] // written before ready is sent
	err   error    // written before ready is sent
	wait  int64    // how long it took; written before ready is sent

	timer *time.Timer // made by the first wait with a timeout, belongs to the caller

	// Guarded by Pool.mu.
	since      int64  // when the wait began, or untimed
	weight     uint64 // for how many waits it counts
	ticket     uint64 // tells the uses of a recycled waiter apart
	queued     bool
	creating   bool // a creation has been started for it
	prev, next *waiter[T]
}

// queue is a doubly linked first-in first-out list: a cancelled waiter leaves
// from the middle in constant time.
type queue[T any] struct {
	head, tail *waiter[T]
	n          int
}

func (q *queue[T]) push(w *waiter[T]) {
	w.queued = true
	w.prev = q.tail
	if q.tail == nil {
		q.head = w
	} else {
		q.tail.next = w
	}
	q.tail = w
	q.n++
}

// pushFront is for a caller whose turn had come but whose resource was bad.
func (q *queue[T]) pushFront(w *waiter[T]) {
	if q.head == nil {
		q.push(w)
		return
	}
	w.queued = true
	w.next = q.head
	q.head.prev = w
	q.head = w
	q.n++
}

func (q *queue[T]) remove(w *waiter[T]) {
	if w.prev == nil {
		q.head = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		q.tail = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.prev, w.next, w.queued = nil, nil, false
	q.n--
}

// enqueue puts a waiter at the end of the queue, or at its front. Called with
// mu held.
func (p *Pool[T]) enqueue(now int64, weight uint64, front bool) *waiter[T] {
	w, _ := p.spare.Get().(*waiter[T])
	if w == nil {
		w = &waiter[T]{ready: make(chan struct{}, 1)}
	}
	p.tickets++
	w.ticket, w.since, w.weight, w.creating = p.tickets, now, weight, false
	if p.waiters.n == 0 {
		p.pace.begin(now)
	}
	if front {
		p.waiters.pushFront(w)
	} else {
		p.waiters.push(w)
	}
	return w
}

// dequeue ends the wait of w; the caller sends on w.ready, which never blocks.
// Called with mu held.
func (p *Pool[T]) dequeue(w *waiter[T], s *slot[T], err error) {
	p.waiters.remove(w)
	w.slot, w.err, w.wait = s, err, 0
	if p.waiters.n == 0 {
		p.syncGate()
	}
	if s == nil {
		return
	}
	p.counts.Waited++
	p.pace.moves++
	if w.since == untimed {
		return
	}
	now := p.now()
	w.wait = now - w.since
	p.counts.WaitDuration += time.Duration(w.wait) * time.Duration(w.weight)
	p.counts.Waits.observe(w.wait, w.weight)
	p.pace.moved(now)
}

// await waits until w is granted, or until ctx or the timeout ends.
func (p *Pool[T]) await(ctx context.Context, w *waiter[T], timeout time.Duration) (*slot[T], time.Duration, error) {
	var err error
	done := ctx.Done()
	switch {
	case timeout > 0:
		err = w.receive(ctx, done, timeout)
	case done == nil:
		<-w.ready
	default:
		select {
		case <-w.ready:
		case <-done:
			err = ctx.Err()
		}
	}
	var s *slot[T]
	var waited time.Duration
	if err != nil {
		p.giveUp(w, err)
	} else {
		s, waited, err = w.slot, time.Duration(w.wait), w.err
	}
	w.slot, w.err = nil, nil
	p.spare.Put(w)
	return s, waited, err
}

// receive waits with a timer, which stays with w for its next use.
func (w *waiter[T]) receive(ctx context.Context, done <-chan struct{}, timeout time.Duration) error {
	if w.timer == nil {
		w.timer = time.NewTimer(timeout)
	} else {
		w.timer.Reset(timeout)
	}
	defer w.timer.Stop()
	select {
	case <-w.ready:
		return nil
	case <-done:
		return ctx.Err()
	case <-w.timer.C:
		return ErrNotAvailable
	}
}

// giveUp takes w out of the queue. If a hand-over has won the race, its resource
// goes on to the next.
func (p *Pool[T]) giveUp(w *waiter[T], err error) {
	p.mu.Lock()
	queued := w.queued
	if queued {
		p.waiters.remove(w)
		p.syncGate()
	}
	p.counts.Canceled++
	p.mu.Unlock()
	if !queued {
		if <-w.ready; w.slot != nil {
			w.slot.set(own)
			p.put(w.slot)
		}
	}
	if f := p.o.Hooks.OnCancel; f != nil {
		p.hook("Hooks.OnCancel", func() { f(err) })
	}
}

package pool

import (
	"context"
	"time"
)

// A waiter is one caller in the queue. It fills two cache lines: with many
// waiters, each line is a miss when they are served or cancelled.
type waiter[T any] struct {
	// ready gets one value when slot or err is set, and has room for it, so that
	// whoever grants never blocks. It belongs to this pool alone, as
	// testing/synctest requires; waiters are recycled in Pool.spare.
	ready chan struct{}
	slot  *slot[T]    // written before ready is sent
	err   error       // written before ready is sent
	wait  int64       // how long it took; written before ready is sent
	timer *time.Timer // made by the first wait with a timeout, belongs to the caller

	ended    bool // err is that of its context, by the watch; written before ready is sent
	watched  bool // there is no need to select; belongs to the caller
	queued   bool // guarded by Pool.mu
	creating bool // a creation has been started for it; guarded by Pool.mu

	// Guarded by Pool.mu.
	since        int64  // when the wait began, or untimed
	weight       uint64 // for how many waits it counts
	ticket       uint64 // tells the uses of a recycled waiter apart
	prev, next   *waiter[T]
	watch        *watch[T] // that tells the end of its context, if any
	older, newer *waiter[T]
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
	if w.watch != nil {
		w.unwatch()
	}
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
		p.beginQueue(now)
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
	p.pace.moves++
	if w.since == untimed {
		return
	}
	now := p.now()
	w.wait = now - w.since
	p.counts.WaitDuration += time.Duration(w.wait) * time.Duration(w.weight)
	p.counts.Waits.observe(w.wait, w.weight)
	p.counts.Waited += uint64(p.pace.moves)
	p.pace.moved(now)
}

// leave ends a wait; ended is why the caller gives up, nil if w was granted.
//
//go:noinline
func (p *Pool[T]) leave(w *waiter[T], ended error) (*slot[T], time.Duration, error) {
	var s *slot[T]
	var waited time.Duration
	var err error
	if w.ended {
		ended = w.err
	} else if ended != nil {
		p.giveUp(w)
	} else {
		s, waited, err = w.slot, time.Duration(w.wait), w.err
	}
	w.slot, w.err, w.ended, w.watched = nil, nil, false, false
	p.spare.Put(w)
	if ended == nil {
		return s, waited, err
	}
	if f := p.o.Hooks.OnCancel; f != nil {
		p.hook("Hooks.OnCancel", func() { f(ended) })
	}
	return nil, 0, ended
}

// receive waits with a select. The timer stays with w for its next use.
func (w *waiter[T]) receive(ctx context.Context, done <-chan struct{}, timeout time.Duration) error {
	if timeout == 0 {
		select {
		case <-w.ready:
			return nil
		case <-done:
			return ctx.Err()
		}
	}
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
func (p *Pool[T]) giveUp(w *waiter[T]) {
	p.mu.Lock()
	queued := w.queued
	if queued {
		p.cancel(w)
	} else {
		p.counts.Canceled++
	}
	p.mu.Unlock()
	if queued {
		return
	}
	if <-w.ready; w.slot != nil {
		w.slot.set(own)
		p.put(w.slot)
	}
}

// cancel takes w out of the queue. Called with mu held.
func (p *Pool[T]) cancel(w *waiter[T]) {
	p.waiters.remove(w)
	p.counts.Canceled++
	if p.waiters.n == 0 {
		p.syncGate()
	}
}

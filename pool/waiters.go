package pool

import "time"

// grant is what ends a wait: a lent slot, or an error.
type grant[T any] struct {
	slot *slot[T]
	err  error
}

// waiter is one caller in the queue. All fields but ready are guarded by the
// pool's mu.
type waiter[T any] struct {
	ready      chan grant[T] // holds one, so that whoever grants never blocks
	since      time.Time
	queued     bool
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

func (q *queue[T]) pop() *waiter[T] {
	w := q.head
	if w != nil {
		q.remove(w)
	}
	return w
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
	// next stays set for a reader that walks the queue while it removes.
	w.prev, w.queued = nil, false
	q.n--
}

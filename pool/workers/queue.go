package workers

// A task is a function to run. One that sees to its own panics is not reported.
type task struct {
	run     func()
	guarded bool
}

// ring is a first-in first-out queue of tasks that grows as needed.
type ring struct {
	buf  []task // its length is a power of two
	head int
	n    int
}

func (r *ring) push(t task) {
	if r.n == len(r.buf) {
		grown := make([]task, max(2*len(r.buf), 16))
		copy(grown, r.buf[r.head:])
		copy(grown[len(r.buf)-r.head:], r.buf[:r.head])
		r.buf, r.head = grown, 0
	}
	r.buf[(r.head+r.n)&(len(r.buf)-1)] = t
	r.n++
}

func (r *ring) pop() task {
	t := r.buf[r.head]
	r.buf[r.head] = task{} // for the garbage collector
	r.head = (r.head + 1) & (len(r.buf) - 1)
	r.n--
	return t
}

// A submitter waits for room in the queue.
type submitter struct {
	task       task
	ready      chan struct{} // gets one value at the end of the wait
	err        error         // written before ready is sent
	queued     bool
	prev, next *submitter
}

// submitters is a list that one can leave from the middle.
type submitters struct {
	head, tail *submitter
	n          int
}

func (l *submitters) push(b *submitter) {
	b.queued = true
	b.prev = l.tail
	if l.tail == nil {
		l.head = b
	} else {
		l.tail.next = b
	}
	l.tail = b
	l.n++
}

func (l *submitters) remove(b *submitter) {
	if b.prev == nil {
		l.head = b.next
	} else {
		b.prev.next = b.next
	}
	if b.next == nil {
		l.tail = b.prev
	} else {
		b.next.prev = b.prev
	}
	b.prev, b.next, b.queued = nil, nil, false
	l.n--
}

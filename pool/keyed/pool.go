package keyed

import (
	"context"
	"sync"
	"time"

	"github.com/groundwork-go/groundwork/pool/internal/list"
)

// A Pool lends resources of type T that belong to keys of type K. All methods
// may be called concurrently.
type Pool[K comparable, T any] struct {
	o Options[K, T] // with the defaults filled in

	mu      sync.Mutex
	keys    map[K]*entry[K, T]     // guarded by mu; those with resources or waiters
	total   int                    // guarded by mu; resources of all keys, also those in the making and dying
	dying   int                    // guarded by mu; those of total that are being destroyed
	idle    list.List[*slot[K, T]] // guarded by mu; of all keys, the one that was idle for longest in front
	claims  claims[K, T]           // guarded by mu
	tickets uint64                 // guarded by mu; the number of waits
	closed  bool                   // guarded by mu
	timer   *time.Timer            // guarded by mu; nil while nothing is to be timed out
	counts  Stats                  // guarded by mu; only the counters are kept in it

	spare        sync.Pool     // of *waiter[K, T]
	drained      chan struct{} // closed when closed and nothing is left
	createCtx    context.Context
	cancelCreate context.CancelFunc
}

// An entry is what there is of one key. Guarded by Pool.mu.
type entry[K comparable, T any] struct {
	key      K
	count    int                      // resources, also those in the making and dying
	creating int                      // of those
	claims   int                      // its waiters in Pool.claims
	idle     list.List[*slot[K, T]]   // the most recently used one at the back
	waiters  list.List[*waiter[K, T]] // in the order in which they are served; none while anything is idle
}

// Open returns an empty pool. A field that cannot be used gives an error that
// wraps [ErrConfig] and names it.
func Open[K comparable, T any](o *Options[K, T]) (*Pool[K, T], error) {
	c, err := o.settle()
	if err != nil {
		return nil, err
	}
	p := &Pool[K, T]{o: c, keys: make(map[K]*entry[K, T]), drained: make(chan struct{})}
	p.createCtx, p.cancelCreate = context.WithCancel(context.Background())
	return p, nil
}

// Get lends a resource of a key. It takes the most recently used idle one, makes
// one while there is room, or waits its turn. The errors are that of ctx,
// [ErrClosed], [ErrTooManyWaiters], that of New, or a [*pool.PanicError]. A
// context that has already ended has no effect on the pool. A key that is not
// equal to itself (a NaN) panics.
func (p *Pool[K, T]) Get(ctx context.Context, key K) (Resource[K, T], error) {
	if ctx == nil {
		panic("keyed: nil context")
	}
	if key != key {
		panic("keyed: key is not equal to itself")
	}
	for front := false; ; front = true {
		if err := ctx.Err(); err != nil {
			return Resource[K, T]{}, err
		}
		s, err := p.obtain(ctx, key, front)
		if err != nil {
			return Resource[K, T]{}, err
		}
		if p.o.Check != nil && time.Since(s.since) >= p.o.CheckAfterIdle {
			if ok, err := p.vet(ctx, s); err != nil {
				return Resource[K, T]{}, err
			} else if !ok {
				continue // the next one, before all who came later
			}
		}
		return Resource[K, T]{pool: p, slot: s, gen: s.lend()}, nil
	}
}

// TryGet lends an idle resource of a key if there is one. It neither waits nor
// makes one, nor checks the one it lends.
func (p *Pool[K, T]) TryGet(key K) (Resource[K, T], bool) {
	p.mu.Lock()
	var s *slot[K, T]
	if e := p.keys[key]; e != nil && !p.closed {
		s = p.takeIdle(e)
		p.forget(e)
	}
	p.mu.Unlock()
	if s == nil {
		return Resource[K, T]{}, false
	}
	return Resource[K, T]{pool: p, slot: s, gen: s.lend()}, true
}

// obtain takes an idle slot of a key or waits for one. front is set for a caller
// whose turn had come before.
func (p *Pool[K, T]) obtain(ctx context.Context, key K, front bool) (*slot[K, T], error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	e := p.keys[key]
	if e == nil {
		e = &entry[K, T]{key: key}
		p.keys[key] = e
	}
	if s := p.takeIdle(e); s != nil {
		p.mu.Unlock()
		return s, nil
	}
	if n := p.o.MaxWaiters; n > 0 && !front && e.waiters.Len()-e.creating >= n && !p.hasRoom(e) {
		p.counts.Refused++
		p.mu.Unlock()
		return nil, ErrTooManyWaiters
	}
	w := p.enqueue(e, front)
	p.advance(e)
	p.mu.Unlock()
	return p.await(ctx, w)
}

// hasRoom tells whether a resource of e can be made at once. Called with mu held.
func (p *Pool[K, T]) hasRoom(e *entry[K, T]) bool {
	return e.count+e.claims < p.o.MaxPerKey && len(p.claims) == 0 && p.total < p.o.MaxTotal
}

// takeIdle takes the most recently used idle slot of e that may still be lent.
// Called with mu held.
func (p *Pool[K, T]) takeIdle(e *entry[K, T]) *slot[K, T] {
	for n := e.idle.Back(); n != nil; n = e.idle.Back() {
		s := n.Value
		p.unidle(s)
		if !p.expired(s) {
			return s
		}
		p.condemn(s)
	}
	return nil
}

func (p *Pool[K, T]) expired(s *slot[K, T]) bool {
	return p.o.MaxLifetime > 0 && time.Since(s.created) >= p.o.MaxLifetime
}

// unidle takes an idle slot for the pool. Called with mu held.
func (p *Pool[K, T]) unidle(s *slot[K, T]) {
	s.entry.idle.Remove(&s.ofKey)
	p.idle.Remove(&s.ofAll)
}

// put takes over a slot that a holder has given back.
func (p *Pool[K, T]) put(s *slot[K, T]) {
	s.since = time.Now()
	p.mu.Lock()
	w := p.place(s)
	p.mu.Unlock()
	w.notify()
}

// place decides what becomes of a slot that the pool holds: a waiter gets it (who
// must be notified when mu is free), or it makes room for a waiter of another
// key, or it is kept idle, or it is over. Called with mu held.
func (p *Pool[K, T]) place(s *slot[K, T]) *waiter[K, T] {
	e := s.entry
	if p.closed || p.expired(s) {
		p.condemn(s)
		return nil
	}
	mine, other := e.waiters.Front(), p.inNeed()
	if other != nil && other.entry == e {
		other = nil // all other claims are younger, and no older than mine
	}
	switch {
	case mine != nil && (other == nil || mine.Value.turn < other.turn):
	case mine != nil && other.overtaken < p.o.MaxOvertakes:
		other.overtaken++
	case other != nil:
		p.counts.Evicted++
		p.condemn(s)
		return nil
	default:
		e.idle.PushBack(&s.ofKey)
		p.idle.PushBack(&s.ofAll)
		p.setTimer()
		return nil
	}
	w := mine.Value
	p.counts.Waited++
	p.dequeue(w, s, nil)
	p.advance(e) // without w, somebody else may claim what w had claimed
	return w
}

// onTimeout destroys what was idle for too long.
func (p *Pool[K, T]) onTimeout() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer = nil
	for n := p.idle.Front(); n != nil && time.Since(n.Value.since) >= p.o.IdleTimeout; n = p.idle.Front() {
		p.unidle(n.Value)
		p.counts.IdleTooLong++
		p.condemn(n.Value)
	}
	p.setTimer()
}

// setTimer makes onTimeout run when the longest idle slot is due. Called with mu
// held.
func (p *Pool[K, T]) setTimer() {
	first := p.idle.Front()
	if p.o.IdleTimeout == 0 || p.timer != nil || first == nil || p.closed {
		return
	}
	p.timer = time.AfterFunc(p.o.IdleTimeout-time.Since(first.Value.since), p.onTimeout)
}

// Close refuses new work, fails all waiters with [ErrClosed], cancels the context
// of running creations and checks, destroys idle resources and then waits until
// every resource has come back and is destroyed, or until ctx ends; then it
// returns the error of ctx, and what comes back later is destroyed all the same.
// It may be called again, also concurrently, and then waits likewise.
func (p *Pool[K, T]) Close(ctx context.Context) error {
	if ctx == nil {
		panic("keyed: nil context")
	}
	for _, w := range p.shut() {
		w.notify()
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

// shut closes the pool and returns the waiters who are to be notified.
func (p *Pool[K, T]) shut() []*waiter[K, T] {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	p.cancelCreate()
	if p.timer != nil {
		p.timer.Stop()
	}
	var failed []*waiter[K, T]
	for _, e := range p.keys {
		for n := e.waiters.Front(); n != nil; n = e.waiters.Front() {
			failed = append(failed, n.Value)
			p.dequeue(n.Value, nil, ErrClosed)
		}
		p.forget(e)
	}
	for n := p.idle.Front(); n != nil; n = p.idle.Front() {
		p.unidle(n.Value)
		p.condemn(n.Value)
	}
	p.checkDrained()
	return failed
}

// checkDrained tells Close when the last resource is gone. Called with mu held.
func (p *Pool[K, T]) checkDrained() {
	if p.closed && p.total == 0 {
		select {
		case <-p.drained:
		default:
			close(p.drained)
		}
	}
}

// forget drops an entry of which nothing is left. Called with mu held.
func (p *Pool[K, T]) forget(e *entry[K, T]) {
	if e.count == 0 && e.waiters.Len() == 0 {
		delete(p.keys, e.key)
	}
}

// Stats is a snapshot of a pool's state and counters.
type Stats struct {
	Keys     int // keys with resources or callers who wait
	Total    int // InUse + Idle + Creating + Dying
	InUse    int // resources that are lent or being checked
	Idle     int // resources that wait to be lent
	Creating int // creations under way
	Dying    int // resources that are being destroyed
	Waiting  int // callers in the queues

	Waited       uint64 // loans after a wait, for a resource or a creation
	Canceled     uint64 // waits that ended by their context
	Refused      uint64 // callers turned away by MaxWaiters
	Created      uint64 // resources made
	CreateFailed uint64 // creations that failed, by error or panic
	Destroyed    uint64 // resources destroyed
	Evicted      uint64 // of those, to make room for one of another key
	IdleTooLong  uint64 // of those, by IdleTimeout
	CheckFailed  uint64 // of those, by Check
	Panics       uint64 // panics of Destroy
}

// Stats returns a snapshot of the whole pool.
func (p *Pool[K, T]) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	st := p.counts
	st.Keys, st.Total, st.Idle, st.Dying = len(p.keys), p.total, p.idle.Len(), p.dying
	for _, e := range p.keys {
		st.Creating += e.creating
		st.Waiting += e.waiters.Len()
	}
	st.InUse = st.Total - st.Idle - st.Creating - st.Dying
	return st
}

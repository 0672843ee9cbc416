package keyed

import (
	"container/heap"
	"context"

	"github.com/groundwork-go/groundwork/pool/internal/list"
)

// A waiter is one caller in the queue of its key.
type waiter[K comparable, T any] struct {
	// ready gets one value when slot or err is set, and has room for it, so that
	// whoever grants never blocks. It belongs to this pool alone, as
	// testing/synctest requires; waiters are recycled in Pool.spare.
	ready chan struct{}
	slot  *slot[K, T] // written before ready is sent
	err   error       // written before ready is sent

	// Guarded by Pool.mu.
	entry     *entry[K, T]
	queue     list.Node[*waiter[K, T]] // in entry.waiters
	ticket    uint64                   // tells the uses of a recycled waiter apart
	turn      uint64                   // who has the least came first; zero for one whose turn had come before
	covered   bool                     // a creation was started for it
	claim     int                      // 1 + index in Pool.claims; zero if it is not there
	overtaken int                      // how often, see Options.MaxOvertakes
}

// notify wakes a waiter that has been dequeued; w may be nil.
func (w *waiter[K, T]) notify() {
	if w != nil {
		w.ready <- struct{}{}
	}
}

// enqueue puts a waiter at the end of the queue of e, or at its front. Called
// with mu held.
func (p *Pool[K, T]) enqueue(e *entry[K, T], front bool) *waiter[K, T] {
	w, _ := p.spare.Get().(*waiter[K, T])
	if w == nil {
		w = &waiter[K, T]{ready: make(chan struct{}, 1)}
		w.queue.Value = w
	}
	p.tickets++
	w.entry, w.ticket, w.turn, w.covered, w.overtaken = e, p.tickets, p.tickets, false, 0
	if front {
		w.turn = 0
		e.waiters.PushFront(&w.queue)
	} else {
		e.waiters.PushBack(&w.queue)
	}
	return w
}

// dequeue ends the wait of w, who must be notified when mu is free. Called with
// mu held.
func (p *Pool[K, T]) dequeue(w *waiter[K, T], s *slot[K, T], err error) {
	w.entry.waiters.Remove(&w.queue)
	p.unclaim(w)
	w.slot, w.err = s, err
}

// await waits until w is granted or ctx ends.
func (p *Pool[K, T]) await(ctx context.Context, w *waiter[K, T]) (*slot[K, T], error) {
	select {
	case <-w.ready:
	case <-ctx.Done():
		p.giveUp(w, ctx.Err())
	}
	s, err := w.slot, w.err
	w.slot, w.err = nil, nil
	p.spare.Put(w)
	return s, err
}

// giveUp takes w out of its queue. If a hand-over has won the race, its resource
// goes on to the next.
func (p *Pool[K, T]) giveUp(w *waiter[K, T], err error) {
	p.mu.Lock()
	p.counts.Canceled++
	queued := w.queue.In()
	if queued {
		p.dequeue(w, nil, err)
		p.advance(w.entry)
		p.forget(w.entry)
	}
	p.mu.Unlock()
	if !queued {
		if <-w.ready; w.slot != nil {
			p.put(w.slot)
		}
		w.slot, w.err = nil, err
	}
}

// Claims are the waiters who would have a new resource made if there were room in
// the total, the one that came first on top: as many of each key as its own bound
// allows. The heap is that of container/heap.
type claims[K comparable, T any] []*waiter[K, T]

func (c claims[K, T]) Len() int           { return len(c) }
func (c claims[K, T]) Less(i, j int) bool { return c[i].turn < c[j].turn }
func (c claims[K, T]) Swap(i, j int) {
	c[i], c[j] = c[j], c[i]
	c[i].claim, c[j].claim = i+1, j+1
}

// Push implements heap.Interface.
func (c *claims[K, T]) Push(w any) {
	*c = append(*c, w.(*waiter[K, T]))
	(*c)[len(*c)-1].claim = len(*c)
}

// Pop implements heap.Interface.
func (c *claims[K, T]) Pop() any {
	last := len(*c) - 1
	w := (*c)[last]
	(*c)[last] = nil
	*c = (*c)[:last]
	w.claim = 0
	return w
}

func (p *Pool[K, T]) unclaim(w *waiter[K, T]) {
	if w.claim > 0 {
		w.entry.claims--
		heap.Remove(&p.claims, w.claim-1)
	}
}

// advance renews the claims of a key and uses what room there is. Called with mu
// held after every change of a key's waiters or resources and of the total.
func (p *Pool[K, T]) advance(e *entry[K, T]) {
	if p.closed {
		return
	}
	n := e.waiters.Front()
	for e.waiters.Len() > e.creating+e.claims && e.count+e.claims < p.o.MaxPerKey {
		for n.Value.covered || n.Value.claim > 0 {
			if n.Next() == nil {
				break // all who are left had a creation that others profit from
			}
			n = n.Next()
		}
		if n.Value.claim > 0 {
			break
		}
		e.claims++
		heap.Push(&p.claims, n.Value)
	}
	for w := p.oldestClaim(); w != nil; w = p.oldestClaim() {
		if p.total < p.o.MaxTotal {
			p.unclaim(w)
			w.covered = true
			p.start(w)
			continue
		}
		longest := p.idle.Front()
		if longest == nil || len(p.claims) <= p.dying {
			return
		}
		// A key with waiters has nothing idle: this is of another one.
		p.unidle(longest.Value)
		p.counts.Evicted++
		p.condemn(longest.Value)
	}
}

// oldestClaim returns the claim that came first, or nil, having dropped those
// whose waiters are served by a creation under way. Called with mu held.
func (p *Pool[K, T]) oldestClaim() *waiter[K, T] {
	for len(p.claims) > 0 {
		w := p.claims[0]
		if w.entry.waiters.Len() > w.entry.creating {
			return w
		}
		p.unclaim(w)
	}
	return nil
}

// inNeed returns the oldest claim unless the room of what is dying is enough for
// all. Called with mu held.
func (p *Pool[K, T]) inNeed() *waiter[K, T] {
	w := p.oldestClaim()
	if len(p.claims) <= p.dying {
		return nil
	}
	return w
}

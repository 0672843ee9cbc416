package pool

import (
	"math/bits"
	"runtime"
	"sync/atomic"
)

// Get and Release take no lock while nobody waits. Each processor has a cell
// that names one slot as being at home there, idle or lent. Get on that processor
// takes it with one compare-and-swap of its state, Release gives it back with
// one, wherever it runs: the slot does not move. Idle slots without a home are in
// a stack under the lock.
//
// That no wake-up is lost rests on the order of two pairs of operations, each on
// two words, gate and a slot's state, and on Go's atomics being sequentially
// consistent:
//
//	Release                          a caller about to wait, with mu held
//	R1  state: lent -> idle          W1  gate: set gateWaiters
//	R2  read gate                    W2  look at the state of every slot in a cell
//
// If R2 comes before W1, then R1 before W2, and the caller finds the slot idle
// and takes it instead of waiting (or somebody took it in between, whose own
// Release decides in the same way). If R2 comes after W1, then Release sees the
// flag, takes mu, and if the slot is still idle takes it back and gives it to the
// head of the queue. Only the caller who finds the queue empty has to look: while
// the flag stays set, a slot that becomes idle has a Release before its R2, and a
// slot that was idle earlier was seen by the first one.
//
// The same argument with another flag in W1 lets Close find every idle slot, the
// clock wake up, and Resize see all that comes back.
//
// Nobody overtakes: a Get that begins after W1 reads gate first, and queues. One
// that read gate before W1 came before the waiter did.

// Flags of Pool.gate; changed with mu held. While one is set, every Get and
// Release goes through the lock.
const (
	gateWaiters uint32 = 1 << iota // somebody waits
	gateClosed                     // the pool is closed
	gateAsleep                     // the coarse clock stands still
	gateShrink                     // more resources exist than MaxSize
	gateSlow                       // by configuration: Debug, hooks on loans, MaxIdle
)

// A cell names the slot that is at home on a processor. It is written with mu
// held.
type cell[T any] struct {
	home atomic.Pointer[slot[T]]
	_    [120]byte
}

func newCells[T any]() []cell[T] {
	n := runtime.GOMAXPROCS(0)
	return make([]cell[T], 1<<bits.Len(uint(n-1)))
}

// here returns the index of the cell of the processor on which the caller runs.
func (p *Pool[T]) here() int { return procHint() & (len(p.cells) - 1) }

// takeFast takes the idle slot that is at home here, if there is one. It fails
// whenever there is anything to consider.
func (p *Pool[T]) takeFast() *slot[T] {
	if p.gate.Load() != 0 {
		return nil
	}
	s := p.cells[p.here()].home.Load()
	if s == nil {
		return nil
	}
	// The flag home matters: s may have left for the stack since it was loaded.
	st := s.state.Load()
	if st&(lent|home) != home || !s.state.CompareAndSwap(st, st|lent) {
		return nil
	}
	return s
}

// reconsider looks again at a slot that became idle in its cell while a flag of
// gate was being set.
func (p *Pool[T]) reconsider(s *slot[T]) {
	p.mu.Lock()
	p.wake()
	var out outcome[T]
	if p.gate.Load() != 0 && p.claim(s) {
		out = p.place(s)
	}
	p.mu.Unlock()
	p.finish(out)
}

// takeIdle lends the best idle slot: the top of the stack, or any in a cell. If
// there is none, gateWaiters is set on return and the caller either waits or
// calls syncGate. Called with mu held and the queue empty, or on behalf of one
// who goes before the queue.
func (p *Pool[T]) takeIdle() *slot[T] {
	i := p.here()
	if s := p.cells[i].home.Load(); s != nil && s.take(0) {
		return s
	}
	if s := p.idle.top; s != nil {
		p.idle.remove(s)
		s.set(lent)
		p.settleAt(s, i)
		return s
	}
	p.gate.Or(gateWaiters)   // W1
	for j := range p.cells { // W2
		s := p.cells[j].home.Load()
		if s == nil || !s.take(0) {
			continue
		}
		p.syncGate()
		p.settleAt(s, i)
		return s
	}
	return nil
}

// settleAt makes cell i the home of s, which is held, unless an idle slot is at
// home there. Called with mu held.
func (p *Pool[T]) settleAt(s *slot[T], i int) {
	if p.gate.Load()&gateSlow != 0 {
		return
	}
	c := &p.cells[i]
	r := c.home.Load()
	if r == s || r != nil && !p.evict(r) {
		return
	}
	p.leaveHome(s)
	s.cell = i
	s.set(home)
	c.home.Store(s)
}

// evict takes the home of a lent slot and fails for an idle one. Called with mu
// held.
func (p *Pool[T]) evict(r *slot[T]) bool {
	for {
		st := r.state.Load()
		if st&lent == 0 {
			return false
		}
		// The compare-and-swap keeps a concurrent Release from making r idle
		// without a home, where nobody would find it.
		if r.state.CompareAndSwap(st, st&^home) {
			p.cells[r.cell].home.Store(nil)
			return true
		}
	}
}

// leaveHome clears the home of a held slot. Called with mu held.
func (p *Pool[T]) leaveHome(s *slot[T]) {
	if s.state.Load()&home != 0 {
		s.clear(home)
		p.cells[s.cell].home.Store(nil)
	}
}

// keep makes s, which the pool holds, idle: at its home, else here, where the
// slot that was idle here goes to the stack. Called with mu held and the queue
// empty.
func (p *Pool[T]) keep(s *slot[T]) {
	if s.state.Load()&home == 0 {
		i := p.here()
		if r := p.cells[i].home.Load(); r != nil && r.take(own) {
			p.leaveHome(r)
			r.clear(lent | own)
			p.idle.push(r)
		}
		p.settleAt(s, i)
	}
	if s.state.Load()&home == 0 {
		p.idle.push(s)
	}
	s.clear(lent | own)
}

// claim takes an idle slot, wherever it is, for the pool. Called with mu held.
func (p *Pool[T]) claim(s *slot[T]) bool {
	if !s.take(own) {
		return false
	}
	if s.state.Load()&home == 0 {
		p.idle.remove(s)
	}
	return true
}

// syncGate sets the flags of gate that follow from other state. Called with mu
// held after a change of the queue or of the number of resources.
func (p *Pool[T]) syncGate() {
	g := p.gate.Load() &^ (gateWaiters | gateShrink)
	if p.waiters.n > 0 {
		g |= gateWaiters
	}
	if p.live() > p.maxSize {
		g |= gateShrink
	}
	if g != p.gate.Load() {
		p.gate.Store(g)
	}
}

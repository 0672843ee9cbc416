package pool

import (
	"sync/atomic"
	"time"
)

// A slot is the pool's record of one resource. Who changes state from idle to
// lent holds the slot; everything is said in that one word, so that a loan costs
// one compare-and-swap each way.
type slot[T any] struct {
	// state is a generation, which counts the loans that have ended, and the
	// flags below. lent is set by anyone and cleared by the holder; the other
	// flags change only with Pool.mu held, own also by the holder.
	state atomic.Uint64

	// since is the coarse time at which the slot was last lent or came back. It
	// is written just beside the change of state and may lag behind it for a
	// reader that does not hold the slot.
	since atomic.Int64

	// Written by the holder, and never between taking and lending for the rest.
	value   T
	idleFor int64 // how long it was idle before this loan
	created time.Time
	id      uint64 // counts the resources of the pool

	// Guarded by Pool.mu.
	dieAt      int64    // end of the lifetime, on the pool's clock; never for none
	checkedAt  int64    // the last keep-alive check
	leakGen    uint64   // 1 + generation of the last loan that was reported as a leak
	replaced   bool     // its replacement has been ordered
	why        Reason   // why it is retired
	index      int      // in Pool.all
	cell       int      // where it is at home; valid with the flag home
	prev, next *slot[T] // in Pool.idle
	sameValue  *slot[T] // next slot in Pool.bare whose value compares equal
	mapped     bool     // is in Pool.bare, from the first Acquire on
	bare       bool     // lent by Acquire, so that Release may take it
	traces     *traces  // in Debug, the stacks of the last loans

	// Two slots are never within 128 bytes, the reach of the line prefetcher.
	_ [64]byte
}

const (
	lent    uint64 = 1 << iota // held: by a caller, or with own by the pool
	own                        // held by the pool: being checked, placed or ended
	home                       // sits in a cell, lent or idle, and can be taken there
	retire                     // to be destroyed when it comes back
	genUnit                    // the generation is in the bits from here on
)

func genOf(state uint64) uint64 { return state / genUnit }

// stamp sets since. The clock is coarse, so that most often there is nothing to
// store, and a store is as dear as a compare-and-swap.
func (s *slot[T]) stamp(now int64) {
	if s.since.Load() != now {
		s.since.Store(now)
	}
}

// set sets flags, whatever else happens to the slot.
func (s *slot[T]) set(flags uint64) { s.state.Or(flags) }

// clear clears flags.
func (s *slot[T]) clear(flags uint64) { s.state.And(^flags) }

// take makes an idle slot lent, with flags besides.
func (s *slot[T]) take(flags uint64) bool {
	for {
		st := s.state.Load()
		if st&lent != 0 {
			return false
		}
		if s.state.CompareAndSwap(st, st|lent|flags) {
			return true
		}
	}
}

// endLoan turns the loan of generation gen over to the pool. Of two concurrent
// endings one fails.
func (s *slot[T]) endLoan(gen uint64) bool {
	for {
		st := s.state.Load()
		if genOf(st) != gen || st&(lent|own) != lent {
			return false
		}
		if s.state.CompareAndSwap(st, st+genUnit|own) {
			return true
		}
	}
}

// stack holds the idle slots that are not at home in a cell, the most recently
// used on top; linked both ways so that one can leave from the middle.
type stack[T any] struct {
	top, bottom *slot[T]
	n           int
}

func (k *stack[T]) push(s *slot[T]) {
	s.next = k.top
	if k.top == nil {
		k.bottom = s
	} else {
		k.top.prev = s
	}
	k.top = s
	k.n++
}

func (k *stack[T]) remove(s *slot[T]) {
	if s.prev == nil {
		k.top = s.next
	} else {
		s.prev.next = s.next
	}
	if s.next == nil {
		k.bottom = s.prev
	} else {
		s.next.prev = s.prev
	}
	s.prev, s.next = nil, nil
	k.n--
}

package pool

import (
	"math/bits"
	"time"
)

// A Reason tells why a resource left the pool.
type Reason int

// The reasons.
const (
	_           Reason = iota
	ByHolder           // Resource.Destroy, or a panic in Pool.Do
	Hijacked           // Resource.Hijack; not destroyed
	Expired            // MaxLifetime
	IdleTooLong        // IdleTimeout
	CheckFailed        // Check returned an error, panicked or ran out of time
	Shrunk             // Resize
	ByReset            // Reset
	Surplus            // MaxIdle
	Closed             // Close or Drain
	Foreign            // Release of a value that the pool did not lend
	reasons
)

// String returns the reason in words.
func (r Reason) String() string {
	names := [reasons]string{"none", "by holder", "hijacked", "expired", "idle too long", "check failed", "shrunk", "reset", "surplus", "closed", "foreign"}
	if r < 0 || r >= reasons {
		return "unknown"
	}
	return names[r]
}

// Stats is a snapshot of a pool's state and counters.
type Stats struct {
	MaxSize  int // the bound given to New, Open or Resize
	Total    int // InUse + Idle + Creating + Held
	InUse    int // resources that are lent
	Idle     int // resources that wait to be lent
	Creating int // creations under way
	Held     int // resources that the pool itself checks or destroys
	Waiting  int // callers in the queue

	Acquired       uint64          // loans
	Canceled       uint64          // waits that ended by their context or timeout
	Refused        uint64          // callers turned away by MaxWaiters or RefuseLate
	Waited         uint64          // loans after a wait
	WaitDuration   time.Duration   // total of those waits
	Waits          Histogram       // of those waits
	Created        uint64          // resources made
	CreateDuration time.Duration   // total time of making them
	CreateFailed   uint64          // creations that failed, by error or panic
	Destroyed      uint64          // resources destroyed
	DestroyedFor   [reasons]uint64 // those and the hijacked, by Reason
	KeepAlives     uint64          // checks in the background
	CheckFailed    uint64          // checks with an error
	Leaked         uint64          // loans older than LeakAfter
	Panics         uint64          // panics of the user's code other than New
}

// Stats returns a snapshot. While the queue moves more often than every 20 us,
// WaitDuration and Waits rest on one wait in eight. The counters do not disturb Get
// and Release; while those go on, InUse, Idle and Acquired are each right at some
// moment of the call, not all at the same one.
func (p *Pool[T]) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	st := p.counts
	st.Waited += uint64(p.pace.moves)
	st.MaxSize, st.Creating, st.Waiting = p.maxSize, p.creating, p.waiters.n
	st.Acquired = p.retired
	for _, s := range p.all {
		state := s.state.Load()
		st.Acquired += genOf(state)
		switch {
		case state&own != 0:
			st.Held++
		case state&lent != 0:
			st.InUse++
			st.Acquired++
		default:
			st.Idle++
		}
	}
	st.Total = st.InUse + st.Idle + st.Creating + st.Held
	return st
}

// A Histogram counts durations by powers of two: element i those of less than
// 1<<i ns and at least half of that.
type Histogram [48]uint64

func (h *Histogram) observe(ns int64, weight uint64) {
	h[min(bits.Len64(uint64(max(ns, 0))), len(h)-1)] += weight
}

// Quantile returns a bound below which the share q, from 0 to 1, of the durations
// lies; it is at most twice too high. It is zero for an empty histogram.
func (h *Histogram) Quantile(q float64) time.Duration {
	var total, seen uint64
	for _, n := range h {
		total += n
	}
	if total == 0 {
		return 0
	}
	for i, n := range h {
		seen += n
		if float64(seen) >= q*float64(total) && seen > 0 {
			return time.Duration(1) << i
		}
	}
	return time.Duration(1) << len(h)
}

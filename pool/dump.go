package pool

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"
)

// A Holder describes one loan.
type Holder struct {
	ID    uint64        // numbers the resources of the pool in the order in which they were made
	Age   time.Duration // of the loan
	Stack string        // where it was made; only in Debug
}

// traces are the stacks of the last loans of a slot, by generation. Guarded by
// Pool.mu.
type traces [8]struct {
	gen uint64
	n   int
	pcs [24]uintptr
}

// trace records the caller's stack.
func (p *Pool[T]) trace(s *slot[T], gen uint64) {
	var pcs [24]uintptr
	n := runtime.Callers(3, pcs[:])
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.traces == nil {
		s.traces = new(traces)
	}
	t := &s.traces[gen%uint64(len(s.traces))]
	t.gen, t.n, t.pcs = gen, n, pcs
}

// stackOf returns the frames of a loan outside of this package, a line for each,
// or nothing if it is not known any more. Called with mu held.
func (s *slot[T]) stackOf(gen uint64) string {
	if s.traces == nil {
		return ""
	}
	t := &s.traces[gen%uint64(len(s.traces))]
	if t.gen != gen || t.n == 0 {
		return ""
	}
	var b strings.Builder
	frames := runtime.CallersFrames(t.pcs[:t.n])
	for {
		f, more := frames.Next()
		if f.Function != "" && !strings.HasPrefix(f.Function, ownPrefix) && f.Function != "runtime.goexit" {
			fmt.Fprintf(&b, "%s %s:%d\n", f.Function, f.File, f.Line)
		}
		if !more {
			return b.String()
		}
	}
}

const ownPrefix = "github.com/groundwork-go/groundwork/pool.(*Pool["

// holder describes the loan of a slot. Called with mu held.
func (p *Pool[T]) holder(s *slot[T], state uint64, now int64) Holder {
	return Holder{ID: s.id, Age: max(time.Duration(now-s.since.Load()), 0), Stack: s.stackOf(genOf(state))}
}

// Holders lists the loans, the oldest first, with ages to about 10 ms.
func (p *Pool[T]) Holders() []Holder {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	var list []Holder
	for _, s := range p.all {
		if st := s.state.Load(); st&(lent|own) == lent {
			list = append(list, p.holder(s, st, now))
		}
	}
	slices.SortFunc(list, func(a, b Holder) int {
		return cmp.Or(cmp.Compare(b.Age, a.Age), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// WriteDump writes for people what the pool does: a summary, and a line for each
// loan with its age and, in Debug, the stack that made it.
func (p *Pool[T]) WriteDump(w io.Writer) error {
	st := p.Stats()
	b := bufio.NewWriter(w) // its Flush returns the first error of all
	fmt.Fprintf(b, "pool: %d of %d resources: %d in use, %d idle, %d in the making, %d held by the pool; %d waiting\n",
		st.Total, st.MaxSize, st.InUse, st.Idle, st.Creating, st.Held, st.Waiting)
	fmt.Fprintf(b, "loans: %d, of which %d waited, half of them under %v, 99%% under %v; %d cancelled, %d refused\n",
		st.Acquired, st.Waited, st.Waits.Quantile(0.5), st.Waits.Quantile(0.99), st.Canceled, st.Refused)
	fmt.Fprintf(b, "made: %d, failed: %d, destroyed: %d", st.Created, st.CreateFailed, st.Destroyed)
	for r, n := range st.DestroyedFor {
		if n > 0 {
			fmt.Fprintf(b, ", %v: %d", Reason(r), n)
		}
	}
	fmt.Fprintln(b)
	for _, h := range p.Holders() {
		fmt.Fprintf(b, "resource %d lent for %v\n", h.ID, h.Age.Round(time.Millisecond))
		for line := range strings.Lines(h.Stack) {
			fmt.Fprintf(b, "    %s", line)
		}
	}
	return b.Flush()
}

package engine

import "math/bits"

// bins finds segments by the longest run of slices of some kind.
type bins struct {
	kind   int                     // index into segment.in
	heads  [numSlices + 1]*segment // by length; nobody asks for length 0
	filled uint64                  // bit n tells that heads[n+1] is not empty
}

// binLinks is a segment's place in a bin.
type binLinks struct {
	longest    int
	prev, next *segment
}

// find returns a segment with a run of n slices, of those the one with the shortest
// runs, or nil.
func (b *bins) find(n int) *segment {
	fit := b.filled >> (n - 1)
	if fit == 0 {
		return nil
	}
	return b.heads[n+bits.TrailingZeros64(fit)]
}

// place puts s where its longest run is n slices.
func (b *bins) place(s *segment, n int) {
	in := &s.in[b.kind]
	if n == in.longest {
		return
	}
	b.remove(s)
	if n == 0 {
		return
	}
	in.longest, in.next = n, b.heads[n]
	if in.next != nil {
		in.next.in[b.kind].prev = s
	}
	b.heads[n] = s
	b.filled |= 1 << (n - 1)
}

func (b *bins) remove(s *segment) {
	in := &s.in[b.kind]
	if in.longest == 0 {
		return
	}
	if in.prev != nil {
		in.prev.in[b.kind].next = in.next
	} else if b.heads[in.longest] = in.next; in.next == nil {
		b.filled &^= 1 << (in.longest - 1)
	}
	if in.next != nil {
		in.next.in[b.kind].prev = in.prev
	}
	*in = binLinks{}
}

// runs returns the bits at which n ones in a row start in free.
func runs(free uint64, n int) uint64 {
	for have := 1; have < n; {
		step := min(have, n-have)
		free &= free >> step
		have += step
	}
	return free
}

// longestRun returns the length of the longest run of ones.
func longestRun(free uint64) int {
	switch free {
	case 0:
		return 0
	case ^uint64(0):
		return 64
	}
	// starts[i] has where runs of 1<<i ones start.
	var starts [6]uint64
	top := 0
	for starts[0] = free; top < len(starts)-1; top++ {
		next := starts[top] & (starts[top] >> (1 << top))
		if next == 0 {
			break
		}
		starts[top+1] = next
	}
	n, at := 1<<top, starts[top]
	for i := top - 1; i >= 0; i-- {
		if longer := at & (starts[i] >> n); longer != 0 {
			n, at = n+1<<i, longer
		}
	}
	return n
}

// mask has n ones from bit i on.
func mask(i, n int) uint64 { return (1<<n - 1) << i }

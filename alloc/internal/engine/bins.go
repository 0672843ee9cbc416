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
	n := 0
	for ; free != 0; n++ {
		free &= free << 1
	}
	return n
}

// mask has n ones from bit i on.
func mask(i, n int) uint64 { return (1<<n - 1) << i }

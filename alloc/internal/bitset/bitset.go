// Package bitset is a set of small integers whose least element is found in a few
// steps, however large the set may become: above the bits lie words that tell
// which words below are not empty.
package bitset

import "math/bits"

// A Set holds integers from 0 up to a bound. Create it with [New].
type Set struct {
	levels [][]uint64 // levels[0] has the elements
}

// New returns an empty set for integers below n.
func New(n int) Set {
	var s Set
	for {
		n = (n + 63) / 64
		s.levels = append(s.levels, make([]uint64, max(n, 1)))
		if n <= 1 {
			return s
		}
	}
}

// Add puts i into the set.
func (s *Set) Add(i int) {
	for _, level := range s.levels {
		w := &level[i/64]
		was := *w
		*w |= 1 << (i % 64)
		if was != 0 {
			return
		}
		i /= 64
	}
}

// Remove takes i out of the set.
func (s *Set) Remove(i int) {
	for _, level := range s.levels {
		w := &level[i/64]
		*w &^= 1 << (i % 64)
		if *w != 0 {
			return
		}
		i /= 64
	}
}

// Has tells whether i is in the set.
func (s *Set) Has(i int) bool { return s.levels[0][i/64]>>(i%64)&1 != 0 }

// Min returns the least element, or -1 if there is none.
func (s *Set) Min() int {
	i := 0
	for k := len(s.levels) - 1; k >= 0; k-- {
		w := s.levels[k][i]
		if w == 0 {
			return -1
		}
		i = i*64 + bits.TrailingZeros64(w)
	}
	return i
}

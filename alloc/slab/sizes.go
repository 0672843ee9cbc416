package slab

import (
	"math/bits"
	"unsafe"

	"github.com/groundwork-go/groundwork/alloc"
)

// Sizes is an [alloc.Allocator] made of caches for powers of two from 16 bytes to 16
// KiB; what is larger comes from the heap itself. Create it with [NewSizes].
type Sizes struct {
	h      *alloc.Heap
	caches [numSizes]Raw
	byBase map[uintptr]*slab // of all caches
	large  map[uintptr]int   // sizes of the blocks that are not in slabs
	stats  alloc.Stats       // about these
}

const (
	minSize   = 16
	numSizes  = 11
	maxSize   = minSize << (numSizes - 1)
	sizesSlab = 8 * maxSize
)

// NewSizes returns caches with slabs on h.
func NewSizes(h *alloc.Heap) (*Sizes, error) {
	s := &Sizes{h: h, byBase: make(map[uintptr]*slab), large: make(map[uintptr]int)}
	for i := range s.caches {
		size := minSize << i
		if err := s.caches[i].init(size, minSize, h, nil, min(sizesSlab, 64*size), 1); err != nil {
			return nil, err
		}
		// One size of slabs, so that an address tells the slab whatever its cache is.
		c := &s.caches[i]
		c.slabSize, c.perSlab, c.colours = sizesSlab, sizesSlab/size, 1
		c.byBase = s.byBase
	}
	return s, nil
}

// Alloc returns a block of at least n bytes, aligned to 16, or nil.
func (s *Sizes) Alloc(n int) unsafe.Pointer {
	if n > 0 && n <= maxSize {
		p, _ := s.caches[bits.Len(uint(n-1)/minSize)].get() // nil where there is an error
		return p
	}
	p := s.h.Alloc(n)
	if p == nil {
		s.stats.Failed++
		return nil
	}
	s.large[uintptr(p)] = n
	s.stats.Allocs++
	s.stats.Blocks++
	s.stats.Live += int64(n)
	s.stats.Reserved += int64(n)
	return p
}

// Free takes back a block. Nil is ignored. The errors are [alloc.ErrForeign] and,
// where the block's slab is still there, [alloc.ErrDoubleFree].
func (s *Sizes) Free(p unsafe.Pointer) error {
	if p == nil {
		return nil
	}
	if in := s.byBase[uintptr(p)&^uintptr(sizesSlab-1)]; in != nil {
		return in.cache.put(p)
	}
	n, ok := s.large[uintptr(p)]
	if !ok {
		return alloc.ErrForeign
	}
	delete(s.large, uintptr(p))
	s.stats.Frees++
	s.stats.Blocks--
	s.stats.Live -= int64(n)
	s.stats.Reserved -= int64(n)
	return s.h.Free(p)
}

// Stats returns the sums of the caches' counters.
func (s *Sizes) Stats() alloc.Stats {
	sum := s.stats
	for i := range s.caches {
		c := s.caches[i].Stats()
		sum.Live += c.Live
		sum.Blocks += c.Blocks
		sum.Reserved += c.Reserved
		sum.Allocs += c.Allocs
		sum.Frees += c.Frees
		sum.Failed += c.Failed
		sum.Free += c.Free
		sum.LargestFree = max(sum.LargestFree, c.LargestFree)
	}
	return sum
}

// Close gives back all slabs and large blocks. The errors are those of
// [Cache.Close].
func (s *Sizes) Close() error {
	st := s.Stats()
	for i := range s.caches {
		_ = s.caches[i].close() // it tells of leaks, which are counted already
	}
	for u := range s.large {
		if err := s.Free(pointerTo(u)); err != nil {
			return err
		}
	}
	if st.Blocks > 0 {
		return &alloc.LeakError{Blocks: st.Blocks, Bytes: st.Live}
	}
	return nil
}

// pointerTo makes a pointer of an address outside of Go's heap.
func pointerTo(u uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&u)) }

package slab

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"unsafe"

	"github.com/groundwork-go/groundwork/alloc"
)

// Raw is a cache of objects that are bytes to it, an [alloc.Allocator] for one size.
// Create it with [NewRaw].
type Raw struct {
	size     int // of an object, as it was asked for
	stride   int
	slabSize int
	perSlab  int
	colours  int
	maxEmpty int

	heap  *alloc.Heap
	own   bool             // heap is to be closed
	spare []unsafe.Pointer // parts of Buffer that are no slab

	construct, destroy func(unsafe.Pointer)

	partial, full, empty list
	byBase               map[uintptr]*slab
	made                 int // slabs ever made
	stats                alloc.Stats
	closed               bool
}

// slab is what is known of a slab. Its memory holds nothing but objects.
type slab struct {
	cache *Raw
	base  unsafe.Pointer
	first unsafe.Pointer // object 0
	taken []uint64       // by object
	hint  int            // no word of taken before it has a free object
	live  int

	in         *list
	prev, next *slab
}

type list struct {
	head *slab
	n    int
}

func (l *list) push(s *slab) {
	s.in, s.prev, s.next = l, nil, l.head
	if l.head != nil {
		l.head.prev = s
	}
	l.head = s
	l.n++
}

func (s *slab) moveTo(l *list) {
	s.unlink()
	l.push(s)
}

func (s *slab) unlink() {
	if s.prev == nil {
		s.in.head = s.next
	} else {
		s.prev.next = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	}
	s.in.n--
}

// NewRaw returns a cache of objects of size bytes, aligned to align, a power of two,
// with slabs on h. The errors wrap [alloc.ErrSize] and [alloc.ErrAlign].
func NewRaw(h *alloc.Heap, size, align int) (*Raw, error) {
	c := &Raw{}
	if align <= 0 || align&(align-1) != 0 || align > defaultSlab {
		return nil, fmt.Errorf("slab: objects aligned to %d, at most %d: %w", align, defaultSlab, alloc.ErrAlign)
	}
	if size <= 0 || size > math.MaxInt/32 {
		return nil, fmt.Errorf("slab: objects of %d bytes: %w", size, alloc.ErrSize)
	}
	return c, c.init(size, align, h, nil, 0, 0)
}

func (c *Raw) init(size, align int, h *alloc.Heap, buf []byte, slabSize, maxEmpty int) error {
	c.size, c.stride = size, stride(size, align)
	if c.slabSize = slabSize; slabSize == 0 {
		c.slabSize = slabSizeFor(c.stride)
	}
	if c.slabSize < c.stride || c.slabSize&(c.slabSize-1) != 0 {
		return badSlab(c.slabSize, c.stride)
	}
	c.maxEmpty = maxEmpty
	if maxEmpty == 0 {
		c.maxEmpty = math.MaxInt
	}
	c.perSlab = c.slabSize / c.stride
	c.colours = 1 + (c.slabSize-c.perSlab*c.stride)/max(colour, align)
	c.byBase = make(map[uintptr]*slab)
	switch {
	case h != nil:
		c.heap = h
	case buf != nil:
		return c.cut(buf)
	default:
		own, err := alloc.NewHeap(nil)
		if err != nil {
			return err
		}
		c.heap, c.own = own, true
	}
	return nil
}

// cut makes spare slabs of a buffer, each at a multiple of its size, so that an
// object's address tells its slab.
func (c *Raw) cut(buf []byte) error {
	mask := uintptr(c.slabSize - 1)
	at := uint64(-uintptr(unsafe.Pointer(unsafe.SliceData(buf))) & mask)
	for ; at+uint64(c.slabSize) <= uint64(len(buf)); at += uint64(c.slabSize) {
		c.spare = append(c.spare, unsafe.Pointer(&buf[at]))
	}
	if len(c.spare) == 0 {
		return fmt.Errorf("slab: no slab of %d bytes at a multiple of that fits into a buffer of %d: %w", c.slabSize, len(buf), alloc.ErrConfig)
	}
	c.stats.Reserved = int64(len(c.spare) * c.slabSize)
	return nil
}

// grow makes a slab and tells whether there was memory.
func (c *Raw) grow() bool {
	var base unsafe.Pointer
	if c.heap != nil {
		if base = c.heap.AllocAligned(c.slabSize, c.slabSize); base == nil {
			return false
		}
		c.stats.Reserved += int64(c.slabSize)
	} else {
		n := len(c.spare)
		if n == 0 {
			return false
		}
		base, c.spare = c.spare[n-1], c.spare[:n-1]
	}
	offset := c.made % c.colours * max(colour, c.stride&-c.stride)
	s := &slab{cache: c, base: base, first: unsafe.Add(base, min(offset, c.slabSize-c.perSlab*c.stride))}
	s.taken = make([]uint64, (c.perSlab+63)/64)
	if rest := c.perSlab % 64; rest != 0 {
		s.taken[len(s.taken)-1] = ^uint64(0) << rest
	}
	c.made++
	c.byBase[uintptr(base)] = s
	c.empty.push(s)
	clear(unsafe.Slice((*byte)(s.first), c.perSlab*c.stride))
	if c.construct != nil {
		c.each(s, c.construct)
	}
	return true
}

func (c *Raw) each(s *slab, f func(unsafe.Pointer)) {
	for i := range c.perSlab {
		f(unsafe.Add(s.first, i*c.stride))
	}
}

func (c *Raw) get() (unsafe.Pointer, error) {
	if c.closed {
		return nil, alloc.ErrClosed
	}
	s := c.partial.head
	if s == nil {
		if c.empty.head == nil && !c.grow() {
			c.stats.Failed++
			return nil, fmt.Errorf("slab: %w", alloc.ErrNoMemory)
		}
		s = c.empty.head
		s.moveTo(&c.partial)
	}
	for s.taken[s.hint] == ^uint64(0) {
		s.hint++
	}
	bit := bits.TrailingZeros64(^s.taken[s.hint])
	s.taken[s.hint] |= 1 << bit
	if s.live++; s.live == c.perSlab {
		s.moveTo(&c.full)
	}
	c.stats.Allocs++
	c.stats.Blocks++
	c.stats.Live += int64(c.stride)
	return unsafe.Add(s.first, (s.hint*64+bit)*c.stride), nil
}

func (c *Raw) put(p unsafe.Pointer) error {
	if c.closed {
		return alloc.ErrClosed
	}
	u := uintptr(p)
	s := c.byBase[u&^uintptr(c.slabSize-1)]
	if s == nil {
		return alloc.ErrForeign
	}
	off := u - uintptr(s.first) // huge if u is before it
	i := int(off / uintptr(c.stride))
	if off%uintptr(c.stride) != 0 || i < 0 || i >= c.perSlab {
		return alloc.ErrForeign
	}
	if s.taken[i/64]>>(i%64)&1 == 0 {
		return alloc.ErrDoubleFree
	}
	s.taken[i/64] &^= 1 << (i % 64)
	s.hint = min(s.hint, i/64)
	if s.live == c.perSlab {
		s.moveTo(&c.partial)
	}
	c.stats.Frees++
	c.stats.Blocks--
	c.stats.Live -= int64(c.stride)
	if s.live--; s.live == 0 {
		s.moveTo(&c.empty)
		if c.empty.n > max(c.maxEmpty, 0) {
			c.reap(max(c.maxEmpty, 0))
		}
	}
	return nil
}

// reap gives back empty slabs but for some, and returns their bytes.
func (c *Raw) reap(keep int) int {
	bytes := 0
	for c.empty.n > keep {
		s := c.empty.head
		s.unlink()
		c.giveBack(s)
		bytes += c.slabSize
	}
	return bytes
}

func (c *Raw) giveBack(s *slab) {
	if c.destroy != nil {
		c.each(s, c.destroy)
	}
	delete(c.byBase, uintptr(s.base))
	if c.heap == nil {
		c.spare = append(c.spare, s.base)
		return
	}
	c.stats.Reserved -= int64(c.slabSize)
	if err := c.heap.Free(s.base); err != nil && !errors.Is(err, alloc.ErrClosed) {
		panic(fmt.Sprintf("slab: %v", err)) // somebody freed the cache's memory
	}
}

func (c *Raw) close() error {
	if c.closed {
		return nil
	}
	c.closed = true
	var leak error
	if c.stats.Blocks > 0 {
		leak = &alloc.LeakError{Blocks: c.stats.Blocks, Bytes: c.stats.Live}
	}
	for _, l := range []*list{&c.partial, &c.full, &c.empty} {
		for l.head != nil {
			s := l.head
			s.unlink()
			c.giveBack(s)
		}
	}
	if c.own {
		if err := c.heap.Close(); err != nil {
			return err
		}
	}
	return leak
}

// Alloc returns an object if n is not above the objects' size, else nil.
func (c *Raw) Alloc(n int) unsafe.Pointer {
	if n <= 0 || n > c.size {
		c.stats.Failed++
		return nil
	}
	p, _ := c.get() // nil where there is an error
	return p
}

// Free takes back an object; its errors are those of [Cache.Put]. Nil is ignored.
func (c *Raw) Free(p unsafe.Pointer) error {
	if p == nil {
		return nil
	}
	return c.put(p)
}

// Reap is [Cache.Reap].
func (c *Raw) Reap() int { return c.reap(0) }

// Close is [Cache.Close].
func (c *Raw) Close() error { return c.close() }

// slabs returns the counters with those of the lists.
func (c *Raw) slabs() Stats {
	return Stats{
		Stats: c.Stats(), Partial: c.partial.n, Full: c.full.n, Empty: c.empty.n,
		ObjectSize: c.stride, PerSlab: c.perSlab, Colours: c.colours,
	}
}

// Stats returns the counters.
func (c *Raw) Stats() alloc.Stats {
	s := c.stats
	slabs := c.partial.n + c.full.n + c.empty.n
	s.Free = int64((slabs*c.perSlab - int(s.Blocks)) * c.stride)
	s.LargestFree = min(s.Free, int64(c.stride))
	return s
}

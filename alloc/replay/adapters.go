package replay

import (
	"unsafe"

	"github.com/groundwork-go/groundwork/alloc"
	"github.com/groundwork-go/groundwork/alloc/arena"
	"github.com/groundwork-go/groundwork/alloc/slab"
)

// Arena makes an Allocator of an arena: Free only counts, and when the last block is
// freed it resets the arena. Blocks are aligned to 8 bytes.
func Arena(a *arena.Arena) alloc.Allocator { return &arenaAllocator{a: a} }

type arenaAllocator struct {
	a     *arena.Arena
	stats alloc.Stats
}

func (a *arenaAllocator) Alloc(n int) unsafe.Pointer {
	if n <= 0 {
		a.stats.Failed++
		return nil
	}
	b, err := a.a.Alloc(n)
	if err != nil {
		a.stats.Failed++
		return nil
	}
	a.stats.Allocs++
	a.stats.Blocks++
	return unsafe.Pointer(unsafe.SliceData(b))
}

// Free knows no addresses, only how many blocks there are.
func (a *arenaAllocator) Free(p unsafe.Pointer) error {
	switch {
	case p == nil:
		return nil
	case a.stats.Blocks == 0:
		return alloc.ErrDoubleFree
	}
	a.stats.Frees++
	if a.stats.Blocks--; a.stats.Blocks == 0 {
		a.a.Reset()
	}
	return nil
}

func (a *arenaAllocator) Stats() alloc.Stats {
	s := a.stats
	s.Live, s.Reserved = int64(a.a.Used()), int64(a.a.Size())
	s.Free = s.Reserved - s.Live
	s.LargestFree = s.Free
	return s
}

// Slabs makes an Allocator of slab caches on a heap, one for each power of two from
// 16 bytes to 16 KiB.
func Slabs(h *alloc.Heap) (alloc.Allocator, error) { return slab.NewSizes(h) }

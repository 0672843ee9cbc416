package alloc

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/groundwork-go/groundwork/alloc/heapmap"
	"github.com/groundwork-go/groundwork/alloc/internal/engine"
)

// HeapOptions tune a Heap. A nil *HeapOptions means the defaults.
type HeapOptions struct {
	// Limit bounds the bytes taken from the system. Zero means no limit.
	Limit int64

	// Decay is how long free memory is kept before it goes back to the system: at
	// least that long, at most twice. Zero means 50 milliseconds; negative means until
	// [Heap.Trim].
	Decay time.Duration

	// HugePages asks the system for huge pages. It costs resident memory where
	// blocks lie thinly.
	HugePages bool

	// Zero makes every block zeroed.
	Zero bool

	// Debug puts redzones around each block, fills freed ones with a pattern and
	// keeps them in quarantine, and records the call stacks of Alloc and Free, so
	// that faults are found and explained as a [*Fault]. A call takes microseconds.
	Debug bool

	// PageGuard is Debug that puts each block against a page which cannot be
	// accessed, and protects freed ones: a wrong access is a fault of the processor
	// at once. Each block takes two pages at least.
	PageGuard bool

	// Quarantine bounds the bytes of freed blocks that Debug keeps from being used
	// again. Zero means 4 MiB; negative none.
	Quarantine int64

	// ProfileRate is the mean number of bytes between two allocations that are
	// sampled for [Heap.Profile]. Zero means none; 512 KiB costs little. Debug
	// records all.
	ProfileRate int
}

// A Heap allocates blocks of any size in memory outside of Go's heap. All
// methods may be called concurrently, Close excepted from nothing: what runs at
// the same time as Close happens before or after it.
type Heap struct {
	front   engine.Engine  // what Alloc and Free call, and is e or a front of checked
	e       *engine.Engine // may be front
	checked checked
	debug   *debugger // what checked is, if it is that
	sampler *sampler  // likewise
	zero    bool
	types   sync.Map // reflect.Type -> error: which types may be stored
	refs    refTable
	closed  atomic.Bool
}

// checked stands between the heap and the engine. Unless that only passes calls on,
// Alloc and Free get to it through a hook: a test for it would keep them from being
// inlined, which is a third of their time.
type checked interface {
	alloc(n, align int) unsafe.Pointer
	free(p unsafe.Pointer) error
	usable(p unsafe.Pointer) int
}

// hook makes a checked an engine.Hook.
type hook struct{ h *Heap }

func (k hook) Alloc(n int) unsafe.Pointer  { return k.h.allocChecked(n, minAlign) }
func (k hook) Free(p unsafe.Pointer) error { return k.h.checked.free(p) }

// minAlign is the alignment of all blocks, in bytes.
const minAlign = 16

// NewHeap returns an empty heap. The error wraps [ErrConfig] if an option makes no
// sense.
func NewHeap(o *HeapOptions) (*Heap, error) {
	if o == nil {
		o = &HeapOptions{}
	}
	if o.Limit < 0 {
		return nil, fmt.Errorf("%w: Limit is %d, must not be negative", ErrConfig, o.Limit)
	}
	if o.ProfileRate < 0 {
		return nil, fmt.Errorf("%w: ProfileRate is %d, must not be negative", ErrConfig, o.ProfileRate)
	}
	return newHeap(o, engine.Config{Limit: o.Limit, Decay: o.Decay, Huge: o.HugePages})
}

func newHeap(o *HeapOptions, c engine.Config) (*Heap, error) {
	if c.Decay == 0 {
		c.Decay = 50 * time.Millisecond
	}
	h := &Heap{zero: o.Zero}
	h.e = &h.front
	direct := !o.Debug && !o.PageGuard && o.ProfileRate == 0 && !o.Zero
	if !direct {
		h.e = new(engine.Engine)
	}
	if err := h.e.Init(c); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrNoMemory, err)
	}
	switch {
	case o.Debug || o.PageGuard:
		h.debug = newDebugger(h.e, o)
		h.checked = h.debug
	case o.ProfileRate > 0:
		h.sampler = &sampler{e: h.e, rate: o.ProfileRate}
		h.checked = h.sampler
	default:
		h.checked = plain{h.e}
	}
	if !direct {
		h.front.InitFront(hook{h})
	}
	return h, nil
}

// plain is a checked that only passes calls on.
type plain struct{ e *engine.Engine }

func (p plain) alloc(n, align int) unsafe.Pointer { return p.e.AllocAligned(n, align) }
func (p plain) free(b unsafe.Pointer) error       { return p.e.Free(b) }
func (p plain) usable(b unsafe.Pointer) int       { return p.e.UsableSize(b) }

// Alloc returns a block of at least n bytes, aligned to 16, with undefined
// content. It returns nil if n is not positive, if the limit is reached, if the
// system has no memory, or after Close.
func (h *Heap) Alloc(n int) unsafe.Pointer { return h.front.Alloc(n) }

func (h *Heap) allocChecked(n, align int) unsafe.Pointer {
	p := h.checked.alloc(n, align)
	if p != nil && h.zero {
		clear(unsafe.Slice((*byte)(p), n))
	}
	return p
}

// AllocAligned is Alloc that aligns the block to align, a power of two. It also
// returns nil if align is not one.
func (h *Heap) AllocAligned(n, align int) unsafe.Pointer {
	if align <= 0 || align&(align-1) != 0 {
		return nil
	}
	return h.allocChecked(n, align)
}

// Calloc is Alloc that zeroes the n bytes.
func (h *Heap) Calloc(n int) unsafe.Pointer {
	p := h.Alloc(n)
	if p != nil && !h.zero {
		clear(unsafe.Slice((*byte)(p), n))
	}
	return p
}

// Realloc returns a block of at least n bytes with the content of the block at p,
// as far as it fits, and frees p; it may return p itself. Realloc of nil is Alloc.
// If it returns nil, p is as it was. It panics with a [*Fault] if Debug finds that
// p is not a block or was written beyond.
func (h *Heap) Realloc(p unsafe.Pointer, n int) unsafe.Pointer {
	if p == nil {
		return h.Alloc(n)
	}
	have := h.UsableSize(p)
	if have == 0 || n <= 0 {
		return nil
	}
	if h.debug == nil && n <= have && n > have/2 {
		return p
	}
	q := h.Alloc(n)
	if q == nil {
		return nil
	}
	copy(unsafe.Slice((*byte)(q), n), unsafe.Slice((*byte)(p), have))
	if err := h.Free(p); err != nil {
		panic(err)
	}
	return q
}

// Free takes back a block. Nil is ignored. The errors are [ErrForeign],
// [ErrDoubleFree] and [ErrClosed], and with Debug a [*Fault]; the heap is as it was
// then. Without Debug a double free goes unnoticed if the block is in use again, and
// may do so if it is on another thread than the first.
func (h *Heap) Free(p unsafe.Pointer) error { return h.front.Free(p) }

// UsableSize returns how many bytes the block at p really has, at least what was
// asked for, or 0 if p is not the start of a live block. With Debug it is what was
// asked for.
func (h *Heap) UsableSize(p unsafe.Pointer) int { return h.checked.usable(p) }

// Bytes returns a block as a slice of length n, whose capacity is the block's
// usable size, or nil where Alloc returns nil.
func (h *Heap) Bytes(n int) []byte {
	p := h.Alloc(n)
	if p == nil {
		return nil
	}
	size := n
	if h.debug == nil {
		size = engine.Rounded(n)
	}
	return unsafe.Slice((*byte)(p), size)[:n]
}

// FreeBytes takes back a slice that Bytes returned; it may have been shortened
// or extended, but must start where it started then. A slice without capacity is
// ignored.
func (h *Heap) FreeBytes(b []byte) error {
	if cap(b) == 0 {
		return nil
	}
	return h.Free(unsafe.Pointer(unsafe.SliceData(b)))
}

// Trim gives all free memory back to the system, that of the threads' caches
// included, and returns how many bytes that were. It stops the world for some
// microseconds.
func (h *Heap) Trim() int64 { return h.e.Trim() }

// Stats returns a snapshot, exact if nobody uses the heap meanwhile. It takes time
// in proportion to the heap's size, some ten microseconds for 100 MB.
func (h *Heap) Stats() Stats {
	es := h.e.Stats()
	s := Stats{
		Live: es.Live, Blocks: es.Blocks, Reserved: es.Reserved,
		Allocs: es.Allocs, Frees: es.Frees, Failed: es.Failed,
		Requested: es.Requested, Resident: min(es.Resident, es.Reserved),
		Free: es.FreeBlocks + es.FreeSlices, LargestFree: es.LargestFree, Cached: es.Cached,
	}
	for _, c := range es.Classes {
		if c.Pages > 0 || c.Allocs > 0 {
			s.Classes = append(s.Classes, ClassStats{Size: c.Size, Pages: c.Pages, Blocks: c.Blocks, Live: c.Bytes, Allocs: c.Allocs})
		}
	}
	if h.debug != nil {
		h.debug.addStats(&s)
	}
	return s
}

// Map returns what the heap's memory is used for.
func (h *Heap) Map() heapmap.Map {
	m := heapmap.Map{Title: "alloc.Heap"}
	for _, s := range h.e.Spans() {
		r := heapmap.Region{Start: uint64(s.Start), Size: s.Size, Used: s.Live, Kind: heapmap.Free}
		switch {
		case s.Block > 0 && s.Blocks == 0 && s.Live > 0:
			r.Kind, r.Label = heapmap.Meta, "headers"
		case s.Block > 0:
			r.Kind, r.Label = heapmap.Used, fmt.Sprintf("%d blocks of %d bytes", s.Blocks, s.Block)
			if s.Cached {
				r.Label += ", in a cache"
			}
		case s.Dirty:
			r.Label = "not given back yet"
		}
		m.Regions = append(m.Regions, r)
	}
	return m
}

// Close unmaps all memory of the heap; what was allocated must not be used any
// more. Blocks that are still allocated are reported as a [*LeakError], and with
// Debug what is found wrong with them or with blocks in quarantine as a [*Fault]. A
// second Close does nothing. Caches of the heap must not be in use meanwhile.
func (h *Heap) Close() error {
	if h.closed.Swap(true) {
		return nil
	}
	if h.debug != nil {
		return h.debug.close()
	}
	if blocks, bytes := h.e.Close(); blocks > 0 {
		return &LeakError{Blocks: blocks, Bytes: bytes}
	}
	return nil
}

// A Cache allocates from a heap for one goroutine at a time, faster than the heap
// itself does: it keeps memory of its own and need not find the thread's. Blocks may
// be freed through any cache or the heap.
type Cache struct {
	h *Heap
	e *engine.Engine
	l *engine.Local
}

// Cache returns an empty cache. Close it when it is not needed any more: until then
// it holds memory, though no more than some pages per size class.
func (h *Heap) Cache() *Cache { return &Cache{h: h, e: &h.front, l: h.front.NewLocal()} }

// Alloc is [Heap.Alloc]; after Close it returns nil.
func (c *Cache) Alloc(n int) unsafe.Pointer { return c.l.Alloc(n) }

// Free is [Heap.Free]; after Close it returns [ErrClosed].
func (c *Cache) Free(p unsafe.Pointer) error { return c.l.Free(p) }

// Stats is [Heap.Stats]: it is about the whole heap.
func (c *Cache) Stats() Stats { return c.h.Stats() }

// Close returns what the cache holds to the heap. Blocks stay allocated. A second
// Close does nothing.
func (c *Cache) Close() error {
	c.e.CloseLocal(c.l)
	return nil
}

// valid tells whether n can be the size of a block.
func valid(n int) bool { return n > 0 && n <= math.MaxInt/2 }

// Package slab allocates objects of one size that stay constructed while they are
// free (Bonwick, "The Slab Allocator: An Object-Caching Kernel Memory Allocator",
// USENIX 1994).
//
//	c, err := slab.New[Conn](&slab.Options[Conn]{Construct: initConn})
//	conn, err := c.Get()
//	...
//	err = c.Put(conn)
//
// Memory comes in slabs. A slab is partial, full or empty, and is in the list of
// that name; Get takes from a partial slab, so that the others may become empty, and
// [Cache.Reap] gives back those that are. Slabs begin their objects at offsets that
// differ (colours), so that objects of the same number lie in different lines of the
// processor's cache.
//
// # Guarantees
//
// Objects do not overlap, and are aligned as their type demands. An object that Get
// returns was constructed once since its slab was made, and is otherwise as it was
// when Put took it: put objects back in the state in which you want to get them. Put
// finds out every pointer that is not a live object. A free object is not touched.
//
// # Limits
//
// Types with Go pointers are refused. A Cache is for one goroutine at a time. An
// object that is larger than an eighth of a slab wastes some of it.
package slab

import (
	"fmt"
	"math/bits"
	"reflect"
	"unsafe"

	"github.com/groundwork-go/groundwork/alloc"
)

// Options tune a Cache. Nil means the defaults.
type Options[T any] struct {
	// Heap is where slabs come from. Nil means Buffer.
	Heap *alloc.Heap

	// Buffer is cut into slabs, if there is no Heap. Where that is nil too, the cache
	// has a Heap of its own, which Close closes.
	Buffer []byte

	// SlabSize is the size of a slab in bytes, a power of two. Zero means 16 KiB, or
	// what has room for eight objects if that is more.
	SlabSize int

	// Construct is called with each object of a new slab, zeroed. Nil means that
	// zeroed is good enough.
	Construct func(*T)

	// Destroy is called with each object of a slab that is given back. It may be nil.
	Destroy func(*T)

	// MaxEmpty is how many empty slabs are kept; more are given back at once. Zero
	// means all until Reap; negative none.
	MaxEmpty int
}

const (
	defaultSlab = 16 << 10
	colour      = 64 // offsets of the first objects differ by this many bytes
)

// A Cache hands out objects of type T. Create it with [New].
type Cache[T any] struct {
	c                  Raw
	construct, destroy func(*T)
}

// New returns an empty cache. The error wraps [alloc.ErrPointers] if T has Go
// pointers, and [alloc.ErrConfig] if the options make no sense or the buffer has no
// room for a slab.
func New[T any](o *Options[T]) (*Cache[T], error) {
	if err := alloc.CheckPointers(reflect.TypeFor[T]()); err != nil {
		return nil, err
	}
	if o == nil {
		o = &Options[T]{}
	}
	var zero T
	c := &Cache[T]{construct: o.Construct, destroy: o.Destroy}
	size, align := int(unsafe.Sizeof(zero)), int(unsafe.Alignof(zero))
	if err := c.c.init(max(size, 1), align, o.Heap, o.Buffer, o.SlabSize, o.MaxEmpty); err != nil {
		return nil, err
	}
	if o.Construct != nil {
		c.c.construct = func(p unsafe.Pointer) { o.Construct((*T)(p)) }
	}
	if o.Destroy != nil {
		c.c.destroy = func(p unsafe.Pointer) { o.Destroy((*T)(p)) }
	}
	return c, nil
}

// Get returns an object. The error wraps [alloc.ErrNoMemory] or is
// [alloc.ErrClosed].
func (c *Cache[T]) Get() (*T, error) {
	p, err := c.c.get()
	return (*T)(p), err
}

// Put takes back an object. The errors are [alloc.ErrDoubleFree], [alloc.ErrForeign]
// and [alloc.ErrClosed].
func (c *Cache[T]) Put(v *T) error { return c.c.put(unsafe.Pointer(v)) }

// Reap gives back the slabs that are empty and returns how many bytes they had.
func (c *Cache[T]) Reap() int { return c.c.reap(0) }

// Close gives back all slabs, after Destroy was called for their objects. Objects
// that were not put back are reported as an [*alloc.LeakError]. A second Close does
// nothing.
func (c *Cache[T]) Close() error { return c.c.close() }

// Stats returns the counters.
func (c *Cache[T]) Stats() Stats { return c.c.slabs() }

// Stats counts what a cache holds. Sizes are in bytes.
type Stats struct {
	alloc.Stats
	Partial, Full, Empty int // slabs
	ObjectSize           int // distance of two objects
	PerSlab              int // objects in each slab
	Colours              int // different offsets of the first object
}

// stride returns the distance of two objects.
func stride(size, align int) int { return (size + align - 1) &^ (align - 1) }

// slabSizeFor returns the default size of slabs.
func slabSizeFor(stride int) int { return max(defaultSlab, 1<<bits.Len(uint(8*stride-1))) }

func badSlab(size, stride int) error {
	return fmt.Errorf("slab: SlabSize is %d, must be a power of two with room for an object of %d bytes: %w", size, stride, alloc.ErrConfig)
}

package alloc

import (
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"
)

// A Ref is a handle to a value on a heap that finds out when the value was freed.
// It is small, comparable, and copied freely; the zero Ref refers to nothing.
type Ref[T any] struct {
	h    *Heap
	slot uint32
	gen  uint32
}

// refTable maps slots to values. A slot's generation is odd while it has a value,
// and never comes back before 2^31 values were there.
type refTable struct {
	chunks atomic.Pointer[[]*refChunk] // grows only; replaced, never changed
	mu     sync.Mutex
	free   []uint32 // guarded by mu
	used   uint32   // guarded by mu; slots that ever had a value
}

const chunkRefs = 1 << 10

type refChunk [chunkRefs]refSlot

type refSlot struct {
	gen atomic.Uint32
	ptr atomic.Uintptr // outside of Go's heap, which need not see it
}

// NewRef returns a handle to a zeroed T; its errors are those of [New].
func NewRef[T any](h *Heap) (Ref[T], error) {
	v, err := New[T](h)
	if err != nil {
		return Ref[T]{}, err
	}
	slot, gen, ok := h.refs.put(uintptr(unsafe.Pointer(v)))
	if !ok {
		if err := Delete(h, v); err != nil {
			return Ref[T]{}, err
		}
		return Ref[T]{}, fmt.Errorf("%w: no more references", ErrNoMemory)
	}
	return Ref[T]{h, slot, gen}, nil
}

// Get returns the value, or [ErrStale] if it was freed, or [ErrClosed]. The pointer
// is good until the value is freed: get it anew for each use.
func (r Ref[T]) Get() (*T, error) {
	if r.h == nil {
		return nil, ErrStale
	}
	if r.h.closed.Load() {
		return nil, ErrClosed
	}
	s := r.h.refs.slot(r.slot)
	p := s.ptr.Load()
	if s.gen.Load() != r.gen {
		return nil, ErrStale
	}
	return (*T)(pointerTo(p)), nil
}

// Free frees the value. All copies of r are stale then; a second Free returns
// [ErrStale].
func (r Ref[T]) Free() error {
	if r.h == nil {
		return ErrStale
	}
	if r.h.closed.Load() {
		return ErrClosed
	}
	s := r.h.refs.slot(r.slot)
	p := s.ptr.Load()
	if !s.gen.CompareAndSwap(r.gen, r.gen+1) {
		return ErrStale
	}
	r.h.refs.giveBack(r.slot)
	return r.h.Free(pointerTo(p))
}

func (t *refTable) slot(i uint32) *refSlot {
	return &(*t.chunks.Load())[i/chunkRefs][i%chunkRefs]
}

func (t *refTable) put(p uintptr) (slot, gen uint32, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.free); n > 0 {
		slot = t.free[n-1]
		t.free = t.free[:n-1]
	} else {
		if slot = t.used; slot+1 == 0 {
			return 0, 0, false
		}
		t.used++
		if slot%chunkRefs == 0 {
			var chunks []*refChunk
			if old := t.chunks.Load(); old != nil {
				chunks = append(chunks, *old...)
			}
			chunks = append(chunks, new(refChunk))
			t.chunks.Store(&chunks)
		}
	}
	s := t.slot(slot)
	s.ptr.Store(p)
	return slot, s.gen.Add(1), true
}

func (t *refTable) giveBack(slot uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.free = append(t.free, slot)
}

// pointerTo makes a pointer of an address outside of Go's heap.
func pointerTo(p uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&p)) }

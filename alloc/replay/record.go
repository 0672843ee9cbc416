package replay

import (
	"io"
	"sync"
	"unsafe"

	"github.com/groundwork-go/groundwork/alloc"
)

// A Recorder passes calls on to an Allocator and writes them down. It may be used
// concurrently, one call at a time, if the Allocator may; all calls are recorded as
// those of worker 0.
type Recorder struct {
	a alloc.Allocator

	mu     sync.Mutex
	w      *writer            // guarded by mu
	blocks uint64             // guarded by mu; allocated ever
	live   map[uintptr]uint64 // guarded by mu; the numbers of blocks
	closed bool               // guarded by mu
}

// NewRecorder returns a Recorder that writes to w.
func NewRecorder(a alloc.Allocator, w io.Writer) *Recorder {
	return &Recorder{a: a, w: newWriter(w), live: make(map[uintptr]uint64)}
}

// Alloc is Alloc of the Allocator. What returns nil is not recorded.
func (r *Recorder) Alloc(n int) unsafe.Pointer {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.a.Alloc(n)
	if p != nil && !r.closed {
		r.live[uintptr(p)] = r.blocks
		r.blocks++
		r.w.record(kindAlloc, uint64(n))
	}
	return p
}

// Free is Free of the Allocator. Only blocks that were allocated through r are
// recorded, and only if there is no error.
func (r *Recorder) Free(p unsafe.Pointer) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.a.Free(p)
	if number, ok := r.live[uintptr(p)]; ok && err == nil && !r.closed {
		delete(r.live, uintptr(p))
		r.w.record(kindFree, r.blocks-number)
	}
	return err
}

// Stats is Stats of the Allocator.
func (r *Recorder) Stats() alloc.Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.a.Stats()
}

// Close ends the trace and returns the first error of writing it. The Recorder
// still passes calls on; a second Close does nothing.
func (r *Recorder) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	r.closed = true
	return r.w.end()
}

//go:build gc && amd64 && !race && !kvstore_portable

package kvstore

import (
	"sync/atomic"
	"unsafe" // also for go:linkname

	"github.com/groundwork-go/groundwork/kvstore/internal/table"
)

// A viewFront keeps one buffer for each thread, before sync.Pool, whose Get and Put
// take as many instructions as a look-up, and more (BenchmarkParallel: half of the time).
//
// What a place holds is touched by its thread alone, in functions that are marked
// nosplit: the compiler gives those no safe point for preemption but at calls, so that
// from getm on to the end, or to the next call, the goroutine stays on its thread and no
// other runs there. They must not be inlined into others, or that is lost. Who has taken
// a buffer may go to another thread with it, and gives it back by one store.
type viewFront struct{ places [viewPlaces]viewPlace }

type viewPlace struct {
	thread uintptr     // atomic when it is claimed; zero for none
	buf    *viewBuffer // not nil if thread is not zero
	found  int64
	misses int // calls that met a busy buffer, one after the other
	_      [32]byte
}

const (
	viewPlaces = 128
	// maxViewMisses is when a buffer that somebody looks at for long, or whose user has
	// panicked, is replaced.
	maxViewMisses = 16
)

// getm returns the address of the running thread's structure in the runtime. Those
// are 2 KiB apart or more.
//
//go:linkname getm runtime.getm
func getm() uintptr

// at returns the place of a thread, which may be another's.
func (p *viewFront) at(thread uintptr) *viewPlace { return &p.places[thread>>11%viewPlaces] }

// view is GetView: with the buffer of the thread if key and string are short ones, as
// most are, and no writer is in the way. See AppendGet for what makes it fast.
//
//go:nosplit
//go:noinline
func (db *DB) view(key string, f func(v []byte) error) error {
	if uint(len(key)-8) <= 8 {
		var r *table.Record
		var ref table.Ref
		thread := getm()
		at := db.views.front.at(thread)
		if at.thread != thread {
			goto slow
		}
		b, sp, k := at.buf, db.sp, unsafe.Pointer(unsafe.StringData(key))
		h := sp.HashShort(k, len(key))
		st := sp.Stripe(h)
		version, l := st.Version(), st.Layout()
		if l.Placed() {
			if r = l.Guess(h); r.Has(k, len(key)) {
				goto found
			}
		}
		if ref = l.Group(h).First(h); !l.Holds(ref) {
			goto slow
		}
		if r = l.Record(ref); !r.Has(k, len(key)) {
			goto slow
		}
	found:
		if size := r.Size(); sp.Fresh(r.Meta()) && size >= 8 && !b.busy {
			v := r.Value(len(key))
			b.fill(v, size)
			if size > 32 {
				copyWords(unsafe.Pointer(&b.data), v, size)
			}
			if st.Stayed(version) {
				at.found++
				b.busy = true
				err := f(b.data[:size&255]) // a short string is no longer
				b.busy = false
				return err
			}
		}
	}
slow:
	return db.viewSlow(key, f)
}

// take returns the buffer of the thread, which is busy then, or nil.
func (p *viewFront) take() *viewBuffer {
	b, wanting := p.tryTake()
	if wanting {
		p.settle(new(viewBuffer))
	}
	return b
}

// tryTake also tells whether the place of the thread wants another buffer.
//
//go:nosplit
//go:noinline
func (p *viewFront) tryTake() (b *viewBuffer, wanting bool) {
	thread := getm()
	at := p.at(thread)
	switch {
	case at.thread != thread:
		return nil, at.thread == 0
	case at.buf.busy:
		at.misses++
		return nil, at.misses >= maxViewMisses
	}
	at.buf.busy, at.misses = true, 0
	return at.buf, false
}

// settle puts a buffer into the place of the thread.
//
//go:nosplit
//go:noinline
func (p *viewFront) settle(b *viewBuffer) {
	thread := getm()
	at := p.at(thread)
	if at.thread == thread || atomic.CompareAndSwapUintptr(&at.thread, 0, thread) {
		at.buf, at.misses = b, 0
	}
}

func (p *viewFront) hits() int64 {
	n := int64(0)
	for i := range p.places {
		n += atomic.LoadInt64(&p.places[i].found)
	}
	return n
}

package alloc

import (
	"bytes"
	"cmp"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"unsafe"

	"github.com/groundwork-go/groundwork/alloc/internal/engine"
)

// debugger is the checked of HeapOptions.Debug. Each block gets a redzone on both
// sides, inside of a larger block of the engine; a guarded one gets a mapping.
type debugger struct {
	e     *engine.Engine
	guard *guard // for PageGuard, or nil
	quota int64  // of quarantine

	mu         sync.Mutex
	live       map[uintptr]*record // guarded by mu
	dead       map[uintptr]*record // guarded by mu; those in quarantine
	quarantine []*record           // guarded by mu; the oldest first
	held       int64               // guarded by mu; bytes in quarantine
	stats      Stats               // guarded by mu
	closed     bool                // guarded by mu
}

// record is what is known of a block.
type record struct {
	p     uintptr // what the user has
	n     int     // what was asked for
	whole []byte  // the block with its redzones
	guard guarded // its mapping, if it has one

	alloced, freed []uintptr
}

const (
	redzone    = 64
	redzoneMin = minAlign
	fillFresh  = 0xCD // content of new blocks
	fillZone   = 0xFD // redzones
	fillFreed  = 0xDD // freed blocks

	defaultQuarantine = 4 << 20
)

func newDebugger(e *engine.Engine, o *HeapOptions) *debugger {
	d := &debugger{e: e, quota: o.Quarantine, live: make(map[uintptr]*record), dead: make(map[uintptr]*record)}
	if d.quota == 0 {
		d.quota = defaultQuarantine
	}
	if o.PageGuard {
		d.guard = &guard{limit: o.Limit}
	}
	return d
}

func (d *debugger) alloc(n, align int) unsafe.Pointer {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.newRecord(n, align)
	if r == nil {
		d.stats.Failed++
		return nil
	}
	r.alloced = callers()
	fill(r.whole, fillZone)
	fill(r.user(), fillFresh)
	d.live[r.p] = r
	d.stats.Allocs++
	d.stats.Blocks++
	d.stats.Live += int64(n)
	return unsafe.Pointer(unsafe.SliceData(r.user()))
}

func (d *debugger) newRecord(n, align int) *record {
	if d.closed || !valid(n) {
		return nil
	}
	if d.guard != nil {
		return d.guard.record(n, align)
	}
	front := max(redzone, align)
	if n > math.MaxInt/4 || align > math.MaxInt/4 {
		return nil
	}
	size := front + n + redzone
	base := d.e.AllocAligned(size, align)
	if base == nil {
		return nil
	}
	whole := unsafe.Slice((*byte)(base), size)
	return &record{p: uintptr(unsafe.Pointer(&whole[front])), n: n, whole: whole}
}

// offset returns where the user's part of whole begins.
func (r *record) offset() int { return int(r.p - uintptr(unsafe.Pointer(unsafe.SliceData(r.whole)))) }

func (r *record) user() []byte {
	at := r.offset()
	return r.whole[at : at+r.n]
}

func fill(b []byte, v byte) {
	if len(b) == 0 {
		return
	}
	b[0] = v
	for n := 1; n < len(b); n *= 2 {
		copy(b[n:], b[:n])
	}
}

// firstOther returns the index of the first byte of b that is not v, or -1.
func firstOther(b []byte, v byte) int {
	const step = 64
	want := bytes.Repeat([]byte{v}, step)
	for i := 0; i < len(b); i += step {
		part := b[i:min(i+step, len(b))]
		if bytes.Equal(part, want[:len(part)]) {
			continue
		}
		for j, c := range part {
			if c != v {
				return i + j
			}
		}
	}
	return -1
}

// zones returns the first fault in a block's redzones, or nil.
func (r *record) zones() *Fault {
	at := r.offset()
	if i := firstOther(r.whole[:at], fillZone); i >= 0 {
		return r.fault(Underrun, i-at)
	}
	if i := firstOther(r.whole[at+r.n:], fillZone); i >= 0 {
		return r.fault(Overrun, r.n+i)
	}
	return nil
}

func (r *record) fault(k FaultKind, offset int) *Fault {
	return &Fault{Kind: k, Addr: r.p, Size: r.n, Offset: offset, Alloc: r.alloced, Free: r.freed}
}

// find returns the live block at p, or what is wrong with p.
func (d *debugger) find(p unsafe.Pointer) (*record, *Fault) {
	u := uintptr(p)
	if r := d.live[u]; r != nil {
		return r, nil
	}
	if r := d.dead[u]; r != nil {
		return nil, r.fault(DoubleFree, 0)
	}
	for _, set := range []map[uintptr]*record{d.live, d.dead} {
		for _, r := range set {
			if u-r.p < uintptr(r.n) {
				return nil, r.fault(InteriorFree, int(u-r.p))
			}
		}
	}
	return nil, &Fault{Kind: ForeignFree, Addr: u}
}

func (d *debugger) free(p unsafe.Pointer) error {
	stack := callers()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return ErrClosed
	}
	r, fault := d.find(p)
	if fault != nil {
		fault.Found = stack
		return fault
	}
	fault = r.zones()
	delete(d.live, r.p)
	r.freed = stack
	d.stats.Frees++
	d.stats.Blocks--
	d.stats.Live -= int64(r.n)
	d.bury(r)
	var faults []error
	if fault != nil {
		fault.Found = stack
		faults = append(faults, fault)
	}
	for d.held > d.quota && len(d.quarantine) > 0 {
		if fault := d.exhume(); fault != nil {
			fault.Found = stack
			faults = append(faults, fault)
		}
	}
	if len(faults) == 1 {
		return faults[0]
	}
	return errors.Join(faults...)
}

// bury puts a block into quarantine.
func (d *debugger) bury(r *record) {
	if d.guard != nil {
		d.guard.protect(r)
	} else {
		fill(r.whole, fillFreed)
	}
	d.dead[r.p] = r
	d.quarantine = append(d.quarantine, r)
	d.held += int64(len(r.whole))
}

// exhume takes the oldest block out of quarantine and really frees it.
func (d *debugger) exhume() *Fault {
	r := d.quarantine[0]
	d.quarantine = d.quarantine[1:]
	d.held -= int64(len(r.whole))
	if d.dead[r.p] == r {
		delete(d.dead, r.p)
	}
	if d.guard != nil {
		d.guard.unmap(r)
		return nil
	}
	at := firstOther(r.whole, fillFreed)
	if err := d.e.Free(unsafe.Pointer(unsafe.SliceData(r.whole))); err != nil || at >= 0 {
		return r.fault(WriteAfterFree, at-r.offset())
	}
	return nil
}

func (d *debugger) usable(p unsafe.Pointer) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	r, fault := d.find(p)
	if fault != nil {
		return 0
	}
	return r.n
}

// addStats replaces what the engine knows about blocks.
func (d *debugger) addStats(s *Stats) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s.Live, s.Requested, s.Blocks = d.stats.Live, d.stats.Live, d.stats.Blocks
	s.Allocs, s.Frees, s.Failed = d.stats.Allocs, d.stats.Frees, d.stats.Failed
	if d.guard != nil {
		s.Reserved += d.guard.reserved
		s.Resident += d.guard.reserved
	}
}

// close checks everything that is left.
func (d *debugger) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	stack := callers()
	var faults []error
	note := func(f *Fault) {
		if f != nil {
			f.Found = stack
			faults = append(faults, f)
		}
	}
	for len(d.quarantine) > 0 {
		note(d.exhume())
	}
	left := make([]*record, 0, len(d.live))
	for _, r := range d.live {
		note(r.zones())
		left = append(left, r)
	}
	if leak := leakOf(left); leak != nil {
		faults = append(faults, leak)
	}
	if d.guard != nil {
		for _, r := range left {
			d.guard.unmap(r)
		}
	}
	d.live, d.dead = nil, nil
	d.e.Close()
	if len(faults) == 1 {
		return faults[0]
	}
	return errors.Join(faults...)
}

// leakOf groups blocks by where they were allocated. It returns a plain error so
// that none is nil.
func leakOf(left []*record) error {
	if len(left) == 0 {
		return nil
	}
	leak := &LeakError{}
	sites := make(map[string]*LeakSite)
	for _, r := range left {
		leak.Blocks++
		leak.Bytes += int64(r.n)
		var key strings.Builder
		for _, pc := range r.alloced {
			key.Write(unsafe.Slice((*byte)(unsafe.Pointer(&pc)), unsafe.Sizeof(pc)))
		}
		s := sites[key.String()]
		if s == nil {
			s = &LeakSite{Stack: r.alloced}
			sites[key.String()] = s
		}
		s.Blocks++
		s.Bytes += int64(r.n)
	}
	for _, s := range sites {
		leak.Sites = append(leak.Sites, *s)
	}
	slices.SortFunc(leak.Sites, func(a, b LeakSite) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), slices.Compare(a.Stack, b.Stack))
	})
	return leak
}

// eachLive calls visit for the live blocks, for the profile.
func (d *debugger) eachLive(visit func(n int, stack []uintptr)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.live {
		visit(r.n, r.alloced)
	}
}

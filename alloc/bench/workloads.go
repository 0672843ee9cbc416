package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
	"modernc.org/memory"

	"github.com/groundwork-go/groundwork/alloc"
)

// An engine allocates and frees. Heap and Cache are called directly where calls
// through an interface would be a large part of the figure.
type engine interface {
	Alloc(n int) unsafe.Pointer
	Free(p unsafe.Pointer) error
}

type goMake struct{}

func (goMake) Alloc(n int) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(make([]byte, n))) }
func (goMake) Free(unsafe.Pointer) error  { return nil }

type modernc struct{ memory.Allocator }

func (m *modernc) Alloc(n int) unsafe.Pointer {
	p, _ := m.UnsafeMalloc(n) // nil is noticed when it is touched
	return p
}

func (m *modernc) Free(p unsafe.Pointer) error { return m.UnsafeFree(p) }

func cpu() float64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return float64(u.Utime.Nano() + u.Stime.Nano())
}

func rss() float64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		panic(err)
	}
	var total, pages int
	if _, err := fmt.Sscan(string(b), &total, &pages); err != nil {
		panic(err)
	}
	return float64(pages * os.Getpagesize())
}

func touch(p unsafe.Pointer) { *(*byte)(p) = 1 }

// work measures one case in this process and prints the figures as peer.c does.
func work(out io.Writer, args []string) error {
	if len(args) != 4 {
		return fmt.Errorf("bad -worker %q", args)
	}
	size, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	ops, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	h, err := alloc.NewHeap(nil)
	if err != nil {
		return err
	}
	defer h.Close()
	c := h.Cache()
	defer c.Close()
	switch args[1] {
	case "new":
		return news(out, args[0], ops)
	case "latency":
		return latency(out, h, size, ops)
	}
	e := map[string]engine{"Heap": h, "Cache": c, "make": goMake{}, "modernc": new(modernc)}[args[0]]
	if e == nil {
		return fmt.Errorf("unknown engine %q", args[0])
	}
	switch args[1] {
	case "churn":
		return churn(out, e, size, ops)
	case "collection":
		return collection(out, e, ops)
	}
	once := func(ops int) {
		switch args[1] {
		case "pair":
			pair(e, size, ops)
		case "batch":
			batch(e, size, ops)
		case "mixed":
			mixed(e, ops)
		case "larson":
			larson(e, ops)
		case "remote":
			remote(e, size, ops)
		}
	}
	once(ops / 10)
	start := cpu()
	once(ops)
	_, err = fmt.Fprintf(out, "%.3f\n", (cpu()-start)/float64(ops))
	return err
}

func pair(e engine, size, ops int) {
	switch e := e.(type) {
	case *alloc.Heap:
		for range ops {
			p := e.Alloc(size)
			touch(p)
			_ = e.Free(p)
		}
	case *alloc.Cache:
		for range ops {
			p := e.Alloc(size)
			touch(p)
			_ = e.Free(p)
		}
	default:
		for range ops {
			p := e.Alloc(size)
			touch(p)
			_ = e.Free(p)
		}
	}
}

func batch(e engine, size, ops int) {
	ps := make([]unsafe.Pointer, 1000)
	for range ops / len(ps) {
		switch e := e.(type) {
		case *alloc.Heap:
			for i := range ps {
				p := e.Alloc(size)
				touch(p)
				store(&ps[i], p)
			}
			for _, p := range ps {
				_ = e.Free(p)
			}
		case *alloc.Cache:
			for i := range ps {
				p := e.Alloc(size)
				touch(p)
				store(&ps[i], p)
			}
			for _, p := range ps {
				_ = e.Free(p)
			}
		default:
			for i := range ps {
				ps[i] = e.Alloc(size)
				touch(ps[i])
			}
			for i, p := range ps {
				_ = e.Free(p)
				ps[i] = nil
			}
		}
	}
}

// random is xorshift64*, the same as in peer.c.
type random uint64

func (r *random) next() uint64 {
	*r ^= *r >> 12
	*r ^= *r << 25
	*r ^= *r >> 27
	return uint64(*r) * 0x2545F4914F6CDD1D
}

// mixed replaces blocks of random sizes at random, on one thread.
func mixed(e engine, ops int) {
	var slots [4096]unsafe.Pointer
	r := random(1)
	switch e := e.(type) {
	case *alloc.Heap:
		for range ops {
			x := r.next()
			slot := &slots[x%uint64(len(slots))]
			_ = e.Free(*slot)
			p := e.Alloc(8 + int(x>>32%1001))
			touch(p)
			store(slot, p)
		}
	case *alloc.Cache:
		for range ops {
			x := r.next()
			slot := &slots[x%uint64(len(slots))]
			_ = e.Free(*slot)
			p := e.Alloc(8 + int(x>>32%1001))
			touch(p)
			store(slot, p)
		}
	default:
		for range ops {
			x := r.next()
			slot := &slots[x%uint64(len(slots))]
			_ = e.Free(*slot)
			p := e.Alloc(8 + int(x>>32%1001))
			touch(p)
			*slot = p
		}
	}
	for _, p := range slots {
		_ = e.Free(p)
	}
}

func larson(e engine, ops int) {
	const perRound = 10000
	var all [2]larsonSlots
	turn := [2]chan struct{}{make(chan struct{}, 1), make(chan struct{}, 1)}
	var wg sync.WaitGroup
	for w := range 2 {
		wg.Go(func() {
			r := random(1 + w)
			for round := range ops / 2 / perRound {
				r = all[(w+round)&1].replace(e, r, perRound)
				turn[1-w] <- struct{}{} // a barrier
				<-turn[w]
			}
		})
	}
	wg.Wait()
	for i := range all {
		for _, p := range all[i] {
			_ = e.Free(p)
		}
	}
}

type larsonSlots [1000]unsafe.Pointer

// replace frees and allocates random slots.
func (s *larsonSlots) replace(e engine, r random, ops int) random {
	if h, ok := e.(*alloc.Heap); ok {
		return s.replaceOf(h, r, ops)
	}
	for range ops {
		x := r.next()
		slot := &s[x%uint64(len(s))]
		_ = e.Free(*slot) // nil at first
		p := e.Alloc(8 + int(x>>32%1001))
		touch(p)
		*slot = p
	}
	return r
}

// replaceOf is replace that calls a Heap directly, as C calls malloc.
func (s *larsonSlots) replaceOf(h *alloc.Heap, r random, ops int) random {
	for ; ops > 0; ops-- { // one number less to keep across the calls
		x := r.next()
		slot := &s[x%uint64(len(s))]
		_ = h.Free(*slot)
		p := h.Alloc(8 + int(x>>32%1001))
		touch(p)
		store(slot, p)
	}
	return r
}

// store is *slot = p of memory that the collector does not know: like C's, without the
// test whether a collection has to be told of it.
func store(slot *unsafe.Pointer, p unsafe.Pointer) { *(*uintptr)(unsafe.Pointer(slot)) = uintptr(p) }

// remote calls a Heap directly, as replaceOf does.
func remote(e engine, size, ops int) {
	h, _ := e.(*alloc.Heap)
	const perBatch, ring = 64, 64
	ready, used := make(chan []unsafe.Pointer, ring), make(chan []unsafe.Pointer, ring)
	for range ring {
		used <- make([]unsafe.Pointer, perBatch)
	}
	batches := ops / perBatch
	go func() {
		for range batches {
			b := <-used
			for i := range b {
				if h != nil {
					b[i] = h.Alloc(size)
				} else {
					b[i] = e.Alloc(size)
				}
				touch(b[i])
			}
			ready <- b
		}
	}()
	for range batches {
		b := <-ready
		for i, p := range b {
			if h != nil {
				_ = h.Free(p)
			} else {
				_ = e.Free(p)
			}
			b[i] = nil
		}
		used <- b
	}
}

// churn prints CPU time, RSS/live while live, and what is left of it after all is
// freed and the engine trimmed.
func churn(out io.Writer, e engine, live, ops int) error {
	r := random(42)
	size := func() int {
		x := r.next()
		class := 16 << (x >> 8 % 10)
		return class + int(x>>32%uint64(class))
	}
	ones := bytes.Repeat([]byte{1}, 16<<10)
	most := live / 16
	ps, lens := make([]unsafe.Pointer, most), make([]uint32, most)
	for i := range ps {
		ps[i], lens[i] = nil, 0 // resident from now on, as in peer.c
	}
	base := rss()
	n, total := 0, 0
	place := func(i int) {
		k := size()
		p := e.Alloc(k)
		copy(unsafe.Slice((*byte)(p), k), ones) // as fast as memset in peer.c
		ps[i], lens[i] = p, uint32(k)
		total += k
	}
	for ; total < live; n++ {
		place(n)
	}
	start := cpu()
	for range ops {
		i := int(r.next() >> 16 % uint64(n))
		_ = e.Free(ps[i])
		total -= int(lens[i])
		place(i)
	}
	ns := (cpu() - start) / float64(ops)
	ratio := (rss() - base) / float64(total)
	for i := range n {
		_ = e.Free(ps[i])
		ps[i] = nil
	}
	switch e := e.(type) {
	case *alloc.Heap:
		e.Trim()
	case goMake:
		debug.FreeOSMemory()
	}
	left := (rss() - base) / float64(total)
	runtime.KeepAlive(ps)
	_, err := fmt.Fprintf(out, "%.3f %.4f %.4f\n", ns, ratio, left)
	return err
}

// collection prints how many milliseconds a garbage collection takes while 4 million
// objects of 64 bytes are alive, each of which holds the address of the one before.
func collection(out io.Writer, e engine, objects int) error {
	type object struct {
		before uintptr
		rest   [56]byte
	}
	type linked struct {
		before *linked
		rest   [56]byte
	}
	var last uintptr
	var list *linked
	for range objects {
		if _, ok := e.(goMake); ok {
			list = &linked{before: list}
			continue
		}
		o := (*object)(e.Alloc(int(unsafe.Sizeof(object{}))))
		o.before = last
		last = uintptr(unsafe.Pointer(o))
	}
	runtime.GC()
	start := time.Now()
	runtime.GC()
	took := time.Since(start)
	runtime.KeepAlive(list)
	_, err := fmt.Fprintf(out, "%.3f\n", float64(took)/1e6)
	return err
}

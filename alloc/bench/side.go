package main

import (
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"time"
	"unsafe"

	"github.com/groundwork-go/groundwork/alloc"
	"github.com/groundwork-go/groundwork/alloc/arena"
	"github.com/groundwork-go/groundwork/alloc/tlsf"
)

type node struct{ a, b, c uint64 }

// news makes nodes that live until 10,000 are there, by arena.New or by new, and
// prints the time for each.
func news(out io.Writer, engine string, ops int) error {
	nodes := make([]*node, 10_000)
	a := arena.NewGrowing(len(nodes) * 24)
	start := cpu()
	for range ops / len(nodes) {
		if engine != "arena" {
			newNodes(nodes)
			continue
		}
		if err := arenaNodes(a, nodes); err != nil {
			return err
		}
		a.Reset()
	}
	_, err := fmt.Fprintf(out, "%.3f\n", (cpu()-start)/float64(ops))
	return err
}

func newNodes(nodes []*node) {
	for i := range nodes {
		nodes[i] = new(node)
	}
}

func arenaNodes(a *arena.Arena, nodes []*node) error {
	for i := range nodes {
		n, err := arena.New[node](a)
		if err != nil {
			return err
		}
		nodes[i] = n
	}
	return nil
}

// latency replaces random blocks in memory that is there already, and prints the
// median, the 99.99th percentile and the longest time of a call in nanoseconds, the
// time of looking at the clock included. There is no collection meanwhile. The same
// calls are made three times and each one's least time counts: a machine with
// interrupts delays some calls that do nothing by more than 2 us.
func latency(out io.Writer, h *alloc.Heap, size, ops int) error {
	buf := h.Bytes(size)
	if buf == nil {
		return alloc.ErrNoMemory
	}
	for i := 0; i < len(buf); i += 4096 {
		buf[i] = 1
	}
	debug.SetGCPercent(-1)
	took := make([]int64, 2*ops)
	for i := range took {
		took[i] = 1 << 60
	}
	for range 3 {
		if err := replaceAll(buf, took); err != nil {
			return err
		}
	}
	slices.Sort(took)
	_, err := fmt.Fprintf(out, "%d %d %d\n", took[len(took)/2], took[len(took)-len(took)/10_000], took[len(took)-1])
	return err
}

// replaceAll makes len(took) calls and lowers took to their times.
func replaceAll(buf []byte, took []int64) error {
	t, err := tlsf.New(buf)
	if err != nil {
		return err
	}
	r := random(7)
	live := make([]unsafe.Pointer, 100_000)
	for i := 0; i < len(took); i += 2 {
		x := r.next()
		slot := &live[x%uint64(len(live))]
		start := time.Now()
		err := t.Free(*slot)
		took[i] = min(took[i], int64(time.Since(start)))
		if err != nil {
			return err
		}
		n := 16 << (x >> 32 % 10)
		n += int(x >> 40 % uint64(n))
		start = time.Now()
		*slot = t.Alloc(n)
		took[i+1] = min(took[i+1], int64(time.Since(start)))
		if *slot == nil {
			return fmt.Errorf("no memory after %d calls", i)
		}
	}
	return nil
}

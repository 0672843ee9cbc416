// Type
//
//	go run ./examples/alloc -svg heap.svg
//
// and see how every allocator of the module does on the same calls: time, failures,
// peak, fragmentation. heap.svg shows the heap near its peak. Other calls come from
// -workload, or from a file that replay.Recorder or -save wrote.
package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/groundwork-go/groundwork/alloc"
	"github.com/groundwork-go/groundwork/alloc/arena"
	"github.com/groundwork-go/groundwork/alloc/buddy"
	"github.com/groundwork-go/groundwork/alloc/freelist"
	"github.com/groundwork-go/groundwork/alloc/heapmap"
	"github.com/groundwork-go/groundwork/alloc/replay"
	"github.com/groundwork-go/groundwork/alloc/tlsf"
	"github.com/groundwork-go/groundwork/examples/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	cli.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout))
}

// workloads are the generators, by what -workload calls them.
var workloads = map[string]func(seed uint64, ops int) *replay.Trace{
	"churn":    func(seed uint64, ops int) *replay.Trace { return replay.Churn(seed, 6<<20, ops) },
	"larson":   func(seed uint64, ops int) *replay.Trace { return replay.Larson(seed, 2, ops) },
	"producer": func(seed uint64, ops int) *replay.Trace { return replay.ProducerConsumer(seed, 64, ops) },
	"sh6":      replay.Sh6,
}

func run(ctx context.Context, args []string, _ io.Reader, stdout io.Writer) error {
	flags := cli.NewFlags("alloc", "Replays one sequence of calls over all allocators.", stdout)
	names := strings.Join(slices.Sorted(maps.Keys(workloads)), ", ")
	workload := flags.String("workload", "churn", "what to replay: "+names)
	file := flags.String("trace", "", "replay this file instead")
	save := flags.String("save", "", "write what is replayed to this file")
	svg := flags.String("svg", "", "draw the heap near its peak into this file")
	ops := flags.Int("ops", 100_000, "number of calls to generate")
	seed := flags.Uint64("seed", 1, "seed of the random numbers")
	size := flags.Int("buffer", 8<<20, "bytes given to those that manage a buffer")
	if err := flags.Parse(args); err != nil {
		return err
	}
	generate := workloads[*workload]
	switch {
	case flags.NArg() > 0:
		return cli.Usage("alloc: there are no arguments")
	case *ops < 1 || *ops > replay.MaxEvents || *size < 1<<10:
		return cli.Usage("alloc: -ops must be from 1 to %d, -buffer at least 1024", replay.MaxEvents)
	case generate == nil:
		return cli.Usage("alloc: no workload %q; there are %s", *workload, names)
	}
	var trace *replay.Trace
	if *file != "" {
		f, err := os.Open(*file)
		if err != nil {
			return err
		}
		defer f.Close()
		if trace, err = replay.Load(f); err != nil {
			return fmt.Errorf("%s: %w", *file, err)
		}
	} else {
		trace = generate(*seed, *ops)
	}
	if *save != "" {
		if err := write(*save, trace.Save); err != nil {
			return err
		}
	}
	peak, err := compare(ctx, trace, *size, stdout)
	if err != nil || *svg == "" {
		return err
	}
	return write(*svg, peak.WriteSVG)
}

// compare prints the table and returns the map of the heap near its peak.
func compare(ctx context.Context, trace *replay.Trace, size int, stdout io.Writer) (peak heapmap.Map, err error) {
	var heap *alloc.Heap // a new one each time; it also has the buffers
	list := func(fit freelist.Fit) func() (alloc.Allocator, error) {
		return func() (alloc.Allocator, error) { return freelist.New(heap.Bytes(size), fit) }
	}
	var reports []replay.Report
	for _, c := range []struct {
		name string
		make func() (alloc.Allocator, error)
	}{
		{"heap", func() (alloc.Allocator, error) { return heap, nil }},
		{"cache", func() (alloc.Allocator, error) { return heap.Cache(), nil }},
		{"slabs", func() (alloc.Allocator, error) { return replay.Slabs(heap) }},
		{"arena", func() (alloc.Allocator, error) { return replay.Arena(arena.NewArena(size)), nil }},
		{"first fit", list(freelist.FirstFit)},
		{"next fit", list(freelist.NextFit)},
		{"best fit", list(freelist.BestFit)},
		{"worst fit", list(freelist.WorstFit)},
		{"buddy", func() (alloc.Allocator, error) { return buddy.New(heap.Bytes(size), 0) }},
		{"tlsf", func() (alloc.Allocator, error) { return tlsf.New(heap.Bytes(size)) }},
	} {
		if heap, err = alloc.NewHeap(nil); err != nil {
			return peak, err
		}
		defer heap.Close() // its leak report is about the buffer
		a, err := c.make()
		if err != nil {
			return peak, fmt.Errorf("%s: %w", c.name, err)
		}
		o := &replay.Options{}
		if a == heap {
			o.AtPeak = func() { peak = heap.Map() }
		}
		r, err := replay.Run(ctx, trace, a, o)
		if err != nil {
			return peak, fmt.Errorf("%s: %w", c.name, err)
		}
		r.Name = c.name
		reports = append(reports, r)
	}
	return peak, replay.WriteTable(stdout, reports)
}

// write makes a file of what f writes.
func write(name string, f func(io.Writer) error) error {
	out, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := f(out); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

// Type
//
//	go run ./examples/alloc
//
// and see what an arena, the three fits of a free list, and the heap do with the same
// random allocations.
package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"text/tabwriter"
	"unsafe"

	"github.com/groundwork-go/groundwork/alloc"
	"github.com/groundwork-go/groundwork/alloc/arena"
	"github.com/groundwork-go/groundwork/alloc/freelist"
	"github.com/groundwork-go/groundwork/examples/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	cli.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout))
}

func run(ctx context.Context, args []string, _ io.Reader, stdout io.Writer) error {
	flags := cli.NewFlags("alloc", "Compares allocators on random allocations.", stdout)
	ops := flags.Int("ops", 100_000, "number of operations")
	seed := flags.Uint64("seed", 1, "seed of the random numbers")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 || *ops < 0 {
		return cli.Usage("-ops must not be negative, and there are no arguments")
	}
	heap, err := alloc.NewHeap(nil)
	if err != nil {
		return err
	}
	defer heap.Close()
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "allocator\tallocs\tfailed\tpeak bytes\tof reserved")
	const size = 1 << 20
	for _, fit := range []struct {
		name string
		fit  freelist.Fit
	}{{"first fit", freelist.FirstFit}, {"best fit", freelist.BestFit}, {"next fit", freelist.NextFit}} {
		l, err := freelist.New(make([]byte, size), fit.fit)
		if err != nil {
			return err
		}
		if err := churn(ctx, w, fit.name, l, *ops, *seed); err != nil {
			return err
		}
	}
	if err := churn(ctx, w, "heap", heap, *ops, *seed); err != nil {
		return err
	}
	a := arena.NewArena(size)
	r := rand.New(rand.NewPCG(*seed, 0))
	resets := 0
	for range *ops {
		if _, err := a.Alloc(1 + r.IntN(2000)); err != nil {
			a.Reset()
			resets++
		}
	}
	fmt.Fprintf(w, "arena\t%d\t0\t%d\t100%%, %d resets\n", *ops, size, resets)
	return w.Flush()
}

// churn keeps about 400 blocks alive and replaces random ones.
func churn(ctx context.Context, w io.Writer, name string, a alloc.Allocator, ops int, seed uint64) error {
	r := rand.New(rand.NewPCG(seed, 0))
	live := make([]unsafe.Pointer, 400)
	var peak alloc.Stats
	for i := range ops {
		if i%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		slot := &live[r.IntN(len(live))]
		if err := a.Free(*slot); err != nil {
			return err
		}
		*slot = a.Alloc(1 + r.IntN(2000))
		if s := a.Stats(); s.Live > peak.Live {
			peak = s
		}
	}
	for _, p := range live {
		if err := a.Free(p); err != nil {
			return err
		}
	}
	s := a.Stats()
	fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d%%\n", name, s.Allocs, s.Failed, peak.Live, 100*peak.Live/max(peak.Reserved, 1))
	return nil
}

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

func poolWorkloads() []workload {
	return []workload{
		lending("serial: 1 goroutine, 16 resources", 16, shape{workers: 1, cancellable: true}),
		lending("parallel: a goroutine per processor, 16 resources", 16, shape{workers: runtime.GOMAXPROCS(0), cancellable: true}),
		lending("hand-over: 64 goroutines, 4 resources, hold = Gosched", 4, shape{workers: 64, yield: true}),
		lending("hand-over, contexts that can be cancelled", 4, shape{workers: 64, yield: true, cancellable: true}),
		lending("hand-over with a deadline of 5 s each", 4, shape{workers: 64, yield: true, deadline: 5 * time.Second}),
		cancelWorkload(),
	}
}

// A shape is how the resources are used.
type shape struct {
	workers     int
	yield       bool          // hold for one runtime.Gosched
	cancellable bool          // each worker has a context of its own, else all use context.Background
	deadline    time.Duration // of each call; zero for none
}

func lending(name string, size int, s shape) workload {
	return workload{name, []contender{
		lend(ours(size), s), lend(ofPuddle(size), s), lend(ofChannel(size), s),
		lend(ofSemaphore(size), s), lend(ofSQL(size), s), lend(ofCommons(size), s),
	}}
}

// lend makes a contender of a lender.
func lend[H any](l lender[H], s shape) contender {
	return contender{l.name, func(n int) (int, []note) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		var stop atomic.Bool
		counts := make([]int, s.workers)
		waits := make([][]time.Duration, s.workers)
		var wg sync.WaitGroup
		start := make(chan struct{})
		for w := range s.workers {
			wg.Go(func() {
				<-start
				own := context.Background()
				if s.cancellable {
					var cancel context.CancelFunc
					own, cancel = context.WithCancel(ctx)
					defer cancel()
				}
				// Both are local: neighbours of one slice would share cache lines.
				count, waited := 0, make([]time.Duration, 0, n/s.workers/64+1)
				for ; count < n/s.workers+1 && !stop.Load(); count++ {
					if s.yield && count%64 == 0 {
						begin := time.Now()
						once(l, s, own)
						waited = append(waited, time.Since(begin))
					} else {
						once(l, s, own)
					}
				}
				counts[w], waits[w] = count, waited
				// Who is done first ends the run, so that shares can be compared.
				if s.yield {
					stop.Store(true)
				}
			})
		}
		close(start)
		wg.Wait()
		total := 0
		for _, c := range counts {
			total += c
		}
		if !s.yield {
			return total, nil
		}
		return total, fairness(counts, slices.Concat(waits...))
	}}
}

func once[H any](l lender[H], s shape, ctx context.Context) {
	if s.deadline > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.deadline)
		defer cancel()
	}
	h, err := l.get(ctx)
	check(err)
	if s.yield {
		runtime.Gosched()
	}
	l.put(h)
}

func fairness(counts []int, waits []time.Duration) []note {
	slices.Sort(waits)
	var sum time.Duration
	for _, w := range waits {
		sum += w
	}
	mean := float64(sum) / float64(len(waits))
	p99 := float64(waits[len(waits)*99/100])
	return []note{
		{"most/least served", float64(slices.Max(counts)) / float64(max(slices.Min(counts), 1))},
		{"p99/mean wait", p99 / mean},
	}
}

// cancelWorkload parks many callers and cancels them all. What a goroutine costs
// that waits for its context and nothing else is in every figure: the last
// contender shows it.
func cancelWorkload() workload {
	w := workload{name: "cancel: 100,000 waiters at once"}
	for _, c := range cancelContenders() {
		w.contenders = append(w.contenders, contender{c.name, func(int) (int, []note) { return inChild(c.name) }})
	}
	return w
}

// A canceller is one pool whose waiters are cancelled; run returns the CPU time of
// the cancelling alone.
type canceller struct {
	name string
	run  func() time.Duration
}

func cancelContenders() []canceller {
	return []canceller{
		cancelAll(ours(1)), cancelAll(ofPuddle(1)), cancelAll(ofChannel(1)), cancelAll(ofNothing()),
	}
}

const cancelled = 100_000

// inChild runs a canceller in a process of its own: goroutines that have ended
// leave their memory in such an order that the next ones wake 200 ns later, whatever
// they wait for.
func inChild(name string) (int, []note) {
	self, err := os.Executable()
	check(err)
	out, err := exec.Command(self, "-cancel", name).Output()
	check(err)
	cpu, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	check(err)
	return cancelled, []note{{"ns of which for the cancelling", cpu / cancelled}}
}

// runChild is the child's part.
func runChild(name string) {
	for _, c := range cancelContenders() {
		if c.name == name {
			fmt.Println(c.run().Nanoseconds())
		}
	}
}

func cancelAll[H any](l lender[H]) canceller {
	return canceller{l.name, func() time.Duration {
		held, err := l.get(context.Background())
		check(err)
		ctx, cancel := context.WithCancel(context.Background())
		var started atomic.Int64
		var wg sync.WaitGroup
		for range cancelled {
			wg.Go(func() {
				started.Add(1)
				if _, err := l.get(ctx); err == nil {
					panic("a resource out of nowhere")
				}
			})
		}
		for started.Load() < cancelled {
			runtime.Gosched()
		}
		time.Sleep(20 * time.Millisecond) // lets the last ones park
		runtime.GC()                      // else one may be under way
		cpu := cpuTime()
		cancel()
		wg.Wait()
		cpu = cpuTime() - cpu
		l.put(held)
		return cpu
	}}
}

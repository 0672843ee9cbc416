package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
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
	return contender{l.name, func(n int) (int, string) {
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
				for i := 0; i < n/s.workers+1 && !stop.Load(); i++ {
					if s.yield && i%64 == 0 {
						begin := time.Now()
						once(l, s, own)
						waits[w] = append(waits[w], time.Since(begin))
					} else {
						once(l, s, own)
					}
					counts[w]++
				}
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
			return total, ""
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

func fairness(counts []int, waits []time.Duration) string {
	slices.Sort(waits)
	var sum time.Duration
	for _, w := range waits {
		sum += w
	}
	mean := float64(sum) / float64(len(waits))
	p99 := float64(waits[len(waits)*99/100])
	return fmt.Sprintf("most/least served %.2f, p99/mean wait %.1f", float64(slices.Max(counts))/float64(max(slices.Min(counts), 1)), p99/mean)
}

// cancelWorkload parks many callers and cancels them all.
func cancelWorkload() workload {
	return workload{"cancel: 100,000 waiters at once, without the parking", []contender{
		cancelAll(ours(1)), cancelAll(ofPuddle(1)), cancelAll(ofChannel(1)),
	}}
}

func cancelAll[H any](l lender[H]) contender {
	const waiters = 100_000
	return contender{l.name, func(int) (int, string) {
		held, err := l.get(context.Background())
		check(err)
		ctx, cancel := context.WithCancel(context.Background())
		var started atomic.Int64
		var wg sync.WaitGroup
		for range waiters {
			wg.Go(func() {
				started.Add(1)
				if _, err := l.get(ctx); err == nil {
					panic("a resource out of nowhere")
				}
			})
		}
		for started.Load() < waiters {
			runtime.Gosched()
		}
		time.Sleep(20 * time.Millisecond) // lets the last ones park
		cpu := cpuTime()
		cancel()
		wg.Wait()
		cpu = cpuTime() - cpu
		l.put(held)
		return waiters, fmt.Sprintf("%.0f ns each for the cancelling alone", float64(cpu)/waiters)
	}}
}

package main

import (
	"context"
	"runtime"
	"sync"

	"github.com/alitto/pond/v2"
	"github.com/panjf2000/ants/v2"
	conc "github.com/sourcegraph/conc/pool"
	"github.com/valyala/bytebufferpool"
	"golang.org/x/sync/semaphore"

	"github.com/groundwork-go/groundwork/pool/bufpool"
	"github.com/groundwork-go/groundwork/pool/sema"
	"github.com/groundwork-go/groundwork/pool/workers"
)

func otherWorkloads() []workload {
	one, each := 1, runtime.GOMAXPROCS(0)
	return []workload{
		{"bytes: get, write 256 bytes, put; 1 goroutine", bytesContenders(one)},
		{"bytes: a goroutine per processor", bytesContenders(each)},
		{"sema: uncontended, 1 goroutine", semaContenders(16, one, false)},
		{"sema: uncontended, a goroutine per processor", semaContenders(16, each, false)},
		{"sema: waiting, 64 goroutines for 4 units, hold = Gosched", semaContenders(4, 64, true)},
		{"workers: small tasks, one submitter", workersContenders(one)},
		{"workers: small tasks, 16 submitters", workersContenders(16)},
	}
}

// spread does n operations on a number of goroutines.
func spread(goroutines, n int, op func()) (int, []note) {
	each := n/goroutines + 1
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for range each {
				op()
			}
		})
	}
	wg.Wait()
	return each * goroutines, nil
}

func bytesContenders(goroutines int) []contender {
	data := make([]byte, 256)
	contend := func(name string, op func()) contender {
		return contender{name, func(n int) (int, []note) { return spread(goroutines, n, op) }}
	}
	var sized bufpool.Bytes
	var grown bufpool.Buffers
	var theirs bytebufferpool.Pool
	plain := sync.Pool{New: func() any { return make([]byte, 256) }}
	return []contender{
		contend("ours, Bytes", func() {
			b := sized.Get(len(data))
			copy(b, data)
			sized.Put(b)
		}),
		contend("ours, Buffers", func() {
			b := grown.Get()
			b.Write(data)
			grown.Put(b)
		}),
		contend("bytebufferpool", func() {
			b := theirs.Get()
			b.Write(data)
			theirs.Put(b)
		}),
		contend("sync.Pool of slices", func() {
			b := plain.Get().([]byte)
			copy(b, data)
			plain.Put(b)
		}),
		contend("make", func() {
			b := make([]byte, len(data))
			copy(b, data)
		}),
	}
}

func semaContenders(size int64, goroutines int, yield bool) []contender {
	ctx := context.Background()
	contend := func(name string, op func()) contender {
		return contender{name, func(n int) (int, []note) { return spread(goroutines, n, op) }}
	}
	ours, theirs := sema.New(size), semaphore.NewWeighted(size)
	if yield {
		return []contender{
			contend("ours", func() {
				check(ours.Acquire(ctx, 1))
				runtime.Gosched()
				ours.Release(1)
			}),
			contend("x/sync semaphore", func() {
				check(theirs.Acquire(ctx, 1))
				runtime.Gosched()
				theirs.Release(1)
			}),
		}
	}
	return []contender{
		contend("ours", func() {
			check(ours.Acquire(ctx, 1))
			ours.Release(1)
		}),
		contend("x/sync semaphore", func() {
			check(theirs.Acquire(ctx, 1))
			theirs.Release(1)
		}),
	}
}

// workersContenders run tasks of a few nanoseconds on as many workers as there
// are processors, and wait for all of them.
func workersContenders(submitters int) []contender {
	ctx := context.Background()
	size := runtime.GOMAXPROCS(0)
	contend := func(name string, submit func(func())) contender {
		return contender{name, func(n int) (int, []note) {
			var wg sync.WaitGroup
			task := func() { wg.Done() }
			done, notes := spread(submitters, n, func() {
				wg.Add(1)
				submit(task)
			})
			wg.Wait()
			return done, notes
		}}
	}
	ours, err := workers.New(&workers.Options{Workers: size})
	check(err)
	ofAnts, err := ants.NewPool(size)
	check(err)
	ofPond := pond.NewPool(size)
	ofConc := conc.New().WithMaxGoroutines(size)
	return []contender{
		contend("ours", func(f func()) { check(ours.Submit(ctx, f)) }),
		contend("ants", func(f func()) { check(ofAnts.Submit(f)) }),
		contend("pond", func(f func()) { ofPond.Submit(f) }),
		contend("conc", ofConc.Go),
		contend("go", func(f func()) { go f() }),
	}
}

package workers_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/groundwork-go/groundwork/pool/workers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func Example() {
	ctx := context.Background()
	p, err := workers.New(&workers.Options{Workers: 4, Queue: 100})
	if err != nil {
		fmt.Println(err)
		return
	}
	var sum atomic.Int64
	for i := range 10 {
		if err := p.Submit(ctx, func() { sum.Add(int64(i)) }); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(p.Close(ctx), sum.Load()) // Close waits for the tasks
	// Output:
	// <nil> 45
}

func ExampleGo() {
	ctx := context.Background()
	p, _ := workers.New(nil)
	defer p.Close(ctx)
	f, err := workers.Go(ctx, p, func(context.Context) (int, error) { return 6 * 7, nil })
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(f.Wait(ctx))
	// Output:
	// 42 <nil>
}

func ExamplePool_Group() {
	ctx := context.Background()
	p, _ := workers.New(nil)
	defer p.Close(ctx)
	g := p.Group(ctx)
	g.Go(func(context.Context) error { return errors.New("no such file") })
	g.Go(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	fmt.Println(g.Wait())
	// Output:
	// no such file
}

func open(t *testing.T, o *workers.Options) *workers.Pool {
	t.Helper()
	p, err := workers.New(o)
	require.NoError(t, err)
	t.Cleanup(func() { _ = p.Close(context.Background()) })
	return p
}

func TestTasksStartInOrderOfSubmission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := open(t, &workers.Options{Workers: 1, Queue: 3})
		var order []int
		for i := range 10 { // the first runs, three are queued, six wait for room
			go func() {
				require.NoError(t, p.Submit(t.Context(), func() {
					time.Sleep(time.Second)
					order = append(order, i)
				}))
			}()
			synctest.Wait()
		}
		s := p.Stats()
		require.Equal(t, workers.Stats{Workers: 1, Queued: 3, Blocked: 6}, s)
		require.False(t, p.TrySubmit(func() {}))
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, order)
		require.Equal(t, workers.Stats{Workers: 1, Idle: 1, Completed: 10}, p.Stats())
	})
}

func TestNoMoreTasksRunThanThereAreWorkers(t *testing.T) {
	p := open(t, &workers.Options{Workers: 3})
	var running, most atomic.Int64
	for range 2000 {
		require.NoError(t, p.Submit(t.Context(), func() {
			n := running.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			runtime.Gosched()
			running.Add(-1)
		}))
	}
	require.NoError(t, p.Close(t.Context()))
	require.LessOrEqual(t, most.Load(), int64(3))
	require.EqualValues(t, 2000, p.Stats().Completed)
}

func TestAllWorkersWakeUpForABurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := open(t, &workers.Options{Workers: 8})
		for range 2 { // the second time they are asleep
			var running atomic.Int64
			gate := make(chan struct{})
			for range 20 {
				require.NoError(t, p.Submit(t.Context(), func() { running.Add(1); <-gate; running.Add(-1) }))
			}
			synctest.Wait()
			require.EqualValues(t, 8, running.Load())
			close(gate)
			synctest.Wait()
			require.Zero(t, running.Load())
		}
	})
}

func TestSubmitWaitsForRoomUntilItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := open(t, &workers.Options{Workers: 1, Queue: 1})
		gate := make(chan struct{})
		for range 2 {
			require.NoError(t, p.Submit(t.Context(), func() { <-gate }))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, p.Submit(ctx, func() { t.Error("ran") }), context.DeadlineExceeded)
		require.ErrorIs(t, p.Submit(ctx, func() { t.Error("ran") }), context.DeadlineExceeded, "it had ended before")
		close(gate)
		require.NoError(t, p.Close(t.Context()))
	})
}

func TestPanics(t *testing.T) {
	boom := errors.New("boom")
	t.Run("Submit, told to OnPanic", func(t *testing.T) {
		var told []any
		p := open(t, &workers.Options{Workers: 1, OnPanic: func(err *workers.PanicError) {
			told = append(told, err.Value)
			require.Contains(t, string(err.Stack), "TestPanics")
			panic("again")
		}})
		for _, f := range []func(){func() { panic(boom) }, func() { runtime.Goexit() }, func() {}} {
			require.NoError(t, p.Submit(t.Context(), f))
		}
		require.NoError(t, p.Close(t.Context()))
		require.Equal(t, []any{boom, nil}, told)
		require.Equal(t, workers.Stats{Completed: 3, Panics: 4}, p.Stats())
	})
	t.Run("Submit, returned by Close", func(t *testing.T) {
		p := open(t, &workers.Options{Workers: 2})
		for range 5 {
			require.NoError(t, p.Submit(t.Context(), func() { panic(boom) }))
		}
		require.ErrorIs(t, p.Close(t.Context()), boom)
		require.ErrorContains(t, p.Close(t.Context()), "workers: task panicked: boom")
	})
	t.Run("Go and Group", func(t *testing.T) {
		p := open(t, nil)
		for _, f := range []func(context.Context) (int, error){
			func(context.Context) (int, error) { panic("boom") },
			func(context.Context) (int, error) { runtime.Goexit(); return 0, nil },
		} {
			r, err := workers.Go(t.Context(), p, f)
			require.NoError(t, err)
			var pe *workers.PanicError
			_, err = r.Wait(t.Context())
			require.ErrorAs(t, err, &pe)
			g := p.Group(t.Context())
			g.Go(func(ctx context.Context) error { _, err := f(ctx); return err })
			require.ErrorAs(t, g.Wait(), &pe)
		}
		require.NoError(t, p.Close(t.Context()))
	})
}

func TestGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := open(t, &workers.Options{Workers: 1})
		gate := make(chan struct{})
		slow, err := workers.Go(t.Context(), p, func(context.Context) (string, error) { <-gate; return "done", nil })
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		never, err := workers.Go(ctx, p, func(context.Context) (string, error) { return "called", nil })
		require.NoError(t, err)
		_, err = slow.Wait(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		close(gate)
		for range 2 {
			v, err := slow.Wait(t.Context())
			require.NoError(t, err)
			require.Equal(t, "done", v)
		}
		v, err := never.Wait(t.Context())
		require.ErrorIs(t, err, context.DeadlineExceeded, "its context had ended before a worker came")
		require.Empty(t, v)
		require.NoError(t, p.Close(t.Context()))
		_, err = workers.Go(t.Context(), p, func(context.Context) (int, error) { return 0, nil })
		require.ErrorIs(t, err, workers.ErrClosed)
	})
}

func TestGroupEndsAtTheFirstError(t *testing.T) {
	p := open(t, &workers.Options{Workers: 2, Queue: 1})
	g := p.Group(t.Context())
	fail := errors.New("failed")
	var after atomic.Int64
	g.Go(func(context.Context) error { return fail })
	for range 100 {
		g.Go(func(ctx context.Context) error { <-ctx.Done(); after.Add(1); return ctx.Err() })
	}
	require.ErrorIs(t, g.Wait(), fail)
	require.LessOrEqual(t, after.Load(), int64(2))

	g = p.Group(t.Context())
	var sum atomic.Int64
	for i := range 100 {
		g.Go(func(context.Context) error { sum.Add(int64(i)); return nil })
	}
	require.NoError(t, g.Wait())
	require.EqualValues(t, 4950, sum.Load())
}

func TestResize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := open(t, &workers.Options{Workers: 1})
		gate := make(chan struct{})
		for range 10 {
			require.NoError(t, p.Submit(t.Context(), func() { <-gate }))
		}
		synctest.Wait()
		require.Equal(t, 9, p.Stats().Queued)
		require.NoError(t, p.Resize(4))
		gate <- struct{}{}
		synctest.Wait()
		require.Equal(t, 5, p.Stats().Queued)
		require.NoError(t, p.Resize(2))
		gate <- struct{}{}
		gate <- struct{}{}
		synctest.Wait()
		require.Equal(t, workers.Stats{Workers: 2, Queued: 5, Completed: 3}, p.Stats())
		close(gate)
		synctest.Wait()
		require.Equal(t, 2, p.Stats().Idle)
		require.NoError(t, p.Resize(1))
		synctest.Wait()
		require.Equal(t, workers.Stats{Workers: 1, Idle: 1, Completed: 10}, p.Stats())
		require.ErrorIs(t, p.Resize(0), workers.ErrConfig)
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := open(t, &workers.Options{Workers: 1, Queue: 1})
		gate := make(chan struct{})
		var ran atomic.Int64
		for range 2 {
			require.NoError(t, p.Submit(t.Context(), func() { <-gate; ran.Add(1) }))
		}
		blocked := make(chan error, 1)
		go func() { blocked <- p.Submit(t.Context(), func() {}) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, p.Close(ctx), context.DeadlineExceeded)
		require.ErrorIs(t, <-blocked, workers.ErrClosed)
		require.False(t, p.TrySubmit(func() {}))
		close(gate)
		require.NoError(t, p.Close(t.Context()))
		require.EqualValues(t, 2, ran.Load())
		require.NoError(t, open(t, nil).Close(t.Context()), "one that was never used")
	})
}

func TestBadOptions(t *testing.T) {
	_, err := workers.New(&workers.Options{Workers: -1})
	require.ErrorIs(t, err, workers.ErrConfig)
	require.ErrorContains(t, err, "Workers")
	_, err = workers.New(&workers.Options{Queue: -1})
	require.ErrorIs(t, err, workers.ErrConfig)
	require.ErrorContains(t, err, "Queue")
	p := open(t, nil)
	require.Panics(t, func() { _ = p.Submit(t.Context(), nil) })
	require.Panics(t, func() { _, _ = workers.Go[int](t.Context(), p, nil) })
	require.Panics(t, func() { p.Group(t.Context()).Go(nil) })
}

func TestStress(t *testing.T) {
	p := open(t, &workers.Options{Workers: 4, Queue: 8})
	var accepted, ran atomic.Int64
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 2000 {
				ctx, cancel := context.WithCancel(t.Context())
				if i%7 == 0 {
					go cancel()
				}
				if p.Submit(ctx, func() { ran.Add(1) }) == nil {
					accepted.Add(1)
				}
				if i%100 == 0 {
					require.NoError(t, p.Resize(1+(i/100+w)%6))
				}
				cancel()
			}
		})
	}
	wg.Wait()
	require.NoError(t, p.Close(t.Context()))
	require.Equal(t, accepted.Load(), ran.Load())
	require.EqualValues(t, accepted.Load(), p.Stats().Completed)
}

package sema_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/groundwork-go/groundwork/pool/sema"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func Example() {
	memory := sema.New(100) // megabytes
	var wg sync.WaitGroup
	for _, need := range []int64{60, 30, 50} {
		wg.Go(func() {
			if err := memory.Acquire(context.Background(), need); err != nil {
				return
			}
			defer memory.Release(need)
			// ... work that takes so much ...
		})
	}
	wg.Wait()
	fmt.Println(memory.Free(), "free")
	fmt.Println(memory.Acquire(context.Background(), 101))
	// Output:
	// 100 free
	// sema: weight above the size: 101 of 100
}

func TestWaitersAreServedInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sema.New(4)
		require.NoError(t, s.Acquire(t.Context(), 4))
		var mu sync.Mutex
		var served []int64
		for _, n := range []int64{3, 1, 4, 1, 2} {
			go func() {
				require.NoError(t, s.Acquire(t.Context(), n))
				mu.Lock()
				defer mu.Unlock()
				served = append(served, n)
			}()
			synctest.Wait()
		}
		require.Equal(t, 5, s.Waiting())
		for _, step := range []struct {
			release int64
			served  []int64 // in any order where several are
		}{
			{2, nil}, // the one who wants 1 must not overtake
			{2, []int64{3, 1}},
			{4, []int64{4}},
			{4, []int64{1, 2}},
		} {
			require.False(t, s.TryAcquire(1))
			s.Release(step.release)
			synctest.Wait()
			require.ElementsMatch(t, step.served, served)
			served = nil
		}
		s.Release(3)
		require.EqualValues(t, 4, s.Free())
	})
}

func TestCancelledHeadLetsTheOthersPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sema.New(4)
		require.True(t, s.TryAcquire(2))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		got := make(chan error, 3)
		go func() { got <- s.Acquire(ctx, 3) }()
		synctest.Wait()
		for range 2 {
			go func() { got <- s.Acquire(t.Context(), 1) }()
		}
		synctest.Wait()
		require.Equal(t, 3, s.Waiting())
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, 0, s.Waiting())
		require.ErrorIs(t, <-got, context.DeadlineExceeded)
		require.NoError(t, <-got)
		require.NoError(t, <-got)
		require.EqualValues(t, 0, s.Free())
	})
}

func TestEndedContextHasNoEffect(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := sema.New(1)
	require.ErrorIs(t, s.Acquire(ctx, 1), context.Canceled)
	require.EqualValues(t, 1, s.Free())
}

func TestResize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sema.New(2)
		require.NoError(t, s.Acquire(t.Context(), 2))
		got := make(chan error, 2)
		for _, n := range []int64{2, 1} {
			go func() { got <- s.Acquire(t.Context(), n) }()
			synctest.Wait()
		}
		s.Resize(1)
		require.ErrorIs(t, <-got, sema.ErrTooLarge, "2 can never be had now")
		require.EqualValues(t, -1, s.Free())
		s.Release(1)
		synctest.Wait()
		require.Empty(t, got)
		s.Resize(3)
		require.NoError(t, <-got)
		require.EqualValues(t, 1, s.Free())
		s.Release(2)
		require.EqualValues(t, 3, s.Free())
	})
}

func TestMisusePanics(t *testing.T) {
	s := sema.New(2)
	require.Panics(t, func() { s.Release(1) })
	require.EqualValues(t, 2, s.Free())
	require.True(t, s.TryAcquire(2))
	require.Panics(t, func() { s.Release(3) })
	require.Panics(t, func() { s.Release(-1) })
	require.Panics(t, func() { s.TryAcquire(-1) })
	require.Panics(t, func() { _ = s.Acquire(t.Context(), -1) })
	require.Panics(t, func() { sema.New(-1) })
	require.Panics(t, func() { s.Resize(-1) })
	require.Panics(t, func() { sema.New(1<<61 + 1) })
	for _, n := range []int64{3, 1 << 61, 1 << 62, 1<<62 + 1, math.MaxInt64} { // twice that may overflow
		require.False(t, s.TryAcquire(n), "%d", n)
		require.ErrorIs(t, s.Acquire(t.Context(), n), sema.ErrTooLarge, "%d", n)
		require.Panics(t, func() { s.Release(n) }, "%d", n)
	}
	require.Panics(t, func() { s.Release(math.MinInt64) })
	require.Panics(t, func() { _ = s.Acquire(t.Context(), math.MinInt64) })
	require.Zero(t, s.Free())
	s.Release(2)
	require.True(t, s.TryAcquire(0))
	big := sema.New(1 << 61)
	require.True(t, big.TryAcquire(1<<61))
	require.False(t, big.TryAcquire(1))
	big.Release(1 << 61)
	require.EqualValues(t, 1<<61, big.Free())
}

func TestWaitDoesNotAllocate(t *testing.T) {
	s := sema.New(1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	const rounds = 20_000
	begin := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			<-begin
			for range rounds {
				if s.Acquire(ctx, 1) == nil {
					runtime.Gosched()
					s.Release(1)
				}
			}
		})
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	close(begin)
	wg.Wait()
	runtime.ReadMemStats(&after)
	most := rounds / 10 // a few waiters are made, then used again
	if raceEnabled {
		most = 4 * rounds // sync.Pool forgets a quarter of them on purpose
	}
	require.Less(t, after.Mallocs-before.Mallocs, uint64(most))
}

func TestStress(t *testing.T) {
	const size = 10
	s := sema.New(size)
	var held, most atomic.Int64
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(w), 0))
			for range 3000 {
				n := 1 + rnd.Int64N(size)
				ctx, cancel := context.WithCancel(t.Context())
				if rnd.IntN(4) == 0 {
					go cancel()
				}
				if s.Acquire(ctx, n) == nil {
					h := held.Add(n)
					for m := most.Load(); h > m && !most.CompareAndSwap(m, h); m = most.Load() {
					}
					runtime.Gosched()
					held.Add(-n)
					s.Release(n)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	require.LessOrEqual(t, most.Load(), int64(size))
	require.EqualValues(t, size, s.Free())
	require.Equal(t, 0, s.Waiting())
}

// TestBehavesLikeTheModel compares with a queue and a number.
func TestBehavesLikeTheModel(t *testing.T) {
	type want struct{ id, units int64 }
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.IntRange(-99, 99), 1, 60).Draw(rt, "steps")
		var failure error
		synctest.Test(t, func(t *testing.T) {
			s := sema.New(5)
			free, held, queue := int64(5), []int64(nil), []want(nil)
			var served atomic.Int64
			cancels := map[int64]context.CancelFunc{}
			wanted := int64(0)
			pump := func() {
				for len(queue) > 0 && queue[0].units <= free {
					free -= queue[0].units
					held = append(held, queue[0].units)
					wanted++
					queue = queue[1:]
				}
			}
			for i, st := range steps {
				switch {
				case st >= 20:
					id, units := int64(i), int64(st%6)
					ctx, cancel := context.WithCancel(t.Context())
					cancels[id] = cancel
					queue = append(queue, want{id, units})
					go func() {
						if s.Acquire(ctx, units) == nil {
							served.Add(1)
						}
					}()
				case st >= 0 && len(queue) > 0:
					j := st % len(queue)
					cancels[queue[j].id]()
					queue = slices.Delete(queue, j, j+1)
				case st < 0 && len(held) > 0:
					j := -st % len(held)
					free += held[j]
					s.Release(held[j])
					held = slices.Delete(held, j, j+1)
				}
				pump()
				synctest.Wait()
				if served.Load() != wanted || s.Free() != free || s.Waiting() != len(queue) {
					failure = fmt.Errorf("after step %d: served %d, free %d, waiting %d, want %d, %d, %d", i, served.Load(), s.Free(), s.Waiting(), wanted, free, len(queue))
					break
				}
			}
			for _, cancel := range cancels {
				cancel()
			}
		})
		if failure != nil {
			rt.Fatal(failure)
		}
	})
}

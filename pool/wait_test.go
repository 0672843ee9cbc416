package pool_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/pool"
)

func TestGetTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := open(t, pool.Options[*conn]{MaxSize: 1})
		r, err := p.GetTimeout(time.Second)
		require.NoError(t, err)
		for _, d := range []time.Duration{time.Second, time.Millisecond, 0, -1} {
			begin := time.Now()
			_, err = p.GetTimeout(d)
			require.ErrorIs(t, err, pool.ErrNotAvailable)
			require.Equal(t, max(d, 1), time.Since(begin))
		}
		require.EqualValues(t, 4, p.Stats().Canceled)
		time.AfterFunc(time.Second, r.Release)
		r, err = p.GetTimeout(time.Minute)
		require.NoError(t, err)
		r.Release()
		r, err = p.GetTimeout(0)
		require.NoError(t, err, "what is idle needs no time")
		r.Release()
		s := p.Stats()
		require.EqualValues(t, 2, s.Waited) // the first one waited for the factory
		require.Equal(t, time.Second, s.WaitDuration)
	})
}

func TestMaxWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := open(t, pool.Options[*conn]{MaxSize: 2, MaxWaiters: 2})
		held := lend(t, p, 2)
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				r, err := p.Get(t.Context())
				require.NoError(t, err)
				r.Release()
			})
		}
		synctest.Wait()
		_, err := p.Get(t.Context())
		require.ErrorIs(t, err, pool.ErrTooManyWaiters)
		require.EqualValues(t, 1, p.Stats().Refused)
		release(held)
		wg.Wait()
		lend(t, p, 1)[0].Release()
	})
}

func TestMaxWaitersDoesNotCountThoseWhoseResourceIsBeingMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		p, _ := open(t, pool.Options[*conn]{MaxSize: 3, MaxWaiters: 1, New: func(context.Context) (*conn, error) {
			<-gate
			return &conn{}, nil
		}})
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				r, err := p.Get(t.Context())
				require.NoError(t, err)
				r.Release()
			})
		}
		synctest.Wait()
		_, err := p.Get(t.Context())
		require.ErrorIs(t, err, pool.ErrTooManyWaiters)
		close(gate)
		wg.Wait()
	})
}

func TestRefuseLateTurnsAwayWhoCannotBeServedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := open(t, pool.Options[*conn]{MaxSize: 1, RefuseLate: true})
		var wg sync.WaitGroup
		use := func() {
			wg.Go(func() {
				r, err := p.Get(t.Context())
				require.NoError(t, err)
				time.Sleep(time.Second)
				r.Release()
			})
		}
		for range 50 {
			use()
		}
		pass(20*time.Second + time.Millisecond) // 29 or so are left to wait a second each
		begin := time.Now()
		_, err := p.GetTimeout(5 * time.Second)
		require.ErrorIs(t, err, pool.ErrNotAvailable)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err = p.Get(ctx)
		require.ErrorIs(t, err, pool.ErrNotAvailable)
		require.Zero(t, time.Since(begin), "at once")
		require.EqualValues(t, 2, p.Stats().Refused)
		r, err := p.GetTimeout(time.Minute)
		require.NoError(t, err, "there is enough time")
		r.Release()
		wg.Wait()
	})
}

func TestCancelledWaiterLeavesTheOthersInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := open(t, pool.Options[*conn]{MaxSize: 1})
		held := lend(t, p, 1)
		var order []int
		cancels := make([]context.CancelFunc, 9)
		for i := range cancels {
			var ctx context.Context
			ctx, cancels[i] = context.WithCancel(t.Context())
			go func() {
				r, err := p.Get(ctx)
				if err != nil {
					require.ErrorIs(t, err, context.Canceled)
					return
				}
				order = append(order, i)
				r.Release()
			}()
			synctest.Wait()
		}
		for _, i := range []int{0, 4, 5, 8} { // the first, two in the middle, the last
			cancels[i]()
			synctest.Wait()
		}
		require.Equal(t, 5, p.Stats().Waiting)
		release(held)
		synctest.Wait()
		require.Equal(t, []int{1, 2, 3, 6, 7}, order)
		for _, cancel := range cancels {
			cancel()
		}
	})
}

func TestHandOverToACallerWhoJustLeftGoesToTheNext(t *testing.T) {
	p, _ := open(t, pool.Options[*conn]{MaxSize: 1})
	lost := 0
	for range 2000 {
		held := lend(t, p, 1)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if r, err := p.Get(ctx); err == nil {
				r.Release()
			} else {
				lost++
			}
		})
		for p.Stats().Waiting == 0 {
			time.Sleep(time.Microsecond)
		}
		wg.Go(cancel)
		held[0].Release()
		wg.Wait()
		require.Equal(t, 0, p.Stats().InUse)
	}
	require.LessOrEqual(t, p.Stats().Canceled, uint64(2000))
	require.EqualValues(t, lost, p.Stats().Canceled)
}

func TestNilContextPanics(t *testing.T) {
	p, _ := open(t, pool.Options[*conn]{})
	var none context.Context
	require.Panics(t, func() { _, _ = p.Get(none) })
	require.Panics(t, func() { _, _ = p.Acquire(none) })
	require.Panics(t, func() { _ = p.Warm(none, 1) })
	require.Panics(t, func() { _ = p.Close(none) })
}

func TestOneResourceForManyThousands(t *testing.T) {
	p, _ := open(t, pool.Options[*conn]{MaxSize: 4})
	const callers = 20_000
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			r, err := p.Get(t.Context())
			if err == nil {
				r.Release()
			}
		})
	}
	wg.Wait()
	s := p.Stats()
	require.EqualValues(t, callers, s.Acquired)
	require.LessOrEqual(t, s.Created, uint64(4))
}

func TestWaitsUnderPressureAreCountedBySample(t *testing.T) {
	p, _ := open(t, pool.Options[*conn]{MaxSize: 2})
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for range 2000 {
				r, err := p.Get(t.Context())
				if err == nil {
					r.Release()
				}
			}
		})
	}
	wg.Wait()
	s := p.Stats()
	var counted uint64
	for _, n := range s.Waits {
		counted += n
	}
	require.EqualValues(t, 64_000, s.Acquired)
	require.InDelta(t, float64(s.Waited), float64(counted), float64(s.Waited)*0.2+64)
}

func TestBackoffProbesOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := errors.New("refused")
		var mu sync.Mutex
		var calls []time.Duration
		begin := time.Now()
		down := true
		p, _ := open(t, pool.Options[*conn]{
			MaxSize: 4,
			Backoff: func(n int) time.Duration { return time.Duration(n) * time.Second },
			New: func(context.Context) (*conn, error) {
				mu.Lock()
				defer mu.Unlock()
				calls = append(calls, time.Since(begin))
				if down {
					return nil, refused
				}
				return &conn{id: len(calls)}, nil
			},
		})
		_, err := p.Get(t.Context())
		require.ErrorIs(t, err, refused)
		errs := make(chan error, 10)
		for range 10 {
			go func() {
				r, err := p.Get(t.Context())
				if err == nil {
					r.Release()
				}
				errs <- err
			}()
		}
		pass(500 * time.Millisecond)
		require.Empty(t, errs, "they wait for the probe")
		require.ErrorContains(t, p.Warm(t.Context(), 1), "refused")
		pass(time.Second)
		require.Len(t, errs, 10, "nothing is left that could serve them")
		require.Len(t, calls, 2)
		for range 10 {
			require.ErrorIs(t, <-errs, refused)
		}
		down = false
		lend(t, p, 1)[0].Release()
		require.InDelta(t, 3*time.Second, calls[2], float64(slack))
		release(lend(t, p, 4)) // all is well again
	})
}

func TestBackoffLetsHoldersServeTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		p, _ := open(t, pool.Options[*conn]{
			MaxSize: 2,
			Backoff: func(int) time.Duration { panic("counted") },
			New: func(context.Context) (*conn, error) {
				if n++; n > 1 {
					return nil, errors.New("refused")
				}
				return &conn{id: n}, nil
			},
		})
		held := lend(t, p, 1)
		_, err := p.Get(t.Context())
		require.ErrorContains(t, err, "refused")
		got := make(chan pool.Resource[*conn])
		go func() {
			r, err := p.GetTimeout(time.Minute)
			require.NoError(t, err)
			got <- r
		}()
		synctest.Wait()
		release(held)
		r := <-got
		require.Equal(t, 1, r.Value().id)
		require.EqualValues(t, 1, p.Stats().Panics)
		r.Release()
	})
}

func TestExponentialBackoff(t *testing.T) {
	f := pool.ExponentialBackoff(time.Second, time.Minute)
	for n, most := range []time.Duration{time.Second, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second} {
		d := f(n)
		require.GreaterOrEqual(t, d, most/2)
		require.LessOrEqual(t, d, most)
	}
	require.LessOrEqual(t, f(10_000), time.Minute)
}

func TestWarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fail := errors.New("refused")
		p, alive := open(t, pool.Options[*conn]{MaxSize: 8})
		require.NoError(t, p.Warm(t.Context(), 5))
		require.EqualValues(t, 5, alive.Load())
		require.Equal(t, 5, p.Stats().Idle)
		require.NoError(t, p.Warm(t.Context(), 3), "there are more already")
		require.EqualValues(t, 5, alive.Load())
		require.ErrorIs(t, p.Warm(t.Context(), 9), pool.ErrConfig)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, p.Warm(ctx, 8), context.Canceled)
		p.Drain()
		require.ErrorIs(t, p.Warm(t.Context(), 1), pool.ErrClosed)

		n := 0
		gate := make(chan struct{})
		var mu sync.Mutex
		p, _ = open(t, pool.Options[*conn]{MaxSize: 8, New: func(context.Context) (*conn, error) {
			<-gate
			mu.Lock()
			defer mu.Unlock()
			if n++; n == 2 {
				return nil, fail
			}
			return &conn{}, nil
		}})
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, p.Warm(ctx, 2), context.DeadlineExceeded)
		close(gate)
		synctest.Wait()
		require.Equal(t, 1, p.Stats().Idle, "the creations went on")
		n = 0
		require.ErrorIs(t, p.Warm(t.Context(), 4), fail)
		require.Equal(t, 3, p.Stats().Idle)
	})
}

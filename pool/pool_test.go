package pool_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/groundwork-go/groundwork/pool"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type conn struct{ id int }

// maker returns a factory of numbered conns, and the count of those alive.
func maker() (func() (*conn, error), func(*conn), *atomic.Int64) {
	var made int
	var mu sync.Mutex
	var alive atomic.Int64
	create := func() (*conn, error) {
		mu.Lock()
		defer mu.Unlock()
		made++
		alive.Add(1)
		return &conn{id: made}, nil
	}
	return create, func(*conn) { alive.Add(-1) }, &alive
}

func TestReleasedResourceIsReusedBeforeANewOneIsMade(t *testing.T) {
	create, destroy, alive := maker()
	p := pool.New(5, create, destroy)
	defer p.Drain()
	for range 10 {
		c, err := p.Acquire(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, c.id)
		p.Release(c)
	}
	require.EqualValues(t, 1, alive.Load())
}

func TestIdleResourcesAreLentMostRecentlyUsedFirst(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // each processor has an order of its own
	create, destroy, _ := maker()
	p := pool.New(3, create, destroy)
	defer p.Drain()
	a, _ := p.Get(t.Context())
	b, _ := p.Get(t.Context())
	first := b.Value()
	a.Release()
	b.Release()
	r, ok := p.TryGet()
	require.True(t, ok)
	require.Same(t, first, r.Value())
	r.Release()
}

func TestDrainDestroysIdleResources(t *testing.T) {
	create, destroy, alive := maker()
	p := pool.New(4, create, destroy)
	var lent []*conn
	for range 4 {
		c, err := p.Acquire(t.Context())
		require.NoError(t, err)
		lent = append(lent, c)
	}
	for _, c := range lent[:3] {
		p.Release(c)
	}
	p.Drain()
	require.EqualValues(t, 1, alive.Load(), "idle ones are destroyed by Drain")
	p.Release(lent[3])
	require.EqualValues(t, 0, alive.Load(), "a late one is destroyed on return")
	_, err := p.Acquire(t.Context())
	require.ErrorIs(t, err, pool.ErrClosed)
	p.Drain()
}

func TestFactoryErrorFreesTheSlot(t *testing.T) {
	broken := errors.New("refused")
	fail := true
	p := pool.New(1, func() (int, error) {
		if fail {
			return 0, broken
		}
		return 7, nil
	}, nil)
	defer p.Drain()
	for range 3 {
		_, err := p.Acquire(t.Context())
		require.ErrorIs(t, err, broken)
	}
	fail = false
	v, err := p.Acquire(t.Context())
	require.NoError(t, err)
	require.Equal(t, 7, v)
	p.Release(v)
	require.Equal(t, 1, p.Stats().Total)
}

func TestFactoryPanicIsAnErrorAndFreesTheSlot(t *testing.T) {
	n := 0
	p := pool.New(1, func() (int, error) {
		if n++; n == 1 {
			panic("boom")
		}
		if n == 2 {
			runtime.Goexit()
		}
		return n, nil
	}, nil)
	defer p.Drain()
	_, err := p.Acquire(t.Context())
	var pe *pool.PanicError
	require.ErrorAs(t, err, &pe)
	require.Equal(t, "boom", pe.Value)
	require.Contains(t, string(pe.Stack), "TestFactoryPanicIsAnErrorAndFreesTheSlot")
	_, err = p.Acquire(t.Context())
	require.ErrorAs(t, err, &pe, "Goexit in the factory")
	v, err := p.Acquire(t.Context())
	require.NoError(t, err)
	require.Equal(t, 3, v)
	p.Release(v)
}

func TestFactoryErrorLetsTheNextWaiterTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		n := 0
		p := pool.New(1, func() (int, error) {
			n++
			if n == 1 {
				<-gate
				return 0, errors.New("refused")
			}
			return n, nil
		}, nil)
		defer p.Drain()
		first := make(chan error, 1)
		go func() {
			_, err := p.Acquire(t.Context())
			first <- err
		}()
		synctest.Wait()
		second := make(chan int, 1)
		go func() {
			v, _ := p.Acquire(t.Context())
			second <- v
			p.Release(v)
		}()
		synctest.Wait()
		close(gate)
		require.Error(t, <-first)
		require.Equal(t, 2, <-second)
		synctest.Wait()
	})
}

func TestWaitersAreServedInOrderOfArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pool.New(1, func() (int, error) { return 1, nil }, nil)
		defer p.Drain()
		held, err := p.Get(t.Context())
		require.NoError(t, err)
		var order []int
		for i := range 50 {
			go func() {
				r, err := p.Get(t.Context())
				if err == nil {
					order = append(order, i) // one holder at a time: the pool is the lock
					r.Release()
				}
			}()
			synctest.Wait()
		}
		require.Equal(t, 50, p.Stats().Waiting)
		_, ok := p.TryGet()
		require.False(t, ok)
		held.Release()
		synctest.Wait()
		require.Len(t, order, 50)
		require.IsIncreasing(t, order)
	})
}

func TestCreationGoesOnAfterItsCallerHasLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		p := pool.New(1, func() (string, error) { <-gate; return "late", nil }, nil)
		defer p.Drain()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := p.Acquire(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		close(gate)
		synctest.Wait()
		r, ok := p.TryGet()
		require.True(t, ok, "the late resource joined the pool")
		require.Equal(t, "late", r.Value())
		r.Release()
	})
}

func TestReleasedResourceServesACallerWhoseCreationIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		n := 0
		p := pool.New(2, func() (int, error) {
			n++
			if n == 2 {
				<-gate
			}
			return n, nil
		}, nil)
		first, err := p.Get(t.Context())
		require.NoError(t, err)
		got := make(chan int, 1)
		go func() {
			r, err := p.Get(t.Context())
			if err == nil {
				got <- r.Value()
				r.Release()
			}
		}()
		synctest.Wait()
		first.Release()
		require.Equal(t, 1, <-got)
		close(gate)
		require.NoError(t, p.Close(t.Context()))
	})
}

func TestEndedContextHasNoEffect(t *testing.T) {
	p := pool.New(1, func() (int, error) { return 1, nil }, nil)
	defer p.Drain()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := p.Acquire(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, pool.Stats{MaxSize: 1}, p.Stats())
}

func TestCloseFailsWaitersAtOnceAndWaitsForHolders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		create, destroy, alive := maker()
		p := pool.New(1, create, destroy)
		held, err := p.Get(t.Context())
		require.NoError(t, err)
		waited := make(chan error, 1)
		go func() {
			_, err := p.Get(t.Context())
			waited <- err
		}()
		synctest.Wait()
		closed := make(chan error, 2)
		for range 2 {
			go func() { closed <- p.Close(t.Context()) }()
		}
		require.ErrorIs(t, <-waited, pool.ErrClosed)
		synctest.Wait()
		require.Empty(t, closed, "Close waits for the holder")

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.ErrorIs(t, p.Close(ctx), context.DeadlineExceeded)

		held.Release()
		require.NoError(t, <-closed)
		require.NoError(t, <-closed)
		require.EqualValues(t, 0, alive.Load())
	})
}

func TestCloseCancelsRunningCreations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, err := pool.Open(&pool.Options[int]{MaxSize: 1, New: func(ctx context.Context) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		}})
		require.NoError(t, err)
		got := make(chan error, 1)
		go func() {
			_, err := p.Get(t.Context())
			got <- err
		}()
		synctest.Wait()
		require.NoError(t, p.Close(t.Context()))
		require.ErrorIs(t, <-got, pool.ErrClosed)
	})
}

func TestMisusedHandlesPanic(t *testing.T) {
	p := pool.New(1, func() (int, error) { return 1, nil }, nil)
	defer p.Drain()
	for _, c := range []struct {
		name string
		use  func(r pool.Resource[int])
	}{
		{"double release", func(r pool.Resource[int]) { r.Release(); r.Release() }},
		{"release after destroy", func(r pool.Resource[int]) { r.Destroy(); r.Release() }},
		{"value after hijack", func(r pool.Resource[int]) { r.Hijack(); r.Value() }},
		{"zero handle", func(r pool.Resource[int]) {
			r.Release()
			var zero pool.Resource[int]
			zero.Release()
		}},
		{"stale handle of a lent slot", func(r pool.Resource[int]) {
			r.Release()
			again, _ := p.Get(context.Background())
			defer again.Release()
			r.Release()
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := p.Get(t.Context())
			require.NoError(t, err)
			require.Panics(t, func() { c.use(r) })
			require.Equal(t, 0, p.Stats().InUse)
		})
	}
}

func TestReleaseOfBareValues(t *testing.T) {
	t.Run("foreign value is destroyed and counted", func(t *testing.T) {
		create, destroy, alive := maker()
		p := pool.New(2, create, destroy)
		defer p.Drain()
		alive.Add(1)
		p.Release(&conn{id: 99})
		require.EqualValues(t, 0, alive.Load())
		require.EqualValues(t, 1, p.Stats().DestroyedFor[pool.Foreign])
		require.Equal(t, 0, p.Stats().Total)
	})
	t.Run("double release panics", func(t *testing.T) {
		create, destroy, _ := maker()
		p := pool.New(2, create, destroy)
		defer p.Drain()
		c, _ := p.Acquire(t.Context())
		p.Release(c)
		require.Panics(t, func() { p.Release(c) })
		require.Equal(t, 1, p.Stats().Idle)
	})
	t.Run("equal values are counted", func(t *testing.T) {
		p := pool.New(3, func() (int, error) { return 5, nil }, nil)
		defer p.Drain()
		for range 3 {
			_, err := p.Acquire(t.Context())
			require.NoError(t, err)
		}
		for range 3 {
			p.Release(5)
		}
		require.Equal(t, 3, p.Stats().Idle)
		require.Panics(t, func() { p.Release(5) })
	})
	t.Run("values that cannot be compared", func(t *testing.T) {
		p := pool.New(1, func() ([]byte, error) { return make([]byte, 0, 8), nil }, nil)
		defer p.Drain()
		b, _ := p.Acquire(t.Context())
		p.Release(append(b, "kept"...))
		b, _ = p.Acquire(t.Context())
		require.Equal(t, "kept", string(b))
		p.Release(b)
		require.Panics(t, func() { p.Release(b) })
	})
	t.Run("interface that holds such a value", func(t *testing.T) {
		p := pool.New(1, func() (any, error) { return []int{1}, nil }, nil)
		defer p.Drain()
		v, _ := p.Acquire(t.Context())
		p.Release(v)
		require.Equal(t, 1, p.Stats().Idle)
	})
}

func TestDestroyedAndHijackedResourcesMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		create, destroy, alive := maker()
		p := pool.New(1, create, destroy)
		r, _ := p.Get(t.Context())
		next := make(chan int, 2)
		for range 2 {
			go func() {
				r, err := p.Get(t.Context())
				if err != nil {
					next <- -1
					return
				}
				next <- r.Value().id
				if r.Value().id == 2 {
					r.Hijack()
				} else {
					r.Release()
				}
			}()
		}
		synctest.Wait()
		r.Destroy()
		require.Equal(t, 2, <-next)
		require.Equal(t, 3, <-next)
		require.NoError(t, p.Close(t.Context()))
		require.EqualValues(t, 1, alive.Load(), "the hijacked one is the caller's")
	})
}

func TestPanicInDestroyIsCounted(t *testing.T) {
	p := pool.New(1, func() (int, error) { return 1, nil }, func(int) { panic("no") })
	r, _ := p.Get(t.Context())
	r.Destroy()
	require.EqualValues(t, 1, p.Stats().Panics)
	require.Equal(t, 0, p.Stats().Total)
	require.NoError(t, p.Close(t.Context()))
}

func TestDo(t *testing.T) {
	create, destroy, alive := maker()
	p := pool.New(1, create, destroy)
	defer p.Drain()
	broken := errors.New("broken")
	require.ErrorIs(t, p.Do(t.Context(), func(*conn) error { return broken }), broken)
	require.Equal(t, 1, p.Stats().Idle)
	require.PanicsWithValue(t, "boom", func() {
		_ = p.Do(t.Context(), func(*conn) error { panic("boom") })
	})
	require.EqualValues(t, 0, alive.Load(), "destroyed, its state is unknown")
	p.Drain()
	require.ErrorIs(t, p.Do(t.Context(), func(*conn) error { return nil }), pool.ErrClosed)
}

func TestBadOptions(t *testing.T) {
	mk := func(context.Context) (int, error) { return 0, nil }
	check := func(context.Context, int) error { return nil }
	for _, c := range []struct {
		field string
		o     *pool.Options[int]
	}{
		{"Options", nil},
		{"MaxSize", &pool.Options[int]{New: mk}},
		{"MaxSize", &pool.Options[int]{New: mk, MaxSize: -1}},
		{"New", &pool.Options[int]{MaxSize: 1}},
		{"MinIdle", &pool.Options[int]{New: mk, MaxSize: 1, MinIdle: 2}},
		{"MinIdle", &pool.Options[int]{New: mk, MaxSize: 4, MinIdle: 3, MaxIdle: 2}},
		{"MinIdle", &pool.Options[int]{New: mk, MaxSize: 1, MinIdle: -1}},
		{"MaxIdle", &pool.Options[int]{New: mk, MaxSize: 1, MaxIdle: -1}},
		{"MaxWaiters", &pool.Options[int]{New: mk, MaxSize: 1, MaxWaiters: -1}},
		{"CheckAfterIdle", &pool.Options[int]{New: mk, MaxSize: 1, CheckAfterIdle: -1}},
		{"CheckTimeout", &pool.Options[int]{New: mk, MaxSize: 1, CheckTimeout: -1}},
		{"KeepAlive", &pool.Options[int]{New: mk, MaxSize: 1, Check: check, KeepAlive: -1}},
		{"KeepAlive", &pool.Options[int]{New: mk, MaxSize: 1, KeepAlive: 1}},
		{"MaxLifetime", &pool.Options[int]{New: mk, MaxSize: 1, MaxLifetime: -1}},
		{"LifetimeJitter", &pool.Options[int]{New: mk, MaxSize: 1, MaxLifetime: 1, LifetimeJitter: 2}},
		{"IdleTimeout", &pool.Options[int]{New: mk, MaxSize: 1, IdleTimeout: -1}},
		{"LeakAfter", &pool.Options[int]{New: mk, MaxSize: 1, LeakAfter: -1}},
	} {
		_, err := pool.Open(c.o)
		require.ErrorIs(t, err, pool.ErrConfig)
		require.ErrorContains(t, err, c.field)
	}
	require.Panics(t, func() { pool.New(0, func() (int, error) { return 0, nil }, nil) })
	require.Panics(t, func() { pool.New[int](1, nil, nil) })
}

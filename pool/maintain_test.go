package pool_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/pool"
)

// open opens a pool of numbered conns in a bubble, to be closed at its end.
func open(t *testing.T, o pool.Options[*conn]) (*pool.Pool[*conn], *atomic.Int64) {
	t.Helper()
	create, destroy, alive := maker()
	if o.New == nil {
		o.New = func(context.Context) (*conn, error) { return create() }
	}
	if o.Destroy == nil {
		o.Destroy = destroy
	}
	if o.MaxSize == 0 {
		o.MaxSize = 4
	}
	p, err := pool.Open(&o)
	require.NoError(t, err)
	t.Cleanup(p.Drain)
	return p, alive
}

func lend(t *testing.T, p *pool.Pool[*conn], n int) []pool.Resource[*conn] {
	t.Helper()
	list := make([]pool.Resource[*conn], n)
	for i := range list {
		var err error
		list[i], err = p.Get(t.Context())
		require.NoError(t, err)
	}
	return list
}

func release(list []pool.Resource[*conn]) {
	for _, r := range list {
		r.Release()
	}
}

const slack = 30 * time.Millisecond // times are kept to about 10 ms, twice over

func TestIdleResourcesEndAfterTheIdleTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, alive := open(t, pool.Options[*conn]{IdleTimeout: time.Minute})
		list := lend(t, p, 4)
		release(list[:3])
		pass(time.Minute - slack)
		require.EqualValues(t, 4, alive.Load())
		pass(2 * slack)
		require.EqualValues(t, 1, alive.Load(), "lent ones are not idle")
		require.EqualValues(t, 3, p.Stats().DestroyedFor[pool.IdleTooLong])
		list[3].Release()
		pass(time.Minute + 2*slack)
		require.Equal(t, 0, p.Stats().Total)
	})
}

func TestUseKeepsAResourceFromTheIdleTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := open(t, pool.Options[*conn]{IdleTimeout: time.Second})
		for range 20 {
			r, err := p.Get(t.Context())
			require.NoError(t, err)
			r.Release()
			pass(900 * time.Millisecond)
		}
		require.EqualValues(t, 1, p.Stats().Created)
	})
}

func TestMaxLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, alive := open(t, pool.Options[*conn]{MaxLifetime: time.Hour, LifetimeJitter: 1})
		list := lend(t, p, 2)
		list[0].Release()
		pass(time.Hour - slack)
		require.EqualValues(t, 2, alive.Load())
		pass(2 * slack)
		require.EqualValues(t, 1, alive.Load(), "the idle one is gone")
		require.NotNil(t, list[1].Value(), "the lent one stays its holder's")
		list[1].Release()
		require.EqualValues(t, 0, alive.Load(), "and goes when it comes back")
		require.EqualValues(t, 2, p.Stats().DestroyedFor[pool.Expired])
	})
}

func TestLifetimesAreSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, alive := open(t, pool.Options[*conn]{MaxSize: 100, MaxLifetime: time.Hour, LifetimeJitter: 30 * time.Minute})
		release(lend(t, p, 100))
		pass(30*time.Minute - slack)
		require.EqualValues(t, 100, alive.Load())
		pass(15 * time.Minute)
		require.InDelta(t, 50, alive.Load(), 35, "half of the jitter is over") // 7 sigma
		pass(15*time.Minute + 2*slack)
		require.EqualValues(t, 0, alive.Load())
	})
}

func TestMinIdleIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := open(t, pool.Options[*conn]{MaxSize: 5, MinIdle: 2, IdleTimeout: time.Minute})
		synctest.Wait()
		require.Equal(t, 2, p.Stats().Idle, "from Open on")
		list := lend(t, p, 2)
		pass(slack)
		require.Equal(t, 2, p.Stats().Idle, "beside what is lent")
		list = append(list, lend(t, p, 2)...)
		pass(slack)
		require.Equal(t, 1, p.Stats().Idle, "as far as MaxSize allows")
		release(list)
		pass(2 * time.Minute)
		require.Equal(t, 2, p.Stats().Idle, "the idle timeout spares them")
		list = lend(t, p, 1)
		list[0].Destroy()
		synctest.Wait()
		require.Equal(t, 2, p.Stats().Idle, "a destroyed one is replaced")
	})
}

func TestReplacementIsMadeBeforeTheOldOneGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, alive := open(t, pool.Options[*conn]{MinIdle: 1, MaxLifetime: time.Hour, LifetimeJitter: 1})
		for range 300 {
			pass(time.Minute)
			synctest.Wait()
			require.Positive(t, p.Stats().Idle)
			require.Positive(t, alive.Load())
		}
		s := p.Stats()
		require.EqualValues(t, 5, s.DestroyedFor[pool.Expired])
		require.EqualValues(t, 6, s.Created)
	})
}

func TestFailedReplacementIsTriedAgainAfterAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		p, _ := open(t, pool.Options[*conn]{MinIdle: 1, New: func(context.Context) (*conn, error) {
			if calls.Add(1) < 6 {
				return nil, errors.New("refused")
			}
			return &conn{}, nil
		}})
		pass(25 * time.Millisecond)
		require.EqualValues(t, 1, calls.Load())
		pass(10 * time.Second)
		s := p.Stats()
		require.EqualValues(t, 6, calls.Load())
		require.Equal(t, 1, s.Idle)
		require.EqualValues(t, 5, s.CreateFailed)
	})
}

func TestMaxIdleBoundsWhatComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, alive := open(t, pool.Options[*conn]{MaxIdle: 1})
		release(lend(t, p, 4))
		require.EqualValues(t, 1, alive.Load())
		require.EqualValues(t, 3, p.Stats().DestroyedFor[pool.Surplus])
	})
}

func TestKeepAliveChecksIdleResources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var checked []int
		var broken atomic.Bool
		p, _ := open(t, pool.Options[*conn]{
			KeepAlive: time.Minute, CheckAfterIdle: time.Hour, IdleTimeout: 10 * time.Minute,
			Check: func(_ context.Context, c *conn) error {
				checked = append(checked, c.id)
				if broken.Load() {
					return errors.New("dead")
				}
				return nil
			},
		})
		r := lend(t, p, 1)
		r[0].Release()
		pass(3*time.Minute + slack*2)
		require.Equal(t, []int{1, 1, 1}, checked)
		require.EqualValues(t, 3, p.Stats().KeepAlives)
		broken.Store(true)
		pass(time.Minute)
		require.Equal(t, 0, p.Stats().Total)
		require.EqualValues(t, 1, p.Stats().DestroyedFor[pool.CheckFailed])
		broken.Store(false)

		lend(t, p, 1)[0].Release()
		pass(10*time.Minute + slack*2)
		require.EqualValues(t, 1, p.Stats().DestroyedFor[pool.IdleTooLong], "a check is no use")
	})
}

func TestKeepAliveLeavesMostOfTheIdleOnesThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		p, _ := open(t, pool.Options[*conn]{
			MaxSize: 8, KeepAlive: time.Minute, CheckAfterIdle: time.Hour, CheckTimeout: time.Hour,
			Check: func(context.Context, *conn) error { <-gate; return nil },
		})
		release(lend(t, p, 8))
		pass(time.Minute + slack)
		s := p.Stats()
		require.Equal(t, 2, s.Held)
		require.Equal(t, 6, s.Idle)
		held := lend(t, p, 6)
		got := make(chan pool.Resource[*conn])
		go func() {
			r, _ := p.Get(t.Context())
			got <- r
		}()
		synctest.Wait()
		close(gate)
		(<-got).Release() // what was checked serves who waits
		release(held)
	})
}

func TestLeaksAreReportedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var leaks []pool.Holder
		p, _ := open(t, pool.Options[*conn]{
			LeakAfter: time.Minute, Debug: true,
			Hooks: pool.Hooks[*conn]{OnLeak: func(h pool.Holder) { leaks = append(leaks, h) }},
		})
		r := lend(t, p, 1)
		pass(5 * time.Minute)
		require.Len(t, leaks, 1)
		require.InDelta(t, time.Minute, leaks[0].Age, float64(slack))
		require.Contains(t, leaks[0].Stack, "pool_test.lend")
		r[0].Release()
		r = lend(t, p, 1)
		pass(5 * time.Minute)
		require.Len(t, leaks, 2, "the next loan of it is another leak")
		require.EqualValues(t, 2, p.Stats().Leaked)
		r[0].Release()
	})
}

func TestAnUnusedPoolSleeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := open(t, pool.Options[*conn]{})
		begin := time.Now()
		lend(t, p, 1)[0].Release()
		pass(time.Hour)
		r := lend(t, p, 1)[0]
		require.InDelta(t, time.Since(begin), r.IdleFor(), float64(slack), "and wakes its clock")
		require.Equal(t, begin.Unix(), r.CreatedAt().Unix())
		r.Release()
	})
}

// pass lets time pass in the bubble, and what is due happen.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

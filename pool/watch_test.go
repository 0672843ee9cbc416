package pool_test

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/pool"
)

// A crowd is callers that wait for a pool with one context.
type crowd struct {
	mu     sync.Mutex
	served int
	errs   []error
	wg     sync.WaitGroup
}

// join makes n callers wait, one after the other.
func (c *crowd) join(p *pool.Pool[*conn], ctx context.Context, n int) {
	for range n {
		c.wg.Go(func() {
			r, err := p.Get(ctx)
			c.mu.Lock()
			defer c.mu.Unlock()
			if err != nil {
				c.errs = append(c.errs, err)
				return
			}
			c.served++
			r.Release()
		})
		synctest.Wait()
	}
}

func TestManyWaitersOfOneContextAreCancelled(t *testing.T) {
	for _, n := range []int{1, 7, 8, 9, 10, 200} {
		synctest.Test(t, func(t *testing.T) {
			var told atomic.Int64
			p, _ := open(t, pool.Options[*conn]{MaxSize: 1, Hooks: pool.Hooks[*conn]{
				OnCancel: func(error) { told.Add(1) },
			}})
			held := lend(t, p, 1)
			shared, cancel := context.WithCancel(t.Context())
			var those, others crowd
			for range 3 {
				those.join(p, shared, n)
				others.join(p, t.Context(), 2)
			}
			require.Equal(t, 3*n+6, p.Stats().Waiting)
			cancel()
			those.wg.Wait()
			require.Len(t, those.errs, 3*n)
			for _, err := range those.errs {
				require.ErrorIs(t, err, context.Canceled)
			}
			require.EqualValues(t, 3*n, told.Load())
			require.EqualValues(t, 3*n, p.Stats().Canceled)
			require.Equal(t, 6, p.Stats().Waiting)
			release(held)
			others.wg.Wait()
			require.Equal(t, 6, others.served)
			require.Empty(t, others.errs)
		})
	}
}

func TestManyWaitersOfOneContextAreServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := open(t, pool.Options[*conn]{MaxSize: 2})
		first, cancelFirst := context.WithCancel(t.Context())
		defer cancelFirst()
		second, cancelSecond := context.WithCancel(t.Context())
		for round := range 3 {
			held := lend(t, p, 2)
			var those, others crowd
			those.join(p, first, 20)
			others.join(p, second, 20)
			if round == 2 {
				cancelFirst() // the watch may be for either
				those.wg.Wait()
				require.Len(t, those.errs, 20)
			}
			release(held)
			those.wg.Wait()
			others.wg.Wait()
			require.Equal(t, 40, those.served+len(those.errs)+others.served)
		}
		held := lend(t, p, 2)
		var more crowd
		more.join(p, second, 30)
		cancelSecond()
		more.wg.Wait()
		require.Len(t, more.errs, 30)
		more.join(p, second, 3) // it has ended
		more.wg.Wait()
		require.Len(t, more.errs, 33)
		release(held)
		require.Equal(t, 2, p.Stats().Idle)
	})
}

func TestManyWaitersOfOneContextWhenThePoolCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := open(t, pool.Options[*conn]{MaxSize: 1})
		held := lend(t, p, 1)
		ctx, cancel := context.WithCancel(t.Context())
		var those crowd
		those.join(p, ctx, 20)
		p.Drain()
		those.wg.Wait()
		for _, err := range those.errs {
			require.ErrorIs(t, err, pool.ErrClosed)
		}
		require.Len(t, those.errs, 20)
		cancel()
		synctest.Wait()
		require.Zero(t, p.Stats().Canceled)
		release(held)
		require.NoError(t, p.Close(t.Context()))
	})
}

// A hand-over and the end of a shared context may come at the same time: no slot
// is lost and nobody waits for good.
func TestSharedContextEndsDuringHandOvers(t *testing.T) {
	p := pool.New(2, func() (*conn, error) { return &conn{}, nil }, nil)
	require.NoError(t, p.Warm(t.Context(), 2))
	for range 200 {
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 40 {
			wg.Go(func() {
				for {
					r, err := p.Get(ctx)
					if err != nil {
						return
					}
					runtime.Gosched()
					r.Release()
				}
			})
		}
		for p.Stats().Waiting < 20 {
			runtime.Gosched()
		}
		cancel()
		wg.Wait()
		s := p.Stats()
		require.Zero(t, s.InUse)
		require.Zero(t, s.Waiting)
		require.Equal(t, 2, s.Idle)
	}
	p.Drain()
}

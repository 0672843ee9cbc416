package pool_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/pool"
)

func TestCheckOnlyAfterIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		checks := 0
		p, _ := open(t, pool.Options[*conn]{
			CheckAfterIdle: time.Minute,
			Check:          func(context.Context, *conn) error { checks++; return nil },
		})
		for range 5 {
			lend(t, p, 1)[0].Release()
		}
		require.Equal(t, 0, checks)
		pass(time.Minute + slack)
		lend(t, p, 1)[0].Release()
		require.Equal(t, 1, checks)
		lend(t, p, 1)[0].Release()
		require.Equal(t, 1, checks)
		pass(time.Minute + slack)
		r, ok := p.TryGet()
		require.True(t, ok)
		require.Equal(t, 2, checks)
		r.Release()
		pass(time.Minute + slack)
		r, err := p.GetTimeout(time.Second)
		require.NoError(t, err)
		require.Equal(t, 3, checks)
		r.Release()
	})
}

func TestAShortCheckAfterIdleMeansAlways(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		checks := 0
		p, _ := open(t, pool.Options[*conn]{CheckAfterIdle: 1, Check: func(context.Context, *conn) error { checks++; return nil }})
		for range 3 {
			lend(t, p, 1)[0].Release()
		}
		require.GreaterOrEqual(t, checks, 2)
	})
}

func TestBadResourcesAreReplacedOnBorrow(t *testing.T) {
	for _, c := range []struct {
		name  string
		check func(ctx context.Context) error
		takes time.Duration
	}{
		{"error", func(context.Context) error { return errors.New("dead") }, 0},
		{"panic", func(context.Context) error { panic("dead") }, 0},
		{"hangs until its context ends", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, 2 * time.Second},
		{"hangs on", func(context.Context) error { time.Sleep(time.Hour); return nil }, 2 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, alive := open(t, pool.Options[*conn]{
					MaxSize: 2, CheckTimeout: time.Second,
					Check: func(ctx context.Context, v *conn) error {
						if v.id <= 2 {
							return c.check(ctx)
						}
						return nil
					},
				})
				release(lend(t, p, 2))
				pass(time.Minute)
				begin := time.Now()
				r := lend(t, p, 1)[0]
				require.Equal(t, 3, r.Value().id)
				require.Equal(t, c.takes, time.Since(begin))
				synctest.Wait()
				require.EqualValues(t, 1, alive.Load())
				require.EqualValues(t, 2, p.Stats().CheckFailed)
				r.Release()
				pass(2 * time.Hour) // a check that hangs on must end with the test
			})
		})
	}
}

func TestTryGetSkipsBadResources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, alive := open(t, pool.Options[*conn]{Check: func(_ context.Context, v *conn) error {
			if v.id%2 == 0 {
				return errors.New("dead")
			}
			return nil
		}})
		release(lend(t, p, 4))
		pass(time.Minute)
		a, ok := p.TryGet()
		require.True(t, ok)
		b, ok := p.TryGet()
		require.True(t, ok)
		_, ok = p.TryGet()
		require.False(t, ok)
		require.ElementsMatch(t, []int{1, 3}, []int{a.Value().id, b.Value().id})
		synctest.Wait()
		require.EqualValues(t, 2, alive.Load())
		release([]pool.Resource[*conn]{a, b})
	})
}

func TestCallerLeavesDuringASlowCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := open(t, pool.Options[*conn]{
			MaxSize: 1, CheckTimeout: time.Hour,
			Check: func(context.Context, *conn) error { time.Sleep(time.Minute); return nil },
		})
		lend(t, p, 1)[0].Release()
		pass(2 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := p.Get(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 1, p.Stats().Held)
		_, err = p.GetTimeout(time.Second)
		require.ErrorIs(t, err, pool.ErrNotAvailable)
		r := lend(t, p, 1)[0] // waits for the end of the check
		require.Equal(t, 1, r.Value().id)
		r.Release()
		pass(2 * time.Second)
		_, err = p.GetTimeout(time.Second)
		require.ErrorIs(t, err, pool.ErrNotAvailable, "the check takes longer")
		pass(time.Minute)
		require.Equal(t, 1, p.Stats().Idle)
	})
}

func TestCallerWithABadResourceGoesBeforeTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := open(t, pool.Options[*conn]{
			MaxSize: 1, CheckTimeout: time.Hour,
			Check: func(context.Context, *conn) error { time.Sleep(time.Second); return errors.New("dead") },
		})
		lend(t, p, 1)[0].Release()
		pass(time.Minute)
		var order []int
		for i := range 3 {
			go func() {
				r, err := p.Get(t.Context())
				require.NoError(t, err)
				order = append(order, i)
				r.Release()
			}()
			synctest.Wait()
		}
		pass(time.Minute)
		require.Equal(t, []int{0, 1, 2}, order)
	})
}

func TestResetAndCloseDuringACheck(t *testing.T) {
	for _, name := range []string{"reset", "close", "caller gone"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, alive := open(t, pool.Options[*conn]{
					MaxSize: 1, CheckTimeout: time.Hour,
					Check: func(context.Context, *conn) error { time.Sleep(time.Minute); return nil },
				})
				lend(t, p, 1)[0].Release()
				pass(2 * time.Second)
				got := make(chan error, 1)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				go func() {
					r, err := p.Get(ctx)
					if err == nil {
						require.Equal(t, 2, r.Value().id)
						r.Release()
					}
					got <- err
				}()
				synctest.Wait()
				switch name {
				case "reset":
					p.Reset()
					require.NoError(t, <-got)
				case "close":
					p.Drain()
					require.ErrorIs(t, <-got, pool.ErrClosed)
				case "caller gone":
					cancel()
					require.ErrorIs(t, <-got, context.Canceled)
					p.Drain()
				}
				require.NoError(t, p.Close(t.Context()))
				require.Zero(t, alive.Load())
				pass(time.Hour)
			})
		})
	}
}

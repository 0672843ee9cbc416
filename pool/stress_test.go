package pool_test

import (
	"context"
	"errors"
	"flag"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/pool"
)

var stressOps = flag.Int("stress", 100_000, "operations of each stress test; 10000000 takes minutes")

// stressed is a resource that finds out whether two hold it.
type stressed struct{ holders atomic.Int32 }

type stress struct {
	alive, most, calls atomic.Int64
	size               atomic.Int64 // the largest size so far
	twice              atomic.Bool
	shared             atomic.Pointer[ending] // the context of most
}

// ending is a context and its end.
type ending struct {
	context.Context
	end context.CancelFunc
}

func newEnding() *ending {
	ctx, end := context.WithCancel(context.Background())
	return &ending{ctx, end}
}

func (s *stress) create(context.Context) (*stressed, error) {
	switch s.calls.Add(1) % 17 {
	case 3:
		return nil, errors.New("refused")
	case 5:
		panic("boom")
	case 7:
		runtime.Gosched()
	}
	n := s.alive.Add(1)
	for m := s.most.Load(); n > m && !s.most.CompareAndSwap(m, n); m = s.most.Load() {
	}
	return &stressed{}, nil
}

func (s *stress) destroy(*stressed) {
	s.alive.Add(-1)
	if s.calls.Add(1)%29 == 0 {
		panic("boom")
	}
}

// use does one operation.
func (s *stress) use(p *pool.Pool[*stressed], rnd *rand.Rand) {
	ctx := s.shared.Load().Context
	if rnd.IntN(8) == 0 {
		own, cancel := context.WithCancel(ctx)
		defer cancel()
		go cancel()
		ctx = own
	}
	var r pool.Resource[*stressed]
	var err error
	switch rnd.IntN(10) {
	case 0:
		var ok bool
		if r, ok = p.TryGet(); !ok {
			return
		}
	case 1:
		r, err = p.GetTimeout(time.Duration(rnd.IntN(100)) * time.Microsecond)
	case 2:
		s.useBare(p, ctx, rnd)
		return
	default:
		r, err = p.Get(ctx)
	}
	if err != nil {
		return
	}
	v := r.Value()
	s.hold(v, rnd)
	switch rnd.IntN(20) {
	case 0:
		r.Destroy()
	case 1:
		s.alive.Add(-1)
		r.Hijack()
	default:
		r.Release()
	}
}

func (s *stress) useBare(p *pool.Pool[*stressed], ctx context.Context, rnd *rand.Rand) {
	if v, err := p.Acquire(ctx); err == nil {
		s.hold(v, rnd)
		p.Release(v)
	}
}

func (s *stress) hold(v *stressed, rnd *rand.Rand) {
	if v.holders.Add(1) != 1 {
		s.twice.Store(true)
	}
	if rnd.IntN(4) == 0 {
		runtime.Gosched()
	}
	v.holders.Add(-1)
}

// disturb does from time to time what operators do.
func (s *stress) disturb(p *pool.Pool[*stressed], rnd *rand.Rand) {
	switch rnd.IntN(5) {
	case 0:
		n := 1 + rnd.Int64N(6)
		for m := s.size.Load(); n > m && !s.size.CompareAndSwap(m, n); m = s.size.Load() {
		}
		_ = p.Resize(int(n)) // the pool may be closed
	case 1:
		p.Reset()
	case 2:
		for _, r := range p.AcquireAllIdle() {
			r.Release()
		}
	case 3:
		_ = p.Warm(context.Background(), 1) // fails as the factory does
	case 4:
		s.shared.Swap(newEnding()).end()
	}
}

func TestStressLosesNoSlot(t *testing.T) {
	for name, o := range map[string]pool.Options[*stressed]{
		"plain":   {},
		"debug":   {Debug: true},
		"limited": {MaxIdle: 2, MaxWaiters: 8, RefuseLate: true},
		"timed": {
			MinIdle: 1, MaxLifetime: 30 * time.Millisecond, IdleTimeout: 20 * time.Millisecond, LeakAfter: time.Millisecond,
			KeepAlive: 10 * time.Millisecond, CheckAfterIdle: 1,
			Check: func(context.Context, *stressed) error {
				if rand.IntN(10) == 0 {
					return errors.New("dead")
				}
				return nil
			},
			Backoff: func(int) time.Duration { return time.Millisecond },
		},
	} {
		t.Run(name, func(t *testing.T) {
			const workers = 16
			var s stress
			s.size.Store(4)
			s.shared.Store(newEnding())
			defer func() { s.shared.Load().end() }()
			o.MaxSize, o.New, o.Destroy = 4, s.create, s.destroy
			p, err := pool.Open(&o)
			require.NoError(t, err)
			ops := *stressOps / 4
			if name == "timed" {
				ops /= 20 // every other one waits for a check on goroutines of its own
			}
			if testing.Short() {
				ops /= 10
			}
			var wg sync.WaitGroup
			for w := range workers {
				wg.Go(func() {
					rnd := rand.New(rand.NewPCG(uint64(w), 1))
					for i := range ops / workers {
						if i%500 == 499 {
							s.disturb(p, rnd)
						}
						s.use(p, rnd)
					}
				})
			}
			wg.Wait()
			require.False(t, s.twice.Load(), "a resource had two holders")
			require.LessOrEqual(t, s.most.Load(), s.size.Load())
			st := p.Stats()
			require.Zero(t, st.InUse)
			require.Zero(t, st.Waiting)
			// Close comes while others are at work.
			for w := range workers {
				wg.Go(func() {
					rnd := rand.New(rand.NewPCG(uint64(w), 2))
					for range 100 {
						s.use(p, rnd)
					}
				})
			}
			require.NoError(t, p.Close(t.Context()))
			wg.Wait()
			require.Zero(t, s.alive.Load(), "every resource was destroyed")
			require.Zero(t, p.Stats().Total)
			require.Equal(t, p.Stats().Created, p.Stats().Destroyed+p.Stats().DestroyedFor[pool.Hijacked])
		})
	}
}

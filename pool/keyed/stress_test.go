package keyed_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/pool/keyed"
)

// Many goroutines do everything at once; bounds hold, nobody is forgotten, and
// nothing is left at the end.
func TestStress(t *testing.T) {
	const keys, perKey, total = 5, 2, 4
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	var live [keys]atomic.Int64
	var all, most, made, gone atomic.Int64
	fail := errors.New("failed")
	p, err := keyed.Open(&keyed.Options[int, *atomic.Bool]{
		MaxPerKey: perKey, MaxTotal: total, MaxOvertakes: 3, IdleTimeout: 5 * time.Millisecond, MaxLifetime: 20 * time.Millisecond,
		New: func(_ context.Context, key int) (*atomic.Bool, error) {
			switch rand.IntN(20) {
			case 0:
				return nil, fail
			case 1:
				panic(fail)
			}
			made.Add(1)
			if n := live[key].Add(1); n > perKey {
				most.Store(100 + n)
			}
			if n := all.Add(1); n > total {
				most.Store(200 + n)
			}
			return new(atomic.Bool), nil
		},
		Destroy: func(key int, _ *atomic.Bool) {
			live[key].Add(-1)
			all.Add(-1)
			gone.Add(1)
		},
		CheckAfterIdle: time.Microsecond,
		Check: func(context.Context, int, *atomic.Bool) error {
			if rand.IntN(10) == 0 {
				return fail
			}
			return nil
		},
	})
	require.NoError(t, err)
	var hijacked atomic.Int64
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(w)))
			for range 3000 {
				ctx, cancel := context.WithCancel(context.Background())
				if r.IntN(4) == 0 {
					go cancel()
				}
				h, err := p.Get(ctx, r.IntN(keys))
				cancel()
				if err != nil {
					if !errors.Is(err, fail) && !errors.Is(err, context.Canceled) {
						t.Error(err)
					}
					continue
				}
				if h.Value().Swap(true) {
					t.Error("lent twice")
				}
				h.Value().Store(false)
				switch r.IntN(20) {
				case 0:
					h.Destroy()
				case 1:
					live[h.Key()].Add(-1) // before the pool may make another
					all.Add(-1)
					hijacked.Add(1)
					h.Hijack()
				default:
					h.Release()
				}
			}
		})
	}
	wg.Wait()
	require.NoError(t, p.Close(context.Background()))
	require.Zero(t, most.Load(), fmt.Sprint("more than the bounds allow: ", most.Load()))
	require.Equal(t, made.Load(), gone.Load()+hijacked.Load())
	st := p.Stats()
	require.Zero(t, st.Total+st.Keys+st.Waiting)
	require.Equal(t, st.Destroyed, uint64(gone.Load()))
}

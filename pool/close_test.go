package pool_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/pool"
)

func TestResizeUpServesWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := open(t, pool.Options[*conn]{MaxSize: 1})
		held := lend(t, p, 1)
		got := make(chan pool.Resource[*conn], 3)
		for range 3 {
			go func() {
				r, err := p.Get(t.Context())
				require.NoError(t, err)
				got <- r
			}()
		}
		synctest.Wait()
		require.NoError(t, p.Resize(3))
		synctest.Wait()
		require.Len(t, got, 2)
		release(held)
		for range 3 {
			(<-got).Release()
			synctest.Wait()
		}
		require.Equal(t, 3, p.Stats().MaxSize)
	})
}

func TestResizeDownDestroysIdleFirstThenWhatComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, alive := open(t, pool.Options[*conn]{MaxSize: 6})
		list := lend(t, p, 6)
		release(list[:2])
		require.NoError(t, p.Resize(2))
		require.EqualValues(t, 4, alive.Load())
		got := make(chan pool.Resource[*conn])
		go func() {
			r, err := p.Get(t.Context())
			require.NoError(t, err)
			got <- r
		}()
		synctest.Wait()
		release(list[2:4])
		synctest.Wait()
		require.EqualValues(t, 2, alive.Load())
		require.Equal(t, 1, p.Stats().Waiting, "the room comes first")
		list[4].Release()
		list[4] = <-got
		release(list[4:])
		require.EqualValues(t, 2, alive.Load())
		require.EqualValues(t, 4, p.Stats().DestroyedFor[pool.Shrunk])
		require.ErrorIs(t, p.Resize(0), pool.ErrConfig)
		require.NoError(t, p.Resize(1))
		require.Equal(t, 1, p.Stats().Idle)
		p.Drain()
		require.ErrorIs(t, p.Resize(3), pool.ErrClosed)
	})
}

func TestResetRetiresIdleLentAndThoseInTheMaking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		var mu sync.Mutex
		n, alive := 0, 0
		p, _ := open(t, pool.Options[*conn]{MaxSize: 4,
			New: func(context.Context) (*conn, error) {
				mu.Lock()
				n++
				alive++
				c := &conn{id: n}
				mu.Unlock()
				if c.id == 4 {
					<-gate
				}
				return c, nil
			},
			Destroy: func(*conn) {
				mu.Lock()
				defer mu.Unlock()
				alive--
			},
		})
		list := lend(t, p, 3)
		list[0].Release()
		list[1].Release()
		more := lend(t, p, 2)
		got := make(chan int, 1)
		go func() {
			r, err := p.Get(t.Context()) // conn 4
			require.NoError(t, err)
			got <- r.Value().id
			r.Release()
		}()
		synctest.Wait()
		more[0].Release()
		require.Contains(t, []int{1, 2}, <-got)
		p.Reset()
		synctest.Wait()
		require.Equal(t, 3, alive, "two lent and one in the making")
		release([]pool.Resource[*conn]{list[2], more[1]})
		close(gate)
		synctest.Wait()
		require.Zero(t, alive)
		require.EqualValues(t, 4, p.Stats().DestroyedFor[pool.ByReset])
		lend(t, p, 1)[0].Release()
		require.Equal(t, 1, alive)
	})
}

func TestCloseDoesNotWaitForAHangingDestroyLongerThanItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		p, _ := open(t, pool.Options[*conn]{Destroy: func(*conn) { <-gate }})
		release(lend(t, p, 3))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, p.Close(ctx), context.DeadlineExceeded)
		require.Equal(t, 3, p.Stats().Held)
		close(gate)
		require.NoError(t, p.Close(t.Context()))
		require.EqualValues(t, 3, p.Stats().DestroyedFor[pool.Closed])
	})
}

func TestEverythingAfterCloseIsRefused(t *testing.T) {
	p, _ := open(t, pool.Options[*conn]{})
	release(lend(t, p, 2))
	require.NoError(t, p.Close(t.Context()))
	require.NoError(t, p.Close(t.Context()))
	_, err := p.Get(t.Context())
	require.ErrorIs(t, err, pool.ErrClosed)
	_, err = p.GetTimeout(time.Second)
	require.ErrorIs(t, err, pool.ErrClosed)
	_, ok := p.TryGet()
	require.False(t, ok)
	require.Empty(t, p.AcquireAllIdle())
	p.Reset()
}

func TestLateCreationIsDestroyedAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		p, alive := open(t, pool.Options[*conn]{New: func(context.Context) (*conn, error) { <-gate; return &conn{}, nil }})
		alive.Add(1)
		go func() { _ = p.Warm(t.Context(), 1) }()
		synctest.Wait()
		p.Drain()
		close(gate)
		require.NoError(t, p.Close(t.Context()))
		require.Zero(t, alive.Load())
	})
}

func TestAcquireAllIdle(t *testing.T) {
	p, alive := open(t, pool.Options[*conn]{MaxSize: 6})
	list := lend(t, p, 6)
	release(list[1:])
	all := p.AcquireAllIdle()
	require.Len(t, all, 5)
	seen := map[*conn]bool{list[0].Value(): true}
	for i, r := range all {
		require.False(t, seen[r.Value()])
		seen[r.Value()] = true
		if i%2 == 0 {
			r.Destroy()
		} else {
			r.Release()
		}
	}
	require.EqualValues(t, 3, alive.Load())
	require.Equal(t, 2, p.Stats().Idle)
	list[0].Release()
}

func TestIdleResourcesOfAllProcessorsAreVisibleToEveryone(t *testing.T) {
	p, _ := open(t, pool.Options[*conn]{MaxSize: 32})
	release(lend(t, p, 32))
	var wg sync.WaitGroup
	for range 8 { // spreads them over the processors
		wg.Go(func() {
			for range 200 {
				r, err := p.Get(t.Context())
				require.NoError(t, err)
				runtime.Gosched()
				r.Release()
			}
		})
	}
	wg.Wait()
	var list []pool.Resource[*conn]
	for {
		r, ok := p.TryGet()
		if !ok {
			break
		}
		list = append(list, r)
	}
	require.Len(t, list, 32)
	release(list)
	require.NoError(t, p.Resize(1))
	require.Equal(t, 1, p.Stats().Idle)
}

func TestHooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events []string
		note := func(s string) { events = append(events, s) }
		fail := false
		p, _ := open(t, pool.Options[*conn]{
			MaxSize: 1,
			New: func(context.Context) (*conn, error) {
				if fail {
					return nil, errors.New("refused")
				}
				return &conn{}, nil
			},
			Hooks: pool.Hooks[*conn]{
				OnCreate:      func(*conn, time.Duration) { note("create") },
				OnCreateError: func(err error, _ time.Duration) { note("error " + err.Error()) },
				OnAcquire: func(_ *conn, waited time.Duration) {
					note("acquire " + waited.Truncate(time.Second).String())
				},
				OnRelease: func(*conn) { note("release") },
				OnHijack:  func(*conn) { note("hijack") },
				OnDestroy: func(_ *conn, why pool.Reason) { note("destroy " + why.String()) },
				OnCancel:  func(err error) { note("cancel " + err.Error()) },
			},
		})
		r := lend(t, p, 1)[0]
		_, err := p.GetTimeout(time.Second)
		require.Error(t, err)
		time.AfterFunc(2*time.Second, r.Release)
		r = lend(t, p, 1)[0]
		r.Hijack()
		lend(t, p, 1)[0].Destroy()
		v, err := p.Acquire(t.Context())
		require.NoError(t, err)
		p.Release(v)
		p.Reset()
		fail = true
		_, err = p.Get(t.Context())
		require.Error(t, err)
		require.Equal(t, []string{
			"create", "acquire 0s", "cancel pool: no resource in time", "release", "acquire 2s", "hijack",
			"create", "acquire 0s", "destroy by holder", "create", "acquire 0s", "release", "destroy reset", "error refused",
		}, events)
	})
}

func TestPanicsOfHooksLoseNothing(t *testing.T) {
	var log bytes.Buffer
	var told []string
	boom := errors.New("boom")
	p, _ := open(t, pool.Options[*conn]{
		MaxSize: 1,
		Logger:  slog.New(slog.NewTextHandler(&log, nil)),
		Destroy: func(*conn) { panic(boom) },
		Hooks: pool.Hooks[*conn]{
			OnCreate:  func(*conn, time.Duration) { panic(boom) },
			OnAcquire: func(*conn, time.Duration) { panic(boom) },
			OnRelease: func(*conn) { panic(boom) },
			OnPanic: func(err *pool.PanicError) {
				if !errors.Is(err, boom) || !strings.Contains(string(err.Stack), "TestPanicsOfHooksLoseNothing") {
					told = append(told, "wrong")
				}
				told = append(told, err.Op)
				panic("again")
			},
		},
	})
	lend(t, p, 1)[0].Release()
	p.Drain()
	require.Equal(t, []string{"Hooks.OnCreate", "Hooks.OnAcquire", "Hooks.OnRelease", "Destroy"}, told)
	require.EqualValues(t, 8, p.Stats().Panics)
	require.Equal(t, 0, p.Stats().Total)
	require.Contains(t, log.String(), "Hooks.OnAcquire panicked: boom")
}

func TestGoexitInUserCodeLosesNothing(t *testing.T) {
	for _, c := range []struct {
		name string
		o    pool.Options[*conn]
		use  func(p *pool.Pool[*conn])
	}{
		{"OnAcquire", pool.Options[*conn]{Hooks: pool.Hooks[*conn]{OnAcquire: func(*conn, time.Duration) { runtime.Goexit() }}},
			func(p *pool.Pool[*conn]) { _, _ = p.Get(context.Background()) }},
		{"OnRelease", pool.Options[*conn]{Hooks: pool.Hooks[*conn]{OnRelease: func(*conn) { runtime.Goexit() }}},
			func(p *pool.Pool[*conn]) { r, _ := p.Get(context.Background()); r.Release() }},
		{"OnRelease of a bare value", pool.Options[*conn]{Hooks: pool.Hooks[*conn]{OnRelease: func(*conn) { runtime.Goexit() }}},
			func(p *pool.Pool[*conn]) { v, _ := p.Acquire(context.Background()); p.Release(v) }},
		{"OnHijack", pool.Options[*conn]{Hooks: pool.Hooks[*conn]{OnHijack: func(*conn) { runtime.Goexit() }}},
			func(p *pool.Pool[*conn]) { r, _ := p.Get(context.Background()); r.Hijack() }},
		{"Destroy", pool.Options[*conn]{Destroy: func(*conn) { runtime.Goexit() }},
			func(p *pool.Pool[*conn]) { r, _ := p.Get(context.Background()); r.Destroy() }},
		{"Do", pool.Options[*conn]{},
			func(p *pool.Pool[*conn]) {
				_ = p.Do(context.Background(), func(*conn) error { runtime.Goexit(); return nil })
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.MaxSize = 1
			p, _ := open(t, c.o)
			var wg sync.WaitGroup
			for range 2 {
				wg.Add(1)
				go func() {
					defer wg.Done()
					c.use(p)
				}()
				wg.Wait()
			}
			require.Equal(t, 0, p.Stats().InUse)
			require.LessOrEqual(t, p.Stats().Total, 1)
		})
	}
}

func TestWriteDump(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := open(t, pool.Options[*conn]{MaxSize: 2, Debug: true})
		old := lend(t, p, 1)
		pass(time.Minute)
		young := lend(t, p, 1)
		pass(time.Second)
		go func() {
			r, err := p.Get(t.Context())
			require.NoError(t, err)
			r.Destroy()
		}()
		synctest.Wait()
		var b strings.Builder
		require.NoError(t, p.WriteDump(&b))
		text := b.String()
		require.Contains(t, text, "pool: 2 of 2 resources: 2 in use, 0 idle, 0 in the making, 0 held by the pool; 1 waiting\n")
		require.Regexp(t, `(?s)resource 1 lent for 1m1(\.\d+)?s\n    \S*pool_test\.lend .*maintain_test\.go:\d+\n.*resource 2 lent for 1(\.\d+)?s\n`, text)
		require.NotContains(t, text, "(*Pool[")
		release(old)
		release(young)
		synctest.Wait()
		b.Reset()
		require.NoError(t, p.WriteDump(&b))
		require.Contains(t, b.String(), "destroyed: 1, by holder: 1\n")
		require.ErrorIs(t, p.WriteDump(brokenWriter{}), errBroken)
	})
}

var errBroken = errors.New("broken")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestMisuseNamesTheAcquireSiteInDebug(t *testing.T) {
	p, _ := open(t, pool.Options[*conn]{Debug: true})
	r := lend(t, p, 1)[0]
	r.Release()
	lend(t, p, 1)[0].Release()
	defer func() {
		text, _ := recover().(string)
		require.Contains(t, text, "pool: Release of a Resource that was released, destroyed or hijacked before; it was acquired at\n")
		require.Contains(t, text, "TestMisuseNamesTheAcquireSiteInDebug")
	}()
	r.Release()
}

func TestMisusedHandlesOfManyLoansAgo(t *testing.T) {
	p, _ := open(t, pool.Options[*conn]{Debug: true})
	r := lend(t, p, 1)[0]
	r.Release()
	for range 100 {
		lend(t, p, 1)[0].Release()
	}
	require.PanicsWithValue(t, "pool: Destroy of a Resource that was released, destroyed or hijacked before", r.Destroy)
}

func TestHistogramQuantile(t *testing.T) {
	var h pool.Histogram
	require.Zero(t, h.Quantile(0.5))
	h[10], h[20] = 99, 1
	require.Equal(t, time.Duration(1<<10), h.Quantile(0))
	require.Equal(t, time.Duration(1<<10), h.Quantile(0.99))
	require.Equal(t, time.Duration(1<<20), h.Quantile(1))
}

func TestReasonString(t *testing.T) {
	require.Equal(t, "foreign", pool.Foreign.String())
	require.Equal(t, "unknown", pool.Reason(99).String())
	require.Equal(t, "none", pool.Reason(0).String())
}

package keyed_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/groundwork-go/groundwork/pool"
	"github.com/groundwork-go/groundwork/pool/keyed"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func Example() {
	p, err := keyed.Open(&keyed.Options[string, string]{
		MaxPerKey: 2,
		MaxTotal:  3,
		New: func(_ context.Context, host string) (string, error) {
			return "connection to " + host, nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	defer p.Close(ctx)
	for _, host := range []string{"db1", "db2", "db1"} {
		c, err := p.Get(ctx, host)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(c.Value())
		c.Release()
	}
	fmt.Println("made:", p.Stats().Created)
	// Output:
	// connection to db1
	// connection to db2
	// connection to db1
	// made: 2
}

// res is a resource that knows its key.
type res struct {
	key string
	n   int
}

// fixture records what is made and destroyed.
type fixture struct {
	mu        sync.Mutex
	made      int
	live      map[string]int
	most      map[string]int // the most that were live at one time; "" for all
	destroyed []res
}

func (f *fixture) options(perKey, total int) *keyed.Options[string, res] {
	f.live, f.most = map[string]int{}, map[string]int{}
	return &keyed.Options[string, res]{
		MaxPerKey: perKey, MaxTotal: total,
		New: func(_ context.Context, key string) (res, error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.made++
			for _, k := range []string{key, ""} {
				f.live[k]++
				f.most[k] = max(f.most[k], f.live[k])
			}
			return res{key, f.made}, nil
		},
		Destroy: func(key string, r res) {
			f.mu.Lock()
			defer f.mu.Unlock()
			if key != r.key {
				panic("destroyed under another key")
			}
			f.live[key]--
			f.live[""]--
			f.destroyed = append(f.destroyed, r)
		},
	}
}

// gone returns what was destroyed.
func (f *fixture) gone() []res {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.destroyed)
}

func open(t *testing.T, o *keyed.Options[string, res]) *keyed.Pool[string, res] {
	t.Helper()
	p, err := keyed.Open(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close(context.Background())) })
	return p
}

func get(t *testing.T, p *keyed.Pool[string, res], key string) keyed.Resource[string, res] {
	t.Helper()
	r, err := p.Get(t.Context(), key)
	require.NoError(t, err)
	return r
}

// A queue lets callers come one after the other and notes the order in which they
// are served.
type queue struct {
	t      *testing.T
	p      *keyed.Pool[string, res]
	mu     sync.Mutex // for those who are served at the same moment
	served []string
	held   []keyed.Resource[string, res]
}

func (q *queue) join(ctx context.Context, key, name string) {
	go func() {
		r, err := q.p.Get(ctx, key)
		q.mu.Lock()
		defer q.mu.Unlock()
		if err != nil {
			q.served = append(q.served, name+": "+err.Error())
			return
		}
		q.served = append(q.served, name)
		q.held = append(q.held, r)
	}()
	synctest.Wait()
}

// releaseAll releases, one at a time, what callers hold, until all were served.
func (q *queue) releaseAll() {
	for len(q.held) > 0 {
		r := q.held[0]
		q.held = q.held[1:]
		r.Release()
		synctest.Wait()
	}
}

func TestReusesTheMostRecentlyUsedOfItsKey(t *testing.T) {
	var f fixture
	p := open(t, f.options(3, 10))
	a, b, c := get(t, p, "x"), get(t, p, "x"), get(t, p, "x")
	require.Equal(t, []int{1, 2, 3}, []int{a.Value().n, b.Value().n, c.Value().n})
	b.Release()
	a.Release()
	require.Equal(t, "x", c.Key())
	d := get(t, p, "x")
	require.Equal(t, 1, d.Value().n)
	_, ok := p.TryGet("y")
	require.False(t, ok)
	e, ok := p.TryGet("x")
	require.True(t, ok)
	require.Equal(t, 2, e.Value().n)
	require.Equal(t, keyed.Stats{Keys: 1, Total: 3, InUse: 3, Waited: 3, Created: 3}, p.Stats())
	for _, r := range []keyed.Resource[string, res]{c, d, e} {
		r.Release()
	}
}

func TestOneKeyIsServedInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fixture
		p := open(t, f.options(1, 5))
		q := queue{t: t, p: p}
		for _, name := range []string{"a", "b", "c", "d"} {
			q.join(t.Context(), "x", name)
		}
		require.Equal(t, []string{"a"}, q.served)
		q.releaseAll()
		require.Equal(t, []string{"a", "b", "c", "d"}, q.served)
		require.Equal(t, 1, f.made)
	})
}

func TestKeysWaitForTheTotalInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fixture
		p := open(t, f.options(2, 2))
		q := queue{t: t, p: p}
		for _, key := range []string{"x", "x", "y", "z", "x", "y"} {
			q.join(t.Context(), key, key)
		}
		q.releaseAll()
		require.Equal(t, []string{"x", "x", "y", "z", "x", "y"}, q.served)
		require.Equal(t, 2, f.most[""])
		require.EqualValues(t, 4, p.Stats().Evicted)
	})
}

func TestMaxOvertakesKeepsResourcesInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fixture
		o := f.options(1, 1)
		o.MaxOvertakes = 2
		p := open(t, o)
		q := queue{t: t, p: p}
		for _, name := range []string{"x1", "y1", "x2", "x3", "x4"} {
			q.join(t.Context(), name[:1], name)
		}
		q.releaseAll()
		require.Equal(t, []string{"x1", "x2", "x3", "y1", "x4"}, q.served)
		require.Equal(t, 3, f.made)
	})
}

func TestTheLongestIdleMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fixture
		p := open(t, f.options(2, 3))
		for _, key := range []string{"x", "y", "z"} {
			get(t, p, key).Release()
			time.Sleep(time.Second)
		}
		get(t, p, "x").Release() // y is the oldest now
		r := get(t, p, "w")
		require.Equal(t, []res{{"y", 2}}, f.gone())
		require.Equal(t, 3, p.Stats().Keys)
		require.EqualValues(t, 1, p.Stats().Evicted)
		r.Release()
	})
}

func TestTheBoundOfAKeyHoldsBackOnlyThatKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fixture
		p := open(t, f.options(1, 2))
		q := queue{t: t, p: p}
		for _, name := range []string{"x1", "x2", "x3", "y1"} {
			q.join(t.Context(), name[:1], name)
		}
		require.Equal(t, []string{"x1", "y1"}, q.served)
		q.releaseAll()
		require.Equal(t, []string{"x1", "y1", "x2", "x3"}, q.served)
		require.Equal(t, 1, f.most["x"])
	})
}

func TestCancelledCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fixture
		p := open(t, f.options(1, 1))
		q := queue{t: t, p: p}
		ctx, cancel := context.WithCancel(t.Context())
		q.join(t.Context(), "x", "a")
		q.join(ctx, "y", "gone")
		q.join(t.Context(), "x", "b")
		cancel()
		synctest.Wait()
		require.Equal(t, []string{"a", "gone: context canceled"}, q.served)
		_, err := p.Get(ctx, "never")
		require.ErrorIs(t, err, context.Canceled)
		st := p.Stats()
		require.Equal(t, []int{1, 1}, []int{st.Keys, st.Waiting}, "y is forgotten")
		q.releaseAll()
		require.Equal(t, 1, f.made)
	})
}

func TestACreationGoesOnWithoutItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fixture
		o := f.options(2, 2)
		make := o.New
		o.New = func(ctx context.Context, key string) (res, error) {
			time.Sleep(time.Minute)
			return make(ctx, key)
		}
		p := open(t, o)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := p.Get(ctx, "x")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 1, p.Stats().Creating)
		begin := time.Now()
		get(t, p, "x").Release() // the one that is in the making already serves it
		require.Equal(t, 59*time.Second, time.Since(begin))
		time.Sleep(2 * time.Minute)
		require.Equal(t, 1, f.made)
	})
}

func TestAResourceThatComesBackServesACallerWhoseCreationIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fixture
		o := f.options(2, 2)
		make, slow := o.New, false
		o.New = func(ctx context.Context, key string) (res, error) {
			if slow {
				time.Sleep(time.Hour)
			}
			return make(ctx, key)
		}
		p := open(t, o)
		a := get(t, p, "x")
		slow = true
		q := queue{t: t, p: p}
		q.join(t.Context(), "x", "b")
		require.Empty(t, q.served)
		a.Release()
		synctest.Wait()
		require.Equal(t, []string{"b"}, q.served)
		q.releaseAll()
		time.Sleep(2 * time.Hour)
		require.Equal(t, 2, p.Stats().Idle)
	})
}

func TestFailuresOfNew(t *testing.T) {
	boom := errors.New("boom")
	for _, c := range []struct {
		name  string
		f     func() (res, error)
		check func(error)
	}{
		{"error", func() (res, error) { return res{}, boom }, func(err error) { require.ErrorIs(t, err, boom) }},
		{"panic", func() (res, error) { panic(boom) }, func(err error) {
			var pe *pool.PanicError
			require.ErrorAs(t, err, &pe)
			require.ErrorIs(t, err, boom)
			require.Contains(t, string(pe.Stack), "keyed_test")
		}},
		{"Goexit", func() (res, error) { runtime.Goexit(); return res{}, nil }, func(err error) {
			var pe *pool.PanicError
			require.ErrorAs(t, err, &pe)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var f fixture
			o := f.options(1, 1)
			make, bad := o.New, true
			o.New = func(ctx context.Context, key string) (res, error) {
				if bad {
					return c.f()
				}
				return make(ctx, key)
			}
			p := open(t, o)
			_, err := p.Get(t.Context(), "x")
			c.check(err)
			require.Equal(t, keyed.Stats{CreateFailed: 1}, p.Stats())
			bad = false
			get(t, p, "x").Release()
		})
	}
}

func TestHijackAndDestroyMakeRoom(t *testing.T) {
	var f fixture
	p := open(t, f.options(1, 1))
	require.Equal(t, res{"x", 1}, get(t, p, "x").Hijack())
	require.Equal(t, keyed.Stats{Waited: 1, Created: 1}, p.Stats())
	get(t, p, "x").Destroy()
	get(t, p, "y").Release()
	require.Equal(t, []res{{"x", 2}}, f.gone())
}

func TestMisuse(t *testing.T) {
	var f fixture
	p := open(t, f.options(1, 1))
	r := get(t, p, "x")
	r.Release()
	again := get(t, p, "x")
	for name, op := range map[string]func(){
		"Release": r.Release, "Destroy": r.Destroy, "Hijack": func() { r.Hijack() }, "Value": func() { r.Value() }, "Key": func() { r.Key() },
	} {
		require.PanicsWithValue(t, "keyed: "+name+" of a Resource that was released, destroyed or hijacked before", op)
	}
	again.Release()
	require.Panics(t, func() { keyed.Resource[string, int]{}.Release() })
	var none context.Context
	require.Panics(t, func() { _, _ = p.Get(none, "x") })
	require.Panics(t, func() { _ = p.Close(none) })
}

func TestCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fixture
		o := f.options(2, 3)
		verdict := map[int]func(context.Context) error{
			1: func(context.Context) error { return errors.New("broken") },
			2: func(context.Context) error { time.Sleep(time.Minute); return nil }, // too late
			3: func(context.Context) error { panic("boom") },
			4: func(context.Context) error { time.Sleep(500 * time.Millisecond); return nil },
		}
		o.Check = func(ctx context.Context, key string, r res) error {
			if f := verdict[r.n]; f != nil {
				return f(ctx)
			}
			return nil
		}
		o.CheckAfterIdle = time.Second
		p := open(t, o)
		for n := 1; n <= 4; n++ {
			r := get(t, p, "x")
			require.Equal(t, n, r.Value().n)
			r.Release()
			r = get(t, p, "x")
			require.Equal(t, n, r.Value().n, "not idle for long enough to be checked")
			r.Release()
			time.Sleep(2 * time.Second)
		}
		require.EqualValues(t, 3, p.Stats().CheckFailed)

		// Whoever leaves during a check leaves the resource in the pool.
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err := p.Get(ctx, "x")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		time.Sleep(600 * time.Millisecond)
		require.Equal(t, 1, p.Stats().Idle)
		r := get(t, p, "x")
		require.Equal(t, 4, r.Value().n)
		r.Release()
		time.Sleep(time.Minute) // until the one that was too late ends
	})
}

func TestIdleTimeoutForgetsKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fixture
		o := f.options(2, 10)
		o.IdleTimeout = time.Minute
		p := open(t, o)
		a, b := get(t, p, "x"), get(t, p, "y")
		a.Release()
		time.Sleep(30 * time.Second)
		b.Release()
		time.Sleep(31 * time.Second)
		require.Equal(t, []res{{"x", 1}}, f.gone())
		require.Equal(t, 1, p.Stats().Keys)
		time.Sleep(30 * time.Second)
		require.Equal(t, keyed.Stats{Waited: 2, Created: 2, Destroyed: 2, IdleTooLong: 2}, p.Stats())
	})
}

func TestMaxLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fixture
		o := f.options(2, 10)
		o.MaxLifetime = time.Minute
		p := open(t, o)
		idle, lent := get(t, p, "x"), get(t, p, "x")
		idle.Release()
		time.Sleep(2 * time.Minute)
		lent.Release()
		_, ok := p.TryGet("x")
		require.False(t, ok)
		synctest.Wait()
		require.Equal(t, keyed.Stats{Waited: 2, Created: 2, Destroyed: 2}, p.Stats())
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fixture
		o := f.options(1, 2)
		make := o.New
		o.New = func(ctx context.Context, key string) (res, error) {
			if key == "slow" {
				<-ctx.Done()
				return res{}, ctx.Err()
			}
			return make(ctx, key)
		}
		p, err := keyed.Open(o)
		require.NoError(t, err)
		r := get(t, p, "x")
		q := queue{t: t, p: p}
		q.join(t.Context(), "slow", "slow")
		q.join(t.Context(), "x", "x2")
		q.join(t.Context(), "y", "y")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, p.Close(ctx), context.DeadlineExceeded)
		synctest.Wait()
		slices.Sort(q.served)
		require.Equal(t, []string{"slow: pool: closed", "x2: pool: closed", "y: pool: closed"}, q.served)
		_, err = p.Get(t.Context(), "x")
		require.ErrorIs(t, err, keyed.ErrClosed)
		_, ok := p.TryGet("x")
		require.False(t, ok)
		r.Release()
		require.NoError(t, p.Close(t.Context()))
		require.Equal(t, []res{{"x", 1}}, f.gone())
		st := p.Stats()
		require.Zero(t, st.Total)
		require.Zero(t, st.Keys)
	})
}

func TestPanicOfDestroyIsTold(t *testing.T) {
	var told []*pool.PanicError
	p, err := keyed.Open(&keyed.Options[int, int]{
		MaxTotal: 1,
		New:      func(context.Context, int) (int, error) { return 0, nil },
		Destroy:  func(int, int) { panic("boom") },
		OnPanic:  func(e *pool.PanicError) { told = append(told, e); panic("again") },
	})
	require.NoError(t, err)
	r, err := p.Get(t.Context(), 1)
	require.NoError(t, err)
	r.Destroy()
	require.NoError(t, p.Close(t.Context()))
	require.Len(t, told, 1)
	require.EqualError(t, told[0], "pool: Destroy panicked: boom")
	require.EqualValues(t, 1, p.Stats().Panics)
}

func TestTooManyWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fixture
		o := f.options(1, 1)
		o.MaxWaiters = 1
		p := open(t, o)
		q := queue{t: t, p: p}
		q.join(t.Context(), "x", "a")
		q.join(t.Context(), "x", "b")
		q.join(t.Context(), "x", "c")
		q.join(t.Context(), "y", "d")
		require.Equal(t, []string{"a", "c: pool: too many waiters"}, q.served)
		q.releaseAll()
		require.Equal(t, []string{"a", "c: pool: too many waiters", "b", "d"}, q.served)
		require.EqualValues(t, 1, p.Stats().Refused)
	})
}

func TestBadOptions(t *testing.T) {
	make := func(context.Context, string) (int, error) { return 0, nil }
	type options = keyed.Options[string, int]
	for _, c := range []struct {
		o    *options
		text string
	}{
		{nil, "New is needed"},
		{&options{MaxTotal: 1}, "New is nil"},
		{&options{New: make}, "MaxTotal is 0"},
		{&options{New: make, MaxTotal: -1}, "MaxTotal is -1"},
		{&options{New: make, MaxTotal: 1, MaxPerKey: 2}, "MaxPerKey is 2, above MaxTotal"},
		{&options{New: make, MaxTotal: 1, MaxPerKey: -1}, "MaxPerKey is negative"},
		{&options{New: make, MaxTotal: 1, MaxWaiters: -1}, "MaxWaiters is negative"},
		{&options{New: make, MaxTotal: 1, MaxOvertakes: -1}, "MaxOvertakes is negative"},
		{&options{New: make, MaxTotal: 1, IdleTimeout: -1}, "IdleTimeout is negative"},
		{&options{New: make, MaxTotal: 1, MaxLifetime: -1}, "MaxLifetime is negative"},
		{&options{New: make, MaxTotal: 1, CheckTimeout: -1}, "CheckTimeout is negative"},
		{&options{New: make, MaxTotal: 1, CheckAfterIdle: -1}, "CheckAfterIdle is negative"},
	} {
		_, err := keyed.Open(c.o)
		require.ErrorIs(t, err, keyed.ErrConfig, c.text)
		require.ErrorContains(t, err, c.text)
	}
	p, err := keyed.Open(&keyed.Options[float64, int]{MaxTotal: 1, New: func(context.Context, float64) (int, error) { return 0, nil }})
	require.NoError(t, err)
	var nan float64
	nan /= nan
	require.Panics(t, func() { _, _ = p.Get(t.Context(), nan) })
	require.NoError(t, p.Close(t.Context()))
}

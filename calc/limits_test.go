package calc_test

import (
	"context"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/calc"
)

var backends = []calc.Backend{calc.Tree, calc.VM, calc.JIT}

// actual is the backend that a program runs on that asks for b and may be machine code.
func actual(b calc.Backend) calc.Backend {
	if b.Available() {
		return b
	}
	return calc.VM
}

// endless are programs that only a limit ends.
var endless = map[string]string{
	"loop":        "for { }",
	"count":       "var n = 0\nfor { n++ }",
	"nested":      "for i in 0..maxInt { for j in 0..3 { } }",
	"float":       "var x = 0.0\nfor x < 1 { x = x * 0.5 }",
	"calls":       "func f(n int) int => if n == 0 { 0 } else { f(n - 1) + f(n - 1) }\nf(200)",
	"math":        "var x = 0.0\nfor { x = sin(x) }",
	"push":        "let xs = [1]\nfor { xs.push(1)\nxs.pop() }",
	"lists":       "for { let xs = list(100, 1)\nxs[0] = 2 }",
	"exponential": "func a(n int) int => b(n) + b(n)\nfunc b(n int) int => if n == 0 { 0 } else { a(n - 1) + a(n - 1) }\na(100)",
}

func TestDeadlineEndsEveryLoop(t *testing.T) {
	for name, src := range endless {
		for _, b := range backends {
			t.Run(name+" "+b.String(), func(t *testing.T) {
				t.Parallel()
				p, err := calc.Compile(src, &calc.Options{Backend: b})
				require.NoError(t, err)
				require.Equal(t, actual(b), p.Backend())
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
				defer cancel()
				_, err = p.Run(ctx, nil)
				var e *calc.Error
				require.ErrorAs(t, err, &e)
				assert.Equal(t, calc.LimitError, e.Kind)
				require.ErrorIs(t, err, context.DeadlineExceeded)
			})
		}
	}
}

func TestStepsEndEveryLoop(t *testing.T) {
	for name, src := range endless {
		for _, b := range backends {
			p, err := calc.Compile(src, &calc.Options{Backend: b, Limits: calc.Limits{Steps: 50_000}})
			require.NoError(t, err)
			_, err = p.Run(t.Context(), nil)
			require.ErrorContains(t, err, "more than 50000 steps", "%s %v", name, b)
		}
	}
}

// TestGarbageCollectionDuringNativeCode needs the code to come back to Go: a
// collection waits for all goroutines.
func TestGarbageCollectionDuringNativeCode(t *testing.T) {
	p, err := calc.Compile("var n = 0\nfor { n++ }", &calc.Options{Backend: calc.JIT})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := p.Run(ctx, nil)
		done <- err
	}()
	for range 5 {
		runtime.GC()
	}
	select {
	case err := <-done:
		t.Fatalf("the loop ended by itself: %v", err)
	default:
	}
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
}

func TestDepthOfCalls(t *testing.T) {
	const deep = "func f(n int) int => if n == 0 { 0 } else { 1 + f(n - 1) }\nf(%)"
	for _, b := range backends {
		run := func(src string, l calc.Limits) error {
			p, err := calc.Compile(src, &calc.Options{Backend: b, Limits: l})
			require.NoError(t, err)
			_, err = p.Run(t.Context(), nil)
			return err
		}
		require.NoError(t, run(strings.Replace(deep, "%", "19000", 1), calc.Limits{}), b)
		err := run(strings.Replace(deep, "%", "-1", 1), calc.Limits{})
		var e *calc.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, "stack overflow", e.Msg)
		require.Equal(t, calc.RuntimeError, e.Kind)
		require.Greater(t, len(e.Stack), 5000)
		require.Equal(t, 1, e.Pos.Line)
	}
}

func TestMemoryLimit(t *testing.T) {
	for name, src := range map[string]string{
		"list":    "list(1 << 40, 0)",
		"push":    "let xs = [0]\nfor { xs.push(1) }",
		"bools":   "let xs = [true]\nfor { xs.push(true) }",
		"doubled": "var xs = [0.5]\nfor { xs = xs + xs }",
		"range":   "range(0, maxInt)",
	} {
		for _, b := range backends {
			p, err := calc.Compile(src, &calc.Options{Backend: b, Limits: calc.Limits{Memory: 4 << 20}})
			require.NoError(t, err)
			_, err = p.Run(t.Context(), nil)
			require.ErrorContains(t, err, "limit error: more than 4194304 bytes of memory", "%s %v", name, b)
		}
	}
	// Garbage does not count.
	for _, b := range backends {
		p, err := calc.Compile("var n = 0\nfor i in 0..2000 { let xs = list(10000, i)\nn += xs[9999] }\nn", &calc.Options{Backend: b, Limits: calc.Limits{Memory: 1 << 20}})
		require.NoError(t, err)
		v, err := p.Run(t.Context(), nil)
		require.NoError(t, err, b)
		require.EqualValues(t, 1999000, v.Int())
	}
}

func TestConcurrentRunsOfAllBackends(t *testing.T) {
	const src = `
func fib(n int) int => if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
let xs = list(50, 1.5)
for i in 0..50 { xs[i] = xs[i] * i + sqrt(i) }
sum(xs) + fib(k)`
	for _, b := range backends {
		p, err := calc.Compile(src, &calc.Options{Backend: b, Env: map[string]any{"k": 0}})
		require.NoError(t, err)
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				want, err := p.Run(t.Context(), map[string]any{"k": i % 7})
				if !assert.NoError(t, err) {
					return
				}
				for range 20 {
					v, err := p.Run(t.Context(), map[string]any{"k": i % 7})
					assert.NoError(t, err)
					assert.Equal(t, want.Float(), v.Float())
				}
			})
		}
		wg.Wait()
	}
}

// TestCodeIsUnmapped drops many programs and looks at the process's mappings.
func TestCodeIsUnmapped(t *testing.T) {
	executable := func() int {
		maps, err := os.ReadFile("/proc/self/maps")
		if err != nil {
			t.Skip("there is no /proc")
		}
		return strings.Count(string(maps), "r-xp 00000000 00:00 0")
	}
	before := executable()
	for range 300 {
		p, err := calc.Compile("var n = 0\nfor i in 0..10 { n += i }\nn", &calc.Options{Backend: calc.JIT})
		require.NoError(t, err)
		_, err = p.Run(t.Context(), nil)
		require.NoError(t, err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for executable() > before+20 && time.Now().Before(deadline) {
		runtime.GC() // cleanups run some time after it
	}
	require.LessOrEqual(t, executable(), before+20)
}

func TestInstanceOnAllBackends(t *testing.T) {
	for _, b := range backends {
		p, err := calc.Compile("var total = 0\nlet seen = [0]\nfunc add(n int, f float) int { total += n\nseen.push(n)\ntotal }\nfunc list() []int => seen\nfunc halves(xs []float) []float { for i in 0..len(xs) { xs[i] /= 2 }\nxs }\nfunc bad(n int) int => 1 div n", &calc.Options{Backend: b})
		require.NoError(t, err)
		require.Equal(t, actual(b), p.Backend())
		in, err := p.NewInstance(t.Context(), nil)
		require.NoError(t, err)
		for i, want := range []int64{5, 12} {
			v, err := in.Call(t.Context(), "add", 5+2*i, 1.5)
			require.NoError(t, err)
			require.Equal(t, want, v.Int())
		}
		_, err = in.Call(t.Context(), "bad", 0)
		require.ErrorContains(t, err, "division by zero")
		v, err := in.Call(t.Context(), "list")
		require.NoError(t, err)
		require.Equal(t, "[0, 5, 7]", v.String())
		v, err = in.Call(t.Context(), "halves", []float64{1, 2, 5})
		require.NoError(t, err)
		require.Equal(t, "[0.5, 1, 2.5]", v.String())
		require.NoError(t, in.Close())
		require.NoError(t, in.Close())
		require.Equal(t, "[0.5, 1, 2.5]", v.String(), "a value outlives the instance")
	}
}

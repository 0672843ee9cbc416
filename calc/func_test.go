package calc_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/calc"
)

func ExampleFunc() {
	f, err := calc.Func[func(a, b float64) float64]("a*b + 1", "a", "b")
	fmt.Println(f(2, 3), err)

	check, err := calc.Func[func(n int64) (bool, error)]("100 div n > 7", "n")
	fmt.Println(check(12))
	fmt.Println(err)
	_, err = check(0)
	fmt.Println(err)
	// Output:
	// 7 <nil>
	// true <nil>
	// <nil>
	// <eval>:1:5: runtime error: division by zero
}

// forEachBackend runs a test for a type of functions on each backend.
func forEachBackend[F any](t *testing.T, src string, params []string, test func(t *testing.T, f F)) {
	t.Helper()
	for _, b := range append(backends, calc.Auto) {
		f, err := calc.FuncOn[F](b, src, params...)
		require.NoError(t, err, "%v: %s", b, src)
		test(t, f)
	}
}

func TestFuncOfWords(t *testing.T) {
	forEachBackend(t, "a + b", []string{"a", "b"}, func(t *testing.T, f func(a int64, b float64) float64) { require.Equal(t, 3.5, f(1, 2.5)) })
	forEachBackend(t, "x", []string{"x"}, func(t *testing.T, f func(x int64) float64) { require.Equal(t, 3.0, f(3)) })
	forEachBackend(t, "!x", []string{"x"}, func(t *testing.T, f func(x bool) bool) { require.True(t, f(false)); require.False(t, f(true)) })
	forEachBackend(t, "let s = a && b\nif s { c } else { -d }", []string{"a", "b", "c", "d"}, func(t *testing.T, f func(a, b bool, c, d int64) int64) {
		require.EqualValues(t, 5, f(true, true, 5, 7))
		require.EqualValues(t, -7, f(true, false, 5, 7))
	})
	forEachBackend(t, "var s = 0\nfor i in 0..n { s += i }\ns", []string{"n"}, func(t *testing.T, f func(n int64) int64) { require.EqualValues(t, 499500, f(1000)) })
	forEachBackend(t, "func fib(n int) int => if n < 2 { n } else { fib(n - 1) + fib(n - 2) }\nfib(n)", []string{"n"}, func(t *testing.T, f func(n int64) int64) { require.EqualValues(t, 6765, f(20)) })
	forEachBackend(t, "sin(x) ** 2 + cos(x) ** 2 + floor(y) + min(x, y) + int(y)", []string{"x", "y"}, func(t *testing.T, f func(x, y float64) float64) {
		require.InDelta(t, 1+2+0.5+2, f(0.5, 2.5), 1e-12)
	})
	type named func(x float64) float64
	forEachBackend(t, "x / 2", []string{"x"}, func(t *testing.T, f named) { require.Equal(t, 0.5, f(1)) })
}

func TestFuncOfOtherTypes(t *testing.T) {
	forEachBackend(t, "s.upper() + str(n)", []string{"s", "n"}, func(t *testing.T, f func(s string, n int) string) { require.Equal(t, "AB7", f("ab", 7)) })
	forEachBackend(t, "xs.map(x => x * 2)", []string{"xs"}, func(t *testing.T, f func(xs []int) []int) { require.Equal(t, []int{2, 4}, f([]int{1, 2})) })
	forEachBackend(t, "xs.find(x => x > 1)", []string{"xs"}, func(t *testing.T, f func(xs []int) *int) {
		require.Equal(t, 2, *f([]int{1, 2}))
		require.Nil(t, f([]int{1}))
	})
	forEachBackend(t, "print(s)", []string{"s"}, func(t *testing.T, f func(s string)) { f("discarded") })
	forEachBackend(t, "42", nil, func(t *testing.T, f func() int64) { require.EqualValues(t, 42, f()) })
}

func TestFuncFaults(t *testing.T) {
	forEachBackend(t, "10 div n", []string{"n"}, func(t *testing.T, f func(n int64) int64) {
		defer func() {
			var e *calc.Error
			require.ErrorAs(t, recover().(error), &e)
			require.Equal(t, "<eval>:1:4: runtime error: division by zero", e.Error())
			require.EqualValues(t, 5, f(2), "the function works after a fault")
		}()
		f(0)
	})
	forEachBackend(t, "func g(n int) int => 10 div n\ng(n)", []string{"n"}, func(t *testing.T, f func(n int64) (int64, error)) {
		_, err := f(0)
		var e *calc.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, "g", e.Stack[0].Name)
	})
	_, err := calc.Func[func(a float64) float64]("a +", "a")
	require.ErrorContains(t, err, "1:4: syntax error")
	_, err = calc.Func[func(a float64) float64]("b", "a")
	require.ErrorContains(t, err, "1:1: type error: unknown name b")
	_, err = calc.Func[func(a float64) int64]("a", "a")
	require.ErrorContains(t, err, "type error")
	_, err = calc.Func[func(a float64) float64]("a")
	require.ErrorContains(t, err, "1 parameters, but 0 names")
	_, err = calc.Func[int]("1")
	require.ErrorContains(t, err, "no function")
	_, err = calc.Func[func(a ...int)]("1", "a")
	require.ErrorContains(t, err, "no function with fixed parameters")
	_, err = calc.Func[func() (int, int)]("1")
	require.ErrorContains(t, err, "more than one result")
}

func TestFuncIsSafeForConcurrentUse(t *testing.T) {
	for _, src := range []string{"a * b + 1", "var s = 1.0\nfor i in 0..3 { s += a * b / 3 }\ns", "sqrt(sin(a * b) ** 2) * 0 + a * b + 1"} {
		forEachBackend(t, src, []string{"a", "b"}, func(t *testing.T, f func(a, b float64) float64) {
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() {
					for j := range 200 {
						assert.InDelta(t, float64(i*j)+1, f(float64(i), float64(j)), 1e-9)
					}
				})
			}
			wg.Wait()
		})
	}
}

func TestFuncAllocatesNothing(t *testing.T) {
	most := 0.0
	if raceEnabled {
		most = 10 // a sync.Pool forgets at random then
	}
	for _, b := range []calc.Backend{calc.VM, calc.JIT} {
		f, err := calc.FuncOn[func(a, b float64) float64](b, "(a + b*2.5 - b/4)*(a - b)", "a", "b")
		require.NoError(t, err)
		require.LessOrEqual(t, testing.AllocsPerRun(100, func() { f(1, 2) }), most, b)
	}
}

func BenchmarkFunc(b *testing.B) {
	closure := func(a, b, c float64) float64 { return (a + b*2.5 - c/4) * (a - b) }
	b.Run("go", func(b *testing.B) {
		for b.Loop() {
			sink = closure(1, 2, 3)
		}
	})
	for _, on := range []calc.Backend{calc.JIT, calc.VM} {
		f, err := calc.FuncOn[func(a, b, c float64) float64](on, "(a + b*2.5 - c/4)*(a - b)", "a", "b", "c")
		require.NoError(b, err)
		b.Run(on.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sink = f(1, 2, 3)
			}
		})
		b.Run("compile "+on.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, err := calc.FuncOn[func(value, adults int64, mow, ru bool) bool](on, "(mow || ru) && (value >= 100 || adults == 1)", "value", "adults", "mow", "ru")
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

var sink float64

package calc_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/calc"
)

// TestOddSources gives the compiler sources that are no text, or too much of it.
func TestOddSources(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		{"nothing", "", ""},
		{"blanks", " \n\t\r\n", ""},
		{"NUL", "1\x00", "1:2: syntax error: unknown character '\\x00'"},
		{"NUL in a string", "\"\x00\".len()", "1"},
		{"byte order mark", "\ufeff1 + 1", "2"},
		{"byte order mark inside", "1\ufeff", "1:2: syntax error: unknown character '\\ufeff'"},
		{"CRLF", "let a = 1\r\na +\r\n1\r\n", "2"},
		{"bad UTF-8", "let \xc3\x28 = 1", "1:5: syntax error: source is not valid UTF-8"},
		{"bad UTF-8 in a comment", "1 // \xff\xfe", "1"},
		{"only brackets", strings.Repeat("}", 1000), "1:1: syntax error: expected an expression, found '}'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, b := range backends {
				got := firstLine(result(c.src, b))
				require.Equal(t, c.want, got)
			}
		})
	}
	_, err := calc.Compile(strings.Repeat(" ", 100<<20), nil)
	require.ErrorContains(t, err, "limit error: source has 104857600 bytes, more than 4194304")
	if !testing.Short() {
		_, err = calc.Compile(strings.Repeat("// words\n", 100<<20/9), &calc.Options{Limits: calc.Limits{Source: 100 << 20}})
		require.NoError(t, err)
	}
}

// firstLine is the error of a source that has several.
func firstLine(s string) string {
	line, _, _ := strings.Cut(s, " (and ")
	return line
}

// TestDeepSources nests what can be nested further than anybody needs.
func TestDeepSources(t *testing.T) {
	for _, s := range []string{"(", "[", "-", "!", "{1:", "x => ", "if true { ", "f(", "2 ** "} {
		_, err := calc.Compile(strings.Repeat(s, 200_000), nil)
		require.Error(t, err, s)
		require.ErrorContains(t, err, "syntax error", s)
	}
}

// TestLargeFunctions needs more registers and larger frames than anybody has.
func TestLargeFunctions(t *testing.T) {
	terms, n := strings.Repeat(" + 1", 100_000), 5000
	if testing.Short() {
		n = 1000
	}
	var locals, sum strings.Builder
	for i := range n {
		fmt.Fprintf(&locals, "let v%d = n + %d\n", i, i)
		fmt.Fprintf(&sum, " + v%d", i)
	}
	for _, b := range backends {
		require.Equal(t, "100000", result("0"+terms, b), b)
		require.Equal(t, fmt.Sprint(n*(n+1)/2), result("func f(n int) int {\n"+locals.String()+"0"+sum.String()+" }\nf(1)", b), b)
	}
}

// TestHostPanics and the calls that follow: a machine goes on after a panic of the host.
func TestHostPanics(t *testing.T) {
	for _, b := range backends {
		n := 0
		p, err := calc.Compile("func f(x int) => risky(x)\nf(k) + 1", &calc.Options{
			Backend: b,
			Env:     map[string]any{"k": 0},
			Funcs: map[string]any{"risky": func(x int) int {
				if n++; x < 0 {
					panic("boom")
				}
				return x * 2
			}},
		})
		require.NoError(t, err)
		_, err = p.Run(t.Context(), map[string]any{"k": -1})
		var e *calc.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, calc.RuntimeError, e.Kind)
		require.Contains(t, e.Msg, "boom")
		require.Equal(t, []calc.Frame{{Name: "f", Pos: calc.Position{File: "<eval>", Line: 2, Col: 1}}}, e.Stack, b)
		v, err := p.Run(t.Context(), map[string]any{"k": 4})
		require.NoError(t, err)
		require.EqualValues(t, 9, v.Int())
		require.Equal(t, 2, n)
	}
}

// TestHostReenters calls the program, and another one, from a function that it calls.
func TestHostReenters(t *testing.T) {
	for _, b := range backends {
		var p *calc.Program
		var err error
		again := func(n int) (int, error) {
			if n == 0 {
				v, err := calc.Eval("3 + 4")
				return int(v.Int()), err
			}
			v, err := p.Run(context.Background(), map[string]any{"n": n - 1})
			if err != nil {
				return 0, err
			}
			return int(v.Int()), nil
		}
		p, err = calc.Compile("let xs = [n, n]\nagain(n) + sum(xs)", &calc.Options{Backend: b, Env: map[string]any{"n": 0}, Funcs: map[string]any{"again": again}})
		require.NoError(t, err)
		v, err := p.Run(t.Context(), map[string]any{"n": 20})
		require.NoError(t, err)
		require.EqualValues(t, 420+7, v.Int(), b)
	}
}

// TestCallbacksUnderCollection calls the host, which makes garbage, while Go collects
// as often as it can.
func TestCallbacksUnderCollection(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	for _, b := range backends {
		p, err := calc.Compile(`
type P { s string, n P? }
var last P? = nil
for i in 0..300 { last = P{s: garbage(str(i)), n: last} }
var n = 0
var at = last
for at != nil { n += len(at!.s)
at = at!.n }
n`, &calc.Options{Backend: b, Funcs: map[string]any{"garbage": func(s string) string {
			list := make([][]byte, 50)
			for i := range list {
				list[i] = make([]byte, 100)
			}
			return strings.Clone(s) + string(list[7][:1])
		}}})
		require.NoError(t, err)
		v, err := p.Run(t.Context(), nil)
		require.NoError(t, err)
		require.EqualValues(t, 10+180+600+300, v.Int(), b)
	}
}

// TestManyRunsOfOneProgram is for the race detector.
func TestManyRunsOfOneProgram(t *testing.T) {
	rounds := 1000
	if testing.Short() {
		rounds = 20
	}
	for _, b := range backends {
		p, err := calc.Compile("let m = {\"k\": n}\nm[\"k\"] + len(\"${n}\")", &calc.Options{Backend: b, Env: map[string]any{"n": 0}})
		require.NoError(t, err)
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				for range rounds {
					v, err := p.Run(context.Background(), map[string]any{"n": i + 100})
					if !assert.NoError(t, err) || !assert.EqualValues(t, i+103, v.Int()) {
						return
					}
				}
			})
		}
		wg.Wait()
	}
}

// TestErrorsOfAllKinds tells what callers can ask of an error.
func TestErrorsOfAllKinds(t *testing.T) {
	for src, kind := range map[string]calc.ErrorKind{"1 +": calc.SyntaxError, "x": calc.TypeError, "1 div 0": calc.RuntimeError, "for { }": calc.LimitError} {
		_, err := calc.Eval(src)
		var e *calc.Error
		require.True(t, errors.As(err, &e), src)
		require.Equal(t, kind, e.Kind, src)
	}
}

// brokenFS is a file system that panics.
type brokenFS struct{}

func (brokenFS) Open(string) (fs.File, error) { panic("no files today") }

// TestFaultsOfTheCompiler are errors with the place in the source, for the checker by
// what it calls, for the others by a node that there is not.
func TestFaultsOfTheCompiler(t *testing.T) {
	_, err := calc.Compile("let x = 1\nimport \"m\"", &calc.Options{Name: "x.calc", Modules: brokenFS{}})
	require.EqualError(t, err, "x.calc:2:8: internal error: no files today")
	require.Contains(t, calc.Report(err), "import \"m\"\n       ^\nhint: this is a fault of calc, not of the program\n")
	for _, b := range []calc.Backend{calc.VM, calc.JIT} {
		err := calc.CompileUnheard("let xs = [1, 2]\nfor i in 0..2 {\n  xs[i] += 1\n}", &calc.Options{Name: "x.calc", Backend: b})
		var e *calc.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, calc.InternalError, e.Kind)
		require.Equal(t, calc.Position{File: "x.calc", Line: 3, Col: 5}, e.Pos)
	}
}

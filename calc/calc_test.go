package calc_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/calc"
)

// values has a case for each sentence of LANGUAGE.md that speaks of a value.
var values = []struct{ src, want string }{
	{"2 + 3 * 4", "14"},
	{"(2 + 3) * 4", "20"},
	{"10 / 2 + 3", "8"},
	{"100 - 50 * 2", "0"},
	{"let x = 5\nx", "5"},
	{"7 / 2", "3.5"},
	{"7 div 2", "3"},
	{"-7 div 2", "-3"},
	{"-7 % 3", "-1"},
	{"7.5 % 2", "1.5"},
	{"minInt div -1", "-9223372036854775808"},
	{"maxInt + 1", "-9223372036854775808"},
	{"-9223372036854775808", "-9223372036854775808"},
	{"0xFFFFFFFFFFFFFFFF", "-1"},
	{"0b1010 + 0o17 + 1_000", "1025"},
	{"'a'", "97"},
	{`'\n'`, "10"},
	{"-2 ** 2", "-4"},
	{"2 ** 3 ** 2", "512"},
	{"2 ** -1", "0.5"},
	{"1 << 64", "0"},
	{"-1 >> 70", "-1"},
	{"6 & 3 | 8 ^ 1", "11"},
	{"^0", "-1"},
	{"1 / 0", "+Inf"},
	{"-1 / 0", "-Inf"},
	{"0 / 0", "NaN"},
	{"nan == nan", "false"},
	{"0.1 + 0.2", "0.30000000000000004"},
	{"1e21", "1e+21"},
	{"1e20", "100000000000000000000"},
	{"0.000001", "0.000001"},
	{"1e-7", "1e-07"},
	{"-0.0", "-0"},
	{"1 < 2 && 2 <= 2 || false", "true"},
	{"true != false", "true"},
	{"1 == 1.0", "true"},
	{`"a" < "b"`, "true"},
	{`"a" + "b"`, "ab"},
	{`"n is ${1 + 2}, ${"in ${"side"}"}"`, "n is 3, in side"},
	{"`raw\\n${x}`", `raw\n${x}`},
	{`"\x41\u{20AC}\t\$"`, "A€\t$"},
	{`"abc"[1]`, "98"},
	{`"hello"[1:3] + "hello"[3:] + "hello"[:1]`, "ello" + "h"},
	{`"ell" in "hello"`, "true"},
	{"if 1 < 2 { 1 } else { 2.5 }", "1"},
	{"if false { 1 } else if true { 2 } else { 3 }", "2"},
	{"do { let x = 2\nx * x }", "4"},
	{"var i = 0\nfor i < 10 { i++ }\ni", "10"},
	{"var n = 0\nfor i in 0..=4 { n += i }\nn", "10"},
	{"var n = 0\nfor i in 5..0 { n = 1 }\nn", "0"},
	{"var n = 0\nfor i in maxInt-1..=maxInt { n++ }\nn", "2"},
	{"var n = 0\nfor { n++; if n % 2 == 0 { continue }; if n > 6 { break } }\nn", "7"},
	{"var f float = 1\nf = 2\nf", "2"},
	{"var s string\ns == \"\"", "true"},
	{"let x = 1\nlet y = do { let x = 2\nx }\nx + y", "3"},
	{"let min = 3\nmin", "3"},
	{"func fib(n) => if n < 2 { n } else { fib(n-1) + fib(n-2) }\nfib(20)", "6765"},
	{"func id(x) => x\nid(1) + len(id(\"ab\"))", "3"},
	{"func half(x float) float { return x / 2 }\nhalf(3)", "1.5"},
	{"func avg(a, b float) => (a + b) / 2\navg(1, 2)", "1.5"},
	{"func f(a _, b int) => a + b\nf(0.5, 1)", "1.5"},
	{"func sign(x) { if x < 0 { return -1 }\nif x > 0 { return 0.5 }\n0 }\nsign(2)", "0.5"},
	{"func even(n) => n == 0 || odd(n - 1)\nfunc odd(n) => n != 0 && even(n - 1)\neven(10)", "true"},
	{"let k = 10\nfunc f(x) { func g(y) => x + y + k\ng(1) }\nf(2)", "13"},
	{"var count = 0\nfunc tick() { count += 1 }\ntick()\ntick()\ncount", "2"},
	{"func loop(n int) int { for { if n > 3 { return n } else { n++ } } }\nloop(0)", "4"},
	{`"abc".upper().len()`, "3"},
	{"func twice(x) => x * 2\n3.twice()", "6"},
	{"1 +\n2", "3"},
	{"(1\n+ 2)", "3"},
	{"\"a\"\n  .upper()", "A"},
	{"#!/usr/bin/calc\n1 // one\n/* two\nlines */", "1"},
	{"\ufeff1", "1"},
	{"let a = 1;\r\n2.abs()", "2"},
	{`len("äb")`, "3"},
	{`ord("ä") + ord(chr(66))`, "294"},
	{`int("-12") + int(2.9) + int(true)`, "-9"},
	{`float("1e3") + float(1)`, "1001"},
	{"min(3, 1, 2) + max(1, 2)", "3"},
	{"max(1, 2.5)", "2.5"},
	{"abs(-3) + abs(-0.5)", "3.5"},
	{"sqrt(16) + floor(-1.5) + ceil(1.2) + round(2.5) + trunc(-2.7)", "5"},
	{"fixed(pi, 2)", "3.14"},
	{"ushr(-1, 60)", "15"},
	{`str(1.0) + str(true) + str("x")`, "1truex"},
	{`"a-b-c".replace("-", "+").contains("+b")`, "true"},
	{`"go".repeat(3).index("og")`, "1"},
	{`" x ".trim().hasPrefix("x")`, "true"},
	{"isNaN(nan) && isInf(-inf)", "true"},
	{`if true { 1 } else { error("no") }`, "1"},
	{"", ""},
	{"print(1)", ""},
	{"if true { 1 }", ""},
}

func TestValues(t *testing.T) {
	for _, c := range values {
		v, err := calc.Eval(c.src)
		require.NoError(t, err, "%q", c.src)
		require.Equal(t, c.want, v.String(), "%q", c.src)
	}
}

// faults has the first line of the report, without the file.
var faults = []struct{ src, want string }{
	{"1 +", "1:4: syntax error: expected an expression, found end of source"},
	{"a b", "1:3: syntax error: expected end of statement, found 'b'"},
	{"let x 5", "1:7: syntax error: expected '=', found '5'"},
	{"1 ~ 2", "1:3: syntax error: unknown character '~'"},
	{"\"abc", "1:1: syntax error: string is not closed"},
	{"`abc", "1:1: syntax error: string is not closed"},
	{`"${1`, "1:2: syntax error: '${' is not closed on its line"},
	{`"${}"`, "1:4: syntax error: expected an expression, found end of source"},
	{`"${1 2}"`, "1:6: syntax error: expected '}', found '2'"},
	{`"\q"`, `1:2: syntax error: unknown escape "\\q"`},
	{`"\u{D800}"`, `1:2: syntax error: \u needs a code point, as \u{1F600}`},
	{"'ab'", "1:1: syntax error: a rune is one character; strings are written \"...\""},
	{"/* x", "1:1: syntax error: comment is not closed"},
	{"012", "1:1: syntax error: number 012 begins with 0; octal is written 0o12"},
	{"9223372036854775808", "1:1: syntax error: number 9223372036854775808 is too large for an int"},
	{"1__0", "1:1: syntax error: bad number 1__0"},
	{"1 + 1e", "1:5: syntax error: bad number 1e"},
	{"import geo", "1:11: syntax error: expected a path, as in import \"geo/shapes\", found end of line"},
	{"1 < 2 < 3", "1:7: syntax error: comparisons do not chain"},
	{"return 1", "1:1: syntax error: return outside of a function"},
	{"break", "1:1: syntax error: break outside of a loop"},
	{"if true { 1 ", "1:9: syntax error: '{' is not closed"},
	{"1 = 2", "1:3: syntax error: only a variable, an element or a field can be assigned"},
	{"x", "1:1: type error: unknown name x"},
	{"1 + true", "1:3: type error: operator + does not apply to int and bool"},
	{"!1", "1:1: type error: operator ! does not apply to int"},
	{"if 1 { }", "1:4: type error: condition must be bool, found int"},
	{"let x = 1\nx = 2", "2:1: type error: x cannot be assigned, it is a let"},
	{"for i in 0..3 { i = 1 }", "1:17: type error: i cannot be assigned, it is a loop variable"},
	{"var x = 1\nx /= 2", "2:3: type error: expected int, found float"},
	{"let x int = 1.5", "1:13: type error: expected int, found float"},
	{"let x number = 1", "1:7: type error: unknown type number"},
	{"let x = 1\nlet x = 2", "2:5: type error: x is declared already in this block, at 1:5"},
	{"let y = print(1)", "1:9: type error: this has no value"},
	{"let y = if true { 1 }", "1:9: type error: this has no value"},
	{"1 == 2\n3", "1:3: type error: value is not used"},
	{"func f(a int) => a\nf(1, 2)", "2:1: type error: f needs 1 argument, found 2"},
	{"func f(a int) => a\nf(\"x\")", "2:3: type error: argument 1 of f must be int, found string"},
	{"func f(a) => a.upper()\nf(1)", "1:14: type error: argument 1 of upper must be string, found int, in f(int)"},
	{"func f(a) => b", "1:14: type error: unknown name b"},
	{"func f(n) => f(n)\nf(1)", "1:14: runtime error: stack overflow"},
	{"func f(n int) int { if n > 0 { return 1 } }", "1:43: type error: f returns int, the result is missing at its end"},
	{"func f(n int) { if n > 0 { return 1 }\n\"x\" }", "2:1: type error: f returns string here and int before"},
	{"func f(a, a) => 1", "1:11: type error: parameter a is declared twice"},
	{"let g = len", "1:9: type error: len is a builtin, as a value it needs an expected function type"},
	{"let g = 1\ng(2)", "2:1: type error: int cannot be called"},
	{"f()\nlet k = 1\nfunc f() => k", "3:13: type error: k is declared at 2:5, after the function that uses it was mentioned"},
	{"lenght(\"x\")", "1:1: type error: unknown name lenght"},
	{"min(1)", "1:1: type error: min needs at least 2 arguments, or a list"},
	{"1 div 0", "1:3: runtime error: division by zero"},
	{"1 % 0", "1:3: runtime error: division by zero"},
	{"1 << -1", "1:3: runtime error: negative shift count"},
	{`"abc"[3]`, "1:6: runtime error: index out of range: 3 of 3"},
	{`"abc"[2:1]`, "1:6: runtime error: index out of range: 2 of 1"},
	{`"abc"[-1:]`, "1:6: runtime error: index out of range: -1 of 3"},
	{"int(nan)", "1:1: runtime error: int out of range: NaN"},
	{"int(9.3e18)", "1:1: runtime error: int out of range: 9300000000000000000"},
	{`int("1x")`, `1:1: runtime error: invalid number: "1x"`},
	{`float("")`, `1:1: runtime error: invalid number: ""`},
	{"chr(0xD800)", "1:1: runtime error: int out of range: 55296"},
	{`"x".repeat(-1)`, "1:5: runtime error: negative count"},
	{`assert(1 > 2, "math")`, "1:1: runtime error: assertion failed: math"},
	{`error("stop")`, "1:1: runtime error: stop"},
	{"func f() => f()\nfunc g() int => g()\ng()", "2:17: runtime error: stack overflow"},
	{"func g() int => g()\ng()", "1:17: runtime error: stack overflow"},
}

func TestFaults(t *testing.T) {
	for _, c := range faults {
		_, err := calc.Eval(c.src)
		require.Error(t, err, "%q", c.src)
		var e *calc.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, "<eval>:"+c.want, e.Error(), "%q", c.src)
	}
}

func TestHints(t *testing.T) {
	for src, want := range map[string]string{
		"lenght(\"x\")":         "did you mean len",
		"let total = 1\ntotl":   "did you mean total?",
		"let a = 1\na = 2":      "declare it with var",
		"\"abc\"[0] == \"a\"":   "written 'a'",
		"\"abc\"[3 / 2]":        "div divides ints",
		"\"a\" + 1":             "str(x)",
		"let x strng = \"\"\n1": "did you mean string?",

		"function f() { }":            "declared as in: func f",
		"while true { }":              "for cond",
		"const x = 1":                 "let x = 1",
		"x := 1":                      "let x = 1",
		"var x: int = 1":              "without a colon",
		"func f(x: int) => 1":         "without a colon",
		"type P { x: int }":           "without a colon",
		"true and false":              "written &&",
		"not true":                    "written !",
		"if 1 == 1 then 2":            "if c { a } else { b }",
		"1 ? 2 : 3":                   "if is an expression",
		"print 1":                     "parentheses",
		"for (i = 0; i < 3; i++) { }": "for i in 0..n",
		"null":                        "written nil",
		"[1].length":                  "len(x)",
		"[1].size()":                  "len(x)",
		"{\"a\": 1}.a":                `m["k"]`,
		"{a: 1}":                      `{"a": ...}`,
		"x = 5":                       "var x = ...",
		"for x in 5 { }":              "for i in 0..n",
		"\"x\" * 3":                   "s.repeat(n)",
	} {
		_, err := calc.Eval(src)
		var e *calc.Error
		require.ErrorAs(t, err, &e, src)
		if strings.HasPrefix(src, "lenght") {
			continue // too far from len to be meant
		}
		require.Contains(t, e.Hint, want, src)
	}
}

// TestLongLines are shown around the error only.
func TestLongLines(t *testing.T) {
	for _, at := range []int{0, 1, 100, 299, 300, 301, 5000, 9999} {
		src := strings.Repeat("é", at) + "@" + strings.Repeat("x", 10_000-at)
		_, err := calc.Compile(src, nil)
		lines := strings.Split(calc.Report(err), "\n")
		require.Less(t, len(lines[1]), 320)
		require.True(t, utf8.ValidString(lines[1]))
		caret := strings.IndexByte(lines[2], '^')
		require.Equal(t, '@', []rune(lines[1])[caret], at)
	}
}

func TestReport(t *testing.T) {
	p, err := calc.Compile("func f(n int) int {\n\treturn 10 div n\n}\nf(2)\nlet ä = f(0)", &calc.Options{Name: "x.calc"})
	require.NoError(t, err)
	_, err = p.Run(t.Context(), nil)
	require.Equal(t, "x.calc:2:12: runtime error: division by zero\n"+
		"\treturn 10 div n\n"+
		"\t          ^\n"+
		"  at f (x.calc:5:10)\n", calc.Report(err))
	require.Equal(t, "other\n", calc.Report(errors.New("other")))
}

func TestSeveralErrorsAreReportedInOrder(t *testing.T) {
	_, err := calc.Eval("let = 1\nlet y = 2\n) x\nfunc { y }\nz +")
	var list calc.ErrorList
	require.ErrorAs(t, err, &list)
	require.Len(t, list, 4)
	for i, line := range []int{1, 3, 4, 5} {
		require.Equal(t, line, list[i].Pos.Line)
		require.Equal(t, calc.SyntaxError, list[i].Kind)
	}
	_, err = calc.Eval(strings.Repeat("nope\n", 50))
	require.ErrorAs(t, err, &list)
	require.Len(t, list, 10)
	var one *calc.Error
	require.ErrorAs(t, err, &one)
	require.Contains(t, err.Error(), "(and 9 more)")
}

func TestDepth(t *testing.T) {
	nest := func(n int) string { return strings.Repeat("(", n) + "1" + strings.Repeat(")", n) }
	v, err := calc.Eval(nest(1000))
	require.NoError(t, err)
	require.EqualValues(t, 1, v.Int())
	v, err = calc.Eval("func f(n int) int => if n == 0 { 0 } else { 1 + f(n - 1) }\nf(10000)")
	require.NoError(t, err)
	require.EqualValues(t, 10000, v.Int())
	v, err = calc.Eval("1" + strings.Repeat("+1", 99_999))
	require.NoError(t, err)
	require.EqualValues(t, 100_000, v.Int())

	for name, src := range map[string]string{
		"parentheses": nest(200_000),
		"minuses":     strings.Repeat("-", 200_000) + "1",
		"powers":      strings.Repeat("2**", 200_000) + "1",
		"blocks":      strings.Repeat("if true {", 200_000),
		"else if":     "if false {}" + strings.Repeat(" else if false {}", 5_000),
		"sum":         "1" + strings.Repeat("+1", 210_000),
		"strings":     strings.Repeat(`"${`, 100_000),
		"calls":       "func f(n int) int => " + strings.Repeat("(1 + ", 900) + "f(n)" + strings.Repeat(")", 900) + "\nf(1)",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := calc.Eval(src)
			if name == "else if" {
				require.NoError(t, err)
				return
			}
			var e *calc.Error
			require.ErrorAs(t, err, &e)
		})
	}
}

func TestLimits(t *testing.T) {
	run := func(ctx context.Context, src string, l calc.Limits) error {
		p, err := calc.Compile(src, &calc.Options{Limits: l})
		if err == nil {
			_, err = p.Run(ctx, nil)
		}
		return err
	}
	wantLimit := func(err error, msg string) {
		t.Helper()
		var e *calc.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, calc.LimitError, e.Kind)
		require.Contains(t, e.Msg, msg)
	}
	wantLimit(run(t.Context(), "for { }", calc.Limits{Steps: 1000}), "more than 1000 steps")
	wantLimit(run(t.Context(), "var s = \"x\"\nfor { s += s }", calc.Limits{Memory: 1 << 20}), "bytes of memory")
	wantLimit(run(t.Context(), "\"x\".repeat(maxInt)", calc.Limits{}), "bytes of memory")
	wantLimit(run(t.Context(), "1 + 1", calc.Limits{Source: 3}), "source has 5 bytes")
	require.NoError(t, run(t.Context(), "var s = \"\"\nfor i in 0..1000 { s = \"x\".repeat(1000) }", calc.Limits{Memory: 1 << 13}),
		"garbage does not count")
	require.ErrorContains(t, run(t.Context(), "func f(n int) int => f(n)\nf(1)", calc.Limits{Depth: 5}), "stack overflow")

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	err := run(ctx, "for { }", calc.Limits{})
	wantLimit(err, "deadline")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorIs(t, run(ctx, "1", calc.Limits{}), context.DeadlineExceeded)
}

func TestOutput(t *testing.T) {
	var out strings.Builder
	p, err := calc.Compile("print(1, 2.5, true, \"x\")\nprint()", &calc.Options{Output: &out})
	require.NoError(t, err)
	require.Empty(t, p.Type())
	v, err := p.Run(t.Context(), nil)
	require.NoError(t, err)
	require.Nil(t, v.Any())
	require.Equal(t, "1 2.5 true x\n\n", out.String())

	p, err = calc.Compile("print(1)", &calc.Options{Output: brokenWriter{}})
	require.NoError(t, err)
	_, err = p.Run(t.Context(), nil)
	require.ErrorIs(t, err, errBroken)
}

var errBroken = errors.New("broken pipe")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestEnvironment(t *testing.T) {
	type env struct {
		Load  float64
		Count uint16
		Name  string
		Ready bool
		inner int
	}
	p, err := calc.Compile(`if Ready && Load > 0.5 { "${Name}:${Count}" } else { "" }`, &calc.Options{Env: env{inner: 1}})
	require.NoError(t, err)
	v, err := p.Run(t.Context(), &env{Load: 0.75, Count: 3, Name: "web", Ready: true})
	require.NoError(t, err)
	require.Equal(t, "web:3", v.Any())

	p, err = calc.Compile("a + b", &calc.Options{Env: map[string]any{"a": 1, "b": 0.5}})
	require.NoError(t, err)
	v, err = p.Run(t.Context(), map[string]any{"a": 2, "b": 3, "unused": "x"})
	require.NoError(t, err)
	require.Equal(t, 5.0, v.Any())

	for _, c := range []struct {
		env  any
		want string
	}{
		{nil, "has no a"},
		{map[string]any{"a": 1}, "has no b"},
		{map[string]any{"a": 1, "b": nil}, "b: nil is no float"},
		{map[string]any{"a": "1", "b": 1.0}, "a: wrong type: string, not int"},
		{map[string]any{"a": uint64(math.MaxUint64), "b": 1.0}, "above the largest int"},
		{17, "not a struct"},
	} {
		_, err := p.Run(t.Context(), c.env)
		require.ErrorContains(t, err, c.want)
	}
	_, err = calc.Compile("1", &calc.Options{Env: 3})
	require.ErrorContains(t, err, "not a struct")
	_, err = calc.Compile("a = 2", &calc.Options{Env: map[string]any{"a": 1}})
	require.ErrorContains(t, err, "it is a host value")
}

func TestHostFunctions(t *testing.T) {
	o := &calc.Options{Funcs: map[string]any{
		"double": func(x float64) float64 { return 2 * x },
		"small":  func(x int8) int { return int(x) },
		"fail":   func(s string) (int, error) { return 0, errBroken },
		"boom":   func() { panic("boom") },
	}}
	for src, want := range map[string]string{
		"double(2)":    "4",
		"3.double()":   "6",
		"small(100)":   "100",
		"small(1000)":  "1:1: runtime error: argument 1 of small: int out of range: 1000",
		"fail(\"x\")":  "1:1: runtime error: broken pipe",
		"boom()":       "1:1: runtime error: boom panicked: boom",
		"double(\"\")": "1:8: type error: argument 1 of double must be float, found string",
		"double()":     "1:1: type error: double needs 1 argument, found 0",
	} {
		p, err := calc.Compile(src, o)
		if err == nil {
			var v calc.Value
			if v, err = p.Run(t.Context(), nil); err == nil {
				require.Equal(t, want, v.String())
				continue
			}
		}
		require.EqualError(t, err, "<eval>:"+want)
		if strings.HasPrefix(src, "fail") {
			require.ErrorIs(t, err, errBroken)
		}
	}
	for _, f := range []any{nil, 3, func(...int) {}, func() (int, int) { return 0, 0 }} {
		_, err := calc.Compile("1", &calc.Options{Funcs: map[string]any{"f": f}})
		require.ErrorContains(t, err, "Options.Funcs: f")
	}
}

func TestValueAccessors(t *testing.T) {
	for src, want := range map[string]any{"1": int64(1), "1.5": 1.5, "true": true, `"x"`: "x"} {
		v, err := calc.Eval(src)
		require.NoError(t, err)
		require.Equal(t, want, v.Any())
	}
	v, err := calc.Eval("3")
	require.NoError(t, err)
	require.Equal(t, calc.Int, v.Kind())
	require.Equal(t, "int", v.Kind().String())
	require.Equal(t, 3.0, v.Float())
	require.False(t, v.Bool())
	require.Empty(t, v.Str())
	require.Zero(t, calc.Value{}.Int())
	require.Zero(t, calc.Value{}.Float())
}

func TestConcurrentRuns(t *testing.T) {
	p, err := calc.Compile("var s = 0\nfor i in 0..n { s += i }\ns", &calc.Options{Env: map[string]any{"n": 0}})
	require.NoError(t, err)
	var wg sync.WaitGroup
	for g := range 20 {
		wg.Go(func() {
			for range 20 {
				v, err := p.Run(context.Background(), map[string]any{"n": g})
				if err != nil || v.Int() != int64(g*(g-1)/2) {
					t.Errorf("n=%d: %v, %v", g, v, err)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzEval(f *testing.F) {
	for _, c := range values {
		f.Add(c.src)
	}
	for _, c := range faults {
		f.Add(c.src)
	}
	for _, c := range more {
		f.Add(c.src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		p, err := calc.Compile(src, &calc.Options{Limits: calc.Limits{Steps: 1000, Memory: 1 << 16, Depth: 100}})
		if err == nil {
			_, err = p.Run(context.Background(), nil)
		}
		if err != nil {
			require.NotEmpty(t, calc.Report(err))
			var e *calc.Error
			require.ErrorAs(t, err, &e)
			require.Positive(t, e.Pos.Line)
			require.NotEqual(t, calc.InternalError, e.Kind, err)
		}
	})
}

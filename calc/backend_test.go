package calc_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/calc"
)

// engineLimits are those of programs that engines are compared on.
var engineLimits = calc.Limits{Steps: 20_000_000, Memory: 64 << 20, Depth: 12_000}

// outcome is all that a program does: its output, and its value or its report.
func outcome(src string, b calc.Backend) string {
	var out strings.Builder
	p, err := calc.Compile(src, calc.WithVerify(calc.Options{
		Output: &out, Backend: b, Limits: engineLimits,
	}))
	if err != nil {
		return calc.Report(err)
	}
	v, err := p.Run(context.Background(), nil)
	if err != nil {
		return out.String() + calc.Report(err)
	}
	return fmt.Sprintf("%s%v %v", &out, v.Type(), v)
}

// sources are the programs of all tables.
func sources() []string {
	var list []string
	for _, c := range values {
		list = append(list, c.src)
	}
	for _, c := range more {
		list = append(list, c.src)
	}
	for _, c := range faults {
		list = append(list, c.src)
	}
	for _, c := range languageFaults {
		list = append(list, c.src)
	}
	return append(list, engineSources...)
}

// allSources are those with the examples of the reference.
func allSources() []string {
	list := sources()
	for _, s := range append(reference(), clauses...) {
		for _, c := range s.cases {
			list = append(list, c.src)
		}
	}
	return list
}

// engineSources are programs on which engines may differ: control that leaves
// expressions, errors in nested calls, loops whose bounds are at the edge.
var engineSources = []string{
	"func f(n int) int { let x = 10 div n\nx }\nfunc g(n int) int => f(n) + 1\nprint(1)\ng(0)",
	"let xs = [3, 2, 1]\nxs.map(x => 6 div (x - 1))",
	"let xs = [3, 2, 1]\nfunc h(k int) int => 6 div (k - 1)\nfunc outer() { xs.map(x => h(x)) }\nouter()",
	"[1, 2].reduce(0, (a, x) => a + [5][x])",
	"if max(int(true), -1 & 7) == int(if true { false } else { true }) { 1 } else { 2 }",
	"var s = 0\nfor i in minInt..=minInt + 2 { s += i & 3 }\ns",
	"var s = 0\nfor i in range(maxInt - 3, maxInt, 2) { s++ }\ns",
	"var s = 0\nfor i in range(minInt + 1, minInt, -1) { s++ }\ns",
	"var s = 0\nfor i in 0..5 { for j in i..5 { if j == 3 { continue }\nif i == 3 { break }\ns = s * 3 + i * j } }\ns",
	"func f(n int) int { var a = 1\nvar b = 0\nfor i in 0..n { let t = a + b\na = b\nb = t }\nb }\nf(50)",
	"var a = 1\nvar b = 2\nfor i in 0..7 { let t = a\na = b\nb = t }\na * 10 + b",
	"var p = \"x\"\nvar q = \"y\"\nfor i in 0..7 { let t = p\np = q\nq = t }\np + q",
	"func swap(a, b int, n int) int => if n == 0 { a * 10 + b } else { swap(b, a, n - 1) }\nswap(1, 2, 5)",
	"func deep(a, b, c, d, e, f, g, h int) int => if a == 0 { b + c * d - e + f * g - h } else { deep(a - 1, c, b, e, d, g, f, b) }\ndeep(9, 1, 2, 3, 4, 5, 6, 7)",
	"let m = {\"a\": [1], \"b\": [2]}\nfor k, v in m { v.push(len(k)) }\nm",
	"let m = {1: 2.5, 2: 3.5}\nvar s = 0.0\nfor k, v in m { s += v * k }\ns",
	"for k in ({1: 1}) { print(k) }\nlet m = {\"k\": 1}\nm[\"j\"]",
	"var fs []func(int) int = []\nfor i in 0..3 { fs.push(x => x * i) }\nfs.map(f => f(10))",
	"func make(n int) { var c = n\nlet up = () => { c++\nc }\nlet down = () => { c--\nc }\n[up, down] }\nlet fs = make(5)\nfs[0]() * 100 + fs[0]() * 10 + fs[1]()",
	"func outer(n int) int { func rec(k int) int => if k == 0 { n } else { rec(k - 1) + 1 }\nrec(n) }\nouter(20)",
	"type T { l T?, r T?, v int }\nfunc tree(n int) T => if n == 0 { T{v: 1} } else { T{v: n, l: tree(n - 1), r: tree(n - 1)} }\nfunc total(t T) int { var s = t.v\nif let l = t.l { s += total(l) }\nif let r = t.r { s += total(r) }\ns }\ntotal(tree(8))",
	"let x int? = nil\nlet y = x ?? 7\nlet z int? = 3\ny + (z ?? 9)",
	"var x float? = nil\nfor i in 0..3 { x = (x ?? 0.5) * 3 }\nx",
	"func f(x int?) int => match x { nil => 0, 1, 2 => 5, _ => x! * 2 }\nf(nil) + f(2) * 10 + f(50)",
	"func f(s string) => match s { \"a\", \"b\" => 1, \"c\" => 2, _ => 3 }\nf(\"b\") * 100 + f(\"c\") * 10 + f(\"zz\")",
	"func f(b bool, c bool) => if b && !c || !b && c { 1 } else { 0 }\nf(true, false) * 1000 + f(true, true) * 100 + f(false, true) * 10 + f(false, false)",
	"let a = 1.5\nlet b = nan\n[a < b, a <= b, a > b, a >= b, a == b, a != b, !(a < b), !(b > a)]",
	"func f(x, y float) => if x < y { 1 } else if x > y { 2 } else if x == y { 3 } else { 4 }\nf(1, 2) * 1000 + f(2, 1) * 100 + f(1, 1) * 10 + f(nan, 1)",
	"func f(x float) => if !(x < 5) { 1 } else if !(x <= 2) { 2 } else if !(3 > x) { 3 } else { 4 }\nf(nan) * 1000 + f(4) * 100 + f(2.5) * 10 + f(1)",
	"[1 << 63, -1 >> 63, 1 << 64, -1 >> 64, 5 >> 1, ushr(-1, 1), ushr(-1, 64), 7 % -3, -7 % 3, -7 div 2, minInt % -1]",
	"func f(n int) => [n << 3, n >> 3, n * 1000000, n + 40000, n - 40000, n & 255, n | 256, n ^ -1, n % 10, n div 10, -n, ^n]\nf(-12345)",
	"func f(x float) => [x + 1.5, 1.5 - x, x - 1.5, x * 3, x / 3, 3 / x, -x, abs(x), floor(x), ceil(x), trunc(x), round(x), sqrt(abs(x))]\nf(-2.5)",
	"[min(1, 2), max(1, 2), min(1.5, nan), max(-0.0, 0.0), min(3, 1, 2), abs(minInt), abs(-0.0)]",
	"int(9.9) + int(-9.9) + int(true)",
	"int(1e19)",
	"let xs = list(3, 0)\nxs[3] = 1",
	"let xs = list(3, true)\nxs[-1] = false",
	"let xs = [\"a\"]\nxs[1] = \"b\"",
	"\"abc\"[3]",
	"let xs = [1, 2, 3]\nfor x in xs { if x == 2 { xs.pop() } else { print(x) } }",
	"let s = \"aé€😀\\xff\"\nfor i, c in s { print(i, c, len(c)) }",
	"var n = 0\nfor { n++\nif n > 10 { break } }\nn",
	"func f() { for { error(\"boom\") } }\nf()",
	"func f(n int) int { if n == 0 { error(\"zero\") }\nn }\nf(1) + f(0)",
	"let x = if true { error(\"no\") } else { 1 }\nx",
	"print(1, 2.5, \"a\", [1], {\"k\": 1}, nil ?? 3)\nprint()",
	"let k = 10\nfunc f(x) => x + k\nf(1) + f(1.5)",
	"var g = 0\nfunc inc() { g += 1 }\nfor i in 0..10 { inc() }\ng",
	"func f(a []int) { a.push(1)\na }\nlet xs = []\nf(xs)\nf(xs)",
	"func apply(f func(int), n int) { for i in 0..n { f(i) } }\nvar t = 0\napply(x => { t += x }, 5)\napply(x => x * 2, 3)\nt",
	"func f(n int) float { var s = 0.0\nfor i in 1..=n { s += 1 / i }\ns }\nf(100)",
	"func f() int { for i in 0..10 { if i * i > 20 { return i } }\n-1 }\nf()",
	"var s = 0\nfor i in 0..3 { let x = if i == 1 { continue } else { i }\ns += x }\ns",
	"func f(x int) int { let y = [1, do { if x > 0 { return 99 }\n2 }]\ny[1] }\nf(0) + f(1)",
	"var xs [][]int = []\nfor i in 0..3 { xs.push([]) }\nxs[1].push(5)\nxs",
	"let xs = [1, 2, 3]\nxs[1:] + xs[:1] + xs[1:2]",
	"[1, 2, 3][2:1]",
	"2 in [1, 2] && \"a\" in {\"a\": 1} && \"el\" in \"hello\"",
	"[1, [2.5].sum() == 2.5 && true == !false].len() == 0",
	"hypot(3, 4) + pow(2, 10) + 7.5 % 2 + 2 ** 0.5 + atan2(1, 2) + sin(1)",
	"func f(n int) int { var x = n\nfor x != 1 { x = if x % 2 == 0 { x div 2 } else { 3 * x + 1 } }\nx }\nf(27)",
	"func a(n int) int => if n == 0 { 0 } else { 1 + b(n - 1) }\nfunc b(n int) int => if n == 0 { 1 div n } else { 1 + a(n - 1) }\na(3)",
	"let data = [5, 3, 9]\nlet f = (x int) => data[x]\nfunc g(h func(int) int, i int) int => h(i)\ng(f, 1) + g(f, 7)",
}

// engines are compared with the tree walker.
var engines = []calc.Backend{calc.VM, calc.JIT}

func TestEnginesAgree(t *testing.T) {
	for _, src := range sources() {
		want := outcome(src, calc.Tree)
		for _, b := range engines {
			require.Equal(t, want, outcome(src, b), "%v: %q", b, src)
		}
	}
}

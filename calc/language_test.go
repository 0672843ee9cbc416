package calc_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/calc"
)

// more has a case for each sentence of the reference that speaks of lists, maps,
// structs, options, functions as values, and inference.
var more = []struct{ src, want string }{
	// Lists.
	{"[1, 2, 3]", "[1, 2, 3]"},
	{"[1, 2.5]", "[1, 2.5]"},
	{"[1, nil]", "[1, nil]"},
	{"[[], [1]]", "[[], [1]]"},
	{"let xs = [1, 2, 3]\nxs[1] + xs.len()", "5"},
	{"let xs = []\nxs.push(1)\nxs.push(2)\nxs", "[1, 2]"},
	{"let xs []float = [1, 2]\nxs", "[1, 2]"},
	{"let xs = [1, 2]\nxs[0] += 5\nxs[1]++\nxs", "[6, 3]"},
	{"[1] + [2, 3]", "[1, 2, 3]"},
	{"[1, 2, 3][1:]", "[2, 3]"},
	{"let a = [1, 2, 3]\nlet b = a[:]\nb[0] = 9\na", "[1, 2, 3]"},
	{"let a = [1]\nlet b = a\nb.push(2)\na", "[1, 2]"},
	{"2 in [1, 2] && !(3 in [1, 2])", "true"},
	{"[1, 2] == [1, 2]", "true"},
	{"[nan] == [nan]", "false"},
	{"let a = [1]\nsame(a, a) && !same(a, [1])", "true"},
	{"list(3, 0)", "[0, 0, 0]"},
	{"list(2, true)", "[true, true]"},
	{"let xs = [3, 1, 2]\nxs.sort()\nxs", "[1, 2, 3]"},
	{"let xs = [\"b\", \"a\"]\nxs.sort()\nxs", `["a", "b"]`},
	{"let xs = [1.5, nan, -1]\nxs.sort()\nxs", "[NaN, -1, 1.5]"},
	{"let xs = [\"ccc\", \"a\", \"bb\"]\nxs.sortBy(s => len(s))\nxs", `["a", "bb", "ccc"]`},
	{"let xs = [1, 2, 3]\nxs.reverse()\nxs", "[3, 2, 1]"},
	{"let xs = [1, 2, 3]\nxs.insert(1, 9)\nxs", "[1, 9, 2, 3]"},
	{"let xs = [1, 2, 3]\nxs.remove(0) * 10 + xs.pop()", "13"},
	{"let xs = [1]\nxs.clear()\nlen(xs)", "0"},
	{"[1, 2, 3].map(x => x * 2)", "[2, 4, 6]"},
	{"[1, 2, 3].map(x => x / 2)", "[0.5, 1, 1.5]"},
	{"[1, 2, 3].filter(x => x % 2 == 1)", "[1, 3]"},
	{"[1, 2, 3].reduce(0, (a, x) => a + x)", "6"},
	{"[1, 2, 3].reduce(0, (a, x) => a + x / 2)", "3"},
	{"[1, 2].any(x => x > 1) && ![1, 2].all(x => x > 1)", "true"},
	{"[1, 5, 7].find(x => x > 3)!", "5"},
	{"[1].find(x => x > 3)", "nil"},
	{"[4, 5].contains(5)", "true"},
	{"[4, 5].index(5) + [4].index(9)", "0"},
	{"[1, 2].sum() + [0.5].sum()", "3.5"},
	{`["a", "b"].join("-")`, "a-b"},
	{"range(0, 3) + range(3, 0, -1)", "[0, 1, 2, 3, 2, 1]"},
	{"[3, 1].min() + max([1, 4])", "5"},
	{"[1, 2, 3].map(str)", `["1", "2", "3"]`},
	{"[1, 4].map(sqrt)", "[1, 2]"},

	// Maps.
	{`{"a": 1, "b": 2}`, `{"a": 1, "b": 2}`},
	{"{1: \"x\"}[1]", "x"},
	{"let m = {}\nm[\"k\"] = 1\nm[\"k\"] += 2\nm", `{"k": 3}`},
	{"let m = {}\nm[1] = m.get(1, 0) + 1\nm", "{1: 1}"},
	{`let m = {"b": 1, "a": 2}` + "\nm[\"b\"] = 3\nm.delete(\"a\")\nm[\"a\"] = 4\nm", `{"b": 3, "a": 4}`},
	{`{"a": 1, "a": 2, "b": 3}`, `{"a": 2, "b": 3}`},
	{`let m = {"a": 1}` + "\nm.get(\"a\")! + (m.get(\"z\") ?? 10)", "11"},
	{`"a" in {"a": 1}`, "true"},
	{`{"a": 1, "b": 2}.keys()`, `["a", "b"]`},
	{`{"a": 1, "b": 2}.values().sum()`, "3"},
	{`{1: 2, 3: 4} == {3: 4, 1: 2}`, "true"},
	{"let m = {true: 1}\nm.copy()", "{true: 1}"},
	{"let m = {}\nfor i in 0..100 { m[i] = i * i }\nfor i in 0..90 { m.delete(i) }\nm.keys()", "[90, 91, 92, 93, 94, 95, 96, 97, 98, 99]"},

	// Structs.
	{"type P { x, y float }\nP{x: 1, y: 2.5}", "P{x: 1, y: 2.5}"},
	{"type P { x int }\nlet p = P{x: 1}\np.x += 4\np.x++\np.x", "6"},
	{"type N { v int, next N? }\nlet n = N{v: 1, next: N{v: 2}}\nn.next!.v + (n.next?.next?.v ?? 10)", "12"},
	{"type N { v int, next N? }\nlet n = N{v: 1}\nn.next = n\nn", "N{v: 1, next: ...}"},
	{"type P { x int }\nP{x: 1} == P{x: 1}", "true"},
	{"type P { f func(int) int }\nlet p = P{f: x => x + 1}\np.f(1)", "2"},
	{"type P { name string, tags []string }\nP{name: \"a\\\"b\", tags: [\"x\\n\"]}", `P{name: "a\"b", tags: ["x\n"]}`},
	{"func area(s S) => s.w * s.h\ntype S { w, h int }\nS{w: 2, h: 3}.area()", "6"},
	{"type E { type int }\nlet e = E{type: 3}\ne.type", "3"},

	// Options.
	{"let x int? = nil\nx ?? 5", "5"},
	{"var x = nil\nx = 5\nx! + 1", "6"},
	{"let x int? = 3\nif let v = x { v + 1 } else { 0 }", "4"},
	{"toInt(\"12\")! + (toInt(\"x\") ?? 1)", "13"},
	{"toFloat(\"1.5\")", "1.5"},
	{"let x int? = 3\nx == 3 && x != nil", "true"},
	{"let s string? = \"\"\ns == nil", "false"},
	{"let x float? = 1\nx!", "1"},
	{"let x int? = 2\nmatch x { nil => \"none\", 2 => \"two\", _ => \"many\" }", "two"},

	// Match.
	{"match 3 { 1, -2 => \"few\", 3 => \"three\", _ => \"many\" }", "three"},
	{"match \"b\" {\n \"a\" => 1\n \"b\" => 2\n _ => 3\n}", "2"},
	{"match true { true => 1, false => 2.5 }", "1"},
	{"func f(n int) { match n { 0 => { return 10 }, _ => { } }\n20 }\nf(0) + f(1)", "30"},

	// Functions as values.
	{"let f = (a int, b int) => a * b\nf(3, 4)", "12"},
	{"let add = (a, b int) => a + b\nadd(1, 2)", "3"},
	{"func twice(f func(int) int, x int) => f(f(x))\ntwice(x => x * 3, 2)", "18"},
	{"func apply(f, x) => f(x)\napply(x => x + 0.5, 1)", "1.5"},
	{"func apply(f, x) => f(x)\napply(x => x + 1, 1) + len(apply(s => s + \"!\", \"a\"))", "4"},
	{"func counter() { var n = 0\n() => { n++\nn } }\nlet c = counter()\nc()\nc() * 10 + counter()()", "21"},
	{"let fs = []\nfor i in 0..3 { fs.push(() => i) }\nfs.map(f => f())", "[0, 1, 2]"},
	{"var fs []func() int = []\nfor i in 0..3 { var j = i\nfs.push(() => { j++\nj }) }\nfs[0]() + fs[0]() + fs[2]()", "6"},
	{"func f() int => 1\nlet g = f\ng()", "1"},
	{"func inc(x) => x + 1\n[1].map(inc)", "[2]"},
	{"let f func(int) = x => print(x)\nlet g func(int) = x => x + 1\nstr(f)", "func"},
	{"func outer(x int) { func inner(y int) int => if y == 0 { x } else { inner(y - 1) + 1 }\ninner(3) }\nouter(10)", "13"},
	{"(x int) => { x }", "func"},
	{"((x int) => x * 2)(4)", "8"},

	// Inference of results.
	{"func f(n int) float => if n == 0 { 1 } else { f(n - 1) / 2 }\nf(2)", "0.25"},
	{"func a(n int) => b(n)\nfunc b(n int) => if n == 0 { 1 } else { a(n - 1) }\na(3)", "1"},
	{"func p(n int) => if n == 0 { 0 } else { q(n - 1) + 1 }\nfunc q(n int) => if n == 0 { 0 } else { r(n - 1) + 1 }\nfunc r(n int) => if n == 0 { 0.5 } else { p(n - 1) + 1 }\np(7)", "7"},
	{"func f(b bool) { if b { return nil }\n5 }\nf(false)", "5"},
	{"func g(n) => if n == 0 { 0 } else { f(g(n - 1)) }\nfunc f(n) => if n == 5 { g(n) } else { 1 }\nf(5)", "1"}, // g is known before f
	{"func outer(x) { func inner(n) => if n == 0 { x } else { inner(n - 1) }\ninner(3) }\nstr(outer(1)) + outer(\"a\")", "1a"},
	{"func f(n int) { if n == 0 { return 1 }\nfor { if let x = g(n - 1) { break } }\n0.5 }\nfunc g(n int) { if n < 0 { return nil }\nif f(n) > 0 { return n }\nnil }\nf(0) + f(1)", "1.5"},
	{recursiveRing(14) + "f1(3)", "32"},

	// Loops.
	{"var s = 0\nfor x in [1, 2, 3] { s += x }\ns", "6"},
	{"var s = 0\nfor i, x in [5, 6] { s += i * x }\ns", "6"},
	{"var s = \"\"\nfor k in ({\"a\": 1, \"b\": 2}) { s += k }\ns", "ab"},
	{"var s = 0\nfor k, v in ({1: 10, 2: 20}) { s += k * v }\ns", "50"},
	{"var s = []\nfor c in \"aä\\xff\" { s.push(c) }\ns", "[\"a\", \"ä\", \"\ufffd\"]"},
	{"var n = 0\nfor off, c in \"äb\" { n = n * 10 + off }\nn", "2"},
	{"var n = 0\nfor i in range(10, 0, -3) { n = n * 100 + i }\nn", "10070401"},
	{"let xs = [1]\nfor x in xs { if len(xs) < 5 { xs.push(x + 1) } }\nxs", "[1, 2, 3, 4, 5]"},
	{"var n = 0\nfor i in 0..10 { if i == 3 { continue }\nif i == 6 { break }\nn += i }\nn", "12"},
	{"func f() { for x in [1, 2, 3] { if x == 2 { return x } }\n0 }\nf()", "2"},
	{"var n = 0\nfor i in 0..2 { let x = if i == 0 { continue } else { 5 }\nn += x }\nn", "5"},
	{"func f(c bool) int { let x = 1 + do { if c { return 7 }\n2 }\nx }\nf(true) * 10 + f(false)", "73"},
	{"func f() { let b = true && do { return 3 }\n4 }\nf()", "3"},

	// Text.
	{`[1.5, "a"[0:1] == "a"] == nil`, ""},
	{`"${[1, 2]} ${{"a": nil}}"`, ""},
	{"hypot(3, 4) + cbrt(27) + log2(8) + log10(1000) + exp(0) + pow(2, 3)", "23"},
	{`"a,b".split(",") + "xy".chars()`, `["a", "b", "x", "y"]`},
	{`"ab".bytes()`, "[97, 98]"},

	// Order and unusual forms.
	{"var log = \"\"\nfunc t(s string, v int) int { log += s\nv }\nlet xs = [0, 0]\nxs[t(\"a\", 1)] = t(\"b\", 2) + t(\"c\", 3)\nlog", "abc"},
	{"let x = 5 // comment\nlet y = { // a map\n  \"k\": x,\n}\ny[\"k\"]", "5"},
	{"if true {\n  1\n} else if false {\n  2\n} else {\n  3\n}", "1"},
	{"let f = (x int) => if x > 0 { \"pos\" } else { \"neg\" }\nf(-1)", "neg"},
	{"var a = [1, 2, 3]\na[a.pop() - 3] = 7\na", "[7, 2]"},
	{"1_000.str()", "1000"},
	{"nil ?? nil ?? 3", "3"},
}

// recursiveRing are n functions, each of which calls the next twice, the last the first.
func recursiveRing(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "func f%d(n) => if n <= 0 { %d } else { f%d(n - 1) + f%[3]d(n - 1) }\n", i+1, i+1, (i+1)%n+1)
	}
	return b.String()
}

// widenedLambdas are n calls of reduce in each other, each of a function that gives a
// float for an int and so is checked twice.
func widenedLambdas(n int) string {
	return "let xs = [1]\n" + strings.Repeat("xs.reduce(0, (a, x) => ", n) + "a + 0.5" + strings.Repeat(")", n)
}

func TestLanguage(t *testing.T) {
	for _, c := range more {
		v, err := calc.Eval(c.src)
		if c.want == "" {
			require.Error(t, err, "%q", c.src)
			continue
		}
		if assert.NoError(t, err, "%q", c.src) {
			assert.Equal(t, c.want, v.String(), "%q", c.src)
		}
	}
}

// TestLanguageFaults has sources that are refused or fail, with the beginning of
// the report behind the file's name.
func TestLanguageFaults(t *testing.T) {
	for _, c := range languageFaults {
		_, err := calc.Eval(c.src)
		require.Error(t, err, "%q", c.src)
		assert.True(t, strings.HasPrefix(err.Error(), "<eval>:"+c.want), "%q: %v", c.src, err)
	}
}

var languageFaults = []struct{ src, want string }{
	{"[[1], [2.5]]", "1:7: type error: elements are []int before and []float here"},
	{"let xs = []\nlen(xs)", "2:5: type error: the type is not decided yet: []_"},
	{"let xs = []", "1:5: type error: the type of xs is not decided: []_; declare it with a type"},
	{"let xs = []\nxs.push(1)\nxs.push(\"a\")", "3:9: type error: argument 2 of push must be int, found string"},
	{"[1, 2][5]", "1:7: runtime error: index out of range: 5 of 2"},
	{"[1, 2][-1]", "1:7: runtime error: index out of range: -1 of 2"},
	{"{\"a\": 1}[\"b\"]", "1:9: runtime error: key not found: \"b\""},
	{"let x int? = nil\nx!", "2:2: runtime error: nil value"},
	{"1 << -1", "1:3: runtime error: negative shift count"},
	{"list(-1, 0)", "1:1: runtime error: negative count"},
	{"let xs []int = []\nxs.pop()", "2:4: runtime error: empty list"},
	{"let xs []int = []\nmin(xs)", "2:1: runtime error: empty list"},
	{"int(nan)", "1:1: runtime error: int out of range: NaN"},
	{"int(\"x\")", "1:1: runtime error: invalid number: \"x\""},
	{"let m = {1: 1}\nfor k in m { m[k + 1] = 1 }", "2:1: runtime error: map changed in loop"},
	{"for i in range(0, 1, 0) { }", "1:10: runtime error: step is 0"},
	{"(x) => x", "1:5: type error: the types of the parameters are not known here"},
	{"func f(x) => x\nlet g = f", "2:9: type error: f has untyped parameters"},
	{"let f = sqrt", "1:9: type error: sqrt is a builtin, as a value it needs"},
	{"type P { x int }\nP{}", "2:1: type error: field x of P is missing"},
	{"type P { x int }\nP{x: 1, z: 2}", "2:9: type error: P has no field z"},
	{"type P { x int }\nlet p = P{x: 1}\np.y", "3:3: type error: P has no field y"},
	{"type P { x }", "1:10: syntax error: field x needs a type"},
	{"var p P\ntype P { x int }", "1:5: type error: P has no zero value"},
	{"match 1 { 1 => 2 }", "1:1: type error: match does not cover all values of int"},
	{"match 1 { 1 => 2, 1 => 3, _ => 4 }", "1:19: type error: pattern 1 stands here twice"},
	{"match 1.5 { _ => 4 }", "1:1: type error: match applies to"},
	{"1 ?? 2", "1:3: type error: int is never nil"},
	{"let f = (x int) => x\nf == f", "2:3: type error: operator == does not apply"},
	{"\"abc\"[0] = 1", "1:6: type error: strings cannot be changed"},
	{"let xs = [1]\nxs[len(xs) / 2]", "2:12: type error: expected int, found float"},
	{"\"s\" + 1", "1:5: type error: operator + does not apply to string and int"},
	{"{1.5: 2}", "1:2: type error: keys of maps are int, string or bool, not float"},
	{"x.push(1)", "1:1: type error: unknown name x"},
	{"[1].psuh(2)", "1:5: type error: unknown name psuh"},
	{"func f() { g() }\nf()\nlet y = 1\nfunc g() { y }", "4:12: type error: y is declared at 3:5, after the function that uses it was mentioned"},
	{"return 1", "1:1: syntax error: return outside of a function"},
	{"func f(n int) => f(n)\nlet x = f(1)", "2:9: type error: this has no value"},
	{"func f(n) => f(str(n) + \"x\")\nfunc g(x) => [x]\nfunc h(x) => h(g(x))\nh(1)", "3:14: type error: more than 1000 instances of functions"},
	{"import \"x\"", "1:8: type error: there is no module \"x\""},
	{"let a = [1]\na == [\"x\"]", "2:3: type error: operator == does not apply to []int and []string"},
	{"type N { n N? }\nlet n = N{}\nn.n = n\nlet m = N{}\nm.n = m\nn == m", "6:3: runtime error: nested too deeply"},
	{"func f(n int) => if n == 0 { 1 } else { f(n - 1) / 2 }\nf(2)", "1:50: type error: expected int, found float"},
	{"[1].map((a, b) => a)", "1:16: type error: expected func(int) _, found a function with 2 parameters"},
	{"[1].filter(x => x)", "1:17: type error: expected bool, found int"},
	// Errors of an instance that a recursion is checked again for, and of a lambda.
	{"func even(n) => n == 0 || odd(n == 0 || odd(n - 1))\nfunc odd(n) => n != 0 && even(n - 1)\neven(10)", "2:18: type error: operator != does not apply to bool and int, in odd(bool)"},
	{"func f(s string) { if s == \"a\" { return 1 }\nif f(\"b\") == nil { return 2 }\ns }\nf(\"a\")", "3:1: type error: f returns string here and int before"},
	{"func bad(x) => x.upper()\n[1, 2].reduce(0, (a, x) => { bad(x)\na + x })", "1:16: type error: argument 1 of upper must be string, found int, in bad(int)"},
	{widenedLambdas(24), "2:533: type error: more than 1000 instances of functions"},
	{"error(\"boom\")", "1:1: runtime error: boom"},
	{"[1].map(x => error(\"boom\"))", "1:14: runtime error: boom"},
}

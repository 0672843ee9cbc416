package calc_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/calc"
)

// sentence is a sentence of LANGUAGE.md, or its beginning, with programs that show it.
type sentence struct {
	text  string
	cases []example
}

// example is a program and what comes of it: what it prints and the text of its
// value; or, behind what it prints, line, column, kind and message of its error.
type example struct{ src, want string }

// TestReference has the sentences of LANGUAGE.md in their order, section by section,
// each with examples that run on every engine. Section 8 is that of the command,
// whose tests are with it.
func TestReference(t *testing.T) {
	text, err := os.ReadFile("LANGUAGE.md")
	require.NoError(t, err)
	at := 0
	for _, s := range reference() {
		i := strings.Index(string(text[at:]), s.text)
		require.GreaterOrEqual(t, i, 0, "LANGUAGE.md does not say, or not in this order: %q", s.text)
		at += i
		for _, c := range s.cases {
			for _, b := range []calc.Backend{calc.Tree, calc.VM, calc.JIT} {
				if got := result(c.src, b); got != c.want {
					t.Errorf("%q: %v: %q\n  is   %q\n  want %q", s.text, b, c.src, got, c.want)
				}
			}
		}
	}
}

func reference() []sentence {
	var all []sentence
	for _, section := range [][]sentence{sourceText, typeSentences, statements, expressions, builtins, texts, errorSentences, hostSentences, decisions} {
		all = append(all, section...)
	}
	return all
}

func result(src string, b calc.Backend) string {
	var out strings.Builder
	p, err := calc.Compile(src, calc.WithVerify(calc.Options{Output: &out, Backend: b, Limits: engineLimits}))
	var v calc.Value
	if err == nil {
		v, err = p.Run(context.Background(), nil)
	}
	var e *calc.Error
	if errors.As(err, &e) {
		return out.String() + strings.TrimPrefix(e.Error(), "<eval>:")
	}
	return out.String() + v.String()
}

// Section 1.
var sourceText = []sentence{
	{"UTF-8.", []example{{`len("é")`, "2"}, {"\"a\xffb\"", "a\xffb"}, {"a\xff", "1:2: syntax error: source is not valid UTF-8"}}},
	{"`// line` and `/* block */` comments", []example{{"1 // one\n/* two\nlines */ + 1", "3:10: syntax error: expected an expression, found '+'"}, {"1 /* one */ + /* two */ 2 // three", "3"}}},
	{"a first line starting with `#!` is ignored", []example{{"#!/bin/calc\n7", "7"}, {"#!", ""}}},
	{"Identifiers: letter or `_`, then letters, digits, `_`", []example{{"let größe_1 = 3\ngröße_1", "3"}, {"let _x = 1\n_x", "1"}}},
	{"`_` alone names nothing", []example{{"let _ = 1\nlet _ = 2\n3", "3"}, {"_", "1:1: type error: unknown name _"}}},
	{"Keywords: `let var func type", []example{{"let for = 1", "1:5: syntax error: expected a name, found 'for'"}, {"let div = 1", "1:5: syntax error: expected a name, found 'div'"}}},
	{"the last seven reserved, but `as`", []example{{"let const = 1", "1:5: syntax error: expected a name, found 'const'"}, {"yield", "1:1: syntax error: expected an expression, found 'yield'"}}},
	{"All other names, builtins included, may be shadowed", []example{{"let len = 2\nlen + 1", "3"}, {"let int = 4\nint", "4"}}},
	{"After `.`, in struct literals and in type bodies keywords are names", []example{{"type E { type int, for int }\nlet e = E{type: 3, for: 4}\ne.type + e.for", "7"}}},
	{"**Newlines** follow Go", []example{
		{"let a = 1\nlet b = 2\na + b", "3"}, {"let a = 1 +\n2\na", "3"}, {"let f = () => {\n return\n}\n1", "1"}, {"var n = 1\nn++\nn--\nn", "1"},
		{"let x int? = 4\nlet y = x!\n-1", "-1"}, {"let x int?\n= 4", "1:11: syntax error: expected '=', found end of line"},
	}},
	{"inside `( )` and `[ ]` newlines mean nothing", []example{{"(1\n+\n2)", "3"}, {"[1,\n2\n]", "[1, 2]"}, {"(do {\n1\n2\n})", "2:1: type error: value is not used"}}},
	{"a line starting with `.name` continues the one before", []example{{"\"ab\"\n\t.upper()\n\t.len()", "2"}, {"type T { n int }\nlet t T? = T{n: 3}\nt\n?.n", "3"}}},
	{"`;` also ends a statement", []example{{"let a = 1; a + 1", "2"}}},
	{"In map and struct literals, type bodies and `match` arms a newline may stand for, or beside, the comma", []example{
		{"{\n1: 2\n3: 4,\n}", "{1: 2, 3: 4}"}, {"type P {\nx int\ny int,\n}\nP{\nx: 1\ny: 2\n}", "P{x: 1, y: 2}"}, {"match 2 {\n1 => \"a\"\n2 => \"b\",\n_ => \"c\"\n}", "b"},
	}},
	{"trailing commas are allowed", []example{{"[1, 2,]", "[1, 2]"}, {"func f(a, b int,) => a + b\nf(1, 2,)", "3"}, {"{1: 2,}", "{1: 2}"}}},
	{"`else` stands on the line of its `}`", []example{{"if true { 1 }\nelse { 2 }", "2:1: syntax error: expected an expression, found 'else'"}}},
	{"`else if` chains", []example{{"let n = 3\nif n == 1 { 1 } else if n == 2 { 2 } else if n == 3 { 33 } else { 4 }", "33"}}},
	{"**Literals**: int `42 1_000 0xFF 0b1010 0o17`", []example{{"[42, 1_000, 0xFF, 0b1010, 0o17]", "[42, 1000, 255, 10, 15]"}}},
	{"hex, octal and binary may use all 64 bits", []example{{"0xFFFF_FFFF_FFFF_FFFF", "-1"}, {"0x1_0000_0000_0000_0000", "1:1: syntax error: bad number 0x1_0000_0000_0000_0000"}}},
	{"a leading zero before decimal digits is an error", []example{{"007", "1:1: syntax error: number 007 begins with 0; octal is written 0o7"}}},
	{"a decimal above 9223372036854775807 is an error", []example{{"9223372036854775807", "9223372036854775807"}, {"9223372036854775808", "1:1: syntax error: number 9223372036854775808 is too large for an int"}, {"-9223372036854775808", "-9223372036854775808"}}},
	{"float `3.14 .5 1e9 2.5e-3`", []example{{"[3.14, .5, 1e9, 2.5e-3]", "[3.14, 0.5, 1000000000, 0.0025]"}}},
	{"a digit must follow the point", []example{{"1.", "1:3: syntax error: expected a name, found end of source"}}},
	{"string `\"...\"` with", []example{{`"\n\t\r\\\"\$\0" == chr(10) + chr(9) + chr(13) + chr(92) + chr(34) + chr(36) + chr(0)`, "true"}, {`"\x41\u{1F600}"`, "A😀"}, {`"\q"`, `1:2: syntax error: unknown escape "\\q"`}}},
	{"surrogates and above 10FFFF are syntax errors", []example{{`"\u{DFFF}"`, `1:2: syntax error: \u needs a code point, as \u{1F600}`}, {`"\u{110000}"`, `1:2: syntax error: \u needs a code point, as \u{1F600}`}, {`"\u{10FFFF}".len()`, "4"}}},
	{"interpolation `\"${expr}\"`", []example{{`"a${1 + 1}b${"c"}"`, "a2bc"}, {`"${ {"k": "}"}["k"] }"`, "}"}, {`"${"${"${1}"}"}"`, "1"}, {`"${}"`, "1:4: syntax error: expected an expression, found end of source"}}},
	{"no raw newline in `\"...\"`", []example{{"\"a\nb\"", "1:1: syntax error: string is not closed"}}},
	{"raw string between backquotes", []example{{"`a\\n${1}\nb`", "a\\n${1}\nb"}}},
	{"rune `'a'`, `'\\n'` is an int", []example{{"'a' + '\\n'", "107"}, {"'€'", "8364"}, {"'ab'", "1:1: syntax error: a rune is one character; strings are written \"...\""}}},
}

// Section 2.
var typeSentences = []sentence{
	{"64-bit two's complement; arithmetic wraps as in Go", []example{{"maxInt + 1 == minInt && minInt - 1 == maxInt && maxInt * 2 == -2", "true"}, {"var x int\nx", "0"}}},
	{"IEEE-754 binary64; never fused, never extended", []example{{"0.1 + 0.2", "0.30000000000000004"}, {"let x = 1.0000000000000002\nx * x - x * x", "0"}, {"var x float\nx", "0"}}},
	{"| `bool` |", []example{{"var b bool\n[b, !b]", "[false, true]"}}},
	{"immutable bytes, usually UTF-8", []example{{"var s string\nlen(s)", "0"}, {"let s = \"ab\"\ns[0] = 'c'", "2:2: type error: strings cannot be changed"}, {`"\xff".len()`, "1"}}},
	{"growable list, a reference", []example{{"var a []int\nlet b = a\nb.push(1)\na", "[1]"}}},
	{"K is int, string or bool; keeps insertion order; a reference", []example{{"var m map[string]int\nlet n = m\nn[\"b\"] = 1\nn[\"a\"] = 2\nm", `{"b": 1, "a": 2}`}, {"let m map[float]int = {}", "1:11: type error: keys of maps are int, string or bool, not float"}}},
	{"| `T?` | a `T` or `nil`", []example{{"var x int?\nx", "nil"}, {"let x int? = 3\nx", "3"}}},
	{"function value (closure); without R it gives no value", []example{{"let f func(int) int = x => x + 1\nf(2)", "3"}, {"let f func() = () => print(1)\nlet x = f()", "2:9: type error: this has no value"}, {"var f func()", "1:5: type error: func() has no zero value, f needs one"}}},
	{"declared with `type`; a reference", []example{{"type P { x int }\nlet p = P{x: 1}\nlet q = p\nq.x = 2\np.x", "2"}, {"type P { x int }\nvar p P", "2:5: type error: P has no zero value, p needs one"}}},
	{"a value from the host whose type is known only at run time", []example{{"var v any\nv", "nil"}}},
	{"`?` binds to the nearest type", []example{{"let xs []int? = [1, nil]\nxs", "[1, nil]"}, {"let f func() int? = () => nil\nf()", "nil"}, {"let xs ([]int)? = nil\nxs", "nil"}}},
	{"Options do not nest", []example{{"let x int?? = 3\nx! + 1", "4"}}},
	{"Types and values are separate name spaces", []example{{"type P { x int }\nlet P = 3\nP + P{x: 1}.x", "4"}, {"let int = 5\nlet y int = int\ny", "5"}}},
	{"`int` converts to `float` by itself", []example{{"1 + 0.5", "1.5"}, {"2 < 2.5", "true"}, {"let x float = 3\nx / 2", "1.5"}, {"func f(x float) => x\nf(2)", "2"}, {"let xs = [0.5]\nxs.push(1)\nxs", "[0.5, 1]"}}},
	{"A `T` converts to `T?`, and a value of a host type to `any`, by itself", []example{{"let x int? = 3\nx", "3"}, {"let v any = 3\nv", "3"}, {"let x float? = 3\nx", "3"}}},
	{"Nothing else converts by itself, and nothing converts inside a container", []example{{"let x int = 1.0", "1:13: type error: expected int, found float"}, {"let s string = 1", "1:16: type error: expected string, found int"}, {"[[1], [2.5]]", "1:7: type error: elements are []int before and []float here"}}},
	{"**Join**: equal types; int with float is float; T with nil or `T?` is `T?`", []example{{"if true { 1 } else { 2.5 }", "1"}, {"[1, 2.5]", "[1, 2.5]"}, {"[1, nil]", "[1, nil]"}, {"let x = if false { 1 } else { nil }\nx", "nil"}}},
	{"It decides the type of `if`/`match` branches, list elements, map values, results, and both sides of `??`", []example{{"(match 1 { 1 => 1, _ => 0.5 }) / 2", "0.5"}, {"{1: 1, 2: 0.5}", "{1: 1, 2: 0.5}"}, {"func f(b bool) { if b { return 1 }\n0.5 }\nf(true) / 2", "0.5"}, {"let x int? = nil\nx ?? 0.5", "0.5"}}},
	{"An expected type goes inward into literals, branches and lambda bodies", []example{{"let xs []float = [1, 2]\nxs", "[1, 2]"}, {"let xs []int? = if true { [] } else { [nil] }\nxs", "[]"}, {"let f func(int) float = x => x\nf(1) / 2", "0.5"}}},
	{"**Inference**: `let`/`var` take the type of their initialiser", []example{{"var x = 1\nx = 0.5", "2:5: type error: expected int, found float"}}},
	{"is fixed by the first deciding use in source order", []example{
		{"var xs = []\nxs = [0.5]\nxs", "[0.5]"}, {"let xs = []\nxs.push(1)\nxs", "[1]"}, {"let xs = []\nxs.insert(0, \"a\")\nxs", `["a"]`}, {"let m = {}\nm[\"k\"] = 1\nm", `{"k": 1}`},
		{"let m = {}\nlet n = m.get(\"a\", 5)\nm[\"b\"] = 1\nm", `{"b": 1}`}, {"func f(xs []int) => len(xs)\nlet xs = []\nf(xs)", "0"}, {"let xs = []\nxs == [1]", "false"}, {"let xs = []\n1 in xs", "false"}, {"func f() []int { let xs = []\nreturn xs }\nf()", "[]"},
	}},
	{"Later uses must fit; any other operation on an undecided value is an error that says what to annotate", []example{{"let xs = []\nxs.push(1)\nxs.push(\"a\")", "3:9: type error: argument 2 of push must be int, found string"}, {"let xs = []\nxs[0] + 1", "2:3: type error: the type is not decided yet: []_"}}},
	{"Lambda bodies count where they stand; a `func` may not use a still undecided variable", []example{{"let xs = []\nlet f = (x int) => xs.push(x)\nf(3)\nxs", "[3]"}, {"let xs = []\nfunc f(x int) { xs.push(x) }\nf(1)", "2:17: type error: the type is not decided yet: []_"}}},
	{"Lambda parameters take their types from the expected function type only", []example{{"[1, 2].map(x => x + 1)", "[2, 3]"}, {"let f = x => x + 1", "1:11: type error: the types of the parameters are not known here"}}},
	{"as in Go a parameter or field takes the next type to its right", []example{{"func f(a, b int) => a + b\nf(1, 2)", "3"}, {"func f(a, b int) => a\nf(0.5, 1)", "2:3: type error: argument 1 of f must be int, found float"}}},
	{"with no type to its right it is untyped, and `b _` leaves one untyped before a typed one", []example{{"func f(a int, b) => b\nf(1, \"x\")", "x"}, {"func f(a _, b int) => a\nf(\"x\", 1)", "x"}}},
	{"A function with untyped parameters is checked and compiled anew", []example{{"func id(x) => x\n\"${id(1)}${id(\"a\")}${id([0.5])}\"", "1a[0.5]"}}},
	{"Used as a value it needs an expected function type, else it is an error", []example{{"func inc(x) => x + 1\n[1, 2].map(inc)", "[2, 3]"}, {"func inc(x) => x + 1\nlet f = inc", "2:9: type error: inc has untyped parameters, as a value it needs an expected function type"}}},
	{"A lambda given for an untyped parameter is typed by the first call of that parameter in the instance", []example{{"func apply(f, x) => f(x)\napply(x => x + 1, 0.5)", "1.5"}, {"func f(g) => g(1) + g(0.5)\nf(x => x)", "1:23: type error: argument 1 of this function must be int, found float, in f(func(int) int)"}}},
	{"other undecided arguments (`[]`, `nil`) are errors", []example{{"func f(x) => 1\nf([])", "2:3: type error: the type is not decided yet: []_"}, {"func f(x) => 1\nf(nil)", "2:3: type error: the type is not decided yet: _?"}}},
	{"Never called: only syntax and names are checked", []example{{"func f(x) => x.upper() + 1\n2", "2"}, {"func f(x) => y\n2", "1:14: type error: unknown name y"}}},
	{"Errors inside an instance are reported once, with `in f(int, string)`", []example{{"func f(a, b) => a + b\nf(1, \"x\")\nf(1, \"y\")", "1:19: type error: operator + does not apply to int and string, in f(int, string)"}}},
	{"**Results** may be left out", []example{{"func f(n) { if n > 2 { return 0.5 }\nif n > 1 { return 1 }\n2 }\nf(2) / 2", "0.5"}, {"func fact(n int) => if n == 0 { 1 } else { n * fact(n - 1) }\nfact(5)", "120"}, {"func f(n int) => if n == 0 { 1 } else { f(n - 1) / 2 }\nf(1)", "1:50: type error: expected int, found float"}}},
	{"None left, or one without a value: no value", []example{{"func f() { print(1) }\nlet x = f()", "2:9: type error: this has no value"}, {"func f(b bool) { if b { return }\nreturn }\nf(true)", ""}}},
	{"A block that cannot reach its end", []example{{"func f(n int) int { for { if n > 3 { return n }\nn++ } }\nf(0)", "4"}, {"func f() int { error(\"x\") }\nf()", "1:16: runtime error: x"}, {"let x = if true { 1 } else { error(\"no\") }\nx", "1"}}},
	{"A lambda with a value fits a function type without result", []example{{"let f func(int) = x => x + 1\nf(1)\n3", "3"}}},
}

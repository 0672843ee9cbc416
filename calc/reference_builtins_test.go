package calc_test

// Section 5.
var builtins = []sentence{
	{"`print(a, ...)` writes the arguments' text separated by spaces, and a newline", []example{{"print(1, \"a\", [2.5], nil ?? 3)\nprint()", "1 a [2.5] 3\n\n"}}},
	{"`str(x)` is that text", []example{{"str([1, 2]) + str(\"a\") + str(1.5)", "[1, 2]a1.5"}}},
	{"`len(x)` (string: bytes)", []example{{"[len(\"é\"), len([1, 2]), len({1: 1})]", "[2, 2, 1]"}}},
	{"`error(msg)` raises a runtime error, and fits any type", []example{{"let x int = error(\"stop\")", "1:13: runtime error: stop"}}},
	{"`assert(cond)` `assert(cond, msg)`", []example{{"assert(1 < 2)\nassert(1 > 2)", "2:1: runtime error: assertion failed"}, {"assert(false, \"why\")", "1:1: runtime error: assertion failed: why"}}},
	{"`args` is the list of the program's arguments", []example{{"len(args)", "0"}}},
	{"`int(x)`: float truncated toward zero", []example{{"[int(-2.9), int(\"-7\"), int(true), int(5)]", "[-2, -7, 1, 5]"}, {"int(nan)", "1:1: runtime error: int out of range: NaN"}, {"int(1e19)", "1:1: runtime error: int out of range: 10000000000000000000"}, {"int(\" 1\")", "1:1: runtime error: invalid number: \" 1\""}}},
	{"`float(x)`: int or string", []example{{"float(2) + float(\"0.5\")", "2.5"}, {"float(\"x\")", "1:1: runtime error: invalid number: \"x\""}}},
	{"`toInt(s)`, `toFloat(s)`: an option instead of the error", []example{{"[toInt(\"12\"), toInt(\"1.5\")]", "[12, nil]"}, {"[toFloat(\"1e3\"), toFloat(\"\")]", "[1000, nil]"}}},
	{"`chr(rune) -> string`, `ord(s) -> int` (first character)", []example{{"chr(8364) + chr(ord(\"éa\"))", "€é"}, {"chr(-1)", "1:1: runtime error: int out of range: -1"}}},
	{"Texts parse as Go's ParseInt(s, 10, 64) and ParseFloat(s, 64)", []example{{"[toInt(\"+5\"), toInt(\"0x10\"), toInt(\"1_0\"), toInt(\"9223372036854775808\")]", "[5, nil, nil, nil]"}, {"[toFloat(\"inf\"), toFloat(\"0x1p-2\"), toFloat(\".5\")]", "[+Inf, 0.25, 0.5]"}}},
	{"Numbers: `abs min max`", []example{{"[abs(-3), min(3, 1, 2), max([4, 5])]", "[3, 1, 5]"}, {"[abs(-0.5), min(1, 0.5), max(nan, 1)]", "[0.5, 0.5, NaN]"}, {"min(-0.0, 0.0)", "-0"}, {"min([1][1:])", "1:1: runtime error: empty list"}}},
	{"float -> float `sqrt cbrt floor ceil round`", []example{{"[sqrt(2), cbrt(27), floor(-1.5), ceil(1.2), round(2.5), round(-2.5), trunc(-2.7)]", "[1.4142135623730951, 3, -2, 2, 3, -3, -2]"}, {"[exp(1), log(10), log2(8), log10(1000)]", "[2.718281828459045, 2.302585092994046, 3, 3]"}, {"[sin(1), cos(1), tan(1), asin(1), acos(1), atan(1)]", "[0.8414709848078965, 0.5403023058681398, 1.5574077246549023, 1.5707963267948966, 0, 0.7853981633974483]"}, {"[atan2(1, -1), hypot(3, 4), pow(2, 0.5)]", "[2.356194490192345, 5, 1.4142135623730951]"}, {"[isNaN(nan), isInf(-inf), isInf(1)]", "[true, true, false]"}}},
	{"`ushr(x, n)` logical shift right; `fixed(x, n)` text with n decimals", []example{{"ushr(-1, 60)", "15"}, {"ushr(-1, 64)", "0"}, {"ushr(1, -1)", "1:1: runtime error: negative shift count"}, {"fixed(2.005, 2) + fixed(1, 0)", "2.001"}, {"fixed(1, 101)", "1:1: runtime error: int out of range: 101"}}},
	{"constants `pi inf nan maxInt minInt`", []example{{"\"${pi} ${inf} ${nan} ${maxInt} ${minInt}\"", "3.141592653589793 +Inf NaN 9223372036854775807 -9223372036854775808"}}},
	{"Lists: `list(n, v)` n times v", []example{{"list(3, 0.5)", "[0.5, 0.5, 0.5]"}, {"list(-1, 0)", "1:1: runtime error: negative count"}, {"let xs = list(2, [1])\nxs[0].push(2)\nxs", "[[1, 2], [1, 2]]"}}},
	{"`push(xs, v)` `pop(xs)` `insert(xs, i, v)` `remove(xs, i)`", []example{{"let xs = [1]\nxs.push(2)\nxs.insert(0, 0)\nprint(xs.remove(1), xs.pop())\nxs", "1 2\n[0]"}, {"let xs = [1]\nxs.clear()\nxs.pop()", "3:4: runtime error: empty list"}, {"[1].insert(2, 5)", "1:5: runtime error: index out of range: 2 of 1"}, {"[1].remove(1)", "1:5: runtime error: index out of range: 1 of 1"}}},
	{"`sort(xs)` (ints, floats, strings", []example{{"let xs = [3, 1, 2]\nxs.sort()\nxs", "[1, 2, 3]"}, {"let xs = [1.5, nan, -inf]\nxs.sort()\nxs", "[NaN, -Inf, 1.5]"}, {"let xs = [\"bb\", \"a\", \"ab\", \"c\"]\nxs.sortBy(s => len(s))\nxs", `["a", "c", "bb", "ab"]`}}},
	{"`reverse(xs)` in place; `copy(xs)`; `map(xs, f)`", []example{{"let xs = [1, 2, 3]\nlet ys = xs.copy()\nxs.reverse()\nxs + ys", "[3, 2, 1, 1, 2, 3]"}, {"[1, 2, 3, 4].filter(x => x % 2 == 0).map(x => x * x).reduce(0, (a, x) => a + x)", "20"}, {"[1, 2].any(x => print(x) == print(x) || true)", "1:17: type error: this has no value"}, {"func t(x int) { print(x)\nx > 1 }\n[1, 2, 3].any(t)", "1\n2\ntrue"}, {"func t(x int) { print(x)\nx < 1 }\n[1, 2].all(t)", "1\nfalse"}, {"[[1, 5, 9].find(x => x > 3), [1].find(x => x > 3)]", "[5, nil]"}, {"let xs = [1, 2]\nxs.map(x => { if len(xs) < 4 { xs.push(9) }\nx })", "[1, 2, 9, 9]"}}},
	{"`contains(xs, v)` `index(xs, v)` (-1 if absent); `sum(xs)` left to right; `join(strings, sep)`; `range(a, b)`", []example{{"[4, 5].contains(5) && [4, 5].index(5) == 1 && [4].index(9) == -1", "true"}, {"[1e16, 1, -1e16].sum()", "0"}, {"[1, 2, 3].sum()", "6"}, {"[\"a\", \"b\", \"c\"].join(\"-\")", "a-b-c"}, {"range(0, 3) + range(5, 0, -2)", "[0, 1, 2, 5, 3, 1]"}}},
	{"push, insert, clear, sort, sortBy, reverse give no value", []example{{"let x = [1].push(2)", "1:13: type error: this has no value"}, {"let x = [1].sort()", "1:13: type error: this has no value"}}},
	{"Strings: `upper lower trim`, `split(s, sep)`", []example{{"\"aB\".upper() + \"aB\".lower() + \" x \".trim()", "ABabx"}, {"\"a,b\".split(\",\") + \"aé\".split(\"\")", `["a", "b", "a", "é"]`}, {"\"a-b-c\".replace(\"-\", \"+\")", "a+b+c"}, {"[\"abc\".index(\"c\"), \"abc\".index(\"x\")]", "[2, -1]"}, {"\"abc\".contains(\"bc\") && \"abc\".hasPrefix(\"a\") && \"abc\".hasSuffix(\"c\")", "true"}, {"\"ab\".repeat(2)", "abab"}, {"\"aé\".chars()", `["a", "é"]`}, {"\"aé\".bytes()", "[97, 195, 169]"}}},
	{"Negative counts: runtime error", []example{{"\"a\".repeat(-1)", "1:5: runtime error: negative count"}}},
	{"Maps: `get(m, k)` (an option)", []example{{"let m = {\"a\": 1, \"b\": 2}\nm.delete(\"z\")\nprint(m.get(\"a\"), m.get(\"z\"), m.get(\"z\", 7), m.keys(), m.values())\nlet n = m.copy()\nm.clear()\n\"${m} ${n}\"", "1 nil 7 [\"a\", \"b\"] [1, 2]\n{} {\"a\": 1, \"b\": 2}"}}},
	{"Assigning to a present key keeps its place; delete and insert again goes last", []example{{"let m = {\"a\": 1, \"b\": 2}\nm[\"a\"] = 3\nprint(m)\nm.delete(\"a\")\nm[\"a\"] = 4\nm", "{\"a\": 3, \"b\": 2}\n{\"b\": 2, \"a\": 4}"}}},
	{"`sqrt` and the operators except `**` are exactly rounded; `**` is `pow`", []example{{"2 ** 0.5 == pow(2, 0.5) && sqrt(2) == 1.4142135623730951", "true"}}}, // the functions: internal/num
}

// Section 6.
var texts = []sentence{
	{"int: decimal.", []example{{"-42", "-42"}}},
	{"float: shortest text that reads back the same", []example{{"[8.0, 0.1, 1e6, 1e20, 1e21, 1e-6, 1e-7]", "[8, 0.1, 1000000, 100000000000000000000, 1e+21, 0.000001, 1e-07]"}, {"[nan, inf, -inf, -0.0]", "[NaN, +Inf, -Inf, -0]"}}},
	{"bool, `nil`. Strings as they are; inside a list, map or struct quoted", []example{{"print(true, \"a\\\"b\")\n[\"a\\\"\\\\\\n\\t\\r\"]", "true a\"b\n" + `["a\"\\\n\t\r"]`}, {"let x int? = nil\n\"${x}\"", "nil"}}},
	{"`[1, 2]`, `{\"a\": 1}`, `Point{x: 1, y: 2.5}`, `func`", []example{{"type Point { x, y float }\nlet f = () => 1\n\"${[1, 2]} ${ {\"a\": 1} } ${Point{x: 1, y: 2.5}} ${f}\"", `[1, 2] {"a": 1} Point{x: 1, y: 2.5} func`}}},
	{"A value met again inside itself prints as `...`", []example{{"type N { next N?, xs []N }\nlet n = N{xs: []}\nn.next = n\nn.xs.push(n)\nn", "N{next: ..., xs: [...]}"}}},
}

// Section 7. What reports look like: TestReports and the faults in calc_test.go.
var errorSentences = []sentence{
	{"First line on standard error: `FILE:LINE:COL: KIND: message`", []example{{"\n  1 div 0", "2:5: runtime error: division by zero"}, {"\tx", "1:2: type error: unknown name x"}}},
	{"for a runtime error at the operator, `[`, or called name", []example{{"let xs = [1]\nxs[ 1 ]", "2:3: runtime error: index out of range: 1 of 1"}, {"1 + int(\"x\")", "1:5: runtime error: invalid number: \"x\""}}},
	{"An unknown character, unclosed string, unknown name", []example{{"1 @ 2", "1:3: syntax error: unknown character '@'"}, {"\"a", "1:1: syntax error: string is not closed"}, {"lent(\"a\")", "1:1: type error: unknown name lent"}, {"func f(a int) => a\nf()", "2:1: type error: f needs 1 argument, found 0"}, {"let a = 1\na = 2", "2:1: type error: a cannot be assigned, it is a let"}, {"if 1 { }", "1:4: type error: condition must be bool, found int"}, {"func f(n int) int { if n > 0 { return 1 } }", "1:43: type error: f returns int, the result is missing at its end"}}},
	{"Syntax and type errors mean nothing ran: nothing was printed", []example{{"print(1)\nx", "2:1: type error: unknown name x"}}},
	{"Runtime messages: `division by zero`", []example{{"1 div 0", "1:3: runtime error: division by zero"}, {"[1, 2, 3][5]", "1:10: runtime error: index out of range: 5 of 3"}, {"{\"a\": 1}[\"k\"]", "1:9: runtime error: key not found: \"k\""}, {"{1: 1}[2]", "1:7: runtime error: key not found: 2"}}},
	{"At least 10,000 nested calls", []example{{"func f(n int) int => if n == 0 { 0 } else { 1 + f(n - 1) }\nf(10000)", "10000"}, {"func f(n int) int => 1 + f(n)\nf(0)", "1:26: runtime error: stack overflow"}}},
}

// Section 9. Values of the host: embed_test.go.
var hostSentences = []sentence{
	{"`Options.Env` fixes the types of the host's names at compile time", nil},
	{"A nil sample, `[]any` and interfaces have or hold the type `any`", []example{{"let v any = 3\n\"${v as int} ${v as string} ${v as float}\"", "3 nil 3"}, {"let v any = 2.0\nv as int", "2"}, {"let v any = [1, {\"k\": 2}]\nprint(v[1][\"k\"], v[5], v.name, 1 in v, v == nil)", "2 nil nil true false\n"}}},
}

// Section 10.
var decisions = []sentence{
	{"Where the above leaves something open", nil},
	{"Without `-backend` a program runs as native code", nil}, // TestBackends
	{"Functions that are inlined do not count as nested calls", []example{{"func f(n int) => n + 1\nf(f(f(1)))", "4"}}},
	{"`any?` is `any`", []example{{"let v any? = 3\nv", "3"}, {"let v any = nil\nv ?? 5", "5"}}},
	{"`str`, `print` and interpolation of a value nested deeper than 10,000 levels", []example{{"type N { n N? }\nvar a = N{}\nfor i in 0..10500 { a = N{n: a} }\nlen(str(a))", "4:5: runtime error: nested too deeply"}}},
	{"Types may be declared in blocks", []example{{"func f() { type P { x int, n P? }\nP{x: 1}.x }\nf()", "1"}, {"do { let p = P{x: 1}\ntype P { x int } }\n1", "1:14: type error: unknown type P"}}},
	{"A builtin or a host function may be a value where a function type is expected", []example{{"[1, 4].map(sqrt)", "[1, 2]"}}},
	{"`range(a, b, 0)` is the runtime error `step is 0`", []example{{"range(1, 2, 0)", "1:1: runtime error: step is 0"}}},
	{"`reduce` widens an int to a float if the function gives floats", []example{{"[1, 2].reduce(0, (a, x) => a + x / 2)", "1.5"}}},
	{"The keys of `sortBy` are int, float or string", []example{{"let xs = [2, 1]\nxs.sortBy(x => x == 1)", "2:13: type error: keys of sortBy are int, float or string, not bool"}}},
	{"`x as T` takes the whole type behind it but `??`", []example{{"let v any = nil\nv as int ?? 4", "4"}}},
	{"No arm of a `match` may stand behind `_`", []example{{"match 1 { _ => 1, 2 => 3 }", "1:19: type error: no arm may stand behind _"}}},
	{"A Go `map[string]any` in `Options.Env` is a struct", nil}, // embed_test.go
}

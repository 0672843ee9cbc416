package calc_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/calc"
)

// clauses are those parts of sentences of LANGUAGE.md that no example of the sections
// stands for, by semicolons and the ends of sentences.
var clauses = []sentence{
	// Section 2.
	{"types may be parenthesised: `([]T)?`", []example{{"let xs ([]int)? = nil\nxs", "nil"}, {"let f (func(int) int) = x => x + 1\nf(1)", "2"}}},
	{"the result is the join of the final expression and all `return`s", []example{
		{"func f(n) { if n > 2 { return 0.5 }\nif n > 1 { return 1 }\n2 }\nf(1) / 4", "0.5"},
		{"func f(b bool) { if b { return nil }\n5 }\n[f(true), f(false)]", "[nil, 5]"},
		{"func even(n) => n == 0 || odd(n - 1)\nfunc odd(n) => n != 0 && even(n - 1)\neven(11)", "false"},
		{"func f(b bool) { if b { return 1 }\n\"a\" }\nf(true)", "2:1: type error: f returns string here and int before"},
	}},
	{"afterwards these must fit, else an error asks for an annotation", []example{{"func f(n int) => if n == 0 { 1 } else { f(n - 1) / 2 }\nf(2)", "1:50: type error: expected int, found float"}, {"func f(n int) float => if n == 0 { 1 } else { f(n - 1) / 2 }\nf(2)", "0.25"}}},

	// Section 3.
	{"a type without one needs e", []example{{"type P { x int }\nvar p P", "2:5: type error: P has no zero value, p needs one"}, {"var f func(int) int", "1:5: type error: func(int) int has no zero value, f needs one"}, {"var a int?\nvar b map[string]int\nvar c any\n\"${a} ${b} ${c}\"", "nil {} nil"}}},
	{"every field must be given, except T? fields (nil)", []example{{"type P { x int, n P?, s string? }\nP{x: 1}", "P{x: 1, n: nil, s: nil}"}, {"type P { x, y int }\nP{y: 1}", "2:1: type error: field x of P is missing"}}},
	{"bounds int, evaluated once", []example{{"func b(n int) { print(n)\nn }\nfor i in b(1)..b(3) { print(i) }", "1\n3\n1\n2\n"}, {"for i in 0.5..3 { }", "1:10: type error: expected int, found float"}}},
	{"empty if a > b", []example{{"for i in 3..1 { print(i) }\nfor i in 3..=2 { print(i) }\n0", "0"}}},
	{"..=maxInt ends", []example{{"var n = 0\nfor i in maxInt - 2..=maxInt { n++ }\nn", "3"}}},
	{"step may be negative", []example{{"var s = \"\"\nfor i in range(7, 0, -3) { s += str(i) }\ns", "741"}}},
	{"0 is a runtime error", []example{{"for i in range(7, 0, 0) { }", "1:10: runtime error: step is 0"}}},

	// Section 4.
	{"and function bodies have the value of their last statement if that is an expression", []example{{"func f() { let x = 2\nx * 3 }\nfunc g() { var y = 1\ny += 1 }\ng()\nf()", "6"}, {"func g() { var y = 1\ny += 1 }\nlet x = g()", "3:9: type error: this has no value"}}},
	{"`if`, `match`, `do` are operands", []example{{"1 + if true { 2 } else { 3 } * 2", "5"}, {"-match 1 { 1 => 4, _ => 5 }", "-4"}, {"do { 2 } * do { 3 }", "6"}}},
	{"if two branches do not join, the `if` has no value", []example{{"if true { 1 } else { \"a\" }\n2", "2"}, {"let x = if true { 1 } else { \"a\" }", "1:9: type error: this has no value"}}},
	{"_ required unless bool is covered", []example{{"match true { true => 1, false => 2 }", "1"}, {"match true { true => 1 }", "1:1: type error: match does not cover all values of bool, add _ => ..."}, {"let b bool? = nil\nmatch b { true => 1, false => 2, nil => 3 }", "3"}}},
	{"() => 42", []example{{"let f = () => 42\nf()", "42"}}},
	{"closures capture variables, not copies", []example{{"var n = 1\nlet f = () => n\nn = 5\nf()", "5"}, {"func pair() { var n = 0\nlet inc = () => { n++ }\nlet get = () => n\ninc()\ninc()\nget() }\npair()", "2"}}},
	{"`(` starts one if its matching `)` is followed by `=>`", []example{{"let f = (a int, b int) => a - b\nf(5, 3)", "2"}, {"let a = 4\n(a)", "4"}, {"let f func(int) int = (a) => (a + 1) * 2\nf(1)", "4"}}},
	{"after that `=>` a `{` is a block", []example{{"let f = (x int) => { x * 2 }\nf(4)", "8"}, {"let f = () => ({1: 2})\nf()", "{1: 2}"}}},
	{"`x?.f` is nil if x is nil, else `x.f`", []example{{"type P { f int, n P? }\nlet p P? = P{f: 2}\nlet q P? = nil\n[p?.f, q?.f, p?.n?.f]", "[2, nil, nil]"}}},
	{"| 9 | `f(x)`", []example{{"let f = (x int) => [x, x + 1]\nf(3)[1]", "4"}, {"let v any = [[1, 2]]\n(v[0][1] as int)!", "2"}}},
	{"`as`: section 9", []example{{"let v any = 1\n-(v as int)!", "-1"}}},
	{"`-2 ** 2` is `-4`", []example{{"-2 ** 2", "-4"}, {"2 ** 3 ** 2", "512"}}},
	{"always float", []example{{"let x int = 2 ** 2", "1:15: type error: expected int, found float"}, {"(2 ** 3) / 16", "0.5"}}},
	{"`div` is int division truncated toward zero (Go's `/`)", []example{{"[7 div 2, -7 div 2, 7 div -2, -7 div -2]", "[3, -3, -3, 3]"}, {"7.0 div 2", "1:5: type error: operator div does not apply to float and int"}}},
	{"`%` has the dividend's sign (Go's), on floats as math.Mod", []example{{"[7 % 3, -7 % 3, 7 % -3, -7 % -3]", "[1, -1, 1, -1]"}, {"[7.5 % 2, -7.5 % 2, 7.5 % -2, 1 % inf]", "[1.5, -1.5, 1.5, 1]"}, {"isNaN(1.0 % 0)", "true"}}},
	{"shift counts: negative is a runtime error, 64 or more shifts everything out", []example{{"let n = -1\n1 >> n", "2:3: runtime error: negative shift count"}, {"[1 << 63, 1 << 64, 5 >> 100, -5 >> 100]", "[-9223372036854775808, 0, 0, -1]"}}},
	{"`>>` is arithmetic", []example{{"[-8 >> 1, minInt >> 63]", "[-4, -1]"}}},
	{"`<` on numbers and strings (bytewise)", []example{{"\"a\" < \"b\" && \"B\" < \"a\" && \"a\" < \"aa\" && \"z\" < \"é\" && 1 < 1.5", "true"}, {"[1] < [2]", "1:5: type error: operator < does not apply to []int and []int"}}},
	{"`in`: list element, map key, substring", []example{{"[2 in [1, 2], 0.5 in [1, 0.5], 1 in {1: 0}, \"\" in \"a\", \"b\" in \"abc\"]", "[true, true, true, true, true]"}, {"1 in 2", "1:3: type error: operator in does not apply to int"}}},
	{"it never short-cuts on identity (`[nan] == [nan]` is false)", []example{{"let xs = [nan]\nxs == xs", "false"}, {"let xs = [nan]\n[xs == xs, nan in xs, xs.contains(nan), xs.index(nan) == 0]", "[false, false, false, false]"}}},
	{"names that are not functions are skipped when f is looked up", []example{{"let upper = 1\nlet len = \"x\"\n\"ab\".upper().len() + upper", "3"}}},
	{"`m[k]` needs the key to be there (`m.get(k)`, `m.get(k, d)` do not); else runtime error", []example{{"let m = {\"a\": 1}\nm[\"b\"]", "2:2: runtime error: key not found: \"b\""}, {"let m = {\"a\": 1}\nm[\"b\"] += 1", "2:2: runtime error: key not found: \"b\""}, {"let m = {\"a\": 1}\n[m.get(\"b\"), m.get(\"b\", 4)]", "[nil, 4]"}}},

	// Section 5.
	{"(keep the type; mixed gives float", []example{{"let a int = max(1, 2)\nlet b int = abs(-2)\na + b", "4"}, {"let a int = max(1, 2.0)", "1:13: type error: expected int, found float"}, {"min(3, 2.5) + max(1, 2.5, 2)", "5"}}},
	{"`min`/`max` take 2 or more, or one list", []example{{"[min(4, 2, 3), max([1, 9, 2]), min([0.5])]", "[2, 9, 0.5]"}, {"max(1)", "1:1: type error: max needs at least 2 arguments, or a list"}}},
	{"ordered as Go's cmp.Compare, NaN first) and `sortBy(xs, key)` in place, stable, all keys taken first", []example{
		{"let xs = [0.5, nan, -inf, inf, -0.5]\nxs.sort()\nxs", "[NaN, -Inf, -0.5, 0.5, +Inf]"},
		{"let xs = [3, 1, 2]\nxs.sortBy(x => { print(x)\n-x })\nxs", "3\n1\n2\n[3, 2, 1]"},
		{"let xs = [\"b1\", \"a1\", \"b0\", \"a0\"]\nxs.sortBy(s => s[0])\nxs", `["a1", "a0", "b1", "b0"]`},
	}},
	{"each does what Go's strings function of that name does", []example{
		{"\"\".split(\",\") + \"a,\".split(\",\") + \"abc\".split(\"\")", `["", "a", "", "a", "b", "c"]`},
		{"\"aaa\".replace(\"a\", \"b\") + \"ab\".replace(\"\", \"-\")", "bbb-a-b-"},
		{"\"\\t x\\n \".trim() + \"ǅ\".lower() + \"ß\".upper()", "xǆß"},
	}},
	{"the other functions are within 1 ulp and give the same bits", []example{{"[sin(1e22), exp(-745.13), tan(1.5707963267948966), log(1.0000000000000002)]", "[-0.8522008497671888, 5e-324, 16331239353195370, 2.2204460492503128e-16]"}}},

	// Section 6.
	{"plain decimals without a trailing `.0` when 1e-6 <= |x| < 1e21", []example{{"[8.0, 0.1, 1e6, 0.000001, 9.99e-7, 999999999999999900000.0, 1e21, -1e21, 1e-7]", "[8, 0.1, 1000000, 0.000001, 9.99e-07, 999999999999999900000, 1e+21, -1e+21, 1e-07]"}}},
	{"`NaN`, `+Inf`, `-Inf`, `-0`", []example{{"print(nan, inf, -inf, -0.0)", "NaN +Inf -Inf -0\n"}}},

	// Section 7.
	{"infinite recursion is `stack overflow`, deeper nesting a syntax error", []example{{"func f(n int) int => f(n + 1) + 1\nf(0)", "1:22: runtime error: stack overflow"}, {strings.Repeat("(", 20_000), "1:2001: syntax error: nested too deeply"}}},

	// Section 9.
	{"`v.name`, `v[\"k\"]`, `v[i]` of an `any` give `any`, nil if absent", []example{{"let v any = {\"name\": 1}\n[v.name as int, v[\"name\"] as int, v[7] as int, v.x.y as int]", "[1, 1, nil, nil]"}}},
	{"`==` and `in` work", []example{{"let v any = [1, \"a\"]\n[v[0] == 1, v[1] == \"a\", v[0] == 1.0, \"a\" in v, 2 in v]", "[true, true, true, true, false]"}}},
	{"`v as T` gives `T?` (a float to int if integral)", []example{{"let v any = 2.0\nlet w any = 2.5\n[v as int, w as int, v as int? ?? 7]", "[2, nil, 2]"}}},

	// Section 10.
	{"`x ?? y` of an `any` is an `any`", []example{{"let v any = nil\n(v ?? 3) as int", "3"}}},
	{"a text longer than the memory limit is a limit error", []example{{"let s = \"x\".repeat(40000000)\n\"${s}${s}\".len()", "2:1: limit error: more than 67108864 bytes of memory"}}},
	{"they are visible behind their declaration and in themselves", []example{{"do { let p = P{x: 1}\ntype P { x int } }", "1:14: type error: unknown type P"}, {"func f() { type L { n L?, v int }\nL{n: L{v: 2}, v: 1}.n!.v }\nf()", "2"}}},
	{"elements that the key function adds are sorted, too", []example{{"let xs = [2, 1]\nxs.sortBy(x => { if len(xs) < 3 { xs.push(0) }\nx })\nxs", "[0, 1, 2]"}}},
}

// elsewhere are the clauses that other tests show, by those tests.
var elsewhere = map[string]string{
	"Of a source line longer than 300 bytes a report shows":  "TestLongLines",
	"The host may call only functions with typed parameters": "TestInstance",
	"import s \"geo/shapes\" renames":                        "TestModules",
	"In the REPL every input opens a new inner scope":        "TestREPL",
	"a module's top level runs once, before its importer":    "TestModules",
	"then the source line (its tabs kept) and a caret":       "TestReport",
	"for runtime errors then one line per active call":       "TestStackOfReport",
	"above 20 lines the first 10":                            "TestStackOfReport",
	"LINE:COL (1-based, COL in bytes)":                       "TestReport",
	"Source given as text is named `<eval>`":                 "TestFaults",
	"A compiler reports up to 10 errors, in source order":    "TestSeveralErrorsAreReportedInOrder",
	"Hints help where other languages differ":                "TestHints",
	"`s[0] == \"a\"`: use `'a'`)":                            "TestHints",
	"never a crash":                                          "FuzzEval",
	"Where a limit error or `stack overflow` strikes":        "TestRandomPrograms",
	"nothing else may":                                       "TestRandomPrograms",
	"Run checks the values first":                            "TestHostClauses",
	"Go ints become `int`":                                   "TestHostClauses",
	"a host function's `error` result":                       "TestHostClauses",
	"other Go types (time.Time) are opaque":                  "TestHostClauses",
	"Values cross by copy":                                   "TestHostValuesCrossByCopy",
	"else on the VM":                                         "TestDump",
	"`-backend=jit` does the same":                           "TestDump",
	"in an `any` it is a map":                                "TestHostClauses",
}

func TestReferenceClauses(t *testing.T) {
	for _, s := range clauses {
		for _, c := range s.cases {
			for _, b := range backends {
				if got := result(c.src, b); got != c.want {
					t.Errorf("%q: %v: %q\n  is   %q\n  want %q", s.text, b, c.src, got, c.want)
				}
			}
		}
	}
}

// TestReferenceIsWhole finds the clauses of the reference that have no example and no
// test. Section 8 is that of the command.
func TestReferenceIsWhole(t *testing.T) {
	data, err := os.ReadFile("LANGUAGE.md")
	require.NoError(t, err)
	text := string(data)
	shown := make([]bool, len(text)+1)
	show := func(s string, from int) int {
		i := strings.Index(text[from:], s)
		require.GreaterOrEqual(t, i, 0, "LANGUAGE.md does not say %q", s)
		for j := range len(s) {
			shown[from+i+j] = true
		}
		return from + i
	}
	at := 0
	for _, s := range reference() {
		at = show(s.text, at)
	}
	first := strings.Index(text, "## 1. ")
	for _, s := range clauses {
		show(s.text, first)
	}
	for s := range elsewhere {
		show(s, first)
	}
	for _, section := range strings.Split(text[first:], "\n## ") {
		if strings.HasPrefix(section, "8. ") {
			show(section, 0)
		}
		heading, _, _ := strings.Cut(section, "\n")
		show(heading, 0)
	}
	words := regexp.MustCompile(`[a-z]`)
	at = 0
	for _, end := range regexp.MustCompile(`[.;] |[.]?\n`).FindAllStringIndex(text, -1) {
		clause := text[at:end[0]]
		from := at
		at = end[1]
		if from < first || !words.MatchString(clause) || strings.HasPrefix(clause, "| type |") || strings.HasPrefix(clause, "| | operators") {
			continue
		}
		found := false
		for i := from; i < end[0]; i++ {
			found = found || shown[i]
		}
		if !found {
			t.Errorf("no example for %q", clause)
		}
	}
}

// TestHostClauses shows the sentences of section 9 on each engine.
func TestHostClauses(t *testing.T) {
	type node struct {
		V    int32
		Next *node
	}
	sample := map[string]any{
		"small": int8(0), "big": uint64(0), "f": float32(0), "xs": []uint16(nil), "m": map[string]int(nil), "p": (*node)(nil),
		"when": time.Time{}, "v": nil, "conf": map[string]any{"rate": 1.5},
	}
	now := time.Now()
	good := map[string]any{
		"small": int8(-3), "big": uint64(7), "f": float32(0.5), "xs": []uint16{1, 2}, "m": map[string]int{"z": 1, "a": 2}, "p": &node{V: 4},
		"when": now, "v": map[string]any{"k": []any{1, nil}}, "conf": map[string]any{"rate": 2},
	}
	funcs := map[string]any{
		"age":  func(t time.Time) int { return int(now.Sub(t)) },
		"fail": func(n int) (int, error) { return n, errors.New("no such thing") },
	}
	run := func(b calc.Backend, src string, env map[string]any) string {
		p, err := calc.Compile(src, &calc.Options{Env: sample, Funcs: funcs, Backend: b})
		if err == nil {
			var v calc.Value
			if v, err = p.Run(t.Context(), env); err == nil {
				return v.String()
			}
		}
		return err.Error()
	}
	for _, b := range backends {
		for src, want := range map[string]string{
			"small + big":              "4",
			"f + conf.rate":            "2.5",
			"xs":                       "[1, 2]",
			"m":                        `{"a": 2, "z": 1}`,
			"p!.V + (p?.Next?.V ?? 1)": "5",
			"when == when":             "true",
			"age(when)":                "0",
			"when + 1":                 "<eval>:1:6: type error: operator + does not apply to time.Time and int",
			"1 + fail(2)":              "<eval>:1:5: runtime error: no such thing",
			"v.k[0] as int":            "1",
			"v":                        `{"k": [1, nil]}`,
		} {
			require.Equal(t, want, run(b, src, good), "%v: %s", b, src)
		}
		for name, c := range map[string]struct {
			value any
			want  string
		}{
			"small": {300, ""}, // any Go int will do
			"big":   {uint64(1 << 63), "calc: Run: big: "},
			"xs":    {[]string{"a"}, "calc: Run: xs: "},
			"m":     {nil, ""},
			"conf":  {map[string]any{}, "calc: Run: conf: "},
			"when":  {"now", "calc: Run: when: "},
		} {
			env := map[string]any{}
			for k, v := range good {
				env[k] = v
			}
			env[name] = c.value
			got := run(b, "print(1)\n\"${small}\"", env)
			require.Contains(t, got, c.want, "%v: %s = %v", b, name, c.value)
			delete(env, name)
			require.Equal(t, fmt.Sprintf("calc: Run: the environment has no %s", name), run(b, "1", env))
		}
	}
}

// TestStackOfReport has the calls that are active, inlined ones too, and not those of
// builtins.
func TestStackOfReport(t *testing.T) {
	for _, b := range backends {
		report := func(src string) string {
			p, err := calc.Compile(src, &calc.Options{Backend: b, Name: "x.calc"})
			require.NoError(t, err)
			_, err = p.Run(t.Context(), nil)
			return calc.Report(err)
		}
		require.Equal(t, `x.calc:1:25: runtime error: division by zero
func inner(n int) => 10 div n
                        ^
  at inner (x.calc:2:30)
  at func (x.calc:2:21)
  at outer (x.calc:3:1)
`, report("func inner(n int) => 10 div n\nfunc outer() => [0].map(x => inner(x))\nouter()"), b)

		var want strings.Builder
		want.WriteString("x.calc:1:36: runtime error: division by zero\nfunc f(n int) int => if n == 0 { 1 div n } else { 1 + f(n - 1) }\n                                   ^\n")
		for range 10 {
			want.WriteString("  at f (x.calc:1:55)\n")
		}
		want.WriteString("  ...\n")
		for range 9 {
			want.WriteString("  at f (x.calc:1:55)\n")
		}
		want.WriteString("  at f (x.calc:2:1)\n")
		require.Equal(t, want.String(), report("func f(n int) int => if n == 0 { 1 div n } else { 1 + f(n - 1) }\nf(30)"), b)
	}
}

// TestElsewhere makes sure that the tests are there that clauses refer to.
func TestElsewhere(t *testing.T) {
	files, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	var all strings.Builder
	for _, name := range files {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		all.Write(data)
	}
	for clause, name := range elsewhere {
		require.Contains(t, all.String(), "func "+name+"(", clause)
	}
}

package calc_test

import (
	"fmt"
	"strings"
)

// A generator makes random programs that pass the checker and end. Its choices are
// bytes, so that a fuzzer can steer them.
type generator struct {
	choices []byte
	at      int
	numeric bool // only what the native engine has: numbers, bools, lists of them
	plain   bool // without the functions that Go computes otherwise
	b       strings.Builder
	indent  int
	scopes  [][]genVar
	funcs   []genFunc
	names   int
	budget  int // nodes left
	loops   int // loops around
	result  string
	inFunc  bool
}

type genVar struct {
	name, typ string
	assign    bool
}

type genFunc struct {
	name   string
	params []string
	result string
}

// generate makes a program of choices.
func generate(choices []byte, numeric bool) string {
	return generateWith(&generator{choices: choices, numeric: numeric, budget: 260})
}

func generateWith(g *generator) string {
	g.scopes = [][]genVar{nil}
	if !g.numeric {
		g.line("type P { a int, b float, s string, n P? }")
	}
	for range g.pick(4) {
		g.function()
	}
	g.block(3 + g.pick(8))
	for _, v := range g.scopes[0] {
		if !strings.HasPrefix(v.typ, "func") {
			g.show(v)
		}
	}
	return g.b.String()
}

func (g *generator) pick(n int) int {
	if g.at >= len(g.choices) {
		return 0
	}
	c := int(g.choices[g.at])
	g.at++
	return c % n
}

func (g *generator) line(format string, args ...any) {
	g.b.WriteString(strings.Repeat("  ", g.indent))
	fmt.Fprintf(&g.b, format, args...)
	g.b.WriteByte('\n')
}

func (g *generator) name(prefix string) string {
	g.names++
	return fmt.Sprintf("%s%d", prefix, g.names)
}

func (g *generator) types() []string {
	list := []string{"int", "float", "bool", "int", "float", "[]int", "[]float", "[]bool"}
	if !g.numeric {
		list = append(list, "string", "int?", "float?", "P", "P?", "[]string", "map[string]int", "map[int]float", "[]P", "string?", "func(int) int")
	}
	return list
}

func (g *generator) typ() string {
	list := g.types()
	return list[g.pick(len(list))]
}

func (g *generator) push() { g.scopes = append(g.scopes, nil); g.indent++ }
func (g *generator) pop()  { g.scopes = g.scopes[:len(g.scopes)-1]; g.indent-- }

func (g *generator) declare(name, typ string, assign bool) {
	top := len(g.scopes) - 1
	g.scopes[top] = append(g.scopes[top], genVar{name, typ, assign})
}

// variable returns a variable in scope of a type, or "".
func (g *generator) variable(typ string, assign bool) string {
	var list []string
	for _, s := range g.scopes {
		for _, v := range s {
			if v.typ == typ && (v.assign || !assign) {
				list = append(list, v.name)
			}
		}
	}
	if len(list) == 0 {
		return ""
	}
	return list[g.pick(len(list))]
}

func (g *generator) function() {
	f := genFunc{name: g.name("f"), result: g.typ()}
	var params []string
	outer := g.scopes
	g.scopes = [][]genVar{nil}
	for range g.pick(4) {
		t := g.typ()
		p := g.name("p")
		f.params = append(f.params, t)
		params = append(params, p+" "+t)
		g.declare(p, t, true)
	}
	g.line("func %s(%s) %s {", f.name, strings.Join(params, ", "), f.result)
	g.result, g.inFunc = f.result, true
	g.push()
	loops := g.loops
	g.loops = 0
	g.block(1 + g.pick(4))
	g.loops = loops
	g.line("return %s", g.expr(f.result, 3))
	g.pop()
	g.line("}")
	g.inFunc = false
	g.scopes = outer
	g.funcs = append(g.funcs, f)
}

func (g *generator) block(n int) {
	for range n {
		g.statement()
	}
}

func (g *generator) body(n int) {
	g.push()
	g.block(n)
	g.pop()
}

func (g *generator) statement() {
	g.budget--
	if g.budget < 0 {
		return
	}
	switch g.pick(14) {
	case 0, 1, 2:
		t := g.typ()
		v := g.name("v")
		g.line("var %s %s = %s", v, t, g.expr(t, 3))
		g.declare(v, t, true)
	case 3, 4, 5:
		g.assign()
	case 6:
		g.line("if %s {", g.expr("bool", 3))
		g.body(1 + g.pick(3))
		if g.pick(2) == 1 {
			g.line("} else {")
			g.body(1 + g.pick(3))
		}
		g.line("}")
	case 7, 8:
		g.loop()
	case 9:
		g.print()
	case 10:
		if g.inFunc && g.pick(3) == 0 {
			g.line("if %s { return %s }", g.expr("bool", 2), g.expr(g.result, 2))
		} else if g.loops > 0 {
			g.line("if %s { %s }", g.expr("bool", 2), []string{"break", "continue"}[g.pick(2)])
		}
	case 11:
		g.change()
	case 12:
		if !g.numeric {
			if x := g.variable("int?", false); x != "" {
				v := g.name("v")
				g.line("if let %s = %s {", v, x)
				g.push()
				g.declare(v, "int", false)
				g.block(1 + g.pick(2))
				g.pop()
				g.line("}")
			}
		}
	case 13:
		if !g.numeric && len(g.scopes) < 4 {
			f := g.name("c")
			p := g.name("x")
			g.line("let %s func(int) int = (%s int) => {", f, p)
			g.push()
			g.declare(p, "int", true)
			inFunc, result, loops := g.inFunc, g.result, g.loops
			g.inFunc, g.result, g.loops = true, "int", 0
			g.block(1 + g.pick(2))
			g.line("%s", g.expr("int", 2))
			g.inFunc, g.result, g.loops = inFunc, result, loops
			g.pop()
			g.line("}")
			g.declare(f, "func(int) int", false)
		}
	}
}

func (g *generator) print() {
	t := g.typ()
	if strings.HasPrefix(t, "func") || g.numeric && strings.HasPrefix(t, "[") {
		t = "int"
	}
	g.line("print(%s)", g.expr(t, 3))
}

func (g *generator) show(v genVar) {
	if g.numeric && strings.HasPrefix(v.typ, "[") {
		g.line("for x in %s { print(x) }", v.name)
		return
	}
	g.line("print(%s)", v.name)
}

func (g *generator) assign() {
	t := g.typ()
	v := g.variable(t, true)
	if v == "" {
		return
	}
	switch {
	case t == "int" && g.pick(3) == 0:
		g.line("%s %s %s", v, []string{"+=", "-=", "*=", "&=", "|=", "^="}[g.pick(6)], g.expr(t, 2))
	case t == "float" && g.pick(3) == 0:
		g.line("%s %s %s", v, []string{"+=", "-=", "*=", "/="}[g.pick(4)], g.expr(t, 2))
	default:
		g.line("%s = %s", v, g.expr(t, 3))
	}
}

// change changes what a variable refers to.
func (g *generator) change() {
	lists := []string{"[]int", "[]float", "[]bool"}
	if !g.numeric {
		lists = append(lists, "[]string", "[]P", "map[string]int", "map[int]float", "P")
	}
	t := lists[g.pick(len(lists))]
	v := g.variable(t, false)
	if v == "" {
		return
	}
	switch {
	case t == "P":
		f := g.pick(4)
		g.line("%s.%s = %s", v, []string{"a", "b", "s", "n"}[f], g.expr([]string{"int", "float", "string", "P?"}[f], 2))
	case strings.HasPrefix(t, "map[string]"):
		g.line("%s[%s] = %s", v, g.expr("string", 1), g.expr("int", 2))
	case strings.HasPrefix(t, "map["):
		g.line("%s[%s] = %s", v, g.expr("int", 1), g.expr("float", 2))
	case g.pick(3) == 0 && len(g.scopes) < 5:
		g.line("if len(%s) < 50 { %s.push(%s) }", v, v, g.expr(t[2:], 2))
	case g.pick(6) == 0:
		g.line("%s[%s] = %s", v, g.expr("int", 1), g.expr(t[2:], 2))
	default:
		i := g.name("i")
		g.line("for %s in 0..len(%s) { %s[%s] = %s }", i, v, v, i, g.expr(t[2:], 2))
	}
}

func (g *generator) loop() {
	if g.loops >= 3 {
		return
	}
	g.loops++
	defer func() { g.loops-- }()
	i := g.name("i")
	switch n := g.pick(6); {
	case n < 2:
		g.line("for %s in %d..%d {", i, g.pick(5)-2, g.pick(8))
	case n == 2:
		g.line("for %s in %d..=%d {", i, g.pick(5)-2, g.pick(8))
	case n == 3:
		g.line("for %s in range(%d, %d, %d) {", i, g.pick(9), g.pick(9), []int{1, 2, -1, -3}[g.pick(4)])
	case n == 4:
		g.line("var %s = 0", i)
		g.line("for %s < %d && %s {", i, 2+g.pick(6), g.expr("bool", 2))
		g.push()
		g.line("%s++", i)
		g.declare(i, "int", false)
		g.block(1 + g.pick(3))
		g.pop()
		g.line("}")
		return
	default:
		t := []string{"[]int", "[]float", "[]bool"}[g.pick(3)]
		x := g.name("x")
		g.line("for %s, %s in %s {", i, x, g.expr(t, 1))
		g.push()
		g.line("if %s > 20 { break }", i)
		g.declare(i, "int", false)
		g.declare(x, t[2:], false)
		g.block(1 + g.pick(3))
		g.pop()
		g.line("}")
		return
	}
	g.push()
	g.declare(i, "int", false)
	g.block(1 + g.pick(3))
	g.pop()
	g.line("}")
}

// expr returns an expression of a type.
func (g *generator) expr(t string, depth int) string {
	g.budget--
	if depth == 0 || g.budget < 0 || g.pick(5) == 0 {
		return g.leaf(t)
	}
	if g.pick(8) == 0 {
		return fmt.Sprintf("(if %s { %s } else { %s })", g.expr("bool", depth-1), g.expr(t, depth-1), g.expr(t, depth-1))
	}
	if g.pick(6) == 0 {
		for _, f := range g.funcs {
			if f.result == t && g.pick(2) == 0 && g.loops < 2 {
				var args []string
				for _, p := range f.params {
					args = append(args, g.expr(p, depth-1))
				}
				return fmt.Sprintf("%s(%s)", f.name, strings.Join(args, ", "))
			}
		}
	}
	e := func(t string) string { return g.expr(t, depth-1) }
	switch t {
	case "int":
		return g.intExpr(e)
	case "float":
		return g.floatExpr(e)
	case "bool":
		return g.boolExpr(e)
	case "string":
		switch g.pick(6) {
		case 0:
			return fmt.Sprintf("(%s + %s)[:len(%s) %% 5 %% 1]", e("string"), g.leaf("string"), g.leaf("string"))
		case 1:
			return fmt.Sprintf("str(%s)", e("int"))
		case 2:
			return fmt.Sprintf("\"<${%s}>\"", g.leaf("float"))
		case 3:
			return fmt.Sprintf("%s.upper()", e("string"))
		case 4:
			return fmt.Sprintf("match %s { 1 => %s, 2, 3 => \"x\", _ => %s }", e("int"), g.leaf("string"), g.leaf("string"))
		}
		return fmt.Sprintf("(%s ?? %s)", e("string?"), g.leaf("string"))
	case "P":
		return fmt.Sprintf("P{a: %s, b: %s, s: %s}", e("int"), e("float"), g.leaf("string"))
	case "P?":
		return e("P")
	case "int?", "float?", "string?":
		if g.pick(3) == 0 && t == "int?" {
			return fmt.Sprintf("toInt(%s)", e("string"))
		}
		return e(t[:len(t)-1])
	case "[]int":
		switch g.pick(4) {
		case 0:
			if !g.numeric {
				p := g.name("m")
				g.scopes = append(g.scopes, []genVar{{p, "int", false}})
				body := g.expr("int", depth-1)
				g.scopes = g.scopes[:len(g.scopes)-1]
				return fmt.Sprintf("%s.%s(%s => %s)", e("[]int"), "map", p, body)
			}
		case 1:
			return fmt.Sprintf("list(%d, %s)", g.pick(6), e("int"))
		}
	}
	if strings.HasPrefix(t, "[]") {
		var elems []string
		for range 1 + g.pick(4) {
			elems = append(elems, e(t[2:]))
		}
		if t == "[]float" {
			elems = append(elems, "1.5")
		}
		return "[" + strings.Join(elems, ", ") + "]"
	}
	return g.leaf(t)
}

func (g *generator) intExpr(e func(string) string) string {
	switch g.pick(18) {
	case 0, 1, 2, 3, 4, 5:
		return fmt.Sprintf("(%s %s %s)", e("int"), []string{"+", "-", "*", "&", "|", "^"}[g.pick(6)], e("int"))
	case 6:
		return fmt.Sprintf("(%s %s %s)", e("int"), []string{"div", "%"}[g.pick(2)], e("int"))
	case 7:
		return fmt.Sprintf("(%s %s %d)", e("int"), []string{"div", "%"}[g.pick(2)], []int{1, 2, 3, 7, 10, -3, 16, 1000, -1, 64}[g.pick(10)])
	case 8:
		return fmt.Sprintf("(%s %s %s)", e("int"), []string{"<<", ">>"}[g.pick(2)], e("int"))
	case 9:
		return fmt.Sprintf("(%s %s %d)", e("int"), []string{"<<", ">>"}[g.pick(2)], g.pick(70))
	case 10:
		return fmt.Sprintf("(%s(%s))", []string{"-", "^"}[g.pick(2)], g.leaf("int"))
	case 11:
		return fmt.Sprintf("%s(%s, %s)", []string{"min", "max"}[g.pick(2)], e("int"), e("int"))
	case 12:
		return fmt.Sprintf("abs(%s)", e("int"))
	case 13:
		return fmt.Sprintf("int(%s)", e([]string{"bool", "float"}[g.pick(2)]))
	case 14:
		return fmt.Sprintf("len(%s)", e([]string{"[]int", "[]float", "[]bool"}[g.pick(3)]))
	case 15:
		return fmt.Sprintf("%s[%s]", e("[]int"), e("int"))
	case 16:
		if f := g.variable("func(int) int", false); f != "" && g.loops < 2 {
			return fmt.Sprintf("%s(%s)", f, e("int"))
		}
		return fmt.Sprintf("ushr(%s, %d)", e("int"), g.pick(66))
	}
	if g.numeric {
		return fmt.Sprintf("sum(%s)", e("[]int"))
	}
	switch g.pick(5) {
	case 0:
		return fmt.Sprintf("(%s ?? %s)", e("int?"), g.leaf("int"))
	case 1:
		return fmt.Sprintf("%s.a", e("P"))
	case 2:
		return fmt.Sprintf("%s.get(%s, 7)", e("map[string]int"), e("string"))
	case 3:
		return fmt.Sprintf("len(%s)", e("string"))
	}
	return fmt.Sprintf("%s!", e("int?"))
}

func (g *generator) floatExpr(e func(string) string) string {
	switch g.pick(12) {
	case 0, 1, 2, 3, 4:
		return fmt.Sprintf("(%s %s %s)", e("float"), []string{"+", "-", "*", "/"}[g.pick(4)], e([]string{"float", "int"}[g.pick(2)]))
	case 5:
		return fmt.Sprintf("(%s / %s)", e("int"), e("int"))
	case 6:
		list := []string{"sqrt", "abs", "floor", "ceil", "trunc", "round", "sin", "exp"}
		if g.plain {
			list = list[:6]
		}
		return fmt.Sprintf("%s(%s)", list[g.pick(len(list))], e("float"))
	case 7:
		list := []string{"min", "max", "hypot", "atan2"}
		if g.plain {
			list = list[:2]
		}
		return fmt.Sprintf("%s(%s, %s)", list[g.pick(len(list))], e("float"), e("float"))
	case 8:
		return fmt.Sprintf("(-(%s))", g.leaf("float"))
	case 9:
		return fmt.Sprintf("(%s %% %s)", e("float"), g.leaf("float"))
	case 10:
		return fmt.Sprintf("%s[%s]", e("[]float"), g.leaf("int"))
	}
	return fmt.Sprintf("float(%s)", e("int"))
}

func (g *generator) boolExpr(e func(string) string) string {
	cmp := []string{"<", "<=", ">", ">=", "==", "!="}[g.pick(6)]
	switch g.pick(10) {
	case 0, 1, 2:
		return fmt.Sprintf("(%s %s %s)", e("int"), cmp, e("int"))
	case 3, 4:
		return fmt.Sprintf("(%s %s %s)", e("float"), cmp, e("float"))
	case 5:
		return fmt.Sprintf("(%s && %s)", e("bool"), e("bool"))
	case 6:
		return fmt.Sprintf("(%s || %s)", e("bool"), e("bool"))
	case 7:
		return fmt.Sprintf("!%s", e("bool"))
	case 8:
		if !g.numeric {
			t := []string{"string", "[]int", "P", "int?", "map[string]int"}[g.pick(5)]
			return fmt.Sprintf("(%s == %s)", e(t), e(t))
		}
		return fmt.Sprintf("isNaN(%s)", e("float"))
	}
	return fmt.Sprintf("%s[%s]", e("[]bool"), g.leaf("int"))
}

func (g *generator) leaf(t string) string {
	if g.pick(3) > 0 {
		if v := g.variable(t, false); v != "" {
			return v
		}
	}
	switch t {
	case "int":
		return []string{"0", "1", "2", "3", "-1", "7", "10", "100", "maxInt", "minInt", "40000", "255", "-70000", "5000000000"}[g.pick(14)]
	case "float":
		return []string{"0.0", "1.0", "1.5", "-2.25", "nan", "inf", "-inf", "0.1", "1e300", "-0.0", "3.0"}[g.pick(11)]
	case "bool":
		return []string{"true", "false"}[g.pick(2)]
	case "string":
		return []string{`""`, `"a"`, `"bc"`, `"é"`, `"12"`}[g.pick(5)]
	case "int?", "float?", "P?", "string?":
		return "nil"
	case "P":
		return `P{a: 1, b: 2.5, s: "p"}`
	case "[]int":
		return []string{"[1, 2, 3]", "[5]", "list(4, 9)"}[g.pick(3)]
	case "[]float":
		return "[0.5, 2.5]"
	case "[]bool":
		return "[true, false, true]"
	case "[]string":
		return `["x", "yz"]`
	case "[]P":
		return `[P{a: 3, b: 0.5, s: "q"}]`
	case "map[string]int":
		return `({"a": 1, "bc": 2})`
	case "map[int]float":
		return "({1: 0.5, 2: 1.5})"
	case "func(int) int":
		return "((x int) => x * 3 + 1)"
	}
	panic(t)
}

package calc_test

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/calc"
	"github.com/groundwork-go/groundwork/calc/internal/check"
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

var oraclePrograms = flag.Int("oracle", 150, "how many random programs TestOracle compiles as Go")

// TestOracle turns random programs into Go, which is no engine of ours, and compares
// what they print and how they fail.
func TestOracle(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs the go command")
	}
	goCommand, err := exec.LookPath("go")
	if err != nil {
		t.Skip("there is no go command")
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	var code strings.Builder
	code.WriteString(oraclePrelude)
	var srcs, want []string
	for len(srcs) < *oraclePrograms {
		choices := make([]byte, 200+r.IntN(700))
		for j := range choices {
			choices[j] = byte(r.Uint32())
		}
		src := generateWith(&generator{choices: choices, numeric: true, plain: true, budget: 260})
		out := outcome(src, calc.JIT)
		if strings.Contains(out, "type error") || strings.Contains(out, "syntax error") || limited(out) {
			continue
		}
		tr := &translator{prefix: fmt.Sprintf("p%d", len(srcs))}
		tr.program(t, src)
		code.WriteString(tr.b.String())
		srcs = append(srcs, src)
		want = append(want, firstLines(out))
	}
	code.WriteString("func main() {\n")
	for i := range srcs {
		fmt.Fprintf(&code, "\trun(p%dmain)\n", i)
	}
	code.WriteString("}\n")
	dir := t.TempDir()
	file := filepath.Join(dir, "main.go")
	require.NoError(t, os.WriteFile(file, []byte(code.String()), 0o644))
	cmd := exec.Command(goCommand, "run", file)
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%.3000s", out)
	got := strings.Split(string(out), "\x00\n")
	for i, src := range srcs {
		require.Equal(t, want[i], got[i], "%s", src)
	}
}

// firstLines is the output of a program, and the message of its error without place
// and trace.
func firstLines(out string) string {
	var b strings.Builder
	for line := range strings.Lines(out) {
		if _, msg, ok := strings.Cut(line, ": runtime error: "); ok {
			b.WriteString("error: " + msg)
			break
		}
		if strings.TrimSpace(line) == "" { // what outcome adds for no value
			continue
		}
		b.WriteString(line)
	}
	return b.String()
}

// oraclePrelude is what the translated programs use.
const oraclePrelude = `package main

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"bufio"
)

type list[T any] struct{ a []T }

var stdout = bufio.NewWriter(os.Stdout)

func run(f func()) {
	defer func() {
		if r := recover(); r != nil {
			if s, ok := r.(string); ok {
				fmt.Fprintln(stdout, "error: "+s)
			} else {
				panic(r)
			}
		}
		fmt.Fprint(stdout, "\x00\n")
		stdout.Flush()
	}()
	f()
}

func get[T any](p *T) T { return *p }
func of[T any](x ...T) *list[T] { return &list[T]{x} }
func size[T any](l *list[T]) int64 { return int64(len(l.a)) }
func at[T any](l *list[T], i int64) T {
	if i < 0 || i >= int64(len(l.a)) { panic(fmt.Sprintf("index out of range: %d of %d", i, len(l.a))) }
	return l.a[i]
}
func put[T any](l *list[T], i int64, v T) {
	if i < 0 || i >= int64(len(l.a)) { panic(fmt.Sprintf("index out of range: %d of %d", i, len(l.a))) }
	l.a[i] = v
}
func push[T any](l *list[T], v T) { l.a = append(l.a, v) }
func repeat[T any](n int64, v T) *list[T] {
	l := &list[T]{make([]T, n)}
	for i := range l.a { l.a[i] = v }
	return l
}
func sum(l *list[int64]) (s int64) { for _, x := range l.a { s += x }; return s }
func div(x, y int64) int64 { if y == 0 { panic("division by zero") }; return x / y }
func rem(x, y int64) int64 { if y == 0 { panic("division by zero") }; return x % y }
func shl(x, n int64) int64 { if n < 0 { panic("negative shift count") }; return x << uint64(n) }
func shr(x, n int64) int64 { if n < 0 { panic("negative shift count") }; return x >> uint64(n) }
func ushr(x, n int64) int64 { if n < 0 { panic("negative shift count") }; return int64(uint64(x) >> uint64(n)) }
func abs(x int64) int64 { if x < 0 { return -x }; return x }
func toInt(x float64) int64 {
	t := math.Trunc(x)
	if !(t >= -1<<63 && t < 1<<63) { panic("int out of range: " + text(x)) }
	return int64(t)
}
func bit(b bool) int64 { if b { return 1 }; return 0 }
func add(x, y float64) float64 { return x + y }
func sub(x, y float64) float64 { return x - y }
func mul(x, y float64) float64 { return x * y }
func quo(x, y float64) float64 { return x / y }
func text(v any) string {
	switch v := v.(type) {
	case float64:
		if a := math.Abs(v); math.IsNaN(v) { return "NaN" } else if v != 0 && (a < 1e-6 || a >= 1e21) {
			return strconv.FormatFloat(v, 'e', -1, 64)
		}
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}
func show(parts ...any) {
	for _, p := range parts { fmt.Fprint(stdout, text(p)) }
	fmt.Fprintln(stdout)
}
func rounds(a, b, step int64, inclusive bool) uint64 {
	n := uint64(0)
	switch {
	case step > 0 && a < b: n = (uint64(b)-uint64(a)-1)/uint64(step) + 1
	case step < 0 && a > b: n = (uint64(a)-uint64(b)-1)/(-uint64(step)) + 1
	}
	if inclusive && a <= b { n++ }
	return n
}

`

// translator writes a checked program as Go.
type translator struct {
	b      strings.Builder
	prefix string
	fn     *typed.Func
	temps  int
}

func (tr *translator) program(t *testing.T, src string) {
	file, err := syntax.Parse("x", src)
	require.NoError(t, err)
	prog, errs := check.New(check.Host{}).File(file)
	require.Empty(t, errs, src)
	for _, g := range prog.Globals {
		fmt.Fprintf(&tr.b, "var %s %s\n", tr.name(g), goType(g.Type))
	}
	for _, f := range prog.Funcs {
		tr.function(f, f == prog.Mains[0])
	}
}

func (tr *translator) name(v *typed.Var) string {
	if v.Func == nil {
		return fmt.Sprintf("%sg%d", tr.prefix, v.Index)
	}
	return fmt.Sprintf("v%d", v.Index)
}

func goType(t *types.Type) string {
	switch t = t.Decided(); t.Kind {
	case types.KInt:
		return "int64"
	case types.KFloat:
		return "float64"
	case types.KBool:
		return "bool"
	case types.KList:
		return "*list[" + goType(t.Elem) + "]"
	}
	return ""
}

func (tr *translator) function(f *typed.Func, main bool) {
	tr.fn = f
	name := fmt.Sprintf("%sf%d", tr.prefix, f.Index)
	if main {
		name = tr.prefix + "main"
	}
	var params []string
	for _, p := range f.Params {
		params = append(params, tr.name(p)+" "+goType(p.Type))
	}
	fmt.Fprintf(&tr.b, "func %s(%s) %s {\n", name, strings.Join(params, ", "), goType(f.Result))
	for _, v := range f.Vars[len(f.Params):] {
		fmt.Fprintf(&tr.b, "var %s %s\n_ = %s\n", tr.name(v), goType(v.Type), tr.name(v))
	}
	if f.Result.IsValue() && f.Body.Type().IsValue() {
		tr.line("return %s", tr.expr(f.Body))
	} else {
		tr.stmt(f.Body)
		if f.Result.IsValue() {
			tr.line(`panic("unreachable")`)
		}
	}
	tr.b.WriteString("}\n\n")
}

func (tr *translator) line(format string, args ...any) {
	fmt.Fprintf(&tr.b, format+"\n", args...)
}

func (tr *translator) stmt(n typed.Node) {
	switch n := n.(type) {
	case *typed.Block:
		for _, c := range n.Nodes {
			tr.stmt(c)
		}
	case *typed.Store:
		tr.line("%s = %s", tr.name(n.Var), tr.expr(n.Value))
	case *typed.SetIndex:
		tr.line("put(%s, %s, %s)", tr.expr(n.X), tr.expr(n.I), tr.expr(n.Value))
	case *typed.If:
		tr.line("if %s {", tr.expr(n.Cond))
		tr.stmt(n.Then)
		if n.Else != nil {
			tr.line("} else {")
			tr.stmt(n.Else)
		}
		tr.line("}")
	case *typed.Loop:
		cond := ""
		if n.Cond != nil {
			cond = tr.expr(n.Cond)
		}
		tr.line("for %s {", cond)
		tr.stmt(n.Body)
		tr.line("}")
	case *typed.Count:
		tr.temps++
		step := "int64(1)"
		from, to := tr.expr(n.From), tr.expr(n.To)
		if n.Step != nil {
			step = tr.expr(n.Step)
		}
		tr.line("for a%d, b%d, s%d := %s, %s, %s; a%d != 0 || true; {", tr.temps, tr.temps, tr.temps, from, to, step, tr.temps)
		k := tr.temps
		tr.line("for n%d := rounds(a%d, b%d, s%d, %v); n%d > 0; a%d, n%d = a%d+s%d, n%d-1 {", k, k, k, k, n.Inclusive, k, k, k, k, k, k)
		tr.line("%s = a%d", tr.name(n.Var), k)
		tr.stmt(n.Body)
		tr.line("}\nbreak\n}")
	case *typed.Each:
		tr.temps++
		k := tr.temps
		tr.line("{ l%d := %s\nfor i%d := int64(0); i%d < size(l%d); i%d++ {", k, tr.expr(n.X), k, k, k, k)
		if n.Key != nil {
			tr.line("%s = i%d", tr.name(n.Key), k)
		}
		if n.Value != nil {
			tr.line("%s = l%d.a[i%d]", tr.name(n.Value), k, k)
		}
		tr.stmt(n.Body)
		tr.line("}\n}")
	case *typed.Return:
		if n.Value == nil {
			tr.line("return")
			return
		}
		tr.line("return %s", tr.expr(n.Value))
	case *typed.Branch:
		if n.Continue {
			tr.line("continue")
		} else {
			tr.line("break")
		}
	default:
		if n.Type().IsValue() {
			tr.line("_ = %s", tr.expr(n))
		} else {
			tr.line("%s", tr.expr(n))
		}
	}
}

// block writes nodes of which the last has a value, as a function's body.
func (tr *translator) block(n typed.Node) string {
	outer := tr.b
	tr.b = strings.Builder{}
	if b, ok := n.(*typed.Block); ok {
		for _, c := range b.Nodes[:len(b.Nodes)-1] {
			tr.stmt(c)
		}
		n = b.Nodes[len(b.Nodes)-1]
	}
	tr.line("return %s", tr.expr(n))
	s := tr.b.String()
	tr.b = outer
	return s
}

func (tr *translator) exprs(list []typed.Node) string {
	out := make([]string, len(list))
	for i, n := range list {
		out[i] = tr.expr(n)
	}
	return strings.Join(out, ", ")
}

var goOps = map[typed.Op]string{
	syntax.Add: "+", syntax.Sub: "-", syntax.Mul: "*", syntax.And: "&", syntax.Or: "|", syntax.Xor: "^",
	syntax.Eq: "==", syntax.Ne: "!=", syntax.Lt: "<", syntax.Le: "<=", syntax.Gt: ">", syntax.Ge: ">=",
}

// calls are the operators and builtins that are functions of the prelude or of Go, by
// the type of their operands where there are two.
var (
	intCalls   = map[typed.Op]string{syntax.IntDiv: "div", syntax.Rem: "rem", syntax.Shl: "shl", syntax.Shr: "shr"}
	floatCalls = map[typed.Op]string{syntax.Add: "add", syntax.Sub: "sub", syntax.Mul: "mul", syntax.Div: "quo", syntax.Rem: "math.Mod"}
	calls      = map[string]string{
		"len": "size", "push": "push", "list": "repeat", "sum": "sum", "ushr": "ushr", "min": "min", "max": "max", "isNaN": "math.IsNaN",
		"sqrt": "math.Sqrt", "floor": "math.Floor", "ceil": "math.Ceil", "trunc": "math.Trunc", "round": "math.Round",
	}
)

func (tr *translator) expr(n typed.Node) string {
	switch n := n.(type) {
	case *typed.Const:
		return tr.constant(n)
	case *typed.Local:
		return fmt.Sprintf("get(&%s)", tr.name(n.Var)) // a call keeps its place among calls
	case *typed.Convert:
		return fmt.Sprintf("float64(%s)", tr.expr(n.X))
	case *typed.Unary:
		return fmt.Sprintf("(%s%s)", map[typed.Op]string{syntax.Sub: "-", syntax.Xor: "^", syntax.Not: "!"}[n.Op], tr.expr(n.X))
	case *typed.Binary:
		x, y := tr.expr(n.X), tr.expr(n.Y)
		if f, ok := floatCalls[n.Op]; ok && n.Operand.Is(types.KFloat) {
			return fmt.Sprintf("%s(%s, %s)", f, x, y)
		}
		if f, ok := intCalls[n.Op]; ok {
			return fmt.Sprintf("%s(%s, %s)", f, x, y)
		}
		return fmt.Sprintf("(%s %s %s)", x, goOps[n.Op], y)
	case *typed.Logic:
		op := "||"
		if n.And {
			op = "&&"
		}
		return fmt.Sprintf("(%s %s %s)", tr.expr(n.X), op, tr.expr(n.Y))
	case *typed.Call:
		return fmt.Sprintf("%sf%d(%s)", tr.prefix, n.Func.Index, tr.exprs(n.Args))
	case *typed.Index:
		return fmt.Sprintf("at(%s, %s)", tr.expr(n.X), tr.expr(n.I))
	case *typed.List:
		return fmt.Sprintf("of[%s](%s)", goType(n.T.Decided().Elem), tr.exprs(n.Elems))
	case *typed.If:
		return fmt.Sprintf("func() %s {\nif %s {\n%s}\n%s}()", goType(n.T), tr.expr(n.Cond), tr.block(n.Then), tr.block(n.Else))
	case *typed.Block:
		return fmt.Sprintf("func() %s {\n%s}()", goType(n.T), tr.block(n))
	case *typed.CallBuiltin:
		return tr.builtin(n)
	}
	panic(fmt.Sprintf("oracle: %T", n))
}

func (tr *translator) constant(n *typed.Const) string {
	switch {
	case n.T.Is(types.KBool):
		return fmt.Sprint(n.V.Bool())
	case n.T.Is(types.KFloat):
		return fmt.Sprintf("math.Float64frombits(%#x)", math.Float64bits(n.V.Float()))
	case n.T.Is(types.KString):
		return fmt.Sprintf("%q", n.V.Str())
	}
	return fmt.Sprintf("get(&[]int64{%d}[0])", n.V.Int()) // not constant, so that it wraps
}

func (tr *translator) builtin(n *typed.CallBuiltin) string {
	if c, ok := n.Args[0].(*typed.Concat); ok && n.Func.Name == "print" {
		return fmt.Sprintf("show(%s)", tr.exprs(c.Parts))
	}
	args := tr.exprs(n.Args)
	switch name := n.Func.Name; {
	case name == "int" && n.Args[0].Type().Is(types.KFloat):
		return fmt.Sprintf("toInt(%s)", args)
	case name == "int" && n.Args[0].Type().Is(types.KBool):
		return fmt.Sprintf("bit(%s)", args)
	case name == "int" || name == "float":
		return args
	case name == "abs" && n.Args[0].Type().Is(types.KFloat):
		return fmt.Sprintf("math.Abs(%s)", args)
	case name == "abs":
		return fmt.Sprintf("abs(%s)", args)
	default:
		f, ok := calls[name]
		if !ok {
			panic("oracle: " + name)
		}
		return fmt.Sprintf("%s(%s)", f, args)
	}
}

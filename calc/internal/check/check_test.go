package check_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/calc/internal/check"
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// seeds use each form of the language at least once, so that expressions of every
// kind and type can change places.
var seeds = []string{
	"let a = 1\nvar b float = a\nb += 2 ** a\nb++\n-b < a && !(b == a) || a in [1, 2]\n",
	"func fib(n) => if n < 2 { n } else { fib(n-1) + fib(n-2) }\nfib(5) + len(str(fib(2.5)))",
	"func even(n) => n == 0 || odd(n - 1)\nfunc odd(n) => n != 0 && even(n - 1)\neven(10)",
	"func apply(f, x) => f(x)\napply(x => x + 1, 1) + len(apply(s => s + \"!\", \"a\"))",
	"type P { x, y float }\ntype N { v int, p P?, next N? }\nlet n = N{v: 1, next: N{v: 2}}\nn.next!.v + (n.next?.next?.v ?? 10)\nn.p = P{x: 1, y: n.v}\nn",
	"let xs = []\nxs.push(1)\nfor i, x in xs { xs[i] = x * 2 }\nxs.map(x => x / 2).filter(x => x > 0.5).reduce(0, (a, x) => a + x)",
	"let m = {}\nm[\"k\"] = m.get(\"k\", 0) + 1\nfor k, v in m { print(k, v, \"${k}${v}\") }\nm == {\"a\": 1}",
	"var x = nil\nx = toInt(\"5\")\nif let v = x { v } else { x ?? 3 }",
	"match 3 { 1, -2 => \"few\", 3 => { return }, _ => \"many\" }",
	"func f(s string, n int?) { match s { \"a\" => { return 1 }, _ => { } }\nfor { if n == nil { break } else { continue } }\nn! }\nf(\"b\", 3)",
	"func counter() { var n = 0\n() => { n++\nn } }\nlet c = counter()\nc() + counter()()\nlet fs = []\nfor i in 0..=3 { fs.push(() => i) }\nfs[0]()",
	"let t = tag(name, 3)\nt == tag(name, 4)\nlet a = data.list[0] as int\n(data as string) ?? \"x\"\nlimits.high - scale(limits.low)",
	"import \"geo\"\nimport g \"geo\"\ngeo.area(g.unit) + geo.unit.w\nlet s geo.S = g.unit",
	"let f func(int, float) string? = (a, b) => if a > b { nil } else { str(b) }\nlet h func() = () => print(f(1, 2))\nh()",
	"for i in range(3, 0, -1) { print(i) }\nfor c in \"aä\" { print(c) }\nfor off, c in \"b\" { print(off, ord(c)) }\n\"abc\"[1:][:1] + [1, 2][0:1].join(\",\")",
	"let xs = [[1], []]\nlet ys = [\"b\": 2]\nxs.sortBy(x => len(x))\nsort(ys)\nmin(1, 2.5) + max([1]) + sum(xs[0])",
	"do { let a = [1, nil]\na[0]! } + (a, b int) => a",
	"return 1\nlet y = print(1)\nbreak\n1 = 2\nz",
	"func g(x, y _, z int) { if x { return y }\nreturn z }\ng(true, 1.5, 2)\ng(false, [], 1)\ng(1, 2, 3)\nlet q = g",
	"let list = 3\nlist.list(1)\nlet len = x => x\n",
}

// host is what the seeds expect of one.
func host() check.Host {
	high := types.Field{Name: "high", Type: types.Float}
	low := types.Field{Name: "low", Type: types.Int}
	tag := &types.Type{Kind: types.KOpaque, Name: "Tag", ID: 1}
	return check.Host{
		Env: []check.EnvVar{
			{Name: "name", Type: types.String},
			{Name: "data", Type: types.Any},
			{Name: "limits", Type: &types.Type{Kind: types.KStruct, Struct: &types.Struct{Name: "limits", ID: -1, Fields: []types.Field{high, low}}}},
		},
		Funcs: map[string]*typed.Builtin{
			"tag":   {Name: "tag", Params: []*types.Type{types.String, types.Int}, Result: tag, Host: true},
			"scale": {Name: "scale", Params: []*types.Type{types.Float}, Result: types.Float, Host: true},
		},
		Import: func(path string) (*syntax.File, error) {
			if path == "geo" {
				return syntax.Parse("geo.calc", "type S { w, h int }\nlet unit = S{w: 1, h: 1}\nfunc area(s) => s.w * s.h\nlet _hidden = 1")
			}
			return nil, errors.New("there is no such module")
		},
	}
}

// FuzzCheck checks sources in which expressions have changed places, as moves say.
func FuzzCheck(f *testing.F) {
	for i, src := range seeds {
		f.Add(src, []byte(nil))
		f.Add(src, []byte{byte(i), 1, byte(3 * i), 7, byte(5 * i), 2, 11, 4})
	}
	f.Fuzz(func(t *testing.T, src string, moves []byte) {
		if len(src) <= 3000 && len(moves) <= 32 {
			checkSource(t, src, moves)
		}
	})
}

func TestSeedsWithMoves(t *testing.T) {
	for i, src := range seeds {
		for at := range byte(40) {
			for from := range byte(40) {
				if (at+from)%10 == byte(i%10) {
					checkSource(t, src, []byte{at, from})
				}
			}
		}
	}
}

// checkSource looks at what the checker says of a source, or of what moves make of it.
func checkSource(t *testing.T, src string, moves []byte) {
	t.Helper()
	file := moved(src, moves)
	if file == nil {
		return
	}
	prog, errs := check.New(host()).File(file)
	_, again := check.New(host()).File(moved(src, moves))
	require.Equal(t, errs, again, "each time the same")
	require.Equal(t, len(errs) > 0, prog == nil)
	require.LessOrEqual(t, len(errs), syntax.MaxErrors)
	for i, e := range errs {
		require.NotEmpty(t, e.Msg)
		require.NotContains(t, e.Msg, "%!")
		require.Contains(t, []string{"x", "geo.calc"}, e.File, "%v", e)
		require.Positive(t, e.Pos.Line, "%v", e)
		require.Positive(t, e.Pos.Col, "%v", e)
		require.True(t, e.File != "x" || int(e.Pos.Offset) <= len(src), "%v", e)
		if i > 0 && errs[i-1].File == e.File {
			require.LessOrEqual(t, errs[i-1].Pos.Offset, e.Pos.Offset, "in source order: %v", e)
		}
	}
	if prog == nil {
		return
	}
	for i, f := range prog.Funcs {
		require.Equal(t, i, f.Index)
		for _, v := range f.Vars {
			requireDecided(t, v.Type, f)
		}
		requireTyped(t, f, f.Body)
	}
}

// requireTyped looks for a part of a function that the checker has left open.
func requireTyped(t *testing.T, f *typed.Func, n typed.Node) {
	t.Helper()
	requireDecided(t, n.Type(), f)
	typed.Children(n, func(c typed.Node) { requireTyped(t, f, c) })
}

func requireDecided(t *testing.T, typ *types.Type, f *typed.Func) {
	t.Helper()
	switch d := typ.Decided(); d.Kind {
	case types.KInvalid, types.KUnknown, types.KOpen:
		require.Fail(t, "a type is left open", "%v in %s", d, f.Name)
	}
}

// moved parses a source and puts expressions of it into the places of others: each
// two bytes choose a place and what comes there.
func moved(src string, moves []byte) *syntax.File {
	file, err := syntax.Parse("x", src)
	if err != nil {
		return nil
	}
	places := expressions(file)
	for len(moves) >= 2 && len(places) > 0 {
		other, err := syntax.Parse("x", src) // so that no expression is in two places
		if err != nil {
			return nil
		}
		from := expressions(other)
		places[int(moves[0])%len(places)].Set(from[int(moves[1])%len(from)])
		moves = moves[2:]
	}
	return file
}

// expressions are the places of a tree where any expression may stand.
func expressions(file *syntax.File) []reflect.Value {
	var places []reflect.Value
	expr := reflect.TypeFor[syntax.Expr]()
	var visit func(v reflect.Value)
	visit = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer, reflect.Interface:
			if !v.IsNil() {
				visit(v.Elem())
			}
		case reflect.Slice:
			for i := range v.Len() {
				visit(v.Index(i))
			}
		case reflect.Struct:
			for i := range v.NumField() {
				x, name := v.Field(i), v.Type().Field(i).Name
				if name == "Patterns" || name == "Target" || v.Type() == reflect.TypeFor[syntax.IfExpr]() && name == "Else" {
					continue // only some expressions may stand there
				}
				if x.Type() == expr && !x.IsNil() {
					places = append(places, x)
				}
				if x.Type() == reflect.SliceOf(expr) {
					for j := range x.Len() {
						places = append(places, x.Index(j))
					}
				}
				visit(x)
			}
		}
	}
	visit(reflect.ValueOf(file).Elem())
	return places
}

func TestMoves(t *testing.T) {
	file := moved("1 + f(2)", []byte{1, 4})
	sum := file.Stmts[0].(*syntax.ExprStmt).X.(*syntax.Binary)
	require.IsType(t, &syntax.IntLit{}, sum.X)
	require.EqualValues(t, 2, sum.X.(*syntax.IntLit).Value)
	require.True(t, strings.HasPrefix(sum.Where().String(), "1:3"))
}

package calc_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/calc"
)

type point struct{ X, Y float64 }

type order struct {
	ID    int
	Lines []line
	Tags  map[string]bool
	Note  *string
	When  time.Time
	Extra any
}

type line struct {
	Name  string
	Price float64
	Count int
}

func TestHostValuesCrossByCopy(t *testing.T) {
	note := "n"
	env := order{
		ID: 7, Lines: []line{{"a", 1.5, 2}, {"b", 2, 1}}, Tags: map[string]bool{"z": true, "a": false}, Note: &note,
		When: time.Unix(5, 0), Extra: map[string]any{"k": []any{1, 2.5, "x", nil, true}},
	}
	for src, want := range map[string]string{
		"ID + 1": "8",
		"Lines.map(l => l.Price * l.Count).sum()": "5",
		"Lines[0]":                           `line{Name: "a", Price: 1.5, Count: 2}`,
		"Tags":                               `{"a": false, "z": true}`,
		"Note!":                              "n",
		"When == When":                       "true",
		"Extra.k[1]":                         "2.5",
		"Extra.nope.deeper == nil":           "true",
		"Extra[\"k\"][0] as int":             "1",
		"(Extra.k[0] as float)!":             "1",
		"Extra.k[2] as int":                  "nil",
		"Extra.k[2] == \"x\"":                "true",
		"\"k\" in Extra":                     "true",
		"2.5 in Extra.k":                     "true",
		"(Extra.k[9] ?? \"none\") as string": "none",
		"Lines[0].Count = 9\nLines.push(Lines[0])\nlen(Lines)": "3",
		"Extra": `{"k": [1, 2.5, "x", nil, true]}`,
	} {
		p, err := calc.Compile(src, &calc.Options{Env: order{Extra: nil}})
		require.NoError(t, err, src)
		v, err := p.Run(t.Context(), env)
		require.NoError(t, err, src)
		require.Equal(t, want, v.String(), src)
	}
	require.Equal(t, 2, env.Lines[0].Count)
	require.Len(t, env.Lines, 2)

	p, err := calc.Compile("conf.limits.rate * 2", &calc.Options{Env: map[string]any{"conf": map[string]any{"limits": map[string]any{"rate": 1.5}}}})
	require.NoError(t, err)
	v, err := p.Run(t.Context(), map[string]any{"conf": map[string]any{"limits": map[string]any{"rate": 4}}})
	require.NoError(t, err)
	require.Equal(t, 8.0, v.Any())
	_, err = p.Run(t.Context(), map[string]any{"conf": map[string]any{"limits": map[string]any{}}})
	require.ErrorContains(t, err, "conf: .limits: key rate is missing")
	_, err = calc.Compile("conf.limit", &calc.Options{Env: map[string]any{"conf": map[string]any{"limits": 1}}})
	require.ErrorContains(t, err, "conf has no field limit")
}

func TestHostFunctionsTakeAndGiveAnything(t *testing.T) {
	p, err := calc.Compile("let ps = shift([corner(1, 2)], 10)\nps[0].X + total({\"a\": 1, \"b\": 2})", &calc.Options{Funcs: map[string]any{
		"corner": func(x, y float64) point { return point{x, y} },
		"shift": func(ps []point, by float64) ([]point, error) {
			for i := range ps {
				ps[i].X += by
			}
			return ps, nil
		},
		"total": func(m map[string]int) (n int) {
			for _, v := range m {
				n += v
			}
			return n
		},
	}})
	require.NoError(t, err)
	v, err := p.Run(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, 14.0, v.Any())
}

func TestValuesOut(t *testing.T) {
	v, err := calc.Eval("type P { X, Y float }\n[P{X: 1, Y: 2}]")
	require.NoError(t, err)
	var ps []point
	require.NoError(t, v.Decode(&ps))
	require.Equal(t, []point{{1, 2}}, ps)
	require.Equal(t, []any{map[string]any{"X": 1.0, "Y": 2.0}}, v.Any())
	require.Equal(t, calc.List, v.Kind())
	require.Equal(t, calc.Struct, v.Index(0).Kind())
	require.Equal(t, "[]P", v.Type())
	var names []string
	for k := range v.Index(0).All() {
		names = append(names, k.Str())
	}
	require.Equal(t, []string{"X", "Y"}, names)
	var n int8
	v, err = calc.Eval("300")
	require.NoError(t, err)
	require.ErrorContains(t, v.Decode(&n), "int out of range: 300")
	require.ErrorContains(t, v.Decode(n), "not a pointer")
	v, err = calc.Eval("{1: [nil, 2]}")
	require.NoError(t, err)
	require.Equal(t, map[int64]any{1: []any{nil, int64(2)}}, v.Any())
}

func TestModules(t *testing.T) {
	fsys := fstest.MapFS{
		"geo/shapes.calc": {Data: []byte("import \"geo/base\"\ntype Box { w, h float }\nlet unit = Box{w: 1, h: 1}\nvar count = 0\nlet _hidden = 1\nfunc area(b) { count++\nb.w * b.h * base.scale }\nfunc fails() => [1][2]")},
		"geo/base.calc":   {Data: []byte("print(\"base\")\nlet scale = 2")},
		"loop.calc":       {Data: []byte("import \"loop\"")},
		"broken.calc":     {Data: []byte("let = 1")},
		"typo.calc":       {Data: []byte("nope")},
	}
	run := func(src string) (calc.Value, string, error) {
		var out strings.Builder
		p, err := calc.Compile(src, &calc.Options{Modules: fsys, Output: &out, Name: "main.calc"})
		if err != nil {
			return calc.Value{}, "", err
		}
		v, err := p.Run(t.Context(), nil)
		return v, out.String(), err
	}
	v, out, err := run("import \"geo/shapes\"\nimport b \"geo/base\"\nshapes.area(shapes.unit) + shapes.area(shapes.Box{w: 2, h: 3}) + shapes.count + b.scale")
	require.NoError(t, err)
	require.Equal(t, "18", v.String())
	require.Equal(t, "base\n", out)
	for src, want := range map[string]string{
		"import \"loop\"":                         "loop.calc:1:8: type error: import cycle",
		"import \"broken\"":                       "broken.calc:1:5: syntax error: expected a name",
		"import \"typo\"":                         "typo.calc:1:1: type error: unknown name nope",
		"import \"gone\"":                         "main.calc:1:8: type error: import \"gone\": there is no such module",
		"import \"geo/shapes\"\nshapes._hidden":   "main.calc:2:8: type error: module shapes has no _hidden",
		"import \"geo/shapes\"\nshapes.count = 1": "main.calc:2:8: type error: the variables of a module are read-only",
		"import \"../x\"":                         "main.calc:1:8: syntax error: \"../x\" is not the path of a module",
		"import \"geo/shapes\"\nshapes.fails()":   "geo/shapes.calc:8:20: runtime error: index out of range: 2 of 1",
		"import \"geo/shapes\"\nvar x shapes.Bax": "main.calc:2:7: type error: module shapes has no type Bax",
		"func f() { import \"geo/base\" }":        "main.calc:1:12: syntax error: import stands at the top level only",
	} {
		_, _, err := run(src)
		require.ErrorContains(t, err, want, src)
	}
}

func TestInstance(t *testing.T) {
	p, err := calc.Compile("var n = start\nlet log []int = []\nfunc add(by int) int { n += by\nlog.push(n)\nn }\nfunc entries() => log\nfunc loose(x) => x\nfunc fail() => error(\"no\")", &calc.Options{Env: map[string]any{"start": 0}})
	require.NoError(t, err)
	in, err := p.NewInstance(t.Context(), &calc.InstanceOptions{Env: map[string]any{"start": 10}})
	require.NoError(t, err)
	v, err := in.Call(t.Context(), "add", 5)
	require.NoError(t, err)
	require.EqualValues(t, 15, v.Int())
	before, err := in.Call(t.Context(), "entries")
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				_, err := in.Call(t.Context(), "add", 1)
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	v, err = in.Call(t.Context(), "add", 0)
	require.NoError(t, err)
	require.EqualValues(t, 415, v.Int())
	require.Equal(t, "[15]", before.String(), "a result is a copy")
	for _, c := range []struct {
		name string
		args []any
		want string
	}{
		{"nope", nil, "no function nope"},
		{"loose", []any{1}, "no function loose with typed parameters"},
		{"add", nil, "add needs 1 arguments, found 0"},
		{"add", []any{"x"}, "argument 1 of add: wrong type: string, not int"},
		{"fail", nil, "runtime error: no"},
	} {
		_, err := in.Call(t.Context(), c.name, c.args...)
		require.ErrorContains(t, err, c.want)
	}
	_, err = in.Call(t.Context(), "add", 1)
	require.NoError(t, err, "an instance goes on after an error")
	require.NoError(t, in.Close())
	require.NoError(t, in.Close())
	_, err = in.Call(t.Context(), "add", 1)
	require.ErrorIs(t, err, calc.ErrClosed)
}

func TestREPL(t *testing.T) {
	r, err := calc.NewREPL(&calc.Options{Env: map[string]any{"host": 3}})
	require.NoError(t, err)
	for _, c := range []struct{ in, want string }{
		{"var x = 1", ""},
		{"func add(n) { x += n\nx }", ""},
		{"add(host)", "4"},
		{"let f = () => add(1)", ""},
		{"f() + f()", "11"},
		{"y", "input 6:1:1: type error: unknown name y"},
		{"let x = \"shadow\"", ""},
		{"x + str(f())", "shadow7"},
		{"[1][3]", "input 9:1:4: runtime error: index out of range: 3 of 1"},
		{"f()", "8"},
		{"let open = []", "input 11:1:5: type error: the type of open is not decided"},
	} {
		v, err := r.Eval(t.Context(), c.in)
		if err != nil {
			require.ErrorContains(t, err, c.want, c.in)
			continue
		}
		require.Equal(t, c.want, v.String(), c.in)
	}
	typ, err := r.TypeOf("[add(1)]")
	require.NoError(t, err)
	require.Equal(t, "[]int", typ)
	v, err := r.Eval(t.Context(), "f()")
	require.NoError(t, err)
	require.Equal(t, "9", v.String())
	require.Equal(t, []string{"hasPrefix", "hasSuffix", "host", "hypot"}, r.Complete("x + h"))
	for src, want := range map[string]bool{"if x {": true, "1 +": true, "f(1,": true, "1 + 2": false, "let x = [1": true, ")": false, "\"abc": false, "/* a": true} {
		require.Equal(t, want, calc.Incomplete(src), src)
	}
}

// TestMemoryOfTemporaries holds large objects in unfinished expressions only.
func TestMemoryOfTemporaries(t *testing.T) {
	for _, src := range []string{
		"func f(n int) int => if n == 0 { 0 } else { len(list(100000, 0) + [f(n - 1)]) }\nf(1000)",
		"func f(n int) []int => if n == 0 { [] } else { list(100000, 0) + f(n - 1) }\nlen(f(1000))",
		"var s = \"x\"\nfor { s += s }",
		"let xs = []\nfor { xs.push(0) }",
		"let m = {}\nvar i = 0\nfor { m[i] = i\ni++ }",
		"var x = [0]\nvar all = [x]\nfor { all = all + all }",
		"let a = [1]\nvar b = [a, a]\nvar c = [b, b]\nvar d = [c, c]\nvar e = [d, d, d, d, d, d, d, d]\nvar f = [e, e, e, e, e, e, e, e]\nvar g = [f, f, f, f, f, f, f, f, f, f]\nvar h = [g, g, g, g, g, g, g, g, g, g]\nvar i = [h, h, h, h, h, h, h, h, h, h, h, h]\nstr([i, i, i, i, i, i, i, i, i])",
	} {
		p, err := calc.Compile(src, &calc.Options{Limits: calc.Limits{Memory: 8 << 20}})
		require.NoError(t, err, src)
		_, err = p.Run(t.Context(), nil)
		var e *calc.Error
		require.True(t, errors.As(err, &e), "%s: %v", src, err)
		require.Equal(t, calc.LimitError, e.Kind, "%s: %v", src, err)
	}
}

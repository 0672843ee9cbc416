package calc_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/groundwork-go/groundwork/calc"
)

// TestObjectsAreTakenApart looks at whether structs, closures and the cells of what
// they capture are made where nothing but their function sees them.
func TestObjectsAreTakenApart(t *testing.T) {
	for _, c := range []struct {
		name, src, want string
		made            int // objects that are made all the same
	}{
		{"struct", "type P { x, y float }\nlet p = P{x: 1, y: 2}\np.x + p.y", "3", 0},
		{"results of functions", "type V { x, y float }\nfunc add(a, b V) => V{x: a.x + b.x, y: a.y + b.y}\nfunc f(n float) { let v = add(add(V{x: n, y: 1}, V{x: 2, y: 3}), V{x: 0.5, y: 0.5})\nv.x * v.y }\nf(1) + f(2)", "36", 0},
		{"changed in a loop", "type A { n int, s float }\nfunc f(k int) { let a = A{n: 0, s: 0.5}\nfor i in 0..k { if i % 2 == 0 { a.n += i } else { a.s *= 2 } }\na.s + a.n }\nf(10)", "36", 0},
		{"made in a loop", "type A { n int }\nvar s = 0\nfor i in 0..10 { let a = A{n: i}\nif i > 4 { a.n = a.n * 2 }\ns += a.n }\ns", "80", 0},
		{"one in another", "type A { n int }\ntype B { a A, m int }\nfunc f(x int) { let b = B{a: A{n: x}, m: 2}\nb.a.n += b.m\nb.a.n * 10 }\nf(3)", "50", 0},
		{"closure with a captured variable", "func f(n int) { var s = 0\nlet add = (x int) => { s += x }\nfor i in 0..n { add(i) }\ns }\nf(5)", "10", 0},
		{"option of a struct", "type A { n int }\nfunc get(x int) A? => A{n: x}\nfunc f(x int) => get(x)!.n + 1\nf(4)", "5", 0},
		{"kept in a list", "type A { n int }\nlet xs = [A{n: 1}]\nxs[0].n", "1", 1},
		{"one of two", "type A { n int }\nfunc f(x int) { let a = if x > 1 { A{n: 1} } else { A{n: x} }\na.n }\nf(len(args))", "0", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := calc.Compile(c.src, calc.WithVerify(calc.Options{Backend: calc.VM}))
			require.NoError(t, err)
			v, err := p.Run(t.Context(), nil)
			require.NoError(t, err)
			require.Equal(t, c.want, v.String())
			var dump strings.Builder
			require.NoError(t, p.Dump(&dump, calc.IR))
			_, main, _ := strings.Cut(dump.String(), "func main")
			main, _, _ = strings.Cut(main, "\nfunc ")
			made := 0
			for _, op := range []string{"= newstruct", "= newcell", "= closure"} {
				made += strings.Count(main, op)
			}
			require.Equal(t, c.made, made, "%s", &dump)
		})
	}
}

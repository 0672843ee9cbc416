package main

import (
	"fmt"
	"io"
	"testing"
	"time"

	"cel.dev/cel-go/cel"
	"github.com/Knetic/govaluate"
	"github.com/PaesslerAG/gval"
	"github.com/expr-lang/expr"

	"context"

	"github.com/groundwork-go/groundwork/calc"
)

const (
	formula = "(a + b*2.5 - c/4)*(a - b)"
	rule    = `(origin == "MOW" || country == "RU") && (value >= 100 || adults == 1)`
	rule64  = "(mow || ru) && (value >= 100 || adults == 1)" // the same with comparisons of texts done before
)

var (
	numbers = map[string]any{"a": 1.5, "b": 2.5, "c": 3.5}
	facts   = map[string]any{"origin": "MOW", "country": "RU", "value": 100, "adults": 1}
)

// measure times f; each is the best of several rounds of one engine after the other.
type measured struct {
	name   string
	f      func()
	best   time.Duration
	allocs int64
}

func expressions(w io.Writer) error {
	evaluate, err := evaluators()
	if err != nil {
		return err
	}
	compile := compilers()
	for _, group := range []struct {
		title string
		list  []*measured
	}{{formula + ", one evaluation", evaluate}, {"compile " + rule, compile}} {
		for range 40 { // many short rounds, of which one meets a quiet machine
			for _, m := range group.list {
				r := testing.Benchmark(func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						m.f()
					}
				})
				t := time.Duration(float64(r.T.Nanoseconds()) / float64(r.N) * 1000)
				if m.best == 0 || t < m.best {
					m.best, m.allocs = t, r.AllocsPerOp()
				}
			}
		}
		fmt.Fprintf(w, "%s:\n\n| engine | ns | allocations |\n|---|---|---|\n", group.title)
		for _, m := range group.list {
			fmt.Fprintf(w, "| %s | %.1f | %d |\n", m.name, float64(m.best)/1000, m.allocs)
		}
		fmt.Fprintln(w)
		for _, ours := range []string{"calc jit", "calc vm"} {
			a, b := find(group.list, ours), find(group.list, "expr")
			if a != nil {
				fmt.Fprintf(w, "%s is %.1f times as fast as expr\n", ours, float64(b.best)/float64(a.best))
			}
		}
		fmt.Fprintln(w)
	}
	return nil
}

func find(list []*measured, name string) *measured {
	for _, m := range list {
		if m.name == name {
			return m
		}
	}
	return nil
}

func evaluators() ([]*measured, error) {
	jit, err := calc.FuncOn[func(a, b, c float64) float64](calc.JIT, formula, "a", "b", "c")
	if err != nil {
		return nil, err
	}
	vm, err := calc.FuncOn[func(a, b, c float64) float64](calc.VM, formula, "a", "b", "c")
	if err != nil {
		return nil, err
	}
	program, err := expr.Compile(formula, expr.Env(numbers))
	if err != nil {
		return nil, err
	}
	env, err := cel.NewEnv(cel.Variable("a", cel.DoubleType), cel.Variable("b", cel.DoubleType), cel.Variable("c", cel.DoubleType))
	if err != nil {
		return nil, err
	}
	ast, iss := env.Compile("(a + b*2.5 - c/4.0)*(a - b)")
	if iss.Err() != nil {
		return nil, iss.Err()
	}
	celProgram, err := env.Program(ast)
	if err != nil {
		return nil, err
	}
	gov, err := govaluate.NewEvaluableExpression(formula)
	if err != nil {
		return nil, err
	}
	gv, err := gval.Full().NewEvaluable(formula)
	if err != nil {
		return nil, err
	}
	var out sinks
	closure := goClosure(2.5)
	ctx := context.Background()
	return []*measured{
		{name: "Go closure", f: func() { out.float = closure(1.5, 2.5, 3.5) }},
		{name: "calc jit", f: func() { out.float = jit(1.5, 2.5, 3.5) }},
		{name: "calc vm", f: func() { out.float = vm(1.5, 2.5, 3.5) }},
		{name: "expr", f: func() { out.any, _ = expr.Run(program, numbers) }},
		{name: "cel-go", f: func() { out.any, _, _ = celProgram.Eval(numbers) }},
		{name: "govaluate", f: func() { out.any, _ = gov.Evaluate(numbers) }},
		{name: "gval", f: func() { out.any, _ = gv(ctx, numbers) }},
	}, nil
}

// sinks keep results that nobody looks at, so that they are not left out.
type sinks struct {
	any   any
	float float64
	bool  bool
}

//go:noinline
func goClosure(k float64) func(a, b, c float64) float64 {
	return func(a, b, c float64) float64 { return (a + b*k - c/4) * (a - b) }
}

func compilers() []*measured {
	var out sinks
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	onCalc := func(b calc.Backend) func() {
		return func() {
			f, err := calc.FuncOn[func(mow, ru bool, value, adults int64) bool](b, rule64, "mow", "ru", "value", "adults")
			must(err)
			out.bool = f(true, true, 1, 1)
		}
	}
	env, err := cel.NewEnv(cel.Variable("origin", cel.StringType), cel.Variable("country", cel.StringType), cel.Variable("value", cel.IntType), cel.Variable("adults", cel.IntType))
	must(err)
	return []*measured{
		{name: "calc jit (of words)", f: onCalc(calc.JIT)},
		{name: "calc vm (of words)", f: onCalc(calc.VM)},
		{name: "calc vm", f: func() {
			p, err := calc.Compile(rule, &calc.Options{Env: facts, Backend: calc.VM})
			must(err)
			out.any = p
		}},
		{name: "expr", f: func() {
			p, err := expr.Compile(rule, expr.Env(facts))
			must(err)
			out.any = p
		}},
		{name: "cel-go", f: func() {
			ast, iss := env.Compile(rule)
			must(iss.Err())
			p, err := env.Program(ast)
			must(err)
			out.any = p
		}},
		{name: "govaluate", f: func() {
			p, err := govaluate.NewEvaluableExpression(rule)
			must(err)
			out.any = p
		}},
		{name: "gval", f: func() {
			p, err := gval.Full().NewEvaluable(rule)
			must(err)
			out.any = p
		}},
	}
}

package calc

import (
	"context"
	"fmt"
	"io"

	"github.com/groundwork-go/groundwork/calc/internal/check"
	"github.com/groundwork-go/groundwork/calc/internal/tree"
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/value"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// Options tune the compilation and the runs of a program. A nil *Options means
// the defaults.
type Options struct {
	// Name is the name of the source in errors. Empty means "<eval>".
	Name string

	// Env gives the names and types of the host's values: a struct, whose
	// exported fields are taken, or a map[string]any with sample values. Go ints
	// become int, floats float, bools and strings themselves. Nil means none.
	Env any

	// Funcs are Go functions that the program may call. Parameters and result are
	// numbers, bools or strings; an error as last result becomes a runtime error,
	// as does a panic. They must be safe for concurrent use if runs are.
	Funcs map[string]any

	// Output takes what the program prints. Nil discards it.
	Output io.Writer

	// Limits bound compilation and runs.
	Limits Limits
}

// Limits bound what a program may use. Of the fields without a default zero means
// no limit.
type Limits struct {
	// Steps bounds the calls and rounds of loops of one run. It has no default;
	// [Eval] uses 100 million.
	Steps int64

	// Memory bounds the bytes of strings that are alive during a run. Zero means
	// 256 MiB.
	Memory int64

	// Depth bounds nested calls; beyond it is the runtime error "stack
	// overflow". Zero means 20,000.
	Depth int

	// Source bounds the length of the source in bytes. Zero means 4 MiB.
	Source int
}

func (l Limits) withDefaults() Limits {
	if l.Memory == 0 {
		l.Memory = 256 << 20
	}
	if l.Depth == 0 {
		l.Depth = 20_000
	}
	if l.Source == 0 {
		l.Source = 4 << 20
	}
	return l
}

// A Program is a compiled source. It is immutable and may be run by any number of
// goroutines at once.
type Program struct {
	src    source
	prog   *typed.Program
	out    io.Writer
	limits Limits
}

// Eval runs a source and returns the value of its last expression. It stops with
// a limit error after 100 million steps. What the program prints is discarded.
func Eval(src string) (Value, error) {
	p, err := Compile(src, &Options{Limits: Limits{Steps: 100_000_000}})
	if err != nil {
		return Value{}, err
	}
	return p.Run(context.Background(), nil)
}

// Compile checks a source. Faults of the source are an [*Error] or, if there are
// several, an [ErrorList]; other errors are about the options.
func Compile(src string, o *Options) (*Program, error) {
	if o == nil {
		o = &Options{}
	}
	p := &Program{src: source{name: o.Name, text: src}, out: o.Output, limits: o.Limits.withDefaults()}
	if p.src.name == "" {
		p.src.name = "<eval>"
	}
	if len(src) > p.limits.Source {
		p.src.text = ""
		return nil, p.src.errorAt(LimitError, syntax.Pos{Line: 1, Col: 1}, fmt.Sprintf("source has %d bytes, more than %d", len(src), p.limits.Source), "")
	}
	env, err := envTypes(o.Env)
	if err != nil {
		return nil, err
	}
	funcs, err := hostFuncs(o.Funcs)
	if err != nil {
		return nil, err
	}
	file, err := syntax.Parse(p.src.name, src)
	if err != nil {
		return nil, p.src.errors(SyntaxError, err.(syntax.ErrorList)) // Parse promises that type
	}
	prog, errs := check.Program(file, check.Host{Env: env, Funcs: funcs})
	if len(errs) > 0 {
		return nil, p.src.errors(TypeError, errs)
	}
	p.prog = prog
	return p, nil
}

// Kind returns the kind of the program's value.
func (p *Program) Kind() Kind { return kindOf(p.prog.Result) }

// Run runs the program. env holds the values of the names in Options.Env, as a
// struct or a map[string]any; a missing name or a wrong type is an error before
// anything runs. A program that fails returns an [*Error]; where ctx ended, it is
// a limit error that wraps the error of ctx.
func (p *Program) Run(ctx context.Context, env any) (Value, error) {
	values, err := envValues(p.prog.Env, env)
	if err != nil {
		return Value{}, err
	}
	v, fault := tree.Run(ctx, p.prog, values, p.out, tree.Limits{
		Steps: p.limits.Steps, Memory: p.limits.Memory, Depth: p.limits.Depth,
	})
	if fault != nil {
		return Value{}, p.fault(fault)
	}
	if p.prog.Result == value.None {
		return Value{}, nil
	}
	return Value{p.Kind(), v}, nil
}

func (p *Program) fault(f *tree.Error) error {
	kind := RuntimeError
	if f.Cause == tree.Exceeded || f.Cause == tree.Canceled {
		kind = LimitError
	}
	e := p.src.errorAt(kind, f.Pos, f.Err.Error(), "")
	e.err = f.Err
	for _, s := range f.Stack {
		e.Stack = append(e.Stack, Frame{s.Name, p.src.position(s.Pos)})
	}
	return e
}

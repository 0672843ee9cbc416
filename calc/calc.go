package calc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/groundwork-go/groundwork/calc/internal/check"
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/internal/value"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// Options tune the compilation and the runs of a program. A nil *Options means
// the defaults.
type Options struct {
	// Name is the name of the source in errors. Empty means "<eval>".
	Name string

	// Env gives the names and types of the host's values: a struct, whose
	// exported fields are taken, or a map[string]any with sample values, in which
	// a nested one is a struct. Go ints become int, floats float, slices lists,
	// maps maps, structs structs, pointers options, interfaces and nil any; other
	// types are opaque. Nil means none.
	Env any

	// Funcs are Go functions that the program may call, with parameters and one
	// result or none of the types that Env may have; an error as last result
	// becomes a runtime error, as does a panic. They must be safe for concurrent
	// use if runs are.
	Funcs map[string]any

	// Modules is where imports are found: import "geo/shapes" is the file
	// geo/shapes.calc. Nil means that there are none.
	Modules fs.FS

	// Args are the program's arguments, which it sees as args.
	Args []string

	// Output takes what the program prints. Nil discards it.
	Output io.Writer

	// Limits bound compilation and runs.
	Limits Limits

	// Backend is what runs the program. Zero is Auto: machine code where the
	// program allows it, else the VM. A session always runs on the VM, or on Tree.
	Backend Backend

	// For tests: look at the intermediate form behind each pass; collect garbage
	// whenever memory is taken.
	verify, stress bool
}

// Limits bound what a program may use. Of the fields without a default zero means
// no limit.
type Limits struct {
	// Steps bounds the calls and rounds of loops of one run, about: each engine
	// counts in its own way. It has no default; [Eval] uses 100 million.
	Steps int64

	// Memory bounds the bytes of what is alive during a run, about: strings,
	// lists, maps, structs, closures. Zero means 256 MiB.
	Memory int64

	// Depth bounds nested calls; beyond it is the runtime error "stack
	// overflow". Calls that an engine has inlined do not count, and machine code
	// may nest more of small functions. Zero means 20,000.
	Depth int

	// Source bounds the length of each source in bytes. Zero means 4 MiB.
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
	compiler *compiler
	image    *image
	opened   bool // from an image, which has no trees
}

// compiler is what is fixed for all sources of a program or session.
type compiler struct {
	bridge  *bridge
	check   *check.Checker
	sources sources
	env     []check.EnvVar
	o       Options
}

func newCompiler(o *Options) (*compiler, error) { return newCompilerFor(o, nil) }

// newCompilerFor returns a compiler for sources around which the host's types have
// names.
func newCompilerFor(o *Options, hostTypes func(*bridge) map[string]*types.Type) (*compiler, error) {
	if o == nil {
		o = &Options{}
	}
	c := &compiler{bridge: newBridge(), sources: make(sources), o: *o}
	c.o.Limits = o.Limits.withDefaults()
	if c.o.Name == "" {
		c.o.Name = "<eval>"
	}
	names, get, err := environment(o.Env)
	if err != nil {
		return nil, fmt.Errorf("calc: Options.Env: %w", err)
	}
	c.env = make([]check.EnvVar, 0, len(names))
	for _, name := range names {
		v, _ := get(name)
		c.env = append(c.env, check.EnvVar{Name: name, Type: c.bridge.typeOfSample(name, v)})
	}
	funcs, err := c.bridge.funcs(o.Funcs)
	if err != nil {
		return nil, err
	}
	host := check.Host{Env: c.env, Funcs: funcs}
	if o.Modules != nil {
		host.Import = c.importModule
	}
	if hostTypes != nil {
		host.Types = hostTypes(c.bridge)
	}
	c.check = check.New(host)
	return c, nil
}

// parse parses a source, which is kept for messages.
func (c *compiler) parse(name, src string) (*syntax.File, error) {
	if len(src) > c.o.Limits.Source {
		return nil, &Error{Kind: LimitError, Pos: Position{name, 1, 1}, Msg: fmt.Sprintf("source has %d bytes, more than %d", len(src), c.o.Limits.Source)}
	}
	c.sources[name] = src
	return syntax.Parse(name, src)
}

// importModule finds an imported module.
func (c *compiler) importModule(path string) (*syntax.File, error) {
	name := path + ".calc"
	data, err := fs.ReadFile(c.o.Modules, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("there is no such module")
	}
	if err != nil {
		return nil, err
	}
	return c.parse(name, string(data))
}

// compile checks a source on top of those before it.
func (c *compiler) compile(name, src string) (prog *typed.Program, err error) {
	defer c.sources.internal(name, &err)
	file, err := c.parse(name, src)
	if err != nil {
		return nil, c.syntaxErrors(name, err)
	}
	return c.checkFile(file)
}

// syntaxErrors turns the errors of the parser into one of this package.
func (c *compiler) syntaxErrors(name string, err error) error {
	list, ok := err.(syntax.ErrorList)
	if !ok {
		return err
	}
	all := make([]*check.Error, len(list))
	for i, e := range list {
		all[i] = &check.Error{File: name, Syntax: true, Error: e}
	}
	return c.sources.errors(all)
}

func (c *compiler) checkFile(file *syntax.File) (*typed.Program, error) {
	prog, errs := c.check.File(file)
	if len(errs) > 0 {
		return nil, c.sources.errors(errs)
	}
	return prog, nil
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
	c, err := newCompiler(o)
	if err != nil {
		return nil, err
	}
	prog, err := c.compile(c.o.Name, src)
	if err != nil {
		return nil, err
	}
	img, err := c.build(c.o.Name, prog)
	if err != nil {
		return nil, err
	}
	return &Program{compiler: c, image: img}, nil
}

// Backend returns what runs the program. It is VM for one that was to be machine code
// and uses more than numbers, bools and lists of them, or where there is none.
func (p *Program) Backend() Backend { return p.image.backend() }

// build makes the image of a program.
func (c *compiler) build(name string, prog *typed.Program) (img *image, err error) {
	defer c.sources.internal(name, &err)
	return c.image(prog, nil, false)
}

// Type returns the type of the program's value as the language writes it, "" if it
// has none.
func (p *Program) Type() string { return newValue(p.image.prog.Result, value.Value{}).Type() }

// Run runs the program. env holds the values of the names in Options.Env, as a
// struct or a map[string]any; a missing name or a wrong type is an error before
// anything runs. A program that fails returns an [*Error]; where ctx ended, it is
// a limit error that wraps the error of ctx.
func (p *Program) Run(ctx context.Context, env any) (Value, error) {
	values, err := p.compiler.values(env)
	if err != nil {
		return Value{}, err
	}
	m := p.compiler.machine(p.image)
	defer m.Close()
	return p.compiler.run(ctx, m, p.image, values)
}

// values converts the host's values of one run.
func (c *compiler) values(env any) ([]value.Value, error) {
	_, get, err := environment(env)
	if err != nil {
		return nil, fmt.Errorf("calc: Run: %w", err)
	}
	values := make([]value.Value, len(c.env))
	for i, v := range c.env {
		g, ok := get(v.Name)
		if !ok {
			return nil, fmt.Errorf("calc: Run: the environment has no %s", v.Name)
		}
		if values[i], err = c.bridge.in(v.Type, g); err != nil {
			return nil, fmt.Errorf("calc: Run: %s: %w", v.Name, err)
		}
	}
	return values, nil
}

func (c *compiler) run(ctx context.Context, m machine, img *image, env []value.Value) (_ Value, err error) {
	defer c.sources.internal(c.o.Name, &err)
	v, fault := m.run(ctx, img, env, c.o.Args)
	if fault != nil {
		return Value{}, c.sources.fault(fault)
	}
	if img.prog.Result.Is(types.KNone) {
		return Value{}, nil
	}
	return newValue(img.prog.Result, v), nil
}

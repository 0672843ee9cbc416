// Package check finds the types of parsed programs and turns them into package
// typed's form. It is the only place that knows the rules of names and types.
package check

import (
	"fmt"
	"slices"

	"github.com/groundwork-go/groundwork/calc/internal/builtin"
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// Host is what the host gives to programs.
type Host struct {
	Env   []EnvVar
	Funcs map[string]*typed.Builtin
	Types map[string]*types.Type // under names that no source has

	// Import returns the parsed module of a path. Its errors are reported as
	// they are at the import; a syntax.ErrorList as those of the module. Nil
	// means that there are no modules.
	Import func(path string) (*syntax.File, error)
}

// EnvVar is a value that the host gives to each run.
type EnvVar struct {
	Name string
	Type *types.Type
}

// An Error is an error in one of the files of a program.
type Error struct {
	File   string
	Syntax bool // it is one of an imported module's syntax
	*syntax.Error
}

const (
	// maxInstances bounds how often functions are checked for other types.
	maxInstances = 1000
	// maxDepth bounds the recursion of the checker; a chain of operators is one
	// level for each.
	maxDepth = 200_000
)

// A Checker checks one program, or the inputs of a session one after the other.
type Checker struct {
	host      Host
	fixed     map[string][]*typed.Builtin
	constants map[string]builtin.Constant
	prelude   map[string]*symbol

	scope     *scope
	fn        *funcState
	file      string
	modules   map[string]*module
	importing []string
	prog      *typed.Program
	env       []*typed.Var

	stack    []*instance               // being checked, outermost first
	results  map[resultKey]*types.Type // of functions that are part of a recursion
	made     []made                    // instances, in the order in which their check began
	trail    []*types.Type             // pending lambdas, in the order of their decision
	orders   int                       // declarations so far
	count    int                       // instances so far
	ids      int                       // types so far
	depth    int
	at       syntax.Pos // of the statement that is being checked
	argument string     // what is being converted, for messages; empty if it is no argument

	errs     []*Error
	keys     []string        // of errs: position and text
	reported map[string]bool // the keys: an error of several instances is reported once
}

// New returns a checker.
func New(host Host) *Checker {
	c := &Checker{
		host:      host,
		fixed:     builtin.Fixed(),
		constants: builtin.Constants(),
		prog:      &typed.Program{Globals: make([]*typed.Var, 0, len(host.Env)+2)},
		env:       make([]*typed.Var, 0, len(host.Env)),
	}
	c.scope = (*scope)(nil).inner(nil)
	symbols, vars := make([]symbol, len(host.Env)), make([]typed.Var, len(host.Env))
	for i, v := range host.Env {
		vars[i] = typed.Var{Name: v.Name, Type: v.Type, Index: i}
		symbols[i] = symbol{name: v.Name, kind: variable, v: &vars[i], why: "host value"}
		c.env = append(c.env, &vars[i])
		c.scope.names.add(&symbols[i])
	}
	c.prog.Globals = append(c.prog.Globals, c.env...)
	for name, f := range host.Funcs {
		c.scope.names.add(&symbol{name: name, kind: hostFunc, host: f})
	}
	return c
}

// File checks a file whose names come on top of those of the files before it. The
// errors are type errors, at most syntax.MaxErrors in the order of their
// positions; after errors nothing of the file remains.
func (c *Checker) File(file *syntax.File) (*typed.Program, []*Error) {
	defer func() {
		if r := recover(); r != nil {
			panic(typed.Located(r, c.file, c.at))
		}
	}()
	before, globals := c.scope, len(c.prog.Globals)
	c.errs, c.keys, c.reported = nil, nil, nil
	c.file, c.count = file.Name, 0
	c.prog.Mains = nil
	main := c.topLevel(file)
	if len(c.errs) == 0 {
		c.decided(file, main, globals)
	}
	if len(c.errs) > 0 {
		c.scope, c.prog.Globals = before, c.prog.Globals[:globals]
		clear(c.modules)
		return nil, c.sortedErrors()
	}
	c.prog.Mains = append(c.prog.Mains, main)
	c.prog.Result = types.None
	if main.Body.Type().IsValue() {
		c.prog.Result = main.Body.Type().Decided()
	}
	main.Result = c.prog.Result
	p := *c.prog
	p.Env = c.env
	p.Exports = c.exports()
	link(&p)
	c.prog.Funcs = p.Funcs
	return &p, nil
}

// exports are the functions of the top level that the host may call.
func (c *Checker) exports() map[string]*typed.Func {
	var all map[string]*typed.Func
	for sym := range c.scope.names.all() {
		if sym.kind != function {
			continue
		}
		for _, in := range sym.instances {
			if in != nil && !in.generic() {
				if all == nil {
					all = make(map[string]*typed.Func)
				}
				all[sym.name] = in.typed
			}
		}
	}
	return all
}

// Forget returns a function that undoes what files have declared since.
func (c *Checker) Forget() func() {
	scope, globals := c.scope, len(c.prog.Globals)
	funcs, args := len(c.prog.Funcs), c.prog.Args
	return func() {
		c.scope, c.prog.Args = scope, args
		c.prog.Globals, c.prog.Funcs = c.prog.Globals[:globals], c.prog.Funcs[:funcs]
	}
}

// Names returns all names that can be used now, in order.
func (c *Checker) Names() []string {
	names := c.callNames()
	names = append(names, c.valueNames()...)
	slices.Sort(names)
	return slices.Compact(names)
}

func (c *Checker) sortedErrors() []*Error {
	rank := func(e *Error) int { return slices.IndexFunc(c.errs, func(o *Error) bool { return o.File == e.File }) }
	errs := slices.Clone(c.errs)
	slices.SortStableFunc(errs, func(a, b *Error) int {
		if a.File != b.File {
			return rank(a) - rank(b)
		}
		return int(a.Pos.Offset - b.Pos.Offset)
	})
	return errs[:min(len(errs), syntax.MaxErrors)]
}

// decided reports what is still open at the end of the program.
func (c *Checker) decided(file *syntax.File, main *typed.Func, globals int) {
	for _, v := range c.prog.Globals[globals:] {
		if v.Type.IsOpen() {
			c.errorf(c.scope.positionOf(v), "the type of %s is not decided: %v; declare it with a type", v.Name, v.Type)
		}
	}
	if t := main.Body.Type(); t.IsOpen() {
		c.errorf(file.Stmts[len(file.Stmts)-1].Where(), "the type of this value is not decided: %v", t)
	}
}

func (c *Checker) errorf(pos syntax.Pos, format string, args ...any) {
	c.hintf(pos, "", format, args...)
}

func (c *Checker) hintf(pos syntax.Pos, hint, format string, args ...any) {
	msg := fmt.Sprintf(format, args...)
	key := fmt.Sprint(c.file, pos.Offset, msg)
	if c.reported[key] {
		return
	}
	if c.reported == nil {
		c.reported = make(map[string]bool)
	}
	c.reported[key] = true
	c.keys = append(c.keys, key)
	if n := len(c.stack); n > 0 && c.stack[n-1].generic() {
		msg += ", in " + c.stack[n-1].String()
	}
	c.errs = append(c.errs, &Error{File: c.file, Error: &syntax.Error{Pos: pos, Msg: msg, Hint: hint}})
}

// A mark is a moment to which a first pass can be undone.
type mark struct{ errs, trail, made int }

func (c *Checker) mark() mark { return mark{len(c.errs), len(c.trail), len(c.made)} }

// undo drops what a first pass has found out: its errors, its decisions and the
// instances that were checked in it. A second one finds again what is to stay.
func (c *Checker) undo(to mark) {
	for _, key := range c.keys[to.errs:] {
		delete(c.reported, key)
	}
	c.errs, c.keys = c.errs[:to.errs], c.keys[:to.errs]
	for _, t := range c.trail[to.trail:] {
		t.Elem = nil
	}
	c.trail = c.trail[:to.trail]
	for _, m := range c.made[to.made:] {
		m.in.sym.instances[m.key] = nil // which keeps it from being counted again
	}
	c.made = c.made[:to.made]
}

func (c *Checker) newID() int {
	c.ids++
	return c.ids
}

func (c *Checker) open() *types.Type { return types.NewOpen(c.newID()) }

// invalid stands for an expression with an error.
func invalid() typed.Node { return &typed.Const{T: types.Invalid} }

func unknown() typed.Node { return &typed.Const{T: types.Unknown} }

// poison returns what an operation on nodes is if one of them is in error, not
// known yet, or never there, else nil.
func poison(nodes ...typed.Node) typed.Node {
	var found typed.Node
	for _, n := range nodes {
		if n == nil {
			continue
		}
		switch n.Type().Decided().Kind {
		case types.KInvalid:
			return invalid()
		case types.KUnknown:
			found = unknown()
		case types.KNever:
			if found == nil {
				found = &typed.Block{T: types.Never, Nodes: slices.Clone(nodes)}
			}
		}
	}
	return found
}

func (c *Checker) global(name string, t *types.Type) *typed.Var {
	v := &typed.Var{Name: name, Type: t, Index: len(c.prog.Globals)}
	c.prog.Globals = append(c.prog.Globals, v)
	return v
}

// topLevel checks the statements of a file in a scope of their own.
func (c *Checker) topLevel(file *syntax.File) *typed.Func {
	main := &typed.Func{Name: "main", File: file.Name, Result: types.None}
	c.fn = &funcState{typed: main}
	c.scope = c.scope.inner(c.fn)
	c.scope.top = true
	for _, s := range file.Stmts {
		if l, ok := s.(*syntax.LetStmt); ok {
			if c.scope.later == nil {
				c.scope.later = make(map[string]syntax.Pos)
			}
			c.scope.later[l.Name] = l.Pos
		}
	}
	for _, s := range file.Stmts {
		if imp, ok := s.(*syntax.ImportStmt); ok {
			c.importModule(imp)
		}
	}
	c.declareTypes(file.Stmts)
	var funcs []*symbol
	for _, s := range file.Stmts {
		if f, ok := s.(*syntax.FuncDecl); ok {
			if sym := c.declareFunc(f); sym != nil {
				funcs = append(funcs, sym)
			}
		}
	}
	main.Body = c.stmts(file.Stmts, nil)
	for _, sym := range funcs {
		c.checkUnused(sym)
	}
	return main
}

// module is an imported file.
type module struct {
	scope *scope
	err   bool
}

func (c *Checker) importModule(s *syntax.ImportStmt) {
	c.at = s.Pos
	m := c.modules[s.Path]
	if m == nil {
		m = c.loadModule(s)
		if c.modules == nil {
			c.modules = make(map[string]*module)
		}
		c.modules[s.Path] = m
	}
	c.add(&symbol{name: s.Name, pos: s.Pos, kind: moduleName, module: m, order: 0})
}

func (c *Checker) loadModule(s *syntax.ImportStmt) *module {
	failed := &module{err: true}
	if slices.Contains(c.importing, s.Path) {
		c.errorf(s.Pos, "import cycle: %q imports itself", s.Path)
		return failed
	}
	if c.host.Import == nil {
		c.errorf(s.Pos, "there is no module %q", s.Path)
		return failed
	}
	file, err := c.host.Import(s.Path)
	if list, ok := err.(syntax.ErrorList); ok {
		for _, e := range list {
			c.errs = append(c.errs, &Error{File: file.Name, Syntax: true, Error: e})
			c.keys = append(c.keys, "")
		}
		return failed
	}
	if err != nil {
		c.errorf(s.Pos, "import %q: %v", s.Path, err)
		return failed
	}
	scope, fn, name := c.scope, c.fn, c.file
	c.importing = append(c.importing, s.Path)
	for c.scope = scope; c.scope.outer != nil; { // a module sees only the host's names
		c.scope = c.scope.outer
	}
	c.file = file.Name
	errs, globals := len(c.errs), len(c.prog.Globals)
	main := c.topLevel(file)
	if len(c.errs) == errs {
		c.decided(file, main, globals)
	}
	m := &module{scope: c.scope, err: len(c.errs) > errs}
	c.prog.Mains = append(c.prog.Mains, main)
	c.scope, c.fn, c.file = scope, fn, name
	c.importing = c.importing[:len(c.importing)-1]
	return m
}

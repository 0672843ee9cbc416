package ir

import (
	"slices"

	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/internal/value"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// Options tune Build.
type Options struct {
	// Session tells that later inputs may use the globals of this one.
	Session bool
}

// Build makes the code of a program. before, if not nil, is the code of the inputs
// of a session before this one, whose functions have the same numbers.
func Build(prog *typed.Program, before *Program, o Options) *Program {
	p := &Program{Typed: prog, Funcs: make([]*Func, len(prog.Funcs))}
	first := 0
	if before != nil {
		first = copy(p.Funcs, before.Funcs)
	}
	mem := &slab{}
	funcs := make([]Func, len(prog.Funcs)-first)
	for i := range funcs {
		fn := prog.Funcs[first+i]
		funcs[i] = Func{Typed: fn, Result: TypeOf(fn.Result), mem: mem}
		p.Funcs[first+i] = &funcs[i]
	}
	var at *Func
	defer func() {
		if r := recover(); r != nil {
			panic(at.Located(r))
		}
	}()
	b := &builder{prog: p, mem: mem, globals: findGlobals(prog, first, o.Session)}
	for _, at = range p.Funcs[first:] {
		b.function(at)
	}
	return p
}

// TypeOf returns the type of values of a type.
func TypeOf(t *types.Type) Type {
	switch t = t.Decided(); {
	case t.Kind == types.KInt:
		return Int
	case t.Kind == types.KFloat:
		return Float
	case t.Kind == types.KBool:
		return Bool
	case t.IsValue():
		return Ref
	}
	return None
}

// global is what is known of a variable at the top levels.
type global struct {
	known *typed.Const // set once, to a constant word
	user  *typed.Func  // the first that uses it
	local bool         // used by one top level alone
	more  bool         // users than that, or there may be
}

// globals is what is known of the variables at the top levels, by their index.
type globals []global

// known returns the constant that a variable is, if that is plain to see.
func (g globals) known(v *typed.Var) *typed.Const {
	if v.Func == nil {
		return g[v.Index].known
	}
	return nil
}

// local tells whether a variable is a global that one top level alone uses.
func (g globals) local(v *typed.Var) bool { return v.Func == nil && g[v.Index].local }

// findGlobals looks at the functions from first on.
func findGlobals(prog *typed.Program, first int, session bool) globals {
	if len(prog.Globals) == 0 {
		return nil
	}
	g := make(globals, len(prog.Globals))
	var f *typed.Func
	use := func(v *typed.Var) {
		if v.Func != nil {
			return
		}
		info := &g[v.Index]
		if info.user == nil {
			info.user = f
		} else if info.user != f {
			info.more = true
		}
	}
	var visit func(n typed.Node)
	visit = func(n typed.Node) {
		switch n := n.(type) {
		case *typed.Local:
			use(n.Var)
		case *typed.Store:
			use(n.Var)
			if c := constant(n.Value); c != nil && n.Declare && !n.Var.Assigned && n.Var.Func == nil {
				g[n.Var.Index].known = c
			}
		}
		typed.Children(n, visit)
	}
	for _, f = range prog.Funcs[first:] {
		visit(f.Body)
	}
	if session {
		return g
	}
	for _, v := range prog.Env {
		g[v.Index].more = true
	}
	if prog.Args != nil {
		g[prog.Args.Index].more = true
	}
	for i := range g {
		g[i].local = g[i].user != nil && !g[i].more && slices.Contains(prog.Mains, g[i].user)
	}
	return g
}

// constant returns the word that a node computes if that is plain to see, else nil.
func constant(n typed.Node) *typed.Const {
	switch n := n.(type) {
	case *typed.Const:
		if n.T.IsWord() {
			return n
		}
	case *typed.Unary:
		if c := constant(n.X); c != nil && n.Op == syntax.Sub {
			if c.T.Is(types.KFloat) {
				return &typed.Const{T: c.T, V: value.FromFloat(-c.V.Float())}
			}
			return &typed.Const{T: c.T, V: value.FromInt(-c.V.Int())}
		}
	case *typed.Convert:
		if c := constant(n.X); c != nil && n.T.Is(types.KFloat) && c.T.Is(types.KInt) {
			return &typed.Const{T: n.T, V: value.FromFloat(float64(c.V.Int()))}
		}
	}
	return nil
}

// builder makes the blocks of one function.
type builder struct {
	prog    *Program
	mem     *slab
	globals globals
	vars    []typed.Var // room for variables of its own

	fn    *Func
	cur   *Block // where instructions go
	dead  bool   // control does not come to cur
	state []blockVars
	defs  []def
	open  []openPhi
	loops []loopTargets
	env   *Value // the function's own closure
	trash *Block // where dead code goes
}

type loopTargets struct{ onBreak, onContinue *Block }

func (b *builder) function(fn *Func) {
	*b = builder{prog: b.prog, mem: b.mem, globals: b.globals, vars: b.vars, fn: fn, state: b.state[:0], defs: b.defs[:0], open: b.open[:0], loops: b.loops[:0]}
	f := fn.Typed
	b.cur = b.block()
	b.seal(b.cur)
	for i, p := range f.Params {
		x := b.param(i, TypeOf(p.Type))
		b.declare(p, x)
	}
	if len(f.Captures) > 0 {
		b.env = b.param(len(f.Params), Ref)
	}
	x := b.expr(f.Body)
	if b.fn.Result == None {
		x = nil
	}
	b.ret(x)
}

func (b *builder) param(i int, t Type) *Value {
	x := b.emit(Param, t)
	x.Bits = uint64(i)
	b.fn.Params = append(b.fn.Params, x)
	return x
}

// emit appends an instruction to the current block.
func (b *builder) emit(op Op, t Type, args ...*Value) *Value {
	for i, x := range args {
		if x == nil { // an argument that is never there: this is dead code
			args[i] = b.zero(b.cur, Int)
		}
	}
	return b.fn.add(b.cur, op, t, args...)
}

// at gives an instruction its place.
func (b *builder) at(x *Value, pos syntax.Pos) *Value {
	x.Site = b.site(pos)
	return x
}

func (b *builder) site(pos syntax.Pos) *Site {
	return b.mem.site(Site{Pos: pos, Func: b.fn.Typed})
}

// variable returns a variable of the builder's own.
func (b *builder) variable(t *types.Type) *typed.Var {
	if len(b.vars) == 0 {
		b.vars = make([]typed.Var, 2)
	}
	v := &b.vars[0]
	b.vars = b.vars[1:]
	v.Type = t
	return v
}

// word returns a constant word.
func (b *builder) word(t Type, bits uint64) *Value {
	x := b.emit(Const, t)
	x.Bits = bits
	return x
}

func (b *builder) object(p *value.Obj) *Value {
	x := b.emit(Object, Ref)
	x.Aux = p
	return x
}

// start makes blk the current block.
func (b *builder) start(blk *Block) { b.cur, b.dead = blk, false }

// leave ends the current block; what comes behind is dead until the next start.
func (b *builder) leave() {
	if b.trash == nil {
		b.trash = b.block()
		b.seal(b.trash)
	}
	b.cur = b.trash
	b.dead = true
}

func (b *builder) jump(to *Block) {
	if b.dead {
		return
	}
	b.cur.Kind = Jump
	b.cur.addEdge(to)
	b.leave()
}

func (b *builder) branch(cond *Value, yes, no *Block) {
	if b.dead {
		return
	}
	b.cur.Kind, b.cur.Control = If, cond
	b.cur.addEdge(yes)
	b.cur.addEdge(no)
	b.leave()
}

func (b *builder) ret(x *Value) {
	if b.dead {
		return
	}
	b.cur.Kind, b.cur.Control = Return, x
	b.leave()
}

// stop ends the current block for good.
func (b *builder) stop() {
	if !b.dead {
		b.cur.Kind = Stop
		b.leave()
	}
}

// get reads a variable.
func (b *builder) get(v *typed.Var) *Value {
	t := TypeOf(v.Type)
	switch {
	case b.globals.local(v):
		return b.read(v, b.cur)
	case v.Func == nil:
		if c := b.globals.known(v); c != nil {
			return b.word(t, c.V.N)
		}
		x := b.emit(Global, t)
		x.Bits, x.Aux, x.Safe = uint64(v.Index), v, !v.Assigned
		return x
	case v.InCell():
		return b.emit(Cell, t, b.place(v))
	}
	return b.place(v)
}

// place returns what stands for a variable of this function or one around it: its
// value, or its cell.
func (b *builder) place(v *typed.Var) *Value {
	if v.Func == b.fn.Typed {
		return b.read(v, b.cur)
	}
	x := b.emit(Capture, b.varType(v), b.env)
	x.Bits = uint64(slices.Index(b.fn.Typed.Captures, v))
	return x
}

// declare begins the life of a variable. Its cell is new, since a closure may still
// hold the one of the round before.
func (b *builder) declare(v *typed.Var, x *Value) {
	switch {
	case v.Func == nil && !b.globals.local(v):
		b.set(v, x)
		return
	case v.InCell():
		x = b.emit(NewCell, Ref, x)
	}
	b.write(v, b.cur, x)
}

func (b *builder) set(v *typed.Var, x *Value) {
	switch {
	case b.globals.local(v):
		b.write(v, b.cur, x)
	case v.Func == nil:
		s := b.emit(SetGlobal, None, x)
		s.Bits, s.Aux = uint64(v.Index), v
	case v.InCell():
		b.emit(SetCell, None, b.place(v), x)
	default:
		b.write(v, b.cur, x)
	}
}

// closure makes the value of a function with what it captures.
func (b *builder) closure(f *typed.Func) *Value {
	if f == nil {
		return b.emit(Closure, Ref)
	}
	if f == b.fn.Typed && b.env != nil {
		return b.env
	}
	args := make([]*Value, len(f.Captures))
	for i, v := range f.Captures {
		args[i] = b.place(v)
	}
	x := b.emit(Closure, Ref, args...)
	x.Aux = b.prog.Funcs[f.Index]
	return x
}

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
	for i := first; i < len(prog.Funcs); i++ {
		p.Funcs[i] = &Func{Typed: prog.Funcs[i], Result: TypeOf(prog.Funcs[i].Result)}
	}
	g := findGlobals(prog, first, o.Session)
	for _, fn := range p.Funcs[first:] {
		b := &builder{prog: p, fn: fn, globals: g}
		b.function()
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

// globals is what is known of the variables at the top levels.
type globals struct {
	known map[*typed.Var]*typed.Const // set once, to a constant word
	local map[*typed.Var]bool         // used by one top level alone
}

// findGlobals looks at the functions from first on.
func findGlobals(prog *typed.Program, first int, session bool) *globals {
	g := &globals{known: make(map[*typed.Var]*typed.Const), local: make(map[*typed.Var]bool)}
	users := make(map[*typed.Var]*typed.Func)
	for _, f := range prog.Funcs[first:] {
		use := func(v *typed.Var) {
			if v.Func != nil {
				return
			}
			if user, ok := users[v]; ok && user != f {
				users[v] = nil
			} else if !ok {
				users[v] = f
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
					g.known[n.Var] = c
				}
			}
			typed.Children(n, visit)
		}
		visit(f.Body)
	}
	if session {
		return g
	}
	for _, v := range prog.Env {
		users[v] = nil
	}
	if prog.Args != nil {
		users[prog.Args] = nil
	}
	for v, f := range users {
		if f != nil && slices.Contains(prog.Mains, f) {
			g.local[v] = true
		}
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
	fn      *Func
	globals *globals
	cur     *Block // where instructions go
	dead    bool   // control does not come to cur
	state   []blockVars
	loops   []loopTargets
	env     *Value // the function's own closure
	trash   *Block // where dead code goes
}

type loopTargets struct{ onBreak, onContinue *Block }

func (b *builder) function() {
	f := b.fn.Typed
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
	b.state = nil
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

func (b *builder) site(pos syntax.Pos) *Site { return &Site{Pos: pos, Func: b.fn.Typed} }

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
	case v.Func == nil && b.globals.local[v]:
		return b.read(v, b.cur)
	case v.Func == nil:
		if c := b.globals.known[v]; c != nil {
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
	case v.Func == nil && !b.globals.local[v]:
		b.set(v, x)
		return
	case v.InCell():
		x = b.emit(NewCell, Ref, x)
	}
	b.write(v, b.cur, x)
}

func (b *builder) set(v *typed.Var, x *Value) {
	switch {
	case v.Func == nil && b.globals.local[v]:
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

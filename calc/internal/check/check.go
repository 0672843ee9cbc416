// Package check finds the types of a parsed program and turns it into package
// typed's form. It is the only place that knows the rules of names and types.
package check

import (
	"fmt"
	"slices"

	"github.com/groundwork-go/groundwork/calc/internal/builtin"
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/value"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// Host is what the host gives to a program.
type Host struct {
	Env   []typed.EnvVar
	Funcs map[string]*builtin.Func
}

const (
	// maxInstances bounds how often functions are checked for other types.
	maxInstances = 1000
	// maxDepth bounds the recursion of the checker; a chain of operators is one
	// level for each.
	maxDepth = 200_000
)

// Program checks a file. The errors are type errors, at most syntax.MaxErrors in
// the order of their positions.
func Program(file *syntax.File, host Host) (*typed.Program, syntax.ErrorList) {
	c := &checker{
		builtins:  builtin.Funcs(),
		constants: builtin.Constants(),
		host:      host.Funcs,
		reported:  make(map[string]bool),
	}
	p := c.program(file, host.Env)
	if len(c.errs) == 0 {
		return p, nil
	}
	slices.SortStableFunc(c.errs, func(a, b *syntax.Error) int { return a.Pos.Offset - b.Pos.Offset })
	return nil, c.errs[:min(len(c.errs), syntax.MaxErrors)]
}

type checker struct {
	builtins  map[string][]*builtin.Func
	constants map[string]builtin.Constant
	host      map[string]*builtin.Func

	scope    *scope
	fn       *funcState
	stack    []*instance // being checked, outermost first
	orders   int         // declarations so far
	count    int         // instances so far
	depth    int
	errs     syntax.ErrorList
	keys     []string        // of errs, position and text
	reported map[string]bool // the keys: an error of several instances is reported once
}

func (c *checker) errorf(pos syntax.Pos, format string, args ...any) {
	c.hintf(pos, "", format, args...)
}

func (c *checker) hintf(pos syntax.Pos, hint, format string, args ...any) {
	msg := fmt.Sprintf(format, args...)
	key := fmt.Sprint(pos.Offset, msg)
	if c.reported[key] {
		return
	}
	c.reported[key] = true
	c.keys = append(c.keys, key)
	if n := len(c.stack); n > 0 && c.stack[n-1].generic() {
		msg += ", in " + c.stack[n-1].String()
	}
	c.errs = append(c.errs, &syntax.Error{Pos: pos, Msg: msg, Hint: hint})
}

// invalid stands for an expression with an error.
func invalid() typed.Node { return &typed.Const{T: value.Invalid} }

func (c *checker) program(file *syntax.File, env []typed.EnvVar) *typed.Program {
	main := &typed.Func{Name: "main"}
	c.fn = &funcState{typed: main}
	c.scope = (*scope)(nil).inner(c.fn)
	for _, v := range env {
		c.scope.names[v.Name] = &symbol{name: v.Name, typ: v.Type, slot: c.fn.newSlot(), kind: "host value"}
	}
	c.scope = c.scope.inner(c.fn)
	// Functions of the top level are visible everywhere.
	var funcs []*symbol
	for _, s := range file.Stmts {
		if f, ok := s.(*syntax.FuncDecl); ok {
			if sym := c.declareFunc(f); sym != nil {
				funcs = append(funcs, sym)
			}
		}
	}
	main.Body = c.stmts(file.Stmts, true)
	for _, sym := range funcs {
		c.checkUnused(sym)
	}
	p := &typed.Program{Main: main, Env: env, Result: value.None}
	if t := main.Body.T; t.IsValue() {
		p.Result = t
	}
	main.Result = p.Result
	return p
}

// declare puts a variable into the current scope. Called after its value has
// been checked.
func (c *checker) declare(pos syntax.Pos, name string, typ value.Type, mutable bool, kind string) *symbol {
	sym := &symbol{name: name, pos: pos, typ: typ, depth: c.fn.typed.Depth, slot: c.fn.newSlot(), mutable: mutable, kind: kind}
	c.add(sym)
	return sym
}

func (c *checker) add(sym *symbol) bool {
	c.orders++
	sym.order = c.orders
	if sym.name == "_" {
		return true
	}
	if old := c.scope.names[sym.name]; old != nil {
		c.errorf(sym.pos, "%s is declared already in this block, at %v", sym.name, old.pos)
		return false
	}
	c.scope.names[sym.name] = sym
	return true
}

func (c *checker) declareFunc(f *syntax.FuncDecl) *symbol {
	sym := &symbol{
		name: f.Name, pos: f.Pos, depth: c.fn.typed.Depth,
		decl: f, scope: c.scope, instances: make(map[string]*instance),
	}
	seen := make(map[string]bool)
	for _, p := range f.Params {
		if p.Name != "_" && seen[p.Name] {
			c.errorf(p.Pos, "parameter %s is declared twice", p.Name)
		}
		seen[p.Name] = true
	}
	if !c.add(sym) {
		return nil
	}
	return sym
}

func (c *checker) typeNamed(t *syntax.TypeName) value.Type {
	typ := value.Named(t.Name)
	if typ == value.Invalid {
		c.hintf(t.Pos, didYouMean(closest(t.Name, []string{"int", "float", "bool", "string"})), "unknown type %s", t.Name)
	}
	return typ
}

func didYouMean(name string) string {
	if name == "" {
		return ""
	}
	return "did you mean " + name + "?"
}

// block checks the statements of b in a scope of their own.
func (c *checker) block(b *syntax.Block) *typed.Block {
	c.scope = c.scope.inner(c.fn)
	defer func() { c.scope = c.scope.outer }()
	return c.stmts(b.Stmts, false)
}

func (c *checker) stmts(list []syntax.Stmt, top bool) *typed.Block {
	b := &typed.Block{T: value.None}
	var local []*symbol
	for i, s := range list {
		n := c.stmt(s, top, &local)
		if n == nil {
			continue
		}
		b.Nodes = append(b.Nodes, n)
		t := n.Type()
		if x, ok := s.(*syntax.ExprStmt); ok && i < len(list)-1 && (t.IsValue() || t == value.Unknown) && !mayDiscard(x.X) {
			c.errorf(x.X.ExprPos(), "value is not used")
		}
		if b.T == value.Never {
			continue // what follows cannot be reached
		}
		b.T = value.None
		if t == value.Never {
			b.T = value.Never
		} else if _, ok := s.(*syntax.ExprStmt); ok && i == len(list)-1 {
			b.T = t
		}
	}
	for _, sym := range local {
		c.checkUnused(sym)
	}
	return b
}

// mayDiscard tells whether the value of x may be left unused in mid-block.
func mayDiscard(x syntax.Expr) bool {
	switch x.(type) {
	case *syntax.Call, *syntax.IfExpr, *syntax.Block:
		return true
	}
	return false
}

// stmt returns nil for a declaration of a function.
func (c *checker) stmt(s syntax.Stmt, top bool, local *[]*symbol) typed.Node {
	switch s := s.(type) {
	case *syntax.LetStmt:
		return c.let(s)
	case *syntax.FuncDecl:
		if !top { // those of the top level are declared already
			if sym := c.declareFunc(s); sym != nil {
				*local = append(*local, sym)
			}
		}
		return nil
	case *syntax.AssignStmt:
		return c.assign(s)
	case *syntax.ForStmt:
		return c.loop(s)
	case *syntax.ReturnStmt:
		return c.returnStmt(s)
	case *syntax.BranchStmt:
		return &typed.Branch{Continue: s.Kind == syntax.Continue}
	case *syntax.ExprStmt:
		return c.expr(s.X)
	}
	panic(fmt.Sprintf("check: statement %T", s))
}

func (c *checker) let(s *syntax.LetStmt) typed.Node {
	var typ value.Type
	if s.Type != nil {
		typ = c.typeNamed(s.Type)
	}
	var v typed.Node
	if s.Value == nil {
		v = &typed.Const{T: typ}
	} else {
		v = c.valueOf(s.Value)
		if s.Type != nil {
			v = c.convert(v, typ, s.Value.ExprPos())
		} else if typ = v.Type(); typ == value.Never {
			typ = value.Invalid
		}
	}
	kind := "let"
	if s.Mutable {
		kind = ""
	}
	sym := c.declare(s.Pos, s.Name, typ, s.Mutable, kind)
	return &typed.Store{Slot: sym.slot, Value: v}
}

func (c *checker) assign(s *syntax.AssignStmt) typed.Node {
	sym := c.variable(s.Target)
	var v typed.Node
	if s.Op == syntax.EOF {
		v = c.valueOf(s.Value)
	} else {
		v = c.valueOf(&syntax.Binary{Pos: s.Pos, Op: s.Op, X: s.Target, Y: s.Value})
	}
	if sym == nil {
		return v
	}
	if !sym.mutable {
		hint := ""
		if sym.kind == "let" {
			hint = "declare it with var"
		}
		c.hintf(s.Target.Pos, hint, "%s cannot be assigned, it is a %s", sym.name, sym.kind)
		return v
	}
	return &typed.Store{Up: c.fn.typed.Depth - sym.depth, Slot: sym.slot, Value: c.convert(v, sym.typ, s.Pos)}
}

// variable finds a variable that is to be assigned.
func (c *checker) variable(n *syntax.Name) *symbol {
	sym := c.scope.lookup(n.Name)
	switch {
	case sym == nil:
		c.unknownName(n, c.scope.visible())
	case sym.decl != nil:
		c.errorf(n.Pos, "%s is a function and cannot be assigned", n.Name)
	default:
		return sym
	}
	return nil
}

func (c *checker) unknownName(n *syntax.Name, candidates []string) {
	c.hintf(n.Pos, didYouMean(closest(n.Name, candidates)), "unknown name %s", n.Name)
}

func (c *checker) loop(s *syntax.ForStmt) typed.Node {
	if s.Var == nil {
		w := &typed.While{Pos: s.Pos}
		if s.Cond != nil {
			w.Cond = c.condition(s.Cond)
		}
		w.Body = c.block(s.Body)
		return w
	}
	from := c.convert(c.valueOf(s.From), value.Int, s.From.ExprPos())
	to := c.convert(c.valueOf(s.To), value.Int, s.To.ExprPos())
	c.scope = c.scope.inner(c.fn)
	defer func() { c.scope = c.scope.outer }()
	sym := c.declare(s.Var.Pos, s.Var.Name, value.Int, false, "loop variable")
	return &typed.Count{Pos: s.Pos, Slot: sym.slot, From: from, To: to, Inclusive: s.Inclusive, Body: c.block(s.Body)}
}

func (c *checker) returnStmt(s *syntax.ReturnStmt) typed.Node {
	r := &typed.Return{}
	pos := s.Pos
	if s.Value != nil {
		r.Value = c.valueOf(s.Value)
		pos = s.Value.ExprPos()
	}
	c.fn.returns = append(c.fn.returns, pendingReturn{r, pos})
	return r
}

func (c *checker) condition(x syntax.Expr) typed.Node {
	n := c.valueOf(x)
	if t := n.Type(); t.IsValue() && t != value.Bool {
		c.errorf(x.ExprPos(), "condition must be bool, found %v", t)
	}
	return n
}

// convert makes n a value of type want, or reports that it is none.
func (c *checker) convert(n typed.Node, want value.Type, pos syntax.Pos) typed.Node {
	t := n.Type()
	switch {
	case t == want, t == value.Never, !t.IsValue() && t != value.None, !want.IsValue():
		return n
	case t == value.Int && want == value.Float:
		return &typed.ToFloat{X: n}
	}
	hint := ""
	if t == value.Float && want == value.Int {
		hint = "int(x) truncates; / always gives a float, div divides ints"
	}
	c.hintf(pos, hint, "expected %v, found %v", want, t)
	return invalid()
}

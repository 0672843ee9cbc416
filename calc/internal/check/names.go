package check

import (
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// checkNames reports unknown names in a function whose types are not known since
// nobody calls it.
func (c *Checker) checkNames(sym *symbol) {
	scope, fn, file := c.scope, c.fn, c.file
	defer func() { c.scope, c.fn, c.file = scope, fn, file }()
	c.file = sym.file
	c.scope = sym.scope
	c.namesInFunc(sym.decl, sym.order)
}

func (c *Checker) namesInFunc(f *syntax.Function, order int) {
	scope, fn := c.scope, c.fn
	defer func() { c.scope, c.fn = scope, fn }()
	c.fn = &funcState{typed: &typed.Func{}, decl: f, order: order}
	c.scope = scope.inner(c.fn)
	for _, p := range f.Params {
		c.declare(p.Pos, p.Name, types.Invalid, "")
	}
	c.namesInBlock(f.Body)
}

func (c *Checker) namesInBlock(b *syntax.Block) { c.namesWith(b) }

// namesWith checks a block in a scope that begins with some variables.
func (c *Checker) namesWith(b *syntax.Block, vars ...*syntax.Name) {
	outer := c.scope
	defer func() { c.scope = outer }()
	c.scope = c.scope.inner(c.fn)
	for _, v := range vars {
		c.declare(v.Pos, v.Name, types.Invalid, "")
	}
	c.scope = c.scope.inner(c.fn)
	c.declareTypes(b.Stmts)
	for _, s := range b.Stmts {
		c.namesInStmt(s)
	}
}

func (c *Checker) namesInStmt(s syntax.Stmt) {
	switch s := s.(type) {
	case *syntax.LetStmt:
		c.names(s.Value)
		c.declare(s.Pos, s.Name, types.Invalid, "")
	case *syntax.FuncDecl:
		if sym := c.declareFunc(s); sym != nil {
			c.namesInFunc(s.Func, sym.order)
		}
	case *syntax.AssignStmt:
		c.names(s.Target, s.Value)
	case *syntax.LoopStmt:
		c.names(s.Cond)
		c.namesInBlock(s.Body)
	case *syntax.CountStmt:
		c.names(s.From, s.To)
		c.namesWith(s.Body, s.Var)
	case *syntax.EachStmt:
		c.names(s.X)
		c.namesWith(s.Body, s.Vars...)
	case *syntax.ReturnStmt:
		c.names(s.Value)
	case *syntax.ExprStmt:
		c.names(s.X)
	}
}

func (c *Checker) names(list ...syntax.Expr) {
	for _, x := range list {
		if x != nil {
			c.namesIn(x)
		}
	}
}

func (c *Checker) namesIn(x syntax.Expr) {
	switch x := x.(type) {
	case *syntax.Name:
		if _, ok := c.constants[x.Name]; !ok && x.Name != "args" && !c.isBuiltin(x.Name) && c.scope.lookup(x.Name, false) == nil {
			c.unknownName(x, c.valueNames())
		}
	case *syntax.StringLit:
		for _, p := range x.Parts {
			c.names(p.X)
		}
	case *syntax.ListLit:
		c.names(x.Elems...)
	case *syntax.MapLit:
		for _, e := range x.Entries {
			c.names(e.Key, e.Value)
		}
	case *syntax.StructLit:
		c.namedType(x.Type)
		for _, f := range x.Fields {
			c.names(f.Value)
		}
	case *syntax.Lambda:
		c.namesInFunc(x.Func, c.orders)
	case *syntax.Unary:
		c.names(x.X)
	case *syntax.Binary:
		c.names(x.X, x.Y)
	case *syntax.UnwrapExpr:
		c.names(x.X)
	case *syntax.Cast:
		c.names(x.X)
		c.typeOf(x.Type)
	case *syntax.Call:
		c.namesInCall(x)
	case *syntax.Selector:
		c.names(x.X)
	case *syntax.Index:
		c.names(x.X, x.I)
	case *syntax.Slice:
		c.names(x.X, x.From, x.To)
	case *syntax.IfExpr:
		c.names(x.Cond)
		if x.Let != nil {
			c.namesWith(x.Then, x.Let)
		} else {
			c.namesInBlock(x.Then)
		}
		c.names(x.Else)
	case *syntax.MatchExpr:
		c.names(x.X)
		for _, a := range x.Arms {
			c.names(a.Body)
		}
	case *syntax.Block:
		c.namesInBlock(x)
	}
}

func (c *Checker) namesInCall(x *syntax.Call) {
	switch f := x.Fun.(type) {
	case *syntax.Name:
		if c.scope.lookup(f.Name, false) == nil && !c.isBuiltin(f.Name) {
			c.unknownName(f, c.callNames())
		}
	case *syntax.Selector: // a field or a function: the type decides
		c.names(f.X)
	default:
		c.names(x.Fun)
	}
	c.names(x.Args...)
}

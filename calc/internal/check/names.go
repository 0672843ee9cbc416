package check

import (
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/value"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// checkNames reports unknown names in a function whose types are not known since
// nobody calls it.
func (c *checker) checkNames(sym *symbol) {
	scope, fn := c.scope, c.fn
	defer func() { c.scope, c.fn = scope, fn }()
	c.fn = &funcState{typed: &typed.Func{Depth: sym.depth + 1}, sym: sym}
	c.scope = sym.scope.inner(c.fn)
	c.namesInFunc(sym.decl)
}

func (c *checker) namesInFunc(f *syntax.FuncDecl) {
	for _, p := range f.Params {
		c.declare(p.Pos, p.Name, value.Invalid, true, "")
	}
	c.namesInBlock(f.Body)
}

func (c *checker) namesInBlock(b *syntax.Block) {
	c.scope = c.scope.inner(c.fn)
	defer func() { c.scope = c.scope.outer }()
	for _, s := range b.Stmts {
		c.namesInStmt(s)
	}
}

func (c *checker) namesInStmt(s syntax.Stmt) {
	switch s := s.(type) {
	case *syntax.LetStmt:
		c.names(s.Value)
		c.declare(s.Pos, s.Name, value.Invalid, s.Mutable, "")
	case *syntax.FuncDecl:
		if sym := c.declareFunc(s); sym != nil {
			outer := c.scope
			c.scope = c.scope.inner(c.fn)
			c.namesInFunc(s)
			c.scope = outer
		}
	case *syntax.AssignStmt:
		c.variable(s.Target)
		c.names(s.Value)
	case *syntax.ForStmt:
		c.names(s.Cond, s.From, s.To)
		c.scope = c.scope.inner(c.fn)
		if s.Var != nil {
			c.declare(s.Var.Pos, s.Var.Name, value.Invalid, false, "loop variable")
		}
		c.namesInBlock(s.Body)
		c.scope = c.scope.outer
	case *syntax.ReturnStmt:
		c.names(s.Value)
	case *syntax.ExprStmt:
		c.names(s.X)
	}
}

func (c *checker) names(list ...syntax.Expr) {
	for _, x := range list {
		switch x := x.(type) {
		case *syntax.Name:
			if _, ok := c.constants[x.Name]; !ok && c.scope.lookup(x.Name) == nil {
				c.unknownName(x, c.valueNames())
			}
		case *syntax.StringLit:
			for _, p := range x.Parts {
				c.names(p.X)
			}
		case *syntax.Unary:
			c.names(x.X)
		case *syntax.Binary:
			c.names(x.X, x.Y)
		case *syntax.Call:
			if c.scope.lookup(x.Fun.Name) == nil && !c.isBuiltin(x.Fun.Name) {
				c.unknownName(x.Fun, c.callNames())
			}
			c.names(x.Args...)
		case *syntax.Index:
			c.names(x.X, x.I)
		case *syntax.Slice:
			c.names(x.X, x.From, x.To)
		case *syntax.IfExpr:
			c.names(x.Cond, x.Then, x.Else)
		case *syntax.Block:
			c.namesInBlock(x)
		}
	}
}

package check

import (
	"fmt"

	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// block checks the statements of b in a scope of their own. want, if not nil, is
// the type that its value is expected to have.
func (c *Checker) block(b *syntax.Block, want *types.Type) *typed.Block {
	c.scope = c.scope.inner(c.fn)
	defer func() { c.scope = c.scope.outer }()
	return c.stmts(b.Stmts, want)
}

func (c *Checker) stmts(list []syntax.Stmt, want *types.Type) *typed.Block {
	b := &typed.Block{T: types.None}
	var local []*symbol
	for i, s := range list {
		last := i == len(list)-1
		n := c.stmt(s, last, want, &local)
		if n == nil {
			continue
		}
		b.Nodes = append(b.Nodes, n)
		t := n.Type()
		x, isExpr := s.(*syntax.ExprStmt)
		if isExpr && !last && (t.IsValue() || t.Is(types.KUnknown)) && !mayDiscard(x.X) {
			c.errorf(x.X.Where(), "value is not used")
		}
		if b.T.Is(types.KNever) {
			continue // what follows cannot be reached
		}
		b.T = types.None
		if t.Is(types.KNever) || isExpr && last {
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
	case *syntax.Call, *syntax.IfExpr, *syntax.MatchExpr, *syntax.Block:
		return true
	}
	return false
}

// stmt returns nil for declarations without anything to run.
func (c *Checker) stmt(s syntax.Stmt, last bool, want *types.Type, local *[]*symbol) typed.Node {
	c.at = s.Where()
	switch s := s.(type) {
	case *syntax.LetStmt:
		return c.let(s)
	case *syntax.FuncDecl:
		if !c.scope.top { // those of the top level are declared already
			if sym := c.declareFunc(s); sym != nil {
				*local = append(*local, sym)
			}
		}
		return nil
	case *syntax.TypeDecl:
		if !c.scope.top && c.declareType(s) {
			c.declareFields(s)
		}
		return nil
	case *syntax.ImportStmt:
		return nil
	case *syntax.AssignStmt:
		return c.assign(s)
	case *syntax.LoopStmt:
		w := &typed.Loop{Pos: s.Pos}
		if s.Cond != nil {
			w.Cond = c.condition(s.Cond)
		}
		w.Body = c.block(s.Body, nil)
		return w
	case *syntax.CountStmt:
		from := c.typedValue(s.From, types.Int)
		to := c.typedValue(s.To, types.Int)
		n := &typed.Count{Pos: s.Pos, From: from, To: to, Inclusive: s.Inclusive}
		c.loopBody(s.Body, func() { n.Var = c.declare(s.Var.Pos, s.Var.Name, types.Int, "loop variable") }, &n.Body)
		return n
	case *syntax.EachStmt:
		return c.each(s)
	case *syntax.ReturnStmt:
		return c.returnStmt(s)
	case *syntax.BranchStmt:
		return &typed.Branch{Continue: s.Kind == syntax.Continue}
	case *syntax.ExprStmt:
		if !last {
			want = nil
		}
		return c.expr(s.X, want)
	}
	panic(fmt.Sprintf("check: statement %T", s))
}

// loopBody checks a body in a scope with the loop's variables.
func (c *Checker) loopBody(b *syntax.Block, declare func(), body *typed.Node) {
	c.scope = c.scope.inner(c.fn)
	declare()
	*body = c.block(b, nil)
	c.scope = c.scope.outer
}

func (c *Checker) let(s *syntax.LetStmt) typed.Node {
	var t *types.Type
	if s.Type != nil {
		t = c.typeOf(s.Type)
	}
	var v typed.Node
	switch {
	case s.Value == nil:
		if v = zero(t); v == nil {
			c.errorf(s.Pos, "%v has no zero value, %s needs one", t, s.Name)
			v = invalid()
		}
	case t != nil:
		v = c.typedValue(s.Value, t)
	default:
		v = c.valueOf(s.Value, nil)
		if t = v.Type(); t.Is(types.KNever) {
			t = types.Invalid
		}
	}
	why := "let"
	if s.Mutable {
		why = ""
	}
	return &typed.Store{Var: c.declare(s.Pos, s.Name, t, why), Value: v, Declare: true}
}

// zero returns the zero value of t, or nil if it has none.
func zero(t *types.Type) typed.Node {
	t = t.Decided()
	switch t.Kind {
	case types.KInvalid, types.KInt, types.KFloat, types.KBool, types.KOption, types.KAny:
		return &typed.Const{T: t}
	case types.KString:
		return emptyString()
	case types.KList:
		return &typed.List{T: t}
	case types.KMap:
		return &typed.Map{T: t}
	}
	return nil
}

// each checks a loop over the elements of something.
func (c *Checker) each(s *syntax.EachStmt) typed.Node {
	if call, ok := s.X.(*syntax.Call); ok && len(s.Vars) == 1 {
		if f, ok := call.Fun.(*syntax.Name); ok && f.Name == "range" && c.scope.lookup("range", true) == nil {
			return c.eachOfRange(s, call)
		}
	}
	x := c.valueOf(s.X, nil)
	t := x.Type().Decided()
	var key, val *types.Type
	switch t.Kind {
	case types.KList:
		key, val = types.Int, t.Elem
	case types.KMap:
		key, val = t.Key, t.Elem
	case types.KString:
		key, val = types.Int, types.String
	default:
		if poison(x) == nil {
			hint := ""
			if t.Is(types.KInt) {
				hint = "a loop over numbers is: for i in 0..n { ... }"
			}
			c.hintf(s.X.Where(), hint, "%v cannot be looped over", t)
		}
		key, val = types.Invalid, types.Invalid
	}
	if t.IsOpen() {
		c.undecided(s.X.Where(), t)
		key, val = types.Invalid, types.Invalid
	}
	n := &typed.Each{Pos: s.Pos, X: x}
	c.loopBody(s.Body, func() {
		first, second := &n.Key, &n.Value
		if len(s.Vars) == 1 && !t.Is(types.KMap) {
			first, key = &n.Value, val
		}
		*first = c.declare(s.Vars[0].Pos, s.Vars[0].Name, key, "loop variable")
		if len(s.Vars) == 2 {
			*second = c.declare(s.Vars[1].Pos, s.Vars[1].Name, val, "loop variable")
		}
	}, &n.Body)
	return n
}

// eachOfRange checks a loop over range, for which no list is made.
func (c *Checker) eachOfRange(s *syntax.EachStmt, call *syntax.Call) typed.Node {
	if len(call.Args) != 2 && len(call.Args) != 3 {
		c.errorf(call.Pos, "range needs 2 or 3 arguments, found %d", len(call.Args))
		return invalid()
	}
	var list [3]typed.Node
	for i, a := range call.Args {
		list[i] = c.typedValue(a, types.Int)
	}
	n := &typed.Count{Pos: call.Pos, From: list[0], To: list[1], Step: list[2]}
	c.loopBody(s.Body, func() { n.Var = c.declare(s.Vars[0].Pos, s.Vars[0].Name, types.Int, "loop variable") }, &n.Body)
	return n
}

func (c *Checker) returnStmt(s *syntax.ReturnStmt) typed.Node {
	r := &typed.Return{}
	pos := s.Pos
	if c.fn.decl == nil {
		return r // a syntax error outside of functions
	}
	if s.Value != nil {
		var want *types.Type
		if c.fn.fixed && c.fn.result.IsValue() {
			want = c.fn.result
		}
		r.Value = c.valueOf(s.Value, want)
		pos = s.Value.Where()
	}
	c.fn.returns = append(c.fn.returns, pendingReturn{r, pos})
	return r
}

func (c *Checker) condition(x syntax.Expr) typed.Node {
	n := c.valueOf(x, types.Bool)
	if t := n.Type(); t.IsValue() && !t.Is(types.KBool) {
		c.errorf(x.Where(), "condition must be bool, found %v", t)
		return invalid()
	}
	return n
}

// undecided reports an operation on a value whose type is open.
func (c *Checker) undecided(pos syntax.Pos, t *types.Type) {
	c.hintf(pos, "declare it with a type, as in: var xs []int = []", "the type is not decided yet: %v", t)
}

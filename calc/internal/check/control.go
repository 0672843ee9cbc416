package check

import (
	"strconv"

	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/internal/value"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// branches finds the type that the branches of an expression have together, and
// converts them. None means that they have no value together.
func (c *Checker) branches(list []*typed.Node, where []syntax.Pos, want *types.Type) *types.Type {
	joined := types.Never
	for _, n := range list {
		t := (*n).Type()
		switch k := t.Decided().Kind; {
		case k == types.KInvalid:
			return types.Invalid
		case k == types.KUnknown:
			if joined == types.Never {
				joined = types.Unknown
			}
		case k == types.KNone:
			return types.None
		case joined == types.Unknown:
			joined = t // what is known decides
		default:
			if joined = types.Join(joined, t); joined == types.Invalid {
				if want == nil || !want.IsValue() {
					return types.None
				}
				joined = want // the conversion says what is wrong
			}
		}
	}
	if want != nil && want.IsValue() && joined.IsValue() && !want.Is(types.KOpen) {
		joined = want
	}
	if joined.IsValue() {
		for i, n := range list {
			*n = c.convert(*n, joined, where[i])
			if (*n).Type().Is(types.KInvalid) {
				return types.Invalid
			}
		}
	}
	return joined
}

// lastPos is where the value of a block or expression stands.
func lastPos(x syntax.Expr) syntax.Pos {
	if b, ok := x.(*syntax.Block); ok {
		if n := len(b.Stmts); n > 0 {
			return b.Stmts[n-1].Where()
		}
		return b.End
	}
	return x.Where()
}

// ifExpr checks a chain of ifs, whose branches are joined from the last on.
func (c *Checker) ifExpr(x *syntax.IfExpr, want *types.Type) typed.Node {
	if x.Let != nil {
		return c.ifLet(x, want)
	}
	n := &typed.If{Cond: c.condition(x.Cond), Then: c.block(x.Then, want)}
	if x.Else == nil {
		n.T = types.None
		return n
	}
	n.Else = c.expr(x.Else, want)
	n.T = c.branches([]*typed.Node{&n.Then, &n.Else}, []syntax.Pos{lastPos(x.Then), lastPos(x.Else)}, want)
	return n
}

func (c *Checker) ifLet(x *syntax.IfExpr, want *types.Type) typed.Node {
	opt := c.valueOf(x.Cond, nil)
	t := opt.Type().Decided()
	elem := types.Invalid
	switch {
	case poison(opt) != nil:
	case t.IsOpen():
		c.undecided(x.Cond.Where(), t)
	case !t.Is(types.KOption):
		c.errorf(x.Cond.Where(), "%v is never nil", t)
	default:
		elem = t.Elem.Decided()
	}
	n := &typed.IfLet{X: opt}
	c.scope = c.scope.inner(c.fn)
	n.Var = c.declare(x.Let.Pos, x.Let.Name, elem, "let")
	n.Then = c.block(x.Then, want)
	c.scope = c.scope.outer
	if x.Else == nil {
		n.T = types.None
	} else {
		n.Else = c.expr(x.Else, want)
		n.T = c.branches([]*typed.Node{&n.Then, &n.Else}, []syntax.Pos{lastPos(x.Then), lastPos(x.Else)}, want)
	}
	if p := poison(opt); p != nil {
		n.T = p.Type() // a break in a branch counts, whatever the option is
	}
	return n
}

func (c *Checker) match(x *syntax.MatchExpr, want *types.Type) typed.Node {
	n := &typed.Match{X: c.valueOf(x.X, nil)}
	t := n.X.Type().Decided()
	if poison(n.X) == nil {
		switch t.Unwrapped().Kind {
		case types.KInt, types.KString, types.KBool:
		default:
			c.errorf(x.Pos, "match applies to int, string, bool and options of them, not to %v", t)
			t = types.Invalid
		}
	} else {
		t = types.Invalid
	}
	seen := make(map[string]bool)
	var bodies []*typed.Node
	var where []syntax.Pos
	for i := range x.Arms {
		a := &x.Arms[i]
		arm := typed.Arm{}
		for _, p := range a.Patterns {
			if k := c.pattern(p, t, seen); k != nil {
				arm.Patterns = append(arm.Patterns, k)
			}
		}
		if n.Default != nil {
			c.errorf(a.Pos, "no arm may stand behind _")
		}
		body := c.expr(a.Body, want)
		where = append(where, lastPos(a.Body))
		if len(a.Patterns) == 0 {
			n.Default = body
			bodies = append(bodies, &n.Default)
			continue
		}
		arm.Body = body
		n.Arms = append(n.Arms, arm)
		bodies = append(bodies, nil)
	}
	k := 0
	for i := range bodies { // the slice of arms has its place now
		if bodies[i] == nil {
			bodies[i] = &n.Arms[k].Body
			k++
		}
	}
	covered := seen["true"] && seen["false"] && (t.Is(types.KBool) || seen["nil"])
	if n.Default == nil && t != types.Invalid && !covered {
		c.errorf(x.Pos, "match does not cover all values of %v, add _ => ...", t)
	}
	n.T = c.branches(bodies, where, want)
	switch p := poison(n.X); {
	case p != nil:
		n.T = p.Type()
	case t == types.Invalid:
		n.T = types.Invalid
	}
	return n
}

// pattern checks a literal of a match on type t.
func (c *Checker) pattern(x syntax.Expr, t *types.Type, seen map[string]bool) *typed.Const {
	k, _ := c.expr(x, nil).(*typed.Const) // the parser lets only literals through
	key := "nil"
	if kt := k.T; !kt.Is(types.KOption) {
		if t != types.Invalid && !types.Identical(kt, t.Unwrapped()) {
			c.errorf(x.Where(), "expected %v, found %v", t, kt)
			return nil
		}
		key = literalKey(x)
	} else if t != types.Invalid && !t.Is(types.KOption) {
		c.errorf(x.Where(), "%v is never nil", t)
		return nil
	} else {
		k = &typed.Const{T: t}
	}
	if seen[key] {
		c.errorf(x.Where(), "pattern %s stands here twice", key)
	}
	seen[key] = true
	return k
}

func literalKey(x syntax.Expr) string {
	switch x := x.(type) {
	case *syntax.IntLit:
		return strconv.FormatInt(x.Value, 10)
	case *syntax.BoolLit:
		return strconv.FormatBool(x.Value)
	case *syntax.StringLit:
		return value.Quote(x.Parts[0].Text)
	}
	return "nil"
}

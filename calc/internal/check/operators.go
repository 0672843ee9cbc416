package check

import (
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

func (c *Checker) unary(x *syntax.Unary) typed.Node {
	n := c.valueOf(x.X, nil)
	if p := poison(n); p != nil {
		return p
	}
	t := n.Type()
	ok := false
	switch x.Op {
	case syntax.Sub:
		ok = t.IsNumber()
	case syntax.Xor:
		ok = t.Is(types.KInt)
	case syntax.Not:
		ok = t.Is(types.KBool)
	}
	if !ok {
		if t.IsOpen() {
			c.undecided(x.Pos, t)
		} else {
			c.errorf(x.Pos, "operator %v does not apply to %v", x.Op, t)
		}
		return invalid()
	}
	return &typed.Unary{Op: x.Op, X: n}
}

func (c *Checker) binary(x *syntax.Binary, want *types.Type) typed.Node {
	switch x.Op {
	case syntax.Coalesce:
		return c.coalesce(x, want)
	case syntax.AndAnd, syntax.OrOr:
		return c.logic(x)
	case syntax.In:
		return c.in(x)
	}
	a := c.valueOf(x.X, nil)
	b := c.valueOf(x.Y, nil)
	if h := runeHint(x); h != "" && a.Type().Is(types.KInt) && b.Type().Is(types.KString) {
		c.hintf(x.Pos, h, "operator %v does not apply to int and string", x.Op)
		return invalid()
	}
	return c.operator(x.Pos, x.Op, a, b)
}

// runeHint helps where s[0] is compared with a string.
func runeHint(x *syntax.Binary) string {
	if _, ok := x.X.(*syntax.Index); !ok || x.Op != syntax.Eq && x.Op != syntax.Ne {
		return ""
	}
	if lit, ok := x.Y.(*syntax.StringLit); ok && len(lit.Parts) == 1 && len([]rune(lit.Parts[0].Text)) == 1 {
		return "a character is an int, written '" + lit.Parts[0].Text + "'"
	}
	return ""
}

// operator joins two operands whose types have been found.
func (c *Checker) operator(pos syntax.Pos, op syntax.Kind, a, b typed.Node) typed.Node {
	ta, tb := a.Type().Decided(), b.Type().Decided()
	equality := op == syntax.Eq || op == syntax.Ne
	if p := poison(a, b); p != nil {
		if p.Type().Is(types.KUnknown) && (equality || op >= syntax.Lt && op <= syntax.Ge) {
			return &typed.Const{T: types.Bool}
		}
		return p
	}
	if !equality && (ta.IsOpen() || tb.IsOpen()) {
		if ta.IsOpen() {
			tb = ta
		}
		c.undecided(pos, tb)
		return invalid()
	}
	operand, result := operatorTypes(op, types.Join(ta, tb))
	if operand == types.Invalid {
		hint := ""
		if op == syntax.Add && (ta.Is(types.KString) || tb.Is(types.KString)) {
			hint = `"${x}" and str(x) are the text of a value`
		}
		if op == syntax.Mul && (ta.Is(types.KString) && tb.Is(types.KInt) || ta.Is(types.KInt) && tb.Is(types.KString)) {
			hint = "s.repeat(n) repeats a text"
		}
		c.hintf(pos, hint, "operator %v does not apply to %v and %v", op, ta, tb)
		return invalid()
	}
	if operand.IsOpen() {
		c.undecided(pos, operand)
		return invalid()
	}
	return &typed.Binary{
		Pos: pos, T: result, Operand: operand, Op: op,
		X: c.convert(a, operand, pos), Y: c.convert(b, operand, pos),
	}
}

// operatorTypes returns the type to which the operands, whose join is t, are
// converted, and that of the result.
func operatorTypes(op syntax.Kind, t *types.Type) (operand, result *types.Type) {
	number := t.IsNumber()
	switch op {
	case syntax.Div, syntax.Pow:
		if number {
			return types.Float, types.Float
		}
	case syntax.Add:
		if number || t.Is(types.KString) || t.Is(types.KList) {
			return t, t
		}
	case syntax.Sub, syntax.Mul, syntax.Rem:
		if number {
			return t, t
		}
	case syntax.IntDiv, syntax.And, syntax.Or, syntax.Xor, syntax.Shl, syntax.Shr:
		if t.Is(types.KInt) {
			return t, t
		}
	case syntax.Eq, syntax.Ne:
		if t.IsValue() && t.Comparable() {
			return t, types.Bool
		}
	case syntax.Lt, syntax.Le, syntax.Gt, syntax.Ge:
		if number || t.Is(types.KString) {
			return t, types.Bool
		}
	}
	return types.Invalid, types.Invalid
}

func (c *Checker) logic(x *syntax.Binary) typed.Node {
	a, b := c.valueOf(x.X, types.Bool), c.valueOf(x.Y, types.Bool)
	for _, n := range []typed.Node{a, b} {
		if t := n.Type(); t.IsValue() && !t.Is(types.KBool) {
			c.errorf(x.Pos, "operator %v does not apply to %v and %v", x.Op, a.Type(), b.Type())
			return invalid()
		}
	}
	if a.Type().Is(types.KNever) {
		return poison(a, b)
	}
	return &typed.Logic{And: x.Op == syntax.AndAnd, X: a, Y: b}
}

func (c *Checker) in(x *syntax.Binary) typed.Node {
	a, b := c.valueOf(x.X, nil), c.valueOf(x.Y, nil)
	if p := poison(a, b); p != nil {
		return p
	}
	t := b.Type().Decided()
	switch {
	case t.Is(types.KAny):
		if !types.FitsAny(a.Type()) {
			c.errorf(x.Pos, "an any holds no %v", a.Type())
			return invalid()
		}
		a = c.convert(a, types.Any, x.Pos)
	case t.Is(types.KString):
		a = c.convert(a, types.String, x.Pos)
	case t.Is(types.KList):
		a = c.convert(a, t.Elem, x.Pos)
		if !t.Elem.Comparable() {
			c.errorf(x.Pos, "operator in does not apply to %v", t)
			return invalid()
		}
	case t.Is(types.KMap):
		if t.Key.Is(types.KOpen) && !isKey(a.Type()) {
			c.errorf(x.Pos, "keys of maps are int, string or bool, not %v", a.Type())
			return invalid()
		}
		a = c.convert(a, t.Key, x.Pos)
	default:
		c.errorf(x.Pos, "operator in does not apply to %v", t)
		return invalid()
	}
	if p := poison(a); p != nil {
		return p
	}
	if t.IsOpen() && !t.Is(types.KMap) { // a key alone leaves a map's values open
		c.undecided(x.Pos, t)
		return invalid()
	}
	return &typed.In{Pos: x.Pos, X: a, Y: b}
}

// coalesce is x ?? y.
func (c *Checker) coalesce(x *syntax.Binary, want *types.Type) typed.Node {
	a := c.valueOf(x.X, nil)
	b := c.valueOf(x.Y, want)
	if a.Type().Is(types.KNever) {
		return poison(a, b)
	}
	for _, n := range []typed.Node{a, b} {
		if p := poison(n); p != nil && !p.Type().Is(types.KNever) {
			return p
		}
	}
	t := a.Type().Decided()
	if t.Is(types.KAny) {
		return c.coalesceAny(x, a, b)
	}
	if !t.Is(types.KOption) {
		c.errorf(x.Pos, "%v is never nil", t)
		return invalid()
	}
	result := types.Join(t.Elem, b.Type())
	if result == types.Invalid {
		c.errorf(x.Pos, "operator ?? does not apply to %v and %v", t, b.Type())
		return invalid()
	}
	v := c.fn.newVar("", t.Elem)
	return &typed.IfLet{
		T: result, Var: v, X: a,
		Then: c.convert(&typed.Local{Var: v}, result, x.Pos),
		Else: c.convert(b, result, x.Pos),
	}
}

// coalesceAny is x ?? y where x is an any, which stays one.
func (c *Checker) coalesceAny(x *syntax.Binary, a, b typed.Node) typed.Node {
	first, read := c.temporary(a)
	isNil := &typed.Binary{Pos: x.Pos, T: types.Bool, Operand: types.Any, Op: syntax.Eq, X: read(), Y: &typed.Const{T: types.Any}}
	choose := &typed.If{T: types.Any, Cond: isNil, Then: c.convert(b, types.Any, x.Pos), Else: read()}
	return &typed.Block{T: types.Any, Nodes: []typed.Node{first, choose}}
}

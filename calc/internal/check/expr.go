package check

import (
	"fmt"

	"github.com/groundwork-go/groundwork/calc/internal/builtin"
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/value"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// valueOf checks an expression that must have a value.
func (c *checker) valueOf(x syntax.Expr) typed.Node {
	n := c.expr(x)
	if n.Type() == value.None {
		c.errorf(x.ExprPos(), "this has no value")
		return invalid()
	}
	return n
}

func (c *checker) expr(x syntax.Expr) typed.Node {
	if c.depth++; c.depth > maxDepth {
		c.errorf(x.ExprPos(), "expression is nested too deeply")
		c.depth--
		return invalid()
	}
	defer func() { c.depth-- }()
	switch x := x.(type) {
	case *syntax.IntLit:
		return &typed.Const{T: value.Int, V: value.FromInt(x.Value)}
	case *syntax.FloatLit:
		return &typed.Const{T: value.Float, V: value.FromFloat(x.Value)}
	case *syntax.BoolLit:
		return &typed.Const{T: value.Bool, V: value.FromBool(x.Value)}
	case *syntax.StringLit:
		return c.stringLit(x)
	case *syntax.Name:
		return c.name(x)
	case *syntax.Unary:
		return c.unary(x)
	case *syntax.Binary:
		return c.binary(x)
	case *syntax.Call:
		return c.callExpr(x)
	case *syntax.Index:
		s := c.convert(c.valueOf(x.X), value.String, x.Pos)
		return &typed.ByteAt{Pos: x.Pos, X: s, I: c.index(x.I)}
	case *syntax.Slice:
		s := c.convert(c.valueOf(x.X), value.String, x.Pos)
		return &typed.Slice{Pos: x.Pos, X: s, From: c.index(x.From), To: c.index(x.To)}
	case *syntax.IfExpr:
		return c.ifExpr(x)
	case *syntax.Block:
		return c.block(x)
	}
	panic(fmt.Sprintf("check: expression %T", x))
}

// index checks an index, or an end of a slice, where it may be nil.
func (c *checker) index(x syntax.Expr) typed.Node {
	if x == nil {
		return nil
	}
	return c.convert(c.valueOf(x), value.Int, x.ExprPos())
}

func (c *checker) stringLit(x *syntax.StringLit) typed.Node {
	if len(x.Parts) == 1 && x.Parts[0].X == nil {
		return &typed.Const{T: value.String, V: value.FromString(x.Parts[0].Text)}
	}
	n := &typed.Concat{Pos: x.Pos}
	for _, p := range x.Parts {
		switch {
		case p.X != nil:
			n.Parts = append(n.Parts, &typed.ToText{X: c.valueOf(p.X)})
		case p.Text != "":
			n.Parts = append(n.Parts, &typed.Const{T: value.String, V: value.FromString(p.Text)})
		}
	}
	return n
}

func (c *checker) name(x *syntax.Name) typed.Node {
	if sym := c.scope.lookup(x.Name); sym != nil {
		if sym.decl != nil {
			c.errorf(x.Pos, "%s is a function and can only be called", x.Name)
			return invalid()
		}
		return &typed.Local{T: sym.typ, Up: c.fn.typed.Depth - sym.depth, Slot: sym.slot}
	}
	if k, ok := c.constants[x.Name]; ok {
		return &typed.Const{T: k.Type, V: k.Value}
	}
	if c.isBuiltin(x.Name) {
		c.errorf(x.Pos, "%s is a function and can only be called", x.Name)
	} else {
		c.unknownName(x, c.valueNames())
	}
	return invalid()
}

func (c *checker) valueNames() []string {
	names := c.scope.visible()
	for name := range c.constants {
		names = append(names, name)
	}
	return names
}

func (c *checker) unary(x *syntax.Unary) typed.Node {
	n := c.valueOf(x.X)
	t := n.Type()
	ok := false
	switch x.Op {
	case syntax.Sub:
		ok = t == value.Int || t == value.Float
	case syntax.Xor:
		ok = t == value.Int
	case syntax.Not:
		ok = t == value.Bool
	}
	if t.IsValue() && !ok {
		c.errorf(x.Pos, "operator %v does not apply to %v", x.Op, t)
		return invalid()
	}
	return &typed.Unary{T: t, Op: x.Op, X: n}
}

func (c *checker) binary(x *syntax.Binary) typed.Node {
	a, b := c.valueOf(x.X), c.valueOf(x.Y)
	ta, tb := a.Type(), b.Type()
	switch {
	case ta == value.Invalid || tb == value.Invalid:
		return invalid()
	case ta == value.Never || tb == value.Never:
		return &typed.Block{T: value.Never, Nodes: []typed.Node{a, b}}
	}
	logic := x.Op == syntax.AndAnd || x.Op == syntax.OrOr
	if ta == value.Unknown || tb == value.Unknown {
		if logic || x.Op >= syntax.Eq && x.Op <= syntax.Ge || x.Op == syntax.In {
			return &typed.Const{T: value.Bool}
		}
		return &typed.Const{T: value.Unknown}
	}
	if logic {
		if ta != value.Bool || tb != value.Bool {
			c.noOperator(x, ta, tb)
			return invalid()
		}
		return &typed.Logic{And: x.Op == syntax.AndAnd, X: a, Y: b}
	}
	operand, result := operatorTypes(x.Op, value.Join(ta, tb))
	if operand == value.Invalid {
		c.noOperator(x, ta, tb)
		return invalid()
	}
	return &typed.Binary{
		Pos: x.Pos, T: result, Operand: operand, Op: x.Op,
		X: c.convert(a, operand, x.Pos), Y: c.convert(b, operand, x.Pos),
	}
}

// operatorTypes returns the type to which the operands, whose join is t, are
// converted, and that of the result.
func operatorTypes(op syntax.Kind, t value.Type) (operand, result value.Type) {
	number := t == value.Int || t == value.Float
	switch op {
	case syntax.Div, syntax.Pow:
		if number {
			return value.Float, value.Float
		}
	case syntax.Add:
		if number || t == value.String {
			return t, t
		}
	case syntax.Sub, syntax.Mul, syntax.Rem:
		if number {
			return t, t
		}
	case syntax.IntDiv, syntax.And, syntax.Or, syntax.Xor, syntax.Shl, syntax.Shr:
		if t == value.Int {
			return t, t
		}
	case syntax.Eq, syntax.Ne:
		if t.IsValue() {
			return t, value.Bool
		}
	case syntax.Lt, syntax.Le, syntax.Gt, syntax.Ge:
		if number || t == value.String {
			return t, value.Bool
		}
	case syntax.In:
		if t == value.String {
			return t, value.Bool
		}
	}
	return value.Invalid, value.Invalid
}

func (c *checker) noOperator(x *syntax.Binary, a, b value.Type) {
	hint := ""
	_, indexed := x.X.(*syntax.Index)
	switch {
	case indexed && a == value.Int && b == value.String:
		hint = "s[i] is a byte; write the character as 'a'"
	case x.Op == syntax.Add && (a == value.String || b == value.String):
		hint = "str(x) makes text, as does \"${x}\""
	}
	c.hintf(x.Pos, hint, "operator %v does not apply to %v and %v", x.Op, a, b)
}

func (c *checker) ifExpr(x *syntax.IfExpr) typed.Node {
	n := &typed.If{Cond: c.condition(x.Cond), T: value.None}
	n.Then = c.block(x.Then)
	if x.Else == nil {
		return n
	}
	n.Else = c.expr(x.Else)
	a, b := n.Then.Type(), n.Else.Type()
	switch {
	case a == value.Unknown && b == value.Unknown, a == value.Never && b == value.Never, a == value.Invalid || b == value.Invalid:
		n.T = a
		if b == value.Invalid {
			n.T = b
		}
	case a == value.Unknown || b == value.Unknown:
		// The known branch decides, unless the other turns out as a float.
		n.T = a
		if a == value.Unknown {
			n.T = b
		}
		if n.T == value.Never {
			n.T = value.Unknown
		}
	default:
		if t := value.Join(a, b); t.IsValue() {
			n.T = t
			n.Then = c.convert(n.Then, t, x.Pos)
			n.Else = c.convert(n.Else, t, x.Pos)
		}
	}
	return n
}

func (c *checker) isBuiltin(name string) bool {
	switch name {
	case "print", "str", "min", "max":
		return true
	}
	return c.builtins[name] != nil || c.host[name] != nil
}

func (c *checker) callNames() []string {
	names := append(c.scope.visible(), "print", "str", "min", "max")
	for name := range c.builtins {
		names = append(names, name)
	}
	for name := range c.host {
		names = append(names, name)
	}
	return names
}

func (c *checker) callExpr(x *syntax.Call) typed.Node {
	args := make([]typed.Node, len(x.Args))
	bad, unknown := false, false
	sym := c.scope.lookup(x.Fun.Name)
	if x.Method { // names that are not functions are skipped
		for sc := c.scope; sym != nil && sym.decl == nil && sc != nil; sc = sc.outer {
			sym = sc.lookup(x.Fun.Name)
		}
		if sym != nil && sym.decl == nil {
			sym = nil
		}
	}
	for i, a := range x.Args {
		args[i] = c.valueOf(a)
		switch args[i].Type() {
		case value.Invalid:
			bad = true
		case value.Unknown:
			unknown = true
		}
	}
	switch {
	case sym != nil && sym.decl != nil:
		if bad {
			return invalid()
		}
		return c.call(x, sym, args)
	case sym != nil:
		c.errorf(x.Fun.Pos, "%s is a %v, not a function", sym.name, sym.typ)
		return invalid()
	case !c.isBuiltin(x.Fun.Name):
		c.unknownName(x.Fun, c.callNames())
		return invalid()
	case bad:
		return invalid()
	case unknown:
		return &typed.Const{T: value.Unknown}
	}
	if fn := c.host[x.Fun.Name]; fn != nil {
		return c.overloaded(x, []*builtin.Func{fn}, args)
	}
	switch x.Fun.Name {
	case "print":
		return c.print(x, args)
	case "str":
		if len(args) != 1 {
			c.errorf(x.Fun.Pos, "str needs 1 argument, found %d", len(args))
			return invalid()
		}
		return &typed.ToText{X: args[0]}
	case "min", "max":
		return c.minMax(x, args)
	}
	return c.overloaded(x, c.builtins[x.Fun.Name], args)
}

// print writes the texts of its arguments, joined by spaces, and a newline.
func (c *checker) print(x *syntax.Call, args []typed.Node) typed.Node {
	text := &typed.Concat{Pos: x.Fun.Pos}
	literal := func(s string) { text.Parts = append(text.Parts, &typed.Const{T: value.String, V: value.FromString(s)}) }
	for i, a := range args {
		if i > 0 {
			literal(" ")
		}
		text.Parts = append(text.Parts, &typed.ToText{X: a})
	}
	literal("\n")
	return &typed.CallBuiltin{Pos: x.Fun.Pos, Func: &builtin.Func{Name: "print", Result: value.None}, Args: []typed.Node{text}}
}

func (c *checker) minMax(x *syntax.Call, args []typed.Node) typed.Node {
	if len(args) < 2 {
		c.errorf(x.Fun.Pos, "%s needs 2 or more arguments, found %d", x.Fun.Name, len(args))
		return invalid()
	}
	t := value.Never
	for i, a := range args {
		if t = value.Join(t, a.Type()); t != value.Int && t != value.Float {
			c.errorf(x.Args[i].ExprPos(), "%s does not apply to %v", x.Fun.Name, a.Type())
			return invalid()
		}
	}
	for i, a := range args {
		args[i] = c.convert(a, t, x.Args[i].ExprPos())
	}
	return &typed.CallBuiltin{Pos: x.Fun.Pos, Func: builtin.MinMax(x.Fun.Name, t), Args: args}
}

// overloaded finds the form of a function that takes these arguments: the first
// that needs no conversion, else the first that fits.
func (c *checker) overloaded(x *syntax.Call, forms []*builtin.Func, args []typed.Node) typed.Node {
	var fit *builtin.Func
	for _, f := range forms {
		switch accepts(f.Params, args) {
		case exact:
			return &typed.CallBuiltin{Pos: x.Fun.Pos, Func: f, Args: args}
		case converted:
			if fit == nil {
				fit = f
			}
		}
	}
	if fit == nil {
		c.wrongArguments(x, forms, args)
		return invalid()
	}
	for i, t := range fit.Params {
		args[i] = c.convert(args[i], t, x.Args[i].ExprPos())
	}
	return &typed.CallBuiltin{Pos: x.Fun.Pos, Func: fit, Args: args}
}

type acceptance int

const (
	no acceptance = iota
	converted
	exact
)

func accepts(params []value.Type, args []typed.Node) acceptance {
	if len(params) != len(args) {
		return no
	}
	a := exact
	for i, p := range params {
		switch t := args[i].Type(); {
		case t == p, t == value.Never:
		case t == value.Int && p == value.Float:
			a = converted
		default:
			return no
		}
	}
	return a
}

func (c *checker) wrongArguments(x *syntax.Call, forms []*builtin.Func, args []typed.Node) {
	for _, f := range forms {
		if len(f.Params) != len(args) {
			continue
		}
		for i, a := range args {
			t := a.Type()
			if t == f.Params[i] || t == value.Int && f.Params[i] == value.Float {
				continue
			}
			c.errorf(x.Args[i].ExprPos(), "argument %d of %s must be %v, found %v", i+1, f.Name, f.Params[i], t)
			return
		}
	}
	c.errorf(x.Fun.Pos, "%s needs %s, found %d", x.Fun.Name, plural(len(forms[0].Params), "argument"), len(args))
}

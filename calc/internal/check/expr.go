package check

import (
	"fmt"

	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/internal/value"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// valueOf checks an expression that must have a value. want, if not nil, is the
// type that is expected; it goes inward and need not be met.
func (c *Checker) valueOf(x syntax.Expr, want *types.Type) typed.Node {
	n := c.expr(x, want)
	if n.Type().Is(types.KNone) {
		c.hintf(x.Where(), whyNone(n), "this has no value")
		return invalid()
	}
	return n
}

// whyNone explains why an expression has no value.
func whyNone(n typed.Node) string {
	if i, ok := n.(*typed.If); ok {
		if i.Else == nil {
			return "an if without else has no value"
		}
		if a, b := i.Then.Type(), i.Else.Type(); a.IsValue() && b.IsValue() {
			return fmt.Sprintf("the branches are %v and %v", a, b)
		}
	}
	return ""
}

// typedValue checks an expression that must have a value of type want.
func (c *Checker) typedValue(x syntax.Expr, want *types.Type) typed.Node {
	return c.convert(c.valueOf(x, want), want, x.Where())
}

// convert makes n a value of type want, or reports that it is none.
func (c *Checker) convert(n typed.Node, want *types.Type, pos syntax.Pos) typed.Node {
	t, w := n.Type().Decided(), want.Decided()
	switch {
	case t.Is(types.KNever), w.Is(types.KInvalid), w.Is(types.KUnknown), poison(n) != nil:
		return n
	case t.Is(types.KInt) && w.Is(types.KFloat):
		return &typed.Convert{T: w, X: n}
	case t.Is(types.KPending) && w.Is(types.KFunc):
		if c.decideLambda(t, w.Params, w.Result, pos) {
			return n
		}
		return invalid()
	case w.Is(types.KAny) && types.FitsAny(t):
		if t.Is(types.KAny) {
			return n
		}
		return &typed.Convert{T: w, X: n}
	case w.Is(types.KOption) && !t.Is(types.KOption) && !t.Is(types.KAny) && t.IsValue():
		inner := c.convert(n, w.Elem, pos)
		if poison(inner) != nil {
			return inner
		}
		return &typed.Convert{T: w, X: inner}
	case w.Is(types.KFunc) && w.Result.Is(types.KNone) && t.Is(types.KFunc) && !t.Result.Is(types.KNone):
		if types.Unify(types.FuncOf(t.Params, types.None), w) {
			return &typed.Convert{T: w, X: n}
		}
	case types.Unify(t, w):
		return n
	}
	hint := conversionHint(t, w)
	if c.fn.inferred && types.Identical(w, c.fn.result) {
		hint = fmt.Sprintf("the result of %s was found to be %v without what depends on itself; declare it", c.fn.name, w)
	}
	if c.argument != "" {
		c.hintf(pos, hint, "%s must be %v, found %v", c.argument, want, t)
	} else {
		c.hintf(pos, hint, "expected %v, found %v", want, t)
	}
	return invalid()
}

func conversionHint(t, want *types.Type) string {
	switch {
	case t.Is(types.KFloat) && want.Is(types.KInt):
		return "int(x) truncates; / always gives a float, div divides ints"
	case t.Is(types.KOption) && types.Identical(t.Elem, want):
		return "x! unwraps it, x ?? y gives a value for nil"
	case want.Is(types.KString):
		return "str(x) is the text of a value"
	}
	return ""
}

func emptyString() *typed.Const { return text("") }

func text(s string) *typed.Const {
	return &typed.Const{T: types.String, V: value.FromString(s)}
}

// expr checks an expression, which may have no value.
func (c *Checker) expr(x syntax.Expr, want *types.Type) typed.Node {
	if c.depth++; c.depth > maxDepth {
		c.errorf(x.Where(), "expression is nested too deeply")
		c.depth--
		return invalid()
	}
	defer func() { c.depth-- }()
	if want != nil {
		want = want.Decided()
	}
	switch x := x.(type) {
	case *syntax.IntLit:
		return &typed.Const{T: types.Int, V: value.FromInt(x.Value)}
	case *syntax.FloatLit:
		return &typed.Const{T: types.Float, V: value.FromFloat(x.Value)}
	case *syntax.BoolLit:
		return &typed.Const{T: types.Bool, V: value.FromBool(x.Value)}
	case *syntax.NilLit:
		if want != nil && (want.Is(types.KOption) || want.Is(types.KAny)) {
			return &typed.Const{T: want}
		}
		return &typed.Const{T: types.OptionOf(c.open())}
	case *syntax.StringLit:
		return c.stringLit(x)
	case *syntax.ListLit:
		return c.listLit(x, want)
	case *syntax.MapLit:
		return c.mapLit(x, want)
	case *syntax.StructLit:
		return c.structLit(x)
	case *syntax.Lambda:
		return c.lambda(x, want, false)
	case *syntax.Name:
		return c.name(x, want)
	case *syntax.Unary:
		return c.unary(x)
	case *syntax.Binary:
		return c.binary(x, want)
	case *syntax.UnwrapExpr:
		return c.unwrap(x)
	case *syntax.Cast:
		return c.cast(x)
	case *syntax.Call:
		return c.call(x, want)
	case *syntax.Selector:
		return c.selector(x, want)
	case *syntax.Index:
		return c.index(x)
	case *syntax.Slice:
		return c.slice(x)
	case *syntax.IfExpr:
		return c.ifExpr(x, want)
	case *syntax.MatchExpr:
		return c.match(x, want)
	case *syntax.Block:
		return c.block(x, want)
	}
	panic(fmt.Sprintf("check: expression %T", x))
}

func (c *Checker) stringLit(x *syntax.StringLit) typed.Node {
	if len(x.Parts) == 1 && x.Parts[0].X == nil {
		return text(x.Parts[0].Text)
	}
	n := &typed.Concat{Pos: x.Pos}
	for _, p := range x.Parts {
		switch {
		case p.X != nil:
			n.Parts = append(n.Parts, c.textOf(p.X))
		case p.Text != "":
			n.Parts = append(n.Parts, text(p.Text))
		}
	}
	if p := poison(n.Parts...); p != nil {
		return p
	}
	return n
}

// textOf checks an expression whose text is wanted.
func (c *Checker) textOf(x syntax.Expr) typed.Node {
	n := c.valueOf(x, nil)
	if n.Type().IsOpen() {
		c.undecided(x.Where(), n.Type())
		return invalid()
	}
	return n
}

func (c *Checker) listLit(x *syntax.ListLit, want *types.Type) typed.Node {
	var elem *types.Type
	if want != nil {
		switch w := want.Unwrapped(); {
		case w.Is(types.KList):
			elem = w.Elem
		case w.Is(types.KAny):
			elem = types.Any
		}
	}
	n := &typed.List{Pos: x.Pos}
	joined := elem
	for _, e := range x.Elems {
		v := c.valueOf(e, elem)
		n.Elems = append(n.Elems, v)
		if elem != nil || poison(v) != nil {
			continue
		}
		if joined == nil {
			joined = v.Type()
		} else if j := types.Join(joined, v.Type()); j == types.Invalid {
			c.errorf(e.Where(), "elements are %v before and %v here", joined, v.Type())
			return invalid()
		} else {
			joined = j
		}
	}
	if p := poison(n.Elems...); p != nil {
		return p
	}
	if joined == nil {
		joined = c.open()
	}
	for i, e := range n.Elems {
		n.Elems[i] = c.convert(e, joined, x.Elems[i].Where())
	}
	if p := poison(n.Elems...); p != nil {
		return p
	}
	n.T = types.ListOf(joined)
	return n
}

func (c *Checker) mapLit(x *syntax.MapLit, want *types.Type) typed.Node {
	key, elem := c.open(), (*types.Type)(nil)
	if want != nil {
		switch w := want.Unwrapped(); {
		case w.Is(types.KMap):
			key, elem = w.Key, w.Elem
		case w.Is(types.KAny):
			key, elem = types.String, types.Any
		}
	}
	n := &typed.Map{Pos: x.Pos}
	t := types.MapOf(key, types.Invalid)
	joined := elem
	for _, e := range x.Entries {
		if name, ok := e.Key.(*syntax.Name); ok && c.scope.lookup(name.Name, false) == nil && c.constants[name.Name].Type == nil && !c.isBuiltin(name.Name) && name.Name != "args" {
			c.hintf(name.Pos, "keys are expressions: {\""+name.Name+"\": ...}", "unknown name %s", name.Name)
			c.valueOf(e.Value, elem)
			n.Keys, n.Values = append(n.Keys, invalid()), append(n.Values, invalid())
			continue
		}
		k := c.key(e.Key, t)
		v := c.valueOf(e.Value, elem)
		n.Keys, n.Values = append(n.Keys, k), append(n.Values, v)
		if elem != nil || poison(v) != nil {
			continue
		}
		if joined == nil {
			joined = v.Type()
		} else if j := types.Join(joined, v.Type()); j == types.Invalid {
			c.errorf(e.Value.Where(), "values are %v before and %v here", joined, v.Type())
			return invalid()
		} else {
			joined = j
		}
	}
	if joined == nil {
		joined = c.open()
	}
	for i, v := range n.Values {
		n.Values[i] = c.convert(v, joined, x.Entries[i].Value.Where())
	}
	if p := poison(append(n.Keys[:len(n.Keys):len(n.Keys)], n.Values...)...); p != nil {
		return p
	}
	n.T = types.MapOf(key, joined)
	return n
}

// key checks a key of a map of type t.
func (c *Checker) key(x syntax.Expr, t *types.Type) typed.Node {
	k := c.valueOf(x, t.Key)
	if kt := k.Type().Decided(); t.Key.Is(types.KOpen) && kt.IsValue() && !isKey(kt) {
		c.errorf(x.Where(), "keys of maps are int, string or bool, not %v", kt)
		return invalid()
	}
	return c.convert(k, t.Key, x.Where())
}

func (c *Checker) structLit(x *syntax.StructLit) typed.Node {
	t := c.namedType(x.Type)
	if t != types.Invalid && !t.Is(types.KStruct) {
		c.errorf(x.Pos, "%v is no struct type", t)
		t = types.Invalid
	}
	n := &typed.Struct{Pos: x.Pos, T: t}
	given := make(map[string]bool)
	for _, f := range x.Fields {
		ft, i := t.Field(f.Name)
		if i < 0 {
			if t != types.Invalid {
				c.errorf(f.Pos, "%v has no field %s", t, f.Name)
			}
			ft = types.Invalid
		} else if given[f.Name] {
			c.errorf(f.Pos, "field %s is given twice", f.Name)
		}
		given[f.Name] = true
		n.Index = append(n.Index, i)
		n.Values = append(n.Values, c.typedValue(f.Value, ft))
	}
	if t == types.Invalid {
		return invalid()
	}
	for _, f := range t.Struct.Fields {
		if k := f.Type.Decided().Kind; !given[f.Name] && k != types.KOption && k != types.KAny {
			c.errorf(x.Pos, "field %s of %v is missing", f.Name, t)
			return invalid()
		}
	}
	if p := poison(n.Values...); p != nil {
		return p
	}
	return n
}

func (c *Checker) name(x *syntax.Name, want *types.Type) typed.Node {
	sym := c.scope.lookup(x.Name, false)
	if sym == nil {
		if pos, ok := c.scope.tooEarly(x.Name); ok && pos.Line > 0 {
			c.unknownName(x, nil)
			return invalid()
		}
		if k, ok := c.constants[x.Name]; ok {
			return &typed.Const{T: k.Type, V: k.Value}
		}
		if x.Name == "args" {
			return &typed.Local{Var: c.argsVar()}
		}
		if c.isBuiltin(x.Name) {
			return c.wrapFunc(x, want)
		}
		c.unknownName(x, c.valueNames())
		return invalid()
	}
	switch sym.kind {
	case moduleName:
		c.errorf(x.Pos, "%s is a module", x.Name)
		return invalid()
	case hostFunc:
		return c.wrapFunc(x, want)
	case function:
		return c.funcValue(x.Pos, sym, want)
	}
	if c.openOutside(x, sym.v) {
		return invalid()
	}
	return &typed.Local{Var: sym.v}
}

// openOutside reports a variable of undecided type that belongs to another
// function, unless that one is a lambda's.
func (c *Checker) openOutside(x *syntax.Name, v *typed.Var) bool {
	if !v.Type.IsOpen() || v.Func == c.fn.typed || v.Type.Is(types.KPending) {
		return false
	}
	for sc := c.scope; sc != nil; sc = sc.outer {
		if sc.fn == nil || sc.fn.typed == v.Func || sc.fn.decl == nil {
			return false
		}
		if !sc.fn.decl.Lambda {
			c.undecided(x.Pos, v.Type)
			return true
		}
	}
	return false
}

func (c *Checker) argsVar() *typed.Var {
	if c.prog.Args == nil {
		c.prog.Args = c.global("args", types.ListOf(types.String))
	}
	return c.prog.Args
}

func (c *Checker) unwrap(x *syntax.UnwrapExpr) typed.Node {
	n := c.valueOf(x.X, nil)
	t := n.Type()
	switch {
	case poison(n) != nil:
		return poison(n)
	case t.IsOpen():
		c.undecided(x.Pos, t)
		return invalid()
	case !t.Is(types.KOption):
		c.errorf(x.Pos, "%v is never nil", t)
		return invalid()
	}
	return &typed.Unwrap{Pos: x.Pos, X: n}
}

func (c *Checker) cast(x *syntax.Cast) typed.Node {
	n := c.valueOf(x.X, nil)
	t := c.typeOf(x.Type)
	switch p := poison(n); {
	case p != nil:
		return p
	case t == types.Invalid:
		return invalid()
	case !n.Type().Is(types.KAny):
		c.errorf(x.Pos, "as applies to any, not to %v", n.Type())
		return invalid()
	case !types.FitsAny(t):
		c.errorf(x.Pos, "an any holds no %v", t)
		return invalid()
	}
	return &typed.Cast{T: types.OptionOf(t), X: n}
}

func (c *Checker) selector(x *syntax.Selector, want *types.Type) typed.Node {
	if m, ok := x.X.(*syntax.Name); ok {
		if sym := c.scope.lookup(m.Name, false); sym != nil && sym.kind == moduleName {
			return c.moduleMember(sym, x, want)
		}
	}
	n := c.valueOf(x.X, nil)
	t := n.Type().Decided()
	switch {
	case t.Is(types.KAny) && !x.Option:
		return &typed.Field{T: types.Any, X: n, Index: -1, Name: x.Name}
	case x.Option:
		return c.optionField(n, x)
	}
	ft, i := c.fieldOf(n, x)
	if i < 0 {
		if p := poison(n); p != nil {
			return p
		}
		return invalid()
	}
	return &typed.Field{T: ft, X: n, Index: i, Name: x.Name}
}

// optionField is x?.f: nil if x is.
func (c *Checker) optionField(n typed.Node, x *syntax.Selector) typed.Node {
	t := n.Type().Decided()
	if p := poison(n); p != nil {
		return p
	}
	if !t.Is(types.KOption) {
		if t.IsOpen() {
			c.undecided(x.Pos, t)
		} else {
			c.errorf(x.Pos, "%v is never nil, use .%s", t, x.Name)
		}
		return invalid()
	}
	v := c.fn.newVar("", t.Elem)
	ft, i := c.fieldOf(&typed.Local{Var: v}, x)
	if i < 0 {
		return invalid()
	}
	result := types.OptionOf(ft)
	field := c.convert(&typed.Field{T: ft, X: &typed.Local{Var: v}, Index: i, Name: x.Name}, result, x.Pos)
	return &typed.IfLet{T: result, Var: v, X: n, Then: field, Else: &typed.Const{T: result}}
}

// moduleMember is what a module declares at its top level.
func (c *Checker) moduleMember(sym *symbol, x *syntax.Selector, want *types.Type) typed.Node {
	m := c.member(sym, x)
	switch {
	case m == nil:
		return invalid()
	case m.kind == function:
		return c.funcValue(x.Pos, m, want)
	}
	return &typed.Local{Var: m.v}
}

// member finds a visible name of a module, or returns nil and has said why.
func (c *Checker) member(sym *symbol, x *syntax.Selector) *symbol {
	if sym.module.err || x.Option {
		if !sym.module.err {
			c.errorf(x.Pos, "%s is a module, use .%s", sym.name, x.Name)
		}
		return nil
	}
	m := sym.module.scope.names.get(x.Name)
	if m == nil || x.Name[0] == '_' || m.kind == moduleName {
		var names []string
		for m := range sym.module.scope.names.all() {
			name := m.name
			if name[0] != '_' {
				names = append(names, name)
			}
		}
		c.hintf(x.Pos, didYouMean(closest(x.Name, names)), "module %s has no %s", sym.name, x.Name)
		return nil
	}
	return m
}

func (c *Checker) index(x *syntax.Index) typed.Node {
	n := c.valueOf(x.X, nil)
	t := n.Type().Decided()
	if p := poison(n); p != nil {
		c.valueOf(x.I, nil)
		return p
	}
	r := &typed.Index{Pos: x.Pos, X: n}
	switch {
	case t.IsOpen():
		c.undecided(x.Pos, t)
		return invalid()
	case t.Is(types.KString):
		r.T = types.Int
		r.I = c.typedValue(x.I, types.Int)
	case t.Is(types.KList):
		r.T = t.Elem
		r.I = c.typedIndex(x.I)
	case t.Is(types.KMap):
		r.T = t.Elem
		r.I = c.key(x.I, t)
	case t.Is(types.KAny):
		r.T = types.Any
		r.I = c.valueOf(x.I, nil)
		if it := r.I.Type(); it.IsValue() && !it.Is(types.KInt) && !it.Is(types.KString) {
			c.errorf(x.I.Where(), "expected int or string, found %v", it)
			return invalid()
		}
	default:
		c.errorf(x.Pos, "%v has no elements", t)
		return invalid()
	}
	if p := poison(n, r.I); p != nil {
		return p
	}
	return r
}

// typedIndex checks an index of a list, with a hint where / made a float.
func (c *Checker) typedIndex(x syntax.Expr) typed.Node {
	n := c.valueOf(x, types.Int)
	if b, ok := x.(*syntax.Binary); ok && b.Op == syntax.Div && n.Type().Is(types.KFloat) {
		c.hintf(x.Where(), "/ always gives a float, use div", "expected int, found float")
		return invalid()
	}
	return c.convert(n, types.Int, x.Where())
}

func (c *Checker) slice(x *syntax.Slice) typed.Node {
	n := c.valueOf(x.X, nil)
	r := &typed.Slice{Pos: x.Pos, X: n}
	for _, end := range []struct {
		x syntax.Expr
		n *typed.Node
	}{{x.From, &r.From}, {x.To, &r.To}} {
		if end.x != nil {
			*end.n = c.typedIndex(end.x)
		}
	}
	if p := poison(n, r.From, r.To); p != nil {
		return p
	}
	switch t := n.Type(); {
	case t.IsOpen():
		c.undecided(x.Pos, t)
	case !t.Is(types.KString) && !t.Is(types.KList):
		c.errorf(x.Pos, "%v has no slices", t)
	default:
		return r
	}
	return invalid()
}

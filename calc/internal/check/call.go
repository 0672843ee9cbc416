package check

import (
	"fmt"
	"strings"

	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// arg is an argument of a call. That of a method call before the dot is checked
// already.
type arg struct {
	x syntax.Expr
	n typed.Node
}

func (a *arg) pos() syntax.Pos { return a.x.Where() }

// value checks an argument if that has not been done; want as in valueOf.
func (c *Checker) value(a *arg, want *types.Type) typed.Node {
	if a.n == nil {
		a.n = c.valueOf(a.x, want)
	}
	return a.n
}

// typedArg checks an argument for a parameter of type want. what names it in
// messages.
func (c *Checker) typedArg(a *arg, want *types.Type, what string) typed.Node {
	n := c.value(a, want)
	c.argument = what
	n = c.convert(n, want, a.pos())
	c.argument = ""
	return n
}

func argument(i int, name string) string { return fmt.Sprintf("argument %d of %s", i+1, name) }

func arguments(list []syntax.Expr) []*arg {
	args := make([]*arg, len(list))
	for i, x := range list {
		args[i] = &arg{x: x}
	}
	return args
}

// call checks f(args), x.f(args) and e(args).
func (c *Checker) call(x *syntax.Call, want *types.Type) typed.Node {
	args := arguments(x.Args)
	switch f := x.Fun.(type) {
	case *syntax.Name:
		sym := c.scope.lookup(f.Name, false)
		switch {
		case sym == nil && c.isBuiltin(f.Name):
			return c.callBuiltin(f.Name, x.Pos, args, want)
		case sym == nil:
			c.unknownName(f, c.callNames())
			c.checkAll(args)
			return invalid()
		}
		return c.callSymbol(f.Name, sym, x.Pos, args)
	case *syntax.Selector:
		return c.callSelector(x, f, args, want)
	}
	return c.callValue(c.valueOf(x.Fun, nil), x.Pos, args)
}

// checkAll checks the arguments of a call that is in error, for their own errors.
func (c *Checker) checkAll(args []*arg) {
	for _, a := range args {
		if _, ok := a.x.(*syntax.Lambda); !ok { // whose parameters have no types now
			c.value(a, nil)
		}
	}
}

func (c *Checker) callSelector(x *syntax.Call, f *syntax.Selector, args []*arg, want *types.Type) typed.Node {
	if m, ok := f.X.(*syntax.Name); ok {
		if sym := c.scope.lookup(m.Name, false); sym != nil && sym.kind == moduleName {
			member := c.member(sym, f)
			if member == nil {
				c.checkAll(args)
				return invalid()
			}
			return c.callSymbol(f.Name, member, x.Pos, args)
		}
	}
	if f.Option {
		return c.callValue(c.valueOf(f, nil), x.Pos, args)
	}
	recv := c.valueOf(f.X, nil)
	if ft, i := recv.Type().Field(f.Name); i >= 0 {
		return c.callValue(&typed.Field{T: ft, X: recv, Index: i, Name: f.Name}, x.Pos, args)
	}
	args = append([]*arg{{x: f.X, n: recv}}, args...)
	sym := c.scope.lookup(f.Name, true)
	switch {
	case sym != nil:
		return c.callSymbol(f.Name, sym, x.Pos, args)
	case c.isBuiltin(f.Name):
		return c.callBuiltin(f.Name, x.Pos, args, want)
	}
	names := c.callNames()
	if t := recv.Type().Decided(); t.Is(types.KStruct) {
		for _, f := range t.Struct.Fields {
			names = append(names, f.Name)
		}
	}
	c.unknownName(&syntax.Name{At: f.At, Name: f.Name}, names)
	c.checkAll(args)
	return invalid()
}

func (c *Checker) callSymbol(name string, sym *symbol, pos syntax.Pos, args []*arg) typed.Node {
	switch sym.kind {
	case function:
		return c.callFunc(sym, pos, args)
	case hostFunc:
		return c.callTyped(sym.host, pos, args)
	case moduleName:
		c.errorf(pos, "%s is a module and cannot be called", name)
		c.checkAll(args)
		return invalid()
	}
	if c.openOutside(&syntax.Name{At: syntax.At{Pos: pos}, Name: name}, sym.v) {
		return invalid()
	}
	return c.callValue(&typed.Local{Var: sym.v}, pos, args)
}

// callTyped calls a builtin whose parameters are known.
func (c *Checker) callTyped(b *typed.Builtin, pos syntax.Pos, args []*arg) typed.Node {
	if !c.arity(b.Name, len(b.Params), args, pos) {
		return invalid()
	}
	n := &typed.CallBuiltin{Pos: pos, Func: b}
	for i, a := range args {
		n.Args = append(n.Args, c.typedArg(a, b.Params[i], argument(i, b.Name)))
	}
	if p := poison(n.Args...); p != nil {
		return p
	}
	return n
}

// arity reports a wrong number of arguments.
func (c *Checker) arity(name string, want int, args []*arg, pos syntax.Pos) bool {
	if len(args) == want {
		return true
	}
	c.errorf(pos, "%s needs %s, found %d", name, plural(want, "argument"), len(args))
	c.checkAll(args)
	return false
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// callValue calls a function value.
func (c *Checker) callValue(f typed.Node, pos syntax.Pos, args []*arg) typed.Node {
	t := f.Type().Decided()
	if p := poison(f); p != nil {
		c.checkAll(args)
		return p
	}
	if t.Is(types.KPending) {
		params := make([]*types.Type, len(args))
		for i, a := range args {
			n := c.value(a, nil)
			if p := poison(n); p != nil {
				c.checkAll(args)
				return p
			}
			if params[i] = n.Type(); params[i].IsOpen() {
				c.undecided(a.pos(), params[i])
				return invalid()
			}
		}
		if !c.decideLambda(t, params, nil, pos) {
			return invalid()
		}
		t = t.Decided()
	}
	if !t.Is(types.KFunc) {
		if t.IsOpen() {
			c.undecided(pos, t)
		} else {
			hint := ""
			if t.Is(types.KOpaque) && strings.HasPrefix(t.Name, "func(") {
				hint = "functions of the host are given in Options.Funcs"
			}
			c.hintf(pos, hint, "%v cannot be called", t)
		}
		c.checkAll(args)
		return invalid()
	}
	if !c.arity("this function", len(t.Params), args, pos) {
		return invalid()
	}
	n := &typed.CallValue{Pos: pos, Name: "func", T: t.Result, Fun: f}
	for i, a := range args {
		n.Args = append(n.Args, c.typedArg(a, t.Params[i], argument(i, "this function")))
	}
	if p := poison(n.Args...); p != nil {
		return p
	}
	return n
}

// callFunc calls a declared function.
func (c *Checker) callFunc(sym *symbol, pos syntax.Pos, args []*arg) typed.Node {
	params := sym.decl.Params
	if !c.arity(sym.name, len(params), args, pos) {
		return invalid()
	}
	ts := make([]*types.Type, len(args))
	nodes := make([]typed.Node, len(args))
	declared := c.paramTypes(sym)
	for i, a := range args {
		if declared[i] != nil {
			ts[i] = declared[i]
			nodes[i] = c.typedArg(a, ts[i], argument(i, sym.name))
			continue
		}
		nodes[i] = c.untypedArg(a)
		if ts[i] = nodes[i].Type().Decided(); ts[i].IsOpen() && !ts[i].Is(types.KPending) {
			c.undecided(a.pos(), ts[i])
			nodes[i] = invalid()
		}
	}
	if p := poison(nodes...); p != nil {
		return p
	}
	for _, t := range ts {
		if !t.IsValue() {
			return invalid()
		}
	}
	in := c.instance(sym, ts, pos)
	if in == nil {
		return invalid()
	}
	if in.waits(c) {
		return unknown()
	}
	return &typed.Call{Pos: pos, Func: in.typed, Args: nodes}
}

// untypedArg checks an argument for a parameter without type. A lambda waits for
// its first call.
func (c *Checker) untypedArg(a *arg) typed.Node {
	if x, ok := a.x.(*syntax.Lambda); ok && a.n == nil {
		a.n = c.lambda(x, nil, true)
	}
	return c.value(a, nil)
}

// paramTypes returns the declared types of a function's parameters, nil for
// untyped ones.
func (c *Checker) paramTypes(sym *symbol) []*types.Type {
	scope, file := c.scope, c.file
	c.scope, c.file = sym.scope, sym.file
	defer func() { c.scope, c.file = scope, file }()
	list := make([]*types.Type, len(sym.decl.Params))
	for i, p := range sym.decl.Params {
		if p.Type != nil {
			list[i] = c.typeOf(p.Type)
		}
	}
	return list
}

// funcValue makes a value of a declared function.
func (c *Checker) funcValue(pos syntax.Pos, sym *symbol, want *types.Type) typed.Node {
	ts := c.paramTypes(sym)
	for i, t := range ts {
		switch {
		case t != nil && !t.IsValue():
			return invalid()
		case t != nil:
		case want != nil && want.Unwrapped().Is(types.KFunc) && len(want.Unwrapped().Params) == len(ts) && !want.Unwrapped().Params[i].IsOpen():
			ts[i] = want.Unwrapped().Params[i]
		default:
			c.errorf(pos, "%s has untyped parameters, as a value it needs an expected function type", sym.name)
			return invalid()
		}
	}
	in := c.instance(sym, ts, pos)
	switch {
	case in == nil:
		return invalid()
	case in.waits(c):
		return unknown()
	}
	return &typed.Closure{T: types.FuncOf(ts, in.typed.Result), Func: in.typed}
}

// wrapFunc makes a value of a builtin or a function of the host: a lambda that
// calls it.
func (c *Checker) wrapFunc(x *syntax.Name, want *types.Type) typed.Node {
	if want == nil || !want.Unwrapped().Is(types.KFunc) {
		c.errorf(x.Pos, "%s is a builtin, as a value it needs an expected function type", x.Name)
		return invalid()
	}
	f := &syntax.Function{At: x.At, Lambda: true}
	call := &syntax.Call{At: x.At, Fun: x}
	for i := range want.Unwrapped().Params {
		name := fmt.Sprintf("argument %d", i+1) // no name of a program
		f.Params = append(f.Params, syntax.Param{At: x.At, Name: name})
		call.Args = append(call.Args, &syntax.Name{At: x.At, Name: name})
	}
	f.Body = &syntax.Block{At: x.At, End: x.Pos, Stmts: []syntax.Stmt{&syntax.ExprStmt{At: x.At, X: call}}}
	return c.lambda(&syntax.Lambda{At: x.At, Func: f}, want, false)
}

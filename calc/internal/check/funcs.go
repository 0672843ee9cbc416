package check

import (
	"fmt"
	"strings"

	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/value"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// instance is a function checked for one combination of argument types.
type instance struct {
	sym    *symbol
	typed  *typed.Func
	state  *funcState
	key    string
	active bool // being checked
	index  int  // in checker.stack while it is
	// low is the lowest index of an active instance whose unknown result was
	// used while this one was checked; len(stack) or more if there was none.
	low int
}

const noLow = int(^uint(0) >> 1)

// generic tells whether the function has untyped parameters.
func (in *instance) generic() bool {
	for _, p := range in.sym.decl.Params {
		if p.Type == nil {
			return true
		}
	}
	return false
}

func (in *instance) String() string {
	names := make([]string, len(in.typed.Params))
	for i, t := range in.typed.Params {
		names[i] = t.String()
	}
	return fmt.Sprintf("%s(%s)", in.sym.name, strings.Join(names, ", "))
}

// call checks a call of a declared function whose arguments are checked already.
func (c *checker) call(x *syntax.Call, sym *symbol, args []typed.Node) typed.Node {
	params := sym.decl.Params
	if len(args) != len(params) {
		c.errorf(x.Fun.Pos, "%s needs %s, found %d", sym.name, plural(len(params), "argument"), len(args))
		return invalid()
	}
	types := make([]value.Type, len(args))
	for i, a := range args {
		types[i] = a.Type()
		if params[i].Type != nil {
			types[i] = c.typeNamed(params[i].Type)
			args[i] = c.convert(a, types[i], x.Args[i].ExprPos())
		}
		switch {
		case types[i] == value.Unknown:
			return &typed.Const{T: value.Unknown}
		case !types[i].IsValue(), args[i].Type() == value.Invalid:
			return invalid()
		}
	}
	in := c.instance(sym, types, x.Fun.Pos)
	if in == nil {
		return invalid()
	}
	if in.active && !in.state.fixed {
		in.low = min(in.low, in.index)
		for _, above := range c.stack[in.index+1:] {
			above.low = min(above.low, in.index)
		}
		return &typed.Const{T: value.Unknown}
	}
	return &typed.Call{Pos: x.Fun.Pos, Func: in.typed, Up: c.fn.typed.Depth - sym.depth, Args: args}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// instance returns the function for these parameter types, checking it if that
// has not been done. It returns nil if there are too many.
func (c *checker) instance(sym *symbol, types []value.Type, pos syntax.Pos) *instance {
	key := fmt.Sprint(types)
	if in := sym.instances[key]; in != nil {
		return in
	}
	if c.count++; c.count > maxInstances || len(c.stack) > maxInstances {
		c.errorf(pos, "more than %d instances of functions", maxInstances)
		return nil
	}
	in := &instance{sym: sym, key: key, index: len(c.stack), low: noLow, active: true}
	sym.instances[key] = in
	c.stack = append(c.stack, in)
	scope, fn, errs := c.scope, c.fn, len(c.errs)
	defer func() {
		c.scope, c.fn = scope, fn
		c.stack = c.stack[:in.index]
		in.active = false
	}()

	result, fixed := value.Invalid, false
	if r := sym.decl.Result; r != nil {
		result, fixed = c.typeNamed(r), true
	}
	c.body(in, types, result, fixed)
	if in.low == noLow {
		return in
	}
	// The result was used before it was known. What comes of the other returns
	// decides it; then the body is checked again.
	if in.low < in.index {
		delete(sym.instances, key) // depends on a function further out, checked again from there
		return in
	}
	if in.typed.Result == value.Unknown {
		c.forget(errs)
		c.errorf(sym.pos, "the result of %s depends on itself alone, it needs a type", sym.name)
		in.typed.Result = value.Invalid
		return in
	}
	c.forget(errs)
	result = in.typed.Result
	c.body(in, types, result, true)
	return in
}

// forget drops the errors of a first pass.
func (c *checker) forget(from int) {
	for _, key := range c.keys[from:] {
		delete(c.reported, key)
	}
	c.errs, c.keys = c.errs[:from], c.keys[:from]
}

// body checks the body of an instance. If the result is fixed it must fit.
func (c *checker) body(in *instance, types []value.Type, result value.Type, fixed bool) {
	decl := in.sym.decl
	depth := in.sym.depth + 1
	if in.typed == nil {
		in.typed = &typed.Func{}
	}
	*in.typed = typed.Func{Name: decl.Name, Depth: depth, Params: types, Result: value.Unknown}
	in.state = &funcState{typed: in.typed, sym: in.sym, result: result, fixed: fixed}
	if fixed {
		in.typed.Result = result
	}
	c.fn = in.state
	c.scope = in.sym.scope.inner(c.fn)
	for i, p := range decl.Params {
		c.declare(p.Pos, p.Name, types[i], true, "")
	}
	c.scope = c.scope.inner(c.fn)
	body := c.stmts(decl.Body.Stmts, false)
	c.finish(in, body)
}

// finish decides the result of a function and converts what it returns.
func (c *checker) finish(in *instance, body *typed.Block) {
	st := in.state
	in.typed.Body = body
	end := in.sym.decl.Body
	if !st.fixed {
		st.result = c.inferResult(st, body, in.sym)
		in.typed.Result = st.result
	}
	if !st.result.IsValue() {
		return
	}
	for _, r := range st.returns {
		if r.node.Value == nil {
			c.errorf(r.pos, "%s returns %v, the value is missing", in.sym.name, st.result)
			continue
		}
		r.node.Value = c.convert(r.node.Value, st.result, r.pos)
	}
	switch t := body.T; {
	case t == value.None:
		c.errorf(end.End, "%s returns %v, the result is missing at its end", in.sym.name, st.result)
	case t.IsValue():
		last := len(body.Nodes) - 1
		pos := end.Stmts[len(end.Stmts)-1].StmtPos()
		body.Nodes[last] = c.convert(body.Nodes[last], st.result, pos)
		body.T = st.result
	}
}

// inferResult joins what a function returns, leaving out what is still unknown.
func (c *checker) inferResult(st *funcState, body *typed.Block, sym *symbol) value.Type {
	result := value.Never
	unknown := false
	join := func(t value.Type, pos syntax.Pos) {
		switch {
		case t == value.Unknown:
			unknown = true
		case t == value.None || result == value.None:
			result = value.None
		case result != value.Invalid:
			j := value.Join(result, t)
			if j == value.Invalid && t != value.Invalid {
				c.errorf(pos, "%s returns %v here and %v before", sym.name, t, result)
			}
			result = j
		}
	}
	for _, r := range st.returns {
		if r.node.Value == nil {
			join(value.None, r.pos)
		} else {
			join(r.node.Value.Type(), r.pos)
		}
	}
	if body.T != value.Never {
		pos := sym.decl.Body.End
		if k := len(sym.decl.Body.Stmts); k > 0 {
			pos = sym.decl.Body.Stmts[k-1].StmtPos()
		}
		join(body.T, pos)
	}
	if unknown && result == value.Never {
		return value.Unknown
	}
	return result
}

// checkUnused checks a function that was never called: whole, if its parameters
// have types, else only its names.
func (c *checker) checkUnused(sym *symbol) {
	if len(sym.instances) > 0 {
		return
	}
	types := make([]value.Type, len(sym.decl.Params))
	for i, p := range sym.decl.Params {
		if p.Type == nil {
			c.checkNames(sym)
			return
		}
		if types[i] = c.typeNamed(p.Type); types[i] == value.Invalid {
			return
		}
	}
	c.instance(sym, types, sym.pos)
}

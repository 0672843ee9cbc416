package check

import (
	"fmt"
	"math"
	"strings"

	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// instance is a function checked for one combination of argument types.
type instance struct {
	sym    *symbol
	typed  *typed.Func
	state  *funcState
	params []*types.Type
	active bool // being checked
	index  int  // in checker.stack while it is
	// low is the lowest index of an active instance whose unknown result was
	// used while this one was checked; noLow if there was none. Behind its check an
	// instance with a low is provisional: that other one checks it again.
	low int
}

// noLow is above all indexes.
const noLow = math.MaxInt

// made is a place where an instance is kept, so that a first pass can be undone.
type made struct {
	in  *instance
	key string
}

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
	names := make([]string, len(in.params))
	for i, t := range in.params {
		names[i] = t.String()
	}
	return fmt.Sprintf("%s(%s)", in.sym.name, strings.Join(names, ", "))
}

// waits tells whether the result of the instance is still being inferred, which
// then is so for all that are checked inside of it.
func (in *instance) waits(c *Checker) bool {
	if !in.active || in.state.fixed {
		return false
	}
	c.uses(in.index)
	return true
}

// uses notes that what is being checked depends on what the instance with an index
// returns, which is not known yet.
func (c *Checker) uses(index int) {
	for _, above := range c.stack[index:] {
		above.low = min(above.low, index)
	}
}

// key names an instance: two with one key are the same.
func key(params []*types.Type) string {
	var b strings.Builder
	for _, t := range params {
		b.WriteString(t.Identity())
		b.WriteByte(';')
	}
	return b.String()
}

// instance returns the function for these parameter types, checking it if that
// has not been done. It returns nil if there are too many.
func (c *Checker) instance(sym *symbol, params []*types.Type, pos syntax.Pos) *instance {
	k := key(params)
	in, counted := sym.instances[k]
	if in != nil {
		if !in.active && in.low != noLow {
			c.uses(in.low)
		}
		return in
	}
	if !sym.hidden && !counted {
		c.count++
	}
	if c.count > maxInstances || len(c.stack) > maxInstances {
		c.errorf(pos, "more than %d instances of functions", maxInstances)
		return nil
	}
	in = &instance{sym: sym, params: params, index: len(c.stack), low: noLow, active: true}
	sym.instances[k] = in
	c.made = append(c.made, made{in, k})
	c.stack = append(c.stack, in)
	scope, fn, file := c.scope, c.fn, c.file
	c.file = sym.file
	c.infer(in, resultKey{sym.declared, k})
	c.scope, c.fn, c.file = scope, fn, file
	c.stack = c.stack[:in.index]
	in.active = false
	return in
}

// infer checks an instance, a second time if its result was used before it was known:
// what comes of the other returns decides it, for all functions of the recursion
// together, and then each of them is checked again.
func (c *Checker) infer(in *instance, recursive resultKey) {
	begin := c.mark()
	var result *types.Type
	if r := in.sym.decl.Result; r != nil {
		c.scope = in.sym.scope
		result = c.typeOf(r)
	} else {
		result = c.results[recursive] // nil: to be inferred
	}
	c.body(in, result)
	if in.low == noLow {
		return
	}
	result = in.typed.Result
	switch {
	case result.Is(types.KInvalid): // the errors of this pass say why
		if in.low == in.index {
			in.low = noLow
			c.depend(begin, noLow)
			return
		}
	case in.low == in.index:
		if result.Is(types.KUnknown) {
			result = types.None
		}
		c.found(recursive, result)
		c.undo(begin)
		in.low = noLow
		c.body(in, result)
	case !result.Is(types.KUnknown):
		c.found(recursive, result)
	}
	if in.low != noLow { // it, and what was checked inside of it, depends on one further out
		c.depend(begin, in.low)
	}
}

// depend sets on which instance those depend whose check began since.
func (c *Checker) depend(since mark, low int) {
	for _, m := range c.made[since.made:] {
		if low == noLow || low < m.in.low {
			m.in.low = low
		}
	}
}

// resultKey is a function with the types of its parameters. A function in a block
// is another one each time that the function around it is checked, as what it
// returns may depend on that one's parameters.
type resultKey struct {
	fn     *declared
	params string
}

// found notes the result of a function that is part of a recursion.
func (c *Checker) found(recursive resultKey, result *types.Type) {
	if c.results == nil {
		c.results = make(map[resultKey]*types.Type)
	}
	c.results[recursive] = result
}

// body checks the body of an instance, whose result is inferred if it is nil.
func (c *Checker) body(in *instance, result *types.Type) {
	sym := in.sym
	if in.typed == nil {
		in.typed = &typed.Func{}
	}
	*in.typed = typed.Func{Name: sym.name, File: sym.file, Hidden: sym.hidden, Result: types.Unknown}
	in.state = &funcState{typed: in.typed, decl: sym.decl, name: sym.name, order: sym.order}
	c.function(in.state, sym.scope, in.params, result)
}

// function checks a function in the scope of its declaration.
func (c *Checker) function(st *funcState, scope *scope, params []*types.Type, result *types.Type) {
	st.fixed = result != nil
	st.inferred = st.fixed && st.decl.Result == nil && !st.decl.Lambda
	if st.fixed {
		st.result = result
		st.typed.Result = result
	}
	c.fn = st
	c.scope = scope.inner(st)
	for i, p := range st.decl.Params {
		st.typed.Params = append(st.typed.Params, c.declare(p.Pos, p.Name, params[i], ""))
	}
	var want *types.Type
	if st.fixed && result.IsValue() {
		want = result
	}
	body := c.block(st.decl.Body, want)
	c.finish(st, body)
}

// finish decides the result of a function and converts what it returns.
func (c *Checker) finish(st *funcState, body *typed.Block) {
	f := st.typed
	f.Body = body
	if !st.fixed {
		st.result = c.inferResult(st, body)
		f.Result = st.result
	}
	if !st.result.IsValue() {
		return
	}
	for _, r := range st.returns {
		if r.node.Value == nil {
			c.errorf(r.pos, "%s returns %v, the value is missing", st.name, st.result)
			continue
		}
		r.node.Value = c.convert(r.node.Value, st.result, r.pos)
	}
	switch t := body.T; {
	case t.Is(types.KNone):
		c.hintf(st.decl.Body.End, whyNone(last(body)), "%s returns %v, the result is missing at its end", st.name, st.result)
	case t.IsValue():
		pos := lastPos(st.decl.Body)
		f.Body = c.convert(body, st.result, pos)
	}
}

func last(b *typed.Block) typed.Node {
	if n := len(b.Nodes); n > 0 {
		return b.Nodes[n-1]
	}
	return b
}

// inferResult joins what a function returns, leaving out what is still unknown.
func (c *Checker) inferResult(st *funcState, body *typed.Block) *types.Type {
	result := types.Never
	unknown := false
	join := func(t *types.Type, pos syntax.Pos) {
		switch {
		case t.Is(types.KUnknown):
			unknown = true
		case t.Is(types.KNone) || result.Is(types.KNone):
			result = types.None
		case !result.Is(types.KInvalid) && !t.Is(types.KInvalid):
			j := types.Join(result, t)
			if j == types.Invalid {
				c.errorf(pos, "%s returns %v here and %v before", st.name, t, result)
			}
			result = j
		default:
			result = types.Invalid
		}
	}
	for _, r := range st.returns {
		if r.node.Value == nil {
			join(types.None, r.pos)
		} else {
			join(r.node.Value.Type(), r.pos)
		}
	}
	if !body.T.Is(types.KNever) {
		join(body.T, lastPos(st.decl.Body))
	}
	switch {
	case result.Is(types.KNever) && unknown:
		return types.Unknown
	case result.Is(types.KNever):
		if len(st.returns) == 0 {
			return types.Never
		}
		return types.None
	case result.IsOpen():
		c.errorf(st.decl.Pos, "the type of what %s returns is not decided: %v; declare its result", st.name, result)
		return types.Invalid
	}
	return result
}

// checkUnused checks a function that was never called: whole, if its parameters
// have types, else only its names.
func (c *Checker) checkUnused(sym *symbol) {
	for _, in := range sym.instances {
		if in != nil {
			return
		}
	}
	ts := c.paramTypes(sym)
	for _, t := range ts {
		if t == nil {
			c.checkNames(sym)
			return
		}
		if !t.IsValue() {
			return
		}
	}
	c.instance(sym, ts, sym.pos)
}

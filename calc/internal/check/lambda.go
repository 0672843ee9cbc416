package check

import (
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// pendingLambda is a lambda that waits for its first call.
type pendingLambda struct {
	x     *syntax.Lambda
	scope *scope
	fn    *funcState
	file  string
	node  *typed.Closure
}

// lambda checks a lambda. Its parameters take their types from want; without one
// it is an error, or if it may wait, it is typed by its first call.
func (c *Checker) lambda(x *syntax.Lambda, want *types.Type, mayWait bool) typed.Node {
	c.distinct(x.Func.Params, "parameter")
	if want != nil {
		want = want.Unwrapped()
	}
	node := &typed.Closure{}
	p := &pendingLambda{x, c.scope, c.fn, c.file, node}
	var params []*types.Type
	var result *types.Type
	if want != nil && want.Is(types.KFunc) {
		if len(want.Params) != len(x.Func.Params) {
			c.errorf(x.Pos, "expected %v, found a function with %s", want, plural(len(x.Func.Params), "parameter"))
			return invalid()
		}
		params, result = want.Params, want.Result
	} else {
		typedParams := true
		for _, q := range x.Func.Params {
			typedParams = typedParams && q.Type != nil
		}
		switch {
		case typedParams:
			params = make([]*types.Type, len(x.Func.Params))
		case mayWait:
			node.T = &types.Type{Kind: types.KPending, Lambda: p, ID: c.newID()}
			return node
		default:
			c.hintf(x.Pos, "write (x int) => ...", "the types of the parameters are not known here")
			return invalid()
		}
	}
	t := c.checkLambda(p, params, result)
	if t == nil {
		return invalid()
	}
	if t.Result.Is(types.KUnknown) {
		return unknown()
	}
	node.T = t
	return node
}

// checkLambda checks a lambda for the given parameters, nil ones being declared in
// it. result is what the place of the lambda expects, or nil. It returns nil after
// an error.
func (c *Checker) checkLambda(p *pendingLambda, params []*types.Type, result *types.Type) *types.Type {
	scope, fn, file := c.scope, c.fn, c.file
	defer func() { c.scope, c.fn, c.file = scope, fn, file }()
	c.scope, c.file = p.scope, p.file
	f := p.x.Func
	ts := make([]*types.Type, len(f.Params))
	for i, q := range f.Params {
		ts[i] = params[i]
		if q.Type != nil {
			ts[i] = c.typeOf(q.Type)
			if params[i] != nil && ts[i] != types.Invalid && !types.Unify(ts[i], params[i]) {
				c.errorf(q.Pos, "expected %v, found %v", params[i], ts[i])
				return nil
			}
		}
		if !ts[i].IsValue() {
			return nil
		}
		if ts[i].IsOpen() {
			c.undecided(q.Pos, ts[i])
			return nil
		}
	}
	tf := &typed.Func{Name: "func", File: p.file, Result: types.Unknown}
	st := &funcState{typed: tf, decl: f, name: "the function", order: c.orders}
	errs := len(c.errs)
	var fixed *types.Type
	if result != nil && (result.Is(types.KNone) || !result.IsOpen()) {
		fixed = result
	}
	c.function(st, p.scope, ts, fixed)
	if len(c.errs) > errs || tf.Result.Is(types.KInvalid) {
		return nil
	}
	if tf.Result.Is(types.KNever) {
		tf.Result = types.None
		if result != nil { // which it fits, whatever it will be; one has to be chosen
			types.Unify(result, types.Int)
			tf.Result = result
		}
	}
	if result != nil && fixed == nil && !tf.Result.Is(types.KUnknown) {
		if tf.Result.Is(types.KNone) || !types.Unify(result, tf.Result) {
			c.errorf(p.x.Pos, "the function returns %v, expected %v", tf.Result, result)
			return nil
		}
	}
	p.node.Func = tf
	return types.FuncOf(ts, tf.Result)
}

// decideLambda types a lambda that waited.
func (c *Checker) decideLambda(t *types.Type, params []*types.Type, result *types.Type, pos syntax.Pos) bool {
	p := t.Lambda.(*pendingLambda)
	if len(params) != len(p.x.Func.Params) {
		c.errorf(pos, "the function needs %s, found %d", plural(len(p.x.Func.Params), "argument"), len(params))
		return false
	}
	ft := c.checkLambda(p, params, result)
	if ft == nil || ft.Result.Is(types.KUnknown) {
		return false
	}
	t.Elem = ft
	p.node.T = ft
	c.trail = append(c.trail, t)
	return true
}

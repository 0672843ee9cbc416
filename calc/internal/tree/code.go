// Package tree runs typed programs by walking their trees. It is the reference for
// what programs mean: each node becomes a Go function that computes its value from
// those of its parts, and nothing is rearranged.
package tree

import (
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/value"
)

// eval computes a node in a frame. Nodes without value return the zero Value.
//
// A node that leaves its block (return, break, continue) sets frame.exit; every
// node with parts that may do so looks at it behind each of them. Faults are
// panics with a *fault, which Machine.Run recovers.
type eval func(f *frame) value.Value

// function is a typed.Func ready to run.
type function struct {
	typed  *typed.Func
	vars   int   // room in a frame
	height int   // of the tree: how deep the Go stack grows
	params []int // of parameters that live in cells
	body   eval
}

// Code is a program ready to run by any number of machines at once.
type Code struct {
	prog  *typed.Program
	funcs []*function // by typed.Func.Index
}

// Compile prepares a program. before, if not nil, is the code of the inputs of a
// session before this one, whose functions have the same numbers.
func Compile(prog *typed.Program, before *Code) *Code {
	c := &Code{prog: prog, funcs: make([]*function, len(prog.Funcs))}
	first := 0
	if before != nil {
		first = copy(c.funcs, before.funcs)
	}
	for i := first; i < len(prog.Funcs); i++ {
		c.funcs[i] = &function{typed: prog.Funcs[i]}
	}
	for _, fn := range c.funcs[first:] {
		k := &compiler{code: c, fn: fn.typed}
		for i, p := range fn.typed.Params {
			if p.InCell() {
				fn.params = append(fn.params, i)
			}
		}
		k.vars = len(fn.typed.Vars)
		fn.body = k.node(fn.typed.Body)
		fn.vars, fn.height = k.vars, k.height
	}
	return c
}

// compiler turns the nodes of one function into evals.
type compiler struct {
	code *Code
	fn   *typed.Func
	vars int // variables and temporaries so far

	exits typed.Exits

	depth, height int // of the node that is being compiled, and of the deepest
}

func (k *compiler) nodes(list []typed.Node) []eval {
	evals := make([]eval, len(list))
	for i, n := range list {
		evals[i] = k.node(n)
	}
	return evals
}

// node compiles any node. One with a part that has to be kept in the frame while
// others are computed is taken apart first.
func (k *compiler) node(n typed.Node) eval {
	k.depth++
	k.height = max(k.height, k.depth)
	defer func() { k.depth-- }()
	if e := k.takenApart(n); e != nil {
		return e
	}
	switch n := n.(type) {
	case *typed.Const:
		v := n.V
		return func(*frame) value.Value { return v }
	case *typed.Local:
		return k.read(n.Var)
	case *typed.Store:
		return k.store(n)
	case *typed.Convert:
		return k.convert(n)
	case *typed.Unwrap:
		return k.unwrap(n)
	case *typed.Cast:
		return k.cast(n)
	case *typed.Concat:
		return k.concat(n)
	case *typed.Unary:
		return k.unary(n)
	case *typed.Binary:
		return k.binary(n)
	case *typed.In:
		return k.in(n)
	case *typed.Logic:
		return k.logic(n)
	case *typed.Call:
		return k.call(n)
	case *typed.CallValue:
		return k.callValue(n)
	case *typed.CallBuiltin:
		return k.callBuiltin(n)
	case *typed.Closure:
		return k.closure(n)
	case *typed.Index:
		return k.index(n)
	case *typed.SetIndex:
		return k.setIndex(n)
	case *typed.Slice:
		return k.slice(n)
	case *typed.Field:
		return k.field(n)
	case *typed.SetField:
		return k.setField(n)
	case *typed.List:
		return k.list(n)
	case *typed.Map:
		return k.mapLit(n)
	case *typed.Struct:
		return k.structLit(n)
	}
	return k.control(n)
}

// simple tells whether a node is computed without running anything else.
func simple(n typed.Node) bool {
	switch n.(type) {
	case *typed.Const, *typed.Local, nil:
		return true
	}
	return false
}

// takenApart compiles a node whose parts cannot simply be computed one after the
// other: a part may leave the block, or one holds the only reference to an object,
// which must stay in sight of the memory account while the next part runs. Such
// parts go through variables.
func (k *compiler) takenApart(n typed.Node) eval {
	switch n.(type) {
	case *typed.Block, *typed.Store, *typed.If, *typed.IfLet, *typed.Match, *typed.Loop, *typed.Count, *typed.Each, *typed.Return, *typed.Branch, *typed.Logic:
		return nil
	}
	last := -1 // the last part that has to be computed ahead
	var parts []typed.Node
	typed.Children(n, func(c typed.Node) { parts = append(parts, c) })
	for i, c := range parts {
		switch {
		case k.exits.Leaves(c):
			last = i
		case i > 0 && !simple(c) && holdsObject(parts[:i]):
			last = i - 1
		}
	}
	if last < 0 {
		return nil
	}
	var stores []eval
	i := -1
	whole := typed.Replace(n, func(c typed.Node) typed.Node {
		i++
		if _, isConst := c.(*typed.Const); i > last || isConst {
			return c
		}
		v := &typed.Var{Type: c.Type(), Func: k.fn, Index: k.vars}
		k.vars++
		stores = append(stores, k.store(&typed.Store{Var: v, Value: c, Declare: true}))
		return &typed.Local{Var: v}
	})
	run := k.node(whole)
	return func(f *frame) value.Value {
		for _, s := range stores {
			if s(f); f.exit != 0 {
				return value.Value{}
			}
		}
		return run(f)
	}
}

func holdsObject(list []typed.Node) bool {
	for _, n := range list {
		if t := n.Type(); !simple(n) && t.IsValue() && !t.IsWord() {
			return true
		}
	}
	return false
}

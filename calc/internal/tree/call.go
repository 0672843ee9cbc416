package tree

import (
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/value"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

func (k *compiler) call(n *typed.Call) eval {
	fn, pos, env := k.code.funcs[n.Func.Index], n.Pos, k.env(n.Func)
	args := k.nodes(n.Args)
	if len(args) == 1 && len(n.Func.Captures) == 0 {
		arg := args[0]
		return func(f *frame) value.Value {
			v := arg(f)
			f.m.step(pos)
			callee := f.m.push(fn, nil, pos)
			callee.vars[0] = v
			return f.m.invoke(callee)
		}
	}
	return func(f *frame) value.Value { return f.enter(fn, env(f), pos, args) }
}

// enter evaluates arguments and calls a function.
func (f *frame) enter(fn *function, env []value.Value, pos syntax.Pos, args []eval) value.Value {
	var few [4]value.Value
	list := few[:]
	if len(args) > len(few) {
		list = make([]value.Value, len(args))
	}
	for i, a := range args {
		list[i] = a(f)
	}
	f.m.step(pos)
	callee := f.m.push(fn, env, pos)
	copy(callee.vars, list[:len(args)])
	return f.m.invoke(callee)
}

func (k *compiler) callValue(n *typed.CallValue) eval {
	fun, args, pos := k.node(n.Fun), k.nodes(n.Args), n.Pos
	return func(f *frame) value.Value {
		c := fun(f).P.Closure()
		return f.enter(f.m.code.funcs[c.Func], c.Env, pos, args)
	}
}

func (k *compiler) callBuiltin(n *typed.CallBuiltin) eval {
	return k.operator(n.Func, n.Pos, k.nodes(n.Args)...)
}

// operator calls what is not written in calc.
func (k *compiler) operator(b *typed.Builtin, pos syntax.Pos, args ...eval) eval {
	call := b.Call
	if len(args) == 1 {
		arg := args[0]
		return func(f *frame) value.Value {
			list := [1]value.Value{arg(f)}
			v, err := call(f.m, list[:])
			if err != nil {
				panic(&fault{pos, err})
			}
			return v
		}
	}
	return func(f *frame) value.Value {
		list := make([]value.Value, len(args))
		for i, a := range args {
			list[i] = a(f)
		}
		v, err := call(f.m, list)
		if err != nil {
			panic(&fault{pos, err})
		}
		return v
	}
}

package tree

import (
	"slices"

	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/value"
)

// place is where a function finds a variable.
type place struct {
	global, captured bool
	index            int
	cell             bool
}

func (k *compiler) place(v *typed.Var) place {
	switch {
	case v.Func == nil:
		return place{global: true, index: v.Index}
	case v.Func == k.fn:
		return place{index: v.Index, cell: v.InCell()}
	}
	return place{captured: true, index: slices.Index(k.fn.Captures, v), cell: v.InCell()}
}

func (k *compiler) read(v *typed.Var) eval {
	p := k.place(v)
	i := p.index
	switch {
	case p.global:
		return func(f *frame) value.Value { return f.m.globals[i] }
	case p.captured && p.cell:
		return func(f *frame) value.Value { return f.env[i].P.Cell().V }
	case p.captured:
		return func(f *frame) value.Value { return f.env[i] }
	case p.cell:
		return func(f *frame) value.Value { return f.vars[i].P.Cell().V }
	}
	return func(f *frame) value.Value { return f.vars[i] }
}

// set returns what gives a variable its value. One that begins to live gets a cell
// of its own, since a closure may still hold the one of the round before.
func (k *compiler) set(v *typed.Var, declare bool) func(f *frame, x value.Value) {
	p := k.place(v)
	i := p.index
	switch {
	case p.global:
		return func(f *frame, x value.Value) { f.m.globals[i] = x }
	case p.captured: // assigned, so in a cell
		return func(f *frame, x value.Value) { f.env[i].P.Cell().V = x }
	case p.cell && declare:
		return func(f *frame, x value.Value) { f.vars[i] = value.Ref(value.NewCell(x)) }
	case p.cell:
		return func(f *frame, x value.Value) { f.vars[i].P.Cell().V = x }
	}
	return func(f *frame, x value.Value) { f.vars[i] = x }
}

func (k *compiler) store(n *typed.Store) eval {
	v := k.node(n.Value)
	if k.place(n.Var) == (place{index: n.Var.Index}) && !k.exits.Leaves(n.Value) {
		i := n.Var.Index
		return func(f *frame) value.Value {
			f.vars[i] = v(f)
			return value.Value{}
		}
	}
	set := k.set(n.Var, n.Declare)
	return func(f *frame) value.Value {
		x := v(f)
		if f.exit == 0 {
			set(f, x)
		}
		return value.Value{}
	}
}

// env returns what gathers the variables that a function captures: their cells, or
// the values of those that are never assigned.
func (k *compiler) env(fn *typed.Func) func(f *frame) []value.Value {
	if len(fn.Captures) == 0 {
		return func(*frame) []value.Value { return nil }
	}
	places := make([]place, len(fn.Captures))
	for i, v := range fn.Captures {
		places[i] = k.place(v)
	}
	return func(f *frame) []value.Value {
		env := make([]value.Value, len(places))
		for i, p := range places {
			if p.captured {
				env[i] = f.env[p.index]
			} else {
				env[i] = f.vars[p.index]
			}
		}
		return env
	}
}

func (k *compiler) closure(n *typed.Closure) eval {
	if n.Func == nil { // a lambda that is never called
		return func(*frame) value.Value { return value.Ref(value.NewClosure(-1, nil)) }
	}
	env, index := k.env(n.Func), n.Func.Index
	return func(f *frame) value.Value { return value.Ref(value.NewClosure(index, env(f))) }
}

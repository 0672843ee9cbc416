package tree

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/groundwork-go/groundwork/calc/internal/builtin"
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/internal/value"
)

// control compiles blocks, branches and loops.
func (k *compiler) control(n typed.Node) eval {
	switch n := n.(type) {
	case *typed.Block:
		return k.block(n)
	case *typed.If:
		return k.ifNode(n)
	case *typed.IfLet:
		return k.ifLet(n)
	case *typed.Match:
		return k.match(n)
	case *typed.Loop:
		return k.loop(n)
	case *typed.Count:
		return k.count(n)
	case *typed.Each:
		switch n.X.Type().Decided().Kind {
		case types.KList:
			return k.eachOfList(n)
		case types.KMap:
			return k.eachOfMap(n)
		}
		return k.eachOfString(n)
	case *typed.Return:
		return k.returnNode(n)
	case *typed.Branch:
		why := broke
		if n.Continue {
			why = continued
		}
		return func(f *frame) value.Value {
			f.exit = why
			return value.Value{}
		}
	}
	panic(fmt.Sprintf("tree: node %T", n))
}

func (k *compiler) block(n *typed.Block) eval {
	nodes := k.nodes(n.Nodes)
	if len(nodes) == 1 {
		return nodes[0]
	}
	return func(f *frame) value.Value {
		var v value.Value
		for _, e := range nodes {
			if v = e(f); f.exit != 0 {
				return value.Value{}
			}
		}
		return v
	}
}

func nothing(*frame) value.Value { return value.Value{} }

func (k *compiler) optional(n typed.Node) eval {
	if n == nil {
		return nothing
	}
	return k.node(n)
}

func (k *compiler) ifNode(n *typed.If) eval {
	cond, then, otherwise := k.node(n.Cond), k.node(n.Then), k.optional(n.Else)
	return func(f *frame) value.Value {
		c := cond(f)
		if f.exit != 0 {
			return value.Value{}
		}
		if c.N != 0 {
			return then(f)
		}
		return otherwise(f)
	}
}

func (k *compiler) ifLet(n *typed.IfLet) eval {
	x, then, otherwise := k.node(n.X), k.node(n.Then), k.optional(n.Else)
	set, t := k.set(n.Var, true), n.Var.Type
	return func(f *frame) value.Value {
		p := x(f).P
		if f.exit != 0 {
			return value.Value{}
		}
		if p == nil {
			return otherwise(f)
		}
		set(f, value.Unbox(t, p))
		return then(f)
	}
}

func (k *compiler) match(n *typed.Match) eval {
	x, otherwise := k.node(n.X), k.optional(n.Default)
	t := n.X.Type().Decided()
	bodies := make([]eval, len(n.Arms))
	for i, a := range n.Arms {
		bodies[i] = k.node(a.Body)
	}
	return func(f *frame) value.Value {
		v := x(f)
		if f.exit != 0 {
			return value.Value{}
		}
		for i, a := range n.Arms {
			for _, p := range a.Patterns {
				if matches(t, v, p) {
					return bodies[i](f)
				}
			}
		}
		return otherwise(f)
	}
}

func matches(t *types.Type, v value.Value, p *typed.Const) bool {
	if p.T.Is(types.KOption) { // the pattern nil
		return v.P == nil
	}
	if t.Kind == types.KOption {
		if v.P == nil {
			return false
		}
		v = value.Unbox(p.T, v.P)
	}
	if p.T.Is(types.KString) {
		return v.Str() == p.V.Str()
	}
	return v.N == p.V.N
}

func (k *compiler) returnNode(n *typed.Return) eval {
	v := k.optional(n.Value)
	return func(f *frame) value.Value {
		x := v(f)
		if f.exit == 0 {
			f.value, f.exit = x, returned
		}
		return value.Value{}
	}
}

// round runs the body of a loop once and tells whether the loop goes on.
func round(f *frame, body eval) bool {
	body(f)
	switch f.exit {
	case 0:
		return true
	case continued:
		f.exit = 0
		return true
	case broke:
		f.exit = 0
	}
	return false
}

func (k *compiler) loop(n *typed.Loop) eval {
	body, pos := k.node(n.Body), n.Pos
	cond := func(*frame) value.Value { return value.FromBool(true) }
	if n.Cond != nil {
		cond = k.node(n.Cond)
	}
	return func(f *frame) value.Value {
		for {
			f.m.step(pos)
			if c := cond(f); f.exit != 0 || c.N == 0 || !round(f, body) {
				return value.Value{}
			}
		}
	}
}

func (k *compiler) count(n *typed.Count) eval {
	from, to, body, pos := k.node(n.From), k.node(n.To), k.node(n.Body), n.Pos
	step := func(*frame) value.Value { return value.FromInt(1) }
	if n.Step != nil {
		step = k.node(n.Step)
	}
	set, inclusive := k.set(n.Var, true), n.Inclusive
	return func(f *frame) value.Value {
		a := from(f)
		if f.exit != 0 {
			return value.Value{}
		}
		b := to(f)
		if f.exit != 0 {
			return value.Value{}
		}
		by := step(f)
		if f.exit != 0 {
			return value.Value{}
		}
		rounds, err := builtin.Rounds(a.Int(), b.Int(), by.Int())
		if err != nil {
			panic(&fault{pos, err})
		}
		if inclusive && a.Int() <= b.Int() {
			rounds++ // 0 stands for 1<<64
			if rounds == 0 {
				f.m.step(pos)
				set(f, a)
				if !round(f, body) {
					return value.Value{}
				}
				a.N += by.N
				rounds--
			}
		}
		for ; rounds > 0; rounds-- {
			f.m.step(pos)
			set(f, a)
			if !round(f, body) {
				break
			}
			a.N += by.N
		}
		return value.Value{}
	}
}

func (k *compiler) setOptional(v *typed.Var) func(*frame, value.Value) {
	if v == nil {
		return func(*frame, value.Value) {}
	}
	return k.set(v, true)
}

// hold gives an object a place in the frame while a loop runs over it.
func (k *compiler) hold() int {
	k.vars++
	return k.vars - 1
}

func (k *compiler) eachOfList(n *typed.Each) eval {
	x, body, pos := k.node(n.X), k.node(n.Body), n.Pos
	key, val, slot := k.setOptional(n.Key), k.setOptional(n.Value), k.hold()
	r := value.RepOf(n.X.Type().Decided().Elem)
	return func(f *frame) value.Value {
		p := x(f).P
		if f.exit != 0 {
			return value.Value{}
		}
		f.vars[slot] = value.Ref(p)
		for i := 0; i < value.Len(r, p); i++ {
			f.m.step(pos)
			key(f, value.FromInt(int64(i)))
			val(f, value.At(r, p, i))
			if !round(f, body) {
				break
			}
		}
		return value.Value{}
	}
}

var errChanged = errors.New("map changed in loop")

func (k *compiler) eachOfMap(n *typed.Each) eval {
	x, body, pos := k.node(n.X), k.node(n.Body), n.Pos
	key, val, slot := k.setOptional(n.Key), k.setOptional(n.Value), k.hold()
	return func(f *frame) value.Value {
		p := x(f).P
		if f.exit != 0 {
			return value.Value{}
		}
		f.vars[slot] = value.Ref(p)
		m := p.Map()
		changes := m.Changes
		for i := m.Next(0); i >= 0; i = m.Next(i + 1) {
			f.m.step(pos)
			a, b := m.Entry(i)
			key(f, a)
			val(f, b)
			if !round(f, body) {
				break
			}
			if m.Changes != changes {
				panic(&fault{pos, errChanged})
			}
		}
		return value.Value{}
	}
}

func (k *compiler) eachOfString(n *typed.Each) eval {
	x, body, pos := k.node(n.X), k.node(n.Body), n.Pos
	key, val := k.setOptional(n.Key), k.setOptional(n.Value)
	return func(f *frame) value.Value {
		p := x(f).P
		if f.exit != 0 {
			return value.Value{}
		}
		s := p.Str()
		for i := 0; i < len(s); {
			f.m.step(pos)
			c, size := utf8.DecodeRuneInString(s[i:])
			char := s[i : i+size]
			if c == utf8.RuneError {
				char = "\ufffd"
			}
			f.m.grow(pos, objectBytes)
			key(f, value.FromInt(int64(i)))
			val(f, value.FromString(char))
			if !round(f, body) {
				break
			}
			i += size
		}
		return value.Value{}
	}
}

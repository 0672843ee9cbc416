package tree

import (
	"github.com/groundwork-go/groundwork/calc/internal/builtin"
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/internal/value"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// position checks an index.
func position(i value.Value, n int, pos syntax.Pos) int {
	if i.N >= uint64(n) {
		panic(&fault{pos, builtin.OutOfRange(i.Int(), n)})
	}
	return int(i.N)
}

func (k *compiler) index(n *typed.Index) eval {
	x, i, pos := k.node(n.X), k.node(n.I), n.Pos
	switch t := n.X.Type().Decided(); t.Kind {
	case types.KString:
		return func(f *frame) value.Value {
			s := x(f).Str()
			return value.Value{N: uint64(s[position(i(f), len(s), pos)])}
		}
	case types.KMap:
		key := t.Key
		return func(f *frame) value.Value {
			m := x(f).P.Map()
			at := i(f)
			v, ok := m.Get(at)
			if !ok {
				panic(&fault{pos, builtin.KeyError(key, at)})
			}
			return v
		}
	case types.KAny:
		return k.operator(builtin.Element(n.I.Type()), pos, x, i)
	default:
		r := value.RepOf(t.Elem)
		return func(f *frame) value.Value {
			p := x(f).P
			at := i(f)
			return value.At(r, p, position(at, value.Len(r, p), pos))
		}
	}
}

func (k *compiler) setIndex(n *typed.SetIndex) eval {
	x, i, v, pos := k.node(n.X), k.node(n.I), k.node(n.Value), n.Pos
	t := n.X.Type().Decided()
	if t.Kind == types.KMap {
		return func(f *frame) value.Value {
			m := x(f).P.Map()
			key := i(f)
			val := v(f)
			f.m.grow(pos, m.Growth())
			m.Set(key, val)
			return value.Value{}
		}
	}
	r := value.RepOf(t.Elem)
	return func(f *frame) value.Value {
		p := x(f).P
		at := i(f)
		val := v(f)
		value.Put(r, p, position(at, value.Len(r, p), pos), val)
		return value.Value{}
	}
}

func (k *compiler) slice(n *typed.Slice) eval {
	parts := []eval{k.node(n.X)}
	if n.From != nil {
		parts = append(parts, k.node(n.From))
	}
	if n.To != nil {
		parts = append(parts, k.node(n.To))
	}
	return k.operator(builtin.Slice(n.X.Type(), n.From != nil, n.To != nil), n.Pos, parts...)
}

func (k *compiler) field(n *typed.Field) eval {
	x := k.node(n.X)
	if n.Index < 0 {
		name := value.FromString(n.Name)
		return k.operator(builtin.Element(types.String), syntax.Pos{}, x, func(*frame) value.Value { return name })
	}
	word, slot := value.Slot(n.X.Type(), n.Index)
	if word {
		return func(f *frame) value.Value { return value.Value{N: x(f).P.Struct().N[slot]} }
	}
	return func(f *frame) value.Value { return value.Value{P: x(f).P.Struct().P[slot]} }
}

func (k *compiler) setField(n *typed.SetField) eval {
	x, v := k.node(n.X), k.node(n.Value)
	word, slot := value.Slot(n.X.Type(), n.Index)
	if word {
		return func(f *frame) value.Value {
			s := x(f).P.Struct()
			s.N[slot] = v(f).N
			return value.Value{}
		}
	}
	return func(f *frame) value.Value {
		s := x(f).P.Struct()
		s.P[slot] = v(f).P
		return value.Value{}
	}
}

func (k *compiler) list(n *typed.List) eval {
	elems, pos, r := k.nodes(n.Elems), n.Pos, value.RepOf(n.T.Decided().Elem)
	return func(f *frame) value.Value {
		f.m.grow(pos, len(elems)*r.Size()+2*objectBytes)
		p := value.NewList(r, len(elems), len(elems))
		for i, e := range elems {
			value.Put(r, p, i, e(f))
		}
		return value.Ref(p)
	}
}

func (k *compiler) mapLit(n *typed.Map) eval {
	keys, vals, pos := k.nodes(n.Keys), k.nodes(n.Values), n.Pos
	strings := n.T.Decided().Key.Is(types.KString)
	return func(f *frame) value.Value {
		f.m.grow(pos, 3*objectBytes+64*len(keys))
		p := value.NewMap(strings)
		for i, key := range keys {
			at := key(f)
			p.Map().Set(at, vals[i](f))
		}
		return value.Ref(p)
	}
}

func (k *compiler) structLit(n *typed.Struct) eval {
	vals, pos := k.nodes(n.Values), n.Pos
	words, refs := 0, 0
	for _, f := range n.T.Decided().Struct.Fields {
		if f.Type.IsWord() {
			words++
		} else {
			refs++
		}
	}
	type target struct {
		word bool
		slot int
	}
	targets := make([]target, len(vals))
	for i, at := range n.Index {
		targets[i].word, targets[i].slot = value.Slot(n.T, at)
	}
	return func(f *frame) value.Value {
		f.m.grow(pos, (words+refs)*8+2*objectBytes)
		p := value.NewStruct(words, refs)
		for i, v := range vals {
			if t := targets[i]; t.word {
				p.Struct().N[t.slot] = v(f).N
			} else {
				p.Struct().P[t.slot] = v(f).P
			}
		}
		return value.Ref(p)
	}
}

package tree

import (
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/internal/value"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// position checks an index.
func position(i value.Value, n int, pos syntax.Pos) int {
	if i.N >= uint64(n) {
		failf(pos, "index out of range: %d of %d", i.Int(), n)
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
				panic(&fault{pos, keyError(key, at)})
			}
			return v
		}
	case types.KAny:
		byInt := n.I.Type().Is(types.KInt)
		return func(f *frame) value.Value {
			p := x(f).P
			return value.Ref(elementOfAny(p, i(f), byInt))
		}
	default:
		r := value.RepOf(t.Elem)
		return func(f *frame) value.Value {
			p := x(f).P
			at := i(f)
			return value.At(r, p, position(at, value.Len(r, p), pos))
		}
	}
}

type notFound struct{ text string }

func (e notFound) Error() string { return "key not found: " + e.text }

func keyError(t *types.Type, key value.Value) error {
	if t.Is(types.KString) {
		return notFound{value.Quote(key.Str())}
	}
	s, _ := value.Text(t, key, 100) // of an int or bool
	return notFound{s}
}

// elementOfAny returns an element of an any, nil if there is none.
func elementOfAny(p *value.Obj, i value.Value, byInt bool) *value.Obj {
	switch {
	case p == nil:
	case byInt && p.Kind == value.KRefs:
		if a := p.Refs().A; i.N < uint64(len(a)) {
			return a[i.N]
		}
	case !byInt && p.Kind == value.KMap:
		v, _ := p.Map().Get(i)
		return v.P
	}
	return nil
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
	x, pos := k.node(n.X), n.Pos
	var from, to eval
	if n.From != nil {
		from = k.node(n.From)
	}
	if n.To != nil {
		to = k.node(n.To)
	}
	bounds := func(f *frame, n int) (int, int) {
		i, j := value.Value{}, value.FromInt(int64(n))
		if from != nil {
			i = from(f)
		}
		if to != nil {
			j = to(f)
		}
		if j.N > uint64(n) {
			failf(pos, "index out of range: %d of %d", j.Int(), n)
		}
		if i.N > j.N {
			failf(pos, "index out of range: %d of %d", i.Int(), j.Int())
		}
		return int(i.N), int(j.N)
	}
	t := n.X.Type().Decided()
	if t.Kind == types.KString {
		return func(f *frame) value.Value {
			s := x(f).Str()
			i, j := bounds(f, len(s))
			f.m.grow(pos, objectBytes)
			return value.FromString(s[i:j])
		}
	}
	r := value.RepOf(t.Elem)
	return func(f *frame) value.Value {
		p := x(f).P
		i, j := bounds(f, value.Len(r, p))
		f.m.grow(pos, (j-i)*r.Size()+2*objectBytes)
		return value.Ref(value.Sub(r, p, i, j))
	}
}

func (k *compiler) field(n *typed.Field) eval {
	x := k.node(n.X)
	if n.Index < 0 {
		name := value.FromString(n.Name)
		return func(f *frame) value.Value { return value.Ref(elementOfAny(x(f).P, name, false)) }
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

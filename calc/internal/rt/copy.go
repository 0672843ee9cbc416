package rt

import (
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/value"
)

// Copy returns a deep copy of a value. What is shared in it, or refers to itself, is
// so in the copy.
func Copy(v value.Value, m typed.Machine) (value.Value, error) {
	c := &copier{m: m, done: make(map[*value.Obj]*value.Obj)}
	v = c.value(v)
	for len(c.todo) > 0 && c.err == nil {
		last := c.todo[len(c.todo)-1]
		c.todo = c.todo[:len(c.todo)-1]
		c.fill(last.from, last.to)
	}
	return v, c.err
}

// copier copies objects one after the other, so that nesting takes no stack.
type copier struct {
	m    typed.Machine
	done map[*value.Obj]*value.Obj
	todo []struct{ from, to *value.Obj }
	err  error
}

func (c *copier) value(v value.Value) value.Value { return value.Value{N: v.N, P: c.ref(v.P)} }

// ref returns the copy of an object, which is filled later.
func (c *copier) ref(p *value.Obj) *value.Obj {
	if p == nil || c.err != nil {
		return nil
	}
	if q := c.done[p]; q != nil {
		return q
	}
	if c.err = c.m.Poll(); c.err != nil {
		return nil
	}
	q := p // strings, boxes and the host's values do not change
	switch p.Kind {
	case value.KWords:
		q = value.NewWords(append([]uint64(nil), p.Words().A...))
	case value.KBytes:
		q = value.NewBytes(append([]byte(nil), p.Bytes().A...))
	case value.KRefs:
		q = value.NewRefs(make([]*value.Obj, len(p.Refs().A)))
	case value.KMap:
		q = value.NewMap(p.Map().Strings)
	case value.KStruct:
		q = value.NewStruct(len(p.Struct().N), len(p.Struct().P))
	default:
		c.done[p] = q
		return q
	}
	c.done[p] = q
	c.todo = append(c.todo, struct{ from, to *value.Obj }{p, q})
	return q
}

func (c *copier) fill(from, to *value.Obj) {
	switch from.Kind {
	case value.KRefs:
		for i, p := range from.Refs().A {
			to.Refs().A[i] = c.ref(p)
		}
	case value.KMap:
		for k, v := range from.Map().All() {
			to.Map().Set(k, c.value(v))
		}
	case value.KStruct:
		copy(to.Struct().N, from.Struct().N)
		for i, p := range from.Struct().P {
			to.Struct().P[i] = c.ref(p)
		}
	}
}

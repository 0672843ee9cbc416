package value

import "github.com/groundwork-go/groundwork/calc/internal/types"

var (
	anyList = &types.Type{Kind: types.KList, Elem: types.Any}
	anyMap  = &types.Type{Kind: types.KMap, Key: types.String, Elem: types.Any}
)

// BoxKind returns the kind of the box for a word of type t.
func BoxKind(t *types.Type) Kind {
	switch t.Decided().Kind {
	case types.KInt:
		return KBoxInt
	case types.KFloat:
		return KBoxFloat
	}
	return KBoxBool
}

// Boxed returns a value of type t as a reference: what a T? or any holds.
func Boxed(t *types.Type, v Value) *Obj {
	if t.IsWord() {
		return NewBox(BoxKind(t), v.N)
	}
	return v.P
}

// Unbox returns the value of type t that a reference holds.
func Unbox(t *types.Type, p *Obj) Value {
	if t.IsWord() {
		return Value{N: p.Box().N}
	}
	return Value{P: p}
}

// TypeOfAny returns the type of what an any holds; p is not nil.
func TypeOfAny(p *Obj) *types.Type {
	switch p.Kind {
	case KBoxInt:
		return types.Int
	case KBoxFloat:
		return types.Float
	case KBoxBool:
		return types.Bool
	case KStr:
		return types.String
	case KMap:
		return anyMap
	}
	return anyList
}

// Equal compares two values of type t by content. It looks at most MaxNesting
// levels deep, and asks poll at each list, map and struct whether to go on: what
// is shared is compared each time.
func Equal(t *types.Type, a, b Value, poll func() error) (bool, error) {
	return comparison{poll}.equal(t, a, b, 0)
}

type comparison struct{ poll func() error }

func (c comparison) equal(t *types.Type, a, b Value, depth int) (bool, error) {
	t = t.Decided()
	switch t.Kind {
	case types.KInt, types.KBool:
		return a.N == b.N, nil
	case types.KFloat:
		return a.Float() == b.Float(), nil
	case types.KString:
		return a.Str() == b.Str(), nil
	case types.KOption, types.KAny:
		return c.equalOption(t, a.P, b.P, depth)
	case types.KOpaque:
		return equalOpaque(a.P.Opaque(), b.P.Opaque()), nil
	}
	if depth >= MaxNesting {
		return false, ErrNested
	}
	if err := c.poll(); err != nil {
		return false, err
	}
	switch t.Kind {
	case types.KList:
		return c.equalList(t.Elem, a.P, b.P, depth+1)
	case types.KMap:
		return c.equalMap(t.Elem, a.P.Map(), b.P.Map(), depth+1)
	}
	var x, y Fields
	for _, f := range t.Struct.Fields {
		if ok, err := c.equal(f.Type, x.Next(f.Type, a.P.Struct()), y.Next(f.Type, b.P.Struct()), depth+1); !ok {
			return false, err
		}
	}
	return true, nil
}

func (c comparison) equalOption(t *types.Type, a, b *Obj, depth int) (bool, error) {
	if a == nil || b == nil {
		return a == b, nil
	}
	if t.Kind == types.KOption {
		return c.equal(t.Elem, Unbox(t.Elem, a), Unbox(t.Elem, b), depth)
	}
	ta, tb := TypeOfAny(a), TypeOfAny(b)
	if ta.Kind != tb.Kind {
		if ta.IsNumber() && tb.IsNumber() {
			return number(ta, a) == number(tb, b), nil
		}
		return false, nil
	}
	return c.equal(ta, Unbox(ta, a), Unbox(ta, b), depth)
}

// number returns an int or float in an any as a float.
func number(t *types.Type, p *Obj) float64 {
	v := Unbox(t, p)
	if t.Kind == types.KInt {
		return float64(v.Int())
	}
	return v.Float()
}

// equalOpaque compares values of the host; those that cannot be compared differ.
func equalOpaque(a, b any) (same bool) {
	defer func() {
		if recover() != nil {
			same = false
		}
	}()
	return a == b
}

func (c comparison) equalList(elem *types.Type, a, b *Obj, depth int) (bool, error) {
	r := RepOf(elem)
	if Len(r, a) != Len(r, b) {
		return false, nil
	}
	for i := range Len(r, a) {
		if ok, err := c.equal(elem, At(r, a, i), At(r, b, i), depth); !ok {
			return false, err
		}
	}
	return true, nil
}

func (c comparison) equalMap(elem *types.Type, a, b *Map, depth int) (bool, error) {
	if a.Len() != b.Len() {
		return false, nil
	}
	for k, v := range a.All() {
		w, ok := b.Get(k)
		if !ok {
			return false, nil
		}
		if ok, err := c.equal(elem, v, w, depth); !ok {
			return false, err
		}
	}
	return true, nil
}

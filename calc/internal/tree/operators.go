package tree

import (
	"math"
	"strings"

	"github.com/groundwork-go/groundwork/calc/internal/builtin"
	"github.com/groundwork-go/groundwork/calc/internal/num"
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/internal/value"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

func (k *compiler) unary(n *typed.Unary) eval {
	x := k.node(n.X)
	switch {
	case n.Op == syntax.Not:
		return func(f *frame) value.Value { return value.Value{N: x(f).N ^ 1} }
	case n.Op == syntax.Xor:
		return func(f *frame) value.Value { return value.Value{N: ^x(f).N} }
	case n.X.Type().Is(types.KFloat):
		return func(f *frame) value.Value { return value.FromFloat(-x(f).Float()) }
	}
	return func(f *frame) value.Value { return value.Value{N: -x(f).N} }
}

func (k *compiler) logic(n *typed.Logic) eval {
	x, y := k.node(n.X), k.node(n.Y)
	ends := value.FromBool(!n.And)
	return func(f *frame) value.Value {
		if v := x(f); f.exit != 0 || v == ends {
			return v
		}
		return y(f)
	}
}

func (k *compiler) binary(n *typed.Binary) eval {
	x, y := k.node(n.X), k.node(n.Y)
	switch n.Operand.Decided().Kind {
	case types.KInt:
		return intOperator(n, x, y)
	case types.KFloat:
		return floatOperator(n, x, y)
	case types.KString:
		return stringOperator(n, x, y)
	}
	if n.Op == syntax.Add {
		return k.joinLists(n, x, y)
	}
	t, pos, want := n.Operand, n.Pos, n.Op == syntax.Eq
	return func(f *frame) value.Value {
		a := x(f)
		same, err := value.Equal(t, a, y(f), f.m.Poll)
		if err != nil {
			panic(&fault{pos, err})
		}
		return value.FromBool(same == want)
	}
}

// intOperator evaluates x before y, as all operators do.
func intOperator(n *typed.Binary, x, y eval) eval {
	pos := n.Pos
	switch n.Op {
	case syntax.Add:
		return func(f *frame) value.Value { a := x(f); return value.Value{N: a.N + y(f).N} }
	case syntax.Sub:
		return func(f *frame) value.Value { a := x(f); return value.Value{N: a.N - y(f).N} }
	case syntax.Mul:
		return func(f *frame) value.Value { a := x(f); return value.Value{N: a.N * y(f).N} }
	case syntax.And:
		return func(f *frame) value.Value { a := x(f); return value.Value{N: a.N & y(f).N} }
	case syntax.Or:
		return func(f *frame) value.Value { a := x(f); return value.Value{N: a.N | y(f).N} }
	case syntax.Xor:
		return func(f *frame) value.Value { a := x(f); return value.Value{N: a.N ^ y(f).N} }
	case syntax.Shl:
		return func(f *frame) value.Value { a := x(f); return value.Value{N: a.N << count(y(f), pos)} }
	case syntax.Shr:
		return func(f *frame) value.Value { a := x(f); return value.FromInt(a.Int() >> count(y(f), pos)) }
	case syntax.IntDiv:
		return func(f *frame) value.Value { a := x(f); return value.FromInt(a.Int() / divisor(y(f), pos)) }
	case syntax.Rem:
		return func(f *frame) value.Value { a := x(f); return value.FromInt(a.Int() % divisor(y(f), pos)) }
	case syntax.Eq:
		return func(f *frame) value.Value { a := x(f); return value.FromBool(a.N == y(f).N) }
	case syntax.Ne:
		return func(f *frame) value.Value { a := x(f); return value.FromBool(a.N != y(f).N) }
	case syntax.Lt:
		return func(f *frame) value.Value { a := x(f); return value.FromBool(a.Int() < y(f).Int()) }
	case syntax.Le:
		return func(f *frame) value.Value { a := x(f); return value.FromBool(a.Int() <= y(f).Int()) }
	case syntax.Gt:
		return func(f *frame) value.Value { a := x(f); return value.FromBool(a.Int() > y(f).Int()) }
	}
	return func(f *frame) value.Value { a := x(f); return value.FromBool(a.Int() >= y(f).Int()) }
}

func count(v value.Value, pos syntax.Pos) uint64 {
	if v.Int() < 0 {
		failf(pos, "negative shift count")
	}
	return v.N
}

func divisor(v value.Value, pos syntax.Pos) int64 {
	if v.N == 0 {
		failf(pos, "division by zero")
	}
	return v.Int()
}

func floatOperator(n *typed.Binary, x, y eval) eval {
	switch n.Op {
	case syntax.Add:
		return func(f *frame) value.Value { a := x(f); return value.FromFloat(a.Float() + y(f).Float()) }
	case syntax.Sub:
		return func(f *frame) value.Value { a := x(f); return value.FromFloat(a.Float() - y(f).Float()) }
	case syntax.Mul:
		return func(f *frame) value.Value { a := x(f); return value.FromFloat(a.Float() * y(f).Float()) }
	case syntax.Div:
		return func(f *frame) value.Value { a := x(f); return value.FromFloat(a.Float() / y(f).Float()) }
	case syntax.Rem:
		return func(f *frame) value.Value { a := x(f); return value.FromFloat(math.Mod(a.Float(), y(f).Float())) }
	case syntax.Pow:
		return func(f *frame) value.Value { a := x(f); return value.FromFloat(num.Pow(a.Float(), y(f).Float())) }
	case syntax.Eq:
		return func(f *frame) value.Value { a := x(f); return value.FromBool(a.Float() == y(f).Float()) }
	case syntax.Ne:
		return func(f *frame) value.Value { a := x(f); return value.FromBool(a.Float() != y(f).Float()) }
	case syntax.Lt:
		return func(f *frame) value.Value { a := x(f); return value.FromBool(a.Float() < y(f).Float()) }
	case syntax.Le:
		return func(f *frame) value.Value { a := x(f); return value.FromBool(a.Float() <= y(f).Float()) }
	case syntax.Gt:
		return func(f *frame) value.Value { a := x(f); return value.FromBool(a.Float() > y(f).Float()) }
	}
	return func(f *frame) value.Value { a := x(f); return value.FromBool(a.Float() >= y(f).Float()) }
}

func stringOperator(n *typed.Binary, x, y eval) eval {
	op, pos := n.Op, n.Pos
	if op == syntax.Add {
		return func(f *frame) value.Value {
			a := x(f).Str()
			b := y(f).Str()
			f.m.grow(pos, len(a)+len(b)+objectBytes)
			return value.FromString(a + b)
		}
	}
	return func(f *frame) value.Value {
		a := x(f).Str()
		c := strings.Compare(a, y(f).Str())
		switch op {
		case syntax.Eq:
			return value.FromBool(c == 0)
		case syntax.Ne:
			return value.FromBool(c != 0)
		case syntax.Lt:
			return value.FromBool(c < 0)
		case syntax.Le:
			return value.FromBool(c <= 0)
		case syntax.Gt:
			return value.FromBool(c > 0)
		}
		return value.FromBool(c >= 0)
	}
}

// objectBytes is what an object takes besides its contents, about.
const objectBytes = 32

func (k *compiler) joinLists(n *typed.Binary, x, y eval) eval {
	r, pos := value.RepOf(n.Operand.Decided().Elem), n.Pos
	return func(f *frame) value.Value {
		a := x(f).P
		b := y(f).P
		f.m.grow(pos, (value.Len(r, a)+value.Len(r, b))*r.Size()+2*objectBytes)
		return value.Ref(value.Concat(r, a, b))
	}
}

func (k *compiler) in(n *typed.In) eval {
	x, y, pos := k.node(n.X), k.node(n.Y), n.Pos
	switch t := n.Y.Type().Decided(); t.Kind {
	case types.KString:
		return func(f *frame) value.Value { a := x(f); return value.FromBool(strings.Contains(y(f).Str(), a.Str())) }
	case types.KMap:
		return func(f *frame) value.Value {
			a := x(f)
			_, ok := y(f).P.Map().Get(a)
			return value.FromBool(ok)
		}
	case types.KAny:
		return func(f *frame) value.Value {
			a := x(f)
			return value.FromBool(inAny(f.m, a.P, y(f).P, pos))
		}
	default:
		return func(f *frame) value.Value {
			a := x(f)
			i, err := builtin.Find(f.m, t.Elem, y(f).P, a)
			if err != nil {
				panic(&fault{pos, err})
			}
			return value.FromBool(i >= 0)
		}
	}
}

// inAny is x in y for any values.
func inAny(m *Machine, x, y *value.Obj, pos syntax.Pos) bool {
	if y == nil {
		return false
	}
	switch t := value.TypeOfAny(y); t.Kind {
	case types.KString:
		return x != nil && x.Kind == value.KStr && strings.Contains(y.Str(), x.Str())
	case types.KMap:
		if x == nil || x.Kind != value.KStr {
			return false
		}
		_, ok := y.Map().Get(value.Ref(x))
		return ok
	case types.KList:
		i, err := builtin.Find(m, types.Any, y, value.Ref(x))
		if err != nil {
			panic(&fault{pos, err})
		}
		return i >= 0
	}
	return false
}

func (k *compiler) convert(n *typed.Convert) eval {
	x := k.node(n.X)
	from := n.X.Type().Decided()
	switch to := n.T.Decided(); {
	case to.Kind == types.KFloat:
		return func(f *frame) value.Value { return value.FromFloat(float64(x(f).Int())) }
	case from.IsWord(): // into an option or any
		kind := value.BoxKind(from)
		return func(f *frame) value.Value {
			v := x(f)
			if err := f.m.Grow(objectBytes); err != nil {
				panic(&fault{f.pos, err})
			}
			return value.Ref(value.NewBox(kind, v.N))
		}
	}
	return x
}

func (k *compiler) unwrap(n *typed.Unwrap) eval {
	x, pos, t := k.node(n.X), n.Pos, n.Type()
	return func(f *frame) value.Value {
		p := x(f).P
		if p == nil {
			failf(pos, "nil value")
		}
		return value.Unbox(t, p)
	}
}

// cast gives what an any holds as an option of that type, nil if it is another.
func (k *compiler) cast(n *typed.Cast) eval {
	x, t := k.node(n.X), n.T.Unwrapped()
	return func(f *frame) value.Value {
		p := x(f).P
		if p == nil || t.Kind == types.KAny {
			return value.Ref(p)
		}
		held := value.TypeOfAny(p)
		switch {
		case types.Identical(held, t):
			return value.Ref(p)
		case held.Kind == types.KInt && t.Kind == types.KFloat:
			return value.Ref(value.NewBox(value.KBoxFloat, value.FromFloat(float64(int64(p.Box().N))).N))
		case held.Kind == types.KFloat && t.Kind == types.KInt:
			x := value.Value{N: p.Box().N}.Float()
			if x == math.Trunc(x) && x >= -1<<63 && x < 1<<63 {
				return value.Ref(value.NewBox(value.KBoxInt, uint64(int64(x))))
			}
		}
		return value.Value{}
	}
}

func (k *compiler) concat(n *typed.Concat) eval {
	parts, pos := k.nodes(n.Parts), n.Pos
	ts := make([]*types.Type, len(n.Parts))
	for i, p := range n.Parts {
		ts[i] = p.Type().Decided()
	}
	return func(f *frame) value.Value {
		var b []byte
		for i, p := range parts {
			s, err := value.Text(ts[i], p(f), f.m.MaxText())
			f.m.grow(pos, len(s))
			if err != nil {
				panic(&fault{pos, err})
			}
			b = append(b, s...)
		}
		f.m.grow(pos, objectBytes)
		return value.FromString(string(b))
	}
}

package tree

import (
	"math"

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
	}
	return k.operator(builtin.Operator(n.Op, n.Operand, n.T), n.Pos, x, y)
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

// objectBytes is what an object takes besides its contents, about.
const objectBytes = 32

func (k *compiler) in(n *typed.In) eval {
	return k.operator(builtin.In(n.X.Type(), n.Y.Type()), n.Pos, k.node(n.X), k.node(n.Y))
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

func (k *compiler) cast(n *typed.Cast) eval {
	return k.operator(builtin.Cast(n.T), syntax.Pos{}, k.node(n.X))
}

func (k *compiler) concat(n *typed.Concat) eval {
	ts := make([]*types.Type, len(n.Parts))
	for i, p := range n.Parts {
		ts[i] = p.Type().Decided()
	}
	return k.operator(builtin.Concat(ts), n.Pos, k.nodes(n.Parts)...)
}

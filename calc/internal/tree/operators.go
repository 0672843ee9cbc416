package tree

import (
	"cmp"
	"math"
	"strings"

	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/value"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

func unary(n *typed.Unary, v value.Value) value.Value {
	switch {
	case n.Op == syntax.Not:
		return value.FromBool(!v.Bool())
	case n.Op == syntax.Xor:
		return value.FromInt(^v.Int())
	case n.T == value.Float:
		return value.FromFloat(-v.Float())
	}
	return value.FromInt(-v.Int())
}

func (in *interp) binary(n *typed.Binary, x, y value.Value) (value.Value, ending) {
	switch n.Operand {
	case value.Int:
		return in.binaryInt(n, x.Int(), y.Int())
	case value.Float:
		return binaryFloat(n.Op, x.Float(), y.Float()), normal
	case value.String:
		return in.binaryString(n, x.Str(), y.Str())
	}
	return value.FromBool((x.Bool() == y.Bool()) == (n.Op == syntax.Eq)), normal
}

func (in *interp) binaryInt(n *typed.Binary, x, y int64) (value.Value, ending) {
	switch n.Op {
	case syntax.Add:
		return value.FromInt(x + y), normal
	case syntax.Sub:
		return value.FromInt(x - y), normal
	case syntax.Mul:
		return value.FromInt(x * y), normal
	case syntax.And:
		return value.FromInt(x & y), normal
	case syntax.Or:
		return value.FromInt(x | y), normal
	case syntax.Xor:
		return value.FromInt(x ^ y), normal
	case syntax.IntDiv, syntax.Rem:
		if y == 0 {
			return in.fault(n.Pos, "division by zero")
		}
		if n.Op == syntax.IntDiv {
			return value.FromInt(x / y), normal
		}
		return value.FromInt(x % y), normal
	case syntax.Shl, syntax.Shr:
		if y < 0 {
			return in.fault(n.Pos, "negative shift count")
		}
		if n.Op == syntax.Shl {
			return value.FromInt(x << uint64(y)), normal
		}
		return value.FromInt(x >> uint64(y)), normal
	}
	return value.FromBool(compare(n.Op, x, y)), normal
}

func binaryFloat(op syntax.Kind, x, y float64) value.Value {
	switch op {
	case syntax.Add:
		return value.FromFloat(x + y)
	case syntax.Sub:
		return value.FromFloat(x - y)
	case syntax.Mul:
		return value.FromFloat(x * y)
	case syntax.Div:
		return value.FromFloat(x / y)
	case syntax.Rem:
		return value.FromFloat(math.Mod(x, y))
	case syntax.Pow:
		return value.FromFloat(math.Pow(x, y))
	}
	return value.FromBool(compare(op, x, y))
}

func (in *interp) binaryString(n *typed.Binary, x, y string) (value.Value, ending) {
	switch n.Op {
	case syntax.Add:
		if !in.grow(n.Pos, len(x)+len(y)) {
			return value.Value{}, failed
		}
		return value.FromString(x + y), normal
	case syntax.In:
		return value.FromBool(strings.Contains(y, x)), normal
	}
	return value.FromBool(compare(n.Op, x, y)), normal
}

// compare applies a comparison; NaN equals nothing and is neither less nor
// greater than anything.
func compare[T cmp.Ordered](op syntax.Kind, x, y T) bool {
	switch op {
	case syntax.Eq:
		return x == y
	case syntax.Ne:
		return x != y
	case syntax.Lt:
		return x < y
	case syntax.Le:
		return x <= y
	case syntax.Gt:
		return x > y
	}
	return x >= y
}

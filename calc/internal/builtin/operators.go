package builtin

import (
	"fmt"
	"math"
	"strings"

	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/internal/value"
	"github.com/groundwork-go/groundwork/calc/syntax"
)

// The operators on what is no word, in the form of builtins, so that all engines
// have the same.

// makeConcat joins the texts of values of the given types.
func makeConcat(parts []*types.Type) *typed.Builtin {
	return form("concat", parts, types.String, func(m machine, a args) (value.Value, error) {
		var b []byte
		for i, v := range a {
			s, err := value.Text(parts[i], v, m.MaxText())
			if grow := m.Grow(int64(len(s))); grow != nil {
				return none, grow
			}
			if err != nil {
				return none, err
			}
			b = append(b, s...)
		}
		return value.FromString(string(b)), m.Grow(objectSize)
	})
}

// makeOperator is a binary operator on strings, lists or other references of type t.
func makeOperator(op typed.Op, t, result *types.Type) *typed.Builtin {
	t = t.Decided()
	switch {
	case t.Kind == types.KString && op == syntax.Add:
		return form("+", sig(t, t), result, func(m machine, a args) (value.Value, error) {
			x, y := a[0].Str(), a[1].Str()
			if err := m.Grow(int64(len(x)) + int64(len(y)) + objectSize); err != nil {
				return none, err
			}
			return value.FromString(x + y), nil
		})
	case t.Kind == types.KString:
		return pure(op.String(), sig(t, t), result, func(a args) value.Value { return compareStrings(op, a[0].Str(), a[1].Str()) })
	case op == syntax.Add:
		r := value.RepOf(t.Elem)
		return form("+", sig(t, t), result, func(m machine, a args) (value.Value, error) {
			x, y := a[0].P, a[1].P
			if err := m.Grow(listBytes(r, value.Len(r, x)+value.Len(r, y))); err != nil {
				return none, err
			}
			return value.Ref(value.Concat(r, x, y)), nil
		})
	}
	want := op == syntax.Eq
	return form(op.String(), sig(t, t), result, func(m machine, a args) (value.Value, error) {
		same, err := value.Equal(t, a[0], a[1], m.Poll)
		return value.FromBool(same == want), err
	})
}

func compareStrings(op typed.Op, x, y string) value.Value {
	c := strings.Compare(x, y)
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

// makeIn is x in y.
func makeIn(x, y *types.Type) *typed.Builtin {
	y = y.Decided()
	switch y.Kind {
	case types.KString:
		return pure("in", sig(x, y), types.Bool, func(a args) value.Value {
			return value.FromBool(strings.Contains(a[1].Str(), a[0].Str()))
		})
	case types.KMap:
		return pure("in", sig(x, y), types.Bool, func(a args) value.Value {
			_, ok := a[1].P.Map().Get(a[0])
			return value.FromBool(ok)
		})
	case types.KAny:
		return form("in", sig(x, y), types.Bool, func(m machine, a args) (value.Value, error) {
			ok, err := inAny(m, a[0].P, a[1].P)
			return value.FromBool(ok), err
		})
	}
	return form("in", sig(x, y), types.Bool, func(m machine, a args) (value.Value, error) {
		i, err := Find(m, y.Elem, a[1].P, a[0])
		return value.FromBool(i >= 0), err
	})
}

// inAny is x in y for any values.
func inAny(m machine, x, y *value.Obj) (bool, error) {
	if y == nil {
		return false, nil
	}
	switch t := value.TypeOfAny(y); t.Kind {
	case types.KString:
		return x != nil && x.Kind == value.KStr && strings.Contains(y.Str(), x.Str()), nil
	case types.KMap:
		if x == nil || x.Kind != value.KStr {
			return false, nil
		}
		_, ok := y.Map().Get(value.Ref(x))
		return ok, nil
	case types.KList:
		i, err := Find(m, types.Any, y, value.Ref(x))
		return i >= 0, err
	}
	return false, nil
}

// makeSlice is x[i:j]; the bounds that stand there follow x in the arguments.
func makeSlice(t *types.Type, from, to bool) *typed.Builtin {
	t = t.Decided()
	params := sig(t)
	if from {
		params = append(params, types.Int)
	}
	if to {
		params = append(params, types.Int)
	}
	bounds := func(a args, n int) (i, j int, err error) {
		lo, hi := value.Value{}, value.FromInt(int64(n))
		if from {
			lo = a[1]
		}
		if to {
			hi = a[len(a)-1]
		}
		if hi.N > uint64(n) {
			return 0, 0, OutOfRange(hi.Int(), n)
		}
		if lo.N > hi.N {
			return 0, 0, OutOfRange(lo.Int(), int(hi.N))
		}
		return int(lo.N), int(hi.N), nil
	}
	if t.Kind == types.KString {
		return form("slice", params, t, func(m machine, a args) (value.Value, error) {
			s := a[0].Str()
			i, j, err := bounds(a, len(s))
			if err != nil {
				return none, err
			}
			return value.FromString(s[i:j]), m.Grow(objectSize)
		})
	}
	r := value.RepOf(t.Elem)
	return form("slice", params, t, func(m machine, a args) (value.Value, error) {
		i, j, err := bounds(a, value.Len(r, a[0].P))
		if err == nil {
			err = m.Grow(listBytes(r, j-i))
		}
		if err != nil {
			return none, err
		}
		return value.Ref(value.Sub(r, a[0].P, i, j)), nil
	})
}

// makeCast is x as to, for an any x: an option, nil if it holds another type.
func makeCast(to *types.Type) *typed.Builtin {
	t := to.Unwrapped()
	return pure("as", sig(types.Any), to, func(a args) value.Value {
		p := a[0].P
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
		return none
	})
}

// makeElement is x[i] of an any, nil if there is none.
func makeElement(index *types.Type) *typed.Builtin {
	byInt := index.Is(types.KInt)
	return pure("element", sig(types.Any, index), types.Any, func(a args) value.Value {
		switch p := a[0].P; {
		case p == nil:
		case byInt && p.Kind == value.KRefs:
			if list := p.Refs().A; a[1].N < uint64(len(list)) {
				return value.Ref(list[a[1].N])
			}
		case !byInt && p.Kind == value.KMap:
			v, _ := p.Map().Get(a[1])
			return value.Ref(v.P)
		}
		return none
	})
}

// makeCountRounds is how many rounds a loop over range(a, b, step) has.
func makeCountRounds() *typed.Builtin {
	return form("rounds", sig(types.Int, types.Int, types.Int), types.Int, func(_ machine, a args) (value.Value, error) {
		n, err := Rounds(a[0].Int(), a[1].Int(), a[2].Int())
		return value.Value{N: n}, err
	})
}

// OutOfRange is the error of an index.
func OutOfRange(i int64, n int) error { return fmt.Errorf("index out of range: %d of %d", i, n) }

type notFound struct{ text string }

func (e notFound) Error() string { return "key not found: " + e.text }

// KeyError is the error of a key of type t that a map does not have.
func KeyError(t *types.Type, key value.Value) error {
	if t.Is(types.KString) {
		return notFound{value.Quote(key.Str())}
	}
	s, _ := value.Text(t, key, 100) // of an int or bool
	return notFound{s}
}

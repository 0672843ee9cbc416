package builtin

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/groundwork-go/groundwork/calc/internal/num"
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/internal/value"
)

func numbers() []*typed.Builtin {
	list := []*typed.Builtin{
		pure("abs", sig(types.Int), types.Int, func(a args) value.Value { return value.FromInt(max(a[0].Int(), -a[0].Int())) }),
		pure("isNaN", sig(types.Float), types.Bool, func(a args) value.Value { return value.FromBool(math.IsNaN(a[0].Float())) }),
		pure("isInf", sig(types.Float), types.Bool, func(a args) value.Value { return value.FromBool(math.IsInf(a[0].Float(), 0)) }),
		form("ushr", sig(types.Int, types.Int), types.Int, ushr),
		form("fixed", sig(types.Float, types.Int), types.String, fixed),
	}
	for _, f := range []struct {
		name string
		call func(float64) float64
	}{
		{"abs", math.Abs}, {"sqrt", math.Sqrt}, {"floor", math.Floor}, {"ceil", math.Ceil}, {"round", math.Round}, {"trunc", math.Trunc},
		{"cbrt", num.Cbrt}, {"exp", num.Exp}, {"log", num.Log}, {"log2", num.Log2}, {"log10", num.Log10},
		{"sin", num.Sin}, {"cos", num.Cos}, {"tan", num.Tan}, {"asin", num.Asin}, {"acos", num.Acos}, {"atan", num.Atan},
	} {
		b := pure(f.name, sig(types.Float), types.Float, func(a args) value.Value { return value.FromFloat(f.call(a[0].Float())) })
		b.F1 = f.call
		list = append(list, b)
	}
	return append(list, math2("atan2", num.Atan2), math2("hypot", num.Hypot), math2("pow", num.Pow))
}

// makePow returns the operator ** on floats.
func makePow() *typed.Builtin { return math2("**", num.Pow) }

// makeMod returns the operator % on floats.
func makeMod() *typed.Builtin { return math2("%", math.Mod) }

func math2(name string, f func(x, y float64) float64) *typed.Builtin {
	b := pure(name, sig(types.Float, types.Float), types.Float, func(a args) value.Value {
		return value.FromFloat(f(a[0].Float(), a[1].Float()))
	})
	b.F2 = f
	return b
}

func ushr(_ machine, a args) (value.Value, error) {
	if a[1].Int() < 0 {
		return none, errors.New("negative shift count")
	}
	return value.FromInt(int64(a[0].N >> a[1].N)), nil
}

func fixed(m machine, a args) (value.Value, error) {
	digits := a[1].Int()
	if digits < 0 || digits > 100 {
		return none, fmt.Errorf("int out of range: %d", digits)
	}
	s := strconv.FormatFloat(a[0].Float(), 'f', int(digits), 64)
	return value.FromString(s), m.Grow(int64(len(s)) + objectSize)
}

// makeMinMax returns min or max of n numbers of type t.
func makeMinMax(name string, t *types.Type, n int) *typed.Builtin {
	pick := picker(name, t)
	params := make([]*types.Type, n)
	for i := range params {
		params[i] = t
	}
	return pure(name, params, t, func(a args) value.Value {
		best := a[0]
		for _, v := range a[1:] {
			best = pick(best, v)
		}
		return best
	})
}

// makeMinMaxList returns min or max of a list of elem.
func makeMinMaxList(name string, elem *types.Type) *typed.Builtin {
	pick := picker(name, elem)
	return form(name, sig(types.ListOf(elem)), elem, func(_ machine, a args) (value.Value, error) {
		words := a[0].P.Words().A
		if len(words) == 0 {
			return none, errors.New("empty list")
		}
		best := value.Value{N: words[0]}
		for _, w := range words[1:] {
			best = pick(best, value.Value{N: w})
		}
		return best, nil
	})
}

func picker(name string, t *types.Type) func(x, y value.Value) value.Value {
	switch {
	case t.Is(types.KInt) && name == "min":
		return func(x, y value.Value) value.Value { return value.FromInt(min(x.Int(), y.Int())) }
	case t.Is(types.KInt):
		return func(x, y value.Value) value.Value { return value.FromInt(max(x.Int(), y.Int())) }
	case name == "min":
		return func(x, y value.Value) value.Value { return value.FromFloat(min(x.Float(), y.Float())) }
	}
	return func(x, y value.Value) value.Value { return value.FromFloat(max(x.Float(), y.Float())) }
}

func conversions() []*typed.Builtin {
	same := func(a args) value.Value { return a[0] }
	parseInt := func(_ machine, a args) (value.Value, error) {
		x, err := strconv.ParseInt(a[0].Str(), 10, 64)
		if err != nil {
			return none, fmt.Errorf("invalid number: %s", value.Quote(a[0].Str()))
		}
		return value.FromInt(x), nil
	}
	parseFloat := func(_ machine, a args) (value.Value, error) {
		x, err := strconv.ParseFloat(a[0].Str(), 64)
		if err != nil {
			return none, fmt.Errorf("invalid number: %s", value.Quote(a[0].Str()))
		}
		return value.FromFloat(x), nil
	}
	option := func(t *types.Type, parse func(machine, args) (value.Value, error)) func(machine, args) (value.Value, error) {
		return func(m machine, a args) (value.Value, error) {
			v, err := parse(m, a)
			if err != nil {
				return none, nil // malformed is nil here
			}
			return value.Ref(value.Boxed(t, v)), m.Grow(objectSize)
		}
	}
	return []*typed.Builtin{
		pure("int", sig(types.Int), types.Int, same),
		form("int", sig(types.Float), types.Int, floatToInt),
		form("int", sig(types.String), types.Int, parseInt),
		pure("int", sig(types.Bool), types.Int, same),
		pure("float", sig(types.Float), types.Float, same),
		form("float", sig(types.String), types.Float, parseFloat),
		form("toInt", sig(types.String), types.OptionOf(types.Int), option(types.Int, parseInt)),
		form("toFloat", sig(types.String), types.OptionOf(types.Float), option(types.Float, parseFloat)),
		form("chr", sig(types.Int), types.String, chr),
		form("ord", sig(types.String), types.Int, ord),
	}
}

func floatToInt(_ machine, a args) (value.Value, error) {
	x := math.Trunc(a[0].Float())
	// -2^63 is exact; 2^63 is the first float that is too large.
	if !(x >= -1<<63 && x < 1<<63) {
		return none, fmt.Errorf("int out of range: %s", value.AppendFloat(nil, a[0].Float()))
	}
	return value.FromInt(int64(x)), nil
}

func chr(m machine, a args) (value.Value, error) {
	r := a[0].Int()
	if r < 0 || r > utf8.MaxRune || !utf8.ValidRune(rune(r)) {
		return none, fmt.Errorf("int out of range: %d", r)
	}
	return value.FromString(string(rune(r))), m.Grow(objectSize)
}

func ord(_ machine, a args) (value.Value, error) {
	if a[0].Str() == "" {
		return none, errors.New("index out of range: 0 of 0")
	}
	r, _ := utf8.DecodeRuneInString(a[0].Str())
	return value.FromInt(int64(r)), nil
}

// Package builtin holds the functions and constants that every program has. It
// knows values, not nodes.
package builtin

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/groundwork-go/groundwork/calc/internal/value"
)

// A Func is one typed form of a function.
type Func struct {
	Name   string
	Params []value.Type
	Result value.Type
	Call   func(args []value.Value) (value.Value, error)
	// Grows tells how long the result can be, so that a limit strikes before the
	// memory is taken. Nil: not longer than the arguments together.
	Grows func(args []value.Value) int
}

const (
	i = value.Int
	f = value.Float
	b = value.Bool
	s = value.String
	n = value.None
)

type args = []value.Value

func sig(params ...value.Type) []value.Type { return params }

func pure(name string, params []value.Type, result value.Type, call func(a args) value.Value) *Func {
	return &Func{Name: name, Params: params, Result: result, Call: func(a args) (value.Value, error) { return call(a), nil }}
}

func floatFunc(name string, call func(float64) float64) *Func {
	return pure(name, sig(f), f, func(a args) value.Value { return value.FromFloat(call(a[0].Float())) })
}

func stringFunc(name string, call func(string) string) *Func {
	return pure(name, sig(s), s, func(a args) value.Value { return value.FromString(call(a[0].Str())) })
}

func test(name string, call func(x, y string) bool) *Func {
	return pure(name, sig(s, s), b, func(a args) value.Value { return value.FromBool(call(a[0].Str(), a[1].Str())) })
}

// Funcs returns the forms of all functions but print, str, min and max, whose
// arguments are of any number or type and which the checker knows. Each call
// makes them anew, so that nobody can change them for others.
func Funcs() map[string][]*Func {
	all := []*Func{
		pure("len", sig(s), i, func(a args) value.Value { return value.FromInt(int64(len(a[0].Str()))) }),
		pure("int", sig(i), i, func(a args) value.Value { return a[0] }),
		{Name: "int", Params: sig(f), Result: i, Call: floatToInt},
		{Name: "int", Params: sig(s), Result: i, Call: parseInt},
		pure("int", sig(b), i, func(a args) value.Value { return a[0] }),
		pure("float", sig(f), f, func(a args) value.Value { return a[0] }),
		{Name: "float", Params: sig(s), Result: f, Call: parseFloat},
		{Name: "chr", Params: sig(i), Result: s, Call: chr},
		{Name: "ord", Params: sig(s), Result: i, Call: ord},
		{Name: "error", Params: sig(s), Result: value.Never, Call: func(a args) (value.Value, error) {
			return value.Value{}, errors.New(a[0].Str())
		}},
		{Name: "assert", Params: sig(b), Result: n, Call: assert},
		{Name: "assert", Params: sig(b, s), Result: n, Call: assert},

		pure("abs", sig(i), i, func(a args) value.Value { return value.FromInt(max(a[0].Int(), -a[0].Int())) }),
		floatFunc("abs", math.Abs), floatFunc("sqrt", math.Sqrt), floatFunc("floor", math.Floor),
		floatFunc("ceil", math.Ceil), floatFunc("round", math.Round), floatFunc("trunc", math.Trunc),
		pure("isNaN", sig(f), b, func(a args) value.Value { return value.FromBool(math.IsNaN(a[0].Float())) }),
		pure("isInf", sig(f), b, func(a args) value.Value { return value.FromBool(math.IsInf(a[0].Float(), 0)) }),
		{Name: "ushr", Params: sig(i, i), Result: i, Call: ushr},
		{Name: "fixed", Params: sig(f, i), Result: s, Call: fixed, Grows: func(args) int { return 512 }},

		stringFunc("upper", strings.ToUpper), stringFunc("lower", strings.ToLower), stringFunc("trim", strings.TrimSpace),
		test("contains", strings.Contains), test("hasPrefix", strings.HasPrefix), test("hasSuffix", strings.HasSuffix),
		pure("index", sig(s, s), i, func(a args) value.Value {
			return value.FromInt(int64(strings.Index(a[0].Str(), a[1].Str())))
		}),
		{Name: "repeat", Params: sig(s, i), Result: s, Call: repeat, Grows: func(a args) int {
			return product(len(a[0].Str()), a[1].Int())
		}},
		{Name: "replace", Params: sig(s, s, s), Result: s, Call: func(a args) (value.Value, error) {
			return value.FromString(strings.ReplaceAll(a[0].Str(), a[1].Str(), a[2].Str())), nil
		}, Grows: func(a args) int {
			return product(len(a[0].Str())+1, int64(len(a[2].Str())+1))
		}},
	}
	byName := make(map[string][]*Func)
	for _, fn := range all {
		byName[fn.Name] = append(byName[fn.Name], fn)
	}
	return byName
}

// A Constant is a named value.
type Constant struct {
	Type  value.Type
	Value value.Value
}

// Constants returns the constants of the language.
func Constants() map[string]Constant {
	return map[string]Constant{
		"pi":     {f, value.FromFloat(math.Pi)},
		"inf":    {f, value.FromFloat(math.Inf(1))},
		"nan":    {f, value.FromFloat(math.NaN())},
		"maxInt": {i, value.FromInt(math.MaxInt64)},
		"minInt": {i, value.FromInt(math.MinInt64)},
	}
}

// product returns n * m, or the largest int if that is larger.
func product(n int, m int64) int {
	if m <= 0 || n == 0 {
		return 0
	}
	if int64(n) > math.MaxInt64/m {
		return math.MaxInt
	}
	return int(min(int64(n)*m, math.MaxInt))
}

func floatToInt(a args) (value.Value, error) {
	x := math.Trunc(a[0].Float())
	// -2^63 is exact; 2^63 is the first float that is too large.
	if !(x >= -1<<63 && x < 1<<63) {
		return value.Value{}, fmt.Errorf("int out of range: %s", value.FloatText(a[0].Float()))
	}
	return value.FromInt(int64(x)), nil
}

func parseInt(a args) (value.Value, error) {
	x, err := strconv.ParseInt(a[0].Str(), 10, 64)
	if err != nil {
		return value.Value{}, fmt.Errorf("invalid number: %s", value.Quote(a[0].Str()))
	}
	return value.FromInt(x), nil
}

func parseFloat(a args) (value.Value, error) {
	x, err := strconv.ParseFloat(a[0].Str(), 64)
	if err != nil {
		return value.Value{}, fmt.Errorf("invalid number: %s", value.Quote(a[0].Str()))
	}
	return value.FromFloat(x), nil
}

func chr(a args) (value.Value, error) {
	r := a[0].Int()
	if r < 0 || r > utf8.MaxRune || !utf8.ValidRune(rune(r)) {
		return value.Value{}, fmt.Errorf("int out of range: %d", r)
	}
	return value.FromString(string(rune(r))), nil
}

func ord(a args) (value.Value, error) {
	if a[0].Str() == "" {
		return value.Value{}, errors.New("index out of range: 0 of 0")
	}
	r, _ := utf8.DecodeRuneInString(a[0].Str())
	return value.FromInt(int64(r)), nil
}

func assert(a args) (value.Value, error) {
	switch {
	case a[0].Bool():
		return value.Value{}, nil
	case len(a) == 2:
		return value.Value{}, fmt.Errorf("assertion failed: %s", a[1].Str())
	}
	return value.Value{}, errors.New("assertion failed")
}

func ushr(a args) (value.Value, error) {
	if a[1].Int() < 0 {
		return value.Value{}, errors.New("negative shift count")
	}
	return value.FromInt(int64(uint64(a[0].Int()) >> uint64(a[1].Int()))), nil
}

func fixed(a args) (value.Value, error) {
	digits := a[1].Int()
	if digits < 0 || digits > 100 {
		return value.Value{}, fmt.Errorf("int out of range: %d", digits)
	}
	return value.FromString(strconv.FormatFloat(a[0].Float(), 'f', int(digits), 64)), nil
}

func repeat(a args) (value.Value, error) {
	if a[1].Int() < 0 {
		return value.Value{}, errors.New("negative count")
	}
	if a[0].Str() == "" {
		return a[0], nil
	}
	return value.FromString(strings.Repeat(a[0].Str(), int(a[1].Int()))), nil
}

// MinMax returns min or max for any number of arguments of type t, Int or Float.
func MinMax(name string, t value.Type) *Func {
	pickInt := func(x, y int64) int64 { return min(x, y) }
	pickFloat := func(x, y float64) float64 { return min(x, y) }
	if name == "max" {
		pickInt = func(x, y int64) int64 { return max(x, y) }
		pickFloat = func(x, y float64) float64 { return max(x, y) }
	}
	return pure(name, nil, t, func(a args) value.Value {
		best := a[0]
		for _, v := range a[1:] {
			if t == value.Int {
				best = value.FromInt(pickInt(best.Int(), v.Int()))
			} else {
				best = value.FromFloat(pickFloat(best.Float(), v.Float()))
			}
		}
		return best
	})
}

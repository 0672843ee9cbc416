// Package builtin holds the functions and constants that every program has and that
// are not written in calc. It knows types and values, not nodes.
package builtin

import (
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/internal/value"
)

type (
	args    = []value.Value
	machine = typed.Machine
)

// none is the result of what gives no value.
var none = value.Value{}

func sig(params ...*types.Type) []*types.Type { return params }

// form makes a builtin that may fail.
func form(name string, params []*types.Type, result *types.Type, call func(m machine, a args) (value.Value, error)) *typed.Builtin {
	return &typed.Builtin{Name: name, Params: params, Result: result, Call: call}
}

// pure makes a builtin that takes no memory and cannot fail.
func pure(name string, params []*types.Type, result *types.Type, call func(a args) value.Value) *typed.Builtin {
	return form(name, params, result, func(_ machine, a args) (value.Value, error) { return call(a), nil })
}

// Fixed returns the builtins whose types do not depend on their arguments, by
// name; those of one name differ in their parameters. Nobody may change them.
var Fixed = sync.OnceValue(func() map[string][]*typed.Builtin {
	byName := make(map[string][]*typed.Builtin)
	for _, list := range [][]*typed.Builtin{numbers(), conversions(), texts(), control()} {
		for _, b := range list {
			b.Recipe = typed.Recipe{Kind: uint8(fixedForm), Name: b.Name, N: len(byName[b.Name])}
			byName[b.Name] = append(byName[b.Name], b)
		}
	}
	return byName
})

// A Constant is a named value.
type Constant struct {
	Type  *types.Type
	Value value.Value
}

// Constants returns the constants of the language. Nobody may change them.
var Constants = sync.OnceValue(func() map[string]Constant {
	return map[string]Constant{
		"pi":     {types.Float, value.FromFloat(math.Pi)},
		"inf":    {types.Float, value.FromFloat(math.Inf(1))},
		"nan":    {types.Float, value.FromFloat(math.NaN())},
		"maxInt": {types.Int, value.FromInt(math.MaxInt64)},
		"minInt": {types.Int, value.FromInt(math.MinInt64)},
	}
})

func control() []*typed.Builtin {
	assert := func(_ machine, a args) (value.Value, error) {
		switch {
		case a[0].Bool():
			return none, nil
		case len(a) == 2:
			return none, fmt.Errorf("assertion failed: %s", a[1].Str())
		}
		return none, errors.New("assertion failed")
	}
	return []*typed.Builtin{
		form("error", sig(types.String), types.Never, func(_ machine, a args) (value.Value, error) {
			return none, errors.New(a[0].Str())
		}),
		form("assert", sig(types.Bool), types.None, assert),
		form("assert", sig(types.Bool, types.String), types.None, assert),
	}
}

// makePrint is print of one text, the line without its newline.
func makePrint() *typed.Builtin {
	return form("print", sig(types.String), types.None, func(m machine, a args) (value.Value, error) {
		return none, m.Print(a[0].Str() + "\n")
	})
}

// makeStr returns str of a value of type t.
func makeStr(t *types.Type) *typed.Builtin {
	return form("str", sig(t), types.String, func(m machine, a args) (value.Value, error) {
		return Text(m, t, a[0])
	})
}

// Text makes the text of a value as a string.
func Text(m machine, t *types.Type, v value.Value) (value.Value, error) {
	if t.Is(types.KString) {
		return v, nil
	}
	s, err := value.Text(t, v, m.MaxText())
	if err == nil || errors.Is(err, value.ErrLong) {
		if grow := m.Grow(int64(len(s)) + objectSize); grow != nil {
			return none, grow
		}
	}
	if err != nil {
		return none, err
	}
	return value.FromString(s), nil
}

// makeSame is same of two references of type t.
func makeSame(t *types.Type) *typed.Builtin {
	return pure("same", sig(t, t), types.Bool, func(a args) value.Value { return value.FromBool(a[0].P == a[1].P) })
}

// objectSize is what an object takes besides its contents, about.
const objectSize = 32

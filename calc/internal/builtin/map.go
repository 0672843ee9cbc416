package builtin

import (
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/internal/value"
)

// makeMap returns the builtin of that name for a map from key to elem, or nil. n is
// the number of arguments.
func makeMap(name string, key, elem *types.Type, n int) *typed.Builtin {
	t := types.MapOf(key, elem)
	switch name {
	case "len":
		return pure(name, sig(t), types.Int, func(a args) value.Value { return value.FromInt(int64(a[0].P.Map().Len())) })
	case "get":
		if n == 3 {
			return pure(name, sig(t, key, elem), elem, func(a args) value.Value {
				if v, ok := a[0].P.Map().Get(a[1]); ok {
					return v
				}
				return a[2]
			})
		}
		return form(name, sig(t, key), types.OptionOf(elem), func(m machine, a args) (value.Value, error) {
			v, ok := a[0].P.Map().Get(a[1])
			if !ok {
				return none, nil
			}
			if !elem.IsWord() {
				return v, nil
			}
			return value.Ref(value.Boxed(elem, v)), m.Grow(objectSize)
		})
	case "delete":
		return pure(name, sig(t, key), types.None, func(a args) value.Value { a[0].P.Map().Delete(a[1]); return none })
	case "clear":
		return pure(name, sig(t), types.None, func(a args) value.Value { a[0].P.Map().Clear(); return none })
	case "copy":
		return form(name, sig(t), t, func(m machine, a args) (value.Value, error) {
			if err := m.Grow(int64(a[0].P.Map().Bytes())); err != nil {
				return none, err
			}
			return value.Ref(a[0].P.Map().Copy()), nil
		})
	case "keys":
		return collect(name, t, key, func(k, _ value.Value) value.Value { return k })
	case "values":
		return collect(name, t, elem, func(_, v value.Value) value.Value { return v })
	}
	return nil
}

func collect(name string, t, elem *types.Type, pick func(k, v value.Value) value.Value) *typed.Builtin {
	r := value.RepOf(elem)
	return form(name, sig(t), types.ListOf(elem), func(m machine, a args) (value.Value, error) {
		n := a[0].P.Map().Len()
		if err := m.Grow(listBytes(r, n)); err != nil {
			return none, err
		}
		p := value.NewList(r, 0, n)
		for k, v := range a[0].P.Map().All() {
			value.Push(r, p, pick(k, v))
		}
		return value.Ref(p), nil
	})
}

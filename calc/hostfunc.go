package calc

import (
	"cmp"
	"fmt"
	"reflect"

	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/internal/value"
)

func compare[T cmp.Ordered](a, b T) int { return cmp.Compare(a, b) }

// funcs makes the host's functions callable.
func (b *bridge) funcs(list map[string]any) (map[string]*typed.Builtin, error) {
	all := make(map[string]*typed.Builtin, len(list))
	for name, f := range list {
		fn, err := b.function(name, f)
		if err != nil {
			return nil, fmt.Errorf("calc: Options.Funcs: %s: %w", name, err)
		}
		all[name] = fn
	}
	return all, nil
}

func (b *bridge) function(name string, f any) (*typed.Builtin, error) {
	v := reflect.ValueOf(f)
	switch {
	case v.Kind() != reflect.Func:
		return nil, fmt.Errorf("is a %T, not a function", f)
	case v.IsNil():
		return nil, fmt.Errorf("is a nil %T", f)
	}
	t := v.Type()
	if t.IsVariadic() {
		return nil, fmt.Errorf("%v is variadic", t)
	}
	fn := &typed.Builtin{Name: name, Result: types.None, Host: true}
	for i := range t.NumIn() {
		fn.Params = append(fn.Params, b.typeOf(t.In(i)))
	}
	outs := t.NumOut()
	hasErr := outs > 0 && t.Out(outs-1) == reflect.TypeFor[error]()
	if hasErr {
		outs--
	}
	switch {
	case outs > 1:
		return nil, fmt.Errorf("%v must return one value or nothing, and may return an error", t)
	case outs == 1:
		fn.Result = b.typeOf(t.Out(0))
	}
	fn.Call = func(m typed.Machine, args []value.Value) (result value.Value, err error) {
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("%s panicked: %v", name, r)
			}
		}()
		in := make([]reflect.Value, len(args))
		for i, a := range args {
			if in[i], err = b.out(fn.Params[i], a, t.In(i)); err != nil {
				return result, fmt.Errorf("argument %d of %s: %w", i+1, name, err)
			}
		}
		out := v.Call(in)
		if hasErr {
			if err, _ := out[outs].Interface().(error); err != nil {
				return result, err
			}
		}
		if outs == 0 {
			return result, nil
		}
		if result, err = b.in(fn.Result, out[0]); err != nil {
			return result, fmt.Errorf("result of %s: %w", name, err)
		}
		return result, m.Grow(sizeOf(result))
	}
	return fn, nil
}

package calc

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"

	"github.com/groundwork-go/groundwork/calc/internal/builtin"
	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/value"
)

// typeOf returns the type that a Go type crosses as, or Invalid.
func typeOf(t reflect.Type) value.Type {
	switch t.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return value.Int
	case reflect.Float32, reflect.Float64:
		return value.Float
	case reflect.Bool:
		return value.Bool
	case reflect.String:
		return value.String
	}
	return value.Invalid
}

// fromGo converts a value of a Go type that typeOf knows.
func fromGo(v reflect.Value) (value.Value, error) {
	switch {
	case v.CanInt():
		return value.FromInt(v.Int()), nil
	case v.CanUint():
		if v.Uint() > math.MaxInt64 {
			return value.Value{}, fmt.Errorf("%d is above the largest int", v.Uint())
		}
		return value.FromInt(int64(v.Uint())), nil
	case v.CanFloat():
		return value.FromFloat(v.Float()), nil
	case v.Kind() == reflect.Bool:
		return value.FromBool(v.Bool()), nil
	}
	return value.FromString(v.String()), nil
}

// toGo converts to a Go type that typeOf knows.
func toGo(v value.Value, t reflect.Type) (reflect.Value, error) {
	g := reflect.New(t).Elem()
	switch {
	case g.CanInt():
		if g.OverflowInt(v.Int()) {
			return g, fmt.Errorf("int out of range: %d", v.Int())
		}
		g.SetInt(v.Int())
	case g.CanUint():
		if v.Int() < 0 || g.OverflowUint(uint64(v.Int())) {
			return g, fmt.Errorf("int out of range: %d", v.Int())
		}
		g.SetUint(uint64(v.Int()))
	case g.CanFloat():
		g.SetFloat(v.Float())
	case t.Kind() == reflect.Bool:
		g.SetBool(v.Bool())
	default:
		g.SetString(v.Str())
	}
	return g, nil
}

// fields lists the names and values of an environment: a map[string]any or a
// struct, or a pointer to one.
func fields(env any) (names []string, get func(name string) (reflect.Value, bool), err error) {
	if env == nil {
		return nil, func(string) (reflect.Value, bool) { return reflect.Value{}, false }, nil
	}
	if m, ok := env.(map[string]any); ok {
		return slices.Sorted(maps.Keys(m)), func(name string) (reflect.Value, bool) {
			v, ok := m[name]
			return reflect.ValueOf(v), ok
		}, nil
	}
	v := reflect.ValueOf(env)
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return nil, nil, fmt.Errorf("environment is a %T, not a struct or map[string]any", env)
	}
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.IsExported() {
			names = append(names, f.Name)
		}
	}
	return names, func(name string) (reflect.Value, bool) {
		f := v.FieldByName(name)
		return f, f.IsValid()
	}, nil
}

// envTypes takes the types of the host's names from a sample.
func envTypes(sample any) ([]typed.EnvVar, error) {
	names, get, err := fields(sample)
	if err != nil {
		return nil, fmt.Errorf("calc: Options.Env: %w", err)
	}
	vars := make([]typed.EnvVar, len(names))
	for i, name := range names {
		v, _ := get(name)
		t := value.Invalid
		if v.IsValid() {
			t = typeOf(v.Type())
		}
		if t == value.Invalid {
			return nil, fmt.Errorf("calc: Options.Env: %s is neither a number, a bool nor a string", name)
		}
		vars[i] = typed.EnvVar{Name: name, Type: t}
	}
	return vars, nil
}

// envValues checks the values of one run against the types.
func envValues(vars []typed.EnvVar, env any) ([]value.Value, error) {
	if len(vars) == 0 {
		return nil, nil
	}
	_, get, err := fields(env)
	if err != nil {
		return nil, fmt.Errorf("calc: Run: %w", err)
	}
	values := make([]value.Value, len(vars))
	for i, want := range vars {
		v, ok := get(want.Name)
		if !ok || !v.IsValid() {
			return nil, fmt.Errorf("calc: Run: the environment has no %s", want.Name)
		}
		t := typeOf(v.Type())
		if t != want.Type && !(t == value.Int && want.Type == value.Float) {
			return nil, fmt.Errorf("calc: Run: %s is a %v, not a %v", want.Name, v.Type(), want.Type)
		}
		x, err := fromGo(v)
		if err != nil {
			return nil, fmt.Errorf("calc: Run: %s: %w", want.Name, err)
		}
		if t != want.Type {
			x = value.FromFloat(float64(x.Int()))
		}
		values[i] = x
	}
	return values, nil
}

// hostFuncs makes the host's functions callable.
func hostFuncs(funcs map[string]any) (map[string]*builtin.Func, error) {
	all := make(map[string]*builtin.Func, len(funcs))
	for name, f := range funcs {
		b, err := hostFunc(name, f)
		if err != nil {
			return nil, fmt.Errorf("calc: Options.Funcs: %s: %w", name, err)
		}
		all[name] = b
	}
	return all, nil
}

func hostFunc(name string, f any) (*builtin.Func, error) {
	v := reflect.ValueOf(f)
	if v.Kind() != reflect.Func || v.IsNil() {
		return nil, fmt.Errorf("is a %T, not a function", f)
	}
	t := v.Type()
	if t.IsVariadic() {
		return nil, fmt.Errorf("%v is variadic", t)
	}
	b := &builtin.Func{Name: name, Result: value.None}
	for i := range t.NumIn() {
		p := typeOf(t.In(i))
		if p == value.Invalid {
			return nil, fmt.Errorf("parameter %d is a %v, not a number, a bool or a string", i+1, t.In(i))
		}
		b.Params = append(b.Params, p)
	}
	outs := t.NumOut()
	hasErr := outs > 0 && t.Out(outs-1) == reflect.TypeFor[error]()
	if hasErr {
		outs--
	}
	if outs > 1 || outs == 1 && typeOf(t.Out(0)) == value.Invalid {
		return nil, fmt.Errorf("%v must return a number, a bool, a string or nothing, and may return an error", t)
	}
	if outs == 1 {
		b.Result = typeOf(t.Out(0))
	}
	b.Call = func(args []value.Value) (result value.Value, err error) {
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("%s panicked: %v", name, r)
			}
		}()
		in := make([]reflect.Value, len(args))
		for i, a := range args {
			if in[i], err = toGo(a, t.In(i)); err != nil {
				return value.Value{}, err
			}
		}
		out := v.Call(in)
		if hasErr {
			if err, _ := out[outs].Interface().(error); err != nil {
				return value.Value{}, err
			}
		}
		if outs == 1 {
			return fromGo(out[0])
		}
		return value.Value{}, nil
	}
	return b, nil
}

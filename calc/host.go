package calc

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"

	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/internal/value"
)

// bridge knows how Go types cross into the language.
type bridge struct {
	structs map[reflect.Type]*types.Type
	opaques map[reflect.Type]*types.Type
	ids     int
}

func newBridge() *bridge {
	return &bridge{}
}

// newID numbers the host's types below those of programs.
func (b *bridge) newID() int {
	b.ids--
	return b.ids
}

// typeOf returns the type that a Go type crosses as.
func (b *bridge) typeOf(t reflect.Type) *types.Type {
	switch t.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return types.Int
	case reflect.Float32, reflect.Float64:
		return types.Float
	case reflect.Bool:
		return types.Bool
	case reflect.String:
		return types.String
	case reflect.Interface:
		return types.Any
	case reflect.Slice, reflect.Array:
		return types.ListOf(b.typeOf(t.Elem()))
	case reflect.Map:
		if k := b.typeOf(t.Key()); k.IsWord() && !k.Is(types.KFloat) || k.Is(types.KString) {
			return types.MapOf(k, b.typeOf(t.Elem()))
		}
	case reflect.Pointer:
		return types.OptionOf(b.typeOf(t.Elem()))
	case reflect.Struct:
		if s := b.structOf(t); s != nil {
			return s
		}
	}
	return b.opaque(t)
}

// structOf returns the type of a Go struct, or nil if it has no exported fields.
func (b *bridge) structOf(t reflect.Type) *types.Type {
	if s, ok := b.structs[t]; ok {
		return s
	}
	var fields []reflect.StructField
	for _, f := range reflect.VisibleFields(t) {
		if f.IsExported() && len(f.Index) == 1 && f.Type.Kind() != reflect.Func {
			fields = append(fields, f)
		}
	}
	if len(fields) == 0 {
		return nil
	}
	name := t.Name()
	if name == "" {
		name = "struct"
	}
	s := types.NewStruct(name, b.newID())
	if b.structs == nil {
		b.structs = make(map[reflect.Type]*types.Type)
	}
	b.structs[t] = s // a field may refer to it
	for _, f := range fields {
		s.Struct.Fields = append(s.Struct.Fields, types.Field{Name: f.Name, Type: b.typeOf(f.Type)})
	}
	return s
}

func (b *bridge) opaque(t reflect.Type) *types.Type {
	if b.opaques[t] == nil {
		if b.opaques == nil {
			b.opaques = make(map[reflect.Type]*types.Type)
		}
		b.opaques[t] = &types.Type{Kind: types.KOpaque, Name: t.String(), ID: b.newID()}
	}
	return b.opaques[t]
}

// typeOfSample returns the type of a value that is given as a sample. A
// map[string]any is a struct with its keys as fields.
func (b *bridge) typeOfSample(name string, v reflect.Value) *types.Type {
	if !v.IsValid() {
		return types.Any // a nil
	}
	if v.Kind() == reflect.Interface {
		return b.typeOfSample(name, v.Elem())
	}
	m, ok := v.Interface().(map[string]any)
	if !ok {
		return b.typeOf(v.Type())
	}
	s := types.NewStruct(name, b.newID())
	for _, key := range slices.Sorted(maps.Keys(m)) {
		s.Struct.Fields = append(s.Struct.Fields, types.Field{Name: key, Type: b.typeOfSample(key, reflect.ValueOf(m[key]))})
	}
	return s
}

// environment lists the names of an environment, a map[string]any, a struct or a
// pointer to one, and finds their values.
func environment(env any) (names []string, get func(name string) (reflect.Value, bool), err error) {
	if m, ok := env.(map[string]any); ok {
		names = make([]string, 0, len(m))
		for name := range m {
			names = append(names, name)
		}
		slices.Sort(names)
		return names, func(name string) (reflect.Value, bool) {
			v, ok := m[name]
			return reflect.ValueOf(v), ok
		}, nil
	}
	v := reflect.ValueOf(env)
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	if env == nil || v.Kind() != reflect.Struct {
		if env == nil {
			return nil, func(string) (reflect.Value, bool) { return reflect.Value{}, false }, nil
		}
		if v.Kind() == reflect.Pointer && v.IsNil() {
			return nil, nil, fmt.Errorf("environment is a nil %T", env)
		}
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

var errType = errors.New("wrong type")

// in converts a Go value to one of type t, copying it.
func (b *bridge) in(t *types.Type, v reflect.Value) (value.Value, error) {
	for v.IsValid() && v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	t = t.Decided()
	if !v.IsValid() {
		if t.Kind == types.KAny || t.Kind == types.KOption {
			return value.Value{}, nil
		}
		return value.Value{}, fmt.Errorf("nil is no %v", t)
	}
	wrong := fmt.Errorf("%w: %v, not %v", errType, v.Type(), t)
	switch t.Kind {
	case types.KInt, types.KFloat, types.KBool, types.KString:
		return scalarIn(t, v, wrong)
	case types.KAny:
		return b.anyIn(v)
	case types.KOption:
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return value.Value{}, nil
			}
			v = v.Elem()
		}
		x, err := b.in(t.Elem, v)
		return value.Ref(value.Boxed(t.Elem, x)), err
	case types.KOpaque:
		if b.opaque(v.Type()) != t {
			return value.Value{}, wrong
		}
		return value.Ref(value.NewOpaque(v.Interface())), nil
	}
	switch k := v.Kind(); {
	case t.Kind == types.KList && (k == reflect.Slice || k == reflect.Array):
		return b.listIn(t.Elem, v)
	case t.Kind == types.KMap && k == reflect.Map:
		return b.mapIn(t, v)
	case t.Kind == types.KStruct && (k == reflect.Struct || k == reflect.Map):
		return b.structIn(t, v, wrong)
	}
	return value.Value{}, wrong
}

func scalarIn(t *types.Type, v reflect.Value, wrong error) (value.Value, error) {
	switch {
	case t.Kind == types.KBool && v.Kind() == reflect.Bool:
		return value.FromBool(v.Bool()), nil
	case t.Kind == types.KString && v.Kind() == reflect.String:
		return value.FromString(v.String()), nil
	case t.Kind == types.KFloat && v.CanFloat():
		return value.FromFloat(v.Float()), nil
	case t.Kind != types.KInt && t.Kind != types.KFloat:
		return value.Value{}, wrong
	}
	var n int64
	switch {
	case v.CanInt():
		n = v.Int()
	case v.CanUint() && v.Uint() > math.MaxInt64:
		return value.Value{}, fmt.Errorf("%d is above the largest int", v.Uint())
	case v.CanUint():
		n = int64(v.Uint())
	default:
		return value.Value{}, wrong
	}
	if t.Kind == types.KFloat {
		return value.FromFloat(float64(n)), nil
	}
	return value.FromInt(n), nil
}

func (b *bridge) listIn(elem *types.Type, v reflect.Value) (value.Value, error) {
	r := value.RepOf(elem)
	p := value.NewList(r, v.Len(), v.Len())
	for i := range v.Len() {
		x, err := b.in(elem, v.Index(i))
		if err != nil {
			return value.Value{}, fmt.Errorf("[%d]: %w", i, err)
		}
		value.Put(r, p, i, x)
	}
	return value.Ref(p), nil
}

// mapIn inserts the keys in their order, so that runs do not differ.
func (b *bridge) mapIn(t *types.Type, v reflect.Value) (value.Value, error) {
	p := value.NewMap(t.Key.Is(types.KString))
	keys := v.MapKeys()
	slices.SortFunc(keys, func(x, y reflect.Value) int { return compareKeys(x, y) })
	for _, key := range keys {
		k, err := b.in(t.Key, key)
		if err == nil {
			var x value.Value
			if x, err = b.in(t.Elem, v.MapIndex(key)); err == nil {
				p.Map().Set(k, x)
				continue
			}
		}
		return value.Value{}, fmt.Errorf("[%v]: %w", key, err)
	}
	return value.Ref(p), nil
}

func compareKeys(x, y reflect.Value) int {
	switch {
	case x.CanInt():
		return compare(x.Int(), y.Int())
	case x.CanUint():
		return compare(x.Uint(), y.Uint())
	case x.Kind() == reflect.Bool:
		if x.Bool() == y.Bool() {
			return 0
		}
		if y.Bool() {
			return -1
		}
		return 1
	}
	return compare(x.String(), y.String())
}

func (b *bridge) structIn(t *types.Type, v reflect.Value, wrong error) (value.Value, error) {
	get := func(name string) reflect.Value { return v.FieldByName(name) }
	if v.Kind() == reflect.Map {
		if v.Type().Key().Kind() != reflect.String {
			return value.Value{}, wrong
		}
		get = func(name string) reflect.Value { return v.MapIndex(reflect.ValueOf(name).Convert(v.Type().Key())) }
	} else if b.structOf(v.Type()) != t {
		return value.Value{}, wrong
	}
	words, refs := 0, 0
	for _, f := range t.Struct.Fields {
		if f.Type.IsWord() {
			words++
		} else {
			refs++
		}
	}
	p := value.NewStruct(words, refs)
	for i, f := range t.Struct.Fields {
		fv := get(f.Name)
		if !fv.IsValid() && v.Kind() == reflect.Map {
			return value.Value{}, fmt.Errorf("key %s is missing", f.Name)
		}
		x, err := b.in(f.Type, fv)
		if err != nil {
			return value.Value{}, fmt.Errorf(".%s: %w", f.Name, err)
		}
		if word, slot := value.Slot(t, i); word {
			p.Struct().N[slot] = x.N
		} else {
			p.Struct().P[slot] = x.P
		}
	}
	return value.Ref(p), nil
}

// anyIn converts a value whose type is known only now.
func (b *bridge) anyIn(v reflect.Value) (value.Value, error) {
	var t *types.Type
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return value.Value{}, nil
		}
		return b.anyIn(v.Elem())
	case reflect.Slice, reflect.Array:
		t = types.ListOf(types.Any)
	case reflect.Map:
		if v.Type().Key().Kind() == reflect.String {
			t = types.MapOf(types.String, types.Any)
		}
	default:
		if s := b.typeOf(v.Type()); s.IsWord() || s.Is(types.KString) {
			t = s
		}
	}
	if t == nil {
		return value.Value{}, fmt.Errorf("%w: a %v cannot be held by an any", errType, v.Type())
	}
	x, err := b.in(t, v)
	return value.Ref(value.Boxed(t, x)), err
}

// out converts a value of type t to a Go value of type g, copying it.
func (b *bridge) out(t *types.Type, v value.Value, g reflect.Type) (reflect.Value, error) {
	t = t.Decided()
	to := reflect.New(g).Elem()
	wrong := fmt.Errorf("%w: %v, not %v", errType, t, g)
	switch {
	case g.Kind() == reflect.Interface:
		x := anyOf(t, v)
		if x != nil {
			if !reflect.TypeOf(x).AssignableTo(g) {
				return to, wrong
			}
			to.Set(reflect.ValueOf(x))
		}
		return to, nil
	case t.Kind == types.KOption || t.Kind == types.KAny:
		return b.optionOut(t, v, to)
	case t.Kind == types.KInt && to.CanInt():
		if to.OverflowInt(v.Int()) {
			return to, fmt.Errorf("int out of range: %d", v.Int())
		}
		to.SetInt(v.Int())
	case t.Kind == types.KInt && to.CanUint():
		if v.Int() < 0 || to.OverflowUint(v.N) {
			return to, fmt.Errorf("int out of range: %d", v.Int())
		}
		to.SetUint(v.N)
	case t.Kind == types.KInt && to.CanFloat():
		to.SetFloat(float64(v.Int()))
	case t.Kind == types.KFloat && to.CanFloat():
		to.SetFloat(v.Float())
	case t.Kind == types.KBool && g.Kind() == reflect.Bool:
		to.SetBool(v.Bool())
	case t.Kind == types.KString && g.Kind() == reflect.String:
		to.SetString(v.Str())
	case t.Kind == types.KOpaque && reflect.TypeOf(v.P.Opaque()) == g:
		to.Set(reflect.ValueOf(v.P.Opaque()))
	case t.Kind == types.KList && (g.Kind() == reflect.Slice || g.Kind() == reflect.Array):
		return b.listOut(t, v, to)
	case t.Kind == types.KMap && g.Kind() == reflect.Map:
		return b.mapOut(t, v, to)
	case t.Kind == types.KStruct && g.Kind() == reflect.Struct:
		return b.structOut(t, v, to)
	default:
		return to, wrong
	}
	return to, nil
}

func (b *bridge) optionOut(t *types.Type, v value.Value, to reflect.Value) (reflect.Value, error) {
	if v.P == nil {
		switch to.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			return to, nil
		}
		return to, fmt.Errorf("nil is no %v", to.Type())
	}
	held := t.Unwrapped()
	if t.Kind == types.KAny {
		held = value.TypeOfAny(v.P)
	}
	g := to.Type()
	if g.Kind() != reflect.Pointer {
		return b.out(held, value.Unbox(held, v.P), g)
	}
	x, err := b.out(held, value.Unbox(held, v.P), g.Elem())
	if err == nil {
		to.Set(reflect.New(g.Elem()))
		to.Elem().Set(x)
	}
	return to, err
}

func (b *bridge) listOut(t *types.Type, v value.Value, to reflect.Value) (reflect.Value, error) {
	r := value.RepOf(t.Elem)
	n := value.Len(r, v.P)
	if to.Kind() == reflect.Slice {
		to.Set(reflect.MakeSlice(to.Type(), n, n))
	} else if to.Len() != n {
		return to, fmt.Errorf("%w: a list of %d, not %v", errType, n, to.Type())
	}
	for i := range n {
		x, err := b.out(t.Elem, value.At(r, v.P, i), to.Type().Elem())
		if err != nil {
			return to, fmt.Errorf("[%d]: %w", i, err)
		}
		to.Index(i).Set(x)
	}
	return to, nil
}

func (b *bridge) mapOut(t *types.Type, v value.Value, to reflect.Value) (reflect.Value, error) {
	to.Set(reflect.MakeMap(to.Type()))
	for k, e := range v.P.Map().All() {
		gk, err := b.out(t.Key, k, to.Type().Key())
		if err != nil {
			return to, err
		}
		ge, err := b.out(t.Elem, e, to.Type().Elem())
		if err != nil {
			return to, fmt.Errorf("[%v]: %w", gk, err)
		}
		to.SetMapIndex(gk, ge)
	}
	return to, nil
}

func (b *bridge) structOut(t *types.Type, v value.Value, to reflect.Value) (reflect.Value, error) {
	var at value.Fields
	for _, f := range t.Struct.Fields {
		x := at.Next(f.Type, v.P.Struct())
		field := to.FieldByName(f.Name)
		if !field.IsValid() || !field.CanSet() {
			continue // what the Go type does not have is left out
		}
		g, err := b.out(f.Type, x, field.Type())
		if err != nil {
			return to, fmt.Errorf(".%s: %w", f.Name, err)
		}
		field.Set(g)
	}
	return to, nil
}

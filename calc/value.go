package calc

import (
	"fmt"
	"iter"
	"reflect"

	"github.com/groundwork-go/groundwork/calc/internal/rt"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/internal/value"
)

// Kind is the kind of a [Value].
type Kind int

// The kinds of values. None is that of a program without a value.
const (
	None Kind = iota
	Nil
	Int
	Float
	Bool
	String
	List
	Map
	Struct
	Function
	Opaque // a Go value that the language only passes on
)

var kindNames = [...]string{"no value", "nil", "int", "float", "bool", "string", "list", "map", "struct", "func", "opaque"}

// String returns the name of the kind, "no value" for None.
func (k Kind) String() string { return kindNames[k] }

var kinds = map[types.Kind]Kind{
	types.KInt: Int, types.KFloat: Float, types.KBool: Bool, types.KString: String, types.KList: List,
	types.KMap: Map, types.KStruct: Struct, types.KFunc: Function, types.KOpaque: Opaque,
}

// A Value is what a program or a function gave. The zero Value has kind None. What
// an option or an any holds is the Value itself, or one of kind Nil. A Value does
// not change, and may be read by any number of goroutines.
type Value struct {
	t *types.Type
	v value.Value
}

// newValue unwraps options and anys.
func newValue(t *types.Type, v value.Value) Value {
	t = t.Decided()
	switch t.Kind {
	case types.KNone, types.KNever:
		return Value{}
	case types.KOption, types.KAny:
		if v.P == nil {
			return Value{t, v}
		}
		held := t.Unwrapped()
		if t.Kind == types.KAny {
			held = value.TypeOfAny(v.P)
		}
		return newValue(held, value.Unbox(held, v.P))
	}
	return Value{t, v}
}

// boxed undoes what newValue has done to a value of type t.
func (v Value) boxed(t *types.Type) value.Value {
	t = t.Decided()
	if (t.Kind == types.KOption || t.Kind == types.KAny) && v.Kind() != Nil && v.Kind() != None {
		return value.Ref(value.Boxed(v.t, v.v))
	}
	return v.v
}

// Kind returns the kind of v.
func (v Value) Kind() Kind {
	if v.t == nil {
		return None
	}
	if k, ok := kinds[v.t.Kind]; ok {
		return k
	}
	return Nil
}

// Type returns the type of v as the language writes it, such as "[]int"; "" for
// None.
func (v Value) Type() string {
	if v.t == nil {
		return ""
	}
	return v.t.String()
}

// Int returns an int value, and 0 for other kinds.
func (v Value) Int() int64 {
	if v.Kind() == Int {
		return v.v.Int()
	}
	return 0
}

// Float returns a float value, an int converted, and 0 for other kinds.
func (v Value) Float() float64 {
	switch v.Kind() {
	case Float:
		return v.v.Float()
	case Int:
		return float64(v.v.Int())
	}
	return 0
}

// Bool returns a bool value, and false for other kinds.
func (v Value) Bool() bool { return v.Kind() == Bool && v.v.Bool() }

// Str returns a string value, and "" for other kinds. See [Value.String] for the
// text of any value.
func (v Value) Str() string {
	if v.Kind() == String {
		return v.v.Str()
	}
	return ""
}

// Len returns the number of elements of a list or map, of fields of a struct, of
// bytes of a string, and 0 for other kinds.
func (v Value) Len() int {
	switch v.Kind() {
	case String:
		return len(v.v.Str())
	case List:
		return value.Len(value.RepOf(v.t.Elem), v.v.P)
	case Map:
		return v.v.P.Map().Len()
	case Struct:
		return len(v.t.Struct.Fields)
	}
	return 0
}

// Index returns an element of a list. It panics if v is no list or i is out of
// range.
func (v Value) Index(i int) Value {
	if v.Kind() != List {
		panic(fmt.Sprintf("calc: Index of a %v", v.Kind()))
	}
	return newValue(v.t.Elem, value.At(value.RepOf(v.t.Elem), v.v.P, i))
}

// All yields indices and elements of a list, keys and values of a map, and names
// and values of a struct's fields, in their order, and nothing for other kinds.
func (v Value) All() iter.Seq2[Value, Value] {
	return func(yield func(k, v Value) bool) {
		switch v.Kind() {
		case List:
			for i := range v.Len() {
				if !yield(Value{types.Int, value.FromInt(int64(i))}, v.Index(i)) {
					return
				}
			}
		case Map:
			for k, e := range v.v.P.Map().All() {
				if !yield(newValue(v.t.Key, k), newValue(v.t.Elem, e)) {
					return
				}
			}
		case Struct:
			var at value.Fields
			for _, f := range v.t.Struct.Fields {
				if !yield(Value{types.String, value.FromString(f.Name)}, newValue(f.Type, at.Next(f.Type, v.v.P.Struct()))) {
					return
				}
			}
		}
	}
}

// Any returns a copy of v: an int64, float64, bool, string, []any, a map[string]any,
// map[int64]any or map[bool]any, a map[string]any of a struct's fields, the Go value
// that an opaque one is, or nil. A value that refers to itself has nil there.
func (v Value) Any() any {
	if v.t == nil {
		return nil
	}
	return anyOf(v.t, v.v)
}

// Decode stores a copy of v in what dst, a non-nil pointer, points to. Ints go to
// any integer or float that can hold them, structs to structs with fields of the
// same names, nil to pointers, slices and maps.
func (v Value) Decode(dst any) error {
	p := reflect.ValueOf(dst)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return fmt.Errorf("calc: Decode into a %T, not a pointer", dst)
	}
	if v.t == nil {
		return fmt.Errorf("calc: Decode of no value")
	}
	x, err := newBridge().out(v.t, v.v, p.Type().Elem())
	if err != nil {
		return fmt.Errorf("calc: Decode: %w", err)
	}
	p.Elem().Set(x)
	return nil
}

// maxText bounds the text of a value that is shown outside of programs.
const maxText = 64 << 20

// String returns the text that print writes, "" for None. A text of more than 64
// MiB is cut.
func (v Value) String() string {
	if v.t == nil {
		return ""
	}
	s, err := value.Text(v.t, v.v, maxText)
	if err != nil {
		return s + "..."
	}
	return s
}

// anyOf returns a copy of a value.
func anyOf(t *types.Type, v value.Value) any { return copier{}.any(t, v) }

// copier copies values that may refer to themselves: open holds those around the
// one that is copied.
type copier struct{ open map[*value.Obj]bool }

func (c copier) any(t *types.Type, v value.Value) any {
	v2 := newValue(t, v)
	if v2.t == nil || v2.Kind() == Nil {
		return nil
	}
	switch v2.Kind() {
	case Int:
		return v2.Int()
	case Float:
		return v2.Float()
	case Bool:
		return v2.Bool()
	case String:
		return v2.Str()
	case Opaque:
		return v2.v.P.Opaque()
	case Function:
		return nil
	}
	p := v2.v.P
	if c.open[p] || len(c.open) > value.MaxNesting {
		return nil
	}
	if c.open == nil {
		c.open = make(map[*value.Obj]bool)
	}
	c.open[p] = true
	defer delete(c.open, p)
	return c.object(v2)
}

func (c copier) object(v Value) any {
	switch {
	case v.Kind() == List:
		r := value.RepOf(v.t.Elem)
		list := make([]any, v.Len())
		for i := range list {
			list[i] = c.any(v.t.Elem, value.At(r, v.v.P, i))
		}
		return list
	case v.Kind() == Struct:
		m := make(map[string]any)
		var at value.Fields
		for _, f := range v.t.Struct.Fields {
			m[f.Name] = c.any(f.Type, at.Next(f.Type, v.v.P.Struct()))
		}
		return m
	case v.t.Key.Is(types.KString):
		return copyMap(c, v, value.Value.Str)
	case v.t.Key.Is(types.KInt):
		return copyMap(c, v, value.Value.Int)
	}
	return copyMap(c, v, value.Value.Bool)
}

func copyMap[K comparable](c copier, v Value, key func(value.Value) K) map[K]any {
	m := make(map[K]any, v.Len())
	for k, e := range v.v.P.Map().All() {
		m[key(k)] = c.any(v.t.Elem, e)
	}
	return m
}

// sizeOf returns the bytes that a value refers to.
func sizeOf(v value.Value) int64 {
	var m rt.Meter
	m.AddAll([]value.Value{v})
	return m.Bytes
}

// Package types holds the static types of calc programs and the rules by which
// they fit each other. It knows neither nodes nor values.
package types

import (
	"strconv"
	"strings"
)

// Kind is the kind of a [Type].
type Kind uint8

// The kinds. Those before KInt are not types of values.
const (
	KInvalid Kind = iota // an error was reported; fits everything
	KUnknown             // a result that is still being inferred
	KNone                // no value
	KNever               // control does not come here; fits everything
	KInt
	KFloat
	KBool
	KString
	KList
	KMap
	KOption
	KFunc
	KStruct
	KAny
	KOpaque
	KOpen    // not decided yet
	KPending // a lambda that waits for its first call
)

// A Type is the static type of an expression. Types are compared by [Identical].
type Type struct {
	Kind   Kind
	Elem   *Type // of a list, map or option; of an open or pending type what it was decided to be, or nil
	Key    *Type // of a map
	Params []*Type
	Result *Type // of a function; None if it gives no value
	Struct *Struct
	Name   string // of an opaque type: the Go type's
	Lambda any    // of a pending one: what the checker knows of it
	ID     int    // of an open, pending or opaque one
}

// A Struct is a declared struct type.
type Struct struct {
	Name   string
	ID     int // unique in a program
	Fields []Field
}

// A Field is a field of a struct.
type Field struct {
	Name string
	Type *Type
}

// The types without parts.
var (
	Invalid = &Type{Kind: KInvalid}
	Unknown = &Type{Kind: KUnknown}
	None    = &Type{Kind: KNone}
	Never   = &Type{Kind: KNever}
	Int     = &Type{Kind: KInt}
	Float   = &Type{Kind: KFloat}
	Bool    = &Type{Kind: KBool}
	String  = &Type{Kind: KString}
	Any     = &Type{Kind: KAny}
)

var basicNames = [...]string{
	KInvalid: "invalid", KUnknown: "unknown", KNone: "no value", KNever: "never",
	KInt: "int", KFloat: "float", KBool: "bool", KString: "string", KAny: "any",
}

// ListOf returns []elem.
func ListOf(elem *Type) *Type { return &Type{Kind: KList, Elem: elem} }

// MapOf returns map[key]elem.
func MapOf(key, elem *Type) *Type { return &Type{Kind: KMap, Key: key, Elem: elem} }

// OptionOf returns elem?. Options do not nest, and any? is any.
func OptionOf(elem *Type) *Type {
	if e := elem.Decided(); e.Kind == KOption || e.Kind == KAny {
		return e
	}
	return &Type{Kind: KOption, Elem: elem}
}

// FuncOf returns func(params) result.
func FuncOf(params []*Type, result *Type) *Type {
	return &Type{Kind: KFunc, Params: params, Result: result}
}

// NewStruct returns a new struct type.
func NewStruct(name string, id int) *Type {
	return &Type{Kind: KStruct, Struct: &Struct{Name: name, ID: id}}
}

// NewOpen returns a type that has to be decided.
func NewOpen(id int) *Type { return &Type{Kind: KOpen, ID: id} }

// Decided follows what an open type was decided to be.
func (t *Type) Decided() *Type {
	for (t.Kind == KOpen || t.Kind == KPending) && t.Elem != nil {
		t = t.Elem
	}
	if t.Kind == KOption { // T?? is T?
		if e := t.Elem.Decided(); e.Kind == KOption || e.Kind == KAny {
			return e
		}
	}
	return t
}

// Is tells whether t is of a kind.
func (t *Type) Is(k Kind) bool { return t.Decided().Kind == k }

// IsValue tells whether values of type t exist.
func (t *Type) IsValue() bool { return t.Decided().Kind >= KInt }

// IsNumber tells whether t is int or float.
func (t *Type) IsNumber() bool {
	k := t.Decided().Kind
	return k == KInt || k == KFloat
}

// IsWord tells whether values of type t are one word and no reference: int, float
// or bool.
func (t *Type) IsWord() bool {
	switch t.Decided().Kind {
	case KInt, KFloat, KBool:
		return true
	}
	return false
}

// IsOpen tells whether t or a part of it is undecided.
func (t *Type) IsOpen() bool {
	t = t.Decided()
	switch t.Kind {
	case KOpen, KPending:
		return true
	case KList, KOption:
		return t.Elem.IsOpen()
	case KMap:
		return t.Key.IsOpen() || t.Elem.IsOpen()
	case KFunc:
		for _, p := range t.Params {
			if p.IsOpen() {
				return true
			}
		}
		return t.Result.IsOpen()
	}
	return false
}

// HasZero tells whether t has a zero value.
func (t *Type) HasZero() bool {
	switch t.Decided().Kind {
	case KInt, KFloat, KBool, KString, KList, KMap, KOption, KAny:
		return true
	}
	return false
}

// Comparable tells whether == applies to values of type t.
func (t *Type) Comparable() bool { return t.comparable(nil) }

func (t *Type) comparable(seen []*Struct) bool {
	t = t.Decided()
	switch t.Kind {
	case KFunc, KPending:
		return false
	case KList, KMap, KOption:
		return t.Elem.comparable(seen)
	case KStruct:
		for _, s := range seen {
			if s == t.Struct {
				return true
			}
		}
		seen = append(seen, t.Struct)
		for _, f := range t.Struct.Fields {
			if !f.Type.comparable(seen) {
				return false
			}
		}
	}
	return true
}

// Field returns a field of a struct type and its index, or -1.
func (t *Type) Field(name string) (*Type, int) {
	if t = t.Decided(); t.Kind == KStruct {
		for i, f := range t.Struct.Fields {
			if f.Name == name {
				return f.Type, i
			}
		}
	}
	return nil, -1
}

// String returns the type as the language writes it; _ stands for what is open.
func (t *Type) String() string {
	var b strings.Builder
	t.write(&b, false)
	return b.String()
}

// Identity returns a text that differs for types that are not identical.
func (t *Type) Identity() string {
	var b strings.Builder
	t.write(&b, true)
	return b.String()
}

func (t *Type) write(b *strings.Builder, identity bool) {
	t = t.Decided()
	switch t.Kind {
	case KList:
		b.WriteString("[]")
		t.Elem.write(b, identity)
	case KMap:
		b.WriteString("map[")
		t.Key.write(b, identity)
		b.WriteByte(']')
		t.Elem.write(b, identity)
	case KOption:
		if e := t.Elem.Decided().Kind; e == KList || e == KMap || e == KFunc {
			b.WriteByte('(')
			t.Elem.write(b, identity)
			b.WriteString(")?")
			return
		}
		t.Elem.write(b, identity)
		b.WriteByte('?')
	case KFunc:
		b.WriteString("func(")
		for i, p := range t.Params {
			if i > 0 {
				b.WriteString(", ")
			}
			p.write(b, identity)
		}
		b.WriteByte(')')
		if !t.Result.Is(KNone) {
			b.WriteByte(' ')
			t.Result.write(b, identity)
		}
	case KStruct:
		b.WriteString(t.Struct.Name)
		if identity {
			b.WriteByte('#')
			b.WriteString(strconv.Itoa(t.Struct.ID))
		}
	case KOpaque:
		b.WriteString(t.Name)
		if identity {
			b.WriteByte('#')
			b.WriteString(strconv.Itoa(t.ID))
		}
	case KOpen, KPending:
		if t.Kind == KPending {
			b.WriteString("func")
		} else {
			b.WriteByte('_')
		}
		if identity {
			b.WriteString(strconv.Itoa(t.ID))
		}
	default:
		b.WriteString(basicNames[t.Kind])
	}
}

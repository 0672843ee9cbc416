// Package value is what calc programs compute with on the portable engines: words,
// and references to objects. It knows types only where text or equality needs them.
//
// A value is one word (an int, the bits of a float, a bool) or one reference (all
// other types); which of the two is known statically. nil is the nil reference,
// so a T? of a word type is a reference to a box. Every object begins with its
// kind, which tells what a value of type any holds.
package value

import (
	"math"
	"unsafe"
)

// Kind is the kind of an object.
type Kind uint8

// The kinds of objects.
const (
	KStr Kind = iota + 1
	KBoxInt
	KBoxFloat
	KBoxBool
	KWords
	KBytes
	KRefs
	KMap
	KStruct
	KClosure
	KCell
	KOpaque
)

// Obj is the head of every object.
type Obj struct{ Kind Kind }

// The objects.
type (
	// Str is a string.
	Str struct {
		Obj
		S string
	}

	// Box is a word as an object: of a T?, or in an any.
	Box struct {
		Obj
		N uint64
	}

	// Words is a list of ints or floats.
	Words struct {
		Obj
		A []uint64
	}

	// Bytes is a list of bools.
	Bytes struct {
		Obj
		A []byte
	}

	// Refs is a list of anything else.
	Refs struct {
		Obj
		A []*Obj
	}

	// Struct is a struct: its words and its references, each in the order of
	// the fields.
	Struct struct {
		Obj
		N []uint64
		P []*Obj
	}

	// Closure is a function value: the function's number, and what it captures.
	Closure struct {
		Obj
		Func int
		Env  []Value
	}

	// Cell is a variable that a closure shares.
	Cell struct {
		Obj
		V Value
	}

	// Opaque is a value of the host.
	Opaque struct {
		Obj
		V any
	}
)

// A Value is a word or a reference, whichever its static type says.
type Value struct {
	N uint64
	P *Obj
}

// The casts below rely on each object beginning with its Obj, and on the static
// type of a value naming its object's.

// Str returns the string at p.
func (p *Obj) Str() string { return (*Str)(unsafe.Pointer(p)).S }

// Box returns the box at p.
func (p *Obj) Box() *Box { return (*Box)(unsafe.Pointer(p)) }

// Words returns the list at p.
func (p *Obj) Words() *Words { return (*Words)(unsafe.Pointer(p)) }

// Bytes returns the list at p.
func (p *Obj) Bytes() *Bytes { return (*Bytes)(unsafe.Pointer(p)) }

// Refs returns the list at p.
func (p *Obj) Refs() *Refs { return (*Refs)(unsafe.Pointer(p)) }

// Map returns the map at p.
func (p *Obj) Map() *Map { return (*Map)(unsafe.Pointer(p)) }

// Struct returns the struct at p.
func (p *Obj) Struct() *Struct { return (*Struct)(unsafe.Pointer(p)) }

// Closure returns the closure at p.
func (p *Obj) Closure() *Closure { return (*Closure)(unsafe.Pointer(p)) }

// Cell returns the cell at p.
func (p *Obj) Cell() *Cell { return (*Cell)(unsafe.Pointer(p)) }

// Opaque returns the host's value at p.
func (p *Obj) Opaque() any { return (*Opaque)(unsafe.Pointer(p)).V }

// NewStr returns a string object.
func NewStr(s string) *Obj { return &(&Str{Obj{KStr}, s}).Obj }

// NewBox returns a box of the given kind.
func NewBox(k Kind, n uint64) *Obj { return &(&Box{Obj{k}, n}).Obj }

// NewWords returns a list that takes over a.
func NewWords(a []uint64) *Obj { return &(&Words{Obj{KWords}, a}).Obj }

// NewBytes returns a list that takes over a.
func NewBytes(a []byte) *Obj { return &(&Bytes{Obj{KBytes}, a}).Obj }

// NewRefs returns a list that takes over a.
func NewRefs(a []*Obj) *Obj { return &(&Refs{Obj{KRefs}, a}).Obj }

// NewStruct returns a struct with room for words and references.
func NewStruct(words, refs int) *Obj {
	s := &Struct{Obj: Obj{KStruct}}
	if words > 0 {
		s.N = make([]uint64, words)
	}
	if refs > 0 {
		s.P = make([]*Obj, refs)
	}
	return &s.Obj
}

// NewClosure returns a function value that takes over env.
func NewClosure(f int, env []Value) *Obj { return &(&Closure{Obj{KClosure}, f, env}).Obj }

// NewCell returns a variable.
func NewCell(v Value) *Obj { return &(&Cell{Obj{KCell}, v}).Obj }

// NewOpaque returns an object that holds a value of the host.
func NewOpaque(v any) *Obj { return &(&Opaque{Obj{KOpaque}, v}).Obj }

// FromInt returns an int.
func FromInt(n int64) Value { return Value{N: uint64(n)} }

// FromFloat returns a float.
func FromFloat(f float64) Value { return Value{N: math.Float64bits(f)} }

// FromBool returns a bool.
func FromBool(b bool) Value {
	if b {
		return Value{N: 1}
	}
	return Value{}
}

// FromString returns a string.
func FromString(s string) Value { return Value{P: NewStr(s)} }

// Ref returns a reference.
func Ref(p *Obj) Value { return Value{P: p} }

// Int returns v as an int.
func (v Value) Int() int64 { return int64(v.N) }

// Float returns v as a float.
func (v Value) Float() float64 { return math.Float64frombits(v.N) }

// Bool returns v as a bool.
func (v Value) Bool() bool { return v.N != 0 }

// Str returns v as a string.
func (v Value) Str() string { return v.P.Str() }

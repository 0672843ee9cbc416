package calc

import "github.com/groundwork-go/groundwork/calc/internal/value"

// Kind is the kind of a [Value].
type Kind int

// The kinds of values. None is that of a program without a value.
const (
	None Kind = iota
	Int
	Float
	Bool
	String
)

// String returns the name of the kind in the language, "no value" for None.
func (k Kind) String() string { return k.typ().String() }

func (k Kind) typ() value.Type {
	switch k {
	case Int:
		return value.Int
	case Float:
		return value.Float
	case Bool:
		return value.Bool
	case String:
		return value.String
	}
	return value.None
}

func kindOf(t value.Type) Kind {
	for k := Int; k <= String; k++ {
		if k.typ() == t {
			return k
		}
	}
	return None
}

// A Value is the result of a program. The zero Value has kind None.
type Value struct {
	kind Kind
	v    value.Value
}

// Kind returns the kind of v.
func (v Value) Kind() Kind { return v.kind }

// Int returns an int value, and 0 for other kinds.
func (v Value) Int() int64 {
	if v.kind == Int {
		return v.v.Int()
	}
	return 0
}

// Float returns a float value, an int converted, and 0 for other kinds.
func (v Value) Float() float64 {
	switch v.kind {
	case Float:
		return v.v.Float()
	case Int:
		return float64(v.v.Int())
	}
	return 0
}

// Bool returns a bool value, and false for other kinds.
func (v Value) Bool() bool { return v.kind == Bool && v.v.Bool() }

// Str returns a string value, and "" for other kinds. See [Value.String] for the
// text of any value.
func (v Value) Str() string { return v.v.Str() }

// Any returns an int64, float64, bool or string, or nil.
func (v Value) Any() any {
	switch v.kind {
	case Int:
		return v.Int()
	case Float:
		return v.Float()
	case Bool:
		return v.Bool()
	case String:
		return v.Str()
	}
	return nil
}

// String returns the text that print writes, "" for None.
func (v Value) String() string {
	if v.kind == None {
		return ""
	}
	return value.Text(v.kind.typ(), v.v)
}

// Package value is what calc programs compute with: types, values, and their
// text. It knows no syntax.
package value

import (
	"math"
	"strconv"
	"strings"
)

// A Type is the static type of an expression.
type Type uint8

// The types. The first four are not types of values.
const (
	Invalid Type = iota // an error was reported; fits everything
	Unknown             // a result that is still being inferred
	None                // no value
	Never               // control does not come here; fits everything
	Int
	Float
	Bool
	String
)

var names = [...]string{"invalid", "unknown", "no value", "never", "int", "float", "bool", "string"}

// String returns the type's name in the language.
func (t Type) String() string { return names[t] }

// IsValue tells whether values of type t exist.
func (t Type) IsValue() bool { return t >= Int }

// Named returns the type of that name, or Invalid.
func Named(name string) Type {
	for t := Int; t <= String; t++ {
		if names[t] == name {
			return t
		}
	}
	return Invalid
}

// Join returns the type that both a and b convert to, or Invalid.
func Join(a, b Type) Type {
	switch {
	case a == b, b == Never:
		return a
	case a == Never:
		return b
	case a == Int && b == Float, a == Float && b == Int:
		return Float
	}
	return Invalid
}

// A Value is a value without its type, which is known statically: the bits of an
// int, float or bool, or a string.
type Value struct {
	bits uint64
	str  string
}

// FromInt returns an int.
func FromInt(n int64) Value { return Value{bits: uint64(n)} }

// FromFloat returns a float.
func FromFloat(f float64) Value { return Value{bits: math.Float64bits(f)} }

// FromBool returns a bool.
func FromBool(b bool) Value {
	if b {
		return Value{bits: 1}
	}
	return Value{}
}

// FromString returns a string.
func FromString(s string) Value { return Value{str: s} }

// Int returns v as an int.
func (v Value) Int() int64 { return int64(v.bits) }

// Float returns v as a float.
func (v Value) Float() float64 { return math.Float64frombits(v.bits) }

// Bool returns v as a bool.
func (v Value) Bool() bool { return v.bits != 0 }

// Str returns v as a string.
func (v Value) Str() string { return v.str }

// Text returns what print writes for a value of type t (section 6 of the
// reference).
func Text(t Type, v Value) string {
	switch t {
	case Int:
		return strconv.FormatInt(v.Int(), 10)
	case Float:
		return FloatText(v.Float())
	case Bool:
		return strconv.FormatBool(v.Bool())
	}
	return v.str
}

// FloatText returns the shortest text that reads back as f, in plain decimals
// where 1e-6 <= |f| < 1e21.
func FloatText(f float64) string {
	switch abs := math.Abs(f); {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 0):
		if f > 0 {
			return "+Inf"
		}
		return "-Inf"
	case f != 0 && (abs < 1e-6 || abs >= 1e21):
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// Quote returns s as a literal of the language would be written.
func Quote(s string) string {
	return `"` + strings.NewReplacer(`"`, `\"`, `\`, `\\`, "\n", `\n`, "\t", `\t`, "\r", `\r`).Replace(s) + `"`
}

package calc

import (
	"reflect"
	"unsafe"
)

// word is what a direct function computes with.
type word interface{ int64 | float64 | bool }

// bits returns a value as the engines have it.
func bits[T word](x T) uint64 {
	if unsafe.Sizeof(x) == 1 {
		return uint64(*(*byte)(unsafe.Pointer(&x)))
	}
	return *(*uint64)(unsafe.Pointer(&x))
}

func fromBits[T word](n uint64) T {
	return *(*T)(unsafe.Pointer(&n)) // a bool is its low byte, which comes first
}

// direct returns the function as a func of the types of its parameters and result,
// or nil if that would have to go through package reflect. Each combination of
// types is a Go function of its own, so that no call makes an interface value.
func (e *expression) direct() any {
	if e.fails || e.result == nil || len(e.params) > 4 || len(e.params) == 0 || !isWordType(e.result) || littleEndian() != 1 {
		return nil
	}
	for _, p := range e.params {
		if !isWordType(p) {
			return nil
		}
	}
	switch e.params[0].Kind() {
	case reflect.Int64:
		return direct1[int64](e)
	case reflect.Float64:
		return direct1[float64](e)
	}
	return direct1[bool](e)
}

func isWordType(t reflect.Type) bool {
	return t == reflect.TypeFor[int64]() || t == reflect.TypeFor[float64]() || t == reflect.TypeFor[bool]()
}

// littleEndian returns 1 where the low byte of a word comes first.
func littleEndian() byte {
	n := uint16(1)
	return *(*byte)(unsafe.Pointer(&n))
}

func direct1[A word](e *expression) any {
	if len(e.params) == 1 {
		switch e.result.Kind() {
		case reflect.Int64:
			return func1[A, int64](e)
		case reflect.Float64:
			return func1[A, float64](e)
		}
		return func1[A, bool](e)
	}
	switch e.params[1].Kind() {
	case reflect.Int64:
		return direct2[A, int64](e)
	case reflect.Float64:
		return direct2[A, float64](e)
	}
	return direct2[A, bool](e)
}

func direct2[A, B word](e *expression) any {
	if len(e.params) == 2 {
		switch e.result.Kind() {
		case reflect.Int64:
			return func2[A, B, int64](e)
		case reflect.Float64:
			return func2[A, B, float64](e)
		}
		return func2[A, B, bool](e)
	}
	switch e.params[2].Kind() {
	case reflect.Int64:
		return direct3[A, B, int64](e)
	case reflect.Float64:
		return direct3[A, B, float64](e)
	}
	return direct3[A, B, bool](e)
}

func direct3[A, B, C word](e *expression) any {
	if len(e.params) == 3 {
		switch e.result.Kind() {
		case reflect.Int64:
			return func3[A, B, C, int64](e)
		case reflect.Float64:
			return func3[A, B, C, float64](e)
		}
		return func3[A, B, C, bool](e)
	}
	switch e.params[3].Kind() {
	case reflect.Int64:
		return direct4[A, B, C, int64](e)
	case reflect.Float64:
		return direct4[A, B, C, float64](e)
	}
	return direct4[A, B, C, bool](e)
}

func direct4[A, B, C, D word](e *expression) any {
	switch e.result.Kind() {
	case reflect.Int64:
		return func4[A, B, C, D, int64](e)
	case reflect.Float64:
		return func4[A, B, C, D, float64](e)
	}
	return func4[A, B, C, D, bool](e)
}

func func1[A, R word](e *expression) any {
	return func(a A) R {
		args := [4]uint64{bits(a)}
		return fromBits[R](e.call(&args))
	}
}

func func2[A, B, R word](e *expression) any {
	return func(a A, b B) R {
		args := [4]uint64{bits(a), bits(b)}
		return fromBits[R](e.call(&args))
	}
}

func func3[A, B, C, R word](e *expression) any {
	return func(a A, b B, c C) R {
		args := [4]uint64{bits(a), bits(b), bits(c)}
		return fromBits[R](e.call(&args))
	}
}

func func4[A, B, C, D, R word](e *expression) any {
	return func(a A, b B, c C, d D) R {
		args := [4]uint64{bits(a), bits(b), bits(c), bits(d)}
		return fromBits[R](e.call(&args))
	}
}

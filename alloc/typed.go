package alloc

import (
	"fmt"
	"math"
	"reflect"
	"unsafe"
)

// New returns a zeroed T on the heap. The errors wrap [ErrPointers] if T has Go
// pointers, [ErrNoMemory] and [ErrClosed].
func New[T any](h *Heap) (*T, error) {
	var zero T
	if err := h.CheckType(reflect.TypeFor[T]()); err != nil {
		return nil, err
	}
	p := h.Alloc(max(int(unsafe.Sizeof(zero)), 1))
	if p == nil {
		return nil, h.noMemory(int(unsafe.Sizeof(zero)))
	}
	v := (*T)(p)
	*v = zero
	return v, nil
}

// Delete frees a value that [New] returned; its errors are those of [Heap.Free].
func Delete[T any](h *Heap, v *T) error { return h.Free(unsafe.Pointer(v)) }

// MakeSlice returns a zeroed slice on the heap. Do not append beyond its capacity:
// append would move it to Go's heap. Besides the errors of [New] there is
// [ErrSize], if length and capacity are negative, the wrong way round or too large.
func MakeSlice[T any](h *Heap, length, capacity int) ([]T, error) {
	if err := h.CheckType(reflect.TypeFor[T]()); err != nil {
		return nil, err
	}
	var zero T
	size := int(unsafe.Sizeof(zero))
	if length < 0 || capacity < length || size > 0 && capacity > math.MaxInt/2/size {
		return nil, fmt.Errorf("%w: slice of length %d and capacity %d of %d bytes each", ErrSize, length, capacity, size)
	}
	if size*capacity == 0 {
		return make([]T, length, capacity), nil
	}
	p := h.Calloc(size * capacity)
	if p == nil {
		return nil, h.noMemory(size * capacity)
	}
	return unsafe.Slice((*T)(p), capacity)[:length], nil
}

// DeleteSlice frees a slice that [MakeSlice] returned, or one that starts where it
// does. A slice without memory is ignored.
func DeleteSlice[T any](h *Heap, s []T) error {
	var zero T
	if cap(s) == 0 || unsafe.Sizeof(zero) == 0 {
		return nil
	}
	return h.Free(unsafe.Pointer(unsafe.SliceData(s)))
}

func (h *Heap) noMemory(n int) error {
	if h.closed.Load() {
		return ErrClosed
	}
	return fmt.Errorf("%w: %d bytes", ErrNoMemory, n)
}

// CheckType returns an error that wraps [ErrPointers] and names the field if values
// of the type hold Go pointers, which must not be stored outside of Go's heap.
func (h *Heap) CheckType(t reflect.Type) error {
	if known, ok := h.types.Load(t); ok {
		err, _ := known.(error) // nil where the type is fine
		return err
	}
	err := CheckPointers(t)
	h.types.Store(t, err)
	return err
}

// CheckPointers returns an error that wraps [ErrPointers] and names the field if
// values of the type hold Go pointers.
func CheckPointers(t reflect.Type) error {
	path, found := pointerIn(t)
	if found == nil {
		return nil
	}
	return fmt.Errorf("%w: %s%s is a %s", ErrPointers, t, path, found)
}

// pointerIn returns the first place in t where a pointer is, and its type.
func pointerIn(t reflect.Type) (string, reflect.Type) {
	switch t.Kind() {
	case reflect.Array:
		if t.Len() == 0 {
			return "", nil
		}
		path, found := pointerIn(t.Elem())
		return "[0]" + path, found
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			if path, found := pointerIn(f.Type); found != nil {
				return "." + f.Name + path, found
			}
		}
		return "", nil
	case reflect.Pointer, reflect.UnsafePointer, reflect.Map, reflect.Chan, reflect.Func, reflect.Interface, reflect.Slice, reflect.String:
		return "", t
	}
	return "", nil
}

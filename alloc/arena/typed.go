package arena

import (
	"fmt"
	"math"
	"reflect"
	"unsafe"

	"github.com/groundwork-go/groundwork/alloc"
)

// New returns a zeroed T. The errors wrap [alloc.ErrPointers] if T has Go pointers,
// and [alloc.ErrNoMemory], or are [alloc.ErrClosed].
//
//go:nosplit
func New[T any](a *Arena) (*T, error) {
	// BenchmarkNew shows that this pays: sizes are constants, and only one of the cases is
	// compiled. There is no copy of a T on the stack: without a split it may not grow.
	const mask = align - 1
	size := (unsafe.Sizeof(*new(T)) + mask) &^ mask
	u := a.next
	if _, same := a.kind.(*T); !same || size == 0 || u+size > a.end { // size 0 is not for here: there may be no chunk
		return newSlow[T](a)
	}
	if checked || size > 64 { // to checkptr, addresses in Go's heap are not for computing
		return newLarge[T](a)
	}
	// The chunk stays alive though u is a number, and a may not be used any more: nothing
	// is called, and where a goroutine is stopped without a call, the collector takes all
	// numbers for pointers.
	a.next = u + size
	p := unsafe.Add(nil, u)
	switch size {
	case 8:
		*(*[1]uint64)(p) = [1]uint64{}
	case 16:
		*(*[2]uint64)(p) = [2]uint64{}
	case 24:
		*(*[3]uint64)(p) = [3]uint64{}
	case 32:
		*(*[4]uint64)(p) = [4]uint64{}
	case 40:
		*(*[5]uint64)(p) = [5]uint64{}
	case 48:
		*(*[6]uint64)(p) = [6]uint64{}
	case 56:
		*(*[7]uint64)(p) = [7]uint64{}
	case 64:
		*(*[8]uint64)(p) = [8]uint64{}
	}
	return (*T)(p), nil
}

// newLarge is New where a T is known to fit.
//
//go:noinline
func newLarge[T any](a *Arena) (*T, error) {
	p, err := a.take(int(unsafe.Sizeof(*new(T))))
	if err != nil {
		return nil, err
	}
	clear(unsafe.Slice((*byte)(p), unsafe.Sizeof(*new(T))))
	return (*T)(p), nil
}

//go:noinline
func newSlow[T any](a *Arena) (*T, error) {
	s, err := MakeSlice[T](a, 1, 1)
	return unsafe.SliceData(s), err
}

// check returns an error if T has Go pointers.
func check[T any](a *Arena) error {
	if _, same := a.kind.(*T); !same {
		if err := alloc.CheckPointers(reflect.TypeFor[T]()); err != nil {
			return err
		}
		a.kind = (*T)(nil)
	}
	return nil
}

// MakeSlice returns a zeroed slice. Besides the errors of [New] there is
// [alloc.ErrSize], if length and capacity are negative, the wrong way round or too
// large.
func MakeSlice[T any](a *Arena, length, capacity int) ([]T, error) {
	s, err := makeSlice[T](a, length, capacity)
	if err != nil {
		return nil, err
	}
	clear(s[:capacity])
	return s, nil
}

// makeSlice is MakeSlice that does not zero.
func makeSlice[T any](a *Arena, length, capacity int) ([]T, error) {
	if err := check[T](a); err != nil {
		return nil, err
	}
	size := int(unsafe.Sizeof(*new(T)))
	if length < 0 || capacity < length || size > 0 && capacity > math.MaxInt/2/size {
		return nil, fmt.Errorf("arena: slice of length %d and capacity %d of %d bytes each: %w", length, capacity, size, alloc.ErrSize)
	}
	p, err := a.take(size * capacity)
	if err != nil {
		return nil, err
	}
	if size*capacity == 0 { // there is no place for it in a full chunk
		return make([]T, length, capacity), nil
	}
	return unsafe.Slice((*T)(p), capacity)[:length], nil
}

// Append is append that takes memory from the arena: it never moves a slice to Go's
// heap. A slice that was allocated last grows in its place. The errors are those of
// [New]; s is as it was then.
func Append[T any](a *Arena, s []T, values ...T) ([]T, error) {
	n := len(s) + len(values)
	if n <= cap(s) {
		return append(s, values...), nil
	}
	if err := check[T](a); err != nil {
		return nil, err
	}
	size := unsafe.Sizeof(*new(T))
	if size > 0 && cap(s) > 0 && n <= math.MaxInt/2/int(size) && a.extend(unsafe.Pointer(unsafe.SliceData(s)), uintptr(cap(s))*size, uintptr(n)*size) {
		grown := unsafe.Slice(unsafe.SliceData(s), n)
		copy(grown[len(s):], values)
		return grown, nil
	}
	grown, err := makeSlice[T](a, n, max(n, min(2*cap(s), cap(s)+cap(s)/4+1024)))
	if err != nil {
		if grown, err = makeSlice[T](a, n, n); err != nil {
			return nil, err
		}
	}
	copy(grown, s)
	copy(grown[len(s):], values)
	clear(grown[n:cap(grown)])
	return grown, nil
}

// extend makes an allocation longer, if it was the last one and there is room.
func (a *Arena) extend(p unsafe.Pointer, from, to uintptr) bool {
	at := uintptr(p)
	if at-uintptr(a.base) >= a.off() || min((at+from+align-1)&^(align-1), a.end) != a.next || to > a.end-at {
		return false
	}
	a.next = min((at+to+align-1)&^(align-1), a.end)
	return true
}

// Clone returns a copy of a slice. The errors are those of [New].
func Clone[T any](a *Arena, s []T) ([]T, error) {
	c, err := makeSlice[T](a, len(s), len(s))
	copy(c, s)
	return c, err
}

// CloneString returns a copy of a string. The errors are those of [Arena.Alloc].
func CloneString(a *Arena, s string) (string, error) {
	p, err := a.take(len(s))
	if err != nil || len(s) == 0 {
		return "", err
	}
	b := unsafe.Slice((*byte)(p), len(s))
	copy(b, s)
	return unsafe.String(&b[0], len(s)), nil
}

package builtin

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/groundwork-go/groundwork/calc/internal/typed"
	"github.com/groundwork-go/groundwork/calc/internal/types"
	"github.com/groundwork-go/groundwork/calc/internal/value"
)

// makeList returns the builtin of that name for a list of elem, or nil.
func makeList(name string, elem *types.Type) *typed.Builtin {
	list := types.ListOf(elem)
	r := value.RepOf(elem)
	switch name {
	case "len":
		return pure(name, sig(list), types.Int, func(a args) value.Value { return value.FromInt(int64(value.Len(r, a[0].P))) })
	case "push":
		return form(name, sig(list, elem), types.None, func(m machine, a args) (value.Value, error) { return none, push(m, r, a[0].P, a[1]) })
	case "pop":
		return form(name, sig(list), elem, func(_ machine, a args) (value.Value, error) { return pop(r, a[0].P) })
	case "insert":
		return form(name, sig(list, types.Int, elem), types.None, func(m machine, a args) (value.Value, error) { return none, insert(m, r, a) })
	case "remove":
		return form(name, sig(list, types.Int), elem, func(_ machine, a args) (value.Value, error) { return remove(r, a) })
	case "clear":
		return pure(name, sig(list), types.None, func(a args) value.Value { value.Cut(r, a[0].P, 0); return none })
	case "copy":
		return form(name, sig(list), list, func(m machine, a args) (value.Value, error) {
			n := value.Len(r, a[0].P)
			if err := m.Grow(listBytes(r, n)); err != nil {
				return none, err
			}
			return value.Ref(value.Sub(r, a[0].P, 0, n)), nil
		})
	case "reverse":
		return pure(name, sig(list), types.None, func(a args) value.Value { reverse(r, a[0].P); return none })
	case "sort":
		if k := elem.Decided().Kind; k == types.KInt || k == types.KFloat || k == types.KString {
			return form(name, sig(list), types.None, func(m machine, a args) (value.Value, error) { return none, sortList(m, elem, a[0].P) })
		}
	case "contains", "index":
		if elem.Comparable() {
			return search(name, elem)
		}
	case "sum":
		if elem.IsNumber() {
			return pure(name, sig(list), elem, func(a args) value.Value { return sum(elem, a[0].P.Words().A) })
		}
	}
	return nil
}

// listBytes is what a list of n elements takes.
func listBytes(r value.Rep, n int) int64 { return int64(n)*int64(r.Size()) + 2*objectSize }

func push(m machine, r value.Rep, p *value.Obj, v value.Value) error {
	if err := room(m, r, p); err != nil {
		return err
	}
	value.Push(r, p, v)
	return nil
}

// room accounts for the growth of a full list by one element.
func room(m machine, r value.Rep, p *value.Obj) error {
	if n := value.Cap(r, p); n == value.Len(r, p) {
		return m.Grow(int64(n+8) * int64(r.Size()))
	}
	return nil
}

func pop(r value.Rep, p *value.Obj) (value.Value, error) {
	n := value.Len(r, p)
	if n == 0 {
		return none, errors.New("empty list")
	}
	v := value.At(r, p, n-1)
	value.Cut(r, p, n-1)
	return v, nil
}

func insert(m machine, r value.Rep, a args) error {
	p, i, n := a[0].P, a[1].Int(), value.Len(r, a[0].P)
	if i < 0 || i > int64(n) {
		return OutOfRange(i, n)
	}
	if err := room(m, r, p); err != nil {
		return err
	}
	value.Push(r, p, a[2])
	switch at := int(i); r {
	case value.RepWord:
		copy(p.Words().A[at+1:], p.Words().A[at:n])
	case value.RepByte:
		copy(p.Bytes().A[at+1:], p.Bytes().A[at:n])
	default:
		copy(p.Refs().A[at+1:], p.Refs().A[at:n])
	}
	value.Put(r, p, int(i), a[2])
	return nil
}

func remove(r value.Rep, a args) (value.Value, error) {
	p, i, n := a[0].P, a[1].Int(), value.Len(r, a[0].P)
	if i < 0 || i >= int64(n) {
		return none, OutOfRange(i, n)
	}
	v := value.At(r, p, int(i))
	switch at := int(i); r {
	case value.RepWord:
		copy(p.Words().A[at:], p.Words().A[at+1:])
	case value.RepByte:
		copy(p.Bytes().A[at:], p.Bytes().A[at+1:])
	default:
		copy(p.Refs().A[at:], p.Refs().A[at+1:])
	}
	value.Cut(r, p, n-1)
	return v, nil
}

func reverse(r value.Rep, p *value.Obj) {
	switch r {
	case value.RepWord:
		slices.Reverse(p.Words().A)
	case value.RepByte:
		slices.Reverse(p.Bytes().A)
	default:
		slices.Reverse(p.Refs().A)
	}
}

// compare returns the order of sort for values of type t, which is int, float or
// string.
func compare(t *types.Type) func(a, b value.Value) int {
	switch t.Decided().Kind {
	case types.KInt:
		return func(a, b value.Value) int { return cmp.Compare(a.Int(), b.Int()) }
	case types.KFloat:
		return func(a, b value.Value) int { return cmp.Compare(a.Float(), b.Float()) }
	}
	return func(a, b value.Value) int { return strings.Compare(a.Str(), b.Str()) }
}

func sortList(m machine, elem *types.Type, p *value.Obj) error {
	before := compare(elem)
	if elem.Is(types.KString) {
		refs := p.Refs().A
		if err := m.Grow(int64(len(refs)) * 4); err != nil { // of a stable sort
			return err
		}
		slices.SortStableFunc(refs, func(a, b *value.Obj) int { return before(value.Ref(a), value.Ref(b)) })
		return nil
	}
	// -0 and 0 are equal, so that floats want a stable sort as well.
	slices.SortStableFunc(p.Words().A, func(a, b uint64) int { return before(value.Value{N: a}, value.Value{N: b}) })
	return nil
}

// makeSortBy sorts a list of elem by a list of keys, which it sorts too. Elements
// without a key stay at the end.
func makeSortBy(elem, key *types.Type) *typed.Builtin {
	r, kr := value.RepOf(elem), value.RepOf(key)
	before := compare(key)
	return form("sortBy", sig(types.ListOf(elem), types.ListOf(key)), types.None, func(m machine, a args) (value.Value, error) {
		p, keys := a[0].P, a[1].P
		n := min(value.Len(r, p), value.Len(kr, keys))
		if err := m.Grow(int64(n) * 16); err != nil {
			return none, err
		}
		order := make([]int, n)
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(i, j int) int { return before(value.At(kr, keys, i), value.At(kr, keys, j)) })
		old := value.Sub(r, p, 0, n)
		for i, from := range order {
			value.Put(r, p, i, value.At(r, old, from))
		}
		return none, nil
	})
}

// search is contains and index.
func search(name string, elem *types.Type) *typed.Builtin {
	result := types.Int
	if name == "contains" {
		result = types.Bool
	}
	return form(name, sig(types.ListOf(elem), elem), result, func(m machine, a args) (value.Value, error) {
		i, err := Find(m, elem, a[0].P, a[1])
		if name == "contains" {
			return value.FromBool(i >= 0), err
		}
		return value.FromInt(int64(i)), err
	})
}

// Find returns the first index of v in a list of elem, or -1.
func Find(m machine, elem *types.Type, list *value.Obj, v value.Value) (int, error) {
	r := value.RepOf(elem)
	for i := range value.Len(r, list) {
		same, err := value.Equal(elem, value.At(r, list, i), v, m.Poll)
		if err != nil {
			return 0, err
		}
		if same {
			return i, nil
		}
	}
	return -1, nil
}

func sum(elem *types.Type, words []uint64) value.Value {
	if elem.Is(types.KInt) {
		var n uint64
		for _, w := range words {
			n += w
		}
		return value.Value{N: n}
	}
	f := 0.0
	for i, w := range words {
		x := value.Value{N: w}.Float()
		if i == 0 {
			f = x // the sum of [-0] is -0
		} else {
			f += x
		}
	}
	return value.FromFloat(f)
}

// makeRepeat is list(n, v).
func makeRepeat(elem *types.Type) *typed.Builtin {
	r := value.RepOf(elem)
	return form("list", sig(types.Int, elem), types.ListOf(elem), func(m machine, a args) (value.Value, error) {
		n := a[0].Int()
		if n < 0 {
			return none, errors.New("negative count")
		}
		if err := m.Grow(product(n, int64(r.Size())) + 2*objectSize); err != nil {
			return none, err
		}
		p := value.NewList(r, int(n), int(n))
		if a[1] != none {
			for i := range int(n) {
				value.Put(r, p, i, a[1])
			}
		}
		return value.Ref(p), nil
	})
}

// makeRange is range(a, b) or, with step, range(a, b, step), as a list.
func makeRange(step bool) *typed.Builtin {
	params := sig(types.Int, types.Int)
	if step {
		params = append(params, types.Int)
	}
	return form("range", params, types.ListOf(types.Int), func(m machine, a args) (value.Value, error) {
		by := int64(1)
		if step {
			by = a[2].Int()
		}
		n, err := Rounds(a[0].Int(), a[1].Int(), by)
		if err != nil {
			return none, err
		}
		if err := m.Grow(product(int64(min(n, 1<<62)), 8) + 2*objectSize); err != nil {
			return none, err
		}
		words := make([]uint64, n)
		x := a[0].N
		for i := range words {
			words[i] = x
			x += uint64(by)
		}
		return value.Ref(value.NewWords(words)), nil
	})
}

// Rounds returns how many numbers range(a, b, step) has.
func Rounds(a, b, step int64) (uint64, error) {
	switch {
	case step == 0:
		return 0, errors.New("step is 0")
	case step > 0 && a < b:
		return (uint64(b)-uint64(a)-1)/uint64(step) + 1, nil
	case step < 0 && a > b:
		return (uint64(a)-uint64(b)-1)/(-uint64(step)) + 1, nil
	}
	return 0, nil
}

package value

import "github.com/groundwork-go/groundwork/calc/internal/types"

// Rep is how a list keeps its elements.
type Rep uint8

// The representations.
const (
	RepWord Rep = iota // ints and floats
	RepByte            // bools
	RepRef
)

// RepOf returns the representation of lists of elem.
func RepOf(elem *types.Type) Rep {
	switch elem.Decided().Kind {
	case types.KInt, types.KFloat:
		return RepWord
	case types.KBool:
		return RepByte
	}
	return RepRef
}

// Size is the bytes of one element.
func (r Rep) Size() int {
	if r == RepByte {
		return 1
	}
	return 8
}

// NewList returns a list of n zero words, or nil references, with room for more.
func NewList(r Rep, n, room int) *Obj {
	switch r {
	case RepWord:
		return NewWords(make([]uint64, n, room))
	case RepByte:
		return NewBytes(make([]byte, n, room))
	}
	return NewRefs(make([]*Obj, n, room))
}

// Len returns the length of a list.
func Len(r Rep, p *Obj) int {
	switch r {
	case RepWord:
		return len(p.Words().A)
	case RepByte:
		return len(p.Bytes().A)
	}
	return len(p.Refs().A)
}

// Cap returns for how many elements a list has room.
func Cap(r Rep, p *Obj) int {
	switch r {
	case RepWord:
		return cap(p.Words().A)
	case RepByte:
		return cap(p.Bytes().A)
	}
	return cap(p.Refs().A)
}

// At returns an element.
func At(r Rep, p *Obj, i int) Value {
	switch r {
	case RepWord:
		return Value{N: p.Words().A[i]}
	case RepByte:
		return Value{N: uint64(p.Bytes().A[i])}
	}
	return Value{P: p.Refs().A[i]}
}

// Put stores an element.
func Put(r Rep, p *Obj, i int, v Value) {
	switch r {
	case RepWord:
		p.Words().A[i] = v.N
	case RepByte:
		p.Bytes().A[i] = byte(v.N)
	default:
		p.Refs().A[i] = v.P
	}
}

// Push adds an element at the end.
func Push(r Rep, p *Obj, v Value) {
	switch r {
	case RepWord:
		l := p.Words()
		l.A = append(l.A, v.N)
	case RepByte:
		l := p.Bytes()
		l.A = append(l.A, byte(v.N))
	default:
		l := p.Refs()
		l.A = append(l.A, v.P)
	}
}

// Cut shortens a list; what is cut off is forgotten.
func Cut(r Rep, p *Obj, n int) {
	switch r {
	case RepWord:
		p.Words().A = p.Words().A[:n]
	case RepByte:
		p.Bytes().A = p.Bytes().A[:n]
	default:
		clear(p.Refs().A[n:])
		p.Refs().A = p.Refs().A[:n]
	}
}

// Sub returns a list with a copy of the elements from i to before j.
func Sub(r Rep, p *Obj, i, j int) *Obj {
	switch r {
	case RepWord:
		return NewWords(append(make([]uint64, 0, j-i), p.Words().A[i:j]...))
	case RepByte:
		return NewBytes(append(make([]byte, 0, j-i), p.Bytes().A[i:j]...))
	}
	return NewRefs(append(make([]*Obj, 0, j-i), p.Refs().A[i:j]...))
}

// Concat returns a list with the elements of two.
func Concat(r Rep, p, q *Obj) *Obj {
	switch r {
	case RepWord:
		a, b := p.Words().A, q.Words().A
		return NewWords(append(append(make([]uint64, 0, len(a)+len(b)), a...), b...))
	case RepByte:
		a, b := p.Bytes().A, q.Bytes().A
		return NewBytes(append(append(make([]byte, 0, len(a)+len(b)), a...), b...))
	}
	a, b := p.Refs().A, q.Refs().A
	return NewRefs(append(append(make([]*Obj, 0, len(a)+len(b)), a...), b...))
}

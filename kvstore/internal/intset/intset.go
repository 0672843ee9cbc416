// Package intset is a sorted set of integers in one slice, in Redis's form of that
// name: the width of an integer in bytes, their number, and the integers.
package intset

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
)

const header = 8

// ErrBad is returned by Validate.
var ErrBad = errors.New("intset: bad bytes")

// New returns an empty set appended to dst, which must be empty.
func New(dst []byte) []byte { return append(dst, 2, 0, 0, 0, 0, 0, 0, 0) }

func width(s []byte) int { return int(s[0]) }

// Len returns the number of integers.
func Len(s []byte) int { return int(binary.LittleEndian.Uint32(s[4:])) }

func widthOf(n int64) int {
	switch {
	case math.MinInt16 <= n && n <= math.MaxInt16:
		return 2
	case math.MinInt32 <= n && n <= math.MaxInt32:
		return 4
	}
	return 8
}

// At returns the i-th integer.
func At(s []byte, i int) int64 { return get(s[header:], width(s), i) }

func get(b []byte, w, i int) int64 {
	switch w {
	case 2:
		return int64(int16(binary.LittleEndian.Uint16(b[2*i:])))
	case 4:
		return int64(int32(binary.LittleEndian.Uint32(b[4*i:])))
	}
	return int64(binary.LittleEndian.Uint64(b[8*i:]))
}

func put(b []byte, w, i int, n int64) {
	switch w {
	case 2:
		binary.LittleEndian.PutUint16(b[2*i:], uint16(n))
	case 4:
		binary.LittleEndian.PutUint32(b[4*i:], uint32(n))
	default:
		binary.LittleEndian.PutUint64(b[8*i:], uint64(n))
	}
}

// Find returns the place of n, or where it would be.
func Find(s []byte, n int64) (int, bool) {
	lo, hi := 0, Len(s)
	for lo < hi {
		mid := (lo + hi) / 2
		switch v := At(s, mid); {
		case v == n:
			return mid, true
		case v < n:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return lo, false
}

// Add adds n and tells whether it was new.
func Add(s []byte, n int64) ([]byte, bool) {
	i, found := Find(s, n)
	if found {
		return s, false
	}
	count, w := Len(s), width(s)
	if need := widthOf(n); need > w {
		wide := make([]byte, header+need*count, header+need*(count+1))
		wide[0] = byte(need)
		for j := range count {
			put(wide[header:], need, j, At(s, j))
		}
		s, w = wide, need
	}
	at := header + i*w
	var room [8]byte
	s = slices.Insert(s, at, room[:w]...)
	put(s[header:], w, i, n)
	binary.LittleEndian.PutUint32(s[4:], uint32(count+1))
	return s, true
}

// Remove removes n and tells whether it was there.
func Remove(s []byte, n int64) ([]byte, bool) {
	i, found := Find(s, n)
	if !found {
		return s, false
	}
	w := width(s)
	s = slices.Delete(s, header+i*w, header+i*w+w)
	binary.LittleEndian.PutUint32(s[4:], uint32(Len(s)-1))
	return s, true
}

// Validate tells whether bytes from outside are a set.
func Validate(s []byte) error {
	if len(s) < header || s[1]|s[2]|s[3] != 0 {
		return ErrBad
	}
	w := width(s)
	if w != 2 && w != 4 && w != 8 || int64(Len(s))*int64(w) != int64(len(s)-header) {
		return ErrBad
	}
	for i := 1; i < Len(s); i++ {
		if At(s, i-1) >= At(s, i) {
			return ErrBad
		}
	}
	return nil
}

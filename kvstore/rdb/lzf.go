package rdb

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

// LZF, after M. Lehmann's liblzf: a stream of literals (a byte n below 32, then n+1
// bytes) and of references backwards (three bits of length less two, 7 for more in
// the next byte; 13 bits of distance less one).
const (
	lzfMaxLiteral  = 1 << 5
	lzfMaxDistance = 1 << 13
	lzfMaxLength   = 7 + 255 + 2
	lzfHashBits    = 13
)

var errLZF = errors.New("bad LZF data")

// lzfTable finds where three bytes were last seen. It is not cleared between
// strings: what it says is verified.
type lzfTable [1 << lzfHashBits]uint32

func lzfHash(v uint32) uint32 { return v * 0x9e3779b1 >> (32 - lzfHashBits) }

// compress appends b, compressed, to dst, or returns false if that does not save
// at least four bytes.
func (t *lzfTable) compress(dst, b []byte) ([]byte, bool) {
	limit := len(dst) + len(b) - 4
	literals := 0 // of b, before i, not in dst yet
	i := 0
	for i+3 < len(b) {
		v := binary.LittleEndian.Uint32(b[i:]) << 8 // the low three bytes
		h := lzfHash(v)
		at := int(t[h])
		t[h] = uint32(i)
		if at >= i || i-at > lzfMaxDistance || binary.LittleEndian.Uint32(b[at:])<<8 != v {
			i++
			if literals++; literals == lzfMaxLiteral {
				if dst = appendLiterals(dst, b[i-literals:i]); len(dst) >= limit {
					return dst, false
				}
				literals = 0
			}
			continue
		}
		dst = appendLiterals(dst, b[i-literals:i])
		literals = 0
		n := 3 + same(b[at+3:], b[i+3:min(len(b), i+lzfMaxLength)])
		distance := i - at - 1
		if n-2 < 7 {
			dst = append(dst, byte((n-2)<<5|distance>>8), byte(distance))
		} else {
			dst = append(dst, byte(7<<5|distance>>8), byte(n-2-7), byte(distance))
		}
		if len(dst) >= limit {
			return dst, false
		}
		i += n
	}
	dst = appendLiterals(dst, b[i-literals:])
	return dst, len(dst) <= limit
}

// appendLiterals appends b in runs.
func appendLiterals(dst, b []byte) []byte {
	for len(b) > 0 {
		n := min(len(b), lzfMaxLiteral)
		dst = append(append(dst, byte(n-1)), b[:n]...)
		b = b[n:]
	}
	return dst
}

// same returns the length of the common prefix.
func same(a, b []byte) int {
	n := min(len(a), len(b))
	i := 0
	for ; i+8 <= n; i += 8 {
		if x := binary.LittleEndian.Uint64(a[i:]) ^ binary.LittleEndian.Uint64(b[i:]); x != 0 {
			return i + bits.TrailingZeros64(x)/8
		}
	}
	for i < n && a[i] == b[i] {
		i++
	}
	return i
}

// lzfExpansion is how many times longer than its compressed form a string can be,
// rounded up.
const lzfExpansion = lzfMaxLength/3 + 1

// expand appends the n bytes that b is the compressed form of.
func expand(dst, b []byte, n int) ([]byte, error) {
	start := len(dst)
	for i := 0; i < len(b); {
		c := int(b[i])
		i++
		if c < lzfMaxLiteral {
			if i+c+1 > len(b) || len(dst)-start+c+1 > n {
				return dst, errLZF
			}
			dst = append(dst, b[i:i+c+1]...)
			i += c + 1
			continue
		}
		length := c >> 5
		if length == 7 {
			if i >= len(b) {
				return dst, errLZF
			}
			length += int(b[i])
			i++
		}
		length += 2
		if i >= len(b) {
			return dst, errLZF
		}
		from := len(dst) - (c&0x1f<<8 | int(b[i])) - 1
		i++
		if from < start || len(dst)-start+length > n {
			return dst, errLZF
		}
		for length > 0 { // the two may overlap: what is there is repeated, and then twice as much
			part := dst[from:min(from+length, len(dst))]
			dst = append(dst, part...)
			length -= len(part)
		}
	}
	if len(dst)-start != n {
		return dst, errLZF
	}
	return dst, nil
}

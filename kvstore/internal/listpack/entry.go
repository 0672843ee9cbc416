// Package listpack packs short lists of byte strings into one slice, in Redis's
// own form of that name, so that what is in memory is also what RDB files and
// DUMP payloads hold: a header of the length in bytes and the number of entries,
// the entries, and an end mark. Each entry ends with its length, for walking
// backwards. Strings that are the decimal form of an integer are kept as one.
//
// An entry is named by its offset. All functions but [Validate] trust their input.
package listpack

import (
	"encoding/binary"
	"strconv"
)

// maxIntLen bounds the text of an integer.
const maxIntLen = 20

// ParseInt returns the integer whose decimal form is exactly b.
func ParseInt(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > maxIntLen {
		return 0, false
	}
	digits := b
	neg := b[0] == '-'
	if neg {
		digits = b[1:]
	}
	if len(digits) == 0 || digits[0] == '0' && (len(digits) > 1 || neg) {
		return 0, false
	}
	var n uint64
	for _, c := range digits {
		d := c - '0'
		if d > 9 {
			return 0, false
		}
		if n > (1<<64-1)/10 {
			return 0, false
		}
		m := n*10 + uint64(d)
		if m < n*10 {
			return 0, false
		}
		n = m
	}
	if neg {
		if n > 1<<63 {
			return 0, false
		}
		return -int64(n), true
	}
	return int64(n), n < 1<<63
}

// AppendEntry appends an entry for v.
func AppendEntry(dst, v []byte) []byte {
	if len(v) <= maxIntLen {
		if n, ok := ParseInt(v); ok {
			return AppendInt(dst, n)
		}
	}
	start := len(dst)
	switch n := len(v); {
	case n < 64:
		dst = append(dst, 0x80|byte(n))
	case n < 4096:
		dst = append(dst, 0xe0|byte(n>>8), byte(n))
	default:
		dst = binary.LittleEndian.AppendUint32(append(dst, 0xf0), uint32(n))
	}
	dst = append(dst, v...)
	return appendBack(dst, len(dst)-start)
}

// AppendInt appends an entry for an integer.
func AppendInt(dst []byte, n int64) []byte {
	start := len(dst)
	switch {
	case 0 <= n && n < 128:
		return append(dst, byte(n), 1)
	case -4096 <= n && n < 4096:
		u := uint16(n) & 0x1fff
		dst = append(dst, 0xc0|byte(u>>8), byte(u))
	case -1<<15 <= n && n < 1<<15:
		dst = append(dst, 0xf1, byte(n), byte(n>>8))
	case -1<<23 <= n && n < 1<<23:
		dst = append(dst, 0xf2, byte(n), byte(n>>8), byte(n>>16))
	case -1<<31 <= n && n < 1<<31:
		dst = binary.LittleEndian.AppendUint32(append(dst, 0xf3), uint32(n))
	default:
		dst = binary.LittleEndian.AppendUint64(append(dst, 0xf4), uint64(n))
	}
	return appendBack(dst, len(dst)-start)
}

// appendBack appends the length of an entry in groups of seven bits that are
// read from the end.
func appendBack(dst []byte, n int) []byte {
	switch {
	case n < 1<<7:
		return append(dst, byte(n))
	case n < 1<<14-1:
		return append(dst, byte(n>>7), byte(n)|128)
	case n < 1<<21-1:
		return append(dst, byte(n>>14), byte(n>>7)|128, byte(n)|128)
	case n < 1<<28-1:
		return append(dst, byte(n>>21), byte(n>>14)|128, byte(n>>7)|128, byte(n)|128)
	}
	return append(dst, byte(n>>28), byte(n>>21)|128, byte(n>>14)|128, byte(n>>7)|128, byte(n)|128)
}

func backLen(n int) int {
	switch {
	case n < 1<<7:
		return 1
	case n < 1<<14-1:
		return 2
	case n < 1<<21-1:
		return 3
	case n < 1<<28-1:
		return 4
	}
	return 5
}

// Skip returns the length of the entry that b begins with.
func Skip(b []byte) int {
	n := head(b)
	return n + backLen(n)
}

// head returns the length of an entry without what tells it backwards.
func head(b []byte) int {
	c := b[0]
	switch {
	case c < 0x80:
		return 1
	case c < 0xc0:
		return 1 + int(c&0x3f)
	case c < 0xe0:
		return 2
	case c < 0xf0:
		return 2 + int(c&0xf)<<8 + int(b[1])
	case c == 0xf0:
		return 5 + int(binary.LittleEndian.Uint32(b[1:]))
	case c == 0xf1:
		return 3
	case c == 0xf2:
		return 4
	case c == 0xf3:
		return 5
	}
	return 9
}

// SkipBack returns the length of the entry that b ends with.
func SkipBack(b []byte) int {
	n, shift := 0, 0
	for i := len(b) - 1; ; i-- {
		n |= int(b[i]&127) << shift
		if b[i]&128 == 0 || shift == 28 {
			return n + backLen(n)
		}
		shift += 7
	}
}

// Decode returns the string that b begins with, or, if s is nil, the integer.
func Decode(b []byte) (s []byte, n int64) {
	c := b[0]
	switch {
	case c < 0x80:
		return nil, int64(c)
	case c < 0xc0:
		return b[1 : 1+int(c&0x3f) : 1+int(c&0x3f)], 0
	case c < 0xe0:
		return nil, int64(int16(uint16(c&0x1f)<<11|uint16(b[1])<<3)) >> 3
	case c < 0xf0:
		end := 2 + int(c&0xf)<<8 + int(b[1])
		return b[2:end:end], 0
	case c == 0xf0:
		end := 5 + int(binary.LittleEndian.Uint32(b[1:]))
		return b[5:end:end], 0
	case c == 0xf1:
		return nil, int64(int16(binary.LittleEndian.Uint16(b[1:])))
	case c == 0xf2:
		return nil, int64(int32(uint32(b[1])<<8|uint32(b[2])<<16|uint32(b[3])<<24)) >> 8
	case c == 0xf3:
		return nil, int64(int32(binary.LittleEndian.Uint32(b[1:])))
	}
	return nil, int64(binary.LittleEndian.Uint64(b[1:]))
}

// Text returns the string that b begins with; the form of an integer is appended
// to scratch[:0].
func Text(b, scratch []byte) []byte {
	s, n := Decode(b)
	if s == nil {
		return strconv.AppendInt(scratch[:0], n, 10)
	}
	return s
}

// Equal tells whether the entry that b begins with is v, of which n is the integer
// if isInt.
func Equal(b, v []byte, n int64, isInt bool) bool {
	s, m := Decode(b)
	if s == nil {
		return isInt && n == m
	}
	return !isInt && string(s) == string(v)
}

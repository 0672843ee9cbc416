package kvstore

import (
	"bytes"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/groundwork-go/groundwork/kvstore/internal/listpack"
)

// is tells whether an argument is a word, given in upper case.
func is(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i := range len(b) {
		c := b[i]
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

// parseInt reads an integer as strictly as Redis: no sign +, no leading zeros, no
// spaces.
func parseInt(b []byte) (int64, bool) { return listpack.ParseInt(b) }

// parseFloat reads a number as C's strtod does, without spaces around it and
// without NaN.
func parseFloat(b []byte) (float64, bool) {
	if len(b) == 0 || len(b) >= 5<<10 {
		return 0, false
	}
	if n, ok := smallInt(b); ok {
		return float64(n), true
	}
	s := string(b)
	if strings.ContainsRune(s, '_') {
		return 0, false // Go's, not C's
	}
	digits := strings.TrimLeft(s, "+-")
	if len(digits) > 1 && (digits[1] == 'x' || digits[1] == 'X') && !strings.ContainsAny(s, "pP") {
		s += "p0"
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) {
		return 0, false
	}
	if f == 0 {
		mantissa, _, _ := strings.Cut(strings.ToLower(digits), "e")
		if strings.ContainsAny(mantissa, "123456789") {
			return 0, false // too small
		}
	}
	return f, true
}

// smallInt reads an integer of up to 15 digits.
func smallInt(b []byte) (int64, bool) {
	if len(b) > 15 {
		return 0, false
	}
	var n int64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// appendFloat appends the shortest form that C's %.17g gives.
func appendFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsInf(f, 1):
		return append(dst, "inf"...)
	case math.IsInf(f, -1):
		return append(dst, "-inf"...)
	case math.IsNaN(f):
		return append(dst, "nan"...)
	case f == math.Trunc(f) && f > -1e15 && f < 1e15 && (f != 0 || !math.Signbit(f)):
		return strconv.AppendInt(dst, int64(f), 10)
	}
	return strconv.AppendFloat(dst, f, 'g', 17, 64)
}

// longDouble is a number in the precision that Redis computes increments of
// floating point numbers in.
type longDouble = *big.Float

const longDoubleBits = 64

// parseLongDouble reads a number; an infinite one is ok and nil.
func parseLongDouble(b []byte) (f longDouble, ok bool) {
	if len(b) == 0 || len(b) >= 5<<10 { // as in Redis
		return nil, false
	}
	s := strings.ToLower(string(b))
	d, isDouble := parseFloat(b)
	if isDouble && math.IsInf(d, 0) {
		return nil, true
	}
	if strings.ContainsAny(s, "_inb") { // what big.ParseFloat knows and C does not
		if !strings.HasPrefix(strings.TrimLeft(s, "+-"), "0x") || strings.Contains(s, "_") {
			return nil, false
		}
	}
	f, _, err := big.ParseFloat(strings.TrimPrefix(s, "+"), 0, longDoubleBits, big.ToNearestEven)
	if err != nil || f.IsInf() || f.MantExp(nil) > 16383 {
		return nil, false
	}
	return f, true
}

// formatLongDouble returns the number with up to 17 digits behind the point.
func formatLongDouble(f longDouble) []byte {
	b := f.Append(nil, 'f', 17)
	if i := strings.IndexByte(string(b), '.'); i >= 0 {
		n := len(b)
		for b[n-1] == '0' {
			n--
		}
		if b[n-1] == '.' {
			n--
		}
		b = b[:n]
	}
	if string(b) == "-0" {
		return b[1:]
	}
	return b
}

func appendInt(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }

func addLongDouble(a, b longDouble) longDouble {
	return new(big.Float).SetPrec(longDoubleBits).Add(a, b)
}

const msgInfinite = "ERR increment would produce NaN or Infinity"

// cString returns what is before the first zero byte.
func cString(b []byte) []byte {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return b[:i]
	}
	return b
}

// intArg reads an integer argument, or answers an error.
func (s *Session) intArg(b []byte) (int64, bool) {
	n, ok := parseInt(b)
	if !ok {
		s.fail(msgNotInt)
	}
	return n, ok
}

// intArgs parses two integers.
func (s *Session) intArgs(x, y []byte) (from, to int64, ok bool) {
	if from, ok = s.intArg(x); ok {
		to, ok = s.intArg(y)
	}
	return from, to, ok
}

// rangeArg reads an integer in a range, or answers msg.
func (s *Session) rangeArg(b []byte, lo, hi int64, msg string) (int64, bool) {
	n, ok := parseInt(b)
	if !ok || n < lo || n > hi {
		if msg == "" {
			msg = msgNotInt
		}
		s.fail(msg)
		return 0, false
	}
	return n, true
}

func itoa(n int64) []byte { return strconv.AppendInt(nil, n, 10) }

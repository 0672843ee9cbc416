package kvstore

import (
	"math"
	"math/big"

	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
)

func cmdIncr(s *Session, a [][]byte) {
	by := int64(1)
	if len(a) == 3 {
		var ok bool
		if by, ok = s.intArg(a[2]); !ok {
			return
		}
	}
	if s.cmd.upper[0] == 'D' {
		if by == math.MinInt64 {
			s.fail("ERR decrement would overflow")
			return
		}
		by = -by
	}
	if n, ok := s.incr(a[1], by); ok {
		s.w.int(n)
	}
}

// incr adds to the integer at a key.
func (s *Session) incr(key []byte, by int64) (int64, bool) {
	e, ok := s.typedWrite(key, keyspace.String)
	if !ok {
		return 0, false
	}
	var n int64
	if e.Exists() {
		if n, ok = parseInt(e.Str()); !ok {
			s.fail(msgNotInt)
			return 0, false
		}
	}
	if by < 0 && n < math.MinInt64-by || by > 0 && n > math.MaxInt64-by {
		s.fail(msgOverflow)
		return 0, false
	}
	n += by
	var scratch [24]byte
	s.setString(e, key, appendInt(scratch[:0], n), true)
	s.changed(key, 1)
	s.notify(notifyString, "incrby", key)
	return n, true
}

func cmdIncrbyfloat(s *Session, a [][]byte) {
	key := a[1]
	e, ok := s.typedWrite(key, keyspace.String)
	if !ok {
		return
	}
	n, ok := new(big.Float), true
	if e.Exists() {
		if n, ok = parseLongDouble(e.Str()); !ok {
			s.fail(msgNotFloat)
			return
		}
	}
	by, ok := parseLongDouble(a[2])
	switch {
	case !ok:
		s.fail(msgNotFloat)
		return
	case n == nil || by == nil:
		s.fail(msgInfinite)
		return
	}
	n = addLongDouble(n, by)
	v := formatLongDouble(n)
	s.setString(e, key, v, true).SetText()
	s.changed(key, 1)
	s.notify(notifyString, "incrbyfloat", key)
	s.effect([]byte("SET"), key, v, []byte("KEEPTTL"))
	s.w.bulk(v)
}

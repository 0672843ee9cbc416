package kvstore

import (
	"bytes"
	"math"
	"math/rand/v2"

	"github.com/groundwork-go/groundwork/kvstore/internal/keyspace"
)

func cmdHset(s *Session, a [][]byte) {
	if len(a)%2 != 0 {
		s.fail(wrongArity(s.cmd))
		return
	}
	e, ok := s.hashFor(a[1])
	if !ok {
		return
	}
	for _, b := range a[2:] {
		e.HashFits(len(b))
	}
	added := 0
	for i := 2; i < len(a); i += 2 {
		if e.HashSet(a[i], a[i+1]) {
			added++
		}
	}
	s.changed(a[1], (len(a)-2)/2)
	s.notify(notifyHash, "hset", a[1])
	if s.cmd.upper == "HMSET" {
		s.w.ok()
	} else {
		s.w.count(added)
	}
}

// hashFor returns the hash at a key for writing, which it makes if there is none.
func (s *Session) hashFor(key []byte) (keyspace.Entry, bool) {
	e, ok := s.typedWrite(key, keyspace.Hash)
	if ok && !e.Exists() {
		e = e.Shard().NewHash(e, key)
	}
	return e, ok
}

func cmdHsetnx(s *Session, a [][]byte) {
	e, ok := s.typedWrite(a[1], keyspace.Hash)
	if !ok {
		return
	}
	var scratch [24]byte
	if e.Exists() {
		if _, has := e.HashGet(a[2], scratch[:0]); has {
			s.w.int(0)
			return
		}
	} else {
		e = e.Shard().NewHash(e, a[1])
	}
	e.HashFits(max(len(a[2]), len(a[3])))
	e.HashSet(a[2], a[3])
	s.changed(a[1], 1)
	s.notify(notifyHash, "hset", a[1])
	s.w.int(1)
}

func cmdHget(s *Session, a [][]byte) {
	e, ok := s.typed(a[1], keyspace.Hash)
	if !ok {
		return
	}
	s.hashValue(e, a[2])
}

func (s *Session) hashValue(e keyspace.Entry, field []byte) {
	if e.Exists() {
		var scratch [24]byte
		if v, has := e.HashGet(field, scratch[:0]); has {
			s.w.bulk(v)
			return
		}
	}
	s.w.null()
}

func cmdHmget(s *Session, a [][]byte) {
	e, ok := s.typed(a[1], keyspace.Hash)
	if !ok {
		return
	}
	s.w.array(len(a) - 2)
	for _, f := range a[2:] {
		s.hashValue(e, f)
	}
}

func cmdHdel(s *Session, a [][]byte) {
	s.removeMembers(a, keyspace.Hash, keyspace.Entry.HashLen, (*keyspace.Entry).HashDelete, notifyHash)
}

func cmdHgetall(s *Session, a [][]byte) {
	e, ok := s.typed(a[1], keyspace.Hash)
	if !ok {
		return
	}
	fields, values := s.cmd.upper != "HVALS", s.cmd.upper != "HKEYS"
	n := 0
	if e.Exists() {
		n = e.HashLen()
	}
	if fields && values {
		s.w.mapHead(n)
	} else {
		s.w.array(n)
	}
	if n == 0 {
		return
	}
	e.HashEach(func(f, v []byte) bool {
		if fields {
			s.w.bulk(f)
		}
		if values {
			s.w.bulk(v)
		}
		return true
	})
}

func cmdHlen(s *Session, a [][]byte) {
	e, ok := s.typed(a[1], keyspace.Hash)
	switch {
	case !ok:
	case e.Exists():
		s.w.count(e.HashLen())
	default:
		s.w.int(0)
	}
}

func cmdHexists(s *Session, a [][]byte) {
	e, ok := s.typed(a[1], keyspace.Hash)
	if !ok {
		return
	}
	has := false
	if e.Exists() {
		var scratch [24]byte
		_, has = e.HashGet(a[2], scratch[:0])
	}
	s.w.bool(has)
}

func cmdHstrlen(s *Session, a [][]byte) {
	e, ok := s.typed(a[1], keyspace.Hash)
	if !ok {
		return
	}
	n := 0
	if e.Exists() {
		var scratch [24]byte
		v, _ := e.HashGet(a[2], scratch[:0])
		n = len(v)
	}
	s.w.count(n)
}

func cmdHincrby(s *Session, a [][]byte) {
	by, ok := s.intArg(a[3])
	if !ok {
		return
	}
	e, ok := s.hashForNumber(a[1])
	if !ok {
		return
	}
	n := int64(0)
	var scratch [24]byte
	if e.Exists() {
		if v, has := e.HashGet(a[2], scratch[:0]); has {
			if n, ok = parseInt(v); !ok {
				s.fail(msgHashInt)
				return
			}
		}
	}
	if by < 0 && n < math.MinInt64-by || by > 0 && n > math.MaxInt64-by {
		s.fail(msgOverflow)
		return
	}
	n += by
	if !e.Exists() {
		e = e.Shard().NewHash(e, a[1])
	}
	e.HashFits(len(a[2]))
	e.HashSet(a[2], appendInt(scratch[:0], n))
	s.changed(a[1], 1)
	s.notify(notifyHash, "hincrby", a[1])
	s.w.int(n)
}

func (s *Session) hashForNumber(key []byte) (keyspace.Entry, bool) {
	return s.typedWrite(key, keyspace.Hash)
}

func cmdHincrbyfloat(s *Session, a [][]byte) {
	by, ok := parseLongDouble(a[3])
	switch {
	case !ok:
		s.fail(msgNotFloat)
		return
	case by == nil:
		s.fail("ERR value is NaN or Infinity")
		return
	}
	e, ok := s.typedWrite(a[1], keyspace.Hash)
	if !ok {
		return
	}
	n := by
	var scratch [24]byte
	if e.Exists() {
		if v, has := e.HashGet(a[2], scratch[:0]); has {
			old, ok := parseLongDouble(v)
			if !ok {
				s.fail("ERR hash value is not a float")
				return
			}
			if old == nil {
				s.fail(msgInfinite)
				return
			}
			n = addLongDouble(old, by)
		}
	} else {
		e = e.Shard().NewHash(e, a[1])
	}
	v := formatLongDouble(n)
	e.HashFits(max(len(a[2]), len(v)))
	e.HashSet(a[2], v)
	s.changed(a[1], 1)
	s.notify(notifyHash, "hincrbyfloat", a[1])
	s.effect([]byte("HSET"), a[1], a[2], v)
	s.w.bulk(v)
}

func cmdHscan(s *Session, a [][]byte) {
	e, pos, o, ok := s.scanCollection(a, keyspace.Hash)
	if !ok {
		return
	}
	var found [][]byte
	next := s.scanLoop(e, pos, o, func(p uint64, seen func()) uint64 {
		return e.HashScan(p, func(f, v []byte) {
			seen()
			if o.match(f) {
				found = append(found, bytes.Clone(f), bytes.Clone(v))
			}
		})
	})
	s.scanReply(next, len(found))
	for _, b := range found {
		s.w.bulk(b)
	}
}

// scanLoop calls step until enough was seen, and returns the next cursor.
func (s *Session) scanLoop(e keyspace.Entry, pos uint64, o scanOptions, step func(p uint64, seen func()) uint64) uint64 {
	if !e.Exists() {
		return 0
	}
	left := o.count
	p := pos << 32
	for steps := o.count * 10; left > 0 && steps > 0; steps-- {
		if p = step(p, func() { left-- }); p == 0 {
			break
		}
	}
	return p >> 32
}

func cmdHrandfield(s *Session, a [][]byte) {
	if len(a) == 2 {
		e, ok := s.typed(a[1], keyspace.Hash)
		if !ok {
			return
		}
		if !e.Exists() {
			s.w.null()
			return
		}
		e.HashRandom(rand.IntN, func(f, _ []byte) { s.w.bulk(f) })
		return
	}
	count, withValues, ok := s.countArgs(a, "WITHVALUES")
	if !ok {
		return
	}
	e, ok := s.typed(a[1], keyspace.Hash)
	if !ok {
		return
	}
	if !e.Exists() || count == 0 {
		s.w.emptyArray()
		return
	}
	emit := func(f, v []byte) {
		if withValues && s.w.proto >= 3 {
			s.w.array(2)
		}
		s.w.bulk(f)
		if withValues {
			s.w.bulk(v)
		}
	}
	s.randomMembers(count, e.HashLen(), withValues,
		func(f func(a, b []byte)) { e.HashRandom(rand.IntN, f) },
		func(f func(a, b []byte) bool) { e.HashEach(f) }, emit)
}

// countArgs reads the count of a command for random elements, and the word behind
// it.
func (s *Session) countArgs(a [][]byte, word string) (n int64, with, ok bool) {
	if n, ok = s.intArg(a[2]); !ok {
		return
	}
	switch {
	case n == math.MinInt64:
		s.fail("ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807")
	case len(a) > 4 || len(a) == 4 && !is(a[3], word):
		s.fail(msgSyntax)
	case len(a) == 4 && (n < -math.MaxInt64/2 || n > math.MaxInt64/2):
		s.fail("ERR value is out of range")
	default:
		return n, len(a) == 4, true
	}
	return n, false, false
}

// randomMembers answers -count elements by chance, or count different ones.
func (s *Session) randomMembers(count int64, n int, pairs bool, one func(func(a, b []byte)), each func(func(a, b []byte) bool), emit func(a, b []byte)) {
	flat := 1
	if pairs && s.w.proto < 3 {
		flat = 2
	}
	if count < 0 {
		s.w.array(int(-count) * flat)
		for limit := s.db.Limits().Output[s.Class()]; count < 0; count++ {
			if one(emit); !s.trusted && limit.Exceeded(len(s.w.b)) {
				s.closing = true // the reply is never sent: see Limits.Output
				return
			}
		}
		return
	}
	want := int(min(count, int64(n)))
	s.w.array(want * flat)
	i, left := 0, want
	each(func(a, b []byte) bool { // each element with the chance that is left for it
		if rand.IntN(n-i) < left {
			emit(a, b)
			left--
		}
		i++
		return left > 0
	})
}
